"""Detects the encoding of a text by its byte order mark, or by the positions of its NULs."""

from planit_mailer.spreadsheets.containers.zip_archive import Damaged

# The longer marks come first: those of UTF-32 begin with those of UTF-16.
MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
# Encoding, bytes of a unit, and the positions in each unit that are nearly always NUL in Western text.
WIDE = (("utf-32-le", 4, (1, 2, 3)), ("utf-32-be", 4, (0, 1, 2)), ("utf-16-le", 2, (1,)), ("utf-16-be", 2, (0,)))
SAMPLE = 1_000  # bytes that are looked at


class UnknownEncodingError(Damaged):
    """A text is in none of the encodings that we can tell."""


def of(start: bytes) -> str:
    """Return the encoding of a text by its beginning.

    Returns "" if each ASCII character is one byte, as in UTF-8 and cp1252.
    """
    for mark, encoding in MARKS:
        if start.startswith(mark):
            return encoding
    sample = start[:SAMPLE]
    for encoding, unit, positions in WIDE:
        if _are_nul(sample, unit, positions):
            return encoding
    return ""


def _are_nul(sample: bytes, unit: int, positions: tuple[int, ...]) -> bool:
    """Return True if more than two thirds of the units have a NUL in each of these positions."""
    most = len(sample) // unit * 2 // 3
    return all(sample[position::unit].count(0) > most for position in positions)

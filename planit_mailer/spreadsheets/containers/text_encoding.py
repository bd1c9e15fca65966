"""The encoding of a text, told by its byte order mark, else by the positions of its NULs."""

# The longer marks first: those of UTF-16 begin UTF-32's.
MARKS = (
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
# Western text in these has NULs in all these places of each unit: its bytes, and those that are nearly always NUL.
WIDE = (("utf-32-le", 4, (1, 2, 3)), ("utf-32-be", 4, (0, 1, 2)), ("utf-16-le", 2, (1,)), ("utf-16-be", 2, (0,)))
SAMPLE = 1_000  # bytes that tell


def of(start: bytes) -> str:
    """The encoding of a text by its beginning; "" if each ASCII character is one byte, as in UTF-8 and cp1252."""
    for mark, encoding in MARKS:
        if start.startswith(mark):
            return encoding
    sample = start[:SAMPLE]
    for encoding, unit, places in WIDE:
        if all(sample[place::unit].count(0) > len(sample) // unit * 2 // 3 for place in places):
            return encoding
    return ""

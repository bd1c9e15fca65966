"""Opens zip archives from strangers. The directory is checked first, and bytes are counted while they are unpacked."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO
from zipfile import ZipFile, ZipInfo

from planit_mailer.spreadsheets.model import Limits

# Of 5,855 workbooks from public projects, one in a thousand has more than 188 entries or unpacks to more than 140 times
# its size. Zip bombs unpack to a thousand times theirs.
ENTRIES = 2_000
RATIO = 200
RATIO_FROM = 10_000_000  # bytes unpacked; below, no ratio does harm
WHOLE = 100_000_000  # bytes of a part that is read whole; twice as much is needed for a moment
DIRECTORY_ENTRY = b"PK\x01\x02"
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1  # a flag of an entry


class TooLarge(Exception):  # noqa: N818  an answer about the file, not a mistake of ours
    """The file exceeds the limits. The text says what it has too much of, as in "more than 300 columns"."""


class Damaged(Exception):  # noqa: N818  likewise
    """The file breaks the rules of its own format."""


class Locked(Exception):  # noqa: N818  likewise
    """The file is protected by a password."""


class Archive:
    """A zip archive with a directory that has been checked against the limits.

    Names of parts are compared as Excel compares them: without regard to case, and a backslash is a slash.
    """

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Check the directory. Raises TooLarge or Damaged if it fails, BadZipFile if it cannot be read."""
        # Entries are counted before the directory is read: reading 300,000 of them already takes 200 MB.
        if data.count(DIRECTORY_ENTRY) > ENTRIES:
            raise TooLarge(f"more than {ENTRIES:,} parts")
        self._zip = ZipFile(io.BytesIO(data))
        self._left = limits.unpacked
        self._limit = limits.unpacked
        entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        _check(entries, limits)
        self._entries = {folded(entry.filename): entry for entry in entries}
        if len(self._entries) < len(entries):
            raise Damaged("two parts have one name")

    def __contains__(self, name: str) -> bool:
        return folded(name) in self._entries

    def names(self) -> tuple[str, ...]:
        """Return the names of all parts, in lower case and with forward slashes."""
        return tuple(self._entries)

    @contextmanager
    def open(self, name: str) -> Iterator["Part"]:
        """Open a part for reading. Raises KeyError if it is missing."""
        with self._zip.open(self._entries[folded(name)]) as stream:
            yield Part(stream, self._spend)

    def read(self, name: str, most: int = WHOLE) -> bytes:
        """Return a whole part. Raises KeyError if it is missing, TooLarge if it has more than `most` bytes."""
        with self.open(name) as part:
            content = part.read(most + 1)
        if len(content) > most:
            raise TooLarge(f"more than {most // 1_000_000:,} MB in one of its parts")
        return content

    def _spend(self, unpacked: int) -> None:
        self._left -= unpacked
        if self._left < 0:
            raise TooLarge(f"more than {self._limit // 1_000_000:,} MB when unpacked")


class Part:
    """A part of an archive that is being unpacked. Its bytes count towards the limit of the whole archive."""

    def __init__(self, stream: IO[bytes], spend: Callable[[int], None]) -> None:
        self._stream = stream
        self._spend = spend

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, or all that are left if no size is given. Raises TooLarge beyond the limit."""
        chunk = self._stream.read(size)
        self._spend(len(chunk))
        return chunk


def folded(name: str) -> str:
    """Return the name of a part in the form in which Excel compares it."""
    return name.replace("\\", "/").lstrip("/").lower()


def _check(entries: list[ZipInfo], limits: Limits) -> None:
    """Raise TooLarge or Damaged if the directory shows that the archive is harmful.

    The sizes in it may be wrong, so Part.read() counts again.
    """
    if len(entries) > ENTRIES:
        raise TooLarge(f"more than {ENTRIES:,} parts")
    packed = sum(entry.compress_size for entry in entries)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.unpacked:
        raise TooLarge(f"more than {limits.unpacked // 1_000_000:,} MB when unpacked")
    if unpacked > RATIO_FROM and unpacked > RATIO * packed:
        raise TooLarge(f"more than {RATIO} times its size when unpacked")
    for entry in entries:
        if entry.compress_type not in COMPRESSIONS or entry.flag_bits & ENCRYPTED:
            raise Damaged("packed in a way that no workbook is")

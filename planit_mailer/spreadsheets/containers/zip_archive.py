"""Opens zip archives that strangers made: checked before anything is unpacked, counted while it is."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO
from zipfile import ZipFile, ZipInfo

from planit_mailer.spreadsheets.model import Limits

# Of 5,855 workbooks from public projects, one in a thousand has more than 188 entries or unpacks to more than 140 times
# its size; bombs unpack to a thousand times theirs.
ENTRIES = 2_000
RATIO = 200
RATIO_FROM = 10_000_000  # bytes unpacked; below, no ratio does harm
DIRECTORY_ENTRY = b"PK\x01\x02"
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class TooLarge(Exception):  # noqa: N818  an answer about the file, not a mistake of ours
    """The file is more than the limits allow; the text says what it has too much of, as in "more than 300 columns"."""


class Damaged(Exception):  # noqa: N818  likewise
    """The file breaks the rules of its own format."""


class Locked(Exception):  # noqa: N818  likewise
    """The file is protected by a password."""


class Archive:
    """A zip archive whose directory has been checked against the limits.

    Parts are found as Excel finds them: in any letter case, and with backslashes.
    """

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Raises TooLarge or Damaged if the directory says not to unpack it, BadZipFile if it cannot be read."""
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
        """The names of all parts, in lower case and with forward slashes."""
        return tuple(self._entries)

    @contextmanager
    def open(self, name: str) -> Iterator["Part"]:
        """A part to read from. Raises KeyError if it is absent."""
        with self._zip.open(self._entries[folded(name)]) as stream:
            yield Part(stream, self._spend)

    def read(self, name: str) -> bytes:
        """A whole small part. Raises KeyError if it is absent."""
        with self.open(name) as part:
            return part.read()

    def _spend(self, unpacked: int) -> None:
        self._left -= unpacked
        if self._left < 0:
            raise TooLarge(f"more than {self._limit // 1_000_000:,} MB when unpacked")


class Part:
    """A part of an archive as it is unpacked; its bytes count towards those of the whole archive."""

    def __init__(self, stream: IO[bytes], spend: Callable[[int], None]) -> None:
        self._stream = stream
        self._spend = spend

    def read(self, size: int = -1) -> bytes:
        """The next bytes, or all that are left if no size is given. Raises TooLarge beyond the archive's limit."""
        chunk = self._stream.read(size)
        self._spend(len(chunk))
        return chunk


def _check(entries: list[ZipInfo], limits: Limits) -> None:
    """Raise TooLarge or Damaged for a directory that promises harm. Its sizes may lie; chunks() counts again."""
    packed = sum(entry.compress_size for entry in entries)
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > ENTRIES:
        raise TooLarge(f"more than {ENTRIES:,} parts")
    if unpacked > limits.unpacked:
        raise TooLarge(f"more than {limits.unpacked // 1_000_000:,} MB when unpacked")
    if unpacked > RATIO_FROM and unpacked > RATIO * packed:
        raise TooLarge(f"more than {RATIO} times its size when unpacked")
    if any(entry.compress_type not in COMPRESSIONS or entry.flag_bits & 1 for entry in entries):
        raise Damaged("packed in a way that no workbook is")


def folded(name: str) -> str:
    """The name of a part as Excel compares it."""
    return name.replace("\\", "/").lstrip("/").lower()

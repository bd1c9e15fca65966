"""The directory of an OLE compound file: the container of .xls, .doc, and of everything that Office encrypts."""

import struct
from collections.abc import Iterator

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SECTORS = 2_000  # of a directory; the largest honest ones have dozens
SHIFTS = (9, 12)  # sectors have 512 or 4,096 bytes, [MS-CFB] 2.2; anything else is damage
ENTRY = 128  # bytes
NONE = 0xFFFFFFFA  # and above: not a sector
NO_ENTRY = 0xFFFFFFFF


def names(data: bytes) -> frozenset[str]:
    """The names of the streams and storages at the top, in lower case; none if the file is damaged.

    Only these count: a workbook with an embedded Word document has that one's streams further down. Layout: [MS-CFB].
    """
    try:
        entries = b"".join(_directory(data))
        return frozenset(_top(entries))
    except (struct.error, IndexError, UnicodeDecodeError):
        return frozenset()


def _directory(data: bytes) -> Iterator[bytes]:
    """The sectors of the directory, chained through the allocation table."""
    (shift,) = struct.unpack_from("<H", data, 0x1E)
    if shift not in SHIFTS:
        return
    size = 1 << shift
    (sector,) = struct.unpack_from("<I", data, 0x30)
    table = struct.unpack_from("<109I", data, 0x4C)  # sectors of the allocation table; enough for 7 MB and more
    seen = set[int]()
    while sector < NONE and sector not in seen and len(seen) < SECTORS:
        seen.add(sector)
        yield data[(sector + 1) * size : (sector + 2) * size]
        place, offset = divmod(sector, size // 4)
        (sector,) = struct.unpack_from("<I", data, (table[place] + 1) * size + offset * 4)


def _top(entries: bytes) -> Iterator[str]:
    """The names in the root's tree of children."""
    (child,) = struct.unpack_from("<I", entries, 76)
    waiting, seen = [child], set[int]()
    while waiting:
        number = waiting.pop()
        if number == NO_ENTRY or number in seen:
            continue
        seen.add(number)
        length, _, _, left, right = struct.unpack_from("<HBBII", entries, number * ENTRY + 64)
        start = number * ENTRY
        yield entries[start : start + min(max(length - 2, 0), ENTRY)].decode("utf-16-le").lower()
        waiting += [left, right]

"""Reads the directory of an OLE compound file: the container of .xls, .doc, and of everything that Office encrypts.

olefile reads it too, but it stops at damage in parts that are not needed here, and a hostile file of 2 KB keeps it busy
until it is killed. Layout: [MS-CFB].
"""

import struct
from collections.abc import Iterator

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SECTORS = 2_000  # of a directory, at most; the largest honest ones have dozens
SHIFTS = (9, 12)  # sectors have 512 or 4,096 bytes, [MS-CFB] 2.2; anything else is damage
NUMBER = 4  # bytes of a sector's number
NO_SECTOR = 0xFFFFFFFA  # and above: marks that are not numbers of sectors
ENTRY = 128  # bytes
LINKS = 64  # offset in an entry: length of its name, type, colour, left and right sibling, child
NO_ENTRY = 0xFFFFFFFF


def names(data: bytes) -> frozenset[str]:
    """Return the names of the streams and storages at the top, in lower case; none if the file is damaged.

    Those further down do not count: a workbook with an embedded Word document has the streams of that one there.
    """
    try:
        entries = b"".join(_directory(data))
        return frozenset(_top_names(entries))
    except (struct.error, IndexError, UnicodeDecodeError):
        return frozenset()


def _directory(data: bytes) -> Iterator[bytes]:
    """Yield the sectors of the directory, which are chained through the allocation table."""
    (shift,) = struct.unpack_from("<H", data, 0x1E)
    if shift not in SHIFTS:
        return
    size = 1 << shift
    (sector,) = struct.unpack_from("<I", data, 0x30)
    table = struct.unpack_from("<109I", data, 0x4C)  # sectors of the allocation table; enough for 7 MB and more
    seen = set[int]()
    while sector < NO_SECTOR and sector not in seen and len(seen) < SECTORS:
        seen.add(sector)
        start = _start(sector, size)
        yield data[start : start + size]
        place, index = divmod(sector, size // NUMBER)
        (sector,) = struct.unpack_from("<I", data, _start(table[place], size) + index * NUMBER)


def _start(sector: int, size: int) -> int:
    """Return the offset of a sector. The header takes the place of one before the first."""
    return (sector + 1) * size


def _top_names(entries: bytes) -> Iterator[str]:
    """Yield the names of the root's children, which form a tree of siblings."""
    root_child_offset = LINKS + 12
    (child,) = struct.unpack_from("<I", entries, root_child_offset)
    waiting = [child]
    seen = set[int]()
    while waiting:
        number = waiting.pop()
        if number == NO_ENTRY or number in seen:
            continue
        seen.add(number)
        start = number * ENTRY
        length, _, _, left, right = struct.unpack_from("<HBBII", entries, start + LINKS)
        yield _name(entries[start : start + ENTRY], length)
        waiting += [left, right]


def _name(entry: bytes, length: int) -> str:
    """Return the name of an entry. Its length counts bytes, with the two of the NUL at its end."""
    without_nul = max(length - 2, 0)
    return entry[:without_nul].decode("utf-16-le").lower()

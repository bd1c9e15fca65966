"""TNEF: extract the files from winmail.dat, in which Outlook sometimes wraps them ([MS-OXTNEF] 2.1, [MS-OXCDATA] 2.11).

Forwarded messages in it are skipped, as in any message.
"""

import struct
from collections.abc import Iterator

SIGNATURE = b"\x78\x9f\x3e\x22"
FILES = 200
BEGINS, TITLE, DATA, PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
LONG_NAME = 0x3707
NAMED = 0x8000  # and above: a property that carries its own name
MANY = 0x1000  # of a type: several values
# Bytes that a value takes in the stream, by its type; the others have their length in front of them.
SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
TEXTS = {0x1E: "cp1252", 0x1F: "utf-16-le"}


def files(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """The name and bytes of each file, as far as they can be read; none if it is no winmail.dat."""
    if not data.startswith(SIGNATURE):
        return ()
    found: list[tuple[str, bytes]] = []
    name, long_name, content = "", "", b""
    for attribute, body in (*_attributes(data), (BEGINS, b"")):
        if attribute == BEGINS:
            if content and len(found) < FILES:
                found.append((long_name or name, content))
            name, long_name, content = "", "", b""
        elif attribute == TITLE:
            name = body.rstrip(b"\0").decode("cp1252", "replace")
        elif attribute == DATA:
            content = body
        elif attribute == PROPERTIES:
            long_name = _long_name(body)
    return tuple(found)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The attributes: level, id, length, content, checksum; up to where they are cut off."""
    place = 6  # signature and key
    while place + 9 <= len(data):
        _, attribute, length = struct.unpack_from("<BII", data, place)
        place += 9
        if place + length > len(data):
            return
        yield attribute, data[place : place + length]
        place += length + 2


def _long_name(body: bytes) -> str:
    """The long name of a file from its properties, "" if it cannot be found."""
    try:
        for identifier, kind, value in _properties(body):
            if identifier == LONG_NAME and kind in TEXTS:
                return value.decode(TEXTS[kind], "replace").rstrip("\0")
    except struct.error:  # cut off, or a type that nobody knows: the short name must do
        return ""
    return ""


def _properties(body: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each property: id, type, and its first value. Raises struct.error if they are malformed."""
    place = 4
    for _ in range(struct.unpack_from("<I", body)[0]):
        kind, identifier = struct.unpack_from("<HH", body, place)
        place += 4
        if identifier >= NAMED:
            place += _name_size(body, place)
        basic, count = kind & ~MANY, 1
        if basic not in SIZES or kind & MANY:
            (count,) = struct.unpack_from("<I", body, place)
            place += 4
        first = b""
        for number in range(count):
            size, head = (SIZES[basic], 0) if basic in SIZES else (struct.unpack_from("<I", body, place)[0], 4)
            if number == 0:
                first = body[place + head : place + head + size]
            place += head + _padded(size)
            if place > len(body):
                raise struct.error("properties that go beyond their end")
        yield identifier, basic, first


def _name_size(body: bytes, place: int) -> int:
    """The number of bytes that the name of a named property takes: a GUID, and a number or a text."""
    is_text, length = struct.unpack_from("<II", body, place + 16)
    return 24 + (_padded(length) if is_text else 0)


def _padded(size: int) -> int:
    return (size + 3) // 4 * 4

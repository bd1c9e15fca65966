"""TNEF: extract the files from winmail.dat, in which Outlook sometimes wraps them ([MS-OXTNEF] 2.1, [MS-OXCDATA] 2.11).

Forwarded messages in it are skipped, as in any message.
"""

import struct
from collections.abc import Iterator, Mapping

SIGNATURE = b"\x78\x9f\x3e\x22"
FILES = 200
# Ids of attributes. An attachment begins with BEGINS; the others are its short name, its bytes and its properties.
BEGINS, TITLE, DATA, PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
LONG_NAME = 0x3707
NAMED = 0x8000  # the ids from here on belong to properties that carry their own names
MANY = 0x1000  # the flag of a type with several values
# The size of a value in bytes, by its type. A value of any other type has its length in front of it.
SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
TEXTS = {0x1E: "cp1252", 0x1F: "utf-16-le"}


def files(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """Return the name and bytes of each file, as far as they can be read. There are none in any other kind of file."""
    if not data.startswith(SIGNATURE):
        return ()
    found: list[tuple[str, bytes]] = []
    for attributes in _attachments(data):
        content = attributes.get(DATA, b"")
        if content and len(found) < FILES:
            found.append((_name(attributes), content))
    return tuple(found)


def _attachments(data: bytes) -> Iterator[Mapping[int, bytes]]:
    """The attributes of each attachment by their ids. If an attribute is repeated, the last one counts."""
    attributes: dict[int, bytes] = {}
    for identifier, body in _attributes(data):
        if identifier == BEGINS:
            yield attributes
            attributes = {}
        else:
            attributes[identifier] = body
    yield attributes


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The id and content of each attribute, up to one that is cut off.

    An attribute is written as level, id, length, content and checksum.
    """
    place = 6  # behind signature and key
    while place + 9 <= len(data):
        _, identifier, length = struct.unpack_from("<BII", data, place)
        place += 9
        if place + length > len(data):
            return
        yield identifier, data[place : place + length]
        place += length + 2


def _name(attributes: Mapping[int, bytes]) -> str:
    """The long name of an attachment, or else its short one."""
    title = attributes.get(TITLE, b"").rstrip(b"\0").decode("cp1252", "replace")
    return _long_name(attributes.get(PROPERTIES, b"")) or title


def _long_name(body: bytes) -> str:
    """The long name among the properties of an attachment, "" if it cannot be found."""
    try:
        for identifier, kind, value in _properties(body):
            if identifier == LONG_NAME and kind in TEXTS:
                return value.decode(TEXTS[kind], "replace").rstrip("\0")
    except struct.error:  # the properties are cut off, or one has an unknown type
        return ""
    return ""


def _properties(body: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The id, type and first value of each property. Raises struct.error if they are malformed."""
    (count,) = struct.unpack_from("<I", body)
    place = 4
    for _ in range(count):
        kind, identifier = struct.unpack_from("<HH", body, place)
        place += 4
        if identifier >= NAMED:
            place += _name_size(body, place)
        value, place = _first_value(body, place, kind)
        yield identifier, kind & ~MANY, value


def _name_size(body: bytes, place: int) -> int:
    """The number of bytes of the name of a named property: a GUID, and a number or a text."""
    is_text, length = struct.unpack_from("<II", body, place + 16)
    return 24 + (_padded(length) if is_text else 0)


def _first_value(body: bytes, place: int, kind: int) -> tuple[bytes, int]:
    """The first value of a property, and the place behind all its values. Raises struct.error if they are cut off."""
    fixed_size = SIZES.get(kind & ~MANY)
    count = 1
    if fixed_size is None or kind & MANY:
        (count,) = struct.unpack_from("<I", body, place)
        place += 4
    first = b""
    for number in range(count):
        size = fixed_size
        if size is None:
            (size,) = struct.unpack_from("<I", body, place)
            place += 4
        if number == 0:
            first = body[place : place + size]
        place += _padded(size)
        if place > len(body):
            raise struct.error("properties that go beyond their end")
    return first, place


def _padded(size: int) -> int:
    return (size + 3) // 4 * 4

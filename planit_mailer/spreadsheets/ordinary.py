"""Takes what repeats out of a large part of a workbook where it is written as nearly every program writes it.

A parser of XML makes objects of every element, which takes ten times as long as all the rest of reading. So the bytes
of a part are divided at the ends of what repeats, and each piece is read with patterns that allow nothing that could
mean anything else in XML. At the first piece that is not ordinary (comments, sections of raw text, runs of rich text)
everything from there on is left to the parser; so is a whole part with prefixes, or in an encoding other than UTF-8.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LONGEST = 4_000_000  # bytes before the first piece, or of one, at most; beyond, they are not ordinary
START = (
    rb'(?:\xef\xbb\xbf)?(?:<\?xml version="1\.0"(?: encoding="(?i:utf-8)")?(?: standalone="(?:yes|no)")? ?\?>)?'
    rb"\s*<%s[\s>](?:[^<]|<(?![!?]))*"
)
# Text without markup and without what XML does not allow; entities are those that every XML has.
TEXT = rb"(?:[^<>&\x00-\x08\x0b\x0c\x0e-\x1f]++|&(?:amp|lt|gt|quot|apos|\#[0-9]{1,6}|\#x[0-9A-Fa-f]{1,5});)*+"
ENTITY = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(\w+));")
ALLOWED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class NotOrdinary(Exception):  # noqa: N818  an answer about the markup, which never leaves the modules about it
    """What stands here is for a parser of XML to judge."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a part is written: its root, the pattern of all before the first piece, and the end of each piece."""

    begin: re.Pattern[bytes]
    first: re.Pattern[bytes]
    end: bytes


def left(shape: Shape, chunks: Iterator[bytes], take: Callable[[bytes], None]) -> Iterator[bytes]:
    """The chunks of a part without the pieces that were taken: the parser gets all below the last of those.

    `take` is given each piece without its end, and raises NotOrdinary.
    """
    before, rest = _begun(shape, chunks)
    yield before
    if before and shape.begin.fullmatch(before):
        rest = _untaken(rest, shape.end, chunks, take)
    yield rest
    yield from chunks


def text(written: bytes) -> str:
    """A text out of XML: decoded, each end of line as a line feed, without entities. Raise NotOrdinary."""
    try:
        decoded = written.decode()
    except UnicodeDecodeError as error:
        raise NotOrdinary from error
    if "\r" in decoded:
        decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
    return ENTITY.sub(_entity, decoded) if "&" in decoded else decoded


def _begun(shape: Shape, chunks: Iterator[bytes]) -> tuple[bytes, bytes]:
    """A part up to where its pieces begin, and the bytes that were read beyond; all of them where none begins."""
    head = b""
    for chunk in chunks:
        head += chunk
        if (found := shape.first.search(head)) is not None:
            return head[: found.end()], head[found.end() :]
        if len(head) > LONGEST:
            break
    return b"", head


def _untaken(rest: bytes, end: bytes, chunks: Iterator[bytes], take: Callable[[bytes], None]) -> bytes:
    """Take the pieces that begin a text and go on in the chunks; what is left from the first that is not ordinary."""
    while True:
        place = 0
        for piece in rest.split(end)[:-1]:
            try:
                take(piece)
            except NotOrdinary:
                return rest[place:]
            place += len(piece) + len(end)
        rest = rest[place:]
        if len(rest) > LONGEST or not (chunk := next(chunks, b"")):
            return rest
        rest += chunk


def _entity(found: re.Match[str]) -> str:
    if found[3]:
        return NAMED[found[3]]
    char = chr(int(found[1], 16) if found[1] else int(found[2]))
    if not ALLOWED.fullmatch(char):
        raise NotOrdinary
    return char

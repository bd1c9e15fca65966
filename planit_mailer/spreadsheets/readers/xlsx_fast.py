"""Fast path: reads rows and shared texts with regular expressions if they follow the common layout.

An XML parser makes an object of every element, which takes ten times as long as all the rest of reading. So the bytes
of a part are divided at the ends of its repeated elements, and each piece is read with patterns that allow nothing that
could mean anything else in XML. At the first piece that does not fit (comments, CDATA sections, rich text) everything
from there on is left to the parser; so is a whole part with prefixes, or in an encoding other than UTF-8.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol

from planit_mailer.spreadsheets.containers.zip_archive import TooLarge
from planit_mailer.spreadsheets.model import Cell, Limits
from planit_mailer.spreadsheets.readers import xml_parts
from planit_mailer.spreadsheets.readers.cells import Cells
from planit_mailer.spreadsheets.references import column_letters

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


class NotFastPath(Exception):  # noqa: N818  an answer about the markup, which never leaves the modules about it
    """The markup does not fit the fast path and is left to the XML parser."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a part is written: its root, the pattern of all before the first piece, and the end of each piece."""

    begin: re.Pattern[bytes]
    first: re.Pattern[bytes]
    end: bytes


def remaining(shape: Shape, chunks: Iterator[bytes], take: Callable[[bytes], None]) -> Iterator[bytes]:
    """The chunks of a part without the pieces that were taken: the parser gets all below the last of those.

    `take` is given each piece without its end, and raises NotOrdinary.
    """
    before, rest = _begun(shape, chunks)
    yield before
    if before and shape.begin.fullmatch(before):
        rest = _untaken(rest, shape.end, chunks, take)
    yield rest
    yield from chunks


def decoded_text(written: bytes) -> str:
    """A text out of XML: decoded, each end of line as a line feed, without entities. Raise NotOrdinary."""
    try:
        decoded = written.decode()
    except UnicodeDecodeError as error:
        raise NotFastPath from error
    if "\r" in decoded:
        decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
    return ENTITY.sub(_entity, decoded) if "&" in decoded else decoded


def _begun(shape: Shape, chunks: Iterator[bytes]) -> tuple[bytes, bytes]:
    """A part up to the first piece, and the bytes read beyond it; all of them are the latter if no piece begins."""
    head = b""
    for chunk in chunks:
        head += chunk
        if (found := shape.first.search(head)) is not None:
            return head[: found.end()], head[found.end() :]
        if len(head) > LONGEST:
            break
    return b"", head


def _untaken(rest: bytes, end: bytes, chunks: Iterator[bytes], take: Callable[[bytes], None]) -> bytes:
    """A part up to the first piece, and the bytes read beyond it; if no piece begins, all bytes are the latter."""
    while True:
        place = 0
        for piece in rest.split(end)[:-1]:
            try:
                take(piece)
            except NotFastPath:
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
        raise NotFastPath
    return char


class Keep(Protocol):
    """The receiver of each row."""

    def __call__(self, number: int, cells: tuple[Cell | None, ...], /, *, hidden: bool) -> None:
        """Take a row: its number, its cells up to the last that holds something, and whether it is hidden."""


COLUMNS = 16_384
SEEN = 200_000  # different cells that are remembered; sheets with more repeat little, and memory has a limit
STYLES = 10_000  # different attributes of cells and of rows that are remembered, from one workbook to the next
ATTRIBUTES = 500  # bytes of them at most: what is remembered must not fill the memory of later readings
SHEET = Shape(re.compile(START % b"worksheet"), re.compile(rb"<sheetData>"), b"</row>")
CELL = b'<c r="'
CLOSED = b"</c>"  # ends a cell with something in it
ROW = re.compile(rb'\s*<row r="([1-9][0-9]{0,6})"((?: [a-zA-Z0-9:]+="[^"&<>]*")*) ?(/?)>')
ATTRIBUTE = re.compile(rb' ([a-zA-Z0-9:]+)="([^"&<>]*)"')
# A row with formatted cells and nothing in them; some sheets have a million.
NOTHING = re.compile(
    rb'\s*<row r="([1-9][0-9]{0,6})"(?: [a-zA-Z0-9:]+="[^"&<>]*")*>(?:<c r="[A-Z]+\1"(?: s="[0-9]+")?/>)*+'
)
# What follows the reference of a cell: attributes, a formula, and a value or a text.
CONTENT = re.compile(
    rb"""((?:\ [a-z]+="[A-Za-z0-9]*")*)\ ?
    (?:/>|>(<f(?:\ [a-zA-Z0-9]+="[^"&<>]*")*\ ?(?:/>|>TEXT</f>))?
      (?:<v(?:\ xml:space="preserve")?>(TEXT)</v>|<v\ ?/>
        |<is><t(?:\ xml:space="preserve")?>(TEXT)</t></is>)?</c>)""".replace(b"TEXT", TEXT),
    re.VERBOSE,
)


class Rows:
    """Takes the ordinary rows out of the worksheets of one workbook."""

    def __init__(self, cells: Cells, limits: Limits) -> None:
        self._limits = limits
        self._seen = _Seen(cells)

    def left(self, chunks: Iterator[bytes], keep: Keep) -> Iterator[bytes]:
        """The chunks of a sheet without the rows that were kept: the parser gets all below the last of those.

        Raise TooLarge for a cell with something in it beyond the limit of columns.
        """
        return remaining(SHEET, chunks, lambda piece: self._take(piece, keep))

    def _take(self, piece: bytes, keep: Keep) -> None:
        """Keep a row with cells, and the rows without any that stand before it."""
        if CLOSED not in piece and (nothing := NOTHING.fullmatch(piece)):
            keep(int(nothing[1]), (), hidden=False)
            return
        place = 0
        while found := ROW.match(piece, place):
            place = found.end()
            number = int(found[1])
            hidden = _is_hidden(found[2])
            if not found[3]:
                keep(number, self._row(piece[place:], number), hidden=hidden)
                return
            keep(number, (), hidden=hidden)
        raise NotFastPath

    def _row(self, body: bytes, number: int) -> tuple[Cell | None, ...]:
        """The cells of a row, which stand from left to right, up to the last that holds something."""
        empty, *pieces = body.split(CELL)
        if empty.strip():
            raise NotFastPath
        end, columns, seen = b'%d"' % number, _columns(), self._seen
        row: list[Cell | None] = [None] * self._limits.columns
        last = filled = 0
        for piece in pieces:
            letters, _, content = piece.partition(end)
            column = columns.get(letters, 0)
            if column <= last:
                raise NotFastPath
            last = column
            if (cell := seen[content]) is not None:
                if column > self._limits.columns:
                    raise TooLarge(f"more than {self._limits.columns:,} columns")
                row[column - 1] = cell
                filled = column
        return tuple(row[:filled])


class _Seen(dict[bytes, Cell | None]):
    """The cells by what follows their references, each looked into when it is first asked for."""

    def __init__(self, cells: Cells) -> None:
        super().__init__()
        self._cells = cells

    def __missing__(self, content: bytes) -> Cell | None:
        """Look into a cell. Those with formulas are not remembered: hardly two of them are written alike."""
        found = CONTENT.fullmatch(content)
        if found is None:
            raise NotFastPath
        attributes, formula, value, inline = found.groups()
        stored, style = _type_and_style(attributes)
        written = value if inline is None else inline
        text = None if written is None else decoded_text(written)
        if formula is not None:
            return self._cells.cell(stored, text, style, formula=True)
        if len(self) >= SEEN:
            self.clear()
        self[content] = cell = self._cells.make(stored, text, style, formula=False)
        return cell


@lru_cache(STYLES)
def _type_and_style(written: bytes) -> tuple[str, str]:
    attributes = _attributes(written)
    return attributes.get("t", "n"), attributes.get("s", "0")


@lru_cache(STYLES)
def _is_hidden(written: bytes) -> bool:
    return xml_parts.is_hidden(_attributes(written), "ht")


def _attributes(written: bytes) -> Mapping[str, str]:
    if len(written) > ATTRIBUTES:
        raise NotFastPath
    found = ATTRIBUTE.findall(written)
    attributes = {name.decode(): value.decode() for name, value in found}
    if len(attributes) < len(found) or "xmlns" in attributes:
        raise NotFastPath
    return attributes


@cache
def _columns() -> Mapping[bytes, int]:
    """The number of each column by its letters."""
    return {column_letters(column).encode(): column for column in range(1, COLUMNS + 1)}


TABLE = Shape(re.compile(START % b"sst"), re.compile(rb"<sst\s[^<>]*>"), b"</si>")
ITEM = re.compile(rb'\s*<si><t(?: xml:space="preserve")?>(%s)</t>' % TEXT)


def remaining_texts(chunks: Iterator[bytes], keep: Callable[[str], object]) -> Iterator[bytes]:
    """The chunks of the table without the texts that were kept: the parser gets all below the last of those."""

    def take(piece: bytes) -> None:
        found = ITEM.fullmatch(piece)
        if found is None:
            raise NotFastPath
        keep(decoded_text(found[1]))

    return remaining(TABLE, chunks, take)

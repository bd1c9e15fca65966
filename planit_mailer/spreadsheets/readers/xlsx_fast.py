"""Fast path: reads rows and shared texts with regular expressions if they follow the common layout.

An XML parser makes an object of every element, which takes ten times as long as all the rest of reading. So the bytes
of a part are divided at the ends of its repeated elements, and each piece is read with patterns that allow nothing that
could mean anything else in XML. The first piece that does not fit (comments, CDATA sections, rich text) and everything
after it is left to the parser. So is a whole part with prefixes, or in an encoding other than UTF-8.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol

from planit_mailer.spreadsheets.containers.zip_archive import TooLarge
from planit_mailer.spreadsheets.model import Cell, Limits
from planit_mailer.spreadsheets.readers import xml_parts
from planit_mailer.spreadsheets.readers.cells import KEPT, Cells
from planit_mailer.spreadsheets.references import column_letters

LONGEST = 4_000_000  # bytes before the first piece, and of one piece; the parser reads what is longer
COLUMNS = 16_384
STYLES = 10_000  # different attributes of cells and of rows that are kept, from one workbook to the next
ATTRIBUTES = 500  # bytes of them at most, for what is kept must not fill the memory of later readings

# What a part begins with.
START = (
    rb'(?:\xef\xbb\xbf)?(?:<\?xml version="1\.0"(?: encoding="(?i:utf-8)")?(?: standalone="(?:yes|no)")? ?\?>)?'
    rb"\s*<%s[\s>](?:[^<]|<(?![!?]))*"
)
# Text without markup and without what XML does not allow; entities are those that every XML has.
TEXT = rb"(?:[^<>&\x00-\x08\x0b\x0c\x0e-\x1f]++|&(?:amp|lt|gt|quot|apos|\#[0-9]{1,6}|\#x[0-9A-Fa-f]{1,5});)*+"
ENTITY = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(\w+));")
ALLOWED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}

CELL = b'<c r="'
CELL_END = b"</c>"  # of a cell that is not empty
ROW = re.compile(rb'\s*<row r="([1-9][0-9]{0,6})"((?: [a-zA-Z0-9:]+="[^"&<>]*")*) ?(/?)>')
ATTRIBUTE = re.compile(rb' ([a-zA-Z0-9:]+)="([^"&<>]*)"')
# A row of cells with a format only; some sheets have a million.
BLANK_ROW = re.compile(
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
STRING_ITEM = re.compile(rb'\s*<si><t(?: xml:space="preserve")?>(%s)</t>' % TEXT)


class NotFastPath(Exception):  # noqa: N818  an answer about the markup, which never leaves the modules about it
    """The markup does not follow the common layout. The XML parser reads it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The layout of a part.

    `begin` matches everything before the first piece, `first` finds the end of that, and each piece ends in `end`.
    """

    begin: re.Pattern[bytes]
    first: re.Pattern[bytes]
    end: bytes


SHEET = Shape(re.compile(START % b"worksheet"), re.compile(rb"<sheetData>"), b"</row>")
STRINGS = Shape(re.compile(START % b"sst"), re.compile(rb"<sst\s[^<>]*>"), b"</si>")


class Keep(Protocol):
    """Takes a row."""

    def __call__(self, number: int, cells: tuple[Cell | None, ...], /, *, hidden: bool) -> None:
        """Take a row: its number, its cells up to the last that is not blank, and if it is hidden."""


class Rows:
    """Reads the rows with the common layout from the worksheets of one workbook."""

    def __init__(self, cells: Cells, limits: Limits) -> None:
        self._limits = limits
        self._seen = _SeenCells(cells)

    def remaining(self, chunks: Iterator[bytes], keep: Keep) -> Iterator[bytes]:
        """Call `keep` with each row up to the first with another layout. Return the sheet without these rows.

        Raises TooLarge if a cell beyond the limit of columns is not blank.
        """
        return remaining(SHEET, chunks, lambda piece: self._take(piece, keep))

    def _take(self, piece: bytes, keep: Keep) -> None:
        """Keep a row with cells, and the rows without any before it."""
        if CELL_END not in piece:
            blank = BLANK_ROW.fullmatch(piece)
            if blank:
                keep(int(blank[1]), (), hidden=False)
                return
        place = 0
        while found := ROW.match(piece, place):
            place = found.end()
            number = int(found[1])
            hidden = _is_hidden(found[2])
            has_no_cells = bool(found[3])
            if not has_no_cells:
                keep(number, self._row(piece[place:], number), hidden=hidden)
                return
            keep(number, (), hidden=hidden)
        raise NotFastPath

    def _row(self, body: bytes, number: int) -> tuple[Cell | None, ...]:
        """Return the cells of a row, which must stand from left to right, up to the last that is not blank."""
        before, *pieces = body.split(CELL)
        if before.strip():
            raise NotFastPath
        reference_end = b'%d"' % number
        columns = _columns()
        seen = self._seen  # a local name, for this loop runs once for each cell
        row: list[Cell | None] = [None] * self._limits.columns
        last = 0
        width = 0
        for piece in pieces:
            letters, _, content = piece.partition(reference_end)
            column = columns.get(letters, 0)
            if column <= last:
                raise NotFastPath
            last = column
            cell = seen[content]
            if cell is not None:
                if column > self._limits.columns:
                    raise TooLarge(f"more than {self._limits.columns:,} columns")
                row[column - 1] = cell
                width = column
        return tuple(row[:width])


class _SeenCells(dict[bytes, Cell | None]):
    """Cells by the markup that follows their references. Each is made when it is first asked for."""

    def __init__(self, cells: Cells) -> None:
        super().__init__()
        self._cells = cells

    def __missing__(self, content: bytes) -> Cell | None:
        """Make a cell. Those with formulas are not kept, for hardly two of them are written alike."""
        found = CONTENT.fullmatch(content)
        if found is None:
            raise NotFastPath
        attributes, formula, value, inline = found.groups()
        stored, style = _type_and_style(attributes)
        written = value if inline is None else inline
        text = None if written is None else decoded_text(written)
        if formula is not None:
            return self._cells.cell(stored, text, style, formula=True)
        if len(self) >= KEPT:
            self.clear()
        cell = self._cells.make(stored, text, style, formula=False)
        self[content] = cell
        return cell


def remaining_texts(chunks: Iterator[bytes], keep: Callable[[str], object]) -> Iterator[bytes]:
    """Call `keep` with each shared text up to the first with another layout. Return the table without these texts."""

    def take(piece: bytes) -> None:
        found = STRING_ITEM.fullmatch(piece)
        if found is None:
            raise NotFastPath
        keep(decoded_text(found[1]))

    return remaining(STRINGS, chunks, take)


def remaining(shape: Shape, chunks: Iterator[bytes], take: Callable[[bytes], None]) -> Iterator[bytes]:
    """Call `take` with each piece, without its end, until it raises NotFastPath. Yield the part without these pieces.

    The result is a well-formed document for the parser if the part is one.
    """
    before, rest = _divided(shape, chunks)
    yield before
    if before and shape.begin.fullmatch(before):
        rest = _take_pieces(rest, shape.end, chunks, take)
    yield rest
    yield from chunks


def decoded_text(written: bytes) -> str:
    """Return a text of XML decoded, with line feeds as line ends and without entities. Raises NotFastPath."""
    try:
        decoded = written.decode()
    except UnicodeDecodeError as error:
        raise NotFastPath from error
    if "\r" in decoded:
        decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
    if "&" in decoded:
        decoded = ENTITY.sub(_entity, decoded)
    return decoded


def _divided(shape: Shape, chunks: Iterator[bytes]) -> tuple[bytes, bytes]:
    """Return the part up to its first piece, and the bytes that were read beyond; b"" and all bytes if it has none."""
    head = b""
    for chunk in chunks:
        head += chunk
        found = shape.first.search(head)
        if found:
            return head[: found.end()], head[found.end() :]
        if len(head) > LONGEST:
            break
    return b"", head


def _take_pieces(rest: bytes, end: bytes, chunks: Iterator[bytes], take: Callable[[bytes], None]) -> bytes:
    """Take the pieces of `rest` and of the chunks after it. Return the bytes that were read but not taken."""
    while True:
        place = 0
        for piece in rest.split(end)[:-1]:
            try:
                take(piece)
            except NotFastPath:
                return rest[place:]
            place += len(piece) + len(end)
        rest = rest[place:]
        if len(rest) > LONGEST:
            return rest
        chunk = next(chunks, b"")
        if not chunk:
            return rest
        rest += chunk


def _entity(found: re.Match[str]) -> str:
    """Return the character that an entity stands for."""
    hexadecimal, decimal, name = found.groups()
    if name:
        return NAMED[name]
    char = chr(int(hexadecimal, 16)) if hexadecimal else chr(int(decimal))
    if not ALLOWED.fullmatch(char):
        raise NotFastPath
    return char


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
    """Return the number of each column by its letters."""
    return {column_letters(column).encode(): column for column in range(1, COLUMNS + 1)}

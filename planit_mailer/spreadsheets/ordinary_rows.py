"""Reads the rows of a worksheet where they are written as nearly every program writes them.

A row is split at the beginnings of its cells, and what follows a cell's reference is looked up whole: most cells say
what others say. Only what is seen for the first time is looked into.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Protocol

from planit_mailer.spreadsheets import markup, ordinary
from planit_mailer.spreadsheets.archives import TooLarge
from planit_mailer.spreadsheets.cells import Cells
from planit_mailer.spreadsheets.ordinary import NotOrdinary, Shape
from planit_mailer.spreadsheets.sheets import Cell, Limits, column_letters


class Keep(Protocol):
    """What becomes of a row."""

    def __call__(self, number: int, cells: tuple[Cell | None, ...], /, *, hidden: bool) -> None:
        """Take a row: its number, its cells up to the last that holds something, and whether it is hidden."""


COLUMNS = 16_384
SEEN = 200_000  # different cells that are remembered; sheets with more repeat little, and memory has a limit
STYLES = 10_000  # different attributes of cells and of rows that are remembered, from one workbook to the next
ATTRIBUTES = 500  # bytes of them at most: what is remembered must not fill the memory of later readings
SHEET = Shape(re.compile(ordinary.START % b"worksheet"), re.compile(rb"<sheetData>"), b"</row>")
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
        |<is><t(?:\ xml:space="preserve")?>(TEXT)</t></is>)?</c>)""".replace(b"TEXT", ordinary.TEXT),
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
        return ordinary.left(SHEET, chunks, lambda piece: self._take(piece, keep))

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
        raise NotOrdinary

    def _row(self, body: bytes, number: int) -> tuple[Cell | None, ...]:
        """The cells of a row, which stand from left to right, up to the last that holds something."""
        empty, *pieces = body.split(CELL)
        if empty.strip():
            raise NotOrdinary
        end, columns, seen = b'%d"' % number, _columns(), self._seen
        row: list[Cell | None] = [None] * self._limits.columns
        last = filled = 0
        for piece in pieces:
            letters, _, content = piece.partition(end)
            column = columns.get(letters, 0)
            if column <= last:
                raise NotOrdinary
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
            raise NotOrdinary
        attributes, formula, value, inline = found.groups()
        stored, style = _type_and_style(attributes)
        written = value if inline is None else inline
        text = None if written is None else ordinary.text(written)
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
    return markup.is_hidden(_attributes(written), "ht")


def _attributes(written: bytes) -> Mapping[str, str]:
    if len(written) > ATTRIBUTES:
        raise NotOrdinary
    found = ATTRIBUTE.findall(written)
    attributes = {name.decode(): value.decode() for name, value in found}
    if len(attributes) < len(found) or "xmlns" in attributes:
        raise NotOrdinary
    return attributes


@cache
def _columns() -> Mapping[bytes, int]:
    """The number of each column by its letters."""
    return {column_letters(column).encode(): column for column in range(1, COLUMNS + 1)}

"""Takes the rows of a worksheet out of its bytes where they are written as nearly every program writes them.

A parser of XML makes objects of every element, which takes ten times as long as all the rest of reading. Here a row is
split at the beginnings of its cells, and what follows a cell's reference is looked up whole: most cells say what others
say. Only what is seen for the first time is looked into, with patterns that allow nothing that could mean anything else
in XML. At the first row that is not ordinary (comments, sections of raw text, runs of rich text, cells in disorder)
everything from that row on is left to the parser; so is a whole sheet with prefixes or in an encoding other than UTF-8.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from planit_mailer.spreadsheets.archives import TooLarge
from planit_mailer.spreadsheets.cells import Cells
from planit_mailer.spreadsheets.sheets import Cell, Limits, column_letters

Keep = Callable[[int, tuple[Cell | None, ...], Mapping[str, str]], None]
"""What becomes of a row: its number, its cells up to the last that holds something, its attributes."""

COLUMNS = 16_384
LONGEST = 4_000_000  # bytes before the rows, or of a row, at most; beyond, they are not ordinary
SEEN = 200_000  # different cells that are remembered; sheets with more repeat little, and memory has a limit
SHEET = re.compile(
    rb"""(?:\xef\xbb\xbf)?(?:<\?xml\ version="1\.0"(?:\ encoding="(?i:utf-8)")?(?:\ standalone="(?:yes|no)")?\ ?\?>)?
    \s*<worksheet[\s>](?:[^<]|<(?![!?]))*""",
    re.VERBOSE,
)
DATA = b"<sheetData>"
ROW_END = b"</row>"
CELL = b'<c r="'
ROW = re.compile(rb'\s*<row r="([1-9][0-9]{0,6})"((?: [a-zA-Z0-9:]+="[^"&<>]*")*) ?(/?)>')
ATTRIBUTE = re.compile(rb' ([a-zA-Z0-9:]+)="([^"&<>]*)"')
# What follows the reference of a cell: attributes, a formula, and a value or a text. Values hold neither markup nor
# what XML does not allow; entities are those that every XML has.
TEXT = rb"(?:[^<>&\x00-\x08\x0b\x0c\x0e-\x1f]|&(?:amp|lt|gt|quot|apos|\#[0-9]{1,6}|\#x[0-9A-Fa-f]{1,5});)*+"
CONTENT = re.compile(
    rb"""(?P<attributes>(?:\ [a-z]+="[A-Za-z0-9]*")*)\ ?
    (?:/>|>(?P<formula><f(?:\ [a-zA-Z0-9]+="[^"&<>]*")*\ ?(?:/>|>TEXT</f>))?
      (?:<v(?:\ xml:space="preserve")?>(?P<value>TEXT)</v>|<v\ ?/>
        |<is><t(?:\ xml:space="preserve")?>(?P<inline>TEXT)</t></is>)?</c>)""".replace(b"TEXT", TEXT),
    re.VERBOSE,
)
ENTITY = re.compile(r"&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|(\w+));")
ALLOWED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class NotOrdinary(Exception):  # noqa: N818  an answer about the markup, which never leaves this module
    """What stands here is for a parser of XML to judge."""


class Rows:
    """Takes the ordinary rows out of the worksheets of one workbook."""

    def __init__(self, cells: Cells, limits: Limits) -> None:
        self._limits = limits
        self._seen = _Seen(cells)

    def taken(self, chunks: Iterator[bytes], keep: Keep) -> Iterator[bytes]:
        """The chunks of a sheet without the rows that were kept; the parser gets all below the last of those.

        Raise TooLarge for a cell with something in it beyond the limit of columns.
        """
        before, rest = _begun(chunks)
        yield before
        if SHEET.fullmatch(before) and before.endswith(DATA):
            rest = self._left(rest, chunks, keep)
        yield rest
        yield from chunks

    def _left(self, rest: bytes, chunks: Iterator[bytes], keep: Keep) -> bytes:
        """Keep the rows that begin a text and go on in the chunks; what is left from the first that is not ordinary."""
        while True:
            place = 0
            for piece in rest.split(ROW_END)[:-1]:
                try:
                    self._take(piece, keep)
                except NotOrdinary:
                    return rest[place:]
                place += len(piece) + len(ROW_END)
            rest = rest[place:]
            if len(rest) > LONGEST or not (chunk := next(chunks, b"")):
                return rest
            rest += chunk

    def _take(self, piece: bytes, keep: Keep) -> None:
        """Keep a row with cells, and the rows without any that stand before it."""
        place = 0
        while found := ROW.match(piece, place):
            place = found.end()
            number = int(found[1])
            attributes = _attributes(found[2])
            if not found[3]:
                keep(number, self._row(piece[place:], number), attributes)
                return
            keep(number, (), attributes)
        raise NotOrdinary

    def _row(self, body: bytes, number: int) -> tuple[Cell | None, ...]:
        """The cells of a row, which stand from left to right, up to the last that holds something."""
        empty, *pieces = body.split(CELL)
        if empty.strip():
            raise NotOrdinary
        end = b'%d"' % number
        parts = [piece.partition(end) for piece in pieces]
        columns, seen = _columns(), self._seen
        try:
            places = [columns[letters] for letters, _, _ in parts]
        except KeyError as error:
            raise NotOrdinary from error
        return self._placed(places, [seen[content] for _, _, content in parts])

    def _placed(self, places: Sequence[int], cells: list[Cell | None]) -> tuple[Cell | None, ...]:
        """The cells of a row each in its column (from 1), without the blank ones at its end."""
        if not all(map(operator.lt, places, places[1:])):
            raise NotOrdinary
        while cells and cells[-1] is None:
            cells.pop()
        width = places[len(cells) - 1] if cells else 0
        if width > self._limits.columns:
            raise TooLarge(f"more than {self._limits.columns:,} columns")
        if width == len(cells):
            return tuple(cells)
        row: list[Cell | None] = [None] * width
        for place, cell in zip(places, cells, strict=False):
            row[place - 1] = cell
        return tuple(row)


class _Seen(dict[bytes, Cell | None]):
    """The cells by what follows their references, each looked into when it is first asked for."""

    def __init__(self, cells: Cells) -> None:
        super().__init__()
        self._cells = cells

    def __missing__(self, content: bytes) -> Cell | None:
        """Look into a cell. Those with formulas are not remembered: hardly two of them are written alike."""
        found = CONTENT.fullmatch(content)
        if found is None or b"]]>" in content:
            raise NotOrdinary
        attributes = _attributes(found["attributes"])
        stored, style = attributes.get("t", "n"), attributes.get("s", "0")
        written = found["value"] if found["inline"] is None else found["inline"]
        value = None if written is None else _text(written)
        cell = self._cells.cell(stored, value, style, formula=found["formula"] is not None)
        if found["formula"] is None:
            if len(self) >= SEEN:
                self.clear()
            self[content] = cell
        return cell


def _begun(chunks: Iterator[bytes]) -> tuple[bytes, bytes]:
    """A sheet up to where its rows begin, and the bytes that were read beyond."""
    head = b""
    for chunk in chunks:
        head += chunk
        if DATA in head or len(head) > LONGEST:
            break
    before, data, rest = head.partition(DATA)
    return before + data, rest


def _attributes(written: bytes) -> dict[str, str]:
    found = ATTRIBUTE.findall(written)
    attributes = {name.decode(): value.decode() for name, value in found}
    if len(attributes) < len(found) or "xmlns" in attributes:
        raise NotOrdinary
    return attributes


def _text(written: bytes) -> str:
    """A text out of XML: decoded, each end of line as a line feed, without entities."""
    try:
        text = written.decode()
    except UnicodeDecodeError as error:
        raise NotOrdinary from error
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return ENTITY.sub(_entity, text) if "&" in text else text


def _entity(found: re.Match[str]) -> str:
    if found[3]:
        return NAMED[found[3]]
    char = chr(int(found[1], 16) if found[1] else int(found[2]))
    if not ALLOWED.fullmatch(char):
        raise NotOrdinary
    return char


@cache
def _columns() -> Mapping[bytes, int]:
    """The number of each column by its letters."""
    return {column_letters(column).encode(): column for column in range(1, COLUMNS + 1)}

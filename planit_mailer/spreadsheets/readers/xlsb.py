"""Reads .xlsb: the package of .xlsx, with its large parts as binary records ([MS-XLSB] 2.1.4 and 2.4).

Why not calamine, which reads it too: it drops number formats, so that 95.3% becomes 0.953, and with them errors and
what is hidden.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from planit_mailer.spreadsheets.containers.zip_archive import Archive, Damaged, TooLarge
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Range, Row, Sheet
from planit_mailer.spreadsheets.number_formats import builtin
from planit_mailer.spreadsheets.readers import cells, xlsx

# Numbers of records, [MS-XLSB] 2.3.
ROW, BLANK, RK, ERROR, BOOLEAN, REAL, TEXT, SHARED = 0, 1, 2, 3, 4, 5, 6, 7
FORMULA_TEXT, FORMULA_NUMBER, FORMULA_BOOLEAN, FORMULA_ERROR, RICH_TEXT = 8, 9, 10, 11, 62
SHARED_ITEM, FORMAT, STYLE, COLUMNS, PROPERTIES, SHEET, MERGED = 19, 44, 47, 60, 153, 156, 176
STYLES_BEGIN, STYLES_END = 617, 618
CELLS = frozenset((RK, ERROR, BOOLEAN, REAL, TEXT, SHARED, RICH_TEXT)) | set(range(FORMULA_TEXT, FORMULA_ERROR + 1))
# Cells without their column, which is the next one: Excel reads them, SheetJS writes them, no document has them.
SHORT = {12: BLANK, 13: RK, 14: ERROR, 15: BOOLEAN, 16: REAL, 17: TEXT, 18: SHARED}
ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
HIDDEN_ROW = 0x10  # of the byte 11 of a row
PARTS = 4  # bytes of a record's size
MOST_MERGED = 100_000
NOTHING = 0xFFFFFFFF  # the length of a text that is not there


def read(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """All worksheets in their order. Raise Damaged, TooLarge, struct.error, or what the package makes of itself."""
    archive = Archive(data, limits)
    workbook = xlsx.workbook_of(archive)
    relations = xlsx.relations_of(archive, workbook)
    parts = {relation.type: relation.target for relation in relations if relation.target in archive}
    book = list(_records(archive.read(workbook)))
    since_1904 = any(number == PROPERTIES and body[0] & 1 for number, body in book)
    maker = _Maker(_strings(archive, parts), _formats(archive, parts), since_1904=since_1904)
    reader = _Reader(maker, limits)
    by_id = {relation.id: relation for relation in relations}
    sheets: list[Sheet] = []
    for place, body in enumerate((body for number, body in book if number == SHEET), 1):
        key = _text(body, 8)
        relation = by_id[key]
        if relation.type == "worksheet":
            name = _text(body, 12 + len(key.encode("utf-16-le")))
            sheets.append(reader.sheet(archive.read(relation.target), (name, place, body[0] != 0)))
    return tuple(sheets)


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The records of a part: number and body. Both number and size are written seven bits a byte."""
    place, end = 0, len(data)
    while place < end:
        number = data[place]
        place += 1
        if number & 0x80:
            number = number & 0x7F | data[place] << 7
            place += 1
        size = 0
        for part in range(PARTS):
            size |= (data[place] & 0x7F) << 7 * part
            place += 1
            if not data[place - 1] & 0x80:
                break
        if place + size > end:
            raise Damaged("a record is cut off")
        yield number, data[place : place + size]
        place += size


def _text(body: bytes, place: int) -> str:
    """A text with its length in front of it."""
    (length,) = struct.unpack_from("<I", body, place)
    if length == NOTHING:
        return ""
    return body[place + 4 : place + 4 + 2 * length].decode("utf-16-le", "replace")


def _strings(archive: Archive, parts: Mapping[str, str]) -> list[str]:
    if "sharedStrings" not in parts:
        return []
    return [_text(body, 1) for number, body in _records(archive.read(parts["sharedStrings"])) if number == SHARED_ITEM]


def _formats(archive: Archive, parts: Mapping[str, str]) -> list[str]:
    """The number format of each cell style, by number."""
    own: dict[int, str] = {}
    styles: list[int] = []
    inside = False
    for number, body in _records(archive.read(parts["styles"])) if "styles" in parts else ():
        inside = number == STYLES_BEGIN or (inside and number != STYLES_END)
        if number == FORMAT:
            own[int.from_bytes(body[:2], "little")] = _text(body, 2)
        elif number == STYLE and inside:
            styles.append(int.from_bytes(body[2:4], "little"))
    return [builtin.code(style, own.get(style)) for style in styles]


class _Maker:
    """Makes the cells of one workbook, each different one once."""

    def __init__(self, strings: Sequence[str], formats: Sequence[str], *, since_1904: bool) -> None:
        self._strings = strings
        self._formats = formats
        self._since_1904 = since_1904
        self._made: dict[tuple[int, bytes], Cell | None] = {}

    def cell(self, number: int, body: bytes) -> Cell | None:
        """A cell by its record; formulas stand behind their values, and hardly two are the same."""
        if FORMULA_TEXT <= number <= FORMULA_ERROR:
            return self._make(number, body)
        key = number, body[4:]
        if key not in self._made:
            self._made[key] = self._make(number, body)
        return self._made[key]

    def _make(self, number: int, body: bytes) -> Cell | None:
        style = int.from_bytes(body[4:7], "little")
        code = self._formats[style] if self._formats else builtin.GENERAL
        match number:
            case 6 | 8:  # TEXT, FORMULA_TEXT
                return cells.text(_text(body, 8), code)
            case 62:  # RICH_TEXT
                return cells.text(_text(body, 9), code)
            case 7:  # SHARED
                return cells.text(self._strings[struct.unpack_from("<I", body, 8)[0]], code)
            case 3 | 11:  # ERROR, FORMULA_ERROR
                return Cell(ERRORS.get(body[8], "#N/A"), Kind.ERROR, None, code)
            case 4 | 10:  # BOOLEAN, FORMULA_BOOLEAN
                return cells.boolean(bool(body[8]), code)
        stored = _rk(body[8:12]) if number == RK else struct.unpack_from("<d", body, 8)[0]
        return cells.number(stored, code, since_1904=self._since_1904)


def _rk(written: bytes) -> float:
    """A number in four bytes ([MS-XLSB] 2.5.122): two bits say whether it is an integer, and in hundredths."""
    (bits,) = struct.unpack("<i", written)
    number = bits >> 2 if bits & 2 else struct.unpack("<d", bytes(4) + struct.pack("<i", bits & ~3))[0]
    return number / 100 if bits & 1 else float(number)


@dataclass(slots=True)
class _Found:
    """The findings on a sheet."""

    rows: list[Row] = field(default_factory=list)
    hidden: list[tuple[int, int]] = field(default_factory=list)
    merged: list[Range] = field(default_factory=list)


class _Reader:
    """Reads the worksheets of one workbook."""

    def __init__(self, maker: _Maker, limits: Limits) -> None:
        self._maker = maker
        self._limits = limits

    def sheet(self, data: bytes, title: tuple[str, int, bool]) -> Sheet:
        """One sheet with its title: name, number from 1, hidden."""
        found = _Found()
        row = Row(0, ())
        filled: list[Cell | None] = []
        for number, body in _in_full(_records(data)):
            if number in CELLS:
                self._place(filled, int.from_bytes(body[:4], "little"), self._maker.cell(number, body))
            elif number == ROW:
                self._keep(found, row, filled)
                row = Row(
                    int.from_bytes(body[:4], "little") + 1, (), bool(int.from_bytes(body[11:12], "little") & HIDDEN_ROW)
                )
                filled = []
            else:
                _note(found, number, body)
        self._keep(found, row, filled)
        width = max((len(row.cells) for row in found.rows), default=0)
        hidden = (n + 1 for first, last in found.hidden for n in range(first, min(last, width - 1) + 1))
        return Sheet(*title[:2], tuple(found.rows), title[2], frozenset(hidden), tuple(found.merged))

    def _place(self, filled: list[Cell | None], column: int, cell: Cell | None) -> None:
        if cell is None:
            return
        if column >= self._limits.columns:
            raise TooLarge(f"more than {self._limits.columns:,} columns")
        if column < len(filled):
            raise Damaged("cells in disorder")
        filled += [None] * (column - len(filled))
        filled.append(cell)

    def _keep(self, found: _Found, row: Row, filled: Sequence[Cell | None]) -> None:
        if not filled:
            return
        if found.rows and row.number <= found.rows[-1].number:
            raise Damaged("rows in disorder")
        if len(found.rows) == self._limits.rows:
            raise TooLarge(f"more than {self._limits.rows:,} rows")
        found.rows.append(Row(row.number, tuple(filled), row.hidden))


def _in_full(records: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The records of a sheet, with its short cells as long ones."""
    column = 0  # of the next cell
    for number, body in records:
        if number in SHORT:
            yield SHORT[number], column.to_bytes(4, "little") + body
            column += 1
        else:
            yield number, body
            if number == ROW:
                column = 0
            elif number == BLANK or number in CELLS:
                column = int.from_bytes(body[:4], "little") + 1


def _note(found: _Found, number: int, body: bytes) -> None:
    """Note columns that are hidden, or without width, and cells that are merged."""
    if number == COLUMNS:
        first, last, width = struct.unpack_from("<3I", body)
        if body[16] & 1 or not width:
            found.hidden.append((first, last))
    elif number == MERGED:
        top, bottom, left, right = struct.unpack_from("<4I", body)
        found.merged.append(Range(top + 1, left + 1, bottom + 1, right + 1))
        if len(found.merged) > MOST_MERGED:
            raise TooLarge(f"more than {MOST_MERGED:,} merged cells")

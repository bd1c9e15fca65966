"""Reads .xlsb: the package of .xlsx, with its large parts as binary records ([MS-XLSB] 2.1.4 and 2.4).

calamine reads .xlsb too, but drops number formats, so that 95.3% becomes 0.953. It also drops errors, and which rows
and columns are hidden.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence

from planit_mailer.spreadsheets.containers.zip_archive import Archive, Damaged
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Range, Sheet
from planit_mailer.spreadsheets.number_formats import builtin
from planit_mailer.spreadsheets.readers import cells, sheet_builder, xlsx
from planit_mailer.spreadsheets.readers.sheet_builder import SheetBuilder, Usage

# Numbers of records, [MS-XLSB] 2.3.
ROW, BLANK, RK, ERROR, BOOLEAN, REAL, TEXT, SHARED = 0, 1, 2, 3, 4, 5, 6, 7
FORMULA_TEXT, FORMULA_NUMBER, FORMULA_BOOLEAN, FORMULA_ERROR, RICH_TEXT = 8, 9, 10, 11, 62
SHARED_ITEM, FORMAT, STYLE, COLUMNS, PROPERTIES, SHEET, MERGED = 19, 44, 47, 60, 153, 156, 176
STYLES_BEGIN, STYLES_END = 617, 618
NUMBERS = frozenset((RK, REAL, FORMULA_NUMBER))
BOOLEANS = frozenset((BOOLEAN, FORMULA_BOOLEAN))
ERRORS = frozenset((ERROR, FORMULA_ERROR))
TEXTS = frozenset((TEXT, RICH_TEXT, FORMULA_TEXT))
CELLS = NUMBERS | BOOLEANS | ERRORS | TEXTS | {SHARED}
FORMULAS = frozenset((FORMULA_TEXT, FORMULA_NUMBER, FORMULA_BOOLEAN, FORMULA_ERROR))
# Cells without their column, which is the next one. Excel reads them, SheetJS writes them, no document mentions them.
SHORT = {12: BLANK, 13: RK, 14: ERROR, 15: BOOLEAN, 16: REAL, 17: TEXT, 18: SHARED}
ERROR_TEXTS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
HIDDEN_ROW = 0x10  # a bit in byte 11 of a row
SIZE_BYTES = 4  # of a record's size, at most
NOTHING = 0xFFFFFFFF  # the length of a missing text


def read(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """Return all worksheets in their order.

    Raises Damaged, TooLarge, struct.error, and the errors of the package.
    """
    archive = Archive(data, limits)
    workbook = xlsx.workbook_of(archive)
    relations = xlsx.relations_of(archive, workbook)
    parts = {relation.type: relation.target for relation in relations if relation.target in archive}
    usage = Usage(limits)
    since_1904, sheet_bodies = _book(archive.read(workbook))
    maker = _CellMaker(_strings(archive, parts, usage), _formats(archive, parts), since_1904=since_1904)
    return tuple(_sheets(archive, sheet_bodies, relations, _Reader(maker, usage)))


def _book(data: bytes) -> tuple[bool, list[bytes]]:
    """Return if the dates of the workbook count from 1904, and the bodies of the records of its sheets."""
    since_1904 = False
    sheet_bodies: list[bytes] = []
    for number, body in _records(data):
        if number == PROPERTIES and body[0] & 1:
            since_1904 = True
        elif number == SHEET:
            sheet_bodies.append(body)
            sheet_builder.check_sheets(len(sheet_bodies))
    return since_1904, sheet_bodies


def _strings(archive: Archive, parts: Mapping[str, str], usage: Usage) -> list[str]:
    """Return the shared strings in the order of their numbers."""
    found: list[str] = []
    if "sharedStrings" in parts:
        for number, body in _records(archive.read(parts["sharedStrings"])):
            if number == SHARED_ITEM:
                found.append(_text(body, 1))
                usage.add_shared(found[-1])
    return found


def _formats(archive: Archive, parts: Mapping[str, str]) -> list[str]:
    """Return the number format of each cell style, in the order of their numbers."""
    if "styles" not in parts:
        return []
    own: dict[int, str] = {}
    styles: list[int] = []
    among_cell_styles = False
    for number, body in _records(archive.read(parts["styles"])):
        if number == STYLES_BEGIN:
            among_cell_styles = True
        elif number == STYLES_END:
            among_cell_styles = False
        elif number == FORMAT:
            own[int.from_bytes(body[:2], "little")] = builtin.kept(_text(body, 2))
        elif number == STYLE and among_cell_styles:
            styles.append(int.from_bytes(body[2:4], "little"))
            sheet_builder.check_styles(len(styles))
    return [builtin.code(style, own.get(style)) for style in styles]


def _sheets(
    archive: Archive, sheet_bodies: Sequence[bytes], relations: xlsx.Relations, reader: "_Reader"
) -> Iterator[Sheet]:
    by_id = {relation.id: relation for relation in relations}
    for place, body in enumerate(sheet_bodies, start=1):
        key = _text(body, 8)
        relation = by_id[key]
        if relation.type == "worksheet":
            name = _text(body, 12 + len(key.encode("utf-16-le")))
            hidden = body[0] != 0
            yield reader.sheet(archive.read(relation.target), name, place, hidden=hidden)


class _Reader:
    """Reads the worksheets of one workbook."""

    def __init__(self, maker: "_CellMaker", usage: Usage) -> None:
        self._maker = maker
        self._usage = usage

    def sheet(self, data: bytes, name: str, place: int, *, hidden: bool) -> Sheet:
        """Return one sheet. Its place in the workbook counts from 1."""
        builder = SheetBuilder(self._usage)
        row = _RowCells(builder)
        for number, body in _with_columns(_records(data)):
            if number in CELLS:
                row.add(int.from_bytes(body[:4], "little"), self._maker.cell(number, body))
            elif number == ROW:
                row.end()
                row.begin(body)
            elif number == COLUMNS:
                _note_columns(body, builder)
            elif number == MERGED:
                top, bottom, left, right = struct.unpack_from("<4I", body)
                builder.merge(Range(top + 1, left + 1, bottom + 1, right + 1))
        row.end()
        return builder.sheet(name, place, hidden=hidden)


class _CellMaker:
    """Makes the cells of one workbook. Cells that are stored alike are made once."""

    def __init__(self, strings: Sequence[str], formats: Sequence[str], *, since_1904: bool) -> None:
        self._strings = strings
        self._formats = formats
        self._since_1904 = since_1904
        self._made: dict[tuple[int, bytes], Cell | None] = {}

    def cell(self, number: int, body: bytes) -> Cell | None:
        """Return the cell of a record. Those with formulas are not kept, for hardly two of them are stored alike."""
        if number in FORMULAS:
            return self._make(number, body)
        key = number, body[4:]
        if key not in self._made:
            if len(self._made) >= cells.KEPT:
                self._made.clear()
            self._made[key] = self._make(number, body)
        return self._made[key]

    def _make(self, number: int, body: bytes) -> Cell | None:
        code = self._format(body)
        if number in NUMBERS:
            stored = _rk(body[8:12]) if number == RK else _real(body, 8)
            return cells.number(stored, code, since_1904=self._since_1904)
        if number == SHARED:
            (index,) = struct.unpack_from("<I", body, 8)
            return cells.text(self._strings[index], code)
        if number in BOOLEANS:
            return cells.boolean(bool(body[8]), code)
        if number in ERRORS:
            return Cell(ERROR_TEXTS.get(body[8], "#N/A"), Kind.ERROR, None, code)
        text_offset = 9 if number == RICH_TEXT else 8
        return cells.text(_text(body, text_offset), code)

    def _format(self, body: bytes) -> str:
        """Return the number format of a cell. A workbook without styles shows everything as General."""
        if not self._formats:
            return builtin.GENERAL
        return self._formats[int.from_bytes(body[4:7], "little")]


class _RowCells:
    """The cells of the row that is being read. Rows and cells must be in order."""

    def __init__(self, builder: SheetBuilder) -> None:
        self._builder = builder
        self._columns = builder.limits.columns
        self._number = 0
        self._hidden = False
        self._cells: list[Cell | None] = []

    def begin(self, body: bytes) -> None:
        """Begin the row of a record, and forget the one before."""
        self._number = int.from_bytes(body[:4], "little") + 1
        self._hidden = bool(int.from_bytes(body[11:12], "little") & HIDDEN_ROW)
        self._cells = []

    def add(self, column: int, cell: Cell | None) -> None:
        """Add a cell unless it is blank. Columns count from 0."""
        if cell is None:
            return
        if column >= self._columns:  # saves a call for each cell
            self._builder.check_column(column + 1)
        if column < len(self._cells):
            raise Damaged("cells in disorder")
        self._cells += [None] * (column - len(self._cells))
        self._cells.append(cell)

    def end(self) -> None:
        """Add the row to the sheet unless it is blank."""
        if not self._cells:
            return
        if self._number <= self._builder.last_row:
            raise Damaged("rows in disorder")
        self._builder.add_row(self._number, tuple(self._cells), hidden=self._hidden)


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the body of each record of a part. Both number and size are written seven bits a byte.

    It runs once for each cell, so it is one function.
    """
    place, end = 0, len(data)
    while place < end:
        number = data[place]
        place += 1
        if number & 0x80:
            number = number & 0x7F | data[place] << 7
            place += 1
        size = 0
        for part in range(SIZE_BYTES):
            size |= (data[place] & 0x7F) << 7 * part
            place += 1
            if not data[place - 1] & 0x80:
                break
        if place + size > end:
            raise Damaged("a record is cut off")
        yield number, data[place : place + size]
        place += size


def _with_columns(records: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield the records of a sheet, with a column added to each cell that is stored without one."""
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


def _note_columns(body: bytes, builder: SheetBuilder) -> None:
    """Note columns that are hidden or have no width."""
    first, last, width = struct.unpack_from("<3I", body)
    if body[16] & 1 or not width:
        builder.hide_columns(first + 1, last + 1)


def _text(body: bytes, place: int) -> str:
    """Return a text that is stored with its length in front of it."""
    (length,) = struct.unpack_from("<I", body, place)
    if length == NOTHING:
        return ""
    return body[place + 4 : place + 4 + 2 * length].decode("utf-16-le", "replace")


def _rk(written: bytes) -> float:
    """Return a number of four bytes ([MS-XLSB] 2.5.122). One of two bits marks an integer, the other hundredths."""
    (bits,) = struct.unpack("<i", written)
    is_integer = bits & 2
    in_hundredths = bits & 1
    number = bits >> 2 if is_integer else _real(bytes(4) + struct.pack("<i", bits & ~3), 0)
    return number / 100 if in_hundredths else float(number)


def _real(body: bytes, place: int) -> float:
    number: float
    (number,) = struct.unpack_from("<d", body, place)
    return number

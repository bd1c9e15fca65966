"""Reads .xls (BIFF): what xlrd gives of values, formats, and what is hidden → sheets."""

import io
from collections.abc import Iterator, Mapping

import xlrd
from xlrd.biffh import XLRDError
from xlrd.compdoc import SIGNATURE, CompDoc, CompDocError
from xlrd.formatting import std_format_strings

from planit_mailer.spreadsheets.containers.zip_archive import Damaged, Locked, TooLarge
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Range, Row, Sheet
from planit_mailer.spreadsheets.number_formats import builtin
from planit_mailer.spreadsheets.readers import cells, xls_formulas

ENCRYPTED = "Workbook is encrypted"  # what xlrd says of it, and nothing else
STREAMS = ("Workbook", "Book")  # of BIFF8, and older; a file for both has both


def read(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """All worksheets in their order. Raise Locked, TooLarge, or what xlrd makes of a damaged file."""
    book = _opened(data)
    return tuple(_Reader(book, limits).sheet(number) for number in range(book.nsheets))


def _opened(data: bytes) -> xlrd.Book:
    """The workbook. A container that uses a sector twice, as those of report tools do, is opened as Excel opens it."""
    try:
        return _open(data)
    except CompDocError:
        return _open(data, ignore_workbook_corruption=True)
    except XLRDError as error:
        if str(error) == ENCRYPTED:
            raise Locked from error
        raise


def _open(data: bytes, *, ignore_workbook_corruption: bool = False) -> xlrd.Book:
    stream = _stream(data, ignore_workbook_corruption) if data.startswith(SIGNATURE) else data
    return xlrd.open_workbook(
        file_contents=xls_formulas.marked(stream),
        formatting_info=True,
        on_demand=True,
        ragged_rows=True,  # or one formatted cell at IV65536 makes 17 million of nothing
        logfile=io.StringIO(),
    )


def _stream(data: bytes, ignore_workbook_corruption: bool) -> bytes:  # noqa: FBT001  it is xlrd's
    """The records of a workbook, out of their container."""
    container = CompDoc(data, io.StringIO(), ignore_workbook_corruption=ignore_workbook_corruption)
    for name in STREAMS:
        found, start, size = container.locate_named_stream(name)
        if found:
            return found[start : start + size]
    raise Damaged("a container without a workbook")


class _Reader:
    """Makes the cells of one workbook, each different one once."""

    def __init__(self, book: xlrd.Book, limits: Limits) -> None:
        self._book = book
        self._limits = limits
        self._codes = _codes(book)
        self._made: dict[tuple[int, object, int], Cell | None] = {}

    def sheet(self, number: int) -> Sheet:
        """A sheet by its number from 0; forgotten by xlrd afterwards."""
        page = self._book.sheet_by_index(number)
        rows = tuple(self._rows(page))
        width = max((len(row.cells) for row in rows), default=0)
        columns = (column + 1 for column, info in page.colinfo_map.items() if info.hidden or not info.width)
        self._book.unload_sheet(number)
        return Sheet(
            name=page.name,
            number=number + 1,
            rows=rows,
            hidden=page.visibility != 0,
            hidden_columns=frozenset(column for column in columns if column <= width),
            merged=tuple(Range(top + 1, left + 1, bottom, right) for top, bottom, left, right in page.merged_cells),
        )

    def _rows(self, page: xlrd.sheet.Sheet) -> Iterator[Row]:
        """The rows that hold something."""
        count = 0
        for number in range(page.nrows):
            found = [
                self._cell(kind, value, style)
                for kind, value, style in zip(
                    page.row_types(number),
                    page.row_values(number),
                    (page.cell_xf_index(number, column) for column in range(page.row_len(number))),
                    strict=True,
                )
            ]
            while found and found[-1] is None:
                found.pop()
            if len(found) > self._limits.columns:
                raise TooLarge(f"more than {self._limits.columns:,} columns")
            if found:
                count += 1
                if count > self._limits.rows:
                    raise TooLarge(f"more than {self._limits.rows:,} rows")
                yield Row(number + 1, tuple(found), _is_hidden(page.rowinfo_map.get(number)))

    def _cell(self, kind: int, value: object, style: int) -> Cell | None:
        key = (kind, value, style)
        if key not in self._made:
            self._made[key] = self._make(kind, value, self._codes.get(style, builtin.GENERAL))
        return self._made[key]

    def _make(self, kind: int, value: object, code: str) -> Cell | None:
        match kind, value:
            case xlrd.XL_CELL_TEXT, str():
                return cells.text(value, code)
            case ((xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_DATE), float()):
                return cells.number(value, code, since_1904=self._book.datemode == 1)
            case xlrd.XL_CELL_BOOLEAN, int():
                return cells.boolean(bool(value), code)
            case xlrd.XL_CELL_ERROR, xls_formulas.UNSAVED:
                return Cell("", Kind.UNSAVED, None, code)
            case xlrd.XL_CELL_ERROR, int():
                return Cell(xlrd.error_text_from_code.get(value, "#N/A"), Kind.ERROR, None, code)
        return None


def _codes(book: xlrd.Book) -> Mapping[int, str]:
    """The number format of each cell style; xlrd fills in, in American, those that the file leaves to Excel."""
    return {number: _code(book, style.format_key) for number, style in enumerate(book.xf_list)}


def _code(book: xlrd.Book, number: int) -> str:
    found = book.format_map.get(number)
    own = found.format_str if found else None
    return builtin.code(number, None if own == std_format_strings.get(number) else own)


def _is_hidden(row: xlrd.sheet.Rowinfo | None) -> bool:
    """True if a row is invisible: by its flag, which a filter sets too, or because it has no height."""
    return row is not None and bool(row.hidden or row.height == 0)

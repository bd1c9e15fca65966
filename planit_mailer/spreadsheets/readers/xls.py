"""Reads .xls (BIFF): values, formats, and what is hidden, as xlrd reads them → sheets."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import xlrd
from xlrd.biffh import XLRDError
from xlrd.compdoc import SIGNATURE, CompDoc, CompDocError
from xlrd.formatting import std_format_strings

from planit_mailer.spreadsheets.containers.zip_archive import Damaged, Locked
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Range, Sheet
from planit_mailer.spreadsheets.number_formats import builtin
from planit_mailer.spreadsheets.readers import cells, xls_formulas
from planit_mailer.spreadsheets.readers.sheet_builder import SheetBuilder, Usage

ENCRYPTED = "Workbook is encrypted"  # xlrd says so in the text of a general error, and nowhere else
STREAMS = ("Workbook", "Book")  # of BIFF8, and of what is older; a file for both has both


def read(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """Return all worksheets in their order. Raises Locked, TooLarge, and xlrd's own errors if the file is damaged."""
    with _without_what_unfolds():
        book = _open(data)
        reader = _Reader(book, limits)
        return tuple(map(reader.sheet, range(book.nsheets)))


@contextmanager
def _without_what_unfolds() -> Iterator[None]:
    """Let xlrd pass over links and names, which are not needed, and of which a small file can make very much.

    It makes an entry for each cell that a link spans, and works out the formulas of names, which can double a text
    again and again. It cannot be told to leave that out, so its functions for these records are replaced meanwhile.
    """
    replaced = ((xlrd.sheet.Sheet, "handle_hlink"), (xlrd.sheet.Sheet, "handle_quicktip"), (xlrd.Book, "handle_name"))
    originals = [(owner, name, getattr(owner, name)) for owner, name in replaced]
    for owner, name in replaced:
        setattr(owner, name, _pass_over)
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _pass_over(_owner: object, _record: bytes) -> None:
    """Do nothing with a record."""


def _open(data: bytes) -> xlrd.Book:
    """Open the workbook. The files of report tools, which use a sector twice, are opened as Excel opens them."""
    try:
        return _open_stream(data)
    except CompDocError:
        return _open_stream(data, ignore_workbook_corruption=True)
    except XLRDError as error:
        if str(error) == ENCRYPTED:
            raise Locked from error
        raise


def _open_stream(data: bytes, *, ignore_workbook_corruption: bool = False) -> xlrd.Book:
    in_container = data.startswith(SIGNATURE)
    stream = _stream(data, ignore_workbook_corruption) if in_container else data
    return xlrd.open_workbook(
        file_contents=xls_formulas.marked(stream),
        formatting_info=True,
        on_demand=True,
        ragged_rows=True,  # or one formatted cell at IV65536 makes 17 million blank ones
        logfile=io.StringIO(),
    )


def _stream(data: bytes, ignore_workbook_corruption: bool) -> bytes:  # noqa: FBT001  it is xlrd's
    """Return the records of a workbook from their container."""
    container = CompDoc(data, io.StringIO(), ignore_workbook_corruption=ignore_workbook_corruption)
    for name in STREAMS:
        found, start, size = container.locate_named_stream(name)
        if found:
            return found[start : start + size]
    raise Damaged("a container without a workbook")


class _Reader:
    """Reads the sheets of one workbook. Cells that are stored alike are made once."""

    def __init__(self, book: xlrd.Book, limits: Limits) -> None:
        self._book = book
        self._usage = Usage(limits)
        self._codes = _codes(book)
        self._made: dict[tuple[int, object, int], Cell | None] = {}

    def sheet(self, number: int) -> Sheet:
        """Return a sheet by its number from 0, and let xlrd drop it."""
        page = self._book.sheet_by_index(number)
        builder = SheetBuilder(self._usage, shows_zeros=bool(page.show_zero_values))  # type: ignore[attr-defined]  # its stubs lack it
        for row in range(page.nrows):
            builder.add_cells(row + 1, self._cells(page, row), hidden=_is_hidden(page.rowinfo_map.get(row)))
        for column, info in page.colinfo_map.items():
            if info.hidden or not info.width:
                builder.hide_columns(column + 1, column + 1)
        for top, bottom, left, right in page.merged_cells:
            builder.merge(Range(top + 1, left + 1, bottom, right))
        self._book.unload_sheet(number)
        return builder.sheet(page.name, number + 1, hidden=page.visibility != 0)

    def _cells(self, page: xlrd.sheet.Sheet, row: int) -> list[Cell | None]:
        """Return the cells of a row."""
        styles = [page.cell_xf_index(row, column) for column in range(page.row_len(row))]
        stored = zip(page.row_types(row), page.row_values(row), styles, strict=True)
        return [self._cell(kind, value, style) for kind, value, style in stored]

    def _cell(self, kind: int, value: object, style: int) -> Cell | None:
        key = (kind, value, style)
        if key not in self._made:
            if len(self._made) >= cells.KEPT:
                self._made.clear()
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
    """Return the number format of each cell style by number."""
    return {number: _code(book, style.format_key) for number, style in enumerate(book.xf_list)}


def _code(book: xlrd.Book, number: int) -> str:
    """Return a number format. xlrd gives American ones for those that the file leaves to Excel; they are replaced."""
    found = book.format_map.get(number)
    own = found.format_str if found else None
    if own == std_format_strings.get(number):
        own = None
    return builtin.code(number, own)


def _is_hidden(row: xlrd.sheet.Rowinfo | None) -> bool:
    """Return True if a row is hidden, by a person or a filter, or if its height is 0."""
    return row is not None and bool(row.hidden or row.height == 0)

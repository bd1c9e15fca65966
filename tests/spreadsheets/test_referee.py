"""openpyxl is the referee: of the same .xlsx it gives the same values, number formats and flags as we do."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.cell import MergedCell
from openpyxl.styles.numbers import BUILTIN_FORMATS_REVERSE
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, to_excel
from openpyxl.worksheet.worksheet import Worksheet
from xlsxwriter import Workbook as Written

from planit_mailer.spreadsheets import detect, read
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Range, Sheet
from planit_mailer.spreadsheets.number_formats import builtin
from planit_mailer.spreadsheets.readers import cells
from tests.corpus.workbooks import HOSTILE, WHOLE
from tests.spreadsheets import shown
from tests.support.workbooks import parts_of, saved

HEAVY = 20_000_000  # bytes unpacked, beyond which openpyxl takes minutes
CORPUS: dict[str, Callable[[], bytes]] = {
    "a whole form": WHOLE["xlsx"],
    **{hostile.why: hostile.make for hostile in HOSTILE if "no-form-found" in hostile.codes},
}
Place = tuple[int, int]  # row and column, from 1
Told = tuple[str, object, str]  # kind, value, number format; moments, times and durations are serial numbers


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reader makes of a sheet, as far as its cells go."""

    title: tuple[str, bool]
    hidden_rows: frozenset[int]
    hidden_columns: frozenset[int]
    merged: frozenset[Range]
    cells: Mapping[Place, Told]

    @classmethod
    def of_ours(cls, sheet: Sheet, epoch: datetime) -> Self:
        """What we make of it. openpyxl gives nothing for what is beneath merged cells, and for unsaved formulas."""
        beneath = {place for block in sheet.merged for place in list(_places(block))[1:]}
        found = {
            (row.number, column): _told(cell, epoch)
            for row in sheet.rows
            for column, cell in enumerate(row.cells, 1)
            if cell and cell.kind is not Kind.UNSAVED and (row.number, column) not in beneath
        }
        hidden = {row.number for row in sheet.rows if row.hidden}
        return cls(
            (sheet.name, sheet.hidden),
            frozenset(hidden & {row for row, _ in found}),
            sheet.hidden_columns & {column for _, column in found},
            frozenset(sheet.merged),
            found,
        )

    @classmethod
    def of_theirs(cls, page: Worksheet, epoch: datetime) -> Self:
        """What openpyxl makes of it."""
        found = {
            (cell.row, cell.column): told
            for row in page.iter_rows()
            for cell in row
            if not isinstance(cell, MergedCell) and (told := _told_by_openpyxl(cell, epoch))
        }
        columns = (size for size in page.column_dimensions.values() if size.hidden or size.width == 0)
        hidden = {column for size in columns for column in range(size.min, size.max + 1)}
        return cls(
            (page.title, page.sheet_state != "visible"),
            frozenset(
                row for row, _ in found if page.row_dimensions[row].hidden or page.row_dimensions[row].height == 0
            ),
            frozenset(hidden & {column for _, column in found}),
            frozenset(Range(block.min_row, block.min_col, block.max_row, block.max_col) for block in page.merged_cells),
            found,
        )


def agreed(data: bytes) -> None:
    """Both readers make the same of a workbook."""
    book = load_workbook(io.BytesIO(data), data_only=True)
    theirs = [Seen.of_theirs(page, book.epoch) for page in book.worksheets]

    ours = read.read(data, Limits())

    assert isinstance(ours, tuple)
    assert [Seen.of_ours(sheet, book.epoch) for sheet in ours] == theirs


def _places(block: Range) -> list[Place]:
    rows = range(block.first_row, block.last_row + 1)
    return [(row, column) for row in rows for column in range(block.first_column, block.last_column + 1)]


def _told(cell: Cell, epoch: datetime) -> Told:
    if cell.kind in (Kind.NUMBER, Kind.DATE):
        return "number", _serial(cell.value, epoch), cell.format
    return cell.kind, cell.text if cell.value is None else cell.value, cell.format


def _told_by_openpyxl(cell: Any, epoch: datetime) -> Told | None:
    number = BUILTIN_FORMATS_REVERSE.get(cell.number_format)
    code = cell.number_format if number is None else builtin.code(number, None)
    match cell.value:
        case None:
            return None
        case str() if cell.data_type != "e":  # texts with what nobody sees, which are not what is refereed here
            text = cells.text(cell.value)
            return text and (text.kind, text.text if text.value is None else text.value, code)
        case str():
            return Kind.ERROR, cell.value, code
        case bool():
            return Kind.BOOLEAN, cell.value, code
    return "number", _serial(cell.value, epoch), code


def _serial(value: Any, epoch: datetime) -> float:
    return round(float(value if isinstance(value, int | float) else to_excel(value, epoch)), 6)


# ── the corpus ──


@pytest.mark.parametrize("make", CORPUS.values(), ids=CORPUS)
def test_what_we_read_of_the_corpus_openpyxl_reads_likewise(make: Callable[[], bytes]) -> None:
    data = make()

    if detect.sniff(data) is detect.XLSX and sum(map(len, parts_of(data).values())) < HEAVY:
        agreed(data)


# ── whatever a workbook holds ──

BLOCKS = (Range(2, 2, 3, 4), Range(6, 1, 6, 3), Range(10, 5, 12, 5))
STATES = ("visible", "hidden", "veryHidden")
FROM = 61  # openpyxl takes days before 1 March 1900 for times of day
LAST_DAYS = (2_957_004, 2_958_465)  # dates that there are since 1900 alone: since 1904, 2957003 is 31 December 9999


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula and its result, which XlsxWriter saves and openpyxl does not."""

    result: float | str | bool


@dataclass(frozen=True, slots=True)
class Page:
    """A sheet to be written."""

    cells: Mapping[Place, tuple[Any, str | int]]
    hidden_rows: frozenset[int]
    hidden_columns: frozenset[int]
    merged: tuple[Range, ...]
    state: str


def is_a_day_since_both(value: float) -> bool:
    first, last = LAST_DAYS
    return not (0 <= value < FROM or first <= value < last + 1)


known = [(pair.value, pair.format) for pair in shown.storable()]
general = st.just("General")
texts = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=8).map(
    lambda text: text.replace("=", "")
)
stored = st.one_of(
    st.sampled_from([(value, code) for value, code in known if isinstance(value, str) or is_a_day_since_both(value)]),
    st.tuples(texts | st.booleans() | st.integers() | st.floats(-1e9, 1e9), general),
    st.tuples(st.builds(Formula, st.sampled_from([7, 0.5, "Ann", "", "#N/A", "#DIV/0!", True])), general),
    st.tuples(st.datetimes(datetime.fromisoformat("1910-01-01")), st.sampled_from(["dd/mm/yyyy hh:mm", "mmm yy", 14])),
    st.just(("#N/A", "0.0")),
)
places = st.tuples(st.integers(1, 14), st.integers(1, 8))
numbers = st.frozensets(st.integers(1, 12), max_size=3)
blocks = st.lists(st.sampled_from(BLOCKS), unique=True, max_size=2).map(tuple)
pages = st.builds(Page, st.dictionaries(places, stored, max_size=12), numbers, numbers, blocks, st.sampled_from(STATES))
books = st.lists(pages, max_size=2).map(
    lambda more: [Page({(1, 1): ("Ann", "@")}, *[frozenset()] * 2, (), STATES[0]), *more]
)


def by_openpyxl(pages: list[Page], *, since_1904: bool) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    book.epoch = CALENDAR_MAC_1904 if since_1904 else CALENDAR_WINDOWS_1900
    for page in pages:
        sheet = book.create_sheet()
        sheet.sheet_state = page.state
        for (row, column), (value, code) in page.cells.items():
            cell = sheet.cell(row, column, "=1+1" if isinstance(value, Formula) else value)
            cell.number_format = shown.spelt(code)
        for row in page.hidden_rows:
            sheet.row_dimensions[row].hidden = True
        for column in page.hidden_columns:
            sheet.column_dimensions[get_column_letter(column)].hidden = True
        for block in page.merged:
            sheet.merge_cells(None, block.first_row, block.first_column, block.last_row, block.last_column)
    return saved(book)


def by_xlsxwriter(pages: list[Page], *, since_1904: bool) -> bytes:
    out = io.BytesIO()
    book = Written(out, {"strings_to_formulas": False, "strings_to_urls": False, "date_1904": since_1904})
    for page in pages:
        sheet = book.add_worksheet()
        {"visible": sheet.activate, "hidden": sheet.hide, "veryHidden": sheet.very_hidden}[page.state]()
        for row in page.hidden_rows:
            sheet.set_row(row - 1, None, None, {"hidden": True})
        for column in page.hidden_columns:
            sheet.set_column(column - 1, column - 1, None, None, {"hidden": True})
        for block in page.merged:
            sheet.merge_range(
                block.first_row - 1, block.first_column - 1, block.last_row - 1, block.last_column - 1, ""
            )
        for (row, column), (value, code) in page.cells.items():
            style = book.add_format({"num_format": code})
            if isinstance(value, Formula):
                sheet.write_formula(row - 1, column - 1, "=1+1", style, value.result)
            else:
                sheet.write(row - 1, column - 1, value, style)
    book.close()
    return out.getvalue()


@pytest.mark.parametrize("write", [by_openpyxl, by_xlsxwriter])
@settings(deadline=None)
@given(pages=books, since_1904=st.booleans())
def test_of_any_workbook_both_read_the_same(
    write: Callable[..., bytes], pages: list[Page], *, since_1904: bool
) -> None:
    agreed(write(pages, since_1904=since_1904))

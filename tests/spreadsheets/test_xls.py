"""Excel 97-2003 workbooks: values, formats and what is hidden, as their newer kin have them."""

import io
import time
from collections.abc import Callable
from datetime import datetime

import pytest
import xlwt
from xlwt import easyxf

from planit_mailer.spreadsheets import reading
from planit_mailer.spreadsheets.sheets import Kind, Limits, Range, Reason, Unreadable
from tests.spreadsheets.workbooks import cells, sheet, sheets, texts


def an_xls(fill: Callable[[xlwt.Worksheet], object], *more: str) -> bytes:
    """A workbook of a sheet that a function fills, and of more by their names."""
    book = xlwt.Workbook()
    fill(book.add_sheet("Sheet1", cell_overwrite_ok=True))
    for name in more:
        book.add_sheet(name)
    return saved(book)


def saved(book: xlwt.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def fmt(code: str) -> xlwt.XFStyle:
    return easyxf(num_format_str=code)


def test_each_kind_of_value_keeps_its_kind_and_shows_its_text() -> None:
    def fill(page: xlwt.Worksheet) -> None:
        page.write(0, 0, " Ann ")
        page.write(0, 1, 7)
        page.write(0, 2, 0.953, fmt("0.0%"))
        page.write(0, 3, True)
        page.write(0, 4, datetime.fromisoformat("2007-01-12"), fmt("DD/MM/YYYY"))
        page.row(0).set_cell_error(5, 42)
        page.write(0, 6, 7, fmt("000"))
        page.write(0, 7, "")

    found = cells(an_xls(fill))

    assert {place: (cell.kind, cell.text) for place, cell in found.items()} == {
        "A1": (Kind.TEXT, "Ann"),
        "B1": (Kind.NUMBER, "7"),
        "C1": (Kind.NUMBER, "95.3%"),
        "D1": (Kind.BOOLEAN, "TRUE"),
        "E1": (Kind.DATE, "12/01/2007"),
        "F1": (Kind.ERROR, "#N/A"),
        "G1": (Kind.NUMBER, "007"),
    }
    assert found["B1"].value == 7
    assert found["E1"].value == datetime.fromisoformat("2007-01-12")


def test_built_in_dates_stand_in_british_order() -> None:
    data = an_xls(lambda page: page.write(0, 0, datetime.fromisoformat("2007-01-12"), fmt("M/D/YY")))

    assert texts(data) == {"A1": "12/01/2007"}


def test_a_workbook_that_counts_from_1904_gives_the_same_dates() -> None:
    book = xlwt.Workbook()
    book.dates_1904 = True
    book.add_sheet("1").write(0, 0, datetime.fromisoformat("2007-01-12"), fmt("DD/MM/YYYY"))

    assert texts(saved(book)) == {"A1": "12/01/2007"}


def test_places_are_those_of_excel_and_blank_cells_nothing() -> None:
    def fill(page: xlwt.Worksheet) -> None:
        page.write(13, 3, "here")
        page.write(13, 9, "", fmt("0.0%"))

    (row,) = sheet(an_xls(fill)).rows

    assert (row.number, len(row.cells)) == (14, 4)


def test_a_formatted_cell_in_the_last_corner_costs_nothing() -> None:
    def fill(page: xlwt.Worksheet) -> None:
        style = fmt("0.0%")
        for number in range(65_536):
            page.write(number, 0, "", style)
        page.write(13, 3, "here")
        page.write(65_535, 255, "", style)

    data = an_xls(fill)
    begin = time.process_time()

    (row,) = sheet(data).rows

    assert (row.number, len(row.cells)) == (14, 4)
    assert time.process_time() - begin < 5


def test_what_is_hidden_or_merged_is_told() -> None:
    def fill(page: xlwt.Worksheet) -> None:
        for row in range(3):
            page.write(row, 0, "a")
            page.write(row, 1, "b")
        page.row(1).hidden = True
        page.row(2).height = 0
        page.row(2).height_mismatch = True
        page.col(1).hidden = True
        page.write_merge(5, 6, 0, 2, "merged")

    book = xlwt.Workbook()
    fill(book.add_sheet("Sheet1"))
    book.add_sheet("hidden").visibility = 1

    first, second = sheets(saved(book))

    assert [row.hidden for row in first.rows] == [False, True, True, False]
    assert first.hidden_columns == {2}
    assert first.merged == (Range(6, 1, 7, 3),)
    assert (first.hidden, second.hidden) == (False, True)


def test_more_than_the_limits_is_too_large() -> None:
    data = an_xls(lambda page: [page.write(row, row, 1) for row in range(5)])

    for limits in (Limits(rows=4), Limits(columns=4)):
        found = reading.read(data, limits)
        assert isinstance(found, Unreadable)
        assert found.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("share", range(10, 100, 15))
def test_a_truncated_workbook_cannot_be_opened(share: int) -> None:
    data = an_xls(lambda page: [page.write(row, 0, "Ann" * 50) for row in range(500)])

    found = reading.read(data[: len(data) * share // 100], Limits())

    assert isinstance(found, Unreadable)
    assert found.reason is Reason.CANNOT_BE_OPENED

"""Excel 97-2003 workbooks: values, formats and what is hidden, as their newer kin have them."""

import io
import struct
import time
from collections.abc import Callable
from datetime import datetime

import pytest
import xlwt
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet
from xlwt import easyxf

from planit_mailer.spreadsheets import read
from planit_mailer.spreadsheets.model import Kind, Limits, Range, Reason, Unreadable
from planit_mailer.spreadsheets.readers import xls_formulas
from tests.support.libreoffice import LibreOffice
from tests.support.workbooks import a_workbook, cells, sheet, sheets, texts


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


WRITER = b"\x5c\0\x70\0"  # the record that says who wrote a workbook: its number and its size
UNCALCULATED = b"\x03\0\0\0\0\0\xff\xff\0\0"  # result and flags of a formula, as xlwt writes each


def a_formula(result: bytes, flags: int, *, engine: int = 0, writer: bytes = b"None") -> bytes:
    """A workbook with a formula in A1, its result and flags as some program stores them."""
    data = an_xls(lambda page: page.write(0, 0, xlwt.Formula("B1*2")))
    named = WRITER + writer
    if engine:
        named = b"\xc1\x01\x70\0" + struct.pack("<HHI", 0x1C1, 0, engine)
    for old, new in (
        (UNCALCULATED, result + struct.pack("<H", flags)),
        (WRITER + data.partition(WRITER)[2][: len(named) - len(WRITER)], named),
    ):
        assert old in data
        data = data.replace(old, new)
    return data


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


def test_a_text_that_looks_like_an_escape_of_xml_is_what_it_is() -> None:
    assert texts(an_xls(lambda page: page.write(0, 0, "a_x0041_b"))) == {"A1": "a_x0041_b"}


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
        found = read.read(data, limits)
        assert isinstance(found, Unreadable)
        assert found.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("share", range(10, 100, 15))
def test_a_truncated_workbook_cannot_be_opened(share: int) -> None:
    data = an_xls(lambda page: [page.write(row, 0, "Ann" * 50) for row in range(500)])

    found = read.read(data[: len(data) * share // 100], Limits())

    assert isinstance(found, Unreadable)
    assert found.reason is Reason.CANNOT_BE_OPENED


# ── formulas ──

ZERO = bytes(8)
EMPTY = b"\x03\0\0\0\0\0\xff\xff"
SEVEN = struct.pack("<d", 7)
ALWAYS, ON_LOAD = 1, 2  # when Excel calculates a formula, beside when what it needs has changed
EXCEL_2000 = 0x000168B2


def test_a_formula_that_xlwt_wrote_was_never_calculated() -> None:
    found = cells(an_xls(lambda page: page.write(0, 0, xlwt.Formula('"x"&B1'), fmt("0.0%"))))

    assert (found["A1"].kind, found["A1"].value, found["A1"].format) == (Kind.UNSAVED, None, "0.0%")


@pytest.mark.parametrize(
    "data",
    [
        a_formula(ZERO, ON_LOAD, engine=EXCEL_2000),
        a_formula(EMPTY, ON_LOAD, engine=EXCEL_2000),
        a_formula(ZERO, 0),
        a_formula(ZERO, 0, writer=b"\x04\0\0Calc"),
        a_formula(xls_formulas.DUMMY[:8], ON_LOAD, engine=EXCEL_2000).replace(
            b"\x10\x40\x02" + bytes(5), b"\x10\x40\x02\0\0\0\xe0\xfc"
        ),
    ],
    ids=["added by POI", "an empty text", "by no engine", "by LibreOffice", "copied by JExcelApi"],
)
def test_what_stands_in_place_of_a_result_until_excel_calculates_it_is_none(data: bytes) -> None:
    assert cells(data)["A1"].kind is Kind.UNSAVED


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (a_formula(ZERO, 0, engine=EXCEL_2000), {"A1": "0"}),
        (a_formula(ZERO, ALWAYS, engine=EXCEL_2000), {"A1": "0"}),
        (a_formula(EMPTY, 0, engine=EXCEL_2000), {}),
        (a_formula(EMPTY, ALWAYS, engine=EXCEL_2000), {}),
        (a_formula(EMPTY, ON_LOAD, writer=b"\x04\0\0Calc"), {}),
        (a_formula(SEVEN, ON_LOAD), {"A1": "7"}),
        (a_formula(struct.pack("<d", 4), ON_LOAD), {"A1": "4"}),
    ],
    ids=["Excel", "TODAY()", "empty", "empty TODAY()", "OpenOffice", "calculated", "a true four"],
)
def test_zeros_and_empty_texts_that_were_calculated_are_results(data: bytes, shown: dict[str, str]) -> None:
    assert texts(data) == shown


def test_each_formula_of_each_sheet_is_looked_at() -> None:
    book = xlwt.Workbook()
    for name in ("Sheet1", "Sheet2"):
        page = book.add_sheet(name)
        for row in range(40):
            page.write(row, 0, "text")
            page.write(row, 1, xlwt.Formula("A1"))

    for page in sheets(saved(book)):
        assert [[cell and cell.kind for cell in row.cells] for row in page.rows] == [[Kind.TEXT, Kind.UNSAVED]] * 40


def test_before_biff8_a_workbook_names_no_engine_and_only_the_formula_says_that_it_has_no_result() -> None:
    def stream(flags: int, begin: int = 0x809) -> bytes:
        formula = struct.pack("<HHH8sHIH", 0, 0, 0, ZERO, flags, 0, 0)
        records = ((begin, b"\0\x05\x10\0"), (0x006, formula), (0x00A, b""))
        return b"".join(struct.pack("<HH", number, len(body)) + body for number, body in records)

    assert xls_formulas.marked(stream(ALWAYS)) == stream(ALWAYS)
    assert xls_formulas.marked(stream(ON_LOAD)) != stream(ON_LOAD)
    assert xls_formulas.marked(stream(ON_LOAD, begin=0x009)) == stream(ON_LOAD, begin=0x009)


def test_the_results_that_libreoffice_saved_are_read_but_for_zeros_that_may_be_texts(libreoffice: LibreOffice) -> None:
    formulas = ['="5-4"', '=IF(NOW()>1,"","x")', "=1+1", "=1-1", "=1/0", "=1=1"]

    def fill(page: Worksheet) -> None:
        for number, formula in enumerate(formulas, 1):
            page.cell(1, number, formula)
            page.cell(2, number, formula).number_format = "0.0%"

    found = cells(libreoffice.converted({"a.xlsx": a_workbook(fill)}, "xls")["a"])

    assert [(found[place].kind, found[place].text) for place in ("A1", "C1", "E1", "F1", "C2")] == [
        (Kind.TEXT, "5-4"),
        (Kind.NUMBER, "2"),
        (Kind.ERROR, "#DIV/0!"),
        (Kind.BOOLEAN, "TRUE"),
        (Kind.NUMBER, "200.0%"),
    ]
    assert "B1" not in found
    assert [found[place].kind for place in ("D1", "A2", "B2", "D2")] == [Kind.UNSAVED] * 4


@given(st.binary(max_size=60), st.integers(0, 5_000), st.integers(0, 9))
def test_whatever_stands_in_a_stream_marking_its_formulas_raises_nothing(noise: bytes, place: int, cut: int) -> None:
    data = a_formula(ZERO, ON_LOAD)[512:]
    damaged = data[:place] + noise + data[place + len(noise) :]

    assert len(xls_formulas.marked(damaged)) == len(damaged)
    assert len(xls_formulas.marked(damaged[: len(damaged) * cut // 10])) == len(damaged) * cut // 10


def test_sheets_that_all_begin_in_each_other_cost_no_time() -> None:
    record = struct.pack("<HH", 0x203, 0)
    count = 20_000
    starts = b"".join(
        struct.pack("<HHI", xls_formulas.BOUND_SHEET, 4, 8 * count + 4 * number) for number in range(count)
    )
    begun = time.process_time()

    xls_formulas.marked(starts + record * 1_000_000)

    assert time.process_time() - begun < 10

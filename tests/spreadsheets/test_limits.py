"""What unfolds is counted each time, over all sheets, in every kind of file, and reading stops at the limit."""

from collections.abc import Callable

import pytest

from planit_mailer.spreadsheets import read
from planit_mailer.spreadsheets.model import Limits, Reason, Sheet, Unreadable
from planit_mailer.spreadsheets.readers import cells, sheet_builder
from tests.spreadsheets import test_ods, test_xlsb
from tests.support import biff, workbooks
from tests.support.workbooks import MAIN

TEXT = "x" * 1_000
ROWS = 50
SHARED = f'<sst xmlns="{MAIN}"><si><t>{TEXT}</t></si></sst>'


def rows_of(cell: str, count: int = ROWS) -> str:
    return "".join(f'<row r="{number}">{cell.format(number)}</row>' for number in range(1, count + 1))


def shared_xlsx() -> bytes:
    return workbooks.with_rows(rows_of('<c r="A{0}" t="s"><v>0</v></c>'), {"xl/sharedStrings.xml": SHARED})


def shared_xlsx_for_the_parser() -> bytes:
    cell = '<!-- --><c r="A{0}" t="s"><v>0</v></c>'
    return workbooks.with_rows(rows_of(cell), {"xl/sharedStrings.xml": SHARED})


def styled_xlsx() -> bytes:
    """A number format that shows a text of a hundred characters for each number, in ten columns."""
    code = "&quot;" + "x" * 100 + "&quot;"
    cell = "".join(f'<c r="{column}{{0}}"><v>1</v></c>' for column in "ABCDEFGHIJ")
    return workbooks.with_rows(rows_of(cell), workbooks.with_styles(code))


def repeated_ods() -> bytes:
    repeated = f'table:number-rows-repeated="{ROWS}"'
    return test_ods.with_rows(test_ods.row(test_ods.cell(TEXT, "string"), attributes=repeated))


def wide_ods() -> bytes:
    repeated = f'table:number-columns-repeated="{ROWS}"'
    return test_ods.with_rows(test_ods.row(test_ods.cell(TEXT, "string", repeated)))


def xls() -> bytes:
    return biff.stream(lambda page: [page.write(number, 0, TEXT) for number in range(ROWS)])


def xlsb() -> bytes:
    shared = test_xlsb.cell(7, 1, bytes(4))
    parts = workbooks.parts_of(test_xlsb.an_xlsb(b"".join(test_xlsb.row(n, shared) for n in range(1, ROWS + 1))))
    table = test_xlsb.record(19, b"\0" + test_xlsb.text(TEXT))
    return workbooks.packed(parts | {"xl/sharedStrings.bin": table})


def csv() -> bytes:
    return f"{TEXT},a\r\n".encode() * ROWS


MAKERS: dict[str, Callable[[], bytes]] = {
    "a shared text of .xlsx": shared_xlsx,
    "a shared text of .xlsx that the parser reads": shared_xlsx_for_the_parser,
    "a number format": styled_xlsx,
    "repeated rows of .ods": repeated_ods,
    "repeated columns of .ods": wide_ods,
    "a shared text of .xls": xls,
    "a shared text of .xlsb": xlsb,
    "plain text": csv,
}


def attempt(data: bytes, limits: Limits) -> tuple[Sheet, ...] | Unreadable:
    return read.read(data, limits)


@pytest.mark.parametrize("how", MAKERS)
def test_text_counts_wherever_it_is_shown(how: str) -> None:
    data = MAKERS[how]()

    enough = attempt(data, Limits(text=ROWS * len(TEXT) + 2 * ROWS))
    too_little = attempt(data, Limits(text=ROWS * len(TEXT) - 1))

    assert not isinstance(enough, Unreadable), enough
    assert enough[0].text in (ROWS * len(TEXT), ROWS * (len(TEXT) + 1))
    assert isinstance(too_little, Unreadable)
    assert too_little.reason is Reason.TOO_LARGE
    assert too_little.found == "a workbook with more than 0.049999 MB of text"


def test_text_counts_in_bytes_as_it_is_stored() -> None:
    data = "é€😀,a,b,c\r\n1,2,3,4\r\n".encode()

    found = attempt(data, Limits())

    assert not isinstance(found, Unreadable)
    assert found[0].text == 2 + 3 + 4 + 3 + 4


def test_text_counts_over_all_sheets_and_shared_texts_that_no_cell_shows_count_too() -> None:
    two = test_ods.an_ods(
        "".join(
            f'<table:table table:name="{name}">{test_ods.row(test_ods.cell(TEXT, "string"))}</table:table>'
            for name in "ab"
        )
    )
    unused = workbooks.with_rows("", {"xl/sharedStrings.xml": SHARED})

    assert isinstance(attempt(two, Limits(text=1_999)), Unreadable)
    assert not isinstance(attempt(two, Limits(text=2_000)), Unreadable)
    assert isinstance(attempt(unused, Limits(text=999)), Unreadable)


def test_rows_count_over_all_sheets_however_little_is_in_them() -> None:
    row = test_ods.row(test_ods.cell("x", "string"), attributes='table:number-rows-repeated="90"')

    def sheets(count: int) -> bytes:
        return test_ods.an_ods("".join(f'<table:table table:name="{n}">{row}</table:table>' for n in range(count)))

    assert not isinstance(attempt(sheets(11), Limits(rows=100)), Unreadable)
    found = attempt(sheets(12), Limits(rows=100))
    assert isinstance(found, Unreadable)
    assert found.found == "a workbook with more than 1,000 rows on all sheets"


def test_cells_count_even_if_they_show_nothing() -> None:
    unsaved = '<table:table-cell table:formula="of:=A1" table:number-columns-repeated="300"/>'
    data = test_ods.with_rows(test_ods.row(unsaved, attributes='table:number-rows-repeated="90"'))

    found = attempt(data, Limits(rows=100))

    assert isinstance(found, Unreadable)
    assert found.found == "a workbook with more than 10,000 cells that are filled"


@pytest.mark.parametrize("count", [sheet_builder.MOST_SHEETS, sheet_builder.MOST_SHEETS + 1])
def test_a_workbook_has_a_thousand_sheets_at_most(count: int) -> None:
    named = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="r1"/>' for n in range(count))
    book = f'<workbook xmlns="{MAIN}" xmlns:r="{workbooks.RELATIONS}"><sheets>{named}</sheets></workbook>'
    data = workbooks.with_sheet("<sheetData/>", {"xl/workbook.xml": book})

    found = attempt(data, Limits())

    assert isinstance(found, Unreadable) is (count > sheet_builder.MOST_SHEETS)


def test_a_cell_shows_no_more_than_excel_can_hold() -> None:
    long = "y" * 40_000
    inline = workbooks.with_rows(f'<row r="1"><c r="A1" t="inlineStr"><is><t>{long}</t></is></c></row>')
    many = workbooks.with_rows(
        f'<row r="1"><c r="A1" s="0" t="inlineStr"><is><t>{long}</t></is></c></row>', workbooks.with_styles("@" * 200)
    )
    spaces = '<text:s text:c="1000"/>' * 1_000
    spaced = test_ods.with_rows(test_ods.row(test_ods.cell(f"a{spaces}b", "string")))

    for data in (inline, many, spaced):
        found = attempt(data, Limits())
        assert not isinstance(found, Unreadable)
        [row] = found[0].rows
        assert all(len(cell.text) <= cells.LONGEST for cell in row.cells if cell)


def test_a_row_beyond_the_last_of_every_sheet_is_too_large_and_no_endless_number() -> None:
    blank = test_ods.row(test_ods.cell(), attributes=f'table:number-rows-repeated="{"9" * 4_000}"')
    data = test_ods.with_rows(blank + test_ods.row(test_ods.cell("x", "string")))

    found = attempt(data, Limits())

    assert isinstance(found, Unreadable)
    assert found.reason is Reason.TOO_LARGE


def test_links_and_names_of_an_xls_are_passed_over_and_its_cells_are_read() -> None:
    whole_sheet, kind = b"\0\0\xff\xff\0\0\xff\0", bytes.fromhex("d0c9ea79f9bace118c8200aa004ba90b")
    link = whole_sheet + kind + b"\2\0\0\0"
    link += b"\x08\0\0\0" + b"\2\0\0\0" + b"A\0\0\0"  # to a place in the workbook
    links = biff.record(0x1B8, link) * 20
    data = biff.with_sheet_records(xls(), links)

    found = attempt(data, Limits())

    assert not isinstance(found, Unreadable), found
    assert len(found[0].rows) == ROWS

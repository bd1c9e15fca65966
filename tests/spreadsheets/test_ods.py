"""OpenDocument spreadsheets: what each cell shows is stored with it."""

import io
import zipfile
from datetime import datetime

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from planit_mailer.spreadsheets import read
from planit_mailer.spreadsheets.model import Kind, Limits, Range, Reason, Unreadable
from tests.support.libreoffice import LibreOffice
from tests.support.workbooks import a_workbook, cells, sheet, sheets, texts

SPACES = (
    " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style", "meta")
    )
    + ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
)
MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"


def an_ods(tables: str, styles: str = "", manifest: str = "<manifest/>") -> bytes:
    """A document of tables, as LibreOffice packs it."""
    content = (
        f"<office:document-content {SPACES}><office:automatic-styles>{styles}</office:automatic-styles><office:body>"
        f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", MIMETYPE, zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return out.getvalue()


def with_rows(rows: str, before: str = "") -> bytes:
    return an_ods(f'<table:table table:name="Sheet1">{before}{rows}</table:table>')


def row(*cells: str, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def cell(shown: str | None = None, value: str = "", attributes: str = "") -> str:
    """A cell; `value` is its type and value, as in 'float 7'."""
    kind, _, stored = value.partition(" ")
    name = {"date": "date-value", "time": "time-value", "boolean": "boolean-value"}.get(kind, "value")
    values = f'office:value-type="{kind}"' + (f' office:{name}="{stored}"' if stored else "") if kind else ""
    text = "" if shown is None else f"<text:p>{shown}</text:p>"
    return f"<table:table-cell {values} {attributes}>{text}</table:table-cell>"


def unreadable(data: bytes, limits: Limits | None = None) -> Unreadable:
    found = read.read(data, limits or Limits())
    assert isinstance(found, Unreadable), found
    return found


def test_each_kind_of_value_keeps_its_kind_and_shows_its_text() -> None:
    data = with_rows(
        row(
            cell(" Ann ", "string"),
            cell("95.3%", "percentage 0.953"),
            cell("007", "float 7"),
            cell("12/01/2007", "date 2007-01-12"),
            cell("TRUE", "boolean true"),
            cell("09:05", "time PT09H05M00S"),
            cell("#N/A", "string", 'table:formula="of:=NA()" calcext:value-type="error"'),
            cell("#DIV/0!", "string", 'table:formula="of:=1/0"'),
            cell(None, "", 'table:formula="of:=A1"'),
            cell("£3.50", "currency 3.5"),
            cell("", "float 5"),
        )
    )

    found = cells(data)

    assert [(one.kind, one.text) for one in found.values()] == [
        (Kind.TEXT, "Ann"),
        (Kind.NUMBER, "95.3%"),
        (Kind.NUMBER, "007"),
        (Kind.DATE, "12/01/2007"),
        (Kind.BOOLEAN, "TRUE"),
        (Kind.NUMBER, "09:05"),
        (Kind.ERROR, "#N/A"),
        (Kind.ERROR, "#DIV/0!"),
        (Kind.UNSAVED, ""),
        (Kind.NUMBER, "£3.50"),
        (Kind.NUMBER, ""),
    ]
    assert found["C1"].value == 7
    assert found["D1"].value == datetime.fromisoformat("2007-01-12")
    assert found["F1"].value == pytest.approx((9 + 5 / 60) / 24)
    assert all(one.exact for one in found.values())


def test_a_time_as_libreoffice_writes_whole_hours_is_read() -> None:
    found = cells(with_rows(row(cell("1000:00", "time PT1000H0-1M59.999999999S"))))

    assert found["A1"].text == "1000:00"
    assert found["A1"].value == pytest.approx(1000 / 24)


def test_what_a_writer_does_not_say_how_to_show_is_shown_plainly_and_told() -> None:
    found = cells(with_rows(row(cell(None, "percentage 0.953"), cell(None, "date 2007-01-12T00:00:00"))))

    assert [(one.text, one.exact) for one in found.values()] == [("0.953", False), ("12/01/2007", False)]


def test_what_a_format_hides_or_changes_is_shown_as_the_file_says_and_kept_beneath() -> None:
    found = cells(
        with_rows(
            row(
                cell("", "string", 'office:string-value="hidden"'),
                cell("Ann (new)", "string", 'office:string-value="Ann"'),
                cell(None, "string", 'office:string-value="a writer without paragraphs"'),
                cell("", "string", 'office:string-value=""'),
                cell("", "string", 'office:string-value="#N/A"'),
                cell("", "date 2007-01-12"),
            )
        )
    )

    assert [(one.kind, one.text, one.value) for one in found.values()] == [
        (Kind.TEXT, "", "hidden"),
        (Kind.TEXT, "Ann (new)", "Ann"),
        (Kind.TEXT, "a writer without paragraphs", "a writer without paragraphs"),
        (Kind.ERROR, "#N/A", None),
        (Kind.DATE, "", datetime.fromisoformat("2007-01-12")),
    ]


def test_what_formats_hide_is_hidden_in_what_libreoffice_writes(libreoffice: LibreOffice) -> None:
    pairs = [
        ("x", ";;;"),
        (5, ";;;"),
        (0, "0;-0;;@"),
        ("x", "0;-0;;@"),
        ("x", '0;0;0;"pre "@'),
        ("x", '"n"0'),
        (-3, "0;"),
    ]

    def fill(page: Worksheet) -> None:
        for number, (value, code) in enumerate(pairs, 1):
            page.cell(1, number, value).number_format = code

    given = a_workbook(fill)
    found = cells(libreoffice.converted({"a.xlsx": given}, "ods")["a"])

    assert [one.text for one in found.values()] == ["", "", "", "x", "pre x", "x", ""]
    assert [(one.kind, one.value) for one in found.values()] == [(one.kind, one.value) for one in cells(given).values()]


def test_a_date_that_no_calendar_of_excel_has_is_an_error_in_its_cell_alone() -> None:
    found = cells(with_rows(row(cell("12/05/10113", "date 10113-05-12"), cell("7", "float 7"))))

    assert [(one.kind, one.text) for one in found.values()] == [(Kind.ERROR, "#NUM!"), (Kind.NUMBER, "7")]


def test_a_formula_whose_result_is_an_empty_text_is_blank(libreoffice: LibreOffice) -> None:
    given = a_workbook(lambda page: page.append(['=IFERROR(1/0,"")', '=""', "=1+1"]))

    assert texts(libreoffice.converted({"a.xlsx": given}, "ods")["a"]) == {"C1": "2"}
    assert texts(with_rows(row(cell("", "", 'table:formula="of:=&quot;&quot;"')))) == {}


def test_a_number_that_its_format_cannot_show_is_shown_plainly_and_told(libreoffice: LibreOffice) -> None:
    def fill(page: Worksheet) -> None:
        page["A1"] = 123456789012
        page["A1"].number_format = "# ?/?"

    found = cells(libreoffice.converted({"a.xlsx": a_workbook(fill)}, "ods")["a"])

    assert (found["A1"].text, found["A1"].exact) == ("1.23457E+11", False)


def test_a_time_that_is_none_is_an_error_in_its_cell_alone() -> None:
    found = cells(with_rows(row(cell("1Y", "time P1Y"), cell("7", "float 7"))))

    assert [(one.kind, one.text) for one in found.values()] == [(Kind.ERROR, "1Y"), (Kind.NUMBER, "7")]


def test_more_hours_than_libreoffice_counts_are_shown_as_it_shows_them(libreoffice: LibreOffice) -> None:
    def fill(page: Worksheet) -> None:
        page["A1"] = 3e15
        page["A1"].number_format = "[h]:mm"

    assert texts(libreoffice.converted({"a.xlsx": a_workbook(fill)}, "ods")["a"])


def test_text_in_spans_lines_and_spaces_is_joined_and_comments_are_not_text() -> None:
    comment = "<office:annotation><text:p>a comment</text:p></office:annotation>"
    text = 'a<text:span>b<text:s text:c="2"/>c</text:span>d<text:line-break/>e<text:tab/>f'
    data = with_rows(row(f"<table:table-cell>{comment}<text:p>{text}</text:p><text:p>g</text:p></table:table-cell>"))

    assert texts(data) == {"A1": "ab  cd\ne f\ng"}


def test_repeated_rows_and_cells_keep_their_places() -> None:
    data = with_rows(
        row(
            cell(attributes='table:number-columns-repeated="2"'),
            cell("x", "string", 'table:number-columns-repeated="2"'),
        )
        + row(cell(), attributes='table:number-rows-repeated="3"')
        + row(cell("y", "string"), cell(attributes='table:number-columns-repeated="16383"'))
        + row(
            cell(attributes='table:number-columns-repeated="16384"'), attributes='table:number-rows-repeated="1048571"'
        )
    )

    assert texts(data) == {"C1": "x", "D1": "x", "A5": "y"}


@pytest.mark.parametrize("times", ["21", "999999999999"])
def test_filled_rows_and_cells_repeated_beyond_the_limits_are_too_large_and_cost_nothing(times: str) -> None:
    rows = with_rows(row(cell("x", "string"), attributes=f'table:number-rows-repeated="{times}"'))
    columns = with_rows(row(cell("x", "string", f'table:number-columns-repeated="{times}"')))

    assert unreadable(rows, Limits(rows=20)).reason is Reason.TOO_LARGE
    assert unreadable(columns, Limits(columns=20)).reason is Reason.TOO_LARGE


def test_what_is_hidden_or_merged_is_told() -> None:
    column = '<table:table-column table:number-columns-repeated="2"/><table:table-column table:visibility="collapse"/>'
    rows = "".join(
        row(cell("a", "string"), cell("b", "string"), cell("c", "string"), attributes=attributes)
        for attributes in ("", 'table:visibility="collapse"', 'table:visibility="filter"')
    )
    grouped = (
        f"<table:table-row-group><table:table-header-rows>{rows}</table:table-header-rows></table:table-row-group>"
    )
    spans = 'table:number-columns-spanned="3" table:number-rows-spanned="2"'
    style = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
    tables = (
        f'<table:table table:name="1">{column}{grouped}{row(cell("m", "string", spans))}</table:table>'
        f'<table:table table:name="2" table:style-name="ta2">{row(cell("x", "string"))}</table:table>'
    )

    first, second = sheets(an_ods(tables, style))

    assert [one.hidden for one in first.rows] == [False, True, True, False]
    assert first.hidden_columns == {3}
    assert first.merged == (Range(4, 1, 5, 3),)
    assert (first.hidden, second.hidden, second.name, second.number) == (False, True, "2", 2)


def test_tables_within_cells_and_kept_values_of_other_documents_are_no_sheets() -> None:
    nested = f"<table:table-cell><table:table>{row(cell('inner', 'string'))}</table:table></table:table-cell>"
    linked = f'<table:table table:name="x"><table:table-source/>{row(cell("other", "string"))}</table:table>'
    own = f'<table:table table:name="own">{row(nested, cell("b", "string"))}</table:table>'

    assert texts(an_ods(own + linked)) == {"B1": "b"}


def test_an_encrypted_document_is_known_by_its_manifest() -> None:
    data = an_ods("", manifest="<manifest><encryption-data/></manifest>")

    assert unreadable(data).reason is Reason.PASSWORD


def test_a_damaged_document_cannot_be_opened() -> None:
    whole = with_rows(row(cell("Ann", "string")) * 100)

    for share in (30, 60, 90):
        assert unreadable(whole[: len(whole) * share // 100]).reason is Reason.CANNOT_BE_OPENED
    assert unreadable(with_rows(row(cell("x", "float x")))).reason is Reason.CANNOT_BE_OPENED
    assert sheet(whole).rows

import io
from datetime import date, datetime, time

import pytest
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900
from openpyxl.worksheet.worksheet import Worksheet
from xlsxwriter import Workbook as Written

from planit_mailer.spreadsheets import read
from planit_mailer.spreadsheets.model import Kind, Limits, Range, Reason, Unreadable
from tests.spreadsheets.test_xls import an_xls
from tests.support.workbooks import (
    MAIN,
    RELATIONS,
    STRICT_MAIN,
    STRICT_RELATIONS,
    a_workbook,
    cells,
    packed,
    parts_of,
    saved,
    sheet,
    sheets,
    texts,
    with_rows,
    with_sheet,
    with_styles,
)


def unreadable(data: bytes, limits: Limits | None = None) -> Unreadable:
    result = read.read(data, limits or Limits())
    assert isinstance(result, Unreadable), result
    return result


# ── values ──


def test_each_kind_of_value_keeps_its_kind_and_shows_its_text() -> None:
    def fill(page: Worksheet) -> None:
        page.append(["Ann", 7, 95.6, True, datetime.fromisoformat("2007-01-12"), "#N/A", time(9, 5)])
        page["E1"].number_format = "dd/mm/yyyy"
        page["G1"].number_format = "hh:mm"

    found = cells(a_workbook(fill))

    assert {place: (cell.kind, cell.text) for place, cell in found.items()} == {
        "A1": (Kind.TEXT, "Ann"),
        "B1": (Kind.NUMBER, "7"),
        "C1": (Kind.NUMBER, "95.6"),
        "D1": (Kind.BOOLEAN, "TRUE"),
        "E1": (Kind.DATE, "12/01/2007"),
        "F1": (Kind.ERROR, "#N/A"),
        "G1": (Kind.NUMBER, "09:05"),
    }
    assert found["E1"].value == datetime.fromisoformat("2007-01-12")
    assert found["B1"].value == 7
    assert isinstance(found["B1"].value, int)
    assert found["F1"].value is None


def test_number_formats_are_applied() -> None:
    rows = '<row r="1"><c r="A1" s="0"><v>0.953</v></c><c r="B1" s="1"><v>7</v></c><c r="C1" s="2"><v>5</v></c></row>'

    found = cells(with_rows(rows, with_styles("0.0%", "000", ";;;")))

    assert [cell.text for cell in found.values()] == ["95.3%", "007", ""]
    assert [cell.format for cell in found.values()] == ["0.0%", "000", ";;;"]


def test_a_format_that_cannot_be_followed_shows_general_and_says_so() -> None:
    found = cells(with_rows('<row r="1"><c r="A1" s="0"><v>7</v></c></row>', with_styles("[DBNum1]0")))

    assert (found["A1"].text, found["A1"].exact) == ("7", False)


def test_built_in_dates_stand_in_british_order_however_the_file_spells_them() -> None:
    def fill(page: Worksheet) -> None:
        page.append([datetime.fromisoformat("2007-01-12"), datetime.fromisoformat("2007-01-12T14:30")])
        page["A1"].number_format = "mm-dd-yy"  # what openpyxl calls number 14
        page["B1"].number_format = "m/d/yy h:mm"  # number 22

    assert texts(a_workbook(fill)) == {"A1": "12/01/2007", "B1": "12/01/2007 14:30"}


def test_a_workbook_that_counts_from_1904_gives_the_same_dates() -> None:
    book = Workbook()
    book.epoch = CALENDAR_MAC_1904
    page = book.active
    assert isinstance(page, Worksheet)
    page["A1"] = datetime.fromisoformat("2007-01-12")
    page["A1"].number_format = "dd/mm/yyyy"

    found = cells(saved(book))

    assert (found["A1"].text, found["A1"].value) == ("12/01/2007", datetime.fromisoformat("2007-01-12"))


def test_dates_may_be_stored_as_iso_text() -> None:
    rows = '<row r="1"><c r="A1" s="0" t="d"><v>2007-01-12</v></c></row>'

    assert cells(with_rows(rows, with_styles("dd/mm/yyyy")))["A1"].value == datetime.fromisoformat("2007-01-12")


@pytest.mark.parametrize(
    ("stored", "code", "shown"),
    [
        ("2007-01-12T14:30:00", "dd/mm/yyyy hh:mm", "12/01/2007 14:30"),
        ("2007-01-12T14:30:00.500Z", "hh:mm:ss.0", "14:30:00.5"),
        ("09:05:00", "hh:mm", "09:05"),
        ("T09:05", "hh:mm", "09:05"),
        ("1899-12-31T09:05:00", "hh:mm", "09:05"),
        ("PT26H5M", "[h]:mm", "26:05"),
        ("P1DT2H5M0.25S", "[h]:mm:ss.00", "26:05:00.25"),
        ("1900-02-28T12:00:00", "dd/mm/yyyy hh:mm", "28/02/1900 12:00"),
    ],
)
def test_times_and_durations_may_be_stored_as_iso_text(stored: str, code: str, shown: str) -> None:
    assert texts(with_rows(f'<row r="1"><c r="A1" s="0" t="d"><v>{stored}</v></c></row>', with_styles(code))) == {
        "A1": shown
    }


@pytest.mark.parametrize(
    "stored", ["Secret", "2007", "2007-13-01", "25:00", "P", "PT", "P1Y", "PT1.2.3S", "-", "٢٠٠٧-01-12"]
)
def test_iso_text_that_is_no_moment_is_an_error_in_its_cell_alone(stored: str) -> None:
    found = cells(with_rows(f'<row r="1"><c r="A1" t="d"><v>{stored}</v></c><c r="B1"><v>7</v></c></row>'))

    assert [(cell.kind, cell.text) for cell in found.values()] == [(Kind.ERROR, "#NUM!"), (Kind.NUMBER, "7")]


moments = st.datetimes(datetime.fromisoformat("1900-01-01")) | st.times() | st.dates(date(1900, 1, 1))


@settings(deadline=None)
@given(moments, st.sampled_from(["General", "dd/mm/yyyy hh:mm:ss", "[h]:mm"]))
def test_moments_in_iso_text_are_read_as_those_in_numbers(moment: datetime | time | date, code: str) -> None:
    def written(*, iso: bool, since_1904: bool) -> bytes:
        book = Workbook(iso_dates=iso)
        book.epoch = CALENDAR_MAC_1904 if since_1904 else CALENDAR_WINDOWS_1900
        page = book.active
        assert isinstance(page, Worksheet)
        page["A1"] = moment if type(moment) is date else moment.replace(microsecond=0)
        page["A1"].number_format = code
        return saved(book)

    for since_1904 in (False, True):
        in_words = cells(written(iso=True, since_1904=since_1904))["A1"]
        in_numbers = cells(written(iso=False, since_1904=since_1904))["A1"]
        assert (in_words.kind, in_words.text) == (in_numbers.kind, in_numbers.text)
        if isinstance(in_words.value, float):  # to the last bit, it goes by the order of the sums
            assert in_words.value == pytest.approx(in_numbers.value)
        else:
            assert in_words.value == in_numbers.value


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (" Ann ", "Ann"),
        ("Ann\xa0Lee\xa0", "Ann Lee"),
        ("one_x000D_\ntwo", "one\ntwo"),
        ("_x005F_x000D_", "_x000D_"),
        ("a_x0000_b_xD800_c", "abc"),
        ("a\tb", "a b"),
        ("\u200bAnn", "Ann"),
        ("Zoë 🦊", "Zoë 🦊"),
    ],
)
def test_text_comes_without_what_nobody_sees(stored: str, shown: str) -> None:
    rows = f'<row r="1"><c r="A1" t="inlineStr"><is><t xml:space="preserve">{stored}</t></is></c></row>'

    assert texts(with_rows(rows)) == {"A1": shown}


def test_text_of_nothing_but_spaces_is_blank() -> None:
    assert texts(with_rows('<row r="1"><c r="A1" t="str"><v> \xa0 </v></c></row>')) == {}


def test_text_in_runs_is_joined_without_its_phonetic_guide() -> None:
    strings = f'<sst xmlns="{MAIN}"><si><r><t>An</t></r><r><t>na</t></r><rPh><t>アンナ</t></rPh></si></sst>'
    rows = '<row r="1"><c r="A1" t="s"><v> 0 </v></c></row>'

    assert texts(with_rows(rows, {"xl/sharedStrings.xml": strings})) == {"A1": "Anna"}


def test_a_text_number_beyond_the_table_is_damage_and_not_another_persons_text() -> None:
    strings = {"xl/sharedStrings.xml": f'<sst xmlns="{MAIN}"><si><t>Ann</t></si></sst>'}

    for number in ("1", "-1", "0_0", "\u0660"):
        found = unreadable(with_rows(f'<row r="1"><c r="A1" t="s"><v>{number}</v></c></row>', strings))
        assert found.reason is Reason.CANNOT_BE_OPENED


@pytest.mark.parametrize("stored", ["Ann", "1_0", "٣"])
def test_a_number_that_is_none_is_damage(stored: str) -> None:
    found = unreadable(with_rows(f'<row r="1"><c r="A1"><v>{stored}</v></c></row>'))

    assert found.reason is Reason.CANNOT_BE_OPENED
    assert "Ann" not in found.cause


# ── formulas ──


def test_a_formula_shows_the_result_that_was_saved() -> None:
    assert texts(with_rows('<row r="1"><c r="A1"><f>1+1</f><v>2</v></c></row>')) == {"A1": "2"}


def test_a_formula_without_a_saved_result_is_known_as_such() -> None:
    found = cells(a_workbook(lambda page: page.append(["=1+1"])))

    assert (found["A1"].kind, found["A1"].value) == (Kind.UNSAVED, None)


def test_a_zero_that_a_program_stored_for_excel_to_calculate_is_no_result() -> None:
    def written(*results: float) -> bytes:
        out = io.BytesIO()
        with Written(out) as book:
            page = book.add_worksheet()
            for row, result in enumerate(results):
                page.write_formula(row, 0, "=B1/2", None, result)
            page.write_number(0, 1, 0)
        return out.getvalue()

    found = cells(written(0, 7))

    assert [found[place].kind for place in ("A1", "B1", "A2")] == [Kind.UNSAVED, Kind.NUMBER, Kind.NUMBER]


def test_a_zero_that_excel_calculated_is_one() -> None:
    assert texts(with_rows('<row r="1"><c r="A1"><f>1-1</f><v>0</v></c></row>')) == {"A1": "0"}


def test_a_formula_whose_result_is_an_empty_text_is_blank() -> None:
    assert texts(with_rows('<row r="1"><c r="A1" t="str"><f>""</f><v></v></c></row>')) == {}


# ── places ──


def test_rows_and_columns_are_those_of_excel() -> None:
    page = sheet(a_workbook(lambda page: page.__setitem__("D14", "here")))

    assert [row.number for row in page.rows] == [14]
    cell = page.rows[0].cell(4)
    assert cell is not None
    assert cell.text == "here"
    assert page.rows[0].cell(3) is None


def test_cells_without_references_stand_one_after_the_other() -> None:
    rows = "<row><c><v>1</v></c><c/><c><v>3</v></c></row><row><c r='B2'><v>4</v></c><c><v>5</v></c></row>"

    assert texts(with_rows(rows)) == {"A1": "1", "C1": "3", "B2": "4", "C2": "5"}


@pytest.mark.parametrize("dimension", ["", '<dimension ref="A1"/>', '<dimension ref="A1:XFD1048576"/>'])
def test_dimensions_are_not_believed(dimension: str) -> None:
    data = with_sheet(f'{dimension}<sheetData><row r="3"><c r="B3"><v>1</v></c></row></sheetData>')

    assert texts(data) == {"B3": "1"}


def test_formatted_cells_without_content_are_nothing_however_far_away() -> None:
    rows = '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1" s="0"/></row><row r="1048576"><c r="XFD1048576"/></row>'

    page = sheet(with_rows(rows))

    assert [(row.number, len(row.cells)) for row in page.rows] == [(1, 1)]


def test_a_filled_cell_far_away_is_too_large_and_costs_nothing() -> None:
    found = unreadable(with_rows('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))

    assert found == Unreadable(Reason.TOO_LARGE, "a workbook with more than 300 columns")


def test_many_empty_rows_do_not_count_and_many_filled_ones_do() -> None:
    empty = "".join(f'<row r="{number}"><c r="A{number}" s="0"/></row>' for number in range(1, 2_001))
    filled = empty.replace("/></row>", "><v>1</v></c></row>")

    assert sheet(with_rows(empty)).rows == ()
    assert unreadable(with_rows(filled), Limits(rows=1_999)).found == "a workbook with more than 1,999 rows"


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1"><c r="B1"><v>2</v></c></row>',
        '<row r="1"><c r="A2"><v>1</v></c></row>',
        '<row r="1048577"><c r="A1048577"><v>1</v></c></row>',
        '<row r="1"><c r="XFE1"><v>1</v></c></row>',
    ],
)
def test_cells_that_contradict_each_other_are_damage(rows: str) -> None:
    assert unreadable(with_rows(rows)).reason is Reason.CANNOT_BE_OPENED


# ── what is hidden, merged, or no sheet of cells ──


def test_hidden_rows_columns_and_sheets_are_told() -> None:
    book = Workbook()
    page = book.active
    assert isinstance(page, Worksheet)
    page.append(["a", "b", "c", "d"])
    page.append(["e"])
    page.row_dimensions[2].hidden = True
    page.column_dimensions["B"].hidden = True
    for state in ("hidden", "veryHidden"):
        book.create_sheet(state).sheet_state = state

    first, *others = sheets(saved(book))

    assert [row.hidden for row in first.rows] == [False, True]
    assert first.hidden_columns == {2}
    assert (first.hidden, [other.hidden for other in others]) == (False, [True, True])


def test_columns_without_width_and_rows_without_height_are_hidden() -> None:
    page = sheet(
        with_sheet(
            '<cols><col min="1" max="1" width="0" customWidth="1"/><col min="2" max="2" width="9.1"/></cols>'
            '<sheetData><row r="1" ht="0" customHeight="1"><c r="B1"><v>1</v></c></row></sheetData>'
        )
    )

    assert (page.hidden_columns, page.rows[0].hidden) == (frozenset({1}), True)


def test_hidden_columns_to_the_end_of_the_sheet_are_told_as_far_as_cells_go() -> None:
    data = with_sheet(
        '<cols><col min="2" max="16384" hidden="1"/></cols>'
        '<sheetData><row r="1"><c r="C1"><v>1</v></c></row></sheetData>'
    )

    assert sheet(data).hidden_columns == {2, 3}


def test_merged_cells_are_told() -> None:
    page = sheet(a_workbook(lambda page: page.merge_cells("A1:C2")))

    assert page.merged == (Range(1, 1, 2, 3),)


def test_chart_sheets_are_passed_over_and_keep_their_place() -> None:
    book = Workbook()
    book.create_chartsheet("Chart", 0)

    (page,) = sheets(saved(book))

    assert (page.name, page.number) == ("Sheet", 2)


# ── other writers ──


def test_strict_ooxml_is_read() -> None:
    rows = '<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>'

    assert texts(with_sheet(rows, main=STRICT_MAIN, relations=STRICT_RELATIONS)) == {"A1": "1"}


def test_prefixed_markup_is_read() -> None:
    xml = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row></x:sheetData>'
    )

    assert texts(with_sheet("", {"xl/worksheets/sheet1.xml": f"{xml}</x:worksheet>"})) == {"A1": "1"}


def test_parts_are_found_whatever_their_case_and_slashes() -> None:
    parts = parts_of(with_rows('<row r="1"><c r="A1"><v>1</v></c></row>'))

    assert texts(packed({name.upper().replace("/", "\\"): content for name, content in parts.items()})) == {"A1": "1"}


def test_comments_and_sections_of_raw_text_are_read_as_xml_means_them() -> None:
    rows = '<row r="1"><!-- <c r="A1"/> --><c r="A1" t="str"><v><![CDATA[a<b]]></v></c></row>'

    assert texts(with_rows(rows)) == {"A1": "a<b"}


def test_a_workbook_without_styles_or_strings_is_read() -> None:
    assert texts(with_rows('<row r="1"><c r="A1" s="3"><v>1.5</v></c></row>')) == {"A1": "1.5"}


def test_of_several_tables_of_texts_the_first_that_is_named_counts() -> None:
    parts = {
        f"xl/{name}.xml": f'<sst xmlns="{MAIN}"><si><t>{name}</t></si></sst>' for name in ("sharedStrings", "other")
    }
    whole = parts_of(with_rows('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', parts))
    relations = "xl/_rels/workbook.xml.rels"
    kind = f"{RELATIONS}/sharedStrings"
    another = f'<Relationship Id="r9" Type="{kind}" Target="other.xml"/></Relationships>'.encode()
    whole[relations] = whole[relations].replace(b"</Relationships>", another)

    assert texts(packed(whole)) == {"A1": "sharedStrings"}
    whole["xl/worksheets/sheet1.xml"] = whole["xl/worksheets/sheet1.xml"].replace(b"<v>0</v>", b"<v>1</v>")
    assert unreadable(packed(whole)).reason is Reason.CANNOT_BE_OPENED


# ── what cannot be read ──


def test_nothing_is_read_from_no_bytes() -> None:
    assert unreadable(b"") == Unreadable(Reason.EMPTY, "an empty file")


def test_a_renamed_picture_is_named() -> None:
    assert unreadable(b"\x89PNG\r\n\x1a\n" + bytes(100)) == Unreadable(Reason.NOT_A_SPREADSHEET, "a picture")


def test_more_bytes_than_the_limit_are_not_looked_into() -> None:
    found = unreadable(a_workbook(lambda page: page.append([1])), Limits(workbook=1_000_000 - 999_900))

    assert found.reason is Reason.TOO_LARGE


def test_an_unwritten_part_is_damage() -> None:
    parts = parts_of(with_rows(""))
    del parts["xl/worksheets/sheet1.xml"]

    assert unreadable(packed(parts)).reason is Reason.CANNOT_BE_OPENED


@pytest.mark.parametrize("share", range(40, 100, 10))
def test_a_truncated_workbook_cannot_be_opened(share: int) -> None:
    data = a_workbook(lambda page: page.append(["Ann"] * 20))

    found = unreadable(data[: len(data) * share // 100])

    assert (found.reason, found.found) == (Reason.CANNOT_BE_OPENED, "an Excel workbook")


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE worksheet SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE worksheet [<!ENTITY a SYSTEM "http://127.0.0.1:1/">]>',
    ],
)
def test_document_types_are_refused(doctype: str) -> None:
    xml = f'{doctype}<worksheet xmlns="{MAIN}"><sheetData/></worksheet>'

    assert unreadable(with_sheet("", {"xl/worksheets/sheet1.xml": xml})).reason is Reason.CANNOT_BE_OPENED


def test_the_cause_says_what_was_raised_and_nothing_of_the_file() -> None:
    found = unreadable(with_rows('<row r="1"><c r="A1"><v>Secret</v></c></row>'))

    assert found.cause.startswith("Damaged in _in_digits")
    assert "Secret" not in found.cause


@pytest.mark.parametrize(
    ("attribute", "shown"), [('showZeros="0"', [[None, "1"]]), ('showZeros="1"', [["0", "1"]]), ("", [["0", "1"]])]
)
def test_zeros_that_a_sheets_view_does_not_show_are_blank(attribute: str, shown: list[list[str | None]]) -> None:
    view = f'<sheetViews><sheetView {attribute} workbookViewId="0"/></sheetViews>'
    cells = '<row r="1"><c r="A1"><v>0</v></c><c r="B1"><v>1</v></c></row>'

    found = sheet(with_sheet(f"{view}<sheetData>{cells}</sheetData>"))

    assert [[cell and cell.text for cell in row.cells] for row in found.rows] == shown


def test_zeros_that_an_xls_does_not_show_are_blank() -> None:
    def fill(page: xlwt.Worksheet) -> None:
        page.show_zero_values = False
        page.write(0, 0, 0)
        page.write(0, 1, 1)
        page.write(0, 2, "0")

    found = sheet(an_xls(fill))

    assert [cell and cell.text for cell in found.rows[0].cells] == [None, "1", "0"]

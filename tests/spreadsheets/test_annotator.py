"""Workbooks are painted and cleaned in their own packages: what is not ours stays as it was."""

import io
import re
import warnings
import zipfile
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font, PatternFill

from planit_mailer.spreadsheets import read, references
from planit_mailer.spreadsheets.annotate import annotator
from planit_mailer.spreadsheets.annotate.annotator import Note, Painted
from planit_mailer.spreadsheets.annotate.problems_sheet import MARKER
from planit_mailer.spreadsheets.containers.zip_archive import TooLarge
from planit_mailer.spreadsheets.model import Limits, Sheet
from tests.support import workbooks

PAINT = re.compile("FFFF(B[0-9A-F]B[0-9A-F]|E[0-9A-F]8[0-9A-F])")


def note(*cells: str, sheet: int = 1, severity: str = "error", text: str = "It is wrong.") -> Note:
    return Note(sheet, tuple(map(references.named, cells)), severity, text, "Put it right.")


def painted(data: bytes, *notes: Note) -> bytes:
    return annotator.paint(data, notes, Limits()).data


def sheets(data: bytes) -> tuple[Sheet, ...]:
    found = read.read(data, Limits())
    assert isinstance(found, tuple)
    return found


def theirs(data: bytes) -> tuple[Sheet, ...]:
    return tuple(sheet for sheet in sheets(data) if not annotator.is_ours(sheet))


def book(data: bytes) -> Workbook:
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of all that openpyxl does not know
        return load_workbook(io.BytesIO(data))


def marked(data: bytes, sheet: int = 1) -> tuple[set[str], set[str]]:
    page = book(data).worksheets[sheet]
    cells = [cell for row in page.iter_rows() for cell in row]
    coloured = {cell.coordinate for cell in cells if PAINT.fullmatch(str(cell.fill.fgColor.rgb))}
    return coloured, {cell.coordinate for cell in cells if cell.comment}


def written(fill: Any) -> bytes:
    """A workbook as xlsxwriter writes it, with all that openpyxl does not know."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out)
    fill(made, made.add_worksheet("Form"))
    made.close()
    return out.getvalue()


def rich(made: Any, page: Any) -> None:
    page.write_row(0, 0, ["a", "b", 3])
    page.write_formula("D1", "=C1*2", None, 6)
    page.write_comment("A1", "Mine")
    chart = made.add_chart({"type": "column"})
    chart.add_series({"values": "=Form!$C$1:$D$1"})
    page.insert_chart("H2", chart)
    page.insert_textbox("H20", "A shape")
    page.add_sparkline("E1", {"range": "Form!A1:D1"})
    page.conditional_format("C1:C9", {"type": "data_bar", "bar_solid": True})
    page.data_validation("B1:B9", {"validate": "list", "source": ["a", "b"]})
    page.add_table("A30:B33")
    page.set_column("B:B", 31, None, {"hidden": True})
    page.set_row(4, 20, None, {"hidden": True})
    page.set_footer("&P")
    other = made.add_worksheet("It's other")
    other.write("A1", "x")
    other.print_area("A1:B2")
    made.define_name("'It's other'!Local", "=1")


def test_all_that_is_not_ours_keeps_its_bytes() -> None:
    data = written(rich)
    before = workbooks.parts_of(data)

    after = workbooks.parts_of(painted(data, note("B1")))

    changed = {name for name in before if after[name] != before[name]}
    assert changed == {
        "[Content_Types].xml",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/styles.xml",
        "xl/worksheets/sheet1.xml",
        "xl/comments1.xml",
        "xl/drawings/vmlDrawing1.vml",
    }
    body = before["xl/worksheets/sheet1.xml"].partition(b"</sheetData>")[2]
    assert after["xl/worksheets/sheet1.xml"].endswith(body)
    assert b"<f>C1*2</f><v>6</v>" in after["xl/worksheets/sheet1.xml"]


def test_comments_of_others_stay_and_ours_follow_and_go() -> None:
    data = written(rich)

    made = painted(data, note("A1"), note("C1"))

    page = book(made)["Form"]
    comment = page["A1"].comment
    assert comment is not None
    assert comment.text.startswith("Mine\n\nFound by Plan-it:\nError: It is wrong.")
    assert page["C1"].comment is not None
    cleaned = annotator.clean(made)
    left = {
        cell.coordinate: cell.comment.text for row in book(cleaned)["Form"].iter_rows() for cell in row if cell.comment
    }
    assert left == {"A1": "Mine"}
    assert workbooks.parts_of(cleaned)["xl/drawings/vmlDrawing1.vml"].count(b"<v:shape ") == 1


def test_names_of_one_sheet_stay_with_it() -> None:
    data = written(rich)

    made = painted(data, note("A1"))

    assert book(made)["It's other"].print_area == "'It''s other'!$A$1:$B$2"
    assert "Local" in book(made)["It's other"].defined_names
    assert book(annotator.clean(made))["It's other"].print_area == "'It''s other'!$A$1:$B$2"


def test_the_problems_sheet_is_in_front_and_alone_selected() -> None:
    made = painted(written(rich), note("A1"))

    assert book(made).sheetnames == ["Problems", "Form", "It's other"]
    assert book(made).active.title == "Problems"
    assert [page.title for page in book(made).worksheets if page.sheet_view.tabSelected] == ["Problems"]


def test_links_lead_to_the_cells_and_are_no_formulas() -> None:
    made = painted(written(rich), note("A1", "A2", "A4", sheet=2, text="=HYPERLINK(1)"))

    page = book(made)["Problems"]
    links = [page[f"C{row}"].hyperlink.location for row in (5, 6)]
    assert links == ["'It''s other'!A1:A2", "'It''s other'!A4"]
    assert page["B5"].value == "=HYPERLINK(1)"
    assert {cell.data_type for row in page.iter_rows() for cell in row if cell.value} == {"s"}
    assert b"<f" not in workbooks.parts_of(made)["xl/worksheets/sheetPlanit1.xml"].replace(b"<fill", b"")


def a_styled_workbook() -> bytes:
    made = Workbook()
    page = made.active
    assert page is not None
    page.append(["plain", "filled", "white on black", 0.5])
    page["B1"].fill = PatternFill("solid", fgColor="FF00FF00")
    page["C1"].fill = PatternFill("solid", fgColor="FF000000")
    page["C1"].font = Font(color="FFFFFFFF", bold=True)
    page["D1"].number_format = "0%"
    page["B9"].fill = PatternFill("solid", fgColor="FF0000FF")
    return workbooks.saved(made)


def looks(data: bytes, page: str = "Sheet") -> dict[str, Any]:
    found = book(data)[page]
    return {
        cell.coordinate: (
            cell.fill.fgColor.rgb,
            cell.font.color and cell.font.color.rgb,
            cell.font.b,
            cell.number_format,
        )
        for row in found["A1:D9"]
        for cell in row
    }


@pytest.mark.parametrize("resaved", [False, True])
def test_paint_can_be_read_and_comes_off_again(resaved: bool) -> None:  # noqa: FBT001
    data = a_styled_workbook()
    cells = ("A1", "B1", "C1", "D1", "B9", "C9")

    made = painted(data, note(*cells), note("B1", severity="warning"))
    made = workbooks.saved(book(made)) if resaved else made

    assert marked(made) == (set(cells), set(cells))
    assert looks(made)["C1"][1] == "FF000000"
    assert looks(made)["D1"][3] == "0%"
    assert looks(annotator.clean(made)) == looks(data)
    assert [sheet.name for sheet in sheets(annotator.clean(made))] == ["Sheet"]


def test_paint_comes_off_where_rows_were_moved() -> None:
    made = book(painted(a_styled_workbook(), note("B1", "C1")))
    made["Sheet"].insert_rows(1, 3)
    moved = workbooks.saved(made)

    cleaned = looks(annotator.clean(moved))

    assert (cleaned["B4"][0], cleaned["C4"][:3]) == ("FF00FF00", ("FF000000", "FFFFFFFF", True))


def test_paint_comes_off_where_the_problems_sheet_was_deleted() -> None:
    made = book(painted(a_styled_workbook(), note("A1", "D1")))
    del made["Problems"]

    cleaned = annotator.clean(workbooks.saved(made))

    assert marked(cleaned, 0) == (set(), set())


def test_a_workbook_of_nobodys_is_returned_as_it_is_and_cleaning_twice_is_cleaning_once() -> None:
    data = written(rich)
    cleaned = annotator.clean(painted(data, note("A1")))

    assert annotator.clean(data) == data
    assert annotator.clean(cleaned) == cleaned
    assert annotator.clean(b"\x89PNG") == b"\x89PNG"


def test_painting_again_counts_sheets_as_they_are_and_leaves_one_problems_sheet() -> None:
    once = painted(written(rich), note("A1"), note("B1"))

    twice = painted(once, note("C1", sheet=2), note("A1", sheet=3))

    assert book(twice).sheetnames == ["Problems", "Form", "It's other"]
    assert marked(twice)[0] == {"C1"}
    assert marked(twice, 2) == ({"A1"}, {"A1"})


def test_a_sheet_that_is_called_problems_already_stays() -> None:
    made = Workbook()
    assert made.active is not None
    made.active.title = "PROBLEMS"
    data = workbooks.saved(made)

    assert book(painted(data, note("A1"))).sheetnames == ["Problems (2)", "PROBLEMS"]
    assert annotator.is_ours(sheets(painted(data, note("A1")))[0])


def test_hidden_rows_and_columns_stay_hidden_and_the_sheet_says_how_to_unhide() -> None:
    made = painted(written(rich), note("B5"))

    page = book(made)["Form"]
    assert page.row_dimensions[5].hidden
    assert page.column_dimensions["B"].hidden
    assert "Unhide" in str(book(made)["Problems"]["A3"].value)


@pytest.mark.parametrize("prefix", ["", "x:"])
@pytest.mark.parametrize("main", [workbooks.MAIN, workbooks.STRICT_MAIN])
def test_cells_are_painted_however_the_sheet_is_written(prefix: str, main: str) -> None:
    rows = (
        "<row><c><v>1</v></c><c t='str'><v>a&gt;b</v></c></row><!-- <row> --><row r='3' spans='1:1'><c r='C3'/></row>"
    )
    space = f'xmlns:{prefix[:-1]}="{main}"' if prefix else f'xmlns="{main}"'
    body = re.sub(r"<(/?)(?=[a-z])", rf"<\1{prefix}", f"<sheetData>{rows}</sheetData><tableParts/>")
    xml = f"<{prefix}worksheet {space}>{body}</{prefix}worksheet>"
    data = workbooks.with_sheet("", {"xl/worksheets/sheet1.xml": xml}, main=main)
    data = workbooks.packed(workbooks.parts_of(data) | types())

    made = painted(data, note("B1", "A2", "B3", "D3", "C7"))

    xml = workbooks.parts_of(made)["xl/worksheets/sheet1.xml"].decode()
    found = re.findall(rf'<{prefix}c r="(\w+)" s="[1-9]\d*"', xml)
    assert found == ["B1", "A2", "B3", "D3", "C7"]
    assert xml.index("legacyDrawing") < xml.index("tableParts")
    assert workbooks.values(theirs(made)[0].rows) == workbooks.values(sheets(data)[0].rows)


def types() -> dict[str, bytes | str]:
    return {"[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'}


def test_macros_are_left_out_and_said_to_be() -> None:
    parts = workbooks.parts_of(written(rich))
    rels = parts["xl/_rels/workbook.xml.rels"]
    parts["xl/_rels/workbook.xml.rels"] = rels.replace(
        b"</Relationships>",
        b'<Relationship Id="rIdV" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" '
        b'Target="vbaProject.bin"/></Relationships>',
    )
    parts["xl/vbaProject.bin"] = b"macros"
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(
        b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
        b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
    )

    made = annotator.paint(workbooks.packed(parts), [note("A1")], Limits())

    assert made.lost == ("macros",)
    assert "xl/vbaProject.bin" not in workbooks.parts_of(made.data)
    assert b"macroEnabled" not in workbooks.parts_of(made.data)["[Content_Types].xml"]
    assert marked(made.data)[0] == {"A1"}


@settings(max_examples=30, deadline=None)
@given(
    text=st.text(st.characters(codec="utf-8"), max_size=40) | st.just("x" * 40_000) | st.just("\x00_x0041_\u202e<b>&")
)
def test_hostile_words_do_no_harm(text: str) -> None:
    made = painted(a_styled_workbook(), note("A1", text=text), note("A1", text="=1+1"))

    page = book(made)["Problems"]
    shown = str(page["B5"].value or "")
    assert len(shown) <= 2_000
    assert not {"\x00", "\u202e"} & set(shown)
    assert all(cell.data_type == "s" for row in page.iter_rows() for cell in row if cell.value)


def test_a_table_of_looks_that_somebody_changed_does_no_harm() -> None:
    made = book(painted(a_styled_workbook(), note("B1")))
    page = made["Problems"]
    assert page["F1"].value == MARKER
    for hostile in ("<fill><x/></fill>", "<!DOCTYPE a><fill/>", "no XML", "<font/>"):
        page["G2"] = hostile
        assert looks(annotator.clean(workbooks.saved(made)))["B1"][0] == "00000000"


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(TooLarge):
        painted(a_styled_workbook(), note(*(f"A{row}" for row in range(1, annotator.PAINTED + 2))))
    with pytest.raises(TooLarge):
        annotator.paint(a_styled_workbook(), [note("A1")], Limits(workbook=100))


def test_the_problems_alone_are_a_workbook() -> None:
    data = annotator.problems_only([note("A1", "A2"), note(severity="warning", text="Hm.")])

    page = book(data)["Problems"]
    assert [[cell.value for cell in row[:4]] for row in page.iter_rows(min_row=5)] == [
        ["Error", "It is wrong.", "A1:A2", "Put it right."],
        ["Warning", "Hm.", None, "Put it right."],
    ]
    assert theirs(data) == ()


def test_without_problems_the_sheet_says_so() -> None:
    assert book(painted(a_styled_workbook()))["Problems"]["B5"].value == "Nothing is wrong."


def test_many_problems_are_cut_before_the_sheet_passes_the_limits() -> None:
    data = annotator.problems_only([note(text=f"Wrong {number}.") for number in range(6_000)])

    assert book(data)["Problems"].max_row < 5_100
    assert len(sheets(data)) == 1


def test_painted_is_the_same_twice() -> None:
    assert isinstance(annotator.paint(a_styled_workbook(), [], Limits()), Painted)
    data = a_styled_workbook()
    assert painted(data, note("A1")) == painted(data, note("A1"))
    assert zipfile.ZipFile(io.BytesIO(painted(data, note("A1")))).testzip() is None

"""The workbook that goes back is opened and saved by LibreOffice, as by many a school, and is what it was."""

from io import BytesIO

import pytest
from openpyxl import load_workbook
from openpyxl.styles import Font, PatternFill

from planit_mailer.spreadsheets.annotate.problems_sheet import MARKER
from tests.domain.forms.test_annotate import a_form, annotate, cells_of, fixes, marked, mistake, told_of, worked_on
from tests.support import forms
from tests.support.libreoffice import LibreOffice

XLSX = "xlsx:Calc MS Excel 2007 XML"
ROUNDS = {
    "rows": ("A11", "E12", "C12", "D13", "E14", "F15", "G16"),
    "what is above the headings": ("B2", "B3", "B5"),
    "headings": ("H10", "12", "H"),
}


def through(libreoffice: LibreOffice, data: bytes, to: str = XLSX) -> bytes:
    return libreoffice.converted({"form.xlsx": data}, to)["form"]


@pytest.mark.parametrize("places", ROUNDS.values(), ids=ROUNDS)
def test_opened_and_saved_by_libreoffice_half_put_right_and_all_put_right(
    places: tuple[str, ...], libreoffice: LibreOffice
) -> None:
    sent = worked_on(a_form(), {place: mistake(place) for place in places})
    right = fixes(places)
    first = forms.judge(sent)

    painted = through(libreoffice, annotate(sent, first).data)
    assert forms.judge(painted).problems == first.problems
    assert marked(painted) == (cells_of(first), cells_of(first))
    assert load_workbook(BytesIO(painted))["Problems"]["F1"].value == MARKER

    some = {place: right[place] for place in places[: len(places) // 2]}
    half = through(libreoffice, worked_on(painted, some))
    second = forms.judge(half)
    again = annotate(half, second)
    assert second.problems == forms.judge(worked_on(sent, some)).problems
    assert again.whole, again.cause
    assert marked(again.data) == (cells_of(second), cells_of(second))
    assert told_of(again.data) == {problem.message for problem in second.problems}
    assert load_workbook(BytesIO(again.data)).sheetnames == ["Problems", "Sheet"]

    whole = through(libreoffice, worked_on(again.data, right))
    assert forms.judge(whole).accepted
    assert forms.judge(whole).draft == forms.judge(a_form()).draft


def test_saved_as_an_opendocument_spreadsheet_it_is_judged_afresh_as_well(libreoffice: LibreOffice) -> None:
    places = ROUNDS["rows"]
    sent = worked_on(a_form(), {place: mistake(place) for place in places})
    painted = annotate(sent).data

    still_wrong = through(libreoffice, painted, "ods")
    again = annotate(still_wrong)
    put_right = through(libreoffice, worked_on(painted, fixes(places)), "ods")

    assert forms.judge(still_wrong).problems == forms.judge(sent).problems
    assert again.whole, again.cause
    assert marked(again.data)[0] == cells_of(forms.judge(sent))
    assert load_workbook(BytesIO(again.data)).sheetnames == ["Problems", "Sheet"]
    assert forms.judge(put_right).accepted


def test_what_libreoffice_saved_has_the_schools_own_looks_again_once_it_is_put_right(libreoffice: LibreOffice) -> None:
    book = load_workbook(BytesIO(a_form()))
    page = book.active
    page["F11"].fill = PatternFill("solid", fgColor="FF00B050")
    page["F11"].font = Font(color="FFFFFFFF", bold=True)
    sent = worked_on(forms.saved(book), {"F11": "Year ninety", "E12": "31/02/2011"})

    painted = through(libreoffice, annotate(sent).data)
    cleaned = annotate(worked_on(painted, {"F11": "10"})).data

    cell = load_workbook(BytesIO(cleaned))["Sheet"]["F11"]
    assert (cell.fill.fgColor.rgb, cell.font.color.rgb, cell.font.b) == ("FF00B050", "FFFFFFFF", True)
    assert marked(cleaned)[0] == {"E12"}

"""The school's own workbook comes back with its problems, and corrected in place it is accepted."""

import csv
import re
from collections.abc import Callable, Sequence
from datetime import date
from io import BytesIO, StringIO
from typing import Any

import pytest
import xlsxwriter
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from planit_mailer.domain.forms import annotate as annotating
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.criteria import Known
from planit_mailer.domain.forms.judge import Criteria, Judgement, Rules
from planit_mailer.spreadsheets.annotate.problems_sheet import MARKER
from planit_mailer.spreadsheets.model import Limits
from tests.domain.forms.test_catalogue import CASES
from tests.support import forms, workbooks
from tests.support.forms import learner

PAINT = re.compile("FFFF(B[0-9A-F]B[0-9A-F]|E[0-9A-F]8[0-9A-F])")
FIRST = 11  # row with a learner
LEARNERS = 6
MISTAKES: dict[str, object] = {  # by column, in rows with a learner
    "A": None,
    "C": "B207000016049",
    "D": None,
    "E": "31/02/2011",
    "F": "Year ninety",
    "G": "#N/A",
}
ABOVE: dict[str, object] = {"B2": None, "B3": "nowhere", "B5": "01/01/2999", "G10": "UPIN", "H10": "History"}
HIDDEN = ("12", "14", "H")  # rows, and a column of the school's own


def annotate(data: bytes, judgement: Judgement | None = None) -> Annotated:
    return annotating.annotate(data, judgement or forms.judge(data), Criteria(forms.TODAY, Rules(), Limits()))


def marked(data: bytes) -> tuple[set[str], set[str]]:
    """Return the painted and the commented cells of all sheets except the Problems sheet."""
    pages = [page for page in load_workbook(BytesIO(data)).worksheets if page["F1"].value != MARKER]
    cells = [cell for page in pages for row in page.iter_rows() for cell in row]
    painted = {cell.coordinate for cell in cells if PAINT.fullmatch(str(cell.fill.fgColor.rgb))}
    return painted, {cell.coordinate for cell in cells if cell.comment}


def worked_on(data: bytes, values: dict[str, Any]) -> bytes:
    """Return the workbook after somebody has typed into the school's sheet, written by another program.

    The value of a row, "12", or of a column, "H", says whether it is hidden.
    """
    book = load_workbook(BytesIO(data))
    page = next(page for page in book.worksheets if page["F1"].value != MARKER)
    for address, value in values.items():
        if address.isdigit():
            page.row_dimensions[int(address)].hidden = value
        elif address.isalpha():
            page.column_dimensions[address].hidden = value
        else:
            page[address] = value
            if value == "#N/A":
                page[address].data_type = "e"
    return forms.saved(book)


def cells_of(judgement: Judgement) -> set[str]:
    return {cell for problem in judgement.problems for cell in forms.names(problem)}


def told_of(data: bytes) -> set[str]:
    page = load_workbook(BytesIO(data))["Problems"]
    return {str(row[1].value) for row in page.iter_rows(min_row=5) if row[1].value}


def a_form() -> bytes:
    return forms.flat(
        [learner(number, values=("B", "7")) for number in range(1, LEARNERS + 1)], headings=("History", "Maths")
    )


def mistake(place: str) -> object:
    return True if place in HIDDEN else ABOVE[place] if place in ABOVE else MISTAKES[place[0]]


def fixes(places: Sequence[str]) -> dict[str, Any]:
    """Return the values of these cells in a form without problems."""
    right = load_workbook(BytesIO(a_form())).active
    return {place: False if place in HIDDEN else right[place].value for place in places}


@st.composite
def mistakes(draw: st.DrawFn) -> list[str]:
    below = [f"{column}{row}" for column in MISTAKES for row in range(FIRST, FIRST + LEARNERS)]
    rows = draw(st.lists(st.sampled_from(below), max_size=12, unique=True))
    others = draw(st.lists(st.sampled_from([*ABOVE, *HIDDEN]), min_size=not rows, max_size=3, unique=True))
    return draw(st.permutations(rows + others))


@settings(forms.CALM, max_examples=60)
@given(places=mistakes())
def test_what_is_wrong_is_painted_and_alone_and_put_right_it_is_accepted(places: list[str]) -> None:
    sent = worked_on(a_form(), {place: mistake(place) for place in places})
    right = fixes(places)

    first = forms.judge(sent)
    painted = annotate(sent, first)
    assert painted.whole
    assert marked(painted.data) == (cells_of(first), cells_of(first))
    assert told_of(painted.data) == {problem.message for problem in first.problems}
    assert forms.judge(painted.data).problems == first.problems

    some = {place: right[place] for place in places[: len(places) // 2]}
    half = worked_on(painted.data, some)
    second = forms.judge(half)
    again = annotate(half, second)
    assert second.problems == forms.judge(worked_on(sent, some)).problems, "as if it had never been painted"
    assert again.whole
    assert marked(again.data) == (cells_of(second), cells_of(second))
    assert told_of(again.data) == {problem.message for problem in second.problems}

    assert load_workbook(BytesIO(again.data)).sheetnames == ["Problems", "Sheet"]
    assert forms.judge(worked_on(again.data, right)).accepted


UNREADABLE = {
    "not-a-spreadsheet",
    "file-empty",
    "file-kind-not-read",
    "cannot-be-opened",
    "damaged-on-the-way",
    "encoding-unknown",
    "sensitivity-label",
}


@pytest.mark.parametrize("code", sorted(CASES))
def test_every_problem_of_the_catalogue_is_painted_where_it_is(code: str) -> None:
    sent = CASES[code]()
    judgement = forms.judge(sent)

    made = annotate(sent, judgement)

    assert told_of(made.data) == {problem.message for problem in judgement.problems}
    if made.whole:
        own = {cell.rpartition("!")[2] for cell in cells_of(judgement)}
        assert marked(made.data) == (own, own)
    else:
        assert code in UNREADABLE | {"cells-not-named"}


def an_xls(rows: list[tuple[object, ...]]) -> bytes:
    made = xlwt.Workbook()
    page = made.add_sheet("Form")
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            if value is not None:
                style = xlwt.easyxf(num_format_str="dd/mm/yyyy" if isinstance(value, date) else "General")
                page.write(row, column, value, style)
    out = BytesIO()
    made.save(out)
    return out.getvalue()


def a_csv(rows: list[tuple[object, ...]]) -> bytes:
    out = StringIO()
    texts = ([f"{v:%d/%m/%Y}" if isinstance(v, date) else "" if v is None else v for v in row] for row in rows)
    csv.writer(out).writerows(texts)
    return out.getvalue().encode()


@pytest.mark.parametrize(
    ("written", "lost"), [(an_xls, ("its formatting", "its formulas")), (a_csv, ())], ids=["xls", "csv"]
)
def test_other_kinds_come_back_as_xlsx_and_put_right_are_accepted(
    written: Callable[[list[tuple[object, ...]]], bytes], lost: tuple[str, ...]
) -> None:
    sent = written(forms.flat_rows([learner(1), learner(2, year="99")]))
    judgement = forms.judge(sent)

    made = annotate(sent, judgement)

    assert made.whole, made.cause
    assert made.lost == lost
    assert marked(made.data) == ({"F12"}, {"F12"})
    assert forms.judge(made.data).problems == judgement.problems
    assert forms.judge(worked_on(made.data, {"F12": "10"})).accepted


def test_saved_results_of_formulas_survive_so_that_a_corrected_workbook_is_accepted() -> None:
    out = BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet("Form")
    for row, values in enumerate(forms.flat_rows([learner(1, values=("B", None)), learner(2)], headings=("H", "Sum"))):
        for column, value in enumerate(values):
            page.write(row, column, f"{value:%d/%m/%Y}" if isinstance(value, date) else value)
    page.write_formula("H11", '=G11&"+"', None, "B+")
    page.write("F12", "ninety")
    book.close()
    sent = out.getvalue()

    made = annotate(sent)
    parts = workbooks.parts_of(made.data)
    xml = parts["xl/worksheets/sheet1.xml"]
    cell = re.search(rb'<c r="F12"[^>]*>.*?</c>', xml)
    assert cell
    parts["xl/worksheets/sheet1.xml"] = xml.replace(cell[0], b'<c r="F12"><v>10</v></c>')  # as Excel would save it

    assert {problem.code for problem in forms.judge(sent).problems} == {"year-wrong"}
    judgement = forms.judge(workbooks.packed(parts))
    assert judgement.accepted
    assert judgement.draft
    assert judgement.draft.learners[0].fields[1].value == "B+"


def test_a_hidden_problems_sheet_is_no_hidden_sheet_and_alone_is_no_form() -> None:
    book = load_workbook(BytesIO(annotate(forms.flat([learner(1, year="99")])).data))
    book["Problems"].sheet_state = "hidden"
    book.active = 1

    assert {problem.code for problem in forms.judge(forms.saved(book)).problems} == {"year-wrong"}
    del book["Sheet"]
    book["Problems"].sheet_state = "visible"
    assert [problem.code for problem in forms.judge(forms.saved(book)).problems] == ["no-form-found"]


def test_a_form_without_a_header_block_comes_back_with_it_and_is_accepted_as_it_is() -> None:
    sent = forms.workbook(forms.cells(forms.flat_rows([forms.learner(1)])[9:]))
    known = Known(forms.SCHOOL, forms.POSTCODE, "office@greenfield.test")
    criteria = Criteria(forms.TODAY, Rules(), Limits(), known=known)

    returned = annotating.annotate(sent, forms.judge(sent), criteria).data
    judgement = forms.judge(returned)

    assert judgement.accepted
    assert judgement.problems == ()
    assert judgement.draft
    assert (judgement.draft.school_name, judgement.draft.postcode) == (forms.SCHOOL, forms.POSTCODE)
    assert (judgement.draft.submitted_by, judgement.draft.date_submitted) == ("office@greenfield.test", forms.TODAY)


def test_what_is_not_known_of_the_school_is_asked_for_on_the_sheet_that_was_added() -> None:
    sent = forms.workbook(forms.cells(forms.flat_rows([forms.learner(1)])[9:]))
    criteria = Criteria(forms.TODAY, Rules(), Limits(), known=Known(submitted_by="office@trust.test"))

    judgement = forms.judge(annotating.annotate(sent, forms.judge(sent), criteria).data)

    assert [forms.names(problem) for problem in judgement.problems] == [("'School'!B1",), ("'School'!B2",)]

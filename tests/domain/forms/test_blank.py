from io import BytesIO
from typing import Any

import pytest
from openpyxl import load_workbook

from planit_mailer.domain.forms import blank
from tests.support import forms
from tests.support.forms import learner


@pytest.fixture
def book() -> Any:
    return load_workbook(BytesIO(blank.blank_form()))


def fill(page: Any, *learners: forms.Learner) -> None:
    for row, value in enumerate((forms.SCHOOL, forms.POSTCODE, "The school office", forms.TODAY, "Hello."), 2):
        page.cell(row, 2).value = value
    page["G10"] = "History"
    for number, one in enumerate(learners, 12):
        for column, value in enumerate((*(one[key] for key in forms.KEYS), *one["values"]), 1):
            page.cell(number, column).value = value


def test_the_blank_form_is_accepted_once_filled_in(book: Any) -> None:
    fill(book.active, *(learner(number) for number in range(1, 31)))

    judgement = forms.judge(forms.saved(book))

    assert judgement.problems == ()
    assert judgement.accepted
    assert judgement.draft is not None
    assert judgement.draft.headings == ("History",)
    assert judgement.draft.introduction == ("Hello.",)
    assert len(judgement.draft.learners) == 30


def test_the_blank_form_as_it_is_says_what_to_fill_in() -> None:
    judgement = forms.judge(blank.blank_form())

    assert [(problem.code, forms.names(problem)) for problem in judgement.problems] == [
        ("required-missing", (f"B{row}",)) for row in range(2, 6)
    ]


def test_the_blank_form_without_learners_says_so(book: Any) -> None:
    fill(book.active)

    assert [problem.code for problem in forms.judge(forms.saved(book)).problems] == ["no-learners"]


def test_it_is_laid_out_as_the_handbook_draws_it(book: Any) -> None:
    page = book.active

    assert [page.cell(11, column).value for column in range(1, 7)] == list(forms.COMPULSORY)
    assert all(page.cell(10, column).value is None for column in range(7, 82))
    assert page["A9"].value == "Compulsory Fields"
    assert page["G9"].value == "Provider defined fields"
    assert page["A6"].value == "Introductory Text paragraph 1:"


def test_identifiers_are_text_dates_are_dates_and_years_are_chosen(book: Any) -> None:
    page = book.active

    assert [page.column_dimensions[letter].number_format for letter in "ABCDEF"] == [
        "@",
        "@",
        "@",
        "@",
        "dd/mm/yyyy",
        "@",
    ]
    [years] = page.data_validations.dataValidation
    assert years.formula1 == '"N1,N2,R,1,2,3,4,5,6,7,8,9,10,11,12,13,14,X"'
    assert "F12:F5000" in str(years.sqref)
    assert page.freeze_panes == "C12"
    assert page.column_dimensions["A"].width > 25


def test_a_second_sheet_explains_with_the_handbooks_examples(book: Any) -> None:
    _, guide = book.worksheets
    told = " ".join(str(cell.value) for row in guide.iter_rows() for cell in row if cell.value)

    assert guide.title == "How to fill this in"
    assert all(words in told for words in ("Art KSS pred", "FFT Eng KS3", "Academic mentor discussion", "level 3"))

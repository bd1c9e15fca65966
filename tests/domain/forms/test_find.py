from dataclasses import replace
from typing import Any

import pytest

from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.upload import Draft, Field
from planit_mailer.spreadsheets.model import Cell, Kind, Range, Sheet
from tests.support import forms
from tests.support.forms import learner


def draft_of(judgement: Judgement) -> Draft:
    assert judgement.draft is not None
    return judgement.draft


def codes(judgement: Judgement) -> set[str]:
    return {problem.code for problem in judgement.problems}


def flat(headings: tuple[object, ...] = ("History",), *learners: forms.Learner, **header: Any) -> Judgement:
    return forms.checked(forms.sheet(forms.cells(forms.flat_rows(learners or None, headings, **header))))


def fields(judgement: Judgement) -> list[tuple[tuple[str, str], ...]]:
    return [tuple((f.heading, f.value) for f in one.fields) for one in draft_of(judgement).learners]


def test_the_layout_that_the_handbook_draws_is_read_exactly_as_drawn() -> None:
    data = forms.handbook(
        [learner(1, values=("B", "")), learner(2, values=("", "satisfactory"))],
        headings=("History", "Science"),
        introduction=("These are your grades.", "Talk them over with your tutor."),
    )

    judgement = forms.judge(data)

    draft = draft_of(judgement)
    assert judgement.accepted
    assert judgement.problems == ()
    assert (judgement.sheet, judgement.heading_row) == (1, 11)
    assert (draft.school_name, draft.postcode) == (forms.SCHOOL, forms.POSTCODE)
    assert (draft.submitted_by, draft.date_submitted) == ("The school office", forms.TODAY)
    assert draft.introduction == ("These are your grades.", "Talk them over with your tutor.")
    assert draft.headings == ("History", "Science")
    assert fields(judgement) == [(("History", "B"),), (("Science", "satisfactory"),)]
    first = draft.learners[0]
    wanted = learner(1)
    assert (first.row, first.first_name, first.surname) == (12, wanted["first_name"], wanted["surname"])
    assert (first.upin, first.sims_no) == (wanted["upin"], wanted["sims_no"])
    assert (first.dob, first.year) == (wanted["dob"], "10")


def test_a_flat_export_is_read_too() -> None:
    judgement = forms.judge(forms.flat([learner(1)], headings=("History",)))

    assert judgement.accepted
    assert judgement.problems == ()
    assert judgement.heading_row == 10
    assert fields(judgement) == [(("History", "B"),)]


def test_the_header_block_may_stand_directly_above_the_headings_without_becoming_part_of_them() -> None:
    rows = forms.flat_rows()
    del rows[8]  # the blank row between
    moved = [tuple(reversed(row)) if place >= 8 else row for place, row in enumerate(rows)]

    judgement = forms.checked(forms.sheet(forms.cells(moved)))

    assert draft_of(judgement).headings == ("History",)
    assert judgement.accepted


@pytest.mark.parametrize(
    "headings",
    [
        ("Forename", "Surname", "UPN", "Adno", "Date of Birth", "NC Year"),
        ("FIRST NAME", "learner surname", "upin", "Sims No.", "D.O.B.", "YEAR GROUP"),
        (
            "Legal Forename",
            "Legal Surname",
            "Unique Pupil Number",
            "Admission Number",
            "Date Of Birth (dd/mm/yyyy)",
            "Yr",
        ),
        ("Preferred Forename", "Preferred Surname", "UPN ", "SIMS\nNo", "Birth date", "NCyearActual"),
    ],
)
def test_headings_match_aliases_whatever_their_case_spaces_and_punctuation(headings: tuple[str, ...]) -> None:
    content = forms.cells(forms.flat_rows())
    content |= dict(zip(("A10", "B10", "C10", "D10", "E10", "F10"), headings, strict=True))

    judgement = forms.checked(forms.sheet(content))

    assert judgement.accepted
    assert judgement.problems == ()


def test_headings_never_match_by_similarity() -> None:
    content = forms.cells(forms.flat_rows()) | {"C10": "UPNs", "F10": "Years"}

    judgement = forms.checked(forms.sheet(content))

    missing = [problem.message for problem in judgement.problems if problem.code == "heading-missing"]
    assert [message.split()[2] for message in missing] == ["UPIN", "Year"]


def test_the_best_of_several_names_is_used_and_the_others_are_never_shown() -> None:
    headings = ("Preferred Surname", "Legal Surname", "Legal Forename", "Maths")
    values = ("Nick", "Law", "Lex", "7")

    judgement = flat(headings, learner(1, values=values))

    assert judgement.accepted
    assert draft_of(judgement).learners[0].surname == learner(1)["surname"]
    assert fields(judgement) == [(("Maths", "7"),)]
    [warning] = judgement.problems
    assert (warning.code, forms.names(warning)) == ("heading-passed-over", ("G10", "H10", "I10"))


def test_the_plain_word_comes_before_the_legal_and_the_legal_before_the_preferred() -> None:
    content = forms.cells(forms.flat_rows([learner(1, first_name="Pref", values=("Legal", "Plain"))], ("x", "y")))
    content |= {"A10": "Preferred Forename", "G10": "Legal Forename", "H10": "Forename"}

    assert draft_of(forms.checked(forms.sheet(content))).learners[0].first_name == "Plain"
    del content["H10"], content["H11"]
    assert draft_of(forms.checked(forms.sheet(content))).learners[0].first_name == "Legal"


def test_a_heading_above_and_one_below_are_joined_and_a_merged_one_belongs_to_each_column() -> None:
    content = forms.cells(forms.handbook_rows([learner(1, values=("5", "6", "B"))], ("Maths", None, "Art")))
    content |= {"G11": "Autumn", "H11": "Spring"}
    sheet = forms.sheet(content, merged=(Range(9, 7, 9, 9), Range(10, 7, 10, 8)))

    judgement = forms.checked(sheet)

    assert judgement.accepted
    assert fields(judgement) == [(("Maths \N{EN DASH} Autumn", "5"), ("Maths \N{EN DASH} Spring", "6"), ("Art", "B"))]


def test_headings_merged_down_over_two_rows_are_read_as_one_row() -> None:
    rows = forms.block()
    rows += [(), (*forms.COMPULSORY, "Maths", None), (*[None] * 6, "Autumn", "Spring"), (*row(1), "5", "6")]
    merged = (*(Range(10, column, 11, column) for column in range(1, 7)), Range(10, 7, 10, 8))

    judgement = forms.checked(forms.sheet(forms.cells(rows), merged=merged))

    assert judgement.accepted
    assert judgement.heading_row == 11
    assert fields(judgement) == [(("Maths \N{EN DASH} Autumn", "5"), ("Maths \N{EN DASH} Spring", "6"))]


def row(number: int) -> tuple[object, ...]:
    return tuple(learner(number)[key] for key in forms.KEYS)


def test_a_title_merged_over_the_whole_table_is_no_heading() -> None:
    content = forms.cells(forms.flat_rows()) | {"A9": "Year 10 autumn data"}

    judgement = forms.checked(forms.sheet(content, merged=(Range(9, 1, 9, 7),)))

    assert draft_of(judgement).headings == ("History",)


def test_the_forms_own_words_are_never_headings() -> None:
    content = forms.cells(forms.flat_rows()) | {"A9": "Compulsory Fields", "G9": "Provider defined fields"}

    judgement = forms.checked(forms.sheet(content))

    assert judgement.problems == ()
    assert draft_of(judgement).headings == ("History",)


def test_the_handbooks_examples_count_for_nothing_over_an_empty_column() -> None:
    headings = ("History", "Art KSS pred", "Subject 3 example Science")

    judgement = forms.judge(forms.handbook([learner(1)], headings))

    assert judgement.problems == ()
    assert draft_of(judgement).headings == ("History",)


def test_a_heading_without_values_is_no_field_and_all_such_make_one_warning() -> None:
    judgement = flat(("History", "Art", "Music"), learner(1, values=("B",)))

    assert draft_of(judgement).headings == ("History",)
    [warning] = judgement.problems
    assert (warning.code, forms.names(warning)) == ("heading-without-values", ("H10", "I10"))
    assert "“Art” and “Music”" in warning.message


def test_labels_have_aliases_and_values_to_the_right_or_after_a_colon() -> None:
    rows = [
        ("School:", None, "Greenfield School"),
        ("Postcode: zz9 9zz",),
        ("Submitted by", "The office"),
        ("DATE -", forms.TODAY),
        ("Introduction: Hello.",),
        ("Introductory text paragraph 2", "One line.\n\nAnother line."),
        (),
        (*forms.COMPULSORY, "History"),
        (*row(1), "B"),
    ]

    judgement = forms.checked(forms.sheet(forms.cells(rows)))

    draft = draft_of(judgement)
    assert judgement.problems == ()
    assert (draft.school_name, draft.postcode, draft.submitted_by) == ("Greenfield School", "ZZ9 9ZZ", "The office")
    assert draft.introduction == ("Hello.", "One line.", "Another line.")


def test_the_introduction_may_be_empty() -> None:
    assert draft_of(forms.judge(forms.handbook())).introduction == ()


def test_a_form_may_stand_anywhere_in_the_first_sixty_rows_but_not_below() -> None:
    rows = forms.flat_rows()
    content = forms.cells(rows, row=51, column=4)

    judgement = forms.checked(forms.sheet(content))
    assert judgement.accepted
    assert (judgement.heading_row, draft_of(judgement).letters[0]) == (60, "D")

    assert codes(forms.checked(forms.sheet(forms.cells(rows, row=52)))) == {"no-form-found"}


def test_the_form_is_found_on_whichever_visible_sheet_has_learners() -> None:
    notes = forms.cells([("Notes",), ("UPIN", "see below")])
    empty = forms.cells(forms.handbook_rows([]))

    judgement = forms.judge(forms.workbook(notes, empty, forms.cells(forms.handbook_rows())))

    assert judgement.accepted
    assert judgement.sheet == 3


def test_a_form_on_a_hidden_sheet_is_passed_over_with_a_warning() -> None:
    sheet = forms.sheet(forms.cells(forms.handbook_rows()), hidden=True)

    assert codes(forms.checked(sheet)) == {"no-form-found", "hidden-sheet"}
    both = forms.checked(sheet, replace(forms.sheet(forms.cells(forms.handbook_rows())), number=2))
    assert both.accepted
    assert codes(both) == {"hidden-sheet"}


def test_no_form_says_what_was_looked_for_and_the_nearest_row() -> None:
    [problem] = forms.checked(forms.sheet({"B3": "UPN", "D3": "Year", "A9": "DOB"})).problems

    assert problem.code == "no-form-found"
    assert "row 3" in problem.message
    assert "UPIN and Year" in problem.message
    assert forms.names(problem) == ("B3", "D3")


def test_a_workbook_without_anything_has_no_form() -> None:
    judgement = forms.checked(Sheet("Sheet1", 1, ()))

    assert not judgement.accepted
    assert codes(judgement) == {"no-form-found"}


def test_rows_that_are_no_learners_are_passed_over_below_the_last_and_are_errors_between() -> None:
    content = forms.cells(forms.flat_rows([learner(1), learner(2), learner(3)]))
    content |= {"A15": "Total", "G15": "3", "A17": "Created on 2 November"}
    passed_over = forms.checked(forms.sheet(content))
    for column in "ABCDEFG":
        del content[f"{column}12"]
    content["G12"] = "C"

    between = forms.checked(forms.sheet(content))

    assert passed_over.accepted
    [warning] = passed_over.problems
    assert (warning.code, forms.names(warning)) == ("row-passed-over", ("A15", "G15", "A17"))
    assert "15 and 17" in warning.message
    assert not between.accepted
    [error] = (problem for problem in between.problems if problem.severity == "error")
    assert (error.code, forms.names(error)) == ("row-not-a-learner", ("G12",))


def test_blank_rows_are_nothing() -> None:
    content = forms.cells(forms.flat_rows([learner(1), learner(2)]))
    moved = {address.replace("12", "15"): value for address, value in content.items()}

    judgement = forms.checked(forms.sheet(moved | {"G13": Cell("", Kind.TEXT, "x", ";;;")}))

    assert judgement.problems == ()
    assert [one.row for one in draft_of(judgement).learners] == [11, 15]


def test_hidden_identity_columns_are_simply_read() -> None:
    sheet = forms.sheet(forms.cells(forms.flat_rows()), hidden_columns=frozenset({3, 4}))

    assert forms.checked(sheet).problems == ()


def test_a_blank_cell_and_one_that_shows_nothing_are_no_value_but_zero_is() -> None:
    hidden = Cell("", Kind.NUMBER, 5, ";;;")

    judgement = flat(("A1", "B1", "C1"), learner(1, values=(0, hidden, None)), learner(2, values=(1, "x", "y")))

    assert fields(judgement)[0] == (("A1", "0"),)


def test_a_draft_holds_what_could_be_read_of_a_form_that_is_not_accepted() -> None:
    judgement = flat(
        ("History",),
        learner(1, dob="31/02/2011", upin="b2070 0001 6049", year="Yr 9", values=(Cell("#N/A", Kind.ERROR),)),
    )

    [one] = draft_of(judgement).learners
    assert not judgement.accepted
    assert (one.dob, one.upin, one.year, one.fields) == (None, "B207000016049", "9", ())


@pytest.mark.parametrize("value", ["=1+1", "<b>", "\N{RIGHT-TO-LEFT OVERRIDE}abc"])
def test_what_a_school_sends_is_text_and_nothing_else(value: str) -> None:
    judgement = flat(("History",), learner(1, values=(value,)))

    assert draft_of(judgement).learners[0].fields == (Field("History", value),)

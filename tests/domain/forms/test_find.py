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
        ("Pupil Forename", "Pupil's Surname", "Pupil UPN", "Student ID", "Pupil Date of Birth", "NCY"),
        ("First Name(s)", "Surname*", "UPN [13 characters]", "Admission #", "DOB (dd/mm/yyyy)", "Year taught in Code"),
        ("Child Forename", "StudentSurname", "UPN (required)", "School Admission Nr", "D.O.B. (required):", "Yr Group"),
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


def test_the_word_pupil_alone_or_a_pupils_number_is_no_alias() -> None:
    content = forms.cells(forms.flat_rows()) | {"A10": "Pupil", "D10": "Pupil No"}

    judgement = forms.checked(forms.sheet(content))

    missing = [problem.message for problem in judgement.problems if problem.code == "heading-missing"]
    assert ["First name" in message or "SIMS No" in message for message in missing] == [True, True]


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
    assert draft.introduction == ("Hello.", "One line.\n\nAnother line.")


def header(*rows: tuple[object, ...]) -> Judgement:
    """A form with these rows of header block below the required four."""
    content = forms.cells([*forms.block()[:5], *rows, (), (*forms.COMPULSORY, "History"), (*row(1), "B")])
    return forms.checked(forms.sheet(content))


def test_text_below_an_introduction_goes_on_as_the_next_paragraph() -> None:
    beside = header(("Introductory Text paragraph 1:", "One."), (None, "Two."), (None, "Three."))
    below = header(("Introduction",), ("One.",), ("Two.",))

    assert (beside.problems, draft_of(beside).introduction) == ((), ("One.", "Two.", "Three."))
    assert (below.problems, draft_of(below).introduction) == ((), ("One.", "Two."))


@pytest.mark.parametrize(
    "rows",
    [
        [("Introductory Text paragraph 3:",), ("Year 10 autumn",)],
        [("Introduction", "One."), (), (None, "Year 10 autumn")],
        [("Year 10 autumn",)],
        [("Introduction", "One.", "Year 10 autumn")],
    ],
)
def test_other_text_above_the_headings_is_one_warning_and_never_shown(rows: list[tuple[object, ...]]) -> None:
    judgement = header(*rows)

    [warning] = judgement.problems
    assert warning.code == "header-text-unused"
    assert "Year 10 autumn" not in draft_of(judgement).introduction


def test_pairs_of_label_and_entry_may_stand_side_by_side() -> None:
    content = forms.cells(forms.flat_rows()[8:], row=4) | {
        "A1": "School name", "B1": forms.SCHOOL, "D1": "Postcode:", "E1": forms.POSTCODE,
        "A2": "Completed by (name)", "D2": "Date completed (dd/mm/yyyy)", "F2": forms.TODAY,
    }  # fmt: skip

    judgement = forms.checked(forms.sheet(content))

    [problem] = judgement.problems
    assert "submitted by" in problem.message, "its entry is blank, and not the label beside it"
    assert forms.names(problem) == ("B2",)
    assert forms.checked(forms.sheet(content | {"B2": "The office"})).problems == ()


def test_an_entry_that_reads_like_a_label_is_an_entry() -> None:
    content = forms.cells(forms.flat_rows()) | {"B4": "School"}

    assert draft_of(forms.checked(forms.sheet(content))).submitted_by == "School"


def test_a_form_without_a_header_block_has_one_problem() -> None:
    [problem] = forms.checked(forms.sheet(forms.cells(forms.flat_rows()[9:]))).problems

    assert problem.code == "header-missing"


# ── rows of headings ──


def grid(*rows: tuple[object, ...], merged: tuple[Range, ...] = ()) -> list[str]:
    """The headings of a form whose own columns are these rows; the last one is the learner's."""
    *above, own, values = rows
    content = forms.cells(forms.block())
    content |= forms.cells([(*[None] * 6, *group) for group in above], row=10)
    bottom = 10 + len(above)
    content |= forms.cells([(*forms.COMPULSORY, *own), (*row(1), *values)], row=bottom)
    judgement = forms.checked(forms.sheet(content, merged=merged))
    assert judgement.problems == ()
    return [heading.replace(" \N{EN DASH} ", "/") for heading in draft_of(judgement).headings]


def test_up_to_three_rows_of_groups_stand_above_the_heading_row() -> None:
    merged = (Range(10, 7, 10, 10), Range(11, 7, 11, 8), Range(11, 9, 11, 10))
    terms = ("Autumn", None, None, None), ("English", None, "Maths", None)

    found = grid(*terms, ("Target", "Now", "Target", "Now"), tuple("1234"), merged=merged)

    assert found == ["Autumn/English/Target", "Autumn/English/Now", "Autumn/Maths/Target", "Autumn/Maths/Now"]


def test_a_group_that_is_not_merged_goes_on_only_if_headings_would_be_the_same_without_it() -> None:
    assert grid(("English", None, "Maths"), ("Target", "Now", "Target"), tuple("123")) == [
        "English/Target", "Now", "Maths/Target",
    ]  # fmt: skip
    assert grid(("English", None, "Maths", None), ("Target", "Now", "Target", "Now"), tuple("1234")) == [
        "English/Target", "English/Now", "Maths/Target", "Maths/Now",
    ]  # fmt: skip


def test_a_blank_row_may_stand_between_rows_of_headings() -> None:
    assert grid(("English", None), (), ("Target", "Now"), tuple("12"), merged=(Range(10, 7, 10, 8),)) == [
        "English/Target", "English/Now",
    ]  # fmt: skip


def test_a_row_of_words_below_the_heading_row_goes_on_and_one_of_numbers_does_not() -> None:
    rows = [*forms.block(), (), (*forms.COMPULSORY, "English", "Maths")]
    rows += [(*[None] * 6, "Target", "Now"), (*row(1), 1, 2)]

    words = forms.checked(forms.sheet(forms.cells(rows)))
    numbers = forms.checked(forms.sheet(forms.cells([*rows[:10], (*[None] * 6, 80, 60), rows[11]])))

    assert draft_of(words).headings == ("English \N{EN DASH} Target", "Maths \N{EN DASH} Now")
    assert draft_of(numbers).headings == ("English", "Maths")
    assert codes(numbers) == {"row-passed-over"}


def test_of_an_export_pasted_under_the_blank_forms_headings_the_lower_row_counts() -> None:
    rows = [*forms.handbook_rows([])]
    rows += [(), ("Forename", "Surname", "UPN", "Adno", "Date of Birth", "NC Year", "Maths"), (*row(1), "B")]

    judgement = forms.checked(forms.sheet(forms.cells(rows)))

    assert judgement.problems == ()
    assert draft_of(judgement).headings == ("Maths",)
    rows[-2] = rows[-2][:6]
    assert draft_of(forms.checked(forms.sheet(forms.cells(rows)))).headings == ("History",)


def test_the_introduction_may_be_empty() -> None:
    assert draft_of(forms.judge(forms.handbook())).introduction == ()


def test_a_form_may_stand_anywhere_in_the_first_sixty_rows_but_not_below() -> None:
    rows = forms.flat_rows()
    content = forms.cells(rows, row=51, column=4)

    judgement = forms.checked(forms.sheet(content))
    assert judgement.accepted
    assert (judgement.heading_row, draft_of(judgement).sheets[0].letters[0]) == (60, "D")

    assert codes(forms.checked(forms.sheet(forms.cells(rows, row=52)))) == {"no-form-found"}


def test_the_form_is_found_on_whichever_visible_sheet_has_learners() -> None:
    notes = forms.cells([("Notes",), ("UPIN", "see below")])
    empty = forms.cells(forms.handbook_rows([]))

    judgement = forms.judge(forms.workbook(notes, empty, forms.cells(forms.handbook_rows())))

    assert judgement.accepted
    assert judgement.sheet == 3


# ── several sheets ──


def tab(name: str, number: int, rows: list[tuple[object, ...]]) -> Sheet:
    return replace(forms.sheet(forms.cells(rows)), name=name, number=number)


def test_a_sheet_for_each_year_group_is_one_form_with_fields_and_introduction_by_sheet() -> None:
    ten = tab("Year 10", 1, forms.flat_rows([learner(1)], ("Art",), introduction=("Ten.",)))
    eleven = tab("Year 11", 2, forms.flat_rows([learner(2, values=("7",))], ("Maths",), introduction=("Eleven.",)))

    judgement = forms.checked(ten, eleven)

    draft = draft_of(judgement)
    assert judgement.problems == ()
    assert draft.headings == ("Art", "Maths")
    assert fields(judgement) == [(("Art", "B"),), (("Maths", "7"),)]
    assert [draft.sheets[one.sheet].introduction for one in draft.learners] == [("Ten.",), ("Eleven.",)]


def test_a_sheet_without_a_header_block_takes_the_first_of_the_workbook() -> None:
    cover = tab("Cover", 1, forms.block(introduction=("For all.",)))
    ten = tab("Year 10", 2, forms.flat_rows([learner(1)])[9:])
    eleven = tab("Year 11", 3, forms.flat_rows([learner(2)])[9:])

    judgement = forms.checked(cover, ten, eleven)

    assert judgement.problems == ()
    assert [sheet.introduction for sheet in draft_of(judgement).sheets] == [("For all.",)] * 2
    assert forms.checked(ten, eleven, replace(cover, number=4)).accepted, "wherever it stands"


def test_cells_on_several_sheets_are_named_with_their_sheet() -> None:
    cover = tab("Cover", 1, forms.block(postcode="nowhere"))
    ten = tab("Year 10", 2, forms.flat_rows([learner(1, year="99")])[9:])
    eleven = tab("O'Neill's", 3, forms.flat_rows([learner(2, year="99")])[9:])

    [wrong] = forms.checked(cover, ten, eleven).problems
    [other, *more] = forms.checked(tab("Cover", 1, forms.block()), ten, eleven).problems

    assert forms.names(wrong) == ("'Cover'!B3",)
    assert [forms.names(one) for one in (other, *more)] == [("'Year 10'!F2",), ("'O''Neill''s'!F2",)]


def test_a_learner_on_two_sheets_is_an_error_that_names_both() -> None:
    ten = tab("Year 10", 1, forms.flat_rows([learner(1), learner(2)]))
    eleven = tab("Year 11", 2, forms.flat_rows([learner(3), learner(2)]))

    problems = forms.checked(ten, eleven).problems

    assert {one.code for one in problems} == {"learner-on-two-sheets"}
    assert [forms.names(one) for one in problems] == [
        ("'Year 10'!C12", "'Year 11'!C12"), ("'Year 10'!D12", "'Year 11'!D12"),
    ]  # fmt: skip


def test_all_sheets_are_applied_or_none() -> None:
    good = tab("Year 10", 1, forms.flat_rows([learner(1)]))

    assert not forms.checked(good, tab("Year 11", 2, forms.flat_rows([learner(2, dob="soon")]))).accepted


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


NO_LEARNERS: dict[str, tuple[object, ...]] = {
    "a total": ("Total", "12", None, None, None, None, 84),
    "a total of dashes": ("Total", "-", "-", "-", "-", "-", "84"),
    "the best marks": ("Out of", None, None, None, None, None, 80),
    "a sub-heading": ("10B",),
    "a page number": ("Page 1",),
    "a key": ("WA", "Working at"),
    "a note": ("Printed by the office on 2 November",),
    "values without a learner": (None, None, None, None, None, None, "C"),
    "the headings once more": forms.COMPULSORY,
    "other words for the headings": ("Forename", "Surname", "UPN", "Adno", "Date of Birth", "Year Group", "History"),
}


@pytest.mark.parametrize("row", NO_LEARNERS.values(), ids=NO_LEARNERS)
@pytest.mark.parametrize("place", [12, 13, 15])
def test_a_row_that_is_no_learner_is_passed_over_wherever_it_stands(row: tuple[object, ...], place: int) -> None:
    rows = forms.flat_rows([learner(1), learner(2)])
    rows[place - 1 : place - 1] = [()] * (place - 1 - len(rows)) + [row]

    judgement = forms.checked(forms.sheet(forms.cells(rows)))

    [warning] = judgement.problems
    assert judgement.accepted
    assert warning.code == "row-passed-over"
    assert f"Row {place} " in warning.message
    assert len(draft_of(judgement).learners) == 2


def test_a_note_directly_below_the_headings_is_passed_over_too() -> None:
    rows = [*forms.flat_rows([])[:10], ("Out of", *[None] * 5, 80), forms.flat_rows([learner(1)])[10]]

    [warning] = forms.checked(forms.sheet(forms.cells(rows))).problems

    assert (warning.code, forms.names(warning)) == ("row-passed-over", ("A11", "G11"))


def test_all_rows_that_are_no_learners_make_one_warning() -> None:
    content = forms.cells(forms.flat_rows([learner(1), learner(2)]))

    [warning] = forms.checked(forms.sheet(content | {"A13": "Total", "G13": "3", "A15": "Printed today"})).problems

    assert forms.names(warning) == ("A13", "G13", "A15")
    assert "Rows 13 and 15" in warning.message


@pytest.mark.parametrize(
    "keys",
    [("upin",), ("dob",), ("first_name", "sims_no", "year"), ("surname", "sims_no", "year"), ("first_name", "surname")],
)
def test_a_row_with_this_much_of_a_learner_is_one_and_is_told_what_is_missing(keys: tuple[str, ...]) -> None:
    part = {key: learner(2)[key] if key in keys else None for key in forms.KEYS}

    judgement = flat(("History",), learner(1), learner(2, **part))

    assert not judgement.accepted
    assert codes(judgement) == {"value-missing"}
    assert len(judgement.problems) == 6 - len(keys)


@pytest.mark.parametrize(
    "text", ["-", "n/a", "N/A", "none", "nil", "TBC", "unknown", "Temp", "0", "?", "\N{EN DASH}", "000000"]
)
@pytest.mark.parametrize("key", ["surname", "upin", "sims_no", "dob", "year"])
def test_a_placeholder_is_a_missing_value(text: str, key: str) -> None:
    judgement = flat(("History",), learner(1), learner(2, **{key: text}))

    [problem] = judgement.problems
    assert problem.code == "value-missing"


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

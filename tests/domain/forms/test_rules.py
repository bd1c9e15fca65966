from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.problems.catalogue import Problem, Severity
from planit_mailer.spreadsheets.model import Cell, Kind, Range
from tests.support import forms
from tests.support.forms import learner

ERROR = Cell("#N/A", Kind.ERROR)
UNSAVED = Cell("", Kind.UNSAVED)
NOVEMBER = date(2026, 11, 2)


def judged(
    *learners: forms.Learner, headings: tuple[object, ...] = ("History",), changes: Any = (), **header: Any
) -> Judgement:
    """A flat form, headings in row 10, learners from row 11, with some cells changed."""
    content = forms.cells(forms.flat_rows(learners or [learner(1)], headings, **header))
    return forms.checked(forms.sheet(content | dict(changes)))


def only(judgement: Judgement) -> Problem:
    [problem] = judgement.problems
    return problem


def found(judgement: Judgement) -> list[tuple[str, tuple[str, ...]]]:
    return [(problem.code, forms.names(problem)) for problem in judgement.problems]


def grades(*values: Any) -> Judgement:
    """A form with these values in its one column."""
    return judged(*(learner(number, values=(value,)) for number, value in enumerate(values, 1)))


def day(written: str, code: str = "d-mmm") -> Cell:
    return Cell("5-Apr", Kind.DATE, datetime.combine(date.fromisoformat(written), time()), code)


@pytest.mark.parametrize(
    ("label", "cell"),
    [
        ("School name", "B2"),
        ("School postcode", "B3"),
        ("Import spreadsheet submitted by", "B4"),
        ("Date submitted", "B5"),
    ],
)
def test_each_piece_of_required_information_must_be_there(label: str, cell: str) -> None:
    content = forms.cells(forms.flat_rows())
    del content[cell]
    blank = forms.checked(forms.sheet(content))
    del content[f"A{cell[1:]}"]
    gone = forms.checked(forms.sheet(content))

    assert found(blank) == [("required-missing", (cell,))]
    assert f"“{label}” is missing" in only(blank).message
    assert found(gone) == [("required-missing", ())]


def test_required_information_is_not_an_excel_error_or_an_unsaved_formula() -> None:
    judgement = judged(school=ERROR, submitted=UNSAVED, introduction=(UNSAVED,))

    assert found(judgement) == [
        ("required-error", ("B2",)),
        ("required-not-saved", ("B5",)),
        ("required-not-saved", ("B6",)),
    ]


def test_the_postcode_must_be_one() -> None:
    assert found(judged(postcode="LS1")) == [("postcode-wrong", ("B3",))]


@pytest.mark.parametrize(
    ("submitted", "code"),
    [
        ("31/02/2026", "date-submitted-wrong"),
        ("soon", "date-submitted-wrong"),
        (20261102, "date-submitted-wrong"),
        (forms.TODAY + timedelta(days=2), "date-submitted-future"),
        (forms.TODAY - timedelta(days=61), "date-submitted-old"),
    ],
)
def test_the_date_submitted_is_a_real_one_of_late(submitted: object, code: str) -> None:
    assert found(judged(submitted=submitted)) == [(code, ("B5",))]


@pytest.mark.parametrize("days", [1, 0, -60])
def test_the_date_submitted_has_a_days_grace(days: int) -> None:
    assert judged(submitted=forms.TODAY + timedelta(days=days)).problems == ()


def test_the_introduction_has_three_paragraphs_at_most() -> None:
    assert judged(introduction=("One.", "Two.\n\n", "Three.")).problems == ()

    judgement = judged(introduction=("One.", "Two.\nThree.", "Four."))

    assert found(judgement) == [("introduction-too-long", ("B6", "B7", "B8"))]
    assert "4 paragraphs" in only(judgement).message


def test_a_stage_with_errors_is_reported_whole_and_is_the_last() -> None:
    judgement = judged(learner(1, dob="?"), headings=("SEN",), school=None, postcode="LS1", submitted=date(2020, 1, 1))

    assert [code for code, _ in found(judgement)] == ["required-missing", "postcode-wrong", "date-submitted-old"]


def test_every_missing_compulsory_heading_is_named() -> None:
    judgement = judged(changes={"D10": None, "F10": "House"}.items())

    problems = [problem for problem in judgement.problems if problem.code == "heading-missing"]
    assert [problem.message.split(" is missing")[0] for problem in problems] == [
        "The heading SIMS No",
        "The heading Year",
    ]
    assert not judgement.accepted


def test_a_compulsory_heading_stands_once() -> None:
    assert ("heading-twice", ("C10", "G10")) in found(judged(headings=("upin:",)))


def test_a_form_has_seventy_five_fields_at_most() -> None:
    headings = tuple(f"Field {number}" for number in range(76))

    assert judged(learner(1, values=("B",) * 75), headings=headings[:75]).problems == ()
    judgement = judged(learner(1, values=("B",) * 76), headings=headings)
    assert found(judgement) == [("too-many-fields", ("CD10",))]
    assert "76 fields" in only(judgement).message


def test_a_column_with_values_has_a_heading() -> None:
    judgement = judged(learner(1, values=("B", None)), learner(2, values=("B", "x")), headings=("History", None))

    assert found(judgement) == [("column-without-heading", ("H10",))]
    assert "Column H has values, the first in row 12" in only(judgement).message


def test_in_the_handbooks_layout_a_missing_heading_belongs_beside_the_others() -> None:
    rows = forms.handbook_rows([learner(1, values=("B", "C"))], ("History", None))

    assert found(forms.checked(forms.sheet(forms.cells(rows)))) == [("column-without-heading", ("H10",))]


def test_two_fields_have_two_headings() -> None:
    judgement = judged(learner(1, values=("B", "C", "D")), headings=("History", "HISTORY ", "History+"))

    assert found(judgement) == [("field-twice", ("G10", "H10"))]


def test_hidden_columns_with_data_are_one_error_a_block() -> None:
    rows = forms.flat_rows(
        [learner(1, values=("B", "C", "D", "E")), learner(2, values=("B", None, "D", "E"))], ("a", "b", "c", "d")
    )
    sheet = forms.sheet(forms.cells(rows), hidden_columns=frozenset({1, 7, 8, 10, 11}))

    judgement = forms.checked(sheet)

    assert found(judgement) == [("hidden-column", ("G11", "G12", "H11")), ("hidden-column", ("J11", "J12"))]
    assert "Columns G to H are hidden" in judgement.problems[0].message


def test_hidden_rows_with_data_are_one_error_a_block() -> None:
    content = forms.cells(forms.flat_rows([learner(number) for number in range(1, 6)]))
    whole = forms.sheet(content)
    rows = tuple(hide(row) if row.number in (11, 12, 14) else row for row in whole.rows)

    judgement = forms.checked(forms.sheet(content, rows=rows))

    assert [code for code, _ in found(judgement)] == ["hidden-row", "hidden-row"]
    assert forms.names(judgement.problems[0]) == tuple(f"{column}{row}" for row in (11, 12) for column in "ABCDEFG")


def hide(row: Any) -> Any:
    return type(row)(row.number, row.cells, hidden=True)


def test_a_hidden_introduction_would_be_read_by_learners() -> None:
    content = forms.cells(forms.flat_rows(introduction=("Hello.",)))
    rows = tuple(hide(row) if row.number == 6 else row for row in forms.sheet(content).rows)

    assert found(forms.checked(forms.sheet(content, rows=rows))) == [("hidden-row", ("A6", "B6"))]


def test_hidden_rows_and_columns_without_data_are_nothing() -> None:
    content = forms.cells(forms.flat_rows(headings=("History", "Art")))
    rows = tuple(hide(row) if row.number in (1, 6) else row for row in forms.sheet(content).rows)
    sheet = forms.sheet(content, rows=rows, hidden_columns=frozenset({8, 9}))

    assert [code for code, _ in found(forms.checked(sheet))] == ["heading-without-values"]


@pytest.mark.parametrize(("heading", "word"), [("SEN status", "SEN"), ("Maths (fsm)", "fsm"), ("EAL/SEND", "EAL")])
def test_a_sensitive_word_in_a_heading_is_pointed_out(heading: str, word: str) -> None:
    judgement = judged(headings=(heading,))

    assert judgement.accepted
    assert found(judgement) == [("sensitive-heading", ("G10",))]
    assert f"contains “{word}”: learners will see this" in only(judgement).message


def test_the_sensitive_words_are_the_operators_and_may_be_several() -> None:
    sheet = forms.sheet(forms.cells(forms.flat_rows(headings=("Free  School Meals",))))

    assert found(forms.checked(sheet, sensitive=("free school meals",))) == [("sensitive-heading", ("G10",))]
    assert forms.checked(sheet, sensitive=()).problems == ()


@pytest.mark.parametrize("heading", ["Presentation", "SENIOR prize", "Place", "Sense of humour"])
def test_a_sensitive_word_is_a_whole_word(heading: str) -> None:
    assert judged(headings=(heading,)).problems == ()


def test_an_example_of_the_handbooks_over_values_is_pointed_out() -> None:
    assert found(judged(headings=("FFT Eng KS3",))) == [("example-heading", ("G10",))]


@pytest.mark.parametrize(("key", "column"), list(zip(forms.KEYS, "ABCDEF", strict=True)))
def test_all_six_compulsory_fields_must_be_filled(key: str, column: str) -> None:
    judgement = judged(learner(1), learner(2, **{key: None}), learner(3, **{key: " "}))

    assert found(judgement) == [("value-missing", (f"{column}12", f"{column}13"))]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("31/02/2011", "dob-wrong"),
        (40563, "dob-wrong"),
        ("12/31/2011", "dob-month-first"),
        ("31/01/11", "dob-two-digit-year"),
        ("01/01/0015", "dob-age"),
        (date(1999, 1, 1), "dob-age"),
        (date(2025, 1, 1), "dob-age"),
        (date(2095, 1, 1), "dob-age"),
    ],
)
def test_a_date_of_birth_is_real_unambiguous_and_of_the_right_age(written: object, code: str) -> None:
    judgement = judged(learner(1, year="X"), learner(2, dob=written, year="X"))

    assert found(judgement) == [(code, ("E12",))]


def test_the_ages_are_the_operators_and_their_ends_are_within() -> None:
    sheet = forms.sheet(forms.cells(forms.flat_rows([learner(1, dob="02/11/2016", year="X")], submitted=NOVEMBER)))

    assert forms.checked(sheet, today=NOVEMBER, youngest=10, oldest=10).problems == ()
    assert not forms.checked(sheet, today=NOVEMBER, youngest=11, oldest=12).accepted
    assert not forms.checked(sheet, today=NOVEMBER, youngest=8, oldest=9).accepted


def test_one_cause_is_one_problem_with_all_of_its_cells() -> None:
    judgement = judged(*(learner(number, dob="?") for number in range(1, 6)), learner(6, year="99"))

    assert found(judgement) == [("dob-wrong", ("E11", "E12", "E13", "E14", "E15")), ("year-wrong", ("F16",))]


def test_a_year_that_does_not_fit_the_date_of_birth_is_pointed_out() -> None:
    judgement = judged(learner(1, dob=forms.born(9)), learner(2), learner(3, year="X"))

    assert judgement.accepted
    assert found(judgement) == [("year-not-for-dob", ("E11", "F11"))]


@pytest.mark.parametrize("year", ["N1", "N2", "R", "1", "13"])
def test_every_year_fits_its_dates_of_birth(year: str) -> None:
    number = {"N1": -2, "N2": -1, "R": 0}.get(year) if not year.isdigit() else int(year)
    assert number is not None

    assert (
        forms.checked(
            forms.sheet(forms.cells(forms.flat_rows([learner(1, dob=forms.born(number, 7), year=year)]))), youngest=0
        ).problems
        == ()
    )


def test_a_mistyped_upn_is_an_error_unless_the_operator_says_otherwise() -> None:
    content = forms.cells(forms.flat_rows([learner(1, upin="B207000016049")]))

    assert found(forms.checked(forms.sheet(content))) == [("upin-check-letter", ("C11",))]
    assert forms.checked(forms.sheet(content), check_letter=False).problems == ()


def test_what_is_no_upn_is_pointed_out_and_a_uln_is_named() -> None:
    judgement = judged(learner(1, upin="AB123"), learner(2, upin=3555125752), learner(3))

    assert judgement.accepted
    assert found(judgement) == [("upin-not-upn", ("C11",)), ("upin-uln", ("C12",))]


def test_one_upin_in_every_row_is_a_providers_number_and_not_also_a_duplicate() -> None:
    judgement = judged(*(learner(number, upin="104512") for number in range(1, 4)))

    assert found(judgement) == [("upin-provider-number", ("C11", "C12", "C13"))]


def test_one_upin_in_both_of_two_rows_is_a_duplicate() -> None:
    judgement = judged(learner(1), learner(2, upin=forms.upn(1).lower()))

    assert found(judgement) == [("upin-twice", ("C11", "C12"))]
    assert "Rows 11 and 12" in only(judgement).message


def test_one_sims_no_on_two_rows_is_a_duplicate_whatever_zeros_lead_it() -> None:
    judgement = judged(learner(1, sims_no="004512"), learner(2), learner(3, sims_no=4512))

    assert found(judgement) == [("sims-no-twice", ("D11", "D13"))]
    assert "Rows 11 and 13" in only(judgement).message


def test_excel_errors_and_unsaved_formulas_are_errors_wherever_they_stand() -> None:
    judgement = judged(learner(1, dob=ERROR, values=(ERROR,)), learner(2, upin=UNSAVED, values=(UNSAVED,)))

    assert found(judgement) == [("cell-error", ("E11", "G11")), ("formula-not-saved", ("C12", "G12"))]
    assert "open the file in excel, save it and send it again" in judgement.problems[1].message.lower()


def test_a_form_has_learners() -> None:
    rows = forms.flat_rows([])

    judgement = forms.checked(forms.sheet(forms.cells(rows) | {"A14": "Total"}))

    assert found(judgement) == [("no-learners", ("A14",))]
    assert "no learners" in only(judgement).message


def test_dates_among_grades_are_explained() -> None:
    judgement = grades("6-5", day("2026-04-05"), "7")

    assert judgement.accepted
    assert found(judgement) == [("date-among-grades", ("G12",))]
    assert "“History”" in only(judgement).message


def test_a_whole_column_of_dates_that_could_be_grades_is_explained_and_one_of_real_dates_is_not() -> None:
    assert found(grades(day("2026-04-05"), day("2026-06-06"))) == [("date-among-grades", ("G11", "G12"))]
    assert grades(day("2026-04-05"), day("2026-03-12")).problems == ()
    assert grades(NOVEMBER, NOVEMBER).problems == ()


def test_a_column_of_dates_with_a_word_among_them_is_a_column_of_dates() -> None:
    assert grades(NOVEMBER, NOVEMBER + timedelta(days=1), "not yet").problems == ()
    assert found(grades(day("2026-04-05"), day("2026-12-06"), "U")) == [("date-among-grades", ("G11", "G12"))]
    assert found(grades(day("2013-01-01", "mmm-yy"), day("2026-12-06"), "U"))[0][1] == ("G11", "G12")


def test_lost_leading_zeros_are_explained() -> None:
    assert found(grades("007", "12", "0", 345)) == [("leading-zeros-mixed", ("G12",))]
    assert grades("007", "123", "ab").problems == ()
    assert grades("0", "12").problems == ()


def test_long_numbers_in_scientific_notation_are_explained() -> None:
    assert found(grades(Cell("1.23457E+11", Kind.NUMBER, 123456789012))) == [("long-number", ("G11",))]


def test_a_number_format_that_cannot_be_followed_is_pointed_out() -> None:
    assert found(grades(Cell("0.5", Kind.NUMBER, 0.5, "?/?", exact=False))) == [("number-format-unknown", ("G11",))]


def test_a_value_of_more_than_a_thousand_characters_is_pointed_out() -> None:
    judgement = grades("x" * 1000, "x" * 1001, "x" * 4000)

    assert judgement.accepted
    assert found(judgement) == [("value-long", ("G12", "G13"))]


def test_a_value_of_more_than_four_thousand_characters_is_an_error() -> None:
    judgement = grades("x" * 4000, "x" * 4001, "x" * 32_000)

    assert not judgement.accepted
    assert found(judgement) == [("value-too-long", ("G12", "G13")), ("value-long", ("G11",))]


def test_a_heading_has_two_hundred_characters_at_most_with_its_group() -> None:
    assert judged(headings=("x" * 200,)).problems == ()
    assert found(judged(headings=("x" * 201,))) == [("heading-too-long", ("G10",))]
    rows = forms.handbook_rows([learner(1)], ("x" * 100,))
    rows[10] = (*forms.COMPULSORY, "y" * 100)
    assert found(forms.checked(forms.sheet(forms.cells(rows)))) == [("heading-too-long", ("G11",))]


def test_a_paragraph_of_the_introduction_has_four_thousand_characters_at_most() -> None:
    assert judged(introduction=("x" * 4000, f"{'y' * 4000}\n{'z' * 4000}")).problems == ()
    assert found(judged(introduction=("Hello.", "x" * 4001))) == [("paragraph-too-long", ("B7",))]


def test_fields_beneath_a_merged_value_are_pointed_out_and_blank_blocks_are_not() -> None:
    content = forms.cells(
        forms.flat_rows(
            [learner(1, values=("B", "7", "x")), learner(2, values=()), learner(3, values=("C", "5", "y"))],
            ("Art", "Maths", "Music"),
        )
    )
    blocks = (Range(11, 7, 12, 8), Range(12, 9, 12, 10), Range(13, 1, 13, 2), Range(9, 1, 10, 1))

    [problem] = forms.checked(forms.sheet(content, merged=blocks)).problems

    assert (problem.code, forms.names(problem)) == ("value-merged", ("G11",))


def test_no_message_repeats_what_a_learners_cell_says() -> None:
    marked = {key: f"MARK{key}" for key in ("first_name", "surname", "upin", "sims_no", "dob", "year")}

    judgement = judged(learner(1) | marked, learner(2) | marked, learner(3, values=("MARK" * 300,)))

    assert len(judgement.problems) > 4
    assert not any("MARK" in problem.message for problem in judgement.problems)


def test_a_form_with_warnings_alone_is_accepted() -> None:
    judgement = judged(headings=("SEN",), submitted=forms.TODAY - timedelta(days=100))

    assert judgement.accepted
    assert {problem.severity for problem in judgement.problems} == {Severity.WARNING}


@pytest.mark.parametrize("number", [2, 3, 10], ids=["school name", "postcode", "headings"])
def test_what_the_school_does_not_see_of_its_own_form_is_said(number: int) -> None:
    content = forms.cells(forms.flat_rows())
    rows = tuple(hide(row) if row.number == number else row for row in forms.sheet(content).rows)

    assert [code for code, _ in found(forms.checked(forms.sheet(content, rows=rows)))] == ["hidden-row"]


def test_an_introduction_in_a_hidden_column_is_said() -> None:
    content = forms.cells(forms.flat_rows(introduction=("These are your grades.",)))
    sheet = forms.sheet(content, hidden_columns=frozenset({2}))

    assert found(forms.checked(sheet)) == [("hidden-column", ("B6",))]


def test_headings_that_differ_in_signs_alone_are_one_unless_the_sign_is_a_grades() -> None:
    def codes(*headings: str) -> list[str]:
        rows = forms.flat_rows([forms.learner(1, values=("A",) * len(headings))], headings)
        return [code for code, _ in found(forms.checked(forms.sheet(forms.cells(rows))))]

    assert codes("Maths!", "maths") == ["field-twice"]
    assert codes("M+", "M-", "M") == []


def test_what_nobody_sees_in_a_upin_makes_no_other_learner() -> None:
    upin = forms.upn(1)
    rows = [forms.learner(1, upin=f"{upin[:4]}\u200b{upin[4:]}"), forms.learner(2, upin=upin)]
    wide = upin.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})

    assert [code for code, _ in found(forms.judge(forms.flat(rows)))] == ["upin-twice"]
    draft = forms.judge(forms.flat([forms.learner(1, upin=wide)])).draft
    assert draft
    assert draft.learners[0].upin == upin


def test_an_excel_error_that_was_pasted_as_text_is_one_and_controls_of_direction_go() -> None:
    assert [code for code, _ in found(forms.judge(forms.flat([forms.learner(1, values=("#N/A",))])))] == ["cell-error"]
    draft = forms.judge(forms.flat([forms.learner(1, values=("\u202eB",))])).draft
    assert draft
    assert draft.learners[0].fields[0].value == "B"


@pytest.mark.parametrize("key", ["upin", "sims_no"])
def test_numbers_that_excel_shortened_before_they_were_saved_as_text_are_explained_once(key: str) -> None:
    judgement = judged(*(learner(number, **{key: "8.8012E+11"}) for number in range(1, 5)))

    found = {problem.code: problem for problem in judgement.problems}

    name, column = {"upin": ("UPIN", "C"), "sims_no": ("SIMS No", "D")}[key]
    assert set(found) == {"long-number", f"{key.replace('_', '-')}-twice"}
    assert f"“{name}” shows long numbers in scientific notation" in found["long-number"].message
    assert forms.names(found["long-number"]) == tuple(f"{column}{row}" for row in range(11, 15))


def test_a_field_of_plain_text_that_excel_shortened_is_explained_too() -> None:
    assert found(grades("1.23457E+11", "level 3")) == [("long-number", ("G11",))]

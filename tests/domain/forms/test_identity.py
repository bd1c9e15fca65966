from dataclasses import replace
from datetime import date

import pytest

from planit_mailer.domain.forms import identity
from planit_mailer.domain.forms.identity import Child
from planit_mailer.domain.forms.upload import FormSheet, Learner, Upload
from tests.support import forms

DOB = date(2011, 3, 14)


def a_child(number: int = 1, **changes: object) -> Child:
    child = Child(
        upin=forms.upn(number),
        sims_no=f"{number:06d}",
        first_name=f"Robin{number}",
        surname=f"Fennimore{number}",
        dob=DOB,
        year="10",
        arrival=1,
    )
    return replace(child, **changes)  # type: ignore[arg-type]


def a_learner(number: int = 1, **changes: object) -> Learner:
    child = a_child(number)
    learner = Learner(11 + number, child.first_name, child.surname, child.upin, child.sims_no, child.dob, child.year)
    return replace(learner, **changes)  # type: ignore[arg-type]


def an_upload(*learners: Learner) -> Upload:
    return Upload("Greenfield School", "ZZ9 9ZZ", "Office", DOB, (), learners)


def found(*learners: Learner, known: tuple[Child, ...], accept: bool = False) -> list[tuple[str, str, tuple[str, ...]]]:
    matches = identity.match(an_upload(*learners), known, accept=accept)
    return [(one.code, one.severity.value, forms.names(one)) for one in matches.problems]


def test_a_learner_is_known_by_the_upin() -> None:
    matches = identity.match(an_upload(a_learner(1), a_learner(2)), (a_child(2),))

    assert matches.children == (None, a_child(2))
    assert matches.problems == ()


def test_a_learner_with_a_new_upin_is_known_by_sims_no_surname_and_dob_together() -> None:
    known = a_child(1, upin="T20110001804V", sims_no="1")

    matches = identity.match(an_upload(a_learner(1)), (known,))

    assert matches.children == (known,)
    assert [(one.code, forms.names(one)) for one in matches.problems] == [("upin-new", ("C12",))]


@pytest.mark.parametrize("changes", [{"sims_no": "99"}, {"surname": "Quill"}, {"dob": date(2011, 3, 15)}])
def test_two_of_the_three_do_not_make_a_new_upin_a_known_child(changes: dict[str, object]) -> None:
    known = a_child(1, upin="T20110001804V", first_name="Somebody", **changes)

    assert identity.match(an_upload(a_learner(1)), (known,)).children == (None,)


def test_names_compare_without_case_accents_spaces_hyphens_and_apostrophes() -> None:
    known = a_child(first_name="ZOE", surname="O Neill-Quill", sims_no="1")

    assert found(a_learner(first_name="Zoë", surname="o'neillquill"), known=(known,)) == []


@pytest.mark.parametrize(
    ("changes", "cell"),
    [
        ({"first_name": "Asha"}, "A12"),
        ({"surname": "Quill"}, "B12"),
        ({"dob": date(2011, 3, 15)}, "E12"),
        ({"sims_no": "7"}, "D12"),
    ],
)
def test_one_of_name_dob_or_sims_no_changed_is_a_warning(changes: dict[str, object], cell: str) -> None:
    assert found(a_learner(**changes), known=(a_child(),)) == [("learner-changed", "warning", (cell,))]


@pytest.mark.parametrize(
    ("changes", "cells"),
    [
        ({"first_name": "Asha", "surname": "Quill"}, ("C12", "A12", "B12")),
        ({"first_name": "Asha", "dob": date(2011, 3, 15)}, ("C12", "A12", "E12")),
        ({"surname": "Quill", "dob": date(2011, 3, 15)}, ("C12", "B12", "E12")),
    ],
)
def test_a_known_upin_with_two_of_first_name_surname_and_dob_different_is_an_error(
    changes: dict[str, object], cells: tuple[str, ...]
) -> None:
    learner = a_learner(**changes)

    [(code, severity, named)] = found(learner, known=(a_child(),))
    assert (code, severity, named) == ("learner-differs", "error", cells)
    [problem] = identity.match(an_upload(learner), (a_child(),)).problems
    assert "the earlier upload may be the wrong one" in problem.message


def test_the_name_and_dob_of_another_known_learner_with_another_sims_no_is_an_error() -> None:
    learner = a_learner(1, upin=forms.upn(9), sims_no="000009")

    assert found(learner, known=(a_child(1),)) == [("learner-known-otherwise", "error", ("C12", "D12"))]


def test_namesakes_who_are_both_known_stay_two_learners() -> None:
    twin = a_child(1, upin=forms.upn(2), sims_no="000002")
    second = a_learner(1, row=13, upin=forms.upn(2), sims_no="000002")

    assert found(a_learner(1), second, known=(a_child(1), twin)) == []


def test_rows_that_were_shifted_against_their_upins_are_errors() -> None:
    shifted = [a_learner(n, upin=forms.upn(n + 1)) for n in range(1, 4)]

    problems = found(*shifted, known=tuple(a_child(n, dob=date(2011, 3, n)) for n in range(1, 5)))

    assert ("learner-differs", "error") in {(code, severity) for code, severity, _ in problems}


def test_two_learners_never_claim_the_same_child_silently() -> None:
    by_upin = a_learner(1, sims_no="77")
    by_enrolment = a_learner(1, row=20, upin=forms.upn(2))

    matches = identity.match(an_upload(by_enrolment, by_upin), (a_child(1),))

    assert matches.children == (None, a_child(1))
    problem = next(one for one in matches.problems if one.code == "learner-matched-twice")
    assert forms.names(problem) == ("C12", "C20")
    assert "Rows 12 and 20" in problem.message


def test_after_a_telephone_call_errors_are_warnings() -> None:
    differs = a_learner(1, first_name="Asha", surname="Quill")
    otherwise = a_learner(2, upin=forms.upn(9), sims_no="000009")

    problems = found(differs, otherwise, known=(a_child(1), a_child(2)), accept=True)

    assert {(code, severity) for code, severity, _ in problems} == {
        ("learner-differs", "warning"),
        ("learner-known-otherwise", "warning"),
    }
    matches = identity.match(an_upload(differs, otherwise), (a_child(1), a_child(2)), accept=True)
    assert matches.children == (a_child(1), None)


def test_one_cause_is_one_problem_with_the_cells_of_all_its_learners_where_the_form_has_them() -> None:
    upload = replace(
        an_upload(*(a_learner(n, first_name="Asha") for n in (1, 2, 3))),
        sheets=(FormSheet(letters=("H", "B", "C", "D", "E", "F")),),
    )

    [problem] = identity.match(upload, tuple(a_child(n) for n in (1, 2, 3))).problems

    assert forms.names(problem) == ("H12", "H13", "H14")


def test_no_message_names_a_learner() -> None:
    learners = [
        a_learner(1, surname="MARK"),
        a_learner(2, first_name="MARK", surname="MARK"),
        a_learner(3, upin="MARK"),
        a_learner(4, upin="MARK4", sims_no="MARK"),
    ]

    matches = identity.match(an_upload(*learners), tuple(a_child(n) for n in range(1, 5)))

    assert len(matches.problems) == 4
    assert not any("MARK" in one.message or "Robin" in one.message for one in matches.problems)


def test_after_an_upload_the_children_are_as_it_says_and_the_others_stay() -> None:
    known = (a_child(1, upin="T20110001804V"), a_child(2), a_child(3))
    upload = an_upload(a_learner(1), a_learner(2, year="11"), a_learner(4))

    children = identity.after(known, upload, identity.match(upload, known), 5)

    assert set(children) == {
        a_child(1, arrival=5),
        a_child(2, year="11", arrival=5),
        a_child(3),
        a_child(4, arrival=5),
    }


def test_after_an_upload_newer_data_is_as_it_was() -> None:
    known = (a_child(1, arrival=9),)
    upload = an_upload(a_learner(1, year="11"))

    assert identity.after(known, upload, identity.match(upload, known), 5) == known


def test_two_thousand_learners_are_matched_with_as_many_children() -> None:
    known = tuple(a_child(n) for n in range(2000))
    upload = an_upload(*(a_learner(n, upin=forms.upn(n + 5000)) for n in range(2000)))

    matches = identity.match(upload, known)

    assert all(matches.children)


def test_school_names_compare_like_names() -> None:
    assert identity.same_name("St. Mary's  School", "ST MARYS SCHOOL")
    assert not identity.same_name("Greenfield School", "Greenfield Academy")


def test_twins_whose_upins_were_exchanged_do_not_see_each_others_data() -> None:
    anna, beth = (a_child(number, first_name=name, surname="Twin") for number, name in ((1, "Anna"), (2, "Beth")))
    swapped = (
        a_learner(1, first_name="Anna", surname="Twin", upin=beth.upin),
        a_learner(2, first_name="Beth", surname="Twin", upin=anna.upin),
    )

    assert {(code, severity) for code, severity, _ in found(*swapped, known=(anna, beth))} == {
        ("learner-known-otherwise", "error")
    }

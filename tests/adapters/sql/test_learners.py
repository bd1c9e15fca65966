"""Replacement (handbook section 4)."""

import time
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planit_mailer.adapters.sql.store import Store
from planit_mailer.domain.forms.upload import Field
from planit_mailer.domain.messages import Receipt
from planit_mailer.domain.reports import Page
from planit_mailer.domain.schools import School
from planit_mailer.domain.verdict import YearCount
from tests.support import books
from tests.support.books import NOW, a_learner, an_upload, apply, begin, match_bytes


@pytest.fixture
def school(store: Store) -> School:
    return books.a_school(store)


def page(store: Store, upin: str, school: School | None = None) -> Page:
    with store.reading() as reading:
        found = reading.page(upin, school)
    assert found
    return found


def a_receipt(store: Store) -> Receipt:
    receipt = begin(store)
    return match_bytes(store, receipt, receipt.reference)


def values(store: Store, upin: str) -> list[str]:
    return [field.value for field in page(store, upin).fields]


def test_a_learner_gets_exactly_what_the_upload_says(store: Store, school: School) -> None:
    receipt = a_receipt(store)
    fields = (Field("Art, Autumn", "B"), Field("Attendance", "95.3%"))
    child = a_learner("A1", headings=("Art, Autumn", "Physics", "Attendance"), values=("B", None, "95.3%"))

    apply(store, school, an_upload(child, introduction=("One.", "Two.")), receipt=receipt)

    assert page(store, "A1") == Page("A1", school, ("One.", "Two."), fields, f"{receipt.reference}/1", NOW)


def test_a_second_upload_leaves_nothing_of_the_first(store: Store, school: School) -> None:
    apply(store, school, an_upload(a_learner("A1", values=("B", "old")), introduction=("Old.",)))

    apply(store, school, an_upload(a_learner("A1", values=("C",)), introduction=()))

    assert values(store, "A1") == ["C"]
    assert page(store, "A1").introduction == ()


def test_learners_that_are_not_on_the_upload_keep_theirs(store: Store, school: School) -> None:
    apply(store, school, an_upload(a_learner("A1"), a_learner("A2", values=("kept",))))

    [changes] = apply(store, school, an_upload(a_learner("A1", values=("C",))))

    assert values(store, "A2") == ["kept"]
    assert changes.absent == 1


def test_changes_are_counted_by_year_in_a_schools_order(store: Store, school: School) -> None:
    apply(store, school, an_upload(a_learner("A1", "10"), a_learner("A2", "9"), a_learner("A3", "9")))

    [changes] = apply(
        store,
        school,
        an_upload(
            a_learner("A1", "10", values=("changed",)),
            a_learner("A2", "9"),
            a_learner("A4", "R"),
            a_learner("A5", "9"),
        ),
    )

    assert changes.years == (YearCount("R", new=1), YearCount("9", new=1, unchanged=1), YearCount("10", changed=1))
    assert (changes.passed_over, changes.absent) == (0, 1)


def test_another_introduction_or_year_is_a_change(store: Store, school: School) -> None:
    apply(store, school, an_upload(a_learner("A1", "9"), introduction=("Autumn.",)))

    [introduction] = apply(store, school, an_upload(a_learner("A1", "9"), introduction=("Spring.",)))
    [year] = apply(store, school, an_upload(a_learner("A1", "10"), introduction=("Spring.",)))

    assert introduction.years == (YearCount("9", changed=1),)
    assert year.years == (YearCount("10", changed=1),)


def test_a_message_never_replaces_data_of_one_that_arrived_later(store: Store, school: School) -> None:
    early, late = a_receipt(store), a_receipt(store)
    apply(store, school, an_upload(a_learner("A1", values=("late",))), receipt=late)

    upload = an_upload(a_learner("A1", values=("early",)), a_learner("A2", values=("early",)))
    [changes] = apply(store, school, upload, receipt=early)

    assert values(store, "A1") == ["late"]
    assert values(store, "A2") == ["early"]
    assert (changes.passed_over, changes.years) == (1, (YearCount("9", new=1),))


def test_the_same_message_may_be_applied_again(store: Store, school: School) -> None:
    receipt = a_receipt(store)
    apply(store, school, an_upload(a_learner("A1")), receipt=receipt)

    [changes] = apply(store, school, an_upload(a_learner("A1", values=("C",))), receipt=receipt)

    assert (changes.passed_over, values(store, "A1")) == (0, ["C"])
    assert superseded(store) == []


def test_schools_do_not_touch_each_other(store: Store, school: School) -> None:
    other = books.a_school(store, "Other School", "ZZ8 8ZZ")
    apply(store, school, an_upload(a_learner("A1", values=("ours",))))

    [changes] = apply(store, other, an_upload(a_learner("A1", values=("theirs",))))

    assert changes == replace(changes, years=(YearCount("9", new=1),), absent=0)
    assert page(store, "A1", school).fields[0].value == "ours"
    assert page(store, "A1").fields[0].value == "theirs", "of several schools, what was received last"


def test_a_temporary_upin_that_became_permanent_stays_one_learner(store: Store, school: School) -> None:
    child = a_learner("TEMP1", values=("old",))
    apply(store, school, an_upload(child))

    apply(store, school, an_upload(replace(child, upin="A1", headings=("Art",), values=("new",))))

    with store.reading() as reading:
        assert reading.page("TEMP1") is None
        assert [known.upin for known in reading.children(school.id)] == ["A1"]


def test_two_learners_may_exchange_their_upins(store: Store, school: School) -> None:
    one, two = a_learner("A1", values=("one",)), a_learner("A2", values=("two",))
    apply(store, school, an_upload(one, two))

    with store.transaction() as transaction:
        upload = an_upload(replace(one, upin="A2"), replace(two, upin="A1"))
        known = {child.upin: child for child in transaction.children(school.id)}
        crossed = books.judged(upload, school, transaction)
        assert crossed.matches
        crossed = replace(crossed, matches=replace(crossed.matches, children=(known["A1"], known["A2"])))
        transaction.replace_learners(crossed, transaction.begin(books.waiting(), NOW, NOW))

    assert (values(store, "A2"), values(store, "A1")) == (["one"], ["two"])


def test_two_forms_of_one_message_are_applied_in_order(store: Store, school: School) -> None:
    receipt = a_receipt(store)

    first, second = apply(
        store,
        school,
        an_upload(a_learner("A1", values=("first",))),
        an_upload(a_learner("A1", values=("second",)), a_learner("A2")),
        receipt=receipt,
    )

    assert values(store, "A1") == ["second"]
    assert page(store, "A1").reference == f"{receipt.reference}/2"
    assert first.years == (YearCount("9", new=1),)
    assert second.years == (YearCount("9", new=1, changed=1),)
    assert superseded(store) == [receipt.reference], "the message holds data that has been replaced"


# ── which messages hold what was replaced ──


def superseded(store: Store) -> list[str]:
    with store.reading() as reading:
        return [filed.reference for filed in reading.forgettable(NOW, {})]


def test_a_message_is_superseded_as_soon_as_one_learner_of_it_is_replaced(store: Store, school: School) -> None:
    first, second = a_receipt(store), a_receipt(store)
    apply(store, school, an_upload(a_learner("A1"), a_learner("A2")), receipt=first)
    assert superseded(store) == []

    apply(store, school, an_upload(a_learner("A1")), receipt=second)

    assert superseded(store) == [first.reference]


def test_a_message_with_learners_that_were_passed_over_is_superseded(store: Store, school: School) -> None:
    early, late = a_receipt(store), a_receipt(store)
    apply(store, school, an_upload(a_learner("A1")), receipt=late)

    apply(store, school, an_upload(a_learner("A1"), a_learner("A2")), receipt=early)

    assert superseded(store) == [early.reference]


# ── size, and any history at all ──


def test_two_thousand_learners_with_75_fields_are_replaced_at_once(store: Store, school: School) -> None:
    cohort = [a_learner(f"A{n}", values=[f"value {n} {field}" for field in range(75)]) for n in range(2000)]
    apply(store, school, an_upload(*cohort))

    began = time.process_time()
    [changes] = apply(store, school, an_upload(*cohort))

    assert changes.years == (YearCount("9", unchanged=2000),)
    assert time.process_time() - began < 10, "it takes half a second"


numbers = count(1)
UPINS = ("A1", "A2", "A3", "A4")
Form = dict[str, list[str]]
forms = st.dictionaries(st.sampled_from(UPINS), st.lists(st.text("xyz", max_size=3), max_size=2), min_size=1)


class Books:
    """The handbook in plain Python: per learner, the values and the arrival number of what was applied."""

    def __init__(self) -> None:
        self.learners: dict[str, tuple[int, list[str], str]] = {}

    def apply(self, form: Form, introduction: str, arrival: int) -> None:
        for upin, given_values in form.items():
            if upin not in self.learners or self.learners[upin][0] <= arrival:
                self.learners[upin] = (arrival, given_values, introduction)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(st.tuples(forms, st.sampled_from(["One.", "Two."])), max_size=5), data=st.data())
def test_any_history_ends_as_the_handbook_says(
    store: Store, history: list[tuple[Form, str]], data: st.DataObject
) -> None:
    school = books.a_school(store, f"School {next(numbers)}")  # examples share the store: each has a school
    receipts = [a_receipt(store) for _ in history]
    model = Books()

    for number in data.draw(st.permutations(range(len(history)))):
        form, introduction = history[number]
        learners = [a_learner(upin, values=given_values) for upin, given_values in form.items()]
        apply(store, school, an_upload(*learners, introduction=(introduction,)), receipt=receipts[number])
        model.apply(form, introduction, receipts[number].arrival)

    with store.reading() as reading:
        pages = {upin: reading.page(upin, school) for upin in UPINS}
    found = {upin: ([f.value for f in p.fields], p.introduction) for upin, p in pages.items() if p}
    assert found == {upin: (v, (i,)) for upin, (_, v, i) in model.learners.items()}


def test_a_held_upload_released_after_a_newer_one_does_not_overwrite_it(store: Store, school: School) -> None:
    held = books.settled(store, books.Outcome.HELD)
    apply(store, school, an_upload(a_learner("A1", values=("newer",))))

    with store.transaction() as transaction:
        transaction.release(held.reference, NOW, NOW + timedelta(hours=48))
    [changes] = apply(store, school, an_upload(a_learner("A1", values=("held",))), receipt=held)

    assert values(store, "A1") == ["newer"]
    assert changes.passed_over == 1

"""The register filled from a list: schools by their URN, on both databases."""

from planit_mailer.adapters.sql.store import Store
from planit_mailer.domain.schools import Imported, Listed
from tests.support import books
from tests.support.books import OFFICE

GREENFIELD = Listed("123456", "Greenfield School", "ZZ9 9ZZ")
ABBEY = Listed("123457", "St Mary's Abbey École", "ZZ8 8ZZ")


def imported(store: Store, *listed: Listed) -> Imported:
    with store.transaction() as transaction:
        return transaction.import_schools(listed)


def register(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as reading:
        return [(e.school.number, e.school.name, e.school.postcode) for e in reading.schools()]


def test_schools_of_a_list_are_added_and_a_second_time_change_nothing(store: Store) -> None:
    assert imported(store, GREENFIELD, ABBEY) == Imported(2, 0, 0)
    assert imported(store, GREENFIELD, ABBEY) == Imported(0, 0, 2)

    assert register(store) == [("123456", "Greenfield School", "ZZ9 9ZZ"), ("123457", ABBEY.name, "ZZ8 8ZZ")]
    with store.reading() as reading:
        assert [school.number for school in reading.find_schools("zz88zz")] == ["123457"]


def test_a_school_that_moved_or_changed_its_name_is_the_same_school(store: Store) -> None:
    imported(store, GREENFIELD)
    with store.transaction() as transaction:
        [school] = transaction.find_schools("123456")
        transaction.allow(school, OFFICE)

    assert imported(store, Listed("123456", "Greenfield Academy", "ZZ7 7ZZ")) == Imported(0, 1, 0)

    with store.reading() as reading:
        assert [s.name for s in reading.registration(OFFICE).schools] == ["Greenfield Academy"]
        assert reading.find_schools("ZZ9 9ZZ") == ()
        assert len(reading.find_schools("ZZ7 7ZZ")) == 1


def test_a_school_that_was_registered_by_hand_gets_its_urn(store: Store) -> None:
    by_hand = books.a_school(store, "GREENFIELD school", "zz9 9zz")

    assert imported(store, GREENFIELD) == Imported(0, 1, 0)

    with store.reading() as reading:
        [found] = reading.find_schools("ZZ9 9ZZ")
    assert (found.id, found.number, found.name) == (by_hand.id, "123456", "Greenfield School")


def test_schools_that_are_not_on_the_list_stay(store: Store) -> None:
    imported(store, GREENFIELD, ABBEY)

    assert imported(store, ABBEY) == Imported(0, 0, 1)
    assert len(register(store)) == 2


def test_of_two_schools_with_one_name_at_one_postcode_the_first_takes_the_place_of_the_one_by_hand(
    store: Store,
) -> None:
    books.a_school(store, "Greenfield School", "ZZ9 9ZZ")
    infants = Listed("123458", "Greenfield School", "ZZ9 9ZZ")

    assert imported(store, GREENFIELD, infants) == Imported(1, 1, 0)
    assert imported(store, GREENFIELD, infants) == Imported(0, 0, 2)


def test_an_empty_list_changes_nothing(store: Store) -> None:
    assert imported(store) == Imported(0, 0, 0)

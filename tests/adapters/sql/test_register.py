"""The register of schools and senders, and what the operator decides."""

from datetime import timedelta

import pytest

from planit_mailer.adapters.sql.store import Store
from planit_mailer.core.errors import Refused
from planit_mailer.domain.messages import MessageQuery, Outcome, Receipt, Released
from planit_mailer.domain.reports import Story
from planit_mailer.domain.schools import SenderRegistration
from tests.support import books
from tests.support.books import NOW, OFFICE, TWO_DAYS, facts, settled

LATER = NOW + timedelta(days=1)


@pytest.fixture
def registered(store: Store) -> Store:
    with store.transaction() as transaction:
        transaction.allow(transaction.add_school("Greenfield School", "ZZ9 9ZZ"), OFFICE)
    return store


def standing(store: Store, address: str) -> SenderRegistration:
    with store.reading() as reading:
        return reading.registration(address)


def story(store: Store, receipt: Receipt) -> Story:
    with store.reading() as reading:
        found = reading.story(receipt.reference)
    assert found
    return found


def release(store: Store, receipt: Receipt, *, accept_identities: bool = False) -> None:
    with store.transaction() as transaction:
        transaction.release(receipt.reference, LATER, LATER + TWO_DAYS, accept_identities=accept_identities)


# ── schools ──


def test_a_school_that_is_there_already_is_that_school(store: Store) -> None:
    school = books.a_school(store, "St Mary's École", "ZZ9 9ZZ")

    assert books.a_school(store, "ST. MARYS ECOLE", "zz99zz") == school
    assert books.a_school(store, "St Mary's École", "ZZ8 8ZZ") != school


def test_a_school_has_a_public_id_given_or_made(store: Store) -> None:
    with store.transaction() as transaction:
        given = transaction.add_school("Greenfield School", "ZZ9 9ZZ", "123456")
        same = transaction.add_school("Greenfield Academy", "ZZ9 9ZZ", "123456")
        made = [transaction.add_school(name, "ZZ8 8ZZ").number for name in ("One", "Two")]

    assert (given.number, same) == ("123456", given)
    assert len(set(made)) == 2


def test_schools_are_found_by_postcode_or_id(store: Store) -> None:
    trust = [books.a_school(store, name, "ZZ9 9ZZ") for name in ("Upper School", "Lower School")]

    with store.reading() as reading:
        assert reading.find_schools("zz99zz") == (trust[1], trust[0])
        assert reading.find_schools(trust[0].number) == (trust[0],)
        assert reading.find_schools("ZZ1 1ZZ") == ()


def test_the_register_lists_schools_by_name_with_their_senders(registered: Store) -> None:
    books.a_school(registered, "Abbey School", "ZZ8 8ZZ")

    with registered.reading() as reading:
        assert [(e.school.name, e.senders) for e in reading.schools()] == [
            ("Abbey School", ()),
            ("Greenfield School", (OFFICE,)),
        ]


# ── senders ──


def test_every_sender_is_listed_with_each_school_that_they_may_send_for(registered: Store) -> None:
    trust = books.a_school(registered, "Abbey School", "ZZ8 8ZZ")
    with registered.transaction() as transaction:
        [greenfield] = transaction.find_schools("ZZ9 9ZZ")
        transaction.allow(trust, "trust.test")
        transaction.allow(trust, OFFICE)
        assert set(transaction.senders()) == {(OFFICE, greenfield.id), (OFFICE, trust.id), ("trust.test", trust.id)}


def test_an_address_may_send_for_its_schools_in_order_of_name(registered: Store) -> None:
    abbey = books.a_school(registered, "Abbey School", "ZZ8 8ZZ")

    with registered.transaction() as transaction:
        transaction.allow(abbey, OFFICE)
        transaction.allow(abbey, OFFICE.upper())

    assert [school.name for school in standing(registered, OFFICE).schools] == ["Abbey School", "Greenfield School"]


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("anybody@trust.test", True),
        ("anybody@sub.trust.test", False),
        ("anybody@nottrust.test", False),
        ("trust.test@elsewhere.test", False),
    ],
)
def test_a_domain_is_exactly_one_domain(registered: Store, address: str, may: bool) -> None:  # noqa: FBT001
    with registered.transaction() as transaction:
        transaction.allow(transaction.schools()[0].school, "trust.test")

    assert bool(standing(registered, address).schools) is may


def test_a_denied_address_or_domain_is_denied_until_it_is_allowed(registered: Store) -> None:
    with registered.transaction() as transaction:
        for value in ("pest@greenfield.test", "Spam.test", "spam.test"):
            transaction.deny(value, NOW)

    assert standing(registered, "pest@greenfield.test").denied
    assert standing(registered, "anybody@spam.test").denied
    assert not standing(registered, OFFICE).denied
    with registered.transaction() as transaction:
        assert transaction.denied() == ("pest@greenfield.test", "spam.test")
        transaction.allow(transaction.schools()[0].school, "spam.test")
    assert not standing(registered, "anybody@spam.test").denied


# ── releasing ──


def test_a_released_message_is_brought_back_and_keeps_its_place_in_the_order(store: Store) -> None:
    held = settled(store, Outcome.HELD, facts(), folder="Held")

    release(store, held)

    with store.reading() as reading:
        [released] = reading.to_bring_back()
        [unanswered] = reading.unanswered()
    now = story(store, held)
    assert released == Released(held.reference, "Held", MessageQuery(now.digest, facts().message_id, 1000, NOW))
    assert (now.arrival, now.outcome, now.released, now.attempts) == (held.arrival, None, False, 0)
    assert (unanswered.clock_from, unanswered.due_at) == (LATER, LATER + TWO_DAYS), "its clock starts now"


def test_a_message_that_was_brought_back_is_recognised_by_its_bytes(store: Store) -> None:
    held = books.match_bytes(store, books.begin(store), "its bytes")
    with store.transaction() as transaction:
        transaction.settle(held, books.verdict(Outcome.HELD), (), NOW)
        transaction.note_filed(held, "Held", NOW)
    release(store, held)

    back = books.match_bytes(store, books.begin(store), "its bytes")

    assert (back.arrival, back.released, back.attempts, back.crashes) == (held.arrival, False, 1, 0)
    with store.reading() as reading:
        assert reading.to_bring_back() == ()


def test_the_operator_vouches_for_one_message_and_releasing_it_again_keeps_that(store: Store) -> None:
    spoofed, other = (settled(store, Outcome.QUARANTINED) for _ in range(2))

    release(store, spoofed)
    with store.transaction() as transaction:
        transaction.vouch(spoofed.reference)
    release(store, spoofed)

    assert (story(store, spoofed).released, story(store, other).released) == (True, False)


def test_identities_are_accepted_once(store: Store) -> None:
    rejected = settled(store, Outcome.REJECTED)

    release(store, rejected, accept_identities=True)
    assert story(store, rejected).accept_identities
    release(store, rejected)
    assert not story(store, rejected).accept_identities


def test_a_message_that_is_not_filed_yet_is_taken_up_in_the_inbox_or_brought_back_from_where_it_is_just_moved(
    store: Store,
) -> None:
    message = books.waiting()
    receipt = books.begin(store, message)
    with store.transaction() as transaction:
        transaction.settle(receipt, books.verdict(Outcome.QUARANTINED, None), (), NOW)

    release(store, receipt)
    with store.transaction() as transaction:
        transaction.note_filed(receipt, "Quarantine", NOW)  # by whoever was at it

    with store.reading() as reading:
        assert [one.reference for one in reading.to_bring_back()] == [receipt.reference]
    assert books.begin(store, message).arrival == receipt.arrival
    with store.reading() as reading:
        assert reading.to_bring_back() == ()


def test_what_is_unknown_unsettled_or_deleted_is_not_released(store: Store) -> None:
    working, deleted = books.begin(store), settled(store)
    with store.transaction() as transaction:
        [filed] = transaction.forgettable(LATER, {Outcome.ACCEPTED: timedelta(0)})
        transaction.note_mail_deleted(filed, LATER)

    for receipt, why in ((working, "being processed"), (deleted, "send it again")):
        with pytest.raises(Refused, match=why):
            release(store, receipt)
    with pytest.raises(Refused, match="No message"), store.transaction() as transaction:
        transaction.release("PM-0000-0000", NOW, NOW)


def test_held_messages_of_a_sender_who_was_registered_since_are_released(registered: Store) -> None:
    early, stranger, late = (
        settled(registered, Outcome.HELD, facts(address, f"<{n}@x.test>"), folder="Held")
        for n, address in enumerate((OFFICE, "else@where.test", OFFICE))
    )

    with registered.transaction() as transaction:
        assert transaction.release_registered(LATER, TWO_DAYS) == 2
        assert transaction.release_registered(LATER, TWO_DAYS) == 0

    with registered.reading() as reading:
        assert [r.reference for r in reading.to_bring_back()] == [early.reference, late.reference]
        assert [h.reference for h in reading.held()] == [stranger.reference]


def test_a_released_message_that_is_nowhere_is_put_before_a_person(store: Store) -> None:
    held = settled(store, Outcome.HELD)
    release(store, held)

    with store.transaction() as transaction:
        [released] = transaction.to_bring_back()
        transaction.note_lost(released, LATER)

    now = story(store, held)
    assert now.outcome is Outcome.QUARANTINED
    assert "not found" in now.reason
    with store.reading() as reading:
        assert reading.to_bring_back() == ()


def test_a_refused_message_is_ignored_and_its_mail_deleted(store: Store) -> None:
    held = settled(store, Outcome.HELD)

    with store.transaction() as transaction:
        transaction.refuse(held.reference, LATER)

    with store.reading() as reading:
        assert [filed.reference for filed in reading.forgettable(LATER, {})] == [held.reference]
        assert reading.held() == ()
    assert story(store, held).outcome is Outcome.IGNORED


def test_only_what_waits_can_be_refused(store: Store) -> None:
    accepted = settled(store)

    with pytest.raises(Refused, match="it is accepted"), store.transaction() as transaction:
        transaction.refuse(accepted.reference, LATER)

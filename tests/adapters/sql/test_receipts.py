"""What becomes of a message: what is known of it, and what is counted."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from planit_mailer.adapters.sql.store import Store
from planit_mailer.core.errors import Refused
from planit_mailer.domain.messages import InboxMessage, Key, Outcome
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.schools import SenderRegistration
from tests.support import books
from tests.support.books import NOW, OFFICE, TWO_DAYS, begin, facts, match_bytes, settled, verdict, waiting


def deaths_and_attempts(store: Store, reference: str) -> tuple[int, int]:
    with store.reading() as reading:
        story = reading.story(reference)
    assert story
    return story.crashes, story.attempts


# ── attempts ──


def test_messages_are_numbered_in_the_order_in_which_they_are_first_seen(store: Store) -> None:
    first, second = begin(store), begin(store)

    assert second.arrival > first.arrival
    assert first.reference != second.reference
    assert first.reference[:3] == "PM-"
    assert len(first.reference) == len("PM-7F3K-9Q2T")


def test_a_thousand_new_messages_are_numbered_and_watched_in_a_few_statements(store: Store) -> None:
    statements: list[str] = []
    with store.transaction() as transaction:
        event.listen(transaction._connection, "before_cursor_execute", lambda *said: statements.append(said[2]))
        transaction.number([waiting() for _ in range(1_000)], NOW, TWO_DAYS)
        assert len({one.reference for one in transaction.unanswered()}) == 1_000
    assert len(statements) < 10


def test_the_attempt_is_counted_before_the_work(store: Store) -> None:
    message = waiting()

    for expected in (1, 2, 3):
        receipt = begin(store, message)
        assert (receipt.attempts, receipt.crashes) == (expected, 0)
        with store.transaction() as transaction:
            transaction.record_failure(receipt)


def test_a_death_with_the_message_in_hand_counts_apart(store: Store) -> None:
    message = waiting()
    begin(store, message)

    receipt = begin(store, message)

    assert (receipt.attempts, receipt.crashes) == (1, 1)


def test_an_attempt_during_which_a_server_was_away_does_not_count(store: Store) -> None:
    message = waiting()
    receipt = begin(store, message)

    with store.transaction() as transaction:
        transaction.uncount_attempt(receipt)

    receipt = begin(store, message)
    assert (receipt.attempts, receipt.crashes) == (1, 0)


def test_a_settled_message_is_found_by_its_key_and_nothing_is_counted(store: Store) -> None:
    message = waiting()
    receipt = begin(store, message)
    with store.transaction() as transaction:
        transaction.settle(receipt, verdict(), (), NOW)

    again = begin(store, message)

    assert again == replace(receipt, outcome=Outcome.ACCEPTED, reason="it is accepted")


def test_a_message_that_was_gone_before_it_was_read_leaves_nothing(store: Store) -> None:
    receipt = begin(store)

    with store.transaction() as transaction:
        transaction.drop(receipt)

    with store.reading() as reading:
        assert reading.story(receipt.reference) is None
        assert reading.unanswered() == ()


def test_a_message_that_is_gone_after_it_was_read_once_is_settled_and_owed_nothing(store: Store) -> None:
    receipt = match_bytes(store, begin(store), "raw")

    with store.transaction() as transaction:
        transaction.drop(receipt)

    with store.reading() as reading:
        story = reading.story(receipt.reference)
        assert story
        assert story.outcome is Outcome.IGNORED
        assert reading.unanswered() == ()
    back = begin(store)
    assert match_bytes(store, back, "raw") == back, "put back by a person, it is processed"


def test_a_message_that_was_set_aside_unread_cannot_be_found_again_by_its_bytes(store: Store) -> None:
    receipt = begin(store)
    with store.transaction() as transaction:
        transaction.settle(receipt, verdict(Outcome.QUARANTINED, None), (), NOW)
        transaction.note_filed(receipt, "Quarantine", NOW)

    with pytest.raises(Refused, match="never read: move it from the folder Quarantine"), store.transaction() as release:
        release.release(receipt.reference, NOW, NOW)


# ── the same message again ──


def test_bytes_of_a_message_that_is_not_filed_are_that_message_under_a_new_uid(store: Store) -> None:
    old = waiting(uid=7)
    first = settled(store, folder="")
    older = match_bytes(store, begin(store, old), "the same bytes")

    newer = begin(store, waiting(uid=3, uidvalidity=2))
    adopted = match_bytes(store, newer, "the same bytes")

    assert adopted.arrival == older.arrival
    assert adopted.reference == older.reference
    assert begin(store, waiting(uid=3, uidvalidity=2)).arrival == older.arrival
    with store.reading() as reading:
        assert reading.story(newer.reference) is None
        assert reading.story(first.reference)


def test_an_adopted_message_has_its_attempt_counted(store: Store) -> None:
    older = match_bytes(store, begin(store), "the same bytes")
    with store.transaction() as transaction:
        transaction.record_failure(older)

    adopted = match_bytes(store, begin(store), "the same bytes")

    assert (adopted.attempts, adopted.crashes) == (2, 0)


def test_a_settled_message_under_a_new_uid_is_only_to_be_filed(store: Store) -> None:
    older = match_bytes(store, begin(store), "the same bytes")
    with store.transaction() as transaction:
        transaction.settle(older, verdict(), (), NOW)

    adopted = match_bytes(store, begin(store), "the same bytes")

    assert adopted.outcome is Outcome.ACCEPTED
    assert deaths_and_attempts(store, older.reference) == (0, 1)


def test_bytes_of_a_filed_message_arrive_now(store: Store) -> None:
    first = match_bytes(store, begin(store), "the same bytes")
    with store.transaction() as transaction:
        transaction.record_sender(first, facts())
        transaction.settle(first, verdict(), (), NOW)
        transaction.note_filed(first, "Processed", NOW)

    second = begin(store)

    assert match_bytes(store, second, "the same bytes") == second
    with store.transaction() as transaction:
        assert transaction.duplicate_of(second, facts()) == "", "a person put it back"


def test_of_two_copies_that_are_there_at_the_same_time_the_second_is_only_to_be_filed(store: Store) -> None:
    first, second = begin(store), begin(store)
    first = match_bytes(store, first, "the same bytes")
    with store.transaction() as transaction:
        transaction.settle(first, verdict(), (), NOW)
        transaction.note_filed(first, "Processed", NOW + timedelta(seconds=1))

    assert match_bytes(store, second, "the same bytes").outcome is Outcome.ACCEPTED


def test_a_message_that_somebody_took_away_unprocessed_makes_nothing_known(store: Store) -> None:
    first = match_bytes(store, begin(store), "bytes")
    with store.transaction() as transaction:
        transaction.record_sender(first, facts())
        transaction.drop(first)
    second = match_bytes(store, begin(store), "other bytes")

    with store.transaction() as transaction:
        assert transaction.duplicate_of(second, facts()) == ""


def test_the_same_sender_message_id_and_attachments_are_delivered_twice(store: Store) -> None:
    first = settled(store, said=facts())
    second = match_bytes(store, begin(store), "other bytes: the way was another")

    with store.transaction() as transaction:
        assert transaction.duplicate_of(second, facts()) == first.reference


@pytest.mark.parametrize(
    "said",
    [
        facts("head@greenfield.test"),
        facts(message_id="<2@greenfield.test>"),
        facts(message_id=""),
        replace(facts(), attachments_digest=books.digest("other files")),
        facts(authentic=False),
    ],
)
def test_anything_else_is_another_message(store: Store, said: books.MessageFacts) -> None:
    settled(store, said=facts())
    second = match_bytes(store, begin(store), "other bytes")

    with store.transaction() as transaction:
        assert transaction.duplicate_of(second, said) == ""


def test_what_was_quarantined_or_is_not_authentic_makes_nothing_known(store: Store) -> None:
    settled(store, Outcome.QUARANTINED, facts())
    settled(store, Outcome.IGNORED, facts(authentic=False))
    second = match_bytes(store, begin(store), "other bytes")

    with store.transaction() as transaction:
        assert transaction.duplicate_of(second, facts()) == ""


def test_a_message_that_had_to_wait_is_the_twin_of_a_later_one_that_was_judged_meanwhile(store: Store) -> None:
    first = match_bytes(store, begin(store), "bytes")
    second = settled(store, said=facts())

    with store.transaction() as transaction:
        assert transaction.duplicate_of(first, facts()) == second.reference


@pytest.mark.parametrize("outcome", [Outcome.HELD, Outcome.IGNORED])
def test_a_later_message_that_was_not_judged_makes_nothing_known(store: Store, outcome: Outcome) -> None:
    first = match_bytes(store, begin(store), "bytes")
    settled(store, outcome, facts())

    with store.transaction() as transaction:
        assert transaction.duplicate_of(first, facts()) == ""


def test_of_two_messages_one_is_the_others_twin_and_not_both(store: Store) -> None:
    first = match_bytes(store, begin(store), "bytes")
    second = settled(store, said=facts())
    double = replace(verdict(Outcome.IGNORED, None), reason=f"delivered twice: the same as {second.reference}")
    with store.transaction() as transaction:
        transaction.record_sender(first, facts())
        transaction.settle(first, double, (), NOW)

    with store.transaction() as transaction:
        assert transaction.duplicate_of(second, facts()) == "", "a retry of it is processed"


# ── a UID that is given a second time ──


def number(store: Store, *messages: InboxMessage, now: datetime = NOW) -> frozenset[Key]:
    with store.transaction() as transaction:
        return transaction.number(messages, now, books.TWO_DAYS)


def other(message: InboxMessage, **changes: Any) -> InboxMessage:
    """Another message under the UID of this one."""
    return replace(message, **({"size": 2000, "received_at": message.received_at + timedelta(hours=1)} | changes))


@pytest.mark.parametrize("changes", [{}, {"size": 1000}, {"received_at": NOW}])
def test_another_message_under_a_known_uid_has_a_receipt_of_its_own(store: Store, changes: dict[str, Any]) -> None:
    """As in a mailbox that was restored from a backup, or in another facts's."""
    message = waiting()
    first = match_bytes(store, begin(store, message), "the first")
    with store.transaction() as transaction:
        transaction.settle(first, verdict(), (), NOW)
        transaction.note_filed(first, "Processed", NOW)

    assert number(store, other(message, **changes)) == frozenset()
    second = match_bytes(store, begin(store, other(message, **changes)), "the second")

    assert (second.reference != first.reference, second.outcome) == (True, None)
    with store.reading() as reading:
        assert reading.story(first.reference).outcome is Outcome.ACCEPTED  # type: ignore[union-attr]


@pytest.mark.parametrize(("outcome", "folder"), [(None, ""), (Outcome.ACCEPTED, ""), (Outcome.ACCEPTED, "Processed")])
def test_a_server_that_estimates_sizes_costs_one_more_look_at_the_bytes(
    store: Store, outcome: Outcome | None, folder: str
) -> None:
    """Also of a message that has to stay in the inbox, because the mailbox cannot move it."""
    message = waiting()
    first = match_bytes(store, begin(store, message), "the same bytes")
    with store.transaction() as transaction:
        if outcome:
            transaction.settle(first, verdict(outcome), (), NOW)
        if folder:
            transaction.note_filed(first, folder, NOW)

    for size in (1001, 1002):
        again = other(message, size=size, received_at=message.received_at)
        number(store, again)
        adopted = match_bytes(store, begin(store, again), "the same bytes")
        assert (adopted.reference, adopted.outcome) == (first.reference, outcome)


def test_an_unread_message_whose_size_is_estimated_anew_keeps_its_place(store: Store) -> None:
    first, second = waiting(), waiting()
    number(store, first, second)
    number(store, replace(first, size=1001), second)

    assert begin(store, replace(first, size=1001)).arrival < begin(store, second).arrival


def test_a_message_without_a_date_is_known_by_its_size_and_its_clock_goes_on(store: Store) -> None:
    undated = replace(waiting(), dated=False)
    number(store, undated)
    later = replace(undated, received_at=NOW + timedelta(hours=1))
    number(store, later, now=NOW + timedelta(hours=1))

    assert begin(store, later).received_at == NOW


def test_what_was_taken_up_under_a_uid_that_is_given_again_is_gone_and_owed_nothing(store: Store) -> None:
    message = waiting()
    taken_up = match_bytes(store, begin(store, message), "the first")
    with store.transaction() as transaction:
        transaction.record_failure(taken_up)
    number(store, other(message))

    with store.transaction() as transaction:
        assert transaction.vanished([other(message)], everywhere=True) == (None,)
        transaction.drop_vanished(None)
        assert transaction.current(taken_up).outcome is Outcome.IGNORED


# ── taken out of the inbox ──


def test_a_message_that_was_read_once_and_taken_away_is_settled_and_what_comes_back_is_another(store: Store) -> None:
    message = waiting()
    taken_up = match_bytes(store, begin(store, message), "bytes")
    with store.transaction() as transaction:
        transaction.record_failure(taken_up)
        assert transaction.vanished([message], everywhere=True) == ()
        assert transaction.vanished([waiting()], everywhere=False) == (message.key,)
        assert transaction.vanished([waiting(uidvalidity=2)], everywhere=False) == ()
        assert transaction.vanished([waiting(uidvalidity=2)], everywhere=True) == (message.key,)
        transaction.drop_vanished(message.key)

    with store.reading() as reading:
        assert reading.unanswered() == ()
    back = match_bytes(store, begin(store, message), "bytes")
    assert (back.outcome, back.reference != taken_up.reference) == (None, True)


def test_what_is_to_be_brought_back_has_not_vanished(store: Store) -> None:
    message = waiting()
    receipt = match_bytes(store, begin(store, message), "bytes")
    with store.transaction() as transaction:
        transaction.settle(receipt, verdict(Outcome.QUARANTINED, None), (), NOW)
        transaction.release(receipt.reference, NOW, NOW)
        assert transaction.vanished([], everywhere=True) == ()
        transaction.drop_vanished(message.key)
        assert transaction.current(receipt).outcome is None


def test_a_first_copy_under_another_uidvalidity_is_not_waited_for(store: Store) -> None:
    first = match_bytes(store, begin(store, waiting(uidvalidity=1)), "bytes")
    second = match_bytes(store, begin(store, waiting(uidvalidity=2)), "other bytes: the way was another")
    with store.transaction() as transaction:
        for receipt in (first, second):
            transaction.record_sender(receipt, facts())
        assert transaction.earlier_duplicate(second) is None


# ── settled and filed ──


def test_to_introduce_a_sender_tells_what_the_register_knows(store: Store) -> None:
    school = books.a_school(store)
    receipt = begin(store)

    with store.transaction() as transaction:
        transaction.allow(school, OFFICE)
        standing = transaction.record_sender(receipt, facts())

    assert standing == SenderRegistration((school,), denied=False)


def test_a_receipt_says_everything_but_what_the_message_said(store: Store) -> None:
    receipt = settled(store, Outcome.IGNORED, facts())

    with store.reading() as reading:
        story = reading.story(receipt.reference.lower() + "/1")

    assert story
    assert story.outcome is Outcome.IGNORED
    assert story.reason == "it is ignored"
    assert story.unanswered == "no answer is due"
    assert story.sender == facts().sender
    assert (story.message_id, story.date) == (facts().message_id, facts().date)
    assert (story.folder, story.filed_at, story.settled_at) == ("Folder", NOW, NOW)
    assert story.due_at is None


def test_uploads_are_kept_without_names_and_words(store: Store) -> None:
    school = books.a_school(store)
    books.apply(store, school, books.an_upload(books.a_learner("A1"), books.a_learner("A2")))

    with store.reading() as reading:
        [reference] = [reading.latest()]
        story = reading.story(reference)

    assert story
    [upload] = story.uploads
    assert (upload.number, upload.school, upload.outcome) == (1, school.number, Outcome.ACCEPTED)
    assert (upload.learners, upload.new, upload.absent) == (2, 2, 0)


def test_the_clock_runs_on_only_where_an_answer_is_owed(store: Store) -> None:
    owed, nothing, held = begin(store), begin(store), begin(store)

    with store.transaction() as transaction:
        transaction.settle(owed, verdict(), (), NOW)
        transaction.settle(nothing, verdict(Outcome.IGNORED, None), (), NOW)
        transaction.settle(held, verdict(Outcome.HELD, ReplyKind.HELD), (), NOW)

    with store.reading() as reading:
        [unanswered] = reading.unanswered()
    assert unanswered.reference == owed.reference
    assert unanswered.due_at - unanswered.clock_from == timedelta(hours=48)


def test_polls_are_noted_and_only_good_ones_as_successes(store: Store) -> None:
    later = NOW + timedelta(minutes=1)

    with store.transaction() as transaction:
        transaction.note_poll(NOW, success=True)
        transaction.note_poll(later, success=False)

    with store.reading() as reading:
        status = reading.status()
    assert (status.last_poll, status.last_success) == (later, NOW)

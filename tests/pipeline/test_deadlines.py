"""The promised time: who hears of it when, and each thing once."""

from datetime import timedelta

import pytest

from planit_mailer.adapters.sql.store import Store
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.verdict import Verdict
from planit_mailer.pipeline import deadlines
from tests.pipeline.test_delivery import reply_settings
from tests.support import books
from tests.support.books import NOW, OFFICE, TWO_DAYS

UID = 4711


def an_unanswered_message(store: Store, *, registered: bool = True) -> None:
    if registered:
        school = books.a_school(store)
        with store.transaction() as transaction:
            transaction.allow(school, OFFICE)
    receipt = books.match_bytes(store, books.begin(store, books.waiting(UID)), "raw")
    with store.transaction() as transaction:
        transaction.record_sender(receipt, books.facts())


def told(store: Store) -> list[ReplyKind]:
    with store.reading() as reading:
        return [pending.reply.kind for pending in reading.due(NOW + timedelta(days=30), 100)]


def watch_after(store: Store, share: float) -> None:
    deadlines.watch(store, lambda: NOW + TWO_DAYS * share, reply_settings())


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.4, []),
        (0.6, []),
        (0.8, [ReplyKind.OPERATOR, ReplyKind.DELAYED]),
        (1.1, [ReplyKind.OPERATOR, ReplyKind.DELAYED]),
    ],
)
def test_at_three_quarters_the_operator_and_the_school_hear_of_it(
    store: Store, share: float, expected: list[ReplyKind]
) -> None:
    an_unanswered_message(store)
    watch_after(store, share)
    assert told(store) == expected


def test_each_warning_is_given_once(store: Store) -> None:
    an_unanswered_message(store)
    for share in (0.55, 0.6, 0.8, 0.85, 1.2, 1.3):
        watch_after(store, share)
    assert told(store) == [ReplyKind.OPERATOR, ReplyKind.DELAYED, ReplyKind.OPERATOR]


def test_what_a_clock_that_was_ahead_warned_of_is_warned_of_again_when_its_time_comes(store: Store) -> None:
    an_unanswered_message(store)
    watch_after(store, 5)
    with store.transaction() as transaction:
        for pending in transaction.due(NOW + TWO_DAYS * 5, 100):
            transaction.note_sent(pending, "250 OK", NOW)
    for share in (0.1, 0.6, 0.8, 0.85, 1.1):
        watch_after(store, share)
    assert told(store) == [ReplyKind.OPERATOR, ReplyKind.DELAYED, ReplyKind.OPERATOR]


def test_two_daemons_whose_clocks_differ_a_little_warn_once(store: Store) -> None:
    an_unanswered_message(store)
    for share in (0.751, 0.749, 0.751, 0.749, 0.76):
        watch_after(store, share)
    assert told(store) == [ReplyKind.OPERATOR, ReplyKind.DELAYED]


def test_an_unregistered_sender_hears_nothing_of_a_delay(store: Store) -> None:
    an_unanswered_message(store, registered=False)
    watch_after(store, 0.8)
    assert told(store) == [ReplyKind.OPERATOR]


def test_half_of_the_time_is_a_warning_in_the_log_and_the_end_an_error(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    an_unanswered_message(store)
    watch_after(store, 0.49)
    assert "answer is" not in "".join(capsys.readouterr())

    watch_after(store, 0.5)
    half = "".join(capsys.readouterr())
    watch_after(store, 1.0)
    late = "".join(capsys.readouterr())

    assert "answer is due" in half
    assert "warning" in half
    assert "24.0 hours" in half
    assert "answer is late" in late
    assert "error" in late


def test_the_clock_starts_when_the_mailbox_got_the_message_not_when_we_saw_it(store: Store) -> None:
    books.begin(store, books.waiting(received_at=NOW - TWO_DAYS), now=NOW)
    watch_after(store, 0)
    assert told(store) == [ReplyKind.OPERATOR]


def test_a_forged_sender_hears_nothing_of_a_delay(store: Store) -> None:
    school = books.a_school(store)
    receipt = books.match_bytes(store, books.begin(store), "raw")
    with store.transaction() as transaction:
        transaction.allow(school, OFFICE)
        transaction.record_sender(receipt, books.facts(authentic=False))
    watch_after(store, 0.8)
    assert told(store) == [ReplyKind.OPERATOR]


def test_a_held_message_has_no_clock_and_a_quarantined_one_of_a_registered_sender_has(store: Store) -> None:
    for outcome, clock in ((Outcome.HELD, False), (Outcome.QUARANTINED, True)):
        receipt = books.match_bytes(store, books.begin(store), outcome.value)
        verdict = Verdict(outcome, "why", reply=None if clock else ReplyKind.HELD, unanswered="why", answer_owed=clock)
        with store.transaction() as transaction:
            transaction.record_sender(receipt, books.facts())
            transaction.settle(receipt, verdict, (), NOW)
    watch_after(store, 1.1)
    assert told(store) == [ReplyKind.OPERATOR]


def test_many_messages_that_are_due_at_once_make_one_mail(store: Store) -> None:
    """A stranger may write in a school's name as often as they like, and each message has its promised time."""
    school = books.a_school(store)
    with store.transaction() as transaction:
        transaction.allow(school, OFFICE)
    for number in range(deadlines.LISTED + 3):
        receipt = books.match_bytes(store, books.begin(store, books.waiting(number + 1)), str(number))
        verdict = Verdict(Outcome.QUARANTINED, "why", unanswered="why", answer_owed=True)
        with store.transaction() as transaction:
            transaction.record_sender(receipt, books.facts(authentic=False))
            transaction.settle(receipt, verdict, (), NOW)
    watch_after(store, 0.8)
    watch_after(store, 0.8)
    with store.reading() as reading:
        [mail] = [pending.reply.content.decode() for pending in reading.due(NOW + timedelta(days=30), 100)]
    assert "look at 103 messages" in mail
    assert mail.count("hours left") == deadlines.LISTED
    assert "and 3 more" in mail


def test_messages_that_become_due_one_after_the_other_are_told_of_once_an_hour(store: Store) -> None:
    ten = timedelta(minutes=10)
    for number in range(6):
        books.begin(store, books.waiting(number + 1, received_at=NOW + number * ten))
    for number in range(6 * 16):
        deadlines.watch(store, lambda now=NOW + TWO_DAYS * 0.7 + number * ten: now, reply_settings())
    assert told(store) == [ReplyKind.OPERATOR] * 4
    with store.reading() as reading:
        assert {one.warned for one in reading.unanswered()} == {deadlines.LATE}


def an_answered_message(store: Store) -> None:
    """A message of a registered school that was judged, its answer in the outbox."""
    an_unanswered_message(store)
    answer(store)


def answer(store: Store) -> None:
    """Judge the one message, and put its answer into the outbox."""
    receipt = books.begin(store, books.waiting(UID))
    with store.transaction() as transaction:
        transaction.enqueue(books.a_reply(), receipt, NOW)
        transaction.settle(receipt, books.verdict(), (), NOW)


def test_a_school_whose_answer_waits_for_the_relay_hears_of_no_delay(store: Store) -> None:
    an_answered_message(store)
    watch_after(store, 0.8)
    assert told(store) == [ReplyKind.CONFIRMATION, ReplyKind.OPERATOR]


def test_a_school_whose_answer_comes_before_the_word_of_its_delay_was_sent_hears_of_none(store: Store) -> None:
    an_unanswered_message(store)
    watch_after(store, 0.8)
    answer(store)
    assert told(store) == [ReplyKind.CONFIRMATION, ReplyKind.OPERATOR]


def test_the_story_of_a_message_tells_of_the_delayed_reply(store: Store) -> None:
    an_unanswered_message(store)
    watch_after(store, 0.8)
    with store.reading() as reading:
        [unanswered] = reading.unanswered()
        story = reading.story(unanswered.reference)
    assert story
    assert [reply.kind for reply in story.replies] == [ReplyKind.DELAYED]


def test_an_answer_that_the_relay_has_stops_the_clock(store: Store) -> None:
    receipt = books.match_bytes(store, books.begin(store), "raw")
    with store.transaction() as transaction:
        transaction.record_sender(receipt, books.facts())
        transaction.enqueue(books.a_reply(), receipt, NOW)
        transaction.settle(receipt, books.verdict(), (), NOW)
    with store.transaction() as transaction:
        [pending] = transaction.due(NOW, 1)
        transaction.note_sent(pending, "250 OK", NOW)
    watch_after(store, 1.1)
    assert told(store) == []

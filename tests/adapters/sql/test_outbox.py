"""The outbox, the promised time, and the numbers of `status`."""

from datetime import datetime, timedelta

from planit_mailer.adapters.sql.store import Store
from planit_mailer.domain.messages import Outcome, Receipt
from planit_mailer.domain.outgoing import Pending, Recent, ReplyKind
from tests.support import books
from tests.support.books import NOW, OFFICE, TWO_DAYS, a_reply, begin, facts, verdict

SOON = NOW + timedelta(seconds=30)
LATER = NOW + timedelta(hours=1)


def owed(store: Store, kind: ReplyKind = ReplyKind.CONFIRMATION) -> tuple[Receipt, Pending]:
    """A settled message, and the reply to it in the outbox."""
    receipt = begin(store)
    with store.transaction() as transaction:
        transaction.record_sender(receipt, facts())
        transaction.enqueue(a_reply(kind), receipt, NOW)
        transaction.settle(receipt, verdict(reply=kind), (), NOW)
    with store.reading() as reading:
        return receipt, reading.due(NOW, 100)[-1]


def test_mails_come_out_as_they_went_in_oldest_first(store: Store) -> None:
    receipt = begin(store)
    first, second = a_reply(content="Grüße\r\n".encode() + bytes(range(256))), a_reply(ReplyKind.OPERATOR)

    with store.transaction() as transaction:
        transaction.enqueue(first, receipt, NOW)
        transaction.enqueue(second, None, NOW)

    with store.reading() as reading:
        due = reading.due(NOW, 100)
        assert len(reading.due(NOW, 1)) == 1
    assert [(p.reference, p.reply, p.attempts) for p in due] == [(receipt.reference, first, 0), ("", second, 0)]


def test_a_sent_mail_is_gone_but_for_what_proves_it(store: Store) -> None:
    receipt, pending = owed(store)

    with store.transaction() as transaction:
        transaction.note_sent(pending, "250 OK", LATER)

    with store.reading() as reading:
        story = reading.story(receipt.reference)
        assert reading.due(LATER, 100) == ()
        assert reading.unanswered() == ()
        assert reading.status().outbox == {"sent": 1}
    assert story
    [reply] = story.replies
    assert (reply.message_id, reply.relay_answer, reply.final_at) == (pending.reply.message_id, "250 OK", LATER)
    assert story.answered_at == LATER


def test_a_mail_that_nobody_takes_is_over_as_well(store: Store) -> None:
    receipt, pending = owed(store)

    with store.transaction() as transaction:
        transaction.note_failed(pending, "550 no such user", LATER)

    with store.reading() as reading:
        story = reading.story(receipt.reference)
        assert reading.status().outbox == {"failed": 1}
        assert reading.unanswered() == ()
    assert story
    assert story.replies[0].relay_answer == "550 no such user"


def test_a_postponed_mail_waits_and_its_attempt_is_counted(store: Store) -> None:
    _, pending = owed(store)

    with store.transaction() as transaction:
        assert transaction.begin_sending(pending, NOW, SOON)
        transaction.postpone(pending, LATER, "451 later")

    with store.reading() as reading:
        assert reading.due(SOON, 100) == ()
        [again] = reading.due(LATER, 100)
    assert again.attempts == 1


def test_a_mail_that_is_handed_over_is_due_again_soon_in_case_that_nobody_can_note_what_became_of_it(
    store: Store,
) -> None:
    _, pending = owed(store)

    with store.transaction() as transaction:
        assert transaction.begin_sending(pending, NOW, SOON)

    with store.transaction() as transaction:
        assert not transaction.begin_sending(pending, NOW, SOON), "somebody has it in hand"
        assert transaction.due(NOW, 100) == ()
        [again] = transaction.due(SOON, 100)
    assert (again.id, again.attempts) == (pending.id, 1)


def test_at_a_start_what_was_in_hand_is_due_at_once_and_what_was_postponed_is_not(store: Store) -> None:
    (_, in_hand), (_, postponed), (_, sent) = (owed(store) for _ in range(3))
    with store.transaction() as transaction:
        for pending in (in_hand, postponed, sent):
            transaction.begin_sending(pending, NOW, LATER)
        transaction.postpone(postponed, LATER, "451 later")
        transaction.note_sent(sent, "250 OK", NOW)

    with store.transaction() as transaction:
        transaction.pick_up(SOON)

    with store.reading() as reading:
        assert [pending.id for pending in reading.due(SOON, 100)] == [in_hand.id]


def test_what_has_been_due_for_longest_comes_first_and_a_page_goes_on_where_the_last_ended(store: Store) -> None:
    (_, first), (_, second), (_, third) = (owed(store) for _ in range(3))

    with store.transaction() as transaction:
        transaction.postpone(first, LATER, "451 later")
        transaction.postpone(second, LATER - timedelta(minutes=1), "451 later")

    with store.reading() as reading:
        due = reading.due(LATER, 100)
        assert [pending.id for pending in due] == [third.id, second.id, first.id]
        assert [reading.due(LATER, 1, after) for after in due] == [due[1:2], due[2:], ()]


def test_mail_to_the_operator_answers_nobody(store: Store) -> None:
    receipt, _ = owed(store, ReplyKind.OPERATOR)

    with store.transaction() as transaction:
        [pending] = transaction.due(NOW, 100)
        transaction.note_sent(pending, "250 OK", LATER)

    with store.reading() as reading:
        assert [unanswered.reference for unanswered in reading.unanswered()] == [receipt.reference]


def test_a_reply_to_the_first_judgement_does_not_answer_the_second(store: Store) -> None:
    receipt, pending = owed(store, ReplyKind.HELD)
    with store.transaction() as transaction:
        transaction.release(receipt.reference, LATER, LATER + TWO_DAYS)

    with store.transaction() as transaction:
        transaction.note_sent(pending, "250 OK", LATER)

    with store.reading() as reading:
        assert [unanswered.reference for unanswered in reading.unanswered()] == [receipt.reference]


def test_what_an_address_got_is_counted(store: Store) -> None:
    _, first = owed(store)
    owed(store, ReplyKind.HELP)

    with store.transaction() as transaction:
        transaction.note_sent(first, "250 OK", LATER)

    with store.reading() as reading:
        kinds = (ReplyKind.CONFIRMATION, ReplyKind.HELP)
        assert reading.recent_replies(OFFICE, NOW) == tuple(Recent(kind, NOW) for kind in kinds)
        assert reading.recent_replies(OFFICE, LATER) == ()
        assert reading.recent_replies("head@greenfield.test", NOW) == ()
        assert (reading.sent_to(OFFICE, LATER), reading.sent_to(OFFICE, LATER + TWO_DAYS)) == (1, 0)


def test_a_topic_is_told_once_in_a_while(store: Store) -> None:
    def first(at: int) -> bool:
        now = NOW + timedelta(hours=at)
        with store.transaction() as transaction:
            return transaction.record_alert_if_due("too many replies", now - timedelta(hours=24), now)

    assert [first(at) for at in (0, 1, 23, 25, 26)] == [True, False, False, True, False]


def test_what_was_told_by_a_clock_that_was_ahead_is_told_again(store: Store) -> None:
    def first(now: datetime) -> bool:
        with store.transaction() as transaction:
            return transaction.record_alert_if_due("too many replies", now - timedelta(hours=24), now)

    assert [first(at) for at in (NOW + timedelta(days=10), NOW, LATER)] == [True, True, False]


# ── the promised time ──


def test_a_message_is_owed_an_answer_from_when_it_is_first_seen(store: Store) -> None:
    receipt = begin(store)

    with store.reading() as reading:
        [unanswered] = reading.unanswered()
        assert reading.status().oldest_unanswered == unanswered
    assert (unanswered.reference, unanswered.received_at) == (receipt.reference, NOW)
    assert (unanswered.clock_from, unanswered.due_at, unanswered.warned) == (NOW, NOW + TWO_DAYS, 0)


def test_the_one_that_is_due_first_comes_first(store: Store) -> None:
    late = begin(store, books.waiting(received_at=LATER))
    early = begin(store, books.waiting(received_at=NOW))

    with store.reading() as reading:
        assert [u.reference for u in reading.unanswered()] == [early.reference, late.reference]


def test_a_warning_is_noted(store: Store) -> None:
    begin(store)

    with store.transaction() as transaction:
        transaction.note_warned(transaction.unanswered()[0], 2)

    with store.reading() as reading:
        assert reading.unanswered()[0].warned == 2


def test_only_an_authentic_registered_sender_may_be_told_of_a_delay(store: Store) -> None:
    school = books.a_school(store)
    said = (facts(), facts(authentic=False), facts("stranger@elsewhere.test"))

    with store.transaction() as transaction:
        transaction.allow(school, OFFICE)
        for one in said:
            transaction.record_sender(transaction.begin(books.waiting(), NOW, NOW + TWO_DAYS), one)

    with store.reading() as reading:
        told = [(u.sender, u.registered) for u in reading.unanswered()]
    assert told == [(OFFICE, True), (OFFICE, False), ("stranger@elsewhere.test", False)]


# ── what is asked ──


def test_status_counts_messages(store: Store) -> None:
    for outcome in (Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.HELD):
        books.settled(store, outcome)
    begin(store)

    with store.reading() as reading:
        status = reading.status()
    assert status.messages == {Outcome.ACCEPTED: 2, Outcome.HELD: 1}
    assert (status.last_poll, status.outbox) == (None, {})


def test_held_lists_what_waits_for_the_operator(store: Store) -> None:
    books.settled(store)
    waits = [books.settled(store, outcome, facts()) for outcome in (Outcome.HELD, Outcome.QUARANTINED)]

    with store.reading() as reading:
        held = reading.held()

    assert [(h.reference, h.outcome, h.sender, h.why) for h in held] == [
        (waits[0].reference, Outcome.HELD, OFFICE, "it is held"),
        (waits[1].reference, Outcome.QUARANTINED, OFFICE, "it is quarantined"),
    ]


def test_messages_are_found_by_message_id_the_latest_first(store: Store) -> None:
    first, second = books.settled(store, said=facts()), books.settled(store, said=facts())

    with store.reading() as reading:
        assert reading.references(facts().message_id) == (second.reference, first.reference)
        assert reading.references("<other@x.test>") == ()
        assert reading.latest() == second.reference
        assert reading.story("PM-0000-0000") is None


def test_a_learner_that_nobody_knows_has_no_page(store: Store) -> None:
    with store.reading() as reading:
        assert reading.page("A1") is None
        assert reading.any_page() is None

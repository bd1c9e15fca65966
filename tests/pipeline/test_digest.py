"""Once a day the operator hears of what was quarantined in silence."""

from datetime import UTC, datetime, timedelta

from planit_mailer.adapters.sql.store import Store
from planit_mailer.domain.messages import Outcome, Receipt
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext
from planit_mailer.pipeline import alerts
from tests.pipeline.test_delivery import reply_settings
from tests.support import books

MORNING = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)  # after books.NOW, the day before
DAY = timedelta(days=1)


def quarantined(store: Store, at: datetime = books.NOW) -> Receipt:
    receipt = books.match_bytes(store, books.begin(store, now=at), f"raw {next(books._uids)}")
    with store.transaction() as transaction:
        transaction.settle(receipt, books.verdict(Outcome.QUARANTINED, None), (), at)
    return receipt


def told(store: Store, now: datetime) -> list[str]:
    """The mails to the operator that a look at a time has added to the outbox."""
    with store.transaction() as transaction:
        before = {pending.id for pending in transaction.due(now, 100)}
    alerts.send_digest(store, lambda: now, reply_settings())
    with store.transaction() as transaction:
        new = [pending for pending in transaction.due(now, 100) if pending.id not in before]
    assert all(p.reply.kind is ReplyKind.OPERATOR and p.reply.recipient == "ops@s-cool.test" for p in new)
    return [pending.reply.content.decode() for pending in new]


def test_the_operator_has_one_mail_a_day_with_references_and_how_many(store: Store) -> None:
    first, second = quarantined(store), quarantined(store)

    assert told(store, books.NOW + timedelta(hours=1)) == [], "the day is not over"
    [mail] = told(store, MORNING)
    assert told(store, MORNING + timedelta(hours=16)) == []

    assert "Subject: planit_mailer: 2 messages quarantined" in mail
    assert first.reference in mail
    assert second.reference in mail


def test_the_next_one_tells_what_is_new_however_long_the_daemon_was_away(store: Store) -> None:
    old = quarantined(store)
    told(store, MORNING)
    new = quarantined(store, MORNING + timedelta(hours=1))

    [mail] = told(store, MORNING + 5 * DAY)

    assert "1 message quarantined" in mail
    assert new.reference in mail
    assert old.reference not in mail
    assert told(store, MORNING + 6 * DAY) == []


def test_a_digest_by_a_clock_that_was_ahead_does_not_silence_the_next(store: Store) -> None:
    quarantined(store)
    told(store, MORNING + 30 * DAY)
    new = quarantined(store, MORNING)

    [mail] = told(store, MORNING + DAY)

    assert new.reference in mail
    assert told(store, MORNING + DAY) == []


def test_what_the_operator_was_told_at_once_or_has_decided_is_not_told_again(store: Store) -> None:
    alerted, refused, held = quarantined(store), quarantined(store), books.settled(store, Outcome.HELD)
    with store.transaction() as transaction:
        mail = compose.alert(alerted.reference, "Look.", ReplyContext(reply_settings(), books.NOW))
        transaction.enqueue(mail, alerted, books.NOW)
        transaction.refuse(refused.reference, books.NOW)

    assert told(store, MORNING) == []
    assert held.reference


def test_of_very_many_some_are_listed_and_the_others_counted(store: Store) -> None:
    for _ in range(alerts.LISTED + 3):
        quarantined(store)
    [mail] = told(store, MORNING)
    assert "103 messages quarantined" in mail
    assert mail.count("\r\n  PM-") == alerts.LISTED
    assert "and 3 more" in mail


def test_alerts_about_a_sender_are_counted(store: Store) -> None:
    receipt = quarantined(store)
    with store.transaction() as transaction:
        transaction.record_sender(receipt, books.facts(authentic=False))
        mail = compose.alert(receipt.reference, "Look.", ReplyContext(reply_settings(), books.NOW))
        transaction.enqueue(mail, receipt, books.NOW)
        transaction.enqueue(books.a_reply(), receipt, books.NOW)
        assert transaction.alerts_about(books.OFFICE, books.NOW - DAY) == 1
        assert transaction.alerts_about(books.OFFICE, books.NOW + DAY) == 0
        assert transaction.alerts_about("head@elsewhere.test", books.NOW - DAY) == 0


def test_whoever_is_made_up_at_a_registered_domain_counts_as_the_same_sender(store: Store) -> None:
    receipt = quarantined(store)
    with store.transaction() as transaction:
        transaction.record_sender(receipt, books.facts(authentic=False))
        transaction.enqueue(
            compose.alert(receipt.reference, "Look.", ReplyContext(reply_settings(), books.NOW)), receipt, books.NOW
        )
        assert transaction.alerts_about("made-up@greenfield.test", books.NOW - DAY) == 1
        transaction.allow(transaction.add_school("Riverside", "ZZ8 8ZZ"), "head@greenfield.test")
        assert transaction.alerts_about("head@greenfield.test", books.NOW - DAY) == 0, "registered by itself"

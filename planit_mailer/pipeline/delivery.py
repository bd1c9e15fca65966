"""Delivery: pending replies → relay → sent, failed, or postponed. No answer is ever dropped."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.core.errors import Rejected, Unavailable, Undeliverable
from planit_mailer.domain.outgoing import Pending, ReplyKind
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings
from planit_mailer.pipeline import alerts
from planit_mailer.pipeline.ports import Clock, Relay, Store, Transaction

log = logs.get(__name__)

BATCH = 100
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
DAY = timedelta(days=1)
GIVE_UP_ROUND = 3  # in a row: the relay is away, it does not break off at one mail; the others need not be tried now


@dataclass(frozen=True, slots=True)
class Outbox:
    """The pending replies and what it takes to deliver them. `replies_per_day` is the limit for one address."""

    store: Store
    relay: Relay
    clock: Clock
    reply_settings: ReplySettings
    replies_per_day: int


def deliver(outbox: Outbox) -> int:
    """Hand every due reply to the relay. Return the number that it took.

    Each reply is recorded in a commit of its own, as soon as the relay has answered. Raises, at the end, Unavailable if
    replies were postponed because the relay was away, or Rejected if it refused some for now.
    """
    sent, away = 0, 0
    error: Unavailable | None = None
    rejected: Rejected | None = None
    for pending in _due(outbox):
        try:
            with logs.bound(reference=pending.reference):
                sent += _claim_and_send(pending, outbox)
            away = 0
        except Rejected as answer:
            away, rejected = 0, answer
        except Unavailable as gone:
            away, error = away + 1, gone
        if away == GIVE_UP_ROUND:
            break
    failed = error or rejected
    if failed:
        raise failed
    return sent


def _due(outbox: Outbox) -> Iterator[Pending]:
    """All due replies, in batches, each once. A reply that another daemon is sending stays due meanwhile."""
    now = outbox.clock()
    batch = _batch(outbox, now, None)
    while batch:
        yield from batch
        batch = _batch(outbox, now, batch[-1])


def _batch(outbox: Outbox, now: datetime, after: Pending | None) -> tuple[Pending, ...]:
    with outbox.store.transaction() as transaction:
        return transaction.due(now, BATCH, after)


def _claim_and_send(pending: Pending, outbox: Outbox) -> bool:
    """Send a reply unless another daemon is sending or has sent it. Return True if the relay took it from us."""
    with outbox.store.claim(f"reply {pending.id}") as ours:
        return ours and _start(pending, outbox) and _send(pending, outbox)


def _start(pending: Pending, outbox: Outbox) -> bool:
    """Record, before the relay has the reply, that it is being sent. Return False if it is not to be sent now.

    If the database cannot write, this stops the delivery: it could not record the reply as sent either, and would have
    it sent again in every round. And a reply that crashes us is not the first one at the next start.
    """
    now = outbox.clock()
    with outbox.store.transaction() as transaction:
        if not transaction.begin_sending(pending, now, now + FIRST_WAIT):
            return False
        if _is_over_limit(pending, transaction, outbox, now):
            _hold_back(pending, transaction, outbox, now)
            return False
    return True


def _is_over_limit(pending: Pending, transaction: Transaction, outbox: Outbox, now: datetime) -> bool:
    """True if the address of this reply has had its number of replies within a day. The operator has no limit."""
    if pending.reply.kind is ReplyKind.OPERATOR:
        return False
    return transaction.sent_to(pending.reply.recipient, now - DAY) >= outbox.replies_per_day


def _hold_back(pending: Pending, transaction: Transaction, outbox: Outbox, now: datetime) -> None:
    """Keep a reply pending for an hour, and tell the operator once a day."""
    transaction.postpone(pending, now + timedelta(hours=1), "more replies than an address gets a day")
    if transaction.record_alert_if_due(f"too many replies {pending.reply.recipient}", now - DAY, now):
        what = f"An address has had {outbox.replies_per_day} replies in a day; further ones wait."
        alert = compose.alert(pending.reference, what, ReplyContext(outbox.reply_settings, now))
        transaction.enqueue(alert, None, now)
        log.warning("replies wait: their address had many today", limit=outbox.replies_per_day)


def _send(pending: Pending, outbox: Outbox) -> bool:
    """Send a reply and record the relay's answer. Raises Unavailable if it is to be tried again."""
    try:
        answer = outbox.relay.send(pending.reply)
    except Undeliverable as error:
        _give_up(pending, str(error), outbox)
        return False
    except Unavailable as error:
        _postpone(pending, str(error), outbox)
        raise
    _note_sent(pending, answer, outbox)
    log.info("reply sent", kind=pending.reply.kind.value)
    return True


def _note_sent(pending: Pending, answer: str, outbox: Outbox) -> None:
    """Record that the relay has the reply. Try twice: without this record it is sent again."""
    try:
        with outbox.store.transaction() as transaction:
            transaction.note_sent(pending, answer, outbox.clock())
    except Unavailable as error:
        log.warning("note of a sent reply is tried again", answer=str(error))
        with outbox.store.transaction() as transaction:
            transaction.note_sent(pending, answer, outbox.clock())


def _give_up(pending: Pending, answer: str, outbox: Outbox) -> None:
    """Record a reply that the relay will never take, and tell the operator, unless it was the operator's own mail."""
    now = outbox.clock()
    with outbox.store.transaction() as transaction:
        transaction.note_failed(pending, answer, now)
        if pending.reply.kind is not ReplyKind.OPERATOR:
            what = f"The relay refused a reply for good: {answer}"
            alerts.about_message(pending.reference, what, transaction, ReplyContext(outbox.reply_settings, now))
    log.error("reply failed", kind=pending.reply.kind.value, answer=answer)


def _postpone(pending: Pending, answer: str, outbox: Outbox) -> None:
    until = outbox.clock() + wait_after(pending.attempts)
    with outbox.store.transaction() as transaction:
        transaction.postpone(pending, until, answer)
    log.warning("reply postponed", until=_short(until), answer=answer)


def wait_after(attempts: int) -> timedelta:
    """The time to wait after this many earlier failures: 30 seconds, doubled each time, at most 15 minutes."""
    return min(FIRST_WAIT * (1 << min(attempts, 10)), LONGEST_WAIT)


def _short(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"

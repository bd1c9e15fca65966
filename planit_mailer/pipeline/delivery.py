"""The outbox: pending replies → relay → sent, or postponed. None is ever dropped."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.core.errors import Rejected, Unavailable, Undeliverable
from planit_mailer.domain.outgoing import Pending, ReplyKind
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings
from planit_mailer.pipeline.ports import Clock, Relay, Store, Transaction

log = logs.get(__name__)

BATCH = 100
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
DAY = timedelta(days=1)
GIVE_UP_ROUND = 3  # in a row: the relay is away, it does not break off at one mail; the others need not be tried now


@dataclass(frozen=True, slots=True)
class Outbox:
    """What delivering needs: the outbox, the relay, the clock, what is written, and how many an address gets a day."""

    store: Store
    relay: Relay
    clock: Clock
    reply_settings: ReplySettings
    replies_per_day: int


def deliver(post: Outbox) -> int:
    """Hand every reply that is due to the relay; how many it took.

    Each is noted in a commit of its own, as soon as the relay has answered. Raises, at the end, Unavailable where some
    had to be postponed because the relay was away, Rejected where it was there and did not want some for now.
    """
    sent, away = 0, 0
    error: Unavailable | None = None
    declined: Rejected | None = None
    for pending in _due(post):
        with logs.bound(reference=pending.reference):
            try:
                sent += _claim_and_send(pending, post)
                away = 0
            except Rejected as no:
                away, declined = 0, no
            except Unavailable as gone:
                away, error = away + 1, gone
        if away == GIVE_UP_ROUND:
            break
    if failed := error or declined:
        raise failed
    return sent


def _due(post: Outbox) -> Iterator[Pending]:
    """All that is due, some at a time, and each once: what another daemon has in hand stays due meanwhile."""
    now, last = post.clock(), None
    while batch := _batch(post, now, last):
        yield from batch
        last = batch[-1]


def _batch(post: Outbox, now: datetime, after: Pending | None) -> tuple[Pending, ...]:
    with post.store.transaction() as transaction:
        return transaction.due(now, BATCH, after)


def _claim_and_send(pending: Pending, post: Outbox) -> bool:
    """Send one, unless another daemon has it in hand or has sent it meanwhile; whether the relay took it from us."""
    with post.store.claim(f"reply {pending.id}") as ours:
        return ours and _hand_over(pending, post) and _send(pending, post)


def _hand_over(pending: Pending, post: Outbox) -> bool:
    """Whether one is to be sent now, which is written down before the relay has it.

    A database that cannot write ends it here: it could not note that a reply was sent either, and would have it sent
    again in every round. And a reply that we die of is not the first one at the next start.
    """
    now = post.clock()
    with post.store.transaction() as transaction:
        return transaction.hand_over(pending, now, now + FIRST_WAIT) and not _too_many(pending, transaction, post)


def _send(pending: Pending, post: Outbox) -> bool:
    """Send one, and note what the relay said. Raises Unavailable where it is to be tried again."""
    try:
        answer = post.relay.send(pending.reply)
    except Undeliverable as error:
        _give_up(pending, str(error), post)
        return False
    except Unavailable as error:
        _postpone(pending, str(error), post)
        raise
    _note_sent(pending, answer, post)
    log.info("reply sent", kind=pending.reply.kind.value)
    return True


def _note_sent(pending: Pending, answer: str, post: Outbox) -> None:
    """Note that the relay has it; twice where need be, for a reply without this note is sent again."""
    try:
        with post.store.transaction() as transaction:
            transaction.note_sent(pending, answer, post.clock())
    except Unavailable as error:
        log.warning("note of a sent reply is tried again", answer=str(error))
        with post.store.transaction() as transaction:
            transaction.note_sent(pending, answer, post.clock())


def _too_many(pending: Pending, transaction: Transaction, post: Outbox) -> bool:
    """Whether this address has had its share today: the reply stays pending, and the operator is told once a day."""
    now = post.clock()
    if pending.reply.kind is ReplyKind.OPERATOR:
        return False
    if transaction.sent_to(pending.reply.recipient, now - DAY) < post.replies_per_day:
        return False
    transaction.postpone(pending, now + timedelta(hours=1), "more replies than an address gets a day")
    if transaction.record_alert_if_due(f"too many replies {pending.reply.recipient}", now - DAY, now):
        what = f"An address has had {post.replies_per_day} replies in a day; further ones wait."
        transaction.enqueue(compose.alert(pending.reference, what, ReplyContext(post.reply_settings, now)), None, now)
        log.warning("replies wait: their address had many today", limit=post.replies_per_day)
    return True


def _give_up(pending: Pending, answer: str, post: Outbox) -> None:
    """The relay will never take it: note it, and tell the operator, unless it was the operator's own mail."""
    now = post.clock()
    with post.store.transaction() as transaction:
        transaction.note_failed(pending, answer, now)
        if pending.reply.kind is not ReplyKind.OPERATOR:
            what = f"The relay refused a reply for good: {answer}"
            transaction.enqueue(
                compose.alert(pending.reference, what, ReplyContext(post.reply_settings, now)), None, now
            )
    log.error("reply failed", kind=pending.reply.kind.value, answer=answer)


def _postpone(pending: Pending, answer: str, post: Outbox) -> None:
    until = post.clock() + wait_after(pending.attempts)
    with post.store.transaction() as transaction:
        transaction.postpone(pending, until, answer)
    log.warning("reply postponed", until=_short(until), answer=answer)


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many failures: 30 seconds, doubled each time, 15 minutes at most."""
    return min(FIRST_WAIT * (1 << min(attempts, 10)), LONGEST_WAIT)


def _short(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"

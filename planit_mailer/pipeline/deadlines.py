"""Deadlines: messages whose answer is due or late, and whom to tell.

The clock of a message starts at its INTERNALDATE, or when the operator released it. At half of the promised time
unanswered the log warns. At three quarters the operator gets a mail, and the school hears that it takes longer, unless
its answer waits for the relay: that word would wait there too. At the end the log has an error. If the relay is away
the operator's mail waits as well, and the log alone says so.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from planit_mailer.core import logs
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.policy import reply_limits
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings, Text
from planit_mailer.domain.reports import Unanswered
from planit_mailer.pipeline.ports import Clock, Store, Transaction

log = logs.get(__name__)

HALF, THREE_QUARTERS, LATE = 1, 2, 3
SKEW = timedelta(hours=1)  # by which clocks may differ without one of them being wrong
LISTED = 100  # references in one mail
TOPIC, APART = "messages are due", 1 / 48  # of the promised time, between two mails about it (an hour of 48)


class Due(NamedTuple):
    """A message whose answer is due, and what the operator is told about it."""

    reference: str
    what: str


def watch(store: Store, clock: Clock, reply_settings: ReplySettings) -> None:
    """Warn of every message whose answer is getting late, once for each level; the operator gets one mail for all.

    A message that becomes due within an hour of such a mail waits for the next one: a stranger may write in a school's
    name as often as they like, and each message has its promised time.
    """
    context = ReplyContext(reply_settings, clock())
    with store.transaction() as transaction:
        later = _getting_later(transaction, context.now)
        due = tuple(Due(one.reference, _what(one, level, context)) for one, level in later if level > HALF)
        if due and not _tell_operator(due, transaction, context):
            later = [(one, level) for one, level in later if level == HALF]
        for one, level in later:
            _warn(one, level, transaction, context)
            transaction.note_warned(one, level)


def level_of(unanswered: Unanswered, now: datetime) -> int:
    """How late an answer is: 0 in time, then HALF, THREE_QUARTERS, LATE."""
    promised = unanswered.due_at - unanswered.clock_from
    gone = now - unanswered.clock_from
    return sum(gone >= promised * share for share in (0.5, 0.75, 1.0))


def _getting_later(transaction: Transaction, now: datetime) -> list[tuple[Unanswered, int]]:
    """The messages that have reached a level of which nobody was warned yet, with that level."""
    later = []
    for one in transaction.unanswered():
        corrected = _corrected(one, transaction, now)
        level = level_of(corrected, now)
        if level > corrected.warned:
            later.append((corrected, level))
    return later


def _corrected(one: Unanswered, transaction: Transaction, now: datetime) -> Unanswered:
    """The message with its last warning level, reset if a clock that was ahead set it too high.

    A small difference is left alone: if the clocks of two daemons differ, each would warn again after the other.
    """
    level = level_of(one, now + SKEW)
    if one.warned <= level:
        return one
    transaction.note_warned(one, level)
    return replace(one, warned=level)


def _tell_operator(due: tuple[Due, ...], transaction: Transaction, context: ReplyContext) -> bool:
    """Queue one mail about all due messages. Return False if the last such mail is too recent."""
    since = context.now - context.reply_settings.reply_within * APART
    if not transaction.record_alert_if_due(TOPIC, since, context.now):
        return False
    if len(due) == 1:
        mail = compose.alert(due[0].reference, due[0].what, context)
    else:
        mail = compose.to_operator(_text(due), context, "promise")
    transaction.enqueue(mail, None, context.now)
    return True


def _warn(unanswered: Unanswered, level: int, transaction: Transaction, context: ReplyContext) -> None:
    say = log.warning if level == HALF else log.error
    event = "answer is late" if level == LATE else "answer is due"
    left = unanswered.due_at - context.now
    say(event, reference=unanswered.reference, left=_hours(left))
    newly_due = unanswered.warned < THREE_QUARTERS <= level
    if newly_due and unanswered.registered and not unanswered.answer_waits:
        _tell_school(unanswered, transaction, context)


def _what(unanswered: Unanswered, level: int, context: ReplyContext) -> str:
    if level == LATE:
        return "The promised time is over."
    left = _hours(unanswered.due_at - context.now)
    return f"Unanswered, with {left} left."


def _text(due: tuple[Due, ...]) -> Text:
    facts = {"due": due[:LISTED], "more": max(len(due) - LISTED, 0)}
    return Text(ReplyKind.OPERATOR, f"planit_mailer: look at {len(due)} messages", "due", facts)


def _tell_school(unanswered: Unanswered, transaction: Transaction, context: ReplyContext) -> None:
    recent = transaction.recent_replies(unanswered.sender, context.now - timedelta(days=30))
    why_not = reply_limits.exceeded(ReplyKind.DELAYED, recent, context.now)
    if why_not:
        log.info("no delayed reply", why=why_not)
        return
    transaction.enqueue(compose.delayed(unanswered.reference, unanswered.sender, context), unanswered, context.now)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} hours"

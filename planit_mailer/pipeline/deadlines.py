"""The 48 hours: what is due, what is late, and whom to tell.

The clock of a message starts at its INTERNALDATE, or when the operator released it. At half the time unanswered the log
warns; at three quarters the operator gets a mail and the school hears that it takes longer, unless its answer waits for
the relay as that word would; at the end it is an error.
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
TOPIC, APART = "messages are due", 1 / 48  # of the promised time, between two mails about it: an hour


class Due(NamedTuple):
    """A message whose answer is due, and what the operator is to hear of it."""

    reference: str
    what: str


def watch(store: Store, clock: Clock, reply_settings: ReplySettings) -> None:
    """Warn of every message whose answer is getting late, once for each level; the operator has one mail for all.

    What becomes due within an hour of such a mail waits for the next: a stranger may write in a school's name as often
    as they like, and each message has its promised time.
    """
    context = ReplyContext(reply_settings, clock())
    with store.transaction() as transaction:
        unanswered = [_put_right(one, transaction, context.now) for one in transaction.unanswered()]
        later = [(one, level) for one in unanswered if (level := level_of(one, context.now)) > one.warned]
        if due := tuple(Due(one.reference, _what(one, level, context)) for one, level in later if level > HALF):
            if transaction.record_alert_if_due(TOPIC, context.now - reply_settings.reply_within * APART, context.now):
                mail = (
                    compose.alert(*due[0], context)
                    if len(due) == 1
                    else compose.to_operator(_text(due), context, "promise")
                )
                transaction.enqueue(mail, None, context.now)
            else:
                later = [(one, level) for one, level in later if level == HALF]
        for one, level in later:
            _warn(one, level, transaction, context)
            transaction.note_warned(one, level)


def level_of(unanswered: Unanswered, now: datetime) -> int:
    """How late it is: 0 in time, then HALF, THREE_QUARTERS, LATE."""
    promised = unanswered.due_at - unanswered.clock_from
    gone = now - unanswered.clock_from
    return sum(gone >= promised * share for share in (0.5, 0.75, 1.0))


def _put_right(one: Unanswered, transaction: Transaction, now: datetime) -> Unanswered:
    """A message with the level that it was warned of; a clock that was ahead has warned of more, which is forgotten.

    Not where two daemons' clocks differ a little: each would warn again after the other.
    """
    level = level_of(one, now + SKEW)
    if one.warned <= level:
        return one
    transaction.note_warned(one, level)
    return replace(one, warned=level)


def _warn(unanswered: Unanswered, level: int, transaction: Transaction, context: ReplyContext) -> None:
    say = log.warning if level == HALF else log.error
    left = unanswered.due_at - context.now
    say("answer is late" if level == LATE else "answer is due", reference=unanswered.reference, left=_hours(left))
    if unanswered.warned < THREE_QUARTERS <= level and unanswered.registered and not unanswered.answer_waits:
        _tell_school(unanswered, transaction, context)


def _what(unanswered: Unanswered, level: int, context: ReplyContext) -> str:
    left = _hours(unanswered.due_at - context.now)
    return "The promised time is over." if level == LATE else f"Unanswered, with {left} left."


def _text(due: tuple[Due, ...]) -> Text:
    facts = {"due": due[:LISTED], "more": max(len(due) - LISTED, 0)}
    return Text(ReplyKind.OPERATOR, f"planit_mailer: look at {len(due)} messages", "due", facts)


def _tell_school(unanswered: Unanswered, transaction: Transaction, context: ReplyContext) -> None:
    recent = transaction.recent_replies(unanswered.sender, context.now - timedelta(days=30))
    if why_not := reply_limits.exceeded(ReplyKind.DELAYED, recent, context.now):
        log.info("no delayed reply", why=why_not)
        return
    transaction.enqueue(compose.delayed(unanswered.reference, unanswered.sender, context), unanswered, context.now)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} hours"

"""The 48 hours: what is due, what is late, and whom to tell.

The clock of a message starts at its INTERNALDATE, or when the operator released it. At half the time unanswered the log
warns; at three quarters the operator gets a mail and the school hears that it takes longer; at the end it is an error.
"""

from datetime import datetime, timedelta

from planit_mailer import logs
from planit_mailer.ledger import ReplyKind
from planit_mailer.mail import answering, replies
from planit_mailer.mail.replies import Desk, Stationery
from planit_mailer.ports import Clock, Store, Transaction
from planit_mailer.records import Unanswered

log = logs.get(__name__)

HALF, THREE_QUARTERS, LATE = 1, 2, 3


def watch(store: Store, clock: Clock, stationery: Stationery) -> None:
    """Warn of every message whose answer is getting late, once for each level."""
    desk = Desk(stationery, clock())
    with store.transaction() as transaction:
        for unanswered in transaction.unanswered():
            level = level_of(unanswered, desk.now)
            if level > unanswered.warned:
                _warn(unanswered, level, transaction, desk)
                transaction.note_warned(unanswered, level)


def level_of(unanswered: Unanswered, now: datetime) -> int:
    """How late it is: 0 in time, then HALF, THREE_QUARTERS, LATE."""
    promised = unanswered.due_at - unanswered.clock_from
    gone = now - unanswered.clock_from
    return sum(gone >= promised * share for share in (0.5, 0.75, 1.0))


def _warn(unanswered: Unanswered, level: int, transaction: Transaction, desk: Desk) -> None:
    say = log.warning if level == HALF else log.error
    left = unanswered.due_at - desk.now
    say("answer is late" if level == LATE else "answer is due", reference=unanswered.reference, left=_hours(left))
    if level == HALF:
        return
    what = "The promised time is over." if level == LATE else f"Unanswered, with {_hours(left)} left."
    transaction.enqueue(replies.alert(unanswered.reference, what, desk), None, desk.now)
    if unanswered.warned < THREE_QUARTERS and unanswered.registered:
        _tell_school(unanswered, transaction, desk)


def _tell_school(unanswered: Unanswered, transaction: Transaction, desk: Desk) -> None:
    recent = transaction.recent_replies(unanswered.sender, desk.now - timedelta(days=30))
    if why_not := answering.limits(ReplyKind.DELAYED, recent, desk.now):
        log.info("no delayed reply", why=why_not)
        return
    transaction.enqueue(replies.delayed(unanswered.reference, unanswered.sender, desk), None, desk.now)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} hours"

"""What must not be kept is deleted: from the mailbox, in the daemon's rounds or at once after an erasure.

What is replaced, refused or erased goes at once. By its age mail goes only by a clock that has gone steadily for a day:
what is deleted by one that is a month ahead for some minutes is gone for good.
"""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from planit_mailer import retention
from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.adapters.sql.store import Store
from planit_mailer.core import logs
from planit_mailer.core.config import Config
from planit_mailer.domain.messages import FailureCounts, Outcome
from planit_mailer.domain.reports import Erased, Erasure
from planit_mailer.ports import Clock
from planit_mailer.retention import Keep

log = logs.get(__name__)

GAP = timedelta(days=2)  # between two rounds: `once` may be run from day to day
PROBATION = timedelta(days=1)


def forget(settings: Config, store: Store, clock: Clock, stumbled: FailureCounts | None = None) -> None:
    """One round: delete mail and receipts that must not be kept, and what stands in pages of old. Raises Unavailable.

    What the mailbox breaks off at is put into `stumbled`, and comes last where it is there already.
    """
    by_age = _goes_steadily(store, clock())
    times = keep(settings, clock, by_age=by_age)
    try:
        forget_mail(settings, store, times if stumbled is None else replace(times, stumbled=stumbled))
    finally:  # a message that cannot be deleted, today or ever, keeps nothing else
        if by_age:
            retention.purge(store, times)
        store.forget_pages()


def steady_since(now: datetime, last: datetime | None, since: datetime | None) -> datetime:
    """Since when the clock goes steadily, given the last round and since when it did so then.

    A jump, to and fro, starts anew; so does a service that was off for longer than a GAP: nobody can tell it from one.
    """
    return since if last and since and abs(now - last) <= GAP else now


def _goes_steadily(store: Store, now: datetime) -> bool:
    """Whether the clock has gone steadily for long enough; this round is noted."""
    with store.transaction() as transaction:
        last, before = transaction.rounds()
        since = steady_since(now, last, before)
        transaction.note_round(now, since)
    if last and since == now:
        log.warning("nothing is deleted by its age for a day", last=f"{last:%Y-%m-%dT%H:%M:%SZ}")
    return now - since >= PROBATION


def forget_mail(settings: Config, store: Store, times: Keep) -> None:
    """Delete mail that must not be kept; the mailbox is opened only where there is some. Raises Unavailable."""
    if forgettable := retention.due(store, times):
        with open_mailbox(settings.mailbox) as mailbox:
            retention.delete(forgettable, mailbox, store, times)


def erasure(erased: Erased, at: datetime) -> Erasure:
    """The receipt of an erasure, noted in the log as well."""
    receipt = Erasure(f"ER-{secrets.token_hex(4).upper()}", at, erased)
    log.info("erased", reference=receipt.reference, learners=erased.learners, messages=erased.messages)
    return receipt


def keep(settings: Config, clock: Clock, *, by_age: bool = True) -> Keep:
    """How long things are kept; mail for ever, but for what goes at once, where it is not to go `by_age`."""
    times = settings.retention
    mail = {
        Outcome.ACCEPTED: times.keep_applied,
        Outcome.REJECTED: times.keep_rejected,
        Outcome.HELD: times.keep_held,
        Outcome.QUARANTINED: times.keep_quarantined,
        Outcome.IGNORED: times.keep_ignored,
    }
    ours = tuple(folder for name, folder in settings.mailbox.folders if name != "sent")
    return Keep(mail if by_age else {}, times.keep_receipts, ours, settings.mailbox.folders.sent, clock)

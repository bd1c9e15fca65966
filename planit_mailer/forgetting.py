"""What must not be kept is deleted: from the mailbox, in the daemon's rounds or at once after an erasure."""

import secrets
from dataclasses import replace
from datetime import datetime

from planit_mailer import logs, retention
from planit_mailer.config import Config
from planit_mailer.doors.mailbox import open_mailbox
from planit_mailer.doors.store import Store
from planit_mailer.ledger import Outcome
from planit_mailer.ports import Clock
from planit_mailer.records import Erased, Erasure
from planit_mailer.retention import Keep
from planit_mailer.whereabouts import Stumbled

log = logs.get(__name__)


def forget_mail(settings: Config, store: Store, clock: Clock, stumbled: Stumbled | None = None) -> None:
    """Delete mail that must not be kept; the mailbox is opened only where there is some. Raises Unavailable.

    What the mailbox breaks off at is put into `stumbled`, and comes last where it is there already.
    """
    times = keep(settings, clock) if stumbled is None else replace(keep(settings, clock), stumbled=stumbled)
    if forgettable := retention.due(store, times):
        with open_mailbox(settings.mailbox) as mailbox:
            retention.delete(forgettable, mailbox, store, times)


def erasure(erased: Erased, at: datetime) -> Erasure:
    """The receipt of an erasure, noted in the log as well."""
    receipt = Erasure(f"ER-{secrets.token_hex(4).upper()}", at, erased)
    log.info("erased", reference=receipt.reference, learners=erased.learners, messages=erased.messages)
    return receipt


def keep(settings: Config, clock: Clock) -> Keep:
    """How long things are kept."""
    times = settings.retention
    mail = {
        Outcome.ACCEPTED: times.keep_applied,
        Outcome.REJECTED: times.keep_rejected,
        Outcome.HELD: times.keep_held,
        Outcome.QUARANTINED: times.keep_quarantined,
        Outcome.IGNORED: times.keep_ignored,
    }
    ours = tuple(folder for name, folder in settings.mailbox.folders if name != "sent")
    return Keep(mail, times.keep_receipts, ours, settings.mailbox.folders.sent, clock)

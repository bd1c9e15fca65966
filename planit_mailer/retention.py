"""Forgetting: superseded mail, mail and receipts past their keep time.

The original data is not retained (handbook section 4): a filed message goes as soon as any learner on it has been
replaced, and so do our replies about it in a Sent folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from planit_mailer import logs
from planit_mailer.ledger import Outcome
from planit_mailer.ports import Clock, Mailbox, Store
from planit_mailer.records import Filed

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Keep:
    """How long filed mail is kept by outcome, how long receipts; `sent` is the folder with our replies, or ""."""

    mail: Mapping[Outcome, timedelta]
    receipts: timedelta
    sent: str


def forget(mailbox: Mailbox, store: Store, keep: Keep, clock: Clock) -> int:
    """Delete all mail that must not be kept any more, and old receipts; how many messages were deleted."""
    with store.transaction() as transaction:
        forgettable = transaction.forgettable(clock(), keep.mail)
    for filed in forgettable:
        _delete(filed, mailbox, keep.sent)
        with store.transaction() as transaction:
            transaction.note_mail_deleted(filed, clock())
    with store.transaction() as transaction:
        purged = transaction.purge_receipts(clock() - keep.receipts)
    if forgettable or purged:
        log.info("forgotten", messages=len(forgettable), receipts=purged)
    return len(forgettable)


def _delete(filed: Filed, mailbox: Mailbox, sent: str) -> None:
    if not mailbox.delete(filed.folder, filed.digest, filed.message_id):
        log.warning("message to delete is not in its folder", reference=filed.reference, folder=filed.folder)
    if sent:
        for message_id in filed.replies:
            mailbox.delete_by_id(sent, message_id)

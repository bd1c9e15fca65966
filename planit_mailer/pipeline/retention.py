"""Forgetting: superseded mail, mail and receipts past their keep time.

The original data is not retained (handbook section 4): a filed message goes as soon as any learner on it has been
replaced, and so do our replies about it in a Sent folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.core.errors import Rejected, Unavailable
from planit_mailer.domain.messages import FailureCounts, Filed, Outcome
from planit_mailer.pipeline.ports import Clock, Mailbox, Store

log = logs.get(__name__)

GAP = timedelta(days=2)  # between two rounds: `once` may be run from day to day
PROBATION = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Keep:
    """How long filed mail is kept by outcome, how long receipts; `sent` is the folder with our replies, or "".

    `folders` are those in which we file. `failures` is remembered from one round to the next.
    """

    mail: Mapping[Outcome, timedelta]
    receipts: timedelta
    folders: Sequence[str]
    sent: str
    clock: Clock
    failures: FailureCounts = field(default_factory=FailureCounts)


def due(store: Store, keep: Keep) -> tuple[Filed, ...]:
    """The filed messages that must not be kept any more; those at which the mailbox broke off most often last."""
    with store.transaction() as transaction:
        forgettable = transaction.forgettable(keep.clock(), keep.mail)
    return tuple(sorted(forgettable, key=lambda filed: keep.failures[filed.reference]))


def delete(forgettable: Sequence[Filed], mailbox: Mailbox, store: Store, keep: Keep) -> None:
    """Delete messages for ever, each noted in a commit of its own.

    Raises Unavailable where the mailbox is away, and Rejected, at the end, where it refused to delete some of them: the
    next round tries these again.
    """
    declined = None
    for filed in forgettable:
        with store.transaction() as transaction:
            stays = transaction.was_released(filed)  # since the list was made
        try:
            if stays or not _delete(filed, mailbox, keep):
                continue
        except Unavailable as error:
            log.error("message not deleted", reference=filed.reference, answer=str(error))  # noqa: TRY400  no code is at fault
            if not isinstance(error, Rejected):
                keep.failures[filed.reference] += 1
                raise
            declined = error
            continue
        with store.transaction() as transaction:
            transaction.note_mail_deleted(filed, keep.clock())
    if declined:
        raise declined


def purge(store: Store, keep: Keep) -> None:
    """Delete the receipts that are past their time."""
    with store.transaction() as transaction:
        purged = transaction.purge_receipts(keep.clock() - keep.receipts)
    if purged:
        log.info("receipts deleted", receipts=purged)


def record_round(store: Store, now: datetime) -> bool:
    """Whether the clock has gone steadily for long enough; this round is noted."""
    with store.transaction() as transaction:
        last, before = transaction.rounds()
        since = steady_since(now, last, before)
        transaction.note_round(now, since)
    if last and since == now:
        log.warning("nothing is deleted by its age for a day", last=f"{last:%Y-%m-%dT%H:%M:%SZ}")
    return now - since >= PROBATION


def steady_since(now: datetime, last: datetime | None, since: datetime | None) -> datetime:
    """Since when the clock goes steadily, given the last round and since when it did so then.

    A jump, to and fro, starts anew; so does a service that was off for longer than a GAP: nobody can tell it from one.
    """
    return since if last and since and abs(now - last) <= GAP else now


def _delete(filed: Filed, mailbox: Mailbox, keep: Keep) -> bool:
    """Delete a message and our answers; False where it cannot be told yet from one that is to be kept.

    What the mailbox declines of this does not keep the rest. Wherever a person has moved or copied it, it is in another
    of our folders; in the inbox it is one that arrives now. Copies elsewhere are left to the other message with the
    same bytes, where there is one. One that was never read is known by its size and the second in which it came alone.
    """
    if filed.folder and filed.shared and not filed.query.digest:
        log.warning("message to delete looks like another", reference=filed.reference, folder=filed.folder)
        return False
    declined = None
    for part in (_delete_message, _delete_replies):
        try:
            part(filed, mailbox, keep)
        except Rejected as error:
            declined = error
    if declined:
        raise declined
    return True


def _delete_message(filed: Filed, mailbox: Mailbox, keep: Keep) -> None:
    places = (filed.folder,) if filed.shared else tuple(dict.fromkeys((filed.folder, *keep.folders)))
    if filed.folder and mailbox.delete(places, filed.query):
        log.info("message deleted", reference=filed.reference)
    elif filed.folder:
        log.warning("message to delete is in no folder of ours", reference=filed.reference, folder=filed.folder)


def _delete_replies(filed: Filed, mailbox: Mailbox, keep: Keep) -> None:
    found = [mailbox.delete_by_id(keep.sent, message_id) for message_id in filed.replies if keep.sent]
    if any(found):
        log.info("reply deleted", reference=filed.reference)

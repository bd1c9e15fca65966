"""Retention: superseded mail, and mail and receipts past their keep time, are deleted.

The original data is not retained (handbook section 4). A filed message is deleted as soon as any learner on it has been
replaced or erased, a rejected one as soon as a later form of its school is accepted, and so are our replies about it in
a Sent folder. Mail is deleted by its age only after the system clock has
been stable for 24 hours: a clock that is a month ahead for some minutes must not delete anything for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.core.each import try_each
from planit_mailer.core.errors import Rejected, Unavailable
from planit_mailer.domain.messages import FailureCounts, Filed, Outcome
from planit_mailer.pipeline.ports import Clock, Mailbox, Store

log = logs.get(__name__)

GAP = timedelta(days=2)  # between two rounds at most: `once` may be run daily
PROBATION = timedelta(days=1)  # for which the clock has to be stable


@dataclass(frozen=True, slots=True)
class Keep:
    """How long filed mail is kept by outcome, and how long receipts are; `sent` is the folder with our replies, or "".

    `folders` are those in which we file. `failures` is remembered from one round to the next.
    """

    mail: Mapping[Outcome, timedelta]
    receipts: timedelta
    folders: Sequence[str]
    sent: str
    clock: Clock
    failures: FailureCounts = field(default_factory=FailureCounts)


def due(store: Store, keep: Keep) -> tuple[Filed, ...]:
    """The filed messages that must be deleted; those that broke the connection most often come last."""
    with store.transaction() as transaction:
        forgettable = transaction.forgettable(keep.clock(), keep.mail)
    return tuple(sorted(forgettable, key=lambda filed: keep.failures[filed.reference]))


def delete(forgettable: Sequence[Filed], mailbox: Mailbox, store: Store, keep: Keep) -> None:
    """Delete messages for ever, each recorded in a commit of its own.

    Raises Unavailable if the mailbox is away. Raises Rejected at the end if it refused to delete some of them: the next
    round tries these again.
    """
    rejected = try_each(forgettable, lambda filed: _delete_and_record(filed, mailbox, store, keep))
    if rejected:
        raise rejected


def purge(store: Store, keep: Keep) -> None:
    """Delete the receipts that are past their keep time."""
    with store.transaction() as transaction:
        purged = transaction.purge_receipts(keep.clock() - keep.receipts)
    if purged:
        log.info("receipts deleted", receipts=purged)


def record_round(store: Store, now: datetime) -> bool:
    """Record a round of retention. Return True if the clock has been stable for long enough to delete by age.

    If it is False, the caller leaves `Keep.mail` empty, and does not purge.
    """
    with store.transaction() as transaction:
        last, before = transaction.rounds()
        since = steady_since(now, last, before)
        transaction.note_round(now, since)
    if last and since == now:
        log.warning("nothing is deleted by its age for a day", last=f"{last:%Y-%m-%dT%H:%M:%SZ}")
    return now - since >= PROBATION


def steady_since(now: datetime, last: datetime | None, since: datetime | None) -> datetime:
    """Since when the clock has been stable, given the time of the last round and since when it was stable then.

    A jump in either direction starts anew, and so does a service that was off for longer than GAP: the two look alike.
    """
    if last is None or since is None or abs(now - last) > GAP:
        return now
    return since


def _delete_and_record(filed: Filed, mailbox: Mailbox, store: Store, keep: Keep) -> None:
    with store.transaction() as transaction:
        stays = transaction.was_released(filed)  # after the list was made
    if stays:
        return
    try:
        deleted = _delete(filed, mailbox, keep)
    except Unavailable as error:
        log.error("message not deleted", reference=filed.reference, answer=str(error))  # noqa: TRY400  no code is at fault
        if not isinstance(error, Rejected):
            keep.failures[filed.reference] += 1
        raise
    if deleted:
        with store.transaction() as transaction:
            transaction.note_mail_deleted(filed, keep.clock())


def _delete(filed: Filed, mailbox: Mailbox, keep: Keep) -> bool:
    """Delete a message and our replies about it. Return False if it cannot be told from one that must be kept.

    One failed deletion does not stop the other. Copies that a person made in our folders are deleted too; a copy in the
    inbox is a message that arrives now. If another receipt has the same bytes (`ambiguous`), copies elsewhere belong to
    that one. A message that was never read is known by its size and its INTERNALDATE alone.
    """
    if filed.folder and filed.ambiguous and not filed.query.digest:
        log.warning("message to delete looks like another", reference=filed.reference, folder=filed.folder)
        return False
    rejected = try_each((_delete_message, _delete_replies), lambda part: part(filed, mailbox, keep))
    if rejected:
        raise rejected
    return True


def _delete_message(filed: Filed, mailbox: Mailbox, keep: Keep) -> None:
    if not filed.folder:
        return
    places = (filed.folder,) if filed.ambiguous else tuple(dict.fromkeys((filed.folder, *keep.folders)))
    if mailbox.delete(places, filed.query):
        log.info("message deleted", reference=filed.reference)
    else:
        log.warning("message to delete is in no folder of ours", reference=filed.reference, folder=filed.folder)


def _delete_replies(filed: Filed, mailbox: Mailbox, keep: Keep) -> None:
    if not keep.sent:
        return
    found = False
    for message_id in filed.replies:
        found = mailbox.delete_by_id(keep.sent, message_id) or found
    if found:
        log.info("reply deleted", reference=filed.reference)

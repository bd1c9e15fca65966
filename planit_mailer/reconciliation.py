"""Mailbox and ledger, compared every night: each message has one receipt, each receipt its message, outcome and reply.

A difference is a line in the log and a sentence for the operator; nothing is put right by itself, because a person has
been at the mailbox, or we are wrong.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from planit_mailer import logs
from planit_mailer.ledger import ReplyKind
from planit_mailer.mail import replies
from planit_mailer.mail.replies import Desk, Stationery, Text
from planit_mailer.ports import Clock, Mailbox, Store
from planit_mailer.records import Booked

log = logs.get(__name__)

LISTED = 50  # differences that a mail names; the log has all
SETTLED_BY = timedelta(hours=1)  # younger messages may be in hand just now


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not agree; `event` is constant, `reference` "" where there is no receipt."""

    event: str
    folder: str = ""
    reference: str = ""


def reconcile(mailbox: Mailbox, store: Store, folders: Sequence[str], paper: tuple[Clock, Stationery]) -> int:
    """Compare, log each difference, and tell the operator where there are any; how many. Raises Unavailable.

    `folders` are ours, without the inbox: what waits there has its receipt within the next poll.
    """
    clock, stationery = paper
    found = {folder: mailbox.message_ids(folder) for folder in folders}
    with store.transaction() as transaction:  # after the mailbox: what was filed meanwhile is known
        desk = Desk(stationery, clock())
        differences = compare(found, transaction.booked(), desk.now)
        for difference in differences:
            log.error(difference.event, reference=difference.reference, folder=difference.folder)
        if differences:
            transaction.enqueue(replies.to_operator(_told(differences), desk, "reconciled"), None, desk.now)
    log.info("mailbox reconciled", differences=len(differences))
    return len(differences)


def compare(found: Mapping[str, Sequence[str]], booked: Sequence[Booked], now: datetime) -> tuple[Difference, ...]:
    """Where the Message-IDs in each folder and the receipts differ."""
    return (*_strangers(found, booked), *(d for one in booked for d in _wrong(one, found, now)))


def _strangers(found: Mapping[str, Sequence[str]], booked: Sequence[Booked]) -> Iterator[Difference]:
    """Messages in our folders beyond those that have a receipt, wherever that says they lie."""
    receipts = Counter(one.message_id for one in booked)
    for folder, message_ids in found.items():
        for message_id, count in Counter(message_ids).items():
            yield from [Difference("message without receipt", folder)] * (count - receipts[message_id])


def _wrong(one: Booked, found: Mapping[str, Sequence[str]], now: datetime) -> Iterator[Difference]:
    """What is wrong with one receipt."""
    if now - one.changed_at < SETTLED_BY:
        return
    if one.folder in found and not one.deleted and one.message_id not in found[one.folder]:
        yield Difference("message not in its folder", one.folder, one.reference)
    if not one.settled:
        yield Difference("receipt without outcome", one.folder, one.reference)
    elif one.answers > 1 and not one.released:
        yield Difference("receipt with several replies", one.folder, one.reference)
    elif not one.answers and not one.unanswered:
        yield Difference("receipt without reply or reason", one.folder, one.reference)


def _told(differences: Sequence[Difference]) -> Text:
    facts = {"count": len(differences), "differences": differences[:LISTED]}
    return Text(ReplyKind.OPERATOR, "planit_mailer: mailbox and ledger differ", "reconciled", facts)

"""Mailbox and ledger, compared every night: each message has one receipt, each receipt its message, outcome and reply.

A difference is a line in the log and a sentence for the operator; nothing is put right by itself, because a person has
been at the mailbox, or we are wrong.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.domain.messages import InboxMessage, Key, ReceiptSummary
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings, Text
from planit_mailer.pipeline.ports import Clock, Mailbox, Store

log = logs.get(__name__)

LISTED = 50  # differences that a mail names; the log has all
SETTLED_BY = timedelta(hours=1)  # younger messages may be in hand just now


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not agree; `event` is constant, `reference` "" where there is no receipt."""

    event: str
    folder: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in the mailbox: the Message-IDs in each of our folders, and the messages in the inbox."""

    folders: Mapping[str, Sequence[str]]
    inbox: Sequence[InboxMessage] = ()


def reconcile(
    mailbox: Mailbox, store: Store, folders: Sequence[str], clock: Clock, reply_settings: ReplySettings
) -> int:
    """Compare, log each difference, and tell the operator where there are any; how many. Raises Unavailable.

    `folders` are ours, without the inbox.
    """
    found = Found({folder: mailbox.message_ids(folder) for folder in folders}, mailbox.waiting())
    with store.transaction() as transaction:  # after the mailbox: what was filed meanwhile is known
        context = ReplyContext(reply_settings, clock())
        differences = compare(found, transaction.receipt_summaries(), context.now)
        for difference in differences:
            log.error(difference.event, reference=difference.reference, folder=difference.folder)
        if differences:
            transaction.enqueue(compose.to_operator(_told(differences), context, "reconciled"), None, context.now)
    log.info("mailbox reconciled", differences=len(differences))
    return len(differences)


def compare(found: Found, receipt_summaries: Sequence[ReceiptSummary], now: datetime) -> tuple[Difference, ...]:
    """Where the messages in the mailbox and the receipts differ."""
    surplus = _surplus(found, receipt_summaries, now)
    strangers = [Difference("message without receipt", folder) for folder, n in surplus.items() for _ in range(n)]
    return (
        *strangers,
        *_untaken(found.inbox, {one.key for one in receipt_summaries}, now),
        *(d for one in receipt_summaries for d in _wrong(one, found, surplus, now)),
    )


def _surplus(found: Found, receipt_summaries: Sequence[ReceiptSummary], now: datetime) -> dict[str, int]:
    """How many messages are in each folder that no receipt claims, be it from another folder; negative: some miss.

    A message that we died of was never read: its receipt has no Message-ID, and claims any one that is left over.
    """
    there = [one for one in receipt_summaries if not one.deleted or now - one.changed_at < SETTLED_BY]
    claimed = {folder: Counter(one.message_id for one in there if one.folder == folder) for folder in found.folders}
    lying = {folder: Counter(names) for folder, names in found.folders.items()}
    unread = {folder: claims.pop("", 0) for folder, claims in claimed.items()}
    moved = Counter(one.message_id for one in there if one.message_id and one.folder not in found.folders)
    moved.update(name for folder in lying for name in (claimed[folder] - lying[folder]).elements())
    return {folder: (lying[folder] - claimed[folder] - moved).total() - unread[folder] for folder in lying}


def _untaken(inbox: Iterable[InboxMessage], known: set[Key | None], now: datetime) -> Iterator[Difference]:
    """Messages that waited in the inbox for longer than any poll lets them, and were not taken in."""
    for waiting in inbox:
        if waiting.key not in known and now - waiting.received_at >= SETTLED_BY:
            yield Difference("message without receipt", "the inbox")


def _wrong(one: ReceiptSummary, found: Found, surplus: Mapping[str, int], now: datetime) -> Iterator[Difference]:
    """What is wrong with one receipt."""
    if now - one.changed_at < SETTLED_BY:
        return
    if one.folder in found.folders and not (one.deleted or one.superseded) and _is_missing(one, found, surplus):
        yield Difference("message not in its folder", one.folder, one.reference)
    if one.settled and not (one.folder or one.deleted):
        yield Difference("message not filed", one.folder, one.reference)
    if not one.settled:
        yield Difference("receipt without outcome", one.folder, one.reference)
    elif one.last_answers > 1:
        yield Difference("receipt with several replies", one.folder, one.reference)
    elif not one.answers and not one.unanswered:
        yield Difference("receipt without reply or reason", one.folder, one.reference)


def _is_missing(one: ReceiptSummary, found: Found, surplus: Mapping[str, int]) -> bool:
    return one.message_id not in found.folders[one.folder] if one.message_id else surplus[one.folder] < 0


def _told(differences: Sequence[Difference]) -> Text:
    facts = {"count": len(differences), "differences": differences[:LISTED]}
    return Text(ReplyKind.OPERATOR, "planit_mailer: mailbox and ledger differ", "reconciled", facts)

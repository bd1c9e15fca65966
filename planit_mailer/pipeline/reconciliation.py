"""Reconciliation: every night the mailbox and the receipts are compared.

Each message must have one receipt, and each receipt its message, outcome and reply. A difference is logged and told to
the operator. Nothing is put right automatically: either a person has changed the mailbox, or we are wrong.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.domain.messages import InboxMessage, ReceiptState, ReceiptSummary
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings, Text
from planit_mailer.pipeline.ports import Clock, Mailbox, Store

log = logs.get(__name__)

LISTED = 50  # differences that a mail names; the log has all
SETTLED_BY = timedelta(hours=1)  # younger messages may be in hand just now


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `event` is the constant name of its log event; `reference` is "" if there is no receipt."""

    event: str
    folder: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The contents of the mailbox: the Message-IDs in each of our folders, and the messages in the inbox."""

    folders: Mapping[str, Sequence[str]]
    inbox: Sequence[InboxMessage] = ()


def reconcile(
    mailbox: Mailbox, store: Store, folders: Sequence[str], clock: Clock, reply_settings: ReplySettings
) -> int:
    """Compare, log each difference, and tell the operator if there are any. Return their number. Raises Unavailable.

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


def compare(found: Found, summaries: Sequence[ReceiptSummary], now: datetime) -> tuple[Difference, ...]:
    """The differences between the messages in the mailbox and the receipts."""
    surplus = _surplus(found, summaries, now)
    differences: list[Difference] = []
    for folder, number in surplus.items():
        differences += [Difference("message without receipt", folder)] * max(number, 0)
    differences += _unprocessed(found.inbox, summaries, now)
    for summary in summaries:
        differences += _faults(summary, found, surplus, now)
    return tuple(differences)


def _surplus(found: Found, summaries: Sequence[ReceiptSummary], now: datetime) -> dict[str, int]:
    """For each folder, the number of messages that no receipt claims; negative if messages are missing.

    A person may have moved a message to another of our folders, so a receipt that misses its message claims it there
    too. A message that crashed us was never read: its receipt has no Message-ID, and claims any one that is left over.
    """
    claims, unread, elsewhere = _claims(found, summaries, now)
    lying = {folder: Counter(message_ids) for folder, message_ids in found.folders.items()}
    moved = Counter(elsewhere)
    for folder, message_ids in lying.items():
        moved.update(claims[folder] - message_ids)
    surplus = {}
    for folder, message_ids in lying.items():
        unclaimed = message_ids - claims[folder] - moved
        surplus[folder] = unclaimed.total() - unread[folder]
    return surplus


def _claims(
    found: Found, summaries: Sequence[ReceiptSummary], now: datetime
) -> tuple[dict[str, Counter[str]], Counter[str], list[str]]:
    """The Message-IDs that receipts expect in each folder, the number of unread messages, the Message-IDs elsewhere."""
    claims: dict[str, Counter[str]] = {folder: Counter() for folder in found.folders}
    unread: Counter[str] = Counter()
    elsewhere = []
    for summary in summaries:
        if summary.state is ReceiptState.DELETED and now - summary.changed_at >= SETTLED_BY:
            continue
        if summary.folder not in claims:
            elsewhere += [summary.message_id] if summary.message_id else []
        elif summary.message_id:
            claims[summary.folder][summary.message_id] += 1
        else:
            unread[summary.folder] += 1
    return claims, unread, elsewhere


def _unprocessed(
    inbox: Iterable[InboxMessage], summaries: Sequence[ReceiptSummary], now: datetime
) -> Iterator[Difference]:
    """Messages that have been in the inbox for longer than any poll leaves them there, without a receipt."""
    known = {summary.key for summary in summaries}
    for message in inbox:
        if message.key not in known and now - message.received_at >= SETTLED_BY:
            yield Difference("message without receipt", "the inbox")


def _faults(summary: ReceiptSummary, found: Found, surplus: Mapping[str, int], now: datetime) -> Iterator[Difference]:
    """The faults of one receipt; a young one may be in progress."""
    if now - summary.changed_at < SETTLED_BY:
        return
    for event in (*_filing_faults(summary, found, surplus), *_answer_faults(summary)):
        yield Difference(event, summary.folder, summary.reference)


def _filing_faults(summary: ReceiptSummary, found: Found, surplus: Mapping[str, int]) -> Iterator[str]:
    must_be_there = summary.folder in found.folders and summary.state in (ReceiptState.OPEN, ReceiptState.FILED)
    if must_be_there and _is_missing(summary, found, surplus):
        yield "message not in its folder"
    if not summary.folder and summary.state in (ReceiptState.SETTLED, ReceiptState.SUPERSEDED):
        yield "message not filed"


def _answer_faults(summary: ReceiptSummary) -> Iterator[str]:
    if summary.state is ReceiptState.OPEN:
        yield "receipt without outcome"
    elif summary.last_answers > 1:
        yield "receipt with several replies"
    elif not summary.answers and not summary.unanswered:
        yield "receipt without reply or reason"


def _is_missing(summary: ReceiptSummary, found: Found, surplus: Mapping[str, int]) -> bool:
    if summary.message_id:
        return summary.message_id not in found.folders[summary.folder]
    return surplus[summary.folder] < 0


def _told(differences: Sequence[Difference]) -> Text:
    facts = {"count": len(differences), "differences": differences[:LISTED]}
    return Text(ReplyKind.OPERATOR, "planit_mailer: mailbox and ledger differ", "reconciled", facts)

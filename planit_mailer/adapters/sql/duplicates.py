"""Duplicates: messages that were delivered twice, told by sender, Message-ID and attachments."""

from sqlalchemy import ColumnElement, and_, exists, or_, select

from planit_mailer.adapters.sql.base import Repository, alike, as_released
from planit_mailer.adapters.sql.schema import outbox, receipts
from planit_mailer.domain.messages import InboxMessage, Key, MessageFacts, Outcome, Receipt, Released
from planit_mailer.domain.outgoing import ReplyKind

JUDGED = (Outcome.ACCEPTED.value, Outcome.REJECTED.value)


class Duplicates(Repository):
    """Queries about messages that were delivered twice."""

    def duplicate_of(self, receipt: Receipt, facts: MessageFacts) -> str:
        """The reference of a message that this one is a duplicate of, or "": same sender, Message-ID and attachments.

        The other one came earlier, or was judged while this one had to wait. Two messages never count as duplicates of
        each other; a message that a person moved back is not a duplicate.
        """
        if not facts.message_id or not facts.sender.authentic or self._is_put_back(receipt):
            return ""
        earlier = receipts.c.id < receipt.arrival
        found = self._connection.scalar(
            select(receipts.c.reference)
            .where(
                receipts.c.id != receipt.arrival,
                earlier | receipts.c.outcome.in_(JUDGED),
                _speaks_for_its_copies(),
                receipts.c.message_id == facts.message_id,
                receipts.c.sender == facts.sender.address,
                receipts.c.authentic,
                receipts.c.attachments_digest == facts.attachments_digest,
            )
            .order_by(receipts.c.id)
        )
        return found or ""

    def earlier_duplicate(self, receipt: Receipt) -> InboxMessage | Released | None:
        """The earlier message with the same sender, Message-ID and attachments that is still to be judged.

        If it was in the inbox before that was rebuilt, nobody knows whether it still is: then it does not count.
        """
        if self._is_put_back(receipt):
            return None
        mine = receipts.alias()
        somewhere = (receipts.c.uidvalidity == mine.c.uidvalidity) | receipts.c.to_bring_back
        waits = (receipts.c.id < mine.c.id) & receipts.c.outcome.is_(None) & somewhere & receipts.c.authentic
        this = (mine.c.id == receipt.arrival) & (mine.c.message_id != "") & mine.c.authentic
        row = self._connection.execute(select(receipts).where(this, waits, *alike(mine, receipts))).first()
        if row and row.to_bring_back:
            return as_released(row)
        return InboxMessage(Key(row.uidvalidity, row.uid), row.size, row.received_at) if row else None

    def _is_put_back(self, receipt: Receipt) -> bool:
        """True if all bytes of a message were settled before: a person moved it back, and it is to be processed."""
        bytes_ = select(receipts.c.digest).where(receipts.c.id == receipt.arrival).scalar_subquery()
        settled = (receipts.c.id < receipt.arrival) & (receipts.c.outcome != Outcome.QUARANTINED.value)
        same = select(receipts.c.id).where(settled, receipts.c.digest == bytes_)
        return self._connection.scalar(same) is not None


def _speaks_for_its_copies() -> ColumnElement[bool]:
    """The condition that a message was answered, or still may be, so that its copies need no answer.

    A quarantined message makes nothing known: it may be a spoof with a real message's Message-ID. A message that nobody
    opened and nobody ever will, because it was refused, denied or held too long, does not count either: a copy may come
    when its sender is registered.
    """
    held = and_(receipts.c.outcome == Outcome.HELD.value, ~receipts.c.superseded, receipts.c.mail_deleted_at.is_(None))
    help_sent = exists().where(outbox.c.receipt_id == receipts.c.id, outbox.c.kind == ReplyKind.HELP.value)
    answered = receipts.c.unanswered == ""  # it is not ignored as a duplicate itself, after an earlier help reply
    return or_(receipts.c.outcome.in_(JUDGED), held, and_(help_sent.correlate(receipts), answered))

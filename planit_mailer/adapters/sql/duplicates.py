"""Messages that were delivered twice: by sender, Message-ID and attachments one is the other's copy."""

from sqlalchemy import ColumnElement, and_, exists, or_, select

from planit_mailer.adapters.sql.base import Repository, alike, as_released
from planit_mailer.adapters.sql.schema import outbox, receipts
from planit_mailer.domain.messages import InboxMessage, Key, MessageFacts, Outcome, Receipt, Released
from planit_mailer.domain.outgoing import ReplyKind

JUDGED = (Outcome.ACCEPTED.value, Outcome.REJECTED.value)


class Duplicates(Repository):
    """The verbs about second copies."""

    def duplicate_of(self, receipt: Receipt, facts: MessageFacts) -> str:
        """The reference of a message that this one doubles, or "": same sender, Message-ID and attachments.

        It came earlier, or was judged while this one had to wait. What doubles this one cannot be what this one
        doubles, and what a person put back doubles none.
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
                receipts.c.reason.not_like(f"%{receipt.reference}"),
                receipts.c.message_id == facts.message_id,
                receipts.c.sender == facts.sender.address,
                receipts.c.authentic,
                receipts.c.attachments_digest == facts.attachments_digest,
            )
            .order_by(receipts.c.id)
        )
        return found or ""

    def earlier_duplicate(self, receipt: Receipt) -> InboxMessage | Released | None:
        """The message with the same sender, Message-ID and attachments that came earlier, and is still to be judged.

        Of one that was in the inbox before it was rebuilt nobody knows whether it still is.
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
        """Whether all of its bytes were settled before: a person put it back, and it is to be processed."""
        bytes_ = select(receipts.c.digest).where(receipts.c.id == receipt.arrival).scalar_subquery()
        settled = (receipts.c.id < receipt.arrival) & (receipts.c.outcome != Outcome.QUARANTINED.value)
        same = select(receipts.c.id).where(settled, receipts.c.digest == bytes_)
        return self._connection.scalar(same) is not None


def _speaks_for_its_copies() -> ColumnElement[bool]:
    """Whether a message was answered, or still may be, so that a copy of it need not be.

    What was quarantined makes nothing known: it may be a spoof that carries a real message's Message-ID. What nobody
    opened and nobody ever will, because it was refused or denied, or held for too long, says nothing of a copy that
    comes when its sender is registered.
    """
    held = and_(receipts.c.outcome == Outcome.HELD.value, ~receipts.c.superseded, receipts.c.mail_deleted_at.is_(None))
    helped = exists().where(outbox.c.receipt_id == receipts.c.id, outbox.c.kind == ReplyKind.HELP.value)
    return or_(receipts.c.outcome.in_(JUDGED), held, helped.correlate(receipts))

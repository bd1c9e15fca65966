"""The outbox: mails wait in it until the relay has them; then their content goes, in the same commit."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from planit_mailer.adapters.sql import register
from planit_mailer.adapters.sql.base import Repository
from planit_mailer.adapters.sql.schema import alert_log, outbox, receipts, senders
from planit_mailer.domain import outgoing
from planit_mailer.domain.messages import Receipt
from planit_mailer.domain.outgoing import Bounced, Pending, Recent, Reply, ReplyKind
from planit_mailer.domain.reports import Unanswered

PENDING, SENT, FAILED = "pending", "sent", "failed"
CAME_BACK = "it came back"
IN_HAND = "it is being handed over"
LONGEST = timedelta(hours=2)  # nothing is postponed for as long
ANSWERS = (ReplyKind.CONFIRMATION, ReplyKind.REPORT, ReplyKind.HELP, ReplyKind.HELD)  # the kinds that keep the promise


class OutboxRows(Repository):
    """Queries and commands on outgoing mail."""

    def enqueue(self, reply: Reply, about: Receipt | Unanswered | None, now: datetime) -> None:
        """Put a mail into the outbox, and the message that it is about; its answer takes the place of "delayed"."""
        if about and reply.kind in ANSWERS:
            delayed = (outbox.c.receipt_id == about.arrival) & (outbox.c.kind == ReplyKind.DELAYED.value)
            self._connection.execute(delete(outbox).where(delayed, outbox.c.state == PENDING))
        row = {
            "receipt_id": about.arrival if about else None,
            "kind": reply.kind.value,
            "recipient": reply.recipient,
            "message_id": reply.message_id,
            "content": reply.content,
            "queued_at": now,
            "due_at": now,
        }
        self._connection.execute(insert(outbox).values(row))

    def due(self, now: datetime, limit: int, after: Pending | None = None) -> tuple[Pending, ...]:
        """The mails that are to be sent now, what has been due for longest first; those that come after one of them."""
        due = select(outbox, receipts.c.reference).join(receipts, isouter=True).where(_due(now))
        if after:
            same = (outbox.c.due_at == after.due_at) & (outbox.c.id > after.id)
            due = due.where((outbox.c.due_at > after.due_at) | same)
        rows = self._connection.execute(due.order_by(outbox.c.due_at, outbox.c.id).limit(limit))
        return tuple(map(_pending, rows))

    def begin_sending(self, pending: Pending, now: datetime, until: datetime) -> bool:
        """Count an attempt to send a reply. Return False if it is not due any more: another daemon may have sent it.

        It is due again at `until`, in case nobody can record the outcome.
        """
        values = {"due_at": until, "attempts": outbox.c.attempts + 1, "relay_answer": IN_HAND}
        still = outbox.c.id == pending.id
        return bool(self._connection.execute(update(outbox).where(still, _due(now)).values(values)).rowcount)

    def pick_up(self, now: datetime) -> None:
        """Make mail due at once that was being sent when a daemon crashed; a living daemon's claim protects its own."""
        in_hand = (outbox.c.state == PENDING) & (outbox.c.relay_answer == IN_HAND)
        self._connection.execute(update(outbox).where(in_hand).values(due_at=now))

    def note_sent(self, pending: Pending, answer: str, now: datetime) -> None:
        """The relay has it: its content is deleted, and the message it answers is answered."""
        self._finish(pending, SENT, answer, now)

    def note_failed(self, pending: Pending, answer: str, now: datetime) -> None:
        """The relay will never take it: its content is deleted, and nothing more can be done for the message."""
        self._finish(pending, FAILED, answer, now)

    def postpone(self, pending: Pending, until: datetime, answer: str) -> None:
        """Try again later."""
        values = {"due_at": until, "relay_answer": answer}
        self._connection.execute(update(outbox).where(outbox.c.id == pending.id).values(values))

    def note_bounced(self, message_ids: Sequence[str], receipt: Receipt | None, now: datetime) -> tuple[Bounced, ...]:
        """These mails of ours came back: of those that were sent, each counts as failed, once.

        `receipt` is of the message that brings back nothing else, and goes with what it brings back.
        """
        ours = outbox.c.message_id.in_(message_ids)
        of = self._connection.scalar(select(func.min(outbox.c.receipt_id)).where(ours))
        if receipt:
            self._connection.execute(update(receipts).where(receipts.c.id == receipt.arrival).values(brings_back=of))
        sent = ours & (outbox.c.state == SENT)
        rows = self._connection.execute(
            select(outbox.c.id, outbox.c.kind, receipts.c.reference).join(receipts, isouter=True).where(sent)
        ).all()
        values = {"state": FAILED, "final_at": now, "relay_answer": CAME_BACK}
        self._connection.execute(update(outbox).where(outbox.c.id.in_([row.id for row in rows])).values(values))
        return tuple(Bounced(row.reference or "", ReplyKind(row.kind)) for row in rows)

    def sent_to(self, address: str, since: datetime) -> int:
        """The number of mails that the relay took for an address since a time, including those that bounced later."""
        taken = (outbox.c.state == SENT) | (outbox.c.relay_answer == CAME_BACK)
        sent = (outbox.c.recipient == address) & taken & (outbox.c.final_at >= since)
        return self._connection.scalar(select(func.count()).select_from(outbox).where(sent)) or 0

    def recent_replies(self, address: str, since: datetime) -> tuple[Recent, ...]:
        """The replies queued for an address since a time."""
        rows = self._connection.execute(
            select(outbox.c.kind, outbox.c.queued_at)
            .where(outbox.c.recipient == address, outbox.c.queued_at >= since)
            .order_by(outbox.c.id)
        )
        return tuple(Recent(ReplyKind(row.kind), row.queued_at) for row in rows)

    def alerts_about(self, sender: str, since: datetime) -> int:
        """The number of alerts to the operator about messages that name a sender.

        A sender who is not registered by name counts together with all others at that domain: addresses there can be
        made up.
        """
        address, domain = register.values(sender)
        by_name = self._connection.scalar(select(senders.c.value).where(senders.c.value == address))
        named = receipts.c.sender == address if by_name else receipts.c.sender.endswith(f"@{domain}", autoescape=True)
        alerts = (outbox.c.kind == ReplyKind.OPERATOR.value) & (outbox.c.queued_at >= since)
        about = select(func.count()).select_from(outbox.join(receipts)).where(named, alerts)
        return self._connection.scalar(about) or 0

    def alerts(self, since: datetime, until: datetime) -> int:
        """The number of alerts to the operator about single messages that were queued in this time."""
        queued = outbox.c.queued_at.between(since, until)
        return self._connection.scalar(select(func.count()).select_from(outbox).where(is_alert(), queued)) or 0

    def last_alert_at(self, topic: str) -> datetime | None:
        """The time of the last alert on this topic; None if there was none."""
        return self._connection.scalar(select(alert_log.c.at).where(alert_log.c.topic == topic))

    def record_alert_if_due(self, topic: str, since: datetime, now: datetime) -> bool:
        """Record an alert as sent now and return True, unless one on this topic was sent after `since`.

        An alert recorded in the future does not count: the clock was ahead then.
        """
        last = self.last_alert_at(topic)
        if last is None:
            self._connection.execute(insert(alert_log).values(topic=topic, at=now))
            return True
        if since < last <= now:
            return False
        self._connection.execute(update(alert_log).where(alert_log.c.topic == topic).values(at=now))
        return True

    def clear_alert(self, topic: str) -> bool:
        """Forget that an alert on this topic was sent. Return True if there was one."""
        return bool(self._connection.execute(delete(alert_log).where(alert_log.c.topic == topic)).rowcount)

    def _finish(self, pending: Pending, state: str, answer: str, now: datetime) -> None:
        mail = outbox.c.id == pending.id
        values = {"state": state, "content": None, "final_at": now, "relay_answer": answer}
        self._connection.execute(update(outbox).where(mail).values(values))
        if pending.reply.kind in ANSWERS:
            self._answer(pending, now)
        self.forgets = True

    def _answer(self, pending: Pending, now: datetime) -> None:
        """Note a message as answered, unless the answer is to an earlier judgement: the operator released it since."""
        about = select(outbox.c.receipt_id).where(outbox.c.id == pending.id).scalar_subquery()
        stands = receipts.c.outcome.is_not(None) & (receipts.c.settled_at <= pending.queued_at)
        self._connection.execute(update(receipts).where(receipts.c.id == about, stands).values(answered_at=now))


def is_alert() -> ColumnElement[bool]:
    """The condition that a mail to the operator is about a single message: its Message-ID begins with the reference."""
    return outbox.c.message_id.like(outgoing.id_begins("pm-%", ReplyKind.OPERATOR) + "%")


def _due(now: datetime) -> ColumnElement[bool]:
    """The condition that a mail is due; one that waits longer than we ever set is due too: the clock was ahead."""
    return (outbox.c.state == PENDING) & ((outbox.c.due_at <= now) | (outbox.c.due_at > now + LONGEST))


def _pending(row: Row[Any]) -> Pending:
    reply = Reply(ReplyKind(row.kind), row.recipient, row.message_id, row.content)
    return Pending(row.id, row.reference or "", row.attempts, row.queued_at, row.due_at, reply)

"""Deadlines: which messages are owed an answer, and by when."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    select,
)

from planit_mailer.adapters.sql import register
from planit_mailer.adapters.sql.base import Repository
from planit_mailer.adapters.sql.outbox import ANSWERS, PENDING
from planit_mailer.adapters.sql.schema import outbox, receipts
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.reports import Unanswered


class Deadlines(Repository):
    """The messages that are owed an answer, and what the operator was told of them."""

    def unanswered(self) -> tuple[Unanswered, ...]:
        """The messages that are owed an answer, the first due first."""
        return tuple(deadline_of(self._connection, row) for row in self._connection.execute(open_deadlines()).all())

    def note_warned(self, unanswered: Unanswered, level: int) -> None:
        """Record the level of the last warning, so that each is given once."""
        self._change(self._named(unanswered.reference).id, {"warned": level})

    def quarantined_untold(self, since: datetime | None, until: datetime) -> tuple[str, ...]:
        """The references of messages quarantined in this time that still wait and that no alert was about."""
        told_of = exists().where(outbox.c.receipt_id == receipts.c.id, outbox.c.kind == ReplyKind.OPERATOR.value)
        waiting = select(receipts.c.reference).where(
            receipts.c.outcome == Outcome.QUARANTINED.value, receipts.c.settled_at < until, ~told_of
        )
        if since:
            waiting = waiting.where(receipts.c.settled_at >= since)
        return tuple(self._connection.scalars(waiting.order_by(receipts.c.id)))


def is_answer() -> ColumnElement[bool]:
    """The condition that a mail is the answer that was promised for a message."""
    return (outbox.c.receipt_id == receipts.c.id) & outbox.c.kind.in_([kind.value for kind in ANSWERS])


def open_deadlines() -> Select[Any]:
    """The receipts that are owed an answer, the first due first, with the flag `answer_waits`.

    It is true if the answer is in the outbox. An answer to an earlier verdict does not count: the operator has released
    the message since.
    """
    running: ColumnElement[bool] = and_(receipts.c.answered_at.is_(None), receipts.c.due_at.is_not(None))
    settled = receipts.c.outcome.is_not(None) & (outbox.c.queued_at >= receipts.c.settled_at)
    waits = exists().where(is_answer(), settled, outbox.c.state == PENDING).label("answer_waits")
    return select(receipts, waits).where(running).order_by(receipts.c.due_at, receipts.c.id)


def deadline_of(connection: Connection, row: Row[Any]) -> Unanswered:
    """Make an unanswered message from such a row, with the present registration of its sender."""
    registration = register.registration(connection, row.sender)
    return Unanswered(
        arrival=row.id,
        reference=row.reference,
        received_at=row.received_at,
        clock_from=row.clock_from,
        due_at=row.due_at,
        warned=row.warned,
        sender=row.sender,
        registered=row.authentic and bool(registration.schools) and not registration.denied,
        answer_waits=row.answer_waits,
    )

"""Deadlines: which messages are owed an answer, and by when."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    func,
    select,
)

from planit_mailer.adapters.sql import erasure, register
from planit_mailer.adapters.sql.base import Repository
from planit_mailer.adapters.sql.outbox import ANSWERS, FAILED, PENDING
from planit_mailer.adapters.sql.schema import outbox, receipts
from planit_mailer.domain import outgoing
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.reports import Unanswered, Untold


class Deadlines(Repository):
    """The messages that are owed an answer, and what the operator was told of them."""

    def unanswered(self) -> tuple[Unanswered, ...]:
        """The messages that are owed an answer, the first due first."""
        return tuple(deadline_of(self._connection, row) for row in self._connection.execute(open_deadlines()).all())

    def note_warned(self, unanswered: Unanswered, level: int) -> None:
        """Record the level of the last warning, so that each is given once."""
        self._change(self._named(unanswered.reference).id, {"warned": level})

    def untold(self, since: datetime | None, until: datetime) -> Untold:
        """The messages of this time that no alert was about: quarantined and still waiting, or with a failed reply."""
        about = exists().where(outbox.c.receipt_id == receipts.c.id, outbox.c.kind == ReplyKind.OPERATOR.value)
        quarantined = select(receipts.c.reference).where(
            receipts.c.outcome == Outcome.QUARANTINED.value, *_within(receipts.c.settled_at, since, until), ~about
        )
        references = self._connection.scalars(quarantined.order_by(receipts.c.id))
        return Untold(tuple(references), tuple(self._undelivered(since, until)))

    def _undelivered(self, since: datetime | None, until: datetime) -> Iterator[str]:
        """The references of messages whose reply failed in this time, without an alert; not those that were erased."""
        failed = (outbox.c.state == FAILED) & (outbox.c.relay_answer != erasure.ERASED)
        replies = select(receipts.c.reference, func.max(outbox.c.final_at).label("at")).select_from(
            outbox.join(receipts)
        )
        replies = replies.where(failed, outbox.c.kind != ReplyKind.OPERATOR.value)
        rows = self._connection.execute(
            replies.where(*_within(outbox.c.final_at, since, until)).group_by(receipts.c.id).order_by(receipts.c.id)
        ).all()
        for row in rows:
            begins = outgoing.id_begins(row.reference, ReplyKind.OPERATOR)
            told = outbox.c.message_id.startswith(begins) & (outbox.c.queued_at >= row.at)
            if self._connection.scalar(select(outbox.c.id).where(told)) is None:
                yield row.reference


def _within(moment: ColumnElement[Any], since: datetime | None, until: datetime) -> Iterator[ColumnElement[bool]]:
    """The condition that a moment is before `until`, and not before `since` if that is known."""
    yield moment < until
    if since:
        yield moment >= since


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

"""Retention: which mail and receipts must be deleted, and the summaries for the nightly reconciliation."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
)

from planit_mailer.adapters.sql.base import Repository, alike, message_query, receipt_state
from planit_mailer.adapters.sql.deadlines import is_answer
from planit_mailer.adapters.sql.duplicates import JUDGED
from planit_mailer.adapters.sql.outbox import PENDING, SENT
from planit_mailer.adapters.sql.schema import alert_log, outbox, receipts
from planit_mailer.domain.messages import Filed, Key, Outcome, ReceiptSummary

Likeness = str | tuple[int, datetime]  # SHA-256 of the bytes, or size and INTERNALDATE

ROUND, STEADY = "last_round", "steady_since"
COPIED = timedelta(minutes=10)  # within which a relay has put its copy of a mail into the folder for sent mail


class Retention(Repository):
    """Queries and commands about mail and receipts that must be deleted."""

    def receipt_summaries(self) -> tuple[ReceiptSummary, ...]:
        """A summary of every receipt with the number of its replies, in order of arrival."""
        answers = is_answer()
        never_released = receipts.c.clock_from == receipts.c.received_at
        last = answers & (never_released | (outbox.c.queued_at >= receipts.c.clock_from))
        counts = [
            select(func.count()).where(which).scalar_subquery().label(name)
            for name, which in (("answers", answers), ("last_answers", last))
        ]
        rows = self._connection.execute(select(receipts, *counts).order_by(receipts.c.id))
        return tuple(map(_summary, rows))

    def forgettable(self, now: datetime, keep: Mapping[Outcome, timedelta]) -> tuple[Filed, ...]:
        """The filed messages that are superseded, refused or past the keep time of their outcome.

        Duplicates are deleted with their first copy, and bounces with the message whose answer they bring back: they
        hold the same data, even if they come later than what replaces it. Deleted messages are listed again if the
        relay's copy of an answer may have come since.
        """
        old = [and_(receipts.c.outcome == outcome, receipts.c.filed_at <= now - time) for outcome, time in keep.items()]
        there = receipts.c.filed_at.is_not(None) & receipts.c.mail_deleted_at.is_(None)
        forgotten = or_(receipts.c.superseded, _is_copy_of_gone(), _brings_back_gone(), *old)
        copied = receipts.c.mail_deleted_at.is_not(None) & receipts.c.superseded & ~_copies_come(now)
        rows = self._connection.execute(
            select(receipts)
            .where(
                receipts.c.outcome.is_not(None),
                or_(there & forgotten, copied),
            )
            .order_by(receipts.c.id)
        ).all()
        kept = self._kept({row.id for row in rows}) if rows else frozenset()
        return tuple(self._filed(row, kept) for row in rows)

    def was_released(self, filed: Filed) -> bool:
        """True if the operator released a message: then its mail stays."""
        return self._named(filed.reference).outcome is None

    def note_mail_deleted(self, filed: Filed, now: datetime) -> None:
        """Record that the mail of a message is deleted; copies of its answers that come later are deleted too.

        Nothing is recorded if it was released at this moment: it is looked for then, and found to be lost.
        """
        row = self._named(filed.reference)
        if row.outcome is None:
            return
        more = self._connection.scalar(select(receipts.c.id).where(receipts.c.id == row.id, _copies_come(now)))
        self._change(row.id, {"mail_deleted_at": now, "superseded": more is not None})

    def purge_receipts(self, before: datetime) -> int:
        """Delete receipts whose mail was deleted before a time, with their mails. Return their number.

        No learner's data goes with them: a learner's row names its upload itself. A receipt with a pending answer
        stays.
        """
        waits = exists().where(outbox.c.receipt_id == receipts.c.id, outbox.c.state == PENDING)
        gone = delete(receipts).where(receipts.c.mail_deleted_at < before, ~waits)
        purged = self._connection.execute(gone).rowcount
        alone = outbox.c.receipt_id.is_(None) & (outbox.c.final_at < before)
        self._connection.execute(delete(outbox).where(alone))
        self._connection.execute(delete(alert_log).where(alert_log.c.at < before))
        self.forgets = self.forgets or purged > 0
        return purged

    def rounds(self) -> tuple[datetime | None, datetime | None]:
        """When the last retention round ran, and since when the clock was stable then; None before the first."""
        return self._state(ROUND), self._state(STEADY)

    def note_round(self, now: datetime, steady_since: datetime) -> None:
        """Record a retention round, and since when the clock has been stable."""
        self._note_state(ROUND, now)
        self._note_state(STEADY, steady_since)

    def _kept(self, forgotten: set[int]) -> frozenset[Likeness]:
        """The digests, and (size, date) pairs, of the messages that are kept.

        Copies of a message are deleted with it, except those that belong to another receipt.
        """
        names = (receipts.c.id, receipts.c.digest, receipts.c.size, receipts.c.received_at)
        rows = self._connection.execute(select(*names).where(receipts.c.mail_deleted_at.is_(None)))
        kept = [row for row in rows if row.id not in forgotten]
        return frozenset({row.digest for row in kept} | {(row.size, row.received_at) for row in kept})

    def _filed(self, row: Row[Any], kept: frozenset[Likeness]) -> Filed:
        same = (receipts.c.id == row.id) | ((receipts.c.digest == (row.digest or None)) & (receipts.c.id < row.id))
        ours = select(outbox.c.message_id).join(receipts).where(same).order_by(outbox.c.id)
        folder = "" if row.mail_deleted_at else row.folder
        ambiguous = (row.digest or (row.size, row.received_at)) in kept
        return Filed(row.reference, folder, message_query(row), tuple(self._connection.scalars(ours)), ambiguous)


def _is_copy_of_gone() -> ColumnElement[bool]:
    """The condition that a message is an ignored duplicate whose first copy is, or will be, deleted."""
    first = receipts.alias()
    there = exists().where(*alike(first, receipts), first.c.outcome.in_(JUDGED), _is_gone(first)).correlate(receipts)
    return and_(receipts.c.outcome == Outcome.IGNORED.value, receipts.c.message_id != "", there)


def _brings_back_gone() -> ColumnElement[bool]:
    """The condition that a message is a bounce of the answer to one that is, or will be, deleted."""
    first = receipts.alias()
    return exists().where(first.c.id == receipts.c.brings_back, _is_gone(first)).correlate(receipts)


def _is_gone(message: FromClause) -> ColumnElement[bool]:
    return message.c.superseded | message.c.mail_deleted_at.is_not(None)


def _copies_come(now: datetime) -> ColumnElement[bool]:
    """The condition that an answer is pending or was sent just now, unless the clock was ahead then."""
    fresh = (outbox.c.state == SENT) & outbox.c.final_at.between(now - COPIED, now + COPIED)
    return exists().where(outbox.c.receipt_id == receipts.c.id, or_(outbox.c.state == PENDING, fresh))


def _summary(row: Row[Any]) -> ReceiptSummary:
    return ReceiptSummary(
        reference=row.reference,
        key=Key(row.uidvalidity, row.uid) if row.uid else None,
        message_id=row.message_id,
        folder=row.folder if row.filed_at else "",
        changed_at=row.mail_deleted_at or row.filed_at or row.settled_at or row.first_seen_at,
        state=receipt_state(row),
        unanswered=row.unanswered,
        answers=row.answers,
        last_answers=row.last_answers,
    )

"""Erasure: what a learner or a school asks to be forgotten, with the mail and the replies that hold it.

Nothing but the forms themselves says which learners are in a message that was rejected, or ignored because nobody looks
into an archive or a forwarded message. A list of their UPINs, hashed or not, would be personal data that outlives them:
such mail is told by its school alone, and rather too much of it goes.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, delete, exists, func, select, true, update

from planit_mailer.adapters.sql import register
from planit_mailer.adapters.sql.base import Repository
from planit_mailer.adapters.sql.outbox import FAILED, PENDING
from planit_mailer.adapters.sql.schema import learners, outbox, receipts, uploads
from planit_mailer.domain.forms import values
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.reports import Erased
from planit_mailer.domain.schools import School

ERASED = "erased on request"
UNOPENED = (Outcome.HELD.value, Outcome.QUARANTINED.value)


class Erasing(Repository):
    """Commands of `erase`."""

    def erase_learner(self, upin: str, now: datetime) -> Erased:
        """Erase a learner in every school that knows the UPIN, and the mail that holds them or may do so."""
        is_it = learners.c.upin == values.as_upin(upin)
        rows = self._connection.execute(select(learners.c.school_id, learners.c.arrival).where(is_it)).all()
        schools = {row.school_id for row in rows}
        mail = {row.arrival for row in rows}
        mail |= {n for school in schools for n in _not_applied(self._connection, school, true())}
        self._connection.execute(delete(learners).where(is_it))
        return self._erased(len(rows), mail, now)

    def erase_school(self, school: School, now: datetime) -> Erased:
        """Erase all learners of a school and all mail about them; the school stays registered."""
        of_school = learners.c.school_id == school.id
        about = select(uploads.c.receipt_id).where(uploads.c.school_id == school.id)
        mail = {
            *self._connection.scalars(select(learners.c.arrival).where(of_school)),
            *self._connection.scalars(about),
        }
        mail |= {*_not_applied(self._connection, school.id, true()), *self._quarantined(school.id)}
        count = self._connection.execute(delete(learners).where(of_school)).rowcount
        return self._erased(count, mail, now)

    def _erased(self, count: int, mail: Iterable[int], now: datetime) -> Erased:
        """Mark the mail to be deleted, and drop the replies about it that wait for the relay.

        What waits to be processed once more is not: it is as it was, and comes back only to be filed and deleted.
        """
        there = receipts.c.id.in_(list(mail)) & receipts.c.mail_deleted_at.is_(None)
        messages = list(self._connection.scalars(select(receipts.c.id).where(there)))
        waits = receipts.c.id.in_(messages) & receipts.c.outcome.is_(None)
        wrong = exists().where(uploads.c.receipt_id == receipts.c.id, uploads.c.outcome == Outcome.REJECTED.value)
        was = case((wrong, Outcome.REJECTED.value), else_=Outcome.ACCEPTED.value)
        self._connection.execute(update(receipts).where(waits).values(outcome=was, in_hand=False))
        owed = receipts.c.id.in_(messages) & receipts.c.answered_at.is_(None)
        self._connection.execute(update(receipts).where(owed).values(due_at=None, unanswered=ERASED))
        self._connection.execute(update(receipts).where(receipts.c.id.in_(messages)).values(superseded=True))
        replies = self._connection.execute(
            update(outbox)
            .where(outbox.c.receipt_id.in_(list(mail)), outbox.c.state == PENDING)
            .where(outbox.c.kind != ReplyKind.OPERATOR.value)
            .values(state=FAILED, content=None, final_at=now, relay_answer=ERASED)
        ).rowcount
        self.forgets = True
        return Erased(count, len(messages), replies, self._unopened())

    def _unopened(self) -> int:
        """The number of messages that nobody has opened: nobody knows whom they are about."""
        open_ = receipts.c.outcome.is_(None) | receipts.c.outcome.in_(UNOPENED)
        there = receipts.c.mail_deleted_at.is_(None) & ~receipts.c.superseded
        return self._connection.scalar(select(func.count()).select_from(receipts).where(open_, there)) or 0

    def _quarantined(self, school: int) -> Iterable[int]:
        """The quarantined messages whose From address may send for this school and no other."""
        lying = receipts.c.mail_deleted_at.is_(None) & (receipts.c.outcome == Outcome.QUARANTINED.value)
        for row in self._connection.execute(select(receipts.c.id, receipts.c.sender).where(lying)).all():
            if [s.id for s in register.registration(self._connection, row.sender).schools] == [school]:
                yield row.id


def put_right(connection: Connection, school: int, by: int) -> Iterable[int]:
    """The arrival numbers of rejected and ignored mail about a school that an accepted form takes the place of.

    It arrived before that, and is still there. What waits to be judged once more is neither just now.
    """
    lying = ~receipts.c.superseded & receipts.c.mail_deleted_at.is_(None) & (receipts.c.id < by)
    return _not_applied(connection, school, lying & receipts.c.outcome.is_not(None))


def _not_applied(connection: Connection, school: int, which: ColumnElement[bool]) -> Iterable[int]:
    """The arrival numbers of mail with a rejected form about a school, and of ignored mail of its senders.

    A form in which no school could be recognised counts for each one that its sender may send for.
    """
    found = select(receipts.c.id, receipts.c.sender, uploads.c.school_id).join(uploads).where(which)
    for row in connection.execute(found.where(uploads.c.outcome == Outcome.REJECTED.value)).all():
        if school in _about(connection, row.school_id, row.sender):
            yield row.id
    ignored = receipts.c.outcome == Outcome.IGNORED.value
    yield from connection.scalars(select(receipts.c.id).where(which, ignored, register.is_sender(connection, school)))


def is_put_right(connection: Connection, arrival: int) -> bool:
    """The condition that the school's form was accepted after this rejected or ignored message arrived."""
    rejects = (uploads.c.receipt_id == receipts.c.id) & (uploads.c.outcome == Outcome.REJECTED.value)
    found = select(receipts.c.sender, uploads.c.school_id).outerjoin(uploads, rejects).where(receipts.c.id == arrival)
    schools = {
        school for row in connection.execute(found).all() for school in _about(connection, row.school_id, row.sender)
    }
    later = (uploads.c.receipt_id > arrival) & (uploads.c.outcome == Outcome.ACCEPTED.value)
    return bool(connection.scalar(select(func.count()).where(later, uploads.c.school_id.in_(schools))))


def _about(connection: Connection, school: int | None, sender: str) -> set[int]:
    """The schools that a rejected form may be about."""
    return {school} if school else {s.id for s in register.registration(connection, sender).schools}

"""Queries for people: a learner's page, the story of a message, the state of the service."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select

from planit_mailer.adapters.sql.base import Repository, normalised_reference
from planit_mailer.adapters.sql.deadlines import deadline_of, open_deadlines
from planit_mailer.adapters.sql.schema import learners, outbox, receipts, schools, state, uploads
from planit_mailer.domain.forms.problems.catalogue import Severity
from planit_mailer.domain.forms.upload import Field
from planit_mailer.domain.messages import Outcome, Sender
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.reports import HeldMessage, Page, ProblemRecord, ReplyRecord, Status, Story, UploadRecord
from planit_mailer.domain.schools import School
from planit_mailer.spreadsheets import references

NUMBER = func.count().label("number")


class Queries(Repository):
    """The verbs that change nothing."""

    def page(self, upin: str, school: School | None = None) -> Page | None:
        """One learner's data; if several schools know the UPIN, the data received last."""
        asked = _pages().where(learners.c.upin == upin)
        if school:
            asked = asked.where(learners.c.school_id == school.id)
        row = self._connection.execute(asked.order_by(learners.c.arrival.desc(), learners.c.id)).first()
        return _page(row) if row else None

    def any_page(self) -> Page | None:
        """The data of the first learner of the upload that was applied last."""
        row = self._connection.execute(_pages().order_by(learners.c.arrival.desc(), learners.c.id)).first()
        return _page(row) if row else None

    def status(self) -> Status:
        """How the service stands."""
        polls = {row.key: row.at for row in self._connection.execute(select(state))}
        settled = receipts.c.outcome.is_not(None)
        messages = select(receipts.c.outcome, NUMBER).where(settled).group_by(receipts.c.outcome)
        mails = select(outbox.c.state, NUMBER).group_by(outbox.c.state)
        oldest = self._connection.execute(open_deadlines()).first()
        return Status(
            last_poll=polls.get("last_poll"),
            last_success=polls.get("last_success"),
            messages={Outcome(m.outcome): m.number for m in self._connection.execute(messages)},
            outbox={mail.state: mail.number for mail in self._connection.execute(mails)},
            oldest_unanswered=deadline_of(self._connection, oldest) if oldest else None,
        )

    def held(self) -> tuple[HeldMessage, ...]:
        """The messages that wait for the operator, oldest first; deleted ones do not wait."""
        rows = self._connection.execute(
            select(receipts)
            .where(
                receipts.c.outcome.in_((Outcome.HELD.value, Outcome.QUARANTINED.value)),
                receipts.c.mail_deleted_at.is_(None),
            )
            .order_by(receipts.c.id)
        )
        return tuple(HeldMessage(r.reference, Outcome(r.outcome), r.sender, r.received_at, r.reason) for r in rows)

    def references(self, message_id: str) -> tuple[str, ...]:
        """The references of the messages with a Message-ID, the latest first."""
        same = receipts.c.message_id == message_id
        return tuple(self._connection.scalars(select(receipts.c.reference).where(same).order_by(receipts.c.id.desc())))

    def references_from(self, senders: Sequence[str], since: datetime, until: datetime) -> tuple[str, ...]:
        """The references of messages from these addresses or domains in this time, the latest first."""
        wanted = {name.lower() for name in senders}
        rows = self._connection.execute(
            select(receipts.c.reference, receipts.c.sender)
            .where(receipts.c.received_at >= since, receipts.c.received_at < until)
            .order_by(receipts.c.id.desc())
        )
        return tuple(
            row.reference for row in rows if not {row.sender, row.sender.rpartition("@")[2]}.isdisjoint(wanted)
        )

    def latest(self) -> str:
        """The reference of the message that arrived last, or ""."""
        return self._connection.scalar(select(receipts.c.reference).order_by(receipts.c.id.desc())) or ""

    def story(self, reference: str) -> Story | None:
        """Everything that is known of one message; None if it is unknown."""
        row = self._connection.execute(
            select(receipts).where(receipts.c.reference == normalised_reference(reference))
        ).first()
        if row is None:
            return None
        return Story(
            arrival=row.id,
            outcome=Outcome(row.outcome) if row.outcome else None,
            sender=Sender(row.sender, row.authentic, row.authentic_why),
            waits_to_be_brought_back=row.to_bring_back,
            uploads=self._uploads(row.id),
            replies=self._replies(row.id),
            crashes=row.deaths,
            **{column: getattr(row, column) for column in SAME},
        )

    def _uploads(self, arrival: int) -> tuple[UploadRecord, ...]:
        rows = self._connection.execute(
            select(uploads, schools.c.number.label("school"), schools.c.name.label("school_name"))
            .join(schools, isouter=True)
            .where(uploads.c.receipt_id == arrival)
            .order_by(uploads.c.number)
        )
        return tuple(map(_upload, rows))

    def _replies(self, arrival: int) -> tuple[ReplyRecord, ...]:
        about = outbox.c.receipt_id == arrival
        rows = self._connection.execute(select(outbox).where(about).order_by(outbox.c.id))
        return tuple(
            ReplyRecord(
                ReplyKind(row.kind),
                row.recipient,
                row.message_id,
                row.state,
                row.queued_at,
                row.final_at,
                row.attempts,
                row.relay_answer,
            )
            for row in rows
        )


# What a story is told with exactly as it stands in the receipt.
SAME = tuple(f.name for f in fields(Story) if f.name in receipts.c and f.name not in {"outcome", "sender"})


def _pages() -> Select[Any]:
    return select(learners, schools.c.number, schools.c.name, schools.c.postcode).join(schools)


def _page(row: Row[Any]) -> Page:
    return Page(
        upin=row.upin,
        school=School(row.school_id, row.number, row.name, row.postcode),
        introduction=tuple(row.introduction),
        fields=tuple(Field(heading, value) for heading, value in row.fields),
        reference=row.reference,
        received_at=row.received_at,
    )


def _upload(row: Row[Any]) -> UploadRecord:
    return UploadRecord(
        number=row.number,
        school=row.school or "",
        school_name=row.school_name or "",
        outcome=Outcome(row.outcome),
        sheet=row.sheet,
        heading_row=row.heading_row,
        learners=row.learners,
        new=row.new,
        changed=row.changed,
        unchanged=row.unchanged,
        passed_over=row.passed_over,
        absent=row.absent,
        problems=tuple(_problem(*problem) for problem in row.problems),
    )


def _problem(code: str, severity: str, cells: Sequence[str]) -> ProblemRecord:
    """A problem by its stored code, severity and blocks of cells. Older ones have each cell as a block of its own."""
    return ProblemRecord(code, Severity(severity), tuple(map(references.named, cells)))

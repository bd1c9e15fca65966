"""What `show`, `status`, `explain`, `held` and `check` answer: the JSON that other programs rely on.

Times are ISO 8601 in UTC with "Z"; values, years and SIMS numbers are strings; what is not known is null.
"""

from datetime import UTC, datetime
from typing import Any, Protocol

from planit_mailer.ledger import Outcome, School
from planit_mailer.mail import verdicts
from planit_mailer.records import Enrolled, HeldMessage, Page, Status, Story, Unanswered, UploadRecord
from planit_mailer.uploads.identity import Child
from planit_mailer.uploads.judging import Judgement
from planit_mailer.uploads.problems import Problem
from planit_mailer.uploads.upload import DraftLearner, Field

Json = dict[str, Any]

COUNTS = ("new", "changed", "unchanged", "passed_over", "absent")  # learners, by what became of them


class Reading(Protocol):
    """What a read-only transaction can be asked."""

    def page(self, upin: str, school: School | None = None) -> Page | None:
        """One learner's data; where several schools know the UPIN, what was received last."""

    def any_page(self) -> Page | None:
        """The data of the first learner of the upload that was applied last."""

    def status(self) -> Status:
        """How the service stands."""

    def held(self) -> tuple[HeldMessage, ...]:
        """What waits for the operator, oldest first."""

    def story(self, reference: str) -> Story | None:
        """The story of one message."""

    def references(self, message_id: str) -> tuple[str, ...]:
        """The messages with a Message-ID, the latest first."""

    def schools(self) -> tuple[Enrolled, ...]:
        """The register."""

    def children(self, school_id: int) -> tuple[Child, ...]:
        """The learners of a school, as far as identity goes."""


def show(upin: str, school: School | None, reading: Reading) -> Json | None:
    """One learner's *Your School Data*; None where nobody has this UPIN."""
    return _page(reading.page("".join(upin.split()).upper(), school))


def any_page(reading: Reading) -> Json | None:
    """One learner's page out of the upload that was applied last; None where there is none."""
    return _page(reading.any_page())


def status(reading: Reading) -> Json:
    """Polls, messages by outcome, the outbox, and the answer that is owed for longest."""
    stands = reading.status()
    return {
        "last_poll": moment(stands.last_poll),
        "last_success": moment(stands.last_success),
        "messages": {
            outcome.value: stands.messages.get(outcome, 0)
            for outcome in (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.HELD, Outcome.IGNORED, Outcome.QUARANTINED)
        },
        "outbox": {state: stands.outbox.get(state, 0) for state in ("pending", "sent", "failed")},
        "oldest_unanswered": _unanswered(stands.oldest_unanswered),
    }


def polled_since(earliest: datetime, reading: Reading) -> bool:
    """Whether a poll has succeeded since then."""
    last = reading.status().last_success
    return last is not None and last >= earliest


def held(reading: Reading) -> list[Json]:
    """What waits for the operator, oldest first."""
    return [
        {
            "reference": message.reference,
            "outcome": message.outcome.value,
            "from": message.sender,
            "received_at": moment(message.received_at),
            "why": message.why,
        }
        for message in reading.held()
    ]


def explain(reference: str, reading: Reading) -> Json | None:
    """The whole story of one message, without any learner's data; None where it is not known.

    An upload's name, `PM-7F3K-9Q2T/1`, stands for its message.
    """
    story = reading.story(reference.strip().upper().partition("/")[0])
    return _story(story) if story else None


def explain_message(message_id: str, reading: Reading) -> Json | None:
    """The story of the latest message with a Message-ID."""
    wanted = f"<{message_id.strip().strip('<>')}>"
    return next((explain(reference, reading) for reference in reading.references(wanted)), None)


def checked(file: str, judgement: Judgement, *, values: bool) -> Json:
    """What `check --json` prints of one file; what could not be read is null."""
    draft = judgement.draft
    told: Json = {
        "file": file,
        "accepted": judgement.accepted,
        "school": {"name": draft and draft.school_name, "postcode": draft and draft.postcode},
        "submitted_by": draft and draft.submitted_by,
        "date_submitted": draft.date_submitted.isoformat() if draft and draft.date_submitted else None,
        "introduction": list(draft.introduction) if draft else None,
        "fields": list(draft.headings) if draft else None,
        "learners": len(draft.learners) if draft else None,
        "problems": [_problem(problem) for problem in judgement.problems],
    }
    if values:
        told["rows"] = [_row(learner) for learner in draft.learners] if draft else []
    return told


def compared(judgement: Judgement, reading: Reading) -> Judgement:
    """A judgement with what the store adds to it, as if a sender of that school had sent the form."""
    schools = tuple(entry.school for entry in reading.schools())
    return verdicts.compared(judgement, schools, reading.children)


def moment(time: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second, with "Z"."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if time else None


def _page(page: Page | None) -> Json | None:
    if page is None:
        return None
    return {
        "upin": page.upin,
        "school": {"name": page.school.name, "postcode": page.school.postcode},
        "introduction": list(page.introduction),
        "fields": [_field(field) for field in page.fields],
        "reference": page.reference,
        "received_at": moment(page.received_at),
    }


def _story(story: Story) -> Json:
    return {
        "reference": story.reference,
        "outcome": story.outcome.value if story.outcome else None,
        "reason": story.reason,
        "from": story.sender.address,
        "date": story.date,
        "message_id": story.message_id,
        "received_at": moment(story.received_at),
        "first_seen_at": moment(story.first_seen_at),
        "settled_at": moment(story.settled_at),
        "due_at": moment(story.due_at),
        "answered_at": moment(story.answered_at),
        "arrival": story.arrival,
        "attempts": story.attempts,
        "verdicts": {"authentic": story.sender.authentic, "why": story.sender.why, "released": story.released},
        "uploads": [_upload(story.reference, upload) for upload in story.uploads],
        "replies": [
            {
                "kind": reply.kind.value,
                "to": reply.recipient,
                "message_id": reply.message_id,
                "state": reply.state,
                "final_at": moment(reply.final_at),
                "relay_answer": reply.relay_answer,
            }
            for reply in story.replies
        ],
        "reply": story.replies[0].kind.value if story.replies else None,
        "unanswered": story.unanswered,
        "folder": story.folder,
        "filed_at": moment(story.filed_at),
        "mail_deleted_at": moment(story.mail_deleted_at),
    }


def _upload(reference: str, upload: UploadRecord) -> Json:
    return {
        "reference": f"{reference}/{upload.number}",
        "outcome": upload.outcome.value,
        "school": upload.school,
        "sheet": upload.sheet,
        "heading_row": upload.heading_row,
        "learners": upload.learners,
        **{key: getattr(upload, key) for key in COUNTS},
        "problems": [
            {"code": problem.code, "severity": problem.severity.value, "cells": list(problem.cells)}
            for problem in upload.problems
        ],
    }


def _unanswered(unanswered: Unanswered | None) -> Json | None:
    if unanswered is None:
        return None
    return {
        "reference": unanswered.reference,
        "received_at": moment(unanswered.received_at),
        "due_at": moment(unanswered.due_at),
    }


def _problem(problem: Problem) -> Json:
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message,
        "cells": list(problem.cells),
    }


def _row(learner: DraftLearner) -> Json:
    return {
        "row": learner.row,
        "first_name": learner.first_name,
        "surname": learner.surname,
        "upin": learner.upin,
        "sims_no": learner.sims_no,
        "dob": learner.dob.isoformat() if learner.dob else None,
        "year": learner.year,
        "fields": [_field(field) for field in learner.fields],
    }


def _field(field: Field) -> Json:
    return {"heading": field.heading, "value": field.value}

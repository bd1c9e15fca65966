"""Queries: the JSON that `show`, `status`, `explain`, `held` and `check` print and other programs rely on.

Times are ISO 8601 in UTC with "Z"; values, years and SIMS numbers are strings; an unknown value is null.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from planit_mailer.core import text
from planit_mailer.domain.forms import values
from planit_mailer.domain.forms.identity import Child
from planit_mailer.domain.forms.upload import Field
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.reports import Erasure, HeldMessage, Page, Status, Story, Unanswered, UploadRecord
from planit_mailer.domain.schools import Enrolled, School
from planit_mailer.spreadsheets import references

Json = dict[str, Any]

COUNTS = ("new", "changed", "unchanged", "passed_over", "absent")  # of learners


class Reading(Protocol):
    """The queries of a read-only transaction."""

    def page(self, upin: str, school: School | None = None) -> Page | None:
        """One learner's data; if several schools know the UPIN, the data received last."""

    def any_page(self) -> Page | None:
        """The data of the first learner of the upload that was applied last."""

    def status(self) -> Status:
        """The state of the service."""

    def held(self) -> tuple[HeldMessage, ...]:
        """The messages that wait for the operator, oldest first."""

    def story(self, reference: str) -> Story | None:
        """The story of one message."""

    def references_from(self, senders: Sequence[str], since: datetime, until: datetime) -> tuple[str, ...]:
        """The messages that came from these addresses or domains in this time, the latest first."""

    def references(self, message_id: str) -> tuple[str, ...]:
        """The messages with a Message-ID, the latest first."""

    def schools(self) -> tuple[Enrolled, ...]:
        """The register."""

    def children(self, school_id: int) -> tuple[Child, ...]:
        """The identities of a school's learners."""


def show(upin: str, school: School | None, reading: Reading) -> Json | None:
    """One learner's *Your School Data*; None if nobody has this UPIN."""
    return _page(reading.page(values.as_upin(upin), school))


def any_page(reading: Reading) -> Json | None:
    """The page of one learner of the upload that was applied last; None if there is none."""
    return _page(reading.any_page())


def status(reading: Reading) -> Json:
    """Polls, messages by outcome, the outbox, and the oldest unanswered message."""
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


def polled_within(span: timedelta, now: datetime, reading: Reading) -> bool:
    """True if a poll has succeeded within this time; one in the far future does not count: the clock was wrong."""
    last = reading.status().last_success
    return last is not None and abs(now - last) <= span


def held(reading: Reading) -> list[Json]:
    """The messages that wait for the operator, oldest first."""
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
    """The whole story of one message, without any learner's data; None if it is not known.

    An upload's name, `PM-7F3K-9Q2T/1`, stands for its message.
    """
    story = reading.story(reference.strip().upper().partition("/")[0])
    return _story(story) if story else None


def explain_message(message_id: str, reading: Reading) -> Json | None:
    """The story of the latest message with a Message-ID."""
    wanted = f"<{message_id.strip().strip('<>')}>"
    return next((explain(reference, reading) for reference in reading.references(wanted)), None)


def explain_from(who: str, days: tuple[datetime, datetime], reading: Reading) -> list[Json]:
    """The stories of messages that came in this time from an address, a domain, or a school (name, postcode or id)."""
    folded = text.fold(who)
    senders: list[str] = []
    for entry in reading.schools():
        if folded in map(text.fold, _names(entry.school)):
            senders.extend(entry.senders)
    references = reading.references_from(senders or [who.strip().lower()], *days)
    stories = (explain(reference, reading) for reference in references)
    return [story for story in stories if story]


def erasure(receipt: Erasure) -> Json:
    """The receipt of an erasure; `waiting` counts the messages that nobody has opened."""
    counts = {name: getattr(receipt.erased, name) for name in ("learners", "messages", "replies", "waiting")}
    return {"reference": receipt.reference, "erased_at": moment(receipt.at)} | counts


def moment(time: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second, with "Z"."""
    if time is None:
        return None
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _names(school: School) -> tuple[str, str, str]:
    return school.name, school.postcode, school.number


def _page(page: Page | None) -> Json | None:
    if page is None:
        return None
    return {
        "upin": page.upin,
        "school": {"name": page.school.name, "postcode": page.school.postcode},
        "introduction": list(page.introduction),
        "fields": [field(one) for one in page.fields],
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
        "school_name": upload.school_name,
        "sheet": upload.sheet,
        "heading_row": upload.heading_row,
        "learners": upload.learners,
        **{key: getattr(upload, key) for key in COUNTS},
        "problems": [
            {"code": problem.code, "severity": problem.severity.value, "cells": references.names(problem.cells)}
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


def field(one: Field) -> Json:
    """A field as JSON tells it."""
    return {"heading": one.heading, "value": one.value}

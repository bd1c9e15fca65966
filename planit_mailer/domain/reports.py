"""Reports: the answers of the store to people's questions.

Only `Page` has learner data; the operator may read everything else, and it may be logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from planit_mailer.domain.forms.problems.catalogue import Severity
from planit_mailer.domain.forms.upload import Field
from planit_mailer.domain.messages import Outcome, Sender
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.schools import School


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was erased: learners, messages to be deleted, replies that waited.

    `waiting` messages nobody has opened: held, quarantined, or still in the inbox; they may be about anybody.
    """

    learners: int
    messages: int
    replies: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt of an erasure: nothing in it says who."""

    reference: str
    at: datetime
    erased: Erased


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A message whose answer is owed by `due_at`; `warned` is the highest level that was told already, 0 for none.

    `registered`: its sender is authentic and may send for a school, so that they may be told of a delay.
    `answer_waits`: its answer is in the outbox, and waits for the relay.
    """

    arrival: int
    reference: str
    received_at: datetime
    clock_from: datetime
    due_at: datetime
    warned: int
    sender: str
    registered: bool
    answer_waits: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One learner's *Your School Data* as it stands now; `reference` names the upload that it came with."""

    upin: str
    school: School
    introduction: tuple[str, ...]
    fields: tuple[Field, ...]
    reference: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """How the service stands: messages by outcome, mails in the outbox by state, and the answer owed for longest."""

    last_poll: datetime | None
    last_success: datetime | None
    messages: Mapping[Outcome, int]
    outbox: Mapping[str, int]
    oldest_unanswered: Unanswered | None


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message that waits for the operator; `sender` is the From address, authentic or not."""

    reference: str
    outcome: Outcome
    sender: str
    received_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class ProblemRecord:
    """One problem as it is kept: its words are in the catalogue, and would name what the school wrote."""

    code: str
    severity: Severity
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """One form of a message: where it was found (sheet and row count from 1), its problems and changes.

    `school` is the public id of its school, `school_name` the registered name, "" if none was found.
    """

    number: int
    school: str
    school_name: str
    outcome: Outcome
    sheet: int | None
    heading_row: int | None
    learners: int
    new: int
    changed: int
    unchanged: int
    passed_over: int
    absent: int
    problems: tuple[ProblemRecord, ...]


@dataclass(frozen=True, slots=True)
class ReplyRecord:
    """One mail about a message: its content is gone once it is sent or has failed, this stays."""

    kind: ReplyKind
    recipient: str
    message_id: str
    state: str
    queued_at: datetime
    final_at: datetime | None
    attempts: int
    relay_answer: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is known of one message. Times in UTC, `size` in bytes; None or "" if it has not happened."""

    arrival: int
    reference: str
    size: int
    digest: str
    received_at: datetime
    first_seen_at: datetime
    clock_from: datetime
    due_at: datetime | None
    answered_at: datetime | None
    attempts: int
    crashes: int
    outcome: Outcome | None
    reason: str
    sender: Sender
    date: str
    message_id: str
    released: bool
    accept_identities: bool
    waits_to_be_brought_back: bool
    settled_at: datetime | None
    folder: str
    filed_at: datetime | None
    superseded: bool
    mail_deleted_at: datetime | None
    unanswered: str
    uploads: tuple[UploadRecord, ...]
    replies: tuple[ReplyRecord, ...]

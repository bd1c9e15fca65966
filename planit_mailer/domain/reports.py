"""Reports: what the store tells the operator and the web pages.

Only `Page` contains learner data. Everything else may be shown to the operator and be logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from planit_mailer.domain.forms.problems.catalogue import Severity
from planit_mailer.domain.forms.upload import Field
from planit_mailer.domain.messages import Outcome, Sender
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.schools import School
from planit_mailer.spreadsheets.model import Range


@dataclass(frozen=True, slots=True)
class Erased:
    """The numbers of erased learners, of messages to be deleted, and of erased replies in the outbox.

    `waiting` counts messages that are not judged yet (held, quarantined, or in the inbox) and may be about anybody.
    """

    learners: int
    messages: int
    replies: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """The receipt of an erasure. It does not say who was erased."""

    reference: str
    at: datetime
    erased: Erased


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A message whose answer is owed by `due_at`. `warned` is the highest level of warning so far, 0 for none.

    `registered`: the sender is authentic and may send for a school, so they may be told of a delay.
    `answer_waits`: the answer is in the outbox and waits for the relay.
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
class Untold:
    """The references of messages that no alert was about: quarantined ones, and those whose reply did not arrive."""

    quarantined: tuple[str, ...]
    undelivered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One learner's current *Your School Data*. `reference` names the message that it came with."""

    upin: str
    school: School
    introduction: tuple[str, ...]
    fields: tuple[Field, ...]
    reference: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the service: messages by outcome, the outbox by state, and the answer that is owed for longest."""

    last_poll: datetime | None
    last_success: datetime | None
    messages: Mapping[Outcome, int]
    outbox: Mapping[str, int]
    oldest_unanswered: Unanswered | None


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message that waits for the operator. `sender` is the From address, authentic or not."""

    reference: str
    outcome: Outcome
    sender: str
    received_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class ProblemRecord:
    """A problem as it is stored, with blocks of cells. Its message is not stored, because it may quote the school."""

    code: str
    severity: Severity
    cells: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """One form of a message, its place in the workbook, its problems and its changes.

    `sheet` and `heading_row` count from 1. `school` is the public id of its school and `school_name` the registered
    name, "" if no school was found.
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
    """A mail about a message, as it is kept after its content is deleted: once it is sent or has failed for good."""

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
    """Everything that the store knows of one message.

    Times are in UTC, `size` is in bytes. A value is None or "" if its event has not happened.
    """

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

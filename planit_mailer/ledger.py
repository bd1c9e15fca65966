"""What is written down about a message: its receipt, its outcome, what it changed, and its reply.

The story, the replies and the store all speak in these values; none of them belongs to one of the three.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from planit_mailer.uploads.annotated import Annotated
from planit_mailer.uploads.identity import Child, Matches
from planit_mailer.uploads.judging import Judgement
from planit_mailer.uploads.problems import Problem
from planit_mailer.uploads.upload import Upload


class Outcome(StrEnum):
    """What became of a message."""

    QUARANTINED = "quarantined"  # not authentic, or we failed three times: a person looks
    HELD = "held"  # an authentic but unknown sender: waits for the operator
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Key:
    """Names one message in the mailbox for ever (RFC 9051 section 2.3.1.1)."""

    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the inbox, before it is fetched: `size` in bytes as the server has it, INTERNALDATE in UTC."""

    key: Key
    size: int
    received_at: datetime
    dated: bool = True  # else the server gives no date, and `received_at` is when it was listed


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of a message as they were sent; where it is larger than the limit, its header alone."""

    raw: bytes
    whole: bool = True


@dataclass(frozen=True, slots=True)
class School:
    """A registered school; `number` is its public id, the URN where it was imported."""

    id: int
    number: str
    name: str
    postcode: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What the register says of one address: the schools that it may send for, and whether it was denied."""

    schools: tuple[School, ...] = ()
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof of what became of a message.

    `arrival` numbers messages in the order in which they were first seen. `outcome` is None until it is settled.
    `released`: the operator vouches for its sender, once. `accept_identities`: and for its learners' identities.
    """

    arrival: int
    reference: str
    received_at: datetime
    first_seen_at: datetime
    attempts: int = 0
    deaths: int = 0
    outcome: Outcome | None = None
    reason: str = ""
    released: bool = False
    accept_identities: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """The one From address, and whether it can be believed; `why` says on what grounds. `undecided`: later, perhaps."""

    address: str
    authentic: bool
    why: str
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """One attachment; its judgement is None where it was not opened, only sniffed. `digest` is the SHA-256 of it."""

    name: str
    is_spreadsheet: bool
    found: str
    judgement: Judgement | None = None
    digest: str = ""


Cause = tuple[str, tuple[Problem, ...]]


@dataclass(frozen=True, slots=True)
class JudgedUpload:
    """One form of a message with its own outcome; `upload` and `matches` are there when it is accepted.

    `digest` names its file among the attachments; `painted` is the workbook that goes back, where one does.
    """

    number: int
    file_name: str
    judgement: Judgement
    school: School | None = None
    upload: Upload | None = None
    matches: Matches | None = None
    digest: str = ""
    painted: Annotated | None = None

    @property
    def cause(self) -> Cause:
        """What its painted workbook depends on: the file, and the problems."""
        return self.digest, self.judgement.problems

    @property
    def outcome(self) -> Outcome:
        """Accepted or rejected."""
        return Outcome.ACCEPTED if self.judgement.accepted else Outcome.REJECTED


class ReplyKind(StrEnum):
    """The kinds of mail that leave the house."""

    CONFIRMATION = "confirmation"
    REPORT = "report"
    HELP = "help"
    HELD = "held"
    DELAYED = "delayed"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of a message, decided before anything is done about it.

    `reply` is the kind of answer for the sender, None where there is none: `unanswered` then says why.
    `alert` is what the operator must hear, "" where nothing. `passed_over` are the files that were no spreadsheets.
    `automatic`: a machine wrote, so the answer goes out as a new message. `clock`: an answer is owed, though none is
    queued: a person has to look first.
    """

    outcome: Outcome
    reason: str
    uploads: tuple[JudgedUpload, ...] = ()
    passed_over: tuple[File, ...] = ()
    reply: ReplyKind | None = None
    unanswered: str = ""
    automatic: bool = False
    alert: str = ""
    clock: bool = False

    @property
    def accepted(self) -> tuple[JudgedUpload, ...]:
        """The uploads that replace learners' data, in the order in which they were attached."""
        return tuple(upload for upload in self.uploads if upload.judgement.accepted)

    @property
    def to_return(self) -> tuple[JudgedUpload, ...]:
        """The rejected uploads whose workbooks go back with their problems painted in: those that could be read."""
        return tuple(u for u in self.uploads if not u.judgement.accepted and u.judgement.readable and u.digest)

    @property
    def owed(self) -> bool:
        """Whether the promised time runs on; a held message waits for the operator without it."""
        return self.clock or (self.reply is not None and self.outcome is not Outcome.HELD)


@dataclass(frozen=True, slots=True)
class YearCount:
    """Of one year group: how many learners are new, changed and unchanged."""

    year: str
    new: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What one accepted upload changed: `passed_over` learners have later data, `absent` ones are not on the form."""

    number: int
    years: tuple[YearCount, ...]
    passed_over: int
    absent: int


@dataclass(frozen=True, slots=True)
class Reply:
    """One mail to one address, composed to the last byte when it is queued."""

    kind: ReplyKind
    recipient: str
    message_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Recent:
    """A reply of ours to one address, not long ago."""

    kind: ReplyKind
    queued_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows that bears on one message.

    `alerts` is how many mails the operator had within a day about messages that name its sender, `twin` the reference
    of a settled message with the same authentic From, Message-ID and attachments, or "".
    `children` are the learners of each school that an upload of the message is for, by the school's id.
    """

    twin: str = ""
    recent: tuple[Recent, ...] = ()
    alerts: int = 0
    children: Mapping[int, Sequence[Child]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """What a message says of itself, as far as its receipt keeps it: no subject, no file name, no body."""

    sender: Sender
    date: str
    message_id: str
    attachments_digest: str

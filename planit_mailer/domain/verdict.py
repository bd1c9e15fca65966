"""The verdict on a message: what is to become of it, decided before anything is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.identity import Child, Matches
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.forms.upload import Upload
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import Recent, ReplyKind
from planit_mailer.domain.schools import School


@dataclass(frozen=True, slots=True)
class File:
    """One attachment; its judgement is None if it was only sniffed, not opened. `digest` is its SHA-256."""

    name: str
    is_spreadsheet: bool
    found: str
    judgement: Judgement | None = None
    digest: str = ""


Cause = tuple[str, tuple[Problem, ...]]


@dataclass(frozen=True, slots=True)
class JudgedUpload:
    """One form of a message with its own outcome; `upload` and `matches` are set if it is accepted.

    `digest` names its file among the attachments; `painted` is the workbook that goes back, if one does.
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
        """The key of its painted workbook: the file, and the problems."""
        return self.digest, self.judgement.problems

    @property
    def outcome(self) -> Outcome:
        """Accepted or rejected."""
        return Outcome.ACCEPTED if self.judgement.accepted else Outcome.REJECTED


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a message, decided before anything is done.

    `reply` is the kind of answer for the sender, None if there is none: `unanswered` then says why. `alert` is what the
    operator is told, "" if nothing. `passed_over` are the files that were no spreadsheets. `automatic`: a machine
    wrote, so the answer goes out as a new message. `clock`: an answer is owed though none is queued, because a person
    has to look first.
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
        """True if the promised time goes on running; a held message waits for the operator without it."""
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
    """The changes of one accepted upload: `passed_over` learners have later data, `absent` ones are not on the form."""

    number: int
    years: tuple[YearCount, ...]
    passed_over: int
    absent: int


@dataclass(frozen=True, slots=True)
class PolicyContext:
    """The facts from the store that matter for one message.

    `alerts` is the number of alerts within a day about messages that name its sender, `duplicate_of` the reference of a
    settled message with the same authentic From, Message-ID and attachments, or "". `children` are the learners of each
    school that an upload of the message is for, by the school's id.
    """

    duplicate_of: str = ""
    recent: tuple[Recent, ...] = ()
    alerts: int = 0
    children: Mapping[int, Sequence[Child]] = field(default_factory=dict)

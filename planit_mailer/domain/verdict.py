"""The verdict on a message: the decision about it, made before anything is done."""

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
    """One attachment. `digest` is the SHA-256 of its bytes.

    `judgement` is None if the file was only sniffed and not opened.
    """

    name: str
    is_spreadsheet: bool
    found: str
    judgement: Judgement | None = None
    digest: str = ""


Cause = tuple[str, tuple[Problem, ...]]


@dataclass(frozen=True, slots=True)
class JudgedUpload:
    """One form of a message with its own outcome. `upload` and `matches` are there if it is accepted.

    `digest` is that of its file among the attachments. `painted` is the workbook that goes back, None if none does.
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
        """The file and the problems, which determine the painted workbook."""
        return self.digest, self.judgement.problems

    @property
    def outcome(self) -> Outcome:
        """Accepted or rejected."""
        return Outcome.ACCEPTED if self.judgement.accepted else Outcome.REJECTED

    @property
    def painted_data(self) -> bytes:
        """The bytes of the painted workbook, b"" if no workbook goes back."""
        return self.painted.data if self.painted else b""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about a message: its outcome, its uploads, and the mails about it.

    `reply` is the kind of answer for the sender. If it is None, `unanswered` says why. `automatic`: a machine wrote, so
    the answer is a new message. `alert` is the text of a mail to the operator, "" for none. `passed_over` are the files
    that are no spreadsheets. `answer_owed`: an answer is owed, although none is queued: a person has to look.
    """

    outcome: Outcome
    reason: str
    uploads: tuple[JudgedUpload, ...] = ()
    passed_over: tuple[File, ...] = ()
    reply: ReplyKind | None = None
    unanswered: str = ""
    automatic: bool = False
    alert: str = ""
    answer_owed: bool = False

    @property
    def accepted(self) -> tuple[JudgedUpload, ...]:
        """The uploads that replace learners' data, in the order in which they were attached."""
        return tuple(upload for upload in self.uploads if upload.judgement.accepted)

    @property
    def to_return(self) -> tuple[JudgedUpload, ...]:
        """The rejected uploads that could be read. Their workbooks go back with the problems painted in."""
        rejected = [upload for upload in self.uploads if not upload.judgement.accepted]
        return tuple(upload for upload in rejected if upload.judgement.readable and upload.digest)

    @property
    def owed(self) -> bool:
        """True if an answer is owed within the promised time. A held message has no such deadline."""
        return self.answer_owed or (self.reply is not None and self.outcome is not Outcome.HELD)


@dataclass(frozen=True, slots=True)
class YearCount:
    """The numbers of new, changed and unchanged learners of one year group."""

    year: str
    new: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes that one accepted upload made.

    `passed_over` learners already have later data. `absent` learners of the school are not on the form.
    """

    number: int
    years: tuple[YearCount, ...]
    passed_over: int
    absent: int


@dataclass(frozen=True, slots=True)
class PolicyContext:
    """The facts from the store that the policy needs to judge one message.

    `duplicate_of` is the reference of a settled message with the same authentic From, Message-ID and attachments, or
    "". `recent` are the last replies to its sender. `alerts` is the number of mails that the operator had within a day
    about messages that name its sender. `children` are the stored learners of each school that an upload of the message
    is for, by the school's id.
    """

    duplicate_of: str = ""
    recent: tuple[Recent, ...] = ()
    alerts: int = 0
    children: Mapping[int, Sequence[Child]] = field(default_factory=dict)

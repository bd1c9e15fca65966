"""A letter: a message with its authenticated sender and its judged files."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from planit_mailer.domain.forms import judge
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.messages import Receipt, Sender
from planit_mailer.domain.policy import senders
from planit_mailer.domain.schools import School, SenderRegistration
from planit_mailer.domain.verdict import File
from planit_mailer.mail.messages import Attachment, Message
from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.detect import FileKind
from planit_mailer.spreadsheets.encryption.passwords import Password

LONDON = ZoneInfo("Europe/London")
PLAIN = tuple(kind.name for kind in detect.PLAIN)
TABLE_NAMES = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, its sender, the sender's registration, and its files.

    `machine` is the reason why the message must not be answered directly, "" if a person wrote it. `passwords` are
    those of the schools that an authentic sender may send for; they may open the files.
    """

    receipt: Receipt
    message: Message
    sender: Sender
    registration: SenderRegistration
    machine: str
    files: tuple[File, ...] = ()
    passwords: tuple[Password, ...] = ()

    @property
    def registered(self) -> bool:
        """True if the sender is authentic and may send for a school."""
        return self.sender.authentic and bool(self.registration.schools) and not self.registration.denied


def day_of(moment: datetime) -> date:
    """Return the day of a moment in the schools' time zone."""
    return moment.astimezone(LONDON).date()


def with_files(letter: Letter, open_file: Callable[[bytes], Judgement], sniff: Callable[[bytes], FileKind]) -> Letter:
    """Add the files of a letter's message: judged for a registered sender, only sniffed for all others."""
    if not letter.message.whole:
        files = [File("", is_spreadsheet=True, found="", judgement=judge.too_large())]
    elif letter.registered:
        files = [_judged(attachment, open_file(attachment.data)) for attachment in letter.message.attachments]
    else:
        files = [_sniffed(attachment, sniff(attachment.data)) for attachment in letter.message.attachments]
    return replace(letter, files=tuple(files))


def schools(letter: Letter) -> frozenset[School]:
    """Return the sender's schools that the forms of a letter are for."""
    found = set()
    for file in letter.files:
        school = school_of(file.judgement, letter.registration) if file.judgement else None
        if school:
            found.add(school)
    return frozenset(found)


def school_of(judgement: Judgement, registration: SenderRegistration) -> School | None:
    """Return the sender's school that a form is for, by its postcode and, if several schools share it, its name."""
    draft = judgement.draft
    if draft is None or draft.postcode is None:
        return None
    return senders.school_for(draft.postcode, draft.school_name or "", registration.schools)


def _judged(attachment: Attachment, judgement: Judgement) -> File:
    is_spreadsheet = judgement.is_spreadsheet or _is_called_table(attachment, judgement.found)
    return File(attachment.name, is_spreadsheet, judgement.found, judgement, attachment.digest)


def _sniffed(attachment: Attachment, kind: FileKind) -> File:
    may_be_spreadsheet = kind.may_hold_a_form or _is_called_table(attachment, kind.name)
    return File(attachment.name, may_be_spreadsheet, kind.name)


def _is_called_table(attachment: Attachment, found: str) -> bool:
    """True if a file of plain text has the name of a table."""
    return found in PLAIN and attachment.name.lower().endswith(TABLE_NAMES)

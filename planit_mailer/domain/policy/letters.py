"""A letter: a message once it is understood, with what is in its files."""

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


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, who sent it, what the register says of them, and its files.

    `machine` is "" for a person's message, else the reason why it must not be answered directly. `passwords` may open
    its files: those of the schools that an authentic sender may send for.
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
    """The day on which a message arrived, in the schools' time zone."""
    return moment.astimezone(LONDON).date()


def with_files(letter: Letter, open_file: Callable[[bytes], Judgement], sniff: Callable[[bytes], FileKind]) -> Letter:
    """The letter with its files looked at: judged for a registered sender, for all others only sniffed."""
    if not letter.message.whole:
        return replace(letter, files=(File("", is_spreadsheet=True, found="", judgement=judge.too_large()),))
    look = _judged(open_file) if letter.registered else _sniffed(sniff)
    return replace(letter, files=tuple(look(attachment) for attachment in letter.message.attachments))


def schools(letter: Letter) -> frozenset[School]:
    """The sender's schools that the forms of a letter are for."""
    found = (school_of(file.judgement, letter.registration) for file in letter.files if file.judgement)
    return frozenset(school for school in found if school)


def school_of(judgement: Judgement, registration: SenderRegistration) -> School | None:
    """The sender's school that a form is for: its postcode says so and, if several share it, its name."""
    draft = judgement.draft
    if draft is None or draft.postcode is None:
        return None
    return senders.school_for(draft.postcode, draft.school_name or "", registration.schools)


def _judged(judge: Callable[[bytes], Judgement]) -> Callable[[Attachment], File]:
    def look(attachment: Attachment) -> File:
        judgement = judge(attachment.data)
        is_one = judgement.is_spreadsheet or _called_a_table(attachment, judgement.found)
        return File(attachment.name, is_one, judgement.found, judgement, attachment.digest)

    return look


def _sniffed(sniff: Callable[[bytes], FileKind]) -> Callable[[Attachment], File]:
    def look(attachment: Attachment) -> File:
        kind = sniff(attachment.data)
        may_be_one = kind.may_hold_a_form or _called_a_table(attachment, kind.name)
        return File(attachment.name, may_be_one, kind.name)

    return look


def _called_a_table(attachment: Attachment, found: str) -> bool:
    """True if plain text has a table's file name."""
    return found in PLAIN and attachment.name.lower().endswith((".csv", ".tsv"))

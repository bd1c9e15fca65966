"""A letter: a message with its authenticated sender and its judged files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from planit_mailer.domain.forms import judge
from planit_mailer.domain.forms.criteria import Known
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
SPREADSHEET_NAMES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", *TABLE_NAMES)
SNIFFED = 20  # files of a stranger
LEFT_OVER = 20  # files that are told one by one, if there is no time to open them


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


def known(letter: Letter) -> Known:
    """What is known of a registered sender, to be filled in for them: their address, and their school if it is one."""
    if not letter.registered:
        return Known()
    schools = letter.registration.schools
    only = schools[0] if len(schools) == 1 else None
    return Known(only.name if only else "", only.postcode if only else "", letter.sender.address)


@dataclass(frozen=True, slots=True)
class Opening:
    """How the files of a letter are looked at: at most so many `workbooks` are judged.

    `judge` opens a file. `sniff` detects the kinds of files by their beginnings, all at once.
    """

    judge: Callable[[bytes], Judgement]
    sniff: Callable[[Sequence[bytes]], Sequence[FileKind]]
    workbooks: int


def day_of(moment: datetime) -> date:
    """Return the day of a moment in the schools' time zone."""
    return moment.astimezone(LONDON).date()


def with_files(letter: Letter, opening: Opening) -> Letter:
    """Add the files of a letter's message: judged for a registered sender, sniffed for a stranger.

    Nothing is looked at in a message that is not authentic.
    """
    message = letter.message
    files: Sequence[File] = ()
    if message.unread:
        files = (_all_files(judge.email_not_read()),)
    elif not message.whole:
        files = (_all_files(judge.too_large()),)
    elif letter.registered:
        files = _judged_files(message.attachments, opening)
    elif letter.sender.authentic:
        files = _sniffed_files(message.attachments, opening)
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


def _all_files(judgement: Judgement) -> File:
    """All files of a message of which none could be opened, as one."""
    return File("", is_spreadsheet=True, found="", judgement=judgement)


def _judged_files(attachments: Sequence[Attachment], opening: Opening) -> list[File]:
    """The files in their order. Behind the last one that can still be judged, workbooks come before what is none."""
    files: list[File] = []
    workbooks = 0
    for place, attachment in enumerate(attachments):
        if workbooks == opening.workbooks:
            return files + _left_over(attachments[place:], opening)
        judgement = opening.judge(attachment.data)
        if judgement.is_left_over:
            return files + _left_over(attachments[place:], opening)
        file = _judged(attachment, judgement)
        workbooks += file.is_spreadsheet
        files.append(file)
    return files


def _judged(attachment: Attachment, judgement: Judgement) -> File:
    is_spreadsheet = judgement.is_spreadsheet or _is_called_table(attachment, judgement.found)
    return File(attachment.name, is_spreadsheet, judgement.found, judgement, attachment.digest)


def _left_over(attachments: Sequence[Attachment], opening: Opening) -> list[File]:
    """The files that are not opened. Only what may be a spreadsheet is a problem; of many, the last are told as one."""
    meant: list[File] = []
    others: list[File] = []
    for file in _sniffed_all(attachments, opening):
        if file.is_spreadsheet or file.name.lower().endswith(SPREADSHEET_NAMES):
            meant.append(replace(file, is_spreadsheet=True, found="", judgement=judge.left_over()))
        else:
            others.append(file)
    rest = len(meant) - LEFT_OVER
    if rest > 1:
        meant[LEFT_OVER:] = [replace(meant[-1], name=f"{rest:,} more files")]
    return meant + others


def _sniffed_files(attachments: Sequence[Attachment], opening: Opening) -> list[File]:
    """The first files, sniffed. All others count as spreadsheets: a person looks."""
    files = _sniffed_all(attachments[:SNIFFED], opening)
    unseen = [File(attachment.name, is_spreadsheet=True, found="") for attachment in attachments[SNIFFED:]]
    return files + unseen


def _sniffed_all(attachments: Sequence[Attachment], opening: Opening) -> list[File]:
    if not attachments:
        return []
    kinds = opening.sniff([attachment.data[: detect.BEGINNING] for attachment in attachments])
    return [_sniffed(attachment, kind) for attachment, kind in zip(attachments, kinds, strict=True)]


def _sniffed(attachment: Attachment, kind: FileKind) -> File:
    may_be_spreadsheet = kind.may_hold_a_form or _is_called_table(attachment, kind.name)
    return File(attachment.name, may_be_spreadsheet, kind.name)


def _is_called_table(attachment: Attachment, found: str) -> bool:
    """True if a file of plain text has the name of a table."""
    return found in PLAIN and attachment.name.lower().endswith(TABLE_NAMES)

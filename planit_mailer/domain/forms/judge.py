"""Judge a file: its bytes become a judgement, with the draft of its form and every problem."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from planit_mailer.domain.forms import draft, find, plain_text
from planit_mailer.domain.forms.criteria import Criteria, Rules
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem, Severity, Stage
from planit_mailer.domain.forms.rules import stages
from planit_mailer.domain.forms.upload import Draft
from planit_mailer.spreadsheets import detect, read
from planit_mailer.spreadsheets.annotate import annotator
from planit_mailer.spreadsheets.detect import FileKind
from planit_mailer.spreadsheets.encryption import passwords
from planit_mailer.spreadsheets.model import Reason, Sheet, Unreadable
from planit_mailer.spreadsheets.readers import delimited

__all__ = [
    "Criteria",
    "Judgement",
    "Rules",
    "cannot_be_opened",
    "email_not_read",
    "judge",
    "judged",
    "left_over",
    "too_large",
]

LEFT_OVER = "email-too-full"

CODES = {
    Reason.EMPTY: "file-empty",
    Reason.NOT_A_SPREADSHEET: "not-a-spreadsheet",
    Reason.UNSUPPORTED: "file-kind-not-read",
    Reason.PASSWORD: "password-protected",
    Reason.LABELLED: "sensitivity-label",
    Reason.DAMAGED: "damaged-on-the-way",
    Reason.ENCODING: "encoding-unknown",
    Reason.TOO_LARGE: "file-too-large",
    Reason.CANNOT_BE_OPENED: "cannot-be-opened",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The judgement of one file. `draft` is None if no form was found; `sheet` and `heading_row` place the first one.

    `found` names the kind of an unreadable file, such as "a picture", else "". `is_spreadsheet` is False for a file
    that is neither a spreadsheet nor plain text with a form in it; it counts only if the message has no form.
    `encrypted` is True if a password opened it. `sheets` are the names and numbers of all sheets if the cells of
    problems have the name of theirs, else ().
    """

    draft: Draft | None
    problems: tuple[Problem, ...]
    sheet: int | None = None
    heading_row: int | None = None
    found: str = ""
    is_spreadsheet: bool = True
    encrypted: bool = False
    sheets: tuple[tuple[str, int], ...] = ()

    @property
    def locked(self) -> bool:
        """True if the file is a workbook that none of the passwords opens."""
        return any(one.code == CODES[Reason.PASSWORD] for one in self.problems)

    @property
    def is_left_over(self) -> bool:
        """True if the file was not opened, because its message had used up its time or its number of workbooks."""
        return any(one.code == LEFT_OVER for one in self.problems)

    @property
    def readable(self) -> bool:
        """True if the file could be read as a workbook, with or without a form."""
        return self.is_spreadsheet and all(one.stage is not Stage.FILE for one in self.problems)

    @property
    def accepted(self) -> bool:
        """True if the form can be applied: it was found and has no errors."""
        return self.draft is not None and all(one.severity is not Severity.ERROR for one in self.problems)


def judge(data: bytes, judging: Criteria) -> Judgement:
    """Judge a file. Runs in the reading process.

    A locked workbook is opened if a password fits. What is locked again inside it stays locked.
    """
    judgement = _judge(data, judging)
    if judgement.locked:
        opened = passwords.opened(data, judging.passwords)
        if opened:
            return replace(_judge(opened.data, judging), encrypted=True)
    return judgement


def _judge(data: bytes, judging: Criteria) -> Judgement:
    """Judge a file without any password."""
    kind = detect.sniff(data)
    workbook = read.read(data, judging.limits, find.likeness)
    if isinstance(workbook, Unreadable):
        judgement = _unreadable(workbook, kind)
    else:
        judgement = judged(workbook, judging)
    if kind in detect.PLAIN and judgement.draft and delimited.encoding(data) == delimited.WINDOWS:
        return _with_names_checked(data, judgement, judging)
    if kind in detect.PLAIN and judgement.draft is None:
        return replace(judgement, found=kind.name, is_spreadsheet=False)
    return judgement


def _with_names_checked(data: bytes, judgement: Judgement, judging: Criteria) -> Judgement:
    """The judgement of a text that was read as Windows writes it in the West, unless its names say otherwise.

    Then it is read in the encoding in which they are names, or refused if that cannot be told.
    """
    assert judgement.draft, "a form was found"
    names = plain_text.names(judgement.draft)
    found = plain_text.checked([name for name, _ in names])
    if found.encoding is None:
        return Judgement(None, (catalogue.problem("encoding-unknown"),))
    if found.is_sure:
        return judgement
    if found.encoding != delimited.WINDOWS:
        judgement = _judge(data.decode(found.encoding, "replace").encode(), judging)
    cells = dict.fromkeys(cell for name, cell in names if not name.isascii())
    return replace(judgement, problems=(*judgement.problems, catalogue.problem("encoding-guessed", cells)))


def judged(workbook: Sequence[Sheet], judging: Criteria) -> Judgement:
    """Judge a workbook that has been read, ignoring a Problems sheet that we added to it earlier."""
    search = find.find([sheet for sheet in workbook if not annotator.is_ours(sheet)])
    if not search.forms:
        return Judgement(None, search.problems)
    if sum(form.stored for form in search.forms) > judging.limits.text:
        return _too_much_text(judging.limits.text)
    first = search.forms[0]
    return Judgement(
        draft=draft.draft(search.forms),
        problems=(*search.problems, *stages.check(search.forms, judging)),
        sheet=first.sheet.number,
        heading_row=first.heading_row,
        sheets=tuple((sheet.name, sheet.number) for sheet in workbook) if first.name else (),
    )


def _too_much_text(most: int) -> Judgement:
    """Return the judgement of a form whose text, as it would be stored, has more than so many bytes."""
    found = (
        f"a form with more than {most / 1_000_000:,g} MB of text, headings and introduction counted for each learner"
    )
    return Judgement(None, (catalogue.problem(CODES[Reason.TOO_LARGE], found=found),))


def cannot_be_opened() -> Judgement:
    """Return the judgement of a file that crashed the reading process, or exceeded its time or memory."""
    return Judgement(None, (catalogue.problem("cannot-be-opened"),))


def too_large() -> Judgement:
    """Return the judgement of the files of a message that is too large to be fetched."""
    return Judgement(None, (catalogue.problem("file-too-large", found="an email that is so large"),))


def left_over() -> Judgement:
    """Return the judgement of a file for which its message has no time left, or which is one workbook too many."""
    return Judgement(None, (catalogue.problem(LEFT_OVER),))


def email_not_read() -> Judgement:
    """Return the judgement of the files of a message that crashed the reading process, or that no parser can read."""
    return Judgement(None, (catalogue.problem("email-not-read"),))


def _unreadable(file: Unreadable, kind: FileKind) -> Judgement:
    """Return the judgement of an unreadable file. A picture is called a picture even if it is too large."""
    found = str(file.found) or "of a kind that we do not know"
    problem = catalogue.problem(CODES[file.reason], found=found)
    return Judgement(None, (problem,), found=str(file.found), is_spreadsheet=kind.is_spreadsheet)

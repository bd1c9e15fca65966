"""Bytes of a file → a judgement: the draft of its form, and every problem that a school can put right."""

from dataclasses import dataclass

from planit_mailer.uploads import problems
from planit_mailer.uploads.policy import Judging, Rules
from planit_mailer.uploads.problems import Problem, Severity
from planit_mailer.uploads.upload import Draft

__all__ = ["Judgement", "Judging", "Rules", "cannot_be_opened", "judge", "too_large"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was made of one file. `draft` is None where no form was found; `sheet` and `heading_row` say where it is.

    `found` says what an unreadable file is, as in "a picture", else "". `is_spreadsheet` is False for what is no
    spreadsheet at all, and counts only where a message has no form.
    """

    draft: Draft | None
    problems: tuple[Problem, ...]
    sheet: int | None = None
    heading_row: int | None = None
    found: str = ""
    is_spreadsheet: bool = True

    @property
    def accepted(self) -> bool:
        """Whether the form can be applied: it is there, and has no errors."""
        return self.draft is not None and all(one.severity is not Severity.ERROR for one in self.problems)


def judge(data: bytes, judging: Judging) -> Judgement:
    """Judge a file. Runs in the reading process; the judgement is pickled back."""
    raise NotImplementedError


def cannot_be_opened() -> Judgement:
    """What is said of a file that killed, hung or exhausted its reader."""
    return Judgement(None, (problems.problem("cannot-be-opened"),))


def too_large() -> Judgement:
    """What is said of the files of a message that is too large to be fetched."""
    return Judgement(None, (problems.problem("file-too-large", found="an email that is so large"),))

"""Uploads: the contents of a form and its learners, complete, or as a draft while it still has mistakes."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from planit_mailer.spreadsheets.model import Range

LETTERS = ("A", "B", "C", "D", "E", "F")  # columns of the compulsory fields in the handbook


@dataclass(frozen=True, slots=True)
class FormSheet:
    """One sheet of a form: what its learners have in common.

    `letters` are the columns of first name, surname, UPIN, SIMS No, DOB and year, "" for one that is missing. `name` is
    "" if the form has one sheet.
    """

    introduction: tuple[str, ...] = ()
    letters: tuple[str, ...] = LETTERS
    name: str = ""


class Field(NamedTuple):
    """One provider-defined field of one learner: its heading and the text that the learner will see."""

    heading: str
    value: str


@dataclass(frozen=True, slots=True)
class Learner:
    """One complete learner of an upload. `row` is the row on the sheet, `sheet` the sheet's place in the upload from 0.

    `headings` are those of the whole upload. `values` are the learner's in the same order, None for a blank cell. They
    are kept apart because a form has hundreds of thousands of values, which all come from the reading process.
    """

    row: int
    first_name: str
    surname: str
    upin: str
    sims_no: str
    dob: date
    year: str
    headings: tuple[str, ...] = ()
    values: tuple[str | None, ...] = ()
    sheet: int = 0

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that the learner will see: blank cells are left out (handbook section 8)."""
        return _fields(self.headings, self.values)


@dataclass(frozen=True, slots=True)
class Upload:
    """One form without errors, ready to replace its learners' earlier data (handbook section 5).

    `headings` are those of all its sheets. A learner has no value under a heading of another sheet.
    """

    school_name: str
    postcode: str
    submitted_by: str
    date_submitted: date
    headings: tuple[str, ...]
    learners: tuple[Learner, ...]
    sheets: tuple[FormSheet, ...] = (FormSheet(),)


class DraftLearner(NamedTuple):
    """One learner as far as the row could be read. Unreadable values are None; otherwise it is like Learner.

    It is a tuple because the reading process returns thousands of them, and dataclasses take five times as long.
    """

    row: int
    first_name: str | None
    surname: str | None
    upin: str | None
    sims_no: str | None
    dob: date | None
    year: str | None
    headings: tuple[str, ...] = ()
    values: tuple[str | None, ...] = ()
    sheet: int = 0

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that the learner would see."""
        return _fields(self.headings, self.values)

    def complete(self) -> Learner:
        """Return the complete learner. Raises ValueError if something is missing."""
        if (
            self.first_name is None
            or self.surname is None
            or self.upin is None
            or self.sims_no is None
            or self.dob is None
            or self.year is None
        ):
            raise ValueError(f"row {self.row} is not complete")
        return Learner(
            self.row,
            self.first_name,
            self.surname,
            self.upin,
            self.sims_no,
            self.dob,
            self.year,
            self.headings,
            self.values,
            self.sheet,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """One form as far as it could be read; unreadable values are None. Otherwise it is like Upload.

    `school_cells` are the cells of the school's name and postcode, in that order, None for one without a label.
    """

    school_name: str | None
    postcode: str | None
    submitted_by: str | None
    date_submitted: date | None
    headings: tuple[str, ...]
    learners: tuple[DraftLearner, ...]
    sheets: tuple[FormSheet, ...] = (FormSheet(),)
    school_cells: tuple[Range | None, ...] = ()

    @property
    def introduction(self) -> tuple[str, ...]:
        """The introduction of the first sheet."""
        return self.sheets[0].introduction

    def complete(self) -> Upload:
        """Return the complete upload. Raises ValueError if something is missing."""
        if (
            self.school_name is None
            or self.postcode is None
            or self.submitted_by is None
            or self.date_submitted is None
        ):
            raise ValueError("the required information is not complete")
        return Upload(
            self.school_name,
            self.postcode,
            self.submitted_by,
            self.date_submitted,
            self.headings,
            tuple(learner.complete() for learner in self.learners),
            self.sheets,
        )


def _fields(headings: tuple[str, ...], values: tuple[str | None, ...]) -> tuple[Field, ...]:
    return tuple(Field(heading, value) for heading, value in zip(headings, values, strict=True) if value is not None)

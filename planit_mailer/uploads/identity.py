"""Is this the same child? An upload and the children that the school is known to have → matches, and problems.

Learners are matched by UPIN; failing that by SIMS No, surname and DOB together, as when a temporary UPN became permanent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from planit_mailer.spreadsheets import sheets
from planit_mailer.uploads import problems, values
from planit_mailer.uploads.problems import Problem, Severity
from planit_mailer.uploads.upload import Learner, Upload

Person = tuple[str, str, date]  # first name and surname, folded for comparing, and date of birth


@dataclass(frozen=True, slots=True)
class Child:
    """A learner of a school as stored; `arrival` is the arrival number of the upload that the data came from."""

    upin: str
    sims_no: str
    first_name: str
    surname: str
    dob: date
    year: str
    arrival: int


@dataclass(frozen=True, slots=True)
class Matches:
    """For each learner of an upload, in order, the child it is known as, None for a new one; and what is odd."""

    children: tuple[Child | None, ...]
    problems: tuple[Problem, ...]


def same_name(one: str, other: str) -> bool:
    """Whether two names differ in no more than case, accents, spaces, hyphens and apostrophes."""
    return values.name_key(one) == values.name_key(other)

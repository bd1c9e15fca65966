"""Recognise the headings of the six compulsory fields by a curated list of aliases, never by similarity."""

from dataclasses import dataclass
from enum import StrEnum

from planit_mailer.core.text import fold


class Identity(StrEnum):
    """The six compulsory fields, by the handbook's headings (section 5)."""

    FIRST_NAME = "First name"
    SURNAME = "Learner Surname"
    UPIN = "UPIN"
    SIMS_NO = "SIMS No"
    DOB = "DOB"
    YEAR = "Year"


@dataclass(frozen=True, slots=True)
class Alias:
    """The field that a heading means, and its rank: 0 is the most preferred alias."""

    identity: Identity
    rank: int


# By preference: the handbook's word, the plain word, Legal, Preferred. From exports of SIMS, Arbor, Bromcom and CEM.
ALIASES = {
    Identity.FIRST_NAME: (
        "First name", "Learner First name", "Student First name", "Pupil First name",
        "Forename", "Learner Forename", "Student Forename", "Pupil Forename", "Given name", "Forenames", "First names",
        "Legal First name", "Legal Forename", "Legal Given name",
        "Preferred First name", "Preferred Forename", "Preferred Given name", "Chosen First name", "Chosen Forename",
    ),
    Identity.SURNAME: (
        "Learner Surname", "Student Surname", "Pupil Surname",
        "Surname", "Last name", "Learner Last name", "Student Last name", "Pupil Last name", "Family name",
        "Legal Surname", "Legal Last name", "Legal Family name",
        "Preferred Surname", "Preferred Last name", "Preferred Family name", "Chosen Surname", "Chosen Last name",
    ),
    Identity.UPIN: (
        "UPIN", "UPN", "UPIN/UPN", "UPN/UPIN", "UPN Number", "UPN No", "Unique Pupil Number", "Unique Pupil No",
        "Unique Pupil Number (UPN)", "Unique Pupil Identifier", "Unique Pupil Identification Number",
    ),
    Identity.SIMS_NO: (
        "SIMS No", "SIMS Number", "SIMS ID", "Adno", "Adm No", "Ad No", "Adm Number", "Admission No",
        "Admission Number", "Admissions No", "Admissions Number", "MIS ID",
    ),
    Identity.DOB: (
        "DOB", "DOB (dd/mm/yyyy)", "Date of Birth", "Date of Birth (DOB)", "Date of Birth (dd/mm/yyyy)", "Birth date",
    ),
    Identity.YEAR: (
        "Year", "NC Year", "Year Group", "NC Year Group", "Yr", "Yr Group", "Year Grp", "NC Yr", "NC Year Actual",
        "Actual NC Year", "National Curriculum Year", "National Curriculum Year Group", "Curriculum Year",
    ),
}  # fmt: skip

LONGEST = 200  # characters of what may mean something; a sheet can repeat a text of 32,000 in every cell
NEVER = ("Compulsory Fields", "Provider defined fields")
EXAMPLES = (
    "Subject 1 example History", "Art KSS pred", "Subject 3 example Science", "FFT Eng KS3", "Subject 4 example Maths",
)  # fmt: skip


def alias(heading: str) -> Alias | None:
    """Return the compulsory field that a heading means, or None."""
    return _ALIASES.get(fold(heading)) if len(heading) <= LONGEST else None


def is_never(heading: str) -> bool:
    """True if it is one of the form's own group titles, which are never headings."""
    return len(heading) <= LONGEST and fold(heading) in _NEVER


def is_example(heading: str) -> bool:
    """True if it is one of the handbook's example headings, word for word."""
    return " ".join(heading.split()).casefold() in _EXAMPLES


_ALIASES = {fold(word): Alias(identity, rank) for identity, words in ALIASES.items() for rank, word in enumerate(words)}
_NEVER = frozenset(map(fold, NEVER))
_EXAMPLES = frozenset(word.casefold() for word in EXAMPLES)

"""Recognise the headings of the six compulsory fields by a curated list of aliases, never by similarity."""

import re
import unicodedata
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
        "First name", "Forename", "Given name", "Forenames", "First names",
        "Legal First name", "Legal Forename", "Legal Given name",
        "Preferred First name", "Preferred Forename", "Preferred Given name", "Chosen First name", "Chosen Forename",
        "Known as",
    ),
    Identity.SURNAME: (
        "Learner Surname", "Last name", "Family name",
        "Legal Surname", "Legal Last name", "Legal Family name",
        "Preferred Surname", "Preferred Last name", "Preferred Family name", "Chosen Surname", "Chosen Last name",
    ),
    Identity.UPIN: (
        "UPIN", "UPN", "UPIN/UPN", "UPN/UPIN", "UPN No", "Unique Pupil No", "Unique Pupil No UPN",
        "Unique Pupil Identifier", "Unique Pupil Identification No",
    ),
    Identity.SIMS_NO: (
        "SIMS No", "SIMS", "Adno", "Adm No", "Admission No", "Admissions No", "School Admission No", "Student ID",
        "MIS ID",
    ),
    Identity.DOB: ("DOB", "Date of Birth", "Date of Birth DOB", "Birth date"),
    Identity.YEAR: (
        "Year", "NC Year", "NCY", "Year Group", "NC Year Group", "Yr", "Yr Group", "Year Grp", "NC Yr",
        "NC Year Actual", "Actual NC Year", "National Curriculum Year", "National Curriculum Year Group",
        "Curriculum Year", "Year taught in", "Year taught in Code",
    ),
}  # fmt: skip

REMARK = re.compile(r"(?<=\S)\s*(?:\([^()]*\)|\[[^][]*\])[\s*:]*$")  # "(required)" or "[dd/mm/yyyy]" at the end
NUMBER = re.compile("(?:number|nr|id)$")
WHOSE = re.compile(r"\W*(?i:pupil|student|learner|child)(?:['’]?s)?(?:[\W_]+|(?=[A-Z]))")  # noqa: RUF001

LONGEST = 200  # characters of what may mean something; a sheet can repeat a text of 32,000 in every cell
NEVER = ("Compulsory Fields", "Provider defined fields")
EXAMPLES = (
    "Subject 1 example History", "Art KSS pred", "Subject 3 example Science", "FFT Eng KS3", "Subject 4 example Maths",
)  # fmt: skip


def alias(heading: str) -> Alias | None:
    """Return the compulsory field that a heading means, or None."""
    return _ALIASES.get(folded(heading)) if len(heading) <= LONGEST else None


def folded(heading: str) -> str:
    """Return a heading in the form in which it is compared with the aliases.

    Only letters and digits count, without case and accents. A remark in brackets at the end is left out, and so is
    whose field it is, as in Pupil UPN, unless only No would be left. Number, Nr, # and ID are No.
    """
    label = without_remark(heading).replace("#", " No ")
    whole = _letters(label)
    field = _letters(label.removeprefix(_whose(label)))
    return whole if field in ("", "no") else field


def _whose(label: str) -> str:
    """The word at the beginning that says whose field it is, or ""."""
    found = WHOSE.match(label)
    return found[0] if found else ""


def _letters(label: str) -> str:
    return NUMBER.sub("no", fold(label))


def without_remark(label: str) -> str:
    """Return a label without a remark in brackets at its end, as in Date submitted (dd/mm/yyyy)."""
    return REMARK.sub("", label)


def look(heading: str) -> str:
    """Return a heading in the form in which two of the school's own are compared: as a reader sees them.

    Case, spaces and full-width letters make no difference; signs, symbols and emoji do.
    """
    return "".join(unicodedata.normalize("NFKC", heading).casefold().split())


def is_never(heading: str) -> bool:
    """True if it is one of the form's own group titles, which are never headings."""
    return len(heading) <= LONGEST and fold(heading) in _NEVER


def is_example(heading: str) -> bool:
    """True if it is one of the handbook's example headings, word for word."""
    return " ".join(heading.split()).casefold() in _EXAMPLES


_ALIASES = {
    folded(word): Alias(identity, rank) for identity, words in ALIASES.items() for rank, word in enumerate(words)
}
_NEVER = frozenset(map(fold, NEVER))
_EXAMPLES = frozenset(word.casefold() for word in EXAMPLES)

"""What a school's form is judged by."""

from dataclasses import dataclass
from datetime import date

from planit_mailer.spreadsheets.sheets import Limits

SENSITIVE = (
    "SEN",
    "SEND",
    "EHCP",
    "EHC",
    "IEP",
    "FSM",
    "Free School Meals",
    "PP",
    "Pupil Premium",
    "LAC",
    "CLA",
    "Looked After",
    "In Care",
    "CP",
    "Child Protection",
    "CIN",
    "Child in Need",
    "Safeguarding",
    "EAL",
    "Ethnicity",
    "Ethnic",
    "Religion",
    "Medical",
    "Disability",
    "Disabled",
    "Traveller",
    "Asylum",
    "Exclusion",
    "Excluded",
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of learners' data: ages in whole years, both ends allowed; words that earn a heading a warning."""

    youngest: int = 3
    oldest: int = 25
    check_letter: bool = True
    sensitive: tuple[str, ...] = SENSITIVE


@dataclass(frozen=True, slots=True)
class Judging:
    """What a form is judged by; `today` is the day in Europe/London on which its message arrived."""

    today: date
    rules: Rules
    limits: Limits

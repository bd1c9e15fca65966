"""What a school's form is judged by."""

from dataclasses import dataclass
from datetime import date

from planit_mailer.core import sensitive_words
from planit_mailer.spreadsheets.encryption.passwords import Password
from planit_mailer.spreadsheets.model import Limits


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked of learners' data: ages in whole years, both ends allowed; words that earn a heading a warning."""

    youngest: int = 3
    oldest: int = 25
    check_letter: bool = True
    sensitive: tuple[str, ...] = sensitive_words.WORDS


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a form is judged by; `today` is the day in Europe/London on which its message arrived.

    `passwords` are tried, in their order, on a workbook that opens with one.
    """

    today: date
    rules: Rules
    limits: Limits
    passwords: tuple[Password, ...] = ()

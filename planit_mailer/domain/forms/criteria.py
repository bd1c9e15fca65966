"""The criteria that a form is judged by."""

from dataclasses import dataclass
from datetime import date

from planit_mailer.core import sensitive_words
from planit_mailer.spreadsheets.encryption.passwords import Password
from planit_mailer.spreadsheets.model import Limits


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for learners' data: the youngest and oldest age in years, and words that give a heading a warning."""

    youngest: int = 3
    oldest: int = 25
    check_letter: bool = True
    sensitive: tuple[str, ...] = sensitive_words.WORDS


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a sender, to be filled in for them: the school's name and postcode, and who they are.

    What is not known is "".
    """

    school_name: str = ""
    postcode: str = ""
    submitted_by: str = ""


@dataclass(frozen=True, slots=True)
class Criteria:
    """The criteria for a form. `today` is the day in Europe/London on which its message arrived.

    `passwords` are tried in this order on an encrypted workbook.
    """

    today: date
    rules: Rules
    limits: Limits
    passwords: tuple[Password, ...] = ()
    known: Known = Known()

"""The catalogue: everything that can be wrong with a form, in words that say how to put it right.

One entry a code; from it come the email, `check`, and the page for schools. Style: GOV.UK error messages.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Severity(StrEnum):
    """An error rejects the whole upload, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Stage(IntEnum):
    """Checks go in stages; all errors of the first stage that has any are reported, later stages are not."""

    FILE = 1
    FORM = 2
    REQUIRED = 3
    HEADINGS = 4
    ROWS = 5
    LEARNERS = 6


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a school can put right. `cells` names every single cell, as Excel does; () where none applies.

    The message names cells, headings and counts, never a learner's name, UPIN, DOB or value.
    """

    code: str
    severity: Severity
    stage: Stage
    message: str
    cells: tuple[str, ...] = ()

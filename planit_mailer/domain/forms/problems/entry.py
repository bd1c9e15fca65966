"""How grave a problem is, when it is looked for, and what the catalogue says of it."""

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
class Entry:
    """One kind of problem in the catalogue.

    `message` says what is wrong and how to put it right; names in braces are its parameters. `fix` says how in more
    words, `example` shows a correct entry. `together` is the message for several problems of this kind at once, "" if
    each keeps its own. It may name {count}, and by their cells {rows} and {columns}.
    """

    code: str
    severity: Severity
    stage: Stage
    message: str
    fix: str
    example: str
    together: str = ""

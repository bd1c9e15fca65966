"""The entries of the catalogue: severity, stage and texts of each kind of problem."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Severity(StrEnum):
    """An error rejects the whole upload, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Stage(IntEnum):
    """The stages of checking, in order. Checking ends after the first stage with errors, which reports them all."""

    FILE = 1
    FORM = 2
    REQUIRED = 3
    HEADINGS = 4
    ROWS = 5
    LEARNERS = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of problem in the catalogue.

    `message` says what is wrong and how to put it right; names in braces are its parameters. `fix` explains the
    correction in more words, `example` shows a correct entry. `together` is the message for several problems of this
    kind, "" if each keeps its own message. Its parameters are {count}, and {rows} and {columns} of the cells.
    """

    code: str
    severity: Severity
    stage: Stage
    message: str
    fix: str
    example: str
    together: str = ""

"""The model of a workbook that has been read: sheets of rows of cells, as Excel shows them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """The kind of value beneath the text that a cell shows."""

    TEXT = "text"
    NUMBER = "number"  # times of day and durations too: their text says all
    DATE = "date"
    BOOLEAN = "boolean"
    ERROR = "error"  # #N/A and its kin
    UNSAVED = "unsaved"  # a formula whose result was never saved


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One cell with a content, shared by all places that show the same, and equal to no other.

    `text` is what Excel shows in a column wide enough, without outer spaces, "" if the number format shows nothing.
    `value` is a str, an int or float, a bool, or a naive datetime, by `kind`; None for errors and unsaved formulas.
    `exact` is False if the number format could not be followed, so that the text is that of General.
    """

    text: str
    kind: Kind = Kind.TEXT
    value: str | float | bool | datetime | None = None
    format: str = "General"
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One row that holds something: `number` from 1 as in Excel, `cells[0]` is column A, None is a blank cell."""

    number: int
    cells: tuple[Cell | None, ...]
    hidden: bool = False

    def cell(self, column: int) -> Cell | None:
        """The cell in a column (1 is A), or None if it is blank or beyond the last."""
        return self.cells[column - 1] if 0 < column <= len(self.cells) else None


@dataclass(frozen=True, slots=True)
class Range:
    """A block of cells; rows and columns from 1, both ends belong to it."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """One worksheet: its place in the workbook from 1, and those of its rows that hold something, top down."""

    name: str
    number: int
    rows: tuple[Row, ...]
    hidden: bool = False
    hidden_columns: frozenset[int] = frozenset()
    merged: tuple[Range, ...] = ()


class Reason(StrEnum):
    """Why a file gave no sheets."""

    EMPTY = "empty"  # no bytes at all
    NOT_A_SPREADSHEET = "not a spreadsheet"
    UNSUPPORTED = "unsupported"  # of a kind that we do not read, but that can be saved as one that we do
    PASSWORD = "password"  # noqa: S105  the reason's name
    TOO_LARGE = "too large"  # more bytes, unpacked bytes, rows or columns than the limits allow
    CANNOT_BE_OPENED = "cannot be opened"  # damaged, or it kills, hangs or exhausts its reader


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that gave no sheets; `found` says in a school's words what it is, as in "a picture", "" if unknown.

    `cause` is for the log: the kind of error and where it was raised, without any content of the file.
    """

    reason: Reason
    found: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for a workbook: bytes as sent, bytes unpacked, rows with a content, columns."""

    workbook: int = 15_000_000
    unpacked: int = 200_000_000
    rows: int = 20_000
    columns: int = 300

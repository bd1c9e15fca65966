"""The contents of a workbook that has been read: sheets of rows of cells, as Excel shows them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """The kind of value beneath the text that a cell shows."""

    TEXT = "text"
    NUMBER = "number"  # times of day and durations, too: their text says all
    DATE = "date"
    BOOLEAN = "boolean"
    ERROR = "error"  # such as #N/A
    UNSAVED = "unsaved"  # a formula whose result was never saved


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A cell that is not blank. All places that show the same share one, and it is equal to no other.

    `text` is what Excel shows in a column that is wide enough, without outer spaces. It is "" if the number format
    shows nothing. `value` is a str, an int or float, a bool, or a naive datetime, by `kind`; errors and unsaved
    formulas have None. `exact` is False if the number format could not be followed, and `text` is that of General.
    """

    text: str
    kind: Kind = Kind.TEXT
    value: str | float | bool | datetime | None = None
    format: str = "General"
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not blank. `number` counts from 1 as in Excel, `cells[0]` is column A, None is a blank cell."""

    number: int
    cells: tuple[Cell | None, ...]
    hidden: bool = False

    def cell(self, column: int) -> Cell | None:
        """Return the cell in a column (1 is A), or None if it is blank or beyond the last."""
        if 0 < column <= len(self.cells):
            return self.cells[column - 1]
        return None


@dataclass(frozen=True, slots=True)
class Range:
    """A block of cells. Rows and columns count from 1, and the last ones belong to it.

    `sheet` is the name of its sheet, or "" if that goes without saying.
    """

    first_row: int
    first_column: int
    last_row: int
    last_column: int
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet. `number` is its place in the workbook from 1, `rows` are those that are not blank, from the top.

    `text` counts the text of all cells in bytes of UTF-8, each time that it is shown.
    """

    name: str
    number: int
    rows: tuple[Row, ...]
    hidden: bool = False
    hidden_columns: frozenset[int] = frozenset()
    merged: tuple[Range, ...] = ()
    text: int = 0


def text_size(text: str) -> int:
    """Return the bytes of a text in UTF-8, as it is stored."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class Reason(StrEnum):
    """The reason why no sheets could be read from a file."""

    EMPTY = "empty"  # no bytes at all
    NOT_A_SPREADSHEET = "not a spreadsheet"
    UNSUPPORTED = "unsupported"  # of a kind that is not read, but can be saved as one that is
    PASSWORD = "password"  # noqa: S105  the reason's name
    LABELLED = "labelled"  # protected by a sensitivity label, which only accounts that it names can open
    DAMAGED = "damaged"  # its bytes were changed or cut off on the way
    ENCODING = "encoding"  # plain text in an encoding that cannot be told
    TOO_LARGE = "too large"  # more bytes, unpacked bytes, text, rows or columns than the limits allow
    CANNOT_BE_OPENED = "cannot be opened"  # damaged, or it crashes, hangs or exhausts its reader


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file from which no sheets could be read.

    `found` names its kind for schools, as in "a picture", and is "" if it is unknown. `cause` is for the log: the kind
    of error and where it was raised, without anything from the file.
    """

    reason: Reason
    found: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a workbook: bytes as sent, bytes unpacked, rows of a sheet that are not blank, columns.

    `text` is the most text as it would be stored, in bytes of UTF-8: a text counts wherever it is shown.
    """

    workbook: int = 15_000_000
    unpacked: int = 200_000_000
    rows: int = 20_000
    columns: int = 300
    text: int = 20_000_000

    @property
    def cells(self) -> int:
        """The most cells that are filled: a form of as many rows as are allowed, in all of its 81 columns and more."""
        return self.rows * 100

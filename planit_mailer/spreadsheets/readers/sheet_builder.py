"""Builds sheets from the rows that a reader finds, within the limits of the workbook.

A small file can unfold to very much: cells refer to shared texts, OpenDocument repeats rows and columns, and many
sheets can be the same part. So everything is counted each time it is used, before more of it is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

from planit_mailer.spreadsheets.containers.zip_archive import Damaged, TooLarge
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Range, Row, Sheet, text_size

LAST_ROW = 1_048_576  # of every sheet, in Excel and in LibreOffice
MOST_MERGED = 100_000
MOST_SHEETS = 1_000
MOST_STYLES = 100_000  # Excel allows 65,490
NAME = 255  # characters of a sheet's name that are kept; Excel allows 31
FULL_SHEETS = 10  # a workbook has at most as many rows as so many full sheets

_text = attrgetter("text")


@dataclass(slots=True)
class Usage:
    """How much of its limits a workbook has used so far, over all of its sheets.

    `text` counts bytes of UTF-8, as the store keeps them: the text of each cell, and apart from that `shared`, the
    texts that cells may refer to.
    """

    limits: Limits
    text: int = 0
    shared: int = 0
    shared_texts: int = 0
    rows: int = 0
    cells: int = 0
    merged: int = 0
    sheets: int = 0

    def begin_sheet(self) -> None:
        """Count a sheet. Raises TooLarge if there are too many."""
        self.sheets += 1
        check_sheets(self.sheets)

    def add_row(self, cells: Sequence[Cell | None]) -> int:
        """Count a row with its cells, and return the bytes of its text. Raises TooLarge beyond the limits."""
        filled = [*filter(None, cells)]
        size = text_size("".join(map(_text, filled)))
        self.rows += 1
        self.cells += len(filled)
        self.text += size
        most_rows = self.limits.rows * FULL_SHEETS
        if self.rows > most_rows:
            raise TooLarge(f"more than {most_rows:,} rows on all sheets")
        if self.cells > self.limits.cells:
            raise TooLarge(f"more than {self.limits.cells:,} cells that are filled")
        self._check_text(self.text)
        return size

    def add_shared(self, text: str) -> None:
        """Count a text that cells may refer to. Raises TooLarge if there is more than all cells may have."""
        self.shared_texts += 1
        self.shared += text_size(text)
        if self.shared_texts > self.limits.cells:
            raise TooLarge(f"more than {self.limits.cells:,} shared texts")
        self._check_text(self.shared)

    def merge(self) -> None:
        """Count a merged block. Raises TooLarge if there are too many."""
        self.merged += 1
        if self.merged > MOST_MERGED:
            raise TooLarge(f"more than {MOST_MERGED:,} merged cells")

    def _check_text(self, size: int) -> None:
        if size > self.limits.text:
            raise TooLarge(f"more than {self.limits.text / 1_000_000:,g} MB of text")


def check_sheets(count: int) -> None:
    """Raise TooLarge if a workbook has too many sheets."""
    if count > MOST_SHEETS:
        raise TooLarge(f"more than {MOST_SHEETS:,} sheets")


def check_styles(count: int) -> None:
    """Raise TooLarge if a workbook has too many cell styles or number formats."""
    if count > MOST_STYLES:
        raise TooLarge(f"more than {MOST_STYLES:,} styles")


@dataclass(slots=True)
class SheetBuilder:
    """A sheet that is being read. Blank rows are not kept.

    `last_row` is the number of the last row that was added, blank or not. `text` counts the bytes of its text.
    `shows_zeros` is False if the sheet's view shows cells that are zero as blank.
    """

    usage: Usage
    last_row: int = 0
    text: int = 0
    rows: dict[int, Row] = field(default_factory=dict)  # by number
    merged: list[Range] = field(default_factory=list)
    hidden: set[tuple[int, int]] = field(default_factory=set)  # first and last of each run of hidden columns
    shows_zeros: bool = True

    def __post_init__(self) -> None:
        """Raise TooLarge if the workbook has too many sheets."""
        self.usage.begin_sheet()

    @property
    def limits(self) -> Limits:
        """The limits of the workbook."""
        return self.usage.limits

    def check_column(self, column: int) -> None:
        """Raise TooLarge if a cell that is not blank is in a column beyond the limit."""
        if column > self.limits.columns:
            raise TooLarge(f"more than {self.limits.columns:,} columns")

    def add_cells(self, number: int, cells: list[Cell | None], *, hidden: bool = False) -> None:
        """Add a row after removing the blank cells at its end. Raises TooLarge beyond the limits."""
        while cells and cells[-1] is None:
            cells.pop()
        self.check_column(len(cells))
        self.add_row(number, tuple(cells), hidden=hidden)

    def add_row(self, number: int, cells: tuple[Cell | None, ...], *, hidden: bool = False) -> None:
        """Add a row with its cells up to the last that is not blank. Raises TooLarge, or Damaged if it is there."""
        self.last_row = number
        if not cells:
            return
        if number > LAST_ROW:
            raise TooLarge(f"more than {LAST_ROW:,} rows")
        if number in self.rows:
            raise Damaged("a row stands twice")
        if len(self.rows) == self.limits.rows:
            raise TooLarge(f"more than {self.limits.rows:,} rows")
        self.text += self.usage.add_row(cells)
        self.rows[number] = Row(number, cells, hidden)

    def hide_columns(self, first: int, last: int) -> None:
        """Note columns as hidden. Those beyond the limit of columns have no cells."""
        last = min(last, self.limits.columns)
        if 0 < first <= last:
            self.hidden.add((first, last))

    def merge(self, block: Range) -> None:
        """Note cells as merged. Raises TooLarge if the workbook has too many such blocks."""
        self.usage.merge()
        self.merged.append(block)

    def sheet(self, name: str, number: int, *, hidden: bool = False) -> Sheet:
        """Return the finished sheet, with its rows in order. Hidden columns beyond the last cell are left out."""
        rows = tuple(self.rows[number] for number in sorted(self.rows))
        if not self.shows_zeros:
            rows = tuple(replace(row, cells=tuple(map(_unless_zero, row.cells))) for row in rows)
        width = max((len(row.cells) for row in rows), default=0)
        hidden_columns = set[int]()
        for first, last in self.hidden:
            hidden_columns.update(range(first, min(last, width) + 1))
        return Sheet(name[:NAME], number, rows, hidden, frozenset(hidden_columns), tuple(self.merged), self.text)


def _unless_zero(cell: Cell | None) -> Cell | None:
    """Return a cell, or None if it is the number zero."""
    return None if cell is not None and cell.kind is Kind.NUMBER and cell.value == 0 else cell

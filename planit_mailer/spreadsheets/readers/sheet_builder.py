"""Builds a sheet from the rows that a reader finds, within the limits."""

from dataclasses import dataclass, field

from planit_mailer.spreadsheets.containers.zip_archive import Damaged, TooLarge
from planit_mailer.spreadsheets.model import Cell, Limits, Range, Row, Sheet

MOST_MERGED = 100_000


@dataclass(slots=True)
class SheetBuilder:
    """A sheet that is being read. Blank rows are not kept.

    `last_row` is the number of the last row that was added, blank or not.
    """

    limits: Limits
    last_row: int = 0
    rows: dict[int, Row] = field(default_factory=dict)  # by number
    merged: list[Range] = field(default_factory=list)
    hidden: list[tuple[int, int]] = field(default_factory=list)  # first and last of each run of hidden columns

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
        if number in self.rows:
            raise Damaged("a row stands twice")
        if len(self.rows) == self.limits.rows:
            raise TooLarge(f"more than {self.limits.rows:,} rows")
        self.rows[number] = Row(number, cells, hidden)

    def hide_columns(self, first: int, last: int) -> None:
        """Note columns as hidden."""
        self.hidden.append((first, last))

    def merge(self, block: Range) -> None:
        """Note cells as merged. Raises TooLarge if there are too many such blocks."""
        self.merged.append(block)
        if len(self.merged) > MOST_MERGED:
            raise TooLarge(f"more than {MOST_MERGED:,} merged cells")

    def sheet(self, name: str, number: int, *, hidden: bool = False) -> Sheet:
        """Return the finished sheet, with its rows in order. Hidden columns beyond the last cell are left out."""
        rows = tuple(self.rows[number] for number in sorted(self.rows))
        width = max((len(row.cells) for row in rows), default=0)
        hidden_columns = set[int]()
        for first, last in self.hidden:
            hidden_columns.update(range(first, min(last, width) + 1))
        return Sheet(name, number, rows, hidden, frozenset(hidden_columns), tuple(self.merged))

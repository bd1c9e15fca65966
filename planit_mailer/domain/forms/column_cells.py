"""The learners' cells of one column of a form, read downward.

A form has hundreds of thousands of cells but few distinct ones: readers use one object for all equal cells. So each
distinct cell of a column is judged once, and rows are searched only for the cells that have a problem.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from planit_mailer.spreadsheets.model import Cell

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ColumnCells:
    """One column of cells, one for each learner, None if blank; `different` are the distinct cells with a content."""

    cells: tuple[Cell | None, ...]
    different: tuple[Cell, ...]

    @classmethod
    def of(cls, cells: Sequence[Cell | None]) -> Self:
        """Make the column of these cells."""
        return cls(tuple(cells), tuple(filter(None, dict.fromkeys(cells))))

    def read(self, look: Callable[[Cell], T]) -> list[T | None]:
        """Apply a function to each distinct cell once. Return the results by learner, None for blank cells."""
        found: dict[Cell | None, T] = {cell: look(cell) for cell in self.different}
        return [*map(found.get, self.cells)]

    def places(self, wanted: Iterable[Cell]) -> list[int]:
        """Return the indexes from 0, top down, of the learners with one of these cells."""
        query = set(wanted)
        if not query:
            return []
        return [place for place, cell in enumerate(self.cells) if cell in query]

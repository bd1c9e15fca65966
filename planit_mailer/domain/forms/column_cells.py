"""The learners' cells of one column of a form, read downward.

A form has hundreds of thousands of cells and few different ones, which readers share between all places that show the
same. So a column is judged by its different cells, and only what is wrong with one of them is looked for by rows.
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
        """The column of these cells."""
        return cls(tuple(cells), tuple(filter(None, dict.fromkeys(cells))))

    def read(self, look: Callable[[Cell], T]) -> list[T | None]:
        """Apply a function to each distinct cell once. Return the results by learner, None for blank cells."""
        found: dict[Cell | None, T] = {cell: look(cell) for cell in self.different}
        return [*map(found.get, self.cells)]

    def places(self, wanted: Iterable[Cell]) -> list[int]:
        """The indexes from 0, top down, of the learners with one of these cells."""
        query = set(wanted)
        return [place for place, cell in enumerate(self.cells) if cell in query] if query else []

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
    """One column: its cells, one a learner, None where blank; `different` are those that hold something, each once."""

    cells: tuple[Cell | None, ...]
    different: tuple[Cell, ...]

    @classmethod
    def of(cls, cells: Sequence[Cell | None]) -> Self:
        """The column of these cells."""
        return cls(tuple(cells), tuple(filter(None, dict.fromkeys(cells))))

    def read(self, look: Callable[[Cell], T]) -> list[T | None]:
        """What a look at each cell finds, None for blank ones; each different cell is looked at once."""
        found: dict[Cell | None, T] = {cell: look(cell) for cell in self.different}
        return [*map(found.get, self.cells)]

    def places(self, wanted: Iterable[Cell]) -> list[int]:
        """The places from 0, top down, where some of the different cells stand."""
        query = set(wanted)
        return [place for place, cell in enumerate(self.cells) if cell in query] if query else []

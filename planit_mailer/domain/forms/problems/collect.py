"""Collects the problems of a form, no more of them and of their cells than a reply and its reader can use.

A hostile form can have a million cells with an error, no two of them side by side. Whatever is left out is said to be.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import BLOCKS, Problem, Severity
from planit_mailer.spreadsheets.model import Range

OF_A_CODE = 2_000  # problems with one code; no school has as many duplicates
WIDE = 100_000  # columns of all blocks together: they are listed column by column


@dataclass(slots=True)
class Collected:
    """The problems of one form so far. Each has at least one of its blocks of cells, and each code a problem.

    So whether a form has an error does not depend on what was left out.
    """

    _kept: list[Problem] = field(default_factory=list)
    _of_code: Counter[str] = field(default_factory=Counter)
    _blocks: int = BLOCKS  # that may still be kept
    _columns: int = WIDE  # likewise
    _is_cut: bool = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems in the order in which they came, and one more if something was left out."""
        if self._is_cut:
            return (*self._kept, catalogue.problem("cells-not-named"))
        return tuple(self._kept)

    @property
    def has_errors(self) -> bool:
        """True if any problem is an error."""
        return any(one.severity is Severity.ERROR for one in self._kept)

    def add(self, found: Iterable[Problem]) -> None:
        """Add problems, each as soon as it is made."""
        for one in found:
            self._of_code[one.code] += 1
            if self._of_code[one.code] > OF_A_CODE:
                self._is_cut = True
            else:
                self._kept.append(replace(one, cells=self._as_room_allows(one.cells)))

    def _as_room_allows(self, blocks: tuple[Range, ...]) -> tuple[Range, ...]:
        """The first of these blocks for which there is room, one at least if there are any."""
        for count, block in enumerate(blocks):
            if count and min(self._blocks, self._columns) <= 0:
                self._is_cut = True
                return blocks[:count]
            self._blocks -= 1
            self._columns -= block.last_column - block.first_column + 1
        return blocks


def bounded(found: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems as far as they are kept."""
    collected = Collected()
    collected.add(found)
    return collected.problems

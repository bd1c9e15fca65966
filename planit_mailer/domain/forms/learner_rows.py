"""Tell the rows that are learners from those that are not, such as totals, sub-headings and notes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from planit_mailer.domain.forms import header_block, headings, values
from planit_mailer.domain.forms.columns import Column
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.spreadsheets.model import Cell, Kind, Row

NAMES = (Identity.FIRST_NAME, Identity.SURNAME)
FEWEST = 3  # filled compulsory cells that make a learner, a name among them
LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Split:
    """The rows below the headings: learners, and rows with a content that were passed over."""

    learners: tuple[Row, ...]
    passed_over: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of the compulsory fields, by which rows are told apart. `known` remembers what cells look like."""

    identity: Mapping[Identity, int]
    known: dict[tuple[Identity, Cell], bool] = field(default_factory=dict)

    def is_learner(self, row: Row) -> bool:
        """True if a row is a learner. A row that repeats the headings is none."""
        if self._has(row, Identity.UPIN) or self._has(row, Identity.DOB):
            return True
        present = [name for name, column in self.identity.items() if values.is_given(row.cell(column))]
        names = [name for name in NAMES if name in present]
        if not names or self._repeats_headings(row):
            return False
        if len(present) >= FEWEST:
            return True
        return len(names) == len(NAMES) and self._are_words(row) and self._has_own_value(row)

    def _has(self, row: Row, name: Identity) -> bool:
        """True if a row has a UPIN in the shape of a UPN, or a date in DOB."""
        cell = row.cell(self.identity.get(name, 0))
        if cell is None:
            return False
        if (name, cell) not in self.known:
            self.known[name, cell] = _looks_like(name, cell)
        return self.known[name, cell]

    def _repeats_headings(self, row: Row) -> bool:
        """True if the cells of three compulsory fields hold their own headings."""
        repeated = 0
        for name, column in self.identity.items():
            alias = headings.alias(values.text(row.cell(column)))
            if alias and alias.identity is name:
                repeated += 1
        return repeated >= FEWEST

    def _are_words(self, row: Row) -> bool:
        """True if both names are text with letters, not numbers."""
        cells = [row.cell(self.identity[name]) for name in NAMES]
        return all(cell and cell.kind is Kind.TEXT and LETTER.search(cell.text) for cell in cells)

    def _has_own_value(self, row: Row) -> bool:
        """True if a row has a content in one of the school's own columns."""
        compulsory = set(self.identity.values())
        return any(header_block.filled(cell) for column, cell in enumerate(row.cells, 1) if column not in compulsory)


def split(rows: Iterable[Row], identity: Mapping[Identity, Column]) -> Split:
    """Split the rows below the headings into learners and others. Blank rows are neither."""
    columns = _Columns({name: column.number for name, column in identity.items()})
    learners: list[Row] = []
    others: list[Row] = []
    for row in rows:
        if columns.is_learner(row):
            learners.append(row)
        elif any(map(header_block.filled, row.cells)):
            others.append(row)
    return Split(tuple(learners), tuple(others))


def _looks_like(name: Identity, cell: Cell) -> bool:
    if name is Identity.UPIN:
        return values.UPN.fullmatch(values.upin(cell)) is not None
    return isinstance(values.day(cell), date)

"""The texts of a sheet's first rows as headings: a merged heading belongs to each of its columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planit_mailer.domain.forms import headings
from planit_mailer.domain.forms.headings import Alias, Identity
from planit_mailer.spreadsheets.model import Kind, Range, Row, Sheet

TOP = 60  # rows from the top in which the heading row stands


@dataclass(frozen=True, slots=True)
class Label:
    """The text over one column; `first` and `last` are the columns that it spans, more than one if merged."""

    text: str
    first: int
    last: int


Labels = Mapping[int, Label]  # by column


@dataclass(frozen=True, slots=True)
class Top:
    """The first rows of a sheet: their labels by row, each row by column."""

    labels: Mapping[int, Labels]

    def row(self, number: int) -> Labels:
        """The labels of a row, none if it is blank."""
        return self.labels.get(number, {})


def top(sheet: Sheet) -> Top:
    """The labels of a sheet's first rows. What is merged over several rows stands in the last of them."""
    rows = {row.number: row for row in sheet.rows if row.number <= TOP}
    width = max((len(row.cells) for row in rows.values()), default=0)
    labels = {number: dict(_labels(row)) for number, row in rows.items()}
    for merged in sheet.merged:
        if merged.last_row <= TOP and merged.first_row in labels:
            _spread(merged, labels, width)
    return Top(labels)


def heading_row(first: Top) -> int | None:
    """The row with most of the six compulsory headings, the upper one of equals; None if no row has any."""
    counts = {row: len(identities(first.row(row))) for row in sorted(first.labels)}
    best = max(counts, key=lambda row: counts[row], default=None)
    return best if best is not None and counts[best] else None


def identities(labels: Labels) -> frozenset[Identity]:
    """The compulsory fields that a row names."""
    return frozenset(found.identity for column in labels if (found := meaning(labels, column)))


def meaning(labels: Labels, column: int) -> Alias | None:
    """The compulsory field that a row's label over a column means; of a merged one, its first column has it."""
    label = labels.get(column)
    return headings.alias(label.text) if label and label.first == column else None


def _labels(row: Row) -> Iterator[tuple[int, Label]]:
    for column, cell in enumerate(row.cells, 1):
        if cell and cell.text and cell.kind is not Kind.ERROR and not headings.is_never(cell.text):
            yield column, Label(" ".join(cell.text.split()), column, column)


def _spread(merged: Range, labels: dict[int, dict[int, Label]], width: int) -> None:
    label = labels[merged.first_row].pop(merged.first_column, None)
    if label:
        row = labels.setdefault(merged.last_row, {})
        last = min(merged.last_column, max(width, merged.first_column))
        for column in range(merged.first_column, last + 1):
            row[column] = Label(label.text, merged.first_column, last)

"""Read the texts of a sheet's first rows as labels of columns. A merged label belongs to each of its columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from planit_mailer.domain.forms import headings
from planit_mailer.domain.forms.headings import Alias, Identity
from planit_mailer.spreadsheets.model import Kind, Range, Row, Sheet

TOP = 60  # the heading row is one of this many rows at the top
FEWEST = 3  # compulsory headings that make a heading row


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
    """Return the labels of a sheet's first rows. A label merged over several rows belongs to the last of them."""
    rows = {row.number: row for row in sheet.rows if row.number <= TOP}
    width = max((len(row.cells) for row in rows.values()), default=0)
    labels = {number: dict(_labels(row)) for number, row in rows.items()}
    for merged in sheet.merged:
        if merged.last_row <= TOP and merged.first_row in labels:
            _spread(merged, labels, width)
    return Top(labels)


def heading_row(first: Top) -> int | None:
    """Return the row with most compulsory headings, the upper one of equals, or None if no row has any."""
    counts = {row: len(identities(first.row(row))) for row in sorted(first.labels)}
    best = max(counts, key=lambda row: counts[row], default=None)
    if best is None or counts[best] == 0:
        return None
    return best


def identities(labels: Labels) -> frozenset[Identity]:
    """Return the compulsory fields that a row names."""
    found: set[Identity] = set()
    for column in labels:
        alias = meaning(labels, column)
        if alias:
            found.add(alias.identity)
    return frozenset(found)


def meaning(labels: Labels, column: int) -> Alias | None:
    """Return the compulsory field that a row's label over a column means, or None.

    Of the columns of a merged label, only the first one has the meaning.
    """
    label = labels.get(column)
    if label is None or label.first != column:
        return None
    return headings.alias(label.text)


def _labels(row: Row) -> Iterator[tuple[int, Label]]:
    """The labels of a row by column, before merged ones are spread."""
    for column, cell in enumerate(row.cells, 1):
        if cell is None or not cell.text or cell.kind is Kind.ERROR:
            continue
        if not headings.is_never(cell.text):
            yield column, Label(" ".join(cell.text.split()), column, column)


def _spread(merged: Range, labels: dict[int, dict[int, Label]], width: int) -> None:
    """Move a merged label to the last row of its block, over all columns of the block up to the sheet's width."""
    label = labels[merged.first_row].pop(merged.first_column, None)
    if label:
        row = labels.setdefault(merged.last_row, {})
        last = min(merged.last_column, max(width, merged.first_column))
        for column in range(merged.first_column, last + 1):
            row[column] = Label(label.text, merged.first_column, last)

"""Columns: each one of a form is a compulsory field, a field of the school's own, or neither."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from planit_mailer.core import text
from planit_mailer.domain.forms import header_block, headings, labels
from planit_mailer.domain.forms.headings import Alias, Identity
from planit_mailer.domain.forms.labels import Label, Labels
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Row

JOINED = " – "  # noqa: RUF001  the dash that joins a group heading and the heading below it


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its number, its whole heading ("" if it has none), and the row where that stands or should stand."""

    number: int
    heading: str
    row: int
    example: bool = False

    @property
    def address(self) -> str:
        """The cell of the heading."""
        return references.address(self.row, self.number)


@dataclass(frozen=True, slots=True)
class Columns:
    """All columns of a form.

    `fields` have a heading and values. `unnamed` have values alone, `blank` a heading alone. `others` name a learner
    in a way that is not used. `twice` are compulsory headings that stand over several columns in the same words.
    """

    identity: Mapping[Identity, Column]
    fields: tuple[Column, ...]
    unnamed: tuple[Column, ...]
    blank: tuple[Column, ...]
    others: tuple[Column, ...]
    twice: tuple[tuple[Column, ...], ...]


@dataclass(frozen=True, slots=True)
class Headings:
    """The heading row and what stands above it: labels by column, and the row's number."""

    own: Labels
    above: Labels
    row: int


def identity(found: Headings) -> Mapping[Identity, Column]:
    """The column of each compulsory field, by the best of its headings."""
    best: dict[Identity, tuple[int, Column]] = {}
    for alias, column in _named(found):
        if alias.identity not in best or alias.rank < best[alias.identity][0]:
            best[alias.identity] = alias.rank, column
    return {name: best[name][1] for name in Identity if name in best}


def classified(found: Headings, learners: Sequence[Row]) -> Columns:
    """Classify each column by its heading, and by whether a learner has a value in it."""
    named = [column for _, column in _named(found)]
    used = identity(found)
    width = max((len(row.cells) for row in learners), default=0)
    own = list(_provider(found, [column.number for column in named], width))
    filled = _with_values([column.number for column in own], learners)
    fields, unnamed, blank = _sorted(own, filled)
    return Columns(
        identity=used,
        fields=tuple(fields),
        unnamed=tuple(unnamed),
        blank=tuple(blank),
        others=tuple(column for column in named if column not in used.values()),
        twice=tuple(_twice(named)),
    )


def _sorted(own: Sequence[Column], filled: frozenset[int]) -> tuple[list[Column], list[Column], list[Column]]:
    """The school's own columns: fields with a value, values without a heading, headings without a value.

    The handbook's example headings count for nothing over an empty column.
    """
    fields: list[Column] = []
    unnamed: list[Column] = []
    blank: list[Column] = []
    for column in own:
        has_values = column.number in filled
        if has_values and column.heading:
            fields.append(column)
        elif has_values:
            unnamed.append(column)
        elif column.heading and not column.example:
            blank.append(column)
    return fields, unnamed, blank


def _named(found: Headings) -> Iterator[tuple[Alias, Column]]:
    """The columns that identify a learner, by the heading row, or the row above if that is blank there."""
    for number in sorted({*found.own, *found.above}):
        level, row = (found.own, found.row) if number in found.own else (found.above, found.row - 1)
        alias = labels.meaning(level, number)
        if alias:
            yield alias, Column(number, level[number].text, row)


def _provider(found: Headings, named: Sequence[int], width: int) -> Iterator[Column]:
    """Each other column as one of the school's own: the heading row's text below that of the row above."""
    above = {number: label for number, label in _unnamed(found.above, named) if not _is_title(label, named)}
    own = dict(_unnamed(found.own, named))
    home = found.row - 1 if len(above) > len(own) else found.row  # a missing heading should stand with most others
    last = max(width, *own, *above, 0)
    for number in range(1, last + 1):
        if number in named:
            continue
        parts = [level[number].text for level in (above, own) if number in level]
        row = _heading_row(number, found.row, own, above) or home
        yield Column(number, JOINED.join(parts), row, any(map(headings.is_example, parts)))


def _unnamed(level: Labels, named: Sequence[int]) -> Iterator[tuple[int, Label]]:
    """The labels of a row that do not identify a learner."""
    for number, label in level.items():
        if number not in named:
            yield number, label


def _heading_row(number: int, heading_row: int, own: Labels, above: Labels) -> int:
    """The row of a column's heading, 0 if it has none."""
    if number in own:
        return heading_row
    return heading_row - 1 if number in above else 0


def _is_title(label: Label, named: Sequence[int]) -> bool:
    """True if a merged text lies over all compulsory columns: it is a title of the sheet, not a heading."""
    return label.first < label.last and all(label.first <= number <= label.last for number in named)


def _with_values(numbers: Sequence[int], learners: Sequence[Row]) -> frozenset[int]:
    """The columns in which a learner has a value; each is searched down to its first value."""
    open_columns = set(numbers)
    found: set[int] = set()
    for row in learners:
        here = {number for number in open_columns if header_block.filled(row.cell(number))}
        open_columns -= here
        found |= here
        if not open_columns:
            break
    return frozenset(found)


def _twice(named: Sequence[Column]) -> Iterator[tuple[Column, ...]]:
    counts = Counter(text.fold(column.heading) for column in named)
    for folded, count in counts.items():
        if count > 1:
            yield tuple(column for column in named if text.fold(column.heading) == folded)

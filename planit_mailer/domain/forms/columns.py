"""Classify the columns of a form: each is a compulsory field, a field of the school's own, or neither."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from planit_mailer.core import text
from planit_mailer.domain.forms import header_block, headings, labels
from planit_mailer.domain.forms.headings import Alias, Identity
from planit_mailer.domain.forms.labels import Label, Labels
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Range, Row

JOINED = " – "  # noqa: RUF001  the dash that joins a group heading and the heading below it


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its number, its whole heading or "", and the row in which the heading stands or should stand.

    `example` is True if any part of the heading is one of the handbook's examples.
    """

    number: int
    heading: str
    row: int
    example: bool = False

    @property
    def cell(self) -> Range:
        """The cell of the heading."""
        return references.cell(self.row, self.number)


@dataclass(frozen=True, slots=True)
class Columns:
    """All columns of a form.

    `identity` are the compulsory fields. `fields` have a heading and values, `unnamed` only values, `blank` only a
    heading. `others` identify a learner in a way that is not used. `twice` are groups of columns that share a
    compulsory heading in the same words.
    """

    identity: Mapping[Identity, Column]
    fields: tuple[Column, ...]
    unnamed: tuple[Column, ...]
    blank: tuple[Column, ...]
    others: tuple[Column, ...]
    twice: tuple[tuple[Column, ...], ...]


@dataclass(frozen=True, slots=True)
class Headings:
    """The labels of the heading row, those of the row above it, each by column, and the heading row's number."""

    own: Labels
    above: Labels
    row: int


def identity(found: Headings) -> Mapping[Identity, Column]:
    """Return the column of each compulsory field: the one whose heading has the best rank."""
    best: dict[Identity, tuple[int, Column]] = {}
    for alias, column in _identifying(found):
        if alias.identity not in best or alias.rank < best[alias.identity][0]:
            best[alias.identity] = alias.rank, column
    return {name: best[name][1] for name in Identity if name in best}


def classified(found: Headings, learners: Sequence[Row]) -> Columns:
    """Classify each column by its heading and by whether a learner has a value in it."""
    identifying = [column for _, column in _identifying(found)]
    used = identity(found)
    width = max((len(row.cells) for row in learners), default=0)
    own = list(_own_columns(found, {column.number for column in identifying}, width))
    filled = _with_values([column.number for column in own], learners)
    fields, unnamed, blank = _sorted(own, filled)
    return Columns(
        identity=used,
        fields=tuple(fields),
        unnamed=tuple(unnamed),
        blank=tuple(blank),
        others=tuple(column for column in identifying if column not in used.values()),
        twice=tuple(_twice(identifying)),
    )


def _identifying(found: Headings) -> Iterator[tuple[Alias, Column]]:
    """The columns that identify a learner, by the heading row or, if that is blank there, the row above."""
    for number in sorted({*found.own, *found.above}):
        if number in found.own:
            level, row = found.own, found.row
        else:
            level, row = found.above, found.row - 1
        alias = labels.meaning(level, number)
        if alias:
            yield alias, Column(number, level[number].text, row)


def _own_columns(found: Headings, identifying: Collection[int], width: int) -> Iterator[Column]:
    """The other columns, which are the school's own; a heading joins the texts of both rows, upper row first."""
    own = _without(identifying, found.own)
    above = _without(identifying, found.above)
    above = {number: label for number, label in above.items() if not _is_title(label, identifying)}
    most_above = len(above) > len(own)
    home = found.row - 1 if most_above else found.row  # a missing heading should stand in the row with most headings
    last = max(width, *own, *above, 0)
    for number in range(1, last + 1):
        if number in identifying:
            continue
        parts = [level[number].text for level in (above, own) if number in level]
        row = home
        if number in own:
            row = found.row
        elif number in above:
            row = found.row - 1
        yield Column(number, JOINED.join(parts), row, any(map(headings.is_example, parts)))


def _without(identifying: Collection[int], level: Labels) -> dict[int, Label]:
    """The labels of a row, except those of columns that identify a learner."""
    return {number: label for number, label in level.items() if number not in identifying}


def _is_title(label: Label, identifying: Collection[int]) -> bool:
    """True if a merged text spans all columns that identify a learner: it is a title of the sheet, not a heading."""
    if label.first == label.last:
        return False
    return all(label.first <= number <= label.last for number in identifying)


def _with_values(numbers: Sequence[int], learners: Sequence[Row]) -> frozenset[int]:
    """The columns in which a learner has a value. Each is searched down to its first value only."""
    open_columns = set(numbers)
    found: set[int] = set()
    for row in learners:
        here = {number for number in open_columns if header_block.filled(row.cell(number))}
        open_columns -= here
        found |= here
        if not open_columns:
            break
    return frozenset(found)


def _sorted(own: Sequence[Column], filled: frozenset[int]) -> tuple[list[Column], list[Column], list[Column]]:
    """The school's own columns as fields, columns without a heading, and columns without a value.

    An example heading of the handbook over an empty column is ignored.
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


def _twice(identifying: Sequence[Column]) -> Iterator[tuple[Column, ...]]:
    """Groups of columns whose headings have the same letters and digits."""
    counts = Counter(text.fold(column.heading) for column in identifying)
    for folded, count in counts.items():
        if count > 1:
            yield tuple(column for column in identifying if text.fold(column.heading) == folded)

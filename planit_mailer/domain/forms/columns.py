"""Classify the columns of a form: each is a compulsory field, a field of the school's own, or neither."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from planit_mailer.domain.forms import header_block, headings, labels, levels
from planit_mailer.domain.forms.headings import Alias, Identity
from planit_mailer.domain.forms.levels import Headings, Level
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
    """The columns that identify a learner, by the heading row or, if that is blank there, the nearest row above."""
    nearest: dict[int, Level] = {}
    for level in (*found.above, found.own):
        nearest |= dict.fromkeys(level.labels, level)
    for number in sorted(nearest):
        level = nearest[number]
        alias = labels.meaning(level.labels, number)
        if alias:
            yield alias, Column(number, level.labels[number].text, level.row)


def _own_columns(found: Headings, identifying: Collection[int], width: int) -> Iterator[Column]:
    """The other columns, which are the school's own; a heading joins the texts of all rows, upper row first."""
    parts = levels.field_headings(found, identifying)
    home = _home(found, identifying)
    for number in range(1, max(width, *parts, 0) + 1):
        if number in identifying:
            continue
        own = parts.get(number, [(home, "")])
        texts = [text for _, text in own]
        yield Column(number, JOINED.join(texts), own[-1][0], any(map(headings.is_example, texts)))


def _home(found: Headings, identifying: Collection[int]) -> int:
    """The row in which a missing heading should stand: the one with most of the school's own, the lowest of equals."""
    counts = [(len(levels.own_labels(level.labels, identifying)), level.row) for level in found.levels]
    return max(counts)[1]


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
    """Groups of columns whose headings are the same when folded."""
    counts = Counter(headings.folded(column.heading) for column in identifying)
    for folded, count in counts.items():
        if count > 1:
            yield tuple(column for column in identifying if headings.folded(column.heading) == folded)

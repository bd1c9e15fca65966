"""The rows of headings: the heading row, rows of group headings above it, and perhaps one row below it.

The handbook draws the school's own headings one row above the compulsory ones. Exports have up to three rows of groups,
such as the term and the subject.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from planit_mailer.domain.forms import headings, labels
from planit_mailer.domain.forms.labels import Label, Labels, Top

ABOVE = 3  # rows of group headings
WORD = re.compile(r"[^\W\d_]{3}")  # tells a row of headings from one of numbers and grades


@dataclass(frozen=True, slots=True)
class Level:
    """A row of headings: its number on the sheet, and its labels by column."""

    row: int
    labels: Labels


@dataclass(frozen=True, slots=True)
class Headings:
    """The rows of headings from top to bottom. `own` is the one that names the compulsory fields, the heading row.

    `upper` is the number of the upper heading row if an export was pasted below one, else that of the heading row.
    """

    upper: int
    above: tuple[Level, ...]
    own: Level
    below: tuple[Level, ...]

    @property
    def levels(self) -> tuple[Level, ...]:
        """All rows of headings from top to bottom."""
        return (*self.above, self.own, *self.below)

    @property
    def first_row(self) -> int:
        """The number of the first row of headings: what stands above it is the header block."""
        return min(self.upper, self.levels[0].row)

    @property
    def last_row(self) -> int:
        """The number of the last row of headings: learners stand below it."""
        return self.levels[-1].row


def heading_rows(first: Top) -> tuple[int, int] | None:
    """Return the first and the last row that name compulsory fields, mostly the same row, or None.

    They are two if an export was pasted, headings and all, under the headings of the blank form.
    """
    row = labels.heading_row(first)
    if row is None:
        return None
    numbers = sorted(number for number in first.labels if first.row(number))
    place = numbers.index(row)
    for upper, lower in ((place, place + 1), (place - 1, place)):
        if upper >= 0 and lower < len(numbers):
            pair = numbers[upper], numbers[lower]
            if all(len(labels.identities(first.row(number))) >= labels.FEWEST for number in pair):
                return pair
    return row, row


def around(first: Top, rows: tuple[int, int], label_rows: Collection[int]) -> Headings:
    """Return the rows of headings around the heading rows. Rows with a label of the header block are none of them."""
    upper, lower = rows
    own = {**first.row(upper), **first.row(lower)}
    identifying = identity_columns(own)
    above = list(_above(first, upper, label_rows, identifying))
    if upper != lower:  # what the blank form has above may name a field that the export does not
        for level in above:
            own = {**own_labels(level.labels, identifying), **own}
        return Headings(min([upper, *(level.row for level in above)]), (), Level(lower, own), ())
    below = [Level(lower + 1, first.row(lower + 1))] if _goes_on_below(first.row(lower + 1), identifying) else []
    return Headings(upper, tuple(reversed(above)), Level(lower, own), tuple(below))


def identity_columns(row: Labels) -> frozenset[int]:
    """Return the columns whose label in a row means a compulsory field."""
    return frozenset(column for column in row if labels.meaning(row, column))


def _above(first: Top, row: int, label_rows: Collection[int], identifying: Collection[int]) -> Iterator[Level]:
    """The rows of group headings above a row, from the lowest up. Between two rows, one may be blank."""
    found = 0
    while found < ABOVE:
        row -= 1
        if not first.row(row):
            row -= 1
        level = first.row(row)
        if row in label_rows or not (own_labels(level, identifying) or identity_columns(level)):
            return
        found += 1
        yield Level(row, level)


def _goes_on_below(row: Labels, identifying: Collection[int]) -> bool:
    """True if the row below the heading row has headings too: words, in the school's own columns only."""
    if any(column in identifying for column in row):
        return False
    return any(WORD.search(label.text) for label in row.values())


def own_labels(row: Labels, identifying: Collection[int]) -> dict[int, Label]:
    """Return the labels over the school's own columns. A title merged over other columns too is none of them."""
    return {
        column: label
        for column, label in row.items()
        if not any(label.first <= number <= label.last for number in identifying)
    }


def field_headings(found: Headings, identifying: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """Return the parts of the heading of each of the school's own columns: row and text, from top to bottom.

    If headings would be the same without it, the text of a group goes on over the columns to its right.
    """
    texts = [_texts(level, identifying) for level in found.levels]
    for place in reversed(range(len(texts) - 1)):
        if not _same(texts):
            break
        beneath = {column for level in texts[place + 1 :] for column in level}
        wider = [*texts[:place], _spread(texts[place], beneath), *texts[place + 1 :]]
        if len(_same(wider)) < len(_same(texts)):
            texts = wider
    return _parts(found.levels, texts)


def _texts(level: Level, identifying: Collection[int]) -> dict[int, str]:
    return {column: label.text for column, label in own_labels(level.labels, identifying).items()}


def _same(texts: Sequence[Mapping[int, str]]) -> list[int]:
    """The columns whose heading is that of a column before."""
    seen: set[tuple[str, ...]] = set()
    same: list[int] = []
    for column in sorted({column for level in texts for column in level}):
        heading = tuple(headings.look(level[column]) for level in texts if column in level)
        if heading in seen:
            same.append(column)
        seen.add(heading)
    return same


def _spread(level: Mapping[int, str], beneath: Collection[int]) -> dict[int, str]:
    """A row of groups whose texts go on to the right, as far as each next column has a heading beneath."""
    spread = dict(level)
    for column in sorted(beneath):
        if column not in spread and column - 1 in spread:
            spread[column] = spread[column - 1]
    return spread


def _parts(levels: Sequence[Level], texts: Sequence[Mapping[int, str]]) -> dict[int, list[tuple[int, str]]]:
    """The parts of each column's heading, without a part that repeats the one above it, or an example beside others."""
    parts: dict[int, list[tuple[int, str]]] = {}
    for level, row in zip(levels, texts, strict=True):
        for column, text in row.items():
            own = parts.setdefault(column, [])
            if not own or headings.look(own[-1][1]) != headings.look(text):
                own.append((level.row, text))
    return {column: _without_examples(own) for column, own in parts.items()}


def _without_examples(parts: list[tuple[int, str]]) -> list[tuple[int, str]]:
    own = [part for part in parts if not headings.is_example(part[1])]
    return own or parts

"""Read the block above the headings (handbook section 5): school, postcode, submitter, date and introduction."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from planit_mailer.core import text
from planit_mailer.domain.forms import headings
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Kind, Range, Row
from planit_mailer.spreadsheets.references import Place


class Required(StrEnum):
    """The required information, by the handbook's labels."""

    SCHOOL_NAME = "School name"
    POSTCODE = "School postcode"
    SUBMITTED_BY = "Import spreadsheet submitted by"
    DATE = "Date submitted"


ALIASES = {
    Required.SCHOOL_NAME: ("School name", "School", "Name of school", "Name of the school", "Provider name"),
    Required.POSTCODE: ("School postcode", "Postcode", "Postcode of school", "Postcode of the school"),
    Required.SUBMITTED_BY: (
        "Import spreadsheet submitted by", "Spreadsheet submitted by", "Submitted by", "Completed by", "Sent by",
        "Uploaded by", "Person submitting", "Name of person submitting", "Name of the person submitting",
        "Name of person completing", "Name of submitter",
    ),
    Required.DATE: (
        "Date submitted", "Date", "Submitted on", "Date of submission", "Submission date", "Date of upload",
        "Upload date", "Date uploaded", "Date completed", "Date of completion", "Date sent", "Date of import",
    ),
}  # fmt: skip
INTRODUCTION = re.compile(r"(?:introductory|introduction|intro)(?:text)?(?:para(?:graph)?)?\d{0,2}")


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry at a label: the cell, or None if it is blank, and its place, or None if there is no label."""

    cell: Cell | None = None
    place: Range | None = None

    def on_sheet(self, name: str) -> Self:
        """The same entry, whose place has the name of its sheet."""
        return replace(self, place=next(references.on_sheet([self.place], name))) if self.place else self


@dataclass(frozen=True, slots=True)
class Header:
    """The header block: an entry for each required information, and the filled cells of the introduction.

    `label_rows` are the rows with labels. `unused` are the cells whose text was not understood.
    """

    required: Mapping[Required, Entry]
    introduction: tuple[Entry, ...]
    label_rows: frozenset[int]
    unused: tuple[Range, ...]

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The introduction: each cell is a paragraph, with its line breaks."""
        return tuple(paragraph for entry in self.introduction for paragraph in paragraphs_of(entry))

    @property
    def is_missing(self) -> bool:
        """True if there is no label of the required information, so that it was not even begun."""
        return not any(entry.place for entry in self.required.values())

    def on_sheet(self, name: str) -> Self:
        """The same header block, whose cells have the name of their sheet; an earlier name stays."""
        required = {label: entry.on_sheet(name) for label, entry in self.required.items()}
        introduction = tuple(entry.on_sheet(name) for entry in self.introduction)
        unused = tuple(references.on_sheet(self.unused, name))
        return replace(self, required=required, introduction=introduction, unused=unused)


@dataclass(frozen=True, slots=True)
class _Label:
    """The label that a cell holds, None for the introduction, and the text after the label's colon in that cell."""

    required: Required | None
    rest: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """A label in a row, None for the introduction, and its entry. `columns` are those of the two cells."""

    row: int
    label: Required | None
    entry: Entry
    columns: tuple[int, int]


def paragraphs_of(entry: Entry) -> list[str]:
    """The paragraph in a cell of the introduction, whose lines have no outer blanks; none if it has an error."""
    if entry.cell is None or entry.cell.kind is Kind.ERROR:
        return []
    return ["\n".join(line.strip() for line in entry.cell.text.splitlines()).strip()]


def filled(cell: Cell | None) -> bool:
    """True if a cell has a content: a visible text, an error, or a formula whose result was never saved."""
    return cell is not None and (bool(cell.text) or cell.kind is Kind.UNSAVED)


def read(rows: Sequence[Row]) -> Header:
    """Read the rows above the headings. Labels stand in the left-most column that has any, or in pairs beside it."""
    pairs = _pairs(rows)
    going_on = dict(_going_on(rows, pairs))
    paragraphs = [pair.entry for pair in pairs if pair.label is None and pair.entry.cell] + [*going_on.values()]
    return Header(
        required={label: _best(label, pairs) for label in Required},
        introduction=tuple(sorted(paragraphs, key=_row_of)),
        label_rows=frozenset(pair.row for pair in pairs),
        unused=tuple(references.ranges(_unused(rows, pairs, frozenset(going_on)))),
    )


def _pairs(rows: Sequence[Row]) -> list[_Pair]:
    """The labels and their entries, row by row. A row that begins with no label has none."""
    firsts = {row.number: _first_filled(row, 1) for row in rows}
    labelled = [row for row in rows if firsts[row.number] and _label(row.cell(firsts[row.number]))]
    left = min((firsts[row.number] for row in labelled), default=0)
    pairs: list[_Pair] = []
    for row in labelled:
        if firsts[row.number] == left:
            pairs += _pairs_of_row(row, left)
    columns = {pair.columns[0] for pair in pairs}
    for row in labelled:
        if firsts[row.number] != left and firsts[row.number] in columns:
            pairs += _pairs_of_row(row, firsts[row.number])
    return sorted(pairs, key=lambda pair: (pair.row, pair.columns))


def _pairs_of_row(row: Row, start: int) -> Iterator[_Pair]:
    """The pairs of a row from a column on: each label with the entry to its right."""
    column = start
    while column:
        label = _label(row.cell(column))
        following = _first_filled(row, column + 1)
        if label is None:
            column = following
        elif label.rest:
            entry = Entry(Cell(label.rest, Kind.TEXT, label.rest), references.cell(row.number, column))
            yield _Pair(row.number, label.required, entry, (column, column))
            column = following
        elif following and not _begins_pair(row, column, following):
            entry = Entry(row.cell(following), references.cell(row.number, following))
            yield _Pair(row.number, label.required, entry, (column, following))
            column = _first_filled(row, following + 1)
        else:
            entry = Entry(None, references.cell(row.number, column + 1))
            yield _Pair(row.number, label.required, entry, (column, column + 1))
            column = following


def _begins_pair(row: Row, column: int, following: int) -> bool:
    """True if the next filled cell after a label is a label itself, and not the entry: the entry is blank."""
    label = _label(row.cell(following))
    if label is None:
        return False
    return following > column + 1 or bool(label.rest) or _first_filled(row, following + 1) > 0


def _going_on(rows: Sequence[Row], pairs: Sequence[_Pair]) -> Iterator[tuple[Place, Entry]]:
    """The texts directly below a label of the introduction, without a label of their own: each is a paragraph.

    They stand in the column of the entry above them. A blank row ends the introduction.
    """
    by_row = {pair.row: pair for pair in pairs}
    columns: tuple[int, ...] = ()
    before = 0
    for row in rows:
        pair = by_row.get(row.number)
        if pair:
            columns = _columns_to_go_on(pair, _text(row.cell(pair.columns[0])))
        elif row.number != before + 1:
            columns = ()
        else:
            first = _first_filled(row, 1)
            if first not in columns or headings.is_never(_text(row.cell(first))):
                columns = ()
            else:
                yield (row.number, first), Entry(row.cell(first), references.cell(row.number, first))
        before = row.number


def _columns_to_go_on(pair: _Pair, label: str) -> tuple[int, ...]:
    """The columns in which the introduction may go on below a label: none below another label.

    The text may stand below the label itself if that is no "paragraph 3", whose text would stand beside it.
    """
    if pair.label is not None:
        return ()
    is_numbered = label.rstrip(": ")[-1:].isdigit()
    return pair.columns[1:] if pair.entry.cell or is_numbered else pair.columns


def _unused(rows: Sequence[Row], pairs: Sequence[_Pair], going_on: frozenset[Place]) -> Iterator[Place]:
    """The places of the texts that are no label, no entry and no paragraph, but for a title in the first row."""
    used = {(pair.row, column) for pair in pairs for column in pair.columns} | going_on
    for row in rows[1:] if rows and not any(pair.row == rows[0].number for pair in pairs) else rows:
        for column, cell in enumerate(row.cells, 1):
            if filled(cell) and (row.number, column) not in used and not headings.is_never(_text(cell)):
                yield row.number, column


def _row_of(entry: Entry) -> int:
    return entry.place.first_row if entry.place else 0


def _first_filled(row: Row, start: int) -> int:
    """The column of the first filled cell from this column on, 0 if there is none."""
    for column in range(start, len(row.cells) + 1):
        if filled(row.cell(column)):
            return column
    return 0


def _label(cell: Cell | None) -> _Label | None:
    """The label that a cell holds, with or without a colon and a remark, or None."""
    before, _, after = _text(cell).partition(":")
    for words, rest in ((before, after.strip()), (_text(cell), "")):
        folded = text.fold(headings.without_remark(words))
        if folded in _LABELS:
            return _Label(_LABELS[folded], rest)
        if INTRODUCTION.fullmatch(folded):
            return _Label(None, rest)
    return None


def _text(cell: Cell | None) -> str:
    return cell.text if cell else ""


def _best(label: Required, pairs: Sequence[_Pair]) -> Entry:
    """The first filled entry of a label, else its first entry, else an entry without a label."""
    entries = [pair.entry for pair in pairs if pair.label is label]
    for entry in entries:
        if entry.cell:
            return entry
    return entries[0] if entries else Entry()


_LABELS = {text.fold(word): label for label, words in ALIASES.items() for word in words}

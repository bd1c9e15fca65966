"""Read the block above the headings (handbook section 5): school, postcode, submitter, date and introduction."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from planit_mailer.core import text
from planit_mailer.domain.forms import headings
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Kind, Range, Row, Sheet


class Required(StrEnum):
    """The required information, by the handbook's labels."""

    SCHOOL_NAME = "School name"
    POSTCODE = "School postcode"
    SUBMITTED_BY = "Import spreadsheet submitted by"
    DATE = "Date submitted"


ALIASES = {
    Required.SCHOOL_NAME: ("School name", "School", "Name of school"),
    Required.POSTCODE: ("School postcode", "Postcode", "School post code"),
    Required.SUBMITTED_BY: ("Import spreadsheet submitted by", "Submitted by", "Spreadsheet submitted by"),
    Required.DATE: ("Date submitted", "Date", "Submitted on", "Date of submission", "Submission date"),
}
INTRODUCTION = re.compile(r"(?:introductory|introduction|intro)(?:text)?(?:para(?:graph)?)?\d{0,2}")


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry at a label: the cell, or None if it is blank, and its place, or None if there is no label."""

    cell: Cell | None = None
    place: Range | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """The required information, an entry for each, the filled cells of the introduction, and the rows with labels."""

    required: Mapping[Required, Entry]
    introduction: tuple[Entry, ...]
    label_rows: frozenset[int]

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The introduction: each line that is not blank is a paragraph."""
        found: list[str] = []
        for entry in self.introduction:
            found += paragraphs_of(entry)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Label:
    """The label that a cell holds, None for the introduction, and the text after the label's colon in that cell."""

    required: Required | None
    rest: str


@dataclass(frozen=True, slots=True)
class _Line:
    """One row with a label, None for the introduction, and its entry."""

    row: int
    label: Required | None
    entry: Entry


def paragraphs_of(entry: Entry) -> list[str]:
    """The paragraphs in one cell of the introduction; none if it has an error."""
    if entry.cell is None or entry.cell.kind is Kind.ERROR:
        return []
    lines = [line.strip() for line in entry.cell.text.splitlines()]
    return [line for line in lines if line]


def filled(cell: Cell | None) -> bool:
    """True if a cell has a content: a visible text, an error, or a formula whose result was never saved."""
    return cell is not None and (bool(cell.text) or cell.kind is Kind.UNSAVED)


def read(sheet: Sheet, heading_row: int) -> Header:
    """Read the block above the heading row. Labels stand in the left-most column that has any."""
    lines = _lines([row for row in sheet.rows if row.number < heading_row])
    introduction = [line.entry for line in lines if line.label is None and line.entry.cell]
    return Header(
        required={label: _best(label, lines) for label in Required},
        introduction=tuple(introduction),
        label_rows=frozenset(line.row for line in lines),
    )


def _lines(rows: Sequence[Row]) -> list[_Line]:
    """The rows with a label in the left-most column that has any."""
    columns: list[int] = []
    for row in rows:
        columns.extend(_label_columns(row))
    lines: list[_Line] = []
    if columns:
        for row in rows:
            lines.extend(_line(row, min(columns)))
    return lines


def _label_columns(row: Row) -> Iterator[int]:
    """The column of a row's first filled cell, if that cell is a label."""
    column = _first_filled(row, 1)
    if column and _label(row.cell(column)):
        yield column


def _line(row: Row, column: int) -> Iterator[_Line]:
    """The row as a line with a label, if it has a label in this column.

    The entry is the text after the label's colon, else the first filled cell to the right.
    """
    label = _label(row.cell(column))
    if label is None:
        return
    if label.rest:
        entry = Entry(Cell(label.rest, Kind.TEXT, label.rest), references.cell(row.number, column))
    else:
        entry = _entry_right_of(row, column)
    yield _Line(row.number, label.required, entry)


def _entry_right_of(row: Row, column: int) -> Entry:
    """The first filled cell to the right of a column, or the blank cell next to it."""
    value = _first_filled(row, column + 1)
    if value:
        return Entry(row.cell(value), references.cell(row.number, value))
    return Entry(None, references.cell(row.number, column + 1))


def _first_filled(row: Row, start: int) -> int:
    """The column of the first filled cell from this column on, 0 if there is none."""
    for column in range(start, len(row.cells) + 1):
        if filled(row.cell(column)):
            return column
    return 0


def _label(cell: Cell | None) -> _Label | None:
    """The label that a cell holds, with or without a colon, or None."""
    if cell is None:
        return None
    before, _, after = cell.text.partition(":")
    for words, rest in ((before, after.strip()), (cell.text, "")):
        if len(words) > headings.LONGEST:
            continue
        folded = text.fold(words)
        if folded in _LABELS:
            return _Label(_LABELS[folded], rest)
        if INTRODUCTION.fullmatch(folded):
            return _Label(None, rest)
    return None


def _best(label: Required, lines: Sequence[_Line]) -> Entry:
    """The first filled entry of a label, else its first entry, else an entry without a label."""
    entries = [line.entry for line in lines if line.label is label]
    for entry in entries:
        if entry.cell:
            return entry
    return entries[0] if entries else Entry()


_LABELS = {text.fold(word): label for label, words in ALIASES.items() for word in words}

"""The block above the headings (handbook section 5): school, postcode, who submits it, date, and the introduction."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from planit_mailer.core import text
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Kind, Row, Sheet


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
    """The entry at a label: the cell, or None if it is blank, and its address, or "" if there is no label."""

    cell: Cell | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The required information, an entry for each, and the cells of the introduction in their order."""

    required: Mapping[Required, Entry]
    introduction: tuple[Entry, ...]
    label_rows: frozenset[int]

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The introduction: each line that is not blank is a paragraph."""
        texts = (entry.cell.text for entry in self.introduction if entry.cell and entry.cell.kind is not Kind.ERROR)
        return tuple(line.strip() for text in texts for line in text.splitlines() if line.strip())


@dataclass(frozen=True, slots=True)
class _Line:
    """One labelled row: which label, None for the introduction, and what stands there."""

    row: int
    label: Required | None
    entry: Entry


def read(sheet: Sheet, heading_row: int) -> Header:
    """The block above the heading row. Labels stand in the left-most column that has any."""
    lines = _lines([row for row in sheet.rows if row.number < heading_row])
    introduction = [line.entry for line in lines if line.label is None and line.entry.cell]
    return Header(
        required={label: _best(label, lines) for label in Required},
        introduction=tuple(introduction),
        label_rows=frozenset(line.row for line in lines),
    )


def _lines(rows: Sequence[Row]) -> list[_Line]:
    columns: list[int] = []
    for row in rows:
        columns.extend(_label_columns(row))
    lines: list[_Line] = []
    if columns:
        for row in rows:
            lines.extend(_line(row, min(columns)))
    return lines


def filled(cell: Cell | None) -> bool:
    """True if a cell has a content: a visible text, an error, or a formula whose result was never saved."""
    return cell is not None and (bool(cell.text) or cell.kind is Kind.UNSAVED)


def _label_columns(row: Row) -> Iterator[int]:
    """The column of a row's first filled cell, if that is a label."""
    for column, cell in enumerate(row.cells, 1):
        if cell and filled(cell):
            if _meaning(cell.text)[0]:
                yield column
            return


def _line(row: Row, column: int) -> Iterator[_Line]:
    cell = row.cell(column)
    if cell is None or not (found := _meaning(cell.text))[0]:
        return
    label, rest = found
    what = label if isinstance(label, Required) else None
    if rest:
        yield _Line(row.number, what, Entry(Cell(rest, Kind.TEXT, rest), references.address(row.number, column)))
        return
    value = next((place for place in range(column + 1, len(row.cells) + 1) if filled(row.cell(place))), None)
    address = references.address(row.number, value or column + 1)
    yield _Line(row.number, what, Entry(row.cell(value) if value else None, address))


def _meaning(typed: str) -> tuple[Required | str | None, str]:
    """The label that a label is, and what follows its colon in the same cell."""
    before, _, after = typed.partition(":")
    for words, rest in ((before, after.strip()), (typed, "")):
        folded = text.fold(words)
        if label := _LABELS.get(folded):
            return label, rest
        if INTRODUCTION.fullmatch(folded):
            return "introduction", rest
    return None, ""


def _best(label: Required, lines: list[_Line]) -> Entry:
    """The first of a label's lines that has something, else the first, else that there is none."""
    entries = [line.entry for line in lines if line.label is label]
    return next((entry for entry in entries if entry.cell), entries[0] if entries else Entry())


_LABELS = {text.fold(word): label for label, words in ALIASES.items() for word in words}

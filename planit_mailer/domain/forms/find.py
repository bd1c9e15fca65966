"""Finds the form on the sheets of a workbook: heading row, header block, columns and learners."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from planit_mailer.domain.forms import columns, header_block, labels
from planit_mailer.domain.forms.column_cells import ColumnCells
from planit_mailer.domain.forms.columns import Column, Columns, Headings
from planit_mailer.domain.forms.header_block import Header
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Row, Sheet

FEWEST = 3  # compulsory headings that make a heading row
LEARNER = 2  # compulsory cells that make a learner


@dataclass(frozen=True, slots=True)
class Form:
    """The form on its sheet. Rows that are no learners: `strays` above or between them, `below` after the last.

    `identity` are the learners' cells of each compulsory field whose heading is there, `fields` those of the fields,
    `different` all cells of the latter, each once.
    """

    sheet: Sheet
    heading_row: int
    header: Header
    columns: Columns
    learners: tuple[Row, ...]
    identity: Mapping[Identity, ColumnCells]
    fields: tuple[ColumnCells, ...]
    different: tuple[Cell, ...]
    strays: tuple[Row, ...]
    below: tuple[Row, ...]

    def cells(self, identity: Identity) -> Iterator[tuple[Row, Cell | None]]:
        """The learners' cells of a compulsory field, top down; none if its heading is missing."""
        return zip(self.learners, self.identity[identity].cells if identity in self.identity else (), strict=False)

    def address(self, identity: Identity, row: Row) -> str:
        """The cell of a learner's compulsory field."""
        return references.address(row.number, self.columns.identity[identity].number)


@dataclass(frozen=True, slots=True)
class Search:
    """The result of looking for a form: the form, or None, and the problems of that stage."""

    form: Form | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sheet that may be the form's, with its heading row and the compulsory headings in it."""

    sheet: Sheet
    row: int
    headings: Headings
    identity: tuple[Column, ...]

    def is_learner(self, row: Row) -> bool:
        """True if a row is a learner: at least two of its compulsory cells have a content."""
        filled = (header_block.filled(row.cell(column.number)) for column in self.identity)
        return all(any(filled) for _ in range(LEARNER))  # each any() goes on where the one before found its cell

    @property
    def rows_below(self) -> tuple[Row, ...]:
        return tuple(row for row in self.sheet.rows if row.number > self.row)


def find(workbook: Sequence[Sheet]) -> Search:
    """The form of a workbook: on the visible sheet that has learners, else on that with the most headings."""
    hidden = tuple(_hidden_sheets(workbook))
    near: list[_Candidate] = []
    for sheet in workbook:
        if not sheet.hidden:
            near.extend(_candidates(sheet))
    forms = [found for found in near if len(labels.identities(found.headings.own)) >= FEWEST]
    if not forms:
        return Search(None, (_no_form(near), *hidden))
    with_learners = [found for found in forms if any(map(found.is_learner, found.rows_below))]
    if len(with_learners) > 1:
        return Search(None, (_two_sheets(with_learners), *hidden))
    chosen = with_learners[0] if with_learners else max(forms, key=lambda found: len(found.identity))
    return Search(_form(chosen), hidden)


def likeness(workbook: Sequence[Sheet]) -> int:
    """The number of compulsory headings in a heading row, for telling what a plain text was meant to be."""
    near = (found for sheet in workbook if not sheet.hidden for found in _candidates(sheet))
    return max((len(labels.identities(found.headings.own)) for found in near), default=0)


def _candidates(sheet: Sheet) -> Iterator[_Candidate]:
    first = labels.top(sheet)
    row = labels.heading_row(first)
    if row is not None:
        labelled = header_block.read(sheet, row).label_rows
        above = {} if row - 1 in labelled else first.row(row - 1)
        found = Headings(first.row(row), above, row)
        yield _Candidate(sheet, row, found, tuple(columns.identity(found).values()))


def _form(found: _Candidate) -> Form:
    learners = tuple(filter(found.is_learner, found.rows_below))
    strays, below = _other_rows(found, learners)
    classified = columns.classified(found.headings, learners)
    across = tuple(zip_longest(*(row.cells for row in learners)))

    def down(column: Column) -> ColumnCells:
        if column.number > len(across):
            return ColumnCells.of((None,) * len(learners))
        return ColumnCells.of(across[column.number - 1])

    fields = tuple(map(down, classified.fields))
    return Form(
        sheet=found.sheet,
        heading_row=found.row,
        header=header_block.read(found.sheet, found.row),
        columns=classified,
        learners=learners,
        identity={name: down(column) for name, column in classified.identity.items()},
        fields=fields,
        different=tuple(dict.fromkeys(chain.from_iterable(one.different for one in fields))),
        strays=strays,
        below=below,
    )


def _other_rows(found: _Candidate, learners: Sequence[Row]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The rows with a content that are no learners: those between the learners, and those below them."""
    numbers = {row.number for row in learners}
    last = max(numbers, default=found.row)
    others = [row for row in found.rows_below if row.number not in numbers and any(map(header_block.filled, row.cells))]
    return tuple(row for row in others if row.number < last), tuple(row for row in others if row.number > last)


def _no_form(near: Sequence[_Candidate]) -> Problem:
    if not near:
        return catalogue.problem("no-form-found", nearest="None of them was found.")
    nearest = max(near, key=lambda found: len(found.identity))
    names = catalogue.listed([name.value for name in Identity if name in labels.identities(nearest.headings.own)])
    cells = [references.address(nearest.row, column) for column in nearest.headings.own]
    return catalogue.problem("no-form-found", cells, nearest=f"The nearest is row {nearest.row}, which has {names}.")


def _two_sheets(filled: Sequence[_Candidate]) -> Problem:
    cells = (column.address for found in filled for column in found.identity)
    return catalogue.problem("two-sheets", dict.fromkeys(cells), count=len(filled))


def _hidden_sheets(workbook: Sequence[Sheet]) -> Iterator[Problem]:
    count = sum(sheet.hidden and bool(sheet.rows) for sheet in workbook)
    if count:
        yield catalogue.problem(
            "hidden-sheet",
            sheets="One sheet is hidden and was" if count == 1 else f"{count} sheets are hidden and were",
        )

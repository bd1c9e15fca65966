"""Finds the form on the sheets of a workbook: heading row, header block, columns and learners."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, zip_longest

from planit_mailer.domain.forms import columns, header_block, labels, learner_rows, levels
from planit_mailer.domain.forms.column_cells import ColumnCells
from planit_mailer.domain.forms.columns import Column, Columns
from planit_mailer.domain.forms.header_block import Header
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.learner_rows import Split
from planit_mailer.domain.forms.levels import Headings
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Range, Row, Sheet, text_size


@dataclass(frozen=True, slots=True)
class Form:
    """The form on its sheet. `passed_over` are the rows below the headings that are no learners.

    `identity` has the learners' cells of each compulsory field whose heading is there, `fields` those of the fields.
    `different` are the distinct cells of the fields.
    """

    sheet: Sheet
    heading_row: int
    last_heading_row: int
    header: Header
    columns: Columns
    learners: tuple[Row, ...]
    identity: Mapping[Identity, ColumnCells]
    fields: tuple[ColumnCells, ...]
    different: tuple[Cell, ...]
    passed_over: tuple[Row, ...]

    @property
    def stored(self) -> int:
        """The bytes of text that a store would keep: each learner has the introduction, and headings with the values.

        It is an upper bound: all texts of the sheet count, as if each were a value.
        """
        headings = 0
        for column, down in zip(self.columns.fields, self.fields, strict=True):
            headings += text_size(column.heading) * (len(down.cells) - down.cells.count(None))
        introduction = sum(map(text_size, self.header.paragraphs))
        return self.sheet.text + headings + introduction * len(self.learners)

    def cells(self, identity: Identity) -> Iterator[tuple[Row, Cell | None]]:
        """The learners with their cells of a compulsory field, top down; none if its heading is missing."""
        if identity not in self.identity:
            return iter(())
        return zip(self.learners, self.identity[identity].cells, strict=True)

    def places(self, identity: Identity, rows: Iterable[Row]) -> Iterator[Range]:
        """The cells of a compulsory field in these learners' rows."""
        column = self.columns.identity[identity].number
        return references.ranges((row.number, column) for row in rows)

    def places_of_each(self, rows: Iterable[Row], *identities: Identity) -> Iterator[Range]:
        """The cells of several compulsory fields in these learners' rows, row by row."""
        columns = [self.columns.identity[identity].number for identity in identities]
        return references.ranges((row.number, column) for row in rows for column in columns)


@dataclass(frozen=True, slots=True)
class Search:
    """The result of looking for a form: the form, or None, and the problems of that stage."""

    form: Form | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Candidate:
    """A sheet that may be the form's, with its headings and the columns of its compulsory headings."""

    sheet: Sheet
    headings: Headings
    identity: tuple[Column, ...]

    @property
    def named(self) -> frozenset[Identity]:
        """The compulsory headings in the heading row itself, not counting the rows above it."""
        return labels.identities(self.headings.own.labels)

    @property
    def rows_above(self) -> tuple[Row, ...]:
        """The rows above the first row of headings."""
        return tuple(row for row in self.sheet.rows if row.number < self.headings.first_row)

    @property
    def rows_below(self) -> tuple[Row, ...]:
        """The rows below the last row of headings."""
        return tuple(row for row in self.sheet.rows if row.number > self.headings.last_row)

    @cached_property
    def split(self) -> Split:
        """The learners, and the rows that are none."""
        return learner_rows.split(self.rows_below, columns.identity(self.headings))


def find(workbook: Sequence[Sheet]) -> Search:
    """Find the form of a workbook: on the visible sheet with learners or, without learners, with the most headings."""
    hidden = tuple(_hidden_sheets(workbook))
    near = _all_candidates(workbook)
    forms = [candidate for candidate in near if len(candidate.named) >= labels.FEWEST]
    if not forms:
        return Search(None, (_no_form(near), *hidden))
    with_learners = [candidate for candidate in forms if candidate.split.learners]
    if len(with_learners) > 1:
        return Search(None, (_two_sheets(with_learners), *hidden))
    if with_learners:
        chosen = with_learners[0]
    else:
        chosen = _with_most_headings(forms)
    return Search(_form(chosen), hidden)


def likeness(workbook: Sequence[Sheet]) -> int:
    """The largest number of compulsory headings in a heading row: the reading of a plain text with most is the best."""
    return max((len(candidate.named) for candidate in _all_candidates(workbook)), default=0)


def _all_candidates(workbook: Sequence[Sheet]) -> list[_Candidate]:
    """The visible sheets that have a heading row."""
    found: list[_Candidate] = []
    for sheet in workbook:
        if not sheet.hidden:
            found.extend(_candidates(sheet))
    return found


def _candidates(sheet: Sheet) -> Iterator[_Candidate]:
    """The sheet as a candidate, or nothing if it has no heading row."""
    first = labels.top(sheet)
    rows = levels.heading_rows(first)
    if rows is None:
        return
    header = header_block.read([row for row in sheet.rows if row.number < rows[0]])
    headings = levels.around(first, rows, header.label_rows)
    yield _Candidate(sheet, headings, tuple(columns.identity(headings).values()))


def _with_most_headings(candidates: Sequence[_Candidate]) -> _Candidate:
    """The candidate with the most compulsory headings, the first one of equals."""
    return max(candidates, key=lambda candidate: len(candidate.identity))


def _form(candidate: _Candidate) -> Form:
    learners = candidate.split.learners
    classified = columns.classified(candidate.headings, learners)
    across = tuple(zip_longest(*(row.cells for row in learners)))

    def down(column: Column) -> ColumnCells:
        if column.number > len(across):
            return ColumnCells.of((None,) * len(learners))
        return ColumnCells.of(across[column.number - 1])

    fields = tuple(map(down, classified.fields))
    different = chain.from_iterable(field.different for field in fields)
    return Form(
        sheet=candidate.sheet,
        heading_row=candidate.headings.own.row,
        last_heading_row=candidate.headings.last_row,
        header=header_block.read(candidate.rows_above),
        columns=classified,
        learners=learners,
        identity={name: down(column) for name, column in classified.identity.items()},
        fields=fields,
        different=tuple(dict.fromkeys(different)),
        passed_over=candidate.split.passed_over,
    )


def _no_form(near: Sequence[_Candidate]) -> Problem:
    """The problem of a workbook without a form, with the row that is most like a heading row."""
    if not near:
        return catalogue.problem("no-form-found", nearest="None of them was found.")
    nearest = _with_most_headings(near)
    names = catalogue.listed([name.value for name in Identity if name in nearest.named])
    own = nearest.headings.own
    cells = references.ranges((own.row, column) for column in own.labels)
    return catalogue.problem("no-form-found", cells, nearest=f"The nearest is row {own.row}, which has {names}.")


def _two_sheets(filled: Sequence[_Candidate]) -> Problem:
    """The problem of a workbook with learners on several sheets."""
    headings: list[Range] = []
    for candidate in filled:
        headings.extend(column.cell for column in candidate.identity)
    return catalogue.problem("two-sheets", dict.fromkeys(headings), count=len(filled))


def _hidden_sheets(workbook: Sequence[Sheet]) -> Iterator[Problem]:
    """One problem for all hidden sheets that are not empty."""
    hidden = [sheet for sheet in workbook if sheet.hidden and sheet.rows]
    if not hidden:
        return
    if len(hidden) == 1:
        sheets = "One sheet is hidden and was"
    else:
        sheets = f"{len(hidden)} sheets are hidden and were"
    yield catalogue.problem("hidden-sheet", sheets=sheets)

"""Finds the forms on the sheets of a workbook: heading row, header block, columns and learners."""

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

    `name` is the name of the sheet if the cells of the workbook's problems have to be told apart by it, else "".
    `identity` has the learners' cells of each compulsory field whose heading is there, `fields` those of the fields.
    `different` are the distinct cells of the fields.
    """

    sheet: Sheet
    name: str
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
    """The result of looking for forms: one for each sheet that has one, and the problems of that stage."""

    forms: tuple[Form, ...]
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
    """Find the forms of a workbook: on each visible sheet with learners or, without any, on that with most headings."""
    hidden = tuple(_hidden_sheets(workbook))
    near = _all_candidates(workbook)
    candidates = [candidate for candidate in near if len(candidate.named) >= labels.FEWEST]
    if not candidates:
        return Search((), (_no_form(near), *hidden))
    with_learners = [candidate for candidate in candidates if candidate.split.learners]
    chosen = with_learners or [_with_most_headings(candidates)]
    return Search(tuple(_forms(chosen, workbook)), hidden)


def _forms(chosen: Sequence[_Candidate], workbook: Sequence[Sheet]) -> Iterator[Form]:
    """The forms on the chosen sheets. A sheet without a header block takes the first one of the workbook."""
    own = {candidate.sheet.number: header_block.read(candidate.rows_above) for candidate in chosen}
    first = _first_header(workbook, own)
    is_alone = len(chosen) == 1 and first is None
    for candidate in chosen:
        header = own[candidate.sheet.number]
        if header.is_missing and first is not None:
            header = first
        name = "" if is_alone else candidate.sheet.name
        yield _form(candidate, header if header is first else header.on_sheet(name), name)


def _first_header(workbook: Sequence[Sheet], own: Mapping[int, Header]) -> Header | None:
    """The first header block of the workbook, with the name of its sheet, if any of the forms has none of its own.

    It may stand on a sheet without a form, such as a cover sheet.
    """
    if not any(header.is_missing for header in own.values()):
        return None
    for sheet in workbook:
        if sheet.hidden:
            continue
        header = own.get(sheet.number) or header_block.read([row for row in sheet.rows if row.number <= labels.TOP])
        if not header.is_missing:
            return header.on_sheet(sheet.name)
    return None


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


def _form(candidate: _Candidate, header: Header, name: str) -> Form:
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
        name=name,
        heading_row=candidate.headings.own.row,
        last_heading_row=candidate.headings.last_row,
        header=header,
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

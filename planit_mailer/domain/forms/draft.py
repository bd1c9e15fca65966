"""Make the draft of a form: its contents as far as they could be read, as stored and as shown to learners."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import repeat
from typing import TypeVar

from planit_mailer.domain.forms import values
from planit_mailer.domain.forms.columns import Column
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.header_block import Required
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.upload import Draft, DraftLearner
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell

T = TypeVar("T")


def draft(form: Form) -> Draft:
    """Make the draft of a form."""
    cells = {label: entry.cell for label, entry in form.header.required.items()}
    submitted = cells[Required.DATE]
    headings = tuple(column.heading for column in form.columns.fields)
    school_cells = [form.header.required[label].place for label in (Required.SCHOOL_NAME, Required.POSTCODE)]
    return Draft(
        school_name=values.text(cells[Required.SCHOOL_NAME]) or None,
        postcode=values.postcode(values.text(cells[Required.POSTCODE])),
        submitted_by=values.text(cells[Required.SUBMITTED_BY]) or None,
        date_submitted=values.day_submitted(submitted) if submitted else None,
        introduction=form.header.paragraphs,
        headings=headings,
        learners=tuple(_learners(form, headings)),
        school_cells=tuple(school_cells),
        letters=tuple(_letters(form.columns.identity.get(name)) for name in Identity),
    )


def _learners(form: Form, headings: tuple[str, ...]) -> Iterator[DraftLearner]:
    """The learners, read column by column: each distinct cell of a column is read once. A missing column is blank."""

    def read(name: Identity, look: Callable[[Cell], T]) -> Iterable[T | None]:
        if name not in form.identity:
            return repeat(None)
        return form.identity[name].read(look)

    return map(
        DraftLearner,
        (row.number for row in form.learners),
        read(Identity.FIRST_NAME, _text),
        read(Identity.SURNAME, _text),
        read(Identity.UPIN, _upin),
        read(Identity.SIMS_NO, _text),
        read(Identity.DOB, _born),
        read(Identity.YEAR, values.year),
        repeat(headings),
        _shown(form) if form.fields else repeat(()),
    )


def _text(cell: Cell) -> str | None:
    return values.text(cell) or None


def _upin(cell: Cell) -> str | None:
    return values.upin(cell) or None


def _born(cell: Cell) -> date | None:
    born = values.day(cell)
    return born if isinstance(born, date) else None


def _shown(form: Form) -> Iterator[tuple[str | None, ...]]:
    """The values that learners would see, row by row: None for blank cells and for errors, which are never stored."""
    texts: dict[Cell | None, str | None] = {cell: _seen(cell) for cell in form.different}
    return zip(*(map(texts.get, down.cells) for down in form.fields), strict=True)


def _seen(cell: Cell) -> str | None:
    if cell.value is None:
        return None
    return cell.text or None


def _letters(column: Column | None) -> str:
    return references.column_letters(column.number) if column else ""

"""Make the draft of a workbook: its contents as far as they could be read, as stored and as shown to learners."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import repeat
from typing import TypeVar

from planit_mailer.domain.forms import values
from planit_mailer.domain.forms.columns import Column
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.header_block import Required
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.upload import Draft, DraftLearner, FormSheet
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell

T = TypeVar("T")


def draft(forms: Sequence[Form]) -> Draft:
    """Make the draft of the forms of a workbook, one or more; the first says what school they are from."""
    required = forms[0].header.required
    cells = {label: entry.cell for label, entry in required.items()}
    submitted = cells[Required.DATE]
    headings = tuple(dict.fromkeys(column.heading for form in forms for column in form.columns.fields))
    learners: list[DraftLearner] = []
    for place, form in enumerate(forms):
        learners += _learners(form, headings, place)
    return Draft(
        school_name=values.text(cells[Required.SCHOOL_NAME]) or None,
        postcode=values.postcode(values.text(cells[Required.POSTCODE])),
        submitted_by=values.text(cells[Required.SUBMITTED_BY]) or None,
        date_submitted=values.day_submitted(submitted) if submitted else None,
        headings=headings,
        learners=tuple(learners),
        sheets=tuple(map(_sheet, forms)),
        school_cells=(required[Required.SCHOOL_NAME].place, required[Required.POSTCODE].place),
    )


def _sheet(form: Form) -> FormSheet:
    letters = tuple(_letters(form.columns.identity.get(name)) for name in Identity)
    return FormSheet(form.header.paragraphs, letters, form.name)


def _learners(form: Form, headings: tuple[str, ...], place: int) -> Iterator[DraftLearner]:
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
        _shown(form, headings),
        repeat(place),
    )


def _text(cell: Cell) -> str | None:
    return values.text(cell) or None


def _upin(cell: Cell) -> str | None:
    return values.upin(cell) or None


def _born(cell: Cell) -> date | None:
    born = values.day(cell)
    return born if isinstance(born, date) else None


def _shown(form: Form, headings: tuple[str, ...]) -> Iterable[tuple[str | None, ...]]:
    """The values that learners would see under these headings, row by row.

    They are None for blank cells, for errors, which are never stored, and for fields of other sheets.
    """
    if not headings:
        return repeat(())
    texts: dict[Cell | None, str | None] = {cell: _seen(cell) for cell in form.different}
    pairs = zip(form.columns.fields, form.fields, strict=True)
    by_heading = {column.heading: map(texts.get, down.cells) for column, down in pairs}
    nothing = (None,) * len(form.learners)
    return zip(*(by_heading.get(heading, nothing) for heading in headings), strict=True)


def _seen(cell: Cell) -> str | None:
    if cell.value is None:
        return None
    return cell.text or None


def _letters(column: Column | None) -> str:
    return references.column_letters(column.number) if column else ""

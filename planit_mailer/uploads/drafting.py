"""A form → its draft: everything as far as it could be read, as it would be stored and as learners would see it."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import repeat

from planit_mailer.spreadsheets import sheets
from planit_mailer.spreadsheets.sheets import Cell, Kind, Row
from planit_mailer.uploads import values
from planit_mailer.uploads.columns import Column
from planit_mailer.uploads.form import Form
from planit_mailer.uploads.header import Required
from planit_mailer.uploads.headings import Identity
from planit_mailer.uploads.upload import Draft, DraftLearner, Field


class _Fields(dict[str, Field]):
    """The fields of one column by their value, each made once: most values of a column are those of other learners."""

    def __init__(self, heading: str) -> None:
        super().__init__()
        self._heading = heading

    def __missing__(self, value: str) -> Field:
        self[value] = field = Field(self._heading, value)
        return field


def draft(form: Form) -> Draft:
    """The draft of a form."""
    cells = {label: entry.cell for label, entry in form.header.required.items()}
    submitted = cells[Required.DATE]
    across = zip(*map(_down, form.columns.fields, form.values, form.different), strict=True)
    shown = map(_shown, across) if form.values else repeat(())
    return Draft(
        school_name=values.text(cells[Required.SCHOOL_NAME]) or None,
        postcode=values.postcode(values.text(cells[Required.POSTCODE])),
        submitted_by=values.text(cells[Required.SUBMITTED_BY]) or None,
        date_submitted=values.day_submitted(submitted) if submitted else None,
        introduction=form.header.paragraphs,
        headings=tuple(column.heading for column in form.columns.fields),
        learners=tuple(_learner(row, form, fields) for row, fields in zip(form.learners, shown, strict=False)),
        school_cells=tuple(form.header.required[label].address for label in (Required.SCHOOL_NAME, Required.POSTCODE)),
        letters=tuple(_letters(form.columns.identity.get(name)) for name in Identity),
    )


def _learner(row: Row, form: Form, fields: tuple[Field, ...]) -> DraftLearner:
    columns = form.columns.identity
    first_name, surname, upin, sims_no, dob, year = (_cell(row, columns.get(name)) for name in Identity)
    born = values.day(dob) if dob else None
    return DraftLearner(
        row=row.number,
        first_name=values.text(first_name) or None,
        surname=values.text(surname) or None,
        upin=values.upin(upin) or None,
        sims_no=values.text(sims_no) or None,
        dob=born if isinstance(born, date) else None,
        year=values.year(year) if year else None,
        fields=fields,
    )


def _down(column: Column, cells: Sequence[Cell | None], different: Sequence[Cell]) -> Iterator[Field | None]:
    """What learners would see of a column: blank cells are nothing, and so are errors, which are never stored."""
    texts = _Fields(column.heading)
    fields: dict[int, Field | None] = {
        id(cell): texts[cell.text] for cell in different if cell.text and cell.kind is not Kind.ERROR
    }
    return map(fields.get, map(id, cells))


def _shown(fields: Sequence[Field | None]) -> tuple[Field, ...]:
    return tuple(filter(None, fields))


def _cell(row: Row, column: Column | None) -> Cell | None:
    return row.cell(column.number) if column else None


def _letters(column: Column | None) -> str:
    return sheets.column_letters(column.number) if column else ""

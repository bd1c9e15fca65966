"""Rules about several forms in one workbook, such as a sheet for each year group."""

from collections.abc import Callable, Iterator, Sequence

from planit_mailer.domain.forms import values
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.header_block import Required
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Range, Row


def one_school(forms: Sequence[Form]) -> Iterator[Problem]:
    """All forms of a workbook are from one school, by their postcodes."""
    entries = [form.header.required[Required.POSTCODE] for form in forms]
    codes = {values.postcode(values.text(entry.cell)) for entry in entries} - {None}
    if len(codes) > 1:
        places = dict.fromkeys(entry.place for entry in entries if entry.place)
        yield catalogue.problem("several-schools", places)


def one_row_for_each_learner(forms: Sequence[Form]) -> Iterator[Problem]:
    """A learner stands on one sheet only, by UPIN and by SIMS No."""
    for name, key in ((Identity.UPIN, values.upin), (Identity.SIMS_NO, _sims_key)):
        places = list(_on_several_sheets(forms, name, key))
        if places:
            yield catalogue.problem("learner-on-two-sheets", places, heading=name.value)


def _sims_key(cell: Cell) -> str:
    return values.sims_key(values.text(cell))


def _on_several_sheets(forms: Sequence[Form], name: Identity, key: Callable[[Cell], str]) -> Iterator[Range]:
    """The cells of a compulsory field whose value stands on more than one sheet."""
    rows_of_forms = [_rows_by_key(form, name, key) for form in forms]
    for form, rows in zip(forms, rows_of_forms, strict=True):
        elsewhere = set[str]().union(*(other for other in rows_of_forms if other is not rows))
        shared = [row for value, row in rows.items() if value in elsewhere]
        if shared:
            yield from references.on_sheet(form.places(name, shared), form.name)


def _rows_by_key(form: Form, name: Identity, key: Callable[[Cell], str]) -> dict[str, Row]:
    """The first row of each value of a compulsory field that can be read."""
    rows: dict[str, Row] = {}
    for row, cell in form.cells(name):
        if cell is not None and values.is_readable(cell) and values.is_given(cell):
            rows.setdefault(key(cell), row)
    return rows

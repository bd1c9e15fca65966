"""Find the column that probably holds a compulsory field whose heading is missing, by what its cells look like."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import MappingProxyType

from planit_mailer.domain.forms import values
from planit_mailer.domain.forms.columns import Column
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.spreadsheets.model import Cell

OLDEST = date(1990, 1, 1)  # an earlier date in a column is no learner's date of birth
YOUNG = 3  # years: a later date is none, either


def find(form: Form, name: Identity) -> Column | None:
    """Return the first column in which every filled cell looks like this field, or None."""
    looks_like = LOOKS.get(name)
    if looks_like is None:
        return None
    pairs = zip(form.columns.fields, form.fields, strict=True)
    for column, down in pairs:
        if down.different and all(map(looks_like, down.different)):
            return column
    return None


def _is_upn(cell: Cell) -> bool:
    return values.UPN.fullmatch(values.upin(cell)) is not None


def _is_birth(cell: Cell) -> bool:
    born = values.day(cell)
    today = datetime.now().date()  # noqa: DTZ005  a day more or less makes no difference
    return isinstance(born, date) and born > OLDEST and values.age(born, today) >= YOUNG


def _is_named_year(cell: Cell) -> bool:
    """True for a year group in words, as Year 10: a bare number may be anything."""
    return values.year(cell) is not None and not cell.text.strip().isdecimal()


LOOKS: Mapping[Identity, Callable[[Cell], bool]] = MappingProxyType(
    {Identity.UPIN: _is_upn, Identity.DOB: _is_birth, Identity.YEAR: _is_named_year}
)

"""Forms as programs write them: the value and number format of each cell, and the programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from io import BytesIO
from typing import Any

from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from xlsxwriter import Workbook as Written

from planit_mailer.domain.forms.upload import Draft, Field
from tests.spreadsheets import shown
from tests.support import forms

TITLES = dict(zip(forms.KEYS, forms.COMPULSORY, strict=True))
FIELDS = ("History", "Art")
DATES = ("dd/mm/yyyy", "d mmm yyyy", "yyyy-mm-dd", "[$-809]dd mmmm yyyy;@", "[$-452]d mmmm yyyy;@", 14)
LITERALLY = {"strings_to_formulas": False, "strings_to_urls": False}
JUNK = st.text("abc xyz!?-&", min_size=1, max_size=12)
TEXT = st.text("ABCDE123456789+-/ ", max_size=6).map(str.strip)


Read = tuple[object, ...]  # of a learner: row, the compulsory fields as forms.KEYS has them, and the school's own


@dataclass(frozen=True, slots=True)
class Stored:
    """The value of a cell, its number format (an int is a built-in one), and the text that is read from it."""

    value: Any
    format: str | int
    read: Any


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its cells by address, and the learners in them."""

    cells: Mapping[str, Stored] = field(repr=False)
    learners: tuple[Read, ...]


def as_general(value: object) -> Stored:
    return Stored(value, "General", value)


SHOWN = tuple(Stored(pair.value, pair.format, pair.shown) for pair in shown.storable())
BLANKS = tuple(Stored(None, code, "") for code in ("General", "0.0%", "@", "dd/mm/yyyy"))
YES = Stored(True, "General", "TRUE")


@cache
def grades(without: frozenset[str]) -> st.SearchStrategy[Stored]:
    """Cells of the school's own columns, in all known number formats except these."""
    known = [stored for stored in SHOWN if stored.format not in without]
    return st.one_of(TEXT.map(as_general), st.sampled_from(known), st.sampled_from((*BLANKS, YES)))


@st.composite
def identities(draw: st.DrawFn, number: int) -> dict[str, Stored]:
    """The compulsory cells of a learner, in the ways in which schools write them."""
    one = forms.learner(number)
    name, upin, born = one["first_name"], one["upin"], one["dob"]
    days = [Stored(born, code, born) for code in DATES] + [Stored(f"{born:%d/%m/%Y}", "@", born)]
    return {
        "first_name": draw(st.sampled_from([Stored(text, "@", name) for text in (name, f" {name} ", f"{name}\xa0")])),
        "surname": as_general(one["surname"]),
        "upin": draw(
            st.sampled_from([Stored(text, "@", upin) for text in (upin, upin.lower(), f"{upin[:4]} {upin[4:]}")])
        ),
        "sims_no": draw(st.sampled_from([as_general(one["sims_no"]), Stored(number, "000000", one["sims_no"])])),
        "dob": draw(st.sampled_from(days)),
        "year": draw(st.sampled_from([Stored(text, "General", "10") for text in ("10", 10, "Year 10")])),
    }


@st.composite
def written(draw: st.DrawFn, without: frozenset[str] = frozenset()) -> Form:
    """A form in either layout, whatever the order of its columns, with blank rows and junk around."""
    order = draw(st.permutations([*forms.KEYS, *FIELDS]))
    drawn, junk = draw(st.booleans()), draw(st.lists(JUNK, max_size=3))
    top, left = draw(st.tuples(st.integers(1, 30), st.integers(1, 5)))
    rows: list[list[Stored | None]] = [[as_general(text)] for text in junk]
    rows += [[value if value is None else _header(value) for value in row] for row in (*forms.block(), ())]
    if drawn:
        rows.append([None if name in TITLES else as_general(name) for name in order])
    rows.append([as_general(TITLES.get(name, name)) if name in TITLES or not drawn else None for name in order])
    learners = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        rows += [[]] * draw(st.integers(0, 2))
        one = draw(identities(number)) | {name: draw(grades(without)) for name in FIELDS}
        if number == 1:  # a form in which no learner has a value is refused
            one[FIELDS[0]] = as_general("B")
        learners.append(_learner(top + len(rows), one, order))
        rows.append([one[name] for name in order])
    rows += [[], [as_general("Created on Tuesday")]] if junk else []
    return Form(forms.cells(rows, top, left), tuple(learners))


def learners_of(draft: Draft) -> tuple[Read, ...]:
    """Return the learners as they were read, for comparing with those of the form."""
    return tuple((one.row, *(getattr(one, key) for key in forms.KEYS), one.fields) for one in draft.learners)


def by_openpyxl(form: Form) -> bytes:
    book = Workbook()
    page = book.active
    assert isinstance(page, Worksheet)
    for address, cell in form.cells.items():
        page[address] = cell.value
        page[address].number_format = shown.spelt(cell.format)
    book.create_sheet("Notes")["B2"] = "UPIN: see above"
    return forms.saved(book)


def by_xlsxwriter(form: Form) -> bytes:
    out = BytesIO()
    book = Written(out, LITERALLY)
    page = book.add_worksheet()
    codes = {cell.format for cell in form.cells.values()}
    formats = {code: book.add_format({"num_format": code}) for code in codes}
    for address, cell in form.cells.items():
        page.write(address, cell.value, formats[cell.format])
    book.add_worksheet("Notes").write_string(1, 1, "UPIN: see above")
    book.close()
    return out.getvalue()


def _header(value: object) -> Stored:
    return Stored(value, "dd/mm/yyyy" if isinstance(value, date) else "General", value)


def _learner(row: int, one: Mapping[str, Stored], order: list[str]) -> Read:
    fields = tuple(Field(name, one[name].read) for name in order if name in FIELDS and one[name].read)
    return row, *(one[key].read for key in forms.KEYS), fields

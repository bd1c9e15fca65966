"""Rules about fields: what the school meant, or what Excel made of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from planit_mailer.domain.forms import header_block, values
from planit_mailer.domain.forms.column_cells import ColumnCells
from planit_mailer.domain.forms.columns import Column
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Kind, Range

LONG = 1_000  # characters
GRADE = 9  # the best grade, and so the highest day and month that Excel makes of two grades


def excel_errors(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """#N/A and its kin, in a field or in what identifies a learner."""
    yield from _of_kind(form, Kind.ERROR, "cell-error")


def unsaved(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A formula whose result was never saved shows nothing to us, whatever the school sees."""
    yield from _of_kind(form, Kind.UNSAVED, "formula-not-saved")


def fields(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Damage that Excel did to a column: one warning a column and cause."""
    alone = {code: frozenset(filter(is_odd, form.different)) for code, is_odd in ALONE}
    for column, down in zip(form.columns.fields, form.fields, strict=True):
        shown = [cell for cell in down.different if cell.text]
        among = {code: check(shown) for code, check in AMONG}
        for code, cells in (among | {code: odd and odd.intersection(shown) for code, odd in alone.items()}).items():
            if cells:
                heading = catalogue.quoted(column.heading)
                yield catalogue.problem(code, _places(form, column, down, cells), heading=heading)


def long_values(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A text that fills a screen may have been meant for somewhere else."""
    places: list[str] = []
    long = frozenset(cell for cell in form.different if len(cell.text) > LONG)
    for column, down in zip(form.columns.fields, form.fields, strict=True):
        places += _places(form, column, down, long)
    if places:
        yield catalogue.problem("value-long", places)


def merged(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Beneath a merged cell every other is blank to us, though to the school it shows what the merged one does."""
    rows = {row.number: row for row in form.sheet.rows} if form.sheet.merged else {}
    places: list[str] = []
    for block in form.sheet.merged:
        first = rows.get(block.first_row)
        if first and header_block.filled(first.cell(block.first_column)) and _covers_blank_fields(form, block):
            places.append(references.address(block.first_row, block.first_column))
    if places:
        yield catalogue.problem("value-merged", dict.fromkeys(places))


def dates_among_grades(cells: Sequence[Cell]) -> list[Cell]:
    """Excel turns 5-4 into 5 April: short dates among other values, or alone if all of them could be two grades.

    Full dates are suspicious only if they are a minority of the column; dates of visits, for instance, are not.
    """
    dates = [cell for cell in cells if isinstance(cell.value, datetime)]
    others = len(cells) - len(dates)
    short = [cell for cell in dates if not _in_full(cell)]
    if others >= len(dates):
        return dates
    return short if others or all(map(_could_be_grades, dates)) else []


def mixed_zeros(cells: Sequence[Cell]) -> list[Cell]:
    """Numbers shorter than others that have leading zeros: they may have lost theirs."""
    padded = [cell.text for cell in cells if _has_leading_zeros(cell)]
    if not padded:
        return []
    longest = max(map(len, padded))
    return [cell for cell in cells if len(cell.text) < longest and cell.text[0] != "0" and _is_digits(cell)]


def _has_leading_zeros(cell: Cell) -> bool:
    return cell.text[0] == "0" and _is_digits(cell) and bool(cell.text.strip("0"))


def is_long_number(cell: Cell) -> bool:
    """True if General shows a cell as 1.23E+11, or it was saved as text when it looked so."""
    could_be = "E" in cell.text and cell.kind in (Kind.NUMBER, Kind.TEXT)
    return could_be and values.SCIENTIFIC.fullmatch(cell.text) is not None


def is_unlike_excel(cell: Cell) -> bool:
    """True if a cell has a number format that we cannot follow."""
    return not cell.exact


AMONG: tuple[tuple[str, Callable[[Sequence[Cell]], list[Cell]]], ...] = (  # what is odd among the others of a column
    ("date-among-grades", dates_among_grades),
    ("leading-zeros-mixed", mixed_zeros),
)
ALONE: tuple[tuple[str, Callable[[Cell], bool]], ...] = (  # what is odd wherever it stands
    ("long-number", is_long_number),
    ("number-format-unknown", is_unlike_excel),
)


def _of_kind(form: Form, kind: Kind, code: str) -> Iterator[Problem]:
    """One problem with all cells of a kind, compulsory ones and fields, column by column."""
    columns = [(form.columns.identity[name], down) for name, down in form.identity.items()]
    columns += zip(form.columns.fields, form.fields, strict=True)
    places: list[str] = []
    for column, down in sorted(columns, key=lambda one: one[0].number):
        places += _places(form, column, down, [cell for cell in down.different if cell.kind is kind])
    if places:
        yield catalogue.problem(code, places)


def _places(form: Form, column: Column, down: ColumnCells, found: Iterable[Cell]) -> list[str]:
    """The addresses of the cells of a column that were found."""
    return [references.address(form.learners[place].number, column.number) for place in down.places(found)]


def _covers_blank_fields(form: Form, block: Range) -> bool:
    """True if any of the learners' fields within a merged block is blank."""
    columns = [one.number for one in form.columns.fields if block.first_column <= one.number <= block.last_column]
    rows = (row for row in form.learners if block.first_row <= row.number <= block.last_row)
    return bool(columns) and any(not header_block.filled(row.cell(column)) for row in rows for column in columns)


def _is_digits(cell: Cell) -> bool:
    return cell.text.isdecimal() and cell.text.isascii()


def _in_full(cell: Cell) -> bool:
    """True if a date shows day and year; those that Excel makes of grades lack one, as in 5-Apr or Jan-13."""
    return {"d", "y"} <= set(cell.format.lower())


def _could_be_grades(cell: Cell) -> bool:
    """True if Excel makes such a date of two grades: no year shown, neither day nor month above 9."""
    day = cell.value
    return isinstance(day, datetime) and "y" not in cell.format.lower() and day.day <= GRADE and day.month <= GRADE

"""Rules about fields: values that the school may not have meant, or that Excel has changed."""

import bisect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

from planit_mailer.domain.forms import header_block, values
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.forms.rules import cells
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Kind, Range

GRADE = 9  # the best grade, and so the highest day and month that Excel makes of two grades


def excel_errors(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No compulsory field and no other field holds an Excel error such as #N/A."""
    yield from _of_kind(form, Kind.ERROR, "cell-error")


def unsaved(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """The result of each formula is saved. If it is not, we read nothing, though the school sees a value."""
    yield from _of_kind(form, Kind.UNSAVED, "formula-not-saved")


def _of_kind(form: Form, kind: Kind, code: str) -> Iterator[Problem]:
    """One problem that names all cells of a kind, in compulsory and other fields, column by column."""
    columns = [(form.columns.identity[name], down) for name, down in form.identity.items()]
    columns += zip(form.columns.fields, form.fields, strict=True)
    columns.sort(key=lambda pair: pair[0].number)
    found = catalogue.problem(code, cells.meant(form, columns, lambda cell: cell.kind is kind))
    if found.cells:
        yield found


def fields(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Excel has not damaged the values of a field: one warning for each field and kind of damage."""
    odd_alone = _odd_alone(form.different)
    for column, down in zip(form.columns.fields, form.fields, strict=True):
        shown = [cell for cell in down.different if cell.text]
        for code, odd in _damage(shown, odd_alone):
            heading = catalogue.quoted(column.heading)
            yield catalogue.problem(code, cells.of_column(form, column, down, odd), heading=heading)


def _odd_alone(different: Sequence[Cell]) -> Mapping[str, frozenset[Cell]]:
    """The cells that are odd in any column, by the code of their problem; no code without cells."""
    found: dict[str, frozenset[Cell]] = {}
    for code, is_odd in ALONE:
        odd = frozenset(filter(is_odd, different))
        if odd:
            found[code] = odd
    return found


def _damage(shown: Sequence[Cell], odd_alone: Mapping[str, frozenset[Cell]]) -> Iterator[tuple[str, Collection[Cell]]]:
    """The kinds of damage in a column, each with its cells."""
    for code, check in AMONG:
        odd = check(shown)
        if odd:
            yield code, odd
    for code, odd_cells in odd_alone.items():
        here = odd_cells.intersection(shown)
        if here:
            yield code, here


def dates_among_grades(shown: Sequence[Cell]) -> list[Cell]:
    """Return the dates of a column that may have been grades: Excel turns 5-4 into 5 April.

    If at least half of the cells are no dates, each date is suspicious. Otherwise only short dates are, and only beside
    other values or if all dates of the column could be two grades. A column of full dates, such as visits, is fine.
    """
    dates = [cell for cell in shown if isinstance(cell.value, datetime)]
    others = len(shown) - len(dates)
    if others >= len(dates):
        return dates
    if others or all(map(_could_be_grades, dates)):
        return [cell for cell in dates if not _is_full_date(cell)]
    return []


def _could_be_grades(cell: Cell) -> bool:
    """True if Excel makes such a date of two grades: it shows no year, and neither day nor month is above 9."""
    day = cell.value
    if not isinstance(day, datetime) or "y" in cell.format.lower():
        return False
    return max(day.day, day.month) <= GRADE


def _is_full_date(cell: Cell) -> bool:
    """True if a date shows day and year. Dates that Excel makes of grades lack one, as in 5-Apr or Jan-13."""
    return {"d", "y"} <= set(cell.format.lower())


def mixed_zeros(shown: Sequence[Cell]) -> list[Cell]:
    """Return the numbers that may have lost leading zeros: they are shorter than another that has leading zeros."""
    padded = [len(cell.text) for cell in shown if _has_leading_zeros(cell)]
    if not padded:
        return []
    longest = max(padded)
    shorter = [cell for cell in shown if len(cell.text) < longest]
    return [cell for cell in shorter if cell.text[0] != "0" and _is_digits(cell)]


def _has_leading_zeros(cell: Cell) -> bool:
    """True if a cell is a number that begins with a zero and is not zero itself."""
    return cell.text[0] == "0" and _is_digits(cell) and cell.text.strip("0") != ""


def _is_digits(cell: Cell) -> bool:
    return cell.text.isdecimal() and cell.text.isascii()


def is_long_number(cell: Cell) -> bool:
    """True if Excel shows a long number as 1.23E+11, or that was saved as text."""
    could_be = "E" in cell.text and cell.kind in (Kind.NUMBER, Kind.TEXT)  # spares most cells the regular expression
    return could_be and values.SCIENTIFIC.fullmatch(cell.text) is not None


def is_unlike_excel(cell: Cell) -> bool:
    """True if a cell has a number format that we cannot follow."""
    return not cell.exact


AMONG: tuple[tuple[str, Callable[[Sequence[Cell]], list[Cell]]], ...] = (  # odd among the other values of a column
    ("date-among-grades", dates_among_grades),
    ("leading-zeros-mixed", mixed_zeros),
)
ALONE: tuple[tuple[str, Callable[[Cell], bool]], ...] = (  # odd in any column
    ("long-number", is_long_number),
    ("number-format-unknown", is_unlike_excel),
)


def merged(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No fields are merged: we read only the first cell of a merged block, though the school sees it in all of them."""
    if not form.sheet.merged:
        return
    rows = {row.number: row for row in form.sheet.rows}
    blank = _blank_rows_by_column(form)
    found: dict[Range, None] = {}
    for block in form.sheet.merged:
        first_row = rows.get(block.first_row)
        if first_row is None or not header_block.filled(first_row.cell(block.first_column)):
            continue
        if _covers_blank_fields(block, blank):
            found[references.cell(block.first_row, block.first_column)] = None
    if found:
        yield catalogue.problem("value-merged", found)


def _blank_rows_by_column(form: Form) -> Mapping[int, Sequence[int]]:
    """The numbers of the learners' rows in which a field is blank, in ascending order, by the column of the field."""
    blank: dict[int, list[int]] = {}
    for column, down in zip(form.columns.fields, form.fields, strict=True):
        in_rows = zip(form.learners, down.cells, strict=True)
        blank[column.number] = [row.number for row, cell in in_rows if not header_block.filled(cell)]
    return blank


def _covers_blank_fields(block: Range, blank: Mapping[int, Sequence[int]]) -> bool:
    """True if any of the learners' fields within a merged block is blank."""
    for column, rows in blank.items():
        if block.first_column <= column <= block.last_column:
            first = bisect.bisect_left(rows, block.first_row)
            if first < len(rows) and rows[first] <= block.last_row:
                return True
    return False

"""Rules about fields: what the school meant, or what Excel made of it."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from planit_mailer.spreadsheets import sheets
from planit_mailer.spreadsheets.sheets import Cell, Kind
from planit_mailer.uploads import problems, values
from planit_mailer.uploads.columns import Column
from planit_mailer.uploads.form import Form
from planit_mailer.uploads.policy import Judging
from planit_mailer.uploads.problems import Problem

LONG = 1_000  # characters
GRADE = 9  # the best grade, and so the highest day and month that Excel makes of two grades
DIGITS = re.compile(r"[0-9]+")

Values = Sequence[tuple[int, Cell]]  # the row's number and the cell
Check = Callable[[Values], list[int]]  # the numbers of the rows that it finds


def excel_errors(form: Form, _judging: Judging) -> Iterator[Problem]:
    """#N/A and its kin, in a field or in what identifies a learner."""
    yield from _of_kind(form, Kind.ERROR, "cell-error")


def unsaved(form: Form, _judging: Judging) -> Iterator[Problem]:
    """A formula whose result was never saved shows nothing to us, whatever the school sees."""
    yield from _of_kind(form, Kind.UNSAVED, "formula-not-saved")


def fields(form: Form, _judging: Judging) -> Iterator[Problem]:
    """What Excel did to a column, one warning a column and cause."""
    for column in form.columns.fields:
        found = [(row.number, cell) for row in form.learners if (cell := row.cell(column.number)) and cell.text]
        for code, check in CHECKS:
            if rows := check(found):
                yield problems.problem(code, _addresses(column, rows), heading=problems.quoted(column.heading))


def long_values(form: Form, _judging: Judging) -> Iterator[Problem]:
    """A text that fills a screen may have been meant for somewhere else."""
    cells = [
        sheets.address(row.number, column.number)
        for column in form.columns.fields
        for row in form.learners
        if (cell := row.cell(column.number)) and len(cell.text) > LONG
    ]
    if cells:
        yield problems.problem("value-long", cells)


def dates_among_grades(found: Values) -> list[int]:
    """Excel turns 5-4 into 5 April: dates among other values, or a whole column of dates that could be two grades."""
    dates = [(row, cell) for row, cell in found if cell.kind is Kind.DATE]
    if not dates:
        return []
    if len(dates) == len(found) and not all(_could_be_grades(cell) for _, cell in dates):
        return []
    return [row for row, _ in dates]


def mixed_zeros(found: Values) -> list[int]:
    """Numbers shorter than others that have leading zeros: they may have lost theirs."""
    digits = [(row, cell.text) for row, cell in found if DIGITS.fullmatch(cell.text)]
    longest = max((len(text) for _, text in digits if text.startswith("0") and text.strip("0")), default=0)
    return [row for row, text in digits if len(text) < longest and not text.startswith("0")] if longest > 1 else []


def long_numbers(found: Values) -> list[int]:
    """What General shows as 1.23E+11."""
    return [row for row, cell in found if cell.kind is Kind.NUMBER and values.SCIENTIFIC.fullmatch(cell.text)]


def unknown_formats(found: Values) -> list[int]:
    """What we cannot show as Excel does."""
    return [row for row, cell in found if not cell.exact]


CHECKS: tuple[tuple[str, Check], ...] = (
    ("date-among-grades", dates_among_grades),
    ("leading-zeros-mixed", mixed_zeros),
    ("long-number", long_numbers),
    ("number-format-unknown", unknown_formats),
)


def _of_kind(form: Form, kind: Kind, code: str) -> Iterator[Problem]:
    columns = sorted(column.number for column in (*form.columns.identity.values(), *form.columns.fields))
    cells = [
        sheets.address(row.number, column)
        for column in columns
        for row in form.learners
        if (cell := row.cell(column)) and cell.kind is kind
    ]
    if cells:
        yield problems.problem(code, cells)


def _could_be_grades(cell: Cell) -> bool:
    """Whether a date is one that Excel makes of two grades: day and month alone, neither above 9."""
    day = cell.value
    return isinstance(day, datetime) and "y" not in cell.format.lower() and day.day <= GRADE and day.month <= GRADE


def _addresses(column: Column, rows: Sequence[int]) -> list[str]:
    return [sheets.address(row, column.number) for row in rows]

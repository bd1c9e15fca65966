"""Forms to measure with: learners with the mixture of values that schools send, as XlsxWriter writes it for Excel."""

import io
import random

from xlsxwriter import Workbook
from xlsxwriter.format import Format

from tests.support import forms

GRADES = (
    "9",
    "8",
    "7+",
    "7",
    "7-",
    "6",
    "5-4",
    "5",
    "4",
    "3",
    "2",
    "1",
    "U",
    "M+",
    "M",
    "Pass",
    "Merit",
    "Distinction*",
)
TARGETS = ("On target", "Above", "Below", "Well above", "Not yet assessed")


def a_form(learners: int, columns: int) -> bytes:
    """A form of so many learners and columns, the six compulsory ones included; a value in eight is blank."""
    out = io.BytesIO()
    book = Workbook(out, {"default_date_format": "dd/mm/yyyy"})
    page = book.add_worksheet("Learners")
    styles = [book.add_format({"num_format": code}) for code in ("0", "0.0%", "0.0", "#,##0")]
    headings = [f"Subject {number}" for number in range(1, columns - 5)]
    for row, values in enumerate(forms.flat_rows([], headings)):
        page.write_row(row, 0, values)
    choose = random.Random(columns)
    for number in range(learners):
        row = number + len(forms.flat_rows([], headings))
        page.write_row(row, 0, [forms.learner(number + 1)[key] for key in forms.KEYS])
        for column in range(6, columns):
            if choose.random() < 7 / 8:
                page.write(row, column, *_value(column % 6, choose, styles))
    book.close()
    return out.getvalue()


def _value(kind: int, choose: random.Random, styles: list[Format]) -> tuple[object, ...]:
    """A value of a kind of column, and its format where it has one."""
    numbers = (choose.randint(0, 100), round(choose.random(), 4), choose.randint(0, 400) / 10, choose.randint(0, 5_000))
    if kind < len(numbers):
        return numbers[kind], styles[kind]
    return (choose.choice(GRADES if kind == len(numbers) else TARGETS),)

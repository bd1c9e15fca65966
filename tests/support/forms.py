"""Forms as schools fill them in: rows → cells → .xlsx, in the handbook's layout and in that of a flat export.

All names are invented. A sheet of cells is a dict by address, so that a test can change what it is about.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import coordinate_to_tuple
from openpyxl.worksheet.worksheet import Worksheet

from planit_mailer.domain.forms import judge as judging
from planit_mailer.domain.forms import values
from planit_mailer.domain.forms.judge import Criteria, Judgement, Rules
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Range, Row, Sheet

TODAY = datetime.now(ZoneInfo("Europe/London")).date()
SCHOOL = "Greenfield School"
POSTCODE = "ZZ9 9ZZ"
COMPULSORY = ("First name", "Learner Surname", "UPIN", "SIMS No", "DOB", "Year")
KEYS = ("first_name", "surname", "upin", "sims_no", "dob", "year")
FIRST = ("Robin", "Asha", "Tomos", "Marguerite", "Idris", "Fenella", "Jarek", "Oona", "Piers", "Sunniva")
LAST = ("Fennimore", "Quill", "Ap Rhisiart", "Oyelaran", "Thistlewood", "Brackenbury", "Nightshade", "Vole")

# A busy machine is slow, and the first text of all has to look up all letters there are.
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

Learner = dict[str, Any]
Cells = dict[str, Any]  # by address; what openpyxl is given


def upn(number: int) -> str:
    """The UPN of the invented learner of a number, with its right check letter."""
    body = f"8012{number % 10_000:04d}{number // 10_000 % 10_000:04d}"
    return values.check_letter(body) + body


def born(year: int, number: int = 0) -> date:
    """A date of birth that fits a year group today."""
    begun = TODAY.year if TODAY.month >= 9 else TODAY.year - 1
    return date(begun - year - 4, 1 + number % 8, 1 + number % 28)


def learner(number: int = 1, **changes: Any) -> Learner:
    """One learner, complete and right; `values` are those of the school's own columns, in order."""
    row: Learner = {
        "first_name": FIRST[number % len(FIRST)],
        "surname": LAST[number % len(LAST)],
        "upin": upn(number),
        "sims_no": f"{number or 999_999:06d}",  # nothing but zeros stands for none
        "dob": born(10, number),
        "year": "10",
        "values": ("B",),
    }
    unknown = changes.keys() - row.keys()
    assert not unknown, f"a learner has no {unknown}"
    return row | changes


def block(
    *,
    school: object = SCHOOL,
    postcode: object = POSTCODE,
    submitted_by: object = "The school office",
    submitted: object = TODAY,
    introduction: Sequence[object] = (),
) -> list[tuple[object, ...]]:
    """The header block's rows, as the handbook draws them."""
    paragraphs = [*introduction, *[None] * (3 - len(introduction))]
    return [
        ("Sample Plan-it spreadsheet import",),
        ("School name", school),
        ("School postcode", postcode),
        ("Import spreadsheet submitted by", submitted_by),
        ("Date submitted", submitted),
        *((f"Introductory Text paragraph {n}:", text) for n, text in enumerate(paragraphs, 1)),
    ]


def handbook_rows(
    learners: Iterable[Learner] | None = None, headings: Sequence[object] = ("History",), **header: Any
) -> list[tuple[object, ...]]:
    """The handbook's layout: the school's own headings in row 10, the compulsory ones in row 11, learners below."""
    return [
        *block(**header),
        ("Compulsory Fields", *[None] * 5, "Provider defined fields"),
        (*[None] * 6, *headings),
        COMPULSORY,
        *map(_row, [learner()] if learners is None else learners),
    ]


def flat_rows(
    learners: Iterable[Learner] | None = None, headings: Sequence[object] = ("History",), **header: Any
) -> list[tuple[object, ...]]:
    """A flat export: the header block, and below it all headings in row 10, learners below."""
    rows = map(_row, [learner()] if learners is None else learners)
    return [*block(**header), (), (*COMPULSORY, *headings), *rows]


def handbook(
    learners: Iterable[Learner] | None = None, headings: Sequence[object] = ("History",), **header: Any
) -> bytes:
    """A workbook in the handbook's layout; `header` as in block()."""
    return workbook(cells(handbook_rows(learners, headings, **header)))


def flat(learners: Iterable[Learner] | None = None, headings: Sequence[object] = ("History",), **header: Any) -> bytes:
    """A workbook in the layout of a flat export."""
    return workbook(cells(flat_rows(learners, headings, **header)))


def cells(rows: Iterable[Sequence[object]], row: int = 1, column: int = 1) -> Cells:
    """Rows as cells by address, from a corner on."""
    return {
        f"{get_column_letter(place)}{number}": value
        for number, values in enumerate(rows, row)
        for place, value in enumerate(values, column)
        if value is not None
    }


def workbook(*sheets: Mapping[str, Any], styles: Mapping[str, str] | None = None) -> bytes:
    """A workbook of sheets of cells; `styles` are number formats by address on the first."""
    book = Workbook()
    page = book.active
    assert isinstance(page, Worksheet)
    pages = [page, *(book.create_sheet() for _ in sheets[1:])]
    for page, content in zip(pages, sheets, strict=True):
        for address, value in content.items():
            page[address] = value
            if isinstance(value, date):
                page[address].number_format = "dd/mm/yyyy"
    for address, code in (styles or {}).items():
        pages[0][address].number_format = code
    return saved(book)


def saved(book: Workbook) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def sheet(content: Mapping[str, Any], **changes: Any) -> Sheet:
    """A sheet of cells as if it had been read from a file; a value may be a Cell."""
    rows: dict[int, dict[int, Cell]] = {}
    for address, value in content.items():
        row, column = coordinate_to_tuple(address)
        rows.setdefault(row, {})[column] = value if isinstance(value, Cell) else cell(value)
    made = tuple(
        Row(number, tuple(filled.get(column) for column in range(1, max(filled) + 1)))
        for number, filled in sorted(rows.items())
    )
    return replace(Sheet("Sheet1", 1, made), **changes)


def cell(value: object) -> Cell:
    """A value as Excel shows it."""
    if isinstance(value, date):
        return Cell(f"{value:%d/%m/%Y}", Kind.DATE, datetime.combine(value, time()), "dd/mm/yyyy")
    if isinstance(value, int | float):
        return Cell(f"{value:.11g}", Kind.NUMBER, value)
    return Cell(str(value).strip(), Kind.TEXT, str(value))


def checked(*sheets: Sheet, today: date = TODAY, **rules: Any) -> Judgement:
    """The judgement of sheets as they are, without a file."""
    return judging.judged(sheets, Criteria(today, Rules(**rules), Limits()))


def judge(data: bytes, today: date = TODAY, **rules: Any) -> Judgement:
    """The judgement of a file that arrives today."""
    return judging.judge(data, Criteria(today, Rules(**rules), Limits()))


def cells_at(*names: str) -> tuple[Range, ...]:
    """Cells by their names, as a problem has them: D14, or D14:D20."""
    return tuple(map(references.named, names))


def names(problem: Problem) -> tuple[str, ...]:
    """The name of each cell of a problem."""
    return tuple(references.names(problem.cells))


def _row(row: Learner) -> tuple[object, ...]:
    return (*(row[key] for key in KEYS), *row["values"])

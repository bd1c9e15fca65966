"""No value of a form is dropped silently: each one is read as the school sees it, or reported with its cells."""

import re
from collections.abc import Callable
from functools import reduce
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.support import forms
from tests.support.forms import learner
from tests.support.libreoffice import LibreOffice
from tests.support.workbooks import MAIN, RELATIONS, STRICT_MAIN, STRICT_RELATIONS, packed, parts_of

SHEET = "xl/worksheets/sheet1.xml"
LEARNERS = [learner(1, values=("007", "95.3%")), learner(2, values=("5-4", 7))]
HEADINGS = ("Code", "Grade")
SHOWN = [[("Code", "007"), ("Grade", "95.3%")], [("Code", "5-4"), ("Grade", "7")]]


def a_form(change: Callable[[Workbook], object] = lambda _book: None) -> bytes:
    """A flat form with its headings in row 10, the learners in rows 11 and 12, their values in G and H."""
    book = load_workbook(BytesIO(forms.flat(LEARNERS, HEADINGS)))
    change(book)
    return forms.saved(book)


def with_page(change: Callable[[Any], object]) -> bytes:
    return a_form(lambda book: change(book.active))


def filtered(page: Any) -> None:
    page.auto_filter.ref = "A10:H12"
    page.auto_filter.add_filter_column(5, ["11"])
    page.row_dimensions[12].hidden = True


def hide_column(page: Any) -> None:
    page.column_dimensions["H"].hidden = True


def hidden_sheet(book: Workbook) -> None:
    copy = book.copy_worksheet(book.worksheets[0])
    copy.sheet_state = "hidden"


def edited(pattern: str, replacement: str) -> Callable[[], bytes]:
    """The form with the markup of its sheet changed."""

    def make() -> bytes:
        parts = parts_of(a_form())
        markup, count = re.subn(pattern, replacement, parts[SHEET].decode())
        assert count
        return packed(parts | {SHEET: markup})

    return make


REPORTED: dict[str, tuple[Callable[[], bytes], str, tuple[str, ...]]] = {
    "an error": (lambda: with_page(lambda page: page.__setitem__("H12", "#N/A")), "cell-error", ("H12",)),
    "a formula without a result": (
        lambda: with_page(lambda page: page.__setitem__("H12", "=3+4")),
        "formula-not-saved",
        ("H12",),
    ),
    "a formula with a zero that Excel is to replace": (
        edited(r'(<c r="H12"[^>]*>)<v>7</v>', r"\1<f>3+4</f><v>0</v>"),
        "formula-not-saved",
        ("H12",),
    ),
    "a row that a filter hides": (lambda: with_page(filtered), "hidden-row", tuple(f"{c}12" for c in "ABCDEFGH")),
    "a hidden column": (lambda: with_page(hide_column), "hidden-column", ("H11", "H12")),
    "a hidden sheet": (lambda: a_form(hidden_sheet), "hidden-sheet", ()),
    "a merged value": (lambda: with_page(lambda page: page.merge_cells("H11:H12")), "value-merged", ("H11",)),
    "a format that we cannot follow": (
        lambda: with_page(lambda page: setattr(page["H12"], "number_format", "[DBNum1]0")),
        "number-format-unknown",
        ("H12",),
    ),
}


# LibreOffice calculates formulas, and knows other formats.
KEPT = ("an error", "a row that a filter hides", "a hidden column", "a hidden sheet", "a merged value")


@pytest.mark.parametrize("what", REPORTED)
def test_it_is_reported_with_its_cells(what: str) -> None:
    make, code, cells = REPORTED[what]

    reported = {problem.code: forms.names(problem) for problem in forms.judge(make()).problems}

    assert reported.get(code) == cells


def prefixed() -> bytes:
    parts = parts_of(a_form())
    markup = re.sub(r"<(/?)(\w)", r"<\1x:\2", parts[SHEET].decode()).replace("xmlns=", "xmlns:x=")
    return packed(parts | {SHEET: markup})


def strict() -> bytes:
    parts = {name: content.decode() for name, content in parts_of(a_form()).items()}
    spaces = ((MAIN, STRICT_MAIN), (RELATIONS, STRICT_RELATIONS))
    return packed({name: reduce(lambda text, pair: text.replace(*pair), spaces, text) for name, text in parts.items()})


EMPTY = "".join(f'<row r="{number}"><c r="A{number}" s="1"/></row>' for number in range(13, 50_000))
READ: dict[str, Callable[[], bytes]] = {
    "as it is": a_form,
    "counting from 1904": lambda: a_form(lambda book: setattr(book, "epoch", CALENDAR_MAC_1904)),
    "without dimensions": edited("<dimension [^>]*>", ""),
    "with dimensions too small": edited("<dimension [^>]*>", '<dimension ref="A1"/>'),
    "with dimensions too large": edited("<dimension [^>]*>", '<dimension ref="A1:XFD1048576"/>'),
    "with very many empty rows that are formatted": edited("</sheetData>", f"{EMPTY}</sheetData>"),
    "as strict OOXML": strict,
    "with prefixes": prefixed,
}


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_it_is_reported_of_what_libreoffice_saved_too(kind: str, libreoffice: LibreOffice) -> None:
    files = {f"{number}.xlsx": REPORTED[what][0]() for number, what in enumerate(KEPT)}

    saved = libreoffice.converted(files, kind)

    for number, what in enumerate(KEPT):
        _, code, cells = REPORTED[what]
        assert {one.code: forms.names(one) for one in forms.judge(saved[str(number)]).problems}.get(code) == cells, what


@pytest.mark.parametrize("how", READ)
def test_it_is_read_as_the_school_sees_it(how: str) -> None:
    judgement = forms.judge(READ[how]())

    assert judgement.accepted, judgement.problems
    assert judgement.draft
    assert [one.dob for one in judgement.draft.learners] == [one["dob"] for one in LEARNERS]
    assert [list(one.fields) for one in judgement.draft.learners] == SHOWN

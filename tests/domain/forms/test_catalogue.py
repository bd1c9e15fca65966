"""Every code of the catalogue is produced from a real workbook."""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import CATALOGUE, Stage
from tests.support import forms
from tests.support.forms import learner

# Problems that the intake reports: it knows the sender, the email and the password.
INTAKE = {
    *("school-not-yours", "school-name-unclear", "school-name-differs"),
    *("link-instead-of-file", "password-protected", "file-too-large", "email-too-full", "email-not-read"),
}
# Problems that need the store: it knows the children.
LEARNERS = {code for code, entry in CATALOGUE.items() if entry.stage is Stage.LEARNERS}


def flat(*learners: forms.Learner, headings: tuple[object, ...] = ("History",), **header: Any) -> bytes:
    return forms.flat(learners or None, headings, **header)


def changed(change: Callable[[Any], None], *learners: forms.Learner, headings: tuple[object, ...] = ("H",)) -> bytes:
    """A flat form after somebody has worked on it in Excel; headings in row 10."""
    book = load_workbook(BytesIO(flat(*learners, headings=headings)))
    change(book.active)
    return forms.saved(book)


def columns_hidden(page: Any) -> None:
    page.column_dimensions["G"].hidden = True


def row_hidden(page: Any) -> None:
    page.row_dimensions[11].hidden = True


def row_between(page: Any) -> None:
    page.insert_rows(12)
    page["A12"] = "Group 2"


def rows_hidden(page: Any) -> None:
    page.row_dimensions[12].hidden = page.row_dimensions[14].hidden = True


def rows_between(page: Any) -> None:
    for row in (12, 14):
        page.insert_rows(row)
        page[f"A{row}"] = f"Group {row}"


def two_sheets() -> bytes:
    content = forms.cells(forms.flat_rows())
    return forms.workbook(content, content)


def hidden_sheet(page: Any) -> None:
    page.parent.create_sheet("Lists").append(["N1", "R"])
    page.parent["Lists"].sheet_state = "hidden"


def error_in(address: str) -> Callable[[Any], None]:
    def change(page: Any) -> None:
        page[address] = "#N/A"
        page[address].data_type = "e"

    return change


def setting(address: str, value: object, code: str = "General") -> Callable[[Any], None]:
    def change(page: Any) -> None:
        page[address] = value
        page[address].number_format = code

    return change


def errors_everywhere() -> bytes:
    """A form in plain text with an error in every second of 41,000 cells, so that no two of them are side by side."""
    rows = forms.flat_rows((), [f"Subject {number}" for number in range(75)])
    for number in range(1, 551):
        cells = ["#N/A" if (number + column) % 2 else "B" for column in range(75)]
        one = forms.learner(number)
        rows.append((*(one[key] for key in forms.KEYS), *cells))
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    return "\r\n".join(lines).encode()


CASE_FILES = Path(__file__).parents[2] / "cases" / "forms"


def as_csv(*learners: forms.Learner, encoding: str) -> bytes:
    rows = forms.flat_rows(learners)
    lines = [",".join("" if value is None else as_text(value) for value in row) for row in rows]
    return "\r\n".join(lines).encode(encoding)


def as_text(value: object) -> str:
    return f"{value:%d/%m/%Y}" if isinstance(value, forms.date) else str(value)


CASES: dict[str, Callable[[], bytes]] = {
    "not-a-spreadsheet": lambda: b"\x89PNG\r\n\x1a\n" + bytes(64),
    "file-empty": lambda: b"",
    "file-kind-not-read": lambda: b"<?xml version='1.0'?><x xmlns='urn:schemas-microsoft-com:office:spreadsheet'/>",
    "cannot-be-opened": lambda: flat()[:2000],
    "sensitivity-label": (CASE_FILES / "l01-mip-label.xlsx").read_bytes,
    "damaged-on-the-way": lambda: flat().decode("utf-8", "replace").encode(),
    "encoding-unknown": lambda: as_csv(learner(1, first_name="Zoë"), encoding="mac_roman"),
    "encoding-guessed": lambda: as_csv(learner(1, first_name="Muñoz"), encoding="cp1252"),
    "no-form-found": lambda: forms.workbook({"A1": "Hello"}),
    "learner-on-two-sheets": two_sheets,
    "several-schools": lambda: forms.workbook(
        forms.cells(forms.flat_rows([learner(1)])), forms.cells(forms.flat_rows([learner(2)], postcode="ZZ8 8ZZ"))
    ),
    "hidden-sheet": lambda: changed(hidden_sheet),
    "required-missing": lambda: flat(school=None),
    "required-error": lambda: changed(error_in("B2")),
    "required-not-saved": lambda: flat(school="=A1"),
    "postcode-wrong": lambda: flat(postcode="nowhere"),
    "date-submitted-wrong": lambda: flat(submitted="31/02/2026"),
    "date-submitted-future": lambda: flat(submitted="01/01/2999"),
    "date-submitted-old": lambda: flat(submitted="01/01/1999"),
    "introduction-too-long": lambda: flat(introduction=("a", "b", "c", "d")),
    "heading-missing": lambda: changed(setting("C10", None)),
    "heading-twice": lambda: flat(headings=("UPIN",)),
    "header-missing": lambda: forms.workbook(forms.cells(forms.flat_rows()[9:])),
    "header-text-unused": lambda: changed(setting("D2", "Printed by the office")),
    "no-fields": lambda: flat(learner(1, values=())),
    "learners-on-several-rows": lambda: flat(*(learner(n, upin=forms.upn(n % 3), sims_no=n % 3 + 1) for n in range(6))),
    "dates-for-grades": lambda: changed(setting("G11", forms.date(2026, 4, 5), "d-mmm")),
    "learner-without-values": lambda: flat(learner(1), learner(2, values=())),
    "too-many-fields": lambda: flat(learner(1, values=("B",) * 76), headings=tuple(map(str, range(76)))),
    "column-without-heading": lambda: flat(headings=(None,)),
    "field-twice": lambda: flat(learner(1, values=("B", "C")), headings=("Art", "Art")),
    "hidden-column": lambda: changed(columns_hidden),
    "hidden-row": lambda: changed(row_hidden),
    "heading-without-values": lambda: flat(headings=("History", "Art")),
    "heading-passed-over": lambda: flat(headings=("Preferred Surname",)),
    "example-heading": lambda: flat(headings=("FFT Eng KS3",)),
    "sensitive-heading": lambda: flat(headings=("SEN",)),
    "no-learners": lambda: forms.flat([]),
    "value-missing": lambda: flat(learner(1, year=None)),
    "identity-long": lambda: flat(learner(1, surname="Underhill " * 21)),
    "dob-wrong": lambda: flat(learner(1, dob="31/02/2011")),
    "dob-month-first": lambda: flat(learner(1, dob="01/31/2011")),
    "dob-two-digit-year": lambda: flat(learner(1, dob="31/01/11")),
    "dob-age": lambda: flat(learner(1, dob="31/01/1911")),
    "year-wrong": lambda: flat(learner(1, year="99")),
    "upin-check-letter": lambda: flat(learner(1, upin="B207000016049")),
    "upin-provider-number": lambda: flat(*(learner(n, upin=104512) for n in range(3))),
    "upin-twice": lambda: flat(learner(1), learner(2, upin=forms.upn(1))),
    "sims-no-twice": lambda: flat(learner(1), learner(2, sims_no=1)),
    "cell-error": lambda: changed(error_in("G11")),
    "formula-not-saved": lambda: flat(learner(1, values=("=1+1",))),
    "year-not-for-dob": lambda: flat(learner(1, dob=forms.born(7))),
    "upin-not-upn": lambda: flat(learner(1, upin="AB12")),
    "upin-uln": lambda: flat(learner(1, upin="3555125752")),
    "date-among-grades": lambda: changed(
        setting("G12", forms.date(2026, 4, 25), "d-mmm"), learner(1, values=("5-4",)), learner(2)
    ),
    "leading-zeros-mixed": lambda: flat(learner(1, values=("007",)), learner(2, values=(12,))),
    "long-number": lambda: flat(learner(1, values=(123456789012,))),
    "number-format-unknown": lambda: changed(setting("G11", 7, "[DBNum1]0")),
    "value-long": lambda: flat(learner(1, values=("x" * 1001,))),
    "value-too-long": lambda: flat(learner(1, values=("x" * 4001,))),
    "heading-too-long": lambda: flat(headings=("x" * 201,)),
    "paragraph-too-long": lambda: flat(introduction=("x" * 4001,)),
    "value-merged": lambda: changed(lambda page: page.merge_cells("G11:G12"), learner(1), learner(2, values=())),
    "row-passed-over": lambda: changed(setting("A14", "Total")),
    "cells-not-named": errors_everywhere,
}


# Several problems of one kind, for which the catalogue has one message.
TOGETHER: dict[str, Callable[[], bytes]] = {
    "column-without-heading": lambda: flat(learner(1, values=("B", "C")), headings=(None, None)),
    "hidden-row": lambda: changed(rows_hidden, *map(learner, range(1, 6))),
    "example-heading": lambda: flat(learner(1, values=("B", "C")), headings=("FFT Eng KS3", "Art KSS pred")),
    "upin-twice": lambda: flat(*(learner(n, upin=forms.upn(n % 2)) for n in range(1, 5))),
    "sims-no-twice": lambda: flat(*(learner(n, sims_no=n % 2 + 1) for n in range(1, 5))),
}


@pytest.mark.parametrize("code", CASES)
def test_a_workbook_shows_it(code: str) -> None:
    judgement = forms.judge(CASES[code]())

    told = [problem.message for problem in judgement.problems if problem.code == code]

    assert told
    assert not [message for message in told if "{" in message]


@pytest.mark.parametrize("code", TOGETHER)
def test_a_workbook_with_several_of_a_kind_is_told_of_them_at_once(code: str) -> None:
    judgement = forms.judge(TOGETHER[code]())

    [group] = [group for group in catalogue.grouped(judgement.problems) if group.code == code]

    assert len([problem for problem in judgement.problems if problem.code == code]) > 1
    assert as_pattern(CATALOGUE[code].together).fullmatch(group.message)


def as_pattern(message: str) -> re.Pattern[str]:
    """A pattern that matches a message of the catalogue with its parameters filled in."""
    return re.compile(re.sub(r"\\{\w+\\}", "[^{}]+", re.escape(message)))


def test_every_code_has_a_workbook_that_shows_it() -> None:
    assert set(CASES) == set(CATALOGUE) - LEARNERS - INTAKE
    assert set(TOGETHER) == {code for code, entry in CATALOGUE.items() if entry.together}

"""Sheets that were read from any kind of file are written as .xlsx and show the same."""

import tempfile
from dataclasses import replace
from datetime import datetime

import pytest

from planit_mailer.spreadsheets.annotate import convert
from planit_mailer.spreadsheets.model import Cell, Kind, Range, Row, Sheet
from tests.support import workbooks

SHOWN = (
    Cell("=1+1", Kind.TEXT, "=1+1"),
    Cell("007", Kind.TEXT, "007", "@"),
    Cell("95.3%", Kind.NUMBER, 0.953, "0.0%"),
    Cell("95 of 100", Kind.NUMBER, 95, "General", exact=False),  # shown in a way that no format tells
    Cell("04/11/2026", Kind.DATE, datetime(2026, 11, 4), "dd/mm/yyyy"),  # noqa: DTZ001
    Cell("TRUE", Kind.BOOLEAN, value=True),
    Cell("#N/A", Kind.ERROR),
)


def test_each_cell_shows_what_it_showed() -> None:
    [made] = workbooks.sheets(convert.as_xlsx((Sheet("Form", 1, (Row(3, SHOWN),)),)))

    assert [cell.text for cell in made.rows[0].cells if cell] == [cell.text for cell in SHOWN]
    assert [made.rows[0].number, made.name] == [3, "Form"]


def test_a_formula_without_a_result_still_has_to_be_seen_to() -> None:
    [made] = workbooks.sheets(convert.as_xlsx((Sheet("Form", 1, (Row(1, (Cell("", Kind.UNSAVED),)),)),)))

    found = made.rows[0].cells[0]
    assert found
    assert (found.text, found.kind, found.value) == ("#N/A", Kind.ERROR, None)


def test_what_is_hidden_or_merged_stays_so() -> None:
    rows = (Row(1, SHOWN[:2]), Row(2, SHOWN[:1], hidden=True))
    sheet = Sheet("A", 1, rows, hidden_columns=frozenset({2}), merged=(Range(1, 1, 1, 1), Range(3, 1, 4, 2)))

    made, other = workbooks.sheets(convert.as_xlsx((sheet, replace(sheet, name="B", hidden=True))))

    assert (made.hidden, other.hidden) == (False, True)
    assert [row.hidden for row in made.rows] == [False, True]
    assert made.hidden_columns == {2}
    assert Range(3, 1, 4, 2) in made.merged


def test_names_that_excel_does_not_take_are_changed() -> None:
    names = ("a/b", "x" * 40, "", "a b", "A B")

    made = workbooks.sheets(convert.as_xlsx(tuple(Sheet(name, 1, (Row(1, SHOWN),)) for name in names)))

    assert [sheet.name for sheet in made] == ["a b", "x" * 31, "Sheet", "a b1", "A B2"]


def test_nothing_is_written_to_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")  # where any temporary file would fail

    assert workbooks.sheets(convert.as_xlsx((Sheet("Form", 1, (Row(1, SHOWN),)),)))

"""Writes sheets that were read into an .xlsx workbook that shows the same, for kinds of file that cannot be painted."""

import re

from openpyxl import Workbook
from openpyxl.cell.cell import Cell as WritableCell
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from planit_mailer.spreadsheets.annotate import in_memory
from planit_mailer.spreadsheets.containers.zip_archive import TooLarge
from planit_mailer.spreadsheets.model import Cell, Kind, Row, Sheet
from planit_mailer.spreadsheets.readers import cells

NOT_IN_NAMES = re.compile(r"[\[\]*?:/\\\x00-\x1f]")
NAME_LENGTH = 31
CELLS = 300_000  # that are copied; a form of 3,700 learners has as many
DATE = "dd/mm/yyyy"
NARROWEST, WIDEST = 10, 40  # characters
LOST_RESULT = "#N/A"  # in place of a formula without a saved result, which the school still has to correct


def as_xlsx(sheets: tuple[Sheet, ...]) -> bytes:
    """Return the bytes of a workbook with these sheets, which are numbered from 1 in their order.

    Raises TooLarge if that would take too long: openpyxl needs some seconds for 300,000 cells.
    """
    if sum(_count(row) for sheet in sheets for row in sheet.rows) > CELLS:
        raise TooLarge(f"more than {CELLS:,} cells to copy")
    book = Workbook()
    for unwanted in book.worksheets:
        book.remove(unwanted)
    for sheet in sheets:
        name = NOT_IN_NAMES.sub(" ", sheet.name)[:NAME_LENGTH] or "Sheet"
        _write_sheet(book.create_sheet(name), sheet)
    return in_memory.saved(book)


def _count(row: Row) -> int:
    """The number of cells in a row that are not blank."""
    return len(row.cells) - row.cells.count(None)


def _write_sheet(page: Worksheet, sheet: Sheet) -> None:
    if sheet.hidden:
        page.sheet_state = "hidden"
    for row in sheet.rows:
        _write_row(page, row)
    _set_widths(page, sheet)
    for column in sheet.hidden_columns:
        page.column_dimensions[get_column_letter(column)].hidden = True
    for merged in sheet.merged:
        page.merge_cells(
            start_row=merged.first_row,
            end_row=merged.last_row,
            start_column=merged.first_column,
            end_column=merged.last_column,
        )


def _write_row(page: Worksheet, row: Row) -> None:
    for column, cell in enumerate(row.cells, 1):
        if cell is not None:
            place = page.cell(row.number, column)
            assert isinstance(place, WritableCell), "cells are merged after they are written"
            _write_cell(place, cell)
    if row.hidden:
        page.row_dimensions[row.number].hidden = True


def _write_cell(place: WritableCell, cell: Cell) -> None:
    """Write a cell so that it shows what it showed. No text becomes a formula, whatever it begins with."""
    match cell.kind:
        case Kind.ERROR | Kind.UNSAVED:
            place.value = cell.text or LOST_RESULT
            place.data_type = "e"
        case Kind.BOOLEAN:
            place.value = cell.value
        case Kind.DATE:
            place.value = cell.value
            place.number_format = DATE if cell.format == "General" else cell.format
        case Kind.NUMBER if _shows_its_text(cell):
            place.value = cell.value
            place.number_format = cell.format
        case _:
            place.value = cell.text
            place.data_type = "s"
            place.number_format = "@"


def _shows_its_text(cell: Cell) -> bool:
    """True if the value of a cell, under the cell's format, shows the text that the cell showed."""
    if not isinstance(cell.value, int | float):
        return False
    return cells.number(cell.value, cell.format).text == cell.text


def _set_widths(page: Worksheet, sheet: Sheet) -> None:
    """Make each column as wide as the longest text in it, within bounds."""
    longest: dict[int, int] = {}
    for row in sheet.rows:
        for column, cell in enumerate(row.cells, 1):
            length = len(cell.text) if cell else 0
            longest[column] = max(longest.get(column, 0), length)
    for column, length in sorted(longest.items()):
        width = min(max(length + 2, NARROWEST), WIDEST)
        page.column_dimensions[get_column_letter(column)].width = width

"""Sheets as they were read → an .xlsx workbook that shows the same, for kinds of file that cannot be painted."""

import io
import re

from openpyxl import Workbook
from openpyxl.cell.cell import Cell as Written
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from planit_mailer.spreadsheets.model import Cell, Kind, Sheet
from planit_mailer.spreadsheets.readers import cells

NOT_IN_NAMES = re.compile(r"[\[\]*?:/\\\x00-\x1f]")
NAME_LENGTH = 31
DATE = "dd/mm/yyyy"
NARROWEST, WIDEST = 10, 40  # characters
LOST_RESULT = "#N/A"  # in place of a formula without a result, which still has to be seen to


def as_xlsx(sheets: tuple[Sheet, ...]) -> bytes:
    """The workbook's bytes; its sheets are numbered from 1 in their order."""
    book = Workbook()
    for unwanted in book.worksheets:
        book.remove(unwanted)
    for sheet in sheets:
        _write(book.create_sheet(NOT_IN_NAMES.sub(" ", sheet.name)[:NAME_LENGTH] or "Sheet"), sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write(page: Worksheet, sheet: Sheet) -> None:
    page.sheet_state = "hidden" if sheet.hidden else "visible"
    for row in sheet.rows:
        for column, cell in enumerate(row.cells, 1):
            if cell is not None:
                place = page.cell(row.number, column)
                assert isinstance(place, Written), "cells are merged after they are written"
                _fill(place, cell)
        if row.hidden:
            page.row_dimensions[row.number].hidden = True
    _dress(page, sheet)


def _dress(page: Worksheet, sheet: Sheet) -> None:
    """Widths by what the columns show, merged cells, and what is hidden."""
    for column in range(1, max((len(row.cells) for row in sheet.rows), default=0) + 1):
        shown = max((len(cell.text) for row in sheet.rows if (cell := row.cell(column))), default=0)
        page.column_dimensions[get_column_letter(column)].width = min(max(shown + 2, NARROWEST), WIDEST)
    for column in sheet.hidden_columns:
        page.column_dimensions[get_column_letter(column)].hidden = True
    for merged in sheet.merged:
        corners = (merged.first_row, merged.first_column, merged.last_row, merged.last_column)
        rows, columns = corners[::2], corners[1::2]
        page.merge_cells(start_row=rows[0], end_row=rows[1], start_column=columns[0], end_column=columns[1])


def _fill(place: Written, cell: Cell) -> None:
    """Write a cell so that it shows what it showed; no text becomes a formula, whatever it begins with."""
    match cell.kind:
        case Kind.ERROR | Kind.UNSAVED:
            place.value, place.data_type = cell.text or LOST_RESULT, "e"
        case Kind.BOOLEAN:
            place.value = cell.value
        case Kind.DATE:
            place.value = cell.value
            place.number_format = cell.format if cell.format != "General" else DATE
        case Kind.NUMBER if (
            isinstance(cell.value, int | float) and cells.number(cell.value, cell.format).text == cell.text
        ):
            place.value, place.number_format = cell.value, cell.format
        case _:
            place.value, place.data_type = cell.text, "s"
            place.number_format = "@"

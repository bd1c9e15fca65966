"""The addresses of the cells that a problem names."""

from collections.abc import Iterable

from planit_mailer.domain.forms import header_block
from planit_mailer.domain.forms.columns import Column
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Row


def of_headings(columns: Iterable[Column]) -> tuple[str, ...]:
    """The addresses of the headings of columns."""
    return tuple(column.address for column in columns)


def with_content(rows: Iterable[Row]) -> list[str]:
    """The addresses of the cells with a content in these rows, row by row."""
    found: list[str] = []
    for row in rows:
        for column, cell in enumerate(row.cells, 1):
            if header_block.filled(cell):
                found.append(references.address(row.number, column))
    return found


def with_content_in_column(rows: Iterable[Row], column: int) -> list[str]:
    """The addresses of the cells with a content in one column of these rows, top down."""
    found: list[str] = []
    for row in rows:
        if header_block.filled(row.cell(column)):
            found.append(references.address(row.number, column))
    return found

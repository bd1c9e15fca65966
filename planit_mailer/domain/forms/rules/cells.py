"""The cells that a problem names, as blocks: they are found one by one, and never held one by one."""

from collections.abc import Callable, Iterable, Iterator

from planit_mailer.domain.forms import header_block
from planit_mailer.domain.forms.column_cells import ColumnCells
from planit_mailer.domain.forms.columns import Column
from planit_mailer.domain.forms.find import Form
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Range, Row
from planit_mailer.spreadsheets.references import Place


def of_headings(columns: Iterable[Column]) -> Iterator[Range]:
    """The cells of the headings of columns."""
    return references.ranges((column.row, column.number) for column in columns)


def of_rows(rows: Iterable[Row], column: int) -> Iterator[Range]:
    """The cells of these rows in one column."""
    return references.ranges((row.number, column) for row in rows)


def with_content(rows: Iterable[Row]) -> Iterator[Range]:
    """The cells with a content in these rows, row by row."""
    return references.ranges(_with_content(rows))


def with_content_in_columns(rows: Iterable[Row], columns: Iterable[int]) -> Iterator[Range]:
    """The cells with a content in some columns of these rows, column by column, each top down."""
    filled = header_block.filled
    return references.ranges((row.number, column) for column in columns for row in rows if filled(row.cell(column)))


def meant(
    form: Form, columns: Iterable[tuple[Column, ColumnCells]], is_meant: Callable[[Cell], bool]
) -> Iterator[Range]:
    """The learners' cells in these columns that are meant, column by column. Each distinct cell is looked at once."""
    for column, down in columns:
        yield from of_column(form, column, down, filter(is_meant, down.different))


def of_column(form: Form, column: Column, down: ColumnCells, found: Iterable[Cell]) -> Iterator[Range]:
    """The places of these cells of learners in a column, top down."""
    learners = form.learners
    return references.ranges((learners[index].number, column.number) for index in down.places(found))


def _with_content(rows: Iterable[Row]) -> Iterator[Place]:
    for row in rows:
        for column, cell in enumerate(row.cells, 1):
            if header_block.filled(cell):
                yield row.number, column

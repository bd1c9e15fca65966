"""Cells and blocks of cells, by row and column numbers and as Excel names them, such as D14 or D14:D20.

Many cells travel as blocks, never as a name for each: a sheet can have millions of cells, of which a whole column may
be meant.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from planit_mailer.spreadsheets.model import Range

ADDRESS = re.compile(r"([A-Z]+)(\d+)")
ON_SHEET = re.compile(r"'((?:[^']|'')*)'!(.*)", re.DOTALL)

Place = tuple[int, int]  # row and column, from 1


def cell(row: int, column: int) -> Range:
    """Return the block of one cell."""
    return Range(row, column, row, column)


def ranges(places: Iterable[Place]) -> Iterator[Range]:
    """Yield the cells at these places as few blocks, one after the other, without holding the places.

    The order stays: the cells of the blocks, each block row by row, are the places as they were given.
    """
    block: Range | None = None
    for run in _runs_along_rows(places):
        if block is not None and _is_next_row(block, run):
            block = Range(block.first_row, block.first_column, run.last_row, block.last_column)
            continue
        if block is not None:
            yield block
        block = run
    if block is not None:
        yield block


def places(blocks: Iterable[Range]) -> Iterator[Place]:
    """Yield the place of every cell of these blocks, each block row by row."""
    for block in blocks:
        columns = range(block.first_column, block.last_column + 1)
        for row in range(block.first_row, block.last_row + 1):
            for column in columns:
                yield row, column


def names(blocks: Iterable[Range]) -> list[str]:
    """Return the name of every single cell of these blocks, in the order of places()."""
    return [_on_sheet(block) + address(row, column) for block in blocks for row, column in places([block])]


def name(block: Range) -> str:
    """Return the name of a block: "D14:D20", "D14" if it is a single cell, or "'Year 10'!D14" with its sheet."""
    first = address(block.first_row, block.first_column)
    last = address(block.last_row, block.last_column)
    return _on_sheet(block) + (first if first == last else f"{first}:{last}")


def named(written: str) -> Range:
    """Return the block that a name such as "D14:D20" or "D14" stands for. Raises ValueError if it is none."""
    on_sheet = ON_SHEET.fullmatch(written)
    sheet, cells = (on_sheet[1].replace("''", "'"), on_sheet[2]) if on_sheet else ("", written)
    first, _, last = cells.partition(":")
    first_row, first_column = position(first)
    last_row, last_column = position(last or first)
    return Range(first_row, first_column, last_row, last_column, sheet)


def by_column(blocks: Iterable[Range]) -> list[Range]:
    """Return all cells of these blocks, each once, as blocks of one column: from left to right, each top down."""
    sheets: dict[str, None] = {}
    runs_of_column: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for block in blocks:
        sheets[block.sheet] = None
        for column in range(block.first_column, block.last_column + 1):
            runs_of_column.setdefault((block.sheet, column), []).append((block.first_row, block.last_row))
    order = {sheet: place for place, sheet in enumerate(sheets)}
    found: list[Range] = []
    for sheet, column in sorted(runs_of_column, key=lambda key: (order[key[0]], key[1])):
        runs = _merged(runs_of_column[sheet, column])
        found += [Range(first, column, last, column, sheet) for first, last in runs]
    return found


def side_by_side(runs: Iterable[Range]) -> list[Range]:
    """Join blocks of one column, as by_column() returns them, with those of the same rows in the next column."""
    places_of_rows: dict[tuple[str, int, int], int] = {}  # the place of the last block on a sheet with these rows
    joined: list[Range] = []
    for run in runs:
        rows = (run.sheet, run.first_row, run.last_row)
        place = places_of_rows.get(rows)
        if place is not None and joined[place].last_column == run.first_column - 1:
            before = joined[place]
            joined[place] = replace(before, last_column=run.last_column)
        else:
            places_of_rows[rows] = len(joined)
            joined.append(run)
    return joined


def on_sheet(blocks: Iterable[Range], sheet: str) -> Iterator[Range]:
    """Yield these blocks with the name of the sheet that they are on, unless they have one."""
    return (block if block.sheet else replace(block, sheet=sheet) for block in blocks)


def position(cell: str) -> Place:
    """Return the row and the column of a cell such as D14. Raises ValueError if it is not named as Excel names it."""
    match = ADDRESS.fullmatch(cell)
    if match is None:
        raise ValueError(f"no cell is named {cell!r}")
    return int(match[2]), column_number(match[1])


def address(row: int, column: int) -> str:
    """Return the name of a cell: row 14, column 4 is D14."""
    return f"{column_letters(column)}{row}"


def column_letters(column: int) -> str:
    """Return the letters of a column: 1 is A, 27 is AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """Return the number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _on_sheet(block: Range) -> str:
    """The name of a block's sheet as it stands before the cells, with an exclamation mark, or ""."""
    if not block.sheet:
        return ""
    quoted = block.sheet.replace("'", "''")
    return f"'{quoted}'!"


def _runs_along_rows(places: Iterable[Place]) -> Iterator[Range]:
    """Yield the places as blocks of one row, each of places that follow one another from left to right."""
    row = first = last = 0
    for next_row, column in places:
        if next_row == row and column == last + 1:
            last = column
            continue
        if row:
            yield Range(row, first, row, last)
        row, first, last = next_row, column, column
    if row:
        yield Range(row, first, row, last)


def _is_next_row(block: Range, run: Range) -> bool:
    """Return True if a run along a row continues a block downwards: the row below, the same columns."""
    same_columns = (block.first_column, block.last_column) == (run.first_column, run.last_column)
    return same_columns and run.first_row == block.last_row + 1


def _merged(runs: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield runs of rows in order, those that overlap or follow one another as one."""
    first = last = 0
    for next_first, next_last in sorted(runs):
        if first and next_first <= last + 1:
            last = max(last, next_last)
            continue
        if first:
            yield first, last
        first, last = next_first, next_last
    if first:
        yield first, last

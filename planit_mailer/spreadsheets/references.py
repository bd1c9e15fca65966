"""Cell references as Excel writes them, such as D14 or D14:D20, to and from row and column numbers."""

import re
from collections.abc import Iterable, Iterator

ADDRESS = re.compile(r"([A-Z]+)(\d+)")


def blocks(cells: Iterable[str]) -> Iterator[str]:
    """Yield cells as blocks of a column, in order and as Excel writes them: "C14:C36", "C40"."""
    rows_of_column: dict[int, list[int]] = {}
    for row, column in sorted(position(cell) for cell in set(cells)):
        rows_of_column.setdefault(column, []).append(row)
    for column in sorted(rows_of_column):
        for first, last in _runs(rows_of_column[column]):
            yield _block(column, first, last)


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of consecutive numbers. The numbers are in order."""
    first = last = numbers[0]
    for number in numbers[1:]:
        if number != last + 1:
            yield first, last
            first = number
        last = number
    yield first, last


def _block(column: int, first_row: int, last_row: int) -> str:
    first = address(first_row, column)
    if first_row == last_row:
        return first
    return f"{first}:{address(last_row, column)}"


def position(cell: str) -> tuple[int, int]:
    """Return the row and the column of a cell such as D14."""
    match = ADDRESS.fullmatch(cell)
    assert match, "cells are named as Excel names them"
    return int(match[2]), column_number(match[1])


def address(row: int, column: int) -> str:
    """Return the reference of a cell: row 14, column 4 is D14."""
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

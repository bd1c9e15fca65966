"""Cell references as Excel writes them, such as D14 or D14:D20, to and from row and column numbers."""

import re
from collections.abc import Iterable, Iterator

ADDRESS = re.compile(r"([A-Z]+)(\d+)")


def blocks(cells: Iterable[str]) -> Iterator[str]:
    """Cells as blocks of a column, each named as Excel does: "C14:C36", "C40"."""
    first = last = (0, 0)
    for column, row in sorted(position(cell)[::-1] for cell in set(cells)):
        if (column, row - 1) != last:
            if first[1]:
                yield _block(first, last)
            first = (column, row)
        last = (column, row)
    if first[1]:
        yield _block(first, last)


def position(cell: str) -> tuple[int, int]:
    """The row and the column of a cell as Excel names it."""
    match = ADDRESS.fullmatch(cell)
    assert match, "cells are named as Excel names them"
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column


def _block(first: tuple[int, int], last: tuple[int, int]) -> str:
    """The block between two places, each a column and a row."""
    corners = (address(row, column) for column, row in (first, last))
    return ":".join(dict.fromkeys(corners))


def column_letters(column: int) -> str:
    """The letters of a column: 1 is A, 27 is AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """The number of a column: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def address(row: int, column: int) -> str:
    """A cell as Excel names it: row 14, column 4 is D14."""
    return f"{column_letters(column)}{row}"

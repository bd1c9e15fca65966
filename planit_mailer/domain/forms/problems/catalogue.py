"""The catalogue: every problem that a form can have, in words that say how to put it right.

There is one entry for each code. The email, the command `check` and the page for schools are made from it. The
messages follow the style of GOV.UK's error messages.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from planit_mailer.domain.forms.problems import files, headings, learners, rows
from planit_mailer.domain.forms.problems.entry import Entry, Severity, Stage
from planit_mailer.spreadsheets import references

__all__ = ["CATALOGUE", "Entry", "Group", "Problem", "Severity", "Stage", "grouped", "problem"]

CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {entry.code: entry for module in (files, headings, rows, learners) for entry in module.ENTRIES}
)
SHOWN = 10  # rows, columns or headings that a message names; the cells name all
LONGEST = 60  # characters of a heading that a message repeats
FEWEST = 3  # rows in a run that a sentence shortens to "14 to 16"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a school can put right. `cells` are the addresses of all its cells; () if it has none.

    The message names cells, headings and counts, never a learner's name, UPIN, DOB or value.
    """

    code: str
    severity: Severity
    stage: Stage
    message: str
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Problems with one cause, as they are reported. `ranges` is like "C14:C36, C40", or "" without cells.

    `single` is True if there is exactly one cell.
    """

    code: str
    severity: Severity
    message: str
    ranges: str
    single: bool
    cells: tuple[str, ...]


def problem(code: str, cells: Iterable[str] = (), /, **parameters: object) -> Problem:
    """Make a problem of the catalogue. Raises KeyError for an unknown code or a missing parameter of its message."""
    entry = CATALOGUE[code]
    return Problem(code, entry.severity, entry.stage, entry.message.format(**parameters), tuple(cells))


def grouped(problems: Iterable[Problem]) -> tuple[Group, ...]:
    """Group problems by cause: errors before warnings, each in the order of the catalogue."""
    causes: dict[tuple[Severity, str, str], list[Problem]] = {}
    for one in problems:
        causes.setdefault((one.severity, one.code, _cause(one)), []).append(one)
    order = {code: place for place, code in enumerate(CATALOGUE)}
    by_weight = sorted(causes, key=lambda cause: (cause[0] is not Severity.ERROR, order[cause[1]]))
    return tuple(_group(causes[cause]) for cause in by_weight)


def _cause(one: Problem) -> str:
    """The text that tells causes of one code apart; "" if the catalogue has one message for several."""
    return "" if CATALOGUE[one.code].together else one.message


def _group(same: Sequence[Problem]) -> Group:
    first = same[0]
    cells = _cells(same)
    return Group(first.code, first.severity, _message(same), ranges(cells), len(cells) == 1, cells)


def _cells(problems: Iterable[Problem]) -> tuple[str, ...]:
    """The cells of problems, each once, in the order of their first appearance."""
    cells: dict[str, None] = {}
    for one in problems:
        cells.update(dict.fromkeys(one.cells))
    return tuple(cells)


def _message(same: Sequence[Problem]) -> str:
    """The message of a group: its problem's own, or the catalogue's message for several problems of a code."""
    together = CATALOGUE[same[0].code].together
    if len(same) == 1 or not together:
        return same[0].message
    columns = {_column(cell) for cell in _cells(same)}
    letters = listed([references.column_letters(column) for column in sorted(columns)])
    return together.format(count=len(same), rows=_rows_of_each(same), columns=letters)


def _rows_of_each(problems: Sequence[Problem]) -> str:
    """The row numbers of each problem, such as "14 and 20; 15 and 31"; of many problems the first ones."""
    shown = [row_numbers(map(_row, one.cells)) for one in problems[:SHOWN]]
    more = len(problems) - SHOWN
    if more > 0:
        shown.append(f"and {more} more")
    return "; ".join(shown)


def _row(cell: str) -> int:
    return references.position(cell)[0]


def _column(cell: str) -> int:
    return references.position(cell)[1]


def ranges(cells: Iterable[str]) -> str:
    """Cells as blocks, as Excel names them: "C14:C36, C40", or "G10:K10" for cells side by side."""
    blocks = _joined_side_by_side(_runs_by_column(cells))
    return ", ".join(map(_block, blocks))


@dataclass(slots=True)
class _Rectangle:
    """A block of cells that still grows."""

    first_column: int
    last_column: int
    first_row: int
    last_row: int


def _runs_by_column(cells: Iterable[str]) -> list[_Rectangle]:
    """The cells as blocks of one column each, from left to right."""
    places = sorted((column, row) for row, column in map(references.position, set(cells)))
    runs: list[_Rectangle] = []
    for column, row in places:
        before = runs[-1] if runs else None
        if before and before.last_column == column and before.last_row == row - 1:
            before.last_row = row
        else:
            runs.append(_Rectangle(column, column, row, row))
    return runs


def _joined_side_by_side(runs: Iterable[_Rectangle]) -> list[_Rectangle]:
    """Join blocks with the same rows in neighbouring columns."""
    latest: dict[tuple[int, int], _Rectangle] = {}  # the last block with these first and last rows
    joined: list[_Rectangle] = []
    for run in runs:
        rows = (run.first_row, run.last_row)
        before = latest.get(rows)
        if before and before.last_column == run.first_column - 1:
            before.last_column = run.last_column
        else:
            latest[rows] = run
            joined.append(run)
    return joined


def _block(rectangle: _Rectangle) -> str:
    first = references.address(rectangle.first_row, rectangle.first_column)
    last = references.address(rectangle.last_row, rectangle.last_column)
    return first if first == last else f"{first}:{last}"


def quoted(text: str) -> str:
    """A heading as messages repeat it: on one line and cut if it is long."""
    line = plain(text)
    if len(line) <= LONGEST:
        return line
    return line[: LONGEST - 1].rstrip() + "…"


def plain(text: str) -> str:
    """A text of the school on one line, without invisible characters such as those that change the direction."""
    return " ".join("".join(map(_plain_character, text)).split())


def _plain_character(character: str) -> str:
    """A space for a control character or line separator, nothing for a formatting character, else the character."""
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    if category == "Cf":
        return ""
    return character


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them, "A, B and C"; of many words the first ones, and how many more there are."""
    shown = [*words]
    if len(words) > SHOWN:
        shown = [*words[:SHOWN], f"{len(words) - SHOWN} more"]
    if len(shown) <= 1:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def row_numbers(rows: Iterable[int]) -> str:
    """Row numbers as a sentence names them: "22 and 57", "14 to 20 and 31"."""
    words: list[str] = []
    for run in _runs(rows):
        if len(run) >= FEWEST:
            words.append(f"{run[0]} to {run[-1]}")
        else:
            words.extend(map(str, run))
    return listed(words)


def _runs(numbers: Iterable[int]) -> list[list[int]]:
    """Numbers in ascending runs of numbers that follow one another, without duplicates."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs

"""The catalogue: everything that can be wrong with a form, in words that say how to put it right.

One entry a code; from it come the email, `check`, and the page for schools. Style: GOV.UK error messages.
"""

import re
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
ADDRESS = re.compile(r"([A-Z]+)(\d+)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a school can put right. `cells` names every cell as Excel does; () if none applies.

    The message names cells, headings and counts, never a learner's name, UPIN, DOB or value.
    """

    code: str
    severity: Severity
    stage: Stage
    message: str
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Problems with one cause, as people are told of them; `ranges` is like "C14:C36, C40", "" without cells."""

    code: str
    severity: Severity
    message: str
    ranges: str
    single: bool
    cells: tuple[str, ...]


def problem(code: str, cells: Iterable[str] = (), /, **parameters: object) -> Problem:
    """A problem of the catalogue. Raises KeyError for an unknown code or a parameter that its message lacks."""
    entry = CATALOGUE[code]
    return Problem(code, entry.severity, entry.stage, entry.message.format(**parameters), tuple(cells))


def grouped(problems: Iterable[Problem]) -> tuple[Group, ...]:
    """The problems by cause: errors before warnings, each in the order of the catalogue."""
    causes: dict[tuple[Severity, str, str], list[Problem]] = {}
    for one in problems:
        causes.setdefault((one.severity, one.code, _cause(one)), []).append(one)
    order = {code: place for place, code in enumerate(CATALOGUE)}
    by_weight = sorted(causes, key=lambda cause: (cause[0] is not Severity.ERROR, order[cause[1]]))
    return tuple(_group(causes[cause]) for cause in by_weight)


def ranges(cells: Iterable[str]) -> str:
    """Cells as Excel names blocks of a column: "C14:C36, C40"; next to each other along a row too, "G10:K10"."""
    places = sorted({_place(cell) for cell in cells})
    blocks: list[tuple[int, int, int]] = []
    for column, row in places:
        if blocks and blocks[-1][0] == column and blocks[-1][2] == row - 1:
            blocks[-1] = (column, blocks[-1][1], row)
        else:
            blocks.append((column, row, row))
    return ", ".join(_block(*block) for block in _widened(blocks))


def quoted(text: str) -> str:
    """A heading as messages repeat it: plain, and not too long."""
    line = plain(text)
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def plain(text: str) -> str:
    """A text of the school on one line, without characters that steer the display, such as a change of direction."""
    seen = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    return " ".join("".join(char for char in seen if unicodedata.category(char) != "Cf").split())


def listed(words: Sequence[str]) -> str:
    """Words as a sentence lists them, "A, B and C"; of many the first, and how many more."""
    shown = [*words[:SHOWN], f"{len(words) - SHOWN} more"] if len(words) > SHOWN else [*words]
    return " and ".join((", ".join(shown[:-1]), shown[-1])) if len(shown) > 1 else "".join(shown)


def row_numbers(rows: Iterable[int]) -> str:
    """Row numbers as a sentence names them: "22 and 57", "14 to 20 and 31"."""
    runs: list[list[int]] = []
    for row in sorted(set(rows)):
        if runs and row == runs[-1][-1] + 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    words = [[f"{run[0]} to {run[-1]}"] if len(run) > 2 else list(map(str, run)) for run in runs]  # noqa: PLR2004
    return listed([word for run in words for word in run])


def _cause(one: Problem) -> str:
    """The text that tells causes of one code apart; "" if the catalogue has one message for several."""
    return "" if CATALOGUE[one.code].together else one.message


def _group(same: Sequence[Problem]) -> Group:
    first = same[0]
    cells = tuple(dict.fromkeys(cell for one in same for cell in one.cells))
    return Group(first.code, first.severity, _told(same), ranges(cells), len(cells) == 1, cells)


def _told(same: Sequence[Problem]) -> str:
    together = CATALOGUE[same[0].code].together
    if len(same) == 1 or not together:
        return same[0].message
    rows = [row_numbers(_place(cell)[1] for cell in one.cells) for one in same]
    shown = "; ".join((*rows[:SHOWN], *([f"and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else [])))
    columns = dict.fromkeys(_place(cell)[0] for one in same for cell in one.cells)
    letters = listed([references.column_letters(column) for column in sorted(columns)])
    return together.format(count=len(same), rows=shown, columns=letters)


def _place(cell: str) -> tuple[int, int]:
    match = ADDRESS.fullmatch(cell)
    assert match, "cells are named as Excel names them"
    return references.column_number(match[1]), int(match[2])


def _widened(blocks: Sequence[tuple[int, int, int]]) -> Iterable[tuple[int, int, int, int]]:
    """Blocks of columns as (first column, first row, last column, last row), those side by side joined."""
    wide: dict[tuple[int, int], list[int]] = {}
    made: list[list[int]] = []
    for column, first, last in blocks:
        block = wide.get((first, last))
        if block and block[2] == column - 1:
            block[2] = column
        else:
            wide[first, last] = block = [column, first, column, last]
            made.append(block)
    return [(block[0], block[1], block[2], block[3]) for block in made]


def _block(first_column: int, first_row: int, last_column: int, last_row: int) -> str:
    first = references.address(first_row, first_column)
    last = references.address(last_row, last_column)
    return first if first == last else f"{first}:{last}"

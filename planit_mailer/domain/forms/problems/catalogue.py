"""The catalogue: every problem that a form can have, in words that say how to put it right.

There is one entry for each code. The email, the command `check` and the page for schools are made from it. The
messages follow the style of GOV.UK's error messages.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from types import MappingProxyType

from planit_mailer.domain.forms.problems import files, headings, learners, rows
from planit_mailer.domain.forms.problems.entry import Entry, Severity, Stage
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Range

__all__ = ["CATALOGUE", "Entry", "Group", "Problem", "Severity", "Stage", "grouped", "problem"]

CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {entry.code: entry for module in (files, headings, rows, learners) for entry in module.ENTRIES}
)
SHOWN = 10  # rows, columns or headings that a message names; the cells name all
LONGEST = 60  # characters of a heading that a message repeats
LOOKED_AT = 1_000  # characters of a text that a message may repeat, invisible ones among them
BLOCKS = 20_000  # of cells that a problem names, and all problems of a form together
SHOWN_BLOCKS = 20  # of cells in a mail or on a terminal
FEWEST = 3  # rows in a run that a sentence shortens to "14 to 16"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a school can put right. `cells` are the blocks of all its cells; () if it has none.

    There are at most BLOCKS blocks: Collected then says that there are more. The message names cells, headings and
    counts, never a learner's name, UPIN, DOB or value.
    """

    code: str
    severity: Severity
    stage: Stage
    message: str
    cells: tuple[Range, ...] = ()


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


def problem(code: str, cells: Iterable[Range] = (), /, **parameters: object) -> Problem:
    """Make a problem of the catalogue. Of more than BLOCKS blocks of cells it has the first ones, and one too many.

    Raises KeyError for an unknown code or a missing parameter of its message.
    """
    entry = CATALOGUE[code]
    blocks = tuple(islice(cells, BLOCKS + 1))
    return Problem(code, entry.severity, entry.stage, entry.message.format(**parameters), blocks)


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
    runs = references.by_column(chain.from_iterable(one.cells for one in same))
    is_single = len(runs) == 1 and runs[0].first_row == runs[0].last_row
    return Group(first.code, first.severity, _message(same, runs), _listed(runs), is_single)


def _message(same: Sequence[Problem], runs: Sequence[Range]) -> str:
    """The message of a group: its problem's own, or the catalogue's message for several problems of a code."""
    together = CATALOGUE[same[0].code].together
    if len(same) == 1 or not together:
        return same[0].message
    columns = {run.first_column for run in runs}
    letters = listed([references.column_letters(column) for column in sorted(columns)])
    return together.format(count=len(same), rows=_rows_of_each(same), columns=letters)


def _rows_of_each(problems: Sequence[Problem]) -> str:
    """The row numbers of each problem, such as "14 and 20; 15 and 31"; of many problems the first ones."""
    shown = [row_numbers(_rows(one.cells)) for one in problems[:SHOWN]]
    more = len(problems) - SHOWN
    if more > 0:
        shown.append(f"and {more} more")
    return "; ".join(shown)


def _rows(blocks: Iterable[Range]) -> Iterator[int]:
    for block in blocks:
        yield from range(block.first_row, block.last_row + 1)


def ranges(blocks: Iterable[Range]) -> str:
    """Cells as blocks, as Excel names them: "C14:C36, C40", or "G10:K10" for cells side by side."""
    return _listed(references.by_column(blocks))


def shortened(ranges: str) -> str:
    """The first blocks of what ranges() returned if there are many: every second cell of a column is a block."""
    blocks = ranges.split(", ")
    if len(blocks) <= SHOWN_BLOCKS:
        return ranges
    shown = ", ".join(blocks[:SHOWN_BLOCKS])
    return f"{shown} and {len(blocks) - SHOWN_BLOCKS:,} more places"


def _listed(runs: Iterable[Range]) -> str:
    """Blocks of one column as ranges() names them."""
    return ", ".join(map(references.name, references.side_by_side(runs)))


def quoted(text: str) -> str:
    """A heading as messages repeat it: on one line and cut if it is long."""
    line = plain(text[:LOOKED_AT])
    if len(line) <= LONGEST and len(text) <= LOOKED_AT:
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

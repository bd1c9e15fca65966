"""What is known of number formats: shown.tsv, which says itself how it is written."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openpyxl.styles.numbers import BUILTIN_FORMATS

from planit_mailer.spreadsheets.number_formats import builtin, render

ARROW = " → "
NOTHING = "nothing"
BUILT_IN = "built-in "
DIFFERS = "LibreOffice differs: "


@dataclass(frozen=True, slots=True)
class Pair:
    """A value under a number format, and what Excel shows of it; `judged` is False where LibreOffice is wrong."""

    heading: str
    format: str | int  # an int is a format that a workbook names by that number
    value: float | str
    shown: str

    @property
    def judged(self) -> bool:
        return not self.heading.startswith(DIFFERS)

    @property
    def ours(self) -> tuple[str, bool]:
        """What we show of it, without outer blanks, and whether we could follow the format."""
        code = builtin.code(self.format, None) if isinstance(self.format, int) else self.format
        found = render.of_text(self.value, code) if isinstance(self.value, str) else render.of_number(self.value, code)
        return found.text.strip(), found.exact


def pairs() -> Iterator[Pair]:
    """All pairs, in the order of the file."""
    heading = ""
    for line in (Path(__file__).parent / "shown.tsv").read_text("utf-8").splitlines():
        first, *columns = line.split("\t")
        heading = heading if columns else first
        for column in columns:
            value, _, shown = column.partition(ARROW)
            yield Pair(heading, _format(first), ast.literal_eval(value), "" if shown == NOTHING else shown)


def storable() -> Iterator[Pair]:
    """The pairs that every writer and reader of workbooks stores under their own formats.

    openpyxl takes a format that is spelt like a built-in one for that one, and Excel shows some of those otherwise in
    the United Kingdom; it has no word for those that it does not know. LibreOffice shows some as it likes.
    """
    american = {code for number, code in BUILTIN_FORMATS.items() if code != builtin.code(number, None)}
    judged = (pair for pair in pairs() if pair.judged and pair.format not in american)
    return (pair for pair in judged if isinstance(pair.format, str) or pair.format in BUILTIN_FORMATS)


def spelt(written: str | int) -> str:
    """A format as openpyxl wants it: built-in ones as it spells them."""
    return BUILTIN_FORMATS[written] if isinstance(written, int) else written


def _format(written: str) -> str | int:
    return int(written.removeprefix(BUILT_IN)) if written.startswith(BUILT_IN) else written

"""What check tells people of a workbook: the problems as the email would, as a table."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Column, Table

from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Group, Severity

WIDTHS = (72, 36)  # characters of what is wrong and of where it is, at most: longer lines are hard to read
STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def show(path: Path, judgement: Judgement, out: Console) -> None:
    """Print the problems of a file, the gravest first, each with its cells as ranges."""
    verdict = "[green]would be accepted[/]" if judgement.accepted else "[red]would be rejected[/]: nothing would change"
    out.print(f"[bold]{_safe(str(path))}[/] {verdict}")
    if draft := judgement.draft:
        out.print(f"  {_safe(draft.school_name or 'no school name')}, {_safe(draft.postcode or 'no postcode')}")
        out.print(f"  {count(len(draft.learners), 'learner')}, {count(len(draft.headings), 'field')}")
    if groups := catalogue.grouped(judgement.problems):
        out.print(Padding(_table(groups), (1, 0, 0, 2), expand=False))
    out.print()


def sum_up(accepted: int, judged: int, out: Console) -> None:
    """Print how many of several files would be accepted."""
    colour = "green" if accepted == judged else "red"
    out.print(f"[{colour}]{accepted} of {count(judged, 'file')} would be accepted.[/]")


def count(number: int, word: str) -> str:
    """A number with its word: "1 field", "2,000 fields"."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _table(groups: tuple[Group, ...]) -> Table:
    wide, narrow = WIDTHS
    what = Column("What is wrong, and how to put it right", max_width=wide, overflow="fold")
    where = Column("Where", max_width=narrow, overflow="fold")
    table = Table(Column(), what, where, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 1, 0))
    for group in groups:
        word = f"[{STYLES[group.severity]}]{group.severity.value.capitalize()}[/]"
        table.add_row(word, escape(group.message), group.ranges)
    return table


def _safe(text: str) -> str:
    """A text of somebody's as a terminal may be shown it."""
    return escape(catalogue.plain(text))

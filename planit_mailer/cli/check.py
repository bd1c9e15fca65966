"""check, blank: the verbs about spreadsheets."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Column, Table

from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import check as checking
from planit_mailer.app import wiring
from planit_mailer.cli import context
from planit_mailer.core import clock, config
from planit_mailer.core.errors import ConfigError, Refused
from planit_mailer.domain.forms import blank as blanks
from planit_mailer.domain.forms.annotate import Annotated as AnnotatedWorkbook
from planit_mailer.domain.forms.judge import Criteria, Judgement
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Group, Severity
from planit_mailer.domain.policy import letters
from planit_mailer.spreadsheets.encryption.passwords import Password

WIDTHS = (72, 36)  # characters of the columns "what" and "where" at most: longer lines are hard to read
STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def add_to(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(check)
    app.command()(blank)


def check(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Workbooks to judge.")],
    values: Annotated[bool, typer.Option("--values", help="With --json: the learners' rows too.")] = False,  # noqa: FBT002
    json: context.Json = False,  # noqa: FBT002
    annotate: Annotated[
        Path | None,
        typer.Option(metavar="OUT.xlsx", help="Write the workbook with its problems painted in; of one FILE."),
    ] = None,
) -> None:
    """Read and judge workbooks as if they had been emailed; change nothing.

    Without --config the store is not asked. With it, the learners are compared with those in the store, and a workbook
    with a password is opened if its password is registered for any school.

    Examples: `planit-mailer check learners.xlsx`, `planit-mailer check *.xlsx --json --values`,
    `planit-mailer check learners.xlsx --annotate problems.xlsx`
    """
    if annotate and (len(files) > 1 or annotate.resolve() == files[0].resolve()):
        raise typer.BadParameter("it takes one FILE, and writes to another.", param_hint="--annotate")
    settings = context.of(ctx).settings() if context.of(ctx).config_file else None
    output = _Output(json=json, values=values, annotate=annotate)
    accepted, unread = _check_all(files, settings, output)
    if len(files) > 1 and not json:
        sum_up(accepted, len(files), context.console())
    if unread:
        raise ConfigError("\n".join(unread))
    if accepted < len(files):
        raise typer.Exit(1)


def blank(out: Annotated[Path, typer.Argument(metavar="OUT.xlsx", help="The file to write.")]) -> None:
    """Write the blank form that schools fill in.

    Example: `planit-mailer blank form.xlsx`
    """
    try:
        out.write_bytes(blanks.blank_form())
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}.") from error
    typer.echo(f"The blank form is in {out}.")


@dataclass(frozen=True, slots=True)
class _Output:
    """The form in which judgements are printed. `annotate` is the file for the painted workbook, if one is wanted."""

    json: bool
    values: bool
    annotate: Path | None


def _check_all(files: Sequence[Path], settings: config.Config | None, output: _Output) -> tuple[int, list[str]]:
    """Judge each file and print the result.

    Return the number of accepted files, and a sentence for each file that cannot be read.
    """
    accepted, unread = 0, []
    with _judging(settings) as judge:
        for path in files:
            try:
                data = path.read_bytes()
            except OSError as error:
                unread.append(f"{path} cannot be read: {error.strerror}.")
                continue
            if _check_one(path, data, judge, output):
                accepted += 1
    return accepted, unread


@contextmanager
def _judging(settings: config.Config | None) -> Iterator["_Judge"]:
    """Start a reading process and yield a judge; without settings it has the default rules and no store."""
    if settings:
        store: Store | None = wiring.open_store(settings)
        limits, rules = settings.limits, settings.rules
    else:
        store = None
        limits, rules = config.Limits(), config.Rules()
    criteria = Criteria(letters.day_of(clock.now()), wiring.rules(rules), wiring.workbook_limits(limits))
    with wiring.reader(limits) as reader:
        yield _Judge(reader, store, criteria, _passwords(store))


def _check_one(path: Path, data: bytes, judge: "_Judge", output: _Output) -> bool:
    """Judge one file and print the result. Return True if it is accepted."""
    with context.busy(f"Reading {path.name}"):
        judgement, criteria = judge(data)
    if output.json:
        context.print_json(checking.checked(str(path), judgement, values=output.values))
    else:
        print_problems(path, judgement, context.console())
    if output.annotate:
        with context.busy(f"Painting {path.name}"):
            made = judge.reader.annotate(data, judgement, criteria)
        typer.echo(save_annotated(made, output.annotate), err=output.json)
    return judgement.accepted


@dataclass(frozen=True, slots=True)
class _Judge:
    """Judges files as if they had been emailed. `passwords` are the passwords of all schools."""

    reader: Reader
    store: Store | None
    criteria: Criteria
    passwords: tuple[Password, ...]

    def __call__(self, data: bytes) -> tuple[Judgement, Criteria]:
        """Judge a file. Return the judgement, and the criteria with the passwords that were tried last."""
        for criteria in checking.attempts(self.criteria, self.passwords):
            judgement = self.reader.judge(data, criteria)
            if not judgement.locked:
                break
        if self.store:
            with self.store.reading() as reading:
                judgement = checking.compared(judgement, reading)
        return judgement, criteria


def _passwords(store: Store | None) -> tuple[Password, ...]:
    """The registered passwords of all schools; none without a store."""
    if store is None:
        return ()
    with store.reading() as reading:
        schools = [entry.school for entry in reading.schools() if entry.has_password]
        return reading.passwords(schools)


def save_annotated(made: AnnotatedWorkbook, out: Path) -> str:
    """Write the painted workbook. Return a sentence with its path and the parts that it lacks.

    Raises Refused if the file cannot be written.
    """
    if not made.data:
        return f"Nothing was written: no painted workbook with the same password could be made: {made.cause}."
    try:
        out.write_bytes(made.data)
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}.") from error
    if not made.whole:
        return f"The problems are in {out}, without the workbook, which could not be painted: {made.cause}."
    lost = " and ".join(made.lost)
    lacks = f", without {lost}" if lost else ""
    opens = " It opens with the password of the workbook." if made.encrypted else ""
    return f"The workbook with its problems painted in is {out}{lacks}.{opens}"


def print_problems(path: Path, judgement: Judgement, out: Console) -> None:
    """Print if a file would be accepted, and its problems, errors first, each with its cells as ranges."""
    verdict = "[green]would be accepted[/]" if judgement.accepted else "[red]would be rejected[/]: nothing would change"
    out.print(f"[bold]{_safe(str(path))}[/] {verdict}")
    draft = judgement.draft
    if draft:
        school = _safe(draft.school_name or "no school name")
        postcode = _safe(draft.postcode or "no postcode")
        out.print(f"  {school}, {postcode}")
        out.print(f"  {counted(len(draft.learners), 'learner')}, {counted(len(draft.headings), 'field')}")
    groups = catalogue.grouped(judgement.problems)
    if groups:
        out.print(Padding(_table(groups), (1, 0, 0, 2), expand=False))
    out.print()


def sum_up(accepted: int, judged: int, out: Console) -> None:
    """Print the number of files that would be accepted."""
    colour = "green" if accepted == judged else "red"
    out.print(f"[{colour}]{accepted} of {counted(judged, 'file')} would be accepted.[/]")


def counted(number: int, word: str) -> str:
    """A number with its word: "1 field", "2,000 fields"."""
    ending = "" if number == 1 else "s"
    return f"{number:,} {word}{ending}"


def _table(groups: tuple[Group, ...]) -> Table:
    what_width, where_width = WIDTHS
    what = Column("What is wrong, and how to put it right", max_width=what_width, overflow="fold")
    where = Column("Where", max_width=where_width, overflow="fold")
    table = Table(Column(), what, where, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 1, 0))
    for group in groups:
        word = f"[{STYLES[group.severity]}]{group.severity.value.capitalize()}[/]"
        table.add_row(word, escape(group.message), group.ranges)
    return table


def _safe(text: str) -> str:
    """The beginning of a text from a file, without what a terminal or rich would take for a command."""
    return escape(catalogue.plain(text[: catalogue.LOOKED_AT]))

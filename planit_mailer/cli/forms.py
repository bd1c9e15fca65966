"""check, blank: the verbs about spreadsheets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import check as checking
from planit_mailer.app import wiring
from planit_mailer.cli import annotating, context, reports
from planit_mailer.core import clock, config
from planit_mailer.core.errors import ConfigError, Refused
from planit_mailer.domain.forms import blank as blanks
from planit_mailer.domain.forms.judge import Criteria, Judgement
from planit_mailer.domain.policy import letters
from planit_mailer.spreadsheets.encryption.passwords import Password


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

    Without --config the store is not asked; with it, the learners are compared with those it has, and a workbook with a
    password is opened where it is one of those that are registered, whichever school's.

    Examples: `planit-mailer check learners.xlsx`, `planit-mailer check *.xlsx --json --values`,
    `planit-mailer check learners.xlsx --annotate problems.xlsx`
    """
    if annotate and (len(files) > 1 or annotate.resolve() == files[0].resolve()):
        raise typer.BadParameter("it takes one FILE, and writes to another.", param_hint="--annotate")
    settings = context.of(ctx).settings() if context.of(ctx).config_file else None
    store = wiring.open_store(settings) if settings else None
    limits = settings.limits if settings else config.Limits()
    rules = wiring.rules(settings.rules if settings else config.Rules())
    by = Criteria(letters.day_of(clock.now()), rules, wiring.workbook_limits(limits))
    judgements, unread = [], []
    with wiring.reader(limits) as reader:
        judge = _Judge(reader, store, by, _passwords(store))
        for path in files:
            try:
                data = path.read_bytes()
            except OSError as error:
                unread.append(f"{path} cannot be read: {error.strerror}.")
                continue
            with context.busy(f"Reading {path.name}"):
                judgement, judging = judge(data)
            judgements.append(judgement)
            if json:
                context.print_json(checking.checked(str(path), judgement, values=values))
            else:
                reports.show(path, judgement, context.console())
            if annotate:
                with context.busy(f"Painting {path.name}"):
                    made = reader.annotate(data, judgement, judging)
                typer.echo(annotating.save(made, annotate), err=json)
    accepted = sum(judgement.accepted for judgement in judgements)
    if len(files) > 1 and not json:
        reports.sum_up(accepted, len(files), context.console())
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
class _Judge:
    """Judges a file as if it had been emailed; `passwords` are those of all schools."""

    reader: Reader
    store: Store | None
    by: Criteria
    passwords: tuple[Password, ...]

    def __call__(self, data: bytes) -> tuple[Judgement, Criteria]:
        """The judgement, and what it was judged by, with the password that opened the file."""
        for by in checking.attempts(self.by, self.passwords):
            judgement = self.reader.judge(data, by)
            if not judgement.locked:
                break
        if self.store:
            with self.store.reading() as reading:
                judgement = checking.compared(judgement, reading)
        return judgement, by


def _passwords(store: Store | None) -> tuple[Password, ...]:
    if store is None:
        return ()
    with store.reading() as reading:
        return reading.passwords([entry.school for entry in reading.schools() if entry.has_password])

"""Verbs → one call each; exit codes in one place.

    0 done    1 the answer is no    2 usage or configuration    3 something needed is unavailable

Facts go to standard output, everything else to standard error.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from planit_mailer import __version__, logs
from planit_mailer.cli import decisions, diagnosis, erasing, forms, operation, questions, register
from planit_mailer.cli.context import CONFIG_FILE, Context
from planit_mailer.errors import ConfigError, PlanitError, Refused, Unavailable

EXIT_CODES: dict[type[PlanitError], int] = {Refused: 1, ConfigError: 2, Unavailable: 3}


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""
Reads the spreadsheets that schools email, replaces their learners' data, and answers.

Try it: `planit-mailer demo`. Look at a spreadsheet: `planit-mailer check learners.xlsx`.

Set it up: copy `config.example.toml` to `config.toml`, then `planit-mailer migrate`,
`planit-mailer schools add "Greenfield School" "ZZ9 9ZZ" --sender office@greenfield.example`, `planit-mailer run`.

Exit codes: 0 done, 1 the answer is no, 2 usage or configuration, 3 something needed is unavailable.
""",
)


def _version(wanted: bool) -> None:  # noqa: FBT001  a typer callback
    if wanted:
        typer.echo(f"planit-mailer {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"The configuration file; ./{CONFIG_FILE} by default.")
    ] = None,
    version: Annotated[  # noqa: ARG001, FBT002  handled by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of every verb."""
    logs.set_up()
    ctx.obj = Context(config)


for module in (operation, forms, questions, decisions, register, erasing, diagnosis):
    module.add_to(app)


def main() -> None:
    """The console script: runs one verb; its errors become exit codes here and nowhere else."""
    try:
        app(prog_name="planit-mailer")
    except tuple(EXIT_CODES) as error:
        typer.echo(str(error), err=True)
        sys.exit(next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind)))

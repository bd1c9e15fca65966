"""Verbs → one call each; exit codes in one place.

    0 done    1 the answer is no    2 usage or configuration    3 something needed is unavailable

Facts go to standard output, everything else to standard error.
"""

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from planit_mailer import __version__
from planit_mailer.cli.context import CONFIG_FILE, Context
from planit_mailer.core import logs
from planit_mailer.core.errors import ConfigError, PlanitError, Refused, Unavailable

EXIT_CODES: dict[type[PlanitError], int] = {Refused: 1, ConfigError: 2, Unavailable: 3}
MODULES = {
    "run": "run",
    "once": "run",
    "demo": "demo_verb",
    "check": "check",
    "blank": "check",
    "show": "show",
    "status": "show",
    "explain": "show",
    "held": "held",
    "approve": "held",
    "refuse": "held",
    "retry": "held",
    "schools": "register",
    "senders": "register",
    "erase": "erase",
    "doctor": "doctor",
    "migrate": "run",
}
STYLE: dict[str, Any] = {
    "rich_markup_mode": "markdown",
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class Verbs(Mapping[str, Any]):
    """The verbs as Typer has commands, each imported when it is asked for: none waits for what others need."""

    def __getitem__(self, verb: str) -> Any:
        found = typer.Typer(**STYLE)
        import_module(f"planit_mailer.cli.{MODULES[verb]}").add_to(found)
        return typer.main.get_group(found).commands[verb]

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


class Group(TyperGroup):
    """The program, which knows its verbs by their names."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings | {"commands": Verbs()})


app = typer.Typer(
    cls=Group,
    **STYLE,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
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


def main() -> None:
    """The console script: runs one verb; its errors become exit codes here and nowhere else."""
    try:
        app(prog_name="planit-mailer")
    except tuple(EXIT_CODES) as error:
        typer.echo(str(error), err=True)
        sys.exit(next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind)))

"""The command line: each verb is one function, and errors become exit codes in one place.

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
MODULES = {  # the module of this folder that has the verb
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
    """The verbs as Typer's commands. Each is imported when it is used, so that none waits for the imports of others."""

    def __getitem__(self, verb: str) -> Any:
        module = import_module(f"planit_mailer.cli.{MODULES[verb]}")
        verbs = typer.Typer(**STYLE)
        module.add_to(verbs)
        return typer.main.get_group(verbs).commands[verb]

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


class Group(TyperGroup):
    """The program's group of commands, which imports its verbs late."""

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
    """Print the version and exit, if the option was given."""
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
    """Run one verb. Only here do errors become exit codes."""
    try:
        app(prog_name="planit-mailer")
    except tuple(EXIT_CODES) as error:
        typer.echo(str(error), err=True)
        sys.exit(_exit_code(error))


def _exit_code(error: PlanitError) -> int:
    for kind, code in EXIT_CODES.items():
        if isinstance(error, kind):
            return code
    raise AssertionError("only errors with an exit code are caught")

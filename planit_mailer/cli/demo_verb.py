"""demo: the verb that needs no configuration."""

from pathlib import Path
from typing import Annotated

import typer

from planit_mailer.cli import demo


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("demo")(run_demo)


def run_demo(
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]…", help="Workbooks to send instead.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the mailbox running, to send to.")] = False,  # noqa: FBT002
) -> None:
    """Show the whole journey on this machine, without any configuration.

    An embedded mailbox and relay, a registered school, and its emails: a good form, one with mistakes, its
    correction, one without a spreadsheet, and a stranger's.

    Examples: `planit-mailer demo`, `planit-mailer demo learners.xlsx`, `planit-mailer demo --keep`
    """
    demo.play(tuple(files or ()), keep=keep)

"""run, once, migrate, demo: the verbs that set things going."""

from pathlib import Path
from typing import Annotated

import typer

from planit_mailer import daemon, demo, service
from planit_mailer.cli import context
from planit_mailer.doors.store import Store


def add_to(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("demo")(run_demo)
    app.command()(run)
    app.command()(once)
    app.command()(migrate)


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


def run(ctx: typer.Context) -> None:
    """The daemon: polls, delivers, watches the promised time, forgets.

    Stops cleanly on SIGTERM. On SIGHUP it reads its configuration again.

    Example: `planit-mailer --config /etc/planit/config.toml run`
    """
    daemon.run(context.of(ctx).settings)


def once(ctx: typer.Context) -> None:
    """One poll of everything that waits and one delivery of every reply that is due, then exit.

    Example: `planit-mailer once`
    """
    service.once(context.of(ctx).settings())


def migrate(ctx: typer.Context) -> None:
    """Bring the database's tables to this version, under a lock.

    Example: `planit-mailer migrate`
    """
    settings = context.of(ctx).settings()
    revision = Store(settings.database.url.get_secret_value()).migrate()
    typer.echo(f"The database is at revision {revision}.")

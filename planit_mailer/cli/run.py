"""run, once, migrate: the verbs that start the service or prepare its database."""

import typer

from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import daemon, jobs
from planit_mailer.cli import context


def add_to(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(run)
    app.command()(once)
    app.command()(migrate)


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
    jobs.once(context.of(ctx).settings())


def migrate(ctx: typer.Context) -> None:
    """Bring the database's tables to this version, under a lock.

    Example: `planit-mailer migrate`
    """
    settings = context.of(ctx).settings()
    revision = Store(settings.database.url.get_secret_value()).migrate()
    typer.echo(f"The database is at revision {revision}.")

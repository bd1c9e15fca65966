"""show, status, explain: the verbs that only ask."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from planit_mailer import config, daemon, questions
from planit_mailer.cli import context
from planit_mailer.cli.register import the_school
from planit_mailer.errors import ConfigError, Refused


def add_to(app: typer.Typer) -> None:
    """Add the verbs."""
    for verb in (show, status, explain):
        app.command()(verb)


def show(
    ctx: typer.Context,
    upin: Annotated[str, typer.Argument(metavar="UPIN")],
    school: Annotated[str | None, typer.Option(metavar="POSTCODE-OR-ID", help="Where several know the UPIN.")] = None,
    json: context.Json = False,  # noqa: FBT002
) -> None:
    """One learner's *Your School Data* as it stands now.

    Example: `planit-mailer show R201100018042`
    """
    with context.of(ctx).store().reading() as reading:
        chosen = the_school(school, reading) if school else None
        page = questions.show(upin, chosen, reading)
    if page is None:
        raise Refused("No learner with this UPIN has any data.")
    if json:
        context.print_json(page)
        return
    out = context.console()
    out.print(f"[bold]Your School Data[/], provided by {escape(page['school']['name'])}\n")
    for paragraph in page["introduction"]:
        out.print(f"{escape(paragraph)}\n")
    table = Table(show_header=False, box=None, pad_edge=False)
    for field in page["fields"]:
        table.add_row(f"[bold]{escape(field['heading'])}[/]", escape(field["value"]))
    out.print(table)
    out.print(f"\n{page['reference']}, received {page['received_at']}")


def status(
    ctx: typer.Context,
    within: Annotated[
        str | None, typer.Option(metavar="DURATION", help='Exit 1 where no poll has succeeded for so long, as "15m".')
    ] = None,
    json: context.Json = False,  # noqa: FBT002
) -> None:
    """Last poll, messages by outcome, the outbox, the oldest unanswered message and the time left.

    Examples: `planit-mailer status`, `planit-mailer status --within 15m`
    """
    now = daemon.now()
    with context.of(ctx).store().reading() as reading:
        told = questions.status(reading)
        fresh = within is None or questions.polled_since(now - _duration(within), reading)
    if json:
        context.print_json(told)
    else:
        _print_status(told, now)
    if not fresh:
        raise Refused(f"The mailbox has not been read successfully for {within}.")


def explain(
    ctx: typer.Context,
    reference: Annotated[str | None, typer.Argument(metavar="[REF]")] = None,
    message_id: Annotated[str | None, typer.Option("--message-id", metavar="ID", help="Ask by Message-ID.")] = None,
    json: context.Json = False,  # noqa: FBT002
) -> None:
    """The whole story of one message.

    Examples: `planit-mailer explain PM-7F3K-9Q2T`, `planit-mailer explain --message-id '<abc@school.example>'`
    """
    if (reference is None) == (message_id is None):
        raise typer.BadParameter("say either a reference or --message-id")
    with context.of(ctx).store().reading() as reading:
        told = questions.explain(reference, message_id, reading)
    if told is None:
        raise Refused("No message is known by that name.")
    if json:
        context.print_json(told)
        return
    out = context.console()
    for line in questions.story(told):
        out.print(escape(line))

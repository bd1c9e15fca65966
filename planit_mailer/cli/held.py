"""held, approve, refuse, retry: the operator's decisions. The daemon acts on them at its next poll."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from planit_mailer.adapters.sql.store import Transaction
from planit_mailer.app import queries, wiring
from planit_mailer.cli import context
from planit_mailer.cli.register import the_school
from planit_mailer.core import clock
from planit_mailer.core.errors import Refused
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.reports import Story
from planit_mailer.mail import addresses


def add_to(app: typer.Typer) -> None:
    """Add the verbs."""
    for verb in (held, approve, refuse, retry):
        app.command()(verb)


def held(ctx: typer.Context, json: context.Json = False) -> None:  # noqa: FBT002
    """List the messages that wait for the operator, held and quarantined, oldest first.

    Example: `planit-mailer held`
    """
    with context.of(ctx).store().reading() as reading:
        waiting = queries.held(reading)
    if json:
        context.print_json(waiting)
        return
    table = context.table("Reference", "Outcome", "From", "Received", "Why")
    for row in waiting:
        table.add_row(row["reference"], row["outcome"], row["from"], row["received_at"], row["why"])
    context.console().print(table if waiting else "Nothing waits for you.")


def approve(
    ctx: typer.Context,
    reference: context.Reference,
    school: Annotated[
        str | None, typer.Option(metavar="POSTCODE-OR-ID", help="Register the sender for this school.")
    ] = None,
) -> None:
    """Let a message proceed.

    A held one: with --school its sender is registered, and all that they have waiting proceeds in order. A
    quarantined one is released once, and nobody is registered without --school; a reply goes to a registered address
    alone.

    Examples: `planit-mailer approve PM-7F3K-9Q2T --school "ZZ9 9ZZ"`, `planit-mailer approve PM-7F3K-9Q2T`
    """
    settings = context.of(ctx).settings()
    now = clock.now()
    within = settings.service.reply_within
    with wiring.open_store(settings).transaction() as transaction:
        story = _waiting_story(reference, transaction)
        if school:
            transaction.allow(the_school(school, transaction), story.sender.address)
        unknown = not transaction.registration(story.sender.address).schools
        if story.outcome is Outcome.HELD:
            _release_held(story, transaction, now, within)
        else:
            transaction.release(reference, now, now + within)
            transaction.vouch(reference)
    typer.echo(f"{story.reference} proceeds at the next poll.")
    if unknown:
        typer.echo(f"Nobody has registered {story.sender.address}: there it is held, and nothing is sent.", err=True)


def _waiting_story(reference: str, transaction: Transaction) -> Story:
    """The story of a message that waits for the operator. Raises Refused if it does not, or has no usable sender."""
    story = transaction.story(reference)
    if story is None or story.outcome not in {Outcome.HELD, Outcome.QUARANTINED}:
        raise Refused(f"{reference} does not wait for you; see: planit-mailer held")
    if not addresses.canonical(story.sender.address):
        raise Refused(f"{reference}: {story.sender.why}. The school has to send it again.")
    return story


def _release_held(story: Story, transaction: Transaction, now: datetime, within: timedelta) -> None:
    """Let all held messages of registered senders proceed.

    Raises Refused if the sender of this one is not registered, or is denied.
    """
    registration = transaction.registration(story.sender.address)
    if not registration.schools:
        raise Refused(f"Nobody has registered {story.sender.address}. Say the school: --school POSTCODE-OR-ID")
    if registration.denied:
        raise Refused(f"{story.sender.address} is denied; see: planit-mailer senders list")
    transaction.release_registered(now, within)


def refuse(ctx: typer.Context, reference: context.Reference) -> None:
    """Delete a held or quarantined message without an answer.

    Example: `planit-mailer refuse PM-7F3K-9Q2T`
    """
    with context.of(ctx).store().transaction() as transaction:
        transaction.refuse(reference, clock.now())
    typer.echo(f"{reference} is refused; the message is deleted at the daemon's next round.")


def retry(
    ctx: typer.Context,
    reference: context.Reference,
    accept_identities: Annotated[  # noqa: FBT002
        bool, typer.Option("--accept-identities", help="The children are who the form says: somebody telephoned.")
    ] = False,
) -> None:
    """Process a message once more.

    Example: `planit-mailer retry PM-7F3K-9Q2T --accept-identities`
    """
    settings = context.of(ctx).settings()
    now = clock.now()
    with wiring.open_store(settings).transaction() as transaction:
        transaction.release(reference, now, now + settings.service.reply_within, accept_identities=accept_identities)
    typer.echo(f"{reference} is processed again at the next poll.")

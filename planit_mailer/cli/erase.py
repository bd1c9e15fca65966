"""erase: the right to erasure."""

from typing import Annotated, Any

import typer

from planit_mailer.app import jobs, queries, wiring
from planit_mailer.cli import check, context
from planit_mailer.cli.register import the_school
from planit_mailer.core import clock
from planit_mailer.core.errors import ConfigError, Refused


def add_to(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(erase)


def erase(
    ctx: typer.Context,
    upin: Annotated[str | None, typer.Option(metavar="UPIN", help="One learner, in every school.")] = None,
    school: Annotated[
        str | None, typer.Option(metavar="POSTCODE-OR-ID", help="All learners of a school; it stays registered.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002
    json: context.Json = False,  # noqa: FBT002
) -> None:
    """Erase learners for ever: their data, the filed messages and the waiting replies that hold it.

    What it prints is the receipt: a reference, counts and the time, nothing about a person. Backups are not reached.

    Examples: `planit-mailer erase --upin R201100018042`, `planit-mailer erase --school "ZZ9 9ZZ" --yes`
    """
    if bool(upin) == bool(school):
        raise ConfigError("Say either --upin UPIN or --school POSTCODE-OR-ID.")
    settings = context.of(ctx).settings()
    whose = "this learner" if upin else "every learner of this school"
    if not yes and not typer.confirm(f"Erase {whose} for ever, with the filed mail?", err=True):
        raise Refused("Nothing was erased.")
    store = wiring.open_store(settings)
    with store.transaction() as transaction:
        if upin:
            erased = transaction.erase_learner(upin, clock.now())
            if not erased.learners:
                raise Refused("No learner with this UPIN has any data. Rejected mail goes with erase --school alone.")
        else:
            erased = transaction.erase_school(the_school(school or "", transaction), clock.now())
    receipt = jobs.erasure(erased, clock.now())
    if json:
        context.print_json(queries.erasure(receipt))
    else:
        typer.echo(_words(queries.erasure(receipt)))
    jobs.forget_mail(settings, store, jobs.keep(settings, clock.now, by_age=False))


def _words(receipt: dict[str, Any]) -> str:
    learners = check.counted(receipt["learners"], "learner")
    messages = check.counted(receipt["messages"], "filed message")
    replies = "1 waiting reply" if receipt["replies"] == 1 else f"{receipt['replies']} waiting replies"
    done = f"erased {learners}, with {messages} that the mailbox is to delete, and dropped {replies}."
    text = f"{receipt['reference']}, {receipt['erased_at']}: {done}"
    if receipt["waiting"]:
        waiting = check.counted(receipt["waiting"], "message")
        text += (
            f"\nNot looked into: {waiting} that nobody has opened. What is held or quarantined, planit-mailer held "
            "lists; the rest is still in the inbox. Erase again once it has been decided."
        )
    return text

"""erase: the verb for the right to erasure."""

from typing import Annotated, Any

import typer

from planit_mailer.adapters.sql.store import Transaction
from planit_mailer.app import jobs, queries, wiring
from planit_mailer.cli import check, context
from planit_mailer.cli.register import the_school
from planit_mailer.core import clock
from planit_mailer.core.errors import ConfigError, Refused
from planit_mailer.domain.reports import Erased


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
    if not yes:
        _confirm("this learner" if upin else "every learner of this school")
    store = wiring.open_store(settings)
    with store.transaction() as transaction:
        if upin:
            erased = _erase_learner(upin, transaction)
        else:
            erased = transaction.erase_school(the_school(school or "", transaction), clock.now())
    receipt = queries.erasure(jobs.erasure(erased, clock.now()))
    if json:
        context.print_json(receipt)
    else:
        typer.echo(_words(receipt))
    jobs.forget_mail(settings, store, jobs.keep(settings, clock.now, by_age=False))


def _confirm(whose: str) -> None:
    """Ask if we may erase. Raises Refused if the answer is no."""
    if not typer.confirm(f"Erase {whose} for ever, with the filed mail?", err=True):
        raise Refused("Nothing was erased.")


def _erase_learner(upin: str, transaction: Transaction) -> Erased:
    """Erase a learner in every school. Raises Refused if there is none with this UPIN."""
    erased = transaction.erase_learner(upin, clock.now())
    if not erased.learners:
        raise Refused("No learner with this UPIN has any data. Rejected mail goes with erase --school alone.")
    return erased


def _words(receipt: dict[str, Any]) -> str:
    """The receipt of an erasure as a sentence, with a second one if there are messages that nobody has opened."""
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

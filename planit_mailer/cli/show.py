"""show, status, explain: the verbs that only ask."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from planit_mailer.app import queries
from planit_mailer.cli import check, context
from planit_mailer.cli.register import the_school
from planit_mailer.core import clock, units
from planit_mailer.core.errors import ConfigError, Refused
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.policy.letters import LONDON


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
        page = queries.show(upin, chosen, reading)
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
    now = clock.now()
    with context.of(ctx).store().reading() as reading:
        told = queries.status(reading)
        fresh = within is None or queries.polled_within(_duration(within), now, reading)
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
    who: Annotated[
        str | None, typer.Option("--from", metavar="ADDRESS-OR-SCHOOL", help="All that came from a sender or a school.")
    ] = None,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="With --from: on this day, else in the last 30.")
    ] = None,
    json: context.Json = False,  # noqa: FBT002
) -> None:
    """The whole story of one message, or of all that somebody sent.

    Examples: `planit-mailer explain PM-7F3K-9Q2T`, `planit-mailer explain --message-id '<abc@school.example>'`,
    `planit-mailer explain --from "Greenfield School" --on 2026-11-24`
    """
    if sum(name is not None for name in (reference, message_id, who)) != 1:
        raise typer.BadParameter("say one of: a reference, --message-id, --from")
    with context.of(ctx).store().reading() as reading:
        if who:
            stories = queries.explain_from(who, _days(on), reading)
        else:
            stories = _one_story(reference, message_id, reading)
    if not stories:
        raise Refused("No message is known by that name.")
    if json:
        context.print_json(stories if who else stories[0])
    else:
        _print_stories(stories)


def _one_story(reference: str | None, message_id: str | None, reading: queries.Reading) -> list[dict[str, Any]]:
    if reference:
        story = queries.explain(reference, reading)
    else:
        story = queries.explain_message(message_id or "", reading)
    return [story] if story else []


def _print_stories(stories: Sequence[Mapping[str, Any]]) -> None:
    out = context.console()
    for story in stories:
        for line in _lines(story):
            out.print(escape(line))


def _days(on: datetime | None) -> tuple[datetime, datetime]:
    """From midnight to midnight in the schools' time zone; the last thirty days if no day is given."""
    if on is None:
        return clock.now() - timedelta(days=30), clock.now() + timedelta(days=1)
    start = on.replace(tzinfo=LONDON)
    return start, start + timedelta(days=1)


def _lines(story: Mapping[str, Any]) -> Iterator[str]:
    """The story of a message in lines, for people."""
    yield f"{story['reference']}  {story['outcome'] or 'not settled'}: {story['reason'] or 'waits for the next poll'}"
    yield from _message_lines(story)
    for upload in story["uploads"]:
        yield from _upload_lines(upload)
    for reply in story["replies"]:
        when = f"{reply['state']} {reply['final_at'] or ''}".strip()
        yield f"  Reply       {reply['kind']} to {reply['to']}, {when} {reply['relay_answer']}"
    if story["unanswered"]:
        yield f"  No reply    {story['unanswered']}"
    yield f"  Folder      {story['folder'] or 'inbox'}{', deleted' if story['mail_deleted_at'] else ''}"
    if story["due_at"] and not story["answered_at"]:
        yield f"  Due         {story['due_at']}"


def _message_lines(story: Mapping[str, Any]) -> Iterator[str]:
    verdicts = story["verdicts"]
    yield f"  From        {story['from'] or 'unknown'}"
    yield f"  Believed    {'yes' if verdicts['authentic'] else 'no'}: {verdicts['why'] or 'not read yet'}"
    yield f"  Date        {story['date'] or 'none'}"
    yield f"  Message-ID  {story['message_id'] or 'none'}"
    yield f"  Received    {story['received_at']}, attempts {story['attempts']}"


def _upload_lines(upload: Mapping[str, Any]) -> Iterator[str]:
    school = f"{upload['school_name']} ({upload['school']})" if upload["school"] else ""
    yield f"  Upload      {upload['reference']} {upload['outcome']}, {school or 'school unknown'}"
    if upload["sheet"]:
        where = f"sheet {upload['sheet']}, heading row {upload['heading_row']}"
        yield f"              {where}, {check.counted(upload['learners'], 'learner')}"
    if upload["outcome"] == Outcome.ACCEPTED.value:
        counts = (f"{upload[key]} {key.replace('_', ' ')}" for key in queries.COUNTS)
        yield f"              {', '.join(counts)}"
    for problem in upload["problems"]:
        cells = f" in {', '.join(problem['cells'])}" if problem["cells"] else ""
        yield f"              {problem['severity']} {problem['code']}{cells}"


def _print_status(told: dict[str, Any], now: datetime) -> None:
    out = context.console()
    out.print(f"last poll     {told['last_poll'] or 'never'}, last success {told['last_success'] or 'never'}")
    for part in ("messages", "outbox"):
        out.print(f"{part:<13} {', '.join(f'{number} {name}' for name, number in told[part].items())}")
    oldest = told["oldest_unanswered"]
    if oldest is None:
        out.print("unanswered    none")
        return
    left = datetime.fromisoformat(oldest["due_at"]) - now
    hours = left.total_seconds() / 3600
    when = f"{hours:.1f} hours left" if hours > 0 else f"late by {-hours:.1f} hours"
    out.print(f"unanswered    {oldest['reference']} since {oldest['received_at']}, {when}")


def _duration(text: str) -> timedelta:
    try:
        return units.duration(text)
    except ValueError as error:
        raise ConfigError(f"--within: {error}") from error

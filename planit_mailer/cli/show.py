"""show, status, explain: the verbs that only read the store."""

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
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.policy.letters import LONDON
from planit_mailer.spreadsheets import references


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
    _print_page(page)


def _print_page(page: Mapping[str, Any]) -> None:
    """Print a learner's page for people."""
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
        report = queries.status(reading)
        fresh = within is None or queries.polled_within(_duration(within), now, reading)
    if json:
        context.print_json(report)
    else:
        _print_status(report, now)
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
    given = [name for name in (reference, message_id, who) if name is not None]
    if len(given) != 1:
        raise typer.BadParameter("say one of: a reference, --message-id, --from")
    with context.of(ctx).store().reading() as reading:
        if who:
            stories = queries.explain_from(who, _days(on), reading)
        else:
            stories = _one_story(reference, message_id, reading)
    if not stories:
        raise Refused("No message is known by that name.")
    if not json:
        _print_stories(stories)
    elif who:
        context.print_json(stories)
    else:
        context.print_json(stories[0])


def _one_story(reference: str | None, message_id: str | None, reading: queries.Reading) -> list[dict[str, Any]]:
    """The story of the message with this reference, or else this Message-ID; an empty list if it is unknown."""
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
    """The start and end of a day in the schools' time zone; the last thirty days if no day is given."""
    if on is None:
        return clock.now() - timedelta(days=30), clock.now() + timedelta(days=1)
    start = on.replace(tzinfo=LONDON)
    return start, start + timedelta(days=1)


def _lines(story: Mapping[str, Any]) -> Iterator[str]:
    """The story of a message in lines, for people."""
    yield from _message_lines(story)
    for upload in story["uploads"]:
        yield from _upload_lines(upload)
    for reply in story["replies"]:
        yield _reply_line(reply)
    yield from _settlement_lines(story)


def _message_lines(story: Mapping[str, Any]) -> Iterator[str]:
    outcome = story["outcome"] or "not settled"
    reason = story["reason"] or "waits for the next poll"
    yield f"{story['reference']}  {outcome}: {reason}"
    verdicts = story["verdicts"]
    authentic = "yes" if verdicts["authentic"] else "no"
    yield _line("From", story["from"] or "unknown")
    yield _line("Believed", f"{authentic}: {verdicts['why'] or 'not read yet'}")
    yield _line("Date", story["date"] or "none")
    yield _line("Message-ID", story["message_id"] or "none")
    yield _line("Received", f"{story['received_at']}, attempts {story['attempts']}")


def _upload_lines(upload: Mapping[str, Any]) -> Iterator[str]:
    school = "school unknown"
    if upload["school"]:
        school = f"{upload['school_name']} ({upload['school']})"
    yield _line("Upload", f"{upload['reference']} {upload['outcome']}, {school}")
    if upload["sheet"]:
        learners = check.counted(upload["learners"], "learner")
        yield _line("", f"sheet {upload['sheet']}, heading row {upload['heading_row']}, {learners}")
    if upload["outcome"] == Outcome.ACCEPTED.value:
        counts = [f"{upload[key]} {key.replace('_', ' ')}" for key in queries.COUNTS]
        yield _line("", ", ".join(counts))
    for problem in upload["problems"]:
        cells = catalogue.shortened(catalogue.ranges(map(references.named, problem["cells"])))
        place = f" in {cells}" if cells else ""
        yield _line("", f"{problem['severity']} {problem['code']}{place}")


def _reply_line(reply: Mapping[str, Any]) -> str:
    when = f"{reply['state']} {reply['final_at'] or ''}".strip()
    return _line("Reply", f"{reply['kind']} to {reply['to']}, {when} {reply['relay_answer']}")


def _settlement_lines(story: Mapping[str, Any]) -> Iterator[str]:
    """The reason for no reply, the folder, and the time by which an answer is due."""
    if story["unanswered"]:
        yield _line("No reply", story["unanswered"])
    deleted = ", deleted" if story["mail_deleted_at"] else ""
    yield _line("Folder", f"{story['folder'] or 'inbox'}{deleted}")
    if story["due_at"] and not story["answered_at"]:
        yield _line("Due", story["due_at"])


def _line(label: str, text: str) -> str:
    return f"  {label:<12}{text}"


def _print_status(report: Mapping[str, Any], now: datetime) -> None:
    """Print the state of the service for people."""
    out = context.console()
    out.print(f"last poll     {report['last_poll'] or 'never'}, last success {report['last_success'] or 'never'}")
    for part in ("messages", "outbox"):
        counts = ", ".join(f"{number} {name}" for name, number in report[part].items())
        out.print(f"{part:<13} {counts}")
    out.print(f"unanswered    {_unanswered(report['oldest_unanswered'], now)}")


def _unanswered(oldest: Mapping[str, Any] | None, now: datetime) -> str:
    """The oldest unanswered message with the hours that are left, or by which it is late."""
    if oldest is None:
        return "none"
    left = datetime.fromisoformat(oldest["due_at"]) - now
    hours = left.total_seconds() / 3600
    when = f"{hours:.1f} hours left" if hours > 0 else f"late by {-hours:.1f} hours"
    return f"{oldest['reference']} since {oldest['received_at']}, {when}"


def _duration(text: str) -> timedelta:
    """Read a duration such as "15m". Raises ConfigError if it is none."""
    try:
        return units.duration(text)
    except ValueError as error:
        raise ConfigError(f"--within: {error}") from error

"""schools, senders: the verbs for the register of schools and of the senders that may send for them."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from planit_mailer.adapters.sql.register import several
from planit_mailer.adapters.sql.store import Transaction
from planit_mailer.cli import context
from planit_mailer.core import clock
from planit_mailer.core.errors import ConfigError, Refused
from planit_mailer.domain import gias
from planit_mailer.domain.forms import values
from planit_mailer.domain.policy import senders as sender_values
from planit_mailer.domain.schools import Enrolled, School
from planit_mailer.spreadsheets.encryption import passwords
from planit_mailer.spreadsheets.encryption.passwords import Password

Value = Annotated[str, typer.Argument(metavar="ADDRESS-OR-DOMAIN", help="office@school.example, or school.example.")]

schools = typer.Typer(
    no_args_is_help=True,
    help="The registered schools: `schools add`, `schools list`, `schools import`, `schools password`.",
)
senders = typer.Typer(
    no_args_is_help=True, help="Who may send for them: `senders allow`, `senders deny`, `senders list`."
)


def add_to(app: typer.Typer) -> None:
    """Add the verbs."""
    app.add_typer(schools, name="schools")
    app.add_typer(senders, name="senders")


@schools.command("add")
def add_school(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    postcode: Annotated[str, typer.Argument(metavar="POSTCODE")],
    sender: Annotated[
        list[str] | None, typer.Option("--sender", metavar="ADDRESS-OR-DOMAIN", help="Who may send; repeatable.")
    ] = None,
) -> None:
    """Register a school; one that is there already gets the senders added.

    Example: `planit-mailer schools add "Greenfield School" "ZZ9 9ZZ" --sender office@greenfield.example`
    """
    allowed = [sender_values.sender_value(value) for value in sender or ()]
    code = values.postcode(postcode)
    if code is None:
        raise typer.BadParameter(f"{postcode} is not a postcode")
    if not name.strip():
        raise typer.BadParameter("a school has a name")
    with context.of(ctx).store().transaction() as transaction:
        school = transaction.add_school(name.strip(), code)
        for value in allowed:
            transaction.allow(school, value)
    typer.echo(f"{school.name}, {school.postcode}, id {school.number}: {len(allowed)} senders added.")


@schools.command("list")
def list_schools(ctx: typer.Context, json: context.Json = False) -> None:  # noqa: FBT002
    """The registered schools and their senders, and which of them have a password; never the password.

    Example: `planit-mailer schools list`
    """
    with context.of(ctx).store().reading() as reading:
        found = reading.schools()
    if json:
        context.print_json([_as_json(entry) for entry in found])
        return
    table = context.table("Id", "Name", "Postcode", "Senders", "Password")
    for entry in found:
        school = entry.school
        password_state = "registered" if entry.has_password else ""
        table.add_row(school.number, school.name, school.postcode, ", ".join(entry.senders), password_state)
    context.console().print(table if found else "No school is registered.")


def _as_json(entry: Enrolled) -> dict[str, Any]:
    school = entry.school
    return {
        "id": school.number,
        "name": school.name,
        "postcode": school.postcode,
        "senders": entry.senders,
        "password": entry.has_password,
    }


@schools.command("import")
def import_schools(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="The “Establishment fields CSV” of GIAS.")],
) -> None:
    """Register the schools of the DfE register (Get Information about Schools) with their URNs as ids.

    Schools that are there already get the name and postcode of the file; none is removed. Closed schools are left out.
    Rows with mistakes are named and passed over.

    Example: `planit-mailer schools import edubasealldata20261124.csv`
    """
    found = _read_gias(file)
    with context.of(ctx).store().transaction() as transaction:
        done = transaction.import_schools(found.schools)
    for mistake in found.mistakes:
        typer.echo(mistake, err=True)
    count = "1 school is open" if len(found.schools) == 1 else f"{len(found.schools)} schools are open"
    typer.echo(f"{count}: {done.added} added, {done.updated} updated, {done.unchanged} unchanged.")
    typer.echo(f"{found.closed} closed left out, {found.passed_over} passed over for a mistake.")


def _read_gias(file: Path) -> gias.Register:
    """Read the schools in a CSV file of GIAS. Raises ConfigError if it cannot be read or is no such file."""
    try:
        return gias.read(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from error
    except ConfigError as error:
        raise ConfigError(f"{file} cannot be imported: {error}") from error


@schools.command("password")
def password(
    ctx: typer.Context,
    school: Annotated[str, typer.Argument(metavar="POSTCODE-OR-ID")],
    remove: Annotated[bool, typer.Option("--remove", help="Forget the school's password.")] = False,  # noqa: FBT002
) -> None:
    """Register the password that opens a school's workbooks, in place of the one before.

    It is asked for and not shown; if standard input is no terminal, its first line is the password.

    Examples: `planit-mailer schools password "ZZ9 9ZZ"`, `planit-mailer schools password 123456 --remove`
    """
    with context.of(ctx).store().reading() as reading:
        chosen = the_school(school, reading)
    given = None if remove else ask_password(f"Password of {chosen.name}")
    with context.of(ctx).store().transaction() as transaction:
        if given:
            transaction.set_password(chosen, given, clock.now())
        elif not transaction.remove_password(chosen):
            raise Refused(f"{chosen.name}, {chosen.postcode}, has no password.")
    what = "registered. Its workbooks are opened with it from now on" if given else "forgotten"
    typer.echo(f"The password of {chosen.name}, {chosen.postcode}, is {what}.")


@senders.command("allow")
def allow(
    ctx: typer.Context,
    value: Value,
    school: Annotated[str, typer.Option(metavar="POSTCODE-OR-ID", help="The school that they may send for.")],
) -> None:
    """Let an address, or everyone at a domain, send for a school. What they have held proceeds.

    Example: `planit-mailer senders allow head@greenfield.example --school "ZZ9 9ZZ"`
    """
    checked = sender_values.sender_value(value)
    with context.of(ctx).store().transaction() as transaction:
        chosen = the_school(school, transaction)
        transaction.allow(chosen, checked)
    typer.echo(f"{checked} may send for {chosen.name}, {chosen.postcode}.")


@senders.command("deny")
def deny(ctx: typer.Context, value: Value) -> None:
    """Ignore whatever an address or a domain sends from now on.

    Example: `planit-mailer senders deny someone@elsewhere.example`
    """
    denied = sender_values.address_or_domain(value)
    with context.of(ctx).store().transaction() as transaction:
        transaction.deny(denied, clock.now())
    typer.echo(f"{denied} is ignored from now on.")


@senders.command("list")
def list_senders(ctx: typer.Context, json: context.Json = False) -> None:  # noqa: FBT002
    """Who may send for which school, and who is denied.

    Example: `planit-mailer senders list`
    """
    with context.of(ctx).store().reading() as reading:
        rows = _sender_rows(reading.schools(), reading.denied())
    if json:
        context.print_json(rows)
        return
    table = context.table("Sender", "May send for", "Id")
    for row in rows:
        table.add_row(row["sender"], row["school"] or "nobody: denied", row["id"] or "")
    context.console().print(table if rows else "Nobody may send.")


def _sender_rows(registered: Iterable[Enrolled], denied: Iterable[str]) -> list[dict[str, Any]]:
    """One row for each school that a sender may send for, and one for each denied sender, without a school."""
    rows: list[dict[str, Any]] = []
    for entry in registered:
        for sender in entry.senders:
            rows.append({"sender": sender, "school": entry.school.name, "id": entry.school.number})
    for sender in denied:
        rows.append({"sender": sender, "school": None, "id": None})
    return rows


def the_school(postcode_or_number: str, transaction: Transaction) -> School:
    """The school with this postcode or id. Raises Refused if there is none, or several have the postcode."""
    found = transaction.find_schools(postcode_or_number)
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(f"No school has the postcode or id {postcode_or_number}. Add it with schools add.")
    raise Refused(several(found, f"the postcode {postcode_or_number}"))


def ask_password(prompt: str) -> Password:
    """Ask twice for a workbook's password without showing it. If there is no terminal, read a line of standard input.

    Raises ConfigError if a workbook cannot have such a password.
    """
    if sys.stdin.isatty():
        given = typer.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not passwords.usable(given):
        raise ConfigError(f"A password has 1 to {passwords.LONGEST} characters that can be typed.")
    return Password(given)

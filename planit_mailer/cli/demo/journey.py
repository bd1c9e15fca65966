"""Play the journey: send the emails one after the other, and print each result on the terminal."""

import email
import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table

from planit_mailer.app import jobs, queries, wiring
from planit_mailer.app.jobs import Service
from planit_mailer.cli.demo import school, servers
from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.core import clock, config
from planit_mailer.core.errors import ConfigError
from planit_mailer.domain.forms.judge import Criteria
from planit_mailer.spreadsheets.model import Limits

SERVICE = "data@s-cool.test"
PASSWORD = "pw"  # noqa: S105  of a mailbox in this process, on loopback
CONFIGURATION = """
[mailbox]
host = "127.0.0.1"
port = {imap}
security = "none"
username = "{service}"
password_file = "mailbox.password"
poll_every = "1s"
[smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
from = "Plan-it School Data <{service}>"
[service]
operator = "ops@s-cool.test"
[senders]
unauthenticated = "accept"
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One email of the journey."""

    title: str
    sender: str
    subject: str
    files: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """The servers, the service and the terminal that the journey uses."""

    post: MailServers
    service: Service
    out: Console


def play(files: Sequence[Path], *, keep: bool) -> None:
    """Play the journey, or send these files instead. Raises ConfigError if a file cannot be read."""
    steps = tuple(_sending(path) for path in files) or _story()
    invented_school = (school.NAME, school.POSTCODE)
    with _stage() as stage:
        for name, postcode in _schools(files, stage) or (invented_school,):
            _register(name, postcode, stage)
        _introduce(stage)
        for number, step in enumerate(steps, 1):
            _play(number, step, stage)
        _show_learner(stage)
        if keep:
            _keep(stage)


def _story() -> tuple[Step, ...]:
    """The steps of the journey if no files are named."""
    good = school.workbook(school.good())
    bad = school.workbook(school.with_mistakes())
    corrected = school.workbook(school.corrected())
    return (
        Step("The school sends its autumn data", school.OFFICE, "Autumn data", (("autumn.xlsx", good),)),
        Step("It sends its spring data, with mistakes", school.OFFICE, "Spring data", (("spring.xlsx", bad),)),
        Step("It corrects them and sends it again", school.OFFICE, "Corrected", (("spring.xlsx", corrected),)),
        Step("It writes without a spreadsheet", school.OFFICE, "Summer data", ()),
        Step("A stranger sends a spreadsheet", school.STRANGER, "Some data", (("data.xlsx", good),)),
    )


def _sending(path: Path) -> Step:
    """The step that sends a file of the user's. Raises ConfigError if it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    return Step(f"The school sends {path.name}", school.OFFICE, "Our data", ((path.name, data),))


@contextmanager
def _stage() -> Iterator[Stage]:
    """Start servers on free ports of this machine, and a service in a temporary folder, for a `with` block."""
    logging.disable(logging.WARNING)  # the terminal shows what happens; only errors are logged
    with tempfile.TemporaryDirectory(prefix="planit-demo-") as name, servers.running(SERVICE, PASSWORD) as post:
        folder = Path(name)
        config_file = folder / "config.toml"
        config_file.write_text(CONFIGURATION.format(imap=post.imap_port, smtp=post.smtp_port, service=SERVICE))
        (folder / "mailbox.password").write_text(PASSWORD)
        with jobs.serving(config.load(config_file)) as service:
            yield Stage(post, service, Console(highlight=False))


def _schools(files: Sequence[Path], stage: Stage) -> tuple[tuple[str, str], ...]:
    """The names and postcodes of the schools in the user's own files, so that the demo can register them."""
    criteria = Criteria(clock.now().date(), wiring.rules(config.Rules()), Limits())
    schools: list[tuple[str, str]] = []
    for path in files:
        draft = stage.service.reader.judge(path.read_bytes(), criteria).draft
        if draft and draft.postcode:
            schools.append((draft.school_name or school.NAME, draft.postcode))
    return tuple(dict.fromkeys(schools))


def _register(name: str, postcode: str, stage: Stage) -> None:
    with stage.service.store.transaction() as transaction:
        transaction.allow(transaction.add_school(name, postcode), school.OFFICE)


def _introduce(stage: Stage) -> None:
    """Print the servers and the registered schools."""
    table = Table.grid(padding=(0, 2))
    table.add_row("mailbox", f"imap://127.0.0.1:{stage.post.imap_port}", SERVICE)
    table.add_row("relay", f"smtp://127.0.0.1:{stage.post.smtp_port}")
    with stage.service.store.reading() as reading:
        for entry in reading.schools():
            table.add_row("registered", escape(f"{entry.school.name}, {entry.school.postcode}"), school.OFFICE)
    stage.out.print("\n[bold]planit_mailer[/]: the whole journey on this machine; nothing leaves it.\n")
    stage.out.print(Padding(table, (0, 2)))


def _play(number: int, step: Step, stage: Stage) -> None:
    """Send one email over SMTP, let the service process it, and print the result and the replies."""
    before = len(stage.post.delivered())
    stage.out.rule(f"[bold]{number}  {escape(step.title)}", align="left")
    names = ", ".join(name for name, _ in step.files) or "nothing"
    stage.out.print(f"  [cyan]{step.sender}[/] → [cyan]{SERVICE}[/]  “{step.subject}”, attached: {escape(names)}")
    began = time.monotonic()
    stage.post.send(school.an_email(step.sender, SERVICE, step.subject, step.files), step.sender, SERVICE)
    stage.service.poll()
    stage.service.deliver()
    took = time.monotonic() - began
    with stage.service.store.reading() as reading:
        story = queries.explain(reading.latest(), reading)
    assert story is not None, "the message that was sent has a receipt"
    stage.out.print(
        f"  [bold]{story['outcome']}[/], filed in {story['folder']}, {story['reference']}, after {took:.1f} s\n"
    )
    for recipient, raw in stage.post.delivered()[before:]:
        _show_mail(recipient, raw, stage.out)


def _show_mail(recipient: str, raw: bytes, out: Console) -> None:
    """Print a reply: its subject, its text and the names of its attachments."""
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    text = body.get_content().strip() if body else ""
    attached = [part.get_filename() or "" for part in message.iter_attachments()]
    lines = [f"[bold]{escape(str(message['Subject']))}[/]", "", escape(text)]
    if attached:
        lines += ["", f"[dim]attached: {escape(', '.join(attached))}[/]"]
    out.print(Padding(Panel("\n".join(lines), title=f"reply to {recipient}", title_align="left"), (0, 2)))


def _show_learner(stage: Stage) -> None:
    """Show the page of the first learner of the last accepted form."""
    stage.out.rule("[bold]Your School Data, as one learner sees it now", align="left")
    with stage.service.store.reading() as reading:
        page = queries.any_page(reading)
    if page is None:
        stage.out.print("  No learner has any data yet.\n")
        return
    table = Table(show_header=False, box=None, padding=(0, 2))
    for field in page["fields"]:
        table.add_row(f"[bold]{escape(field['heading'])}[/]", escape(field["value"]))
    for paragraph in page["introduction"]:
        stage.out.print(Padding(escape(paragraph), (0, 4)))
    stage.out.print(Padding(table, (1, 2)))
    stage.out.print(f"  Provided by {escape(page['school']['name'])} with {page['reference']}.\n")


def _keep(stage: Stage) -> None:
    """Keep the mailbox open and answer every message until Ctrl-C."""
    stage.out.print(
        f"The mailbox stays open: send to [bold]{SERVICE}[/] from {school.OFFICE} "
        f"over SMTP at 127.0.0.1:{stage.post.smtp_port}. Ctrl-C ends it.\n"
    )
    seen = len(stage.post.delivered())
    try:
        while True:
            stage.service.poll()
            stage.service.deliver()
            for recipient, raw in stage.post.delivered()[seen:]:
                _show_mail(recipient, raw, stage.out)
            seen = len(stage.post.delivered())
            time.sleep(1)
    except KeyboardInterrupt:
        stage.out.print("The mailbox is closed.")

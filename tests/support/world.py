"""A service under test, as an operator and a school meet it: a configuration file, verbs, mail in and mail out."""

import email
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import jobs, queries, wiring
from planit_mailer.cli.demo import journey
from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.core import config
from planit_mailer.core.config import Config
from planit_mailer.pipeline import retention
from tests.support import forks
from tests.support.builders import an_email

OFFICE = "office@greenfield.test"
FOLDERS = {  # by outcome
    "accepted": "Processed",
    "rejected": "Rejected",
    "held": "Held",
    "quarantined": "Quarantine",
    "ignored": "Ignored",
}
DATABASE = '[database]\nurl = "{database}"\n'


@dataclass(frozen=True)
class World:
    """A configured service with its servers; `post` is the mail servers, embedded ones or Dovecot."""

    folder: Path
    post: MailServers

    @property
    def config_file(self) -> Path:
        return self.folder / "config.toml"

    @property
    def settings(self) -> Config:
        return config.load(self.config_file)

    def verb(self, *arguments: str, expect: int = 0) -> str:
        """Run a verb as an operator does, in a process of its own; what it printed."""
        result = forks.run(["--config", str(self.config_file), *arguments])
        assert result.code == expect, f"exit {result.code}\n{result.stdout}\n{result.stderr}"
        return result.stdout if expect == 0 else result.stdout + result.stderr

    def ask(self, *arguments: str) -> Any:
        return json.loads(self.verb(*arguments, "--json"))

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The service's store, as the daemon opens it."""
        with closing(wiring.open_store(self.settings)) as store:
            yield store

    def explain(self, message_id: str) -> dict[str, Any]:
        """What `explain --message-id --json` prints, without a process of its own."""
        with self.store() as store, store.reading() as reading:
            told = queries.explain_message(message_id, reading)
        assert told is not None, "no such message"
        return told

    def shown(self, upin: str) -> dict[str, str] | None:
        """The fields of a learner, None where nobody has this UPIN."""
        with self.store() as store, store.reading() as reading:
            page = queries.show(upin, None, reading)
        return page and {field["heading"]: field["value"] for field in page["fields"]}

    def configure(self, old: str, new: str) -> None:
        """Change the configuration file."""
        text = self.config_file.read_text()
        assert old in text
        self.config_file.write_text(text.replace(old, new))

    def lets_pass(self, span: timedelta, patch: pytest.MonkeyPatch) -> None:
        """Have some time gone by, in which rounds of forgetting have followed each other."""
        now = datetime.now(UTC) + span
        patch.setattr("planit_mailer.core.clock.now", lambda: datetime.now(UTC) + span)
        with self.store() as store, store.transaction() as transaction:
            transaction.note_round(now, now - retention.PROBATION)

    def once(self) -> None:
        """One poll and one delivery, in this process."""
        jobs.once(self.settings)

    @contextmanager
    def at_work(self) -> Iterator[Callable[[], None]]:
        """What polls and delivers as `once` does, with its doors left open: to open them takes the most time."""
        with jobs.serving(self.settings) as served:

            def once() -> None:
                try:
                    served.poll()
                finally:
                    served.deliver()

            yield once

    def send(self, *files: tuple[str, bytes], sender: str = OFFICE, body: str = "Here it is.\n", **headers: str) -> str:
        """Email files to the service; the Message-ID."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Message-ID", f"<{uuid.uuid4()}@greenfield.test>")
        self.post.send(
            an_email(sender, body=body, attachments=files, headers=tuple(named.items())), sender, self.post.address
        )
        return named["Message-ID"]

    def replies(self) -> list[tuple[str, EmailMessage]]:
        """The mails that the relay has, as recipient and message, in the order in which it got them."""
        return [(to, parsed(raw)) for to, raw in self.post.delivered()]


def make(folder: Path, post: MailServers, database: str = "sqlite:///planit.db") -> World:
    """A service with one registered school, Greenfield at ZZ9 9ZZ."""
    (folder / "config.toml").write_text(
        journey.CONFIGURATION.format(imap=post.imap_port, smtp=post.smtp_port, service=post.address)
        + DATABASE.format(database=database)
    )
    (folder / "mailbox.password").write_text("pw\n")
    world = World(folder, post)
    with world.store() as store, store.transaction() as transaction:
        transaction.allow(transaction.add_school("Greenfield School", "ZZ9 9ZZ"), OFFICE)
    return world


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def parsed(raw: bytes) -> EmailMessage:
    """A mail as a mail program reads it."""
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message

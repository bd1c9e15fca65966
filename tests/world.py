"""A service under test, as an operator and a school meet it: a configuration file, verbs, mail in and mail out."""

import email
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from planit_mailer import config, daemon
from planit_mailer.config import Config
from planit_mailer.mail.replies import XLSX

SERVICE = "data@s-cool.test"
OFFICE = "office@greenfield.test"
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
[database]
url = "{database}"
[service]
operator = "ops@s-cool.test"
[senders]
unauthenticated = "accept"
"""


@dataclass(frozen=True)
class World:
    """A configured service with its servers; `post` is the mail servers, embedded ones or Dovecot."""

    folder: Path
    post: Any

    @property
    def config_file(self) -> Path:
        return self.folder / "config.toml"

    @property
    def settings(self) -> Config:
        return config.load(self.config_file)

    def verb(self, *arguments: str, expect: int = 0) -> str:
        """Run a verb as an operator does, in a process of its own; what it printed."""
        result = subprocess.run(
            [sys.executable, "-m", "planit_mailer", "--config", str(self.config_file), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert result.returncode == expect, f"exit {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout if expect == 0 else result.stdout + result.stderr

    def ask(self, *arguments: str) -> Any:
        return json.loads(self.verb(*arguments, "--json"))

    def once(self) -> None:
        """One poll and one delivery, in this process."""
        daemon.once(self.settings)

    def send(self, *files: tuple[str, bytes], sender: str = OFFICE, **headers: str) -> str:
        """Email files to the service; the Message-ID."""
        raw = an_email(*files, sender=sender, **headers)
        self.post.send(raw, sender, SERVICE)
        return str(email.message_from_bytes(raw)["Message-ID"])

    def replies(self) -> list[tuple[str, EmailMessage]]:
        """The mails that the relay has, as recipient and message, in the order in which it got them."""
        return [(to, _parsed(raw)) for to, raw in self.post.delivered()]


def make(folder: Path, post: Any, database: str = "sqlite:///planit.db") -> World:
    """A service with one registered school, Greenfield at ZZ9 9ZZ."""
    (folder / "config.toml").write_text(
        CONFIGURATION.format(imap=post.imap_port, smtp=post.smtp_port, service=SERVICE, database=database)
    )
    (folder / "mailbox.password").write_text("pw\n")
    world = World(folder, post)
    with daemon.open_store(world.settings).transaction() as transaction:
        transaction.allow(transaction.add_school("Greenfield School", "ZZ9 9ZZ"), OFFICE)
    return world


_numbers = iter(range(1, 10**9))


def an_email(*files: tuple[str, bytes], sender: str = OFFICE, **headers: str) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = SERVICE
    message["Subject"] = headers.pop("subject", "Our data")
    message["Date"] = "Tue, 24 Nov 2026 09:00:00 +0000"
    message["Message-ID"] = headers.pop("message_id", f"<{os.getpid()}.{next(_numbers)}@greenfield.test>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Here is our data.\n")
    for name, data in files:
        message.add_attachment(data, *XLSX, filename=name)
    return message.as_bytes()


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def _parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message

"""A service on fakes: the real configuration, store, jobs and verbs, with a mailbox, a relay and a reader in memory.

For stories about policy, order and retries. What is about a server, a process or the command line itself is tested on
real ones.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planit_mailer.app import jobs, listener, wiring
from planit_mailer.cli import EXIT_CODES, app
from planit_mailer.core import config
from tests.support import world
from tests.support.builders import SERVICE
from tests.support.fakes import InMemoryMailbox, InProcessReader, RecordingRelay
from tests.support.world import World


@dataclass
class FakePost:
    """The mail servers in memory, as `World` uses real ones; the ports are in the configuration and nobody listens."""

    address: str = SERVICE
    imap_port: int = 9
    smtp_port: int = 9
    mailbox: InMemoryMailbox = field(default_factory=InMemoryMailbox)
    relay: RecordingRelay = field(default_factory=RecordingRelay)

    def send(self, raw: bytes, _sender: str, recipient: str) -> None:
        """Deliver a message into the mailbox."""
        assert recipient == self.address
        self.mailbox.deliver(raw)

    def delivered(self) -> list[tuple[str, bytes]]:
        """What the relay has taken: recipients and messages, in order."""
        return [(reply.recipient, reply.content) for reply in self.relay.sent]

    def folder(self, name: str) -> int:
        """The number of messages in a folder."""
        return self.mailbox.count(name)


class FakeWorld(World):
    """A configured service on fakes; verbs run in this process."""

    def verb(self, *arguments: str, expect: int = 0) -> str:
        result = CliRunner().invoke(app, ["--config", str(self.config_file), *arguments])
        code, said = result.exit_code, result.output
        if isinstance(result.exception, tuple(EXIT_CODES)):
            code, said = _exit_code(result.exception), f"{said}{result.exception}"
        assert code == expect, f"exit {code}\n{said}\n{result.exception!r}"
        return result.stdout if expect == 0 else said


def _exit_code(error: BaseException) -> int:
    return next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A service on fakes with one registered school, Greenfield at ZZ9 9ZZ."""
    post = FakePost()

    @contextmanager
    def opened(_settings: config.Mailbox) -> Iterator[InMemoryMailbox]:
        yield post.mailbox

    def relay(*_settings: Any) -> RecordingRelay:
        return post.relay

    for module in (jobs, listener):
        monkeypatch.setattr(module, "open_mailbox", opened)
    monkeypatch.setattr(jobs, "Relay", relay)
    monkeypatch.setattr(wiring, "reader", lambda _limits: nullcontext(InProcessReader()))
    made = world.make(tmp_path, post)  # type: ignore[arg-type]
    return FakeWorld(made.folder, made.post)

"""The service in a process of its own that dies of SIGKILL as soon as a step returns.

What runs there is what the console script runs.
"""

import itertools
import os
import shlex
import signal
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from multiprocessing.context import ForkServerProcess

from planit_mailer.adapters import smtp
from planit_mailer.adapters.imap import mailbox
from planit_mailer.adapters.sandbox import parent
from planit_mailer.adapters.sql import outbox, receipts
from planit_mailer.app import daemon
from planit_mailer.core import clock
from planit_mailer.domain.messages import Fetched, InboxMessage
from planit_mailer.pipeline import delivery, intake, polling, retention
from tests.support import forks
from tests.support.world import World

# In the order of the story. What settles a message and what notes a sent reply are not yet committed when they return.
STEPS: dict[str, tuple[object, str]] = {
    "bringing back": (mailbox.Mailbox, "bring_back"),
    "numbering": (polling, "list_inbox"),
    "fetch": (mailbox.Mailbox, "fetch"),
    "reading": (parent.Reader, "message"),
    "judging": (parent.Reader, "judge"),
    "painting": (intake, "paint"),
    "settling": (receipts.Receipts, "settle"),
    "commit": (intake, "process"),
    "filing": (mailbox.Mailbox, "file"),
    "filing is noted": (intake, "file"),
    "handing over": (delivery, "_start"),
    "the relay took it": (smtp.Relay, "send"),
    "noting": (outbox.OutboxRows, "note_sent"),
    "sending is noted": (delivery, "_note_sent"),
    "deletion": (retention, "_delete"),
}


@dataclass(frozen=True)
class Life:
    """How a process lives: its command line, and the step that it dies of when it returns for the `nth` time.

    `ahead` is by how much its clock is, `often` shortens the daemon's waits to a second at most.
    """

    command: str
    step: str = ""
    nth: int = 1
    ahead: timedelta = field(default=timedelta(0))
    often: bool = False


def started(world: World, life: Life) -> ForkServerProcess:
    """A process of this service; what it says goes to the end of the file "log"."""
    command = ["--config", str(world.config_file), *shlex.split(life.command)]
    log = world.folder / "log"
    return forks.started(command, log, log, partial(_be, life))


def lived(world: World, life: Life) -> int:
    """A process of this service that has ended; how: its exit code, or minus the number of the signal."""
    process = started(world, life)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def die_of(message_id: str) -> None:
    """Have this process die as soon as one certain message is fetched."""
    fetch = mailbox.Mailbox.fetch

    def fatal(self: mailbox.Mailbox, waiting: InboxMessage, limit: int) -> Fetched | None:
        fetched = fetch(self, waiting, limit)
        if fetched and message_id.encode() in fetched.raw:
            os.kill(os.getpid(), signal.SIGKILL)
        return fetched

    mailbox.Mailbox.fetch = fatal  # type: ignore[method-assign]


def _be(life: Life) -> None:
    if life.step:
        _die_after(*STEPS[life.step], life.nth)
    if life.ahead:
        now = clock.now
        clock.now = lambda: now() + life.ahead
    if life.often:
        daemon.DELIVER_EVERY = daemon.FORGET_EVERY = delivery.FIRST_WAIT = timedelta(seconds=1)


def _die_after(owner: object, name: str, nth: int) -> None:
    step = getattr(owner, name)
    calls = itertools.count(1)

    def dying(*arguments: object, **named: object) -> object:
        result = step(*arguments, **named)
        if next(calls) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)

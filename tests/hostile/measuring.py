"""Measures what one message costs: seconds, the memory of the daemon and of its reading process, the database's growth.

The message is processed in a daemon of its own: a process that has the real reading process and the real store, with a
mailbox and a relay in memory.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from planit_mailer.app import jobs, listener
from planit_mailer.core import config
from tests.support import builders, world
from tests.support.fake_world import FakePost
from tests.support.fakes import InMemoryMailbox, RecordingRelay
from tests.support.world import World

KIBIBYTE = 1_024  # the unit of the kernel's figures of memory
MESSAGE_ID = "<1@greenfield.test>"
MESSAGE, RESULT = "message.eml", "result.json"

Files = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a message cost: seconds, and bytes of memory and of the database. `codes` are those of all its problems."""

    seconds: float
    daemon: int
    child: int
    growth: int
    outcome: str
    codes: tuple[str, ...]
    replies: int


def measured(files: Files) -> Measured:
    """Process a message with these files in a daemon of its own. Returns what it cost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = builders.an_email(world.OFFICE, attachments=files, headers=[("Message-ID", MESSAGE_ID)])
        (folder / MESSAGE).write_bytes(raw)
        subprocess.run([sys.executable, "-m", "tests.hostile.measuring", name], check=True, capture_output=True)
        told = json.loads((folder / RESULT).read_text())
    return Measured(**told | {"codes": tuple(told["codes"])})


def main(folder: Path) -> None:
    """Process the message in a folder, and write there what it cost."""
    post = FakePost()
    with _in_memory(post):
        made = world.make(folder, post)  # type: ignore[arg-type]
        size = _size(folder)
        post.mailbox.deliver((folder / MESSAGE).read_bytes())
        begin = time.perf_counter()
        made.once()
        seconds = time.perf_counter() - begin
        told = _told(made, post, seconds, _size(folder) - size)
    (folder / RESULT).write_text(json.dumps(asdict(told)))


@contextmanager
def _in_memory(post: FakePost) -> Iterator[None]:
    """Give the service this mailbox and this relay."""

    @contextmanager
    def opened(_settings: config.Mailbox) -> Iterator[InMemoryMailbox]:
        yield post.mailbox

    def relay(*_settings: object) -> RecordingRelay:
        return post.relay

    with pytest.MonkeyPatch.context() as patch:
        for module in (jobs, listener):
            patch.setattr(module, "open_mailbox", opened)
        patch.setattr(jobs, "Relay", relay)
        yield


def _told(made: World, post: FakePost, seconds: float, growth: int) -> Measured:
    daemon = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * KIBIBYTE
    story = made.explain(MESSAGE_ID)
    codes = {problem["code"] for upload in story["uploads"] for problem in upload["problems"]}
    return Measured(seconds, daemon, child, growth, str(story["outcome"]), tuple(sorted(codes)), len(post.relay.sent))


def _size(folder: Path) -> int:
    """The bytes of the database, with those of its write-ahead log."""
    return sum(path.stat().st_size for path in folder.glob("planit.db*"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

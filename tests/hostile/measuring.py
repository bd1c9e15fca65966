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
from sqlalchemy import select

from planit_mailer.adapters.sql.schema import receipts
from planit_mailer.app import jobs, listener
from planit_mailer.core import config
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.reports import Story
from tests.support import builders, forms, memory, world
from tests.support.fake_world import FakePost
from tests.support.fakes import InMemoryMailbox, RecordingRelay
from tests.support.world import World

KIBIBYTE = 1_024  # the unit of the kernel's figures of memory
NEXT, NEXT_POSTCODE = "office@riverside.test", "ZZ8 8ZZ"  # of the school whose form is behind it
MESSAGE, RESULT = "message.eml", "result.json"

Files = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a message cost: seconds, and bytes of memory and of the database.

    The seconds last until the next message, a school's form, has its answer, too. `codes` are those of all problems of
    the message, `alerts` counts the mails to the operator, and `replies` all mails but the answer to that school.
    """

    seconds: float
    daemon: int
    child: int
    growth: int
    outcome: str
    codes: tuple[str, ...]
    replies: int
    alerts: int


def of_files(files: Files) -> Measured:
    """Process a school's message with these files in a daemon of its own. Returns what it cost."""
    return of_mail(builders.an_email(world.OFFICE, attachments=files))


def of_mail(raw: bytes) -> Measured:
    """Process a message in a daemon of its own. Returns what it cost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / MESSAGE).write_bytes(raw)
        subprocess.run([sys.executable, "-m", "tests.hostile.measuring", name], check=True, capture_output=True)
        told = json.loads((folder / RESULT).read_text())
    return Measured(**told | {"codes": tuple(told["codes"])})


def main(folder: Path) -> None:
    """Process the message in a folder, and write there what it cost."""
    post = FakePost()
    with _in_memory(post):
        made = world.make(folder, post)  # type: ignore[arg-type]
        with made.store() as store, store.transaction() as transaction:
            transaction.allow(transaction.add_school("Riverside School", NEXT_POSTCODE), NEXT)
        size = _size(folder)
        post.mailbox.deliver((folder / MESSAGE).read_bytes())
        form = forms.flat([forms.learner(9)], school="Riverside School", postcode=NEXT_POSTCODE)
        post.mailbox.deliver(builders.an_email(NEXT, attachments=[("form.xlsx", form)]))
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
    daemon = memory.peak()
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * KIBIBYTE
    story = _first_story(made)
    codes = {problem.code for upload in story.uploads for problem in upload.problems}
    sent = [reply.kind for reply in post.relay.sent if reply.recipient != NEXT]
    alerts = sent.count(ReplyKind.OPERATOR)
    return Measured(
        seconds, daemon, child, growth, str(story.outcome), tuple(sorted(codes)), len(sent) - alerts, alerts
    )


def _first_story(made: World) -> Story:
    """The story of the message that arrived first."""
    with made.store() as store, store.reading() as reading:
        oldest = select(receipts.c.reference).order_by(receipts.c.id)
        story = reading.story(reading._connection.scalar(oldest) or "")
    assert story
    return story


def _size(folder: Path) -> int:
    """The bytes of the database, with those of its write-ahead log."""
    return sum(path.stat().st_size for path in folder.glob("planit.db*"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

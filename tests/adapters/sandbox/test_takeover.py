"""A reading process that was taken over may say anything. The daemon takes what was declared, in time, and no more."""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import msgspec
import pytest

from planit_mailer.adapters.sandbox import parent
from planit_mailer.adapters.sandbox.parent import JobError, Reader, Why
from planit_mailer.adapters.sandbox.protocol import ANSWER, HEAD, LENGTH, Code, Done, Failure, Ready
from planit_mailer.mail import messages
from planit_mailer.spreadsheets import detect

MEMORY = 400_000_000
ROOT = Path(__file__).parents[3]
# A process that takes every job as it comes, and says what it was told to.
PROGRAM = """
import sys, time
said, last = {said!r}, {last!r}
with open(int(sys.argv[1]), "r+b", buffering=0) as parent:
    parent.write({ready!r})
    while size := parent.read(4):
        left = int.from_bytes(size, "little")
        while left:
            left -= len(parent.read(left))
        parent.write(said)
        for byte in last:
            time.sleep(0.1)
            parent.write(bytes([byte]))
        if not said:
            time.sleep(60)
"""


class Smuggled:
    """What unpickles into a call."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


def framed(said: bytes) -> bytes:
    return LENGTH.pack(len(said)) + said


def program(said: bytes, last: bytes = b"") -> str:
    """The program that says this to each job; and, byte by byte, what comes last."""
    ready = framed(msgspec.msgpack.encode(Ready(())))
    return PROGRAM.format(said=said, last=last, ready=ready)


def done(head: bytes) -> bytes:
    return framed(msgspec.msgpack.encode(Done(head)))


def failed(code: str, text: str) -> bytes:
    return framed(msgspec.msgpack.encode({"type": "Failure", "code": code, "text": text}))


DEEP = b"\x91" * 20_000  # lists in each other

SAYINGS = {
    "nothing": (b"", b"", Why.TIME),
    "half a frame": (LENGTH.pack(100) + b"x", b"", Why.TIME),
    "a byte now and then": (LENGTH.pack(100), bytes(100), Why.TIME),
    "more than it may": (LENGTH.pack(ANSWER + 1), b"", Why.SIZE),
    "no MessagePack": (framed(b"\xc1"), b"", Why.WRONG),
    "a kind of answer that there is none": (framed(msgspec.msgpack.encode({"type": "Call"})), b"", Why.WRONG),
    "another value": (done(b"\x07"), b"", Why.WRONG),
    "a value of half characters": (done(b"\x81\xaamessage_id\xa1\xff"), b"", Why.WRONG),
    "what is nested": (done(DEEP), b"", Why.WRONG),
    "a failure in words of its own": (failed("error", "Ann Lee\x1b[2J"), b"", Why.WRONG),
    "a failure that there is none": (failed("panic", ""), b"", Why.WRONG),
}


@pytest.mark.parametrize(("said", "last", "why"), SAYINGS.values(), ids=SAYINGS)
def test_what_was_not_declared_is_refused_in_time(
    said: bytes, last: bytes, why: Why, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "COMMAND", program(said, last))
    begin = time.monotonic()

    with Reader(seconds=1, memory=MEMORY) as reader:
        assert reader.message(b"") == messages.unreadable(why.value)

    assert time.monotonic() - begin < 15


def test_what_was_pickled_runs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = tmp_path / "made"
    monkeypatch.setattr(parent, "COMMAND", program(framed(pickle.dumps(Smuggled(made)))))

    with Reader(seconds=5, memory=MEMORY) as reader:
        assert reader.sniff([b""]) == (detect.ARCHIVE,)

    assert not made.exists()


def test_a_failure_is_told_by_its_code_and_harmless_text(monkeypatch: pytest.MonkeyPatch) -> None:
    said = framed(msgspec.msgpack.encode(Failure(Code.ERROR, "ValueError, planit_mailer.mail.tnef <listcomp> line 7")))
    monkeypatch.setattr(parent, "COMMAND", program(said))

    with Reader(seconds=5, memory=MEMORY) as reader, pytest.raises(JobError, match="tnef <listcomp> line 7"):
        reader.message(b"")


def test_a_job_that_is_not_taken_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = framed(msgspec.msgpack.encode(Ready(())))
    deaf = f"import os, sys, time; os.write(int(sys.argv[1]), {ready!r}); time.sleep(60)"
    monkeypatch.setattr(parent, "COMMAND", deaf)

    with Reader(seconds=1, memory=MEMORY) as reader:
        assert reader.message(bytes(10_000_000)) == messages.unreadable(Why.TIME.value)


# ── what is small on the way and large in memory ──


def many(item: bytes, size: int) -> bytes:
    """An array of as many items as there is room for."""
    return b"\xdd" + (size // len(item)).to_bytes(4, "big") + item * (size // len(item))


def named(**parts: bytes) -> bytes:
    names = b"".join(msgspec.msgpack.encode(name) + part for name, part in parts.items())
    return bytes([0x80 + len(parts)]) + names


def a_message_of(headers: bytes) -> bytes:
    none, text = b"\x90", b"\xa0"
    return named(
        from_addresses=none, message_id=text, in_reply_to=text, references=none, date=text, headers=headers
    )  # fmt: skip


def a_draft_of(learners: bytes, headings: bytes = b"\x90") -> bytes:
    nothing = dict.fromkeys(("school_name", "postcode", "submitted_by", "date_submitted"), b"\xc0")
    draft = named(**nothing, introduction=b"\x90", headings=headings, learners=learners)
    return named(draft=draft, problems=b"\x90")


ROOM = HEAD - 1_000
LEARNER = b"\x99\x00" + b"\xc0" * 6 + b"\x90\x90"
HEADING = b"\xa1a"
SWELLING = {
    "headers": lambda: Done(a_message_of(many(b"\x92\xa0\xa0", ROOM))),
    "learners": lambda: Done(a_draft_of(many(LEARNER, ROOM)), (b"\x90", b"")),
    "values": lambda: Done(a_draft_of(many(LEARNER, 100_000), many(HEADING, 2_000)), (b"\x91\xa1a", bytes(40_000_000))),
    "different values": lambda: Done(a_draft_of(b"\x90"), (many(b"\xa2ab", 4_500_000), b"")),
    "more different values than there may be": lambda: Done(a_draft_of(b"\x90"), (many(b"\xa2ab", 45_000_000), b"")),
    "a head that is too large": lambda: Done(many(b"\xa0", HEAD)),
    "many byte strings": lambda: Done(a_message_of(b"\x90"), tuple([b""] * 10_000)),
    "bytes": lambda: Done(a_message_of(b"\x90"), (bytes(49_000_000),)),
}
SWELLER = """
import sys
sys.path[:] = sys.argv[4:]
from tests.adapters.sandbox import test_takeover as it
it.say(int(sys.argv[1]), {name!r})
"""
DAEMON = """
import sys
from tests.support import memory
from planit_mailer.adapters.sandbox import parent
from planit_mailer.domain.forms.criteria import Criteria, Rules
from planit_mailer.spreadsheets.model import Limits
from tests.support import forms
parent.COMMAND = sys.argv[1]
with parent.Reader(30, 1_000_000_000) as reader:
    reader.message(b"")
    reader.judge(b"", Criteria(forms.TODAY, Rules(), Limits()))
print(memory.peak())
"""


def say(descriptor: int, name: str) -> None:
    """Be a process that says this to each job."""
    said = framed(msgspec.msgpack.encode(SWELLING[name]()))
    with FileIO(descriptor, "r+") as parent:
        parent.write(framed(msgspec.msgpack.encode(Ready(()))))
        while size := parent.read(LENGTH.size):
            parent.read(*LENGTH.unpack(size))
            rest = memoryview(said)
            while rest:
                rest = rest[parent.write(rest) :]


@pytest.mark.parametrize("name", SWELLING)
def test_whatever_it_says_the_daemon_needs_less_than_300_megabytes(name: str) -> None:
    command = [sys.executable, "-c", DAEMON, SWELLER.format(name=name)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)

    assert int(done.stdout.splitlines()[-1]) < 300_000_000

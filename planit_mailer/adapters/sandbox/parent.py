"""The reading process: untrusted files are opened in a child that may be killed, never in the daemon.

One warm child waits for jobs on a socket. It has confined itself: it can open no file, no connection and no other
process (confinement.py). Its memory is limited, and so are the wall time and processor time of each job, and the size
of each answer. A child that exceeds a limit, crashes, or answers anything but the declared type is replaced, and its
job ends in Killed. If no child starts, for instance because the machine has no memory left, Unavailable is raised: it
is not the job's fault. The child starts with an empty environment, writes to no terminal, and ignores the signals that
end the daemon. If the daemon ends, the child ends too: its socket closes, or, in the middle of a job, its own time
limit ends it.
"""

import gc
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from typing import Self, TypeVar

import msgspec
from msgspec.msgpack import Decoder

from planit_mailer.adapters.sandbox import confinement, packing
from planit_mailer.adapters.sandbox.channel import Channel, TooLong
from planit_mailer.adapters.sandbox.confinement import Guard
from planit_mailer.adapters.sandbox.packing import Unpack
from planit_mailer.adapters.sandbox.protocol import (
    ANSWER,
    Annotate,
    Code,
    Done,
    Failure,
    FindSignatures,
    Job,
    Judge,
    Parse,
    ParseHeader,
    Prove,
    Ready,
    Sniff,
)
from planit_mailer.core import logs
from planit_mailer.core.errors import Unavailable
from planit_mailer.domain.forms import annotate
from planit_mailer.domain.forms import judge as forms
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.mail import messages
from planit_mailer.mail.dkim import Keys, Signature
from planit_mailer.mail.messages import Message
from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.detect import FileKind

T = TypeVar("T")

log = logs.get(__name__)

# The child's program. Its first arguments are the child's own, the others are the folders to import from.
COMMAND = """
import sys
sys.path[:] = sys.argv[4:]
from planit_mailer.adapters.sandbox import child
child.serve(*sys.argv[1:4])
"""
NO_START = "the reading process does not start"
PATIENCE = 5.0  # seconds that a warm child has to end by itself
START = 60.0  # seconds that a child has to become ready; usually it takes one
OUTCOME: Decoder[Done | Failure] = Decoder(Done | Failure)
READY = 1_000  # bytes of the first thing that it says
WRONG = (msgspec.DecodeError, ValueError, IndexError, RecursionError)  # what a wrong answer raises when it is decoded


class Why(StrEnum):
    """The reason why a job has no result."""

    TIME = "it took too long"
    MEMORY = "it needed too much memory"
    SIZE = "its answer is too large"
    WRONG = "its answer makes no sense"
    DIED = "its process died"


class Killed(Exception):  # noqa: N818  the job was killed, which is no error of ours
    """A job gave no result: it exceeded a limit, or crashed its process. `why` is the reason."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class JobError(Exception):
    """A job raised an error, which is a mistake of ours. The text says what kind of error it was, and where."""


class Reader:
    """A warm reading process. `seconds` limits the wall time of each job, `memory` the process's bytes. Thread-safe.

    The process starts when the reader is created, so that it is warm when it is needed, and is ended by `with` or
    close(). Every method raises Unavailable if no child starts.
    """

    def __init__(self, seconds: float, memory: int) -> None:
        self._seconds = seconds
        self._memory = memory
        self._lock = threading.Lock()
        self._closed = False
        self._lacking: tuple[Guard, ...] | None = None
        confinement.hide()  # the child has the same user: without this it could read our memory
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def header(self, head: bytes, *, whole: bool = True) -> Message:
        """Parse the header of a message. If that kills the child, the message is unread."""
        return self._message(ParseHeader(head, whole), math.inf)

    def message(self, raw: bytes, *, seconds: float = math.inf) -> Message:
        """Parse a message. If that kills the child, the message is unread."""
        return self._message(Parse(raw), seconds)

    def sniff(self, beginnings: Sequence[bytes], *, seconds: float = math.inf) -> tuple[FileKind, ...]:
        """Detect the kinds of files. If that kills the child, each counts as an archive: a person looks at it."""
        try:
            return self.call(Sniff(tuple(beginnings)), packing.unpack(tuple[FileKind, ...]), seconds)
        except Killed as killed:
            _log_end("files ended their reader", killed, *beginnings)
            return (detect.ARCHIVE,) * len(beginnings)

    def judge(self, data: bytes, judging: Criteria, *, seconds: float = math.inf) -> Judgement:
        """Read and judge a file. If that kills the child, the judgement is that the file cannot be opened.

        If it takes longer than `seconds`, but not as long as a file may take, the file is left over.
        """
        try:
            return self.call(Judge(data, judging), packing.unpack_judgement, seconds)
        except Killed as killed:
            _log_end("file ended its reader", killed, data)
            if killed.why is Why.TIME and seconds < self._seconds:
                return forms.left_over()
            return forms.cannot_be_opened()

    def annotate(self, data: bytes, judgement: Judgement, judging: Criteria, *, seconds: float = math.inf) -> Annotated:
        """Paint a workbook's problems into it. If that kills the child, return the Problems sheet alone."""
        try:
            job = Annotate(data, replace(judgement, draft=None), judging)
            return self.call(job, packing.unpack_annotated, seconds)
        except Killed as killed:
            _log_end("file ended its painter", killed, data)
            return annotate.unpainted(judgement, killed.why.value)

    def signatures(self, head: bytes, domain: str, own_address: str) -> tuple[Signature, ...]:
        """The DKIM signatures of a message for a domain; none if looking for them kills the child."""
        try:
            return self.call(FindSignatures(head, domain, own_address), packing.unpack(tuple[Signature, ...]))
        except Killed as killed:
            _log_end("signatures ended their reader", killed, head)
            return ()

    def prove(self, raw: bytes, keys: Keys, *, seconds: float = math.inf) -> str:
        """The reason why no signature proves its domain, "" if one does. If this kills the child, none does.

        All signatures are verified in one job.
        """
        given = tuple((signature, tuple(records)) for signature, records in keys)
        try:
            return self.call(Prove(raw, given), packing.unpack(str), seconds)
        except Killed as killed:
            _log_end("signatures ended their reader", killed, raw)
            return f"its DKIM signature cannot be verified: {killed.why.value}"

    def lacking(self) -> tuple[Guard, ...]:
        """The guards of a confined process that this machine's kernel lacks."""
        with self._lock:
            self._make_ready()
        return self._lacking or ()

    def call(self, job: Job, unpack: Unpack[T], seconds: float = math.inf) -> T:
        """Do a job in the child and return its answer, unpacked, one job at a time.

        Raises JobError if the job raised an error, or Killed if it gave no answer that can be unpacked, for instance
        after `seconds`.
        """
        frame = msgspec.msgpack.encode(job)
        with self._lock:
            self._make_ready()
            outcome = self._run(frame, unpack, min(seconds, self._seconds))
        if isinstance(outcome, Failure):
            raise JobError(outcome.text)
        return outcome

    def close(self) -> None:
        """End the child after its present job. A closed reader stays closed."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            patience = PATIENCE if self._warm else 0  # a child that is still starting has no job to finish
            self._stop(patience)

    def _message(self, job: Job, seconds: float) -> Message:
        """Parse a message in the child. Whoever asked logs why it is unread."""
        try:
            return self.call(job, packing.unpack_message, seconds)
        except Killed as killed:
            return messages.unreadable(killed.why.value)

    def _start(self) -> None:
        """Start a child without waiting until it is warm. Raises Unavailable."""
        try:
            ours, theirs = socket.socketpair()
            self._channel = Channel(ours)
            with theirs:
                self._process = self._child(theirs.fileno())
        except OSError as error:  # the machine has no memory, process or file descriptor left
            raise Unavailable(f"{NO_START}: {error.strerror}") from error
        self._warm = self._busy = False

    def _child(self, descriptor: int) -> "subprocess.Popen[bytes]":
        """Start a process that serves a socket."""
        arguments = [str(descriptor), str(self._memory), str(self._seconds)]
        try:
            return subprocess.Popen(  # noqa: S603  our own interpreter and code
                [sys.executable, "-I", "-c", COMMAND, *arguments, *_folders()],
                stdin=subprocess.DEVNULL,
                pass_fds=[descriptor],
                env={},
                start_new_session=True,  # a Ctrl-C on the terminal reaches the parent only
            )
        except OSError:
            self._channel.close()
            raise

    def _make_ready(self) -> None:
        """Wait until the child is warm. Replace it first if it crashed, or is still at a job that was given up."""
        if self._closed:
            raise RuntimeError("the reader is closed")
        if self._busy or self._process.poll() is not None:
            self._stop(patience=0)
            self._start()
        if not self._warm:
            self._wait_until_warm()
            self._warm = True

    def _wait_until_warm(self) -> None:
        """Wait for the child's first word. Raises Unavailable if it crashed, or takes too long."""
        try:
            said = self._channel.receive(READY, time.monotonic() + START)
            ready = msgspec.msgpack.decode(said, type=Ready)
        except TimeoutError as error:
            raise Unavailable(f"the reading process is not ready after {START:.0f} s") from error
        except (TooLong, OSError, *WRONG) as error:
            self._stop(patience=0)  # otherwise the next job may find it alive and wait for it
            raise Unavailable(NO_START) from error
        if self._lacking is None and ready.lacking:
            log.warning("reading process is not fully confined", lacking=[guard.value for guard in ready.lacking])
        self._lacking = ready.lacking

    def _run(self, frame: bytes, unpack: Unpack[T], seconds: float) -> T | Failure:
        """Run a job in the child. Return its answer, or the error that it raised. Raises Killed if there is neither.

        A child that gave no answer is replaced.
        """
        self._busy = True
        try:
            outcome = self._exchange(frame, unpack, seconds)
        except TimeoutError:
            why = Why.TIME
        except TooLong:
            why = Why.SIZE
        except WRONG:
            why = Why.WRONG
        except MemoryError:
            why = Why.MEMORY
        except OSError:
            why = Why.DIED
        else:
            self._busy = False
            return outcome
        why = self._replace_child(why)
        self._busy = False
        raise Killed(why)

    def _exchange(self, frame: bytes, unpack: Unpack[T], seconds: float) -> T | Failure:
        """Send a job and wait for its outcome. Raises TimeoutError, TooLong, MemoryError, OSError, or one of WRONG."""
        until = time.monotonic() + seconds
        self._channel.send(frame, until)
        outcome = _decoded(self._channel.receive(max(ANSWER, len(frame)), until), unpack)
        if isinstance(outcome, Failure) and outcome.code is Code.MEMORY:
            raise MemoryError
        return outcome

    def _replace_child(self, why: Why) -> Why:
        """End the child and start another one. Return why its job ended: TIME if its own time limit ended it."""
        code = self._stop(patience=0)
        with suppress(Unavailable):  # this job is over; the next one tries again to start a child
            self._start()
        if -code in (signal.SIGXCPU, signal.SIGALRM):
            return Why.TIME
        return why

    def _stop(self, patience: float) -> int:
        """End the child by closing its socket, and kill it if it does not exit in time. Return its exit code."""
        self._channel.close()
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _decoded(frame: bytearray, unpack: Unpack[T]) -> T | Failure:
    """Decode the outcome of a job, without garbage collection: searching so many new objects would take longer.

    Raises one of WRONG if it is no outcome that can be unpacked.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        outcome = OUTCOME.decode(frame)
        del frame
        return outcome if isinstance(outcome, Failure) else unpack(outcome)
    finally:
        if was_enabled:
            gc.enable()


def _log_end(event: str, killed: Killed, *data: bytes) -> None:
    log.warning(event, why=killed.why.value, size=sum(map(len, data)))


def _folders() -> list[str]:
    """The folders that we import from."""
    return [os.path.abspath(folder) for folder in sys.path]  # noqa: PTH100

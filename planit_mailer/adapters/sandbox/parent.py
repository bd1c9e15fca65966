"""The reading process: untrusted files are opened in a child that may be killed, never in the daemon.

One warm child waits for jobs on a socket. It has a limit on memory, and each job has one on wall time and one on
processor time. A child that exceeds them, or crashes, is replaced, and its job ends in Killed. If no child starts, for
instance because the machine has no memory left, that is Unavailable: it is not the job's fault. The child has none of
our secrets, writes to no terminal, and ignores the signals that end the daemon. It ends when the daemon does: its
socket closes, or, in the middle of a job, the alarm rings that is set for each.
"""

import gc
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Self, TypeVar

from planit_mailer.adapters.sandbox.child import Raised, Why
from planit_mailer.core import logs
from planit_mailer.core.errors import Unavailable
from planit_mailer.domain.forms import annotate
from planit_mailer.domain.forms import judge as forms
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.mail import dkim, messages
from planit_mailer.mail.dkim import Keys, Signature
from planit_mailer.mail.messages import Message
from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.detect import FileKind

T = TypeVar("T")

log = logs.get(__name__)

# Importing this module warms the child: it imports all that jobs need.
COMMAND = "import sys; from planit_mailer.adapters.sandbox import child, parent; child.serve(*sys.argv[1:])"
SECRETS = "PLANIT_"  # how our environment variables begin
NO_START = "the reading process does not start"
PATIENCE = 5.0  # seconds in which a child ends by itself
START = 60.0  # seconds that a child may take to become ready; it takes less than one
RESULT = 500_000_000  # bytes: more than any honest result


class Killed(Exception):  # noqa: N818  says what became of the job
    """A job could not answer: it passed a limit, or took its process down with it."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class Reader:
    """A warm reading process, with limits on wall time in seconds for each job and on memory in bytes. Thread-safe.

    It is started at creation, so that it is warm when it is needed, and ended by `with` or close(). Every method raises
    Unavailable if no child starts.
    """

    def __init__(self, seconds: float, memory: int) -> None:
        self._seconds = seconds
        self._memory = memory
        self._lock = threading.Lock()
        self._closed = False
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sniff(self, data: bytes) -> FileKind:
        """Detect the kind of a file. If that kills the child, a person has to look at it."""
        return self._unless_killed("file ended its reader", lambda _: detect.ARCHIVE, detect.sniff, data)

    def judge(self, data: bytes, judging: Criteria) -> Judgement:
        """Read and judge a file. If that kills the child, it cannot be opened."""
        return self._unless_killed(
            "file ended its reader", lambda _: forms.cannot_be_opened(), forms.judge, data, judging
        )

    def annotate(self, data: bytes, judgement: Judgement, judging: Criteria) -> Annotated:
        """Paint a workbook's problems into it. If that kills the child, return the Problems sheet alone."""

        def unpainted(why: Why) -> Annotated:
            return annotate.unpainted(judgement, why.value)

        return self._unless_killed("file ended its painter", unpainted, annotate.annotate, data, judgement, judging)

    def message(self, raw: bytes, *, whole: bool = True) -> Message:
        """Parse a message. Raises Killed if that kills the child."""
        message: Message = self.call(messages.parse, raw, whole)
        return message

    def signatures(self, raw: bytes, domain: str, own_address: str) -> tuple[Signature, ...]:
        """The DKIM signatures of a message for a domain; none if looking for them kills the child."""
        return self._unless_killed("signatures ended their reader", lambda _: (), dkim.find, raw, domain, own_address)

    def prove(self, raw: bytes, keys: Keys) -> str:
        """Why no signature proves its domain, all of them within one job; those that end their reader do not."""

        def unproven(why: Why) -> str:
            return f"its DKIM signature cannot be verified: {why.value}"

        return self._unless_killed("signatures ended their reader", unproven, dkim.prove, raw, keys)

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Call a function at the top of a module in the child, and return its result; one job at a time.

        Raises what the function raised, Killed if it gave no answer, or Unavailable if no child starts, which says
        nothing about the job.
        """
        job = pickle.dumps((function, arguments))
        with self._lock:
            self._make_ready()
            outcome = self._ask(job)
        if isinstance(outcome, Why):
            raise Killed(outcome)
        if isinstance(outcome, Raised):
            raise outcome.error from _Traceback(outcome.traceback)
        return outcome

    def _unless_killed(
        self, event: str, otherwise: Callable[[Why], T], function: Callable[..., T], data: bytes, *others: object
    ) -> T:
        """Call the function in the child; if the child is killed, log that and return the fallback."""
        try:
            result: T = self.call(function, data, *others)
        except Killed as killed:
            log.warning(event, why=killed.why.value, size=len(data))
            return otherwise(killed.why)
        return result

    def close(self) -> None:
        """End the child after its present job. A closed reader stays closed."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._stop(PATIENCE if self._warm else 0)  # one that is only starting has nothing to end

    def _start(self) -> None:
        """Start a child and do not wait until it is warm."""
        try:
            ours, theirs = socket.socketpair()
            self._connection = Connection(ours.detach())
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603  our own interpreter and code
                    [sys.executable, "-P", "-c", COMMAND, str(theirs.fileno()), str(self._memory), str(self._seconds)],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=_environment(),
                    start_new_session=True,  # a Ctrl-C on the terminal is the parent's to act upon
                )
        except OSError as error:  # no memory, no process, no file left
            raise Unavailable(f"{NO_START}: {error.strerror}") from error
        self._warm = self._busy = False

    def _make_ready(self) -> None:
        """Wait for a child that can take a job; replace one that crashed or is busy with an abandoned job."""
        if self._closed:
            raise RuntimeError("the reader is closed")
        if self._busy or self._process.poll() is not None:
            self._stop(patience=0)
            self._start()
        if not self._warm:
            self._wait_until_warm()
            self._warm = True

    def _wait_until_warm(self) -> None:
        if not self._connection.poll(START):
            raise Unavailable(f"the reading process is not ready after {START:.0f} s")
        try:
            self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            self._stop(patience=0)  # it may be about to die, and would be taken for one that starts
            raise Unavailable(NO_START) from error

    def _ask(self, job: bytes) -> Any:
        """Send a job and wait for what comes of it: its result, what it raised, or why it was ended."""
        self._busy = True
        try:
            self._connection.send_bytes(job)
            answered = self._connection.poll(self._seconds)
            outcome = _unpacked(self._connection.recv_bytes(RESULT)) if answered else Why.TIME
        except (EOFError, OSError):
            outcome = Why.DIED
        if isinstance(outcome, Why):
            code = self._stop(patience=0)
            with suppress(Unavailable):  # this job is over; the next one tries to start another child again
                self._start()
            outcome = Why.TIME if -code in (signal.SIGXCPU, signal.SIGALRM) else outcome
        self._busy = False
        return outcome

    def _stop(self, patience: float) -> int:
        """End the child: it exits when its socket closes, and is killed if it does not exit in time."""
        self._connection.close()
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _unpacked(outcome: bytes) -> Any:
    """The result of a job. Garbage collection is paused: searching so many new objects takes longer than unpacking."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return pickle.loads(outcome)  # noqa: S301  from our own child
    finally:
        if collects:
            gc.enable()


class _Traceback(Exception):  # noqa: N818  the cause of an error, never raised
    """The place in the child where an error was raised."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _environment() -> dict[str, str]:
    """The environment of a child: imports as ours do, and none of our secrets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}
    return kept | {"PYTHONPATH": os.pathsep.join(os.path.abspath(folder) for folder in sys.path)}  # noqa: PTH100

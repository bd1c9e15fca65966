"""The reading process: untrusted files are opened in a child that may be killed, never in the daemon.

One warm child waits for jobs on a socket. Its memory is limited, and so are the wall time and processor time of each
job. A child that exceeds a limit, or crashes, is replaced, and its job ends in Killed. If no child starts, for instance
because the machine has no memory left, Unavailable is raised: it is not the job's fault. The child has none of our
secrets, writes to no terminal, and ignores the signals that end the daemon. If the daemon ends, the child ends too: its
socket closes, or, in the middle of a job, its own time limit ends it.
"""

import gc
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from multiprocessing.connection import Connection
from typing import Any, Generic, Self, TypeVar

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

# Importing this module is what warms the child: it imports everything that jobs need.
COMMAND = "import sys; from planit_mailer.adapters.sandbox import child, parent; child.serve(*sys.argv[1:])"
SECRETS = "PLANIT_"  # the prefix of our environment variables
NO_START = "the reading process does not start"
PATIENCE = 5.0  # seconds that a warm child has to end by itself
START = 60.0  # seconds that a child has to become ready; usually it takes less than one
RESULT = 500_000_000  # bytes that a result may have: more than any real result


class Killed(Exception):  # noqa: N818  the job was killed, which is no error of ours
    """A job gave no result: it exceeded a limit, or crashed its process. `why` is the reason."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    """A call of a function in the child, which takes at most so many `seconds`."""

    function: Callable[..., T]
    arguments: tuple[Any, ...]
    seconds: float = inf

    @property
    def size(self) -> int:
        """The number of bytes that are read, for the log."""
        data = self.arguments[0]
        return len(data) if isinstance(data, bytes) else sum(map(len, data))


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
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def header(self, head: bytes, *, whole: bool = True) -> Message:
        """Parse the header of a message. If that kills the child, the message is unread."""
        return self._message(messages.head, head, whole)

    def message(self, raw: bytes, *, seconds: float = inf) -> Message:
        """Parse a message. If that kills the child, the message is unread."""
        return self._message(messages.parse, raw, seconds=seconds)

    def sniff(self, beginnings: Sequence[bytes], *, seconds: float = inf) -> tuple[FileKind, ...]:
        """Detect the kinds of files. If that kills the child, each counts as an archive: a person looks at it."""

        def archives(_why: Why) -> tuple[FileKind, ...]:
            return (detect.ARCHIVE,) * len(beginnings)

        job = _Job(detect.kinds, (tuple(beginnings),), seconds)
        return self._unless_killed("files ended their reader", archives, job)

    def judge(self, data: bytes, judging: Criteria, *, seconds: float = inf) -> Judgement:
        """Read and judge a file. If that kills the child, the judgement is that the file cannot be opened.

        If it takes longer than `seconds`, but not as long as a file may take, the file is left over.
        """

        def unread(why: Why) -> Judgement:
            if why is Why.TIME and seconds < self._seconds:
                return forms.left_over()
            return forms.cannot_be_opened()

        return self._unless_killed("file ended its reader", unread, _Job(forms.judge, (data, judging), seconds))

    def annotate(self, data: bytes, judgement: Judgement, judging: Criteria, *, seconds: float = inf) -> Annotated:
        """Paint a workbook's problems into it. If that kills the child, return the Problems sheet alone."""

        def unpainted(why: Why) -> Annotated:
            return annotate.unpainted(judgement, why.value)

        job = _Job(annotate.annotate, (data, judgement, judging), seconds)
        return self._unless_killed("file ended its painter", unpainted, job)

    def signatures(self, head: bytes, domain: str, own_address: str) -> tuple[Signature, ...]:
        """The DKIM signatures of a message for a domain; none if looking for them kills the child."""

        def none(_why: Why) -> tuple[Signature, ...]:
            return ()

        return self._unless_killed("signatures ended their reader", none, _Job(dkim.find, (head, domain, own_address)))

    def prove(self, raw: bytes, keys: Keys, *, seconds: float = inf) -> str:
        """The reason why no signature proves its domain, "" if one does. If this kills the child, none does.

        All signatures are verified in one job.
        """

        def unproven(why: Why) -> str:
            return f"its DKIM signature cannot be verified: {why.value}"

        return self._unless_killed("signatures ended their reader", unproven, _Job(dkim.prove, (raw, keys), seconds))

    def call(self, function: Callable[..., Any], *arguments: object, seconds: float = inf) -> Any:
        """Call a module-level function in the child and return its result, one job at a time.

        Raises the exception that the function raised, or Killed if it gave no result, for instance after `seconds`.
        """
        job = pickle.dumps((function, arguments))
        with self._lock:
            self._make_ready()
            outcome = self._run(job, min(seconds, self._seconds))
        if isinstance(outcome, Why):
            raise Killed(outcome)
        if isinstance(outcome, Raised):
            raise outcome.error from _Traceback(outcome.traceback)
        return outcome

    def close(self) -> None:
        """End the child after its present job. A closed reader stays closed."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            patience = PATIENCE if self._warm else 0  # a child that is still starting has no job to finish
            self._stop(patience)

    def _message(self, function: Callable[..., Message], *arguments: object, seconds: float = inf) -> Message:
        """Parse a message in the child. Whoever asked logs why it is unread."""
        try:
            message: Message = self.call(function, *arguments, seconds=seconds)
        except Killed as killed:
            return messages.unreadable(killed.why.value)
        return message

    def _unless_killed(self, event: str, fallback: Callable[[Why], T], job: "_Job[T]") -> T:
        """Do a job in the child. If the child is killed, log the event and return the fallback."""
        try:
            result: T = self.call(job.function, *job.arguments, seconds=job.seconds)
        except Killed as killed:
            log.warning(event, why=killed.why.value, size=job.size)
            return fallback(killed.why)
        return result

    def _start(self) -> None:
        """Start a child without waiting until it is warm. Raises Unavailable."""
        try:
            ours, theirs = socket.socketpair()
            self._connection = Connection(ours.detach())
            with theirs:
                arguments = [str(theirs.fileno()), str(self._memory), str(self._seconds)]
                self._process = subprocess.Popen(  # noqa: S603  our own interpreter and code
                    [sys.executable, "-P", "-c", COMMAND, *arguments],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env=_environment(),
                    start_new_session=True,  # a Ctrl-C on the terminal reaches the parent only
                )
        except OSError as error:  # the machine has no memory, process or file descriptor left
            raise Unavailable(f"{NO_START}: {error.strerror}") from error
        self._warm = self._busy = False

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
        if not self._connection.poll(START):
            raise Unavailable(f"the reading process is not ready after {START:.0f} s")
        try:
            self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            self._stop(patience=0)  # otherwise the next job may find it alive and wait for it
            raise Unavailable(NO_START) from error

    def _run(self, job: bytes, seconds: float) -> Any:
        """Run a job in the child. Return its result; a Raised if it raised an exception, a Why if it gave no result.

        A child that gave no result is replaced.
        """
        self._busy = True
        try:
            outcome = self._exchange(job, seconds)
        except (EOFError, OSError):
            outcome = Why.DIED
        if isinstance(outcome, Why):
            outcome = self._replace_child(outcome)
        self._busy = False
        return outcome

    def _exchange(self, job: bytes, seconds: float) -> Any:
        """Send a job and wait for its outcome, or Why.TIME. Raises EOFError or OSError if the child crashed."""
        self._connection.send_bytes(job)
        if not self._connection.poll(seconds):
            return Why.TIME
        return _unpacked(self._connection.recv_bytes(RESULT))

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
        self._connection.close()
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _unpacked(outcome: bytes) -> Any:
    """Unpickle the outcome of a job, without garbage collection: searching so many new objects would take longer."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return pickle.loads(outcome)  # noqa: S301  from our own child
    finally:
        if was_enabled:
            gc.enable()


class _Traceback(Exception):  # noqa: N818  the cause of an error, never raised itself
    """The traceback of an error that was raised in the child, as text."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _environment() -> dict[str, str]:
    """The environment of a child: our variables without the secrets, and our folders to import from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}
    folders = (os.path.abspath(folder) for folder in sys.path)  # noqa: PTH100
    return kept | {"PYTHONPATH": os.pathsep.join(folders)}

"""The child's side of the reading process: set its limits, do jobs, and send back each result.

Garbage is collected between jobs only. A job takes seconds and creates many objects, so that searching them for garbage
meanwhile would take a third of its time; the memory limit bounds what piles up.
"""

import gc
import math
import os
import pickle
import resource
import signal
import traceback
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection

GRACE = 1  # seconds beyond a job's limit after which a child ends itself, if its parent has not ended it


class Why(StrEnum):
    """The reason why a job has no result."""

    TIME = "it took too long"
    MEMORY = "it needed too much memory"
    DIED = "its process died"


@dataclass(frozen=True, slots=True)
class Raised:
    """The exception that a job raised, with its traceback as text."""

    error: Exception
    traceback: str


def serve(descriptor: str, memory: str, seconds: str) -> None:
    """Run the child: set its limits, report that it is warm, and do jobs until the socket closes."""
    _confine(int(memory))
    _fall_silent()
    gc.freeze()
    gc.disable()
    with Connection(int(descriptor)) as parent:
        parent.send_bytes(b"warm")
        while (job := _receive(parent)) is not None:
            _limit_time(float(seconds))
            outcome = _do(job)
            signal.setitimer(signal.ITIMER_REAL, 0)
            parent.send_bytes(outcome)
            gc.collect()


def _confine(memory: int) -> None:
    """Ignore the signals that end the daemon, limit the memory in bytes, and write no core dumps."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_CORE, 0)


def _limit_time(seconds: float) -> None:
    """Limit a job's processor time and wall time in the child itself: the parent may have crashed."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, math.ceil(usage.ru_utime + usage.ru_stime + seconds + GRACE))
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE)


def _limit(what: int, most: int) -> None:
    """Set a soft limit, at most the hard limit of this process."""
    _, hard = resource.getrlimit(what)
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (soft, hard))


def _fall_silent() -> None:
    """Discard all output: a library's messages about a file may quote it, and must not reach a terminal or a log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _receive(parent: Connection) -> bytes | None:
    """Wait for the next job; None if the parent has closed the socket."""
    try:
        return parent.recv_bytes()
    except (EOFError, OSError):
        return None


def _do(job: bytes) -> bytes:
    """Do a job. Return its pickled result; its pickled exception if it raised one."""
    try:
        function, arguments = pickle.loads(job)  # noqa: S301  from our own parent
        return pickle.dumps(function(*arguments))
    except MemoryError:
        return pickle.dumps(Why.MEMORY)
    except Exception as error:  # noqa: BLE001  raised again in the parent
        return _pickled(error)


def _pickled(error: Exception) -> bytes:
    """Pickle an error with its traceback. If it cannot be pickled and unpickled, only its class name is kept."""
    raised_at = traceback.format_exc()
    try:
        pickled = pickle.dumps(Raised(error, raised_at))
        pickle.loads(pickled)  # noqa: S301  our own
    except Exception:  # noqa: BLE001  its class may raise anything when it is pickled
        return pickle.dumps(Raised(RuntimeError(type(error).__name__), raised_at))
    return pickled

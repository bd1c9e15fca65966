"""The child's side of the reading process: be confined, do jobs, say what came of each.

Garbage waits until a job is done: a job lives for seconds within a limit on memory, and looking for garbage among so
much that is new would take a third of it.
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

GRACE = 1  # seconds after which a child ends itself, should the parent not be there to do it


class Why(StrEnum):
    """The reason why a job ended."""

    TIME = "it took too long"
    MEMORY = "it needed too much memory"
    DIED = "its process died"


@dataclass(frozen=True, slots=True)
class Raised:
    """The exception of a job, and where it was raised, as text."""

    error: Exception
    traceback: str


def serve(descriptor: str, memory: str, seconds: str) -> None:
    """The child's whole life: be confined, say that it is warm, and do jobs until the socket closes."""
    _confine(int(memory))
    _fall_silent()
    gc.freeze()
    gc.disable()
    with Connection(int(descriptor)) as parent:
        parent.send_bytes(b"warm")
        while (job := _next(parent)) is not None:
            _limit_time(float(seconds))
            outcome = _do(job)
            signal.setitimer(signal.ITIMER_REAL, 0)
            parent.send_bytes(outcome)
            gc.collect()


def _confine(memory: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_CORE, 0)


def _limit_time(seconds: float) -> None:
    """Limit a job's time once more in the child itself: the parent may have died."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, math.ceil(usage.ru_utime + usage.ru_stime + seconds + GRACE))
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE)


def _limit(what: int, most: int) -> None:
    """Set a soft limit within the hard one that we were given."""
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _fall_silent() -> None:
    """Let nothing that a library says about a file, which may quote it, reach a terminal or a log."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _next(parent: Connection) -> bytes | None:
    try:
        return parent.recv_bytes()
    except (EOFError, OSError):
        return None


def _do(job: bytes) -> bytes:
    """Do a job. Return its result, or its exception in a form that can be sent."""
    try:
        function, arguments = pickle.loads(job)  # noqa: S301  from our own parent
        return pickle.dumps(function(*arguments))
    except MemoryError:
        return pickle.dumps(Why.MEMORY)
    except Exception as error:  # noqa: BLE001  raised again in the parent
        return _pickled(error)


def _pickled(error: Exception) -> bytes:
    """An error with its traceback; one that cannot be pickled, or not be made again, by its name alone."""
    where = traceback.format_exc()
    try:
        pickled = pickle.dumps(Raised(error, where))
        pickle.loads(pickled)  # noqa: S301  our own
    except Exception:  # noqa: BLE001  whatever its class does when it is pickled
        return pickle.dumps(Raised(RuntimeError(type(error).__name__), where))
    return pickled

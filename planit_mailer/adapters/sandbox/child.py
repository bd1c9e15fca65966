"""The child's side of the reading process: confine itself, do jobs, and send back the answer of each.

Garbage is collected between jobs only. A job takes seconds and creates many objects, so that searching them for garbage
meanwhile would take a third of its time; the memory limit bounds what piles up.
"""

import gc
import math
import os
import resource
import signal
import traceback
from collections.abc import Callable, Mapping
from functools import reduce
from io import FileIO
from operator import or_
from types import MappingProxyType
from typing import Any

import msgspec

from planit_mailer.adapters.sandbox import confinement, packing, warming
from planit_mailer.adapters.sandbox.protocol import (
    LENGTH,
    Annotate,
    Code,
    Done,
    Failure,
    FindSignatures,
    Judge,
    Parse,
    ParseHeader,
    Prove,
    Ready,
    Sniff,
)
from planit_mailer.domain.forms import annotate, judge
from planit_mailer.mail import dkim, messages
from planit_mailer.spreadsheets import detect

GRACE = 1  # seconds beyond a job's limit after which a child ends itself, if its parent has not ended it
TEXT = 500  # characters of a failure's text

Work = Mapping[type[Any], Callable[[Any], Done]]  # what to do for each kind of job


def _sniff(job: Sniff) -> Done:
    return packing.pack(detect.kinds(job.beginnings))


def _judge(job: Judge) -> Done:
    return packing.pack_judgement(judge.judge(job.data, job.judging))


def _annotate(job: Annotate) -> Done:
    return packing.pack_annotated(annotate.annotate(job.data, job.judgement, job.judging))


def _parse_header(job: ParseHeader) -> Done:
    return packing.pack_message(messages.head(job.head, job.whole))


def _parse(job: Parse) -> Done:
    return packing.pack_message(messages.parse(job.raw))


def _find_signatures(job: FindSignatures) -> Done:
    return packing.pack(dkim.find(job.head, job.domain, job.own_address))


def _prove(job: Prove) -> Done:
    return packing.pack(dkim.prove(job.raw, job.keys))


WORK: Work = MappingProxyType(
    {
        Sniff: _sniff,
        Judge: _judge,
        Annotate: _annotate,
        ParseHeader: _parse_header,
        Parse: _parse,
        FindSignatures: _find_signatures,
        Prove: _prove,
    }
)


def serve(descriptor: str, memory: str, seconds: str, work: Work = WORK) -> None:
    """Run the child: get ready, confine itself, and do jobs until the socket closes."""
    os.environ.clear()  # it was empty, but Python itself adds LC_CTYPE
    _limit(int(memory))
    _fall_silent()
    jobs = msgspec.msgpack.Decoder(reduce(or_, work))
    with FileIO(int(descriptor), "r+") as parent:
        warming.warm()
        gc.collect()
        gc.freeze()
        gc.disable()
        _send(parent, msgspec.msgpack.encode(Ready(confinement.confine())))
        while (job := _receive(parent)) is not None:
            _limit_time(float(seconds))
            answer = _do(job, jobs, work)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _send(parent, answer)
            gc.collect()


def _limit(memory: int) -> None:
    """Ignore the signals that end the daemon, limit the memory in bytes, and write no core dumps."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _set_limit(resource.RLIMIT_AS, memory)
    _set_limit(resource.RLIMIT_CORE, 0)
    confinement.hide()


def _limit_time(seconds: float) -> None:
    """Limit a job's processor time and wall time in the child itself: the parent may have crashed."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _set_limit(resource.RLIMIT_CPU, math.ceil(usage.ru_utime + usage.ru_stime + seconds + GRACE))
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE)


def _set_limit(what: int, most: int) -> None:
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


def _receive(parent: FileIO) -> bytearray | None:
    """Wait for the next frame; None if the parent has closed the socket."""
    head = _read(parent, LENGTH.size)
    return _read(parent, *LENGTH.unpack(head)) if head else None


def _read(parent: FileIO, size: int) -> bytearray | None:
    """Read as many bytes; None if the parent closes the socket before that."""
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        try:
            count = parent.readinto(rest)
        except OSError:
            return None
        if not count:
            return None
        rest = rest[count:]
    return data


def _send(parent: FileIO, frame: bytes) -> None:
    for part in (LENGTH.pack(len(frame)), frame):
        rest = memoryview(part)
        while rest:
            rest = rest[parent.write(rest) :]


def _do(frame: bytearray, jobs: msgspec.msgpack.Decoder[Any], work: Work) -> bytes:
    """Do a job. Return its answer, encoded, or why there is none."""
    try:
        job = jobs.decode(frame)
        return msgspec.msgpack.encode(work[type(job)](job))
    except MemoryError:
        return _failure(Code.MEMORY)
    except Exception as error:  # noqa: BLE001  the parent raises an error of its own
        return _failure(Code.ERROR, _described(error))


def _failure(code: Code, text: str = "") -> bytes:
    return msgspec.msgpack.encode(Failure(code, text))


def _described(error: Exception) -> str:
    """The kind of an error and where it was raised, the innermost place first. Its own text may quote the file."""
    said = type(error).__name__
    for frame, line in reversed([*traceback.walk_tb(error.__traceback__)]):
        said += f", {frame.f_globals.get('__name__', '')} {frame.f_code.co_name} line {line}"
    return said[:TEXT]

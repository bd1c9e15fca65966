"""Jobs that only tests ask for: a reading process that has them calls any function of this module by its name."""

import os
import pkgutil
import resource
import sys
import threading
import time
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import msgspec

from planit_mailer.adapters.sandbox import child, packing
from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.adapters.sandbox.protocol import Done, Job, Judge, Parse, ParseHeader, Sniff
from tests.adapters.sandbox import attempts


def command(*first: str, work: str = "WORK") -> str:
    """The program of a reading process with jobs of this module. It runs these lines before it serves."""
    lines = (
        "import sys",
        "sys.path[:] = sys.argv[4:]",
        "from planit_mailer.adapters.sandbox import child, confinement",
        "from tests.adapters.sandbox import jobs",
        *first,
        f"child.serve(*sys.argv[1:4], jobs.{work})",
    )
    return "\n".join(lines)


COMMAND = command()
DYING = command(work="DEADLY")  # dies of each file and message
SLEEPING = command(work="ENDLESS")  # takes for ever over each


class Call(Job, frozen=True):
    """Call a function of this module."""

    function: str
    arguments: tuple[Any, ...]


def call(reader: Reader, function: Callable[..., object], *arguments: object, kind: Any = Any) -> Any:
    return reader.call(Call(function.__name__, arguments), packing.unpack(kind))


def _call(job: Call) -> Done:
    value = globals()[job.function](*job.arguments)
    if isinstance(value, bytes):
        return Done(msgspec.msgpack.encode(None), (value,))
    return packing.pack(value)


def double(number: int) -> int:
    return 2 * number


def process_id() -> int:
    return os.getpid()


def fail(text: str) -> None:
    raise ValueError(text)


def give_what_cannot_be_sent() -> object:
    return threading.Lock()


def spin() -> None:
    while True:
        pass


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def hog() -> int:
    return sum(len(chunk) for chunk in [bytes(1_000_000) for _ in range(10_000)])


def abort(*_: object) -> None:
    os.abort()


def sleep_for_ever(*_: object) -> None:
    time.sleep(600)


def leave() -> None:
    sys.exit(0)


def leave_at_once() -> None:
    os._exit(3)


def die_after(owner: str, name: str) -> None:
    """Have the process die as soon as a function returns; `owner` as in "package.module:Class"."""
    where = pkgutil.resolve_name(owner)
    function = getattr(where, name)

    def deadly(*arguments: object, **named: object) -> None:
        function(*arguments, **named)
        os._exit(3)

    setattr(where, name, deadly)


def some_bytes(size: int) -> bytes:
    return bytes(size)


def print_a_name() -> None:
    sys.stdout.write("Ann Lee")
    sys.stdout.flush()
    os.write(2, b"Ann Lee")


def environment() -> dict[str, str]:
    return dict(os.environ)


def forbidden_things_that_succeed() -> list[str]:
    return attempts.succeeding()


def callable_numbers() -> list[int]:
    return attempts.callable_numbers()


def limits() -> list[tuple[int, int]]:
    forbidding = (resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
    return [resource.getrlimit(what) for what in forbidding]


WORK = MappingProxyType({**child.WORK, Call: _call})
READING = (Judge, Parse, ParseHeader, Sniff)
DEADLY = MappingProxyType(WORK | dict.fromkeys(READING, abort))
ENDLESS = MappingProxyType(WORK | dict.fromkeys(READING, sleep_for_ever))

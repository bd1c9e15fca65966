"""What code that was smuggled into the reading process would try. Each returns if it succeeds, and raises if not.

Run as a program it tries them all: `python -m tests.adapters.sandbox.attempts GUARD [USER]`, where GUARD is a function
of the confinement that is called before, and USER the number of a user to become before that.
"""

import ctypes
import json
import os
import platform
import resource
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from planit_mailer.adapters.sandbox import confinement

PARENT = os.getppid()
LIBRARY = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH = 16
X32 = 0x40000000  # a bit in the number of a system call, by which x86_64 spells it in another way
PROBES = (335, 336)  # x86_64's for tracers: no filter sees them, and they end who calls them himself
HERE = "127.0.0.1", 9  # nobody has to listen: the connection is to be forbidden, not refused


def made(result: int) -> None:
    """Raise the error of a C function that failed."""
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def read_a_file() -> None:
    Path("/etc/passwd").read_bytes()


def list_a_folder() -> None:
    next(Path("/").iterdir())


def make_a_file() -> None:
    Path("/tmp", f"planit-{os.getpid()}").write_bytes(b"Ann Lee")


def read_the_parents_secrets() -> None:
    Path(f"/proc/{PARENT}/environ").read_bytes()


def read_the_parents_memory() -> None:
    Path(f"/proc/{PARENT}/mem").open("rb").close()


def connect_by_tcp() -> None:
    with socket.socket() as tcp:
        tcp.connect(HERE)


def listen_by_tcp() -> None:
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))


def signal_the_parent() -> None:
    os.kill(PARENT, 0)


def look_at_a_file() -> None:
    Path("/etc/passwd").stat()


def rename_a_file() -> None:
    Path("/tmp/nowhere").rename("/tmp/elsewhere")


def send_by_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"Ann Lee", HERE)


def use_a_unix_socket() -> None:
    socket.socket(socket.AF_UNIX).close()


def make_a_process() -> None:
    if os.fork() == 0:
        os._exit(0)


def make_a_thread() -> None:
    thread = threading.Thread(target=int)
    try:
        thread.start()
    except RuntimeError as error:
        raise PermissionError(str(error)) from error
    thread.join()


def become_another_program() -> None:
    os.execv("/bin/true", ["true"])


def trace_the_parent() -> None:
    made(LIBRARY.ptrace(PTRACE_ATTACH, PARENT, 0, 0))


def limit_the_parent() -> None:
    resource.prlimit(PARENT, resource.RLIMIT_CPU)


def make_a_file_in_memory() -> None:
    os.memfd_create("x")


PATHS = (read_a_file, list_a_folder, make_a_file, read_the_parents_secrets, read_the_parents_memory)
TCP = (connect_by_tcp, listen_by_tcp)
OTHERS = (
    look_at_a_file,
    rename_a_file,
    send_by_udp,
    use_a_unix_socket,
    make_a_process,
    make_a_thread,
    become_another_program,
    trace_the_parent,
    limit_the_parent,
    make_a_file_in_memory,
)
ALL: tuple[Callable[[], None], ...] = (*PATHS, *TCP, signal_the_parent, *OTHERS)


def succeeding(attempts: Iterable[Callable[[], None]] = ALL) -> list[str]:
    """The names of those that are not forbidden, with what went wrong if it was something else."""
    names = []
    for attempt in attempts:
        try:
            attempt()
        except PermissionError:
            continue
        except OSError as error:
            names.append(f"{attempt.__name__}: {error}")
        else:
            names.append(attempt.__name__)
    return names


def callable_numbers() -> list[int]:
    """The numbers of the system calls that are not forbidden, among those that are not allowed."""
    column, _ = confinement.ARCHITECTURES[platform.machine()]
    allowed = {numbers[column] for numbers in (*confinement.ALLOWED.values(), confinement.PRLIMIT)}
    numbers = [number for number in range(1_000) if number not in allowed and number not in PROBES]
    numbers += [number | X32 for number in range(1_000)]
    return [number for number in numbers if not _is_forbidden(number)]


def _is_forbidden(number: int) -> bool:
    nonsense = [ctypes.c_long(-1)] * 6
    return LIBRARY.syscall(ctypes.c_long(number), *nonsense) == -1 and ctypes.get_errno() == 1


def main(guard: str, user: str = "") -> None:
    """Do as the docstring of this module says."""
    if user:
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    known = getattr(confinement, guard)()
    sys.stdout.write(json.dumps([known, succeeding()]))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Confines a process by the kernel: no files, no connections, no other processes, no signals. It needs no rights.

Three guards stand behind one another, and none can be taken away again. Resource limits forbid new file descriptors,
processes and bytes in files; root may raise them. Landlock forbids every path, TCP, and signals. seccomp forbids every
system call but those that a running interpreter needs for itself, and so does alone what the other two do together.

The calls are made through ctypes: a package for this would have to be older and more widely used than those there are.
Layouts: Linux's Documentation/userspace-api/landlock.rst and seccomp_filter.rst; tests compare the numbers of the
system calls with the kernel's own headers.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from enum import StrEnum

SET_DUMPABLE, SET_SECCOMP, SET_NO_NEW_PRIVS = 4, 22, 38  # of prctl(2)
FILTER = 2  # the mode of seccomp that takes a program
CREATE_RULESET, RESTRICT_SELF = 444, 446  # Landlock's system calls, with the same numbers on every architecture
GIVE_VERSION = 1
# The rights that Landlock takes away, by the version from which on it knows them.
FILE_RIGHTS = ((1, 0x1FFF), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
TCP_SINCE, TCP_RIGHTS = 4, 0b11
SIGNALS_SINCE, SIGNAL_RIGHTS = 6, 0b11  # signals, and abstract Unix sockets

# The system calls that are allowed, with their numbers on x86_64 and aarch64.
ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "setitimer": (38, 103),
    "getpid": (39, 172),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "gettid": (186, 178),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
}
PRLIMIT = (302, 261)  # prlimit64 is allowed for this process alone: it could change the limits of others
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, and name in a filter
# Instructions of a filter (classic BPF), and its results.
LOAD, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets of what can be loaded; its low bytes come first
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM

Instruction = tuple[int, int, int, int]  # code; how many instructions to skip if true, if false; operand


class Guard(StrEnum):
    """The guards that a kernel may lack."""

    LANDLOCK = "Landlock"
    SECCOMP = "seccomp"


class _Program(ctypes.Structure):
    """The kernel's struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def confine() -> tuple[Guard, ...]:
    """Confine this process for ever. Return the guards that this kernel lacks. There must be no other thread."""
    lacking = []
    if not forbid_paths():
        lacking.append(Guard.LANDLOCK)
    for what in (resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE):
        resource.setrlimit(what, (0, 0))
    if not forbid_calls():
        lacking.append(Guard.SECCOMP)
    return tuple(lacking)


def hide() -> None:
    """Hide the memory and environment of this process from other processes of its user, and from core dumps."""
    if sys.platform == "linux":
        _prctl(SET_DUMPABLE, 0)


def forbid_paths() -> bool:
    """Forbid every path, and connections and signals as far as Landlock knows them. Return False if there is none."""
    if sys.platform != "linux":
        return False
    version = _call(CREATE_RULESET, 0, 0, GIVE_VERSION)
    if version < 1:
        return False
    files = sum(rights for since, rights in FILE_RIGHTS if version >= since)
    tcp = TCP_RIGHTS if version >= TCP_SINCE else 0
    signals = SIGNAL_RIGHTS if version >= SIGNALS_SINCE else 0
    ruleset = struct.pack("=QQQ", files, tcp, signals)
    descriptor = _call(CREATE_RULESET, ruleset, len(ruleset), 0)
    if descriptor < 0:
        return False
    _prctl(SET_NO_NEW_PRIVS, 1)  # which the kernel asks of processes without rights
    refused = _call(RESTRICT_SELF, descriptor, 0)
    os.close(descriptor)
    return refused == 0


def forbid_calls() -> bool:
    """Forbid all system calls that are not ALLOWED. Return False if this kernel takes no filter, or runs elsewhere."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in ARCHITECTURES or sys.maxsize <= 2**32:
        return False
    instructions = program(machine)
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    given = _Program(len(instructions), packed)
    _prctl(SET_NO_NEW_PRIVS, 1)
    return _prctl(SET_SECCOMP, FILTER, ctypes.addressof(given)) == 0


def program(machine: str) -> list[Instruction]:
    """Return the filter for an architecture: a call of another one ends the process, any other call fails (EPERM)."""
    column, name = ARCHITECTURES[machine]
    return [
        (LOAD, 0, 0, ARCHITECTURE),
        (IF_EQUAL, 1, 0, name),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        *(step for numbers in ALLOWED.values() for step in ((IF_EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, ALLOW))),
        (IF_EQUAL, 0, 3, PRLIMIT[column]),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (IF_EQUAL, 0, 1, 0),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]


def _prctl(option: int, *arguments: int) -> int:
    """Call prctl(2), which takes five numbers. Return its result, -1 if it failed."""
    numbers = (*arguments, 0, 0, 0, 0)[:4]
    result: int = ctypes.CDLL(None).prctl(option, *map(ctypes.c_ulong, numbers))
    return result


def _call(number: int, *arguments: int | bytes) -> int:
    """Make a system call; it gets the address of bytes. Return its result, -1 if it failed."""
    given = [ctypes.c_char_p(one) if isinstance(one, bytes) else ctypes.c_ulong(one) for one in arguments]
    result: int = ctypes.CDLL(None).syscall(ctypes.c_long(number), *given)
    return result

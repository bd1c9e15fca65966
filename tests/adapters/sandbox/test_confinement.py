"""What a file cannot do, even if it has taken over the process that reads it."""

import ctypes
import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from planit_mailer.adapters.sandbox import confinement, parent, warming
from planit_mailer.adapters.sandbox.confinement import ALLOWED, ARCHITECTURES, PRLIMIT, Guard
from planit_mailer.adapters.sandbox.parent import Killed, Reader, Why
from planit_mailer.domain.forms.criteria import Criteria, Rules
from planit_mailer.spreadsheets.encryption.passwords import Password
from planit_mailer.spreadsheets.model import Limits
from tests.adapters.sandbox import attempts, jobs
from tests.adapters.sandbox.jobs import call

ROOT = Path(__file__).parents[3]
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),  # which this architecture uses
}
NOBODY = "65534"
GET_DUMPABLE = 3
USERS = ["", NOBODY] if os.getuid() == 0 else [""]
MEMORY = 400_000_000

needs_seccomp = pytest.mark.skipif(not Path("/proc/sys/kernel/seccomp").exists(), reason="this kernel has no seccomp")


def has_landlock() -> bool:
    return confinement._call(confinement.CREATE_RULESET, 0, 0, confinement.GIVE_VERSION) > 0


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parent, "COMMAND", jobs.COMMAND)
        with Reader(seconds=10, memory=MEMORY) as reader:
            yield reader


@needs_seccomp
def test_nothing_that_smuggled_code_would_try_succeeds(reader: Reader) -> None:
    assert call(reader, jobs.forbidden_things_that_succeed) == []


@needs_seccomp
def test_every_system_call_is_forbidden_but_those_that_are_allowed(reader: Reader) -> None:
    assert call(reader, jobs.callable_numbers) == []


def test_limits_forbid_new_descriptors_processes_and_bytes_in_files_too(reader: Reader) -> None:
    assert call(reader, jobs.limits) == [[0, 0]] * 3


def test_the_process_has_one_thread_and_no_files_but_its_socket_and_silence(reader: Reader) -> None:
    process = Path("/proc", str(call(reader, jobs.process_id)))

    assert len(list((process / "task").iterdir())) == 1
    opened = sorted(str(descriptor.readlink()).partition(":")[0] for descriptor in (process / "fd").iterdir())
    assert opened == ["/dev/null", "/dev/null", "/dev/null", "socket"]


def test_whoever_starts_a_reading_process_hides_his_own_memory_from_it(reader: Reader) -> None:
    assert ctypes.CDLL(None).prctl(GET_DUMPABLE) == 0


def alone(guard: str, user: str) -> tuple[object, list[str]]:
    """What succeeds in a process with one guard: what the guard returned, and the names of the attempts."""
    command = [sys.executable, "-m", "tests.adapters.sandbox.attempts", guard, user]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    known, succeeding = json.loads(done.stdout)
    return known, succeeding


@needs_seccomp
@pytest.mark.parametrize("user", USERS)
def test_seccomp_alone_forbids_all_of_it(user: str) -> None:
    assert alone("forbid_calls", user) == (True, [])


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("user", USERS)
def test_landlock_alone_forbids_every_path(user: str) -> None:
    known, succeeding = alone("forbid_paths", user)

    assert known is True
    assert {attempt.__name__ for attempt in attempts.PATHS}.isdisjoint(succeeding)


# ── the filter ──


def filtered(machine: str, architecture: int, number: int, argument: int = 0) -> int:
    """The result of the filter for a system call, as the kernel computes it."""
    loadable = {confinement.NUMBER: number, confinement.ARCHITECTURE: architecture}
    loadable[confinement.FIRST_ARGUMENT] = argument
    program, place, value = confinement.program(machine), 0, 0
    while True:
        code, if_true, if_false, operand = program[place]
        if code == confinement.RETURN:
            return operand
        if code == confinement.LOAD:
            value = loadable[operand]
            place += 1
        else:
            place += 1 + (if_true if value == operand else if_false)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_allows_the_listed_calls_and_refuses_the_others(machine: str) -> None:
    column, name = ARCHITECTURES[machine]
    allowed = {numbers[column] for numbers in ALLOWED.values()}

    results = {number: filtered(machine, name, number) for number in range(1_000) if number != PRLIMIT[column]}

    assert {number for number, result in results.items() if result == confinement.ALLOW} == allowed
    assert set(results.values()) == {confinement.ALLOW, confinement.REFUSE}
    assert confinement.REFUSE & 0xFFFF == errno.EPERM


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_lets_a_process_change_its_own_limits_and_no_others(machine: str) -> None:
    column, name = ARCHITECTURES[machine]

    assert filtered(machine, name, PRLIMIT[column], argument=0) == confinement.ALLOW
    assert filtered(machine, name, PRLIMIT[column], argument=4711) == confinement.REFUSE


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_a_call_of_another_architecture_ends_the_process(machine: str) -> None:
    i386 = 0x40000003

    assert filtered(machine, i386, number=ALLOWED["read"][0]) == confinement.KILL


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_numbers_are_those_of_the_kernels_headers(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed")
    text = HEADERS[machine].read_text()
    numbers = {name: int(number) for name, number in re.findall(r"define __NR(?:3264)?_(\w+) (\d+)\b", text)}
    column, _ = ARCHITECTURES[machine]

    for name, both in (*ALLOWED.items(), ("prlimit64", PRLIMIT)):
        assert numbers[name] == both[column], name


# ── a kernel that lacks a guard ──


def test_what_the_kernel_lacks_is_told_once_and_reading_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "COMMAND", jobs.command("confinement.forbid_paths = confinement.forbid_calls = bool"))

    with capture_logs() as logs, Reader(seconds=5, memory=MEMORY) as reader:
        lacking = reader.lacking()
        with pytest.raises(Killed):
            call(reader, jobs.abort)
        assert call(reader, jobs.double, 21) == 42

    assert lacking == (Guard.LANDLOCK, Guard.SECCOMP)
    assert [log for log in logs if log["event"] == "reading process is not fully confined"] == [
        {
            "event": "reading process is not fully confined",
            "lacking": ["Landlock", "seccomp"],
            "log_level": "warning",
        }
    ]


# ── nothing on disk ──

SPREADSHEETS = "planit_mailer.spreadsheets"
READ = (f"{SPREADSHEETS}.read", "read")
OPENED = (f"{SPREADSHEETS}.encryption.passwords", "opened")
CONVERTED = ("openpyxl.worksheet._writer:WorksheetWriter", "write")
PAINTED = (f"{SPREADSHEETS}.annotate.annotator", "paint")
LOCKED = (f"{SPREADSHEETS}.encryption.passwords", "locked")
DONE = ("planit_mailer.domain.forms.annotate", "annotate")
STEPS = {
    "form.csv": (READ, CONVERTED, PAINTED, DONE),
    "form.xls": (READ, CONVERTED, PAINTED, DONE),
    "locked.xlsx": (OPENED, PAINTED, LOCKED, DONE),
}


@pytest.mark.parametrize(("name", "step"), [(name, step) for name, steps in STEPS.items() for step in steps])
def test_a_painter_that_is_killed_after_a_step_leaves_no_file(
    name: str, step: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is not confined here: it must not even try to make one."""
    lines = "import tempfile", f"tempfile.tempdir = {str(tmp_path)!r}", "confinement.confine = tuple"
    monkeypatch.setattr(parent, "COMMAND", jobs.command(*lines))
    data = (warming.SPECIMENS / name).read_bytes()
    criteria = Criteria(warming.DAY, Rules(), Limits(), (Password(warming.PASSWORD),))

    with Reader(seconds=10, memory=MEMORY) as reader:
        judgement = reader.judge(data, criteria)
        call(reader, jobs.die_after, *step)
        painted = reader.annotate(data, judgement, criteria)

    assert painted.cause == Why.DIED
    assert list(tmp_path.iterdir()) == []

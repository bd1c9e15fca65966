import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from planit_mailer.adapters.sandbox import parent as readers
from planit_mailer.adapters.sandbox.child import Why
from planit_mailer.adapters.sandbox.parent import Killed, Reader
from planit_mailer.core.errors import Unavailable
from planit_mailer.domain.forms import judge
from planit_mailer.domain.forms.criteria import Criteria, Rules
from planit_mailer.mail import messages
from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.model import Limits
from tests.support.builders import an_email

MEMORY = 400_000_000


# ── jobs: module-level functions, so that the child can import them ──


def double(number: int) -> int:
    return 2 * number


def process_id() -> int:
    return os.getpid()


def fail(text: str) -> None:
    raise ValueError(text)


class UnpicklableError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} {two}")


def fail_unpicklably() -> None:
    raise UnpicklableError(1, 2)


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


def print_a_name() -> None:
    sys.stdout.write("Ann Lee")
    sys.stdout.flush()
    os.write(2, b"Ann Lee")


def secrets() -> list[str]:
    return [name for name in os.environ if name.startswith("PLANIT_")]


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def eventually(true: Callable[[], bool]) -> bool:
    for _ in range(100):
        if true():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(seconds=1, memory=MEMORY) as reader:
        yield reader


def test_a_job_gives_its_result(reader: Reader) -> None:
    assert reader.call(double, 21) == 42


def test_jobs_run_in_one_warm_process_that_is_not_ours(reader: Reader) -> None:
    first, second = reader.call(process_id), reader.call(process_id)

    assert first == second != os.getpid()


def test_what_a_job_raises_is_raised_here_with_its_place_there(reader: Reader) -> None:
    with pytest.raises(ValueError, match="no such number") as caught:
        reader.call(fail, "no such number")

    assert "in fail" in str(caught.value.__cause__)
    assert reader.call(double, 1) == 2


@pytest.mark.parametrize(("job", "said"), [(fail_unpicklably, "Unpicklable"), (give_what_cannot_be_sent, "lock")])
def test_what_cannot_be_sent_is_an_error_and_not_the_end(reader: Reader, job: Callable[[], object], said: str) -> None:
    with pytest.raises((RuntimeError, TypeError), match=said):
        reader.call(job)


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ((spin,), Why.TIME),
        ((sleep, 60), Why.TIME),
        ((hog,), Why.MEMORY),
        ((abort,), Why.DIED),
        ((os._exit, 3), Why.DIED),
        ((leave,), Why.DIED),
        ((os.kill, 0, signal.SIGKILL), Why.DIED),
    ],
    ids=["busy", "asleep", "hungry", "aborts", "exits at once", "exits", "killed"],
)
def test_a_job_that_does_not_end_well_is_killed_and_the_next_one_runs(
    reader: Reader, job: tuple[Callable[..., object], *tuple[object, ...]], why: Why
) -> None:
    function, *arguments = job
    before = reader.call(process_id)

    with pytest.raises(Killed) as caught:
        reader.call(function, *arguments)

    assert caught.value.why is why
    assert reader.call(double, 21) == 42
    assert reader.call(process_id) != before
    assert not is_alive(before)


def test_a_child_that_died_while_idle_is_replaced(reader: Reader) -> None:
    os.kill(reader.call(process_id), signal.SIGKILL)
    time.sleep(0.1)

    assert reader.call(double, 21) == 42


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [(readers, "COMMAND", "import os; os.kill(os.getpid(), 9)"), (sys, "executable", "/nowhere/python")],
    ids=["killed", "not even made"],
)
def test_a_child_that_does_not_start_is_nobodys_fault_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, broken: str
) -> None:
    with Reader(seconds=5, memory=MEMORY) as reader:
        os.kill(reader.call(process_id), signal.SIGKILL)
        time.sleep(0.1)
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, broken)
            for _ in range(3):
                with pytest.raises(Unavailable, match="the reading process does not start"):
                    reader.message(an_email())

        assert reader.message(an_email()) == messages.parse(an_email())


def test_a_job_that_ended_its_child_has_ended_it_whatever_becomes_of_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Reader(seconds=5, memory=MEMORY) as reader:
        reader.call(process_id)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", "/nowhere/python")
            with pytest.raises(Killed):
                reader.call(abort)
            with pytest.raises(Unavailable):
                reader.call(double, 21)

        assert reader.call(double, 21) == 42


def test_the_signals_that_end_the_daemon_do_not_end_a_job(reader: Reader) -> None:
    child = reader.call(process_id)
    for number in (signal.SIGTERM, signal.SIGINT):
        threading.Timer(0.1, os.kill, (child, number)).start()

    assert reader.call(sleep, 0.3) == "slept"
    assert reader.call(process_id) == child


def test_threads_take_turns(reader: Reader) -> None:
    results: list[int] = []
    threads = [threading.Thread(target=lambda n=n: results.append(reader.call(double, n))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [2 * number for number in range(20)]


def test_nothing_that_a_job_prints_is_seen(reader: Reader, capfd: pytest.CaptureFixture[str]) -> None:
    reader.call(print_a_name)

    assert capfd.readouterr() == ("", "")


def test_the_child_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANIT_MAILBOX__PASSWORD", "s3cret")

    with Reader(seconds=5, memory=MEMORY) as reader:
        assert reader.call(secrets) == []


def test_a_closed_reader_leaves_no_process_and_takes_no_job() -> None:
    reader = Reader(seconds=5, memory=MEMORY)
    child = reader.call(process_id)

    reader.close()
    reader.close()

    assert not is_alive(child)
    with pytest.raises(RuntimeError, match="closed"):
        reader.call(double, 1)


PARENT = """
import os, sys, threading, time
from planit_mailer.adapters.sandbox.parent import Reader
from tests.adapters.sandbox import test_parent
reader = Reader(seconds=float(sys.argv[1]), memory=400_000_000)
print(reader.call(test_parent.process_id), flush=True)
threading.Thread(target=lambda: reader.call(test_parent.sleep, float(sys.argv[2])), daemon=True).start()
time.sleep(0.3)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("nap", ["0", "600"], ids=["idle", "in a job"])
def test_the_child_ends_when_its_parent_is_killed(nap: str) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", PARENT, "0.5", nap]
    parent = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=False, text=True)

    assert parent.returncode == -signal.SIGKILL
    assert eventually(lambda: not is_alive(int(parent.stdout)))


# ── messages and files ──


def test_a_message_is_read_in_the_child(reader: Reader) -> None:
    assert reader.message(an_email()) == messages.parse(an_email())


def test_a_message_that_kills_its_reader_is_unread(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "parse", abort)
    monkeypatch.setattr(messages, "head", abort)

    assert reader.message(b"") == messages.unreadable("its process died")
    assert reader.header(b"") == messages.unreadable("its process died")


def test_files_that_kill_their_reader_count_as_archives(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "kinds", abort)

    assert reader.sniff([b"", b""]) == (detect.ARCHIVE, detect.ARCHIVE)


def test_a_job_may_be_given_less_time(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "parse", sleep_for_ever)
    monkeypatch.setattr(judge, "judge", sleep_for_ever)
    criteria = Criteria(date(2026, 11, 24), Rules(), Limits())

    assert reader.message(b"", seconds=0.1).unread == "it took too long"
    assert reader.judge(b"", criteria, seconds=0.1) == judge.left_over()


def test_a_file_that_kills_its_reader_cannot_be_opened(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "judge", abort)

    assert reader.judge(b"", Criteria(date(2026, 11, 24), Rules(), Limits())) == judge.cannot_be_opened()

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

from planit_mailer.adapters.sandbox import parent
from planit_mailer.adapters.sandbox.parent import JobError, Killed, Reader, Why
from planit_mailer.adapters.sandbox.protocol import ANSWER
from planit_mailer.core.errors import Unavailable
from planit_mailer.domain.forms import judge
from planit_mailer.domain.forms.criteria import Criteria, Rules
from planit_mailer.mail import messages
from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.model import Limits
from tests.adapters.sandbox import jobs
from tests.adapters.sandbox.jobs import call
from tests.support.builders import an_email

MEMORY = 400_000_000


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


@pytest.fixture(scope="module", autouse=True)
def _jobs() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parent, "COMMAND", jobs.COMMAND)
        yield


@pytest.fixture(scope="module")
def reader(_jobs: None) -> Iterator[Reader]:
    with Reader(seconds=1, memory=MEMORY) as reader:
        yield reader


def test_a_job_gives_its_result(reader: Reader) -> None:
    assert call(reader, jobs.double, 21) == 42


def test_jobs_run_in_one_warm_process_that_is_not_ours(reader: Reader) -> None:
    first, second = call(reader, jobs.process_id), call(reader, jobs.process_id)

    assert first == second != os.getpid()


def test_an_error_in_a_job_is_told_by_its_kind_and_place_and_never_by_its_text(reader: Reader) -> None:
    with pytest.raises(JobError, match=r"^ValueError, tests\.adapters\.sandbox\.jobs fail line \d+, ") as caught:
        call(reader, jobs.fail, "Ann Lee")

    assert "Ann Lee" not in str(caught.value)
    assert call(reader, jobs.double, 1) == 2


def test_an_answer_that_cannot_be_sent_is_an_error_and_not_the_end(reader: Reader) -> None:
    with pytest.raises(JobError, match="TypeError"):
        call(reader, jobs.give_what_cannot_be_sent)

    assert call(reader, jobs.double, 1) == 2


def test_an_answer_of_another_type_than_declared_is_refused_and_its_process_replaced(reader: Reader) -> None:
    before = call(reader, jobs.process_id)

    with pytest.raises(Killed) as caught:
        call(reader, jobs.double, 21, kind=str)

    assert caught.value.why is Why.WRONG
    assert call(reader, jobs.process_id) != before


@pytest.mark.parametrize(("size", "fits"), [(ANSWER - 1_000, True), (ANSWER + 1_000, False)])
def test_an_answer_above_fifty_megabytes_is_refused(size: int, fits: bool) -> None:  # noqa: FBT001
    with Reader(seconds=10, memory=MEMORY) as reader:
        if fits:
            call(reader, jobs.some_bytes, size)
        else:
            with pytest.raises(Killed) as caught:
                call(reader, jobs.some_bytes, size)
            assert caught.value.why is Why.SIZE


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ((jobs.spin,), Why.TIME),
        ((jobs.sleep, 60), Why.TIME),
        ((jobs.hog,), Why.MEMORY),
        ((jobs.abort,), Why.DIED),
        ((jobs.leave_at_once,), Why.DIED),
        ((jobs.leave,), Why.DIED),
    ],
    ids=["busy", "asleep", "hungry", "aborts", "exits at once", "exits"],
)
def test_a_job_that_does_not_end_well_is_killed_and_the_next_one_runs(
    reader: Reader, job: tuple[Callable[..., object], *tuple[object, ...]], why: Why
) -> None:
    function, *arguments = job
    before = call(reader, jobs.process_id)

    with pytest.raises(Killed) as caught:
        call(reader, function, *arguments)

    assert caught.value.why is why
    assert call(reader, jobs.double, 21) == 42
    assert call(reader, jobs.process_id) != before
    assert not is_alive(before)


def test_a_child_that_died_while_idle_is_replaced(reader: Reader) -> None:
    os.kill(call(reader, jobs.process_id), signal.SIGKILL)
    time.sleep(0.1)

    assert call(reader, jobs.double, 21) == 42


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [(parent, "COMMAND", "import os; os.kill(os.getpid(), 9)"), (sys, "executable", "/nowhere/python")],
    ids=["killed", "not even made"],
)
def test_a_child_that_does_not_start_is_nobodys_fault_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, broken: str
) -> None:
    with Reader(seconds=5, memory=MEMORY) as reader:
        os.kill(call(reader, jobs.process_id), signal.SIGKILL)
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
        call(reader, jobs.process_id)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", "/nowhere/python")
            with pytest.raises(Killed):
                call(reader, jobs.abort)
            with pytest.raises(Unavailable):
                call(reader, jobs.double, 21)

        assert call(reader, jobs.double, 21) == 42


def test_the_signals_that_end_the_daemon_do_not_end_a_job(reader: Reader) -> None:
    child = call(reader, jobs.process_id)
    for number in (signal.SIGTERM, signal.SIGINT):
        threading.Timer(0.1, os.kill, (child, number)).start()

    assert call(reader, jobs.sleep, 0.3) == "slept"
    assert call(reader, jobs.process_id) == child


def test_threads_take_turns(reader: Reader) -> None:
    results: list[int] = []
    threads = [threading.Thread(target=lambda n=n: results.append(call(reader, jobs.double, n))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(results) == [2 * number for number in range(20)]


def test_nothing_that_a_job_prints_is_seen(reader: Reader, capfd: pytest.CaptureFixture[str]) -> None:
    call(reader, jobs.print_a_name)

    assert capfd.readouterr() == ("", "")


def test_the_child_has_an_empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANIT_MAILBOX__PASSWORD", "s3cret")

    with Reader(seconds=5, memory=MEMORY) as reader:
        assert call(reader, jobs.environment) == {}


def test_a_closed_reader_leaves_no_process_and_takes_no_job() -> None:
    reader = Reader(seconds=5, memory=MEMORY)
    child = call(reader, jobs.process_id)

    reader.close()
    reader.close()

    assert not is_alive(child)
    with pytest.raises(RuntimeError, match="closed"):
        call(reader, jobs.double, 1)


PARENT = """
import os, sys, threading, time
from planit_mailer.adapters.sandbox import parent
from planit_mailer.adapters.sandbox.parent import Reader
from tests.adapters.sandbox import jobs
parent.COMMAND = jobs.COMMAND
reader = Reader(seconds=float(sys.argv[1]), memory=400_000_000)
print(jobs.call(reader, jobs.process_id), flush=True)
threading.Thread(target=lambda: jobs.call(reader, jobs.sleep, float(sys.argv[2])), daemon=True).start()
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


def test_a_message_that_kills_its_reader_is_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "COMMAND", jobs.DYING)

    with Reader(seconds=5, memory=MEMORY) as reader:
        assert reader.message(b"") == messages.unreadable("its process died")
        assert reader.header(b"") == messages.unreadable("its process died")


def test_files_that_kill_their_reader_count_as_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "COMMAND", jobs.DYING)

    with Reader(seconds=5, memory=MEMORY) as reader:
        assert reader.sniff([b"", b""]) == (detect.ARCHIVE, detect.ARCHIVE)


def test_a_job_may_be_given_less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "COMMAND", jobs.SLEEPING)
    criteria = Criteria(date(2026, 11, 24), Rules(), Limits())

    with Reader(seconds=5, memory=MEMORY) as reader:
        assert reader.message(b"", seconds=0.1).unread == "it took too long"
        assert reader.judge(b"", criteria, seconds=0.1) == judge.left_over()


def test_a_file_that_kills_its_reader_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parent, "COMMAND", jobs.DYING)

    with Reader(seconds=5, memory=MEMORY) as reader:
        assert reader.judge(b"", Criteria(date(2026, 11, 24), Rules(), Limits())) == judge.cannot_be_opened()

"""What is done once a night: not by day, and where it fails again and again until it is done."""

from collections.abc import MutableMapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from planit_mailer.adapters.sql import engine
from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import daemon
from planit_mailer.app.daemon import Nightly
from planit_mailer.core.errors import Rejected, Unavailable
from tests.support.postgres import Postgres

EVENING = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)


class Clock:
    """The daemon's clock, set by tests."""

    def __init__(self) -> None:
        self.now = EVENING

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("planit_mailer.core.clock.now", clock)
    return clock


def run(job: Nightly) -> list[MutableMapping[str, Any]]:
    """Run a job as the clock does once its wait is over; what it logs."""
    job.not_before = 0.0
    with capture_logs() as logged:
        job()
    return logged


@pytest.mark.parametrize(
    ("at", "night"),
    [("24T01:59", 23), ("24T02:00", 24), ("24T23:59", 24), ("25T01:59", 24), ("25T02:00", 25)],
)
def test_a_night_lasts_until_the_next_one_begins(at: str, night: int) -> None:
    assert daemon.night(datetime.fromisoformat(f"2026-11-{at}+00:00")) == date(2026, 11, night)


def test_what_is_done_once_a_night_is_not_done_by_day_nor_twice(clock: Clock) -> None:
    ran: list[datetime] = []
    job = Nightly("reconcile", lambda: ran.append(clock.now))
    for _ in range(60 * 60):
        job()
        clock.now += timedelta(minutes=1)
    assert [f"{at:%d %H:%M}" for at in ran] == ["25 02:00", "26 02:00", "27 02:00"]


@pytest.mark.parametrize("error", [Unavailable, Rejected, RuntimeError])
def test_what_fails_at_night_is_done_again_until_it_works_and_waits_longer_each_time(
    clock: Clock, error: type[Exception]
) -> None:
    fails = [error("the mailbox is away")] * 3
    done: list[datetime] = []
    waits: list[int] = []

    def work() -> None:
        if fails:
            raise fails.pop()
        done.append(clock.now)

    job = Nightly("reconcile", work)
    clock.now = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    for _ in range(6):
        run(job)
        waits.append(job.failures)
        clock.now += timedelta(minutes=15)

    assert waits == [1, 2, 3, 0, 0, 0]
    assert [f"{at:%H:%M}" for at in done] == ["02:45"]


def test_a_clock_that_was_a_month_ahead_for_a_night_keeps_no_later_night_from_its_work(clock: Clock) -> None:
    ran: list[datetime] = []
    job = Nightly("reconcile", lambda: ran.append(clock.now))
    for days in (31, 1, 2):
        clock.now = EVENING + timedelta(days=days)
        job()
    assert len(ran) == 3


def test_old_values_leave_the_tables_files_as_soon_as_a_backup_at_night_is_over(
    clock: Clock, postgresql: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY", 1)
    url = postgresql.new_database()
    with closing(Store(url)) as store:
        job = Nightly("rewrite", store.rewrite)
        clock.now += timedelta(hours=6)
        with psycopg.connect(host=str(postgresql.folder), user="planit", dbname=make_url(url).database) as dump:
            dump.execute("LOCK TABLE learners IN ACCESS SHARE MODE")
            [away] = run(job)
        assert (away["event"], away["job"], away["failures"]) == ("server away", "rewrite", 1)

        [back] = run(job)

        assert (back["event"], back["job"]) == ("server is back", "rewrite")
        assert run(job) == []

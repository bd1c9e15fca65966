"""The alarm: the operator hears once that the mailbox is not read, and once that it is again."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from planit_mailer.adapters.sql.store import Store
from planit_mailer.pipeline import alerts
from planit_mailer.pipeline.alerts import PollTimer
from tests.pipeline.test_delivery import reply_settings
from tests.support.books import NOW
from tests.support.world import parsed, text_of


def poll(store: Store, at: datetime, *, success: bool) -> None:
    with store.transaction() as transaction:
        transaction.note_poll(at, success=success)
    alerts.watch_mailbox(store, lambda: at, reply_settings(), PollTimer(tried=True))


def fail(store: Store, minutes: Sequence[int]) -> None:
    for minute in minutes:
        poll(store, NOW + timedelta(minutes=minute), success=False)


def subjects(store: Store) -> list[str]:
    with store.reading() as reading:
        return [str(parsed(p.reply.content)["Subject"]) for p in reading.due(NOW + timedelta(minutes=90), 100)]


NOT_READ = "planit_mailer: the mailbox has not been read since 09:01 UTC on 24/11/2026"


def test_after_a_quarter_of_an_hour_it_is_told_once_however_long_it_lasts(store: Store) -> None:
    poll(store, NOW, success=True)
    fail(store, range(1, 16))
    assert subjects(store) == []
    fail(store, range(16, 60))
    assert subjects(store) == [NOT_READ]


def test_that_it_is_read_again_is_told_once(store: Store) -> None:
    fail(store, [1, 16])
    for minute in (17, 18):
        poll(store, NOW + timedelta(minutes=minute), success=True)
    assert subjects(store) == [NOT_READ, "planit_mailer: the mailbox is read again"]


def test_the_next_time_it_is_told_again(store: Store) -> None:
    fail(store, [1, 16])
    poll(store, NOW + timedelta(minutes=20), success=True)
    fail(store, [30, 45])
    assert len(subjects(store)) == 3


def test_shorter_failures_are_not_told(store: Store) -> None:
    for start in (0, 20, 40):
        fail(store, [start, start + 10])
        poll(store, NOW + timedelta(minutes=start + 14), success=True)
    assert subjects(store) == []


def test_that_another_daemon_reads_the_mailbox_is_enough(store: Store) -> None:
    for minute in range(30):
        poll(store, NOW + timedelta(minutes=minute), success=bool(minute % 2))
    assert subjects(store) == []


def test_a_clock_that_was_ahead_delays_the_alarm_by_nothing(store: Store) -> None:
    poll(store, NOW + timedelta(days=1), success=False)
    fail(store, [1, 16])
    assert subjects(store) == [NOT_READ]


def hang(store: Store, monkeypatch: pytest.MonkeyPatch, minutes: int, now: datetime = NOW) -> None:
    """The operator is told what there is to tell when a poll has been hanging for so long."""
    trying, began = PollTimer(), time.monotonic()
    with trying.timed():
        monkeypatch.setattr(alerts.time, "monotonic", lambda: began + 60 * minutes)
        alerts.watch_mailbox(store, lambda: now, reply_settings(), trying)
    monkeypatch.undo()


def test_a_poll_that_hangs_is_told_after_a_quarter_of_an_hour(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.transaction() as transaction:
        transaction.note_poll(NOW - timedelta(minutes=25), success=True)
    hang(store, monkeypatch, 14)
    assert subjects(store) == []
    hang(store, monkeypatch, 16)
    assert subjects(store) == ["planit_mailer: the mailbox has not been read since 08:44 UTC on 24/11/2026"]


def test_a_poll_that_takes_long_and_reads_or_hangs_while_another_daemon_reads_is_not_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.transaction() as transaction:
        transaction.note_poll(NOW - timedelta(minutes=5), success=True)
    hang(store, monkeypatch, 60)
    assert subjects(store) == []


def test_a_clock_that_is_set_ahead_during_a_poll_makes_no_alarm(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    hang(store, monkeypatch, 1, NOW + timedelta(days=1))
    assert subjects(store) == []


def test_a_daemon_that_was_off_for_the_night_tries_before_it_tells(store: Store) -> None:
    poll(store, NOW - timedelta(hours=14), success=False)
    trying = PollTimer()
    with trying.timed():
        alerts.watch_mailbox(store, lambda: NOW, reply_settings(), trying)
        assert subjects(store) == []
        with store.transaction() as transaction:
            transaction.note_poll(NOW, success=True)
    alerts.watch_mailbox(store, lambda: NOW, reply_settings(), trying)
    assert subjects(store) == []


def test_the_mail_says_what_happens_and_how_to_look(store: Store) -> None:
    fail(store, [1, 16])
    with store.reading() as reading:
        [pending] = reading.due(NOW + timedelta(minutes=20), 100)
    assert pending.reply.recipient == "ops@s-cool.test"
    text = text_of(parsed(pending.reply.content))
    assert text.startswith("The mailbox has not been read since 09:01 UTC on 24/11/2026.\n")
    assert "planit-mailer status" in text

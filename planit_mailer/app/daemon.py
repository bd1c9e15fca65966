"""The daemon: schedules the jobs, waits for servers that are away, stops cleanly.

APScheduler only keeps time; the work itself is in the database and in the mailbox. Jobs never talk to the scheduler,
never overlap themselves, and are never skipped for being late.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler

from planit_mailer.app import jobs, wiring
from planit_mailer.app.jobs import Service
from planit_mailer.core import clock, logs, secrets
from planit_mailer.core.config import Config
from planit_mailer.core.errors import ConfigError, Rejected, Unavailable

log = logs.get(__name__)

DELIVER_EVERY = timedelta(seconds=2)
START_EVERY = timedelta(seconds=1)
WATCH_EVERY = timedelta(minutes=1)
FORGET_EVERY = timedelta(minutes=1)
NIGHT = 2  # the hour at which a night begins, in UTC: it is dark then in summer too
STOP_WITHIN = 7.0  # seconds; container engines kill after ten
TRUST_KEY = "senders.trusted_authserv_ids"
FIRST_WAIT, LONGEST_WAIT = 1.0, 900.0  # seconds between two tries of a server that is away
LOOK_AT_CLOCK, STEP = 5.0, 2.0  # seconds between two looks; a larger step means that the clock was set


def run(load: Callable[[], Config]) -> None:
    """Serve until SIGTERM or SIGINT; a message in progress is finished before the adapters are closed.

    On SIGHUP a wholly valid new configuration is taken between two polls, else the old one stays. `load` reads it.
    Raises ConfigError if it is wrong at the start, and Rejected if another daemon serves this database then. A database
    that is away is waited for; later on, so is one that `once` has locked while the adapters are opened anew.
    """
    settings, wait, served = load(), FIRST_WAIT, False
    signals = Signals()
    while not signals.stop.is_set():
        try:
            _serve(settings, signals)
            wait, served = FIRST_WAIT, True
        except Unavailable as error:
            if isinstance(error, Rejected) and not served:
                raise
            log.error("not serving yet", answer=str(error))  # noqa: TRY400  no code is at fault
            signals.wake.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        if signals.reload():
            settings = _reloaded(load, settings)
    log.info("daemon stopped")


class Signals:
    """The signals that the process has received. Handlers only set events; all else happens in the main thread."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.wake = threading.Event()  # to stop, or else to read the configuration again
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGHUP:
            self.stop.set()
        self.wake.set()

    def reload(self) -> bool:
        """Return True once after SIGHUP: the configuration is to be read again."""
        woken = self.wake.is_set() and not self.stop.is_set()
        if woken:
            self.wake.clear()
        return woken


def _serve(settings: Config, signals: Signals) -> None:
    """Run the scheduler until a signal comes."""
    with jobs.serving(settings, signals.wake.is_set) as served:
        scheduler = _scheduler(served)
        scheduler.start()
        if wiring.trust(settings.senders).authenticates_nobody:
            log.error("no sender can be believed: every message waits for the operator", key=TRUST_KEY)
        for exposed in secrets.exposed(settings.model_dump()):
            log.warning("secret file is open to others", file=str(exposed))
        log.info("daemon started", mailbox=settings.mailbox.host, folder=settings.mailbox.folder)
        _wait(signals, scheduler)
        log.info("daemon stopping" if signals.stop.is_set() else "configuration is read again")
        _stop(scheduler, signals)


def _wait(signals: Signals, scheduler: BackgroundScheduler) -> None:
    """Wait for a signal. If the system clock is set, all jobs start at once: they would wait for its old time."""
    offset = time.time() - time.monotonic()
    while not signals.wake.wait(LOOK_AT_CLOCK):
        step = time.time() - time.monotonic() - offset
        if abs(step) > STEP:
            log.warning("clock was set", seconds=round(step))
            for job in scheduler.get_jobs():
                job.modify(next_run_time=clock.now())
        offset += step


def _stop(scheduler: BackgroundScheduler, signals: Signals) -> None:
    """Let the jobs finish what they are doing. If the daemon is to stop, do not wait long for a silent server.

    Leaving in the middle is the same as a crash, and that loses nothing: the next start continues the work.
    """
    ending = threading.Thread(target=scheduler.shutdown, name="ending", daemon=True)
    ending.start()
    while ending.is_alive():
        ending.join(STOP_WITHIN)
        if ending.is_alive() and signals.stop.is_set():
            log.warning("daemon stopped without waiting for a silent server")
            logging.shutdown()
            os._exit(0)


def _scheduler(served: Service) -> BackgroundScheduler:
    scheduler = BackgroundScheduler(
        timezone=UTC,  # no hour is lost or doubled at the change of clocks
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    watch = served.by_one("watch", served.watch)
    forget = served.by_one("forget", served.forget)
    poll_every = served.settings.mailbox.poll_every
    poll = Patiently("poll", served.telling(served.poll_and_listen), at_most_every=poll_every)
    # A poll that listens or has much to do lasts longer than its interval: the next one starts as soon as it has ended.
    _every(min(poll_every, START_EVERY), poll, scheduler)
    _every(DELIVER_EVERY, Patiently("deliver", served.telling(served.deliver)), scheduler)
    _every(WATCH_EVERY, Patiently("watch", served.telling(watch)), scheduler)
    _every(FORGET_EVERY, Unhurried("forget", served.telling(forget)), scheduler)
    for name, work in (("reconcile", served.reconcile), ("rewrite", served.rewrite)):
        # All daemons try in the same second, so that one of them does it; and each minute, in case it failed.
        job = Nightly(name, served.telling(served.by_one(name, work)))
        scheduler.add_job(job, "cron", minute="*", name=name)
    return scheduler


def _every(interval: timedelta, job: "Patiently", scheduler: BackgroundScheduler) -> None:
    """Run a job at once, and then at this interval."""
    seconds = interval.total_seconds()
    scheduler.add_job(job, "interval", seconds=seconds, name=job.name, next_run_time=clock.now())


class Patiently:
    """A job that never raises, and that waits longer after each failure: 15 minutes at most.

    `at_most_every` is the least time between two starts.
    """

    def __init__(self, name: str, work: Callable[[], None], *, at_most_every: timedelta = timedelta(0)) -> None:
        self.name, self.work = name, work
        self.failures, self.not_before = 0, 0.0
        self._interval, self._due = at_most_every.total_seconds(), 0.0

    def __call__(self) -> bool:
        """Do the work, unless it is too early for it, or to try again. Return True if it was done."""
        now = time.monotonic()
        if now < max(self.not_before, self._due):
            return False
        self._due = now + self._interval
        try:
            self.work()
        except Rejected as error:
            self._on_rejection()
            log.error("server said no", job=self.name, answer=str(error))  # noqa: TRY400  no code is at fault
        except Unavailable as error:
            self._wait_longer()
            log.error("server away", job=self.name, answer=str(error), failures=self.failures)  # noqa: TRY400  no code is at fault
        except Exception:
            self._wait_longer()
            log.exception("job failed", job=self.name)
        else:
            self._succeeded()
            return True
        return False

    def _on_rejection(self) -> None:
        """The server is there, so the next round starts at the usual time."""
        self._succeeded()

    def _succeeded(self) -> None:
        if self.failures:
            log.info("server is back", job=self.name)
        self.failures, self.not_before = 0, 0.0

    def _wait_longer(self) -> None:
        self.failures += 1
        self.not_before = time.monotonic() + wait_after(self.failures)


class Unhurried(Patiently):
    """A job that also waits longer after a rejection, since each round searches whole folders."""

    def _on_rejection(self) -> None:
        self._wait_longer()


class Nightly(Unhurried):
    """A job that is done once a night, however often it is called; if it fails, it is tried again until it is done.

    It is not done in the night in which the daemon starts, nor on the day after it.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        super().__init__(name, work)
        self.done = night(clock.now())

    def __call__(self) -> bool:
        """Do the work, unless it was done tonight or it is too early to try again. Return True if it is done."""
        tonight = night(clock.now())
        if tonight != self.done and super().__call__():
            self.done = tonight
        return tonight == self.done


def night(now: datetime) -> date:
    """The present night, or the last one, named by the day on which it began."""
    return (now - timedelta(hours=NIGHT)).date()


def wait_after(failures: int) -> float:
    """The seconds to wait after this many failures in a row: 2, doubled each time, at most 15 minutes."""
    return min(2.0 ** min(failures, 10), LONGEST_WAIT)


def _reloaded(load: Callable[[], Config], old: Config) -> Config:
    """Load the new configuration; keep the old one if the new has a mistake, or its database cannot be opened."""
    try:
        settings = load()
        if settings.database != old.database:
            wiring.open_store(settings).close()
    except (ConfigError, Unavailable) as error:
        log.error("configuration kept as it was", mistakes=str(error))  # noqa: TRY400  no code is at fault
        return old
    log.info("configuration taken")
    return settings

"""The composition root: opens the doors, sets the clock, stops cleanly.

APScheduler is the clock alone; what has to be done stands in the database and in the mailbox. Jobs never talk to the
scheduler, never overlap themselves, and are never skipped for being late.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler

from planit_mailer import config, delivery, intake, logs, promise, retention
from planit_mailer.config import Config
from planit_mailer.delivery import Post
from planit_mailer.doors.mailbox import open_mailbox
from planit_mailer.doors.reader import Reader
from planit_mailer.doors.relay import Relay
from planit_mailer.doors.store import Store
from planit_mailer.errors import ConfigError, Unavailable
from planit_mailer.intake import Policy
from planit_mailer.ledger import Outcome
from planit_mailer.mail import replies
from planit_mailer.mail.replies import Stationery
from planit_mailer.places import folder
from planit_mailer.ports import Doors
from planit_mailer.retention import Keep
from planit_mailer.spreadsheets.sheets import Limits
from planit_mailer.uploads import blank
from planit_mailer.uploads.judging import Rules

log = logs.get(__name__)

DELIVER_EVERY = timedelta(seconds=2)
WATCH_EVERY = timedelta(minutes=5)
FORGET_EVERY = timedelta(minutes=10)
LISTEN_SECONDS = 5.0  # a stop waits for no longer than this
LONGEST_WAIT = 900.0  # seconds between two tries of a server that is away


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


# ── what there is to do ──


@dataclass(frozen=True, slots=True)
class Service:
    """What there is to do, with its doors open. Each verb raises Unavailable where a server is away."""

    settings: Config
    store: Store
    reader: Reader
    stationery: Stationery
    stopping: Callable[[], bool]

    def poll(self, listen: timedelta = timedelta(0)) -> None:
        """Look at the mailbox, over a fresh connection; then, for some time, as soon as it says that mail came."""
        listen_until = now() + listen
        try:
            with open_mailbox(self.settings.mailbox) as mailbox:
                mailbox.ensure_folders(set(folders(self.settings.mailbox.folders).values()))
                doors = Doors(mailbox, self.reader, self.store, now, self.stopping)
                intake.poll(doors, policy(self.settings, self.stationery))
                while now() < listen_until and not self.stopping():
                    if mailbox.idle(LISTEN_SECONDS):
                        intake.poll(doors, policy(self.settings, self.stationery))
        except Unavailable:
            with self.store.transaction() as transaction:
                transaction.note_poll(now(), success=False)
            raise

    def poll_and_listen(self) -> None:
        """What the daemon does all the time: IDLE is a hint, so that it polls again all the same."""
        mailbox = self.settings.mailbox
        self.poll(mailbox.poll_every if mailbox.idle else timedelta(0))

    def deliver(self) -> None:
        """Hand what is due to the relay."""
        relay = Relay(self.settings.smtp, self.settings.address)
        delivery.deliver(Post(self.store, relay, now, self.stationery, self.settings.limits.replies_per_day))

    def watch(self) -> None:
        """Look after the promised time."""
        promise.watch(self.store, now, self.stationery)

    def forget(self) -> None:
        """Delete what must not be kept."""
        with open_mailbox(self.settings.mailbox) as mailbox:
            retention.forget(mailbox, self.store, keep(self.settings), now)


@contextmanager
def serving(settings: Config, stopping: Callable[[], bool] = lambda: False) -> Iterator[Service]:
    """The service with its doors open. Raises Unavailable where another daemon serves the same database."""
    store = open_store(settings)
    with store.lock(), reader(settings.limits) as child:
        yield Service(settings, store, child, stationery(settings), stopping)


def once(settings: Config) -> None:
    """One poll of everything that waits, one delivery of every reply that is due. Raises Unavailable."""
    with serving(settings) as service:
        service.poll()
        service.deliver()
        service.watch()
        service.forget()


# ── the daemon ──


def run(load: Callable[[], Config]) -> None:
    """Serve until SIGTERM or SIGINT; the message in hand is finished before the doors are closed.

    SIGHUP takes a wholly valid new configuration between two polls, else the old one stays. `load` reads it: it raises
    ConfigError at the start. Raises Unavailable where another daemon serves this database.
    """
    settings = load()
    signals = Signals()
    while True:
        _wait_for_the_store(settings, signals)
        _serve(settings, signals)
        signals.wake.clear()
        if signals.stop.is_set():
            break
        settings = _reloaded(load, settings)
    log.info("daemon stopped")


class Signals:
    """What the operator asks of the process; handlers only set events, everything else happens in the main thread."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.wake = threading.Event()  # to stop, or else to read the configuration again
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._handle)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGHUP:
            self.stop.set()
        self.wake.set()


def _serve(settings: Config, signals: Signals) -> None:
    """Run the clock until a signal comes."""
    with serving(settings, signals.wake.is_set) as service:
        clock = _clock(service)
        clock.start()
        log.info("daemon started", mailbox=settings.mailbox.host, folder=settings.mailbox.folder)
        signals.wake.wait()
        log.info("daemon stopping" if signals.stop.is_set() else "configuration is read again")
        clock.shutdown(wait=True)


def _clock(service: Service) -> BackgroundScheduler:
    settings = service.settings
    clock = BackgroundScheduler(
        timezone=UTC,  # no hour is lost or doubled at the change of clocks
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    for name, work, every in (
        ("poll", service.poll_and_listen, settings.mailbox.poll_every),
        ("deliver", service.deliver, DELIVER_EVERY),
        ("watch", service.watch, WATCH_EVERY),
        ("forget", service.forget, FORGET_EVERY),
    ):
        clock.add_job(Patiently(name, work), "interval", seconds=every.total_seconds(), name=name, next_run_time=now())
    return clock


class Patiently:
    """A job that never raises, and that waits longer each time a server is away: 15 minutes at most."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name, self.work = name, work
        self.failures, self.not_before = 0, 0.0

    def __call__(self) -> None:
        """Do the work, unless it is too early to try again."""
        if time.monotonic() < self.not_before:
            return
        try:
            self.work()
        except Unavailable as error:
            self._wait_longer()
            log.error("server away", job=self.name, answer=str(error), failures=self.failures)  # noqa: TRY400  no code is at fault
        except Exception:
            self._wait_longer()
            log.exception("job failed", job=self.name)
        else:
            if self.failures:
                log.info("server is back", job=self.name)
            self.failures, self.not_before = 0, 0.0

    def _wait_longer(self) -> None:
        self.failures += 1
        self.not_before = time.monotonic() + min(2.0 ** min(self.failures, 10), LONGEST_WAIT)


def _wait_for_the_store(settings: Config, signals: Signals) -> None:
    """A database server that is away at the start is waited for, as it is later on."""
    wait = 1.0
    while not signals.stop.is_set():
        try:
            open_store(settings)
        except Unavailable as error:
            log.error("database away", answer=str(error))  # noqa: TRY400  no code is at fault
            signals.wake.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        else:
            return


def _reloaded(load: Callable[[], Config], old: Config) -> Config:
    """The new configuration, or the old one where there is any mistake in the new."""
    try:
        settings = load()
    except ConfigError as error:
        log.error("configuration kept as it was", mistakes=str(error))  # noqa: TRY400  no code is at fault
        return old
    log.info("configuration taken")
    return settings


# ── doors and policies, from the configuration ──


def open_store(settings: Config) -> Store:
    """The store, with its tables. Raises ConfigError where they are of another version, Unavailable."""
    store = Store(settings.database.url.get_secret_value())
    store.prepare()
    return store


def reader(limits: config.Limits) -> Reader:
    """The reading process, within its limits."""
    return Reader(seconds=limits.seconds.total_seconds(), memory=limits.memory)


def policy(settings: Config, paper: Stationery) -> Policy:
    """What the configuration says about messages."""
    return Policy(
        folders=folders(settings.mailbox.folders),
        unauthenticated=settings.senders.unauthenticated,
        reply_within=settings.service.reply_within,
        message=settings.limits.message,
        rules=rules(settings.rules),
        limits=workbook_limits(settings.limits),
        stationery=paper,
    )


def folders(settings: config.Folders) -> dict[Outcome, str]:
    """Where messages are filed."""
    return {
        Outcome.ACCEPTED: settings.processed,
        Outcome.REJECTED: settings.rejected,
        Outcome.HELD: settings.held,
        Outcome.QUARANTINED: settings.quarantine,
        Outcome.IGNORED: settings.ignored,
    }


def rules(settings: config.Rules) -> Rules:
    """What is asked of learners' data."""
    return Rules(settings.youngest, settings.oldest, settings.check_letter, settings.sensitive)


def workbook_limits(limits: config.Limits) -> Limits:
    """How large a workbook may be."""
    return Limits(workbook=limits.workbook, unpacked=limits.unpacked, rows=limits.rows)


def stationery(settings: Config) -> Stationery:
    """Who answers, and with which templates."""
    return Stationery(
        sender=settings.smtp.sender,
        address=settings.address,
        operator=settings.service.operator,
        reply_within=settings.service.reply_within,
        blank_form=blank.blank_form(),
        templates=replies.load(folder("templates")),
    )


def keep(settings: Config) -> Keep:
    """How long things are kept."""
    times = settings.retention
    mail = {
        Outcome.ACCEPTED: times.keep_applied,
        Outcome.REJECTED: times.keep_rejected,
        Outcome.HELD: times.keep_held,
        Outcome.QUARANTINED: times.keep_quarantined,
        Outcome.IGNORED: times.keep_ignored,
    }
    return Keep(mail, times.keep_receipts, settings.mailbox.folders.sent)

"""The composition root: a configuration becomes doors and policies, and what there is to do with them."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from planit_mailer import config, delivery, intake, logs, promise, reconciliation, retention
from planit_mailer.config import Config
from planit_mailer.delivery import Post
from planit_mailer.doors.mailbox import open_mailbox
from planit_mailer.doors.reader import Reader
from planit_mailer.doors.relay import Relay
from planit_mailer.doors.store import Store
from planit_mailer.errors import Unavailable
from planit_mailer.intake import Policy
from planit_mailer.ledger import Outcome
from planit_mailer.mail import replies
from planit_mailer.mail.replies import Stationery
from planit_mailer.places import folder
from planit_mailer.ports import Doors
from planit_mailer.records import Erased, Erasure
from planit_mailer.retention import Keep
from planit_mailer.spreadsheets.sheets import Limits
from planit_mailer.uploads import blank
from planit_mailer.uploads.judging import Rules

log = logs.get(__name__)

LISTEN_SECONDS = 5.0  # a stop waits for no longer than this


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Service:
    """What there is to do, with its doors open. Each verb raises Unavailable where a server is away."""

    settings: Config
    store: Store
    reader: Reader
    stationery: Stationery
    stopping: Callable[[], bool]
    alone: Callable[[], None]  # raises Declined where another daemon serves the same database by now

    def poll(self, listen: timedelta = timedelta(0)) -> None:
        """Look at the mailbox, over a fresh connection; then, for some time, as soon as it says that mail came."""
        self.alone()
        listen_until = now() + listen
        try:
            with open_mailbox(self.settings.mailbox) as mailbox:
                mailbox.ensure_folders(set(folders(self.settings.mailbox.folders).values()))
                doors = Doors(mailbox, self.reader, self.store, now, self.stopping)
                says = policy(self.settings, self.stationery)
                intake.poll(doors, says)
                while now() < listen_until and not self.stopping():
                    if mailbox.idle(LISTEN_SECONDS):
                        intake.poll(doors, says)
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
        self.alone()
        relay = Relay(self.settings.smtp, self.settings.address)
        delivery.deliver(Post(self.store, relay, now, self.stationery, self.settings.limits.replies_per_day))

    def watch(self) -> None:
        """Look after the promised time."""
        promise.watch(self.store, now, self.stationery)

    def reconcile(self) -> None:
        """Compare mailbox and ledger."""
        ours = tuple(dict.fromkeys(folders(self.settings.mailbox.folders).values()))
        with open_mailbox(self.settings.mailbox) as mailbox:
            reconciliation.reconcile(mailbox, self.store, ours, (now, self.stationery))

    def rewrite(self) -> None:
        """Leave no old value in the database's files."""
        self.store.rewrite()

    def forget(self) -> None:
        """Delete mail and receipts that must not be kept."""
        forget(self.settings, self.store)
        retention.purge(self.store, keep(self.settings))


def erasure(erased: Erased) -> Erasure:
    """The receipt of an erasure, noted in the log as well."""
    receipt = Erasure(f"ER-{secrets.token_hex(4).upper()}", now(), erased)
    log.info("erased", reference=receipt.reference, learners=erased.learners, messages=erased.messages)
    return receipt


def forget_now(settings: Config) -> None:
    """Delete the mail that must not be kept, without waiting for the daemon's round.

    Raises Unavailable where the mailbox is away: the daemon deletes it then.
    """
    with closing(open_store(settings)) as store:
        forget(settings, store)


def forget(settings: Config, store: Store) -> None:
    """Delete mail that must not be kept; the mailbox is opened only where there is some."""
    times = keep(settings)
    if forgettable := retention.due(store, times):
        with open_mailbox(settings.mailbox) as mailbox:
            retention.delete(forgettable, mailbox, store, times)


@contextmanager
def serving(settings: Config, stopping: Callable[[], bool] = lambda: False) -> Iterator[Service]:
    """The service with its doors open. Raises Declined where another daemon serves the same database."""
    with closing(open_store(settings)) as store, store.lock() as alone, reader(settings.limits) as child:
        yield Service(settings, store, child, stationery(settings), stopping, alone)


def once(settings: Config) -> None:
    """One poll of everything that waits, one delivery of every reply that is due.

    Each is tried whatever becomes of the others. Raises Unavailable with the words of all servers that are away.
    """
    away = []
    with serving(settings) as service:
        for work in (service.poll, service.deliver, service.watch, service.forget):
            try:
                work()
            except Unavailable as error:
                away.append(str(error))
    if away:
        raise Unavailable("\n".join(dict.fromkeys(away)))


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
        return_workbook=settings.service.return_workbook,
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
    return Keep(mail, times.keep_receipts, settings.mailbox.folders.sent, now)

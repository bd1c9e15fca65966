"""The jobs of the service, with its adapters open: poll, deliver, watch, reconcile, forget."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.adapters.smtp import Relay
from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import wiring
from planit_mailer.app.listener import Listener
from planit_mailer.core import clock, logs
from planit_mailer.core.config import Config
from planit_mailer.core.errors import LoginRefused, Rejected, Unavailable
from planit_mailer.domain.messages import FailureCounts, Outcome
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings
from planit_mailer.domain.reports import Erased, Erasure
from planit_mailer.pipeline import alerts, deadlines, delivery, reconciliation, retention
from planit_mailer.pipeline.delivery import Outbox
from planit_mailer.pipeline.ports import Clock
from planit_mailer.pipeline.retention import Keep

log = logs.get(__name__)

TRIES = 10  # how many messages may break the connection before `once` gives up

Job = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Service:
    """The jobs of the service, with its adapters open. Each raises Unavailable if a server is away."""

    settings: Config
    store: Store
    reader: Reader
    reply_settings: ReplySettings
    listener: Listener

    def poll(self, listen: timedelta = timedelta(0)) -> None:
        """Look at the mailbox on a new connection; then, for this time, again whenever the server reports new mail.

        Raises Unavailable if a server is away, or Rejected, at the end, if a message could not be read or filed.
        """
        self.listener.poll(clock.now, listen)

    def poll_and_listen(self) -> None:
        """Poll, and listen with IDLE until the next poll is due. IDLE is only a hint."""
        mailbox = self.settings.mailbox
        self.poll(mailbox.poll_every if mailbox.idle else timedelta(0))

    def by_one(self, name: str, job: Job) -> Job:
        """The job, skipped while another daemon holds its lock."""

        def claimed() -> None:
            with self.store.claim(name) as ours:
                if ours:
                    job()

        return claimed

    def deliver(self) -> None:
        """Hand due replies to the relay."""
        relay = Relay(self.settings.smtp, self.settings.address)
        limit = self.settings.limits.replies_per_day
        delivery.deliver(Outbox(self.store, relay, clock.now, self.reply_settings, limit))

    def watch(self) -> None:
        """Watch the deadlines, and alert the operator to whatever nobody else will notice."""
        deadlines.watch(self.store, clock.now, self.reply_settings)
        alerts.watch_mailbox(self.store, clock.now, self.reply_settings, self.listener.trying)
        alerts.send_digest(self.store, clock.now, self.reply_settings)
        alerts.secrets_expiring(wiring.expiries(self.settings), self.store, self._reply_context())

    def reconcile(self) -> None:
        """Compare the mailbox with the receipts."""
        ours = tuple(dict.fromkeys(wiring.folders(self.settings.mailbox.folders).values()))
        with open_mailbox(self.settings.mailbox) as mailbox:
            reconciliation.reconcile(mailbox, self.store, ours, clock.now, self.reply_settings)

    def rewrite(self) -> None:
        """Leave no old value in the database's files."""
        self.store.rewrite()

    def forget(self) -> None:
        """Delete mail and receipts that must not be kept, and old values that are still in the database's files."""
        forget(self.settings, self.store, clock.now, self.listener.failures)

    def retrying(self, job: Job) -> Job:
        """The job, tried again at once if one message broke the connection, so that the others get their turn."""

        def done() -> None:
            for _ in range(TRIES):
                failures = len(self.listener.failures)
                try:
                    return job()
                except Rejected:
                    raise
                except Unavailable:
                    if len(self.listener.failures) == failures:
                        raise
            return job()

        return done

    def telling(self, job: Job) -> Job:
        """The job; if a login is refused in it, the operator gets an alert."""

        def told() -> None:
            try:
                job()
            except LoginRefused as error:
                alerts.login_refused(error, self.store, self._reply_context())
                raise

        return told

    def _reply_context(self) -> ReplyContext:
        return ReplyContext(self.reply_settings, clock.now())


@contextmanager
def serving(settings: Config, stopping: Callable[[], bool] = lambda: False) -> Iterator[Service]:
    """Open the service for a `with` block. Raises Rejected if another daemon serves the same SQLite database."""
    with closing(wiring.open_store(settings)) as store, store.lock(), wiring.reader(settings.limits) as child:
        with store.transaction() as transaction:
            transaction.pick_up(clock.now())
        replies = wiring.reply_settings(settings)
        listener = Listener(settings, wiring.policy(settings, replies), store, child, stopping)
        yield Service(settings, store, child, replies, listener)


def once(settings: Config) -> None:
    """Poll once for everything that waits, deliver every due reply once, watch and forget.

    One failing job does not stop the others. Raises Unavailable with the words of all servers that are away.
    """
    away = []
    with serving(settings) as service:
        alone = (service.by_one("watch", service.watch), service.by_one("forget", service.forget))
        for job in (service.poll, service.deliver, *alone):
            try:
                service.telling(service.retrying(job))()
            except Unavailable as error:
                away.append(str(error))
    if away:
        raise Unavailable("\n".join(dict.fromkeys(away)))


def forget(settings: Config, store: Store, now: Clock, failures: FailureCounts | None = None) -> None:
    """Run one round of retention: delete expired mail and receipts, and old values from the database's files.

    Messages that break the connection are counted in `failures`, and come last in the next round. Raises Unavailable.
    """
    by_age = retention.record_round(store, now())
    times = keep(settings, now, by_age=by_age)
    if failures is not None:
        times = replace(times, failures=failures)
    try:
        forget_mail(settings, store, times)
    finally:  # a message that cannot be deleted does not stop the rest
        if by_age:
            retention.purge(store, times)
        store.forget_pages()


def forget_mail(settings: Config, store: Store, times: Keep) -> None:
    """Delete mail that must not be kept. The mailbox is opened only if there is some. Raises Unavailable."""
    forgettable = retention.due(store, times)
    if forgettable:
        with open_mailbox(settings.mailbox) as mailbox:
            retention.delete(forgettable, mailbox, store, times)


def keep(settings: Config, now: Clock, *, by_age: bool = True) -> Keep:
    """The keep times of the configuration. Without `by_age`, mail is kept unless it must be deleted at once."""
    times = settings.retention
    mail = {
        Outcome.ACCEPTED: times.keep_applied,
        Outcome.REJECTED: times.keep_rejected,
        Outcome.HELD: times.keep_held,
        Outcome.QUARANTINED: times.keep_quarantined,
        Outcome.IGNORED: times.keep_ignored,
    }
    ours = tuple(folder for name, folder in settings.mailbox.folders if name != "sent")
    return Keep(mail if by_age else {}, times.keep_receipts, ours, settings.mailbox.folders.sent, now)


def erasure(erased: Erased, at: datetime) -> Erasure:
    """Make the receipt of an erasure, and log it."""
    receipt = Erasure(f"ER-{secrets.token_hex(4).upper()}", at, erased)
    log.info("erased", reference=receipt.reference, learners=erased.learners, messages=erased.messages)
    return receipt

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
from planit_mailer.app.listener import Listener
from planit_mailer.app.wiring import expiries, folders, open_store, policy, reader, reply_settings
from planit_mailer.core import clock, logs
from planit_mailer.core.config import Config
from planit_mailer.core.errors import LoginRefused, Rejected, Unavailable
from planit_mailer.domain.messages import FailureCounts, Outcome
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings
from planit_mailer.domain.reports import Erased, Erasure
from planit_mailer.pipeline import alerts, deadlines, delivery, reconciliation, retention
from planit_mailer.pipeline.delivery import Outbox
from planit_mailer.pipeline.ports import Clock
from planit_mailer.pipeline.retention import Keep, record_round

log = logs.get(__name__)


def forget(settings: Config, store: Store, clock: Clock, failures: FailureCounts | None = None) -> None:
    """One round: delete mail and receipts that must not be kept, and what stands in pages of old. Raises Unavailable.

    What the mailbox breaks off at is put into `failures`, and comes last where it is there already.
    """
    by_age = record_round(store, clock())
    times = keep(settings, clock, by_age=by_age)
    try:
        forget_mail(settings, store, times if failures is None else replace(times, failures=failures))
    finally:  # a message that cannot be deleted, today or ever, keeps nothing else
        if by_age:
            retention.purge(store, times)
        store.forget_pages()


def forget_mail(settings: Config, store: Store, times: Keep) -> None:
    """Delete mail that must not be kept; the mailbox is opened only where there is some. Raises Unavailable."""
    if forgettable := retention.due(store, times):
        with open_mailbox(settings.mailbox) as mailbox:
            retention.delete(forgettable, mailbox, store, times)


def erasure(erased: Erased, at: datetime) -> Erasure:
    """The receipt of an erasure, noted in the log as well."""
    receipt = Erasure(f"ER-{secrets.token_hex(4).upper()}", at, erased)
    log.info("erased", reference=receipt.reference, learners=erased.learners, messages=erased.messages)
    return receipt


def keep(settings: Config, clock: Clock, *, by_age: bool = True) -> Keep:
    """How long things are kept; mail for ever, but for what goes at once, where it is not to go `by_age`."""
    times = settings.retention
    mail = {
        Outcome.ACCEPTED: times.keep_applied,
        Outcome.REJECTED: times.keep_rejected,
        Outcome.HELD: times.keep_held,
        Outcome.QUARANTINED: times.keep_quarantined,
        Outcome.IGNORED: times.keep_ignored,
    }
    ours = tuple(folder for name, folder in settings.mailbox.folders if name != "sent")
    return Keep(mail if by_age else {}, times.keep_receipts, ours, settings.mailbox.folders.sent, clock)


AGAIN = 10  # messages at which a server may break off before `once` gives up


@dataclass(frozen=True, slots=True)
class Service:
    """What there is to do, with its adapters open. Each verb raises Unavailable where a server is away."""

    settings: Config
    store: Store
    reader: Reader
    reply_settings: ReplySettings
    listener: Listener

    def poll(self, listen: timedelta = timedelta(0)) -> None:
        """Look at the mailbox, over a fresh connection; then, for some time, as soon as it says that mail came.

        Raises Unavailable where a server is away; Rejected, at the end, where a message could not be read or filed.
        """
        self.listener.poll(clock.now, listen)

    def poll_and_listen(self) -> None:
        """What the daemon does all the time: IDLE is a hint, so that it polls again all the same."""
        mailbox = self.settings.mailbox
        self.poll(mailbox.poll_every if mailbox.idle else timedelta(0))

    def by_one(self, name: str, work: Callable[[], None]) -> Callable[[], None]:
        """This work, left undone while another daemon is at it."""

        def claimed() -> None:
            with self.store.claim(name) as ours:
                if ours:
                    work()

        return claimed

    def deliver(self) -> None:
        """Hand what is due to the relay."""
        relay = Relay(self.settings.smtp, self.settings.address)
        delivery.deliver(
            Outbox(self.store, relay, clock.now, self.reply_settings, self.settings.limits.replies_per_day)
        )

    def watch(self) -> None:
        """Look after the promised time, and tell the operator once of what nobody else will see."""
        deadlines.watch(self.store, clock.now, self.reply_settings)
        alerts.watch_mailbox(self.store, clock.now, self.reply_settings, self.listener.trying)
        alerts.send_digest(self.store, clock.now, self.reply_settings)
        alerts.secrets_expiring(expiries(self.settings), self.store, ReplyContext(self.reply_settings, clock.now()))

    def reconcile(self) -> None:
        """Compare mailbox and ledger."""
        ours = tuple(dict.fromkeys(folders(self.settings.mailbox.folders).values()))
        with open_mailbox(self.settings.mailbox) as mailbox:
            reconciliation.reconcile(mailbox, self.store, ours, clock.now, self.reply_settings)

    def rewrite(self) -> None:
        """Leave no old value in the database's files."""
        self.store.rewrite()

    def forget(self) -> None:
        """Delete mail and receipts that must not be kept, and what a verb could not take out of the files."""
        forget(self.settings, self.store, clock.now, self.listener.failures)

    def getting_over(self, work: Callable[[], None]) -> Callable[[], None]:
        """This work; again, without waiting, where a server broke off at a message: the others come first then."""

        def done() -> None:
            for _ in range(AGAIN):
                failures = len(self.listener.failures)
                try:
                    return work()
                except Rejected:
                    raise
                except Unavailable:
                    if len(self.listener.failures) == failures:
                        raise
            return work()

        return done

    def telling(self, work: Callable[[], None]) -> Callable[[], None]:
        """This work; where a login is refused in it, the operator has mail."""

        def told() -> None:
            try:
                work()
            except LoginRefused as error:
                alerts.login_refused(str(error), self.store, ReplyContext(self.reply_settings, clock.now()))
                raise

        return told


@contextmanager
def serving(settings: Config, stopping: Callable[[], bool] = lambda: False) -> Iterator[Service]:
    """The service with its adapters open. Raises Rejected where another daemon serves the same SQLite database."""
    with closing(open_store(settings)) as store, store.lock(), reader(settings.limits) as child:
        with store.transaction() as transaction:
            transaction.pick_up(clock.now())
        replies = reply_settings(settings)
        listener = Listener(settings, policy(settings, replies), store, child, stopping)
        yield Service(settings, store, child, replies, listener)


def once(settings: Config) -> None:
    """One poll of everything that waits, one delivery of every reply that is due.

    Each is tried whatever becomes of the others. Raises Unavailable with the words of all servers that are away.
    """
    away = []
    with serving(settings) as service:
        alone = (service.by_one("watch", service.watch), service.by_one("forget", service.forget))
        for work in (service.poll, service.deliver, *alone):
            try:
                service.telling(service.getting_over(work))()
            except Unavailable as error:
                away.append(str(error))
    if away:
        raise Unavailable("\n".join(dict.fromkeys(away)))

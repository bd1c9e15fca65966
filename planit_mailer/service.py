"""The composition root: a configuration becomes doors and policies, and what there is to do with them."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from planit_mailer import alarm, delivery, digest, forgetting, logins, promise, reconciliation
from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.adapters.oauth import tokens
from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.adapters.smtp import Relay
from planit_mailer.adapters.sql.store import Store
from planit_mailer.core import clock, config
from planit_mailer.core.config import Config
from planit_mailer.core.errors import LoginRefused, Rejected, Unavailable
from planit_mailer.core.paths import folder
from planit_mailer.delivery import Post
from planit_mailer.domain.forms import blank
from planit_mailer.domain.forms.judge import Rules
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings
from planit_mailer.intake import Policy
from planit_mailer.listening import Listener
from planit_mailer.mail.authentication_results import Trust
from planit_mailer.spreadsheets.model import Limits

AGAIN = 10  # messages at which a server may break off before `once` gives up


@dataclass(frozen=True, slots=True)
class Service:
    """What there is to do, with its doors open. Each verb raises Unavailable where a server is away."""

    settings: Config
    store: Store
    reader: Reader
    stationery: ReplySettings
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
        delivery.deliver(Post(self.store, relay, clock.now, self.stationery, self.settings.limits.replies_per_day))

    def watch(self) -> None:
        """Look after the promised time, and tell the operator once of what nobody else will see."""
        promise.watch(self.store, clock.now, self.stationery)
        alarm.watch(self.store, clock.now, self.stationery, self.listener.trying)
        digest.tell(self.store, clock.now, self.stationery)
        logins.expiring(expiries(self.settings), self.store, ReplyContext(self.stationery, clock.now()))

    def reconcile(self) -> None:
        """Compare mailbox and ledger."""
        ours = tuple(dict.fromkeys(folders(self.settings.mailbox.folders).values()))
        with open_mailbox(self.settings.mailbox) as mailbox:
            reconciliation.reconcile(mailbox, self.store, ours, (clock.now, self.stationery))

    def rewrite(self) -> None:
        """Leave no old value in the database's files."""
        self.store.rewrite()

    def forget(self) -> None:
        """Delete mail and receipts that must not be kept, and what a verb could not take out of the files."""
        forgetting.forget(self.settings, self.store, clock.now, self.listener.stumbled)

    def getting_over(self, work: Callable[[], None]) -> Callable[[], None]:
        """This work; again, without waiting, where a server broke off at a message: the others come first then."""

        def done() -> None:
            for _ in range(AGAIN):
                stumbled = len(self.listener.stumbled)
                try:
                    return work()
                except Rejected:
                    raise
                except Unavailable:
                    if len(self.listener.stumbled) == stumbled:
                        raise
            return work()

        return done

    def telling(self, work: Callable[[], None]) -> Callable[[], None]:
        """This work; where a login is refused in it, the operator has mail."""

        def told() -> None:
            try:
                work()
            except LoginRefused as error:
                logins.refused(str(error), self.store, ReplyContext(self.stationery, clock.now()))
                raise

        return told


@contextmanager
def serving(settings: Config, stopping: Callable[[], bool] = lambda: False) -> Iterator[Service]:
    """The service with its doors open. Raises Rejected where another daemon serves the same SQLite database."""
    with closing(open_store(settings)) as store, store.lock(), reader(settings.limits) as child:
        with store.transaction() as transaction:
            transaction.pick_up(clock.now())
        paper = stationery(settings)
        listener = Listener(settings, policy(settings, paper), store, child, stopping)
        yield Service(settings, store, child, paper, listener)


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


def open_store(settings: Config) -> Store:
    """The store, with its tables. Raises ConfigError where they are of another version, Unavailable."""
    store = Store(settings.database.url.get_secret_value())
    store.prepare()
    return store


def expiries(settings: Config) -> dict[str, date | None]:
    """Until when the secrets of OAuth2 last, by the table that they stand in; None where nobody knows."""
    tables = {"mailbox.oauth2": settings.mailbox.oauth2, "smtp.oauth2": settings.smtp.oauth2}
    return {name: tokens.expires_on(table) for name, table in tables.items() if table}


def reader(limits: config.Limits) -> Reader:
    """The reading process, within its limits."""
    return Reader(seconds=limits.seconds.total_seconds(), memory=limits.memory)


def policy(settings: Config, paper: ReplySettings) -> Policy:
    """What the configuration says about messages."""
    return Policy(
        folders=folders(settings.mailbox.folders),
        trust=trust(settings.senders),
        reply_within=settings.service.reply_within,
        message=settings.limits.message,
        rules=rules(settings.rules),
        limits=workbook_limits(settings.limits),
        stationery=paper,
        return_workbook=settings.service.return_workbook,
    )


def trust(settings: config.Senders) -> Trust:
    """Whose word counts for who sent a message."""
    return Trust(settings.unauthenticated, settings.trusted_authserv_ids, settings.results)


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


def stationery(settings: Config) -> ReplySettings:
    """Who answers, and with which templates."""
    return ReplySettings(
        sender=settings.smtp.sender,
        address=settings.address,
        operator=settings.service.operator,
        reply_within=settings.service.reply_within,
        blank_form=blank.blank_form(),
        templates=compose.load(folder("templates")),
    )

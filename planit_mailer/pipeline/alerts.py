"""Alerts to the operator: the mailbox is not read, a login was refused, a secret expires; a digest of quarantined mail.

Alerts about a single message come from the module that handles it: intake, delivery, bounces. Together they are at most
`alerts_per_day`; what is over is in the digest. Those about late answers come from deadlines, one for all of an hour.

The mailbox: one mail if it has not been read for a quarter of an hour, and one when it is read again. A failing poll is
recorded, and so is each message that is read. A hanging poll records nothing, but its process knows how long it has
been going on. After a restart, no alert is sent before the first poll has been tried.

Logins: a refused login and an expiring secret go unnoticed for weeks otherwise. If it is the relay that refuses us, the
mail about it waits in the outbox, and the log alone says so.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.core.advice import Advice
from planit_mailer.core.errors import LoginRefused
from planit_mailer.domain.messages import Receipt
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.policy import letters
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings, Text
from planit_mailer.domain.reports import Untold
from planit_mailer.pipeline.ports import Clock, Store, Transaction

log = logs.get(__name__)

PATIENCE = timedelta(minutes=15)
UNREAD = "the mailbox is not read"
EVER = datetime.min.replace(tzinfo=UTC)
DIGEST = "quarantine digest"
LISTED = 100  # references; `held` lists them all
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
NOTICE = timedelta(days=30)  # before a secret expires


class PollTimer:
    """Measures how long this process has been trying to read the mailbox; `tried` is True once a try has ended."""

    def __init__(self, *, tried: bool = False) -> None:
        self.tried = tried
        self._began: float | None = None

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Time a try for the length of a `with` block. If blocks are nested, the inner one counts."""
        self._began = time.monotonic()
        try:
            yield
        finally:
            self._began = None
            self.tried = True

    def lasts(self) -> timedelta:
        """How long the present try has been going on; zero if there is none."""
        began = self._began
        if began is None:
            return timedelta(0)
        return timedelta(seconds=time.monotonic() - began)


def about_message(
    reference: str, what: str, transaction: Transaction, context: ReplyContext, about: Receipt | None = None
) -> None:
    """Tell the operator about one message, unless they had `alerts_per_day` such mails within a day.

    What is over goes in the next digest. Alerts that were dated in the future by a clock that was ahead do not count.
    `about` is the message in whose story the mail is told, if any.
    """
    most = context.reply_settings.alerts_per_day
    told = transaction.alerts(context.now - DAY, context.now)
    if told >= most:
        log.warning("operator not told: many alerts within a day", reference=reference, limit=most)
        return
    if told == most - 1:
        what = f"{what} This is the last of {most} such mails within a day. The daily list has whatever comes now."
    transaction.enqueue(compose.alert(reference, what, context), about, context.now)


def watch_mailbox(store: Store, clock: Clock, reply_settings: ReplySettings, trying: PollTimer) -> None:
    """Tell the operator that the mailbox is not read, and that it is read again; once each for all daemons together."""
    context = ReplyContext(reply_settings, clock())
    with store.transaction() as transaction:
        since = _hangs_since(transaction, context.now, trying.lasts())
        if since:
            transaction.note_unread(since)
        elif not trying.tried:
            return
        what = _take_news(transaction, context.now)
        if what:
            text = Text(ReplyKind.OPERATOR, f"planit_mailer: {what}", "notice", {"what": what})
            transaction.enqueue(compose.to_operator(text, context), None, context.now)
            log.warning("operator told", what=what)


def _hangs_since(transaction: Transaction, now: datetime, lasts: timedelta) -> datetime | None:
    """Since when this process has been trying in vain, if that is too long and no other daemon succeeded since."""
    since = now - lasts
    last = transaction.last_success()
    if last and since < last <= now:  # a success in the future was recorded by a clock that was ahead
        since = last
    return since if now - since >= PATIENCE else None


def _take_news(transaction: Transaction, now: datetime) -> str:
    """The news about the mailbox that the operator has not been told yet, or ""; it counts as told from now on."""
    since = transaction.unread_since()
    if since is None:
        return "the mailbox is read again" if transaction.clear_alert(UNREAD) else ""
    if now - since >= PATIENCE and transaction.record_alert_if_due(UNREAD, EVER, now):
        return f"the mailbox has not been read since {since:%H:%M} UTC on {since:%d/%m/%Y}"
    return ""


def send_digest(store: Store, clock: Clock, reply_settings: ReplySettings) -> None:
    """Once a day, list what no alert was about: quarantined mail, and messages whose reply did not arrive.

    It covers the days that are over since the last digest, and is left out if there is nothing to list. If the last
    digest was sent by a clock that was ahead, it covers everything that waits.
    """
    now = clock()
    today = _midnight(now)
    with store.transaction() as transaction:
        last = transaction.last_alert_at(DIGEST)
        since = _midnight(last) if last and last <= now else None
        untold = transaction.untold(since, today)
        is_something = bool(untold.quarantined or untold.undelivered)
        if is_something and transaction.record_alert_if_due(DIGEST, today, now):
            mail = compose.to_operator(_digest_text(untold), ReplyContext(reply_settings, now), "digest")
            transaction.enqueue(mail, None, now)


def _digest_text(untold: Untold) -> Text:
    said = []
    if untold.quarantined:
        said.append(f"{compose.counted(len(untold.quarantined), 'message')} quarantined")
    if untold.undelivered:
        said.append(f"{compose.counted(len(untold.undelivered), 'message')} without a reply")
    facts = {"quarantined": _listed(untold.quarantined), "undelivered": _listed(untold.undelivered)}
    return Text(ReplyKind.OPERATOR, f"planit_mailer: {', '.join(said)}", "digest", facts)


def _listed(references: tuple[str, ...]) -> Mapping[str, object]:
    return {
        "count": len(references),
        "references": references[:LISTED],
        "more": max(len(references) - LISTED, 0),
    }


def _midnight(moment: datetime) -> datetime:
    """The beginning of a moment's day in the schools' time zone."""
    return datetime.combine(letters.day_of(moment), datetime.min.time(), letters.LONDON)


def login_refused(error: LoginRefused, store: Store, context: ReplyContext) -> None:
    """Tell the operator that a server refuses our login, with its words: at once, and once a day while it lasts."""
    answer = str(error)
    what = f"{answer[0].upper()}{answer[1:]}\n\nSee whether the password or secret is right, and has not expired."
    _send_if_due(_login_text(error.what, what), DAY, store, context)


def secrets_expiring(secrets: Mapping[str, date | None], store: Store, context: ReplyContext) -> None:
    """Warn of secrets that expire within 30 days, in one mail a week. `secrets` has the date for each TOML table."""
    today = context.now.date()
    soon: dict[str, date] = {}
    for table, expires in secrets.items():
        if expires and expires - today <= NOTICE:
            soon[table] = expires
    if not soon:
        return
    notices = [str(expiry_notice(table, expires, today)) for table, expires in soon.items()]
    subject = f"a secret expires on {min(soon.values()):%d/%m/%Y}"
    _send_if_due(_login_text(subject, "\n\n".join(notices)), WEEK, store, context)


def expiry_notice(table: str, expires: date, today: date) -> Advice:
    """Say when a secret expires, or has expired, and what to do."""
    days = (expires - today).days
    when = f"expires on {expires:%d/%m/%Y}, in {days} days" if days >= 0 else f"expired on {expires:%d/%m/%Y}"
    said = f"The secret of [{table}] {when}"
    return Advice(said, "Make a new one, put it into its file, and say there until when it lasts.")


def _login_text(subject: str, what: str) -> Text:
    return Text(ReplyKind.OPERATOR, f"planit_mailer: {subject}", "login", {"what": what})


def _send_if_due(text: Text, every: timedelta, store: Store, context: ReplyContext) -> None:
    """Send a mail unless one with the same subject was sent within this time."""
    with store.transaction() as transaction:
        if transaction.record_alert_if_due(text.subject, context.now - every, context.now):
            transaction.enqueue(compose.to_operator(text, context), None, context.now)
            log.warning("operator told", what=text.subject)

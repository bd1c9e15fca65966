"""The alarm: one mail when the mailbox has not been read for a quarter of an hour, and one when it is read again.

A poll that fails is noted, and so is each message that is read. One that hangs can note nothing: its process knows how
long it has been at it. A daemon that was off says nothing of what was noted before that until it has tried itself.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.policy import letters
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings, Text
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
    """This process's tries to read the mailbox; `tried`: one of them has ended, well or badly."""

    def __init__(self, *, tried: bool = False) -> None:
        self.tried = tried
        self._began: float | None = None

    @contextmanager
    def to_read(self) -> Iterator[None]:
        """A try, for the length of a `with` block; of one within another counts the inner one."""
        self._began = time.monotonic()
        try:
            yield
        finally:
            self._began, self.tried = None, True

    def lasts(self) -> timedelta:
        """For how long a try has been going on: none where none does."""
        began = self._began
        return timedelta(seconds=time.monotonic() - began) if began else timedelta(0)


def watch_mailbox(store: Store, clock: Clock, reply_settings: ReplySettings, trying: PollTimer) -> None:
    """Tell the operator that the mailbox is not read, and that it is again; each once, whichever daemon finds it."""
    context = ReplyContext(reply_settings, clock())
    with store.transaction() as transaction:
        if since := _hangs_since(transaction, context.now, trying.lasts()):
            transaction.note_unread(since)
        elif not trying.tried:
            return
        if what := _news(transaction, context.now):
            text = Text(ReplyKind.OPERATOR, f"planit_mailer: {what}", "notice", {"what": what})
            transaction.enqueue(compose.to_operator(text, context), None, context.now)
            log.warning("operator told", what=what)


def _hangs_since(transaction: Transaction, now: datetime, lasts: timedelta) -> datetime | None:
    """Since when this process has been trying in vain, where that is too long; no other daemon was luckier since."""
    since, last = now - lasts, transaction.last_success()
    if last and since < last <= now:  # one after now is a clock's that was ahead
        since = last
    return since if now - since >= PATIENCE else None


def _news(transaction: Transaction, now: datetime) -> str:
    """What the operator has not heard yet, "" where nothing."""
    since = transaction.unread_since()
    if since is None:
        return "the mailbox is read again" if transaction.clear_alert(UNREAD) else ""
    if now - since >= PATIENCE and transaction.record_alert_if_due(UNREAD, EVER, now):
        return f"the mailbox has not been read since {since:%H:%M} UTC on {since:%d/%m/%Y}"
    return ""


def send_digest(store: Store, clock: Clock, reply_settings: ReplySettings) -> None:
    """Tell the operator of the days that are over since the last digest; nothing where there is nothing to tell.

    Where the last one was told by a clock that was ahead, of all that waits.
    """
    now = clock()
    today = _midnight(now)
    with store.transaction() as transaction:
        last = transaction.last_alert_at(DIGEST)
        references = transaction.quarantined_untold(_midnight(last) if last and last <= now else None, today)
        if references and transaction.record_alert_if_due(DIGEST, today, now):
            mail = compose.to_operator(_digest_text(references), ReplyContext(reply_settings, now), "digest")
            transaction.enqueue(mail, None, now)


def _digest_text(references: tuple[str, ...]) -> Text:
    count = compose.counted(len(references), "message")
    facts = {"count": count, "references": references[:LISTED], "more": max(len(references) - LISTED, 0)}
    return Text(ReplyKind.OPERATOR, f"planit_mailer: {count} quarantined", "digest", facts)


def _midnight(moment: datetime) -> datetime:
    """The beginning of a moment's day where schools are."""
    return datetime.combine(letters.day_of(moment), datetime.min.time(), letters.LONDON)


def login_refused(answer: str, store: Store, context: ReplyContext) -> None:
    """Tell the operator that a server does not let us in, with its words: at the first time, and each day it lasts."""
    what = f"{answer[0].upper()}{answer[1:]}\n\nSee whether the password or secret is right, and has not expired."
    _send_if_due(_login_text(answer.partition(": ")[0], what), DAY, store, context)


def secrets_expiring(secrets: Mapping[str, date | None], store: Store, context: ReplyContext) -> None:
    """Warn of the secrets, by the tables that they stand in, that expire within 30 days: one mail a week for all."""
    today = context.now.date()
    soon = {table: expires for table, expires in secrets.items() if expires and expires - today <= NOTICE}
    if soon:
        what = "\n\n".join(expiry_notice(table, expires, today) for table, expires in soon.items())
        _send_if_due(_login_text(f"a secret expires on {min(soon.values()):%d/%m/%Y}", what), WEEK, store, context)


def expiry_notice(table: str, expires: date, today: date) -> str:
    """What to say of a secret that expires soon, or has."""
    days = (expires - today).days
    when = f"expires on {expires:%d/%m/%Y}, in {days} days" if days >= 0 else f"expired on {expires:%d/%m/%Y}"
    return f"The secret of [{table}] {when}. Make a new one, put it into its file, and say there until when it lasts."


def _login_text(subject: str, what: str) -> Text:
    return Text(ReplyKind.OPERATOR, f"planit_mailer: {subject}", "login", {"what": what})


def _send_if_due(text: Text, every: timedelta, store: Store, context: ReplyContext) -> None:
    """One mail with this subject in so much time; the first at once."""
    with store.transaction() as transaction:
        if transaction.record_alert_if_due(text.subject, context.now - every, context.now):
            transaction.enqueue(compose.to_operator(text, context), None, context.now)
            log.warning("operator told", what=text.subject)

"""The alarm: one mail when the mailbox has not been read for a quarter of an hour, and one when it is read again.

A poll that fails is noted, and so is each message that is read. One that hangs can note nothing: its process knows how
long it has been at it. A daemon that was off says nothing of what was noted before that until it has tried itself.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings, Text
from planit_mailer.ports import Clock, Store, Transaction

log = logs.get(__name__)

PATIENCE = timedelta(minutes=15)
TOPIC = "the mailbox is not read"
EVER = datetime.min.replace(tzinfo=UTC)


class Trying:
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


def watch(store: Store, clock: Clock, stationery: ReplySettings, trying: Trying) -> None:
    """Tell the operator that the mailbox is not read, and that it is again; each once, whichever daemon finds it."""
    desk = ReplyContext(stationery, clock())
    with store.transaction() as transaction:
        if since := _hangs_since(transaction, desk.now, trying.lasts()):
            transaction.note_unread(since)
        elif not trying.tried:
            return
        if what := _news(transaction, desk.now):
            text = Text(ReplyKind.OPERATOR, f"planit_mailer: {what}", "notice", {"what": what})
            transaction.enqueue(compose.to_operator(text, desk), None, desk.now)
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
        return "the mailbox is read again" if transaction.is_over(TOPIC) else ""
    if now - since >= PATIENCE and transaction.first_since(TOPIC, EVER, now):
        return f"the mailbox has not been read since {since:%H:%M} UTC on {since:%d/%m/%Y}"
    return ""

"""The alarm: one mail when the mailbox has not been read for a quarter of an hour, and one when it is read again."""

from datetime import UTC, datetime, timedelta

from planit_mailer import logs
from planit_mailer.ledger import ReplyKind
from planit_mailer.mail import replies
from planit_mailer.mail.replies import Desk, Stationery, Text
from planit_mailer.ports import Clock, Store, Transaction

log = logs.get(__name__)

PATIENCE = timedelta(minutes=15)
TOPIC = "the mailbox is not read"
EVER = datetime.min.replace(tzinfo=UTC)


def watch(store: Store, clock: Clock, stationery: Stationery) -> None:
    """Tell the operator that the mailbox is not read, and that it is again; each once, whichever daemon finds it."""
    desk = Desk(stationery, clock())
    with store.transaction() as transaction:
        if what := _news(transaction, desk.now):
            text = Text(ReplyKind.OPERATOR, f"planit_mailer: {what}", "notice", {"what": what})
            transaction.enqueue(replies.to_operator(text, desk), None, desk.now)
            log.warning("operator told", what=what)


def _news(transaction: Transaction, now: datetime) -> str:
    """What the operator has not heard yet, "" where nothing."""
    since = transaction.unread_since()
    if since is None:
        return "the mailbox is read again" if transaction.is_over(TOPIC) else ""
    if now - since >= PATIENCE and transaction.first_since(TOPIC, EVER, now):
        return f"the mailbox has not been read since {since:%H:%M} UTC on {since:%d/%m/%Y}"
    return ""

"""Our logins: the operator hears at once of one that is refused, and in time of a secret that will expire.

Both go unnoticed for weeks otherwise. Where it is the relay that refuses us, the mail about it waits in the outbox, and
the log alone says so.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from planit_mailer.core import logs
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, Text
from planit_mailer.ports import Store

log = logs.get(__name__)

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
NOTICE = timedelta(days=30)  # before a secret expires


def refused(answer: str, store: Store, desk: ReplyContext) -> None:
    """Tell the operator that a server does not let us in, with its words: at the first time, and each day it lasts."""
    what = f"{answer[0].upper()}{answer[1:]}\n\nSee whether the password or secret is right, and has not expired."
    _tell(_text(answer.partition(": ")[0], what), DAY, store, desk)


def expiring(secrets: Mapping[str, date | None], store: Store, desk: ReplyContext) -> None:
    """Warn of the secrets, by the tables that they stand in, that expire within 30 days: one mail a week for all."""
    today = desk.now.date()
    soon = {table: expires for table, expires in secrets.items() if expires and expires - today <= NOTICE}
    if soon:
        what = "\n\n".join(expiry(table, expires, today) for table, expires in soon.items())
        _tell(_text(f"a secret expires on {min(soon.values()):%d/%m/%Y}", what), WEEK, store, desk)


def expiry(table: str, expires: date, today: date) -> str:
    """What to say of a secret that expires soon, or has."""
    days = (expires - today).days
    when = f"expires on {expires:%d/%m/%Y}, in {days} days" if days >= 0 else f"expired on {expires:%d/%m/%Y}"
    return f"The secret of [{table}] {when}. Make a new one, put it into its file, and say there until when it lasts."


def _text(subject: str, what: str) -> Text:
    return Text(ReplyKind.OPERATOR, f"planit_mailer: {subject}", "login", {"what": what})


def _tell(text: Text, every: timedelta, store: Store, desk: ReplyContext) -> None:
    """One mail with this subject in so much time; the first at once."""
    with store.transaction() as transaction:
        if transaction.first_since(text.subject, desk.now - every, desk.now):
            transaction.enqueue(compose.to_operator(text, desk), None, desk.now)
            log.warning("operator told", what=text.subject)

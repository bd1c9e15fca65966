"""What the operator hears about the service itself: a login that is refused, a secret that will expire.

Both go unnoticed for weeks otherwise. Where it is the relay that refuses us, the mail about it waits in the outbox, and
the log alone says so.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from planit_mailer import logs
from planit_mailer.mail import replies
from planit_mailer.mail.replies import Desk
from planit_mailer.ports import Store

log = logs.get(__name__)

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
NOTICE = timedelta(days=30)  # before a secret expires


def login_refused(answer: str, store: Store, desk: Desk) -> None:
    """Tell the operator that a server does not let us in, with its words: at the first time, and each day it lasts."""
    what = (
        f"A login was refused: {answer}. It is tried again and nothing is lost. See whether the password or the secret "
        "is right and has not expired; planit-mailer doctor tries every login."
    )
    with store.transaction() as transaction:
        if transaction.first_since(f"login refused: {answer.partition(':')[0]}", desk.now - DAY, desk.now):
            transaction.enqueue(replies.alert("", what, desk), None, desk.now)


def expiring(secrets: Mapping[str, date | None], store: Store, desk: Desk) -> None:
    """Warn of each secret, by the table that it stands in, that expires within 30 days: once a week."""
    today = desk.now.date()
    for table, expires in secrets.items():
        if expires is None or expires - today > NOTICE:
            continue
        with store.transaction() as transaction:
            if transaction.first_since(f"secret expires: {table} {expires}", desk.now - WEEK, desk.now):
                transaction.enqueue(replies.alert("", expiry(table, expires, today), desk), None, desk.now)
                log.warning("secret expires soon", table=table, expires=str(expires))


def expiry(table: str, expires: date, today: date) -> str:
    """What to say of a secret that expires soon, or has."""
    days = (expires - today).days
    when = f"expires on {expires:%d %B %Y}, in {days} days" if days >= 0 else f"expired on {expires:%d %B %Y}"
    return f"The secret of [{table}] {when}. Make a new one, put it into its file, and say there until when it lasts."

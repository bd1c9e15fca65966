"""Once a day: what was quarantined without a word to the operator, because its From address is nobody's we know."""

from datetime import datetime, time

from planit_mailer.ledger import ReplyKind
from planit_mailer.mail import letters, replies
from planit_mailer.mail.replies import Desk, Stationery, Text
from planit_mailer.ports import Clock, Store

TOPIC = "quarantine digest"
LISTED = 100  # references; `held` lists them all


def tell(store: Store, clock: Clock, stationery: Stationery) -> None:
    """Tell the operator of the days that are over since the last digest; nothing where there is nothing to tell.

    Where the last one was told by a clock that was ahead, of all that waits.
    """
    now = clock()
    today = _midnight(now)
    with store.transaction() as transaction:
        last = transaction.told_at(TOPIC)
        references = transaction.quarantined_untold(_midnight(last) if last and last <= now else None, today)
        if references and transaction.first_since(TOPIC, today, now):
            mail = replies.to_operator(_text(references), Desk(stationery, now), "digest")
            transaction.enqueue(mail, None, now)


def _text(references: tuple[str, ...]) -> Text:
    count = replies.counted(len(references), "message")
    facts = {"count": count, "references": references[:LISTED], "more": max(len(references) - LISTED, 0)}
    return Text(ReplyKind.OPERATOR, f"planit_mailer: {count} quarantined", "digest", facts)


def _midnight(moment: datetime) -> datetime:
    """The beginning of a moment's day where schools are."""
    return datetime.combine(letters.day_of(moment), time(), letters.LONDON)

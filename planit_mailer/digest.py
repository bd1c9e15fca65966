"""Once a day: what was quarantined without a word to the operator, because its From address is nobody's we know."""

from datetime import datetime, time

from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.policy import letters
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings, Text
from planit_mailer.ports import Clock, Store

TOPIC = "quarantine digest"
LISTED = 100  # references; `held` lists them all


def tell(store: Store, clock: Clock, stationery: ReplySettings) -> None:
    """Tell the operator of the days that are over since the last digest; nothing where there is nothing to tell.

    Where the last one was told by a clock that was ahead, of all that waits.
    """
    now = clock()
    today = _midnight(now)
    with store.transaction() as transaction:
        last = transaction.told_at(TOPIC)
        references = transaction.quarantined_untold(_midnight(last) if last and last <= now else None, today)
        if references and transaction.first_since(TOPIC, today, now):
            mail = compose.to_operator(_text(references), ReplyContext(stationery, now), "digest")
            transaction.enqueue(mail, None, now)


def _text(references: tuple[str, ...]) -> Text:
    count = compose.counted(len(references), "message")
    facts = {"count": count, "references": references[:LISTED], "more": max(len(references) - LISTED, 0)}
    return Text(ReplyKind.OPERATOR, f"planit_mailer: {count} quarantined", "digest", facts)


def _midnight(moment: datetime) -> datetime:
    """The beginning of a moment's day where schools are."""
    return datetime.combine(letters.day_of(moment), time(), letters.LONDON)

"""What the verbs of a transaction share: its connection, and finding a receipt."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, Row, func, insert, select, update

from planit_mailer.adapters.sql.schema import receipts, state
from planit_mailer.core.errors import Refused
from planit_mailer.domain.messages import MessageQuery, Outcome, Receipt, Released


class Repository:
    """One open transaction. `forgets` is set by a verb that leaves old values in the database's free pages."""

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self.forgets = False

    def _change(self, arrival: int, values: Mapping[str, Any]) -> None:
        """Change a receipt. Raises LookupError where there is none: a mistake of ours."""
        changed = self._connection.execute(update(receipts).where(receipts.c.id == arrival).values(values))
        if not changed.rowcount:
            raise LookupError(f"there is no receipt {arrival}")

    def _named(self, reference: str) -> Row[Any]:
        """The receipt that a person names. Raises Refused where there is none."""
        row = self._connection.execute(
            select(receipts).where(receipts.c.reference == normalised_reference(reference))
        ).first()
        if row is None:
            raise Refused(f"No message is known as {reference}.")
        return row

    def _state(self, key: str) -> datetime | None:
        return self._connection.scalar(select(state.c.at).where(state.c.key == key))

    def _note_state(self, key: str, at: datetime) -> None:
        if not self._connection.execute(update(state).where(state.c.key == key).values(at=at)).rowcount:
            self._connection.execute(insert(state).values(key=key, at=at))


def normalised_reference(reference: str) -> str:
    """A reference as people write it: in small letters, or with the number of an upload behind it."""
    return reference.strip().upper().partition("/")[0]


def receipt(row: Row[Any]) -> Receipt:
    """The receipt that a row holds."""
    return Receipt(
        arrival=row.id,
        reference=row.reference,
        received_at=row.received_at,
        first_seen_at=row.first_seen_at,
        attempts=row.attempts,
        crashes=row.deaths,
        outcome=Outcome(row.outcome) if row.outcome else None,
        reason=row.reason,
        released=row.released,
        accept_identities=row.accept_identities,
    )


def as_released(row: Row[Any]) -> Released:
    """The message of a row that is to be brought back to the inbox."""
    return Released(row.reference, row.folder, message_query(row))


def message_query(row: Row[Any]) -> MessageQuery:
    """What the message of a row is found by."""
    return MessageQuery(row.digest, row.message_id, row.size, row.received_at)


def alike(one: FromClause, other: FromClause) -> list[ColumnElement[bool]]:
    """Two receipts name one message that was delivered twice: by sender, Message-ID and attachments."""
    return [one.c[name] == other.c[name] for name in ("message_id", "sender", "attachments_digest")]


def filed(folder: str, now: datetime) -> dict[str, Any]:
    """What is written down of a message that was filed."""
    last = select(func.max(receipts.c.id)).correlate(None).scalar_subquery()
    return {"folder": folder, "filed_at": now, "filed_after": last, "to_bring_back": False}


def gone(at: datetime) -> dict[str, Any]:
    """The receipt of a message that somebody took away: filed nowhere, nothing is owed, and it makes nothing known.

    Not by its UID either: should it be there after all, it arrives now.
    """
    reason = "gone from the inbox before it could be processed"
    return {
        "uidvalidity": None,
        "uid": None,
        "outcome": Outcome.IGNORED.value,
        "reason": reason,
        "unanswered": reason,
        "in_hand": False,
        "attachments_digest": "",
        "due_at": None,
        "settled_at": at,
        "filed_at": at,
        "mail_deleted_at": at,
    }

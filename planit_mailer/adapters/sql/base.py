"""The base class of all repositories: an open transaction, and how a receipt is found."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, Row, func, insert, select, update

from planit_mailer.adapters.sql.schema import receipts, state
from planit_mailer.core.errors import Refused
from planit_mailer.domain.messages import MessageQuery, Outcome, Receipt, ReceiptState, Released


class Repository:
    """Queries and commands on one open transaction.

    `forgets` is set by a command that leaves old values in the database's free pages.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection: Final = connection
        self.forgets = False

    def _change(self, arrival: int, values: Mapping[str, Any]) -> None:
        """Change a receipt. Raises LookupError if there is none: that is a mistake of ours."""
        changed = self._connection.execute(update(receipts).where(receipts.c.id == arrival).values(values))
        if not changed.rowcount:
            raise LookupError(f"there is no receipt {arrival}")

    def _named(self, reference: str) -> Row[Any]:
        """The receipt with a reference that a person typed. Raises Refused if there is none."""
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
    """A reference as it is stored, from one in small letters or with the number of an upload at the end."""
    return reference.strip().upper().partition("/")[0]


def receipt(row: Row[Any]) -> Receipt:
    """Make a receipt from its row."""
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


def receipt_state(row: Row[Any]) -> ReceiptState:
    """How far the message of a row has come: the one place that reads its flags together."""
    if row.mail_deleted_at is not None:
        return ReceiptState.DELETED
    if row.superseded:
        return ReceiptState.SUPERSEDED
    if row.outcome is None:
        return ReceiptState.OPEN
    return ReceiptState.FILED if row.filed_at is not None else ReceiptState.SETTLED


def as_released(row: Row[Any]) -> Released:
    """Make a released message, which is to be moved back to the inbox, from its row."""
    return Released(row.reference, row.folder, message_query(row))


def message_query(row: Row[Any]) -> MessageQuery:
    """The properties by which the message of a row is found in the mailbox."""
    return MessageQuery(row.digest, row.message_id, row.size, row.received_at)


def alike(one: FromClause, other: FromClause) -> list[ColumnElement[bool]]:
    """The condition that two receipts are of one message, delivered twice: same sender, Message-ID, attachments."""
    return [one.c[name] == other.c[name] for name in ("message_id", "sender", "attachments_digest")]


def filed(folder: str, now: datetime) -> dict[str, Any]:
    """The columns to set when a message was filed."""
    last = select(func.max(receipts.c.id)).correlate(None).scalar_subquery()
    return {"folder": folder, "filed_at": now, "filed_after": last, "to_bring_back": False}


def gone(at: datetime) -> dict[str, Any]:
    """The columns to set when somebody took a message away: it is filed nowhere, and no answer is owed.

    It makes nothing known, not even by its UID: if it is there after all, it arrives now.
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

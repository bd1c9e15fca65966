"""Release and refusal: the operator's decisions about a message. The daemon acts on them at its next poll."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from planit_mailer.adapters.sql import register
from planit_mailer.adapters.sql.base import Repository, as_released
from planit_mailer.adapters.sql.schema import receipts
from planit_mailer.core.errors import Refused
from planit_mailer.domain.messages import Outcome, Released

HELD, QUARANTINED, IGNORED = (o.value for o in (Outcome.HELD, Outcome.QUARANTINED, Outcome.IGNORED))


class Releases(Repository):
    """Commands of approve, retry and refuse, and queries for bringing released messages back."""

    def release(self, reference: str, now: datetime, due_at: datetime, *, accept_identities: bool = False) -> None:
        """Let a settled message be processed once more; it keeps its place in the order of arrival.

        Its sender is authenticated as before: see vouch(). Raises Refused if it is not settled yet, was deleted, or
        cannot be found again because it was never read.
        """
        row = self._named(reference)
        if row.mail_deleted_at or row.superseded:
            raise Refused(f"{row.reference} has been deleted: the school has to send it again.")
        if row.filed_at and not row.digest:
            raise Refused(
                f"{row.reference} was never read: move it from the folder {row.folder} to the inbox yourself."
            )
        if row.outcome:
            self._release(row, now, due_at)
        elif not row.to_bring_back:
            raise Refused(f"{row.reference} is being processed.")
        self._change(row.id, {"accept_identities": accept_identities})

    def vouch(self, reference: str) -> None:
        """Let the sender of this one message count as authentic, whatever its mail server found."""
        self._change(self._named(reference).id, {"released": True})

    def release_registered(self, now: datetime, reply_within: timedelta) -> int:
        """Release every held message whose sender was registered since, in order of arrival. Return their number."""
        held = select(receipts).where(receipts.c.outcome == HELD, ~_gone()).order_by(receipts.c.id)
        count = 0
        for row in self._connection.execute(held).all():
            registration = register.registration(self._connection, row.sender)
            if registration.schools and not registration.denied:
                self._release(row, now, now + reply_within)
                count += 1
        return count

    def to_bring_back(self) -> tuple[Released, ...]:
        """The released messages that were not taken up since, in order of arrival; also what was erased meanwhile."""
        rows = self._connection.execute(select(receipts).where(receipts.c.to_bring_back).order_by(receipts.c.id))
        return tuple(map(as_released, rows))

    def note_lost(self, released: Released, now: datetime) -> None:
        """Record that a released message is in no folder: a person has to look, unless it was to be deleted anyway."""
        row = self._named(released.reference)
        lost = {
            "outcome": QUARANTINED,
            "reason": "released, but not found in the mailbox",
            "unanswered": "the message is lost",
            "settled_at": now,
        }
        nowhere = {"to_bring_back": False, "filed_at": now, "mail_deleted_at": now}
        self._change(row.id, nowhere if row.outcome else lost | nowhere)

    def refuse(self, reference: str, now: datetime) -> None:
        """Delete a held or quarantined message without an answer. Raises Refused if it is neither."""
        row = self._named(reference)
        if row.outcome not in {HELD, QUARANTINED}:
            raise Refused(f"{row.reference} does not wait for you: it is {row.outcome or 'being processed'}.")
        reason = "refused by the operator"
        values = {"outcome": IGNORED, "reason": reason, "unanswered": reason, "settled_at": now, "due_at": None}
        self._change(row.id, values | {"superseded": True})

    def _release(self, row: Row[Any], now: datetime, due_at: datetime) -> None:
        """Make a message unsettled; it is found by its bytes as soon as it is back.

        One that is not filed yet keeps its key: it is still in the inbox, or it is being moved, or we crashed while we
        moved it.
        """
        values = {
            "outcome": None,
            "attempts": 0,
            "deaths": 0,
            "accept_identities": False,
            "clock_from": now,
            "due_at": due_at,
            "answered_at": None,
            "warned": 0,
            "unanswered": "",
            "to_bring_back": True,
        }
        if row.filed_at:
            values |= {"filed_at": None, "uidvalidity": None, "uid": None}
        self._connection.execute(update(receipts).where(receipts.c.id == row.id).values(values))


def _gone() -> Any:
    return receipts.c.superseded | receipts.c.mail_deleted_at.is_not(None)

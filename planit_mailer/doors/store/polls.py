"""What a poll saw: when the mailbox was looked at, since when it cannot be read, what lies in the inbox no more."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from planit_mailer.doors.store.verbs import Verbs, filed
from planit_mailer.doors.tables import receipts, state
from planit_mailer.ledger import Outcome, Waiting

UNREAD = "unread_since"


class Polls(Verbs):
    """The verbs about polls; all daemons on one database share what they note."""

    def note_poll(self, now: datetime, *, success: bool) -> None:
        """The mailbox was looked at."""
        self._note_state("last_poll", now)
        if success:
            self._note_state("last_success", now)
            self._connection.execute(delete(state).where(state.c.key == UNREAD))
        else:
            self._note_state(UNREAD, min(self.unread_since() or now, now))  # the clock may have been ahead

    def note_filed_before(self, inbox: Sequence[Waiting], folders: Mapping[Outcome, str], now: datetime) -> None:
        """Settled messages that are in the inbox no more lie in the folder of their outcome.

        Whoever moved them died before it could note that. Of a mailbox that was rebuilt only an empty inbox says so:
        else they may be in it under new UIDs.
        """
        unfiled = receipts.c.outcome.is_not(None) & receipts.c.filed_at.is_(None) & ~receipts.c.to_bring_back
        for message in inbox[:1]:
            unfiled &= receipts.c.uidvalidity == message.key.uidvalidity
        there = {message.key.uid for message in inbox}
        for row in self._connection.execute(select(receipts).where(unfiled)).all():
            if row.uid not in there:
                self._change(row.id, filed(folders[Outcome(row.outcome)], now))

    def unread_since(self) -> datetime | None:
        """The first poll that failed since one succeeded; None where the last one did."""
        return self._connection.scalar(select(state.c.at).where(state.c.key == UNREAD))

    def _note_state(self, key: str, at: datetime) -> None:
        if not self._connection.execute(update(state).where(state.c.key == key).values(at=at)).rowcount:
            self._connection.execute(insert(state).values(key=key, at=at))

"""What a poll saw: when the mailbox was looked at, since when it cannot be read, what lies in the inbox no more."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select

from planit_mailer.adapters.sql.base import Repository, filed, gone
from planit_mailer.adapters.sql.schema import receipts, state
from planit_mailer.domain.messages import InboxMessage, Key, Outcome, Receipt

SUCCESS, UNREAD = "last_success", "unread_since"
TAKEN_UP = (receipts.c.digest != "") | (receipts.c.attempts > 0)
OPEN = TAKEN_UP & receipts.c.outcome.is_(None) & ~receipts.c.to_bring_back  # neither settled nor to be brought back


class Polls(Repository):
    """The verbs about polls; all daemons on one database share what they note."""

    def note_poll(self, now: datetime, *, success: bool) -> None:
        """The mailbox was looked at."""
        self._note_state("last_poll", now)
        if success:
            self._note_state(SUCCESS, now)
            self._connection.execute(delete(state).where(state.c.key == UNREAD))
        else:
            self.note_unread(now)

    def note_unread(self, since: datetime) -> None:
        """The mailbox has not been read since then."""
        self._note_state(UNREAD, min(self.unread_since() or since, since))  # the clock may have been ahead

    def note_filed_before(self, inbox: Sequence[InboxMessage], folders: Mapping[Outcome, str], now: datetime) -> None:
        """Settled messages that are in the inbox no more lie in the folder of their outcome.

        Whoever moved them died before it could note that. Of a mailbox that was rebuilt only an empty inbox says so:
        else they may be in it under new UIDs. What another message has the UID of is in it no more.
        """
        unfiled = receipts.c.outcome.is_not(None) & receipts.c.filed_at.is_(None) & ~receipts.c.to_bring_back
        for message in inbox[:1]:
            unfiled &= (receipts.c.uidvalidity == message.key.uidvalidity) | receipts.c.uid.is_(None)
        there = {message.key.uid for message in inbox}
        for row in self._connection.execute(select(receipts).where(unfiled)).all():
            if row.uid not in there:
                self._change(row.id, filed(folders[Outcome(row.outcome)], now))

    def vanished(self, inbox: Sequence[InboxMessage], *, everywhere: bool) -> tuple[Key | None, ...]:
        """The keys of messages that were taken up before, are not settled, and are in the inbox no more.

        None stands for those whose UID another message has. `everywhere`: also of an inbox that was rebuilt since; what
        is still in it is known by its new UID then.
        """
        there = {message.key for message in inbox}
        columns = (receipts.c.uidvalidity, receipts.c.uid)
        rows = self._connection.execute(select(*columns).where(OPEN).order_by(receipts.c.id)).all()
        keys = dict.fromkeys(Key(row.uidvalidity, row.uid) if row.uid else None for row in rows)
        same = {key.uidvalidity for key in there}
        return tuple(key for key in keys if key not in there and (everywhere or (key and key.uidvalidity in same)))

    def drop(self, receipt: Receipt) -> None:
        """The message was gone before it could be read: somebody else moved or deleted it.

        One that was never read leaves nothing; one that was is settled, so that its clock stops.
        """
        self._drop((receipts.c.id == receipt.arrival) & receipts.c.outcome.is_(None))

    def drop_vanished(self, key: Key | None) -> tuple[str, ...]:
        """As drop() what has this key, None for all that have lost theirs, and still has it; the references."""
        uidvalidity, uid = (key.uidvalidity, key.uid) if key else (None, None)
        return self._drop(OPEN & (receipts.c.uidvalidity == uidvalidity) & (receipts.c.uid == uid))

    def unread_since(self) -> datetime | None:
        """Since when the mailbox cannot be read: the first try that failed since one succeeded; None where it can."""
        return self._state(UNREAD)

    def last_success(self) -> datetime | None:
        """When the mailbox was last read; None where it never was."""
        return self._state(SUCCESS)

    def _drop(self, which: ColumnElement[bool]) -> tuple[str, ...]:
        rows = self._connection.execute(select(receipts).where(which)).all()
        self._connection.execute(delete(receipts).where(which, receipts.c.digest == ""))
        for row in rows:
            if row.digest:
                self._change(row.id, gone(row.received_at))
        return tuple(row.reference for row in rows)

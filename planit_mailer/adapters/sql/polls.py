"""Polls: when the mailbox was read, since when it cannot be read, and which messages have left the inbox."""

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
    """Records of polls, which all daemons on one database share."""

    def note_poll(self, now: datetime, *, success: bool) -> None:
        """Record a poll."""
        self._note_state("last_poll", now)
        if success:
            self._note_state(SUCCESS, now)
            self._connection.execute(delete(state).where(state.c.key == UNREAD))
        else:
            self.note_unread(now)

    def note_unread(self, since: datetime) -> None:
        """Record since when the mailbox has not been read."""
        self._note_state(UNREAD, min(self.unread_since() or since, since))  # the clock may have been ahead

    def note_filed_before(self, inbox: Sequence[InboxMessage], folders: Mapping[Outcome, str], now: datetime) -> None:
        """Record settled messages that have left the inbox as filed in the folder of their outcome.

        We moved them and crashed before that was recorded. If the mailbox was rebuilt, only an empty inbox proves it:
        else they may be in it under new UIDs. A message whose UID now belongs to another one has left the inbox.
        """
        unfiled = receipts.c.outcome.is_not(None) & receipts.c.filed_at.is_(None) & ~receipts.c.to_bring_back
        for message in inbox[:1]:
            unfiled &= (receipts.c.uidvalidity == message.key.uidvalidity) | receipts.c.uid.is_(None)
        there = {message.key.uid for message in inbox}
        for row in self._connection.execute(select(receipts).where(unfiled)).all():
            if row.uid not in there:
                self._change(row.id, filed(folders[Outcome(row.outcome)], now))

    def vanished(self, inbox: Sequence[InboxMessage], *, everywhere: bool) -> tuple[Key | None, ...]:
        """UIDs of unfinished messages that are no longer in the inbox; None for those whose UID another message has.

        `everywhere`: also those of an inbox that was rebuilt since. A message that is still in it is known by its new
        UID then.
        """
        there = {message.key for message in inbox}
        columns = (receipts.c.uidvalidity, receipts.c.uid)
        rows = self._connection.execute(select(*columns).where(OPEN).order_by(receipts.c.id)).all()
        keys = dict.fromkeys(Key(row.uidvalidity, row.uid) if row.uid else None for row in rows)
        same = {key.uidvalidity for key in there}
        return tuple(key for key in keys if key not in there and (everywhere or (key and key.uidvalidity in same)))

    def drop(self, receipt: Receipt) -> None:
        """Settle a message that was gone before it could be read: somebody else moved or deleted it.

        If it was never read, nothing of it is left. Otherwise its receipt is settled, so that its clock stops.
        """
        self._drop((receipts.c.id == receipt.arrival) & receipts.c.outcome.is_(None))

    def drop_vanished(self, key: Key | None) -> tuple[str, ...]:
        """Drop, as drop() does, unfinished messages with this key, or all without one. Return their references."""
        uidvalidity, uid = (key.uidvalidity, key.uid) if key else (None, None)
        return self._drop(OPEN & (receipts.c.uidvalidity == uidvalidity) & (receipts.c.uid == uid))

    def unread_since(self) -> datetime | None:
        """The first failed poll since the last success; None if the mailbox can be read."""
        return self._state(UNREAD)

    def last_success(self) -> datetime | None:
        """The time when the mailbox was last read; None if it never was."""
        return self._state(SUCCESS)

    def _drop(self, which: ColumnElement[bool]) -> tuple[str, ...]:
        rows = self._connection.execute(select(receipts).where(which)).all()
        self._connection.execute(delete(receipts).where(which, receipts.c.digest == ""))
        for row in rows:
            if row.digest:
                self._change(row.id, gone(row.received_at))
        return tuple(row.reference for row in rows)

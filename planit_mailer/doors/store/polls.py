"""When the mailbox was looked at, and since when it cannot be read."""

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from planit_mailer.doors.store.verbs import Verbs
from planit_mailer.doors.tables import state

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

    def unread_since(self) -> datetime | None:
        """The first poll that failed since one succeeded; None where the last one did."""
        return self._connection.scalar(select(state.c.at).where(state.c.key == UNREAD))

    def _note_state(self, key: str, at: datetime) -> None:
        if not self._connection.execute(update(state).where(state.c.key == key).values(at=at)).rowcount:
            self._connection.execute(insert(state).values(key=key, at=at))

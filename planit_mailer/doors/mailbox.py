"""The IMAP mailbox: what waits in the inbox, its bytes, and where they are filed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from planit_mailer.core import config, logs
from planit_mailer.core.errors import Unavailable
from planit_mailer.domain.messages import Fetched, InboxMessage, Key
from planit_mailer.doors import idling, imap, imap_login
from planit_mailer.doors.folders import Folders
from planit_mailer.doors.imap import Connection, Vanished

log = logs.get(__name__)

IDLE = 300  # seconds; networks drop a connection that is silent for longer


@contextmanager
def open_mailbox(settings: config.Mailbox) -> Iterator["Mailbox"]:
    """Log in and select the inbox, for the length of a `with` block. Raises Unavailable."""
    mailbox = Mailbox(imap_login.connect(settings), settings.folder)
    try:
        mailbox.look()
        yield mailbox
    finally:
        mailbox.close()


class Mailbox(Folders):
    """The verbs of the inbox, and of the folders beside it."""

    def __init__(self, client: Connection, inbox: str) -> None:
        super().__init__(client, inbox)
        self._uidvalidity = 0
        self._next_uid = 0
        self._told = False

    def look(self) -> int:
        """Select the inbox afresh; how many messages are in it."""
        with self._asking(f'the mailbox did not open the folder "{self._inbox}"') as client:
            state = self._select(client, self._inbox)
            uidvalidity = int(state[b"UIDVALIDITY"])
            if self._uidvalidity not in {0, uidvalidity}:
                raise Unavailable("its UIDVALIDITY changed: it was rebuilt")
            self._uidvalidity = uidvalidity
            self._next_uid = int(state.get(b"UIDNEXT", 0))
            return int(state[b"EXISTS"])

    def waiting(self) -> tuple[InboxMessage, ...]:
        """The messages in the inbox by UID, in order of arrival; flags mean nothing, and no date means now."""
        exists = self.look()
        with self._asking("the mailbox did not list its messages") as client:
            uids = sorted(imap.uids(client, exists))
            now = datetime.now(UTC)
            return tuple(
                InboxMessage(Key(self._uidvalidity, item.uid), item.size, item.came or now, dated=item.came is not None)
                for item in imap.listed(client, uids)
            )

    def fetch(self, waiting: InboxMessage, limit: int) -> Fetched | None:
        """The bytes of a message; its header alone where they are more than `limit`; None where it is gone.

        The size that the server gave is a first look only: some servers estimate it.
        """
        uid = self._uid(waiting.key)
        with self._asking("the mailbox did not hand over a message") as client:
            try:
                raw = _at_most(client, uid, waiting.size, limit)
                return Fetched(imap.header(client, uid), whole=False) if raw is None else Fetched(raw)
            except Vanished:
                return None

    def holds(self, key: Key) -> bool:
        """Whether a message is in the inbox; False also under a UIDVALIDITY that the inbox has no more."""
        self.look()
        with self._asking("the mailbox did not look for a message") as client:
            return key.uidvalidity == self._uidvalidity and imap.is_there(client, key.uid)

    def file(self, key: Key, folder: str) -> bool:
        """Move a message out of the inbox; False where it was gone already: then it is filed already.

        Raises Declined where the server says no, as without rights to the folder: other messages may still be filed.
        """
        uid = self._uid(key)
        with self._asking(f'the mailbox did not file a message in the folder "{folder}"') as client:
            if imap.can_move(client):
                return imap.move(client, uid, folder)
            if not self._told:
                self._told = True
                log.warning("messages stay in the inbox: the mailbox offers neither MOVE nor UIDPLUS")
            return False

    def offers(self, capability: str) -> bool:
        """Whether the server says that it has an extension of IMAP, such as "MOVE"."""
        with self._asking("the mailbox did not say what it can do") as client:
            return bool(client.has_capability(capability))

    def idle(self, seconds: float, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Wait for new mail, at most so long and no longer than we may; whether there may be some.

        IDLE is a hint: poll all the same.
        """
        known = self._next_uid
        self.look()
        if known != self._next_uid:  # it came while we were busy: IDLE would not say so again
            return True
        with self._asking("the connection was lost while waiting for mail") as client:
            wait = idling.idle if client.has_capability("IDLE") else idling.wait
            return wait(client, min(seconds, IDLE), stopping)

    def _uid(self, key: Key) -> int:
        """The UID of a message in the inbox, selected. After a rebuild of the mailbox it would name another message."""
        if self._selected != self._inbox:
            self.look()
        if key.uidvalidity != self._uidvalidity:
            raise Unavailable("the mailbox was rebuilt meanwhile: its UIDVALIDITY changed")
        return key.uid


def _at_most(client: Connection, uid: int, size: int, limit: int) -> bytes | None:
    """A message as it was sent, None where it is larger than the limit. Raises Vanished."""
    raw = bytearray()
    for chunk in imap.chunks(client, uid, size) if size <= limit else ():
        raw += chunk
        if len(raw) > limit:
            break
    return None if max(size, len(raw)) > limit else bytes(raw)

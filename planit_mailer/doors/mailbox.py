"""The IMAP mailbox: what waits in it, its bytes, and where they are filed.

Every verb either does what it says or raises Unavailable with the server's words; after that the connection is dropped
and never used again, because nobody knows what the server still has to say on it. Whoever wants to go on opens a new
mailbox.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from planit_mailer import config, logs
from planit_mailer.doors import bins, idling, imap, imap_login
from planit_mailer.doors.imap import Connection, Vanished
from planit_mailer.errors import Declined, Unavailable
from planit_mailer.ledger import Fetched, Key, Waiting

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


class Mailbox:
    """One connection to the mailbox."""

    def __init__(self, client: Connection, inbox: str) -> None:
        self._client: Connection | None = client
        self._inbox = inbox
        self._selected = ""
        self._uidvalidity = 0
        self._next_uid = 0
        self._told = False

    def look(self) -> int:
        """Select the inbox afresh; how many messages are in it."""
        with self._asking(f'the mailbox did not open the folder "{self._inbox}"') as client:
            state = client.select_folder(self._inbox)
            self._selected = self._inbox
            uidvalidity = int(state[b"UIDVALIDITY"])
            if self._uidvalidity not in {0, uidvalidity}:
                raise Unavailable("its UIDVALIDITY changed: it was rebuilt")
            self._uidvalidity = uidvalidity
            self._next_uid = int(state.get(b"UIDNEXT", 0))
            return int(state[b"EXISTS"])

    def waiting(self) -> tuple[Waiting, ...]:
        """The messages in the inbox by UID, in order of arrival; flags mean nothing, and no date means now."""
        exists = self.look()
        with self._asking("the mailbox did not list its messages") as client:
            uids = sorted(imap.uids(client, exists))
            now = datetime.now(UTC)
            return tuple(
                Waiting(Key(self._uidvalidity, uid), size, came or now, dated=came is not None)
                for uid, size, came in imap.sizes_and_dates(client, uids)
            )

    def fetch(self, waiting: Waiting, limit: int) -> Fetched | None:
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

    def bring_back(self, folder: str, digest: str, message_id: str) -> bool:
        """Move the message with this SHA-256 from a folder to the inbox; False where it is not there."""
        with self._asking(f'the mailbox did not bring a message back from the folder "{folder}"') as client:
            named = self._named(client, folder, message_id)
            found = next((uid for uid in named if _has_digest(client, uid, digest)), None)
            if found is not None:
                imap.move(client, found, self._inbox)
        self.look()
        return found is not None

    def delete(self, folder: str, digest: str, message_id: str) -> bool:
        """Delete every copy of the message with this SHA-256 from a folder for ever; False where there is none."""
        return self._delete(folder, message_id, lambda client, uid: _has_digest(client, uid, digest))

    def delete_by_id(self, folder: str, message_id: str) -> bool:
        """Delete the messages with this Message-ID from a folder for ever; False where there is none."""
        return bool(message_id) and self._delete(folder, message_id, lambda _client, _uid: True)

    def message_ids(self, folder: str) -> tuple[str, ...]:
        """The Message-IDs in a folder, "" for each message that has none; none where there is no such folder."""
        with self._asking(f'the mailbox did not list the folder "{folder}"') as client:
            if not client.folder_exists(folder):
                return ()
            exists = int(client.select_folder(folder, readonly=True)[b"EXISTS"])
            self._selected = folder
            found = tuple(name for _, name in imap.message_ids(client, sorted(imap.uids(client, exists))))
        self.look()
        return found

    def ensure_folders(self, names: Iterable[str]) -> None:
        """Make the folders that are missing."""
        for name in dict.fromkeys(names):
            with self._asking(f'the mailbox did not make the folder "{name}"') as client:
                if not client.folder_exists(name):
                    imap.create(client, name)

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of these folders that are not there."""
        with self._asking("the mailbox did not list its folders") as client:
            return tuple(name for name in dict.fromkeys(names) if not client.folder_exists(name))

    def offers(self, capability: str) -> bool:
        """Whether the server says that it has an extension of IMAP, such as "MOVE"."""
        with self._asking("the mailbox did not say what it can do") as client:
            return bool(client.has_capability(capability))

    def find(self, folder: str, message_id: str) -> tuple[bytes, datetime] | None:
        """The header of a message with this Message-ID, and when it came; None where the server's search finds none."""
        with self._asking(f'the mailbox did not look into the folder "{folder}"') as client:
            if not client.folder_exists(folder):
                return None
            client.select_folder(folder)
            self._selected = folder
            uids = client.search(["HEADER", "Message-ID", message_id])[:1]
            for uid, _, came in imap.sizes_and_dates(client, uids):
                return imap.header(client, uid), came or datetime.now(UTC)
        return None

    def count(self, folder: str) -> int:
        """How many messages are in a folder; none where there is no such folder."""
        with self._asking(f'the mailbox did not count the messages in the folder "{folder}"') as client:
            return int(client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"]) if client.folder_exists(folder) else 0

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

    def close(self) -> None:
        """Log out; also of a connection that is broken."""
        if self._client:
            imap.log_out(self._client)
        self._client = None

    def _uid(self, key: Key) -> int:
        """The UID of a message in the inbox, selected. After a rebuild of the mailbox it would name another message."""
        if self._selected != self._inbox:
            self.look()
        if key.uidvalidity != self._uidvalidity:
            raise Unavailable("the mailbox was rebuilt meanwhile: its UIDVALIDITY changed")
        return key.uid

    def _delete(self, folder: str, message_id: str, is_it: Callable[[Connection, int], bool]) -> bool:
        with self._asking(f'the mailbox did not delete a message from the folder "{folder}"') as client:
            found = [uid for uid in self._named(client, folder, message_id) if is_it(client, uid)]
            further = {bins.delete(client, uid) for uid in found} - {""}
            for bin_ in further - {folder}:
                for uid in [uid for uid in self._named(client, bin_, message_id) if is_it(client, uid)]:
                    imap.expunge(client, uid)
        self.look()
        return bool(found)

    def _named(self, client: Connection, folder: str, message_id: str) -> Iterator[int]:
        """The messages in a folder with this Message-ID; leaves the folder selected.

        Without one, all of them, those that have none first: a message that we died of has one that we never read.
        """
        if client.folder_exists(folder):
            exists = int(client.select_folder(folder)[b"EXISTS"])
            self._selected = folder
            first = list(imap.with_message_id(client, message_id, exists))
            yield from first
            yield from sorted(imap.uids(client, exists) - set(first)) if not message_id else ()

    @contextmanager
    def _asking(self, failed: str) -> Iterator[Connection]:
        """The connection, for one verb; whatever goes wrong on it is Unavailable, and the end of it."""
        if self._client is None:
            raise Unavailable("the connection to the mailbox is closed")
        client = self._client
        try:
            yield client
        except Declined as error:
            raise Declined(f"{failed}: {error}") from error
        except (*imap.FOREIGN, Unavailable) as error:
            self._client = None
            imap.cut(client)
            raise Unavailable(f"{failed}: {imap.words(error)}") from error


def _at_most(client: Connection, uid: int, size: int, limit: int) -> bytes | None:
    """A message as it was sent, None where it is larger than the limit. Raises Vanished."""
    raw = bytearray()
    for chunk in imap.chunks(client, uid, size) if size <= limit else ():
        raw += chunk
        if len(raw) > limit:
            break
    return None if max(size, len(raw)) > limit else bytes(raw)


def _has_digest(client: Connection, uid: int, digest: str) -> bool:
    """Whether a message is the one that was fetched as this; of one beyond the limit, only the header was."""
    whole = hashlib.sha256()
    try:
        if hashlib.sha256(imap.header(client, uid)).hexdigest() == digest:
            return True
        for chunk in imap.chunks(client, uid, -1):
            whole.update(chunk)
    except Vanished:
        return False
    return whole.hexdigest() == digest

"""The IMAP mailbox: lists, fetches, files and deletes messages."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from planit_mailer.adapters.imap import commands, connection, idle, search
from planit_mailer.adapters.imap.commands import Connection, Vanished
from planit_mailer.adapters.imap.search import Way
from planit_mailer.core import config, logs
from planit_mailer.core.errors import Rejected, Unavailable
from planit_mailer.domain.messages import Fetched, InboxMessage, Key, MessageQuery

log = logs.get(__name__)

IDLE = 300  # seconds; networks drop a connection that is silent for longer


@contextmanager
def open_mailbox(settings: config.Mailbox) -> Iterator["Mailbox"]:
    """Log in and select the inbox, for the length of a `with` block. Raises Unavailable."""
    mailbox = Mailbox(connection.connect(settings), settings.folder)
    try:
        mailbox.look()
        yield mailbox
    finally:
        mailbox.close()


@dataclass(frozen=True, slots=True)
class FolderAction:
    """An action on the copies of a message in each folder, or only the first (`once`); `failed` is its error text."""

    failed: str
    do: Callable[[Connection, list[int]], object]
    once: bool = False


class Mailbox:
    """One connection to the mailbox. Any error of the server closes it, unless it is about one message or folder.

    `_selected` is the open folder, "" if unknown. `_digests` are the SHA-256 digests of messages already looked at, by
    folder, UIDVALIDITY and UID.
    """

    def __init__(self, client: Connection, inbox: str) -> None:
        self._client: Connection | None = client
        self._inbox = inbox
        self._selected = ""
        self._uidvalidity = 0
        self._next_uid = 0
        self._told = False
        self._digests: dict[tuple[str, int, int], list[str]] = {}

    def close(self) -> None:
        """Log out; also of a connection that is broken."""
        if self._client:
            commands.log_out(self._client)
        self._client = None

    def look(self) -> int:
        """Select the inbox afresh. Return the number of its messages."""
        with self._asking(f'the mailbox did not open the folder "{self._inbox}"') as client:
            state = self._select(client, self._inbox)
            uidvalidity = int(state[b"UIDVALIDITY"])
            if self._uidvalidity not in {0, uidvalidity}:
                raise Unavailable("its UIDVALIDITY changed: it was rebuilt")
            self._uidvalidity = uidvalidity
            self._next_uid = int(state.get(b"UIDNEXT", 0))
            return int(state[b"EXISTS"])

    def waiting(self) -> tuple[InboxMessage, ...]:
        """The messages in the inbox by UID, in order of arrival. Flags are ignored; a missing date counts as now."""
        exists = self.look()
        with self._asking("the mailbox did not list its messages") as client:
            uids = sorted(commands.uids(client, exists))
            now = datetime.now(UTC)
            return tuple(
                InboxMessage(Key(self._uidvalidity, item.uid), item.size, item.came or now, dated=item.came is not None)
                for item in commands.listed(client, uids)
            )

    def fetch(self, waiting: InboxMessage, limit: int) -> Fetched | None:
        """The bytes of a message, or its header alone if it is larger than `limit` bytes; None if it is gone.

        The size that the server gave is only a first check: some servers estimate it.
        """
        uid = self._uid(waiting.key)
        with self._asking("the mailbox did not hand over a message") as client:
            try:
                raw = _at_most(client, uid, waiting.size, limit)
                return Fetched(commands.header(client, uid), whole=False) if raw is None else Fetched(raw)
            except Vanished:
                return None

    def holds(self, key: Key) -> bool:
        """True if a message is in the inbox; False also if the inbox has another UIDVALIDITY now."""
        self.look()
        with self._asking("the mailbox did not look for a message") as client:
            return key.uidvalidity == self._uidvalidity and commands.is_there(client, key.uid)

    def file(self, key: Key, folder: str) -> bool:
        """Move a message out of the inbox. Return False if it was gone already: then it is filed already.

        Raises Rejected if the server says no, for instance without rights to the folder: other messages may still be
        filed.
        """
        uid = self._uid(key)
        with self._asking(f'the mailbox did not file a message in the folder "{folder}"') as client:
            if commands.can_move(client):
                return commands.move(client, uid, folder)
            if not self._told:
                self._told = True
                log.warning("messages stay in the inbox: the mailbox offers neither MOVE nor UIDPLUS")
            return False

    def offers(self, capability: str) -> bool:
        """True if the server has an extension of IMAP, such as "MOVE"."""
        with self._asking("the mailbox did not say what it can do") as client:
            return bool(client.has_capability(capability))

    def idle(self, seconds: float, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Wait for new mail, at most this long and until `stopping`. Return True if there may be some.

        IDLE is a hint: poll all the same.
        """
        known = self._next_uid
        self.look()
        if known != self._next_uid:  # it came while we were busy: IDLE would not say so again
            return True
        with self._asking("the connection was lost while waiting for mail") as client:
            wait = idle.idle if client.has_capability("IDLE") else idle.wait
            return wait(client, min(seconds, IDLE), stopping)

    def bring_back(self, folders: Collection[str], query: MessageQuery) -> bool:
        """Move a message from the first of these folders that has it to the inbox. Return False if none has it.

        Raises Rejected if the server refuses one of the folders, and no other has it.
        """
        failed = "the mailbox did not bring a message back from the folder"
        deed = FolderAction(failed, lambda client, uids: commands.move(client, uids[0], self._inbox), once=True)
        return self._with_copies(folders, query, deed)

    def delete(self, folders: Collection[str], query: MessageQuery) -> bool:
        """Delete every copy of a message in these folders for ever. Return False if there is none.

        Raises Rejected, at the end, if the server refuses one of the folders; copies in the others are deleted.
        """
        with self._asking("the mailbox did not say how it deletes messages") as client:
            bin_ = commands.trash_folder(client)
        expunge = FolderAction("the mailbox did not delete a message from the folder", commands.expunge_several)
        if not bin_:
            return self._with_copies(folders, query, expunge)
        moved = self._with_copies(folders, query, replace(expunge, do=partial(commands.move_several, bin_=bin_)))
        gone = self._with_copies((bin_,), query, expunge)
        if moved and not gone:
            raise Rejected(f'{expunge.failed} "{bin_}": it was moved there, and is not there')
        return gone

    def delete_by_id(self, folder: str, message_id: str) -> bool:
        """Delete the messages with this Message-ID from a folder for ever. Return False if there is none."""
        return bool(message_id) and self.delete((folder,), MessageQuery("", message_id))

    def message_ids(self, folder: str) -> tuple[str, ...]:
        """The Message-IDs of the messages in a folder, "" for one without; none if there is no such folder."""
        with self._asking(f'the mailbox did not list the folder "{folder}"') as client:
            if not client.folder_exists(folder):
                return ()
            uids = sorted(commands.uids(client, int(self._select(client, folder)[b"EXISTS"])))
            return tuple(item.message_id for item in commands.listed(client, uids, names=True))

    def ensure_folders(self, names: Iterable[str]) -> None:
        """Create the folders that are missing."""
        for name in dict.fromkeys(names):
            with self._asking(f'the mailbox did not make the folder "{name}"') as client:
                if not client.folder_exists(name):
                    commands.create(client, name)

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names of those folders that do not exist."""
        with self._asking("the mailbox did not list its folders") as client:
            return tuple(name for name in dict.fromkeys(names) if not client.folder_exists(name))

    def find(self, folder: str, message_id: str) -> tuple[bytes, datetime] | None:
        """The header and date of a message with this Message-ID; None if the server's search finds none."""
        with self._asking(f'the mailbox did not look into the folder "{folder}"') as client:
            uids = list(self._copies(client, folder, MessageQuery("", message_id), search.named))[:1]
            for item in commands.listed(client, uids):
                return commands.header(client, item.uid), item.came or datetime.now(UTC)
        return None

    def count(self, folder: str) -> int:
        """The number of messages in a folder; 0 if there is no such folder."""
        with self._asking(f'the mailbox did not count the messages in the folder "{folder}"') as client:
            return int(client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"]) if client.folder_exists(folder) else 0

    def _uid(self, key: Key) -> int:
        """The UID of a message in the inbox, which is selected. After a rebuild it would name another message."""
        if self._selected != self._inbox:
            self.look()
        if key.uidvalidity != self._uidvalidity:
            raise Unavailable("the mailbox was rebuilt meanwhile: its UIDVALIDITY changed")
        return key.uid

    def _with_copies(self, folders: Collection[str], query: MessageQuery, deed: FolderAction) -> bool:
        """Do the action on the copies of a message in each of these folders. Return True if there were any."""
        found, declined = False, None
        for way in search.ways(query):
            for folder in folders:
                try:
                    with self._asking(f'{deed.failed} "{folder}"', of_one=True) as client:
                        if uids := list(self._copies(client, folder, query, way)):
                            deed.do(client, uids)
                            found = True
                except Rejected as error:
                    declined = error
                if found and deed.once:
                    return True
            if found:
                break
        if declined:
            raise declined
        return found

    def _copies(self, client: Connection, folder: str, query: MessageQuery, way: Way) -> Iterator[int]:
        """The UIDs of the copies of a message in a folder, which is selected for it."""
        if not client.folder_exists(folder):
            return
        state = self._select(client, folder)
        for uid in way(client, query, int(state[b"EXISTS"])):
            known = self._digests.setdefault((folder, int(state[b"UIDVALIDITY"]), uid), [])
            if not query.digest or search.has_digest(client, uid, query.digest, known):
                yield uid

    @contextmanager
    def _asking(self, failed: str, *, of_one: bool = False) -> Iterator[Connection]:
        """Yield the connection; any error closes it and is raised as Unavailable.

        `of_one`: the request is about one message or folder. If the server refuses it, that is Rejected, and the
        connection stays open.
        """
        if self._client is None:
            raise Unavailable("the connection to the mailbox is closed")
        client = self._client
        try:
            yield client
        except Rejected as error:
            raise Rejected(f"{failed}: {error}") from error
        except (*commands.FOREIGN, Unavailable) as error:
            if of_one and commands.is_refusal(error):
                raise Rejected(f"{failed}: {commands.words(error)}") from error
            self._client = None
            commands.cut(client)
            raise Unavailable(f"{failed}: {commands.words(error)}") from error

    def _select(self, client: Connection, folder: str) -> dict[bytes, Any]:
        """Select a folder. Return the server's answer."""
        self._selected = ""  # where the server says no, none is open
        state: dict[bytes, Any] = client.select_folder(folder)
        self._selected = folder
        return state


def _at_most(client: Connection, uid: int, size: int, limit: int) -> bytes | None:
    """A message as it was sent, None if it is larger than the limit. Raises Vanished."""
    raw = bytearray()
    for chunk in commands.chunks(client, uid, size) if size <= limit else ():
        raw += chunk
        if len(raw) > limit:
            break
    return None if max(size, len(raw)) > limit else bytes(raw)

"""The IMAP mailbox: lists, fetches, files and deletes messages."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from planit_mailer.adapters.imap import commands, connection, idle, search
from planit_mailer.adapters.imap.commands import Connection, ListedMessage, Vanished
from planit_mailer.adapters.imap.search import SearchStrategy
from planit_mailer.core import config, logs
from planit_mailer.core.errors import Rejected, Unavailable
from planit_mailer.domain.messages import Fetched, InboxMessage, Key, MessageQuery

log = logs.get(__name__)

IDLE = 300  # seconds; networks drop a connection that is silent for longer
NOT_LISTED = "the mailbox did not list its messages"
NOT_BROUGHT_BACK = "the mailbox did not bring a message back from the folder"
NOT_DELETED = "the mailbox did not delete a message from the folder"


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
    """An action on the copies of a message in a folder.

    `failed` begins the text of its errors; the folder's name follows. If `once` is True, the action is done in the
    first folder that has a copy and in no other.
    """

    failed: str
    do: Callable[[Connection, list[int]], object]
    once: bool = False


class Mailbox:
    """One connection to the mailbox. Any error of the server closes it, unless it is about one message or folder.

    `_selected` is the open folder, "" if unknown. Messages of the inbox with UIDs from `_unlisted` on were not listed
    yet. `_digests` caches the SHA-256 digests of messages by folder, UIDVALIDITY and UID.
    """

    def __init__(self, client: Connection, inbox: str) -> None:
        self._client: Connection | None = client
        self._inbox = inbox
        self._selected = ""
        self._uidvalidity = 0
        self._next_uid = 0
        self._unlisted = 0
        self._warned_of_no_move = False
        self._digests: dict[tuple[str, int, int], list[str]] = {}

    def close(self) -> None:
        """Log out. A connection that is already broken is closed without an error."""
        if self._client:
            commands.log_out(self._client)
        self._client = None

    def look(self) -> int:
        """Select the inbox afresh. Return the number of its messages."""
        with self._request(f'the mailbox did not open the folder "{self._inbox}"') as client:
            state = self._select(client, self._inbox)
            uidvalidity = int(state[b"UIDVALIDITY"])
            if self._uidvalidity not in {0, uidvalidity}:
                raise Unavailable("its UIDVALIDITY changed: it was rebuilt")
            self._uidvalidity = uidvalidity
            self._next_uid = int(state.get(b"UIDNEXT", 0))
            self._unlisted = self._unlisted or self._next_uid
            return int(state[b"EXISTS"])

    def waiting(self) -> tuple[InboxMessage, ...]:
        """The messages in the inbox by UID, in order of arrival. Flags are ignored; a missing date counts as now."""
        exists = self.look()
        self._unlisted = self._next_uid
        with self._request(NOT_LISTED) as client:
            return self._inbox_messages(client, sorted(commands.uids(client, exists)))

    def arrived_after(self, last: Key) -> tuple[InboxMessage, ...]:
        """The messages that arrived in the inbox after this one, as waiting() lists them; quick if there are none.

        Servers show what has just arrived at the next command only. Raises Unavailable if the inbox was rebuilt.
        """
        uid = self._uid(last)
        with self._request(NOT_LISTED) as client:
            uids = commands.uids_after(client, uid)
            if uids:
                self._unlisted = max(self._unlisted, uids[-1] + 1)
            return self._inbox_messages(client, uids)

    def claimed_senders(self, messages: Sequence[InboxMessage]) -> dict[Key, str]:
        """The one From address that each of these messages claims, in canonical spelling; "" if there is no such.

        A message that is gone is left out. Raises Rejected if the server refuses the header of one of them.
        """
        keys = {self._uid(message.key): message.key for message in messages}
        with self._request("the mailbox did not say who sent its messages", about_one=True) as client:
            return {keys[uid]: sender for uid, sender in commands.claimed_senders(client, list(keys)) if uid in keys}

    def fetch(self, waiting: InboxMessage, limit: int) -> Fetched | None:
        """The bytes of a message, or its header alone if it is larger than `limit` bytes; None if it is gone.

        The size that the server gave is only a first check: some servers estimate it.
        """
        uid = self._uid(waiting.key)
        with self._request("the mailbox did not hand over a message") as client:
            try:
                raw = _fetch_up_to(limit, client, uid, waiting.size)
                if raw is not None:
                    return Fetched(raw)
                return Fetched(commands.header(client, uid), whole=False)
            except Vanished:
                return None

    def holds(self, key: Key) -> bool:
        """True if a message is in the inbox; False also if the inbox has another UIDVALIDITY now."""
        self.look()
        with self._request("the mailbox did not look for a message") as client:
            return key.uidvalidity == self._uidvalidity and commands.is_there(client, key.uid)

    def file(self, key: Key, folder: str) -> bool:
        """Move a message out of the inbox. Return False if it is not there any more, or cannot be moved at all.

        Raises Rejected if the server says no, for instance without rights to the folder: other messages may still be
        filed.
        """
        uid = self._uid(key)
        with self._request(f'the mailbox did not file a message in the folder "{folder}"') as client:
            if commands.can_move(client):
                return commands.move(client, uid, folder)
        self._warn_of_no_move()
        return False

    def offers(self, capability: str) -> bool:
        """True if the server has an extension of IMAP, such as "MOVE"."""
        with self._request("the mailbox did not say what it can do") as client:
            return bool(client.has_capability(capability))

    def idle(self, seconds: float, stopping: Callable[[], bool] = lambda: False) -> bool:
        """Wait for new mail, at most this long and until `stopping`. Return True if there may be some.

        IDLE is a hint: poll all the same.
        """
        self.look()
        if self._next_uid > self._unlisted:  # it came while we were busy: IDLE would not say so again
            return True
        seconds = min(seconds, IDLE)
        with self._request("the connection was lost while waiting for mail") as client:
            if client.has_capability("IDLE"):
                return idle.idle(client, seconds, stopping)
            return idle.wait(client, seconds, stopping)

    def bring_back(self, folders: Collection[str], query: MessageQuery) -> bool:
        """Move a message from the first of these folders that has it to the inbox. Return False if none has it.

        Raises Rejected if the server refuses one of the folders, and no other has it.
        """
        return self._act_on_copies(folders, query, FolderAction(NOT_BROUGHT_BACK, self._move_first_to_inbox, once=True))

    def delete(self, folders: Collection[str], query: MessageQuery) -> bool:
        """Delete every copy of a message in these folders for ever. Return False if there is none.

        Raises Rejected, at the end, if the server refuses one of the folders; copies in the others are deleted.
        """
        with self._request("the mailbox did not say how it deletes messages") as client:
            trash = commands.trash_folder(client)
        if trash:
            return self._delete_by_way_of(trash, folders, query)
        return self._act_on_copies(folders, query, FolderAction(NOT_DELETED, commands.expunge_several))

    def delete_by_id(self, folder: str, message_id: str) -> bool:
        """Delete the messages with this Message-ID from a folder for ever. Return False if there is none."""
        return bool(message_id) and self.delete((folder,), MessageQuery("", message_id))

    def message_ids(self, folder: str) -> tuple[str, ...]:
        """The Message-IDs of the messages in a folder, "" for one without; none if there is no such folder."""
        with self._request(f'the mailbox did not list the folder "{folder}"') as client:
            if not client.folder_exists(folder):
                return ()
            exists = int(self._select(client, folder)[b"EXISTS"])
            uids = sorted(commands.uids(client, exists))
            return tuple(item.message_id for item in commands.listed(client, uids, names=True))

    def ensure_folders(self, names: Iterable[str]) -> None:
        """Create the folders that are missing."""
        for name in dict.fromkeys(names):
            with self._request(f'the mailbox did not make the folder "{name}"') as client:
                if not client.folder_exists(name):
                    commands.create(client, name)

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names of those folders that do not exist."""
        with self._request("the mailbox did not list its folders") as client:
            return tuple(name for name in dict.fromkeys(names) if not client.folder_exists(name))

    def find(self, folder: str, message_id: str) -> tuple[bytes, datetime] | None:
        """The header and date of a message with this Message-ID; None if the server's search finds none."""
        with self._request(f'the mailbox did not look into the folder "{folder}"') as client:
            copies = self._copies(client, folder, MessageQuery("", message_id), search.named)
            first = list(copies)[:1]
            for item in commands.listed(client, first):
                return commands.header(client, item.uid), item.received_at or datetime.now(UTC)
        return None

    def count(self, folder: str) -> int:
        """The number of messages in a folder; 0 if there is no such folder."""
        with self._request(f'the mailbox did not count the messages in the folder "{folder}"') as client:
            if not client.folder_exists(folder):
                return 0
            return int(client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"])

    def _inbox_messages(self, client: Connection, uids: list[int]) -> tuple[InboxMessage, ...]:
        now = datetime.now(UTC)
        return tuple(self._inbox_message(item, now) for item in commands.listed(client, uids))

    def _inbox_message(self, item: ListedMessage, now: datetime) -> InboxMessage:
        key = Key(self._uidvalidity, item.uid)
        return InboxMessage(key, item.size, item.received_at or now, dated=item.received_at is not None)

    def _uid(self, key: Key) -> int:
        """The UID of a message in the inbox, which is selected if it is not.

        Raises Unavailable if the inbox was rebuilt: the UID would name another message.
        """
        if self._selected != self._inbox:
            self.look()
        if key.uidvalidity != self._uidvalidity:
            raise Unavailable("the mailbox was rebuilt meanwhile: its UIDVALIDITY changed")
        return key.uid

    def _warn_of_no_move(self) -> None:
        """Log once for each connection that messages cannot be moved."""
        if not self._warned_of_no_move:
            self._warned_of_no_move = True
            log.warning("messages stay in the inbox: the mailbox offers neither MOVE nor UIDPLUS")

    def _move_first_to_inbox(self, client: Connection, uids: list[int]) -> None:
        commands.move(client, uids[0], self._inbox)

    def _delete_by_way_of(self, trash: str, folders: Collection[str], query: MessageQuery) -> bool:
        """Move every copy of a message to the trash folder and expunge it there. Return False if there is none.

        Raises Rejected if a copy was moved to the trash folder but is not found there.
        """
        move_to_trash = FolderAction(NOT_DELETED, partial(commands.move_several, folder=trash))
        moved = self._act_on_copies(folders, query, move_to_trash)
        expunged = self._act_on_copies((trash,), query, FolderAction(NOT_DELETED, commands.expunge_several))
        if moved and not expunged:
            raise Rejected(f'{NOT_DELETED} "{trash}": it was moved there, and is not there')
        return expunged

    def _act_on_copies(self, folders: Collection[str], query: MessageQuery, action: FolderAction) -> bool:
        """Do the action on the copies of a message in each of these folders. Return True if there were any.

        Raises Rejected, at the end, if the server refuses one of the folders; the others are done all the same.
        """
        rejected: Rejected | None = None
        found = False
        for strategy in search.strategies(query):
            for folder in folders:
                try:
                    acted = self._act_in_folder(folder, query, action, strategy)
                except Rejected as error:
                    rejected = error
                    continue
                if acted and action.once:
                    return True
                found = found or acted
            if found:
                break
        if rejected:
            raise rejected
        return found

    def _act_in_folder(self, folder: str, query: MessageQuery, action: FolderAction, strategy: SearchStrategy) -> bool:
        """Do the action on the copies of a message in a folder. Return True if there were any."""
        with self._request(f'{action.failed} "{folder}"', about_one=True) as client:
            uids = list(self._copies(client, folder, query, strategy))
            if uids:
                action.do(client, uids)
            return bool(uids)

    def _copies(self, client: Connection, folder: str, query: MessageQuery, strategy: SearchStrategy) -> Iterator[int]:
        """Select a folder and yield the UIDs of the copies of a message in it; none if there is no such folder."""
        if not client.folder_exists(folder):
            return
        state = self._select(client, folder)
        uidvalidity = int(state[b"UIDVALIDITY"])
        for uid in strategy(client, query, int(state[b"EXISTS"])):
            known = self._digests.setdefault((folder, uidvalidity, uid), [])
            if not query.digest or search.compare_digests(client, uid, query.digest, known):
                yield uid

    @contextmanager
    def _request(self, failed: str, *, about_one: bool = False) -> Iterator[Connection]:
        """Yield the connection; any error closes it and is raised as Unavailable.

        `about_one`: the request is about one message or folder. If the server refuses it, that is Rejected, and the
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
            if about_one and commands.is_refusal(error):
                raise Rejected(f"{failed}: {commands.words(error)}") from error
            self._client = None
            commands.cut(client)
            raise Unavailable(f"{failed}: {commands.words(error)}") from error

    def _select(self, client: Connection, folder: str) -> dict[bytes, Any]:
        """Select a folder. Return the server's answer."""
        self._selected = ""  # if the server says no, none is open
        state: dict[bytes, Any] = client.select_folder(folder)
        self._selected = folder
        return state


def _fetch_up_to(limit: int, client: Connection, uid: int, size: int) -> bytes | None:
    """The bytes of a message; None if they are more than the limit. Raises Vanished."""
    if size > limit:
        return None
    raw = bytearray()
    for chunk in commands.chunks(client, uid, size):
        raw += chunk
        if len(raw) > limit:
            return None
    return bytes(raw)

"""The folders of the mailbox: made, counted, listed, and what lies in them found, brought back or deleted."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from planit_mailer.core.errors import Declined
from planit_mailer.domain.messages import MessageQuery
from planit_mailer.doors import bins, finding, imap
from planit_mailer.doors.finding import Way
from planit_mailer.doors.imap import Connection
from planit_mailer.doors.session import Session


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done with the copies of a message in each folder, or `once`; `failed` says that it was not."""

    failed: str
    do: Callable[[Connection, list[int]], object]
    once: bool = False


class Folders(Session):
    """The verbs of folders. `_digests` are those of the messages that we looked at, by what names each for ever."""

    def __init__(self, client: Connection, inbox: str) -> None:
        super().__init__(client)
        self._inbox = inbox
        self._digests: dict[tuple[str, int, int], list[str]] = {}

    def bring_back(self, folders: Collection[str], sought: MessageQuery) -> bool:
        """Move a message from the first of these folders that has it to the inbox; False where none has it.

        Raises Declined where the server says no in one of the folders, and no other has it.
        """
        failed = "the mailbox did not bring a message back from the folder"
        deed = Deed(failed, lambda client, uids: imap.move(client, uids[0], self._inbox), once=True)
        return self._with_copies(folders, sought, deed)

    def delete(self, folders: Collection[str], sought: MessageQuery) -> bool:
        """Delete every copy of a message in these folders for ever; False where there is none.

        Raises Declined, at the end, where the server says no in one of the folders: what lies in the others is gone.
        """
        with self._asking("the mailbox did not say how it deletes messages") as client:
            bin_ = bins.of(client)
        expunge = Deed("the mailbox did not delete a message from the folder", bins.expunge)
        if not bin_:
            return self._with_copies(folders, sought, expunge)
        moved = self._with_copies(folders, sought, replace(expunge, do=partial(bins.move, bin_=bin_)))
        gone = self._with_copies((bin_,), sought, expunge)
        if moved and not gone:
            raise Declined(f'{expunge.failed} "{bin_}": it was moved there, and is not there')
        return gone

    def delete_by_id(self, folder: str, message_id: str) -> bool:
        """Delete the messages with this Message-ID from a folder for ever; False where there is none."""
        return bool(message_id) and self.delete((folder,), MessageQuery("", message_id))

    def message_ids(self, folder: str) -> tuple[str, ...]:
        """The Message-IDs in a folder, "" for each message that has none; none where there is no such folder."""
        with self._asking(f'the mailbox did not list the folder "{folder}"') as client:
            if not client.folder_exists(folder):
                return ()
            uids = sorted(imap.uids(client, int(self._select(client, folder)[b"EXISTS"])))
            return tuple(item.message_id for item in imap.listed(client, uids, names=True))

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

    def find(self, folder: str, message_id: str) -> tuple[bytes, datetime] | None:
        """The header of a message with this Message-ID, and when it came; None where the server's search finds none."""
        with self._asking(f'the mailbox did not look into the folder "{folder}"') as client:
            uids = list(self._copies(client, folder, MessageQuery("", message_id), finding.named))[:1]
            for item in imap.listed(client, uids):
                return imap.header(client, item.uid), item.came or datetime.now(UTC)
        return None

    def count(self, folder: str) -> int:
        """How many messages are in a folder; none where there is no such folder."""
        with self._asking(f'the mailbox did not count the messages in the folder "{folder}"') as client:
            return int(client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"]) if client.folder_exists(folder) else 0

    def _with_copies(self, folders: Collection[str], sought: MessageQuery, deed: Deed) -> bool:
        """Do something with the copies of a message in each of these folders; whether there were any."""
        found, declined = False, None
        for way in finding.ways(sought):
            for folder in folders:
                try:
                    with self._asking(f'{deed.failed} "{folder}"', of_one=True) as client:
                        if uids := list(self._copies(client, folder, sought, way)):
                            deed.do(client, uids)
                            found = True
                except Declined as error:
                    declined = error
                if found and deed.once:
                    return True
            if found:
                break
        if declined:
            raise declined
        return found

    def _copies(self, client: Connection, folder: str, sought: MessageQuery, way: Way) -> Iterator[int]:
        """The copies of a message in a folder, which is selected then."""
        if not client.folder_exists(folder):
            return
        state = self._select(client, folder)
        for uid in way(client, sought, int(state[b"EXISTS"])):
            known = self._digests.setdefault((folder, int(state[b"UIDVALIDITY"]), uid), [])
            if not sought.digest or finding.has_digest(client, uid, sought.digest, known):
                yield uid

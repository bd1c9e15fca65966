"""Fakes of our own ports: a mailbox in memory, a relay that records, a reader in this process.

tests/contracts/ holds each of them to the real adapter, so that a fake cannot lie.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from hashlib import sha256

from planit_mailer.core.errors import Rejected, Unavailable, Undeliverable
from planit_mailer.domain.forms import annotate as annotating
from planit_mailer.domain.forms import judge as judging
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.messages import Fetched, InboxMessage, Key, MessageQuery
from planit_mailer.domain.outgoing import Reply
from planit_mailer.mail import addresses, dkim, messages
from planit_mailer.mail.dkim import Keys, Signature
from planit_mailer.mail.messages import Message
from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.detect import FileKind

INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that lies in a folder: its UID there, its bytes, and its INTERNALDATE."""

    uid: int
    raw: bytes
    received_at: datetime

    @property
    def message_id(self) -> str:
        """Its Message-ID, "" if it has none."""
        return str(message_from_bytes(self.raw)["Message-ID"] or "").strip()

    @property
    def header(self) -> bytes:
        """Its header, with the empty line behind it; all of it if there is none."""
        head, empty_line, _ = self.raw.partition(b"\r\n\r\n")
        return head + empty_line


@dataclass
class InMemoryMailbox:
    """A mailbox with folders in memory. `refused` are folders for which it says no; `away` breaks every request."""

    uidvalidity: int = 1
    folders: dict[str, list[Kept]] = field(default_factory=lambda: {INBOX: []})
    refused: set[str] = field(default_factory=set)
    away: bool = False
    _last_uid: int = 0

    def deliver(self, raw: bytes, at: datetime | None = None, folder: str = INBOX) -> Key:
        """Put a message into a folder, as a mail server or a person does."""
        received_at = (at or datetime.now(UTC)).replace(microsecond=0)  # IMAP knows whole seconds
        kept = Kept(self._next_uid(), raw, received_at)
        self.folders.setdefault(folder, []).append(kept)
        return Key(self.uidvalidity, kept.uid)

    def rebuild(self) -> None:
        """Give all messages new UIDs under a new UIDVALIDITY, as a server does that lost its index."""
        self.uidvalidity += 1
        for messages_ in self.folders.values():
            messages_[:] = [replace(kept, uid=self._next_uid()) for kept in messages_]

    def count(self, folder: str) -> int:
        """The number of messages in a folder."""
        return len(self.folders.get(folder, ()))

    def ensure_folders(self, names: Collection[str]) -> None:
        self._answer()
        for name in names:
            self.folders.setdefault(name, [])

    def idle(self, _seconds: float, _stopping: object = None) -> bool:
        return False

    def waiting(self) -> tuple[InboxMessage, ...]:
        self._answer()
        return tuple(
            InboxMessage(Key(self.uidvalidity, kept.uid), len(kept.raw), kept.received_at)
            for kept in self.folders[INBOX]
        )

    def arrived_after(self, last: Key) -> tuple[InboxMessage, ...]:
        self._find_here(last)
        return tuple(message for message in self.waiting() if message.key.uid > last.uid)

    def claimed_senders(self, messages_: Sequence[InboxMessage]) -> dict[Key, str]:
        self._answer()
        here = [(message.key, self._find_here(message.key)) for message in messages_]
        return {key: _claimed_sender(kept.raw) for key, kept in here if kept}

    def fetch(self, waiting: InboxMessage, limit: int) -> Fetched | None:
        self._answer()
        kept = self._find_here(waiting.key)
        if kept is None:
            return None
        if len(kept.raw) > limit:
            return Fetched(kept.header, whole=False)
        return Fetched(kept.raw)

    def holds(self, key: Key) -> bool:
        self._answer()
        return key.uidvalidity == self.uidvalidity and self._find(key) is not None

    def file(self, key: Key, folder: str) -> bool:
        self._answer(folder)
        kept = self._find_here(key)
        if kept is None:
            return False
        self._move(kept, INBOX, folder)
        return True

    def bring_back(self, folders: Collection[str], query: MessageQuery) -> bool:
        rejected = None
        for folder in folders:
            try:
                self._answer(folder)
            except Rejected as error:
                rejected = error
                continue
            for kept in self._copies(folder, query):
                self._move(kept, folder, INBOX)
                return True
        if rejected:
            raise rejected
        return False

    def delete(self, folders: Collection[str], query: MessageQuery) -> bool:
        found = False
        rejected = None
        for folder in folders:
            try:
                self._answer(folder)
            except Rejected as error:
                rejected = error
                continue
            for kept in self._copies(folder, query):
                self.folders[folder].remove(kept)
                found = True
        if rejected:
            raise rejected
        return found

    def message_ids(self, folder: str) -> tuple[str, ...]:
        self._answer()
        return tuple(kept.message_id for kept in self.folders.get(folder, ()))

    def delete_by_id(self, folder: str, message_id: str) -> bool:
        return bool(message_id) and self.delete((folder,), MessageQuery("", message_id))

    def _next_uid(self) -> int:
        self._last_uid += 1
        return self._last_uid

    def _answer(self, folder: str = "") -> None:
        if self.away:
            raise Unavailable("the mailbox is away")
        if folder in self.refused:
            raise Rejected(f'the mailbox refuses the folder "{folder}"')

    def _find_here(self, key: Key) -> Kept | None:
        """As _find(); after a rebuild the UID would name another message."""
        if key.uidvalidity != self.uidvalidity:
            raise Unavailable("the mailbox was rebuilt meanwhile: its UIDVALIDITY changed")
        return self._find(key)

    def _find(self, key: Key) -> Kept | None:
        for kept in self.folders[INBOX]:
            if key == Key(self.uidvalidity, kept.uid):
                return kept
        return None

    def _copies(self, folder: str, query: MessageQuery) -> list[Kept]:
        return [kept for kept in self.folders.get(folder, ()) if _is_it(kept, query)]

    def _move(self, kept: Kept, source: str, target: str) -> None:
        self.folders[source].remove(kept)
        self.folders.setdefault(target, []).append(replace(kept, uid=self._next_uid()))


def _is_it(kept: Kept, query: MessageQuery) -> bool:
    """By its bytes; without a digest by its Message-ID; a message that was never read by size and date."""
    if query.digest:
        return query.digest in (sha256(kept.raw).hexdigest(), sha256(kept.header).hexdigest())
    if query.message_id:
        return kept.message_id == query.message_id
    return (len(kept.raw), kept.received_at) == (query.size, query.received_at)


def _claimed_sender(raw: bytes) -> str:
    found = messages.parse(raw, whole=False).from_addresses
    return addresses.canonical(found[0].address) if len(found) == 1 else ""


@dataclass
class RecordingRelay:
    """A relay that takes everything, or raises `error`."""

    error: Exception | None = None
    sent: list[Reply] = field(default_factory=list)

    def send(self, reply: Reply) -> str:
        if self.error:
            raise self.error
        if not reply.recipient.isascii():
            raise Undeliverable("the relay takes no address with such letters")
        self.sent.append(reply)
        return "250 OK, taken"


class InProcessReader:
    """The functions of the reading process, called in this one."""

    def header(self, head: bytes, *, whole: bool = True) -> Message:
        return messages.head(head, whole)

    def message(self, raw: bytes, **_limits: float) -> Message:
        return messages.parse(raw)

    def sniff(self, beginnings: Sequence[bytes], **_limits: float) -> Sequence[FileKind]:
        return detect.kinds(beginnings)

    def judge(self, data: bytes, judging_: Criteria, **_limits: float) -> Judgement:
        return judging.judge(data, judging_)

    def annotate(self, data: bytes, judgement: Judgement, judging_: Criteria, **_limits: float) -> Annotated:
        return annotating.annotate(data, judgement, judging_)

    def signatures(self, head: bytes, domain: str, own_address: str) -> Sequence[Signature]:
        return dkim.find(head, domain, own_address)

    def prove(self, raw: bytes, keys: Keys, **_limits: float) -> str:
        return dkim.prove(raw, keys)


class NoDns:
    """DNS without a name in it."""

    def texts(self, _name: str) -> Sequence[bytes]:
        return ()

"""Ports: the interfaces that the pipeline needs from the outside world. The adapters implement them.

Every method raises Unavailable if the server behind it is away, and Rejected, a kind of Unavailable, if it refuses this
one item; core/errors.py has the tree of errors.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import Protocol

from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.identity import Child
from planit_mailer.domain.forms.judge import Criteria, Judgement
from planit_mailer.domain.messages import (
    FailureCounts,
    Fetched,
    Filed,
    InboxMessage,
    Key,
    MessageFacts,
    MessageQuery,
    Outcome,
    Receipt,
    ReceiptSummary,
    Released,
)
from planit_mailer.domain.outgoing import Bounced, Pending, Recent, Reply
from planit_mailer.domain.reports import Unanswered, Untold
from planit_mailer.domain.schools import School, SenderRegistration
from planit_mailer.domain.verdict import Changes, JudgedUpload, Verdict
from planit_mailer.mail.dkim import Keys, Signature
from planit_mailer.mail.messages import Message
from planit_mailer.spreadsheets.detect import FileKind
from planit_mailer.spreadsheets.encryption.passwords import Password

Clock = Callable[[], datetime]  # the time now, in UTC


class Mailbox(Protocol):
    """The IMAP mailbox, its inbox selected."""

    def waiting(self) -> Sequence[InboxMessage]:
        """The messages in the inbox, in the order in which they arrived."""

    def arrived_after(self, last: Key) -> Sequence[InboxMessage]:
        """The messages that arrived in the inbox after this one, as waiting() lists them; quick if there are none.

        What has just arrived may be missing until the next call.
        """

    def claimed_senders(self, messages: Sequence[InboxMessage]) -> Mapping[Key, str]:
        """The one From address that each of these messages claims, in canonical spelling; "" if there is no such.

        A message that is gone is left out. Raises Rejected if the server refuses the header of one of them.
        """

    def fetch(self, waiting: InboxMessage, limit: int) -> Fetched | None:
        """The bytes of a message, or its header alone if it is larger than `limit` bytes; None if it is gone."""

    def holds(self, key: Key) -> bool:
        """True if a message is in the inbox; False also if the inbox has another UIDVALIDITY now."""

    def file(self, key: Key, folder: str) -> bool:
        """Move a message out of the inbox. Return False if it is gone, or if the server can move nothing."""

    def bring_back(self, folders: Collection[str], query: MessageQuery) -> bool:
        """Move a message from the first of these folders that has it to the inbox. Return False if none has it."""

    def delete(self, folders: Collection[str], query: MessageQuery) -> bool:
        """Delete every copy of a message in these folders for ever. Return False if there is none."""

    def message_ids(self, folder: str) -> tuple[str, ...]:
        """The Message-IDs of the messages in a folder, "" for a message without one."""

    def delete_by_id(self, folder: str, message_id: str) -> bool:
        """Delete the messages with this Message-ID from a folder for ever. Return False if there is none."""


class Dns(Protocol):
    """DNS lookups that the DKIM check needs."""

    def texts(self, name: str) -> Sequence[bytes]:
        """The TXT records of a name. Raises Rejected if no resolver answers."""


class Verifier(Protocol):
    """The part of the reading process that verifies signatures."""

    def signatures(self, head: bytes, domain: str, own_address: str) -> Sequence[Signature]:
        """The DKIM signatures in a message's header for a domain; a useless one carries its flaw."""

    def prove(self, raw: bytes, keys: Keys, *, seconds: float = inf) -> str:
        """Verify signatures with the keys from DNS. Return "" if one passes, else the reason why none does."""


class Reader(Verifier, Protocol):
    """Parses untrusted messages and files in a sandboxed child process. A job takes at most so many `seconds`."""

    def header(self, head: bytes, *, whole: bool) -> Message:
        """The header of a message, from its first bytes; unread if that ends the child."""

    def message(self, raw: bytes, *, seconds: float = inf) -> Message:
        """A message with its MIME parts; unread if that ends the child, or if there is no time for it."""

    def sniff(self, beginnings: Sequence[bytes], *, seconds: float = inf) -> Sequence[FileKind]:
        """Detect the kinds of files from their beginnings, all in one job; archives if that ends the child."""

    def judge(self, data: bytes, judging: Criteria, *, seconds: float = inf) -> Judgement:
        """Read a file and check its form: its contents and its problems; left over if there is no time for it."""

    def annotate(self, data: bytes, judgement: Judgement, judging: Criteria, *, seconds: float = inf) -> Annotated:
        """Paint the problems into the workbook, or list them in a new one; encrypted as it came, or else empty."""


class Relay(Protocol):
    """The SMTP server that takes our mail."""

    def send(self, reply: Reply) -> str:
        """Hand over one mail and return the server's answer. Raises Undeliverable if refused for good, or Rejected."""


class Transaction(Protocol):
    """One commit: all of it or nothing."""

    # ── processing a message ──

    def drop_unread(self, inbox: Sequence[InboxMessage], now: datetime) -> None:
        """Delete the receipts of messages that were not taken up, and are in the inbox no more."""

    def senders(self) -> Sequence[tuple[str, int]]:
        """The registered addresses and domains, each with the id of a school that it may send for."""

    def number(self, waiting: Sequence[InboxMessage], now: datetime, reply_within: timedelta) -> frozenset[Key]:
        """Give each new message its receipt, in this order. Return the keys of messages that failed before.

        `waiting` is the inbox or a part of it, without a gap.
        """

    def begin(self, waiting: InboxMessage, now: datetime, due_at: datetime) -> Receipt:
        """The receipt of a message, created if it is new. Counts an attempt unless it is settled."""

    def match_bytes(self, receipt: Receipt, digest: str) -> Receipt:
        """Record the SHA-256 of the bytes. An older unfiled receipt with the same bytes replaces this one."""

    def in_hand(self, key: Key) -> Receipt | None:
        """The current receipt of a message in the inbox; None if it continues under another UID."""

    def current(self, known: Receipt) -> Receipt:
        """Read a receipt again."""

    def record_sender(self, receipt: Receipt, facts: MessageFacts) -> SenderRegistration:
        """Record the sender, and look them up in the register."""

    def registration(self, address: str) -> SenderRegistration:
        """The schools that an address may send for, and whether it was denied."""

    def passwords(self, schools: Sequence[School]) -> tuple[Password, ...]:
        """The passwords that open workbooks of these schools, in the schools' order."""

    def earlier_duplicate(self, receipt: Receipt) -> InboxMessage | Released | None:
        """An unjudged earlier message with the same sender, Message-ID and attachments."""

    def duplicate_of(self, receipt: Receipt, facts: MessageFacts) -> str:
        """The reference of a settled message with the same authentic sender, Message-ID and attachments, or ""."""

    def recent_replies(self, address: str, since: datetime) -> tuple[Recent, ...]:
        """The replies that we sent to an address."""

    def alerts_about(self, sender: str, since: datetime) -> int:
        """The number of alerts about messages that name this sender, or a registered domain of theirs."""

    def children(self, school_id: int) -> tuple[Child, ...]:
        """The identities of a school's learners."""

    def replace_learners(self, upload: JudgedUpload, receipt: Receipt) -> Changes:
        """Give each learner exactly what this upload says (handbook section 4)."""

    def enqueue(self, reply: Reply, about: Receipt | Unanswered | None, now: datetime) -> None:
        """Put a mail into the outbox. An answer replaces a pending "delayed" reply."""

    def settle(self, receipt: Receipt, verdict: Verdict, changes: Sequence[Changes], now: datetime) -> None:
        """Record the verdict on a message, and its outcome."""

    def uncount_attempt(self, receipt: Receipt) -> None:
        """Do not count the attempt: a server was away."""

    def record_failure(self, receipt: Receipt) -> None:
        """Count the attempt as a failure of ours."""

    def note_filed(self, receipt: Receipt, folder: str, now: datetime) -> None:
        """Record the folder into which a message was moved."""

    # ── released messages ──

    def release_registered(self, now: datetime, reply_within: timedelta) -> int:
        """Release the held messages of senders that have been registered since. Return their number."""

    def to_bring_back(self) -> tuple[Released, ...]:
        """The released messages that are still to be moved to the inbox, in order of arrival."""

    def note_lost(self, released: Released, now: datetime) -> None:
        """Quarantine a released message that is no longer in its folder: a person looks."""

    # ── the outbox ──

    def due(self, now: datetime, limit: int, after: Pending | None = None) -> tuple[Pending, ...]:
        """The replies to be sent now, the longest due first; if `after` is given, those that come after it."""

    def begin_sending(self, pending: Pending, now: datetime, until: datetime) -> bool:
        """Count an attempt to send a reply, which is due again at `until`. Return False if it is not due now."""

    def sent_to(self, address: str, since: datetime) -> int:
        """The number of mails that an address got."""

    def note_sent(self, pending: Pending, answer: str, now: datetime) -> None:
        """Record a reply as sent, and delete its content."""

    def note_failed(self, pending: Pending, answer: str, now: datetime) -> None:
        """Record a reply as failed for good, and delete its content."""

    def note_bounced(self, message_ids: Sequence[str], receipt: Receipt | None, now: datetime) -> tuple[Bounced, ...]:
        """Record sent mails as failed that came back in a message. Return those."""

    def postpone(self, pending: Pending, until: datetime, answer: str) -> None:
        """Try again later."""

    def alerts(self, since: datetime, until: datetime) -> int:
        """The number of alerts about messages in this time."""

    def record_alert_if_due(self, topic: str, since: datetime, now: datetime) -> bool:
        """Record an alert as sent now and return True, unless one on this topic was sent since then."""

    def clear_alert(self, topic: str) -> bool:
        """Forget that an alert on this topic was sent. Return True if there was one."""

    def last_alert_at(self, topic: str) -> datetime | None:
        """The time of the last alert on this topic; None if there was none."""

    # ── deadlines and retention ──

    def untold(self, since: datetime | None, until: datetime) -> Untold:
        """The messages of this time that no alert was about: quarantined and still waiting, or with a failed reply."""

    def unanswered(self) -> tuple[Unanswered, ...]:
        """The messages that are owed an answer."""

    def note_warned(self, unanswered: Unanswered, level: int) -> None:
        """Record the level of the last warning about a message."""

    def receipt_summaries(self) -> tuple[ReceiptSummary, ...]:
        """A summary of every receipt, to be compared with the mailbox."""

    def forgettable(self, now: datetime, keep: Mapping[Outcome, timedelta]) -> tuple[Filed, ...]:
        """The messages whose mail must be deleted: superseded, erased, refused, or past their keep time."""

    def was_released(self, filed: Filed) -> bool:
        """True if the operator released a message: then its mail stays."""

    def note_mail_deleted(self, filed: Filed, now: datetime) -> None:
        """Record that the mail of a message is deleted."""

    def purge_receipts(self, before: datetime) -> int:
        """Delete receipts whose mail was deleted before a time. Return their number."""

    def rounds(self) -> tuple[datetime | None, datetime | None]:
        """When the last retention round ran, and since when the clock was stable then; None before the first."""

    def note_round(self, now: datetime, steady_since: datetime) -> None:
        """Record a retention round, and since when the clock has been stable."""

    # ── polls ──

    def note_poll(self, now: datetime, *, success: bool) -> None:
        """Record a poll; `success`: the mailbox is being read."""

    def note_unread(self, since: datetime) -> None:
        """Record since when the mailbox has not been read."""

    def last_success(self) -> datetime | None:
        """The time when the mailbox was last read; None if it never was."""

    def unread_since(self) -> datetime | None:
        """Since when the mailbox cannot be read; None if it can."""

    def note_filed_before(self, inbox: Sequence[InboxMessage], folders: Mapping[Outcome, str], now: datetime) -> None:
        """Record settled messages that have left the inbox as filed in the folder of their outcome."""

    def vanished(self, inbox: Sequence[InboxMessage], *, everywhere: bool) -> tuple[Key | None, ...]:
        """UIDs of unfinished messages that are no longer in the inbox; None for those whose UID is unknown.

        `everywhere`: also those that were listed under an older UIDVALIDITY.
        """

    def drop(self, receipt: Receipt) -> None:
        """Settle a message that was gone before it could be read."""

    def drop_vanished(self, key: Key | None) -> tuple[str, ...]:
        """Settle unfinished messages with this key that are gone (None: unknown UID). Return their references."""


class Store(Protocol):
    """The SQL store."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Commit at the end of the block, or not at all if it raises."""

    def claim(self, work: str) -> AbstractContextManager[bool]:
        """Claim some work for the length of the block; yields False if another daemon has it."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """The opened adapters. `stopping` returns True if the daemon was asked to stop.

    `failures` is remembered from one poll to the next, by key in the inbox and by reference elsewhere.
    """

    mailbox: Mailbox
    reader: Reader
    store: Store
    clock: Clock
    dns: Dns
    stopping: Callable[[], bool] = lambda: False
    failures: FailureCounts = field(default_factory=FailureCounts)

"""What the story asks of the outside world; the adapters answer it, and neither knows the other.

Every verb raises Unavailable where the server behind it is away or refuses.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
from planit_mailer.domain.reports import Unanswered
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

    def fetch(self, waiting: InboxMessage, limit: int) -> Fetched | None:
        """The bytes of a message, its header alone where they are more than `limit`; None where it is gone."""

    def holds(self, key: Key) -> bool:
        """Whether a message is in the inbox; False also under a UIDVALIDITY that the inbox has no more."""

    def file(self, key: Key, folder: str) -> bool:
        """Move a message out of the inbox; False where nothing was moved: it was gone already, or has to stay."""

    def bring_back(self, folders: Collection[str], query: MessageQuery) -> bool:
        """Move a message from the first of these folders that has it to the inbox; False where none has it."""

    def delete(self, folders: Collection[str], query: MessageQuery) -> bool:
        """Delete every copy of a message in these folders for ever; False where there is none."""

    def message_ids(self, folder: str) -> tuple[str, ...]:
        """The Message-IDs in a folder, "" for each message that has none."""

    def delete_by_id(self, folder: str, message_id: str) -> bool:
        """Delete the messages with this Message-ID from a folder for ever; False where there is none."""


class Dns(Protocol):
    """The names of the world."""

    def texts(self, name: str) -> Sequence[bytes]:
        """The TXT records of a name, none where it has none. Raises Rejected where nobody knows just now."""


class Verifier(Protocol):
    """The reading process, as far as it goes into signatures."""

    def signatures(self, raw: bytes, domain: str, own_address: str) -> Sequence[Signature]:
        """A message's signatures for a domain; with a flaw each that can prove nothing."""

    def prove(self, raw: bytes, keys: Keys) -> str:
        """Why none of these signatures proves their domain, by what DNS has under their names; "" where one does."""


class Reader(Verifier, Protocol):
    """The reading process: whatever a file does, it does not do it to us."""

    def message(self, raw: bytes, *, whole: bool) -> Message:
        """The MIME structure of a message."""

    def sniff(self, data: bytes) -> FileKind:
        """What kind of file these bytes are."""

    def judge(self, data: bytes, judging: Criteria) -> Judgement:
        """What is in a file, and what is wrong with it."""

    def annotate(self, data: bytes, judgement: Judgement, judging: Criteria) -> Annotated:
        """The workbook with its problems painted in, else a list of them; encrypted as it came, or without data."""


class Relay(Protocol):
    """The SMTP server that takes our mail."""

    def send(self, reply: Reply) -> str:
        """Hand over one mail; the server's answer. Raises Undeliverable where it will never be taken, Rejected."""


class Transaction(Protocol):
    """One commit: all of it or nothing."""

    # ── what becomes of a message ──

    def number(self, waiting: Sequence[InboxMessage], now: datetime, reply_within: timedelta) -> frozenset[Key]:
        """Give each message that is new its receipt, in this order; those that were taken up before, in vain."""

    def begin(self, waiting: InboxMessage, now: datetime, due_at: datetime) -> Receipt:
        """The receipt of a message, made when it is first seen; counts an attempt unless it is settled."""

    def match_bytes(self, receipt: Receipt, digest: str) -> Receipt:
        """Note the bytes; an older receipt for them that is not yet filed takes this one's place."""

    def in_hand(self, key: Key) -> Receipt | None:
        """The receipt that counts for a message in the inbox; None where it went on under another UID."""

    def current(self, known: Receipt) -> Receipt:
        """A receipt as it stands now."""

    def record_sender(self, receipt: Receipt, facts: MessageFacts) -> SenderRegistration:
        """Note who wrote, and look them up in the register."""

    def passwords(self, schools: Sequence[School]) -> tuple[Password, ...]:
        """The passwords that open workbooks of these schools, in the schools' order."""

    def earlier_duplicate(self, receipt: Receipt) -> InboxMessage | Released | None:
        """The message with the same sender, Message-ID and attachments that came earlier, and is to be judged."""

    def duplicate_of(self, receipt: Receipt, facts: MessageFacts) -> str:
        """The reference of a settled message with the same authentic sender, Message-ID and attachments, or ""."""

    def recent_replies(self, address: str, since: datetime) -> tuple[Recent, ...]:
        """What we wrote to an address."""

    def alerts_about(self, sender: str, since: datetime) -> int:
        """How many mails the operator was sent about messages that name a sender, or a registered domain of theirs."""

    def children(self, school_id: int) -> tuple[Child, ...]:
        """The learners of a school, as far as identity goes."""

    def replace_learners(self, upload: JudgedUpload, receipt: Receipt) -> Changes:
        """Give each learner exactly what this upload says (handbook section 4)."""

    def enqueue(self, reply: Reply, about: Receipt | Unanswered | None, now: datetime) -> None:
        """Put a mail into the outbox; an answer takes the place of the word that it takes longer."""

    def settle(self, receipt: Receipt, verdict: Verdict, changes: Sequence[Changes], now: datetime) -> None:
        """Write down what became of the message."""

    def release_attempt(self, receipt: Receipt) -> None:
        """The attempt does not count: a server was away."""

    def record_failure(self, receipt: Receipt) -> None:
        """The attempt counts, and is over."""

    def note_filed(self, receipt: Receipt, folder: str, now: datetime) -> None:
        """The message lies in a folder now."""

    # ── what the operator released ──

    def release_registered(self, now: datetime, reply_within: timedelta) -> int:
        """Release the held messages of senders that have been registered since; how many."""

    def to_bring_back(self) -> tuple[Released, ...]:
        """The released messages that still lie in their folder, in order of arrival."""

    def note_lost(self, released: Released, now: datetime) -> None:
        """A released message is in its folder no more: quarantined, a person looks."""

    # ── the outbox ──

    def due(self, now: datetime, limit: int, after: Pending | None = None) -> tuple[Pending, ...]:
        """The replies that are to be sent now, what has been due for longest first; those that come after one."""

    def hand_over(self, pending: Pending, now: datetime, until: datetime) -> bool:
        """Whether a reply is still to be sent now; it counts as tried, and is due again at `until` unless noted."""

    def sent_to(self, address: str, since: datetime) -> int:
        """How many mails an address got."""

    def note_sent(self, pending: Pending, answer: str, now: datetime) -> None:
        """The relay has it: its content is deleted."""

    def note_failed(self, pending: Pending, answer: str, now: datetime) -> None:
        """The relay will never take it: its content is deleted."""

    def note_bounced(self, message_ids: Sequence[str], receipt: Receipt | None, now: datetime) -> tuple[Bounced, ...]:
        """These mails came back in a message: those that were sent count as failed; which they are."""

    def postpone(self, pending: Pending, until: datetime, answer: str) -> None:
        """Try again later."""

    def record_alert_if_due(self, topic: str, since: datetime, now: datetime) -> bool:
        """Whether this topic was not told since then; it counts as told now."""

    def clear_alert(self, topic: str) -> bool:
        """Whether this topic was told; it counts as never told from now on."""

    def last_alert_at(self, topic: str) -> datetime | None:
        """When a topic was told last; None where it never was."""

    # ── the promise, and forgetting ──

    def quarantined_untold(self, since: datetime | None, until: datetime) -> tuple[str, ...]:
        """What was quarantined in a time and waits still, and what no mail to the operator is about; references."""

    def unanswered(self) -> tuple[Unanswered, ...]:
        """The messages whose clock runs."""

    def note_warned(self, unanswered: Unanswered, level: int) -> None:
        """The operator was warned, so that it is said once."""

    def receipt_summaries(self) -> tuple[ReceiptSummary, ...]:
        """Every receipt, to be compared with the mailbox."""

    def forgettable(self, now: datetime, keep: Mapping[Outcome, timedelta]) -> tuple[Filed, ...]:
        """The messages that are superseded, refused, or past their keep time, and whose mail lies somewhere."""

    def was_released(self, filed: Filed) -> bool:
        """Whether the operator let a message be processed once more: then it stays."""

    def note_mail_deleted(self, filed: Filed, now: datetime) -> None:
        """The message lies nowhere any more."""

    def purge_receipts(self, before: datetime) -> int:
        """Delete receipts that were settled and forgotten before a time; how many."""

    def rounds(self) -> tuple[datetime | None, datetime | None]:
        """When the last retention round ran, and since when the clock was stable then; None before the first."""

    def note_round(self, now: datetime, steady_since: datetime) -> None:
        """Record a retention round, and since when the clock has been stable."""

    # ── polls ──

    def note_poll(self, now: datetime, *, success: bool) -> None:
        """The mailbox was looked at; `success`: it is being read."""

    def note_unread(self, since: datetime) -> None:
        """The mailbox has not been read since then."""

    def last_success(self) -> datetime | None:
        """When the mailbox was last read; None where it never was."""

    def unread_since(self) -> datetime | None:
        """Since when the mailbox cannot be read; None where it can."""

    def note_filed_before(self, inbox: Sequence[InboxMessage], folders: Mapping[Outcome, str], now: datetime) -> None:
        """Settled messages that are in the inbox no more lie in the folder of their outcome."""

    def vanished(self, inbox: Sequence[InboxMessage], *, everywhere: bool) -> tuple[Key | None, ...]:
        """The keys of what was taken up, is not settled, and lies in the inbox no more; None for what has lost its key.

        `everywhere`: also of an inbox that was rebuilt since.
        """

    def drop(self, receipt: Receipt) -> None:
        """The message was gone before it could be read."""

    def drop_vanished(self, key: Key | None) -> tuple[str, ...]:
        """What was taken up under this key, None for what has lost its key, is gone from the inbox; the references."""


class Store(Protocol):
    """The SQL store."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """One commit at the end of the block; none where it raises."""

    def claim(self, work: str) -> AbstractContextManager[bool]:
        """Whether some work is ours for the length of the block, and no other daemon's."""


@dataclass(frozen=True, slots=True)
class Adapters:
    """The outside world, opened. `stopping` says whether the daemon has been asked to stop.

    `failures` is remembered from one poll to the next.
    """

    mailbox: Mailbox
    reader: Reader
    store: Store
    clock: Clock
    dns: Dns
    stopping: Callable[[], bool] = lambda: False
    failures: FailureCounts = field(default_factory=FailureCounts)

"""Messages: the values that say where a message is, and what became of it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of a message."""

    QUARANTINED = "quarantined"  # not authentic, or we failed three times: a person looks
    HELD = "held"  # an authentic but unknown sender: waits for the operator
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Key:
    """Names one message in the mailbox for ever (RFC 9051 section 2.3.1.1)."""

    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A message in the inbox, before it is fetched: `size` in bytes as the server has it, INTERNALDATE in UTC."""

    key: Key
    size: int
    received_at: datetime
    dated: bool = True  # else the server gives no date, and `received_at` is when it was listed


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of a message as they were sent, or its header alone if it is larger than the limit."""

    raw: bytes
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof of what became of a message.

    `arrival` numbers messages in the order in which they were first seen. `outcome` is None until it is settled.
    `released`: the operator vouches for its sender, once. `accept_identities`: and for its learners' identities.
    """

    arrival: int
    reference: str
    received_at: datetime
    first_seen_at: datetime
    attempts: int = 0
    crashes: int = 0
    outcome: Outcome | None = None
    reason: str = ""
    released: bool = False
    accept_identities: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """The one From address, and whether it can be believed; `why` says on what grounds. `undecided`: later, perhaps."""

    address: str
    authentic: bool
    why: str
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """The facts about a message that its receipt keeps: no subject, no file name, no body."""

    sender: Sender
    date: str
    message_id: str
    attachments_digest: str


class FailureCounts(Counter[Key | str]):
    """How often a server broke off or refused at a message since the daemon started.

    A message is named by its key while it is in the inbox, and otherwise by its reference.
    """


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """The properties that find a message in any folder: SHA-256 of its bytes, Message-ID, size and INTERNALDATE.

    `digest` is "" if any message with the Message-ID is meant; both are "" for one that was never read. `size` is what
    the server said in the inbox.
    """

    digest: str
    message_id: str
    size: int = -1
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """A message that the operator released; `folder` is where it was filed, if that is known."""

    reference: str
    folder: str
    query: MessageQuery


@dataclass(frozen=True, slots=True)
class Filed:
    """A message that must be deleted from `folder`; "" if only `replies`, the Message-IDs of our answers, must.

    `shared`: another message that must be kept has the same digest (or size and date).
    """

    reference: str
    folder: str
    query: MessageQuery
    replies: tuple[str, ...]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptSummary:
    """A receipt as the nightly reconciliation sees it; `changed_at` is the time of its last change.

    `answers` counts all its replies, `last_answers` those since it was released. `folder` is "" if the message is not
    filed. If it is `superseded`, its mail is about to be deleted; then it is `deleted`.
    """

    reference: str
    key: Key | None
    message_id: str
    folder: str
    changed_at: datetime
    settled: bool
    superseded: bool
    deleted: bool
    unanswered: str
    answers: int
    last_answers: int

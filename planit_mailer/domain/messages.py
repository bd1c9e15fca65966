"""Messages: the values that describe a message, its place in the mailbox, and its outcome."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """The outcome of a message."""

    QUARANTINED = "quarantined"  # not authentic, or we failed three times: a person has to look
    HELD = "held"  # the sender is authentic but not registered: waits for the operator
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    IGNORED = "ignored"


class ReceiptState(StrEnum):
    """How far a message has come; each state follows the one above."""

    OPEN = "open"  # it has no outcome yet, or none any more: the operator released it
    SETTLED = "settled"  # it has an outcome, and is still to be filed
    FILED = "filed"
    SUPERSEDED = "superseded"  # it must be deleted from the mailbox
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Key:
    """The permanent name of one message in the mailbox (RFC 9051 section 2.3.1.1)."""

    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A message in the inbox before it is fetched: its size in bytes and its INTERNALDATE in UTC, as the server says.

    `dated` is False if the server gives no date. Then `received_at` is the time when the message was listed.
    """

    key: Key
    size: int
    received_at: datetime
    dated: bool = True


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of a message as they were sent. `whole` is False if it is too large, and `raw` only its header."""

    raw: bytes
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record of one message's processing.

    `arrival` numbers messages in the order in which they were first seen. `outcome` is None until the message is
    settled. `released`: the operator vouches for the sender of this one message. `accept_identities`: the operator
    vouches for its learners' identities, too.
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
    """The one From address, whether it is authentic, and why. `undecided`: it may be found authentic later."""

    address: str
    authentic: bool
    why: str
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """The facts about a message that its receipt keeps. No subject, file name or body is among them."""

    sender: Sender
    date: str
    message_id: str
    attachments_digest: str


class FailureCounts(Counter[Key | str]):
    """The number of times that a server broke the connection, or refused, at a message since the daemon started.

    A message is named by its key while it is in the inbox, and otherwise by its reference. "senders" counts what
    happens when the server is asked for the senders of many messages.
    """


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """The properties by which a message is found in any folder.

    `digest` is the SHA-256 of its bytes, "" if any message with the Message-ID will do. Both are "" for a message that
    was never read. `size` and `received_at` are the size and INTERNALDATE that the server gave in the inbox.
    """

    digest: str
    message_id: str
    size: int = -1
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """A message that the operator released, and the folder in which it is filed, "" if that is unknown."""

    reference: str
    folder: str
    query: MessageQuery


@dataclass(frozen=True, slots=True)
class Filed:
    """A message that must be deleted from `folder`, together with our replies to it.

    `folder` is "" if only the replies must be deleted. `replies` are their Message-IDs. `ambiguous`: another
    message that must be kept matches the same query.
    """

    reference: str
    folder: str
    query: MessageQuery
    replies: tuple[str, ...]
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptSummary:
    """A receipt as the nightly reconciliation sees it. `changed_at` is the time of its last change.

    `answers` counts all replies, `last_answers` the replies since the message was released. `folder` is "" if the
    message is not filed.
    """

    reference: str
    key: Key | None
    message_id: str
    folder: str
    changed_at: datetime
    state: ReceiptState
    unanswered: str
    answers: int
    last_answers: int

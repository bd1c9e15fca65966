"""What is written down about a message: its receipt, its outcome, what it changed, and its reply.

The story, the replies and the store all speak in these values; none of them belongs to one of the three.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a message."""

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
    """The bytes of a message as they were sent; where it is larger than the limit, its header alone."""

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
    """What a message says of itself, as far as its receipt keeps it: no subject, no file name, no body."""

    sender: Sender
    date: str
    message_id: str
    attachments_digest: str


# FOLDED FROM planit_mailer.whereabouts
class FailureCounts(Counter[Key | str]):
    """How often a server broke off, or said no, at a message since the daemon started.

    A message is named by its key while it is in the inbox, and else by its reference.
    """


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """What is known of a message, wherever it lies: its bytes' SHA-256, its Message-ID, its size and INTERNALDATE.

    `digest` is "" where any message with the Message-ID is meant, and both are for one that was never read. `size` is
    what the server said of it in the inbox.
    """

    digest: str
    message_id: str
    size: int = -1
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """A message that the operator released, filed in `folder` where that is known."""

    reference: str
    folder: str
    query: MessageQuery


@dataclass(frozen=True, slots=True)
class Filed:
    """A message that must be deleted from `folder`, "" where only `replies` are: the Message-IDs of our answers.

    `shared`: what it is query by is true of another message, too, which is to be kept.
    """

    reference: str
    folder: str
    query: MessageQuery
    replies: tuple[str, ...]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class ReceiptSummary:
    """A receipt as the nightly reconciliation sees it; `changed_at` is when it last moved.

    `answers` are all its replies, `last_answers` those since it was released, where it was.
    `folder` is "" where the message is not filed; its mail is about to go where it is `superseded`, then `deleted`.
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

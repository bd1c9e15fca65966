"""Where the messages lie that were taken in, and how each is told from all others there."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from planit_mailer.ledger import Key


class Stumbled(Counter[Key | str]):
    """How often a server broke off, or said no, at a message since the daemon started.

    A message is named by its key while it is in the inbox, and else by its reference.
    """


@dataclass(frozen=True, slots=True)
class Sought:
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
    sought: Sought


@dataclass(frozen=True, slots=True)
class Filed:
    """A message that must be deleted from `folder`, "" where only `replies` are: the Message-IDs of our answers.

    `shared`: what it is sought by is true of another message, too, which is to be kept.
    """

    reference: str
    folder: str
    sought: Sought
    replies: tuple[str, ...]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Booked:
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

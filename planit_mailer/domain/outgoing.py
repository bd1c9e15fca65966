"""Outgoing mail: replies to schools and mails to the operator, queued and sent."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReplyKind(StrEnum):
    """The kinds of mail that we send."""

    CONFIRMATION = "confirmation"
    REPORT = "report"
    HELP = "help"
    HELD = "held"
    DELAYED = "delayed"
    OPERATOR = "operator"


def id_begins(reference: str, kind: ReplyKind) -> str:
    """Return how the Message-IDs of our mails begin that are of this kind and about this message."""
    return f"<{reference.lower()}.{kind.value}."


@dataclass(frozen=True, slots=True)
class Reply:
    """One mail to one address. It is composed completely before it is queued."""

    kind: ReplyKind
    recipient: str
    message_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Recent:
    """A recent reply to one address."""

    kind: ReplyKind
    queued_at: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """A reply in the outbox. `reference` is "" if it answers no message."""

    id: int
    reference: str
    attempts: int
    queued_at: datetime
    due_at: datetime
    reply: Reply


@dataclass(frozen=True, slots=True)
class Bounced:
    """A mail of ours that was returned as undeliverable. `reference` is "" if it answered no message."""

    reference: str
    kind: ReplyKind

"""What the store is told of a poll, and what it knows of earlier ones: a part of its transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from planit_mailer.domain.messages import InboxMessage, Key, Outcome, Receipt


class Polled(Protocol):
    """The verbs about polls."""

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

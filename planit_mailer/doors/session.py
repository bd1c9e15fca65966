"""One connection to the mailbox, and whose turn it is when something goes wrong on it.

Every verb either does what it says or raises. Declined is what the server answers to one thing, in order: the next may
be asked. All else is Unavailable, with the server's words; after that the connection is dropped and never used again,
because nobody knows what the server still has to say on it. Whoever wants to go on opens a new mailbox.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from planit_mailer.core.errors import Declined, Unavailable
from planit_mailer.doors import imap
from planit_mailer.doors.imap import Connection


class Session:
    """One connection; `_selected` is the folder that is open on it, "" where nobody knows."""

    def __init__(self, client: Connection) -> None:
        self._client: Connection | None = client
        self._selected = ""

    def close(self) -> None:
        """Log out; also of a connection that is broken."""
        if self._client:
            imap.log_out(self._client)
        self._client = None

    @contextmanager
    def _asking(self, failed: str, *, of_one: bool = False) -> Iterator[Connection]:
        """The connection, for one verb; whatever goes wrong on it is Unavailable, and the end of it.

        `of_one`: what is asked is about one message or one folder. A server that says no to it declines that alone.
        """
        if self._client is None:
            raise Unavailable("the connection to the mailbox is closed")
        client = self._client
        try:
            yield client
        except Declined as error:
            raise Declined(f"{failed}: {error}") from error
        except (*imap.FOREIGN, Unavailable) as error:
            if of_one and imap.is_refusal(error):
                raise Declined(f"{failed}: {imap.words(error)}") from error
            self._client = None
            imap.cut(client)
            raise Unavailable(f"{failed}: {imap.words(error)}") from error

    def _select(self, client: Connection, folder: str) -> dict[bytes, Any]:
        """Open a folder; what the server says of it."""
        self._selected = ""  # where the server says no, none is open
        state: dict[bytes, Any] = client.select_folder(folder)
        self._selected = folder
        return state

"""Waiting for mail with IMAP's IDLE (RFC 2177): a hint, after which the mailbox is listed all the same."""

import selectors
import time
from collections.abc import Callable

from planit_mailer.adapters.imap.commands import Connection
from planit_mailer.core.errors import Unavailable

LOOK_UP = 0.2  # seconds between two looks whether we are to stop


def idle(client: Connection, seconds: float, stopping: Callable[[], bool]) -> bool:
    """Wait for new mail, at most this long and until `stopping`. Return True if some came.

    Raises Unavailable if the server says good-bye. imapclient's `idle_check` is not used: on a dead connection it
    returns nothing at once, for ever, and it fails on an answer that comes in two pieces. Here any answer ends IDLE,
    and is read afterwards.
    """
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        client.idle()
        quiet = not wait(client, left, stopping)
        _, answers = client.idle_done()
        if any(answer[0] == b"BYE" for answer in answers):
            raise Unavailable("the mailbox said good-bye")
        if any(len(answer) > 1 and answer[1] == b"EXISTS" for answer in answers):
            return True
        if quiet:
            return False
    return False


def wait(client: Connection, seconds: float, stopping: Callable[[], bool]) -> bool:
    """Wait until the server says something, at most this long and until `stopping`. Return True if it did."""
    end, said = time.monotonic() + seconds, False
    with selectors.DefaultSelector() as selector:
        selector.register(client.socket(), selectors.EVENT_READ)
        while not said and not stopping() and (left := end - time.monotonic()) > 0:
            said = bool(selector.select(min(left, LOOK_UP)))
    return said

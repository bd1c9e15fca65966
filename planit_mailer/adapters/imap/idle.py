"""Waiting for mail with IMAP's IDLE (RFC 2177): a hint, after which the mailbox is listed all the same."""

import selectors
import time
from collections.abc import Callable, Sequence
from typing import Any

from planit_mailer.adapters.imap.commands import Connection
from planit_mailer.core.errors import Unavailable

LOOK_UP = 0.2  # seconds between two calls of `stopping`


def idle(client: Connection, seconds: float, stopping: Callable[[], bool]) -> bool:
    """Wait for new mail, at most this long and until `stopping`. Return True if some came.

    Raises Unavailable if the server says good-bye. imapclient's `idle_check` is not used: on a dead connection it
    returns nothing at once, for ever, and it fails on an answer that comes in two pieces. Here any answer ends IDLE,
    and is read afterwards.
    """
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        client.idle()
        spoke = wait(client, left, stopping)
        _, answers = client.idle_done()
        if _says_good_bye(answers):
            raise Unavailable("the mailbox said good-bye")
        if _reports_mail(answers):
            return True
        if not spoke:
            return False
    return False


def wait(client: Connection, seconds: float, stopping: Callable[[], bool]) -> bool:
    """Wait until the server says something, at most this long and until `stopping`. Return True if it did."""
    end = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(client.socket(), selectors.EVENT_READ)
        while not stopping():
            left = end - time.monotonic()
            if left <= 0:
                return False
            if selector.select(min(left, LOOK_UP)):
                return True
    return False


def _says_good_bye(answers: Sequence[Any]) -> bool:
    return any(answer[0] == b"BYE" for answer in answers)


def _reports_mail(answers: Sequence[Any]) -> bool:
    """True if the server reports a number of messages: (3, b"EXISTS")."""
    return any(len(answer) > 1 and answer[1] == b"EXISTS" for answer in answers)

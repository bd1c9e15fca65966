"""Waiting for mail with IMAP's IDLE (RFC 2177): a hint, after which the mailbox is listed all the same."""

import selectors
import time

from planit_mailer.doors.imap import Connection
from planit_mailer.errors import Unavailable


def idle(client: Connection, seconds: float) -> bool:
    """Wait for new mail, at most so long; whether some came. Raises Unavailable where the server says good-bye.

    imapclient's `idle_check` is not used: on a dead connection it says "nothing" at once, for ever, and of an answer
    that comes in two pieces it makes an error. Whatever arrives ends IDLE here, and is read in peace.
    """
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        client.idle()
        quiet = not _readable(client, left)
        _, answers = client.idle_done()
        if any(answer[0] == b"BYE" for answer in answers):
            raise Unavailable("the mailbox said good-bye")
        if any(len(answer) > 1 and answer[1] == b"EXISTS" for answer in answers):
            return True
        if quiet:
            return False
    return False


def _readable(client: Connection, seconds: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(client.socket(), selectors.EVENT_READ)
        return bool(selector.select(seconds))

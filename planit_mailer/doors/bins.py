"""Deleting messages for ever: at once, or on Gmail by way of the bin."""

from planit_mailer.core.errors import Unavailable
from planit_mailer.doors import imap
from planit_mailer.doors.imap import Connection

BIN = rb"\Trash"  # a folder's special use (RFC 6154), whatever its name is in the language of the mailbox


def of(client: Connection) -> str:
    """The folder from which alone messages can be deleted, "" where they can be from each.

    On Gmail a folder is a label: what is expunged from it stays in All Mail. Only what is moved to the bin, and
    expunged there, is gone. Raises Unavailable where no bin is to be seen.
    """
    if not client.has_capability("X-GM-EXT-1"):
        return ""
    bin_ = client.find_special_folder(BIN)
    if bin_ is None:
        raise Unavailable("it shows no bin over IMAP: let Gmail's settings show the label Bin or Trash")
    return str(bin_)


def expunge(client: Connection, uids: list[int]) -> None:
    """Delete these messages of the selected folder for ever."""
    for uid in uids:
        imap.expunge(client, uid)


def move(client: Connection, uids: list[int], bin_: str) -> None:
    """Move these messages of the selected folder to the bin, from which they are still to be expunged."""
    for uid in uids:
        imap.move(client, uid, bin_)

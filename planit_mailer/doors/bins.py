"""Deleting one message for ever: at once, or on Gmail by way of the bin."""

from planit_mailer.doors import imap
from planit_mailer.doors.imap import Connection
from planit_mailer.errors import Unavailable

BIN = rb"\Trash"  # a folder's special use (RFC 6154), whatever its name is in the language of the mailbox


def delete(client: Connection, uid: int) -> str:
    """Delete a message of the selected folder; on Gmail it is still to be expunged from the folder that is returned.

    There a folder is a label: what is expunged from it stays in All Mail. Only what is moved to the bin, and expunged
    there, is gone. Raises Unavailable where no bin is to be seen.
    """
    if not client.has_capability("X-GM-EXT-1"):
        imap.expunge(client, uid)
        return ""
    bin_ = client.find_special_folder(BIN)
    if bin_ is None:
        raise Unavailable("it shows no bin over IMAP: let Gmail's settings show the label Bin or Trash")
    imap.move(client, uid, bin_)
    return str(bin_)

"""Single IMAP commands on one connection, and how to close it. Only this module and connection.py import imapclient.

A server's answer to COPY, MOVE or STORE is never trusted: the result is looked up afterwards. Every command names one
message, or explicit UIDs: if a command is about many messages, servers do only a part of them, or confuse them.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import compat32
from typing import Any, TypeAlias

from imapclient import DELETED, IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, ProtocolError

from planit_mailer.core import logs, text
from planit_mailer.core.errors import Rejected, Unavailable
from planit_mailer.mail import addresses, headers

log = logs.get(__name__)

Connection: TypeAlias = IMAPClient
# The errors of imapclient and of the sockets beneath it. The last two are raised for answers that are not IMAP.
FOREIGN = (IMAPClientError, OSError, EOFError, ValueError, LookupError)

CHUNK = 2**20  # bytes of a message asked for at once: imaplib holds each answer in memory
HEADER = 2**18  # bytes of a header that are fetched at most
FROM = 2**12  # bytes of the From lines of a message that are fetched; what is longer names no address, cut or not
WINDOW = 5_000  # messages that one search may find: imaplib rejects lines of more than a million bytes
QUOTABLE = re.compile(r"[ -~]{1,1000}")  # printable ASCII
TRASH = rb"\Trash"  # a folder's special use (RFC 6154), whatever its name is in the language of the mailbox
BATCH = 400  # UIDs a command names: servers take lines of 8,000 bytes (RFC 7162 section 4)


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """A message as a server lists it: size in bytes, INTERNALDATE in UTC, Message-ID or "".

    For a message whose file is damaged, servers give no date, or an impossible one.
    """

    uid: int
    size: int
    received_at: datetime | None
    message_id: str


class Vanished(Exception):  # noqa: N818  it is a fact, not an error
    """The message is no longer in the folder."""


def cut(client: Connection) -> None:
    """Close a connection that may be broken, without logging out."""
    with suppress(*FOREIGN):
        client.shutdown()


def log_out(client: Connection) -> None:
    """Log out and close a connection."""
    try:
        client.logout()
    except FOREIGN:
        cut(client)


def uids(client: Connection, exists: int) -> set[int]:
    """The UIDs of the selected folder, asked for by sequence numbers: UIDs may have gaps of millions."""
    found: set[int] = set()
    for first in range(1, exists + 1, WINDOW):
        last = str(first + WINDOW - 1) if first + WINDOW <= exists else "*"
        found.update(client.search(f"{first}:{last}"))
    return found


def uids_after(client: Connection, uid: int) -> list[int]:
    """The UIDs of the selected folder above this one, in order. A server names its highest UID in any case."""
    return sorted(found for found in client.search(f"UID {uid + 1}:*") if found > uid)


def facts(client: Connection, of: list[int], items: list[str]) -> Iterator[tuple[int, dict[bytes, Any]]]:
    """Fetch these items of each message that is still there, in the order of the UIDs."""
    for start in range(0, len(of), BATCH):
        batch = of[start : start + BATCH]
        yield from client.fetch(batch, items).items()


def chunks(client: Connection, uid: int, size: int) -> Iterator[bytes]:
    """Fetch a message in pieces without marking it as seen, up to its real end, whatever `size` the server gave.

    Raises Vanished.
    """
    offset = 0
    while chunk := _item(client, uid, f"BODY.PEEK[]<{offset}.{CHUNK}>", b"BODY[]<%d>" % offset):
        offset += len(chunk)
        yield chunk
        if offset == size and len(chunk) < CHUNK:
            return
    # If somebody deletes a message meanwhile, Dovecot returns nothing, and says so only when it is asked again.
    client.noop()
    if not is_there(client, uid):
        raise Vanished


def header(client: Connection, uid: int) -> bytes:
    """The header of a message, at most 256 KiB of it. Raises Vanished."""
    return _item(client, uid, f"BODY.PEEK[HEADER]<0.{HEADER}>", b"BODY[HEADER]<0>")


def having(client: Connection, message_id: str) -> list[int]:
    """The messages of the selected folder whose Message-ID contains this one, as far as the server's search finds them.

    The Message-ID is sent as a quoted string: imapclient does not quote "{3}" and "(", which begin a literal and a
    list. Return none if it cannot be quoted (RFC 9051 section 9), or if the server refuses the search all the same.
    """
    if not QUOTABLE.fullmatch(message_id):
        return []
    quoted = re.sub(r'(["\\])', r"\\\1", message_id)
    try:
        return list(client.search(f'HEADER Message-ID "{quoted}"'))
    except IMAPClientError as error:
        if not is_refusal(error):
            raise
        return []


def listed(client: Connection, of: list[int], *, names: bool = False) -> Iterator[ListedMessage]:
    """List the messages that are still there; with their Message-IDs only if `names` is True."""
    fields = ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"] if names else []
    for uid, item in facts(client, of, ["RFC822.SIZE", "INTERNALDATE", *fields]):
        size = int(item.get(b"RFC822.SIZE") or 0)
        date = item.get(b"INTERNALDATE")
        received_at = date.astimezone(UTC) if date else None
        message_id = _message_id(item) if names else ""
        yield ListedMessage(uid, size, received_at, message_id)


def claimed_senders(client: Connection, of: list[int]) -> Iterator[tuple[int, str]]:
    """The UIDs of the messages that are still there, each with the one From address that it claims, or ""."""
    for uid, item in facts(client, of, [f"BODY.PEEK[HEADER.FIELDS (FROM)]<0.{FROM}>"]):
        yield uid, _one_address(_header_fields(item))


def is_there(client: Connection, uid: int) -> bool:
    """True if a message is in the selected folder."""
    return uid in client.search(f"UID {uid}")


def can_move(client: Connection) -> bool:
    """True if a message can be moved without expunging messages that other people have marked as deleted."""
    return bool(client.has_capability("MOVE") or client.has_capability("UIDPLUS"))


def move(client: Connection, uid: int, folder: str) -> bool:
    """Move one message of the selected folder; a missing folder is created.

    Return False if it was gone already: somebody else moved it. Raises Rejected if the server refuses to move it, or
    does not do so.
    """
    if not is_there(client, uid):
        return False
    try:
        _move_or_create(client, uid, folder)
    except IMAPClientError as error:
        if not is_refusal(error):
            raise
        client.noop()  # otherwise the server may not report yet that it is gone
        if is_there(client, uid):
            raise Rejected(words(error)) from error
        return False
    if is_there(client, uid):
        raise Rejected(f'the mailbox says that it moved a message to the folder "{folder}", but did not')
    return True


def expunge(client: Connection, uid: int) -> None:
    """Delete one message of the selected folder for ever, and no other that somebody has marked.

    Raises Rejected if it is still there, Unavailable if the server cannot delete single messages.
    """
    if not client.has_capability("UIDPLUS"):
        raise Unavailable("the mailbox cannot delete a single message: it does not offer UIDPLUS")
    client.add_flags([uid], [DELETED], silent=True)
    client.uid_expunge([uid])
    if is_there(client, uid):
        raise Rejected("the mailbox says that it deleted a message, but did not")


def trash_folder(client: Connection) -> str:
    """On Gmail, the Trash folder (only expunging there deletes); "" on other servers.

    On Gmail a folder is a label: a message that is expunged from it stays in All Mail. It has to be moved to Trash and
    expunged there. Raises Unavailable if no Trash folder is visible.
    """
    if not client.has_capability("X-GM-EXT-1"):
        return ""
    trash = client.find_special_folder(TRASH)
    if trash is None:
        raise Unavailable("it shows no bin over IMAP: let Gmail's settings show the label Bin or Trash")
    return str(trash)


def expunge_several(client: Connection, uids: list[int]) -> None:
    """Delete these messages of the selected folder for ever."""
    for uid in uids:
        expunge(client, uid)


def move_several(client: Connection, uids: list[int], folder: str) -> None:
    """Move these messages of the selected folder to another folder."""
    for uid in uids:
        move(client, uid, folder)


def create(client: Connection, name: str) -> None:
    """Create a folder and subscribe to it, so that mail programs show it."""
    try:
        client.create_folder(name)
    except IMAPClientError:
        if not client.folder_exists(name):  # otherwise somebody else has created it meanwhile
            raise
    log.info("folder made", folder=name)
    with suppress(IMAPClientError):  # a convenience only
        client.subscribe_folder(name)


def is_refusal(error: BaseException) -> bool:
    """True if the server answered with a tagged NO or BAD, so that the connection can still be used."""
    if isinstance(error, IMAPClientAbortError | ProtocolError):
        return False
    broken = str(error).startswith("command: ")
    return isinstance(error, IMAPClientError) and not broken


def words(error: BaseException) -> str:
    """The server's answer without the quotes of Python's bytes, at most 300 characters."""
    said = error.args[0] if len(error.args) == 1 else str(error)
    answer = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if answer.startswith(("b'", 'b"')):
        answer = answer[2:-1]
    return text.one_line(answer)[:300] or type(error).__name__


def _item(client: Connection, uid: int, asked: str, name: bytes) -> bytes:
    """Fetch a part of a message. Raises Vanished, or Rejected if the server refuses this one."""
    try:
        answer = client.fetch([uid], [asked])
    except IMAPClientError as error:
        if not is_refusal(error):
            raise
        raise Rejected(words(error)) from error
    if uid not in answer:
        raise Vanished
    return bytes(answer[uid].get(name) or b"")


def _message_id(item: dict[bytes, Any]) -> str:
    """The Message-ID among the fetched header fields, "" if there is none; the first of several, as in our parser."""
    fields = message_from_bytes(_header_fields(item), policy=compat32)
    first = fields["message-id"] or ""
    return headers.message_id(text.one_line(str(first)))


def _one_address(fields: bytes) -> str:
    """The address in these From lines, in canonical spelling; "" if there is none or several, or if they were cut."""
    if len(fields) >= FROM:
        return ""
    found: list[str] = []
    for name, line in message_from_bytes(fields, policy=compat32).raw_items():
        if name.lower() == "from":
            found += (one.address for one in headers.addresses(text.one_line(str(line))))
    return addresses.canonical(found[0]) if len(found) == 1 else ""


def _header_fields(item: dict[bytes, Any]) -> bytes:
    """The fetched header fields: servers repeat the request in the item's name, each in its own spelling."""
    for name, value in item.items():
        if name.startswith(b"BODY[HEADER.FIELDS"):
            return bytes(value or b"")
    return b""


def _move_or_create(client: Connection, uid: int, folder: str) -> None:
    """Move a message; if the folder is missing, create it and try again."""
    try:
        _move_once(client, uid, folder)
    except IMAPClientError as error:
        if "TRYCREATE" not in str(error):
            raise
        create(client, folder)
        _move_once(client, uid, folder)


def _move_once(client: Connection, uid: int, folder: str) -> None:
    """Move a message by MOVE, or by COPY and EXPUNGE if the server does not offer MOVE."""
    if client.has_capability("MOVE"):
        client.move([uid], folder)
    else:
        client.copy([uid], folder)
        expunge(client, uid)

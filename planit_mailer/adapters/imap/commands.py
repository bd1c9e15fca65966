"""One IMAP connection and the single commands that we trust on it. With imap_login.py the only importer of imapclient.

What a server answers to COPY, MOVE or STORE is never believed: it is looked up afterwards. Every command names one
message, or explicit UIDs: servers do a part of many, or confuse them.
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
from planit_mailer.mail import headers

log = logs.get(__name__)

Connection: TypeAlias = IMAPClient
# What imapclient and the sockets beneath it raise; the last two come of answers that are no IMAP.
FOREIGN = (IMAPClientError, OSError, EOFError, ValueError, LookupError)

CHUNK = 2**20  # bytes of a message asked for at once: imaplib holds each answer in memory
HEADER = 2**18  # bytes of a header
WINDOW = 5_000  # messages that one search may find: imaplib takes no line above a million bytes
QUOTABLE = re.compile(r"[ -~]{1,1000}")
TRASH = rb"\Trash"  # a folder's special use (RFC 6154), whatever its name is in the language of the mailbox
BATCH = 400  # UIDs a command names: servers take lines of 8,000 bytes (RFC 7162 section 4)


@dataclass(frozen=True, slots=True)
class Listed:
    """The facts that a server lists for a message: size in bytes, INTERNALDATE in UTC, Message-ID or "".

    For a message whose file is damaged, servers give no date, or an impossible one.
    """

    uid: int
    size: int
    came: datetime | None
    message_id: str


class Vanished(Exception):  # noqa: N818  it is a fact, not an error
    """The message is no longer in the folder."""


def cut(client: Connection) -> None:
    """Close a connection that may be broken, without a word."""
    with suppress(*FOREIGN):
        client.shutdown()


def log_out(client: Connection) -> None:
    """Close a connection as it should be."""
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


def facts(client: Connection, of: list[int], items: list[str]) -> Iterator[tuple[int, dict[bytes, Any]]]:
    """Some facts about each of the messages that are still there, in the order in which they are named."""
    for start in range(0, len(of), BATCH):
        yield from client.fetch(of[start : start + BATCH], items).items()


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
    # Of a message that somebody deletes meanwhile, Dovecot hands out nothing, and says so only when asked again.
    client.noop()
    if not is_there(client, uid):
        raise Vanished


def header(client: Connection, uid: int) -> bytes:
    """The header of a message alone. Raises Vanished."""
    return _item(client, uid, f"BODY.PEEK[HEADER]<0.{HEADER}>", b"BODY[HEADER]<0>")


def having(client: Connection, message_id: str) -> list[int]:
    """The messages of the selected folder whose Message-ID contains this one, as far as the server's search finds them.

    It goes as a quoted string: imapclient leaves "{3}" and "(" bare, which begin a literal and a list. What no quoted
    string holds (RFC 9051 section 9), and what the server refuses all the same, is found in no message.
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


def listed(client: Connection, of: list[int], *, names: bool = False) -> Iterator[Listed]:
    """List the messages that are still there; with their Message-IDs only if `names` is True."""
    fields = ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"] if names else []
    for uid, item in facts(client, of, ["RFC822.SIZE", "INTERNALDATE", *fields]):
        message_id = _message_id(item) if names else ""
        came = item.get(b"INTERNALDATE")
        yield Listed(uid, int(item.get(b"RFC822.SIZE") or 0), came.astimezone(UTC) if came else None, message_id)


def is_there(client: Connection, uid: int) -> bool:
    """True if a message is in the selected folder."""
    return uid in client.search(f"UID {uid}")


def can_move(client: Connection) -> bool:
    """True if a message can be moved without expunging messages that other people have marked as deleted."""
    return bool(client.has_capability("MOVE") or client.has_capability("UIDPLUS"))


def move(client: Connection, uid: int, folder: str) -> bool:
    """Move one message of the selected folder; a missing folder is created. Raises Rejected.

    Return False if it was gone already: somebody else moved it.
    """
    if not is_there(client, uid):
        return False
    try:
        _move_or_make(client, uid, folder)
    except IMAPClientError as error:
        if not is_refusal(error):
            raise
        client.noop()  # else the server may not tell yet that it is gone
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

    On Gmail a folder is a label: a message expunged from it stays in All Mail. Only one that is moved to Trash, and
    expunged there, is gone. Raises Unavailable if no Trash folder is visible.
    """
    if not client.has_capability("X-GM-EXT-1"):
        return ""
    bin_ = client.find_special_folder(TRASH)
    if bin_ is None:
        raise Unavailable("it shows no bin over IMAP: let Gmail's settings show the label Bin or Trash")
    return str(bin_)


def expunge_several(client: Connection, uids: list[int]) -> None:
    """Delete these messages of the selected folder for ever."""
    for uid in uids:
        expunge(client, uid)


def move_several(client: Connection, uids: list[int], bin_: str) -> None:
    """Move these messages of the selected folder to the bin, from which they are still to be expunged."""
    for uid in uids:
        move(client, uid, bin_)


def create(client: Connection, name: str) -> None:
    """Make a folder, and subscribe to it, so that mail programs show it."""
    try:
        client.create_folder(name)
    except IMAPClientError:
        if not client.folder_exists(name):  # else somebody was quicker
            raise
    log.info("folder made", folder=name)
    with suppress(IMAPClientError):  # a convenience
        client.subscribe_folder(name)


def is_refusal(error: BaseException) -> bool:
    """True if the server said no in order (a tagged NO or BAD), so that the connection can still be used."""
    broken = isinstance(error, IMAPClientAbortError | ProtocolError) or str(error).startswith("command: ")
    return isinstance(error, IMAPClientError) and not broken


def words(error: BaseException) -> str:
    """The server's answer without Python's decoration, at most 300 characters."""
    said = error.args[0] if len(error.args) == 1 else str(error)
    answer = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    answer = answer[2:-1] if answer[:2] in ("b'", 'b"') else answer
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
    fields = next((value for name, value in item.items() if name.startswith(b"BODY[HEADER.FIELDS")), b"")
    first = message_from_bytes(bytes(fields or b""), policy=compat32)["message-id"]  # of several, as we read them
    return headers.message_id(text.one_line(str(first or "")))


def _move_or_make(client: Connection, uid: int, folder: str) -> None:
    try:
        _move_once(client, uid, folder)
    except IMAPClientError as error:
        if "TRYCREATE" not in str(error):
            raise
        create(client, folder)
        _move_once(client, uid, folder)


def _move_once(client: Connection, uid: int, folder: str) -> None:
    if client.has_capability("MOVE"):
        client.move([uid], folder)
    else:
        client.copy([uid], folder)
        expunge(client, uid)

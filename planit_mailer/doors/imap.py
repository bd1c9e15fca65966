"""One IMAP connection and the single commands that we trust on it. The only importer of imapclient.

What a server answers to COPY, MOVE or STORE is never believed: it is looked up afterwards. Every command names one
message, or explicit UIDs: servers do a part of many, or confuse them.
"""

import selectors
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeAlias

from imapclient import DELETED, IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from planit_mailer import config, logs
from planit_mailer.errors import Declined, Unavailable
from planit_mailer.mail import headers

log = logs.get(__name__)

Connection: TypeAlias = IMAPClient
# What imapclient and the sockets beneath it raise; the last two come of answers that are no IMAP.
FOREIGN = (IMAPClientError, OSError, EOFError, ValueError, LookupError)

TIMEOUT = SocketTimeout(connect=15, read=60)  # seconds; without one a silent server holds us for ever
CHUNK = 2**20  # bytes of a message asked for at once: imaplib holds each answer in memory
HEADER = 2**18  # bytes of a header
WINDOW = 5_000  # messages that one search may find: imaplib takes no line above a million bytes
BATCH = 400  # UIDs a command names: servers take lines of 8,000 bytes (RFC 7162 section 4)


class Vanished(Exception):  # noqa: N818  it is a fact, not an error
    """The message is in the folder no more."""


def connect(settings: config.Mailbox) -> Connection:
    """Connect and log in. Raises Unavailable."""
    where = f"{settings.host}:{settings.port}"
    tls = ssl.create_default_context()
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        client = IMAPClient(
            settings.host,
            settings.port,
            ssl=settings.security == "tls",
            ssl_context=tls,
            timeout=TIMEOUT,
        )
    except FOREIGN as error:
        raise Unavailable(f"the mailbox at {where} is away: {words(error)}") from error
    try:
        client.normalise_times = False  # else times lose their zone and become this machine's
        if settings.security == "starttls":
            client.starttls(tls)
        _log_in(client, settings)
    except FOREIGN as error:
        cut(client)
        refused = isinstance(error, LoginError) and not isinstance(error.__context__, IMAPClientAbortError)
        what = f"the mailbox refused the login of {settings.username}" if refused else f"the mailbox at {where} is away"
        raise Unavailable(f"{what}: {words(error)}") from error
    return client


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
    """A message in pieces, not marked as seen. It ends where the server has no more, whatever `size` it had given.

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


def with_message_id(client: Connection, message_id: str, exists: int) -> Iterator[int]:
    """The messages of the selected folder with exactly this Message-ID, "" for those that have none.

    A search may lag behind or dislike the characters: where it finds none, all Message-IDs are compared.
    """
    found = list(_having(client, client.search(["HEADER", "Message-ID", message_id]), message_id)) if message_id else []
    yield from found or _having(client, sorted(uids(client, exists), reverse=True), message_id)


def message_ids(client: Connection, of: list[int]) -> Iterator[tuple[int, str]]:
    """UID and Message-ID of each message that is still there, "" where it has none."""
    for uid, item in facts(client, of, ["BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]):
        field = next((value for name, value in item.items() if name.startswith(b"BODY[HEADER.FIELDS")), b"")
        value = bytes(field or b"").decode("utf-8", "surrogateescape").partition(":")[2]
        yield uid, headers.message_id(headers.one_line(value))


def is_there(client: Connection, uid: int) -> bool:
    """Whether a message is in the selected folder."""
    return uid in client.search(f"UID {uid}")


def can_move(client: Connection) -> bool:
    """Whether a message can be moved without expunging what other people have marked as deleted."""
    return bool(client.has_capability("MOVE") or client.has_capability("UIDPLUS"))


def move(client: Connection, uid: int, folder: str) -> None:
    """Move one message of the selected folder; a folder that is missing is made. Raises Declined."""
    try:
        _move_or_make(client, uid, folder)
    except IMAPClientAbortError:
        raise
    except IMAPClientError as error:
        raise Declined(words(error)) from error
    if is_there(client, uid):
        raise Unavailable(f'the mailbox says that it moved a message to the folder "{folder}", but did not')


def expunge(client: Connection, uid: int) -> None:
    """Delete one message of the selected folder for ever, and no other that somebody has marked."""
    if not client.has_capability("UIDPLUS"):
        raise Unavailable("the mailbox cannot delete a single message: it does not offer UIDPLUS")
    client.add_flags([uid], [DELETED], silent=True)
    client.uid_expunge([uid])
    if is_there(client, uid):
        raise Unavailable("the mailbox says that it deleted a message, but did not")


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


def words(error: BaseException) -> str:
    """What the server said, without Python's decoration, at most 300 characters."""
    said = error.args[0] if len(error.args) == 1 else str(error)
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    text = text[2:-1] if text[:2] in ("b'", 'b"') else text
    return headers.one_line(text)[:300] or type(error).__name__


def _log_in(client: Connection, settings: config.Mailbox) -> None:
    password = settings.password.get_secret_value() if settings.password else ""
    # imaplib's LOGIN takes ASCII alone; PLAIN is UTF-8 (RFC 4616).
    ascii_only = (settings.username + password).isascii()
    (client.login if ascii_only else client.plain_login)(settings.username, password)


def _item(client: Connection, uid: int, asked: str, name: bytes) -> bytes:
    answer = client.fetch([uid], [asked])
    if uid not in answer:
        raise Vanished
    return bytes(answer[uid].get(name) or b"")


def _having(client: Connection, among: list[int], message_id: str) -> Iterator[int]:
    yield from (uid for uid, found in message_ids(client, among) if found == message_id)


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
    elif is_there(client, uid):
        client.copy([uid], folder)
        expunge(client, uid)


def _readable(client: Connection, seconds: float) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(client.socket(), selectors.EVENT_READ)
        return bool(selector.select(seconds))

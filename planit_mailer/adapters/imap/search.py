"""Search: find the UIDs of one message in the selected folder.

A Message-ID may be written to mislead: a server's search and Python can read different ones from one header. So a
Message-ID only says where to look first, and the SHA-256 of the bytes decides.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator

from planit_mailer.adapters.imap import commands
from planit_mailer.adapters.imap.commands import Connection, Vanished
from planit_mailer.domain.messages import MessageQuery

# The UIDs of messages that may be it, in a folder with so many.
Way = Callable[[Connection, MessageQuery, int], Iterable[int]]


def ways(query: MessageQuery) -> tuple[Way, ...]:
    """The search strategies for a message, the quickest first. The next one is used if no folder has it."""
    if query.message_id:
        return named, alike
    return (alike, every) if query.digest else (alike,)


def named(client: Connection, query: MessageQuery, _exists: int) -> Iterator[int]:
    """The messages that the server's search finds, if their Message-ID equals this one and does not just contain it."""
    for item in commands.listed(client, commands.having(client, query.message_id), names=True):
        if item.message_id == query.message_id:
            yield item.uid


def alike(client: Connection, query: MessageQuery, exists: int) -> Iterator[int]:
    """The messages with the same Message-ID or size; for one that was never read, with the same date too.

    A search may lag behind, and the server may read another Message-ID from a header than we do.
    """
    for item in commands.listed(client, sorted(commands.uids(client, exists)), names=bool(query.message_id)):
        same = item.size == query.size and (bool(query.digest) or item.came == query.received_at)
        if same or (query.message_id and item.message_id == query.message_id):
            yield item.uid


def every(client: Connection, _sought: MessageQuery, exists: int) -> list[int]:
    """All: some servers only estimate sizes, and not always to the same number."""
    return sorted(commands.uids(client, exists))


def has_digest(client: Connection, uid: int, digest: str, known: list[str]) -> bool:
    """True if a message has this SHA-256; of a message beyond the limit, only the header was hashed.

    `known` caches the SHA-256 of its header and of all of it.
    """
    if digest in known:
        return True
    try:
        for of in (_of_header, _of_all)[len(known) :]:
            known.append(of(client, uid))
            if known[-1] == digest:
                return True
    except Vanished:
        pass
    return False


def _of_header(client: Connection, uid: int) -> str:
    return hashlib.sha256(commands.header(client, uid)).hexdigest()


def _of_all(client: Connection, uid: int) -> str:
    whole = hashlib.sha256()
    for chunk in commands.chunks(client, uid, -1):
        whole.update(chunk)
    return whole.hexdigest()

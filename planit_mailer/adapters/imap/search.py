"""Which messages of the selected folder are the one that is looked for.

What names a message may be written to mislead: a server's search and Python can read different Message-IDs from one
header. So a name only says where to look first, and the bytes decide.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator

from planit_mailer.adapters.imap import commands
from planit_mailer.adapters.imap.commands import Connection, Vanished
from planit_mailer.domain.messages import MessageQuery

# The UIDs of messages that may be it, in a folder with so many.
Way = Callable[[Connection, MessageQuery, int], Iterable[int]]


def ways(query: MessageQuery) -> tuple[Way, ...]:
    """How to look for a message, the quickest way first: the next is for where it was found in no folder."""
    if query.message_id:
        return named, alike
    return (alike, every) if query.digest else (alike,)


def named(client: Connection, query: MessageQuery, _exists: int) -> Iterator[int]:
    """Those that the server's search finds, if their Message-ID is this one and does not only contain it."""
    for item in commands.listed(client, commands.having(client, query.message_id), names=True):
        if item.message_id == query.message_id:
            yield item.uid


def alike(client: Connection, query: MessageQuery, exists: int) -> Iterator[int]:
    """Those with the same Message-ID after all, or of the same size; of one that was never read, also of the same time.

    A search may lag behind, and a header may say one thing to us and another one to the server.
    """
    for item in commands.listed(client, sorted(commands.uids(client, exists)), names=bool(query.message_id)):
        same = item.size == query.size and (bool(query.digest) or item.came == query.received_at)
        if same or (query.message_id and item.message_id == query.message_id):
            yield item.uid


def every(client: Connection, _sought: MessageQuery, exists: int) -> list[int]:
    """All: some servers only estimate sizes, and not always to the same number."""
    return sorted(commands.uids(client, exists))


def has_digest(client: Connection, uid: int, digest: str, known: list[str]) -> bool:
    """Whether a message is the one that was fetched as this; of one beyond the limit, only the header was.

    `known` are the SHA-256 of its header and of all of it, as far as somebody asked before.
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

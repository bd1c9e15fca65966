"""Find the UIDs of one message in the selected folder.

A Message-ID may be written to mislead: a server's search and Python can read different ones from one header. So a
Message-ID only says where to look first, and the SHA-256 of the bytes decides.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator

from planit_mailer.adapters.imap import commands
from planit_mailer.adapters.imap.commands import Connection, ListedMessage, Vanished
from planit_mailer.domain.messages import MessageQuery

# Returns the UIDs of possible matches in the selected folder. The last argument is the number of its messages.
SearchStrategy = Callable[[Connection, MessageQuery, int], Iterable[int]]


def strategies(query: MessageQuery) -> tuple[SearchStrategy, ...]:
    """The search strategies for a message, the quickest first. The next one is used if no folder has it."""
    if query.message_id:
        return named, alike
    if query.digest:
        return alike, every
    return (alike,)


def named(client: Connection, query: MessageQuery, _exists: int) -> Iterator[int]:
    """The messages that the server's search finds, if their Message-ID equals this one and does not just contain it."""
    candidates = commands.having(client, query.message_id)
    for item in commands.listed(client, candidates, names=True):
        if item.message_id == query.message_id:
            yield item.uid


def alike(client: Connection, query: MessageQuery, exists: int) -> Iterator[int]:
    """The messages with the same Message-ID or size; for one that was never read, with the same date too.

    A search may lag behind, and the server may read another Message-ID from a header than we do.
    """
    candidates = sorted(commands.uids(client, exists))
    for item in commands.listed(client, candidates, names=bool(query.message_id)):
        if _is_alike(item, query):
            yield item.uid


def every(client: Connection, _query: MessageQuery, exists: int) -> list[int]:
    """All messages: some servers only estimate sizes, and not always to the same number."""
    return sorted(commands.uids(client, exists))


def compare_digests(client: Connection, uid: int, digest: str, known: list[str]) -> bool:
    """Fetch a message as far as needed to compare its SHA-256. Return True if it equals the digest.

    Of a message beyond the size limit only the header was hashed, so the header is compared before the whole message.
    `known` caches both digests, in this order. A message that is gone has no digest.
    """
    if digest in known:
        return True
    not_yet_known = (_header_digest, _whole_digest)[len(known) :]
    try:
        for compute in not_yet_known:
            found = compute(client, uid)
            known.append(found)
            if found == digest:
                return True
    except Vanished:
        pass
    return False


def _is_alike(item: ListedMessage, query: MessageQuery) -> bool:
    if query.message_id and item.message_id == query.message_id:
        return True
    if item.size != query.size:
        return False
    was_read = bool(query.digest)
    return was_read or item.received_at == query.received_at


def _header_digest(client: Connection, uid: int) -> str:
    return hashlib.sha256(commands.header(client, uid)).hexdigest()


def _whole_digest(client: Connection, uid: int) -> str:
    whole = hashlib.sha256()
    for chunk in commands.chunks(client, uid, -1):  # -1: the size is unknown
        whole.update(chunk)
    return whole.hexdigest()

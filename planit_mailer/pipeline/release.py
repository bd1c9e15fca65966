"""What the operator released (`approve`, `retry`): moved back to the inbox, from where it goes the way of all mail."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from planit_mailer.core import logs
from planit_mailer.core.errors import ConnectionLost, Rejected, Unavailable
from planit_mailer.domain.messages import InboxMessage, Released
from planit_mailer.pipeline.ports import Adapters

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Search:
    """What came of bringing messages back: those that are in no folder of ours, and the last answer that was a no."""

    missing: tuple[Released, ...] = ()
    declined: Rejected | None = None


NONE = Search()


def bring_back(adapters: Adapters, folders: Iterable[str], reply_within: timedelta) -> Search:
    """Move what was released back to the inbox, whatever becomes of one of them. Raises Unavailable.

    A person may have moved it to another folder, and whoever filed it may have died before that was noted. What the
    mailbox refuses to move is tried again at the next poll; at what it breaks off, see try_again().
    """
    with adapters.store.transaction() as transaction:
        transaction.release_registered(adapters.clock(), reply_within)
        released = transaction.to_bring_back()
    missing, declined = [], None
    for one in released:
        if one.reference in adapters.failures:
            continue
        try:
            if not _found(one, adapters, folders):
                missing.append(one)
        except Rejected as error:
            declined = error
    return Search(tuple(missing), declined)


def try_again(adapters: Adapters, folders: Iterable[str]) -> None:
    """Bring back one message at which the mailbox broke off before, when all others are done.

    Raises ConnectionLost where it does so again.
    """
    if not adapters.failures:
        return
    with adapters.store.transaction() as transaction:
        failures = [one for one in transaction.to_bring_back() if one.reference in adapters.failures]
    for one in sorted(failures, key=lambda one: adapters.failures[one.reference])[:1]:
        try:
            with suppress(Rejected):  # it is one of all others again, from the next poll on
                _found(one, adapters, folders)
        except Unavailable as error:
            raise ConnectionLost(f"{one.reference}: {error}") from error
        del adapters.failures[one.reference]


def give_up_on(missing: tuple[Released, ...], adapters: Adapters) -> None:
    """Note the released messages that were neither in a folder of ours nor, by now, in the inbox."""
    if not missing:
        return
    with adapters.store.transaction() as transaction:
        still = {released.reference for released in transaction.to_bring_back()}
        for released in missing:
            if released.reference in still:
                log.error("released message is in no folder", reference=released.reference, folder=released.folder)
                transaction.note_lost(released, adapters.clock())


def is_there(message: InboxMessage | Released, adapters: Adapters) -> bool:
    """Whether a message that is still to be judged lies in the inbox, or is on its way back to it."""
    return isinstance(message, Released) or adapters.mailbox.fetch(message, 0) is not None


def _found(one: Released, adapters: Adapters, folders: Iterable[str]) -> bool:
    """Move a message back from wherever it lies; whether it was anywhere. What the mailbox breaks off at is counted."""
    places = dict.fromkeys(filter(None, (one.folder, *folders)))
    try:
        return adapters.mailbox.bring_back(tuple(places), one.query)
    except Unavailable as error:
        log.error("message not brought back", reference=one.reference, answer=str(error))  # noqa: TRY400  no code is at fault
        if not isinstance(error, Rejected):
            adapters.failures[one.reference] += 1
        raise

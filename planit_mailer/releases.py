"""What the operator released (`approve`, `retry`): moved back to the inbox, from where it goes the way of all mail."""

from collections.abc import Iterable
from datetime import timedelta

from planit_mailer import logs
from planit_mailer.errors import Declined
from planit_mailer.ledger import Waiting
from planit_mailer.ports import Doors
from planit_mailer.whereabouts import Released

log = logs.get(__name__)


def bring_back(doors: Doors, folders: Iterable[str], reply_within: timedelta) -> tuple[Released, ...]:
    """Move what was released back to the inbox; the messages that are in no folder of ours. Raises Unavailable."""
    with doors.store.transaction() as transaction:
        transaction.release_registered(doors.clock(), reply_within)
        released = transaction.to_bring_back()
    return tuple(one for one in released if not _is_back(one, doors, folders))


def give_up_on(missing: tuple[Released, ...], doors: Doors) -> None:
    """Note the released messages that were neither in a folder of ours nor, by now, in the inbox."""
    if not missing:
        return
    with doors.store.transaction() as transaction:
        still = {released.reference for released in transaction.to_bring_back()}
        for released in missing:
            if released.reference in still:
                log.error("released message is in no folder", reference=released.reference, folder=released.folder)
                transaction.note_lost(released, doors.clock())


def is_there(message: Waiting | Released, doors: Doors) -> bool:
    """Whether a message that is still to be judged lies in the inbox, or is on its way back to it."""
    return isinstance(message, Released) or doors.mailbox.fetch(message, 0) is not None


def _is_back(released: Released, doors: Doors, folders: Iterable[str]) -> bool:
    """Whether a message is in the inbox; also where the mailbox refuses to move it: the next poll tries that again.

    A person may have moved it to another folder, and whoever filed it may have died before that was noted.
    """
    places = tuple(dict.fromkeys(filter(None, (released.folder, *folders))))
    try:
        return doors.mailbox.bring_back(places, released.sought)
    except Declined as error:
        log.error("message not brought back", reference=released.reference, answer=str(error))  # noqa: TRY400  no code is at fault
        return True

"""Released messages (`approve`, `retry`) go back to the inbox and are processed again under their old receipt."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from planit_mailer.core import logs
from planit_mailer.core.each import try_each
from planit_mailer.core.errors import ConnectionLost, Rejected, Unavailable
from planit_mailer.domain.messages import InboxMessage, Released
from planit_mailer.pipeline.ports import Adapters

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class BroughtBack:
    """The result of bringing messages back: those found in no folder of ours, and the last refusal of the server."""

    missing: tuple[Released, ...] = ()
    refusal: Rejected | None = None


NONE = BroughtBack()


def bring_back(adapters: Adapters, folders: Iterable[str], reply_within: timedelta) -> BroughtBack:
    """Move released messages back to the inbox; one failure does not stop the others. Raises Unavailable.

    A person may have moved a message to another folder, and we may have crashed before its folder was recorded: all
    our folders are searched. The next poll tries again those that the server refused to move; try_again() those that
    broke the connection.
    """
    with adapters.store.transaction() as transaction:
        transaction.release_registered(adapters.clock(), reply_within)
        released = transaction.to_bring_back()
    missing: list[Released] = []

    def move(one: Released) -> None:
        if not _move_back(one, adapters, folders):
            missing.append(one)

    untried = [one for one in released if one.reference not in adapters.failures]
    refusal = try_each(untried, move)
    return BroughtBack(tuple(missing), refusal)


def try_again(adapters: Adapters, folders: Iterable[str]) -> None:
    """Bring back one message that broke the connection before, after all others are done.

    Raises ConnectionLost if it does so again.
    """
    if not adapters.failures:
        return
    with adapters.store.transaction() as transaction:
        failed = [one for one in transaction.to_bring_back() if one.reference in adapters.failures]
    if not failed:
        return
    one = min(failed, key=lambda one: adapters.failures[one.reference])
    try:
        with suppress(Rejected):  # from the next poll on it is treated like all others again
            _move_back(one, adapters, folders)
    except Unavailable as error:
        raise ConnectionLost(f"{one.reference}: {error}") from error
    del adapters.failures[one.reference]


def give_up_on(missing: tuple[Released, ...], adapters: Adapters) -> None:
    """Record as lost the released messages that are neither in a folder of ours nor, by now, in the inbox."""
    if not missing:
        return
    with adapters.store.transaction() as transaction:
        still = {released.reference for released in transaction.to_bring_back()}
        for released in missing:
            if released.reference in still:
                log.error("released message is in no folder", reference=released.reference, folder=released.folder)
                transaction.note_lost(released, adapters.clock())


def is_there(message: InboxMessage | Released, adapters: Adapters) -> bool:
    """True if an unjudged message is in the inbox, or on its way back to it."""
    return isinstance(message, Released) or adapters.mailbox.fetch(message, 0) is not None


def _move_back(one: Released, adapters: Adapters, folders: Iterable[str]) -> bool:
    """Move a message back from the first folder that has it. Return False if none has it.

    If it breaks the connection, its failure is counted.
    """
    places = dict.fromkeys(filter(None, (one.folder, *folders)))
    try:
        return adapters.mailbox.bring_back(tuple(places), one.query)
    except Unavailable as error:
        log.error("message not brought back", reference=one.reference, answer=str(error))  # noqa: TRY400  no code is at fault
        if not isinstance(error, Rejected):
            adapters.failures[one.reference] += 1
        raise

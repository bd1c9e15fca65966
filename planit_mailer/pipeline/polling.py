"""The day: whatever waits in the mailbox is taken in, one message at a time. What becomes of each, intake.py tells."""

from collections.abc import Sequence
from typing import NamedTuple

from planit_mailer.core import logs
from planit_mailer.core.errors import ConnectionLost, Deferred, Rejected, Unavailable
from planit_mailer.domain.messages import InboxMessage, Key
from planit_mailer.pipeline import intake, release
from planit_mailer.pipeline.intake import Policy
from planit_mailer.pipeline.ports import Adapters

log = logs.get(__name__)


class PollResult(NamedTuple):
    """How a poll went.

    `read`: a message was taken in. `elsewhere`: one is in another daemon's hands. `declined`: one could not be read or
    filed, or has to wait; `unread`: it was the former.
    """

    read: bool = False
    elsewhere: bool = False
    declined: Rejected | None = None
    unread: bool = False


def poll(adapters: Adapters, policy: Policy) -> bool:
    """Look at the mailbox once: whatever waits is judged, answered and filed, one message at a time.

    Several daemons share the work. The answer is whether some of it is in another one's hands: it is worth looking
    again soon, in case that one dies. What was done stays done when it raises: Unavailable if the mailbox or the
    store is away, and, at the end, Rejected if a message could not be brought back, read or filed, ConnectionLost if
    the mailbox has to be opened anew after that.
    """
    with adapters.store.claim("what was released") as ours:
        back = release.bring_back(adapters, policy.folders.values(), policy.reply_within) if ours else release.NONE
        inbox = first_see(adapters, policy)
        went = take_in_all(inbox, adapters, policy)
        if adapters.stopping():
            return False
        if undisturbed := not (went.elsewhere or went.unread or back.declined):
            release.give_up_on(back.missing, adapters)
    if not (broken := isinstance(went.declined, ConnectionLost)):
        drop_vanished(inbox, adapters, everywhere=undisturbed)
    with adapters.store.transaction() as transaction:
        transaction.note_filed_before(inbox, policy.folders, adapters.clock())
        # Where it breaks off at every single message, it is not read.
        transaction.note_poll(adapters.clock(), success=went.read or not broken or len(inbox) == 1)
    if ours and not broken:
        release.try_again(adapters, policy.folders.values())
    if declined := went.declined or back.declined:
        raise declined
    return went.elsewhere


def first_see(adapters: Adapters, policy: Policy) -> list[InboxMessage]:
    """What waits, numbered in the order of arrival; what was taken up before in vain comes last: it delays no other.

    Of several at which a server breaks off, each poll reaches another one.
    """
    waiting = adapters.mailbox.waiting()
    with adapters.store.transaction() as transaction:
        tried = transaction.number(waiting, adapters.clock(), policy.reply_within)
    return sorted(waiting, key=lambda message: max(adapters.failures[message.key], message.key in tried))


def take_in_all(inbox: Sequence[InboxMessage], adapters: Adapters, policy: Policy) -> PollResult:
    """Take in what waits. Raises Unavailable where a server breaks off at a message for the first time.

    Where it does so at the same message again, the message is to blame, and no reason to wait for the server.
    """
    went = PollResult()
    for waiting in inbox:
        if adapters.stopping():
            break
        failures = adapters.failures[waiting.key]
        try:
            ours = claim_and_take_in(waiting, adapters, policy)
            went = went._replace(elsewhere=went.elsewhere or not ours, read=went.read or ours)
        except Rejected as error:
            went = went._replace(declined=error, unread=went.unread or not isinstance(error, Deferred))
        except Unavailable as error:
            if not failures:
                raise
            return went._replace(declined=ConnectionLost(str(error)), unread=True)
    return went


def claim_and_take_in(waiting: InboxMessage, adapters: Adapters, policy: Policy) -> bool:
    """Take a message in, unless another daemon has it in hand; whether it was ours."""
    with adapters.store.claim(_work(waiting.key)) as ours:
        if ours:
            intake.take_in(waiting, adapters, policy)
    return ours


def drop_vanished(inbox: Sequence[InboxMessage], adapters: Adapters, *, everywhere: bool) -> None:
    """Settle what was taken up before and lies in the inbox no more: a person took it away."""
    with adapters.store.transaction() as transaction:
        vanished = transaction.vanished(inbox, everywhere=everywhere)
    for key in vanished:
        with adapters.store.claim(_work(key)) as ours:
            if ours and not (key and adapters.mailbox.holds(key)):
                with adapters.store.transaction() as transaction:
                    gone = transaction.drop_vanished(key)
                for reference in gone:
                    log.warning("message vanished before it was processed", reference=reference)


def _work(key: Key | None) -> str:
    return f"message {key.uidvalidity} {key.uid}" if key else "messages without a key"

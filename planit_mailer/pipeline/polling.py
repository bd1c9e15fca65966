"""One poll: every message that waits in the inbox is taken in, one at a time. intake.py tells what becomes of each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from planit_mailer.core import logs
from planit_mailer.core.errors import ConnectionLost, Deferred, Rejected, Unavailable
from planit_mailer.domain.messages import InboxMessage, Key
from planit_mailer.pipeline import intake, release
from planit_mailer.pipeline.intake import Policy
from planit_mailer.pipeline.ports import Adapters
from planit_mailer.pipeline.release import BroughtBack

log = logs.get(__name__)


@dataclass(slots=True)
class PollResult:
    """How a poll went.

    `read`: a message was taken in. `elsewhere`: another daemon is processing one. `refusal`: one could not be read or
    filed, or has to wait. `unread`: the same without those that only have to wait.
    """

    read: bool = False
    elsewhere: bool = False
    refusal: Rejected | None = None
    unread: bool = False

    @property
    def connection_lost(self) -> bool:
        """True if the server broke off, so that nothing more can be asked on this connection."""
        return isinstance(self.refusal, ConnectionLost)


def poll(adapters: Adapters, policy: Policy) -> bool:
    """Look at the mailbox once: judge, answer and file every message that waits, one at a time.

    Several daemons share the work. Return True if another one is processing a message: it is worth looking again soon,
    in case that daemon crashes. What was done stays done if this raises: Unavailable if the mailbox or the store is
    away, and, at the end, Rejected if a message could not be brought back, read or filed, or has to wait (Deferred), or
    ConnectionLost if the mailbox has to be opened anew after that.
    """
    with adapters.store.claim("what was released") as ours:  # a released message that no folder has may be in the inbox
        brought_back = _bring_back(adapters, policy) if ours else release.NONE
        inbox = list_inbox(adapters, policy)
        result = take_in_all(inbox, adapters, policy)
        if adapters.stopping():
            return False
        complete = _saw_everything(result, brought_back)
        if complete:
            release.give_up_on(brought_back.missing, adapters)
    if not result.connection_lost:
        drop_vanished(inbox, adapters, everywhere=complete)
    _record(inbox, result, adapters, policy)
    if ours and not result.connection_lost:
        release.try_again(adapters, policy.folders.values())
    refusal = result.refusal or brought_back.refusal
    if refusal:
        raise refusal
    return result.elsewhere


def _bring_back(adapters: Adapters, policy: Policy) -> BroughtBack:
    return release.bring_back(adapters, policy.folders.values(), policy.reply_within)


def _saw_everything(result: PollResult, brought_back: BroughtBack) -> bool:
    """True if this poll read every message: then a message that it did not see is not in the inbox."""
    return not (result.elsewhere or result.unread or brought_back.refusal)


def _record(inbox: Sequence[InboxMessage], result: PollResult, adapters: Adapters, policy: Policy) -> None:
    """Record the poll, and the settled messages that have left the inbox."""
    # If the server breaks off at every single message, the mailbox is not being read.
    success = result.read or not result.connection_lost or len(inbox) == 1
    with adapters.store.transaction() as transaction:
        transaction.note_filed_before(inbox, policy.folders, adapters.clock())
        transaction.note_poll(adapters.clock(), success=success)


def list_inbox(adapters: Adapters, policy: Policy) -> list[InboxMessage]:
    """The messages in the inbox, in order of arrival; each new one gets its receipt and arrival number.

    Messages that failed before come last, so that they delay no other. If several messages break the connection, each
    poll tries a different one first.
    """
    waiting = adapters.mailbox.waiting()
    with adapters.store.transaction() as transaction:
        transaction.drop_unread(waiting, adapters.clock())
        tried = transaction.number(waiting, adapters.clock(), policy.reply_within)

    def failures(message: InboxMessage) -> int:
        return max(adapters.failures[message.key], message.key in tried)

    return sorted(waiting, key=failures)


def take_in_all(inbox: Sequence[InboxMessage], adapters: Adapters, policy: Policy) -> PollResult:
    """Take in each message of the inbox. Raises Unavailable if a server breaks off at a message for the first time.

    If it breaks off at the same message again, that message is to blame: there is no reason to wait for the server.
    """
    result = PollResult()
    for waiting in inbox:
        if adapters.stopping():
            break
        failed_before = adapters.failures[waiting.key] > 0
        try:
            ours = claim_and_take_in(waiting, adapters, policy)
        except Rejected as error:
            result.refusal = error
            if not isinstance(error, Deferred):
                result.unread = True
        except Unavailable as error:
            if not failed_before:
                raise
            result.refusal = ConnectionLost(str(error))
            result.unread = True
            break
        else:
            result.read = result.read or ours
            result.elsewhere = result.elsewhere or not ours
    return result


def claim_and_take_in(waiting: InboxMessage, adapters: Adapters, policy: Policy) -> bool:
    """Take a message in, unless another daemon is processing it. Return True if it was ours."""
    with _claim(waiting.key, adapters) as ours:
        if ours:
            intake.take_in(waiting, adapters, policy)
    return ours


def drop_vanished(inbox: Sequence[InboxMessage], adapters: Adapters, *, everywhere: bool) -> None:
    """Settle unfinished messages that are no longer in the inbox: a person took them away."""
    with adapters.store.transaction() as transaction:
        vanished = transaction.vanished(inbox, everywhere=everywhere)
    for key in vanished:
        with _claim(key, adapters) as ours:
            if ours and not _holds(key, adapters):
                _drop(key, adapters)


def _holds(key: Key | None, adapters: Adapters) -> bool:
    return key is not None and adapters.mailbox.holds(key)


def _drop(key: Key | None, adapters: Adapters) -> None:
    with adapters.store.transaction() as transaction:
        gone = transaction.drop_vanished(key)
    for reference in gone:
        log.warning("message vanished before it was processed", reference=reference)


@contextmanager
def _claim(key: Key | None, adapters: Adapters) -> Iterator[bool]:
    """Claim a message, so that no other daemon processes it; yields False if another one has it."""
    work = f"message {key.uidvalidity} {key.uid}" if key else "messages without a key"
    with adapters.store.claim(work) as ours:
        yield ours

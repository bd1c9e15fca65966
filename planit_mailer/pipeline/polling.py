"""One poll: every message that waits in the inbox is taken in, one at a time. intake.py tells what becomes of each.

turns.py decides the order. Between two messages the poll sees what has arrived since: a school waits for its turn, and
not for the end of the poll.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from planit_mailer.core import logs
from planit_mailer.core.errors import ConnectionLost, Deferred, Rejected, Unavailable
from planit_mailer.domain.messages import InboxMessage, Key
from planit_mailer.pipeline import intake, release, turns
from planit_mailer.pipeline.intake import Policy
from planit_mailer.pipeline.ports import Adapters
from planit_mailer.pipeline.release import BroughtBack
from planit_mailer.pipeline.turns import Groups, Turns

log = logs.get(__name__)

AT_ONCE = 400  # messages that get their receipts in one commit: other writers wait for it
LONGEST = timedelta(minutes=5)  # then the inbox is listed anew: for what was released meanwhile, and what failed
SENDERS = "senders"  # in FailureCounts: the server broke off when it was asked for the senders of many messages


@dataclass(frozen=True, slots=True)
class Inbox:
    """The inbox as a poll knows it: the messages that it has seen, in order of arrival, and whose turn it is."""

    groups: Groups
    seen: list[InboxMessage] = field(default_factory=list)
    turns: Turns = field(default_factory=Turns)


@dataclass(slots=True)
class PollResult:
    """How a poll went.

    `read`: a message was taken in. `elsewhere`: another daemon is processing one. `refusal`: one could not be read or
    filed, or has to wait. `unread`: the same without those that only have to wait. `unfinished`: some had no turn yet.
    """

    read: bool = False
    elsewhere: bool = False
    refusal: Rejected | None = None
    unread: bool = False
    unfinished: bool = False

    @property
    def connection_lost(self) -> bool:
        """True if the server broke off, so that nothing more can be asked on this connection."""
        return isinstance(self.refusal, ConnectionLost)


def poll(adapters: Adapters, policy: Policy) -> bool:
    """Look at the mailbox: judge, answer and file every message that waits, one at a time.

    Several daemons share the work. Return True if another one is processing a message: it is worth looking again soon,
    in case that daemon crashes. What was done stays done if this raises: Unavailable if the mailbox or the store is
    away, and, at the end, Rejected if a message could not be brought back, read or filed, or has to wait (Deferred), or
    ConnectionLost if the mailbox has to be opened anew after that.
    """
    refusal: Rejected | None = None
    unfinished = True
    while unfinished:
        result = go_through(adapters, policy)
        if adapters.stopping():
            return False
        refusal = result.refusal or refusal
        unfinished = result.unfinished
    if refusal:
        raise refusal
    return result.elsewhere


def go_through(adapters: Adapters, policy: Policy) -> PollResult:
    """List the inbox and take in what waits, until nothing does or it is time to list it anew. Raises Unavailable."""
    with adapters.store.claim("what was released") as ours:  # a released message that no folder has may be in the inbox
        brought_back = _bring_back(adapters, policy) if ours else release.NONE
        inbox = list_inbox(adapters, policy)
        result = take_in_all(inbox, adapters, policy)
        if adapters.stopping():
            return result
        complete = _saw_everything(result, brought_back)
        if complete:
            release.give_up_on(brought_back.missing, adapters)
    if not result.connection_lost:
        drop_vanished(inbox.seen, adapters, everywhere=complete)
    _record(inbox.seen, result, adapters, policy)
    if ours and not result.connection_lost:
        release.try_again(adapters, policy.folders.values())
    result.refusal = result.refusal or brought_back.refusal
    return result


def _bring_back(adapters: Adapters, policy: Policy) -> BroughtBack:
    return release.bring_back(adapters, policy.folders.values(), policy.reply_within)


def _saw_everything(result: PollResult, brought_back: BroughtBack) -> bool:
    """True if this poll read every message: then a message that it did not see is not in the inbox."""
    return not (result.elsewhere or result.unread or result.unfinished or brought_back.refusal)


def _record(seen: Sequence[InboxMessage], result: PollResult, adapters: Adapters, policy: Policy) -> None:
    """Record the poll, and the settled messages that have left the inbox."""
    # If the server breaks off at every single message, the mailbox is not being read.
    success = result.read or not result.connection_lost or len(seen) == 1
    with adapters.store.transaction() as transaction:
        transaction.note_filed_before(seen, policy.folders, adapters.clock())
        transaction.note_poll(adapters.clock(), success=success)


def list_inbox(adapters: Adapters, policy: Policy) -> Inbox:
    """List the inbox. Each new message gets its receipt and arrival number, and each message its turn.

    If the mailbox broke off when it was last asked for the senders, it is not asked this time: the header of a message
    may be damaged, and that message is found when it is read. Until then all go in the order of their arrival.
    """
    waiting = adapters.mailbox.waiting()
    with adapters.store.transaction() as transaction:
        transaction.drop_unread(waiting, adapters.clock())
        inbox = Inbox(turns.groups(transaction.senders() if waiting else ()))
    ask = not adapters.failures[SENDERS]
    if not ask:
        adapters.failures[SENDERS] = 0
    let_join(waiting, inbox, adapters, policy, ask=ask)
    return inbox


def see_arrivals(inbox: Inbox, adapters: Adapters, policy: Policy) -> None:
    """Let the messages join that arrived since the inbox was last looked at."""
    arrived = adapters.mailbox.arrived_after(inbox.seen[-1].key)
    let_join(arrived, inbox, adapters, policy)


def let_join(
    messages: Sequence[InboxMessage], inbox: Inbox, adapters: Adapters, policy: Policy, *, ask: bool = True
) -> None:
    """Give new messages their receipts, in order of arrival, and each message its turn.

    Messages that failed before come last, so that they delay no other. If several messages break the connection, each
    poll tries a different one first.
    """
    for start in range(0, len(messages), AT_ONCE):
        some = messages[start : start + AT_ONCE]
        senders = claimed_senders(some, adapters) if ask else {}
        with adapters.store.transaction() as transaction:
            tried = transaction.number(some, adapters.clock(), policy.reply_within)
        for message in some:
            failures = max(adapters.failures[message.key], message.key in tried)
            inbox.turns.add(message, inbox.groups.of(senders.get(message.key, "")), failures)
        inbox.seen.extend(some)


def claimed_senders(messages: Sequence[InboxMessage], adapters: Adapters) -> Mapping[Key, str]:
    """The From addresses that messages claim, as far as the mailbox says them; not of those that failed before."""
    sound = [message for message in messages if not adapters.failures[message.key]]
    try:
        return adapters.mailbox.claimed_senders(sound)
    except Rejected as error:
        log.warning("senders not known", answer=str(error))
        return {}
    except Unavailable:
        adapters.failures[SENDERS] += 1
        raise


def take_in_all(inbox: Inbox, adapters: Adapters, policy: Policy) -> PollResult:
    """Take in the messages of the inbox in turn, and those that arrive meanwhile, for LONGEST.

    Raises Unavailable if a server breaks off at a message for the first time.
    """
    result = PollResult()
    until = adapters.clock() + LONGEST
    while not adapters.stopping() and (waiting := inbox.turns.take()):
        take_in_one(waiting, result, adapters, policy)
        if result.connection_lost:
            break
        see_arrivals(inbox, adapters, policy)
        if adapters.clock() >= until:
            result.unfinished = not inbox.turns.are_over()
            break
    return result


def take_in_one(waiting: InboxMessage, result: PollResult, adapters: Adapters, policy: Policy) -> None:
    """Take in a message, and note in `result` how it went.

    Raises Unavailable if a server breaks off at it for the first time. If it breaks off at the same message again, that
    message is to blame: there is no reason to wait for the server.
    """
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
    else:
        result.read = result.read or ours
        result.elsewhere = result.elsewhere or not ours


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

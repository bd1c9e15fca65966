"""The story: poll → take_in → process → understand and judge. Read this first.

*poll* is the day (polling.py), *take_in* what we do when we are wrong, *process* the one commit, *understand* and
*judge* the decision. The mailbox is the source of truth until the commit; the message is filed after it, so that a
death at any line ends, after a restart, in exactly one replacement and one reply.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.core.errors import Deferred, Rejected, Unavailable
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.judge import Criteria, Rules
from planit_mailer.domain.messages import Fetched, InboxMessage, MessageFacts, Outcome, Receipt
from planit_mailer.domain.policy import letters, reply_limits, rules, senders
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings
from planit_mailer.domain.verdict import Cause, JudgedUpload, PolicyContext, Verdict
from planit_mailer.mail import auto_submitted
from planit_mailer.mail.authentication_results import Trust
from planit_mailer.pipeline import bounces, dkim_check, release
from planit_mailer.pipeline.ports import Adapters, Transaction
from planit_mailer.spreadsheets.model import Limits

log = logs.get(__name__)

MAX_ATTEMPTS = 3  # errors of ours, before a person has to look
MAX_CRASHES = 10  # daemons that died with the message in hand
TOO_MANY_CRASHES = f"{MAX_CRASHES} times the daemon died with this message in hand"
SECOND = "it came twice, and its first copy is still to be judged"
REMEMBERED = timedelta(days=30)  # how far back replies bear on the next one


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration says about messages. `folders` has one for each outcome; `message` is a size in bytes."""

    folders: Mapping[Outcome, str]
    trust: Trust
    reply_within: timedelta
    message: int
    rules: Rules
    limits: Limits
    reply_settings: ReplySettings
    return_workbook: bool = True


def take_in(waiting: InboxMessage, adapters: Adapters, policy: Policy) -> None:
    """Process one message, whatever happens, and file it once it is settled.

    The attempt is counted and committed before the work, so that a death counts too. An error of ours is tried again
    at the next poll; the third puts the message before a person. One bad message never delays the next.
    """
    with adapters.store.transaction() as transaction:
        receipt = transaction.begin(waiting, adapters.clock(), waiting.received_at + policy.reply_within)
    with logs.bound(reference=receipt.reference):
        try:
            settled = receipt if receipt.outcome else attempt(waiting, receipt, adapters, policy)
        except Unavailable as error:
            release_attempt(waiting, adapters, str(error))
            raise named(error, receipt) from error
        except Exception:
            log.exception("message failed")
            settled = fail(waiting, adapters, policy)
    if settled and settled.outcome:
        file(waiting, settled, adapters, policy.folders[settled.outcome])


def attempt(waiting: InboxMessage, receipt: Receipt, adapters: Adapters, policy: Policy) -> Receipt | None:
    """Fetch a message and process it, unless its bytes are settled already. None where it is gone."""
    if receipt.crashes > MAX_CRASHES:  # even to read it is our death
        return quarantine(receipt, TOO_MANY_CRASHES, adapters, policy)
    fetched = adapters.mailbox.fetch(waiting, policy.message)
    if fetched is None:
        log.warning("message vanished before it was read")
        with adapters.store.transaction() as transaction:
            transaction.drop(receipt)
        return None
    with adapters.store.transaction() as transaction:
        receipt = transaction.match_bytes(receipt, hashlib.sha256(fetched.raw).hexdigest())
    with logs.bound(reference=receipt.reference):  # from here on, the older receipt's, where there is one
        if receipt.outcome:
            return receipt
        if receipt.crashes == MAX_CRASHES:
            return quarantine(receipt, TOO_MANY_CRASHES, adapters, policy)
        return process(fetched, receipt, adapters, policy)


def process(fetched: Fetched, receipt: Receipt, adapters: Adapters, policy: Policy) -> Receipt:
    """Judge a message and commit all its consequences at once; the receipt, settled."""
    message = adapters.reader.message(fetched.raw, whole=fetched.whole)
    verified = dkim_check.verified(fetched, policy.reply_settings.address, adapters.reader, adapters.dns)
    sender = senders.believe(message, policy.trust, released=receipt.released, verified=verified)
    facts = MessageFacts(sender, message.date, message.message_id, message.attachments_digest)
    with adapters.store.transaction() as transaction:
        registration = transaction.record_sender(receipt, facts)
        passwords = transaction.passwords(registration.schools) if sender.authentic else ()
        first = transaction.earlier_duplicate(receipt)
    why = sender.why if sender.undecided and registration.schools else ""
    if first and release.is_there(first, adapters):
        why = SECOND
    if why and dkim_check.may_wait(receipt, policy.reply_within, adapters.clock()):
        raise Deferred(why)
    machine = auto_submitted.machine(message, policy.reply_settings.address)
    letter = understand(Letter(receipt, message, sender, registration, machine, passwords=passwords), adapters, policy)
    painted: dict[Cause, Annotated] = {}
    while True:
        with (
            adapters.store.transaction() as transaction
        ):  # the one commit, unless something has to be painted before it
            if (current := transaction.current(receipt)).outcome:
                return current  # by another daemon, after our claim was cut off with its connection
            now = adapters.clock()
            verdict = rules.judge(letter, recall(letter, facts, transaction, now), now)
            wanted = verdict.to_return if policy.return_workbook else ()
            to_paint = [upload for upload in wanted if upload.cause not in painted]
            if not to_paint:
                conclude(
                    letter, rules.with_painted(verdict, painted), transaction, ReplyContext(policy.reply_settings, now)
                )
                break
        painted |= {upload.cause: paint(upload, letter, adapters, policy) for upload in to_paint}
    log.info("message settled", outcome=verdict.outcome.value, why=verdict.reason, uploads=len(verdict.uploads))
    return replace(receipt, outcome=verdict.outcome)


def understand(letter: Letter, adapters: Adapters, policy: Policy) -> Letter:
    """The letter with its files looked at: opened for a registered sender, for all others only sniffed."""
    judging = judged_by(letter, policy)
    return letters.with_files(letter, lambda data: adapters.reader.judge(data, judging), adapters.reader.sniff)


def judged_by(letter: Letter, policy: Policy) -> Criteria:
    """What the forms of a letter are judged by."""
    day = letters.day_of(letter.receipt.received_at)
    return Criteria(day, policy.rules, policy.limits, letter.passwords)


def conclude(letter: Letter, verdict: Verdict, transaction: Transaction, context: ReplyContext) -> None:
    """All consequences of a verdict, in the transaction that is open."""
    changes = [transaction.replace_learners(upload, letter.receipt) for upload in verdict.accepted]
    for reply in compose.compose(letter, verdict, changes, context):
        transaction.enqueue(reply, letter.receipt, context.now)
    bounces.note(letter, transaction, context)
    transaction.settle(letter.receipt, verdict, changes, context.now)


def paint(upload: JudgedUpload, letter: Letter, adapters: Adapters, policy: Policy) -> Annotated:
    """The school's own workbook with its problems painted in: slow, and so never inside a transaction."""
    data = next(attachment.data for attachment in letter.message.attachments if attachment.digest == upload.digest)
    return adapters.reader.annotate(data, upload.judgement, judged_by(letter, policy))


def recall(letter: Letter, facts: MessageFacts, transaction: Transaction, now: datetime) -> PolicyContext:
    """What the store knows that bears on a letter."""
    return PolicyContext(
        duplicate_of=transaction.duplicate_of(letter.receipt, facts),
        recent=transaction.recent_replies(letter.sender.address, now - REMEMBERED),
        alerts=transaction.alerts_about(letter.sender.address, now - reply_limits.DAY),
        children={school.id: transaction.children(school.id) for school in letters.schools(letter)},
    )


def file(waiting: InboxMessage, receipt: Receipt, adapters: Adapters, folder: str) -> None:
    """Move a settled message out of the inbox; a death before the note only makes us look for it once more."""
    with logs.bound(reference=receipt.reference):
        try:
            moved = adapters.mailbox.file(waiting.key, folder)
        except Rejected as error:
            log.error("message not filed", answer=str(error))  # noqa: TRY400  no code is at fault
            adapters.failures[waiting.key] += 1
            raise named(error, receipt) from error
        except Unavailable as error:
            release_attempt(waiting, adapters, str(error))
            raise named(error, receipt) from error
        with adapters.store.transaction() as transaction:
            transaction.note_filed(receipt, folder, now := adapters.clock())
            transaction.note_poll(now, success=True)  # a poll may take hours, and all the time the mailbox is read
        if moved:
            log.info("message filed", folder=folder)


def release_attempt(waiting: InboxMessage, adapters: Adapters, answer: str) -> None:
    """A server was away: the attempt does not count. The next poll takes the other messages first."""
    log.warning("message left for later", answer=answer)
    adapters.failures[waiting.key] += 1
    with adapters.store.transaction() as transaction:
        receipt = transaction.in_hand(waiting.key)
        if receipt and not receipt.outcome:
            transaction.release_attempt(receipt)


def named(error: Unavailable, receipt: Receipt) -> Unavailable:
    """The error, with the message that it was about."""
    return type(error)(f"{receipt.reference}: {error}")


def fail(waiting: InboxMessage, adapters: Adapters, policy: Policy) -> Receipt | None:
    """An attempt went wrong through our fault: the third is the last."""
    with adapters.store.transaction() as transaction:
        receipt = transaction.in_hand(waiting.key)
        if receipt is None or receipt.outcome:
            return receipt
        transaction.record_failure(receipt)
    if receipt.attempts < MAX_ATTEMPTS:
        return None
    return quarantine(receipt, f"processing failed {MAX_ATTEMPTS} times", adapters, policy)


def quarantine(receipt: Receipt, reason: str, adapters: Adapters, policy: Policy) -> Receipt:
    """Set a message aside for a person, and tell the operator; its 48 hours run on."""
    verdict = Verdict(Outcome.QUARANTINED, reason, unanswered=reason, alert=f"Quarantined: {reason}.", clock=True)
    with adapters.store.transaction() as transaction:
        if (current := transaction.current(receipt)).outcome:
            return current
        now = adapters.clock()
        transaction.enqueue(
            compose.alert(receipt.reference, verdict.alert, ReplyContext(policy.reply_settings, now)), receipt, now
        )
        transaction.settle(receipt, verdict, (), now)
    log.error("message quarantined", why=reason)
    return replace(receipt, outcome=verdict.outcome)

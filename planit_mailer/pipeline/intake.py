"""The story of one message: take_in → attempt → process → identify, understand, judge, conclude. Read this first.

*take_in* counts our own errors, *attempt* finds out if the message is known, *process* commits all consequences at
once. The mailbox is the source of truth until that commit, and the message is filed after it. So a crash at any line
ends, after a restart, in exactly one replacement and one reply, which the relay may get twice with the same Message-ID.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from planit_mailer.core import logs
from planit_mailer.core.errors import Deferred, Rejected, Unavailable
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.judge import Criteria, Rules
from planit_mailer.domain.messages import Fetched, InboxMessage, MessageFacts, Outcome, Receipt
from planit_mailer.domain.policy import letters, reading, reply_limits, rules, senders
from planit_mailer.domain.policy.letters import Letter, Opening
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings
from planit_mailer.domain.verdict import Cause, JudgedUpload, PolicyContext, Verdict
from planit_mailer.mail import auto_submitted, messages
from planit_mailer.mail.authentication_results import Trust
from planit_mailer.mail.messages import Message
from planit_mailer.pipeline import alerts, bounces, dkim_check, release
from planit_mailer.pipeline.budget import BudgetedReader
from planit_mailer.pipeline.ports import Adapters, Transaction
from planit_mailer.spreadsheets.model import Limits

log = logs.get(__name__)

MAX_ATTEMPTS = 3  # errors of ours before a person has to look
MAX_CRASHES = 10  # crashes of the daemon while it processed the message
TOO_MANY_CRASHES = f"{MAX_CRASHES} times the daemon died with this message in hand"
EARLIER_COPY_WAITS = "it came twice, and its first copy is still to be judged"
REMEMBERED = timedelta(days=30)  # replies of this time count when the next one is decided on


@dataclass(frozen=True, slots=True)
class Policy:
    """The configuration of message handling: one folder for each outcome; `largest_message` in bytes.

    A message may take `message_seconds` of the reading process, and so many `workbooks` of it are judged.
    """

    folders: Mapping[Outcome, str]
    trust: Trust
    reply_within: timedelta
    largest_message: int
    rules: Rules
    limits: Limits
    reply_settings: ReplySettings
    return_workbook: bool = True
    message_seconds: float = 12.0
    workbooks: int = 20


def take_in(waiting: InboxMessage, adapters: Adapters, policy: Policy) -> None:
    """Process one message, whatever happens, and file it if it is settled.

    The attempt is counted and committed before the work, so that a crash counts too. After an error of ours the next
    poll tries again; the third error quarantines the message. One bad message never delays the next.

    Raises Unavailable if a server is away, Rejected if the message cannot be read or filed, Deferred if it has to wait.
    """
    with adapters.store.transaction() as transaction:
        receipt = transaction.begin(waiting, adapters.clock(), waiting.received_at + policy.reply_within)
    with logs.bound(reference=receipt.reference):
        settled = receipt if receipt.outcome else _attempt_safely(waiting, receipt, adapters, policy)
    if settled and settled.outcome:
        file(waiting, settled, adapters, policy.folders[settled.outcome])


def _attempt_safely(waiting: InboxMessage, receipt: Receipt, adapters: Adapters, policy: Policy) -> Receipt | None:
    """Attempt a message. The one place that handles an error of ours: it is logged with its traceback, and counts."""
    try:
        return attempt(waiting, receipt, adapters, policy)
    except Unavailable as error:
        uncount_attempt(waiting, adapters, str(error))
        raise named(error, receipt) from error
    except Exception:
        log.exception("message failed")
        return fail(waiting, adapters, policy)


def attempt(waiting: InboxMessage, receipt: Receipt, adapters: Adapters, policy: Policy) -> Receipt | None:
    """Fetch a message and process it, unless its bytes are settled already. Return None if it is gone."""
    if receipt.crashes > MAX_CRASHES:  # the last fetch crashed as well: do not fetch it again
        return quarantine(receipt, TOO_MANY_CRASHES, adapters, policy)
    fetched = adapters.mailbox.fetch(waiting, policy.largest_message)
    if fetched is None:
        log.warning("message vanished before it was read")
        with adapters.store.transaction() as transaction:
            transaction.drop(receipt)
        return None
    with adapters.store.transaction() as transaction:
        receipt = transaction.match_bytes(receipt, hashlib.sha256(fetched.raw).hexdigest())
    with logs.bound(reference=receipt.reference):  # an older receipt with the same bytes may have taken its place
        if receipt.outcome:
            return receipt
        if receipt.crashes == MAX_CRASHES:  # the fetch was only to find an older receipt: do not process it
            return quarantine(receipt, TOO_MANY_CRASHES, adapters, policy)
        return process(fetched, receipt, adapters, policy)


def process(fetched: Fetched, receipt: Receipt, adapters: Adapters, policy: Policy) -> Receipt:
    """Judge a message and commit all its consequences at once. Return its settled receipt.

    Painting a workbook is slow, so it happens between two transactions: the verdict is reached again after it, and
    committed as soon as every workbook that goes back is painted. All that is read shares one budget of time.
    """
    adapters = replace(adapters, reader=BudgetedReader(adapters.reader, policy.message_seconds))
    letter = identify(fetched, receipt, adapters, policy)
    letter = understand(letter, adapters, policy)
    painted: dict[Cause, Annotated] = {}
    while True:
        with adapters.store.transaction() as transaction:  # the one commit
            current = transaction.current(receipt)
            if current.outcome:  # another daemon settled it after our claim was cut off with its connection
                return current
            now = adapters.clock()
            verdict = rules.judge(letter, recall(letter, transaction, now), now)
            unpainted = _unpainted(verdict, painted, policy)
            if not unpainted:
                context = ReplyContext(policy.reply_settings, now)
                conclude(letter, rules.with_painted(verdict, painted), transaction, context)
                break
        for upload in unpainted:
            painted[upload.cause] = paint(upload, letter, adapters, policy)
    log.info("message settled", outcome=verdict.outcome.value, why=verdict.reason, uploads=len(verdict.uploads))
    return replace(receipt, outcome=verdict.outcome)


def identify(fetched: Fetched, receipt: Receipt, adapters: Adapters, policy: Policy) -> Letter:
    """Find out from its header who wrote a message, and parse the rest if it is to be read. No attachment is opened.

    Raises Deferred if it is too early to judge it: a name server is away, or an earlier copy is still to be judged.
    """
    own_address = policy.reply_settings.address
    message = adapters.reader.header(messages.beginning(fetched.raw), whole=fetched.whole)
    with adapters.store.transaction() as transaction:
        named = transaction.registration(senders.author(message))  # by the From address, whoever wrote that
    verified = dkim_check.verified(fetched, own_address, adapters.reader, adapters.dns, reading.seconds(named))
    sender = senders.authenticate(message, policy.trust, released=receipt.released, verified=verified)
    message = with_parts(message, fetched.raw, reading.seconds_to_open(message, sender, named, own_address), adapters)
    facts = MessageFacts(sender, message.date, message.message_id, message.attachments_digest)
    with adapters.store.transaction() as transaction:
        registration = transaction.record_sender(receipt, facts)
        passwords = transaction.passwords(registration.schools) if sender.authentic else ()
        earlier = transaction.earlier_duplicate(receipt)
    why = sender.why if sender.undecided and registration.schools else ""
    if earlier and release.is_there(earlier, adapters):
        why = EARLIER_COPY_WAITS
    if why and _may_wait(receipt, policy.reply_within, adapters.clock()):
        raise Deferred(why)
    why_not_answered = auto_submitted.why_not_answered(message, own_address)  # a form in it is applied all the same
    return Letter(receipt, message, sender, registration, why_not_answered, passwords=passwords)


def with_parts(header: Message, raw: bytes, seconds: float, adapters: Adapters) -> Message:
    """The message with its MIME parts, if they are to be parsed. One that cannot be read is settled all the same."""
    message = header
    if seconds:
        message = adapters.reader.message(raw, seconds=seconds)
        if message.unread:
            message = replace(header, unread=message.unread)
    if message.unread:
        log.warning("message cannot be read", why=message.unread, size=len(raw))
    return message


def _may_wait(receipt: Receipt, reply_within: timedelta, now: datetime) -> bool:
    """True during the first half of the promised time; after that the message is judged as it is."""
    seen = max(receipt.received_at, receipt.first_seen_at)
    return now < seen + reply_within / 2


def understand(letter: Letter, adapters: Adapters, policy: Policy) -> Letter:
    """The letter with its files looked at: opened for a registered sender, only sniffed for a stranger."""
    criteria = criteria_for(letter, policy)
    reader = adapters.reader
    opening = Opening(lambda data: reader.judge(data, criteria), reader.sniff, policy.workbooks)
    return letters.with_files(letter, opening)


def criteria_for(letter: Letter, policy: Policy) -> Criteria:
    """The criteria for the forms of a letter: the day on which it arrived, the rules, the limits, the passwords.

    What is known of the sender is filled in where a form lacks it.
    """
    day = letters.day_of(letter.receipt.received_at)
    return Criteria(day, policy.rules, policy.limits, letter.passwords, letters.known(letter))


def recall(letter: Letter, transaction: Transaction, now: datetime) -> PolicyContext:
    """Read from the store everything that the policy needs to know about a letter."""
    message = letter.message
    facts = MessageFacts(letter.sender, message.date, message.message_id, message.attachments_digest)
    address = letter.sender.address
    return PolicyContext(
        duplicate_of=transaction.duplicate_of(letter.receipt, facts),
        recent=transaction.recent_replies(address, now - REMEMBERED),
        alerts=transaction.alerts_about(address, now - reply_limits.DAY),
        children={school.id: transaction.children(school.id) for school in letters.schools(letter)},
    )


def _unpainted(verdict: Verdict, painted: Mapping[Cause, Annotated], policy: Policy) -> Iterable[JudgedUpload]:
    """The uploads whose workbooks go back to the school and are not painted yet."""
    if not policy.return_workbook:
        return ()
    return [upload for upload in verdict.to_return if upload.cause not in painted]


def paint(upload: JudgedUpload, letter: Letter, adapters: Adapters, policy: Policy) -> Annotated:
    """Paint the problems into the school's own workbook. This is slow, so never do it inside a transaction."""
    data = next(attachment.data for attachment in letter.message.attachments if attachment.digest == upload.digest)
    return adapters.reader.annotate(data, upload.judgement, criteria_for(letter, policy))


def conclude(letter: Letter, verdict: Verdict, transaction: Transaction, context: ReplyContext) -> None:
    """Write all consequences of a verdict into the open transaction."""
    changes = [transaction.replace_learners(upload, letter.receipt) for upload in verdict.accepted]
    answer = compose.answer(letter, verdict, changes, context)
    if answer:
        transaction.enqueue(answer, letter.receipt, context.now)
    if verdict.alert:
        alerts.about_message(letter.receipt.reference, verdict.alert, transaction, context, letter.receipt)
    bounces.note(letter, transaction, context)
    transaction.settle(letter.receipt, verdict, changes, context.now)


def file(waiting: InboxMessage, receipt: Receipt, adapters: Adapters, folder: str) -> None:
    """Move a settled message out of the inbox. If we crash before this is recorded, the move is simply tried again."""
    with logs.bound(reference=receipt.reference):
        try:
            moved = adapters.mailbox.file(waiting.key, folder)
        except Rejected as error:
            log.error("message not filed", answer=str(error))  # noqa: TRY400  no code is at fault
            adapters.failures[waiting.key] += 1
            raise named(error, receipt) from error
        except Unavailable as error:
            uncount_attempt(waiting, adapters, str(error))
            raise named(error, receipt) from error
        with adapters.store.transaction() as transaction:
            now = adapters.clock()
            transaction.note_filed(receipt, folder, now)
            transaction.note_poll(now, success=True)  # a poll may take hours; the mailbox is being read all the time
        if moved:
            log.info("message filed", folder=folder)


def uncount_attempt(waiting: InboxMessage, adapters: Adapters, answer: str) -> None:
    """Do not count the attempt: a server was away. The next poll takes the other messages first."""
    log.warning("message left for later", answer=answer)
    adapters.failures[waiting.key] += 1
    with adapters.store.transaction() as transaction:
        receipt = transaction.in_hand(waiting.key)
        if receipt and not receipt.outcome:
            transaction.uncount_attempt(receipt)


def named(error: Unavailable, receipt: Receipt) -> Unavailable:
    """The same error, with the reference of its message in front."""
    return type(error)(f"{receipt.reference}: {error}")


def fail(waiting: InboxMessage, adapters: Adapters, policy: Policy) -> Receipt | None:
    """Record an error of ours. The third one quarantines the message: its receipt is returned, else None."""
    with adapters.store.transaction() as transaction:
        receipt = transaction.in_hand(waiting.key)
        if receipt is None or receipt.outcome:
            return receipt
        transaction.record_failure(receipt)
    if receipt.attempts < MAX_ATTEMPTS:
        return None
    return quarantine(receipt, f"processing failed {MAX_ATTEMPTS} times", adapters, policy)


def quarantine(receipt: Receipt, reason: str, adapters: Adapters, policy: Policy) -> Receipt:
    """Set a message aside for a person, and tell the operator. The promised time goes on running."""
    verdict = Verdict(Outcome.QUARANTINED, reason, unanswered=reason, alert=f"Quarantined: {reason}.", answer_owed=True)
    with adapters.store.transaction() as transaction:
        current = transaction.current(receipt)
        if current.outcome:
            return current
        now = adapters.clock()
        context = ReplyContext(policy.reply_settings, now)
        alerts.about_message(receipt.reference, verdict.alert, transaction, context, receipt)
        transaction.settle(receipt, verdict, (), now)
    log.error("message quarantined", why=reason)
    return replace(receipt, outcome=verdict.outcome)

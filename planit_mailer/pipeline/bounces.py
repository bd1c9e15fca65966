"""Bounces: replies of ours that came back are recorded as failed, and the operator is told."""

from planit_mailer.core import logs
from planit_mailer.domain.outgoing import Bounced, ReplyKind
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.replies.compose import ReplyContext
from planit_mailer.mail import auto_submitted
from planit_mailer.pipeline import alerts
from planit_mailer.pipeline.ports import Transaction

log = logs.get(__name__)


def note(letter: Letter, transaction: Transaction, context: ReplyContext) -> None:
    """Record the replies that a message brings back, and tell the operator of each.

    A forged bounce can at most cause an alert. A message with a spreadsheet of its own is more than a bounce, so it is
    not deleted together with the message whose reply it brings back. If nobody looked at its files, any file counts.
    """
    returned = auto_submitted.returned_ids(letter.message, context.reply_settings.address)
    if not returned:
        return
    bounce = None if _may_have_spreadsheet(letter) else letter.receipt
    for bounced in transaction.note_bounced(returned, bounce, context.now):
        log.error("reply came back", reference=bounced.reference, kind=bounced.kind.value)
        _tell_operator(bounced, letter, transaction, context)


def _may_have_spreadsheet(letter: Letter) -> bool:
    if not letter.files:
        return bool(letter.message.attachments)
    return any(file.is_spreadsheet for file in letter.files)


def _tell_operator(bounced: Bounced, letter: Letter, transaction: Transaction, context: ReplyContext) -> None:
    if bounced.kind is ReplyKind.OPERATOR:  # it would come back as well
        return
    what = f"The {bounced.kind.value} reply to this message came back: its sender has not had it."
    alerts.about_message(bounced.reference, what, transaction, context, letter.receipt)

"""Replies of ours that came back: noted as failed, and told to the operator."""

from planit_mailer.core import logs
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext
from planit_mailer.mail import auto_submitted
from planit_mailer.pipeline.ports import Transaction

log = logs.get(__name__)


def note(letter: Letter, transaction: Transaction, context: ReplyContext) -> None:
    """Tell the operator of each reply that came back; a forged bounce deletes nothing and sends nothing.

    What brings a spreadsheet of its own is more than a bounce, and not forgotten as one.
    """
    returned = auto_submitted.returns(letter.message, context.reply_settings.address)
    alone = None if any(file.is_spreadsheet for file in letter.files) else letter.receipt
    for bounced in transaction.note_bounced(returned, alone, context.now) if returned else ():
        log.error("reply came back", reference=bounced.reference, kind=bounced.kind.value)
        if bounced.kind is not ReplyKind.OPERATOR:
            what = f"The {bounced.kind.value} reply to this message came back: its sender has not had it."
            transaction.enqueue(compose.alert(bounced.reference, what, context), letter.receipt, context.now)

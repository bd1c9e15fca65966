"""Verdict → Reply: compose the mails completely, from the templates in `templates/`.

Subjects and bodies contain headings, counts and cells, never a learner's name, UPIN, DOB or value. Only the body of a
mail to a registered sender contains the name of a file. Headers follow RFC 3834 (automatic answers) and RFC 5322
section 3.6.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from planit_mailer.domain import outgoing
from planit_mailer.domain.outgoing import Reply, ReplyKind
from planit_mailer.domain.policy import letters
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.replies import other_files, view
from planit_mailer.domain.replies.view import UploadView
from planit_mailer.domain.verdict import Changes, Verdict
from planit_mailer.mail.messages import Message

# Python folds a long header before its first word, which some mail programs show as a space: ours stay on one line.
POLICY = SMTP.clone(max_line_length=150)
XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
BLANK_FORM = "plan-it-school-data-form.xlsx"


@dataclass(frozen=True, slots=True)
class ReplySettings:
    """The settings for all mails.

    `sender` is written as in a From header, `address` is the bare address in it. `operator` gets the alerts.
    `reply_within` is the promised time. `blank_form` is an .xlsx file. The operator gets so many alerts about messages
    a day, and one list of the rest.
    """

    sender: str
    address: str
    operator: str
    reply_within: timedelta
    blank_form: bytes
    templates: Environment
    alerts_per_day: int = 20


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """The settings for mails, and the present time."""

    reply_settings: ReplySettings
    now: datetime


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a mail: `template` with `facts` makes its bodies, in plain text and HTML."""

    kind: ReplyKind
    subject: str
    template: str
    facts: Mapping[str, object]
    attachments: tuple[tuple[str, bytes], ...] = ()


def load(folder: Path) -> Environment:
    """Load the templates of a folder. HTML is escaped, and an undefined name in a template is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def answer(letter: Letter, verdict: Verdict, changes: Sequence[Changes], context: ReplyContext) -> Reply | None:
    """Compose the answer to the sender that a verdict asks for, if any."""
    if not verdict.reply:
        return None
    return _answer(letter, verdict, _text(letter, verdict, changes, context), context)


def alert(reference: str, what: str, context: ReplyContext) -> Reply:
    """Compose a mail to the operator about one message."""
    facts = {"reference": reference, "what": what}
    text = Text(ReplyKind.OPERATOR, f"planit_mailer: look at {reference}", "alert", facts)
    return to_operator(text, context, reference)


def to_operator(text: Text, context: ReplyContext, reference: str = "service") -> Reply:
    """Compose a mail to the operator, by default about the service as a whole."""
    recipient = parseaddr(context.reply_settings.operator)[1]
    return _reply(text.kind, recipient, _mail(reference, recipient, text, context))


def delayed(reference: str, recipient: str, context: ReplyContext) -> Reply:
    """Compose a mail that tells a school that its answer takes longer: it is our problem, and nothing is to be done."""
    subject = f"Your School Data: your upload is taking longer than usual ({reference})"
    text = Text(ReplyKind.DELAYED, subject, "delayed", {"reference": reference})
    return _reply(text.kind, recipient, _mail(reference, recipient, text, context))


def counted(number: int, word: str) -> str:
    """Return a number with its word, such as "1 problem" or "3 problems"."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _text(letter: Letter, verdict: Verdict, changes: Sequence[Changes], context: ReplyContext) -> Text:
    reference = letter.receipt.reference
    match verdict.reply:
        case ReplyKind.HELD:
            subject = f"Your School Data: we need to check who you are ({reference})"
            return Text(ReplyKind.HELD, subject, "held", {"reference": reference})
        case ReplyKind.HELP if letter.registered:
            subject = f"Your School Data: there was no spreadsheet in your email ({reference})"
            facts = {"reference": reference, "arrived": other_files.arrived(letter)}
            form = (BLANK_FORM, context.reply_settings.blank_form)
            return Text(ReplyKind.HELP, subject, "help", facts, (form,))
        case ReplyKind.HELP:
            subject = f"Your School Data: how to send your data ({reference})"
            return Text(ReplyKind.HELP, subject, "stranger", {"reference": reference})
        case _:
            return _text_about_uploads(letter, verdict, changes)


def _text_about_uploads(letter: Letter, verdict: Verdict, changes: Sequence[Changes]) -> Text:
    assert verdict.reply is not None, "there is an answer to write"
    reference = letter.receipt.reference
    uploads = view.of(verdict.uploads, changes, reference)
    facts = {
        "reference": reference,
        "uploads": uploads,
        "passed_over": other_files.shortened([other_files.described(file) for file in verdict.passed_over]),
        "received": f"{letters.day_of(letter.receipt.received_at):%-d %B %Y}",
    }
    workbooks = []
    for upload in verdict.uploads:
        if upload.painted_data:
            workbooks.append((view.attached(upload, reference), upload.painted_data))
    return Text(verdict.reply, _subject(uploads, reference), "answer", facts, tuple(workbooks))


def _subject(uploads: Sequence[UploadView], reference: str) -> str:
    """The subject of a report or confirmation. It contains nothing that the school wrote."""
    applied = [upload for upload in uploads if upload.accepted]
    problems = counted(sum(upload.to_fix for upload in uploads), "problem")
    if not applied:
        return f"Your School Data: nothing was changed, {problems} to fix ({reference})"
    if len(applied) < len(uploads):
        return f"Your School Data: {len(applied)} of {len(uploads)} files applied, {problems} to fix ({reference})"
    learners = counted(sum(upload.learners for upload in applied), "learner")
    return f"Your School Data: {learners} updated ({reference})"


def _answer(letter: Letter, verdict: Verdict, text: Text, context: ReplyContext) -> Reply:
    """An answer in the thread of the message. An answer to a machine is a new message of its own (RFC 3834)."""
    recipient = letter.sender.address
    mail = _mail(letter.receipt.reference, recipient, text, context)
    if not verdict.automatic:
        mail.replace_header("Auto-Submitted", "auto-replied")
        _put_in_thread(mail, letter.message)
    return _reply(text.kind, recipient, mail)


def _put_in_thread(mail: EmailMessage, message: Message) -> None:
    if not message.message_id:
        return
    earlier = message.references
    if not earlier and message.in_reply_to:
        earlier = (message.in_reply_to,)
    mail["In-Reply-To"] = message.message_id
    mail["References"] = " ".join((*earlier, message.message_id))


def _mail(reference: str, recipient: str, text: Text, context: ReplyContext) -> EmailMessage:
    reply_settings = context.reply_settings
    facts = {
        **text.facts,
        "subject": text.subject,
        "address": reply_settings.address,
        "hours": int(reply_settings.reply_within.total_seconds() // 3600),
    }
    mail = EmailMessage(policy=POLICY)
    mail["From"] = reply_settings.sender
    mail["To"] = recipient
    mail["Subject"] = text.subject
    mail["Date"] = format_datetime(context.now)
    mail["Message-ID"] = _message_id(reference, text.kind, context)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(reply_settings.templates.get_template(f"{text.template}.txt").render(facts))
    if text.kind is not ReplyKind.OPERATOR:
        html = reply_settings.templates.get_template(f"{text.template}.html").render(facts)
        mail.add_alternative(html, subtype="html")
    for name, data in text.attachments:
        mail.add_attachment(data, *XLSX, filename=name)
    return mail


def _message_id(reference: str, kind: ReplyKind, context: ReplyContext) -> str:
    """A Message-ID in our domain that is different each time the same message is answered."""
    domain = context.reply_settings.address.rpartition("@")[2]
    return f"{outgoing.id_begins(reference, kind)}{context.now:%Y%m%d%H%M%S%f}@{domain}>"


def _reply(kind: ReplyKind, recipient: str, mail: EmailMessage) -> Reply:
    return Reply(kind, recipient, str(mail["Message-ID"]), mail.as_bytes())

"""Verdict → Reply: the answers, composed to the last byte, from the templates in `templates/`.

Subjects and bodies name headings, counts and cells, never a learner's name, UPIN, DOB or value. A file's name stands
only in a body to a registered sender. Headers follow RFC 3834 (automatic answers) and RFC 5322 section 3.6.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from planit_mailer.domain.outgoing import Reply, ReplyKind
from planit_mailer.domain.policy import letters
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.replies import other_files, view
from planit_mailer.domain.replies.view import UploadView
from planit_mailer.domain.verdict import Changes, Verdict

# Python folds a long header before its first word, which some mail programs show as a space: ours stay on one line.
POLICY = SMTP.clone(max_line_length=150)
XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
BLANK_FORM = "plan-it-school-data-form.xlsx"


@dataclass(frozen=True, slots=True)
class ReplySettings:
    """The settings for all mail: who writes (`sender` as in a From header, `address` bare), and with which templates.

    `operator` gets the alerts, `reply_within` is the promised time, `blank_form` an .xlsx file.
    """

    sender: str
    address: str
    operator: str
    reply_within: timedelta
    blank_form: bytes
    templates: Environment


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """The settings for mail, and the present time."""

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
    """The templates of a folder; HTML is escaped, a name that nobody gives is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def compose(letter: Letter, verdict: Verdict, changes: Sequence[Changes], context: ReplyContext) -> tuple[Reply, ...]:
    """The mails that a verdict causes: the answer to the sender, if any, and the operator's, if any."""
    mails = []
    if verdict.reply:
        text = _text(letter, verdict, changes, context)
        mails.append(_sealed(text.kind, letter.sender.address, _answer(letter, verdict, text, context)))
    if verdict.alert:
        mails.append(alert(letter.receipt.reference, verdict.alert, context))
    return tuple(mails)


def alert(reference: str, what: str, context: ReplyContext) -> Reply:
    """A mail to the operator about one message."""
    facts = {"reference": reference, "what": what}
    text = Text(ReplyKind.OPERATOR, f"planit_mailer: look at {reference}", "alert", facts)
    return to_operator(text, context, reference)


def to_operator(text: Text, context: ReplyContext, reference: str = "service") -> Reply:
    """A mail to the operator, by default about the service as a whole."""
    recipient = parseaddr(context.reply_settings.operator)[1]
    return _sealed(text.kind, recipient, _mail(reference, recipient, text, context))


def delayed(reference: str, recipient: str, context: ReplyContext) -> Reply:
    """Tell a school that its answer takes longer: it is our problem, and there is nothing to do."""
    subject = f"Your School Data: your upload is taking longer than usual ({reference})"
    text = Text(ReplyKind.DELAYED, subject, "delayed", {"reference": reference})
    return _sealed(text.kind, recipient, _mail(reference, recipient, text, context))


def counted(number: int, word: str) -> str:
    """A number with its word: "1 problem", "3 problems"."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _text(letter: Letter, verdict: Verdict, changes: Sequence[Changes], context: ReplyContext) -> Text:
    kind = verdict.reply
    assert kind is not None, "there is an answer to write"
    reference = letter.receipt.reference
    facts: dict[str, object] = {"reference": reference}
    match kind:
        case ReplyKind.HELD:
            subject = f"Your School Data: we need to check who you are ({reference})"
            return Text(kind, subject, "held", facts)
        case ReplyKind.HELP if letter.registered:
            facts["arrived"] = other_files.arrived(letter)
            subject = f"Your School Data: there was no spreadsheet in your email ({reference})"
            return Text(kind, subject, "help", facts, ((BLANK_FORM, context.reply_settings.blank_form),))
        case ReplyKind.HELP:
            return Text(kind, f"Your School Data: how to send your data ({reference})", "stranger", facts)
        case _:
            uploads = view.of(verdict.uploads, changes, reference)
            facts |= {"uploads": uploads, "passed_over": [other_files.described(file) for file in verdict.passed_over]}
            facts["received"] = f"{letters.day_of(letter.receipt.received_at):%-d %B %Y}"
            painted = tuple(
                (view.attached(u, reference), u.painted.data) for u in verdict.uploads if u.painted and u.painted.data
            )
            return Text(kind, _subject(uploads, reference), "answer", facts, painted)


def _subject(uploads: Sequence[UploadView], reference: str) -> str:
    """Ours alone: kind, counts and reference."""
    applied = [upload for upload in uploads if upload.accepted]
    to_fix = sum(upload.to_fix for upload in uploads)
    if not applied:
        return f"Your School Data: nothing was changed, {counted(to_fix, 'problem')} to fix ({reference})"
    learners = counted(sum(upload.learners for upload in applied), "learner")
    if len(applied) == len(uploads):
        return f"Your School Data: {learners} updated ({reference})"
    return (
        f"Your School Data: {len(applied)} of {len(uploads)} files applied, "
        f"{counted(to_fix, 'problem')} to fix ({reference})"
    )


def _answer(letter: Letter, verdict: Verdict, text: Text, context: ReplyContext) -> EmailMessage:
    """An answer in the thread of the message; an answer to a machine is a new message of its own (RFC 3834)."""
    message = _mail(letter.receipt.reference, letter.sender.address, text, context)
    if verdict.automatic:
        return message
    message.replace_header("Auto-Submitted", "auto-replied")
    if letter.message.message_id:
        message["In-Reply-To"] = letter.message.message_id
        earlier = letter.message.references or ((letter.message.in_reply_to,) if letter.message.in_reply_to else ())
        message["References"] = " ".join((*earlier, letter.message.message_id))
    return message


def _mail(reference: str, recipient: str, text: Text, context: ReplyContext) -> EmailMessage:
    reply_settings = context.reply_settings
    facts = {
        **text.facts,
        "subject": text.subject,
        "address": reply_settings.address,
        "hours": int(reply_settings.reply_within.total_seconds() // 3600),
    }
    message = EmailMessage(policy=POLICY)
    message["From"] = reply_settings.sender
    message["To"] = recipient
    message["Subject"] = text.subject
    message["Date"] = format_datetime(context.now)
    message["Message-ID"] = _message_id(reference, text.kind, context)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(reply_settings.templates.get_template(f"{text.template}.txt").render(facts))
    if text.kind is not ReplyKind.OPERATOR:
        html = reply_settings.templates.get_template(f"{text.template}.html").render(facts)
        message.add_alternative(html, subtype="html")
    for name, data in text.attachments:
        message.add_attachment(data, *XLSX, filename=name)
    return message


def _message_id(reference: str, kind: ReplyKind, context: ReplyContext) -> str:
    """Ours by its domain, and different for each time that the same message is answered."""
    domain = context.reply_settings.address.rpartition("@")[2]
    return f"<{reference.lower()}.{kind.value}.{context.now:%Y%m%d%H%M%S%f}@{domain}>"


def _sealed(kind: ReplyKind, recipient: str, message: EmailMessage) -> Reply:
    return Reply(kind, recipient, str(message["Message-ID"]), message.as_bytes())

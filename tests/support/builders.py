"""What tests are made of: emails as schools send them."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP

SCHOOL = "office@greenfield.test"
SERVICE = "data@s-cool.test"
DATE = "Mon, 02 Nov 2026 09:15:00 +0000"


def an_email(
    sender: str = SCHOOL,
    *,
    subject: str = "Our data",
    body: str = "Here it is.\n",
    attachments: Sequence[tuple[str, bytes]] = (),
    headers: Sequence[tuple[str, str]] = (),
    recipient: str = SERVICE,
) -> bytes:
    """A message; `headers` stand on top of it, as mail servers add them, or take the place of its own."""
    message = EmailMessage(policy=SMTP)
    own = {
        "From": sender,
        "To": recipient,
        "Subject": subject,
        "Date": DATE,
        "Message-ID": f"<{len(body)}.1@greenfield.test>",
    }
    given = {name.lower() for name, _ in headers}
    for name, value in (*headers, *((name, value) for name, value in own.items() if name.lower() not in given)):
        message[name] = value
    message.set_content(body)
    for name, data in attachments:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def with_header(raw: bytes, *lines: str) -> bytes:
    """The message with these lines on top, as they stand: also lines that no well-behaved library would write."""
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape") + raw

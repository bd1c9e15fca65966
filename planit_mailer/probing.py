"""doctor --probe: a message to ourselves, and what the mailbox provider stamps on it.

Only the top-most Authentication-Results of a server that the operator names is believed (RFC 8601 section 5), so that
the operator has to see which one that is. A provider may stamp mail from inside differently, or not at all.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.parser import HeaderParser
from email.policy import compat32
from email.utils import format_datetime, make_msgid

from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.adapters.smtp import Relay
from planit_mailer.core import clock, text
from planit_mailer.core.config import Config
from planit_mailer.core.errors import PlanitError, Unavailable
from planit_mailer.doctor import AHEAD, Finding
from planit_mailer.domain.outgoing import Reply, ReplyKind
from planit_mailer.mail import authentication_results

WITHIN = 120.0  # seconds in which it has to arrive
LOOK_EVERY = 2.0  # seconds
SHOWN = 300  # characters of a header
STAMPS = ("received", "authentication-results")


def examine(settings: Config) -> Iterator[Finding]:
    """Send a message to ourselves, wait for it, show its stamps from the top, and delete it."""
    try:
        sent_at, message_id = _send(settings)
        header, arrived_at = _wait(settings, message_id)
    except PlanitError as error:
        yield Finding("probe", str(error), "See what the relay's log says became of it.", type(error))
        return
    yield Finding("probe", f"arrived after {(clock.now() - sent_at).total_seconds():.0f} seconds")
    if abs(arrived_at - sent_at) > AHEAD:
        said = f"the mailbox says that it came at {arrived_at:%Y-%m-%dT%H:%M:%SZ}, it was sent at {sent_at:%H:%M:%SZ}"
        yield Finding("probe", said, "One of the two clocks is wrong: let this machine's be set by NTP.")
    yield from _stamps(header)


def _send(settings: Config) -> tuple[datetime, str]:
    now, message = clock.now(), EmailMessage()
    domain = settings.address.rpartition("@")[2]
    message["From"], message["To"] = settings.smtp.sender, settings.address
    message["Subject"] = "planit_mailer: a probe"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(f"probe.{uuid.uuid4().hex}", domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("planit-mailer doctor --probe sent this, and deletes it when it has seen it.\n")
    reply = Reply(ReplyKind.OPERATOR, settings.address, str(message["Message-ID"]), message.as_bytes())
    Relay(settings.smtp, settings.address).send(reply)
    return now, reply.message_id


def _wait(settings: Config, message_id: str) -> tuple[bytes, datetime]:
    """The message's header and its INTERNALDATE. Raises Unavailable where it does not come in time."""
    names = settings.mailbox.folders
    folders = (settings.mailbox.folder, names.ignored, names.quarantine)  # a daemon may be quicker, and file it
    end = time.monotonic() + WITHIN
    with open_mailbox(settings.mailbox) as mailbox:
        while time.monotonic() < end:
            for folder in folders:
                if found := mailbox.find(folder, message_id):
                    mailbox.delete_by_id(folder, message_id)
                    return found
            time.sleep(LOOK_EVERY)
    raise Unavailable(f"the message to {settings.address} did not arrive within {WITHIN:.0f} seconds")


def _stamps(header: bytes) -> Iterator[Finding]:
    fields = HeaderParser(policy=compat32).parsestr(header.decode("utf-8", "replace")).items()
    stamps = [(name, text.one_line(str(value))) for name, value in fields if name.lower() in STAMPS]
    for name, value in stamps:
        yield Finding("probe", f"{name}: {value[:SHOWN]}")
    yield _advice([value for name, value in stamps if name.lower() == "authentication-results"])


def _advice(results: Sequence[str]) -> Finding:
    if not results:
        said = "no server stamped a verdict on it"
        fix = "Send a message from elsewhere too: many stamp only what comes from outside. Nor there? docs/operating.md"
        return Finding("probe", said, fix)
    server = authentication_results.read(results[0]).server
    if not server:
        return Finding("probe", 'the top-most verdict names no server, as at Microsoft 365: results = "microsoft365"')
    return Finding(
        "probe", f"the top-most verdict is of {server}: is that your provider's server? Then it is the one to trust"
    )

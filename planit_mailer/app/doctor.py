"""doctor: tries everything that the service needs, and says how to fix what does not work.

It changes nothing, except that it opens the database as every verb does. A finding never holds a secret.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.parser import HeaderParser
from email.policy import compat32
from email.utils import format_datetime, make_msgid
from typing import Final

from jinja2 import TemplateError

from planit_mailer.adapters.dns import Dns
from planit_mailer.adapters.imap.mailbox import Mailbox, open_mailbox
from planit_mailer.adapters.smtp import Relay
from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import wiring
from planit_mailer.core import clock, secrets, text
from planit_mailer.core.config import Config, Server
from planit_mailer.core.errors import ConfigError, LoginRefused, PlanitError, Unavailable
from planit_mailer.domain.outgoing import Reply, ReplyKind
from planit_mailer.mail import authentication_results
from planit_mailer.pipeline import alerts

AHEAD: Final = timedelta(minutes=5)  # that something may lie in the future before a clock is wrong

WITHIN = 120.0  # seconds in which it has to arrive
LOOK_EVERY = 2.0  # seconds
SHOWN = 300  # characters of a header
STAMPS = ("received", "authentication-results")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried. With `failed`, the service cannot work; with a `fix` alone, it could work better."""

    what: str
    said: str
    fix: str = ""
    failed: type[PlanitError] | None = None

    @property
    def state(self) -> str:
        """In a word, for people and programs."""
        return "failed" if self.failed else "warning" if self.fix else "ok"


Check = Callable[[Config], Iterator[Finding]]


def examine(settings: Config) -> Iterator[Finding]:
    """Try everything; the findings in the order of CHECKS."""
    for what, check, fix in CHECKS:
        try:
            yield from check(settings)
        except PlanitError as error:
            yield Finding(what, str(error), LOGIN if isinstance(error, LoginRefused) else fix, type(error))


def _configuration(settings: Config) -> Iterator[Finding]:
    yield Finding("configuration", "every key is known and every value can be used")
    for exposed in secrets.exposed(settings.model_dump()):
        yield Finding("configuration", exposed.said, exposed.fix)
    today = clock.now().date()
    for table, expires in wiring.expiries(settings).items():
        if expires and expires - today <= alerts.NOTICE:
            notice = alerts.expiry_notice(table, expires, today)
            yield Finding("configuration", notice.said, notice.fix)


def _senders(settings: Config) -> Iterator[Finding]:
    trust = wiring.trust(settings.senders)
    if trust.authenticates_nobody:
        raise ConfigError("no sender can be believed: every message waits for the operator")
    yield Finding("senders", trust.description)


def _dns(settings: Config) -> Iterator[Finding]:
    """Check that DNS can look up the keys of signatures."""
    if not wiring.trust(settings.senders).verifies:
        yield Finding("dns", "is not asked: no signatures are verified here")
        return
    domain = settings.address.rpartition("@")[2]
    Dns().texts(f"{domain}.")
    yield Finding("dns", f"answers for {domain}")


def _database(settings: Config) -> Iterator[Finding]:
    with closing(Store(settings.database.url.get_secret_value())) as store:
        revision = store.prepare()
        with store.transaction():  # it can be written to
            yield Finding("database", f"{store.name} at revision {revision}")


def _mailbox(settings: Config) -> Iterator[Finding]:
    with open_mailbox(settings.mailbox) as mailbox:
        yield Finding("mailbox", f"{_where(settings.mailbox)}, {mailbox.look()} messages in the inbox")
        yield from _capabilities(mailbox)
        names = [*wiring.folders(settings.mailbox.folders).values(), settings.mailbox.folders.sent]
        missing = mailbox.missing(name for name in names if name)
        made = f"; {', '.join(missing)} will be made" if missing else ""
        yield Finding("mailbox", f"its folders can be listed{made}")


def _capabilities(mailbox: Mailbox) -> Iterator[Finding]:
    offered = [name for name in ("IDLE", "MOVE", "UIDPLUS") if mailbox.offers(name)]
    said = f"offers {', '.join(offered) or 'none of IDLE, MOVE and UIDPLUS'}"
    if not {"MOVE", "UIDPLUS"} & set(offered):
        yield Finding("mailbox", said, "It files no message: use a server that has MOVE or UIDPLUS.")
    elif "UIDPLUS" not in offered:
        yield Finding("mailbox", said, "It deletes no message: use a server that has UIDPLUS.")
    else:
        yield Finding("mailbox", said)


def _relay(settings: Config) -> Iterator[Finding]:
    Relay(settings.smtp, settings.address).try_out()
    yield Finding("relay", f"{_where(settings.smtp)}, takes mail from {settings.address}")


def _reading(settings: Config) -> Iterator[Finding]:
    """Start a reading process, as the daemon does, and ask it which guards it lacks."""
    with wiring.reader(settings.limits) as reader:
        lacking = reader.lacking()
    if lacking:
        said = f"starts, but this machine's kernel lacks {' and '.join(lacking)} to confine it"
        yield Finding("reading", said, GUARDS)
    else:
        yield Finding("reading", "the reading process starts, and can open no file, no connection and no other process")


def _templates(settings: Config) -> Iterator[Finding]:
    templates = wiring.reply_settings(settings).templates
    names = templates.list_templates()
    try:
        for name in names:
            templates.get_template(name)
    except TemplateError as error:
        raise ConfigError(f"the template {name} cannot be used: {error}") from error
    yield Finding("templates", f"{len(names)} can be used")


def _clock(settings: Config) -> Iterator[Finding]:
    """Check that nothing recorded lies in the future: neither our own polls nor the mailbox's clock."""
    now = clock.now()
    with closing(wiring.open_store(settings)) as store, store.reading() as reading:
        story = reading.story(reading.latest())
        moments = {"the last poll": reading.status().last_poll, "the last message": story and story.received_at}
    ahead = [name for name, moment in moments.items() if moment and moment > now + AHEAD]
    if ahead:
        raise ConfigError(f"it is {now:%Y-%m-%dT%H:%M:%SZ} here, and the books know of the future: {', '.join(ahead)}")
    yield Finding("clock", f"it is {now:%Y-%m-%dT%H:%M:%SZ}, and nothing in the books comes of the future")


def _where(server: Server) -> str:
    how = "plain text" if server.security == "none" else server.security.upper()
    who = f"as {server.username} by {'token' if server.oauth2 else 'password'}" if server.username else "without login"
    return f"{server.host}:{server.port} over {how}, {who}"


LOGIN: Final = (
    "See that the username is right, and that the password or secret is right and has not expired; for OAuth2, follow "
    "docs/microsoft365.md or docs/google.md step by step."
)
GUARDS: Final = (
    "Use a 64-bit Linux of 5.13 or later, and let its boot options and the container engine's profile allow Landlock "
    "and seccomp. What follows without them: docs/security.md"
)
CHECKS: Final[tuple[tuple[str, Check, str], ...]] = (
    ("configuration", _configuration, ""),
    ("senders", _senders, 'Name the server whose verdict counts in [senders], or, on this machine alone, "accept".'),
    ("dns", _dns, "See /etc/resolv.conf, and that a firewall lets us ask: the keys of signatures stand in DNS."),
    ("database", _database, "See [database] url, that the server runs, and that this user may write there."),
    ("mailbox", _mailbox, "See host, port and security in [mailbox], and that a firewall lets us out."),
    ("relay", _relay, "See host, port, security and from in [smtp], and that a firewall lets us out."),
    ("reading", _reading, "See that this machine has memory and processes left, and [limits] memory."),
    ("templates", _templates, "Install planit_mailer again: they belong to the package."),
    ("clock", _clock, "Let this machine's clock be set by NTP, such as: systemctl enable --now systemd-timesyncd"),
)


def probe(settings: Config) -> Iterator[Finding]:
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
    """The message's header and its INTERNALDATE. Raises Unavailable if it does not come in time."""
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

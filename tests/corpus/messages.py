"""Messages that mean harm, or were harmed: each with one line that says why it is here, and what must become of it.

All but a few bring a form, so that what is wrongly believed shows in a learner's data. The mailbox's provider is
`mx.s-cool.test`; `office@greenfield.test` is registered, nobody else is.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache

from planit_mailer.domain.messages import Outcome
from tests.support import forms
from tests.support.builders import SERVICE, an_email, with_header

OFFICE = "office@greenfield.test"
ELSE = "someone@else.test"
OPERATOR = "ops@s-cool.test"
PROVIDER = "mx.s-cool.test"
PASS = "dmarc=pass header.from=greenfield.test"
BYTES = "Content-Type: application/octet-stream"
OURS = "<pm-7f3k-9q2t.report.20261124090000000000@s-cool.test>"

QUARANTINED, HELD, IGNORED = Outcome.QUARANTINED, Outcome.HELD, Outcome.IGNORED
ACCEPTED, REJECTED = Outcome.ACCEPTED, Outcome.REJECTED


@dataclass(frozen=True, slots=True)
class Hostile:
    """A message: why it is here, how it is made, what must become of it, and who must have mail because of it."""

    why: str
    make: Callable[[], bytes]
    outcome: Outcome
    told: tuple[str, ...] = ()


@cache
def form() -> bytes:
    return forms.handbook(learners=[forms.learner(1)])


def results(said: str, server: str = PROVIDER) -> str:
    return f"Authentication-Results: {server}; {said}"


def passing(domain: str = "greenfield.test") -> str:
    return results(f"dmarc=pass header.from={domain}")


def mail(*lines: str, sender: str = OFFICE, name: str = "data.xlsx") -> bytes:
    """A message with a form, and these header lines on top, as they stand."""
    return with_header(an_email(sender, attachments=[(name, form())]), *lines)


def with_from(value: str, *lines: str) -> bytes:
    """A message with a form and this From header, as it stands, and the provider's word for a domain of no interest."""
    rest = an_email(ELSE, attachments=[("data.xlsx", form())]).replace(f"From: {ELSE}\r\n".encode(), b"")
    return with_header(rest, *(lines or (passing(),)), f"From: {value}")


def text(*lines: str, body: str = "x\n") -> bytes:
    """A message without a file; `lines` are its whole header but for To."""
    return with_header(f"To: {SERVICE}\r\n\r\n{body}".encode(), *lines)


def part(*lines: str, data: bytes | None = None) -> bytes:
    """A message from the school that is one file with these header lines."""
    head = "\r\n".join([passing(), f"From: {OFFICE}", "Message-ID: <1@greenfield.test>", BYTES, *lines])
    encoded = base64.encodebytes(form() if data is None else data).replace(b"\n", b"\r\n")
    return head.encode() + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded


def report(*lines: str) -> bytes:
    """A bounce (RFC 6522) that brings back a mail of ours with a form in it."""
    ours = an_email(SERVICE, attachments=[("data.xlsx", form())], headers=[("Message-ID", OURS)])
    bounce = EmailMessage(policy=SMTP)
    bounce["To"] = SERVICE
    bounce.set_content("Your message could not be delivered.\n")
    bounce.add_attachment(b"Final-Recipient: rfc822; x@y.test\r\n", maintype="message", subtype="x-status")
    bounce.add_attachment(ours, maintype="message", subtype="x-rfc822")
    made = bounce.as_bytes().replace(b"x-status", b"delivery-status").replace(b"x-rfc822", b"rfc822")
    return with_header(made.replace(b"multipart/mixed", b"multipart/report; report-type=delivery-status"), *lines)


def forwarded(*inner: str) -> bytes:
    head = f"From: {OFFICE}\r\nMessage-ID: <f@greenfield.test>\r\nContent-Type: message/rfc822\r\n\r\n"
    return head.encode() + mail(*inner)


def nested(depth: int) -> bytes:
    multiparts = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(depth)
    )
    return with_header(multiparts, passing(), f"From: {OFFICE}")


def harmed(cut: int) -> bytes:
    """A whole message that ends in the middle, at so many percent."""
    whole = mail(passing())
    return whole[: len(whole) * cut // 100]


def spoof(why: str, *lines: str) -> Hostile:
    """A message in the school's name that must not be believed, and that the operator must hear of at once."""
    return Hostile(why, lambda: mail(*lines), QUARANTINED, (OPERATOR,))


def impostor(why: str, value: str, *lines: str) -> Hostile:
    """A From header that must never be believed, whatever the provider says."""
    return Hostile(why, lambda: with_from(value, *lines), QUARANTINED)


def machine(why: str, *lines: str) -> Hostile:
    """A machine's message without a form: never answered."""
    return Hostile(why, lambda: text(passing("else.test"), *lines), IGNORED)


def bounce(why: str, *lines: str) -> Hostile:
    """A mail of ours that comes back, with the form in it: never read, never answered."""
    return Hostile(why, lambda: report(passing("else.test"), *lines), IGNORED)


def applied(why: str, make: Callable[[], bytes]) -> Hostile:
    """Odd, and nevertheless a school's form: applied and confirmed."""
    return Hostile(why, make, ACCEPTED, (OFFICE,))


SPOOFS = (
    spoof("nobody vouches for it"),
    spoof("another server vouches for it", results(PASS, "mx.else.test")),
    spoof("a server whose name begins like the provider's", results(PASS, f"{PROVIDER}.else.test")),
    spoof("forged results below the provider's", results("dmarc=fail header.from=greenfield.test"), passing()),
    spoof("forged results below the provider's empty ones", results("none"), passing()),
    spoof("forged results below the provider's that are torn", results('spf=fail smtp.mailfrom="x'), passing()),
    spoof("DKIM passes and DMARC does not", results("dkim=pass header.d=greenfield.test; dmarc=fail header.from=x")),
    spoof("DMARC passes for the attacker's domain", passing("else.test")),
    spoof("DMARC passes for a domain below the school's", passing("pupils.greenfield.test")),
    spoof("DMARC passes for the domain above the school's", passing("test")),
    spoof("SPF passes for the greeting alone", results("spf=pass smtp.helo=greenfield.test")),
    spoof("SPF passes for the attacker's envelope", results("spf=pass smtp.mailfrom=x@else.test")),
    spoof("a comment imitates a verdict", results(f"spf=fail ({PASS}) smtp.mailfrom=else.test")),
    spoof("a comment in a comment imitates one", results(f"spf=fail (a (b) {PASS}) smtp.mailfrom=else.test")),
    spoof("an address ends the comment that quotes it", results(f'spf=pass (of "x) ; {PASS}; a=("@else.test) b=c')),
    spoof("a quoted envelope imitates a verdict", results(f'spf=pass smtp.mailfrom="; {PASS}"@else.test')),
    spoof(
        "the school's name in the attacker's local part",
        results('spf=pass smtp.mailfrom="x@greenfield.test"@else.test'),
    ),
    spoof("a verdict in ARC's header, which anybody can seal", f"ARC-Authentication-Results: i=1; {PROVIDER}; {PASS}"),
    spoof("a verdict in a header that is called nearly so", f"X-Authentication-Results: {PROVIDER}; {PASS}"),
    spoof(
        "Microsoft's form where the provider is another", f"Authentication-Results: spf=pass smtp.mailfrom=x; {PASS}"
    ),
    spoof("a verdict that is longer than any", results(f"{PASS}; x={'y' * 9_000}")),
    Hostile("a verdict inside an attached message", lambda: forwarded(passing()), QUARANTINED, (OPERATOR,)),
)

IMPOSTORS = (
    impostor("two addresses in one From", f"{OFFICE}, {ELSE}"),
    impostor("the second address on a line of its own", f"{OFFICE},\r\n {ELSE}"),
    impostor("two From headers", OFFICE, passing(), f"From: {ELSE}"),
    impostor("the same From twice", OFFICE, passing(), f"From: {OFFICE}"),
    impostor("an empty From", ""),
    impostor("a From of two brackets", "<>"),
    impostor("a name and no address", "The school office"),
    impostor("a registered address as the name of another", f'"{OFFICE}" <{ELSE}>', passing("else.test")),
    impostor("the same without quotation marks", f"{OFFICE} <{ELSE}>", passing("else.test")),
    impostor("the same, encoded", f"=?utf-8?q?office=40greenfield.test?= <{ELSE}>", passing("else.test")),
    impostor(
        "the same, encoded in base64", f"=?utf-8?b?b2ZmaWNlQGdyZWVuZmllbGQudGVzdA==?= <{ELSE}>", passing("else.test")
    ),
    impostor("the same with another sign for @", f"office\uff20greenfield.test <{ELSE}>", passing("else.test")),
    impostor("the same in a comment", f"{ELSE} ({OFFICE})", passing("else.test")),
    impostor("an encoded word in the place of the address", "=?utf-8?q?office=40greenfield.test?="),
    impostor("a second address inside the first", f"<{OFFICE}> <{ELSE}>"),
    impostor("a route before the address (RFC 822)", f"<@else.test:{OFFICE}>"),
    impostor("a group of addresses", f"Office: {OFFICE};"),
    impostor("a quoted local part with an @", '"office@greenfield.test"@else.test', passing("else.test")),
    impostor("a percent sign that once meant a relay", '"office%greenfield.test"@else.test', passing("else.test")),
    impostor("a domain in letters of full width", "office@\uff47reenfield.test"),
    impostor("a domain that is no IDNA", "office@xn--\u00ff.test"),
    impostor("a domain with an underscore", "office@green_field.test"),
    impostor("an address literal", "office@[127.0.0.1]"),
    impostor("SQL in the local part", "x';DROP/**/TABLE/**/learners;--@greenfield.test"),
    impostor("a local part of a hundred letters", f"{'x' * 100}@greenfield.test"),
    impostor("a From of 3,000 characters", f'"{"x" * 3_000}" <{OFFICE}>'),
    impostor("a From beyond all headers that are read", OFFICE, passing(), *["X: y"] * 1_000),
    Hostile("a blank before the colon", lambda: mail(passing()).replace(b"From: ", b"From : "), QUARANTINED),
    Hostile("no header at all", lambda: b"\r\nx", QUARANTINED),
)

STRANGERS = (
    Hostile("a look-alike domain with a digit", lambda: with_from(
        "office@greenfie1d.test", passing("greenfie1d.test")), HELD, ("office@greenfie1d.test",)),
    Hostile("a look-alike domain with a Cyrillic letter", lambda: with_from(
        "office@gr\u0435enfield.test", passing("xn--grenfield-h0h.test")), HELD, ("office@xn--grenfield-h0h.test",)),
    Hostile("the school as Sender and Reply-To of a stranger", lambda: mail(
        passing("else.test"), f"Sender: {OFFICE}", f"Reply-To: {OFFICE}", f"Cc: {OFFICE}", sender=ELSE), HELD, (ELSE,)),
    Hostile("a workbook that may be a bomb, from a stranger", lambda: with_header(
        an_email(ELSE, attachments=[("a.xlsx", b"PK\x03\x04" + bytes(1_000_000))]),
        passing("else.test")), HELD, (ELSE,)),
    Hostile("nothing but words from a stranger", lambda: text(
        passing("else.test"), f"From: {ELSE}"), IGNORED, (ELSE,)),
    Hostile("a header injected into the name of a stranger", lambda: with_from(
        f"=?utf-8?q?x=0D=0ABcc=3A_{OFFICE.replace('@', '=40')}?= <{ELSE}>", passing("else.test")), QUARANTINED),
)  # fmt: skip

DAEMON = "From: MAILER-DAEMON@else.test"
STRANGER = f"From: {ELSE}"

MACHINES = (
    bounce("Postfix's bounce", DAEMON, "Subject: Undelivered Mail Returned to Sender", "Auto-Submitted: auto-replied"),
    bounce("Exim's bounce", DAEMON, "X-Failed-Recipients: x@y.test", "Subject: Mail delivery failed"),
    bounce("Exchange's bounce", "From: postmaster@else.test", "Subject: Undeliverable: Your School Data"),
    bounce("Gmail's bounce", "From: Subsystem <mailer-daemon@else.test>", "X-Failed-Recipients: x@y.test"),
    bounce("Sendmail's bounce", DAEMON, "Subject: Returned mail: see transcript for details"),
    bounce("a bounce without any mark but its empty envelope", "Return-Path: <>", STRANGER),
    bounce("a bounce in the school's own name", STRANGER, "Subject: Our data"),
    machine("qmail's bounce, which is plain text", DAEMON, "Subject: failure notice"),
    machine("Amazon's notification", STRANGER, "X-Amazon-Mail-Relay-Type: notification"),
    machine("a read receipt", STRANGER, "Content-Type: multipart/report; report-type=disposition-notification"),
    machine("Outlook's out of office", STRANGER, "Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All"),
    machine("one that says so in its subject alone", STRANGER, "Subject: Automatic reply: Your School Data"),
    machine("Gmail's vacation reply", STRANGER, "Precedence: bulk", "X-Autoreply: yes"),
    machine("Pigeonhole's vacation reply", STRANGER, "Auto-Submitted: auto-replied (vacation)"),
    machine("a comment before the word that marks it", STRANGER, "Auto-Submitted: (no) auto-replied"),
    machine("a mailing list", STRANGER, "List-Id: <staff.else.test>"),
    machine("a list's owner", "From: staff-bounces@else.test"),
    machine("an address that takes no replies", "From: no-reply@else.test"),
    machine("our own answer in somebody else's name", STRANGER, f"Message-ID: {OURS}"),
    machine("a loop through a forwarder", STRANGER, "X-Loop: yes"),
    Hostile("our own address", lambda: text(passing("s-cool.test"), f"From: {SERVICE}"), IGNORED),
    Hostile("our own address with a form", lambda: mail(passing("s-cool.test"), sender=SERVICE), HELD),
    Hostile("the school's machine without a form", lambda: text(
        passing(), f"From: {OFFICE}", "Precedence: bulk"), IGNORED),
    applied("the school's machine with a form", lambda: mail(passing(), "Auto-Submitted: auto-generated")),
)  # fmt: skip

MALFORMED = (
    applied("nothing is wrong with it, and its results are folded", lambda: mail(results(PASS).replace(" ", "\r\n\t"))),
    applied("a charset that does not exist", lambda: mail(passing()).replace(b'charset="utf-8"', b'charset="klingon"')),
    applied("a file name in a charset that does not exist", lambda: part(
        "Content-Disposition: attachment; filename*=klingon''%C3.xlsx")),
    applied("a file name in a charset that is no text", lambda: part(
        "Content-Disposition: attachment; filename*=zlib''%C3.xlsx")),
    applied("a file name with a way out of its folder", lambda: mail(passing(), name="../../etc/passwd.xlsx")),
    applied("a file name that is a template", lambda: mail(passing(), name="{{ 7 * 7 }}{% raw %}.xlsx")),
    applied("a file name that is HTML", lambda: mail(passing(), name="<img src=x onerror=alert(1)>.xlsx")),
    applied("a file name with a header in it", lambda: part(
        f'Content-Disposition: attachment; filename="x\r\n Bcc: {ELSE}.xlsx"')),
    applied("a file name that runs backwards", lambda: mail(passing(), name="\u202exslx.exe")),
    applied("a Message-ID with a header in it", lambda: part(f"References: <a@b>\r\n Bcc: {ELSE}")),
    applied("a thread of ten thousand messages", lambda: part(
        "References: " + "\r\n ".join(f"<{n}@b>" for n in range(10_000)))),
    applied("a subject with a header in it, encoded", lambda: mail(
        passing(), f"Subject: =?utf-8?q?x=0D=0ABcc=3A_{ELSE.replace('@', '=40')}?=")),
    applied("a subject of 400 KB of encoded words", lambda: mail(
        passing(), "Subject: " + "=?utf-8?q?=C3=A4?= " * 20_000)),
    applied("a date that no calendar has", lambda: part("Date: Thu, 99 Foo 99999 99:99:99 +9999")),
    applied("a date in the year 1", lambda: part("Date: Mon, 01 Jan 0001 00:00:00 -9959")),
    applied("a date of 100 KB", lambda: part(f"Date: {'9' * 100_000}")),
    applied("headers in no encoding", lambda: with_header(part(), "X: \udcff\udcfe\udc80")),
    applied("parts in each other, five deep", lambda: nested(5) + BYTES.encode() + part().partition(BYTES.encode())[2]),
    Hostile("a thousand parts in each other", lambda: nested(1_000), REJECTED, (OFFICE,)),
    Hostile("five thousand parts beside each other", lambda: with_header(
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        + b"".join(b"--b\r\nContent-Type: application/x\r\n\r\n%d\r\n" % n for n in range(5_000)),
        passing(), f"From: {OFFICE}"), REJECTED, (OFFICE,)),
    Hostile("a multipart without a boundary", lambda: text(
        passing(), f"From: {OFFICE}", "Content-Type: multipart/mixed"), IGNORED, (OFFICE,)),
    Hostile("base64 that is none", lambda: part("Content-Disposition: attachment; filename=x.xlsx", data=b"").replace(
        b"base64\r\n\r\n", b"base64\r\n\r\n\xff=A==\x00"), REJECTED, (OFFICE,)),
    Hostile("a message that ends in its form", lambda: harmed(70), REJECTED, (OFFICE,)),
    Hostile("a message that ends in its header", lambda: mail(passing())[:60], QUARANTINED),
    Hostile("a winmail.dat that says it is long", lambda: part(
        "Content-Disposition: attachment; filename=winmail.dat",
        data=b"\x78\x9f\x3e\x22\x01\x00\x02\x05\x90\x06\x00\xff\xff\xff\x7f" + bytes(50)), IGNORED, (OFFICE,)),
    Hostile("a form in a forwarded message", lambda: with_header(forwarded(), passing()), IGNORED, (OFFICE,)),
    Hostile("a picture called a workbook", lambda: part(
        "Content-Disposition: attachment; filename=x.xlsx", data=b"\x89PNG\r\n\x1a\n"), REJECTED, (OFFICE,)),
)  # fmt: skip

HOSTILE = (*SPOOFS, *IMPOSTORS, *STRANGERS, *MACHINES, *MALFORMED)

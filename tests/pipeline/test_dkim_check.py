"""Where the provider stamps nothing: who is believed on a signature that is verified here, on a real mailbox."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from planit_mailer.adapters.dns import Dns
from planit_mailer.app import doctor
from planit_mailer.cli.demo import servers
from planit_mailer.core.errors import Rejected, Unavailable
from tests.domain.forms.test_annotate import a_csv
from tests.pipeline.test_sender_policy import OPERATOR, STRANGER, a_form, recipients
from tests.support import forms, signing, world
from tests.support.builders import SERVICE, an_email, with_header
from tests.support.nameserver import NameServer
from tests.support.signing import NAME, signed
from tests.support.world import OFFICE, World


@pytest.fixture
def service(tmp_path: Path, nameserver: NameServer) -> Iterator[World]:
    nameserver.publish(NAME, signing.pair().record)
    with servers.running(SERVICE, "pw") as post:
        made = world.make(tmp_path, post)
        made.configure('unauthenticated = "accept"', 'results = "dkim"')
        yield made


def put(service: World, raw: bytes) -> str:
    """Let a message arrive; its Message-ID."""
    service.post.send(raw, OFFICE, SERVICE)
    return raw.partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode()


def an_upload(number: int = 1, sender: str = OFFICE) -> bytes:
    named = (("Message-ID", f"<{number}@greenfield.test>"),)
    return an_email(sender, attachments=[a_form(number)], headers=named)


def test_what_the_school_has_signed_is_applied_and_the_rest_is_quarantined(service: World) -> None:
    good = put(service, signed(an_upload(1)))
    bare = put(service, an_upload(2))
    forged = put(service, signed(an_upload(3), signing.pair(number=1)))
    service.once()

    assert service.explain(good)["outcome"] == "accepted"
    assert service.explain(good)["verdicts"]["why"] == "verified here: a DKIM signature of greenfield.test"
    assert service.explain(bare)["reason"] == "it has no DKIM signature of greenfield.test"
    assert service.explain(forged)["reason"] == "its DKIM signature does not match"
    assert [service.explain(sent)["outcome"] for sent in (bare, forged)] == ["quarantined"] * 2
    assert sorted(recipients(service)) == [OFFICE, OPERATOR, OPERATOR]


PLAIN = (
    "From: office@greenfield.test\r\nTo: data@s-cool.test\r\nMessage-ID: <{value}@greenfield.test>\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/csv; name=form.csv\r\n\r\n{form}\r\n--b--\r\n"
)


def in_plain_text(value: str) -> bytes:
    form = a_csv(forms.flat_rows([forms.learner(1, values=(value,))], headings=("Art",)))
    return PLAIN.format(value=value, form=form.decode()).encode()


@pytest.mark.parametrize(
    ("body", "end"), [(b"relaxed", b" \t\r\n"), (b"simple", b"\n")], ids=["white space", "line ends"]
)
def test_what_a_signature_leaves_free_makes_no_other_message(service: World, body: bytes, end: bytes) -> None:
    old, new = (signed(in_plain_text(value), canonicalize=(b"relaxed", body)) for value in ("old", "new"))
    again = old.replace(b",old\r\n", b",old" + end)
    assert again != old
    for raw in (old, new, again):
        put(service, raw)
        service.once()
    assert service.shown(forms.upn(1)) == {"Art": "new"}
    assert recipients(service) == [OFFICE, OFFICE]


def test_no_stamped_verdict_counts_there(service: World) -> None:
    sent = put(
        service,
        with_header(an_upload(), "Authentication-Results: mx.s-cool.test; dmarc=pass header.from=greenfield.test"),
    )
    service.once()
    assert service.explain(sent)["outcome"] == "quarantined"


def test_a_stranger_who_has_signed_is_held(service: World, nameserver: NameServer) -> None:
    nameserver.publish("s1._domainkey.elsewhere.test.", signing.pair(number=1).record)
    sent = put(service, signed(an_upload(sender=STRANGER), signing.pair(number=1), domain="elsewhere.test"))
    service.once()
    assert service.explain(sent)["outcome"] == "held"
    assert recipients(service) == [STRANGER]


def test_a_message_that_is_too_large_to_be_fetched_is_not_believed(service: World) -> None:
    service.configure("[senders]", '[limits]\nmessage = "1KB"\n\n[senders]')
    sent = put(service, signed(an_upload()))
    service.once()
    assert service.explain(sent)["reason"] == "it is too large for its DKIM signature to be verified"


@pytest.mark.parametrize("trouble", ["failing", "silent"])
def test_while_dns_is_away_a_registered_senders_mail_waits_and_delays_nobody(
    service: World, nameserver: NameServer, trouble: str
) -> None:
    away = "s2._domainkey.greenfield.test."
    nameserver.publish(away, signing.pair().record)
    getattr(nameserver, trouble).add(away)
    waiting = put(service, signed(an_upload(1), selector="s2"))
    other = put(service, signed(an_upload(2)))
    for _ in range(4 if trouble == "failing" else 1):  # more often than errors of ours are forgiven
        with pytest.raises(Unavailable, match="DNS gives no answer"):
            service.once()

    told = service.explain(waiting)
    assert (told["outcome"], told["attempts"], bool(told["due_at"])) == (None, 0, True)
    assert "DNS gives no answer" in told["verdicts"]["why"]
    assert service.explain(other)["outcome"] == "accepted"
    assert service.post.folder("INBOX") == 1

    getattr(nameserver, trouble).clear()
    service.once()
    assert service.explain(waiting)["outcome"] == "accepted"
    assert recipients(service) == [OFFICE, OFFICE]


def test_a_strangers_mail_does_not_wait_for_dns(service: World, nameserver: NameServer) -> None:
    nameserver.failing.add("s1._domainkey.elsewhere.test.")
    sent = put(service, signed(an_upload(sender=STRANGER), domain="elsewhere.test"))
    service.once()
    assert service.explain(sent)["outcome"] == "quarantined"
    assert recipients(service) == []


def test_after_half_the_promised_time_a_person_looks(service: World, nameserver: NameServer) -> None:
    nameserver.failing.add(NAME)
    sent = put(service, signed(an_upload()))
    with pytest.raises(Unavailable):
        service.once()
    service.configure("[service]", '[service]\nreply_within = "100ms"')
    service.once()
    assert service.explain(sent)["outcome"] == "quarantined"
    nameserver.failing.clear()
    service.verb("retry", str(service.explain(sent)["reference"]))
    service.once()
    assert service.explain(sent)["outcome"] == "accepted"


def test_doctor_says_that_signatures_are_verified_and_whether_dns_answers(
    service: World, nameserver: NameServer
) -> None:
    said = {finding.what: finding.said for finding in doctor.examine(service.settings)}
    assert said["senders"] == "no verdict counts: DKIM signatures are verified here"
    assert said["dns"] == "answers for s-cool.test"
    nameserver.failing.add("s-cool.test.")
    [dns] = [finding for finding in doctor.examine(service.settings) if finding.what == "dns"]
    assert (dns.failed, "firewall" in dns.fix) == (Rejected, True)


def test_names_of_strangers_that_stay_silent_keep_no_school_waiting(
    service: World, nameserver: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("planit_mailer.app.listener.Dns", partial(Dns, altogether=1.0))
    for number in range(3):
        domain = f"elsewhere{number}.test"
        nameserver.silent.add(f"s1._domainkey.{domain}.")
        put(service, signed(an_upload(number + 10, f"someone@{domain}"), domain=domain))
    good = put(service, signed(an_upload(1)))
    service.once()
    assert service.explain(good)["outcome"] == "accepted"


def test_however_many_signatures_a_message_has_it_holds_the_others_up_once(service: World) -> None:
    service.configure("[senders]", '[limits]\nseconds = "2s"\n\n[senders]')
    slow = an_upload() + (b" " * 900 + b"x\r\n") * 4_000  # dkimpy looks for the ends of such lines at each letter
    signature = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=greenfield.test; s=s1; t={}; b=AAAA; bh=AAAA;"
    sent = put(service, with_header(slow, *(f"{signature.format(n)} h=from:message-id:content-type" for n in range(5))))
    with capture_logs() as logged:
        service.once()
    assert service.explain(sent)["reason"] == "its DKIM signature cannot be verified: it took too long"
    assert [line["event"] for line in logged].count("signatures ended their reader") == 1


def test_a_spoof_with_a_name_that_cannot_be_in_dns_does_not_wait(service: World) -> None:
    domain = f"{'x' * 60}.greenfield.test"
    with service.store() as store, store.transaction() as transaction:
        transaction.allow(transaction.add_school("Long School", "ZZ7 7ZZ"), domain)
    selector = ".".join(["s" * 49] * 4)
    signature = f"a=rsa-sha256; d={domain}; s={selector}; h=from:message-id:content-type"
    sent = put(service, with_header(an_upload(1, f"office@{domain}"), f"DKIM-Signature: {signature}"))
    service.once()
    assert service.explain(sent)["outcome"] == "quarantined"


@pytest.mark.parametrize("message_id", ["<1 1@greenfield.test>", f"<{'1' * 260}@greenfield.test>"])
def test_what_could_not_be_known_again_is_not_believed(service: World, message_id: str) -> None:
    named = f"Message-ID: {message_id}\r".encode()
    raw = signed(re.sub(rb"(?m)^Message-ID: .*?\r$", named, an_upload()))
    for again in range(2):
        service.post.send(with_header(raw, f"Received: from a by b; {again}"), OFFICE, SERVICE)
        service.once()
    assert recipients(service) == [OPERATOR, OPERATOR]


def test_a_message_is_known_again_whatever_order_its_header_is_brought_into(service: World) -> None:
    good = signed(an_upload())
    service.post.send(good, OFFICE, SERVICE)
    service.once()
    head, _, body = good.partition(b"\r\n\r\n")
    lines = re.split(rb"\r\n(?![ \t])", head)
    hidden = [line for line in lines if line.startswith(b"Message-ID")]
    shown = [line for line in lines if line not in hidden]
    again = b"\r\n".join([*shown, *[b"X: y"] * 1_000, *hidden]) + b"\r\n\r\n" + body
    service.post.send(again, OFFICE, SERVICE)
    service.once()
    assert recipients(service) == [OFFICE, OPERATOR]

"""Authentication-Results: the headers that count, and the results in them that prove a domain."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planit_mailer.domain.messages import Sender
from planit_mailer.domain.policy import senders
from planit_mailer.mail import authentication_results, messages
from planit_mailer.mail.authentication_results import Trust
from tests.support.builders import an_email, with_header

OURS = "mx.s-cool.test"
TRUSTED = Trust(authserv_ids=(OURS,))
MICROSOFT = Trust(results="microsoft365")
OFFICE = "office@greenfield.test"

GMAIL = (
    "mx.google.com;\r\n       dkim=pass header.i=@greenfield.test header.s=s1 header.b=W2Hn/fqs;\r\n"
    "       spf=pass (google.com: domain of office@greenfield.test designates 192.0.2.1 as permitted sender)"
    " smtp.mailfrom=office@greenfield.test"
)
EXCHANGE = (
    "spf=pass (sender IP is 192.0.2.1)\r\n smtp.mailfrom=greenfield.test; dkim=pass (signature was verified)\r\n"
    " header.d=greenfield.test;dmarc=pass action=none\r\n header.from=greenfield.test;compauth=pass reason=100"
)


def believed(*results: str, trust: Trust = TRUSTED, sender: str = OFFICE) -> Sender:
    """The sender of a message with these Authentication-Results, from the top down."""
    lines = [f"Authentication-Results: {value}" for value in results]
    return senders.authenticate(messages.parse(with_header(an_email(sender), *lines)), trust, released=False)


@pytest.mark.parametrize(
    "result",
    [
        "dmarc=pass header.from=greenfield.test",
        "dmarc=pass (p=none dis=none) header.from=Greenfield.TEST",
        "DMARC = Pass (a comment (in a comment)) header.from = greenfield.test",
        'dmarc=pass reason="a; b" header.from="greenfield.test"',
        "dmarc/1=pass header.from=greenfield.test",
        "spf=fail smtp.mailfrom=else.test; dkim=fail header.d=else.test; dmarc=pass header.from=greenfield.test",
        "dkim=pass header.d=greenfield.test",
        "dkim=fail header.d=else.test; dkim=pass (2048-bit key) header.d=greenfield.test header.b=ab/c",
        "dkim=pass header.i=@greenfield.test",
        "spf=pass smtp.mailfrom=greenfield.test",
        "spf=pass smtp.mailfrom=bounce@greenfield.test smtp.helo=mail.else.test",
        'spf=pass smtp.mailfrom="a b"@greenfield.test',
    ],
)
def test_the_domain_of_the_from_address_is_proven(result: str) -> None:
    sender = believed(f"{OURS}; {result}")
    assert sender.authentic, sender.why
    assert sender.why.startswith(f"{OURS} says ")


@pytest.mark.parametrize(
    "result",
    [
        "none",
        "",
        "dmarc=fail header.from=greenfield.test; dkim=pass header.d=greenfield.test",
        "dkim=pass header.d=greenfield.test; dmarc=none header.from=greenfield.test",
        "dmarc=bestguesspass header.from=greenfield.test; spf=pass smtp.mailfrom=greenfield.test",
        "dmarc=temperror header.from=greenfield.test; dkim=pass header.d=greenfield.test",
        "dmarc=pass header.from=else.test; dkim=pass header.d=greenfield.test",
        "dmarc=pass; dkim=pass header.d=greenfield.test",
        "dmarc=pass header.from=mail.greenfield.test",
        "dmarc=pass header.from=test",
        "dmarc=pass header.from=greenfield.test.else.test",
        "dmarc=pass header.from=greenfie1d.test",
        "dmarc=pass header.from=else.test header.from=greenfield.test",
        "dmarc=pass header.from=greenfield.test; dmarc=fail header.from=greenfield.test",
        "dmarc/2=pass header.from=greenfield.test",
        "dmarc=passed header.from=greenfield.test",
        "dmarc=pass_ header.from=greenfield.test",
        "dmarc=pass header.d=greenfield.test",
        "x-dmarc=pass header.from=greenfield.test",
        "dkim=pass header.d=mail.greenfield.test",
        "dkim=pass header.d=else.test header.i=@greenfield.test",
        "dkim=neutral header.d=greenfield.test",
        "dkim=pass header.from=greenfield.test",
        "dkim-adsp=pass header.d=greenfield.test",
        "arc=pass header.d=greenfield.test",
        "spf=pass smtp.helo=greenfield.test",
        "spf=softfail smtp.mailfrom=greenfield.test",
        "spf=pass smtp.mailfrom=office@greenfield.test@else.test",
        'spf=pass smtp.mailfrom="office@greenfield.test"@else.test',
        'spf=pass smtp.mailfrom="; dmarc=pass header.from=greenfield.test"@else.test',
        'spf=pass smtp.mailfrom="\\"; dmarc=pass header.from=greenfield.test; \\""@else.test',
        "spf=fail (dmarc=pass header.from=greenfield.test) smtp.mailfrom=else.test",
        "spf=fail (a) (b; dmarc=pass header.from=greenfield.test; (c)) smtp.mailfrom=else.test",
        'spf=pass (domain of "x) ; dmarc=pass header.from=greenfield.test; x=y ("@else.test) smtp.mailfrom=else.test',
        "spf=pass (domain of x\\) ; dmarc=pass header.from=greenfield.test) smtp.mailfrom=else.test",
        "spf=pass smtp.mailfrom=x) ; dmarc=pass header.from=greenfield.test",
        "dmarc=pass header.from=greenfield.test (",
        'dmarc=pass header.from=greenfield.test; x="',
        "dmarc=pass header.from=greenfield.test; x=" + "y" * 8_000,
        "reason=dmarc=pass header.from=greenfield.test",
    ],
)
def test_nothing_else_proves_it(result: str) -> None:
    assert not believed(f"{OURS}; {result}").authentic


@pytest.mark.parametrize("server", [OURS, "MX.s-cool.test", f"{OURS} 1", f"(by) {OURS} (here)", f'"{OURS}"'])
def test_the_servers_name_may_be_written_in_all_ways_of_the_standard(server: str) -> None:
    assert believed(f"{server}; dmarc=pass header.from=greenfield.test").authentic


@pytest.mark.parametrize(
    "server",
    [
        "",
        "mx.else.test",
        f"{OURS}.else.test",
        f"x{OURS}",
        f"({OURS}) mx.else.test",
        f'"{OURS}; x"',
        f"mx.else.test {OURS}",
    ],
)
def test_no_other_servers_word_counts(server: str) -> None:
    assert not believed(f"{server}; dmarc=pass header.from=greenfield.test").authentic


def test_without_a_trusted_server_nobody_is_believed() -> None:
    passing = f"{OURS}; dmarc=pass header.from=greenfield.test"
    assert not believed(passing, trust=Trust()).authentic
    assert Trust().authenticates_nobody
    assert not TRUSTED.authenticates_nobody
    assert not MICROSOFT.authenticates_nobody
    assert not Trust("accept").authenticates_nobody


def test_of_several_results_of_a_trusted_server_the_top_most_decides() -> None:
    passing, failing = (f"{OURS}; dmarc={verdict} header.from=greenfield.test" for verdict in ("pass", "fail"))
    assert not believed(failing, passing).authentic
    assert believed(passing, failing).authentic
    assert not believed(f"{OURS}; none", passing).authentic
    assert not believed(f"{OURS}; spf=fail smtp.mailfrom=x)@else.test", passing).authentic, "in doubt, and so nothing"
    assert believed("mx.else.test; dmarc=fail header.from=greenfield.test", passing).authentic
    assert not believed('"mx; (', passing).authentic, "it may be the trusted server's"


def test_what_stands_between_results_and_received_lines_means_nothing() -> None:
    raw = with_header(
        an_email(OFFICE),
        "Received: from a.test by b.test; Mon, 02 Nov 2026 09:15:00 +0000",
        f"Authentication-Results: {OURS}; dmarc=pass header.from=greenfield.test",
        f"ARC-Authentication-Results: i=1; {OURS}; dmarc=fail header.from=greenfield.test",
    )
    assert senders.authenticate(messages.parse(raw), TRUSTED, released=False).authentic
    forged = with_header(
        an_email(OFFICE),
        f"ARC-Authentication-Results: i=1; {OURS}; dmarc=pass header.from=greenfield.test",
        f"X-Authentication-Results: {OURS}; dmarc=pass header.from=greenfield.test",
        f"Authentication-Results-Original: {OURS}; dmarc=pass header.from=greenfield.test",
    )
    assert not senders.authenticate(messages.parse(forged), TRUSTED, released=False).authentic


def test_results_inside_an_attached_message_are_not_about_this_one() -> None:
    passing = f"Authentication-Results: {OURS}; dmarc=pass header.from=greenfield.test\r\n"
    raw = f"From: {OFFICE}\r\nContent-Type: message/rfc822\r\n\r\n{passing}From: {OFFICE}\r\n\r\nx".encode()
    assert not senders.authenticate(messages.parse(raw), TRUSTED, released=False).authentic


def test_gmails_results_prove_a_domain_without_a_dmarc_policy() -> None:
    assert believed(GMAIL, trust=Trust(authserv_ids=("mx.google.com",))).why == (
        "mx.google.com says dkim=pass for greenfield.test"
    )


def test_microsofts_results_count_by_their_place_and_without_a_name() -> None:
    assert believed(EXCHANGE, trust=MICROSOFT).why == "Microsoft 365 says dmarc=pass for greenfield.test"
    assert not believed(EXCHANGE.replace("dmarc=pass", "dmarc=fail"), EXCHANGE, trust=MICROSOFT).authentic
    assert not believed(f"{OURS}; dmarc=pass header.from=greenfield.test", EXCHANGE, trust=MICROSOFT).authentic
    assert not believed(EXCHANGE.replace("greenfield.test", "none"), trust=MICROSOFT).authentic
    assert not believed(EXCHANGE).authentic, "where a name is asked for"
    assert not believed(trust=MICROSOFT).authentic


def test_an_international_domain_is_proven_in_either_writing() -> None:
    for proven in ("xn--bcher-kva.test", "bücher.test"):
        assert believed(f"{OURS}; dmarc=pass header.from={proven}", sender="b@xn--bcher-kva.test").authentic
    assert not believed(f"{OURS}; dmarc=pass header.from=straße.test", sender="b@strasse.test").authentic


def test_a_proven_domain_does_not_prove_a_second_from_or_another_name() -> None:
    passing = f"Authentication-Results: {OURS}; dmarc=pass header.from=greenfield.test"
    for line in ("From: other@greenfield.test", f"From: {OFFICE}"):
        message = messages.parse(with_header(an_email(OFFICE), passing, line))
        assert not senders.authenticate(message, TRUSTED, released=False).authentic
    assert not believed(passing.partition(": ")[2], sender='"head@riverside.test" <office@greenfield.test>').authentic


def test_what_an_attacker_writes_does_not_come_into_the_reason() -> None:
    why = believed(f"{OURS}; dmarc={'x' * 30}[red] header.from=else.test").why
    assert why == f"{OURS} says dmarc=unknown"


PIECES = st.sampled_from(
    (
        *(OURS, ";", "=", " ", "(", ")", '"', "\\", "@", ".", "/1", "\ufffd", "x", "none"),
        *("dmarc", "dkim", "spf", "pass", "fail", "header.from", "header.d", "smtp.mailfrom"),
        *("greenfield.test", "else.test"),
    )
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join)


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_nothing_raises_whatever_a_header_says(value: str) -> None:
    results = authentication_results.read(value)
    assert all(result.method for result in results.found)


@given(st.lists(st.sampled_from(["else.test", "x", " ", ";", "=", "(", ")", '"', "pass", "dkim", "spf"]), max_size=20))
@settings(max_examples=300, deadline=None)
def test_nothing_that_does_not_name_the_domain_proves_it(pieces: list[str]) -> None:
    assert not believed(f"{OURS}; {''.join(pieces)}").authentic


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_no_address_in_a_comment_turns_a_failed_verdict(hidden: str) -> None:
    result = (
        f"{OURS}; spf=pass (domain of {hidden}@else.test) smtp.mailfrom=else.test; dmarc=fail header.from=else.test"
    )
    assert not believed(result).authentic

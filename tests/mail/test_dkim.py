"""DKIM signatures: those that prove a domain, and those that must not, however well they verify."""

import re
from collections.abc import Callable

import dkim as dkimpy
import pytest
from dkim import rfc822_parse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from planit_mailer.mail import dkim, messages
from tests.support import signing
from tests.support.builders import SERVICE, an_email, with_header
from tests.support.signing import DOMAIN, NAME, pair, signed

OTHERS = tuple(name for name in signing.SIGNED if name != "content-type")
TO_ELSEWHERE = "head@riverside.test"
RECORD = pair().record


def flaw(raw: bytes, *records: bytes, domain: str = DOMAIN) -> str:
    """The reason why no signature proves the domain, "" if one does."""
    why = "no signature"
    for signature in dkim.find(raw, domain, SERVICE):
        why = signature.flaw or dkim.verify(raw, signature, records or (RECORD,))
        if not why:
            break
    return why


def a_form(recipient: str = SERVICE, **more: object) -> bytes:
    return an_email(recipient=recipient, attachments=[("form.csv", b"a,b\r\n")], **more)


# ── what proves ──


@pytest.mark.parametrize("canonical", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"])
@pytest.mark.parametrize("bits", [1024, 2048])
def test_what_a_domain_has_signed_is_proven_by_its_key(canonical: str, bits: int) -> None:
    raw = signed(a_form(), pair(bits), canonicalize=tuple(part.encode() for part in canonical.split("/")))
    assert flaw(raw, pair(bits).record) == ""


def test_what_servers_put_on_top_later_takes_nothing_away() -> None:
    assert flaw(with_header(signed(a_form()), "Received: from a by b", "Authentication-Results: x; none")) == ""


def test_a_signature_beside_those_of_other_domains_is_found() -> None:
    raw = signed(signed(signed(a_form()), domain="elsewhere.test"), domain="mail.greenfield.test")
    [found] = dkim.find(raw, DOMAIN, SERVICE)
    assert (found.number, found.name, flaw(raw)) == (2, NAME, "")


def test_a_second_signature_proves_it_where_the_first_does_not() -> None:
    assert flaw(signed(signed(a_form()), pair(number=1))) == ""


def test_a_signature_that_leaves_the_content_type_out_needs_a_to_or_cc_that_names_us() -> None:
    google = ("to", "subject", "message-id", "date", "from", "mime-version", "from", "to", "cc", "subject")
    assert flaw(signed(a_form(), headers=google)) == ""
    copied = with_header(a_form(TO_ELSEWHERE), f"Cc: Plan-it <{SERVICE.upper()}>")
    assert flaw(signed(copied, headers=google)) == ""
    assert SERVICE in flaw(signed(a_form(TO_ELSEWHERE), headers=google))


@pytest.mark.parametrize(
    "record",
    [
        RECORD.removeprefix(b"v=DKIM1; "),
        RECORD.replace(b"k=rsa; ", b""),
        RECORD + b"; h=sha1:sha256; s=email; t=s;",
        b" " + RECORD.replace(b"; ", b" ;  ") + b" ; n=a note",
    ],
)
def test_a_key_may_be_written_in_all_ways_of_the_standard(record: bytes) -> None:
    assert flaw(signed(a_form()), record) == ""


# ── what does not ──


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ((), f"DNS has no key under {NAME}"),
        ((RECORD, RECORD), f"DNS has several keys under {NAME}"),
        ((pair(number=1).record,), "does not match"),
        ((b"v=DKIM1; p=",), "has been revoked"),
        ((b"v=spf1 -all",), "has been revoked"),
        ((b"",), "has been revoked"),
        ((RECORD.replace(b"DKIM1", b"DKIM2"),), "is none"),
        ((RECORD + b"; p=x",), "is none"),
        ((RECORD + b"; n=" + b"x" * 4_000,), "is none"),
        ((RECORD + b"; t=y",), "for a test alone"),
        ((RECORD + b"; t=s:y",), "for a test alone"),
        ((RECORD + b"; h=sha1",), "not one for mail"),
        ((RECORD + b"; s=tlsrpt",), "not one for mail"),
        ((RECORD.replace(b"k=rsa", b"k=ed25519"),), "not one for mail"),
        ((b"v=DKIM1; k=rsa; p=AAAA",), "does not match"),
        ((b"v=DKIM1; k=rsa; p=\xff!",), "does not match"),
    ],
)
def test_without_exactly_one_good_key_nothing_is_proven(records: tuple[bytes, ...], why: str) -> None:
    raw = signed(a_form())
    assert why in dkim.verify(raw, dkim.find(raw, DOMAIN, SERVICE)[0], records)


def test_a_key_of_less_than_1024_bits_proves_nothing() -> None:
    raw = signed(a_form(), signing.WEAK)
    assert dkimpy.verify(raw, dnsfunc=lambda *_, **__: signing.WEAK.record, minkey=512), "but for that it would"
    assert "does not match" in flaw(raw, signing.WEAK.record)


def without(raw: bytes, tag: str) -> bytes:
    """The message without one tag of its signature."""
    return re.sub(rb"\b" + tag.encode() + rb"=[^;]+;\s*", b"", raw, count=1)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a letter of the body": lambda raw: raw.replace(b"Here it is", b"Here it Is"),
    "a part behind the last": lambda raw: raw + b"more\r\n",
    "another From": lambda raw: raw.replace(b"From: office@", b"From: head@"),
    "a second From above": lambda raw: with_header(raw, "From: head@greenfield.test"),
    "the same From once more": lambda raw: with_header(raw, "From: office@greenfield.test"),
    "a From in other letters": lambda raw: with_header(raw, "fRoM: head@greenfield.test"),
    "another Message-ID above": lambda raw: with_header(raw, "Message-ID: <2@greenfield.test>"),
    "another Content-Type above": lambda raw: with_header(raw, "Content-Type: text/csv"),
    "a Content-Disposition": lambda raw: with_header(raw, "Content-Disposition: attachment; filename=x.csv"),
    "a From hidden behind a bare CR": lambda raw: with_header(raw, "X: y\rFrom: head@greenfield.test\r\r"),
    "a From hidden behind a bare LF": lambda raw: with_header(raw, "X: y\nFrom: head@greenfield.test\n"),
    "a NUL in the header": lambda raw: with_header(raw, "X: \0"),
    "a line that is no header": lambda raw: with_header(raw, "From somebody Mon Nov"),
    "a header without a name": lambda raw: with_header(raw, ": x"),
    "a space before the colon": lambda raw: with_header(raw, "From : head@greenfield.test"),
    "a continuation of nothing": lambda raw: b" x\r\n" + raw,
    "no end of the header": lambda raw: raw.partition(b"\r\n\r\n")[0] + b"\r\n",
    "another domain": lambda raw: raw.replace(b"d=greenfield.test", b"d=elsewhere.test"),
    "no domain": lambda raw: without(raw, "d"),
    "no algorithm": lambda raw: without(raw, "a"),
    "no selector": lambda raw: without(raw, "s"),
    "no signed headers": lambda raw: without(raw, "h"),
    "no hash of the body": lambda raw: without(raw, "bh"),
    "a selector that is none": lambda raw: raw.replace(b"s=s1;", b"s=../x;"),
    "another algorithm": lambda raw: raw.replace(b"a=rsa-sha256", b"a=rsa-sha1"),
    "one more tag": lambda raw: raw.replace(b"v=1;", b"v=1; x=9999999999;"),
    "a length of the body": lambda raw: raw.replace(b"v=1;", b"v=1; l=0;"),
    "a tag twice": lambda raw: raw.replace(b"v=1;", b"v=1; d=greenfield.test;"),
    "a version that is none": lambda raw: raw.replace(b"v=1;", b"v=2;"),
    "rubbish for a signature": lambda raw: raw.replace(b" b=", b" b=!"),
    "five others above": lambda raw: with_header(raw, *["DKIM-Signature: d=greenfield.test"] * 5),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_is_changed_on_the_way_nothing_is_proven(change: Callable[[bytes], bytes]) -> None:
    raw = signed(a_form(TO_ELSEWHERE))
    assert flaw(raw) == ""
    assert change(raw) != raw
    assert flaw(change(raw)) != ""


def test_a_signature_of_a_part_of_the_body_proves_nothing() -> None:
    assert "a part of the body" in flaw(signed(a_form(), length=True))


@pytest.mark.parametrize("left_out", ["message-id", "from"])
def test_a_signature_has_to_cover_who_wrote_and_the_message_id(left_out: str) -> None:
    raw = signed(a_form())
    assert left_out in flaw(re.sub(rf"\b{left_out} : |: {left_out}\b".encode(), b"", raw, count=1))


def test_a_quoted_form_cannot_be_made_a_file_by_exchanging_what_is_not_signed() -> None:
    """An attacker changes how the body is parsed of a school's answer to them, which quotes their own text."""
    answer = signed(an_email(recipient=TO_ELSEWHERE, body="--x\r\n\r\na form\r\n"), headers=OTHERS)
    forged = re.sub(rb"Content-Type: [^\r]+", b"Content-Type: multipart/mixed; boundary=x", answer)
    assert "neither its Content-Type nor" in flaw(forged)


ALONE = "From: office@greenfield.test\r\nMessage-ID: <1@greenfield.test>\r\nContent-Type: {}\r\n"


def test_a_file_that_is_the_whole_body_cannot_be_decoded_otherwise() -> None:
    raw = ALONE.format("text/csv; name=form.csv").encode() + b"\r\nMaths=41,B\r\n"
    assert "neither its Content-Type nor" in flaw(signed(raw)), "it could be called quoted-printable"
    covered = signed(raw, headers=(*signing.SIGNED, "content-transfer-encoding"))
    assert flaw(covered) == ""
    assert "does not match" in flaw(with_header(covered, "Content-Transfer-Encoding: quoted-printable"))


def test_text_to_be_read_is_believed_however_it_is_encoded() -> None:
    assert flaw(signed(ALONE.format("text/plain; charset=utf-8").encode() + b"\r\nHello\r\n")) == ""


def test_a_selector_of_bytes_that_are_no_text_is_a_flaw_in_words_that_can_be_written() -> None:
    broken = re.sub(rb"(?<=s=)s1(?=;)", b"\xff\xe9", signed(an_email()), count=1)

    [found] = dkim.find(broken, DOMAIN, SERVICE)

    assert found.flaw == "its DKIM signature names no key"
    assert found.name.isascii()


def test_a_signature_for_a_subdomain_or_of_one_proves_nothing() -> None:
    assert flaw(signed(a_form(), identity=b"office@mail.greenfield.test")).endswith("of a subdomain")
    assert flaw(signed(a_form(), domain="mail.greenfield.test")) == "no signature"
    assert flaw(signed(a_form()), domain="test") == "no signature"


def test_a_signature_that_has_expired_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as then:
        then.setattr("dkim.time.time", lambda: 1_000_000_000.0)
        raw = signed(a_form())
    assert flaw(raw) == "", "old as it is"
    assert flaw(raw.replace(b"t=1000000000;", b"t=1000000000; x=1000000900;")) != ""


def test_nobody_else_can_sign_for_the_domain() -> None:
    raw = signed(a_form(), pair(number=1), domain="elsewhere.test")
    assert flaw(raw) == "no signature"
    assert flaw(raw.replace(b"d=elsewhere.test", b"d=greenfield.test")) != ""


SIGNED = signed(an_email(recipient=TO_ELSEWHERE, attachments=[("a.csv", b"a,b\r\n")]))


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_whatever_happens_to_a_signed_message_nothing_raises_and_nothing_else_is_proven(data: st.DataObject) -> None:
    start, taken = data.draw(st.integers(0, len(SIGNED))), data.draw(st.integers(0, 20))
    raw = SIGNED[:start] + data.draw(st.binary(max_size=20)) + SIGNED[start + taken :]
    if flaw(raw) == "":
        before, after = messages.parse(SIGNED), messages.parse(raw)
        for name in ("from_addresses", "message_id", "attachments_digest", "link"):
            assert getattr(before, name) == getattr(after, name)


@given(st.binary(max_size=60), st.integers(0, len(RECORD)), st.integers(0, 20))
@example(put=b"/", start=41, taken=1)  # a NULL in the key's ASN.1 that is not empty
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_dns_nothing_raises(put: bytes, start: int, taken: int) -> None:
    [signature] = dkim.find(SIGNED, DOMAIN, SERVICE)
    for record in (put, RECORD[:start] + put + RECORD[start + taken :]):
        dkim.verify(SIGNED, signature, [record])


LINES = st.lists(
    st.sampled_from([b"From: a@b.test", b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"X-A: b", b"\0", b"\x85"])
)


@given(LINES.map(b"".join))
@settings(max_examples=500, deadline=None)
def test_a_header_that_is_looked_at_is_the_same_to_all_who_read_it(head: bytes) -> None:
    raw = head + b"\r\n\r\nbody"
    if match := dkim.HEADER.match(raw):
        theirs = [(name.decode().lower(), value) for name, value in rfc822_parse(raw)[0]]
        ours = [name for name, _ in messages.parse(raw).headers]
        assert [name for name, _ in theirs] == ours == [name for name, _ in dkim._fields(match[0])]

"""What comes back of our own replies: noted as failed, told to the operator, once; and a forged bounce does no harm."""

import pytest

from planit_mailer.mail import auto_submitted, messages
from tests.support import forms
from tests.support.world import OFFICE, World, text_of

HEADER = (
    "From: MAILER-DAEMON@relay.test\nTo: data@s-cool.test\nMessage-ID: <{own}@relay.test>\nSubject: Undeliverable\n"
    'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
)
STATUS = (
    "--b\nContent-Type: text/plain\n\nIt went wrong.\n--b\nContent-Type: message/delivery-status\n\n"
    "Reporting-MTA: dns; relay.test\n\nFinal-Recipient: rfc822; office@greenfield.test\nAction: {action}\n"
    "--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {returned}\nSubject: x\n\n--b--\n"
)


@pytest.fixture
def service(fakes: World) -> World:
    return fakes


def a_bounce(returned: str, action: str = "failed", own: str = "1") -> bytes:
    return (HEADER.format(own=own) + STATUS.format(action=action, returned=returned)).replace("\n", "\r\n").encode()


def answered(service: World) -> tuple[str, str]:
    """A form is sent and confirmed; the Message-IDs of both."""
    sent = service.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])))
    service.once()
    [(_, answer)] = service.replies()
    return sent, str(answer["Message-ID"])


def bounce(service: World, raw: bytes) -> None:
    service.post.send(raw, "mailer-daemon@relay.test", service.post.address)
    service.once()


def states(service: World, message_id: str) -> list[str]:
    return [reply["state"] for reply in service.explain(message_id)["replies"]]


def test_a_reply_that_comes_back_has_failed_and_the_operator_hears_of_it_once(service: World) -> None:
    sent, reply = answered(service)

    bounce(service, a_bounce(reply))
    bounce(service, a_bounce(reply, own="2"))

    [_, (to, alert)] = service.replies()
    assert states(service, sent) == ["failed"]
    assert to != OFFICE
    assert "came back" in text_of(alert)
    assert service.shown(forms.upn(1)), "what was applied stays"


def test_a_report_of_a_delay_or_a_success_is_no_failure(service: World) -> None:
    sent, reply = answered(service)

    for number, action in enumerate(("delayed", "delivered", "relayed")):
        bounce(service, a_bounce(reply, action, str(number)))

    assert states(service, sent) == ["sent"]
    assert len(service.replies()) == 1


def test_a_forged_bounce_of_mail_that_is_not_ours_or_not_sent_yet_does_nothing(service: World) -> None:
    sent, _ = answered(service)

    bounce(service, a_bounce(sent))
    bounce(service, a_bounce("<nobodys@s-cool.test>", own="2"))

    assert states(service, sent) == ["sent"]
    assert len(service.replies()) == 1


@pytest.mark.parametrize(
    ("line", "state"),
    [("Return-Path: <>", "failed"), ("Return-Path: <x@relay.test>", "sent"), ("X-Mailer: none", "sent")],
)
def test_of_what_is_not_authentic_a_report_with_a_null_sender_counts_as_a_bounce_and_nothing_else(
    service: World, line: str, state: str
) -> None:
    sent, reply = answered(service)
    service.configure('unauthenticated = "accept"', 'trusted_authserv_ids = ["mx.test"]')

    bounce(service, f"{line}\r\n".encode() + a_bounce(reply))

    assert states(service, sent) == [state]
    assert len(service.replies()) == (2 if state == "failed" else 1)
    assert service.explain("<1@relay.test>")["outcome"] == "quarantined"


def test_a_form_that_looks_like_a_bounce_is_not_forgotten_as_one(service: World) -> None:
    _, reply = answered(service)
    results = {verdict: f"mx.test; dmarc={verdict} header.from=greenfield.test" for verdict in ("pass", "fail")}
    service.configure('unauthenticated = "accept"', 'trusted_authserv_ids = ["mx.test"]')
    waiting = service.send(
        ("2.xlsx", forms.handbook(learners=[forms.learner(2)])),
        body=f"Message-ID: {reply}\n",
        Precedence="bulk",
        Authentication_Results=results["fail"],
    )
    service.once()

    replacing = forms.handbook(learners=[forms.learner(1, values=("new",))])
    service.send(("3.xlsx", replacing), Authentication_Results=results["pass"])
    service.once()

    told = service.explain(waiting)
    assert (told["outcome"], told["mail_deleted_at"]) == ("quarantined", None)


def test_a_person_who_quotes_our_mail_reports_no_failure() -> None:
    raw = (
        b"From: office@greenfield.test\r\nMessage-ID: <own@b>\r\n\r\n> thank you\r\nMessage-ID: <ours@s-cool.test>\r\n"
    )

    assert auto_submitted.returned_ids(messages.parse(raw), "data@s-cool.test") == ()

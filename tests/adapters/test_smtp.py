import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from planit_mailer.adapters import smtp
from planit_mailer.adapters.smtp import Relay
from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.core import config
from planit_mailer.core.errors import LoginRefused, Rejected, Unavailable, Undeliverable
from planit_mailer.domain.outgoing import Reply, ReplyKind
from tests.support import dovecot
from tests.support.builders import SCHOOL, SERVICE, an_email
from tests.support.mailservers import CERTIFICATE, a_relay


def a_reply(recipient: str = SCHOOL, content: bytes = b"") -> Reply:
    content = content or an_email(SERVICE, recipient=recipient)
    return Reply(ReplyKind.CONFIRMATION, recipient, "<1@s-cool.test>", content)


class Answers:
    """A relay with a given answer for each command. It keeps the mail that it receives."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.taken: list[Envelope] = []

    async def handle_MAIL(self, _s: Any, _session: Any, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.answers.get("mail", "250 OK")

    async def handle_RCPT(self, _s: Any, _session: Any, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.answers.get("rcpt", "250 OK")

    async def handle_DATA(self, _s: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope)
        return self.answers.get("data", "250 2.0.0 queued as 4711")


class Listening(Controller):
    """A relay on a free port; `options` are aiosmtpd's."""

    def __init__(self, handler: Answers, **options: Any) -> None:
        super().__init__(handler, hostname="127.0.0.1", port=dovecot.free_ports(1)[0], **options)


@contextmanager
def relaying(handler: Answers, **options: Any) -> Iterator[config.Smtp]:
    """The settings of a relay that runs for the length of a `with` block."""
    controller = Listening(handler, **options)
    controller.start()
    try:
        yield config.Smtp.model_validate(
            {"host": "localhost", "port": controller.port, "security": "none", "from": SERVICE}
        )
    finally:
        controller.stop()


def changed(settings: config.Smtp, **changes: Any) -> config.Smtp:
    return config.Smtp.model_validate({**settings.model_dump(by_alias=True), **changes})


def a_tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def test_a_reply_arrives_byte_for_byte_at_its_one_recipient(post: MailServers) -> None:
    content = an_email(SERVICE, subject="Grüße", body=".\n..dots\nä\n", attachments=[("blank.xlsx", bytes(range(256)))])
    answer = Relay(a_relay(post), SERVICE).send(a_reply(content=content))
    assert answer.startswith("250 ")
    ((recipient, raw),) = post.wait_for(1, 5)
    assert (recipient, raw) == (SCHOOL, content)


def test_the_envelope_sender_is_the_service_and_the_answer_is_kept() -> None:
    handler = Answers()
    with relaying(handler) as settings:
        answer = Relay(settings, SERVICE).send(a_reply())
    (envelope,) = handler.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == (SERVICE, [SCHOOL])
    assert answer == "250 2.0.0 queued as 4711"


def test_eight_bit_content_is_announced() -> None:
    handler = Answers()
    with relaying(handler) as settings:
        Relay(settings, SERVICE).send(a_reply(content="Subject: x\r\n\r\nä\r\n".encode()))
        Relay(settings, SERVICE).send(a_reply())
    assert [envelope.mail_options for envelope in handler.taken] == [["BODY=8BITMIME"], []]


@pytest.mark.parametrize("command", ["rcpt", "data"])
def test_a_final_no_is_undeliverable_in_the_relays_words(command: str) -> None:
    with (
        relaying(Answers(**{command: "550 5.1.1 no such user " + "x" * 400})) as settings,
        pytest.raises(Undeliverable, match=r"^550 5\.1\.1 no such user x+$") as caught,
    ):
        Relay(settings, SERVICE).send(a_reply())
    assert len(str(caught.value)) == 200


@pytest.mark.parametrize("answers", [{"mail": "451 later"}, {"rcpt": "450 later"}, {"data": "452 later"}])
def test_a_passing_no_is_tried_again(answers: dict[str, str]) -> None:
    with relaying(Answers(**answers)) as settings, pytest.raises(Unavailable, match=r"the relay says: 45. later"):
        Relay(settings, SERVICE).send(a_reply())


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"mail": "451 later"}, Unavailable),
        ({"rcpt": "452 mailbox full"}, Rejected),
        ({"rcpt": "421 too many for this recipient"}, Rejected),
        ({"data": "451 later"}, Rejected),
    ],
)
def test_a_passing_no_to_one_mail_is_told_from_a_relay_that_takes_none(
    answers: dict[str, str], kind: type[Unavailable]
) -> None:
    with relaying(Answers(**answers)) as settings, pytest.raises(Unavailable) as caught:
        Relay(settings, SERVICE).send(a_reply())
    assert type(caught.value) is kind


def test_a_sender_that_the_relay_does_not_want_costs_no_reply() -> None:
    with relaying(Answers(mail="550 not you")) as settings, pytest.raises(Unavailable, match="550 not you"):
        Relay(settings, SERVICE).send(a_reply())


def test_a_message_that_is_too_large_for_the_relay_is_undeliverable() -> None:
    with relaying(Answers(), data_size_limit=1000) as settings, pytest.raises(Undeliverable, match="552"):
        Relay(settings, SERVICE).send(a_reply(content=an_email(body="x\n" * 5000)))


def test_an_address_that_is_not_ascii_is_undeliverable() -> None:
    with relaying(Answers()) as settings, pytest.raises(Undeliverable, match="ASCII"):
        Relay(settings, SERVICE).send(a_reply("jös@greenfield.test"))


def test_nobody_listening_is_unavailable() -> None:
    with relaying(Answers()) as settings:
        pass
    with pytest.raises(Unavailable, match=r"relay at localhost:\d+ cannot be used: .*refused"):
        Relay(settings, SERVICE).send(a_reply())


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"421 busy\r\n", b"554 no\r\n"])
def test_a_server_that_is_no_relay_is_unavailable(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)

        threading.Thread(target=answer, daemon=True).start()
        settings = {"host": "127.0.0.1", "port": server.getsockname()[1], "security": "none", "from": SERVICE}
        with pytest.raises(Unavailable):
            Relay(config.Smtp.model_validate(settings), SERVICE).send(a_reply())


def test_a_relay_that_never_comes_to_the_end_of_its_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            while True:
                connection.sendall(b"220-wait\r\n")
                time.sleep(0.02)

    monkeypatch.setattr(smtp, "WHOLE_ANSWER", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        settings = {"host": "127.0.0.1", "port": server.getsockname()[1], "security": "none", "from": SERVICE}
        with pytest.raises(Unavailable, match=r"no end within 0.2 seconds"):
            Relay(config.Smtp.model_validate(settings), SERVICE).send(a_reply())


# ── encryption and login ──


@pytest.mark.usefixtures("trusted")
def test_starttls_comes_before_the_mail() -> None:
    handler = Answers()
    with relaying(handler, tls_context=a_tls_context(), require_starttls=True) as settings:
        Relay(changed(settings, security="starttls"), SERVICE).send(a_reply())
    assert len(handler.taken) == 1


@pytest.mark.usefixtures("trusted")
def test_a_relay_without_starttls_gets_no_mail() -> None:
    handler = Answers()
    with relaying(handler) as settings, pytest.raises(Unavailable, match="STARTTLS"):
        Relay(changed(settings, security="starttls"), SERVICE).send(a_reply())
    assert not handler.taken


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_nobody_we_trust_is_refused(security: str) -> None:
    handler = Answers()
    options = {"tls_context" if security == "starttls" else "ssl_context": a_tls_context()}
    with relaying(handler, **options) as settings, pytest.raises(Unavailable, match="certificate"):
        Relay(changed(settings, security=security), SERVICE).send(a_reply())
    assert not handler.taken


@pytest.mark.usefixtures("trusted")
def test_tls_from_the_first_byte() -> None:
    handler = Answers()
    with relaying(handler, ssl_context=a_tls_context()) as settings:
        Relay(changed(settings, security="tls"), SERVICE).send(a_reply())
    assert len(handler.taken) == 1


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_refused() -> None:
    with relaying(Answers(), tls_context=a_tls_context()) as settings, pytest.raises(Unavailable, match="certificate"):
        Relay(changed(settings, security="starttls", host="127.0.0.1"), SERVICE).send(a_reply())


def authenticate(_server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data.login == b"planit" and data.password == b"s3cret", handled=False)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("answer", "kind"),
    [("454 4.7.0 later", Unavailable), ("535 5.7.8 no", LoginRefused), ("550 5.7.30 no", LoginRefused)],
)
def test_a_login_that_is_refused_is_told_from_a_relay_that_cannot_look_it_up(
    answer: str, kind: type[Unavailable]
) -> None:
    def busy(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False, message=answer)

    options = {"tls_context": a_tls_context(), "auth_required": True, "authenticator": busy}
    with relaying(Answers(), **options) as settings:
        relay = Relay(changed(settings, security="starttls", username="planit", password="s3cret"), SERVICE)
        with pytest.raises(Unavailable, match=answer) as caught:
            relay.send(a_reply())
    assert type(caught.value) is kind


@pytest.mark.usefixtures("trusted")
def test_trying_a_relay_out_sends_nothing_and_says_whether_it_takes_our_address() -> None:
    handler = Answers()
    with relaying(handler) as settings:
        Relay(settings, SERVICE).try_out()
        handler.answers["mail"] = "550 5.7.60 not from there"
        with pytest.raises(Unavailable, match=r"the relay says: 550 5\.7\.60 not from there"):
            Relay(settings, SERVICE).try_out()
    assert handler.taken == []


@pytest.mark.usefixtures("trusted")
def test_the_relay_wants_a_login() -> None:
    options = {"tls_context": a_tls_context(), "auth_required": True, "authenticator": authenticate}
    handler = Answers()
    with relaying(handler, **options) as settings:
        right = changed(settings, security="starttls", username="planit", password="s3cret")
        Relay(right, SERVICE).send(a_reply())
        with pytest.raises(Unavailable, match="the relay refused the login of planit: 535"):
            Relay(changed(right, password="wrong"), SERVICE).send(a_reply())
        with pytest.raises(Unavailable, match="530"):
            Relay(changed(right, username=""), SERVICE).send(a_reply())
    assert len(handler.taken) == 1

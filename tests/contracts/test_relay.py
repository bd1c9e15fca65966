"""The relay's contract: the fake raises and returns what the SMTP adapter does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from planit_mailer.adapters.smtp import Relay as SmtpRelay
from planit_mailer.core import config
from planit_mailer.core.errors import PlanitError, Rejected, Unavailable, Undeliverable
from planit_mailer.domain.outgoing import Reply, ReplyKind
from planit_mailer.pipeline.ports import Relay
from tests.support.dovecot import free_ports
from tests.support.fakes import RecordingRelay

SERVICE = "data@s-cool.test"
REPLY = Reply(
    ReplyKind.HELP, "office@greenfield.test", "<1@s-cool.test>", b"Subject: How to send\r\n\r\nLike this.\r\n"
)
ERRORS: dict[str, tuple[type[PlanitError], str]] = {
    "refused for good": (Undeliverable, "550 nobody here"),
    "refused for now": (Rejected, "450 come again later"),
}


@dataclass
class Sink:
    """An SMTP server that keeps what it gets, or gives one answer to every recipient."""

    answer: str = ""
    taken: int = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.answer:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        self.taken += 1
        return "250 OK, taken"


@dataclass(frozen=True)
class Side:
    """One side of the contract: a relay, and what it has taken."""

    relay: Relay
    sink: Sink | RecordingRelay

    @property
    def taken(self) -> int:
        return self.sink.taken if isinstance(self.sink, Sink) else len(self.sink.sent)


@pytest.fixture(params=["fake", "smtp"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def answer() -> str:
    return ""


@pytest.fixture
def side(kind: str, answer: str) -> Iterator[Side]:
    if kind == "fake":
        error, words = ERRORS.get(answer, (None, ""))
        fake = RecordingRelay(error(words) if error else None)
        yield Side(fake, fake)
        return
    sink = Sink(ERRORS[answer][1] if answer else "")
    controller = Controller(sink, hostname="127.0.0.1", port=free_ports(1)[0])
    controller.start()
    try:
        settings = {"host": "127.0.0.1", "port": controller.port, "security": "none", "from": SERVICE}
        yield Side(SmtpRelay(config.Smtp.model_validate(settings), SERVICE), sink)
    finally:
        controller.stop()


def test_a_reply_that_is_taken_is_answered_in_the_relays_words(side: Side) -> None:
    answer = side.relay.send(REPLY)

    assert answer.startswith("250")
    assert side.taken == 1


@pytest.mark.parametrize("answer", ERRORS)
def test_a_reply_that_is_not_taken_raises_whether_it_may_be_tried_again(side: Side, answer: str) -> None:
    error, words = ERRORS[answer]

    with pytest.raises(error, match=words):
        side.relay.send(REPLY)

    assert side.taken == 0


def test_a_relay_that_is_away_is_unavailable(kind: str) -> None:
    settings = {"host": "127.0.0.1", "port": 1, "security": "none", "from": SERVICE}
    smtp = SmtpRelay(config.Smtp.model_validate(settings), SERVICE)
    relay: Relay = RecordingRelay(Unavailable("the relay is away")) if kind == "fake" else smtp

    with pytest.raises(Unavailable) as caught:
        relay.send(REPLY)

    assert not isinstance(caught.value, Rejected)


def test_an_address_that_no_relay_takes_is_undeliverable(side: Side) -> None:
    with pytest.raises(Undeliverable):
        side.relay.send(replace(REPLY, recipient="zoë@greenfield.test"))

    assert side.taken == 0

"""The outbox: sent once, postponed while the relay is away, and never dropped."""

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from planit_mailer.adapters.smtp import Relay
from planit_mailer.adapters.sql.store import Store
from planit_mailer.cli.demo import servers
from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.core import config
from planit_mailer.core.errors import Unavailable
from planit_mailer.core.paths import folder
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplySettings
from planit_mailer.pipeline import delivery
from planit_mailer.pipeline.delivery import Outbox as Delivering
from tests.support import books
from tests.support.books import NOW, OFFICE
from tests.support.mailservers import a_relay
from tests.support.postgres import Postgres


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def delivering(store: Store, embedded: MailServers, clock: Clock) -> Delivering:
    relay = Relay(a_relay(embedded), "data@s-cool.test")
    return Delivering(store, relay, clock, reply_settings(), replies_per_day=3)


@pytest.fixture
def embedded() -> Iterator[MailServers]:
    with servers.running("data@s-cool.test", "pw") as post:
        yield post


def reply_settings() -> ReplySettings:
    templates = compose.load(folder("templates"))
    return ReplySettings("data@s-cool.test", "data@s-cool.test", "ops@s-cool.test", timedelta(hours=48), b"", templates)


def nowhere(delivering: Delivering) -> Delivering:
    settings = config.Smtp.model_validate(
        {"host": "127.0.0.1", "port": 1, "security": "none", "from": "data@s-cool.test"}
    )
    return dataclasses.replace(delivering, relay=Relay(settings, "data@s-cool.test"))


def queue(store: Store, number: int, to: str = OFFICE) -> None:
    for _ in range(number):
        receipt = books.match_bytes(store, books.begin(store), f"raw {next(books._uids)}")
        with store.transaction() as transaction:
            transaction.record_sender(receipt, books.facts())
            transaction.settle(receipt, books.verdict(), (), NOW)
            transaction.enqueue(books.a_reply(to=to), receipt, NOW)


def outbox(store: Store) -> dict[str, int]:
    with store.reading() as reading:
        return dict(reading.status().outbox)


def test_a_reply_is_sent_once_and_its_message_is_answered(delivering: Delivering, embedded: MailServers) -> None:
    queue(delivering.store, 1)

    assert delivery.deliver(delivering) == 1
    assert delivery.deliver(delivering) == 0

    assert [to for to, _ in embedded.delivered()] == [OFFICE]
    assert outbox(delivering.store) == {"sent": 1}
    with delivering.store.reading() as reading:
        assert reading.status().oldest_unanswered is None


def test_while_the_relay_is_away_replies_wait_longer_each_time_and_none_is_lost(
    delivering: Delivering, clock: Clock, embedded: MailServers
) -> None:
    queue(delivering.store, 1)

    with pytest.raises(Unavailable, match=r"the relay at 127\.0\.0\.1:1 cannot be used"):
        delivery.deliver(nowhere(delivering))
    assert delivery.deliver(delivering) == 0, "it is too early to try again"
    clock.now += timedelta(seconds=31)
    assert delivery.deliver(delivering) == 1
    assert outbox(delivering.store) == {"sent": 1}
    assert len(embedded.delivered()) == 1


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    assert [delivery.wait_after(n).total_seconds() for n in range(7)] == [30, 60, 120, 240, 480, 900, 900]


def test_above_the_limit_of_a_day_replies_wait_and_the_operator_is_told_once(
    delivering: Delivering, clock: Clock, embedded: MailServers
) -> None:
    queue(delivering.store, 5)

    delivery.deliver(delivering)
    delivery.deliver(delivering)  # the operator's mail
    assert outbox(delivering.store) == {"sent": 4, "pending": 2}

    clock.now += timedelta(hours=25)
    delivery.deliver(delivering)
    to = [recipient for recipient, _ in embedded.delivered()]
    assert to.count(OFFICE) == 5
    assert to.count("ops@s-cool.test") == 1


def test_replies_that_came_back_count_as_well(delivering: Delivering, embedded: MailServers) -> None:
    queue(delivering.store, 3)
    with delivering.store.reading() as reading:
        ours = [pending.reply.message_id for pending in reading.due(NOW, 3)]
    delivery.deliver(delivering)
    bounce = books.begin(delivering.store)
    with delivering.store.transaction() as transaction:
        transaction.note_bounced(ours, bounce, NOW)
    queue(delivering.store, 1)
    delivery.deliver(delivering)
    assert [to for to, _ in embedded.delivered()].count(OFFICE) == 3


def test_more_than_one_round_takes_are_sent_in_one_go(delivering: Delivering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BATCH", 2)
    queue(delivering.store, 3)
    assert delivery.deliver(delivering) == 3


def test_a_reply_that_another_daemon_has_in_hand_is_looked_at_once(
    postgresql: Postgres, embedded: MailServers, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.new_database()
    with closing(Store(url)) as store, closing(Store(url)) as other:
        queue(store, 2)
        with store.reading() as reading:
            [first, second] = reading.due(NOW, 2)
        claimed: list[str] = []
        claim = Store.claim
        monkeypatch.setattr(Store, "claim", lambda self, work: claimed.append(work) or claim(self, work))
        post = Delivering(
            store, Relay(a_relay(embedded), "data@s-cool.test"), clock, reply_settings(), replies_per_day=3
        )
        with claim(other, f"reply {first.id}") as theirs:
            assert theirs
            assert delivery.deliver(post) == 1
        assert claimed == [f"reply {first.id}", f"reply {second.id}"]
        assert delivery.deliver(post) == 1, "the other daemon died of it"


def test_the_three_hundredth_upload_of_one_address_in_a_day_is_answered_too(
    delivering: Delivering, embedded: MailServers
) -> None:
    with delivering.store.transaction() as transaction:
        for _ in range(300):
            transaction.enqueue(books.a_reply(), None, NOW)
        for pending in transaction.due(NOW, 299):
            transaction.note_sent(pending, "250 OK", NOW)
    a_day = config.Limits().replies_per_day

    assert delivery.deliver(dataclasses.replace(delivering, replies_per_day=a_day)) == 1

    assert outbox(delivering.store) == {"sent": 300}
    assert [to for to, _ in embedded.delivered()] == [OFFICE]

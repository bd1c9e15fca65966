"""The mailbox's contract: what holds of the fake holds of the IMAP adapter on every server, and the other way round."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.cli.demo import servers
from planit_mailer.core.errors import Unavailable
from planit_mailer.domain.messages import InboxMessage, Key, MessageQuery
from planit_mailer.pipeline.ports import Mailbox
from tests.support.builders import SCHOOL, SERVICE, an_email
from tests.support.dovecot import PASSWORD
from tests.support.fakes import InMemoryMailbox
from tests.support.mailservers import a_mailbox

LIMIT = 1_000_000
NOBODY = "<nobody@greenfield.test>"


@dataclass(frozen=True)
class Side:
    """One side of the contract: a mailbox, and how a message gets into its inbox."""

    mailbox: Mailbox
    deliver: Callable[[bytes], object]

    def send(self, *subjects: str) -> tuple[InboxMessage, ...]:
        for subject in subjects:
            self.deliver(an_email(subject=subject, headers=[("Message-ID", f"<{subject}@greenfield.test>")]))
        return tuple(self.mailbox.waiting())

    def query(self, message: InboxMessage) -> MessageQuery:
        fetched = self.mailbox.fetch(message, LIMIT)
        assert fetched
        return MessageQuery(sha256(fetched.raw).hexdigest(), "", message.size, message.received_at)


@pytest.fixture(params=["fake", "embedded", "dovecot"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "fake":
        fake = InMemoryMailbox()
        yield Side(fake, fake.deliver)
        return
    with ExitStack() as stack:
        if request.param == "dovecot":
            post = request.getfixturevalue("dovecot_post")
        else:
            post = stack.enter_context(servers.running(SERVICE, PASSWORD))
        mailbox = stack.enter_context(open_mailbox(a_mailbox(post)))
        mailbox.ensure_folders(("Processed", "Held", "Quarantine", "Sent"))
        yield Side(mailbox, lambda raw: post.send(raw, SCHOOL, post.address))


def test_messages_wait_in_the_order_of_their_arrival_with_size_and_date(side: Side) -> None:
    assert tuple(side.mailbox.waiting()) == ()

    waiting = side.send("one", "two")

    assert [message.key.uid for message in waiting] == sorted(message.key.uid for message in waiting)
    fetched = [side.mailbox.fetch(message, LIMIT) for message in waiting]
    assert [b"Subject: one" in fetched[0].raw, b"Subject: two" in fetched[1].raw] == [True, True]
    assert all(abs(message.received_at - datetime.now(UTC)) < timedelta(minutes=1) for message in waiting)


def test_after_a_message_only_those_are_listed_that_arrived_later(side: Side) -> None:
    one, two = side.send("one", "two")

    assert tuple(side.mailbox.arrived_after(one.key)) == (two,)
    assert tuple(side.mailbox.arrived_after(two.key)) == ()

    side.mailbox.file(two.key, "Processed")
    *_, three = side.send("three")
    assert tuple(side.mailbox.arrived_after(two.key)) == (three,)
    with pytest.raises(Unavailable, match="UIDVALIDITY"):
        side.mailbox.arrived_after(Key(two.key.uidvalidity + 1, two.key.uid))


CLAIMS = {
    "an address": (b"From: office@greenfield.test", "office@greenfield.test"),
    "with a name": (b"From: Greenfield School <Office@GREENFIELD.test>", "office@greenfield.test"),
    "encoded and folded": (b"From: =?utf-8?q?Gr=C3=BCn?=\r\n <office@greenfield.test>", "office@greenfield.test"),
    "another domain's letters": ("From: office@schüle.test".encode(), "office@xn--schle-mva.test"),
    "none": (b"Subject: one", ""),
    "none that can be written to": (b"From: office at greenfield.test", ""),
    "two": (b"From: a@greenfield.test, b@greenfield.test", ""),
    "two lines": (b"From: a@greenfield.test\r\nFrom: b@greenfield.test", ""),
    "one with another behind a long way": (
        b"From: a@greenfield.test" + b"\r\n (far)" * 600 + b", b@greenfield.test",
        "",
    ),
}


@pytest.mark.parametrize(("line", "claimed"), CLAIMS.values(), ids=CLAIMS)
def test_of_each_message_it_is_said_which_one_address_it_claims_to_come_from(
    side: Side, line: bytes, claimed: str
) -> None:
    side.deliver(line + b"\r\nTo: data@s-cool.test\r\n\r\nHere it is.\r\n")
    side.deliver(an_email("other@riverside.test"))
    message, other = side.mailbox.waiting()

    assert side.mailbox.claimed_senders((message, other)) == {
        message.key: claimed,
        other.key: "other@riverside.test",
    }


def test_a_message_that_is_gone_claims_nothing(side: Side) -> None:
    one, two = side.send("one", "two")
    side.mailbox.file(one.key, "Processed")

    assert side.mailbox.claimed_senders((one, two)) == {two.key: SCHOOL}
    assert side.mailbox.claimed_senders(()) == {}


def test_of_a_message_beyond_the_limit_the_header_alone_is_fetched(side: Side) -> None:
    [message] = side.send("large")

    fetched = side.mailbox.fetch(message, 10)

    assert fetched
    assert not fetched.whole
    assert b"Subject: large" in fetched.raw
    assert fetched.raw.endswith(b"\r\n\r\n")


def test_a_filed_message_is_gone_from_the_inbox_and_filing_it_again_does_nothing(side: Side) -> None:
    [message] = side.send("one")
    assert side.mailbox.holds(message.key)

    assert side.mailbox.file(message.key, "Processed")

    assert tuple(side.mailbox.waiting()) == ()
    assert not side.mailbox.holds(message.key)
    assert side.mailbox.fetch(message, LIMIT) is None
    assert not side.mailbox.file(message.key, "Processed")
    assert side.mailbox.message_ids("Processed") == ("<one@greenfield.test>",)


def test_a_message_under_another_uidvalidity_is_not_held_and_not_touched(side: Side) -> None:
    [message] = side.send("one")

    stale = replace(message, key=Key(message.key.uidvalidity + 1, message.key.uid))
    assert not side.mailbox.holds(stale.key)
    with pytest.raises(Unavailable, match="UIDVALIDITY"):
        side.mailbox.fetch(stale, LIMIT)
    with pytest.raises(Unavailable, match="UIDVALIDITY"):
        side.mailbox.file(stale.key, "Processed")


def test_a_message_is_brought_back_from_the_folder_that_has_it_under_a_new_uid(side: Side) -> None:
    [message] = side.send("one")
    query = side.query(message)
    side.mailbox.file(message.key, "Held")

    assert side.mailbox.bring_back(("Processed", "Held"), query)

    [back] = side.mailbox.waiting()
    assert back.key.uid > message.key.uid
    assert side.mailbox.message_ids("Held") == ()
    assert not side.mailbox.bring_back(("Processed", "Held"), query)


def test_a_message_is_deleted_by_its_bytes_and_no_other_with_the_same_message_id(side: Side) -> None:
    one = an_email(subject="one", headers=[("Message-ID", NOBODY)])
    side.deliver(one)
    side.deliver(one.replace(b"Subject: one", b"Subject: two"))
    first, second = side.mailbox.waiting()
    query = side.query(first)
    for message in (first, second):
        side.mailbox.file(message.key, "Processed")

    assert side.mailbox.delete(("Processed", "Rejected"), query)

    assert side.mailbox.message_ids("Processed") == (NOBODY,)
    assert not side.mailbox.delete(("Processed", "Rejected"), query)


def test_every_copy_in_every_folder_is_deleted(side: Side) -> None:
    raw = an_email(subject="one", headers=[("Message-ID", NOBODY)])
    side.deliver(raw)
    [first] = side.mailbox.waiting()
    query = side.query(first)
    side.mailbox.file(first.key, "Processed")
    side.deliver(raw)
    [second] = side.mailbox.waiting()
    same = side.query(second).digest == query.digest
    side.mailbox.file(second.key, "Held")

    assert side.mailbox.delete(("Processed", "Held"), query)

    left = side.mailbox.message_ids("Processed") + side.mailbox.message_ids("Held")
    assert left == (() if same else (NOBODY,)), "some servers put lines of their own on top"


def test_dates_are_whole_seconds(side: Side) -> None:
    [message] = side.send("one")

    assert message.received_at.microsecond == 0


def test_messages_are_deleted_by_their_message_id(side: Side) -> None:
    for message in side.send("one", "two"):
        side.mailbox.file(message.key, "Sent")

    assert side.mailbox.delete_by_id("Sent", "<one@greenfield.test>")

    assert side.mailbox.message_ids("Sent") == ("<two@greenfield.test>",)
    assert not side.mailbox.delete_by_id("Sent", NOBODY)
    assert not side.mailbox.delete_by_id("Sent", "")


def test_a_message_that_was_never_read_is_found_by_its_size_and_date(side: Side) -> None:
    [message] = side.send("one")
    side.mailbox.file(message.key, "Quarantine")

    assert side.mailbox.bring_back(("Quarantine",), MessageQuery("", "", message.size, message.received_at))


def test_a_folder_that_is_not_there_has_no_messages(side: Side) -> None:
    [message] = side.send("one")
    query = side.query(message)

    assert side.mailbox.message_ids("Nowhere") == ()
    assert not side.mailbox.delete(("Nowhere",), query)
    assert not side.mailbox.bring_back(("Nowhere",), query)

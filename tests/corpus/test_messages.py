"""Whatever a message is, it ends in its outcome at the first attempt, and nobody has mail who must not have any."""

import email
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imapclient import IMAPClient
from structlog.testing import capture_logs

from planit_mailer.adapters.dns import Dns
from planit_mailer.adapters.imap.mailbox import Mailbox, open_mailbox
from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import wiring
from planit_mailer.core import clock
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import Pending, ReplyKind
from planit_mailer.domain.policy import reply_limits, senders
from planit_mailer.domain.reports import Story
from planit_mailer.mail import auto_submitted, messages
from planit_mailer.mail.authentication_results import Trust
from planit_mailer.pipeline import polling
from planit_mailer.pipeline.intake import Policy
from planit_mailer.pipeline.ports import Adapters
from tests.corpus.messages import HOSTILE, OFFICE, PROVIDER, Hostile, passing, text
from tests.support import world
from tests.support.builders import SERVICE
from tests.support.dovecot import Dovecot
from tests.support.mailservers import behind_a_relay
from tests.support.world import World


@dataclass(frozen=True)
class Bench:
    """A service whose provider is the corpus's, with its doors open; `client` puts messages into its mailbox."""

    world: World
    policy: Policy
    reader: Reader
    mailbox: Mailbox
    client: IMAPClient


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot) -> Iterator[Bench]:
    """One for all messages: servers, reading process and connections are slow to make."""
    with (
        behind_a_relay(dovecot) as post,
        Reader(10.0, 1_000_000_000) as reader,
        IMAPClient("127.0.0.1", post.imap_port, ssl=False) as client,
    ):
        client.login(post.address, post.password)
        made = world.make(tmp_path_factory.mktemp("service"), post)
        made.configure('unauthenticated = "accept"', f'trusted_authserv_ids = ["{PROVIDER}"]')
        settings = made.settings
        with open_mailbox(settings.mailbox) as mailbox:
            mailbox.ensure_folders(set(wiring.folders(settings.mailbox.folders).values()))
            yield Bench(made, wiring.policy(settings, wiring.reply_settings(settings)), reader, mailbox, client)


@pytest.fixture
def store(bench: Bench, tmp_path: Path) -> Iterator[Store]:
    """A store that has seen no message yet."""
    shutil.copy(bench.world.folder / "planit.db", tmp_path)
    with closing(Store(f"sqlite:///{tmp_path}/planit.db")) as store:
        yield store


def taken_in(raw: bytes, bench: Bench, store: Store) -> tuple[Story, tuple[Pending, ...]]:
    """A message as it lies in the mailbox, looked at once: its story, and the mails that wait because of it."""
    bench.client.append("INBOX", raw)
    polling.poll(Adapters(bench.mailbox, bench.reader, store, clock.now, Dns()), bench.policy)
    with store.transaction() as transaction:
        story = transaction.story(transaction.latest())
        assert story
        return story, transaction.due(clock.now(), 10)


def test_there_are_enough_of_them_and_each_says_something_else() -> None:
    assert len({hostile.why for hostile in HOSTILE}) == len(HOSTILE) >= 60


@pytest.mark.parametrize("hostile", HOSTILE, ids=[hostile.why for hostile in HOSTILE])
def test_a_hostile_message_ends_as_it_must(hostile: Hostile, bench: Bench, store: Store) -> None:
    story, mails = taken_in(hostile.make(), bench, store)

    assert (story.outcome, story.attempts) == (hostile.outcome, 1), story.reason
    assert tuple(mail.reply.recipient for mail in mails) == hostile.told, story.unanswered
    assert bool(story.unanswered) == (story.sender.address not in hostile.told), "each has an answer, or a reason"
    with store.reading() as reading:
        applied = reading.any_page() is not None
    assert applied == (hostile.outcome is Outcome.ACCEPTED)
    for mail in mails:
        sent = email.message_from_bytes(mail.reply.content, policy=default)
        assert sent.get_all("To") == [mail.reply.recipient]
        assert not {"bcc", "cc", "reply-to"} & {name.lower() for name in sent}
        assert str(sent["Subject"]).isprintable()


def test_a_storm_of_answers_without_any_mark_ends_after_ten_and_leaves_the_log_calm(bench: Bench, store: Store) -> None:
    with capture_logs() as lines:
        for number in range(13):
            raw = text(passing(), f"From: {OFFICE}", f"Message-ID: <{number}@greenfield.test>", body=f"{number}\n")
            story, _ = taken_in(raw, bench, store)

    with store.transaction() as transaction:
        assert [mail.reply.kind for mail in transaction.due(clock.now(), 100)] == [ReplyKind.HELP] * reply_limits.A_DAY
    assert story.unanswered == "10 help, held and delayed replies went to this address within a day"
    assert {line["log_level"] for line in lines} == {"info"}
    assert len(lines) == 2 * 13


MESSAGES = tuple(raw for raw in (hostile.make() for hostile in HOSTILE) if len(raw) < 30_000)


@given(st.sampled_from(MESSAGES), st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_happens_to_its_header_nothing_raises(raw: bytes, data: st.DataObject) -> None:
    head = raw.index(b"\r\n\r\n") if b"\r\n\r\n" in raw else len(raw)
    start = data.draw(st.integers(0, head))
    put, taken = data.draw(st.binary(max_size=20)), data.draw(st.integers(0, 20))
    message = messages.parse(raw[:start] + put + raw[start + taken :])
    sender = senders.authenticate(message, Trust(authserv_ids=(PROVIDER,)), released=False)
    why = auto_submitted.why_not_answered(message, SERVICE)
    assert "\n" not in why + sender.why
    assert sender.address != OFFICE or not sender.authentic or b"dmarc=pass" in raw

"""Mails that are made to cost much cost little, whoever sends them, and are settled at the first attempt."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import wiring
from planit_mailer.core import clock
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import Pending, ReplyKind
from planit_mailer.domain.policy import letters
from planit_mailer.domain.reports import Story
from planit_mailer.mail.authentication_results import Trust
from planit_mailer.pipeline import polling
from planit_mailer.pipeline.intake import Policy
from planit_mailer.pipeline.ports import Adapters
from planit_mailer.spreadsheets import detect
from tests.hostile import mails
from tests.hostile.mails import MAILS
from tests.support import forms, world
from tests.support.builders import SERVICE, an_email
from tests.support.fake_world import FakePost
from tests.support.fakes import InMemoryMailbox, NoDns
from tests.support.world import OFFICE, World

SIZE = 4_000_000  # bytes of a mail that can be any size
LONGEST = 15.0  # seconds, on a machine that is busy with other things
EVERYBODY = Trust(unauthenticated="accept")
NOBODY = Trust(authserv_ids=("mx.s-cool.test",))
SIGNERS = Trust(results="dkim")
SECONDS, MESSAGE_SECONDS = 5.0, 6.0  # half of the defaults
QUARANTINED, HELD, IGNORED, ACCEPTED = Outcome.QUARANTINED, Outcome.HELD, Outcome.IGNORED, Outcome.ACCEPTED


@dataclass
class Recorder:
    """A reading process that remembers what it was asked to do; `jobs` are names and arguments."""

    reader: Reader
    jobs: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.reader, name)

        def recorded(*arguments: Any, **named: Any) -> Any:
            self.jobs.append((name, arguments))
            return method(*arguments, **named)

        return recorded

    def asked_for(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments for job, arguments in self.jobs if job == name]


@dataclass
class Bench:
    """A service with a mailbox in memory and a real reading process, for one test."""

    store: Store
    reader: Recorder
    policy: Policy
    mailbox: InMemoryMailbox = field(default_factory=InMemoryMailbox)
    log: list[Any] = field(default_factory=list)

    def poll(self, trust: Trust = EVERYBODY) -> float:
        """Look at the mailbox once; the seconds that it took."""
        adapters = Adapters(self.mailbox, self.reader, self.store, clock.now, NoDns())
        began = time.monotonic()
        with capture_logs() as lines:
            polling.poll(adapters, replace(self.policy, trust=trust))
        self.log.extend(lines)
        return time.monotonic() - began

    def story(self) -> Story:
        """That of the latest message."""
        with self.store.reading() as reading:
            story = reading.story(reading.latest())
        assert story
        return story

    def mails(self) -> tuple[Pending, ...]:
        """What waits for the relay."""
        with self.store.transaction() as transaction:
            return transaction.due(clock.now(), 1_000)

    def to_operator(self) -> list[Pending]:
        return [mail for mail in self.mails() if mail.reply.kind is ReplyKind.OPERATOR]

    def troubles(self) -> list[str]:
        """The lines of the log that tell of trouble."""
        return [line["event"] for line in self.log if line["log_level"] not in ("info", "debug")]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world.make(tmp_path_factory.mktemp("service"), FakePost())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(SECONDS, 1_000_000_000) as reader:
        yield reader


@pytest.fixture
def bench(service: World, reader: Reader, tmp_path: Path) -> Iterator[Bench]:
    shutil.copy(service.folder / "planit.db", tmp_path)
    settings = service.settings
    policy = wiring.policy(settings, wiring.reply_settings(settings))
    with closing(Store(f"sqlite:///{tmp_path}/planit.db")) as store:
        yield Bench(store, Recorder(reader), replace(policy, message_seconds=MESSAGE_SECONDS))


def test_there_are_enough_of_them() -> None:
    assert len(MAILS) >= 25
    assert all(make.__doc__ for make in MAILS.values())


@pytest.mark.parametrize("sender", [mails.STRANGER, OFFICE], ids=["stranger", "school"])
@pytest.mark.parametrize("name", MAILS)
def test_a_hostile_mail_is_settled_at_once_and_costs_little(name: str, sender: str, bench: Bench) -> None:
    bench.mailbox.deliver(MAILS[name](sender=sender, size=SIZE))

    took = bench.poll()

    is_settled_quietly(bench)
    assert took < LONGEST


@pytest.mark.parametrize("name", MAILS)
def test_what_is_not_authentic_is_parsed_only_if_it_is_a_bounce_to_us_and_nothing_of_it_is_sniffed(
    name: str, bench: Bench
) -> None:
    raw = MAILS[name](sender=OFFICE, size=SIZE)
    bench.mailbox.deliver(raw)

    bench.poll(NOBODY)

    is_settled_quietly(bench)
    is_bounce = raw.startswith(b"Return-Path: <>")
    assert bench.story().outcome is QUARANTINED
    assert len(bench.reader.asked_for("message")) == is_bounce
    assert bench.reader.asked_for("sniff") == bench.reader.asked_for("judge") == []
    [(head,)] = bench.reader.asked_for("header")
    assert len(head) < 1_100_000, "its body does not even reach the reading process"


def test_where_signatures_are_verified_here_a_message_full_of_them_costs_little(bench: Bench) -> None:
    bench.mailbox.deliver(mails.signatures_of_semicolons(OFFICE))

    took = bench.poll(SIGNERS)

    is_settled_quietly(bench)
    assert bench.story().outcome is QUARANTINED
    assert took < LONGEST


def is_settled_quietly(bench: Bench) -> None:
    """At the first attempt, without an error of ours, with one line of trouble and one mail to the operator at most."""
    story = bench.story()
    assert story.outcome is not None
    assert (story.attempts, story.crashes, bench.mailbox.count("INBOX")) == (1, 0, 0)
    assert len(bench.to_operator()) <= 1
    assert "message failed" not in bench.troubles()
    assert [line for line in bench.log if "exc_info" in line] == []
    assert len(bench.troubles()) <= 1, "one line says what is wrong with it"


def test_nested_multiparts_of_strangers_neither_end_their_reader_nor_delay_a_school(bench: Bench) -> None:
    for number in range(5):
        bench.mailbox.deliver(mails.four_hundred_and_fifty_multiparts_in_each_other(f"{number}@elsewhere.test"))
    form = forms.handbook(learners=[forms.learner(1)])
    bench.mailbox.deliver(an_email(OFFICE, attachments=[("form.xlsx", form)]))

    took = bench.poll()

    assert bench.story().outcome is ACCEPTED
    assert bench.troubles() == []
    assert took < LONGEST
    with bench.store.reading() as reading:
        assert reading.any_page()


def test_of_two_thousand_attachments_of_a_stranger_the_beginnings_of_twenty_are_sniffed_in_one_job(
    bench: Bench,
) -> None:
    bench.mailbox.deliver(mails.two_thousand_attachments_full_of_openings())

    took = bench.poll()

    [(beginnings,)] = bench.reader.asked_for("sniff")
    assert len(beginnings) == letters.SNIFFED == 20
    assert max(map(len, beginnings)) <= detect.BEGINNING
    assert bench.story().outcome is HELD, "a person looks at what nobody else did"
    assert took < LONGEST


def test_of_two_thousand_attachments_of_a_school_as_many_are_judged_as_there_is_time_for(bench: Bench) -> None:
    bench.mailbox.deliver(mails.two_thousand_attachments_full_of_openings(OFFICE))

    took = bench.poll()

    is_settled_quietly(bench)
    assert took < LONGEST
    assert len(bench.story().uploads) <= letters.LEFT_OVER + 1


def test_sixty_mails_whose_file_name_makes_the_library_raise_are_no_news_for_the_operator(bench: Bench) -> None:
    for number in range(60):
        raw = mails.a_file_name_that_contradicts_itself(f"{number}@elsewhere.test")
        assert len(raw) < 300
        bench.mailbox.deliver(raw)

    bench.poll()

    assert bench.to_operator() == []
    assert bench.troubles() == []
    with bench.store.reading() as reading:
        counts = reading.status().messages
    assert sum(counts.values()) == 60
    assert counts.keys() <= {HELD, IGNORED}


def test_a_school_whose_mail_cannot_be_read_is_told_at_the_first_attempt(bench: Bench) -> None:
    bench.mailbox.deliver(mails.a_boundary_that_contradicts_itself(OFFICE))

    bench.poll()

    [answer] = bench.mails()
    assert (answer.reply.recipient, answer.reply.kind) == (OFFICE, ReplyKind.REPORT)
    assert [problem.code for upload in bench.story().uploads for problem in upload.problems] == ["email-not-read"]
    [line] = [line for line in bench.log if line["log_level"] == "warning"]
    assert (line["event"], line["why"].partition(" ")[0]) == ("message cannot be read", "TypeError")
    assert SERVICE not in str(line)

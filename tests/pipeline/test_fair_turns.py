"""No sender delays the others: in which order messages are taken, on fakes. test_turns.py has the order alone."""

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from typing import Any

import pytest
from structlog.testing import capture_logs

from planit_mailer.adapters.sql.receipts import Receipts
from planit_mailer.app import jobs, wiring
from planit_mailer.core import clock
from planit_mailer.core.errors import Rejected, Unavailable
from planit_mailer.domain.messages import Fetched, InboxMessage, Key
from planit_mailer.domain.policy import rules
from planit_mailer.pipeline import polling
from planit_mailer.pipeline.ports import Adapters
from tests.support import forms
from tests.support.builders import an_email
from tests.support.fake_world import FakePost
from tests.support.fakes import InMemoryMailbox, InProcessReader, NoDns
from tests.support.world import OFFICE, World

HEAD = "head@greenfield.test"
RIVERSIDE = "office@riverside.test"
ABBEY = "office@abbey.test"
STRANGER = "someone@elsewhere.test"


@dataclass
class Inbox:
    """A service whose mailbox notes who is taken. `after` has what happens once so many messages were taken."""

    world: World
    taken: list[str] = field(default_factory=list)
    after: dict[int, Callable[[], object]] = field(default_factory=dict)
    stop_after: int = 10_000

    @property
    def mailbox(self) -> InMemoryMailbox:
        assert isinstance(self.world.post, FakePost)
        return self.world.post.mailbox

    def arrives(self, *senders: str) -> None:
        """Messages without a form arrive, in this order."""
        for sender in senders:
            self.mailbox.deliver(an_email(sender, headers=[("Message-ID", f"<{self.mailbox._last_uid}@mail.test>")]))

    def poll(self) -> list[str]:
        """One poll; the senders of the messages that were taken, in this order."""
        with self.serving() as poll:
            return poll()

    @contextmanager
    def serving(self) -> Iterator[Callable[[], list[str]]]:
        """What polls, several times with what it remembers."""
        with jobs.serving(self.world.settings, lambda: len(self.taken) >= self.stop_after) as served:

            def poll() -> list[str]:
                self.taken.clear()
                served.poll()
                return list(self.taken)

            yield poll

    def note(self, raw: bytes) -> None:
        self.taken.append(str(message_from_bytes(raw)["From"]))
        self.after.pop(len(self.taken), lambda: None)()


@dataclass
class Asked:
    """The UIDs of the messages whose senders the mailbox was asked for, and what it raises when it is asked next."""

    about: list[list[int]] = field(default_factory=list)
    raises: list[Exception] = field(default_factory=list)


@pytest.fixture
def inbox(fakes: World, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    """Greenfield has two senders; Riverside and Abbey have one each."""
    with fakes.store() as store, store.transaction() as transaction:
        [greenfield] = transaction.find_schools("ZZ9 9ZZ")
        transaction.allow(greenfield, HEAD)
        transaction.allow(transaction.add_school("Riverside Academy", "ZZ8 8ZZ"), RIVERSIDE)
        transaction.allow(transaction.add_school("Abbey School", "ZZ7 7ZZ"), "abbey.test")
    inbox = Inbox(fakes)
    fetch = InMemoryMailbox.fetch

    def noted(mailbox: InMemoryMailbox, waiting: InboxMessage, limit: int) -> Fetched | None:
        fetched = fetch(mailbox, waiting, limit)
        if fetched and limit:
            inbox.note(fetched.raw)
        return fetched

    monkeypatch.setattr(InMemoryMailbox, "fetch", noted)
    return inbox


# ── turns ──


def test_while_1200_bad_forms_of_one_address_wait_another_school_waits_for_one_of_them(inbox: Inbox) -> None:
    bad = ("1.xlsx", forms.handbook(learners=[forms.learner(1, upin="X1")]))
    raw = an_email(OFFICE, attachments=[bad], headers=[("Message-ID", "<NUMBER@greenfield.test>")])
    for number in range(1_200):
        inbox.mailbox.deliver(raw.replace(b"NUMBER", b"%d" % number))
    inbox.arrives(RIVERSIDE)
    inbox.stop_after = 3

    assert inbox.poll() == [OFFICE, RIVERSIDE, OFFICE]


def test_a_school_whose_message_arrives_while_others_are_taken_in_is_next(inbox: Inbox) -> None:
    inbox.arrives(*[OFFICE] * 20)
    inbox.after[3] = lambda: inbox.arrives(RIVERSIDE, ABBEY)
    inbox.after[5] = lambda: inbox.arrives(RIVERSIDE)
    inbox.stop_after = 8

    assert inbox.poll() == [OFFICE, OFFICE, OFFICE, OFFICE, RIVERSIDE, ABBEY, OFFICE, RIVERSIDE]


def test_everyone_at_a_domain_and_all_senders_of_a_school_take_turns_as_one(inbox: Inbox) -> None:
    inbox.arrives(OFFICE, HEAD, OFFICE, "one@abbey.test", "two@abbey.test", RIVERSIDE)

    assert inbox.poll() == [OFFICE, "one@abbey.test", RIVERSIDE, HEAD, "two@abbey.test", OFFICE]


def test_a_form_is_judged_by_what_another_sender_of_its_school_sent_before(inbox: Inbox) -> None:
    def send(number: int, sender: str, **changes: Any) -> str:
        form = forms.handbook(learners=[forms.learner(number, **changes)])
        return inbox.world.send((f"{number}.xlsx", form), sender=sender)

    first = send(1, HEAD)
    conflicting = send(2, OFFICE, upin=forms.upn(1))
    inbox.arrives(RIVERSIDE)

    assert inbox.poll() == [HEAD, RIVERSIDE, OFFICE]
    outcomes = [inbox.world.explain(sent)["outcome"] for sent in (first, conflicting)]
    assert outcomes == ["accepted", "rejected"], "another child is known by this UPIN"


def test_strangers_come_after_every_school_that_waits(inbox: Inbox) -> None:
    several = f"{OFFICE}, {HEAD}"
    inbox.arrives(ABBEY, STRANGER, several, OFFICE, STRANGER)
    inbox.after[3] = lambda: inbox.arrives(RIVERSIDE)

    assert inbox.poll() == [ABBEY, OFFICE, STRANGER, RIVERSIDE, several, STRANGER]


def test_what_failed_before_comes_last_behind_strangers_too(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox.arrives(OFFICE, OFFICE)
    with monkeypatch.context() as patch:
        patch.setattr(rules, "judge", lambda *_: 1 / 0)
        assert inbox.poll() == [OFFICE, OFFICE]
    inbox.arrives(STRANGER, RIVERSIDE)

    assert inbox.poll() == [RIVERSIDE, STRANGER, OFFICE, OFFICE]


def test_messages_are_numbered_in_the_order_of_arrival_whoever_is_taken_first(inbox: Inbox) -> None:
    inbox.arrives(STRANGER, OFFICE, OFFICE)
    inbox.after[1] = lambda: inbox.arrives(OFFICE, RIVERSIDE)

    assert inbox.poll() == [OFFICE, OFFICE, RIVERSIDE, OFFICE, STRANGER]
    with inbox.world.store() as store, store.transaction() as transaction:
        ids = [summary.message_id for summary in transaction.receipt_summaries()]
    assert ids == [f"<{number}@mail.test>" for number in range(5)]


# ── a long poll ──


def test_in_a_long_poll_what_the_operator_releases_is_brought_back_and_taken_in(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "LONGEST", timedelta(0))
    held = inbox.world.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])), sender=STRANGER)
    inbox.world.once()
    inbox.arrives(OFFICE, OFFICE)
    inbox.after[1] = lambda: register(inbox.world, STRANGER)

    assert inbox.poll() == [OFFICE, OFFICE, STRANGER]
    assert inbox.world.explain(held)["folder"] == "Rejected", "the form is another school's"


def register(world: World, sender: str) -> None:
    """Register a sender for Riverside, as the operator does."""
    with world.store() as store, store.transaction() as transaction:
        transaction.allow(transaction.find_schools("ZZ8 8ZZ")[0], sender)


def test_a_released_message_that_has_had_no_turn_yet_is_not_lost(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person had moved it back to the inbox, so that it is in no folder."""
    inbox.world.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])), sender=STRANGER)
    inbox.world.once()
    [told] = inbox.world.ask("held")
    inbox.world.verb("retry", told["reference"])
    [kept] = inbox.mailbox.folders.pop("Held")
    inbox.arrives(OFFICE, OFFICE)
    inbox.mailbox.deliver(kept.raw)
    monkeypatch.setattr(polling, "LONGEST", timedelta(0))

    with capture_logs() as logged:
        assert inbox.poll() == [OFFICE, OFFICE, STRANGER]

    assert [line["event"] for line in logged if line["log_level"] in {"warning", "error"}] == []
    assert [one["reference"] for one in inbox.world.ask("held")] == [told["reference"]]


def test_a_poll_goes_on_until_everything_has_had_its_turn(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "LONGEST", timedelta(0))
    inbox.arrives(OFFICE, STRANGER, OFFICE)
    inbox.after[2] = lambda: inbox.arrives(RIVERSIDE)

    assert inbox.poll() == [OFFICE, OFFICE, RIVERSIDE, STRANGER]
    assert inbox.mailbox.count("INBOX") == 0


# ── a mailbox that does not say who sends ──


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    answer = InMemoryMailbox.claimed_senders

    def ask(mailbox: InMemoryMailbox, messages: Sequence[InboxMessage]) -> dict[Key, str]:
        asked.about.append([message.key.uid for message in messages])
        if asked.raises:
            raise asked.raises.pop()
        return answer(mailbox, messages)

    monkeypatch.setattr(InMemoryMailbox, "claimed_senders", ask)
    return asked


def test_messages_whose_senders_the_mailbox_refuses_are_taken_in_the_order_of_arrival(
    inbox: Inbox, asked: Asked
) -> None:
    asked.raises = [Rejected("a header is damaged")]
    inbox.arrives(STRANGER, OFFICE, RIVERSIDE)
    inbox.after[1] = lambda: inbox.arrives(ABBEY)

    with capture_logs() as logged:
        assert inbox.poll() == [STRANGER, ABBEY, OFFICE, RIVERSIDE]

    [refused] = [line for line in logged if line["log_level"] == "warning"]
    assert (refused["event"], refused["answer"]) == ("senders not known", "a header is damaged")


def test_a_mailbox_that_breaks_off_at_the_senders_is_not_asked_at_the_next_poll(inbox: Inbox, asked: Asked) -> None:
    inbox.arrives(STRANGER, OFFICE, STRANGER)
    with inbox.serving() as poll:
        asked.raises = [Unavailable("the connection was lost")]
        with pytest.raises(Unavailable, match="lost"):
            poll()
        assert asked.about == [[1, 2, 3]]

        assert poll() == [STRANGER, OFFICE, STRANGER]
        assert asked.about == [[1, 2, 3]]

        inbox.arrives(STRANGER, OFFICE)
        assert poll() == [OFFICE, STRANGER]
        assert asked.about == [[1, 2, 3], [7, 8]]


def test_of_a_message_that_failed_before_the_sender_is_not_asked_again(inbox: Inbox, asked: Asked) -> None:
    """Its header may be what the mailbox breaks off at."""
    inbox.arrives(OFFICE, OFFICE)
    inbox.mailbox.refused.add("Ignored")
    with inbox.serving() as poll:
        with pytest.raises(Rejected):
            poll()
        inbox.mailbox.refused.clear()
        inbox.arrives(RIVERSIDE)
        poll()

    assert asked.about[0] == [1, 2]
    assert [3] in asked.about
    assert all(uid not in about for about in asked.about[1:] for uid in (1, 2))


# ── what it costs ──


class Full:
    """A mailbox with many messages in its inbox, each with a sender of its own."""

    def __init__(self, messages: int) -> None:
        self.messages = tuple(InboxMessage(Key(1, uid), 1_000, clock.now()) for uid in range(1, messages + 1))

    def waiting(self) -> Sequence[InboxMessage]:
        return self.messages

    def claimed_senders(self, messages: Sequence[InboxMessage]) -> dict[Key, str]:
        return {message.key: f"{'x' * 60}{message.key.uid}@greenfield.test" for message in messages}


def test_of_each_message_in_a_full_inbox_a_poll_keeps_less_than_a_kilobyte_and_commits_are_short(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, numbered = Full(3_000), []
    number = Receipts.number

    def noted(receipts: Receipts, waiting: Sequence[InboxMessage], *when: Any) -> frozenset[Key]:
        numbered.append(len(waiting))
        return number(receipts, waiting, *when)

    monkeypatch.setattr(Receipts, "number", noted)
    policy = wiring.policy(inbox.world.settings, wiring.reply_settings(inbox.world.settings))
    with inbox.world.store() as store:
        adapters = Adapters(full, InProcessReader(), store, clock.now, NoDns())  # type: ignore[arg-type]
        tracemalloc.start()
        try:
            listed = polling.list_inbox(adapters, policy)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert len(listed.seen) == sum(numbered) == 3_000
    assert max(numbered) <= polling.AT_ONCE
    assert peak < 3_000 * 1_000, "a hundred thousand messages take less than 100 MB"

"""Several daemons share one mailbox and one PostgreSQL; one of them is killed; the books balance."""

import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import forms, world
from tests.support.daemons import Daemon, running
from tests.support.mailservers import DovecotPost
from tests.support.postgres import Postgres
from tests.support.world import OFFICE, World

TAKEN_OVER = 60  # seconds within which a dead daemon's work is done by another


@pytest.fixture
def service(tmp_path: Path, dovecot_post: DovecotPost, postgresql: Postgres) -> World:
    return world.make(tmp_path, dovecot_post, postgresql.new_database())


def a_form(number: int) -> tuple[str, bytes]:
    """A form for one learner of its own, and for one whom every form is about."""
    rows = [forms.learner(n, values=(str(number),)) for n in (0, 1 + number)]
    return (f"{number}.xlsx", forms.handbook(learners=rows, headings=("Art",)))


def started(service: World, number: int, stack: ExitStack) -> list[Daemon]:
    return [stack.enter_context(running(service, f"log{n}")) for n in range(number)]


def test_three_daemons_share_the_work_and_when_one_is_killed_nothing_is_lost_or_doubled(service: World) -> None:
    messages = 40
    with ExitStack() as stack:
        first, *others = started(service, 3, stack)
        sent = [service.send(a_form(number)) for number in range(messages)]
        first.wait_for("message settled")
        first.kill()
        began = time.monotonic()
        service.post.wait_for(messages, 120)
        wait_until_filed(service, messages)
        assert time.monotonic() - began < TAKEN_OVER
        assert [daemon.stop() for daemon in others] == [0, 0]

    told = [service.explain(message_id) for message_id in sent]
    assert Counter(one["outcome"] for one in told) == {"accepted": messages}
    assert len({one["reference"] for one in told}) == messages
    ids = Counter((to, str(answer["Message-ID"])) for to, answer in service.replies())
    assert {to for to, _ in ids} == {OFFICE}
    assert len(ids) == messages, "one answer to each; one that the killed daemon had in hand may come again as it was"
    assert ids.total() <= messages + 1
    assert [service.post.folder(name) for name in ("INBOX", "Processed")] == [0, messages]
    assert service.shown(forms.upn(0)) == {"Art": str(messages - 1)}, "as if applied in the order of arrival"
    assert all(service.shown(forms.upn(1 + number)) == {"Art": str(number)} for number in range(messages))
    settled = [sum(event["event"] == "message settled" for event in daemon.events()) for daemon in others]
    assert all(settled), f"both others worked: {settled}"
    assert sum(deaths(service, one["reference"]) for one in told) <= 1


def deaths(service: World, reference: str) -> int:
    with service.store() as store, store.reading() as reading:
        story = reading.story(reference)
    assert story
    return story.crashes


def wait_until_filed(service: World, messages: int) -> None:
    end = time.monotonic() + TAKEN_OVER
    while service.post.folder("Processed") < messages:
        assert time.monotonic() < end, "not everything was filed"
        time.sleep(0.2)


def test_what_a_dead_daemon_had_in_hand_is_taken_over_within_a_minute(service: World, postgresql: Postgres) -> None:
    with ExitStack() as stack:
        [dying, other] = started(service, 2, stack)
        # Both are listening; whichever takes the message is killed in the middle of it.
        service.send(a_form(1))
        holder = the_one_that_works((dying, other))
        holder.kill()
        [(to, _)] = service.post.wait_for(1, TAKEN_OVER)
        assert to == OFFICE
    assert service.shown(forms.upn(2)) == {"Art": "1"}


def the_one_that_works(daemons: tuple[Daemon, ...]) -> Daemon:
    end = time.monotonic() + TAKEN_OVER
    while time.monotonic() < end:
        for daemon in daemons:
            if any(event["event"] == "message settled" for event in daemon.events()):
                return daemon
        time.sleep(0.01)
    raise AssertionError("nobody took the message")


def test_a_daemon_whose_connections_are_cut_in_the_middle_goes_on_and_doubles_nothing(
    service: World, postgresql: Postgres
) -> None:
    messages = 12
    with ExitStack() as stack:
        daemons = started(service, 2, stack)
        sent = [service.send(a_form(number)) for number in range(messages)]
        daemons[0].wait_for("message settled")
        for _ in range(3):
            postgresql.cut(service.settings.database.url.get_secret_value())
            time.sleep(0.3)
        service.post.wait_for(messages, 120)
        wait_until_filed(service, messages)
        assert [daemon.stop() for daemon in daemons] == [0, 0]

    told = [service.explain(message_id) for message_id in sent]
    assert Counter(one["outcome"] for one in told) == {"accepted": messages}
    assert len({str(answer["Message-ID"]) for _, answer in service.replies()}) == messages
    assert service.shown(forms.upn(0)) == {"Art": str(messages - 1)}

"""A mailbox that was restored, or has something in it that cannot be read: the other mail is read as ever."""

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from planit_mailer.adapters.imap.mailbox import Mailbox
from planit_mailer.core import clock
from planit_mailer.core.errors import Unavailable
from planit_mailer.domain.policy import rules
from planit_mailer.pipeline import deadlines
from tests.journeys.test_faults import ADDRESS, Bench, change, serving
from tests.support import forms, world
from tests.support.dovecot import Dovecot
from tests.support.mailservers import DovecotPost, behind_a_relay


@pytest.fixture
def bench(dovecot: Dovecot, tmp_path: Path) -> Iterator[Bench]:
    with behind_a_relay(dovecot, ADDRESS) as post, serving(world.make(tmp_path, post)) as bench:
        bench.run("poll")  # makes the folders
        yield bench


def home(bench: Bench) -> Path:
    assert isinstance(bench.world.post, DovecotPost)
    return bench.world.post.server.folder(ADDRESS)


def files(bench: Bench) -> list[Path]:
    """The messages in the inbox, in the order of their arrival."""
    return sorted([*home(bench).glob("new/*"), *home(bench).glob("cur/*")])


def applied(bench: Bench, *numbers: int) -> list[bool]:
    return [bool(bench.world.shown(forms.upn(number))) for number in numbers]


def take_away(bench: Bench) -> None:
    with bench.person() as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search(), silent=True)
        client.expunge()


def err(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    """A poll in which we make a mistake with every message."""
    with monkeypatch.context() as patch:
        patch.setattr(rules, "judge", lambda *_: 1 / 0)
        bench.run("poll")


# ── known again ──


def test_in_a_mailbox_that_was_restored_the_next_message_is_no_other_for_having_its_uid(
    bench: Bench, tmp_path: Path
) -> None:
    backup, owner = tmp_path / "backup", home(bench).stat()
    shutil.copytree(home(bench), backup)
    lost = bench.send()
    bench.run("poll", "deliver")
    shutil.rmtree(home(bench))
    shutil.copytree(backup, home(bench))
    for path in (home(bench), *home(bench).rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    a_form = ("1.xlsx", forms.handbook(learners=[forms.learner(number := lost + 1)]))
    bench.world.send(
        a_form, body="In this second another one of the same size may have come, as no restoring is so fast"
    )

    bench.run("poll", "deliver")

    assert applied(bench, lost, number) == [True, True]
    assert len(bench.world.replies()) == 2
    assert bench.world.ask("status")["messages"]["accepted"] == 2


def test_of_a_mailbox_that_was_rebuilt_without_it_a_first_copy_is_not_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, same = ("1.xlsx", forms.handbook(learners=[forms.learner(1)])), "<same@greenfield.test>"
    bench.world.send(form, Message_ID=same)
    err(monkeypatch, bench)
    take_away(bench)
    uids = home(bench) / "dovecot-uidlist"
    [header] = [word for word in uids.read_text().split() if word.startswith("V")][:1]
    uids.write_text(uids.read_text().replace(header, f"V{int(header[1:]) + 1}", 1))
    for index in home(bench).glob("dovecot.index*"):
        index.unlink()
    bench.world.send(form, Message_ID=same, body="sent again")

    bench.run("poll", "deliver")

    assert applied(bench, 1) == [True]
    assert bench.world.ask("status")["oldest_unanswered"] is None


def test_a_message_that_was_read_once_and_taken_away_by_a_person_is_owed_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.send()
    err(monkeypatch, bench)
    take_away(bench)

    [gone] = bench.run("poll")

    assert gone["event"] == "message vanished before it was processed"
    assert bench.world.ask("explain", gone["reference"])["outcome"] == "ignored"
    assert bench.world.ask("status")["oldest_unanswered"] is None


# ── cannot be read ──


def test_a_message_without_a_date_is_processed_and_its_clock_runs_from_when_it_was_seen(bench: Bench) -> None:
    numbers = [bench.send() for _ in range(2)]
    bench.mailbox.hear = undated

    assert bench.run("poll", "deliver") == []

    assert applied(bench, *numbers) == [True, True]


def undated(said: bytes) -> bytes:
    before, date, after = said.partition(b'INTERNALDATE "')
    return before + b"INTERNALDATE NIL" + after.partition(b'"')[2] if date else said


def test_a_message_that_cannot_be_read_delays_no_other_and_is_named_at_each_poll(bench: Bench) -> None:
    bad = bench.send()
    files(bench)[0].chmod(0)
    bench.run("poll")
    good = []
    for _ in range(4):
        good.append(bench.send())
        *_, said_no = bench.run("deliver", "poll")
        assert said_no["event"] == "server said no"
        assert str(said_no["answer"]).startswith(waiting_for(bench))
        assert bench.jobs["poll"].not_before == 0, "whatever comes next is read at the usual time"

    assert applied(bench, bad, *good) == [False, True, True, True, True]
    with bench.served.store.transaction() as transaction:
        assert transaction.unread_since() is None
    bench.run("deliver")
    assert late(bench, hours=25) == [("answer is due", waiting_for(bench))]
    files(bench)[0].chmod(0o600)
    bench.run("poll")
    assert applied(bench, bad) == [True]


def waiting_for(bench: Bench) -> str:
    return str(bench.world.ask("status")["oldest_unanswered"]["reference"])


def late(bench: Bench, hours: int) -> list[tuple[Any, Any]]:
    """What the log says of the promised time, so many hours later."""
    with capture_logs() as logged:
        deadlines.watch(bench.served.store, lambda: clock.now() + timedelta(hours=hours), bench.served.reply_settings)
    return [(line["event"], line["reference"]) for line in logged]


def test_of_several_that_cannot_be_read_each_has_its_turn_and_the_mailbox_is_not_read(bench: Bench) -> None:
    for _ in range(3):
        bench.send()
    for path in files(bench):
        path.chmod(0)
    for _ in range(6):
        bench.run("poll")
    with bench.served.store.transaction() as transaction:
        assert transaction.unread_since()
    assert sorted(bench.served.listener.failures.values()) == [2, 2, 2]

    number = bench.send()
    bench.run("poll")

    assert applied(bench, number) == [True]
    with bench.served.store.transaction() as transaction:
        assert transaction.unread_since() is None


def test_a_released_message_that_is_not_handed_over_at_first_is_not_lost(bench: Bench) -> None:
    """It is in the folder no more, and not yet known in the inbox."""
    sent = bench.world.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])))
    bench.run("poll", "deliver")
    reference = bench.world.explain(sent)["reference"]
    bench.world.verb("retry", reference)
    moved = []

    def refused(said: bytes) -> bytes:
        moved.extend([said] if b"UID MOVE" in said else [])
        return said.replace(b"BODY.PEEK[]", b"BODY.PEEK[NO]") if moved else said

    bench.mailbox.say = refused
    for _ in range(2):
        bench.run("poll")
    bench.mend()

    assert bench.run("poll", "deliver") == []
    told = bench.world.explain(sent)
    assert (told["reference"], told["outcome"]) == (reference, "accepted")
    assert len(bench.world.replies()) == 2


# ── whether the mailbox is read ──


def test_with_each_message_that_is_filed_the_mailbox_has_been_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, time_now = [], [clock.now()]
    plain = Mailbox.file

    def file(*arguments: Any) -> bool:
        time_now[0] += timedelta(minutes=7)
        with bench.served.store.reading() as reading:
            seen.append((reading.last_success(), reading.unread_since()))
        return plain(*arguments)

    with bench.served.store.transaction() as transaction:
        transaction.note_poll(time_now[0] - timedelta(minutes=3), success=False)
    for _ in range(3):
        bench.send()
    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "file", file)
        patch.setattr("planit_mailer.core.clock.now", lambda: time_now[0])
        bench.run("poll")

    assert [unread is None for _, unread in seen] == [False, True, True]
    assert [success for success, _ in seen[1:]] == [
        time_now[0] - timedelta(minutes=14),
        time_now[0] - timedelta(minutes=7),
    ]


def test_a_mistake_of_ours_that_ends_every_poll_is_told_as_well(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mailbox, "waiting", lambda _: 1 / 0)
    for _ in range(2):
        assert [line["event"] for line in bench.run("poll")] == ["job failed"]
        bench.served.watch()
        change(bench, "UPDATE state SET at = datetime(at, '-16 minutes') WHERE key = 'unread_since'")
    bench.run("deliver")

    [(to, mail)] = bench.world.replies()
    assert to == "ops@s-cool.test"
    assert "the mailbox has not been read since" in str(mail["Subject"])


def test_released_messages_at_which_the_mailbox_breaks_off_keep_the_inbox_from_being_read_once_each(
    bench: Bench,
) -> None:
    for number in (501, 502, 503):
        form = forms.handbook(learners=[forms.learner(number)])
        bench.world.send(("1.xlsx", form), sender="head@elsewhere.test")
    bench.run("poll")
    for path in (*home(bench).glob(".Held/new/*"), *home(bench).glob(".Held/cur/*")):
        path.chmod(0)
    bench.world.verb("senders", "allow", "head@elsewhere.test", "--school", "ZZ9 9ZZ")
    first = bench.send()
    for _ in range(4):
        bench.run("poll")
    assert applied(bench, first) == [True]

    second = bench.send()
    bench.run("poll")
    assert applied(bench, second) == [True]


def test_once_gets_over_a_message_at_which_the_mailbox_breaks_off(dovecot: Dovecot, tmp_path: Path) -> None:
    with behind_a_relay(dovecot, ADDRESS) as post:
        service = world.make(tmp_path, post)
        for number in (1, 2):
            service.send(("1.xlsx", forms.handbook(learners=[forms.learner(number)])))
            for path in dovecot.folder(ADDRESS).glob("new/*") if number == 1 else ():
                path.chmod(0)
        with pytest.raises(Unavailable, match="FETCH"):
            service.once()
        assert [bool(service.shown(forms.upn(number))) for number in (1, 2)] == [False, True]

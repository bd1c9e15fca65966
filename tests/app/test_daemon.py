"""The daemon as an operator runs it: a process that answers in seconds and stops when it is told to."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from planit_mailer.app.daemon import Patiently
from planit_mailer.cli.demo import servers
from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.core.errors import Rejected
from tests.support import forms, world
from tests.support.daemons import running
from tests.support.world import OFFICE, World


@pytest.fixture
def embedded() -> Iterator[MailServers]:
    with servers.running("data@s-cool.test", "pw") as post:
        yield post


@pytest.fixture
def service(tmp_path: Path, post: MailServers) -> World:
    return world.make(tmp_path, post)


def a_form(number: int) -> tuple[str, bytes]:
    return (f"{number}.xlsx", forms.handbook(learners=[forms.learner(number)]))


def test_a_school_has_its_answer_within_seconds_and_sigterm_ends_cleanly(service: World) -> None:
    with running(service) as daemon:
        service.send(a_form(1))
        [(to, _)] = service.post.wait_for(1, 20)
        assert daemon.stop() == 0
        assert daemon.events()[-1]["event"] == "daemon stopped"
    assert to == OFFICE
    assert list((service.shown(forms.upn(1)) or {}).values()) == ["B"]


@pytest.mark.parametrize(
    ("trust", "believes"),
    [
        ("", False),
        ('trusted_authserv_ids = ["mx.s-cool.test"]', True),
        ('results = "microsoft365"', True),
        ('results = "dkim"', True),
    ],
)
def test_where_no_sender_can_be_believed_the_log_says_so_at_the_start(
    tmp_path: Path,
    embedded: MailServers,
    trust: str,
    believes: bool,  # noqa: FBT001
) -> None:
    service = world.make(tmp_path, embedded)
    service.configure('unauthenticated = "accept"', trust)
    with running(service) as daemon:
        said = [line for line in daemon.events() if str(line["event"]).startswith("no sender can be believed")]
    assert [line["level"] for line in said] == ([] if believes else ["error"])


def test_stopped_between_messages_the_next_daemon_does_the_rest(service: World) -> None:
    for number in range(1, 9):
        service.send(a_form(number))
    with running(service) as daemon:
        daemon.wait_for("message settled")
        assert daemon.stop() == 0
    with running(service) as daemon:
        service.post.wait_for(8, 40)
        assert daemon.stop() == 0
    assert len(service.replies()) == 8
    assert service.post.folder("INBOX") == 0


def test_a_poll_that_lasts_longer_than_its_interval_is_followed_by_the_next_one_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else nobody would listen for a whole interval after each poll that has listened for one."""
    now, lasts, polls = 100.0, 61.0, list[float]()

    def work() -> None:
        nonlocal now
        polls.append(now)
        now += lasts

    monkeypatch.setattr("time.monotonic", lambda: now)
    poll = Patiently("poll", work, at_most_every=timedelta(seconds=60))
    while now < 280:
        poll()
        now += 1
    lasts = 5.0
    while now < 420:
        poll()
        now += 1

    assert polls == [100.0, 162.0, 224.0, 286.0, 346.0, 406.0]


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_a_second_daemon_says_that_another_is_there_and_exits_3(service: World) -> None:
    with running(service):
        assert "another planit-mailer serves this database" in service.verb("run", expect=3)
        assert "another planit-mailer serves this database" in service.verb("once", expect=3)


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_sighup_takes_a_right_configuration_and_keeps_the_old_one_before_a_wrong_one(service: World) -> None:
    with running(service) as daemon:
        service.configure('operator = "ops@s-cool.test"', 'operater = "ops@s-cool.test"')
        daemon.reload()
        daemon.wait_for("configuration kept as it was")
        service.configure('operater = "ops@s-cool.test"', 'operator = "other@s-cool.test"')
        daemon.reload()
        daemon.wait_for("configuration taken")
        service.send(a_form(1))
        service.post.wait_for(1, 20)
        assert daemon.stop() == 0


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_a_mailbox_that_is_away_is_logged_with_its_words_and_the_daemon_goes_on(service: World) -> None:
    (service.folder / "mailbox.password").write_text("wrong\n")
    with running(service) as daemon:
        daemon.wait_for("server away")
        assert daemon.process.is_alive()
        [away] = [line for line in daemon.events() if line["event"] == "server away" and line["job"] == "poll"][:1]
        assert "refused the login of data@s-cool.test" in str(away["answer"])
        assert daemon.stop() == 0


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_no_log_line_holds_anything_of_a_learner_and_each_has_the_reference(service: World) -> None:
    marked = forms.learner(3, first_name="Zebedee-Marked", surname="Quux-Marked", values=("Grade-Marked",))
    with running(service) as daemon:
        sent = service.send(("Zebedee-Marked.xlsx", forms.handbook(learners=[marked])), Subject="Quux-Marked")
        service.post.wait_for(1, 20)
        daemon.wait_for("reply sent")
        assert daemon.stop() == 0
        assert "Marked" not in daemon.log.read_text()
        assert marked["upin"] not in daemon.log.read_text()
        reference = service.explain(sent)["reference"]
        life = [e["event"] for e in daemon.events() if e.get("reference") == reference]
        assert life == ["message settled", "message filed", "reply sent"]


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_sighup_while_once_has_the_database_waits_for_it(service: World) -> None:
    with running(service) as daemon:
        with service.store() as store:
            for tried in range(1_000_000):
                if tried % 100_000 == 0:
                    daemon.reload()
                with suppress(Rejected), store.lock():  # in the moment in which the doors are opened anew
                    daemon.wait_for("not serving yet")
                    break
        service.send(a_form(1))
        service.post.wait_for(1, 20)
        [waiting] = [line for line in daemon.events() if line["event"] == "not serving yet"]
        assert "another planit-mailer serves this database" in str(waiting["answer"])
        assert daemon.stop() == 0


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_sighup_to_a_database_that_cannot_be_opened_keeps_the_one_that_works(service: World) -> None:
    with running(service) as daemon:
        service.configure('url = "sqlite:///planit.db"', 'url = "sqlite:////nowhere/at/all.db"')
        daemon.reload()
        daemon.wait_for("configuration kept as it was")
        service.send(a_form(1))
        service.post.wait_for(1, 20)
        assert daemon.stop() == 0
        assert len(daemon.events()) < 50, "no hot loop"


def test_a_relay_that_says_nothing_does_not_hold_up_a_stop(tmp_path: Path, dovecot_post: MailServers) -> None:
    service = world.make(tmp_path, dovecot_post)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service.configure(f"port = {dovecot_post.smtp_port}", f"port = {silent.getsockname()[1]}")
        with running(service) as daemon:
            service.send(a_form(1))
            daemon.wait_for("message filed")
            connection, _ = silent.accept()
            with connection:
                began = time.monotonic()
                assert daemon.stop() == 0
                assert time.monotonic() - began < 10, "container engines kill after ten seconds"
    assert service.ask("status")["outbox"] == {"pending": 1, "sent": 0, "failed": 0}

"""Each fault of the world around us, injected for real: a back-off, a line in the log, nothing lost, and recovery.

Between the service and the real servers stands a proxy that breaks connections; what runs is what `run` runs.
"""

import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from imapclient import IMAPClient, SocketTimeout
from structlog.testing import capture_logs

from planit_mailer.adapters import smtp
from planit_mailer.adapters.imap import connection as imap_connection
from planit_mailer.adapters.sandbox import parent
from planit_mailer.adapters.smtp import Relay
from planit_mailer.adapters.sql import engine
from planit_mailer.adapters.sql.store import Store
from planit_mailer.app import daemon
from planit_mailer.app import jobs as service_jobs
from planit_mailer.app.daemon import Patiently
from planit_mailer.app.jobs import Service
from planit_mailer.pipeline import delivery
from planit_mailer.pipeline.delivery import Outbox as Delivering
from tests.adapters.test_smtp import relaying
from tests.pipeline.test_delivery import Clock, nowhere, queue, reply_settings
from tests.support import dying, forks, forms, world
from tests.support import proxy as proxies
from tests.support.dovecot import PASSWORD, Dovecot
from tests.support.dying import Life
from tests.support.mailservers import DovecotPost, behind_a_relay
from tests.support.postgres import Postgres
from tests.support.proxy import Fault, Proxy, bye, half, nothing
from tests.support.world import OFFICE, World

ADDRESS = "faults@s-cool.test"
TRUST = "data@trust.test"
numbers = count(1)


@dataclass
class Bench:
    """A service whose ways to the mailbox and to the relay can be broken, and its jobs as the daemon has them."""

    world: World
    served: Service
    mailbox: Proxy
    relay: Proxy
    jobs: dict[str, Patiently] = field(default_factory=dict)

    def send(self) -> int:
        """Send a form for a learner of whom nothing is known yet; its number."""
        number = next(numbers)
        self.world.send((f"{number}.xlsx", forms.handbook(learners=[forms.learner(number)])))
        return number

    def run(self, *names: str) -> list[MutableMapping[str, Any]]:
        """Run jobs as the clock does when their time has come; what they log from "warning" on."""
        with capture_logs() as logged:
            for name in names:
                self.jobs[name].not_before = 0.0
                self.jobs[name]()
        return [line for line in logged if line["log_level"] in {"warning", "error"}]

    def mend(self) -> None:
        self.mailbox.mend()
        self.relay.mend()

    def answered(self, number: int) -> int:
        """How many answers there are, once everything is done, to the form of a learner that is applied."""
        assert self.run("poll", "deliver") == []
        assert self.world.shown(forms.upn(number))
        assert self.world.post.folder("INBOX") == 0
        assert [job.failures for job in self.jobs.values()] == [0, 0]
        return len(self.world.replies())

    def person(self) -> IMAPClient:
        """The mailbox in another program, logged in."""
        client = IMAPClient("127.0.0.1", self.world.post.imap_port, ssl=False)
        client.login(ADDRESS, PASSWORD)
        return client


@contextmanager
def serving(world: World, *ways: Proxy) -> Iterator[Bench]:
    """A service on this world, behind ways to its mailbox and to its relay."""
    with ExitStack() as stack:
        ports = (world.post.imap_port, world.post.smtp_port)
        ways = ways or tuple(stack.enter_context(proxies.before(port)) for port in ports)
        for port, way in zip(ports, ways, strict=True):
            world.configure(f"port = {port}", f"port = {way.port}")
        served = stack.enter_context(service_jobs.serving(world.settings))
        jobs = {"poll": Patiently("poll", served.poll), "deliver": Patiently("deliver", served.deliver)}
        yield Bench(world, served, *ways, jobs)


@pytest.fixture(scope="module")
def shared(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with behind_a_relay(dovecot, ADDRESS) as post, serving(world.make(tmp_path_factory.mktemp("bench"), post)) as bench:
        bench.run("poll")  # makes the folders
        yield bench


@pytest.fixture
def bench(shared: Bench) -> Bench:
    shared.mend()
    shared.run("poll", "deliver")
    shared.world.post._delivered.clear()
    return shared


# ── the mailbox ──

MAILBOX = {
    "reset at the login": (Fault(b"LOGIN", nothing, reset=True), "is away: "),
    "reset in the listing": (Fault(b"UID SEARCH", nothing, reset=True), "did not list its messages: "),
    "reset in a message": (Fault(b"BODY.PEEK[]", half, reset=True), "did not hand over a message: "),
    "half a listing": (Fault(b"RFC822.SIZE", half), "did not list its messages: "),
    "half an answer about the senders": (Fault(b"HEADER.FIELDS (FROM)", half), "did not say who sent its messages: "),
    "half a message": (Fault(b"BODY.PEEK[]", half), "did not hand over a message: "),
    "half an answer to the filing": (Fault(b"UID MOVE", half), "did not file a message"),
    "BYE at the login": (Fault(b"LOGIN", bye), "Server shutting down"),
    "BYE in the listing": (Fault(b"UID SEARCH", bye), "did not list its messages: "),
    "BYE in a message": (Fault(b"BODY.PEEK[]", bye), "did not hand over a message: "),
    "filed, but the answer is lost": (Fault(b"UID MOVE", nothing), "did not file a message"),
    "silence at the login": (Fault(b"LOGIN", None), "timed out"),
    "silence in a message": (Fault(b"BODY.PEEK[]", None), "timed out"),
}


@pytest.mark.parametrize(("fault", "says"), MAILBOX.values(), ids=MAILBOX)
def test_a_mailbox_that_breaks_off_is_named_waited_for_and_read_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Fault, says: str
) -> None:
    monkeypatch.setattr(imap_connection, "TIMEOUT", SocketTimeout(connect=1, read=1))
    number = bench.send()
    bench.mailbox.fault = fault

    logged = bench.run("poll")

    [away] = [line for line in logged if line["event"] == "server away"]
    assert away["job"] == "poll"
    assert says in str(away["answer"])
    assert {line["event"] for line in logged} <= {"server away", "message left for later"}
    assert bench.jobs["poll"].not_before > time.monotonic() + 1
    bench.mend()
    assert bench.answered(number) == 1


def test_a_mailbox_that_refuses_to_say_who_sends_is_read_in_the_order_of_arrival(bench: Bench) -> None:
    numbers = [bench.send() for _ in range(2)]
    bench.mailbox.say = lambda said: said.replace(b"HEADER.FIELDS (FROM)", b"HEADER.FIELDS (FROM")

    [refused] = bench.run("poll")

    assert refused["event"] == "senders not known"
    assert str(refused["answer"]).startswith("the mailbox did not say who sent its messages: ")
    assert all(bench.world.shown(forms.upn(number)) for number in numbers)


def test_a_password_that_is_refused_after_a_while_is_named_and_tried_again(bench: Bench) -> None:
    number = bench.send()
    bench.mailbox.say = lambda said: said.replace(b'"pw"', b'"old"')

    [away] = bench.run("poll")

    assert (away["event"], away["job"]) == ("server away", "poll")
    assert f"refused the login of {ADDRESS}" in str(away["answer"])
    bench.mend()
    assert bench.answered(number) == 1


def test_the_operator_hears_of_a_mailbox_that_is_not_read_and_that_it_is_again(bench: Bench) -> None:
    bench.mailbox.say = lambda said: said.replace(b'"pw"', b'"old"')
    bench.run("poll")
    change(bench, "UPDATE state SET at = datetime(at, '-16 minutes') WHERE key = 'unread_since'")
    for _ in range(2):
        bench.run("poll")
        bench.served.watch()
    bench.mend()
    bench.run("poll")
    for _ in range(2):
        bench.served.watch()
    bench.run("deliver")

    away, back = bench.world.replies()
    assert (away[0], back[0]) == ("ops@s-cool.test", "ops@s-cool.test")
    assert "the mailbox has not been read since" in str(away[1]["Subject"])
    assert str(back[1]["Subject"]) == "planit_mailer: the mailbox is read again"


def test_a_mailbox_that_accepts_and_says_nothing_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_connection, "TIMEOUT", SocketTimeout(connect=1, read=1))
    number, target = bench.send(), bench.mailbox.target
    with proxies.socket.create_server(("127.0.0.1", 0)) as silent:
        bench.mailbox.target = silent.getsockname()[1]
        [away] = bench.run("poll")
    assert "timed out" in str(away["answer"])
    bench.mailbox.target = target
    assert bench.answered(number) == 1


def change(bench: Bench, statement: str) -> None:
    """Change the database as if time had passed."""
    with closing(sqlite3.connect(bench.world.folder / "planit.db")) as connection, connection:
        connection.execute(statement)


def once_at(command: bytes, do: Callable[[], None]) -> Callable[[bytes], bytes]:
    """What a client says, unchanged; but when it first says this command, something is done before."""
    done = threading.Event()

    def say(said: bytes) -> bytes:
        if command in said and not done.is_set():
            done.set()
            do()
        return said

    return say


def test_a_message_that_is_expunged_between_search_and_fetch_leaves_nothing(bench: Bench) -> None:
    def expunge() -> None:
        with bench.person() as client:
            client.select_folder("INBOX")
            client.delete_messages(client.search(), silent=True)
            client.expunge()

    bench.send()
    bench.mailbox.say = once_at(b"BODY.PEEK[]", expunge)
    [vanished] = bench.run("poll")
    assert vanished["event"] == "message vanished before it was read"
    assert bench.world.ask("status")["oldest_unanswered"] is None
    bench.mend()
    assert bench.answered(bench.send()) == 1


def test_a_folder_that_is_deleted_before_a_message_is_filed_in_it_is_made_again(bench: Bench) -> None:
    def delete() -> None:
        with bench.person() as client:
            client.delete_folder("Processed")

    number = bench.send()
    bench.mailbox.say = once_at(b"UID MOVE", delete)
    assert bench.run("poll") == []
    bench.mend()
    assert bench.answered(number) == 1
    assert bench.world.post.folder("Processed") == 1


@contextmanager
def closed_folder(post: DovecotPost, name: str) -> Iterator[None]:
    """Nobody may put messages into a folder, for the length of a `with` block."""
    acl = post.server.folder(post.address, name) / "dovecot-acl"
    acl.write_text("owner lr\n")
    yield
    acl.write_text("owner lrwstipekxa\n")


def test_a_move_that_is_refused_is_named_and_holds_nobody_up(bench: Bench) -> None:
    assert isinstance(bench.world.post, DovecotPost)
    with closed_folder(bench.world.post, "Processed"):
        first = bench.send()
        refused, said_no = bench.run("poll")
        assert (refused["event"], said_no["event"]) == ("message not filed", "server said no")
        assert bench.jobs["poll"].failures == 0, "whatever comes next is read at the usual time"
        second = bench.send()
        bench.run("poll", "deliver")
        assert all(bench.world.shown(forms.upn(number)) for number in (first, second))
        assert len(bench.world.replies()) == 2
    assert bench.answered(first) == 2


def test_a_mailbox_that_was_rebuilt_before_a_message_was_filed_brings_no_second_answer(bench: Bench) -> None:
    post = bench.world.post
    assert isinstance(post, DovecotPost)
    with closed_folder(post, "Processed"):
        number = bench.send()
        bench.run("poll", "deliver")
    home = post.server.folder(ADDRESS)
    uids = home / "dovecot-uidlist"
    [header] = [word for word in uids.read_text().split() if word.startswith("V")][:1]
    uids.write_text(uids.read_text().replace(header, f"V{int(header[1:]) + 1}", 1))
    for index in home.glob("dovecot.index*"):
        index.unlink()
    assert bench.answered(number) == 1


def test_a_message_at_which_the_mailbox_always_breaks_off_holds_up_no_other(bench: Bench) -> None:
    numbers = [bench.send() for _ in range(3)]
    with bench.person() as client:
        client.select_folder("INBOX")
        first = min(client.search())
    bench.mailbox.fault = Fault(b"UID FETCH %d (BODY.PEEK[]" % first, nothing)

    for _ in range(3):
        bench.run("poll", "deliver")

    assert [bool(bench.world.shown(forms.upn(number))) for number in numbers] == [False, True, True]
    bench.mend()
    assert bench.answered(numbers[0]) == 3


# ── the reading process ──


def test_while_the_reading_process_does_not_start_messages_wait_and_no_attempt_counts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = bench.send()
    with monkeypatch.context() as patch:
        patch.setattr(parent, "COMMAND", "import os; os.kill(os.getpid(), 9)")
        bench.served.reader._process.kill()
        bench.served.reader._process.wait()
        for _ in range(4):
            left, away = bench.run("poll")
            assert (left["event"], away["job"]) == ("message left for later", "poll")
            assert str(away["answer"]).endswith("the reading process does not start")
    assert bench.answered(number) == 1


# ── the relay ──

RELAY = {
    "reset at the greeting": (Fault(b"ehlo", nothing, reset=True), 1),
    "half an answer": (Fault(b"mail FROM", half), 1),
    "silence": (Fault(b"rcpt TO", None), 1),
    "cut after DATA, though it was taken": (Fault(b"\r\n.\r\n", nothing), 2),
}


@pytest.mark.parametrize(("fault", "copies"), RELAY.values(), ids=RELAY)
def test_a_relay_that_breaks_off_is_named_and_the_reply_waits(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Fault, copies: int
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", 1)
    number = bench.send()
    bench.run("poll")
    bench.relay.fault = fault

    postponed, away = bench.run("deliver")

    assert (postponed["event"], away["event"], away["job"]) == ("reply postponed", "server away", "deliver")
    assert "relay" in str(away["answer"])
    bench.mend()
    change(bench, "UPDATE outbox SET due_at = queued_at WHERE state = 'pending'")  # its time has come
    assert bench.answered(number) == copies
    assert len({str(answer["Message-ID"]) for _, answer in bench.world.replies()}) == 1


class Moody:
    """A relay that answers each recipient as it likes just now."""

    def __init__(self) -> None:
        self.rcpt: Callable[[str], str] = lambda _address: "250 OK"
        self.taken: list[str] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.rcpt(address)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.extend(envelope.rcpt_tos)
        return "250 OK"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(f"sqlite:///{tmp_path}/planit.db")) as store:
        store.prepare()
        yield store


@pytest.fixture
def moody() -> Moody:
    return Moody()


@pytest.fixture
def delivering(store: Store, moody: Moody) -> Iterator[Delivering]:
    with relaying(moody) as settings:  # type: ignore[arg-type]
        yield Delivering(store, Relay(settings, "data@s-cool.test"), Clock(), reply_settings(), replies_per_day=500)


def until_sent(delivering: Delivering, hours: float) -> int:
    """Deliver every two seconds of a clock that tests set, or rather whenever something is due; how many tries."""
    assert isinstance(delivering.clock, Clock)
    end, tries = delivering.clock.now + timedelta(hours=hours), 0
    job = Patiently("deliver", lambda: delivery.deliver(delivering) and None)
    while delivering.clock.now < end:
        job.not_before = 0.0
        with capture_logs() as logged:
            job()
        tries += any(line["event"] == "reply postponed" for line in logged)
        if any(line["event"] == "reply sent" for line in logged):
            return tries
        delivering.clock.now += timedelta(seconds=30)
    raise AssertionError(f"not sent within {hours} hours")


def test_a_relay_that_greylists_for_an_hour_gets_the_reply_after_it(delivering: Delivering, moody: Moody) -> None:
    assert isinstance(delivering.clock, Clock)
    clock, began = delivering.clock, delivering.clock.now
    moody.rcpt = lambda _a: "250 OK" if clock.now >= began + timedelta(hours=1) else "451 4.7.1 Greylisted"
    queue(delivering.store, 1)
    assert until_sent(delivering, 2) < 10
    assert moody.taken == [OFFICE]
    assert clock.now - began < timedelta(hours=1, minutes=16)


def test_a_relay_that_is_down_for_a_day_gets_the_reply_within_a_quarter_of_an_hour_after_it(
    delivering: Delivering, moody: Moody
) -> None:
    assert isinstance(delivering.clock, Clock)
    clock, began = delivering.clock, delivering.clock.now
    moody.rcpt = lambda _a: "250 OK" if clock.now >= began + timedelta(days=1) else "421 4.3.2 Closing for today"
    queue(delivering.store, 1)
    assert until_sent(delivering, 25) < 110
    assert moody.taken == [OFFICE]


def test_of_several_recipients_one_that_is_refused_for_good_fails_alone(delivering: Delivering, moody: Moody) -> None:
    moody.rcpt = lambda address: "550 5.1.1 no such user" if address == OFFICE else "250 OK"
    queue(delivering.store, 1)
    with capture_logs() as logged:
        delivery.deliver(delivering)
        delivery.deliver(delivering)  # the operator's mail about it
    assert [line["event"] for line in logged] == ["reply failed", "reply sent"]
    assert moody.taken == ["ops@s-cool.test"]


def test_a_recipient_whose_mailbox_is_full_keeps_no_other_from_their_answers(
    delivering: Delivering, moody: Moody
) -> None:
    moody.rcpt = lambda address: "452 4.2.2 mailbox full" if address == OFFICE else "250 OK"
    queue(delivering.store, 13)
    queue(delivering.store, 1, to=TRUST)
    job = Patiently("deliver", lambda: delivery.deliver(delivering) and None)

    with capture_logs() as logged:
        job()

    assert moody.taken == [TRUST]
    assert [line["event"] for line in logged] == [*["reply postponed"] * 13, "reply sent", "server said no"]
    assert job.failures == 0, "whatever comes next is sent at the usual time"


def test_a_full_mailbox_is_tried_less_and_less_often(delivering: Delivering, moody: Moody) -> None:
    assert isinstance(delivering.clock, Clock)
    clock, began = delivering.clock, delivering.clock.now
    moody.rcpt = lambda _a: "250 OK" if clock.now >= began + timedelta(days=1) else "452 4.2.2 mailbox full"
    queue(delivering.store, 1)
    assert until_sent(delivering, 25) < 110
    assert moody.taken == [OFFICE]


def test_a_relay_that_is_down_is_not_tried_for_every_reply(delivering: Delivering) -> None:
    queue(delivering.store, 5)
    job = Patiently("deliver", lambda: delivery.deliver(nowhere(delivering)) and None)

    with capture_logs() as logged:
        job()

    assert [line["event"] for line in logged] == [*["reply postponed"] * 3, "server away"]
    assert job.failures == 1


def test_waits_between_polls_double_up_to_a_quarter_of_an_hour() -> None:
    assert [daemon.wait_after(n) for n in range(1, 13)] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


# ── the database ──


@pytest.fixture
def alone(dovecot: Dovecot, tmp_path: Path) -> Iterator[World]:
    with behind_a_relay(dovecot, ADDRESS) as post:
        yield world.make(tmp_path, post)


def test_a_database_that_is_locked_is_waited_for(alone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PRAGMAS", (*engine.PRAGMAS, "PRAGMA busy_timeout=50"))
    with serving(alone) as bench:
        number = bench.send()
        with closing(sqlite3.connect(alone.folder / "planit.db", isolation_level=None)) as another:
            another.execute("BEGIN IMMEDIATE")
            [away] = bench.run("poll")
            assert (away["event"], away["job"]) == ("server away", "poll")
            assert away["answer"] == "the database cannot be used: database is locked"
        assert bench.answered(number) == 1


def test_a_disk_that_is_full_costs_nothing_but_time(alone: World) -> None:
    rows = [forms.learner(number, values=("x" * 900,)) for number in range(1, 200)]
    sent = alone.send(("1.xlsx", forms.handbook(learners=rows)))
    room = (alone.folder / "planit.db").stat().st_size + 60_000
    grow = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    full = forks.run(["--config", str(alone.config_file), "once"], grow)
    assert full.code == 3, full.stderr
    assert "the database cannot be used: disk I/O error" in full.stderr
    assert alone.shown(forms.upn(1)) is None
    assert alone.post.folder("INBOX") == 1

    alone.once()

    assert alone.explain(sent)["outcome"] == "accepted"
    assert len(alone.replies()) == 1


def test_what_a_full_disk_would_not_let_us_note_as_sent_is_not_sent(alone: World) -> None:
    alone.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])))
    dying.lived(alone, Life("once", "filing is noted"))
    room = 32_768  # what the index of SQLite's write-ahead log takes, and with it a few pages of the log itself
    grow = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    for _ in range(3):
        full = forks.run(["--config", str(alone.config_file), "once"], grow)
        assert "disk I/O error" in full.stderr
    assert alone.replies() == []

    alone.once()

    assert len(alone.replies()) == 1


def test_a_postgresql_that_is_restarted_is_waited_for(alone: World, postgresql: Postgres) -> None:
    alone.configure("sqlite:///planit.db", postgresql.new_database())
    with alone.store() as store, store.transaction() as transaction:
        transaction.allow(transaction.add_school("Greenfield School", "ZZ9 9ZZ"), OFFICE)
    with serving(alone) as bench:
        number = bench.send()
        with postgresql.away():
            for job in ("poll", "deliver"):
                [away] = bench.run(job)
                assert (away["event"], away["job"]) == ("server away", job)
                assert "the database cannot be used: connection" in str(away["answer"])
        assert bench.answered(number) == 1


def test_a_postgresql_that_is_restarted_with_a_message_in_hand_has_it_done_once(
    alone: World, postgresql: Postgres
) -> None:
    url = postgresql.new_database()
    alone.configure("sqlite:///planit.db", url)
    with alone.store() as store, store.transaction() as transaction:
        transaction.allow(transaction.add_school("Greenfield School", "ZZ9 9ZZ"), OFFICE)
    with serving(alone) as bench:
        number = bench.send()
        bench.mailbox.say = once_at(b"BODY.PEEK[]", lambda: postgresql.cut(url))
        bench.run("poll")
        bench.mend()
        assert bench.answered(number) == 1


# ── the clock ──


def test_when_the_clock_is_set_back_by_a_day_the_jobs_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = threading.Event()
    clock = BackgroundScheduler(timezone=UTC)
    # What a clock that was a day ahead leaves: a job whose time comes tomorrow.
    clock.add_job(ran.set, "interval", seconds=60, next_run_time=datetime.now(UTC) + timedelta(days=1))
    signals = daemon.Signals()
    monkeypatch.setattr(daemon, "LOOK_AT_CLOCK", 0.05)
    times = iter([time.time() + 86_400])
    monkeypatch.setattr(daemon.time, "time", lambda: next(times, time.monotonic() + OFFSET))
    clock.start()
    try:
        threading.Timer(1, signals.wake.set).start()
        with capture_logs() as logged:
            daemon._wait(signals, clock)
        assert ran.is_set()
        assert [(line["event"], line["seconds"]) for line in logged] == [("clock was set", -86_400)]
    finally:
        clock.shutdown()


OFFSET = time.time() - time.monotonic()

"""Mail that is hard to find is found all the same, and what a server does not let go stops nothing else."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient
from structlog.testing import capture_logs

from planit_mailer.adapters.imap import commands
from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.app import jobs
from planit_mailer.core import clock
from planit_mailer.core.errors import ConnectionLost, Unavailable
from planit_mailer.pipeline import intake
from tests.pipeline.test_moved_mail import mail_program
from tests.pipeline.test_reconciliation import reconcile
from tests.support import books, forms, world
from tests.support.mailservers import DovecotPost
from tests.support.world import OFFICE, World

ODD = (
    "<(a)b@x.test>", "<a{5}@x.test>", '<a"b@x.test>', r"<a\b@x.test>", "<a%*b@x.test>", "<a]b@x>", "{3}", "{3+}",
    "~{3}", "(", ")", '"', "\\", "*", "NIL", "ALL",
)  # fmt: skip
FOLDERS = ("INBOX", "Processed", "Rejected", "Held", "Quarantine", "Ignored")
FORGED = b"From: a@evil.test, b@evil.test\r\nTo: data@s-cool.test\r\n"


@pytest.fixture
def service(tmp_path: Path, dovecot_post: DovecotPost) -> World:
    return world.make(tmp_path, dovecot_post)


def a_form(value: str, *numbers: int, **changes: Any) -> tuple[str, bytes]:
    rows = [forms.learner(number, values=(value,), **changes) for number in numbers or (1,)]
    return "form.xlsx", forms.handbook(learners=rows, headings=("Art",))


def lying(service: World) -> dict[str, int]:
    counts = {name: service.post.folder(name) for name in FOLDERS}
    return {name: count for name, count in counts.items() if count}


def copy(service: World, source: str, target: str) -> None:
    with mail_program(service) as client:
        client.select_folder(source)
        client.copy(client.search(), target)


@pytest.fixture
def no_move(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that offers UIDPLUS, and not MOVE."""
    has = IMAPClient.has_capability
    monkeypatch.setattr(IMAPClient, "has_capability", lambda self, name: name != "MOVE" and has(self, name))


@pytest.fixture
def cut_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The connection is lost before the first message is expunged."""
    expunge, cuts = commands.expunge, iter((ConnectionResetError("reset"),))

    def cut(client: IMAPClient, uid: int) -> None:
        for error in cuts:
            raise error
        expunge(client, uid)

    monkeypatch.setattr(commands, "expunge", cut)
    yield
    assert not list(cuts), "it was cut"


# ── Message-IDs that only look like one ──


def test_whatever_its_message_id_is_a_message_is_deleted(service: World) -> None:
    for number, name in enumerate(ODD, 1):
        service.send(a_form("old", number), Message_ID=name)
    service.once()
    assert lying(service) == {"Processed": len(ODD)}

    service.send(a_form("new", *range(1, len(ODD) + 1)))
    service.once()

    assert lying(service) == {"Processed": 1}


def test_whatever_its_message_id_is_a_message_is_brought_back(service: World) -> None:
    for number, name in enumerate(ODD, 1):
        service.send(a_form("B", number), Message_ID=name)
    service.once()

    with service.store() as store, store.transaction() as transaction:
        for booked in transaction.receipt_summaries():
            transaction.release(booked.reference, clock.now(), clock.now() + timedelta(hours=48))
    service.once()

    assert len(service.replies()) == 2 * len(ODD)
    assert lying(service) == {"Processed": len(ODD)}


@pytest.mark.parametrize(
    "header",
    [b"Subject: x\rMessage-ID: <a@b>\r\n", b"Subject: x\rMessage-ID: <a@b>\r\nMessage-ID: <c@d>\r\n"],
    ids=["none to the server", "another one to the server"],
)
def test_a_message_whose_message_id_the_server_reads_otherwise_is_deleted_and_brought_back(
    service: World, dovecot_post: DovecotPost, monkeypatch: pytest.MonkeyPatch, header: bytes
) -> None:
    dovecot_post.server.deliver(FORGED + header + b"\r\nhello\r\n", "x@evil.test", service.post.address)
    service.once()
    reference = service.explain("<a@b>")["reference"]

    with service.store() as store, store.transaction() as transaction:
        transaction.release(reference, clock.now(), clock.now() + timedelta(hours=48))
    service.once()
    assert service.explain("<a@b>")["reason"] != "released, but not found in the mailbox"
    assert lying(service) == {"Quarantine": 1}

    service.lets_pass(timedelta(days=31), monkeypatch)
    service.once()
    assert lying(service) == {}


def test_of_many_messages_without_message_id_each_is_read_once_to_be_deleted(
    service: World, dovecot_post: DovecotPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(20):
        dovecot_post.server.deliver(FORGED + b"\r\n%02d\r\n" % n, "x@evil.test", service.post.address)
    service.once()
    assert lying(service) == {"Quarantine": 20}
    read, chunks = [], commands.chunks

    def counted(client: IMAPClient, uid: int, size: int) -> Iterator[bytes]:
        read.append(uid)
        return chunks(client, uid, size)

    monkeypatch.setattr(commands, "chunks", counted)
    service.lets_pass(timedelta(days=31), monkeypatch)
    service.once()

    assert lying(service) == {}
    assert len(read) == len(set(read)) == 20


# ── copies ──


def test_a_message_that_a_person_put_back_by_copying_it_is_deleted_in_both_places(service: World) -> None:
    with service.store() as store, store.transaction() as transaction:
        hillside = transaction.add_school("Hillside School", "ZZ8 8ZZ")

    def send(value: str) -> None:
        rows = [forms.learner(1, values=(value,))]
        form = forms.handbook(learners=rows, headings=("Art",), school="Hillside School", postcode="ZZ8 8ZZ")
        service.send(("form.xlsx", form))
        service.once()

    send("old")
    assert lying(service) == {"Rejected": 1}, "the office may not send for this school"
    with service.store() as store, store.transaction() as transaction:
        transaction.allow(hillside, OFFICE)
    copy(service, "Rejected", "INBOX")
    service.once()
    assert lying(service) == {"Processed": 1, "Rejected": 1}

    send("new")

    assert lying(service) == {"Processed": 1}
    assert service.shown(forms.upn(1)) == {"Art": "new"}


def test_a_copy_in_another_folder_goes_when_the_keep_time_is_over(
    service: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.send(a_form("B"))
    service.once()
    copy(service, "Processed", "Held")

    service.lets_pass(timedelta(days=15), monkeypatch)
    service.once()

    assert lying(service) == {}


@pytest.mark.usefixtures("no_move")
def test_what_a_cut_connection_left_twice_is_deleted_twice_though_one_was_retried(
    service: World, request: pytest.FixtureRequest
) -> None:
    other = {"first_name": "Zed", "surname": "Other"}
    service.send(a_form("first"))
    service.once()
    request.getfixturevalue("cut_once")
    sent = service.send(a_form("old", **other))
    for _ in range(2):
        with suppress(Unavailable):
            service.once()
    assert lying(service) == {"Processed": 1, "Rejected": 2}, "copied, cut off, and filed once more"

    service.verb("retry", service.explain(sent)["reference"], "--accept-identities")
    service.once()
    service.send(a_form("new", **other))
    service.once()

    assert lying(service) == {"Processed": 1}
    assert service.shown(forms.upn(1)) == {"Art": "new"}


# ── messages that were never read ──


def kill(service: World, *sizes: int) -> list[str]:
    """Messages of one second at which so many daemons died that they were set aside unread; their references."""
    at = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
    with mail_program(service) as client:
        for size in sizes:
            client.append("INBOX", FORGED + b"\r\n" + b"x" * size, msg_time=at)
    with service.store() as store, open_mailbox(service.settings.mailbox) as mailbox:
        waiting = mailbox.waiting()
        for _ in range(intake.MAX_CRASHES + 2):  # each counts the one before as a death
            references = [books.begin(store, message).reference for message in waiting]
    service.once()
    assert lying(service) == {"Quarantine": len(sizes)}
    return references


@pytest.mark.parametrize("folder", ["Quarantine", "Held"])
def test_a_message_that_was_never_read_is_deleted_when_it_is_refused_and_no_other(service: World, folder: str) -> None:
    refused, _ = kill(service, 100, 101)
    if folder != "Quarantine":
        with mail_program(service) as client:
            client.select_folder("Quarantine")
            client.move(client.search(), folder)

    service.verb("refuse", refused)
    service.once()

    assert lying(service) == {folder: 1}
    assert reconcile(service) == (0 if folder == "Quarantine" else 2)


def test_a_message_that_was_never_read_is_deleted_when_its_keep_time_is_over(
    service: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill(service, 100, 100, 101)
    service.lets_pass(timedelta(days=31), monkeypatch)
    service.once()
    assert lying(service) == {}


def test_of_two_that_were_never_read_and_look_alike_none_is_deleted_before_both_may_be(service: World) -> None:
    one, other = kill(service, 100, 100)
    service.verb("refuse", one)
    with capture_logs() as logged:
        service.once()
    assert [line["reference"] for line in logged if line["event"] == "message to delete looks like another"] == [one]
    assert lying(service) == {"Quarantine": 2}
    assert service.ask("explain", one)["folder"] == "Quarantine"

    service.verb("refuse", other)
    service.once()

    assert lying(service) == {}


def test_a_message_that_was_never_read_and_is_gone_is_not_said_to_be_deleted(service: World) -> None:
    [reference] = kill(service, 100)
    with mail_program(service) as client:
        client.select_folder("Quarantine")
        client.create_folder("Elsewhere")
        client.move(client.search(), "Elsewhere")
    service.verb("refuse", reference)

    with capture_logs() as logged:
        service.once()

    told = {line["event"] for line in logged if line.get("reference") == reference}
    assert told == {"message to delete is in no folder of ours"}


# ── what a server does not let go ──


def test_a_message_that_cannot_be_deleted_is_named_and_stops_no_other(
    service: World, dovecot_post: DovecotPost
) -> None:
    service.send(a_form("old", 2))
    rejected = service.send(a_form("old", 1, dob="31/02/2011"))
    service.once()
    service.send(a_form("old", 3))
    service.send(a_form("new", 1, 2, 3))
    rights = dovecot_post.server.folder(service.post.address, "Rejected") / "dovecot-acl"
    rights.write_text("owner lrs\n")

    with capture_logs() as logged, pytest.raises(Unavailable, match='delete a message from the folder "Rejected"'):
        service.once()

    assert lying(service) == {"Processed": 1, "Rejected": 1}
    [told] = [line for line in logged if line["event"] == "message not deleted"]
    assert told["log_level"] == "error"
    assert told["reference"] == service.explain(rejected)["reference"]
    rights.unlink()
    service.once()
    assert lying(service) == {"Processed": 1}


def test_a_message_that_cannot_be_deleted_keeps_no_receipt_from_being_forgotten(
    service: World, dovecot_post: DovecotPost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def once_after(span: timedelta) -> None:
        service.lets_pass(span, monkeypatch)
        service.once()

    service.send(a_form("old"))
    service.send(a_form("new"))
    service.once()
    once_after(timedelta(minutes=11))  # copies of its answer come no more
    assert service.ask("status")["messages"]["accepted"] == 2
    rights = dovecot_post.server.folder(service.post.address, "Processed") / "dovecot-acl"
    rights.write_text("owner lrs\n")

    with pytest.raises(Unavailable, match="Processed"):
        once_after(timedelta(days=401))

    assert service.ask("status")["messages"]["accepted"] == 1
    rights.unlink()


@pytest.fixture
def broken(service: World, dovecot_post: DovecotPost) -> Iterator[str]:
    """The Message-ID of a filed message at which the server breaks off, as it does where its disk has an error."""
    sent = service.send(a_form("old", 1))
    service.once()

    def file() -> Path:
        processed = dovecot_post.server.folder(service.post.address, "Processed")
        return min(path for path in processed.glob("*/*") if path.parent.name in {"cur", "new"})

    file().chmod(0)
    yield sent
    file().chmod(0o600)
    service.once()
    assert lying(service) == {"Processed": 1}, "it is tried again"


def test_a_message_at_which_the_mailbox_breaks_off_keeps_no_other_from_being_deleted(
    service: World, broken: str
) -> None:
    service.send(a_form("old", 2))
    service.once()
    service.send(a_form("new", 1, 2))

    with jobs.serving(service.settings) as served, capture_logs() as logged:
        served.poll()
        for _ in range(2):
            with pytest.raises(Unavailable, match="FETCH"):
                served.forget()

    assert lying(service) == {"Processed": 2}, "the broken one, and what stands"
    told = [line["reference"] for line in logged if line["event"] == "message not deleted"]
    assert told == 2 * [service.explain(broken)["reference"]]


def test_a_message_at_which_the_mailbox_breaks_off_keeps_no_other_from_being_judged(
    service: World, broken: str
) -> None:
    service.verb("retry", service.explain(broken)["reference"])
    other = service.send(a_form("B", 1))

    with jobs.serving(service.settings) as served, capture_logs() as logged:
        with pytest.raises(Unavailable, match="FETCH"):
            served.poll()
        with pytest.raises(ConnectionLost, match="FETCH"):  # when the others are done
            served.poll()

    assert service.explain(other)["outcome"] == "accepted"
    told = [line["reference"] for line in logged if line["event"] == "message not brought back"]
    assert told == 2 * [service.explain(broken)["reference"]]


def test_a_message_that_cannot_be_brought_back_is_named_and_stops_no_other(
    service: World, dovecot_post: DovecotPost
) -> None:
    sent = service.send(a_form("B"))
    service.once()
    other = service.send(a_form("B", 2), sender="deputy@greenfield.test")
    service.once()
    rights = dovecot_post.server.folder(service.post.address, "Processed") / "dovecot-acl"
    rights.write_text("owner lrsi\n")
    service.verb("retry", service.explain(sent)["reference"])
    service.verb("approve", service.explain(other)["reference"], "--school", "ZZ9 9ZZ")
    service.send()

    with capture_logs() as logged, pytest.raises(Unavailable, match='bring a message back from the folder "Processed"'):
        service.once()

    [told] = [line for line in logged if line["event"] == "message not brought back"]
    assert told["reference"] == service.explain(sent)["reference"]
    assert service.explain(other)["outcome"] == "accepted"
    assert lying(service)["Ignored"] == 1
    rights.unlink()
    service.once()
    assert service.explain(sent)["outcome"] == "accepted"

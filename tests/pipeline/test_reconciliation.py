"""Mailbox and ledger, compared every night: what differs is said, and nothing is touched."""

import email
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from imapclient import IMAPClient

from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.app import wiring
from planit_mailer.cli.demo import servers
from planit_mailer.core import clock
from planit_mailer.domain.messages import InboxMessage, Key, ReceiptState, ReceiptSummary
from planit_mailer.pipeline import intake, reconciliation
from planit_mailer.pipeline.reconciliation import Difference, Found, compare
from tests.corpus import messages as corpus
from tests.support import books, forms, world
from tests.support.books import NOW
from tests.support.builders import an_email
from tests.support.mailservers import DovecotPost
from tests.support.world import OFFICE, World, text_of

DAY = timedelta(days=1)
KEY = Key(1, 7)
RIGHT = ReceiptSummary("PM-1", KEY, "<1@b>", "Processed", NOW, ReceiptState.FILED, "", 1, 1)
UNREAD = replace(RIGHT, message_id="", unanswered="the daemon died", answers=0)


@pytest.mark.parametrize(
    ("booked", "found", "expected"),
    [
        (RIGHT, {"Processed": ["<1@b>"]}, []),
        (RIGHT, {"Processed": []}, [Difference("message not in its folder", "Processed", "PM-1")]),
        (replace(RIGHT, state=ReceiptState.SUPERSEDED), {"Processed": []}, []),
        (replace(RIGHT, state=ReceiptState.SUPERSEDED), {"Processed": ["<1@b>"]}, []),
        (replace(RIGHT, state=ReceiptState.DELETED), {"Processed": []}, []),
        (replace(RIGHT, state=ReceiptState.DELETED), {"Ignored": ["<1@b>"]}, [
            Difference("message without receipt", "Ignored")]),
        (replace(RIGHT, state=ReceiptState.DELETED, changed_at=NOW + DAY), {"Processed": ["<1@b>"]}, []),
        (RIGHT, {"Processed": ["<1@b>", "<2@b>"]}, [Difference("message without receipt", "Processed")]),
        (RIGHT, {"Processed": ["<1@b>", "<1@b>"]}, [Difference("message without receipt", "Processed")]),
        (UNREAD, {"Processed": [""]}, []),
        (UNREAD, {"Processed": ["<1@b>"]}, []),
        (UNREAD, {"Processed": []}, [Difference("message not in its folder", "Processed", "PM-1")]),
        (UNREAD, {"Processed": ["<1@b>", ""]}, [Difference("message without receipt", "Processed")]),
        (UNREAD, {"Processed": [""], "Ignored": [""]}, [Difference("message without receipt", "Ignored")]),
        (replace(RIGHT, state=ReceiptState.OPEN, folder=""), {}, [Difference("receipt without outcome", "", "PM-1")]),
        (replace(RIGHT, state=ReceiptState.SETTLED, folder=""), {}, [Difference("message not filed", "", "PM-1")]),
        (replace(RIGHT, folder="", state=ReceiptState.DELETED), {}, []),
        (replace(RIGHT, answers=0), {"Processed": ["<1@b>"]}, [
            Difference("receipt without reply or reason", "Processed", "PM-1")]),
        (replace(RIGHT, answers=0, unanswered="a machine"), {"Processed": ["<1@b>"]}, []),
        (replace(RIGHT, answers=2, last_answers=2), {"Processed": ["<1@b>"]}, [
            Difference("receipt with several replies", "Processed", "PM-1")]),
        (replace(RIGHT, answers=2, last_answers=1), {"Processed": ["<1@b>"]}, []),
        (RIGHT, {"Processed": [], "Ignored": ["<1@b>"]}, [
            Difference("message not in its folder", "Processed", "PM-1")]),
        (replace(RIGHT, state=ReceiptState.OPEN, changed_at=NOW + DAY), {"Processed": ["<1@b>"]}, []),
    ],
)  # fmt: skip
def test_what_differs_is_named(booked: ReceiptSummary, found: dict[str, list[str]], expected: list[Difference]) -> None:
    assert list(compare(Found(found), (booked,), NOW + DAY)) == expected


@pytest.mark.parametrize(
    ("key", "hours", "expected"),
    [
        (KEY, 24, []),
        (Key(1, 8), 24, [Difference("message without receipt", "the inbox")]),
        (Key(2, 7), 24, [Difference("message without receipt", "the inbox")]),
        (Key(1, 8), 0.9, []),  # it has just come
    ],
)
def test_what_lies_in_the_inbox_and_was_never_taken_in_is_named(
    key: Key, hours: float, expected: list[Difference]
) -> None:
    inbox = (InboxMessage(key, 1000, NOW + DAY - timedelta(hours=hours)),)
    assert list(compare(Found({"Processed": ["<1@b>"]}, inbox), (RIGHT,), NOW + DAY)) == expected


@pytest.fixture
def greenfield(tmp_path: Path) -> Iterator[World]:
    with servers.running("data@s-cool.test", "pw") as post:
        yield world.make(tmp_path, post)


def reconcile(world: World) -> int:
    """What the daemon does at night, a day later."""
    settings = world.settings
    ours = tuple(wiring.folders(settings.mailbox.folders).values())
    with world.store() as store, open_mailbox(settings.mailbox) as mailbox:
        return reconciliation.reconcile(
            mailbox, store, ours, lambda: clock.now() + DAY, wiring.reply_settings(settings)
        )


def test_after_ordinary_days_nothing_differs(greenfield: World) -> None:
    greenfield.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])))
    greenfield.send(("2.xlsx", forms.handbook(learners=[forms.learner(2, dob="31/02/2011")])))
    greenfield.send()
    greenfield.send(("3.xlsx", forms.handbook(learners=[forms.learner(3)])), sender="stranger@elsewhere.test")
    greenfield.once()

    assert reconcile(greenfield) == 0
    assert len(greenfield.replies()) == 4


def test_a_message_that_was_answered_once_more_after_its_release_makes_no_difference(greenfield: World) -> None:
    stranger = greenfield.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])), sender="head@elsewhere.test")
    office = greenfield.send(("2.xlsx", forms.handbook(learners=[forms.learner(2)])))
    greenfield.once()
    greenfield.verb("approve", greenfield.explain(stranger)["reference"], "--school", "ZZ9 9ZZ")
    greenfield.verb("retry", greenfield.explain(office)["reference"])
    greenfield.once()
    assert len(greenfield.replies()) == 4

    assert reconcile(greenfield) == 0


def test_after_a_hostile_day_nothing_differs_either(tmp_path: Path, dovecot_post: DovecotPost) -> None:
    service = world.make(tmp_path, dovecot_post)
    hostile = (*corpus.SPOOFS, *corpus.IMPOSTORS, *corpus.STRANGERS, *corpus.MACHINES, *corpus.MALFORMED)
    with IMAPClient("127.0.0.1", service.post.imap_port, ssl=False) as client:
        client.login(service.post.address, service.post.password)
        for message in hostile:
            client.append("INBOX", message.make())
        client.append("INBOX", b"Message-ID: nonsense\r\nMessage-ID: <two@b.test>\r\n\r\nx\r\n")
    service.once()

    assert reconcile(service) == 0


def test_what_we_died_of_and_never_read_makes_no_difference(greenfield: World) -> None:
    greenfield.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])))
    with greenfield.store() as store, open_mailbox(greenfield.settings.mailbox) as mailbox:
        [waiting] = mailbox.waiting()
        for _ in range(intake.MAX_CRASHES + 2):  # each counts the one before as a death
            books.begin(store, waiting)
    greenfield.once()
    assert greenfield.post.folder("Quarantine") == 1

    assert reconcile(greenfield) == 0


def test_a_message_that_no_poll_has_seen_is_told(greenfield: World) -> None:
    greenfield.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])))

    assert reconcile(greenfield) == 1


def test_what_a_person_moved_and_put_there_is_told_to_the_operator_and_left_alone(
    greenfield: World, capsys: pytest.CaptureFixture[str]
) -> None:
    greenfield.send(("1.xlsx", forms.handbook(learners=[forms.learner(1)])))
    greenfield.once()
    with IMAPClient("127.0.0.1", greenfield.post.imap_port, ssl=False) as client:
        client.login(greenfield.post.address, "pw")
        client.select_folder("Processed")
        client.move(client.search(), "Ignored")
        client.append("Held", an_email(OFFICE, headers=[("Message-ID", "<put@there.test>")]))

    assert reconcile(greenfield) == 2
    with greenfield.store() as store, store.reading() as reading:
        [told] = [pending.reply for pending in reading.due(clock.now() + 2 * DAY, 10)]
    mail = email.message_from_bytes(told.content, policy=default)
    assert isinstance(mail, EmailMessage)
    out = "".join(capsys.readouterr())
    assert told.recipient == "ops@s-cool.test"
    assert "message not in its folder: PM-" in text_of(mail)
    assert "message without receipt, folder Held" in text_of(mail)
    assert out.count("message without receipt") == out.count("message not in its folder") == 1
    assert [greenfield.post.folder(name) for name in ("Ignored", "Held")] == [1, 1]

"""What people and relays do with mail meanwhile: it is deleted all the same, and nothing else is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from imapclient import IMAPClient

from planit_mailer.app import jobs
from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.core import clock
from tests.pipeline.test_reconciliation import reconcile
from tests.support import forms, world
from tests.support.world import World


@pytest.fixture
def service(tmp_path: Path, post: MailServers) -> World:
    service = world.make(tmp_path, post)
    service.configure("[smtp]", '[mailbox.folders]\nsent = "Sent"\n[smtp]')
    return service


def a_form(value: str = "B", dob: str = "17/05/2012") -> tuple[str, bytes]:
    return "1.xlsx", forms.handbook(learners=[forms.learner(1, values=(value,), dob=dob)], headings=("Art",))


@contextmanager
def mail_program(service: World) -> Iterator[IMAPClient]:
    with IMAPClient("127.0.0.1", service.post.imap_port, ssl=False) as client:
        client.login(service.post.address, service.post.password)
        yield client


def move(service: World, source: str, target: str) -> None:
    with mail_program(service) as client:
        client.select_folder(source)
        client.move(client.search(), target)


def copy_what_was_sent(service: World) -> None:
    with mail_program(service) as client:
        if not client.folder_exists("Sent"):
            client.create_folder("Sent")
        for _, raw in service.post.delivered():
            client.append("Sent", raw)


def forget_after(service: World, span: timedelta) -> None:
    with service.store() as store:
        times = jobs.keep(service.settings, lambda: clock.now() + span)
        jobs.forget_mail(service.settings, store, times)


def test_a_message_that_a_person_moved_to_another_of_our_folders_is_deleted_there(service: World) -> None:
    service.send(a_form())
    service.once()
    move(service, "Processed", "Ignored")

    service.send(a_form("A"))
    service.once()

    assert [service.post.folder(name) for name in ("Ignored", "Processed")] == [0, 1]


def test_a_message_that_a_person_moved_to_another_of_our_folders_is_retried_from_there(service: World) -> None:
    sent = service.send(a_form())
    service.once()
    move(service, "Processed", "Held")

    service.verb("retry", service.explain(sent)["reference"])
    service.once()

    assert len(service.replies()) == 2
    assert [service.post.folder(name) for name in ("Held", "Processed")] == [0, 1]


def test_a_message_that_a_person_put_back_is_not_deleted_for_having_been_there_before(service: World) -> None:
    service.send(a_form())
    service.once()
    move(service, "Processed", "INBOX")

    service.once()
    service.once()

    assert service.post.folder("Processed") == 1
    assert reconcile(service) == 0


def test_all_answers_to_a_message_that_came_twice_are_deleted_with_it(service: World) -> None:
    service.send(a_form())
    service.once()
    move(service, "Processed", "INBOX")
    service.once()
    copy_what_was_sent(service)
    assert service.post.folder("Sent") == 2

    service.send(a_form("A"))
    service.once()

    assert service.post.folder("Sent") == 0


def test_the_relays_copy_of_an_answer_that_comes_after_the_message_was_deleted_is_deleted_too(service: World) -> None:
    service.send(a_form(dob="31/02/2011"))
    service.send(a_form())
    service.once()
    assert service.post.folder("Rejected") == 0, "it is superseded"
    copy_what_was_sent(service)

    forget_after(service, timedelta(minutes=9))
    assert service.post.folder("Sent") == 2, "the relay may not have done yet"
    forget_after(service, timedelta(minutes=11))

    assert service.post.folder("Sent") == 1, "the confirmation of what stands"
    forget_after(service, timedelta(minutes=30))
    assert service.post.folder("Sent") == 1

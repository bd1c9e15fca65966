"""The process is killed after each step, started again, and the books are balanced."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from planit_mailer.app import queries
from tests.support import dying, forms, world
from tests.support.dying import Life
from tests.support.mailservers import DovecotPost
from tests.support.world import World, text_of

IN_HAND = ("numbering", "fetch", "reading", "judging", "settling", "commit", "filing", "filing is noted")


@pytest.fixture(autouse=True)
def _nothing_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """However a process ends, it leaves nothing there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield
    assert list(folder.iterdir()) == []


@pytest.fixture
def service(tmp_path: Path, dovecot_post: DovecotPost) -> World:
    return world.make(tmp_path, dovecot_post)


def kill_after(step: str, service: World) -> None:
    ended = dying.lived(service, Life("once", step))
    assert ended == -signal.SIGKILL, (service.folder / "log").read_text()


@pytest.mark.parametrize("step", IN_HAND)
def test_killed_after_a_step_and_started_again_there_is_one_replacement_and_one_reply(
    service: World, step: str
) -> None:
    service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))

    kill_after(step, service)
    service.once()
    service.once()

    [(_, answer)] = service.replies()
    assert "1 new, 0 changed, 0 unchanged" in text_of(answer)
    assert balance(service) == {"accepted": 1, "sent": 1}


def test_killed_with_a_painted_workbook_in_hand_there_is_one_report(service: World) -> None:
    service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1, dob="31/02/2011")])))

    kill_after("painting", service)
    service.once()

    [(_, answer)] = service.replies()
    assert len(list(answer.iter_attachments())) == 1
    assert balance(service, "Rejected") == {"rejected": 1, "sent": 1}


def test_killed_when_a_released_message_is_back_it_is_processed_once(service: World) -> None:
    sent = service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])), sender="head@elsewhere.test")
    service.once()
    service.verb("approve", service.explain(sent)["reference"], "--school", "ZZ9 9ZZ")

    kill_after("bringing back", service)
    service.once()

    assert [str(answer["In-Reply-To"]) for _, answer in service.replies()] == [sent, sent], "held, then confirmed"
    assert balance(service) == {"accepted": 1, "sent": 2}


def test_killed_before_its_filing_is_noted_a_held_message_proceeds_when_it_is_approved(service: World) -> None:
    sent = service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])), sender="head@elsewhere.test")

    kill_after("filing", service)
    service.verb("approve", service.explain(sent)["reference"], "--school", "ZZ9 9ZZ")
    service.once()

    assert service.shown(forms.upn(1)) == {"History": "B"}
    assert balance(service) == {"accepted": 1, "sent": 2}


def test_killed_before_a_deletion_is_noted_only_what_was_replaced_is_deleted(service: World) -> None:
    for _ in range(2):
        service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))

    kill_after("deletion", service)
    service.once()

    assert balance(service) == {"accepted": 2, "sent": 2}


def test_killed_before_the_filing_is_noted_the_message_is_still_found_and_deleted_once_it_is_replaced(
    service: World,
) -> None:
    sent = service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))
    kill_after("filing", service)
    service.once()
    service.verb("retry", service.explain(sent)["reference"])
    service.once()
    assert balance(service) == {"accepted": 1, "sent": 2}

    service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))
    service.once()

    assert service.post.folder("Processed") == 1


@pytest.mark.parametrize(
    ("step", "copies"), [("handing over", 1), ("the relay took it", 2), ("noting", 2), ("sending is noted", 1)]
)
def test_killed_before_it_is_noted_that_the_relay_has_a_reply_it_is_sent_again_with_the_same_message_id(
    service: World, step: str, copies: int
) -> None:
    service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))

    kill_after(step, service)
    service.once()
    service.once()

    sent = [str(answer["Message-ID"]) for _, answer in service.replies()]
    assert (len(sent), len(set(sent))) == (copies, 1)
    assert balance(service) == {"accepted": 1, "sent": 1}


def test_a_message_that_kills_the_daemon_ten_times_is_put_before_a_person(service: World) -> None:
    service.send(("form.xlsx", forms.handbook(learners=[forms.learner(1)])))

    for _ in range(10):
        kill_after("fetch", service)
    service.once()

    assert balance(service, "Quarantine") == {"quarantined": 1, "sent": 1}
    [(to, alert)] = service.replies()
    assert to == "ops@s-cool.test"
    assert "died" in text_of(alert)


def balance(service: World, folder: str = "Processed") -> dict[str, int]:
    """All that is not nought: messages by outcome, and the outbox; the one message that is kept is filed."""
    with service.store() as store, store.reading() as reading:
        status = queries.status(reading)
    assert service.post.folder("INBOX") == 0
    assert service.post.folder(folder) == 1
    return {key: n for part in ("messages", "outbox") for key, n in status[part].items() if n}

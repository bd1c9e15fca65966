"""Messages that we cannot cope with: counted, put before a person, no trouble to the next one, and tried once more."""

import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from planit_mailer.cli.demo import servers
from planit_mailer.domain.policy import rules
from tests.support import dying, forks, forms, world
from tests.support.world import OFFICE, World, text_of

POISON = "<poison@greenfield.test>"
Once = Callable[[], None]  # one poll, one delivery


@pytest.fixture
def service(fakes: World) -> World:
    return fakes


@pytest.fixture
def real_service(tmp_path: Path) -> Iterator[World]:
    """A service on real servers, for what dies is a process."""
    with servers.running("data@s-cool.test", "pw") as post:
        yield world.make(tmp_path, post)


@pytest.fixture
def once(service: World) -> Iterator[Once]:
    with service.at_work() as once:
        yield once


@pytest.fixture
def mistaken() -> Iterator[pytest.MonkeyPatch]:
    """We make a mistake with one certain message, until this is undone."""
    real = rules.judge

    def judge(letter: rules.Letter, *more: object) -> object:
        if letter.message.message_id == POISON:
            raise RuntimeError("a mistake of ours")
        return real(letter, *more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "judge", judge)
        yield patch


def a_form(number: int, **changes: object) -> tuple[str, bytes]:
    return (f"{number}.xlsx", forms.handbook(learners=[forms.learner(number, **changes)], headings=("Art",)))


def die(service: World) -> None:
    ended = forks.run(["--config", str(service.config_file), "once"], partial(dying.die_of, POISON))
    assert ended.code == -signal.SIGKILL, ended.stderr


def test_a_message_that_kills_us_delays_the_next_by_one_start_and_is_quarantined_after_ten_deaths(
    real_service: World,
) -> None:
    service = real_service
    service.send(a_form(1), Message_ID=POISON)
    service.send(a_form(2))

    die(service)
    die(service)
    assert service.shown(forms.upn(2)), "what was in hand at a death comes last"
    with closing(sqlite3.connect(service.folder / "planit.db")) as connection, connection:
        connection.execute("UPDATE receipts SET deaths = 8 WHERE deaths = 1")  # it has died seven times more
    die(service)
    service.once()

    [told] = service.ask("held")
    assert (told["outcome"], service.post.folder("Quarantine")) == ("quarantined", 1)
    assert [to for to, _ in service.replies()] == [OFFICE, "ops@s-cool.test"]
    assert "10 times the daemon died with this message in hand" in text_of(service.replies()[1][1])

    service.verb("retry", told["reference"])
    service.once()
    assert service.explain(POISON)["outcome"] == "accepted"
    assert service.shown(forms.upn(1))


def test_three_mistakes_of_ours_quarantine_a_message_and_retry_begins_to_count_anew(
    service: World, once: Once, mistaken: pytest.MonkeyPatch
) -> None:
    service.send(a_form(1), Message_ID=POISON)
    for _ in range(3):
        once()
    reference = service.explain(POISON)["reference"]
    assert service.explain(POISON)["outcome"] == "quarantined"

    service.verb("retry", reference)
    for outcome in (None, None, "quarantined"):
        once()
        assert service.explain(POISON)["outcome"] == outcome
    assert [to for to, _ in service.replies()] == ["ops@s-cool.test"] * 2

    mistaken.undo()
    service.verb("retry", reference)
    once()
    assert (service.explain(POISON)["outcome"], service.explain(POISON)["folder"]) == ("accepted", "Processed")
    assert [service.post.folder(name) for name in ("INBOX", "Quarantine", "Processed")] == [0, 0, 1]


def test_a_quarantined_message_is_applied_to_another_child_after_a_telephone_call(
    service: World, once: Once, mistaken: pytest.MonkeyPatch
) -> None:
    service.send(a_form(1))
    service.send(a_form(2, upin=forms.upn(1), values=("C",)), Message_ID=POISON)
    for _ in range(3):
        once()
    mistaken.undo()
    reference = service.explain(POISON)["reference"]

    service.verb("retry", reference)
    once()
    assert service.explain(POISON)["outcome"] == "rejected", "another child is known by this UPIN"
    service.verb("retry", reference, "--accept-identities")
    once()

    assert service.explain(POISON)["outcome"] == "accepted"
    assert service.shown(forms.upn(1)) == {"Art": "C"}
    assert [service.post.folder(name) for name in ("INBOX", "Quarantine", "Rejected", "Processed")] == [0, 0, 0, 2]


def test_identities_are_accepted_for_one_retry_alone(service: World, once: Once) -> None:
    service.send(a_form(1))
    sent = service.send(a_form(2, upin=forms.upn(1)))
    once()
    reference = service.explain(sent)["reference"]
    service.verb("retry", reference, "--accept-identities")
    service.verb("retry", reference)
    once()
    assert service.explain(sent)["outcome"] == "rejected"


def test_a_rejected_message_is_accepted_at_a_retry_once_its_reason_is_gone(service: World, once: Once) -> None:
    with service.store() as store, store.transaction() as transaction:
        other = transaction.add_school("Riverside Academy", "ZZ8 8ZZ")
    rows = [forms.learner(1)]
    form = forms.handbook(learners=rows, school="Riverside Academy", postcode="ZZ8 8ZZ")
    sent = service.send(("1.xlsx", form))
    once()
    assert service.explain(sent)["outcome"] == "rejected"

    with service.store() as store, store.transaction() as transaction:
        transaction.allow(other, OFFICE)
    service.verb("retry", service.explain(sent)["reference"])
    once()

    assert service.explain(sent)["outcome"] == "accepted"
    assert [to for to, _ in service.replies()] == [OFFICE] * 2


def test_a_retry_keeps_its_place_in_the_order_of_arrival(
    service: World, once: Once, mistaken: pytest.MonkeyPatch
) -> None:
    service.send(a_form(1, values=("earlier",)), Message_ID=POISON)
    for _ in range(3):
        once()
    service.send(a_form(1, values=("later",)))
    once()
    mistaken.undo()

    service.verb("retry", service.explain(POISON)["reference"])
    once()

    assert service.explain(POISON)["outcome"] == "accepted"
    assert service.shown(forms.upn(1)) == {"Art": "later"}

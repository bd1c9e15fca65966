"""The same message again: every row of what is known, through the real store and a real mailbox.

What is in the inbox is known by its UID, by its bytes, or by its sender, Message-ID and attachments together; by its
Message-ID alone it is not.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient

from planit_mailer.adapters.imap.mailbox import Mailbox
from planit_mailer.core.errors import Rejected, Unavailable
from planit_mailer.domain.policy import rules
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.verdict import Verdict
from tests.support import forms, world
from tests.support.mailservers import DovecotPost
from tests.support.world import OFFICE, World, text_of

SAME = "<same@greenfield.test>"
Once = Callable[[], None]  # one poll, one delivery


@pytest.fixture
def service(tmp_path: Path, dovecot_post: DovecotPost) -> World:
    return world.make(tmp_path, dovecot_post)


@pytest.fixture
def once(service: World) -> Iterator[Once]:
    with service.at_work() as once:
        yield once


@pytest.fixture
def person(service: World) -> Iterator[IMAPClient]:
    """The mailbox as a person's mail program has it open."""
    with IMAPClient("127.0.0.1", service.post.imap_port, ssl=False) as client:
        client.login(service.post.address, "pw")
        yield client


def a_form(value: str, number: int = 1) -> tuple[str, bytes]:
    rows = [forms.learner(number, values=(value,))]
    return ("form.xlsx", forms.handbook(learners=rows, headings=("Art",)))


def process_without_filing(once: Once, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll and a delivery, while the mailbox refuses to move anything."""

    def refuse(*_: object) -> bool:
        raise Rejected("no rights")

    with monkeypatch.context() as patch, suppress(Unavailable):
        patch.setattr(Mailbox, "file", refuse)
        once()


def copy(person: IMAPClient, folder: str) -> None:
    """Put another copy, byte for byte, of what is in a folder into the inbox."""
    person.select_folder(folder)
    person.copy(person.search(), "INBOX")


def expunge_first(person: IMAPClient) -> None:
    person.select_folder("INBOX")
    person.delete_messages([min(person.search())], silent=True)
    person.expunge()


def folders(service: World) -> dict[str, int]:
    counts = {name: service.post.folder(name) for name in ("INBOX", "Processed", "Ignored", "Quarantine")}
    return {name: number for name, number in counts.items() if number}


def outcomes(service: World) -> dict[str, int]:
    return {outcome: number for outcome, number in service.ask("status")["messages"].items() if number}


def test_a_known_uid_that_is_settled_is_only_filed(service: World, once: Once, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = service.send(a_form("B"))
    process_without_filing(once, monkeypatch)
    assert folders(service) == {"INBOX": 1}

    once()

    assert folders(service) == {"Processed": 1}
    assert (outcomes(service), len(service.replies())) == ({"accepted": 1}, 1)
    assert service.explain(sent)["folder"] == "Processed"


def test_bytes_of_a_message_that_is_not_filed_yet_are_only_filed(
    service: World, once: Once, person: IMAPClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = service.send(a_form("B"))
    process_without_filing(once, monkeypatch)
    copy(person, "INBOX")
    expunge_first(person)

    once()

    assert folders(service) == {"Processed": 1}
    assert (outcomes(service), len(service.replies())) == ({"accepted": 1}, 1)
    assert service.explain(sent)["folder"] == "Processed"


def test_of_two_copies_that_lie_there_together_one_is_answered(service: World, once: Once, person: IMAPClient) -> None:
    service.send(a_form("B"))
    copy(person, "INBOX")

    once()

    assert folders(service) == {"Processed": 2}
    assert (outcomes(service), len(service.replies())) == ({"accepted": 1}, 1)


def test_bytes_of_a_filed_message_were_put_back_by_a_person_and_arrive_now(
    service: World, once: Once, person: IMAPClient
) -> None:
    service.send(a_form("B"))
    once()
    copy(person, "Processed")

    once()

    assert (outcomes(service), len(service.replies())) == ({"accepted": 2}, 2)
    assert "0 new, 0 changed, 1 unchanged" in text_of(service.replies()[-1][1])


def test_they_arrive_now_as_well_where_the_clock_was_ahead_when_the_message_was_filed(
    service: World, once: Once, person: IMAPClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.send(a_form("B"))
    with monkeypatch.context() as patch:
        patch.setattr("planit_mailer.core.clock.now", lambda: datetime.now(UTC) + timedelta(hours=6))
        once()
    copy(person, "Processed")

    once()

    assert (outcomes(service), len(service.replies())) == ({"accepted": 2}, 2)


def test_the_same_sender_message_id_and_attachments_were_delivered_twice(service: World, once: Once) -> None:
    form = a_form("B")
    service.send(form, Message_ID=SAME)
    once()
    service.send(form, Message_ID=SAME, Received="by another way")
    once()

    assert folders(service) == {"Processed": 1, "Ignored": 1}
    assert (outcomes(service), len(service.replies())) == ({"accepted": 1, "ignored": 1}, 1)
    told = service.explain(SAME)
    assert told["reason"].startswith("delivered twice: the same as PM-")
    assert told["unanswered"] == told["reason"]


def test_a_second_copy_waits_for_its_first_and_does_not_overtake_what_came_between(
    service: World, once: Once, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = rules.judge

    def mistaken(letter: Letter, *others: Any) -> Verdict:
        if letter.message.message_id == SAME:
            raise RuntimeError("a mistake of ours")
        return judge(letter, *others)

    old = a_form("old")
    with monkeypatch.context() as patch:
        patch.setattr(rules, "judge", mistaken)
        service.send(old, Message_ID=SAME)
        service.send(a_form("new"))
        once()
    service.send(old, Message_ID=SAME, Received="by another way")
    with suppress(Unavailable):
        once()
    once()

    assert service.shown(forms.upn(1)) == {"Art": "new"}
    assert outcomes(service) == {"accepted": 2, "ignored": 1}
    assert len(service.replies()) == 2


def test_a_second_copy_does_not_wait_for_a_first_that_the_operator_released_and_somebody_deleted(
    service: World, once: Once, person: IMAPClient
) -> None:
    deputy, form = "deputy@greenfield.test", a_form("B")
    service.send(form, sender=deputy, Message_ID=SAME)
    once()
    person.select_folder("Held")
    person.delete_messages(person.search())
    person.expunge()
    service.verb("approve", service.explain(SAME)["reference"], "--school", "ZZ9 9ZZ")
    service.send(form, sender=deputy, Message_ID=SAME, Received="by another way")
    with suppress(Unavailable):
        once()
    once()

    assert service.shown(forms.upn(1)) == {"Art": "B"}


def test_a_second_copy_waits_for_its_first_that_the_operator_released(service: World, once: Once) -> None:
    """It lies in front of it in the inbox, to which the first is only brought back."""
    old, deputy = a_form("old"), "deputy@greenfield.test"
    service.send(old, sender=deputy, Message_ID=SAME)
    once()
    service.send(a_form("new"))
    once()
    service.verb("approve", service.explain(SAME)["reference"], "--school", "ZZ9 9ZZ")
    service.send(old, sender=deputy, Message_ID=SAME, Received="by another way")
    with suppress(Unavailable):
        once()
    once()

    assert service.shown(forms.upn(1)) == {"Art": "new"}
    assert outcomes(service) == {"accepted": 2, "ignored": 1}


@pytest.mark.parametrize("fate", ["refused", "denied", "held for too long"])
def test_a_first_copy_that_nobody_will_ever_open_keeps_none_from_being_applied(
    service: World, fate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, head = a_form("B"), "head@elsewhere.test"
    if fate == "denied":
        service.verb("senders", "deny", head)
    service.send(form, sender=head, Message_ID=SAME)
    service.once()
    if fate == "refused":
        service.verb("refuse", service.explain(SAME)["reference"])
    with monkeypatch.context() as patch:
        if fate == "held for too long":
            service.lets_pass(timedelta(days=31), patch)
        service.once()
    service.verb("senders", "allow", head, "--school", "ZZ9 9ZZ")

    service.send(form, sender=head, Message_ID=SAME, Received="by another way")
    service.once()

    assert service.shown(forms.upn(1)) == {"Art": "B"}
    assert "updated" in str(service.replies()[-1][1]["Subject"])


def test_what_was_delivered_twice_and_is_put_back_by_a_person_arrives_now(
    service: World, once: Once, person: IMAPClient
) -> None:
    form = a_form("B")
    for way in ("one way", "another way"):
        service.send(form, Message_ID=SAME, Received=f"by {way}")
        once()

    copy(person, "Processed")
    once()

    assert (outcomes(service), len(service.replies())) == ({"accepted": 2, "ignored": 1}, 2)


def test_what_has_only_the_message_id_in_common_is_another_message(service: World, once: Once) -> None:
    service.send(a_form("first"), Message_ID=SAME)
    once()
    service.send(a_form("second"), Message_ID=SAME)
    service.send(a_form("second", number=2), Message_ID=SAME, sender="head@elsewhere.test")
    once()

    assert service.shown(forms.upn(1)) == {"Art": "second"}
    assert outcomes(service) == {"accepted": 2, "held": 1}
    assert [to for to, _ in service.replies()] == [OFFICE, OFFICE, "head@elsewhere.test"]


def test_a_spoof_that_carries_a_later_messages_message_id_keeps_it_from_nothing(service: World, once: Once) -> None:
    form = a_form("B")
    service.send(form, Message_ID=SAME, From=f"{OFFICE}, someone@elsewhere.test")
    once()
    assert (folders(service), service.replies()) == ({"Quarantine": 1}, [])

    service.send(form, Message_ID=SAME)
    once()

    assert outcomes(service) == {"accepted": 1, "quarantined": 1}
    assert [to for to, _ in service.replies()] == [OFFICE]
    assert service.shown(forms.upn(1)) == {"Art": "B"}


def test_a_spoof_of_what_was_settled_is_quarantined_and_not_taken_for_it(service: World, once: Once) -> None:
    form = a_form("B")
    service.send(form, Message_ID=SAME)
    once()
    service.send(form, Message_ID=SAME, From=f"{OFFICE}, someone@elsewhere.test")
    once()
    assert outcomes(service) == {"accepted": 1, "quarantined": 1}
    assert len(service.replies()) == 1


def test_a_spoof_that_the_operator_lets_through_leaves_the_real_message_as_it_is(service: World, once: Once) -> None:
    service.send(a_form("forged"), Message_ID=SAME, From=f'"someone@elsewhere.test" <{OFFICE}>')
    once()
    [spoof] = service.ask("held")
    service.send(a_form("real"), Message_ID=SAME)
    once()

    service.verb("approve", spoof["reference"])
    once()

    assert service.shown(forms.upn(1)) == {"Art": "real"}


def test_a_quarantined_message_that_comes_again_makes_nothing_known(service: World, once: Once) -> None:
    form = a_form("B")
    for _ in range(2):
        service.send(form, Message_ID=SAME, From=f"{OFFICE}, someone@elsewhere.test", Received="by another way")
        once()
    assert outcomes(service) == {"quarantined": 2}


def test_a_message_that_was_gone_before_it_was_processed_is_processed_when_it_comes_again(
    service: World, once: Once, person: IMAPClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = a_form("B")
    service.send(form, Message_ID=SAME)
    with monkeypatch.context() as patch:
        patch.setattr("planit_mailer.domain.policy.rules.judge", lambda *_: 1 / 0)
        once()
    expunge_first(person)
    service.send(form, Message_ID=SAME, Received="by another way")
    once()

    assert service.shown(forms.upn(1)) == {"Art": "B"}
    assert len(service.replies()) == 1

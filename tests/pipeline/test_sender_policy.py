"""Who may send: what is believed, held and quarantined, and whose learners a form may touch, on fakes."""

import pytest

from planit_mailer.domain.schools import School
from tests.support import forms
from tests.support.world import OFFICE, World

OURS = "mx.s-cool.test"
OPERATOR = "ops@s-cool.test"
STRANGER = "someone@elsewhere.test"


@pytest.fixture
def service(fakes: World) -> World:
    fakes.configure('unauthenticated = "accept"', f'trusted_authserv_ids = ["{OURS}"]')
    return fakes


def a_form(number: int, value: str = "B", **header: object) -> tuple[str, bytes]:
    learner = forms.learner(number, values=(value,))
    return (f"{number}.xlsx", forms.handbook(learners=[learner], headings=("Art",), **header))


def send(service: World, *files: tuple[str, bytes], sender: str = OFFICE, verdict: str = "pass", **more: str) -> str:
    """A message with the provider's verdict on top, looked at once; its Message-ID."""
    results = f"{OURS}; dmarc={verdict} header.from={sender.rpartition('@')[2]}"
    sent = service.send(*files, sender=sender, Authentication_Results=results, **more)
    service.once()
    return sent


def reference(service: World, sent: str) -> str:
    return str(service.explain(sent)["reference"])


def recipients(service: World) -> list[str]:
    return [to for to, _ in service.replies()]


def senders(service: World) -> set[str]:
    with service.store() as store, store.reading() as reading:
        return {value for entry in reading.schools() for value in entry.senders}


def add_school(service: World, name: str, postcode: str, *values: str) -> School:
    with service.store() as store, store.transaction() as transaction:
        school = transaction.add_school(name, postcode)
        for value in values:
            transaction.allow(school, value)
    return school


# ── quarantined ──


def test_a_spoof_of_a_registered_sender_is_told_at_once_and_answered_only_once_approved(service: World) -> None:
    sent = send(service, a_form(1), verdict="fail")
    told = service.explain(sent)
    assert (told["outcome"], told["reason"]) == ("quarantined", f"{OURS} says dmarc=fail")
    assert told["due_at"], "the 48 hours run"
    assert recipients(service) == [OPERATOR]

    service.verb("approve", told["reference"])
    service.once()

    assert service.explain(sent)["outcome"] == "accepted"
    assert recipients(service) == [OPERATOR, OFFICE]
    assert senders(service) == {OFFICE}


def test_retrying_a_quarantined_message_does_not_make_it_believed(service: World) -> None:
    sent = send(service, a_form(1), verdict="fail")
    service.verb("retry", reference(service, sent))
    service.once()
    assert service.explain(sent)["outcome"] == "quarantined"
    assert service.shown(forms.upn(1)) is None


def test_to_a_spoofed_address_that_nobody_registered_nothing_is_sent_even_when_approved(service: World) -> None:
    spoofs = [send(service, *files, sender=STRANGER, verdict="fail") for files in ((a_form(1),), ())]
    assert recipients(service) == []

    for sent in spoofs:
        said = service.verb("approve", reference(service, sent))
        assert "proceeds" in said
    service.once()

    assert [service.explain(sent)["outcome"] for sent in spoofs] == ["held", "ignored"]
    assert "may be forged" in service.explain(spoofs[0])["unanswered"]
    assert recipients(service) == []
    assert senders(service) == {OFFICE}

    service.verb("approve", reference(service, spoofs[0]), "--school", "ZZ9 9ZZ")
    service.once()
    assert service.explain(spoofs[0])["outcome"] == "accepted", "the operator vouched for it, and it is registered now"
    assert recipients(service) == [STRANGER]


def test_nobody_can_vouch_for_a_message_with_several_senders(service: World) -> None:
    sent = send(service, a_form(1), From=f"{OFFICE}, {STRANGER}")
    said = service.verb("approve", reference(service, sent), "--school", "ZZ9 9ZZ", expect=1)
    assert "several From addresses" in said
    assert senders(service) == {OFFICE}


def test_a_refused_spoof_is_deleted_without_an_answer(service: World) -> None:
    sent = send(service, a_form(1), verdict="fail")
    service.verb("refuse", reference(service, sent))
    service.once()
    told = service.explain(sent)
    assert (told["outcome"], bool(told["mail_deleted_at"]), recipients(service)) == ("ignored", True, [OPERATOR])
    assert service.post.folder("Quarantine") == 0


@pytest.mark.parametrize("verdict", ["pass", "fail"])
def test_a_denied_sender_is_ignored_whether_it_was_held_or_quarantined(service: World, verdict: str) -> None:
    send(service, a_form(1), sender=STRANGER, verdict=verdict)
    before = recipients(service)
    service.verb("senders", "deny", STRANGER)

    later = send(service, a_form(2), sender=STRANGER, verdict=verdict)

    assert service.explain(later)["outcome"] == "ignored"
    assert recipients(service) == before


# ── held ──


def test_what_is_held_proceeds_with_its_clock_from_its_senders_registration_on(service: World) -> None:
    sent = send(service, a_form(1), sender=STRANGER)
    assert (service.explain(sent)["outcome"], service.explain(sent)["due_at"]) == ("held", None)

    assert "Say the school" in service.verb("approve", reference(service, sent), expect=1)
    service.verb("senders", "allow", STRANGER, "--school", "ZZ9 9ZZ")
    service.verb("approve", reference(service, sent))
    service.once()

    told = service.explain(sent)
    assert (told["outcome"], told["verdicts"]["released"]) == ("accepted", False)
    assert told["due_at"] > told["received_at"]
    assert recipients(service) == [STRANGER, STRANGER]


def test_a_strangers_form_leaves_nothing_but_a_receipt(service: World) -> None:
    secret = "Only-In-The-Form"
    named = (f"{secret}.xlsx", a_form(1, value=secret)[1])
    send(service, named, sender=STRANGER, Subject=secret)
    with service.store() as store:
        store.forget_pages()
    kept = b"".join(path.read_bytes() for path in service.folder.glob("planit.db*"))
    assert secret.encode() not in kept
    assert service.shown(forms.upn(1)) is None
    assert service.explain(service_latest(service))["uploads"] == []


def service_latest(service: World) -> str:
    with service.store() as store, store.reading() as reading:
        story = reading.story(reading.latest())
    assert story
    return story.message_id


# ── whose learners ──


def test_everyone_at_a_registered_domain_may_send_and_nobody_below_or_beside_it(service: World) -> None:
    add_school(service, "Riverside Academy", "ZZ8 8ZZ", "riverside.test")
    riverside = {"school": "Riverside Academy", "postcode": "ZZ8 8ZZ"}
    outcomes = {
        sender: service.explain(send(service, a_form(n, **riverside), sender=sender))["outcome"]
        for n, sender in enumerate(("jo@riverside.test", "jo@mail.riverside.test", "jo@notriverside.test"))
    }
    assert list(outcomes.values()) == ["accepted", "held", "held"]


def test_whatever_a_form_claims_another_schools_learners_are_not_touched(service: World) -> None:
    other = add_school(service, "Riverside Academy", "ZZ8 8ZZ", "office@riverside.test")
    riverside = {"school": "Riverside Academy", "postcode": "ZZ8 8ZZ"}
    send(service, a_form(1, "theirs", **riverside), sender="office@riverside.test")

    by_postcode = send(service, a_form(1, "claimed", **riverside))
    by_name = send(service, a_form(1, "named", school="Riverside Academy"))

    [problem] = service.explain(by_postcode)["uploads"][0]["problems"]
    assert problem["code"] == "school-not-yours"
    assert service.explain(by_name)["uploads"][0]["school_name"] == "Greenfield School", "the postcode decides"
    with service.store() as store, store.reading() as reading:
        theirs = reading.page(forms.upn(1), other)
    assert theirs
    assert [field.value for field in theirs.fields] == ["theirs"]


def test_a_trust_sends_for_all_its_schools_in_one_message(service: World) -> None:
    add_school(service, "Riverside Academy", "ZZ8 8ZZ", OFFICE)
    sent = send(service, a_form(1), a_form(2, school="Riverside Academy", postcode="ZZ8 8ZZ"))
    assert [u["school_name"] for u in service.explain(sent)["uploads"]] == ["Greenfield School", "Riverside Academy"]
    assert recipients(service) == [OFFICE]


# ── machines ──


def test_a_form_in_an_automatic_message_is_applied_and_confirmed_by_a_new_one(service: World) -> None:
    sent = send(service, a_form(1), Auto_Submitted="auto-generated")
    assert service.explain(sent)["outcome"] == "accepted"
    [(to, answer)] = service.replies()
    assert (to, answer["Auto-Submitted"], answer["In-Reply-To"]) == (OFFICE, "auto-generated", None)


def test_replies_go_to_the_from_address_and_nowhere_else(service: World) -> None:
    send(service, a_form(1), Reply_To=STRANGER, Cc=STRANGER, Sender=STRANGER)
    [(to, answer)] = service.replies()
    assert (to, answer["To"], answer["Cc"]) == (OFFICE, OFFICE, None)


@pytest.mark.parametrize(("name", "outcome"), [("form.csv", "held"), ("form.TSV", "held"), ("notes.txt", "ignored")])
def test_a_strangers_plain_text_waits_for_the_operator_where_it_has_a_tables_name(
    service: World, name: str, outcome: str
) -> None:
    sent = send(service, (name, b"First name,Learner Surname\r\n"), sender="deputy@elsewhere.test")
    assert service.explain(sent)["outcome"] == outcome

"""The story, with a real mailbox and a real store: what is known, what is decided, and what if we are wrong."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from imapclient import IMAPClient
from openpyxl import load_workbook

from planit_mailer.cli.demo import servers
from planit_mailer.core.errors import Unavailable
from planit_mailer.domain.policy import rules
from tests.support import forms, world
from tests.support.builders import an_email
from tests.support.world import OFFICE, World, text_of


@pytest.fixture
def service(fakes: World) -> World:
    return fakes


@pytest.fixture
def served(tmp_path: Path) -> Iterator[World]:
    """The same on real servers, for what is about them."""
    with servers.running("data@s-cool.test", "pw") as post:
        yield world.make(tmp_path, post)


def a_form(*learners: int, school: str = forms.SCHOOL, postcode: str = forms.POSTCODE, value: str = "B") -> bytes:
    rows = [forms.learner(number, values=(value,)) for number in learners]
    return forms.handbook(learners=rows, headings=("Art",), school=school, postcode=postcode)


@pytest.fixture
def imap(served: World) -> Iterator[IMAPClient]:
    """The mailbox as a person's mail program has it open."""
    with IMAPClient("127.0.0.1", served.post.imap_port, ssl=False) as client:
        client.login(served.post.address, "pw")
        yield client


# ── what means nothing ──


def test_that_a_person_has_opened_a_message_means_nothing(served: World, imap: IMAPClient) -> None:
    served.send(("1.xlsx", a_form(1)))
    imap.select_folder("INBOX")
    imap.add_flags(imap.search(), [b"\\Seen"], silent=True)

    served.once()

    assert served.shown(forms.upn(1)) == {"Art": "B"}


# ── when we are wrong ──


def test_an_error_of_ours_is_tried_three_times_and_delays_nobody_else(
    served: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = rules.judge

    def judge(letter: rules.Letter, *more: object) -> object:
        if letter.message.message_id == "<bad@greenfield.test>":
            raise RuntimeError("a mistake of ours")
        return real(letter, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(rules, "judge", judge)
    bad = served.send(("1.xlsx", a_form(1)), Message_ID="<bad@greenfield.test>")
    served.send(("2.xlsx", a_form(2)))

    served.once()
    assert served.shown(forms.upn(2)) == {"Art": "B"}
    assert served.explain(bad)["outcome"] is None
    served.once()
    assert served.explain(bad)["outcome"] is None
    served.once()

    told = served.explain(bad)
    assert (told["outcome"], told["folder"], told["attempts"]) == ("quarantined", "Quarantine", 3)
    assert told["due_at"], "its 48 hours run on"
    assert [to for to, _ in served.replies()] == [OFFICE, "ops@s-cool.test"]

    monkeypatch.undo()
    served.verb("retry", told["reference"])
    served.once()
    assert served.shown(forms.upn(1)) == {"Art": "B"}
    assert served.explain(bad)["folder"] == "Processed"


def test_while_the_relay_is_away_everything_else_is_done(served: World) -> None:
    served.configure(f"port = {served.post.smtp_port}", "port = 1")
    served.post.send(an_email(OFFICE, attachments=(("1.xlsx", a_form(1)),)), OFFICE, served.post.address)

    with pytest.raises(Unavailable, match=r"relay at 127\.0\.0\.1:1"):
        served.once()

    assert served.shown(forms.upn(1)) == {"Art": "B"}
    assert served.post.folder("Processed") == 1


def test_a_message_beyond_the_limit_is_answered_without_being_fetched(service: World) -> None:
    service.configure("[service]", '[limits]\nmessage = "10KB"\n[service]')
    sent = service.send(("1.xlsx", b"PK\3\4" + bytes(20_000)))

    service.once()

    [(to, answer)] = service.replies()
    assert to == OFFICE
    assert "We cannot take an email that is so large" in text_of(answer).replace("\n   ", " ")
    assert service.explain(sent)["outcome"] == "rejected"


# ── who may send ──


def test_a_school_that_its_provider_vouches_for_is_believed(service: World) -> None:
    service.configure('unauthenticated = "accept"', 'trusted_authserv_ids = ["mx.s-cool.test"]')
    results = "mx.s-cool.test; dkim=pass header.d=greenfield.test; dmarc=pass header.from=greenfield.test"
    sent = service.send(("1.xlsx", a_form(1)), Authentication_Results=results)
    forged = service.send(("2.xlsx", a_form(2)), Authentication_Results=results.replace("=pass", "=fail"))
    service.once()

    told = service.explain(sent)
    assert (told["outcome"], told["verdicts"]["why"]) == (
        "accepted",
        "mx.s-cool.test says dmarc=pass for greenfield.test",
    )
    assert (service.explain(forged)["outcome"], service.shown(forms.upn(2))) == ("quarantined", None)


def test_who_is_not_believed_is_quarantined_and_approved_once(service: World) -> None:
    service.configure('unauthenticated = "accept"', 'unauthenticated = "quarantine"')
    sent = service.send(("1.xlsx", a_form(1)))
    service.once()
    told = service.explain(sent)
    assert (told["outcome"], told["folder"]) == ("quarantined", "Quarantine")
    assert [to for to, _ in service.replies()] == ["ops@s-cool.test"], "its From is a registered sender"

    service.verb("approve", told["reference"])
    service.once()

    told = service.explain(sent)
    assert told["outcome"] == "accepted"
    assert told["verdicts"]["why"].startswith("released by the operator; before that: no trusted mail server")
    assert [to for to, _ in service.replies()] == ["ops@s-cool.test", OFFICE]
    again = service.send(("2.xlsx", a_form(2)))
    service.once()
    assert service.explain(again)["outcome"] == "quarantined"


def test_a_spoof_of_a_stranger_is_quarantined_in_silence(service: World) -> None:
    service.configure('unauthenticated = "accept"', 'unauthenticated = "quarantine"')
    sent = service.send(("1.xlsx", a_form(1)), sender="someone@elsewhere.test")
    service.once()
    assert service.explain(sent)["outcome"] == "quarantined"
    assert service.replies() == []


def test_several_from_addresses_are_never_believed(service: World) -> None:
    sent = service.send(("1.xlsx", a_form(1)), From=f"{OFFICE}, someone@elsewhere.test")
    service.once()
    assert service.explain(sent)["outcome"] == "quarantined"
    assert service.shown(forms.upn(1)) is None


def test_a_denied_sender_is_ignored_without_an_answer(service: World) -> None:
    service.verb("senders", "deny", "someone@elsewhere.test")
    sent = service.send(("1.xlsx", a_form(1)), sender="someone@elsewhere.test")
    service.once()
    assert (service.explain(sent)["outcome"], service.replies()) == ("ignored", [])


def test_a_stranger_gets_one_held_reply_and_their_messages_proceed_in_order(service: World) -> None:
    stranger = "head@greenfield.test"
    for value in ("first", "second"):
        service.send((f"{value}.xlsx", a_form(1, value=value)), sender=stranger)
    service.once()
    assert [to for to, _ in service.replies()] == [stranger]
    first, second = service.ask("held")

    service.verb("approve", second["reference"], "--school", "ZZ9 9ZZ")
    service.once()

    assert service.ask("held") == []
    assert service.shown(forms.upn(1)) == {"Art": "second"}
    assert [to for to, _ in service.replies()] == [stranger] * 3
    assert first["received_at"] <= second["received_at"]


def test_the_postcode_says_which_of_the_senders_schools_a_form_is_for(service: World) -> None:
    with service.store() as store, store.transaction() as transaction:
        other = transaction.add_school("Riverside Academy", "ZZ8 8ZZ")
        transaction.allow(other, OFFICE)
    service.send(("1.xlsx", a_form(1, school="Riverside Academy", postcode="zz88zz")))
    service.send(("2.xlsx", a_form(2)))
    service.once()

    assert service.ask("show", forms.upn(1))["school"] == {"name": "Riverside Academy", "postcode": "ZZ8 8ZZ"}
    assert service.ask("show", forms.upn(2))["school"] == {"name": "Greenfield School", "postcode": "ZZ9 9ZZ"}


def test_nobody_can_send_for_a_school_that_is_not_theirs(service: World) -> None:
    with service.store() as store, store.transaction() as transaction:
        transaction.add_school("Riverside Academy", "ZZ8 8ZZ")
    sent = service.send(("1.xlsx", a_form(1, school="Riverside Academy", postcode="ZZ8 8ZZ")))
    service.once()
    [upload] = service.explain(sent)["uploads"]
    assert [(problem["code"], problem["cells"]) for problem in upload["problems"]] == [("school-not-yours", ["B3"])]
    assert service.shown(forms.upn(1)) is None


def test_a_form_in_a_forwarded_message_is_not_opened(service: World) -> None:
    forwarded = an_email(OFFICE, attachments=(("1.xlsx", a_form(1)),))
    raw = (
        f"From: {OFFICE}\r\nTo: data@s-cool.test\r\nMessage-ID: <f@greenfield.test>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: message/rfc822\r\n\r\n"
    ).encode() + forwarded
    service.post.send(raw, OFFICE, service.post.address)
    service.once()
    assert service.explain("<f@greenfield.test>")["outcome"] == "ignored"
    assert service.shown(forms.upn(1)) is None


# ── who is it? ──


def test_another_child_under_a_known_upin_is_applied_only_after_a_telephone_call(service: World) -> None:
    service.send(("1.xlsx", a_form(1)))
    service.once()
    other = forms.learner(2, upin=forms.upn(1), values=("C",))
    sent = service.send(("2.xlsx", forms.handbook(learners=[other], headings=("Art",))))
    service.once()
    assert service.explain(sent)["outcome"] == "rejected"
    assert service.shown(forms.upn(1)) == {"Art": "B"}

    service.verb("retry", service.explain(sent)["reference"], "--accept-identities")
    service.once()

    assert service.explain(sent)["outcome"] == "accepted"
    assert service.shown(forms.upn(1)) == {"Art": "C"}


def test_of_two_forms_in_one_message_the_second_replaces_the_first(service: World) -> None:
    service.send(("1.xlsx", a_form(1, 2, value="first")), ("2.xlsx", a_form(1, value="second")))
    service.once()
    assert service.shown(forms.upn(1)) == {"Art": "second"}
    assert service.shown(forms.upn(2)) == {"Art": "first"}
    assert len(service.replies()) == 1


# ── what the operator asks ──


def test_what_happened_to_the_email_that_greenfield_sent_on_tuesday(service: World) -> None:
    service.send(("1.xlsx", a_form(1)))
    service.once()
    today = forms.TODAY.isoformat()
    for who in ("Greenfield School", "zz9 9zz", OFFICE):
        [told] = service.ask("explain", "--from", who, "--on", today)
        assert (told["outcome"], told["uploads"][0]["school_name"]) == ("accepted", "Greenfield School")
    service.verb("explain", "--from", "Riverside Academy", expect=1)
    service.verb("explain", "--from", OFFICE, "--on", "2020-01-01", expect=1)


def test_a_typing_error_does_not_look_like_a_denial(service: World) -> None:
    assert "neither a mail address nor a domain" in service.verb("senders", "deny", "not an address", expect=2)
    assert service.ask("senders", "list") == [{"sender": OFFICE, "school": "Greenfield School", "id": "900001"}]


def test_facts_are_not_cut_where_they_go_into_a_pipe(service: World) -> None:
    sender = "a-rather-long-name-of-somebody-who-writes@quite-a-long-domain-of-a-school.test"
    service.send(("1.xlsx", a_form(1)), sender=sender)
    service.once()
    [told] = service.ask("held")
    printed = service.verb("held")
    assert sender in printed
    assert told["received_at"] in printed


# ── what comes beside a form, or instead of it ──


def test_a_damaged_file_beside_a_form_does_not_keep_it_from_being_applied(service: World) -> None:
    damaged = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000)
    sent = service.send(("thumbs.db", damaged), ("1.xlsx", a_form(1)))
    service.once()
    assert service.explain(sent)["outcome"] == "accepted"
    assert "Passed over: thumbs.db." in text_of(service.replies()[0][1])


def test_a_workbook_without_a_form_beside_one_with_a_form_is_passed_over_in_a_line(service: World) -> None:
    timetable = forms.workbook({"A1": "Timetable"})
    sent = service.send(("timetable.xlsx", timetable), ("1.xlsx", a_form(1)))
    service.once()
    assert service.explain(sent)["outcome"] == "accepted"
    assert "Passed over: timetable.xlsx (there is no form in it)." in " ".join(text_of(service.replies()[0][1]).split())


def test_a_form_behind_hundreds_of_pictures_is_found(service: World) -> None:
    pictures = [(f"{n}.png", b"\x89PNG\r\n\x1a\n" + str(n).encode()) for n in range(300)]
    sent = service.send(*pictures, ("1.xlsx", a_form(1)))
    service.once()
    assert service.explain(sent)["outcome"] == "accepted"


def test_of_schools_that_share_a_postcode_the_name_must_say_which(service: World) -> None:
    with service.store() as store, store.transaction() as transaction:
        transaction.allow(transaction.add_school("Riverside Academy", "ZZ9 9ZZ"), OFFICE)
    sent = service.send(("1.xlsx", a_form(1, school="Somewhere else")))
    service.once()
    [upload] = service.explain(sent)["uploads"]
    assert [(p["code"], p["cells"]) for p in upload["problems"]] == [("school-name-unclear", ["B2"])]


def test_help_says_that_a_forwarded_email_arrived(service: World) -> None:
    forwarded = an_email(OFFICE, attachments=(("1.xlsx", a_form(1)),))
    raw = (
        f"From: {OFFICE}\r\nTo: data@s-cool.test\r\nMessage-ID: <f@greenfield.test>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n'
    ).encode()
    service.post.send(raw + forwarded + b"\r\n--b--\r\n", OFFICE, service.post.address)
    service.once()
    assert "a forwarded email: take the workbook out of it" in " ".join(text_of(service.replies()[0][1]).split())


# ── the workbook that goes back ──


def test_the_report_brings_the_schools_own_workbook_which_is_accepted_once_it_is_put_right(service: World) -> None:
    wrong = forms.learner(1, dob="31/02/2011")
    service.send(("learners.xlsx", forms.handbook(learners=[wrong, forms.learner(2)])))
    service.once()
    [(_, answer)] = service.replies()
    [back] = list(answer.iter_attachments())
    assert str(back.get_filename()).startswith("PM-")
    book = load_workbook(BytesIO(back.get_payload(decode=True)))
    assert book.sheetnames[0] == "Problems"
    cell = book.worksheets[1]["E12"]
    assert "DOB must be a real date" in cell.comment.text

    cell.value = forms.born(10)
    out = BytesIO()
    book.save(out)
    sent = service.send(("corrected.xlsx", out.getvalue()))
    service.once()

    assert service.explain(sent)["outcome"] == "accepted"
    assert service.shown(forms.upn(1))


def test_what_only_the_store_knows_is_painted_too(service: World) -> None:
    service.send(("1.xlsx", a_form(1)))
    service.once()
    other = forms.learner(2, upin=forms.upn(1))
    service.send(("2.xlsx", forms.handbook(learners=[other])))
    service.once()
    [back] = list(service.replies()[-1][1].iter_attachments())
    book = load_workbook(BytesIO(back.get_payload(decode=True)))
    assert "earlier upload may be the wrong one" in book.worksheets[1]["C12"].comment.text


def test_no_workbook_goes_back_where_that_is_switched_off(service: World) -> None:
    service.configure("[service]", "[service]\nreturn_workbook = false")
    service.send(("1.xlsx", forms.handbook(learners=[forms.learner(1, year="99")])))
    service.once()
    assert list(service.replies()[0][1].iter_attachments()) == []

"""Over real sockets: SMTP in → IMAP → SQL → SMTP out, on the embedded servers and on Dovecot."""

from pathlib import Path

import pytest

from planit_mailer.app.jobs import serving
from planit_mailer.cli.demo.servers import MailServers
from tests.support import forms, world
from tests.support.mailservers import DovecotPost
from tests.support.postgres import Postgres
from tests.support.world import OFFICE, World, text_of


@pytest.fixture
def service(tmp_path: Path, post: MailServers) -> World:
    return world.make(tmp_path, post)


def learner(number: int, **changes: object) -> dict[str, object]:
    return forms.learner(number, **changes)


def test_a_good_form_is_applied_confirmed_and_filed(service: World) -> None:
    upin = forms.upn(1)
    sent = service.send(
        ("autumn.xlsx", forms.handbook(learners=[learner(1, values=("B", "95.3%"))], headings=("Art", "Attendance")))
    )

    service.once()

    [(to, answer)] = service.replies()
    page = service.ask("show", upin)
    told = service.ask("explain", "--message-id", sent)
    assert to == OFFICE
    assert "1 learner updated" in str(answer["Subject"])
    assert answer["In-Reply-To"] == sent
    assert answer["Auto-Submitted"] == "auto-replied"
    assert page["fields"] == [{"heading": "Art", "value": "B"}, {"heading": "Attendance", "value": "95.3%"}]
    assert told["outcome"] == "accepted"
    assert told["folder"] == "Processed"
    assert service.post.folder("INBOX") == 0
    assert service.post.folder("Processed") == 1


def test_a_form_with_mistakes_changes_nothing_and_names_the_cells(service: World) -> None:
    service.send(("autumn.xlsx", forms.handbook(learners=[learner(1), learner(2, dob="31/02/2011")])))

    service.once()

    [(_, answer)] = service.replies()
    assert "nothing was changed" in str(answer["Subject"])
    assert "E13" in text_of(answer)
    service.verb("show", forms.upn(1), expect=1)
    assert service.ask("status")["messages"]["rejected"] == 1


def test_of_two_workbooks_the_good_one_is_applied_and_one_reply_says_so_first(service: World) -> None:
    good = forms.handbook(learners=[learner(1)])
    bad = forms.handbook(learners=[learner(2, year="99")])
    service.send(("good.xlsx", good), ("bad.xlsx", bad))

    service.once()

    [(_, answer)] = service.replies()
    first = text_of(answer).lstrip().splitlines()
    assert first[0] == "1 OF 2 FILES WAS APPLIED"
    assert first[2:4] == ["- good.xlsx: applied", "- bad.xlsx: not applied, nothing in it was changed"]
    service.ask("show", forms.upn(1))
    service.verb("show", forms.upn(2), expect=1)


def test_a_second_upload_leaves_nothing_of_the_first_and_touches_nobody_else(service: World) -> None:
    first = forms.handbook(learners=[learner(1, values=("old",)), learner(2, values=("kept",))], headings=("Art",))
    second = forms.handbook(learners=[learner(1, values=("new",))], headings=("Music",))
    service.send(("1.xlsx", first))
    service.send(("2.xlsx", second))

    service.once()

    assert service.ask("show", forms.upn(1))["fields"] == [{"heading": "Music", "value": "new"}]
    assert service.ask("show", forms.upn(2))["fields"] == [{"heading": "Art", "value": "kept"}]
    assert service.post.folder("Processed") == 1, "the superseded message is deleted"


def test_a_message_without_a_spreadsheet_gets_the_blank_form(service: World) -> None:
    service.send()

    service.once()

    [(_, answer)] = service.replies()
    assert "no spreadsheet" in str(answer["Subject"])
    assert [part.get_filename() for part in answer.iter_attachments()] == ["plan-it-school-data-form.xlsx"]


def test_a_strangers_form_is_held_until_the_operator_approves_and_does_not_overwrite_newer_data(service: World) -> None:
    stranger = "deputy@greenfield.test"
    service.send(
        ("old.xlsx", forms.handbook(learners=[learner(1, values=("old",)), learner(2, values=("old",))])),
        sender=stranger,
    )
    service.once()
    service.send(("new.xlsx", forms.handbook(learners=[learner(1, values=("new",))])))
    service.once()
    [waiting] = service.ask("held")
    assert waiting["from"] == stranger

    service.verb("approve", waiting["reference"], "--school", "zz99zz")
    service.once()

    assert service.ask("show", forms.upn(1))["fields"][0]["value"] == "new"
    assert service.ask("show", forms.upn(2))["fields"][0]["value"] == "old"
    assert service.ask("held") == []
    to, answer = service.replies()[-1]
    assert to == stranger
    assert "1 of them was passed over" in text_of(answer)


def test_a_refused_message_is_deleted_without_an_answer(service: World) -> None:
    service.send(("form.xlsx", forms.handbook(learners=[learner(1)])), sender="someone@elsewhere.test")
    service.once()
    [waiting] = service.ask("held")

    service.verb("refuse", waiting["reference"])
    service.once()

    assert len(service.replies()) == 1, "the held reply alone"
    assert service.post.folder("Held") == 0
    assert service.ask("explain", waiting["reference"])["outcome"] == "ignored"


def test_a_machines_form_is_applied_and_confirmed_in_a_new_message(service: World) -> None:
    service.send(("form.xlsx", forms.handbook(learners=[learner(1)])), Auto_Submitted="auto-generated")

    service.once()

    [(_, answer)] = service.replies()
    assert answer["Auto-Submitted"] == "auto-generated"
    assert answer["In-Reply-To"] is None
    service.ask("show", forms.upn(1))


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("learners.xlsx", b"\x89PNG\r\n\x1a\n" + bytes(64), "picture"),
        ("learners.xlsx", b"", "empty"),
        ("learners.xlsx", forms.handbook(learners=[]), "learner"),
    ],
    ids=["a renamed picture", "an empty file", "no rows"],
)
def test_a_file_that_holds_no_learners_is_rejected_with_the_reason(
    service: World, name: str, data: bytes, says: str
) -> None:
    service.send((name, data))

    service.once()

    [(_, answer)] = service.replies()
    assert "nothing was changed" in str(answer["Subject"])
    assert says in text_of(answer)
    assert service.ask("status")["messages"]["rejected"] == 1


def test_a_message_delivered_twice_is_answered_once(service: World) -> None:
    form = ("form.xlsx", forms.handbook(learners=[learner(1)]))
    service.send(form, Message_ID="<once@greenfield.test>")
    service.send(form, Message_ID="<once@greenfield.test>")

    service.once()

    assert len(service.replies()) == 1
    assert service.ask("status")["messages"] == {
        "accepted": 1,
        "rejected": 0,
        "held": 0,
        "ignored": 1,
        "quarantined": 0,
    }


def test_a_wrong_password_is_said_with_the_servers_words_and_exits_3(service: World) -> None:
    (service.folder / "mailbox.password").write_text("wrong\n")

    said = service.verb("once", expect=3)

    assert "refused the login of data@s-cool.test" in said


def test_missing_rights_to_a_folder_are_said_and_delay_nobodys_answer(
    tmp_path: Path, dovecot_post: DovecotPost
) -> None:
    service = world.make(tmp_path, dovecot_post)
    service.once()  # makes the folders
    acl = dovecot_post.server.folder(dovecot_post.address, "Processed") / "dovecot-acl"
    acl.write_text("owner lr\n")
    for number in (1, 2):
        service.send((f"{number}.xlsx", forms.handbook(learners=[learner(number)])))

    said = service.verb("once", expect=3)
    assert 'did not file a message in the folder "Processed"' in said
    acl.write_text("owner lrwstipekxa\n")
    service.once()

    assert len(service.replies()) == 2
    assert service.post.folder("Processed") == 2
    assert service.ask("status")["messages"]["accepted"] == 2


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_the_journey_is_the_same_on_postgresql(tmp_path: Path, post: MailServers, postgresql: Postgres) -> None:
    service = world.make(tmp_path, post, postgresql.new_database(tables=True))
    service.send(("1.xlsx", forms.handbook(learners=[learner(1, values=("old",)), learner(2, values=("kept",))])))
    service.send(("2.xlsx", forms.handbook(learners=[learner(1, values=("new",))])))

    service.once()

    assert service.ask("show", forms.upn(1))["fields"][0]["value"] == "new"
    assert service.ask("show", forms.upn(2))["fields"][0]["value"] == "kept"
    assert len(service.replies()) == 2


def test_an_unknown_key_is_named_and_exits_2(service: World) -> None:
    with service.config_file.open("a") as file:
        file.write("[service2]\nx = 1\n")

    assert "service2: there is no such key" in service.verb("once", expect=2)


def test_a_second_daemon_on_the_same_database_says_so_and_exits_3(service: World) -> None:
    with serving(service.settings):
        assert "another" in service.verb("once", expect=3)

"""The right to erasure, as the operator uses it: what goes, what stays, and a receipt that names nobody."""

import io
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from imapclient import IMAPClient

from planit_mailer.app import jobs
from planit_mailer.cli.demo import servers
from planit_mailer.cli.demo.servers import MailServers
from tests.support import forms, world
from tests.support.world import World


@pytest.fixture
def service(fakes: World) -> World:
    return fakes


@pytest.fixture
def served(tmp_path: Path) -> Iterator[World]:
    """The same on real servers, for what is about them."""
    with servers.running("data@s-cool.test", "pw") as post:
        yield world.make(tmp_path, post)


def a_form(*learners: int, dob: str = "17/05/2012") -> bytes:
    return forms.handbook(learners=[forms.learner(n, values=("MARKED",), dob=dob) for n in learners], headings=("Art",))


def bytes_hold(service: World, text: str) -> bool:
    return any(text.encode() in path.read_bytes() for path in service.folder.glob("planit.db*"))


def test_a_learner_is_erased_with_the_mail_that_held_them(service: World) -> None:
    service.send(("1.xlsx", a_form(1, 2)))
    service.once()
    assert bytes_hold(service, forms.upn(1))

    receipt = service.ask("erase", "--upin", forms.upn(1).lower(), "--yes")

    assert re.fullmatch(r"ER-[0-9A-F]{8}", receipt["reference"])
    assert receipt["erased_at"].endswith("Z")
    assert (receipt["learners"], receipt["messages"], receipt["replies"]) == (1, 1, 0)
    assert forms.upn(1) not in str(receipt)
    assert service.shown(forms.upn(1)) is None
    assert service.shown(forms.upn(2)) == {"Art": "MARKED"}
    assert service.post.folder("Processed") == 0
    assert not bytes_hold(service, forms.upn(1))


def test_a_school_is_erased_with_rejected_mail_and_stays_registered(service: World) -> None:
    service.send(("1.xlsx", a_form(1, 2)))
    service.once()
    service.send(("2.xlsx", a_form(3, dob="31/02/2011")))
    service.once()
    assert service.post.folder("Rejected") == 1

    receipt = service.ask("erase", "--school", "zz99zz", "--yes")

    assert (receipt["learners"], receipt["messages"]) == (2, 2)
    assert [service.post.folder(name) for name in ("Processed", "Rejected")] == [0, 0]
    assert "Greenfield" in service.verb("schools", "list")
    assert service.ask("status")["oldest_unanswered"] is None


def test_a_message_that_was_delivered_twice_goes_with_its_first_copy(service: World) -> None:
    twice, form = {"Message_ID": "<1@greenfield.test>"}, a_form(1)  # made once: a workbook holds its second
    for way in ("a", "b"):
        service.send(("1.xlsx", form), Received=f"by {way}", **twice)
    service.send(("2.xlsx", b"nothing like a spreadsheet"), Auto_Submitted="auto-replied")
    service.once()
    ignored = service.post.folder("Ignored")
    assert service.post.folder("Processed") == 1
    assert ignored >= 1

    service.ask("erase", "--upin", forms.upn(1), "--yes")

    assert service.post.folder("Processed") == 0
    assert service.post.folder("Ignored") == ignored - 1


def test_a_second_copy_goes_also_where_the_first_is_replaced(service: World) -> None:
    form = a_form(1)
    for way in ("a", "b"):
        service.send(("1.xlsx", form), Received=f"by {way}", Message_ID="<1@greenfield.test>")
    service.once()
    service.send(("2.xlsx", a_form(1)))
    service.once()
    assert [service.post.folder(name) for name in ("Processed", "Ignored")] == [1, 0]


def test_the_receipt_counts_what_nobody_has_opened(service: World) -> None:
    service.send(("1.xlsx", a_form(1)))
    service.send(("2.xlsx", a_form(1)), sender="someone@elsewhere.test")
    service.send(("3.xlsx", a_form(1)), From="office@greenfield.test, head@greenfield.test")
    service.once()
    assert [one["outcome"] for one in service.ask("held")] == ["held", "quarantined"]

    told = service.verb("erase", "--upin", forms.upn(1), "--yes")

    assert "Not looked into: 2 messages that nobody has opened" in told
    assert "planit-mailer held" in told
    assert service.ask("erase", "--school", "ZZ9 9ZZ", "--yes")["waiting"] == 2


@pytest.mark.parametrize("whom", [("--upin", forms.upn(1)), ("--school", "ZZ9 9ZZ")])
@pytest.mark.parametrize(("dob", "outcome"), [("17/05/2012", "accepted"), ("31/02/2011", "rejected")])
def test_a_message_that_waits_to_be_processed_once_more_is_erased_and_not_processed(
    service: World, whom: tuple[str, str], dob: str, outcome: str
) -> None:
    service.send(("1.xlsx", a_form(1)))
    twice, form = "<2@greenfield.test>", a_form(1, 2, dob=dob)
    service.send(("2.xlsx", form), Message_ID=twice, Received="by one way")
    service.once()
    reference = service.explain(twice)["reference"]
    service.send(("2.xlsx", form), Message_ID=twice, Received="by another")
    service.once()
    assert service.post.folder("Ignored") == 1
    service.verb("retry", reference)

    receipt = service.ask("erase", *whom, "--yes")
    service.once()

    assert receipt["waiting"] == 0
    assert service.shown(forms.upn(1)) is None
    assert [service.post.folder(name) for name in ("INBOX", "Processed", "Rejected", "Ignored")] == [0, 0, 0, 0]
    assert service.ask("explain", reference)["outcome"] == outcome
    assert len(service.replies()) == 2, "nobody hears of it once more"


def test_a_message_that_is_erased_while_it_waits_and_lies_nowhere_is_no_loss(served: World) -> None:
    sent = served.send(("1.xlsx", a_form(1)))
    served.once()
    served.verb("retry", served.explain(sent)["reference"])
    with IMAPClient("127.0.0.1", served.post.imap_port, ssl=False) as person:
        person.login(served.post.address, served.post.password)
        person.select_folder("Processed")
        person.delete_messages(person.search())
        person.expunge()

    served.ask("erase", "--upin", forms.upn(1), "--yes")
    served.once()
    served.once()

    assert served.explain(sent)["outcome"] == "accepted"
    assert len(served.replies()) == 1


def test_a_reply_that_waits_for_the_relay_is_dropped_with_its_workbook(served: World) -> None:
    served.send(("1.xlsx", a_form(1)))
    served.once()
    port = re.search(r"port = (\d+)", served.config_file.read_text().partition("[smtp]")[2])
    assert port
    served.configure(f"port = {port[1]}", "port = 1")
    served.send(("2.xlsx", a_form(2, dob="31/02/2011")))
    served.verb("once", expect=3)

    receipt = served.ask("erase", "--upin", forms.upn(1), "--yes")

    assert receipt["replies"] == 1
    assert served.ask("status")["outbox"] == {"pending": 0, "sent": 1, "failed": 1}


def test_so_is_one_about_mail_that_was_put_right_already(served: World) -> None:
    served.configure(f"port = {served.post.smtp_port}", "port = 1")
    for dob in ("31/02/2011", "17/05/2012"):
        served.send(("1.xlsx", a_form(1, dob=dob)))
        served.verb("once", expect=3)
    assert served.post.folder("Rejected") == 0

    receipt = served.ask("erase", "--upin", forms.upn(1), "--yes")

    assert receipt["replies"] == 2
    assert served.ask("status")["outbox"] == {"pending": 0, "sent": 0, "failed": 2}


def test_what_somebody_kept_from_leaving_the_files_is_out_of_them_after_the_daemons_next_round(service: World) -> None:
    with jobs.serving(service.settings) as served:
        service.send(("1.xlsx", a_form(1)))
        served.poll()
        with closing(sqlite3.connect(service.folder / "planit.db", isolation_level=None)) as backup:
            backup.execute("BEGIN")
            backup.execute("SELECT count(*) FROM learners").fetchone()
            service.ask("erase", "--upin", forms.upn(1), "--yes")
            served.forget()
        assert bytes_hold(service, forms.upn(1))

        served.forget()

        assert not bytes_hold(service, forms.upn(1))


@pytest.mark.parametrize("erased", [True, False])
def test_an_archive_that_nobody_opened_goes_with_the_form_that_is_accepted_or_erased(
    service: World, *, erased: bool
) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("1.xlsx", a_form(1))
    service.send(("1.xlsx", a_form(1)))
    service.send(("1.zip", archive.getvalue()))
    service.once()
    assert service.post.folder("Ignored") == 1

    if erased:
        service.ask("erase", "--upin", forms.upn(1), "--yes")
    else:
        service.send(("1.xlsx", a_form(1)))
        service.once()

    assert service.post.folder("Ignored") == 0


def test_nothing_is_erased_without_a_yes(service: World) -> None:
    service.send(("1.xlsx", a_form(1)))
    service.once()

    service.verb("erase", "--upin", forms.upn(1), expect=1)  # nobody answers

    assert service.shown(forms.upn(1)) == {"Art": "MARKED"}


def test_nothing_is_asked_where_nothing_could_be_erased(service: World) -> None:
    service.config_file.unlink()
    assert "?" not in service.verb("erase", "--upin", forms.upn(1), expect=2)


def test_one_of_a_thing_is_told_as_one(service: World) -> None:
    sent = service.send(("1.xlsx", a_form(1)))
    service.once()

    assert "heading row 11, 1 learner\n" in service.verb("explain", "--message-id", sent)
    told = service.verb("erase", "--upin", forms.upn(1), "--yes")
    assert (
        "erased 1 learner, with 1 filed message that the mailbox is to delete, and dropped 0 waiting replies." in told
    )


def test_an_unknown_learner_is_said_and_a_missing_choice_is_a_usage_error(service: World) -> None:
    unknown = service.verb("erase", "--upin", "X1", "--yes", expect=1)
    assert "No learner" in unknown
    assert "erase --school" in unknown
    assert "--school" in service.verb("erase", "--yes", expect=2)
    assert "No school" in service.verb("erase", "--school", "AA1 1AA", "--yes", expect=1)


def test_the_learners_are_gone_also_where_the_mailbox_is_away(served: World) -> None:
    served.send(("1.xlsx", a_form(1)))
    served.once()
    served.configure(f"port = {served.post.imap_port}", "port = 1")

    told = served.verb("erase", "--upin", forms.upn(1), "--yes", expect=3)

    assert "ER-" in told
    assert "away" in told
    assert served.shown(forms.upn(1)) is None


def test_rejected_mail_is_deleted_once_the_corrected_form_was_accepted(tmp_path: Path, post: MailServers) -> None:
    service = world.make(tmp_path, post)
    service.send(("1.xlsx", a_form(1, dob="31/02/2011")))
    service.send(("2.xlsx", b"nothing like a spreadsheet"))  # no school can be read from it: its sender's counts
    service.once()
    assert service.post.folder("Rejected") == 2

    service.send(("1.xlsx", a_form(1)))
    service.once()

    assert [service.post.folder(name) for name in ("Rejected", "Processed")] == [0, 1]


def test_rejected_mail_that_is_judged_after_the_corrected_form_was_accepted_is_deleted_too(service: World) -> None:
    sent = service.send(("1.xlsx", a_form(1, dob="31/02/2011")), sender="head@elsewhere.test")
    service.once()
    service.send(("1.xlsx", a_form(1)))
    service.once()

    service.verb("approve", service.explain(sent)["reference"], "--school", "ZZ9 9ZZ")
    service.once()

    assert service.explain(sent)["outcome"] == "rejected"
    assert [service.post.folder(name) for name in ("Held", "Rejected", "Processed")] == [0, 0, 1]


def test_rejected_mail_that_came_later_or_is_another_schools_stays(service: World) -> None:
    with service.store() as store, store.transaction() as transaction:
        transaction.allow(transaction.add_school("Otherfield", "ZZ8 8ZZ"), "office@otherfield.test")
    service.send(("1.xlsx", a_form(9, dob="31/02/2011")), sender="office@otherfield.test")
    service.send(("1.xlsx", a_form(1)))
    service.send(("2.xlsx", a_form(2, dob="31/02/2011")))

    service.once()

    assert [service.post.folder(name) for name in ("Rejected", "Processed")] == [2, 1]

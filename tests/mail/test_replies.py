"""What schools read: the right thing first, plain text complete in itself, and nothing of a learner's."""

import email
from datetime import date
from email.message import EmailMessage
from email.policy import default

import pytest

from planit_mailer.ledger import (
    Changes,
    File,
    JudgedUpload,
    Outcome,
    Receipt,
    ReplyKind,
    School,
    Sender,
    Standing,
    Verdict,
    YearCount,
)
from planit_mailer.mail import messages, replies
from planit_mailer.mail.letters import Letter
from planit_mailer.mail.replies import Desk
from planit_mailer.uploads import problems
from planit_mailer.uploads.judging import Judgement
from planit_mailer.uploads.upload import Draft
from tests.books import NOW, OFFICE
from tests.builders import an_email
from tests.test_delivery import stationery

GREENFIELD = School(1, "900001", "Greenfield School", "ZZ9 9ZZ")
DRAFT = Draft(
    "Greenfield School",
    "ZZ9 9ZZ",
    "The school office",
    date(2026, 11, 24),
    ("Your <grades> so far.", "Talk to your tutor."),
    ("Art & Design", "Maths"),
    (),
)
CHANGES = Changes(1, (YearCount("10", 3, 2, 1), YearCount("11", 0, 4, 0)), passed_over=1, absent=12)


def a_letter(*, registered: bool = True, **headers: str) -> Letter:
    message = messages.parse(an_email(OFFICE, headers=tuple(headers.items())))
    standing = Standing((GREENFIELD,) if registered else ())
    return Letter(Receipt(7, "PM-7F3K-9Q2T", NOW), message, Sender(OFFICE, True, "tests"), standing, "")


def good(number: int = 1, name: str = "autumn.xlsx") -> JudgedUpload:
    warning = problems.problem("date-submitted-old", ("B5",))
    return JudgedUpload(number, name, Judgement(DRAFT, (warning,), 1, 11), GREENFIELD)


def bad(number: int = 1, name: str = "spring.xlsx") -> JudgedUpload:
    found = (problems.problem("dob-wrong", ("E14", "E15", "E16", "E20")), problems.problem("year-wrong", ("F14",)))
    return JudgedUpload(number, name, Judgement(DRAFT, found, 1, 11), GREENFIELD)


def written(letter: Letter, verdict: Verdict, *changes: Changes) -> EmailMessage:
    [reply] = replies.compose(letter, verdict, changes, Desk(stationery(), NOW))
    message = email.message_from_bytes(reply.content, policy=default)
    assert isinstance(message, EmailMessage)
    assert message["Message-ID"] == reply.message_id
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def confirmation(*uploads: JudgedUpload) -> Verdict:
    return Verdict(Outcome.ACCEPTED, "applied", uploads, reply=ReplyKind.CONFIRMATION)


def report(*uploads: JudgedUpload, **more: object) -> Verdict:
    return Verdict(Outcome.REJECTED, "problems", uploads, reply=ReplyKind.REPORT, **more)  # type: ignore[arg-type]


def test_a_confirmation_says_what_changed_and_what_learners_will_read() -> None:
    text = part(written(a_letter(), confirmation(good()), CHANGES), "plain")
    assert text.startswith("YOUR LEARNERS' DATA HAS BEEN UPDATED\n")
    assert "- Year 10: 3 new, 2 changed, 1 unchanged" in text
    assert "Your <grades> so far." in text
    assert "Fields: Art & Design, Maths." in text
    assert "1 of them was passed over" in text
    assert "12 other learners of your school were not on this form and keep" in " ".join(text.split())


def test_a_report_says_first_that_nothing_was_changed_and_lists_cells_as_ranges() -> None:
    message = written(a_letter(), report(bad()))
    text = part(message, "plain")
    assert text.startswith("NOTHING WAS CHANGED\n")
    assert "E14:E16, E20" in text
    assert str(message["Subject"]) == "Your School Data: nothing was changed, 2 problems to fix (PM-7F3K-9Q2T)"


def test_of_several_files_the_reply_says_first_which_were_applied() -> None:
    message = written(a_letter(), report(good(1), bad(2)), CHANGES)
    assert part(message, "plain").startswith("1 OF 2 FILES WERE APPLIED\n\n- autumn.xlsx: applied\n- spring.xlsx: not")
    assert "1 of 2 files applied" in str(message["Subject"])


def test_what_was_no_spreadsheet_is_said_in_one_line() -> None:
    logo = File("logo.png", is_spreadsheet=False, found="a picture")
    verdict = Verdict(Outcome.ACCEPTED, "ok", (good(),), (logo,), reply=ReplyKind.CONFIRMATION)
    assert "Passed over: logo.png (a picture)." in part(written(a_letter(), verdict, CHANGES), "plain")


def test_a_reply_stands_in_the_thread_of_its_message() -> None:
    letter = a_letter(**{"Message-ID": "<b@greenfield.test>", "References": "<a@greenfield.test>"})
    message = written(letter, report(bad()))
    assert message["In-Reply-To"] == "<b@greenfield.test>"
    assert message["References"] == "<a@greenfield.test> <b@greenfield.test>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["To"] == OFFICE


def test_what_answers_a_machine_is_a_new_message() -> None:
    message = written(a_letter(), report(bad(), automatic=True))
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["In-Reply-To"] is None
    assert message["References"] is None


def test_what_a_form_says_is_escaped_in_html() -> None:
    html = part(written(a_letter(), confirmation(good(name="<b>.xlsx")), CHANGES), "html")
    assert "&lt;grades&gt;" in html
    assert "&lt;b&gt;.xlsx" in html
    assert "<grades>" not in html


def test_help_says_what_arrived_instead_and_brings_the_form() -> None:
    letter = a_letter()
    files = (File("photo.jpg", is_spreadsheet=False, found="a picture"),)
    letter = Letter(letter.receipt, letter.message, letter.sender, letter.standing, "", files)
    message = written(letter, Verdict(Outcome.IGNORED, "none", reply=ReplyKind.HELP))
    assert "- photo.jpg (a picture)" in part(message, "plain")
    assert [item.get_filename() for item in message.iter_attachments()] == ["plan-it-school-data-form.xlsx"]


def test_a_stranger_gets_a_short_text_without_attachment() -> None:
    message = written(a_letter(registered=False), Verdict(Outcome.IGNORED, "none", reply=ReplyKind.HELP))
    assert list(message.iter_attachments()) == []
    assert "your address is not registered" in " ".join(part(message, "plain").split())


@pytest.mark.parametrize("kind", [ReplyKind.HELD, ReplyKind.HELP])
def test_every_mail_has_plain_text_html_and_the_reference(kind: ReplyKind) -> None:
    message = written(a_letter(), Verdict(Outcome.HELD, "held", reply=kind))
    for body in ("plain", "html"):
        assert "PM-7F3K-9Q2T" in part(message, body)


@pytest.mark.parametrize("word", ["please", "sorry", "invalid", "oops"])
def test_no_mail_and_no_problem_begs_or_blames(word: str) -> None:
    for template in stationery().templates.list_templates():
        source, *_ = stationery().templates.loader.get_source(stationery().templates, template)  # type: ignore[union-attr]
        assert word not in source.lower()
    for entry in problems.CATALOGUE.values():
        assert word not in entry.message.lower()

"""The mails to schools: the important thing first, complete in plain text, and without learners' data."""

import email
import re
from dataclasses import replace
from datetime import date
from email.message import EmailMessage
from email.policy import default
from io import BytesIO

import pytest
from openpyxl import load_workbook

from planit_mailer.domain.forms import annotate
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.upload import Draft, DraftLearner, Field, FormSheet
from planit_mailer.domain.messages import Outcome, Receipt, Sender
from planit_mailer.domain.outgoing import Reply, ReplyKind
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext
from planit_mailer.domain.schools import School, SenderRegistration
from planit_mailer.domain.verdict import Changes, File, JudgedUpload, Verdict, YearCount
from planit_mailer.mail import messages
from tests.pipeline.test_delivery import reply_settings
from tests.support.books import NOW, OFFICE
from tests.support.builders import an_email
from tests.support.forms import cells_at

GREENFIELD = School(1, "900001", "Greenfield School", "ZZ9 9ZZ")
DRAFT = Draft(
    "Greenfield School",
    "ZZ9 9ZZ",
    "The school office",
    date(2026, 11, 24),
    ("Art & Design", "Maths"),
    (),
    (FormSheet(("Your <grades> so far.", "Talk to your tutor.")),),
)
CHANGES = Changes(1, (YearCount("10", 3, 2, 1), YearCount("11", 0, 4, 0)), passed_over=1, absent=12)


def a_letter(*, registered: bool = True, **headers: str) -> Letter:
    message = messages.parse(an_email(OFFICE, headers=tuple(headers.items())))
    standing = SenderRegistration((GREENFIELD,) if registered else ())
    return Letter(Receipt(7, "PM-7F3K-9Q2T", NOW, NOW), message, Sender(OFFICE, True, "tests"), standing, "")


def good(number: int = 1, name: str = "autumn.xlsx") -> JudgedUpload:
    warning = catalogue.problem("date-submitted-old", cells_at("B5"))
    return JudgedUpload(number, name, Judgement(DRAFT, (warning,), 1, 11), GREENFIELD)


def bad(number: int = 1, name: str = "spring.xlsx") -> JudgedUpload:
    found = (
        catalogue.problem("dob-wrong", cells_at("E14", "E15", "E16", "E20")),
        catalogue.problem("year-wrong", cells_at("F14")),
    )
    return JudgedUpload(number, name, Judgement(DRAFT, found, 1, 11), GREENFIELD)


def written(letter: Letter, verdict: Verdict, *changes: Changes) -> EmailMessage:
    reply = compose.answer(letter, verdict, changes, ReplyContext(reply_settings(), NOW))
    assert reply
    return parsed(reply)


def parsed(reply: Reply) -> EmailMessage:
    message = email.message_from_bytes(reply.content, policy=default)
    assert isinstance(message, EmailMessage)
    assert message["Message-ID"] == reply.message_id
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def words(message: EmailMessage, kind: str) -> str:
    """The text that a person reads, without markup and on one line."""
    return " ".join(re.sub(r"<[^>]+>", "", part(message, kind)).split())


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


def test_a_confirmation_shows_the_page_with_all_fields_and_invented_values_alone() -> None:
    learner = DraftLearner(
        12, "Robin", "Fennimore", "R201100018042", "4512", NOW.date(), "10", (Field("Maths", "secret"),)
    )
    upload = replace(good(), judgement=replace(good().judgement, draft=replace(DRAFT, learners=(learner,))))

    html = part(written(a_letter(), confirmation(upload), CHANGES), "html")

    assert re.findall(r'<th scope="row"[^>]*>([A-Z].*?)</th><td[^>]*>(.*?)</td>', html) == [
        ("Art &amp; Design", "B"),
        ("Maths", "7"),
    ]
    assert "Provided by Greenfield School, 24 November 2026" in html
    assert "invented" in html
    assert not [told for told in ("secret", "Robin", "Fennimore", "R201100018042", "4512") if told in html]


def test_a_confirmation_says_how_to_correct_also_where_another_file_was_not_applied() -> None:
    for verdict in (confirmation(good()), report(good(1), bad(2))):
        text = part(written(a_letter(), verdict, CHANGES), "plain")
        assert "IF SOMETHING IS WRONG\n\nCorrect your spreadsheet and email it to data@s-cool.test" in text


def test_a_report_tells_of_twenty_causes_the_gravest_first_and_the_workbook_of_all() -> None:
    warnings = [
        catalogue.problem("sensitive-heading", cells_at(f"G{n}"), subject=f"SEN {n} contains", words="SEN", it="this")
        for n in range(1, 31)
    ]
    found = (*warnings, *bad().judgement.problems)
    painted = annotate.unpainted(Judgement(None, tuple(found)))
    with_workbook = replace(bad(), judgement=replace(bad().judgement, problems=found), painted=painted)

    message = written(a_letter(), report(with_workbook))
    text = part(message, "plain")
    alone = part(written(a_letter(), report(replace(with_workbook, painted=None))), "plain")

    assert re.findall(r"^(\d+)\. ", text.partition("WHAT TO DO")[0], re.MULTILINE) == [*"12", *map(str, range(1, 19))]
    assert text.index("DOB must be") < text.index("SEN 1")
    assert "And 12 more: all of them are in the workbook that is attached." in text
    assert "And 12 more: we tell you of them once these are put right." in " ".join(alone.split())
    assert "2 problems to fix" in str(message["Subject"])
    [attached] = message.iter_attachments()
    page = load_workbook(BytesIO(attached.get_content()))["Problems"]
    assert len([row for row in page.iter_rows(min_row=5) if row[1].value]) == 30 + 3


def test_several_files_share_the_twenty_causes() -> None:
    found = [catalogue.problem("field-twice", cells_at("G10", "H10"), count=2, heading=f"Art {n}") for n in range(15)]
    uploads = [replace(bad(n), judgement=Judgement(DRAFT, tuple(found), 1, 11)) for n in range(1, 6)]

    text = part(written(a_letter(), report(*uploads)), "plain")

    assert len(re.findall(r"columns have the heading", text)) == 5 * 5
    assert text.count("And 10 more") == 5


def test_cells_all_over_a_column_are_told_as_far_as_they_can_be_read() -> None:
    everywhere = catalogue.problem("year-wrong", cells_at(*(f"F{row}" for row in range(12, 2_012, 2))))
    upload = replace(bad(), judgement=Judgement(DRAFT, (everywhere,), 1, 11))

    text = " ".join(part(written(a_letter(), report(upload)), "plain").split())

    assert "Cells F12, F14, F16" in text
    assert "F50 and 980 more places" in text
    assert "F52" not in text


def test_a_very_long_introduction_is_cut_and_says_so() -> None:
    upload = replace(good(), judgement=Judgement(replace(DRAFT, sheets=(FormSheet(("x" * 32_767,)),)), (), 1, 11))

    message = written(a_letter(), confirmation(upload), CHANGES)

    assert "x" * 2_000 + "… (cut here; learners see all 32,767 characters)" in part(message, "html")
    assert len(message.as_bytes()) < 30_000


def test_a_link_instead_of_a_file_is_said_in_the_catalogues_words() -> None:
    sent = an_email(OFFICE, body="Here: https://greenfield-my.sharepoint.com/:x:/g/abc\n")
    letter = replace(a_letter(), message=messages.parse(sent))

    text = part(written(letter, Verdict(Outcome.IGNORED, "none", reply=ReplyKind.HELP)), "plain")

    assert catalogue.problem("link-instead-of-file", store="OneDrive").message in " ".join(text.split())


def test_a_report_says_first_that_nothing_was_changed_and_lists_cells_as_ranges() -> None:
    message = written(a_letter(), report(bad()))
    text = part(message, "plain")
    assert text.startswith("NOTHING WAS CHANGED\n")
    assert "E14:E16, E20" in text
    assert str(message["Subject"]) == "Your School Data: nothing was changed, 2 problems to fix (PM-7F3K-9Q2T)"


def test_of_several_files_the_reply_says_first_which_were_applied() -> None:
    message = written(a_letter(), report(good(1), bad(2)), CHANGES)
    assert part(message, "plain").startswith("1 OF 2 FILES WAS APPLIED\n\n- autumn.xlsx: applied\n- spring.xlsx: not")
    assert "1 of 2 files applied" in str(message["Subject"])


def test_of_several_workbooks_that_go_back_each_says_whose_copy_it_is() -> None:
    back = Annotated(b"PK")
    first, second = (replace(bad(n, name), painted=back) for n, name in ((1, "autumn.xlsx"), (2, "spring.xlsx")))

    message = written(a_letter(), report(first, second))

    for kind in ("plain", "html"):
        text = words(message, kind)
        assert "There are problems in each of your 2 files, so none was applied. Your learners keep" in text
        assert "Your own workbook autumn.xlsx is attached as PM-7F3K-9Q2T-1.xlsx" in text
        assert "Your own workbook spring.xlsx is attached as PM-7F3K-9Q2T-2.xlsx" in text


def test_a_file_that_cannot_be_read_has_no_cells_to_put_right() -> None:
    locked = JudgedUpload(1, "locked.xlsx", Judgement(None, (catalogue.problem("password-protected"),)))
    message = written(a_letter(), report(locked))
    for kind in ("plain", "html"):
        assert " cell" not in words(message, kind).lower()
        assert "Put right what is listed above" in words(message, kind)


def test_a_workbook_that_cannot_go_back_is_not_called_attached() -> None:
    found = tuple(
        catalogue.problem("sensitive-heading", cells_at(f"{column}10"), subject=column, words="SEN", it="this")
        for column in "GHIJKLMNOPQRSTUVWXYZ"
    )
    judgement = Judgement(DRAFT, (catalogue.problem("dob-wrong", cells_at("E14")), *found), 1, 11)
    locked = annotate.unpainted(replace(judgement, encrypted=True))

    message = written(a_letter(), report(JudgedUpload(1, "locked.xlsx", judgement, GREENFIELD, painted=locked)))

    assert [part.get_filename() for part in message.iter_attachments()] == []
    for kind in ("plain", "html"):
        assert "And 1 more: we tell you" in words(message, kind)
        assert "that is attached" not in words(message, kind)


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
    letter = Letter(letter.receipt, letter.message, letter.sender, letter.registration, "", files)
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
    for template in reply_settings().templates.list_templates():
        source, *_ = reply_settings().templates.loader.get_source(reply_settings().templates, template)  # type: ignore[union-attr]
        assert word not in source.lower()
    for entry in catalogue.CATALOGUE.values():
        assert word not in entry.message.lower()

"""The mails in a browser, on a phone and on a desktop screen, light and dark. The pictures are written to build/."""

from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from planit_mailer.domain.forms import annotate
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.upload import FormSheet
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext
from planit_mailer.domain.verdict import File, JudgedUpload, Verdict
from tests.domain.replies.test_compose import (
    CHANGES,
    DRAFT,
    GREENFIELD,
    a_letter,
    bad,
    confirmation,
    good,
    parsed,
    part,
    report,
    written,
)
from tests.pipeline.test_delivery import reply_settings
from tests.support import browsers
from tests.support.books import NOW, OFFICE
from tests.support.forms import cells_at

LONG = "a-name-that-goes-on-and-on-without-any-space-" * 3


def many() -> JudgedUpload:
    """An upload with more problems than fit into a mail, some of them all over the sheet."""
    found = [
        catalogue.problem(
            "value-missing", cells_at(*(f"A{row}" for row in range(12, 212, 2))), heading="First name", what="it"
        ),
        *(catalogue.problem("field-twice", cells_at("G10", "H10"), count=2, heading=f"{LONG}{n}") for n in range(30)),
        catalogue.problem("date-submitted-old", cells_at("B5")),
    ]
    return JudgedUpload(
        1,
        f"{LONG}.xlsx",
        Judgement(DRAFT, tuple(found), 1, 11),
        painted=annotate.unpainted(Judgement(None, tuple(found))),
    )


def full() -> JudgedUpload:
    """An upload with as many fields as a form can have, under headings of every length, and a long introduction."""
    headings = tuple(f"{'Progress in Design and Technology ' * (n % 4)}{n}" for n in range(1, 74))
    draft = replace(DRAFT, sheets=(FormSheet(("Word " * 2_000, LONG * 5)),), headings=(*headings, LONG, "العربية"))
    return JudgedUpload(1, "full.xlsx", Judgement(draft, (), 1, 11), GREENFIELD)


def mails() -> dict[str, str]:
    letter = a_letter()
    photograph = File(f"{LONG}.jpg", is_spreadsheet=False, found="a picture")
    with_file = Letter(letter.receipt, letter.message, letter.sender, letter.registration, "", (photograph,))
    answers = {
        "confirmation": written(letter, confirmation(good(name=f"{LONG}.xlsx")), CHANGES),
        "confirmation-full": written(letter, confirmation(full()), CHANGES),
        "report": written(letter, report(replace(bad(), painted=annotate.unpainted(bad().judgement)))),
        "report-many": written(letter, report(many())),
        "both": written(letter, report(good(1), bad(2)), CHANGES),
        "help": written(with_file, Verdict(Outcome.IGNORED, "none", reply=ReplyKind.HELP)),
        "stranger": written(a_letter(registered=False), Verdict(Outcome.IGNORED, "none", reply=ReplyKind.HELP)),
        "held": written(letter, Verdict(Outcome.HELD, "held", reply=ReplyKind.HELD)),
        "delayed": parsed(compose.delayed("PM-7F3K-9Q2T", OFFICE, ReplyContext(reply_settings(), NOW))),
    }
    return {name: part(mail, "html") for name, mail in answers.items()}


@pytest.mark.parametrize("name", mails())
def test_a_mail_fits_its_window_can_be_read_by_everybody_and_fetches_nothing(name: str, chromium: Browser) -> None:
    seen = browsers.look(chromium, name, mails()[name])

    assert [one.name for one in seen if one.wide > one.window] == []
    assert [(one.name, one.violations) for one in seen if one.violations] == []
    assert [one.fetched for one in seen if one.fetched] == []


def test_what_cannot_be_read_or_does_not_fit_would_be_seen(chromium: Browser) -> None:
    pale = mails()["held"].replace("color:#0b0c0c", "color:#cccccc").replace("max-width:600px", "min-width:600px")

    seen = {one.name: one for one in browsers.look(chromium, "held-spoilt", pale)}

    assert any(found.startswith("color-contrast") for found in seen["held-spoilt-375-light"].violations)
    assert seen["held-spoilt-375-light"].wide > 375

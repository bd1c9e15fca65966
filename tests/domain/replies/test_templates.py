"""Every template renders for every outcome. An undefined name in a template would be an error."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from planit_mailer.domain.forms import annotate, judge
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import CATALOGUE
from planit_mailer.domain.forms.upload import FormSheet
from planit_mailer.domain.messages import Outcome
from planit_mailer.domain.outgoing import ReplyKind
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.replies import compose
from planit_mailer.domain.replies.compose import ReplyContext, ReplySettings, Text
from planit_mailer.domain.reports import Untold
from planit_mailer.domain.verdict import Changes, File, JudgedUpload, Verdict, YearCount
from planit_mailer.pipeline import alerts, deadlines, reconciliation
from planit_mailer.pipeline.deadlines import Due
from planit_mailer.pipeline.reconciliation import Difference
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
)
from tests.pipeline.test_delivery import reply_settings
from tests.support.books import NOW, OFFICE
from tests.support.forms import cells_at

PARAMETERS = (
    *("found", "nearest", "count", "sheets", "label", "where", "heading", "what", "column", "columns", "has", "rows"),
    *("headings", "it", "subject", "words", "how", "row", "youngest", "oldest", "longest", "store"),
)
EVERY = tuple(catalogue.problem(code, cells_at("A1"), **dict.fromkeys(PARAMETERS, "x")) for code in CATALOGUE)
LOGO = File("", is_spreadsheet=False, found="")


def accepted() -> Iterator[tuple[JudgedUpload, Changes]]:
    """Accepted uploads with and without a name, an introduction, fields, warnings and unchanged learners."""
    warnings = tuple(one for one in EVERY if one.severity is catalogue.Severity.WARNING)
    drafts = (DRAFT, replace(DRAFT, sheets=(FormSheet(),), headings=()), replace(DRAFT, headings=("Art",)))
    nothing = Changes(1, (), passed_over=0, absent=0)
    one = Changes(1, (YearCount("X", 1),), passed_over=2, absent=1)
    for name, draft, found, changes in product(("", "form.xlsx"), drafts, ((), warnings), (nothing, one, CHANGES)):
        yield JudgedUpload(1, name, Judgement(draft, found, 1, 11), GREENFIELD), changes


def rejected() -> Iterator[JudgedUpload]:
    """Rejected uploads with and without a form, with all existing problems, and with every kind of workbook."""
    painted = (
        None,
        annotate.unpainted(Judgement(None, EVERY)),
        annotate.unpainted(Judgement(None, EVERY, encrypted=True)),
        Annotated(b"PK", encrypted=True),
        Annotated(b"PK", ("macros", "the digital signature")),
        Annotated(b"PK"),
    )
    judgements = (
        *(Judgement(None, (one,)) for one in EVERY if one.severity is catalogue.Severity.ERROR),
        *(Judgement(DRAFT, EVERY, 1, 11), judge.cannot_be_opened(), judge.too_large()),
    )
    for name, judgement, workbook in product(("", "form.xlsx"), judgements, painted):
        yield JudgedUpload(2, name, judgement, painted=workbook)


def outcomes() -> Iterator[tuple[Letter, Verdict, tuple[Changes, ...]]]:
    """Letters with every kind of answer."""
    letter, stranger = a_letter(), a_letter(registered=False)
    for upload, changes in accepted():
        yield letter, confirmation(upload), (changes,)
        yield letter, report(upload, bad(2)), (changes,)
    for upload in rejected():
        yield letter, report(upload), ()
    yield letter, report(good(), bad(2), passed_over=(LOGO,)), (CHANGES,)
    linked = replace(letter.message, link="OneDrive", forwarded=True)
    for files, message in product(((), (LOGO, LOGO)), (letter.message, linked)):
        help_wanted = replace(letter, files=files, message=message)
        yield help_wanted, Verdict(Outcome.IGNORED, "no spreadsheet", reply=ReplyKind.HELP), ()
    yield stranger, Verdict(Outcome.IGNORED, "no spreadsheet", reply=ReplyKind.HELP), ()
    yield stranger, Verdict(Outcome.HELD, "not registered", reply=ReplyKind.HELD), ()


def mails(paper: ReplySettings) -> Iterator[compose.Reply]:
    desk = ReplyContext(paper, NOW)
    for letter, verdict, changes in outcomes():
        answer = compose.answer(letter, verdict, changes, desk)
        if answer:
            yield answer
    yield compose.delayed("PM-7F3K-9Q2T", OFFICE, desk)
    yield compose.alert("PM-7F3K-9Q2T", "Something.", desk)
    for text in notices("PM-7F3K-9Q2T"):
        yield compose.to_operator(text, desk)


def notices(reference: str) -> Iterator[Text]:
    """The mails to the operator about the service as a whole, with one message and with very many."""
    yield alerts._login_text("a secret expires", f"The secret expires ({reference}).")
    yield Text(ReplyKind.OPERATOR, "not read", "notice", {"what": f"the mailbox is not read since {reference}"})
    for quarantined, undelivered in ((1, 0), (0, 1), (10_000, 10_000)):
        yield alerts._digest_text(Untold((reference,) * quarantined, (reference,) * undelivered))
    yield deadlines._text((Due(reference, "The promised time is over."),) * 200)
    lost = Difference("reply is missing", "Processed", reference)
    yield reconciliation._told((lost,))
    yield reconciliation._told((lost, Difference("message without a receipt")))


def test_every_template_renders_for_every_outcome_and_leaves_nothing_unsaid() -> None:
    paper = reply_settings()

    kinds = set()
    for reply in mails(paper):
        message = parsed(reply)
        bodies = ["plain"] if reply.kind is ReplyKind.OPERATOR else ["plain", "html"]
        texts = [part(message, kind) for kind in bodies]
        kinds.add(reply.kind)
        for text in texts:
            assert "PM-7F3K-9Q2T" in text
            assert not [left for left in ("{{", "{%", "None", "Undefined") if left in text]
        assert max(map(len, texts[0].splitlines())) <= 78, texts[0]

    assert kinds == set(ReplyKind)
    used = {name for _, name in paper.templates.cache or ()}
    assert used == set(paper.templates.list_templates())

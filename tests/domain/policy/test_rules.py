"""The policy without a store: who is answered, and how often."""

from dataclasses import replace
from datetime import timedelta

import pytest

from planit_mailer.domain.messages import Outcome, Receipt, Sender
from planit_mailer.domain.outgoing import Recent
from planit_mailer.domain.policy import rules
from planit_mailer.domain.policy.letters import Letter
from planit_mailer.domain.schools import School, SenderRegistration
from planit_mailer.domain.verdict import PolicyContext, Verdict
from planit_mailer.mail import auto_submitted, messages
from tests.support.books import NOW, OFFICE
from tests.support.builders import SERVICE, an_email

GREENFIELD = School(1, "900001", "Greenfield School", "ZZ9 9ZZ")
STORM = 10_000


def a_letter(*headers: tuple[str, str], registered: bool = True, authentic: bool = True) -> Letter:
    message = messages.parse(an_email(OFFICE, headers=headers))
    standing = SenderRegistration((GREENFIELD,) if registered else ())
    sender = Sender(OFFICE, authentic, "tests")
    return Letter(
        Receipt(1, "PM-7F3K-9Q2T", NOW, NOW),
        message,
        sender,
        standing,
        auto_submitted.why_not_answered(message, SERVICE),
    )


def storm(letter: Letter) -> list[Verdict]:
    """The verdicts on a letter that arrives ten thousand times within a day. Each knows the replies before it."""
    found: list[Verdict] = []
    recent: tuple[Recent, ...] = ()
    for number in range(STORM):
        now = NOW + timedelta(seconds=number)
        verdict = rules.judge(letter, PolicyContext(recent=recent), now)
        found.append(verdict)
        recent += (Recent(verdict.reply, now),) if verdict.reply else ()
    return found


@pytest.mark.parametrize(
    ("letter", "answers"),
    [
        (a_letter(("Auto-Submitted", "auto-replied")), 0),
        (a_letter(("Auto-Submitted", "auto-replied"), registered=False), 0),
        (a_letter(), 10),
        (a_letter(registered=False), 1),
        (a_letter(authentic=False), 0),
    ],
    ids=["a school's, marked", "a stranger's, marked", "a school's, unmarked", "a stranger's, unmarked", "spoofs"],
)
def test_a_storm_of_ten_thousand_automatic_replies_gets_at_most_ten_answers(letter: Letter, answers: int) -> None:
    found = storm(letter)
    assert sum(verdict.reply is not None for verdict in found) == answers
    assert all(verdict.unanswered for verdict in found if not verdict.reply), "each with its reason"


def test_of_spoofs_of_a_registered_sender_ten_a_day_are_told_at_once() -> None:
    letter = a_letter(authentic=False)
    tenth, eleventh = (rules.judge(letter, PolicyContext(alerts=before), NOW) for before in (9, 10))
    assert "names a registered sender" in tenth.alert
    assert (eleventh.alert, eleventh.outcome, eleventh.owed) == ("", Outcome.QUARANTINED, True)
    assert not rules.judge(a_letter(registered=False, authentic=False), PolicyContext(), NOW).alert


@pytest.mark.parametrize("authentic", [True, False])
def test_a_denied_sender_is_ignored_believed_or_not(authentic: bool) -> None:  # noqa: FBT001
    letter = replace(a_letter(authentic=authentic), registration=SenderRegistration((GREENFIELD,), denied=True))
    verdict = rules.judge(letter, PolicyContext(), NOW)
    assert (verdict.outcome, verdict.reply, verdict.alert) == (Outcome.IGNORED, None, "")

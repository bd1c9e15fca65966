"""The budget of a message: what there is no time for is a problem in the report, and no painting is begun in vain."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.judge import Criteria, Judgement, Rules
from planit_mailer.domain.policy import reading
from planit_mailer.mail.messages import Message
from planit_mailer.pipeline import budget
from planit_mailer.pipeline.budget import BudgetedReader
from planit_mailer.spreadsheets.detect import FileKind
from planit_mailer.spreadsheets.model import Limits
from tests.support import forms
from tests.support.builders import an_email
from tests.support.fakes import InProcessReader
from tests.support.world import OFFICE, World, text_of

CRITERIA = Criteria(forms.TODAY, Rules(), Limits())


class SlowReader(InProcessReader):
    """A reading process whose every job takes a second, on a clock of its own; `limits` are those it was given."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.limits: list[float] = []
        patch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: self.now))

    def _work(self, seconds: float) -> None:
        self.limits.append(seconds)
        self.now += 1

    def message(self, raw: bytes, **limits: float) -> Message:
        self._work(limits["seconds"])
        return super().message(raw)

    def sniff(self, beginnings: Sequence[bytes], **limits: float) -> Sequence[FileKind]:
        self._work(limits["seconds"])
        return super().sniff(beginnings)

    def judge(self, data: bytes, judging_: Criteria, **limits: float) -> Judgement:
        self._work(limits["seconds"])
        return super().judge(data, judging_)

    def annotate(self, data: bytes, judgement: Judgement, judging_: Criteria, **limits: float) -> Annotated:
        self._work(limits["seconds"])
        return super().annotate(data, judgement, judging_)


def a_form(number: int, **changes: object) -> tuple[str, bytes]:
    return (f"{number}.xlsx", forms.handbook(learners=[forms.learner(number, **changes)], headings=("Art",)))


def test_each_job_has_what_those_before_it_left(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowReader(monkeypatch)
    reader = BudgetedReader(slow, 4.0)
    _, wrong = a_form(1, year="99")

    message = reader.message(an_email(), seconds=reading.STRANGERS)
    judgements = [reader.judge(wrong, CRITERIA) for _ in range(2)]
    painted = reader.annotate(wrong, judgements[0], CRITERIA)

    assert slow.limits == [2.0, 3.0, 2.0, 1.0]
    assert (message.unread, painted.whole) == ("", True)


def test_without_time_nothing_is_begun_but_a_look_at_the_beginnings_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowReader(monkeypatch)
    reader = BudgetedReader(slow, 1.0)
    _, wrong = a_form(1, year="99")
    judgement = reader.judge(wrong, CRITERIA)

    assert reader.message(an_email()).unread == budget.NO_TIME
    assert reader.judge(wrong, CRITERIA).is_left_over
    painted = reader.annotate(wrong, judgement, CRITERIA)
    assert (painted.whole, painted.cause) == (False, budget.NO_TIME)
    assert len(reader.sniff([wrong])) == 1
    assert slow.limits == [1.0, reading.STRANGERS]


def test_waiting_for_anything_but_the_reading_process_costs_a_message_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowReader(monkeypatch)
    reader = BudgetedReader(slow, 4.0)
    slow.now += 1_000
    reader.message(an_email())
    assert slow.limits == [4.0]


@pytest.fixture
def slow(fakes: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A service whose reading process is slow, with time for a message's parts and two jobs about its files."""
    reader = SlowReader(monkeypatch)
    monkeypatch.setattr("tests.support.fake_world.InProcessReader", lambda: reader)
    fakes.configure("[service]", '[limits]\nmessage_seconds = "3s"\n[service]')
    return fakes


def test_a_school_whose_files_take_too_long_is_told_to_send_two_emails(slow: World) -> None:
    sent = slow.send(a_form(1), a_form(2), a_form(3), ("logo.png", b"\x89PNG\r\n\x1a\n"))

    slow.once()

    assert [bool(slow.shown(forms.upn(number))) for number in (1, 2, 3)] == [True, True, False]
    told = slow.explain(sent)
    assert [[problem["code"] for problem in upload["problems"]] for upload in told["uploads"]] == [
        [],
        [],
        ["email-too-full"],
    ]
    [(to, answer)] = slow.replies()
    assert (to, told["outcome"], told["attempts"]) == (OFFICE, "rejected", 1)
    assert "2 of 3 files applied, 1 problem to fix" in str(answer["Subject"])
    text = " ".join(text_of(answer).split())
    assert "THERE IS A PROBLEM IN 3.xlsx" in text
    assert "Send your workbooks in two emails." in text
    assert "Passed over: logo.png (a picture)." in text


def test_no_painting_starts_without_time_for_it_and_the_list_of_cells_goes_back_instead(slow: World) -> None:
    slow.send(a_form(1, year="99"), a_form(2))

    slow.once()

    [(_, answer)] = slow.replies()
    assert "The list of all cells of 1.xlsx is attached" in " ".join(text_of(answer).split())


def test_workbooks_beyond_their_number_are_left_for_the_next_email(fakes: World) -> None:
    fakes.configure("[service]", "[limits]\nworkbooks = 2\n[service]")
    files = [a_form(number) for number in (1, 2, 3)]
    fakes.send(*files)
    fakes.once()
    assert [bool(fakes.shown(forms.upn(number))) for number in (1, 2, 3)] == [True, True, False]

    fakes.send(files[2])
    fakes.once()

    assert fakes.shown(forms.upn(3))

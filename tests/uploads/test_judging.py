import pickle
import time
from dataclasses import replace
from datetime import date

import pytest

from planit_mailer.spreadsheets.sheets import Limits
from planit_mailer.uploads import judging
from planit_mailer.uploads.judging import Judging, Rules
from tests.uploads import forms
from tests.uploads.forms import learner


@pytest.mark.parametrize(
    ("data", "code", "found", "is_spreadsheet"),
    [
        (b"", "file-empty", "an empty file", False),
        (b"%PDF-1.7\n", "not-a-spreadsheet", "a PDF", False),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "not-a-spreadsheet", "a picture", False),
        (forms.flat()[:3000], "cannot-be-opened", "an Excel workbook", True),
    ],
)
def test_what_is_no_workbook_is_said_by_name(data: bytes, code: str, found: str, is_spreadsheet: bool) -> None:  # noqa: FBT001
    judgement = forms.judge(data)

    assert [problem.code for problem in judgement.problems] == [code]
    assert (judgement.found, judgement.is_spreadsheet) == (found, is_spreadsheet)
    assert judgement.draft is None
    assert not judgement.accepted


def test_a_workbook_that_is_too_large_counts_as_one_but_a_picture_does_not() -> None:
    small = Judging(forms.TODAY, Rules(), Limits(workbook=1_000))

    workbook = judging.judge(forms.handbook(), small)
    picture = judging.judge(b"\x89PNG\r\n\x1a\n" + bytes(2_000), small)

    assert [problem.code for problem in workbook.problems] == ["file-too-large"]
    assert workbook.is_spreadsheet
    assert not picture.is_spreadsheet


def test_a_file_that_killed_its_reader_and_a_message_too_large_are_judged_without_being_read() -> None:
    assert [problem.code for problem in judging.cannot_be_opened().problems] == ["cannot-be-opened"]
    assert [problem.code for problem in judging.too_large().problems] == ["file-too-large"]


def test_a_judgement_comes_back_from_the_reading_process_as_it_was() -> None:
    judgement = forms.judge(forms.handbook([learner(1), learner(2, dob="?")]))

    assert pickle.loads(pickle.dumps(judgement)) == judgement


def test_what_is_accepted_is_complete() -> None:
    judgement = forms.judge(forms.handbook([learner(n) for n in range(1, 4)]))

    assert judgement.accepted
    assert judgement.draft is not None
    upload = judgement.draft.complete()
    assert [one.upin for one in upload.learners] == [forms.upn(n) for n in range(1, 4)]


def test_today_is_the_day_on_which_the_message_arrived() -> None:
    data = forms.handbook([learner(1, dob=date(2011, 3, 14))], submitted=date(2026, 11, 2))

    assert forms.judge(data, today=date(2026, 11, 2)).accepted
    assert not forms.judge(data, today=date(2026, 10, 2)).accepted


def test_ten_thousand_learners_with_seventy_five_fields_are_judged_in_a_few_passes() -> None:
    headings = tuple(f"Field {number}" for number in range(75))
    small = forms.sheet(forms.cells(forms.flat_rows([learner(1, values=("B",) * 75)], headings)))
    *top, first = small.rows
    upins = [forms.cell(forms.upn(number)) for number in range(10_000)]
    sims = [forms.cell(str(number)) for number in range(10_000)]
    rows = tuple(
        replace(first, number=first.number + n, cells=(*first.cells[:2], upins[n], sims[n], *first.cells[4:]))
        for n in range(10_000)
    )
    began = time.perf_counter()

    judgement = forms.checked(replace(small, rows=(*top, *rows)))

    assert judgement.problems == ()
    assert time.perf_counter() - began < 5

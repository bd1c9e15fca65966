"""Whatever a file is, it ends in a clear problem, in time and within the memory, and the reader goes on."""

import time
from collections.abc import Iterator

import pytest

from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.domain.forms.criteria import Criteria, Rules
from planit_mailer.domain.forms.problems.catalogue import CATALOGUE
from planit_mailer.spreadsheets.model import Limits
from tests.corpus.workbooks import HARMS, HOSTILE, WHOLE, Hostile, harmed
from tests.support import forms

SECONDS = 10.0
MEMORY = 1_000_000_000
JUDGING = Criteria(forms.TODAY, Rules(), Limits())


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(SECONDS, MEMORY) as reader:
        yield reader


@pytest.mark.parametrize("hostile", HOSTILE, ids=[hostile.why for hostile in HOSTILE])
def test_a_hostile_file_ends_in_a_clear_problem(hostile: Hostile, reader: Reader) -> None:
    data = hostile.make()
    begin = time.monotonic()

    judgement = reader.judge(data, JUDGING)

    assert time.monotonic() - begin < SECONDS
    assert not judgement.accepted
    assert {problem.code for problem in judgement.problems} <= set(hostile.codes)
    assert judgement.problems


@pytest.mark.parametrize(("kind", "how"), HARMS)
def test_a_harmed_file_is_judged_or_refused(kind: str, how: str, reader: Reader) -> None:
    judgement = reader.judge(harmed(kind, how), JUDGING)

    assert judgement.draft or judgement.problems
    assert all(problem.code in CATALOGUE for problem in judgement.problems)


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_files_of_each_kind_are_opened(kind: str, reader: Reader) -> None:
    judgement = reader.judge(WHOLE[kind](), JUDGING)

    assert "cannot-be-opened" not in {problem.code for problem in judgement.problems}
    assert judgement.is_spreadsheet

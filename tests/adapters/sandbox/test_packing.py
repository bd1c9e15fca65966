"""A judgement crosses to the daemon packed, and arrives as it was."""

from dataclasses import replace
from datetime import date

import msgspec
import pytest

from planit_mailer.adapters.sandbox import packing
from planit_mailer.adapters.sandbox.packing import PackedJudgement
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.upload import Draft, DraftLearner
from tests.support import crossing, forms

HEADINGS = ("History", "Art")


def a_judgement(*values: tuple[str | None, ...], headings: tuple[str, ...] = HEADINGS) -> Judgement:
    learners = tuple(
        DraftLearner(row, "Ann", "Lee", None, "000123", date(2012, 5, 17), "10", headings, one)
        for row, one in enumerate(values, 11)
    )
    return Judgement(Draft("Greenfield", None, None, None, headings, learners), (), sheet=1, heading_row=10)


@pytest.mark.parametrize(
    "judgement",
    [
        Judgement(None, ()),
        a_judgement(),
        a_judgement((), (), headings=()),
        a_judgement(("7", None), (None, "7"), ("É", "7")),
        forms.judge(forms.handbook([forms.learner(1), forms.learner(2, dob="?")])),
    ],
    ids=["without a draft", "without learners", "without headings", "with values", "from a form"],
)
def test_a_judgement_arrives_as_it_was(judgement: Judgement) -> None:
    assert crossing.judgement(judgement) == judgement


def test_a_value_that_many_learners_have_crosses_once_and_arrives_as_one_text() -> None:
    long = "x" * 1_000
    judgement = a_judgement(*[(long, long)] * 500)

    assert len(msgspec.msgpack.encode(packing.packed(judgement))) < 50_000
    arrived = crossing.judgement(judgement).draft
    assert arrived
    assert len({id(value) for learner in arrived.learners for value in learner.values}) == 1


@pytest.mark.parametrize(
    ("different", "values"),
    [(("7",), b"\1\0\0\0" * 2), (("7",), bytes(4)), (("7",), bytes(12)), (("7",), bytes(9)), ((), bytes(8))],
    ids=["the number of no value", "too few", "too many", "a part of one", "without a value"],
)
def test_numbers_that_fit_no_learner_are_refused(different: tuple[str, ...], values: bytes) -> None:
    good = packing.packed(a_judgement(("7", "7")))
    bad = msgspec.to_builtins(good, builtin_types=(bytes, date)) | {"different": different, "values": values}

    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(bad), type=PackedJudgement)


def test_values_without_a_draft_are_refused() -> None:
    good = packing.packed(a_judgement(("7", "7")))

    with pytest.raises(ValueError, match="another number"):
        PackedJudgement(replace(good.judgement, draft=None), good.different, good.values)

"""A judgement crosses to the daemon packed, and arrives as it was."""

from datetime import date

import msgspec
import pytest

from planit_mailer.adapters.sandbox import packing, parent
from planit_mailer.adapters.sandbox.protocol import Done
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.upload import Draft, DraftLearner
from planit_mailer.mail import messages
from tests.support import crossing, forms
from tests.support.builders import an_email

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

    assert len(msgspec.msgpack.encode(packing.pack_judgement(judgement))) < 50_000
    arrived = crossing.judgement(judgement).draft
    assert arrived
    assert len({id(value) for learner in arrived.learners for value in learner.values}) == 1


def test_the_bytes_of_files_and_painted_workbooks_cross_beside_the_head() -> None:
    message = messages.parse(an_email(attachments=[("a.xlsx", b"a" * 10_000), ("b.xlsx", b"b" * 10_000)]))
    painted = Annotated(b"p" * 10_000, lost=("its formulas",))

    assert crossing.message(message) == message
    assert len(packing.pack_message(message).head) < 2_000
    assert packing.unpack_annotated(packing.pack_annotated(painted)) == painted


@pytest.mark.parametrize(
    ("different", "values"),
    [
        (["7"], b"\1\0\0\0" * 2),
        (["7"], bytes(4)),
        (["7"], bytes(12)),
        (["7"], bytes(9)),
        ([], bytes(8)),
        ([7], bytes(8)),
    ],
    ids=["the number of no value", "too few", "too many", "a part of one", "without a value", "no text"],
)
def test_values_that_fit_no_learner_are_refused(different: list[object], values: bytes) -> None:
    good = packing.pack_judgement(a_judgement(("7", "7")))
    bad = Done(good.head, (msgspec.msgpack.encode(different), values))

    with pytest.raises(parent.WRONG):
        packing.unpack_judgement(bad)


@pytest.mark.parametrize("beside", [(), (b"", b"", b"")], ids=["too little", "too much"])
def test_what_lacks_something_or_has_too_much_is_refused(beside: tuple[bytes, ...]) -> None:
    message = packing.pack_message(messages.parse(an_email(attachments=[("a.xlsx", b"a"), ("b.xlsx", b"b")])))
    packed = (
        (message, packing.unpack_message),
        (packing.pack_annotated(Annotated(b"p")), packing.unpack_annotated),
        (packing.pack_judgement(a_judgement(("7", "7"))), packing.unpack_judgement),
    )
    for good, unpack in packed:
        with pytest.raises(parent.WRONG):
            unpack(Done(good.head, beside))

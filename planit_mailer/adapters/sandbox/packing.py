"""Packs a judgement for its way to the daemon: each different value of its learners crosses once.

A form has hundreds of thousands of values and few different ones. The daemon needs little memory for them this way, and
its reading process cannot make it need much.
"""

from array import array
from dataclasses import replace
from itertools import chain, islice

from msgspec import Struct

from planit_mailer.domain.forms.judge import Judgement

NUMBER = "I"  # an unsigned integer of four bytes, as this machine writes it


class PackedJudgement(Struct, frozen=True):
    """A judgement. The learners of its draft have no headings and values.

    `values` has, for each learner and heading, the number of the value in `different`, counted from 0.
    """

    judgement: Judgement
    different: tuple[str | None, ...] = ()
    values: bytes = b""

    def __post_init__(self) -> None:
        """Raise ValueError if it cannot be unpacked; msgspec then refuses to decode it."""
        numbers = array(NUMBER, self.values)
        draft = self.judgement.draft
        if len(numbers) != (len(draft.learners) * len(draft.headings) if draft else 0):
            raise ValueError("another number of values than of learners and headings")
        if max(numbers, default=-1) >= len(self.different):
            raise ValueError("the number of no value")


def packed(judgement: Judgement) -> PackedJudgement:
    """Pack a judgement. All learners of a draft must have its headings."""
    draft = judgement.draft
    if draft is None:
        return PackedJudgement(judgement)
    different = tuple(dict.fromkeys(chain.from_iterable(learner.values for learner in draft.learners)))
    numbers = {value: number for number, value in enumerate(different)}
    values = array(NUMBER, map(numbers.__getitem__, chain.from_iterable(learner.values for learner in draft.learners)))
    bare = tuple(learner._replace(headings=(), values=()) for learner in draft.learners)
    return PackedJudgement(replace(judgement, draft=replace(draft, learners=bare)), different, values.tobytes())


def unpacked(pack: PackedJudgement) -> Judgement:
    """Unpack a judgement."""
    draft = pack.judgement.draft
    if draft is None:
        return pack.judgement
    columns = len(draft.headings)
    values = map(pack.different.__getitem__, array(NUMBER, pack.values))
    learners = [
        bare._replace(headings=draft.headings, values=tuple(islice(values, columns))) for bare in draft.learners
    ]
    return replace(pack.judgement, draft=replace(draft, learners=tuple(learners)))

"""Packs answers for their way to the daemon: a head of a declared type, and what is bulky beside it, as plain bytes.

A byte of a head can cost the daemon twenty bytes of memory, a byte of the rest about one: so a head has to be small,
and nothing that the reading process says can fill the daemon's memory. A form has hundreds of thousands of values and
few different ones; each different one crosses once.
"""

from array import array
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, islice
from typing import Annotated as Typed
from typing import TypeVar

from msgspec import Meta
from msgspec.msgpack import decode, encode

from planit_mailer.adapters.sandbox.protocol import Done
from planit_mailer.domain.forms.annotate import Annotated
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.mail.messages import Message

T = TypeVar("T")
Unpack = Callable[[Done], T]  # raises ValueError, IndexError or DecodeError if something else was packed
NUMBER = "I"  # an unsigned integer of four bytes, as this machine writes it
Values = Typed[tuple[str | None, ...], Meta(max_length=1_500_000)]


def pack(value: object) -> Done:
    """Pack something that is small as a whole."""
    return Done(encode(value))


def unpack(kind: type[T]) -> Unpack[T]:
    """Return what unpacks a value of this type."""
    return lambda done: decode(done.head, type=kind)


def pack_message(message: Message) -> Done:
    """Pack a message, with the bytes of its files beside it."""
    bare = tuple(replace(one, data=b"") for one in message.attachments)
    return Done(encode(replace(message, attachments=bare)), tuple(one.data for one in message.attachments))


def unpack_message(done: Done) -> Message:
    """Unpack a message."""
    message = decode(done.head, type=Message)
    filled = zip(message.attachments, done.bulk, strict=True)
    return replace(message, attachments=tuple(replace(bare, data=data) for bare, data in filled))


def pack_annotated(annotated: Annotated) -> Done:
    """Pack a painted workbook, with its bytes beside it."""
    return Done(encode(replace(annotated, data=b"")), (annotated.data,))


def unpack_annotated(done: Done) -> Annotated:
    """Unpack a painted workbook."""
    (data,) = done.bulk
    return replace(decode(done.head, type=Annotated), data=data)


def pack_judgement(judgement: Judgement) -> Done:
    """Pack a judgement. Beside it are the different values of its learners, and the number of each value among these.

    All learners of a draft must have its headings.
    """
    draft = judgement.draft
    if draft is None:
        return pack(judgement)
    different = tuple(dict.fromkeys(chain.from_iterable(learner.values for learner in draft.learners)))
    numbers = {value: number for number, value in enumerate(different)}
    values = chain.from_iterable(learner.values for learner in draft.learners)
    places = array(NUMBER, map(numbers.__getitem__, values))
    bare = tuple(learner._replace(headings=(), values=()) for learner in draft.learners)
    head = encode(replace(judgement, draft=replace(draft, learners=bare)))
    return Done(head, (encode(different), places.tobytes()))


def unpack_judgement(done: Done) -> Judgement:
    """Unpack a judgement."""
    judgement = decode(done.head, type=Judgement)
    draft = judgement.draft
    if draft is None:
        return judgement
    encoded, places = done.bulk
    numbers = array(NUMBER, places)
    columns = len(draft.headings)
    if len(numbers) != len(draft.learners) * columns:
        raise ValueError("another number of values than of learners and headings")
    values = map(decode(encoded, type=Values).__getitem__, numbers)
    learners = [
        bare._replace(headings=draft.headings, values=tuple(islice(values, columns))) for bare in draft.learners
    ]
    return replace(judgement, draft=replace(draft, learners=tuple(learners)))

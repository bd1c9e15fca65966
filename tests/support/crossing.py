"""What arrives in the daemon of what its reading process sends."""

from typing import TypeVar

import msgspec

from planit_mailer.adapters.sandbox import packing
from planit_mailer.adapters.sandbox.packing import Unpack
from planit_mailer.adapters.sandbox.protocol import Done
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.mail.messages import Message

T = TypeVar("T")


def message(sent: Message) -> Message:
    return _unpacked(packing.pack_message(sent), packing.unpack_message)


def judgement(sent: Judgement) -> Judgement:
    return _unpacked(packing.pack_judgement(sent), packing.unpack_judgement)


def _unpacked(sent: Done, unpack: Unpack[T]) -> T:
    return unpack(msgspec.msgpack.decode(msgspec.msgpack.encode(sent), type=Done))

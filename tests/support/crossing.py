"""What arrives in the daemon of what its reading process sends."""

import msgspec

from planit_mailer.adapters.sandbox import packing
from planit_mailer.adapters.sandbox.packing import PackedJudgement
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.mail.messages import Message


def message(sent: Message) -> Message:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(sent), type=Message)


def judgement(sent: Judgement) -> Judgement:
    frame = msgspec.msgpack.encode(packing.packed(sent))
    return packing.unpacked(msgspec.msgpack.decode(frame, type=PackedJudgement))

"""The protocol between the daemon and its reading process: jobs go in, answers come out, all of declared types.

A frame is its length in four bytes, followed by as many bytes of MessagePack. msgspec encodes it, and decodes it into
the declared type or not at all. Nothing that crosses can name a function or a class.
"""

import struct
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from planit_mailer.adapters.sandbox.confinement import Guard
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.mail.dkim import Signature

LENGTH = struct.Struct("<I")
ANSWER = 50_000_000  # bytes of an answer, at most
HEAD = 5_000_000  # bytes of its head, at most
BULK = 10_000  # byte strings beside it, at most


class Job(Struct, frozen=True, tag=True):
    """The base class of what the reading process can be asked to do."""


class Sniff(Job, frozen=True):
    """Detect the kinds of files by their beginnings. The answer is a tuple of FileKind."""

    beginnings: tuple[bytes, ...]


class Judge(Job, frozen=True):
    """Read and judge a file. The answer is a Judgement."""

    data: bytes
    judging: Criteria


class Annotate(Job, frozen=True):
    """Paint problems into a file. The judgement needs no draft. The answer is an Annotated."""

    data: bytes
    judgement: Judgement
    judging: Criteria


class ParseHeader(Job, frozen=True):
    """Parse the header of a message. The answer is a Message."""

    head: bytes
    whole: bool


class Parse(Job, frozen=True):
    """Parse a message. The answer is a Message."""

    raw: bytes


class FindSignatures(Job, frozen=True):
    """Find the DKIM signatures of a message for a domain. The answer is a tuple of Signature."""

    head: bytes
    domain: str
    own_address: str


class Prove(Job, frozen=True):
    """Verify signatures with the records that DNS has for each. The answer is a str."""

    raw: bytes
    keys: tuple[tuple[Signature, tuple[bytes, ...]], ...]


class Ready(Struct, frozen=True):
    """The first thing that a reading process says, when it has confined itself."""

    lacking: tuple[Guard, ...]


class Code(StrEnum):
    """The reason why the reading process gives no answer."""

    ERROR = "error"
    MEMORY = "memory"


class Done(Struct, frozen=True, tag=True):
    """The end of a job, with its answer: a head, which is MessagePack, and what is bulky, as packing.py packs it."""

    head: Annotated[bytes, Meta(max_length=HEAD)]
    bulk: Annotated[tuple[bytes, ...], Meta(max_length=BULK)] = ()


class Failure(Struct, frozen=True, tag=True):
    """The end of a job without an answer.

    `text` names the kind of an error and where it was raised; it quotes no file.
    """

    code: Code
    text: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_<>., ]{0,500}\Z")] = ""

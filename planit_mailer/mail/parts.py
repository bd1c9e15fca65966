"""Raw bytes → MIME parts: the bodies and the files of a message. A message inside the message stays closed.

The standard library's parser looks at each line once for every multipart around it, so that a few hundred multiparts in
each other cost minutes, and it needs eighty bytes for each line. Here it stops at limits.
"""

import copy
import email
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.policy import compat32
from typing import Any

from planit_mailer.core import text
from planit_mailer.mail import headers

PARTS = 2_000
DEPTH = 20
LINES = 500_000  # in all; 25 MB in base64 have 350,000
TABLES = ("text/csv", "text/comma-separated-values", "text/tab-separated-values")
CLOSED = "application/x-closed"  # a message in a message, as the parser sees it


class TooMuch(Exception):  # noqa: N818  no error of ours: the message is to blame
    """A message has too many parts or lines, or its parts are nested too deep."""


class Part(Message):
    """A part of a message. Raises TooMuch while it is parsed if it is one too many, or too deep in the others."""

    def __init__(self, policy: Any = compat32) -> None:
        super().__init__(policy=policy)
        self._root = self
        self._depth = 0
        self._count = 1

    @property
    def kind(self) -> str:
        """The content type in lower case, "text/plain" if it is malformed."""
        return super().get_content_type()

    def get_content_type(self) -> str:
        """The content type on which the parser decides: it would open a message in a message."""
        return CLOSED if self.kind.startswith("message/") else self.kind

    def attach(self, payload: Any) -> None:
        """Add a part, as the parser does for each."""
        root = self._root
        payload._root = root  # noqa: SLF001  a part of the same message
        payload._depth = self._depth + 1  # noqa: SLF001
        root._count += 1  # noqa: SLF001
        if payload._depth > DEPTH or root._count > PARTS:  # noqa: SLF001
            raise TooMuch
        super().attach(payload)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a message in their order. `forwarded`: there is a message among them."""

    bodies: tuple[Part, ...] = ()
    files: tuple[Part, ...] = ()
    forwarded: bool = False


def split(raw: bytes) -> Parts:
    """Sort the parts into bodies and files. A forwarded message is neither: a bounce may return a school's workbook.

    Raises TooMuch, or whatever the standard library's parser raises.
    """
    if _lines(raw) > LINES:
        raise TooMuch
    bodies: list[Part] = []
    files: list[Part] = []
    forwarded = False
    for part in _all(raw):
        if part.is_multipart():
            continue
        if part.kind == "message/rfc822":
            forwarded = True
        elif part.kind.startswith("message/"):
            continue
        elif _is_body(part):
            bodies.append(part)
        else:
            files.append(part)
    return Parts(tuple(bodies), tuple(files), forwarded)


def _all(raw: bytes) -> Iterator[Any]:
    """All parts, each before the parts in it."""
    return email.message_from_bytes(raw, Part, policy=compat32).walk()


def _lines(raw: bytes) -> int:
    """The number of lines as the parser counts them: they end with CR, LF or both."""
    return raw.count(b"\r") + raw.count(b"\n") - raw.count(b"\r\n")


def _is_body(part: Part) -> bool:
    """True if a part is shown as text in a mail program. A multipart without parts is broken text."""
    if part.get_content_maintype() == "multipart":
        return True
    if part.get_content_maintype() != "text" or part.kind in TABLES:
        return False
    return part.get_content_disposition() != "attachment" and not file_name(part)


def content(part: Part) -> bytes:
    """The decoded bytes of a part. Its charset does not count: a malformed one may make the library raise."""
    bare = copy.copy(part)
    del bare["content-type"]
    data = bare.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def file_name(part: Part) -> str:
    """The file name in a part's headers, decoded on one line; "" if there is none, or none that can be read."""
    clean = Part()
    for name, value in part.raw_items():
        if name.lower() in ("content-disposition", "content-type"):
            clean[name] = text.one_line(str(value)[: headers.HEADER])
    try:
        given = clean.get_filename() or ""
    except (ValueError, TypeError, LookupError):  # parameters that contradict each other (RFC 2231)
        given = ""
    return headers.decoded(given)

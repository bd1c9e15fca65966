"""Raw bytes → Message: who wrote, when, and which files are in it.

This runs in the reading process on whatever the world sends, so nothing here raises on hostile input, every size has
a cap, and the raw bytes are never written out again: a message that is parsed and re-serialised is another message.
The standard library's compat32 policy is used on purpose: the newer one raises on one real message in twenty and takes
seconds to minutes for a long header.
"""

import email
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message as Part
from email.parser import BytesHeaderParser
from email.policy import compat32
from itertools import islice
from typing import Any

from planit_mailer.core import text
from planit_mailer.mail import headers, tnef
from planit_mailer.mail.headers import Address

HEADER = 8_000  # characters that are kept of one header
HEADERS = 1_000
PARTS = 2_000
DEPTH = 20
DATE = 100  # characters of a Date header; what is longer is no date
NAME = 120  # characters of a file's name
BODY = 1_000_000  # bytes of one body part in which links are looked for
TABLES = ("text/csv", "text/comma-separated-values", "text/tab-separated-values")

RETURNED = re.compile(rb"^(?:original-|x-original-)?message-id:\s*(<[!-;=?-~]{1,250}>)", re.IGNORECASE | re.MULTILINE)
# What became of a returned mail (RFC 3464 section 2.3.3): only "failed" says that it will never arrive.
ACTION = re.compile(rb"^action:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
# Where people put a file instead of attaching it. Outlook wraps links, so that "//" may stand there as "%2F%2F".
LINK = re.compile(
    rb"(?://|%2F%2F)(?:[\w-]+\.)*?(?:"
    rb"(?P<OneDrive>1drv\.ms|onedrive\.live\.com|[\w-]+-my\.sharepoint\.com)|(?P<SharePoint>sharepoint\.com)|"
    rb"(?P<Google_Drive>(?:drive|docs)\.google\.com)|(?P<Dropbox>dropbox\.com)|(?P<WeTransfer>we\.tl|wetransfer\.com)|"
    rb"(?P<Box>box\.com)|(?P<iCloud>icloud\.com))(?![\w.-])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file of a message; `name` is a base name that is safe to show, `digest` the SHA-256 of its bytes."""

    name: str
    data: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a message that matter to us.

    `headers` have lower-case names, in their order, unfolded and cut. The Message-IDs are safe to put into a header, ""
    if there is none. `attachments` are all files outside forwarded messages, once if two have the same bytes, and
    `attachments_digest` names them all together, regardless of white space in plain text. `link` is the file store that
    the body links to. `whole` is False if the message was too large to be fetched: then only its header was read.
    `returned` are the Message-IDs of the mail that a bounce brings back, none if it reports a delay or a success.
    """

    from_addresses: tuple[Address, ...]
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    date: str
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[Attachment, ...] = ()
    link: str = ""
    whole: bool = True
    forwarded: bool = False
    attachments_digest: str = ""
    returned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Structure:
    """The MIME parts of a message; `whole` is False if there were too many, or nested too deep."""

    leaves: tuple[Part, ...]
    forwarded: bool
    whole: bool


def header(message: Message, name: str) -> str:
    """The first header of this name (lower-case), "" if there is none."""
    return next(iter(all_headers(message, name)), "")


def all_headers(message: Message, name: str) -> tuple[str, ...]:
    """Every header of this name (lower-case), from the top down."""
    return tuple(value for key, value in message.headers if key == name)


def parse(raw: bytes, whole: bool = True) -> Message:  # noqa: FBT001, FBT002  as Fetched has it
    """Parse a message. `whole` is False if `raw` is the header alone of a message beyond the limit."""
    lines = tuple(_lines(BytesHeaderParser(policy=compat32).parsebytes(raw)))
    structure = _structure(raw) if whole else _Structure((), forwarded=False, whole=False)
    parts = structure.leaves
    attachments = tuple(_attachments(part for part in parts if not _is_body(part)))
    message_id = headers.message_id(_value(lines, "message-id"))
    return Message(
        from_addresses=tuple(a for name, value in lines if name == "from" for a in headers.addresses(value)),
        message_id=message_id,
        in_reply_to=headers.message_id(_value(lines, "in-reply-to")),
        references=headers.references(_value(lines, "references")),
        date=_value(lines, "date")[:DATE],
        headers=lines,
        attachments=attachments,
        link=_link(part for part in parts if _is_body(part)),
        whole=structure.whole,
        forwarded=structure.forwarded,
        attachments_digest=_digest_of_all(attachments),
        returned=_returned(raw, message_id) if whole else (),
    )


def _lines(root: Part) -> Iterator[tuple[str, str]]:
    for name, value in islice(root.raw_items(), HEADERS):
        yield name.lower(), text.one_line(str(value))[:HEADER]


def _value(lines: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for key, value in lines if key == name), "")


def _structure(raw: bytes) -> _Structure:
    """The parts that hold no others. Nothing inside message/* counts: a bounce may bring back a school's workbook."""
    try:
        waiting: list[tuple[Any, int]] = [(email.message_from_bytes(raw, policy=compat32), 0)]
    except RecursionError:  # about a thousand multiparts in each other
        return _Structure((), forwarded=False, whole=False)
    leaves: list[Part] = []
    forwarded, deepest, seen = False, 0, 0
    while waiting and seen < PARTS:
        part, depth = waiting.pop()
        seen, deepest = seen + 1, max(depth, deepest)
        payload = part.get_payload()
        if part.get_content_maintype() == "message":
            forwarded = forwarded or part.get_content_subtype() == "rfc822"
        elif not isinstance(payload, list):
            leaves.append(part)
        elif depth <= DEPTH:
            waiting.extend((child, depth + 1) for child in reversed(payload))
    return _Structure(tuple(leaves), forwarded, whole=not waiting and deepest <= DEPTH)


def _is_body(part: Part) -> bool:
    """True if a part is shown as text in a mail program; a multipart without parts is broken text."""
    if part.get_content_maintype() == "multipart":
        return True
    is_text = part.get_content_maintype() == "text" and part.get_content_type() not in TABLES
    return is_text and part.get_content_disposition() != "attachment" and not _file_name(part)


def _attachments(parts: Iterable[Part]) -> Iterator[Attachment]:
    seen: set[str] = set()
    for name, data in (file for part in parts for file in _files(part)):
        digest = hashlib.sha256(data).hexdigest()
        if digest not in seen:
            seen.add(digest)
            yield Attachment(name or f"attachment-{len(seen)}", data, digest)


def _files(part: Part) -> tuple[tuple[str, bytes], ...]:
    """The name and bytes of a file part, or of the files in it if Outlook wrapped them."""
    data = _bytes(part)
    wrapped = tuple((_safe_name(text.one_line(name[:HEADER])), content) for name, content in tnef.files(data))
    return wrapped or ((_file_name(part), data),)


def _bytes(part: Part) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _file_name(part: Part) -> str:
    """The base name of a part, safe to show, "" if it has none; a long one keeps its extension."""
    clean: Part = Part(policy=compat32)
    for name, value in part.raw_items():
        if name.lower() in ("content-disposition", "content-type"):
            clean[name] = text.one_line(str(value)[:HEADER])
    try:
        given = clean.get_filename() or ""
    except ValueError:  # a charset that is none, in a parameter (RFC 2231)
        given = ""
    return _safe_name(headers.decoded(given))


def _safe_name(given: str) -> str:
    base = re.split(r"[/\\]", given)[-1].strip(" .\"'")
    stem, dot, extension = base.rpartition(".")
    return base if len(base) <= NAME else f"{stem[: NAME - 11]}{dot}{extension[:10]}" if dot else base[:NAME]


def _link(bodies: Iterable[Part]) -> str:
    """The file store that a body links to, by its name."""
    for body in bodies:
        if found := LINK.search(_bytes(body)[:BODY]):
            return str(found.lastgroup).replace("_", " ")
    return ""


def _digest_of_all(attachments: tuple[Attachment, ...]) -> str:
    return hashlib.sha256("".join(sorted(_apart_from_space(a) for a in attachments)).encode()).hexdigest()


def _apart_from_space(attachment: Attachment) -> str:
    """The digest of a file; of plain text without its white space, which signatures leave free and servers change."""
    is_text = b"\0" not in attachment.data
    return hashlib.sha256(b"".join(attachment.data.split())).hexdigest() if is_text else attachment.digest


def _returned(raw: bytes, own: str) -> tuple[str, ...]:
    actions = {match[1].lower() for match in islice(ACTION.finditer(raw), PARTS)}
    if actions and b"failed" not in actions:
        return ()
    found = (match[1].decode() for match in islice(RETURNED.finditer(raw), PARTS))
    return tuple(dict.fromkeys(message_id for message_id in found if message_id != own))

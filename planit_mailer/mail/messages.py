"""Raw bytes → Message: who wrote it, when, and the files in it.

This parses untrusted messages in the reading process. Nothing here raises on hostile input, and every size has a limit.
The raw bytes are never written out again: a message that is parsed and serialised again is a different message. The
policy compat32 is used on purpose: the newer policy raises on one real message in twenty, and takes seconds to minutes
for a long header.
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
DATE = 100  # characters of a Date header; longer text is no date
NAME = 120  # characters of a file's name
EXTENSION = 10  # characters of its extension, if the name is too long
BODY = 1_000_000  # bytes of one body part that are searched for links
TABLES = ("text/csv", "text/comma-separated-values", "text/tab-separated-values")

RETURNED = re.compile(rb"^(?:original-|x-original-)?message-id:\s*(<[!-;=?-~]{1,250}>)", re.IGNORECASE | re.MULTILINE)
# The fate of a returned mail (RFC 3464 section 2.3.3): only "failed" says that it will never arrive.
ACTION = re.compile(rb"^action:[ \t]*([a-z]+)", re.IGNORECASE | re.MULTILINE)
# Links to files that people share instead of attaching them. Outlook wraps links, which can turn "//" into "%2F%2F".
LINK = re.compile(
    rb"(?://|%2F%2F)(?:[\w-]+\.)*?(?:"
    rb"(?P<OneDrive>1drv\.ms|onedrive\.live\.com|[\w-]+-my\.sharepoint\.com)|(?P<SharePoint>sharepoint\.com)|"
    rb"(?P<Google_Drive>(?:drive|docs)\.google\.com)|(?P<Dropbox>dropbox\.com)|(?P<WeTransfer>we\.tl|wetransfer\.com)|"
    rb"(?P<Box>box\.com)|(?P<iCloud>icloud\.com))(?![\w.-])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """One file of a message. `name` is a base name that is safe to show. `digest` is the SHA-256 of its bytes."""

    name: str
    data: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Message:
    """The parts of a message that matter to us.

    `headers` have lower-case names, in their order, unfolded and cut. The Message-IDs are safe to put into a header,
    and "" if there is none. `attachments` are all files outside forwarded messages, only one if two have the same
    bytes. `attachments_digest` is a digest of all of them that ignores white space in plain text. `link` is the name
    of the file store that the body links to. `whole` is False if the message was too large to be fetched (then only its
    header was read) or has too many parts. `returned` are the Message-IDs of the mails that a bounce brings back, none
    if it reports a delay or a success.
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
    """The MIME parts of a message. `whole` is False if there are too many, or if they are nested too deep."""

    bodies: tuple[Part, ...] = ()
    files: tuple[Part, ...] = ()
    forwarded: bool = False
    whole: bool = False


def header(message: Message, name: str) -> str:
    """Return the first header of this name (lower-case), "" if there is none."""
    return _first(message.headers, name)


def all_headers(message: Message, name: str) -> tuple[str, ...]:
    """Return every header of this name (lower-case), from the top down."""
    return tuple(value for key, value in message.headers if key == name)


def parse(raw: bytes, whole: bool = True) -> Message:  # noqa: FBT001, FBT002  as Fetched has it
    """Parse a message. `whole` is False if `raw` is only the header of a message beyond the size limit."""
    lines = tuple(_lines(raw))
    message_id = headers.message_id(_first(lines, "message-id"))
    structure = _structure(raw) if whole else _Structure()
    attachments = tuple(_attachments(structure.files))
    return Message(
        from_addresses=tuple(_from_addresses(lines)),
        message_id=message_id,
        in_reply_to=headers.message_id(_first(lines, "in-reply-to")),
        references=headers.references(_first(lines, "references")),
        date=_first(lines, "date")[:DATE],
        headers=lines,
        attachments=attachments,
        link=_link(structure.bodies),
        whole=structure.whole,
        forwarded=structure.forwarded,
        attachments_digest=_digest_of_all(attachments),
        returned=_returned(raw, message_id) if whole else (),
    )


def _lines(raw: bytes) -> Iterator[tuple[str, str]]:
    """The header lines as lower-case names and one-line values, cut to the limits."""
    root = BytesHeaderParser(policy=compat32).parsebytes(raw)
    for name, value in islice(root.raw_items(), HEADERS):
        yield name.lower(), text.one_line(str(value))[:HEADER]


def _first(lines: tuple[tuple[str, str], ...], name: str) -> str:
    for key, value in lines:
        if key == name:
            return value
    return ""


def _from_addresses(lines: tuple[tuple[str, str], ...]) -> Iterator[Address]:
    for name, value in lines:
        if name == "from":
            yield from headers.addresses(value)


def _structure(raw: bytes) -> _Structure:
    """Sort the parts into bodies and files. A forwarded message is neither: a bounce may return a school's workbook."""
    try:
        root = email.message_from_bytes(raw, policy=compat32)
    except RecursionError:  # about a thousand multiparts in each other
        return _Structure()
    leaves, whole = _leaves(root)
    bodies: list[Part] = []
    files: list[Part] = []
    forwarded = False
    for part in leaves:
        if part.get_content_type() == "message/rfc822":
            forwarded = True
        elif part.get_content_maintype() == "message":
            continue
        elif _is_body(part):
            bodies.append(part)
        else:
            files.append(part)
    return _Structure(tuple(bodies), tuple(files), forwarded, whole)


def _leaves(root: Part) -> tuple[list[Part], bool]:
    """The parts without parts of their own, and False if there are too many or nested too deep. Opens no message/*."""
    leaves: list[Part] = []
    waiting: list[tuple[Any, int]] = [(root, 0)]
    deepest = 0
    seen = 0
    while waiting and seen < PARTS:
        part, depth = waiting.pop()
        seen += 1
        deepest = max(deepest, depth)
        payload = part.get_payload()
        if part.get_content_maintype() == "message" or not isinstance(payload, list):
            leaves.append(part)
        elif depth <= DEPTH:
            waiting.extend((child, depth + 1) for child in reversed(payload))
    return leaves, not waiting and deepest <= DEPTH


def _is_body(part: Part) -> bool:
    """True if a part is shown as text in a mail program. A multipart without parts is broken text."""
    if part.get_content_maintype() == "multipart":
        return True
    if part.get_content_maintype() != "text" or part.get_content_type() in TABLES:
        return False
    return part.get_content_disposition() != "attachment" and not _file_name(part)


def _attachments(parts: Iterable[Part]) -> Iterator[Attachment]:
    """The files of these parts, without those whose bytes were there before."""
    seen: set[str] = set()
    for part in parts:
        for name, data in _files(part):
            digest = hashlib.sha256(data).hexdigest()
            if digest not in seen:
                seen.add(digest)
                yield Attachment(name or f"attachment-{len(seen)}", data, digest)


def _files(part: Part) -> list[tuple[str, bytes]]:
    """The name and bytes of the file in a part, or of each file in it if Outlook wrapped them."""
    data = _bytes(part)
    wrapped = [(_safe_name(text.one_line(name[:HEADER])), content) for name, content in tnef.files(data)]
    return wrapped or [(_file_name(part), data)]


def _bytes(part: Part) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _file_name(part: Part) -> str:
    """The base name in a part's headers, safe to show, "" if there is none."""
    clean: Part = Part(policy=compat32)
    for name, value in part.raw_items():
        if name.lower() in ("content-disposition", "content-type"):
            clean[name] = text.one_line(str(value)[:HEADER])
    try:
        given = clean.get_filename() or ""
    except ValueError:  # an unknown charset in a parameter (RFC 2231)
        given = ""
    return _safe_name(headers.decoded(given))


def _safe_name(given: str) -> str:
    """A file's name without folders, cut in front of its extension if it is too long."""
    base = re.split(r"[/\\]", given)[-1].strip(" .\"'")
    if len(base) <= NAME:
        return base
    stem, dot, extension = base.rpartition(".")
    if not dot:
        return base[:NAME]
    return f"{stem[: NAME - len(dot) - EXTENSION]}{dot}{extension[:EXTENSION]}"


def _link(bodies: Iterable[Part]) -> str:
    """The name of the file store that a body links to, "" if there is no such link."""
    for body in bodies:
        found = LINK.search(_bytes(body)[:BODY])
        if found:
            return str(found.lastgroup).replace("_", " ")
    return ""


def _digest_of_all(attachments: tuple[Attachment, ...]) -> str:
    digests = sorted(map(_digest_without_space, attachments))
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _digest_without_space(attachment: Attachment) -> str:
    """The digest of a file, for plain text without its white space: DKIM allows servers to change that."""
    if b"\0" in attachment.data:
        return attachment.digest
    return hashlib.sha256(b"".join(attachment.data.split())).hexdigest()


def _returned(raw: bytes, own: str) -> tuple[str, ...]:
    """The Message-IDs of the mails that a bounce brings back, without its own one."""
    actions = {match[1].lower() for match in islice(ACTION.finditer(raw), PARTS)}
    if actions and b"failed" not in actions:
        return ()
    found = dict.fromkeys(match[1].decode() for match in islice(RETURNED.finditer(raw), PARTS))
    found.pop(own, None)
    return tuple(found)

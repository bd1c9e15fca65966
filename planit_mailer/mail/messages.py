"""Raw bytes → Message: who wrote it, when, and the files in it. Who wrote it is told by its header alone.

This parses untrusted messages in the reading process. Nothing here raises on hostile input, and every size has a limit:
if the library raises all the same, the message is `unread`. The raw bytes are never written out again: a message that
is parsed and serialised again is a different message. The policy compat32 is used on purpose: the newer policy raises
on one real message in twenty, and takes seconds to minutes for a long header.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from email.parser import BytesHeaderParser
from email.policy import compat32
from itertools import islice

from planit_mailer.core import errors, text
from planit_mailer.mail import headers, parts, tnef
from planit_mailer.mail.headers import HEADER, Address
from planit_mailer.mail.parts import PARTS, Part, TooMuch

HEAD = 1_000_000  # bytes of a message's header; a longer one is not read at all
HEADERS = 1_000
DATE = 100  # characters of a Date header; longer text is no date
NAME = 120  # characters of a file's name
EXTENSION = 10  # characters of its extension, if the name is too long
BODY = 1_000_000  # bytes of one body part that are searched for links
NAMED = 2_000  # Message-IDs of returned mails, and words about their fate, in one bounce

EMPTY_LINE = re.compile(rb"\n\r?\n")
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
    if it reports a delay or a success. `unread` says why the message, or all but its header, could not be read, "" if
    it could; it quotes nothing of the message.
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
    unread: str = ""


def header(message: Message, name: str) -> str:
    """Return the first header of this name (lower-case), "" if there is none."""
    return _first(message.headers, name)


def all_headers(message: Message, name: str) -> tuple[str, ...]:
    """Return every header of this name (lower-case), from the top down."""
    return tuple(value for key, value in message.headers if key == name)


def parse(raw: bytes, whole: bool = True) -> Message:  # noqa: FBT001, FBT002  as Fetched has it
    """Parse a message. `whole` is False if `raw` is only the header of a message beyond the size limit."""
    message = head(raw, whole)
    if message.unread or not whole:
        return message
    try:
        return _with_parts(message, raw)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  whatever makes the library raise, the message is to blame
        return replace(message, unread=errors.cause(error))


def beginning(raw: bytes) -> bytes:
    """Return as much of a message as is needed to parse its header, or to see that it is too long."""
    return raw[: HEAD + 1]


def head(raw: bytes, whole: bool = True) -> Message:  # noqa: FBT001, FBT002  as Fetched has it
    """Parse the header of a message alone; its beginning() will do as `raw`."""
    try:
        return _head(raw, whole=whole)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  as in parse()
        return unreadable(errors.cause(error))


def unreadable(why: str) -> Message:
    """Return a message of which nothing could be read."""
    return Message((), "", "", (), "", (), unread=why)


def _head(raw: bytes, *, whole: bool) -> Message:
    root = BytesHeaderParser(policy=compat32).parsebytes(raw[:HEAD])
    if len(raw) > HEAD and not EMPTY_LINE.search(raw, 0, HEAD):
        return unreadable(f"its header has more than {HEAD // 1_000_000} MB")
    lines = tuple(_lines(root.raw_items()))
    return Message(
        from_addresses=tuple(_from_addresses(lines)),
        message_id=headers.message_id(_first(lines, "message-id")),
        in_reply_to=headers.message_id(_first(lines, "in-reply-to")),
        references=headers.references(_first(lines, "references")),
        date=_first(lines, "date")[:DATE],
        headers=lines,
        whole=whole,
        attachments_digest=_digest_of_all(()),
    )


def _with_parts(message: Message, raw: bytes) -> Message:
    try:
        found = parts.split(raw)
    except TooMuch:
        return replace(message, whole=False)
    attachments = tuple(islice(_attachments(found.files), PARTS + 1))
    if len(attachments) > PARTS:  # Outlook's envelopes hold several each
        return replace(message, whole=False)
    return replace(
        message,
        attachments=attachments,
        link=_link(found.bodies),
        forwarded=found.forwarded,
        attachments_digest=_digest_of_all(attachments),
        returned=_returned(raw, message.message_id),
    )


def _lines(fields: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str]]:
    """The header lines as lower-case names and one-line values, cut to the limits."""
    for name, value in islice(fields, HEADERS):
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


def _attachments(files: Iterable[Part]) -> Iterator[Attachment]:
    """The files of these parts, without those whose bytes were there before."""
    seen: set[str] = set()
    for part in files:
        for name, data in _files(part):
            digest = hashlib.sha256(data).hexdigest()
            if digest not in seen:
                seen.add(digest)
                yield Attachment(name or f"attachment-{len(seen)}", data, digest)


def _files(part: Part) -> list[tuple[str, bytes]]:
    """The name and bytes of the file in a part, or of each file in it if Outlook wrapped them."""
    data = parts.content(part)
    wrapped = [(_safe_name(text.one_line(name[:HEADER])), content) for name, content in tnef.files(data)]
    return wrapped or [(_safe_name(parts.file_name(part)), data)]


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
        found = LINK.search(parts.content(body)[:BODY])
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
    actions = {match[1].lower() for match in islice(ACTION.finditer(raw), NAMED)}
    if actions and b"failed" not in actions:
        return ()
    found = dict.fromkeys(match[1].decode() for match in islice(RETURNED.finditer(raw), NAMED))
    found.pop(own, None)
    return tuple(found)

"""DKIM signatures (RFC 6376): find those that could prove a message's From domain, and verify them.

This is for a mailbox whose provider gives no verdict. It is stricter than the standard: a signature must cover
everything that decides how the body is parsed, otherwise an attacker could swap the form. dkimpy verifies the signature
itself. All of this runs in the reading process.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from planit_mailer.core import errors, text
from planit_mailer.mail import headers, messages

LOOKED_AT = 5  # signatures of the From domain in one message; real messages have one or two
KEY = 2_000  # bytes of a key's record; a key of 4,096 bits has 800
BITS = 1024  # of a key, at least (RFC 8301)
ALGORITHM = "rsa-sha256"  # every signer uses it (RFC 8301), if need be beside another one
# A header as in RFC 5322, in lines that every parser splits alike: some take a bare CR for the end of a line.
HEADER = re.compile(rb"(?:[!-9;-~]++:[^\r\n\0]*+\r\n(?:[ \t][^\r\n\0]*+\r\n)*+)++\r\n")
# A body that is no file, whatever its encoding: a multipart, whose parts name their own encoding, or text to be read.
NO_FILE = re.compile(r"\s*(?:multipart/|text/(?:plain|html)(?!.*name))", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"[A-Za-z]\w*", re.ASCII)
SELECTOR = re.compile(r"(?=.{1,200}\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")
# The values of a key's tags that suit us: its algorithm, its hash, and its service. Any value does if a tag is missing.
SUITABLE: Mapping[str, frozenset[str]] = MappingProxyType(
    {"k": frozenset({"rsa"}), "h": frozenset({"sha256"}), "s": frozenset({"*", "email"})}
)

Fields = Sequence[tuple[str, str]]  # names in lower case, from the top down
Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signature:
    """One of a message's signatures for its From domain.

    `number` counts all signatures of the message from the top. `name` is the DNS name of the key. A signature with a
    `flaw` proves nothing, whatever its key is.
    """

    number: int
    name: str
    flaw: str = ""


Keys = Sequence[tuple[Signature, Sequence[bytes]]]  # each signature with the records that DNS has under its name


@dataclass(frozen=True, slots=True)
class _Header:
    """The lines of a message's header, and the names of the lines that a signature signs."""

    fields: Fields
    signed: Sequence[str]

    def values(self, name: str) -> list[str]:
        return _values_of(name, self.fields)

    def covers(self, name: str) -> bool:
        """True if a line occurs once, and is signed."""
        return name in self.signed and len(self.values(name)) == 1


def find(raw: bytes, domain: str, own_address: str) -> tuple[Signature, ...]:
    """Return the first five signatures of a message for a domain (in ASCII), from the top down."""
    head = HEADER.match(raw)
    if not head:
        return ()
    fields = tuple(_fields(head[0]))
    if len(fields) > messages.HEADERS:  # the lines below are never read, so an attacker could hide signed ones there
        return ()
    found: list[Signature] = []
    for number, value in enumerate(_values_of("dkim-signature", fields)):
        tags = _tags(value)
        if tags.get("d", "").lower() == domain and len(found) < LOOKED_AT:
            selector = tags.get("s", "").encode("ascii", "replace").decode()  # 8-bit bytes are half characters here
            name = f"{selector}._domainkey.{domain}.".lower()
            found.append(Signature(number, name, next(_flaws(tags, fields, own_address), "")))
    return tuple(found)


def prove(raw: bytes, keys: Keys) -> str:
    """Return "" if one of a message's signatures proves its domain, else the reason why the last one does not."""
    why = ""
    for signature, records in keys:
        why = verify(raw, signature, records)
        if not why:
            break
    return why


def verify(raw: bytes, signature: Signature, records: Sequence[bytes]) -> str:
    """Return "" if a signature without a flaw proves its domain with the records from DNS, else the reason why not."""
    if not records:
        return f"DNS has no key under {signature.name}"
    if len(records) > 1:
        return f"DNS has several keys under {signature.name}"
    flaw = _key_flaw(records[0])
    if flaw:
        return f"the key under {signature.name} {flaw}"
    try:
        matches = _matches(raw, signature, records[0])
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  whatever makes dkimpy raise, the message is to blame
        return f"its DKIM signature cannot be verified: {errors.cause(error)}"
    return "" if matches else "its DKIM signature does not match"


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    for line in re.split(rb"\r\n(?![ \t])", head.rstrip(b"\r\n")):
        name, _, value = line.decode("ascii", "surrogateescape").partition(":")
        yield name.lower(), value


def _values_of(name: str, fields: Fields) -> list[str]:
    return [value for field, value in fields if field == name]


def _tags(value: str) -> Tags:
    """The tags of a signature or a key, none at all if one of them is repeated or malformed."""
    tags: dict[str, str] = {}
    for part in value.replace("\r\n", "").strip().removesuffix(";").split(";"):
        name, _, content = part.partition("=")
        name = name.strip()
        if name in tags or not TAG.fullmatch(name):
            return {}
        tags[name] = content.strip()
    return tags


def _flaws(tags: Tags, fields: Fields, own_address: str) -> Iterator[str]:
    """The flaws of a signature that do not depend on its key."""
    yield from _flaws_of_tags(tags)
    header = _Header(fields, _split(tags.get("h", "").lower()))
    if not header.covers("from"):
        yield "its DKIM signature does not cover its one from line"
    if not header.covers("message-id"):  # else an attacker could send the message again as a new one
        yield "its DKIM signature does not cover its one message-id line"
    if not _has_message_id(header):
        yield "its Message-ID is none by which it would be known, were it sent once more"
    if not _covers_form(header) and not _is_for(own_address, header):
        yield f"its DKIM signature covers neither its Content-Type nor a To or Cc that names {own_address}"


def _flaws_of_tags(tags: Tags) -> Iterator[str]:
    if tags.get("a") != ALGORITHM:
        yield f"its DKIM signature is not made by {ALGORITHM}"
    if "l" in tags:
        yield "its DKIM signature covers a part of the body alone"
    identity = tags.get("i", "@" + tags["d"])
    if identity.lower().rpartition("@")[2] != tags["d"].lower():
        yield "its DKIM signature is that of a subdomain"
    if not SELECTOR.fullmatch(tags.get("s", "")):
        yield "its DKIM signature names no key"


def _has_message_id(header: _Header) -> bool:
    """True if a message has a Message-ID that `messages` can read."""
    values = [text.one_line(value)[: headers.HEADER] for value in header.values("message-id")]
    return any(map(headers.message_id, values))


def _covers_form(header: _Header) -> bool:
    """True if a signature covers how the body is parsed: as text, or as which files."""
    if not header.covers("content-type"):
        return False
    disposed = bool(header.values("content-disposition"))
    if disposed and not header.covers("content-disposition"):
        return False
    if NO_FILE.match(header.values("content-type")[0]) and not disposed:
        return True
    encoding = "content-transfer-encoding"  # the absence of this line can be signed as well
    return encoding in header.signed and len(header.values(encoding)) <= 1


def _is_for(own_address: str, header: _Header) -> bool:
    """True if a signature covers a To or Cc line that names our address.

    Google signs no Content-Type. An attacker who wants to exchange it then needs a copy of a message to us.
    """
    for name in ("to", "cc"):
        if not header.covers(name):
            continue
        [value] = header.values(name)
        if any(found.address == own_address.lower() for found in headers.addresses(value)):
            return True
    return False


def _key_flaw(record: bytes) -> str:
    tags = _tags(record.decode("ascii", "replace"))
    if not tags.get("p") or len(record) > KEY or tags.get("v", "DKIM1") != "DKIM1":
        return "is none, or has been revoked"
    if "y" in _split(tags.get("t", "")):
        return "is there for a test alone"
    for name, suitable in SUITABLE.items():
        if name in tags and suitable.isdisjoint(_split(tags[name])):
            return f"is not one for mail and {ALGORITHM}"
    return ""


def _split(value: str) -> list[str]:
    """The parts of a tag with several values."""
    return [part.strip() for part in value.split(":")]


def _matches(raw: bytes, signature: Signature, key: bytes) -> bool:
    """True if the signature verifies with this key, and has not expired."""
    import dkim  # noqa: PLC0415  a tenth of a second to import, and few need it

    def look_up(name: bytes, timeout: float) -> bytes:  # noqa: ARG001  as dkimpy calls it
        return key if name.lower() == signature.name.encode() else b""

    try:
        return bool(dkim.DKIM(raw, minkey=BITS).verify(signature.number, look_up))
    except (dkim.DKIMException, ArithmeticError, AssertionError, LookupError, TypeError, ValueError):
        # All kinds of broken tags and keys. dkimpy asserts that a NULL in the ASN.1 of a key is empty.
        return False

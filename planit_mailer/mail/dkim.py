"""DKIM signatures (RFC 6376): find those that could prove a message's From domain, and verify them.

For a mailbox whose provider gives no verdict. Stricter than the standard: a signature must cover everything that
decides how the body is parsed; otherwise an attacker could swap the form. dkimpy verifies the signature itself; all of
this runs in the reading process.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from planit_mailer.core import text
from planit_mailer.mail import headers, messages

LOOKED_AT = 5  # signatures of the From domain in one message; real ones have one or two
KEY = 2_000  # bytes of a key's record; one of 4,096 bits has 800
BITS = 1024  # of a key, at least (RFC 8301)
ALGORITHM = "rsa-sha256"  # the one that all signers use (RFC 8301); whoever uses another too, uses it as well
# A header as RFC 5322 has it, in lines that no two readers part differently: a bare CR ends a line for some.
HEADER = re.compile(rb"(?:[!-9;-~]++:[^\r\n\0]*+\r\n(?:[ \t][^\r\n\0]*+\r\n)*+)++\r\n")
# A body that is no file, however it is encoded: parts, each of which says that itself, or text to be read.
NO_FILE = re.compile(r"\s*(?:multipart/|text/(?:plain|html)(?!.*name))", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"[A-Za-z]\w*", re.ASCII)
SELECTOR = re.compile(r"(?=.{1,200}\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*")

Fields = Sequence[tuple[str, str]]  # names in lower case, from the top down


@dataclass(frozen=True, slots=True)
class Signature:
    """One of a message's signatures for its From domain.

    `number` counts all its signatures from the top; `name` is the DNS name of the key. A signature with a `flaw` proves
    nothing, whatever its key is.
    """

    number: int
    name: str
    flaw: str = ""


Keys = Sequence[tuple[Signature, Sequence[bytes]]]  # each signature with what DNS has under its name


def find(raw: bytes, domain: str, own_address: str) -> tuple[Signature, ...]:
    """The signatures of a message for a domain (in ASCII), from the top: the first five."""
    if not (head := HEADER.match(raw)):
        return ()
    fields = tuple(_fields(head[0]))
    if len(fields) > messages.HEADERS:  # those below are not read: whoever puts so many on top hides what is signed
        return ()
    found = enumerate(_tags(value) for name, value in fields if name == "dkim-signature")
    ours = ((number, tags) for number, tags in found if tags.get("d", "").lower() == domain)
    return tuple(
        Signature(
            number, f"{tags.get('s', '')}._domainkey.{domain}.".lower(), next(_flaws(tags, fields, own_address), "")
        )
        for number, tags in list(ours)[:LOOKED_AT]
    )


def prove(raw: bytes, keys: Keys) -> str:
    """The reason why none of a message's signatures proves its domain, taken from the last one; "" if one does."""
    why = ""
    for signature, records in keys:
        if not (why := verify(raw, signature, records)):
            break
    return why


def verify(raw: bytes, signature: Signature, records: Sequence[bytes]) -> str:
    """The reason why a signature without a flaw fails with the keys from DNS; "" if it proves its domain."""
    if len(records) != 1:
        return f"DNS has {'several keys' if records else 'no key'} under {signature.name}"
    if flaw := _key_flaw(records[0]):
        return f"the key under {signature.name} {flaw}"
    return "" if _matches(raw, signature, records[0]) else "its DKIM signature does not match"


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    for line in re.split(rb"\r\n(?![ \t])", head.rstrip(b"\r\n")):
        name, _, value = line.decode("ascii", "surrogateescape").partition(":")
        yield name.lower(), value


def _tags(value: str) -> Mapping[str, str]:
    """The tags of a signature or a key; none at all if one is repeated or malformed."""
    parts = value.replace("\r\n", "").strip().removesuffix(";").split(";")
    pairs = [(name.strip(), content.strip()) for name, _, content in (part.partition("=") for part in parts)]
    tags = dict(pairs)
    return tags if len(tags) == len(pairs) and all(TAG.fullmatch(name) for name in tags) else {}


def _flaws(tags: Mapping[str, str], fields: Fields, own_address: str) -> Iterator[str]:
    """The flaws of a signature, whatever its key is."""
    signed = [name.strip() for name in tags.get("h", "").lower().split(":")]
    yield from _flaws_of_tags(tags)
    for name in ("from", "message-id"):  # who wrote, and what tells a message from one that is sent once more
        if not _covers(signed, fields, name):
            yield f"its DKIM signature does not cover its one {name} line"
    if not _tells_apart(fields):
        yield "its Message-ID is none by which it would be known, were it sent once more"
    if not (_covers_form(signed, fields) or _is_for(own_address, signed, fields)):
        yield f"its DKIM signature covers neither its Content-Type nor a To or Cc that names {own_address}"


def _flaws_of_tags(tags: Mapping[str, str]) -> Iterator[str]:
    if tags.get("a") != ALGORITHM:
        yield f"its DKIM signature is not made by {ALGORITHM}"
    if "l" in tags:
        yield "its DKIM signature covers a part of the body alone"
    identity = tags.get("i", "@" + tags["d"])
    if identity.lower().rpartition("@")[2] != tags["d"].lower():
        yield "its DKIM signature is that of a subdomain"
    if not SELECTOR.fullmatch(tags.get("s", "")):
        yield "its DKIM signature names no key"


def _covers(signed: Sequence[str], fields: Fields, name: str) -> bool:
    """True if a header occurs once, and is signed."""
    return name in signed and [field for field, _ in fields].count(name) == 1


def _tells_apart(fields: Fields) -> bool:
    """True if a message has a Message-ID as `messages` reads it."""
    values = (text.one_line(value)[: messages.HEADER] for name, value in fields if name == "message-id")
    return any(headers.message_id(value) for value in values)


def _covers_form(signed: Sequence[str], fields: Fields) -> bool:
    """True if the signature covers how the body is parsed: as text, or as which files."""
    names = [name for name, _ in fields]
    disposed = "content-disposition" in names
    if not all(_covers(signed, fields, name) for name in ("content-type", *(["content-disposition"] * disposed))):
        return False
    encoding = "content-transfer-encoding"  # that there is none can be signed as well
    is_file = disposed or not NO_FILE.match(dict(fields)["content-type"])
    return not is_file or (encoding in signed and names.count(encoding) <= 1)


def _is_for(own_address: str, signed: Sequence[str], fields: Fields) -> bool:
    """True if the author wrote to our address.

    Google signs no Content-Type. To exchange it, an attacker then needs a copy of a message to us.
    """
    return any(
        _covers(signed, fields, name) and own_address.lower() in {found.address for found in headers.addresses(value)}
        for name, value in fields
        if name in ("to", "cc")
    )


def _key_flaw(record: bytes) -> str:
    tags = _tags(record.decode("ascii", "replace"))
    if not tags.get("p") or len(record) > KEY or tags.get("v", "DKIM1") != "DKIM1":
        return "is none, or has been revoked"
    if "y" in _values(tags, "t"):
        return "is there for a test alone"
    wanted = {"k": {"rsa"}, "h": {"sha256"}, "s": {"*", "email"}}
    if any(name in tags and not _values(tags, name) & may for name, may in wanted.items()):
        return f"is not one for mail and {ALGORITHM}"
    return ""


def _values(tags: Mapping[str, str], name: str) -> set[str]:
    return {value.strip() for value in tags.get(name, "").split(":")}


def _matches(raw: bytes, signature: Signature, key: bytes) -> bool:
    """True if the signature verifies with this key, and has not expired."""
    import dkim  # noqa: PLC0415  a tenth of a second to import, and few need it

    def look_up(name: bytes, timeout: float) -> bytes:  # noqa: ARG001  as dkimpy calls it
        return key if name.lower() == signature.name.encode() else b""

    try:
        return bool(dkim.DKIM(raw, minkey=BITS).verify(signature.number, look_up))
    except (dkim.DKIMException, ArithmeticError, LookupError, TypeError, ValueError):  # all kinds of broken tags
        return False

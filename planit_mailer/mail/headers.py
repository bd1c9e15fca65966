"""Header values → what they mean: one line of text, addresses, Message-IDs. Never raises, whatever is in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header

from planit_mailer.core.text import UNSAFE

FROM = 2_000  # characters; a longer From header is nobody's
LONGEST = 320  # characters of an address: 64 before the @, 255 behind it (RFC 5321 section 4.5.3.1)
REFERENCES = 20

MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
# Quoted strings, comments, addresses in angle brackets, commas, and what stands between them (RFC 5322 section 3.4).
TOKEN = re.compile(r'"(?:\\.|[^"\\])*+"|\((?:\\.|[^()\\])*+\)|<[^<>]*+>|,|[^",(<]++|.', re.DOTALL)
ADDRESS = re.compile(r"[^\s@<>()\[\]\",:;\\]+@[^\s@<>()\[\]\",:;\\]+")


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a From header, lower-case, "" if it is none, with its decoded display name."""

    name: str
    address: str


def addresses(value: str) -> tuple[Address, ...]:
    """The addresses of a From header, each of them with or without a display name.

    Written out because the standard library's answer depends on its patch level (CVE-2023-27043), and because what it
    drops must count here: two addresses must never look like one.
    """
    return tuple(_address(piece) for piece in _pieces(value)) if len(value) <= FROM else (Address("", ""),)


def _pieces(value: str) -> Iterator[list[str]]:
    """The tokens of each address. A comma that only parts an unquoted name, as in "Smith, Jo <jo@…>", parts nothing."""
    piece: list[str] = []
    for part in TOKEN.findall(value):
        if part == "," and any("@" in t for t in piece if t[0] not in '"('):
            yield piece
            piece = []
        else:
            piece.append(part)
    if "".join(piece).strip():
        yield piece


def _address(piece: list[str]) -> Address:
    """The address of one piece: in angle brackets behind its display name, or bare, with the name in a comment."""
    angles = [token for token in piece if _is_in_angles(token)]
    if len(angles) > 1:
        return Address(_name(piece), "")
    bare = angles[0][1:-1] if angles else _without_comments(piece)
    is_last = not angles or _without_comments(piece).endswith(">")
    return Address(_name(piece), _checked(bare.strip()) if is_last else "")


def _name(piece: list[str]) -> str:
    """The decoded display name: all words beside an address in angle brackets, or else the comments."""
    words = [token for token in piece if not _is_in_angles(token)]
    if len(words) == len(piece):
        words = [word for word in words if word[0] == "("]
    return decoded("".join(_unquoted(word) for word in words))


def _checked(bare: str) -> str:
    """An address in small letters, "" if it is none."""
    if len(bare) > LONGEST or not ADDRESS.fullmatch(bare):
        return ""
    return bare.lower()


def _is_in_angles(token: str) -> bool:
    return token[0] == "<" and token[-1] == ">"


def _without_comments(piece: list[str]) -> str:
    return "".join(token for token in piece if token[0] != "(").rstrip()


def _unquoted(token: str) -> str:
    closed = len(token) > 1 and token[0] + token[-1] in ('""', "()")
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if closed else token


def decoded(text: str) -> str:
    """Text with its encoded words decoded (RFC 2047), or unchanged if they cannot be."""
    try:
        words = [
            word if isinstance(word, str) else word.decode(charset or "raw-unicode-escape", "replace")
            for word, charset in decode_header(text)
        ]
    except (HeaderParseError, LookupError, ValueError):  # broken base64, a charset that is none
        words = [text]
    return UNSAFE.sub("", re.sub(r"\s+", " ", "".join(words))).strip()


def message_id(value: str) -> str:
    """The first Message-ID of a header; one without its brackets too, as long as it can do no harm."""
    if found := MESSAGE_ID.search(value):
        return found[0]
    return value if re.fullmatch(r"[!-~]{1,250}", value) else ""


def references(value: str) -> tuple[str, ...]:
    """A long chain keeps its beginning and its end, as RFC 5322 section 3.6.4 leaves us free to do."""
    found = MESSAGE_ID.findall(value)
    return tuple(found if len(found) <= REFERENCES else [found[0], *found[1 - REFERENCES :]])

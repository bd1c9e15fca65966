"""Header values → their meaning: decoded text, addresses and Message-IDs. No value makes these functions raise."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header

from planit_mailer.core.text import UNSAFE

HEADER = 8_000  # characters that are kept of one header
FROM = 2_000  # characters; a longer From header names no address
LONGEST = 320  # characters of an address: 64 before the @, 255 after it (RFC 5321 section 4.5.3.1)
REFERENCES = 20

MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
# Quoted strings, comments, addresses in angle brackets, commas, and the text between them (RFC 5322 section 3.4).
TOKEN = re.compile(r'"(?:\\.|[^"\\])*+"|\((?:\\.|[^()\\])*+\)|<[^<>]*+>|,|[^",(<]++|.', re.DOTALL)
ADDRESS = re.compile(r"[^\s@<>()\[\]\",:;\\]+@[^\s@<>()\[\]\",:;\\]+")


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a From header: its decoded display name, and the address in lower case or "" if it is invalid."""

    name: str
    address: str


def addresses(value: str) -> tuple[Address, ...]:
    """Parse the addresses of a From header, each with or without a display name.

    The standard library's parser is not used: its results depend on the patch level (CVE-2023-27043), and it drops
    text. Two addresses must never look like one.
    """
    if len(value) > FROM:
        return (Address("", ""),)
    return tuple(map(_address, _split_at_commas(value)))


def decoded(text: str) -> str:
    """Decode the encoded words of a header (RFC 2047). Text that cannot be decoded is returned as it is."""
    try:
        words = [_decoded_word(word, charset) for word, charset in decode_header(text)]
    except (HeaderParseError, LookupError, ValueError):  # broken base64, or an unknown charset
        words = [text]
    one_line = re.sub(r"\s+", " ", "".join(words))
    return UNSAFE.sub("", one_line).strip()


def message_id(value: str) -> str:
    """Return the first Message-ID of a header, "" if there is none. Harmless text without angle brackets counts too."""
    if found := MESSAGE_ID.search(value):
        return found[0]
    return value if re.fullmatch(r"[!-~]{1,250}", value) else ""


def references(value: str) -> tuple[str, ...]:
    """Return the Message-IDs of a References header. A long chain is cut in the middle (RFC 5322 section 3.6.4)."""
    found = MESSAGE_ID.findall(value)
    if len(found) > REFERENCES:
        found = [found[0], *found[1 - REFERENCES :]]
    return tuple(found)


def _decoded_word(word: str | bytes, charset: str | None) -> str:
    if isinstance(word, str):
        return word
    return word.decode(charset or "raw-unicode-escape", "replace")


def _split_at_commas(value: str) -> Iterator[list[str]]:
    """The tokens of each address. A comma inside an unquoted display name, as in "Smith, Jo <jo@…>", does not split."""
    tokens: list[str] = []
    for part in TOKEN.findall(value):
        if part == "," and _contains_address(tokens):
            yield tokens
            tokens = []
        else:
            tokens.append(part)
    if "".join(tokens).strip():
        yield tokens


def _contains_address(tokens: list[str]) -> bool:
    return any("@" in token and token[0] not in '"(' for token in tokens)


def _address(tokens: list[str]) -> Address:
    """The address in angle brackets. Without angle brackets it is all the text, and the comments are the name."""
    bracketed = [token for token in tokens if _is_bracketed(token)]
    if bracketed:
        name = [token for token in tokens if not _is_bracketed(token)]
        address = bracketed[0][1:-1]
        if len(bracketed) > 1 or not _ends_in_bracket(tokens):
            address = ""
    else:
        name = [token for token in tokens if token[0] == "("]
        address = _without_comments(tokens)
    return Address(decoded("".join(map(_unquoted, name))), _valid(address.strip()))


def _is_bracketed(token: str) -> bool:
    return token[0] == "<" and token[-1] == ">"


def _ends_in_bracket(tokens: list[str]) -> bool:
    return _without_comments(tokens).rstrip().endswith(">")


def _without_comments(tokens: list[str]) -> str:
    return "".join(token for token in tokens if token[0] != "(")


def _unquoted(token: str) -> str:
    """A quoted string or comment without its delimiters and backslashes; any other token as it is."""
    if len(token) > 1 and token[0] + token[-1] in ('""', "()"):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token


def _valid(address: str) -> str:
    """The address in lower case, "" if it is too long or none."""
    if len(address) <= LONGEST and ADDRESS.fullmatch(address):
        return address.lower()
    return ""

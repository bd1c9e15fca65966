"""Parses the code of a number format into sections of tokens; each section is for some of the values.

Rules: ECMA-376 part 1, 18.8.31, and Excel's behaviour if that says nothing.
"""

import operator
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache

from planit_mailer.spreadsheets.number_formats import locales

SECTIONS = 4
CODE = 255  # characters that Excel allows in a format
# How Excel stores "dates and times as this computer shows them", and how they are shown in the United Kingdom.
SYSTEM = {"f800": "dd mmmm yyyy", "x-sysdate": "dd mmmm yyyy", "f400": "hh:mm:ss", "x-systime": "hh:mm:ss"}
SYSTEM_CODE = re.compile(rf"\[\$-({'|'.join(SYSTEM)})\].*", re.IGNORECASE | re.DOTALL)
# A locale's number: its low two bytes are the language and the region, the two high bytes the kind of digits and the
# calendar. Of the low two bytes, ten bits are the language.
LOCALE = 0xFFFF
LANGUAGE = 0x3FF
ANY_REGION = 0x400
OURS = (0x00, 0x09)  # the language of the computer, and English
WESTERN = (0, 1)  # Western digits, and the Gregorian calendar
COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "<>": operator.ne,
}

TOKEN = re.compile(
    r"""
      "(?P<quoted>[^"]*)"? | \\(?P<escaped>.) | _(?P<space>.) | \*(?P<fill>.)
    | (?P<general>General) | (?P<noon>AM/PM|A/P)
    | \[(?P<elapsed>h+|m+|s+)\] | \[(?P<condition>(?:<=|>=|<>|<|>|=)\s*-?\d[\d.]*)\]
    | \[\$(?P<locale>[^\]]*)\] | \[(?P<colour>(?:Black|Blue|Cyan|Green|Magenta|Red|White|Yellow|Colou?r\s*\d+))\]
    | (?P<exponent>E[+-]) | (?P<moment>y+|m+|d+|h+|s+)
    | (?P<digit>[0\#?]) | (?P<point>\.) | (?P<comma>,) | (?P<percent>%) | (?P<slash>/) | (?P<text>@)
    | (?P<end>;) | (?P<unsupported>[a-z\[_*\\]) | (?P<literal>.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


class Unsupported(ValueError):  # noqa: N818  an answer about the format
    """We cannot follow a format, or not for this value. Perhaps Excel cannot either, and shows ####."""


class Part(Enum):
    """The meaning of a token of a format."""

    LITERAL = auto()
    GENERAL = auto()
    DIGIT = auto()  # 0, # or ?
    POINT = auto()
    COMMA = auto()
    PERCENT = auto()
    SLASH = auto()
    EXPONENT = auto()
    TEXT = auto()
    MOMENT = auto()  # y, m, d, h, s
    MINUTE = auto()  # an m next to hours or seconds
    ELAPSED = auto()  # [h], [m], [s]
    NOON = auto()
    LANGUAGE = auto()  # one that is not English, as `locales` names it
    NOT_WESTERN = auto()  # digits or a calendar that are not Western


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `text` is the text that a literal shows; of other tokens, their code in lower case."""

    part: Part
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a format for the values that compare with a limit, as in < 100; for all values if `compare` is "".

    `language` is that of the months and weekdays, as `locales` names it, or "" for English.
    """

    tokens: tuple[Token, ...]
    compare: str = ""
    limit: float = 0
    language: str = ""
    absolute: bool = False  # all its values are negative or zero, and it shows them without a minus of ours
    alone: bool = False  # it is the whole format: a number that it rounds to zero has no sign

    def takes(self, value: float) -> bool:
        """True if this section is meant for a value."""
        if not self.compare:
            return True
        return bool(COMPARE[self.compare](value, self.limit))

    def has(self, *parts: Part) -> bool:
        """True if any token is one of these."""
        return any(token.part in parts for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Format:
    """A compiled format: the sections for numbers, and the section for text or None."""

    numbers: tuple[Section, ...]
    text: Section | None

    def section(self, value: float) -> Section:
        """The first section that takes a number. Raises Unsupported if Excel has none for it."""
        for section in self.numbers:
            if section.takes(value):
                return section
        raise Unsupported("no section for this value")


@lru_cache(maxsize=512)
def compiled(code: str) -> Format:
    """Compile the code of a format. Raises Unsupported."""
    if len(code) > CODE:
        raise Unsupported("too long")
    sections = tuple(_split(SYSTEM_CODE.sub(lambda found: SYSTEM[found[1].lower()], code)))
    if len(sections) > SECTIONS:
        raise Unsupported("too many sections")
    *numbers, last = sections
    if len(sections) == SECTIONS:
        return Format(_with_conditions(numbers), last)
    if last.has(Part.TEXT):
        general = Section((Token(Part.GENERAL, ""),))
        return Format(_with_conditions(numbers or [general]), last)
    if not numbers:
        return Format((replace(last, alone=True),), None)
    return Format(_with_conditions(sections), None)


def _split(code: str) -> Iterator[Section]:
    """The sections of a code, with the conditions that are written there."""
    tokens: list[Token] = []
    compare, limit = "", 0.0
    for found in TOKEN.finditer(code):
        group = str(found.lastgroup)
        text = found[group]
        match group:
            case "end":
                yield _section(tokens, compare, limit)
                tokens, compare, limit = [], "", 0.0
            case "condition":
                compare, limit = _condition(text)
            case _:
                tokens += _tokens(group, text)
    yield _section(tokens, compare, limit)


def _section(tokens: Sequence[Token], compare: str, limit: float) -> Section:
    languages = [token.text for token in tokens if token.part is Part.LANGUAGE]
    others = [token for token in tokens if token.part is not Part.LANGUAGE]
    return Section(_with_minutes(others), compare, limit, languages[0] if languages else "")


def _condition(text: str) -> tuple[str, float]:
    """The comparison and the limit of a condition, as in >=100. Raises Unsupported if it is malformed."""
    compare = text.rstrip("-.0123456789 ")
    if compare not in COMPARE:
        raise Unsupported(text)
    try:
        return compare, float(text.removeprefix(compare))
    except ValueError as error:
        raise Unsupported(text) from error


def _tokens(group: str, text: str) -> Iterator[Token]:
    """The tokens for a match of TOKEN: mostly one, none if it shows nothing. Raises Unsupported."""
    match group:
        case "quoted" | "escaped" | "literal":
            yield Token(Part.LITERAL, text)
        case "space":  # as wide as the character that follows it
            yield Token(Part.LITERAL, " ")
        case "fill" | "colour":  # the column is as wide as its text, and text has no colour
            return
        case "locale":
            yield from _locale(text)
        case "unsupported":
            raise Unsupported(text)
        case "noon":  # the case of single letters is kept: "a/p" shows "a"
            yield Token(Part.NOON, text if len(text) == len("a/p") else text.upper())
        case _:
            yield Token(Part[group.upper()], text.lower())


def _locale(text: str) -> Iterator[Token]:
    """The tokens for a currency sign, and for a language, digits or a calendar that are not ours."""
    sign, _, name = text.partition("-")
    if sign:
        yield Token(Part.LITERAL, sign)
    if not re.fullmatch("[0-9a-fA-F]{1,8}", name):
        yield from _named_language(name)
        return
    number = int(name, 16)
    digits, calendar = number >> 24, number >> 16 & 0xFF
    if digits not in WESTERN or calendar not in WESTERN:
        yield Token(Part.NOT_WESTERN, "")
    if number & LANGUAGE not in OURS:
        yield Token(Part.LANGUAGE, _numbered_language(number & LOCALE))


def _named_language(name: str) -> Iterator[Token]:
    """The token for a language that is given by its tag (RFC 5646), as fr-CA. None for English and for no tag."""
    language, _, region = name.partition("-")
    if language.lower() in ("", "en"):
        return
    with_region = f"{language.lower()}_{region.upper()}"
    yield Token(Part.LANGUAGE, with_region if with_region in locales.NAMES else language.lower())


def _numbered_language(number: int) -> str:
    """The language of a locale's number, perhaps that of another region, or its number if we know neither."""
    known = locales.LANGUAGES
    return known.get(number) or known.get(number & LANGUAGE | ANY_REGION) or f"{number:X}"


def _with_minutes(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """The tokens, in which m and mm mean minutes if the last time before them is hours, or the next one seconds."""
    resolved = list(tokens)
    previous: int | None = None  # the place of the last date or time
    for place, token in enumerate(tokens):
        if token.part not in (Part.MOMENT, Part.ELAPSED):
            continue
        if previous is not None:
            if tokens[previous].text[0] == "h":
                resolved[place] = _as_minutes(token)
            if token.text[0] == "s":
                resolved[previous] = _as_minutes(tokens[previous])
        previous = place
    return tuple(resolved)


def _as_minutes(token: Token) -> Token:
    """An m or mm as minutes. Other tokens stay as they are."""
    if token.part is Part.MOMENT and token.text in ("m", "mm"):
        return replace(token, part=Part.MINUTE)
    return token


def _with_conditions(sections: Sequence[Section]) -> tuple[Section, ...]:
    """The sections with the conditions that Excel implies, and with `absolute` set."""
    if len(sections) == 1:
        return tuple(sections)
    first, second, *others = sections
    if not first.compare:
        first = replace(first, compare=">" if others else ">=")
    if others and not second.compare:
        second = replace(second, compare=">" if first.compare in ("<", "<=") else "<")
    rest_is_negative = first.compare in (">", ">=") and first.limit <= 0
    return tuple(_with_sign(section, rest_is_negative=rest_is_negative) for section in (first, second, *others))


def _with_sign(section: Section, *, rest_is_negative: bool) -> Section:
    """The section with `absolute` set. `rest_is_negative`: the first section leaves only such values to others."""
    if section.compare in ("<", "<=", "="):
        return replace(section, absolute=section.limit <= 0)
    return replace(section, absolute=rest_is_negative)

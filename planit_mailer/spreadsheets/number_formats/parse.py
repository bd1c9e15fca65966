"""Parse a number format's code into its sections: for which values, and token by token.

Rules: ECMA-376 part 1, 18.8.31, and Excel's behaviour if that says nothing.
"""

import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache

SECTIONS = 4
CODE = 255  # characters that Excel takes of a format
# How Excel stores "as this computer shows dates and times": as in the United Kingdom.
SYSTEM = {"f800": "dd mmmm yyyy", "x-sysdate": "dd mmmm yyyy", "f400": "hh:mm:ss", "x-systime": "hh:mm:ss"}
SYSTEM_CODE = re.compile(rf"\[\$-({'|'.join(SYSTEM)})\].*", re.IGNORECASE | re.DOTALL)
# A locale's number: its low ten bits are the language, the two high bytes the kind of digits and the calendar.
LANGUAGE = 0x3FF
OURS = (0x00, 0x09)  # that of the computer, and English
WESTERN = (0, 1)  # digits and calendars that are those of the West
UNKNOWN = 0xFFFF
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
    """A format, or a value under it, that we cannot follow; Excel may not be able to either, and shows ####."""


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
    MINUTE = auto()  # an m that stands with hours or seconds
    ELAPSED = auto()  # [h], [m], [s]
    NOON = auto()
    FOREIGN = auto()  # a language that is not English
    ELSEWHERE = auto()  # digits or a calendar that are not those of the West


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `text` is what a literal shows, and the code of the others in lower case."""

    part: Part
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """The tokens for the values that compare so with a limit, or for all if `compare` is ""."""

    tokens: tuple[Token, ...]
    compare: str = ""
    limit: float = 0
    absolute: bool = False  # all its values are negative or zero, and shown without a sign of ours
    alone: bool = False  # the whole format: a number that it rounds to zero has no sign

    def takes(self, value: float) -> bool:
        """True if this section is meant for a value."""
        return not self.compare or bool(COMPARE[self.compare](value, self.limit))

    def has(self, *parts: Part) -> bool:
        """True if any token is one of these."""
        return any(token.part in parts for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Format:
    """A compiled format: sections for numbers, the first that takes a value shows it; one for text, or None."""

    numbers: tuple[Section, ...]
    text: Section | None

    def section(self, value: float) -> Section:
        """The section that shows a number. Raises Unsupported if Excel has none for it."""
        for section in self.numbers:
            if section.takes(value):
                return section
        raise Unsupported("no section for this value")


@lru_cache(maxsize=512)
def compiled(code: str) -> Format:
    """Compile a format; raise Unsupported."""
    if len(code) > CODE:
        raise Unsupported("too long")
    sections = tuple(_split(SYSTEM_CODE.sub(lambda found: SYSTEM[found[1].lower()], code)))
    if len(sections) > SECTIONS:
        raise Unsupported("too many sections")
    if len(sections) == SECTIONS:
        return Format(_conditions(sections[:-1]), sections[-1])
    if sections[-1].has(Part.TEXT):
        general = Section((Token(Part.GENERAL, ""),))
        return Format(_conditions(sections[:-1] or (general,)), sections[-1])
    if len(sections) == 1:
        return Format((replace(sections[0], alone=True),), None)
    return Format(_conditions(sections), None)


def _split(code: str) -> Iterator[Section]:
    """The sections of a code, as they stand there."""
    tokens: list[Token] = []
    compare, limit = "", 0.0
    for found in TOKEN.finditer(code):
        match found.lastgroup:
            case "end":
                yield Section(tuple(_with_minutes(tokens)), compare, limit)
                tokens, compare, limit = [], "", 0.0
            case "condition":
                compare = found["condition"].rstrip("-.0123456789 ")
                limit = float(found["condition"][len(compare) :])
            case group:
                tokens += _tokens(str(group), found[str(group)])
    yield Section(tuple(_with_minutes(tokens)), compare, limit)


def _tokens(group: str, text: str) -> Iterator[Token]:
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
        case "noon":  # of a letter, the case is kept: "a/p" shows "a"
            yield Token(Part.NOON, text if len(text) == len("a/p") else text.upper())
        case _:
            yield Token(Part[group.upper()], text.lower())


def _locale(text: str) -> Iterator[Token]:
    """A currency sign, and the language of names."""
    sign, _, language = text.partition("-")
    if sign:
        yield Token(Part.LITERAL, sign)
    if not language or language.lower().startswith("en"):
        return
    number = int(language, 16) if re.fullmatch("[0-9a-fA-F]{1,8}", language) else UNKNOWN
    if number >> 24 not in WESTERN or number >> 16 & 0xFF not in WESTERN:
        yield Token(Part.ELSEWHERE, "")
    if number & LANGUAGE not in OURS:
        yield Token(Part.FOREIGN, "")


def _with_minutes(tokens: list[Token]) -> Iterator[Token]:
    """The tokens, with m or mm meaning minutes if the time before it is hours, or the one after it seconds."""
    times = [(place, token) for place, token in enumerate(tokens) if token.part in (Part.MOMENT, Part.ELAPSED)]
    letters = ["", *(token.text[0] for _, token in times), ""]
    minutes = set()
    for order, (place, token) in enumerate(times):
        previous, following = letters[order], letters[order + 2]
        if _is_m(token) and (previous == "h" or following == "s"):
            minutes.add(place)
    for place, token in enumerate(tokens):
        yield replace(token, part=Part.MINUTE) if place in minutes else token


def _is_m(token: Token) -> bool:
    return token.part is Part.MOMENT and token.text in ("m", "mm")


def _conditions(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """The sections with the conditions that Excel implies, and whether each shows its values without a sign of ours."""
    first, *others = sections
    if not others:
        return sections
    *between, _ = others
    if not first.compare:
        first = replace(first, compare=">" if between else ">=")
    if between and not others[0].compare:
        others[0] = replace(others[0], compare=">" if first.compare in ("<", "<=") else "<")
    rest_is_negative = first.compare in (">", ">=") and first.limit <= 0
    return tuple(
        replace(section, absolute=section.limit <= 0 if section.compare in ("<", "<=", "=") else rest_is_negative)
        for section in (first, *others)
    )

"""Dates and times: serial numbers of days ↔ moments, and how a section shows them.

Excel counts days from 1 January 1900 (day 1), and takes 1900 for a leap year; or, in old workbooks from a Macintosh,
from 1 January 1904 (day 0).
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from planit_mailer.spreadsheets.number_formats import digit_places, numeric
from planit_mailer.spreadsheets.number_formats.parse import Part, Section, Token, Unsupported

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  a cell's moment has no zone
FROM_1900_TO_1904 = 1_462  # days
LEAP_DAY = 60  # 29 February 1900, which never was
LAST = 2_958_466  # the day after 31 December 9999
DAY = 86_400  # seconds
HALF_DAY = 12
# LibreOffice writes some whole hours as a minute less and sixty seconds more, PT1000H0-1M59.999999999S, and of those
# that it cannot count, PT-2147483648H00M00S.
DURATION = re.compile(r"(-?)P(?=.*\d)(?:(\d+)D)?(?:T(?:(-?\d+)H)?(?:0?(-?\d+)M)?(?:(\d+(?:[.,]\d*)?)S)?)?", re.ASCII)
DATE_PARTS = "ymd"
NAMES = 3  # from three letters on, months and days are shown by their names
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def moment(serial: float, *, since_1904: bool = False) -> datetime | None:
    """The moment of a serial number, to the millisecond; None where Excel has no date for it."""
    days = serial + FROM_1900_TO_1904 if since_1904 else serial
    if serial < 0 or days >= LAST:
        return None
    lost = 1 if days < LEAP_DAY else 0
    return EPOCH + timedelta(days=lost, milliseconds=round(days * DAY * 1_000))


def serial(text: str, *, since_1904: bool = False) -> float:
    """The serial number of what OOXML stores in the words of ISO 8601; not a number where that is something else.

    ECMA-376 part 1, 18.17.4: a date, a time of day, or both; strict workbooks have durations, too.
    """
    try:
        if text.startswith(("P", "-P")):
            return duration(text)
        if ":" in text[:4]:  # a time of day: none of a date's parts is as short as an hour
            return _days(datetime.combine(EPOCH, time.fromisoformat(text)))
        days = _days(datetime.fromisoformat(text))
    except ValueError:
        return math.nan
    if since_1904:
        return days - FROM_1900_TO_1904
    return days if days >= LEAP_DAY + 1 else days - 1


def duration(written: str) -> float:
    """The days of a duration (XML Schema, part 2, 3.2.6); not a number for years and months, and for other text."""
    found = DURATION.fullmatch(written)
    if not found:
        return math.nan
    days, hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups()[1:])
    return (-1 if found[1] else 1) * (days + (hours + (minutes + seconds / 60) / 60) / 24)


def is_date(section: Section) -> bool:
    """Whether a section shows days, months or years, so that its number is a date."""
    return any(token.part is Part.MOMENT and token.text[0] in DATE_PARTS for token in section.tokens)


def shown(number: float, section: Section, *, since_1904: bool = False) -> str:
    """A serial number under a section of dates and times; raise Unsupported where Excel shows ####, as before 1900."""
    if section.has(Part.ELSEWHERE) or (section.has(Part.FOREIGN) and any(map(_is_name, section.tokens))):
        raise Unsupported("digits, a calendar or names that are not English")
    tokens = _with_decimals(section.tokens)
    instant = _instant(number, tokens, since_1904=since_1904)
    return "".join(_token(token, instant, section) for token in tokens)


def _days(instant: datetime) -> float:
    """The days from the epoch to what a clock shows, wherever that clock is."""
    return (instant.replace(tzinfo=None) - EPOCH) / timedelta(days=1)


def _is_name(token: Token) -> bool:
    return token.part is Part.MOMENT and token.text[0] in "md" and len(token.text) >= NAMES


@dataclass(frozen=True, slots=True)
class _Instant:
    """A serial number taken apart: whole days since the epoch of 1900, seconds of that day, and seconds in all."""

    day: int
    second: Decimal
    elapsed: Decimal

    @property
    def date(self) -> tuple[int, int, int]:
        """Year, month and day, those that never were included."""
        if self.day in (0, LEAP_DAY):
            return (1900, 1, 0) if self.day == 0 else (1900, 2, 29)
        real = EPOCH + timedelta(days=self.day + (self.day < LEAP_DAY))
        return real.year, real.month, real.day


def _instant(number: float, tokens: list[Token], *, since_1904: bool) -> _Instant:
    """Rounded to the smallest part of a second that is shown, so that a stored 09:04:59.9999 is 09:05."""
    decimals = max((len(token.text) - 1 for token in tokens if token.part is Part.POINT), default=0)
    if not 0 <= number < LAST:
        raise Unsupported("no such date")
    elapsed = digit_places.rounded(numeric.kept(number) * DAY, decimals)
    day, second = divmod(elapsed, DAY)
    day += FROM_1900_TO_1904 if since_1904 else 0
    if day >= LAST:
        raise Unsupported("no such date")
    return _Instant(int(day), second, elapsed)


def _with_decimals(tokens: tuple[Token, ...]) -> list[Token]:
    """The tokens, with a point and the zeros after it as one, and other points, slashes and commas as what they are."""
    joined: list[Token] = []
    for token in tokens:
        if token.part is Part.DIGIT and token.text == "0" and joined and joined[-1].part is Part.POINT:
            joined[-1] = Token(Part.POINT, joined[-1].text + "0")
        else:
            joined.append(token)
    return joined


def _token(token: Token, instant: _Instant, section: Section) -> str:
    match token.part:
        case Part.LITERAL | Part.COMMA | Part.SLASH | Part.FOREIGN:
            return token.text
        case Part.POINT:
            return f"{instant.second % 1:f}"[1:] if len(token.text) > 1 else "."
        case Part.NOON:
            return token.text.split("/")[instant.second * 2 >= DAY]
        case Part.ELAPSED:
            return _elapsed(token.text, instant)
        case Part.MOMENT if token.text[0] in DATE_PARTS:
            return _date(token.text, instant)
        case Part.MOMENT | Part.MINUTE:
            return _time(token.text, instant, section)
    raise Unsupported("more than dates and times")


def _elapsed(code: str, instant: _Instant) -> str:
    return _padded(int(instant.elapsed) // {"h": 3_600, "m": 60, "s": 1}[code[0]], code)


def _time(code: str, instant: _Instant, section: Section) -> str:
    minute, second = divmod(int(instant.second), 60)
    hour, minute = divmod(minute, 60)
    if code[0] in "ms":
        return _padded(minute if code[0] == "m" else second, code)
    if section.has(Part.NOON):
        hour = (hour - 1) % HALF_DAY + 1
    return _padded(hour, code)


def _date(code: str, instant: _Instant) -> str:
    year, month, day = instant.date
    match code:
        case "y" | "yy":
            return f"{year % 100:02d}"
        case "m" | "mm":
            return _padded(month, code)
        case "d" | "dd":
            return _padded(day, code)
        case "mmm" | "mmmmm":
            return MONTHS[month - 1][: 3 if code == "mmm" else 1]
        case "ddd":
            return WEEKDAYS[(instant.day - 1) % 7][:3]
    return {"y": str(year), "m": MONTHS[month - 1], "d": WEEKDAYS[(instant.day - 1) % 7]}[code[0]]


def _padded(number: int, code: str) -> str:
    return f"{number:0{len(code)}d}"

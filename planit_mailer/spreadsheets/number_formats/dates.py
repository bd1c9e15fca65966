"""Dates and times: converts serial numbers of days to moments and back, and shows them under a section.

Excel counts days from 1 January 1900 (day 1), and takes 1900 for a leap year. Old workbooks from a Macintosh count from
1 January 1904 (day 0).
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from planit_mailer.spreadsheets.number_formats import calendar_names, digit_places, numeric
from planit_mailer.spreadsheets.number_formats.parse import Part, Section, Token, Unsupported

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  a cell's moment has no time zone
FROM_1900_TO_1904 = 1_462  # days
LEAP_DAY = 60  # the number of 29 February 1900, which did not exist
LAST = 2_958_466  # the day after 31 December 9999
DAY = 86_400  # seconds
HALF_DAY = 12
# LibreOffice writes some whole hours as a minute less and sixty seconds more, PT1000H0-1M59.999999999S, and durations
# that are too long for it as PT-2147483648H00M00S.
DURATION = re.compile(r"(-?)P(?=.*\d)(?:(\d+)D)?(?:T(?:(-?\d+)H)?(?:0?(-?\d+)M)?(?:(\d+(?:[.,]\d*)?)S)?)?", re.ASCII)
DATE_PARTS = "ymd"
NAMES = 3  # letters; from three on, months and days are shown by their names


def moment(serial: float, *, since_1904: bool = False) -> datetime | None:
    """Return the moment of a serial number, to the millisecond, or None if Excel has no date for it."""
    days = serial + FROM_1900_TO_1904 if since_1904 else serial
    if serial < 0 or days >= LAST:
        return None
    missing = 1 if days < LEAP_DAY else 0  # the epoch is right for the days after the one that did not exist
    return EPOCH + timedelta(days=missing, milliseconds=round(days * DAY * 1_000))


def serial(text: str, *, since_1904: bool = False) -> float:
    """Return the serial number of an ISO 8601 text in OOXML, or not-a-number if it is something else.

    ECMA-376 part 1, 18.17.4: a date, a time of day, or both. Strict workbooks have durations, too.
    """
    try:
        if text.startswith(("P", "-P")):
            return duration(text)
        if ":" in text[:4]:  # a time of day: no date has a colon so early
            return _days(datetime.combine(EPOCH, time.fromisoformat(text)))
        days = _days(datetime.fromisoformat(text))
    except ValueError:
        return math.nan
    if since_1904:
        return days - FROM_1900_TO_1904
    return days if days >= LEAP_DAY + 1 else days - 1


def duration(written: str) -> float:
    """Return a duration (XML Schema, part 2, 3.2.6) in days.

    It is not-a-number if it has years or months, or if the text is no duration.
    """
    found = DURATION.fullmatch(written)
    if not found:
        return math.nan
    sign, *parts = found.groups()
    days, hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in parts)
    size = days + (hours + (minutes + seconds / 60) / 60) / 24
    return -size if sign else size


def is_date(section: Section) -> bool:
    """True if a section shows days, months or years, so that its number is a date."""
    return any(token.part is Part.MOMENT and token.text[0] in DATE_PARTS for token in section.tokens)


def shown(number: float, section: Section, *, since_1904: bool = False) -> str:
    """Show a serial number under a section of dates and times.

    Raises Unsupported if the section needs digits, a calendar or names that we do not have, or if Excel shows ####, as
    before 1900.
    """
    if section.has(Part.NOT_WESTERN):
        raise Unsupported("digits or a calendar that are not Western")
    tokens = _with_decimals(section.tokens)
    instant = _instant(number, tokens, since_1904=since_1904)
    return "".join(_token(token, instant, section) for token in tokens)


def _days(instant: datetime) -> float:
    """The days from the epoch to what a clock shows, in whatever time zone."""
    return (instant.replace(tzinfo=None) - EPOCH) / timedelta(days=1)


def _with_decimals(tokens: tuple[Token, ...]) -> list[Token]:
    """The tokens, in which a point and the zeros after it are one token. Other points stay as they are."""
    joined: list[Token] = []
    for token in tokens:
        is_zero = token.part is Part.DIGIT and token.text == "0"
        if is_zero and joined and joined[-1].part is Part.POINT:
            joined[-1] = Token(Part.POINT, joined[-1].text + "0")
        else:
            joined.append(token)
    return joined


@dataclass(frozen=True, slots=True)
class _Instant:
    """A serial number taken apart: whole days since the epoch of 1900, seconds of that day, and all seconds."""

    day: int
    second: Decimal
    elapsed: Decimal

    @property
    def date(self) -> tuple[int, int, int]:
        """Year, month and day. Excel also shows two days that did not exist: 0 January and 29 February 1900."""
        if self.day == 0:
            return 1900, 1, 0
        if self.day == LEAP_DAY:
            return 1900, 2, 29
        missing = 1 if self.day < LEAP_DAY else 0
        real = EPOCH + timedelta(days=self.day + missing)
        return real.year, real.month, real.day

    @property
    def weekday(self) -> int:
        """The day of the week as Excel counts them, 0 for Sunday."""
        return (self.day - 1) % 7


def _instant(number: float, tokens: list[Token], *, since_1904: bool) -> _Instant:
    """Take a serial number apart, rounded to the smallest part of a second that is shown: 09:04:59.9999 is 09:05.

    Raises Unsupported if Excel has no such date.
    """
    if not 0 <= number < LAST:
        raise Unsupported("no such date")
    decimals = max((len(token.text) - 1 for token in tokens if token.part is Part.POINT), default=0)
    elapsed = digit_places.rounded(numeric.kept(number) * DAY, decimals)
    day, second = divmod(elapsed, DAY)
    if since_1904:
        day += FROM_1900_TO_1904
    if day >= LAST:
        raise Unsupported("no such date")
    return _Instant(int(day), second, elapsed)


def _token(token: Token, instant: _Instant, section: Section) -> str:
    """The text that a token shows. Raises Unsupported if it is not one of dates and times."""
    match token.part:
        case Part.LITERAL | Part.COMMA | Part.SLASH:
            return token.text
        case Part.POINT:
            return f"{instant.second % 1:f}"[1:] if len(token.text) > 1 else "."
        case Part.NOON:
            morning, afternoon = token.text.split("/")
            return morning if instant.second * 2 < DAY else afternoon
        case Part.ELAPSED:
            return _elapsed(token.text, instant)
        case Part.MOMENT if token.text[0] in DATE_PARTS:
            return _date(token.text, instant, section)
        case Part.MOMENT | Part.MINUTE:
            return _time(token.text, instant, section)
    raise Unsupported("more than dates and times")


def _elapsed(code: str, instant: _Instant) -> str:
    """All hours, minutes or seconds since the epoch."""
    unit = {"h": 3_600, "m": 60, "s": 1}[code[0]]
    return _padded(int(instant.elapsed) // unit, code)


def _date(code: str, instant: _Instant, section: Section) -> str:
    """The year, the month or the day, as a number or by its name. Raises Unsupported if we do not have the names."""
    year, month, day = instant.date
    if code[0] == "y":
        return str(year) if len(code) >= NAMES else f"{year % 100:02d}"
    if len(code) < NAMES:
        return _padded(month if code[0] == "m" else day, code)
    names = calendar_names.of(section.language)
    if names is None:
        raise Unsupported("names in a language that we do not have")
    if code[0] == "m":
        return _month(code, names.months if _has_day(section) else names.months_alone, month)
    return names.weekdays.of(instant.weekday, is_short=len(code) == NAMES)


def _month(code: str, names: calendar_names.Words, month: int) -> str:
    if code == "mmmmm":
        return names.full[month - 1][0]
    return names.of(month - 1, is_short=len(code) == NAMES)


def _has_day(section: Section) -> bool:
    """True if a section shows the day of the month; some languages name a month otherwise beside it."""
    return any(token.part is Part.MOMENT and token.text in ("d", "dd") for token in section.tokens)


def _time(code: str, instant: _Instant, section: Section) -> str:
    minute, second = divmod(int(instant.second), 60)
    hour, minute = divmod(minute, 60)
    match code[0]:
        case "m":
            return _padded(minute, code)
        case "s":
            return _padded(second, code)
    if section.has(Part.NOON):
        hour = (hour - 1) % HALF_DAY + 1
    return _padded(hour, code)


def _padded(number: int, code: str) -> str:
    """A number with zeros in front, as long as its code."""
    return f"{number:0{len(code)}d}"

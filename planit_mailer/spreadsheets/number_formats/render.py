"""Value + number format → the text that Excel shows, in a column wide enough."""

from datetime import datetime
from typing import NamedTuple

from planit_mailer.spreadsheets.number_formats import dates, fast, numeric, parse
from planit_mailer.spreadsheets.number_formats.builtin import GENERAL
from planit_mailer.spreadsheets.number_formats.parse import Part, Unsupported

DATES = (Part.MOMENT, Part.MINUTE, Part.ELAPSED, Part.NOON)
PLAIN = frozenset(("", "@", GENERAL))


class Shown(NamedTuple):
    """The shown text of a cell. `exact` is False if the format could not be followed, so that the text is General's.

    `moment` is that of a date, None for numbers, times of day and durations.
    """

    text: str
    exact: bool = True
    moment: datetime | None = None


def of_number(number: float, code: str = GENERAL, *, since_1904: bool = False) -> Shown:
    """Show a finite number."""
    if code in PLAIN:
        return Shown(fast.general(number))
    if plain := fast.of(code):
        return Shown(plain.shown(number))
    moment = None
    try:
        section = parse.compiled(code).section(number)
        if dates.is_date(section):
            moment = dates.moment(number, since_1904=since_1904)
        if section.has(*DATES):
            return Shown(dates.shown(number, section, since_1904=since_1904), moment=moment)
        return Shown(numeric.shown(number, section))
    except Unsupported:  # what is known to be a date stays one
        return Shown(fast.general(number), exact=False, moment=moment)


def of_text(text: str, code: str = GENERAL) -> Shown:
    """Show a text; formats of numbers leave it as it is."""
    if code in PLAIN:
        return Shown(text)
    try:
        section = parse.compiled(code).text
    except Unsupported:
        return Shown(text, exact=False)
    if section is None:
        return Shown(text)
    if any(token.part not in (Part.TEXT, Part.GENERAL, Part.LITERAL, Part.FOREIGN) for token in section.tokens):
        return Shown(text, exact=False)
    return Shown("".join(text if token.part in (Part.TEXT, Part.GENERAL) else token.text for token in section.tokens))

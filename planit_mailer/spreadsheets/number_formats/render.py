"""Shows values under number formats, as Excel does in a column that is wide enough."""

from datetime import datetime
from typing import NamedTuple

from planit_mailer.spreadsheets.number_formats import dates, fast, numeric, parse
from planit_mailer.spreadsheets.number_formats.builtin import GENERAL
from planit_mailer.spreadsheets.number_formats.parse import Part, Unsupported

DATES = (Part.MOMENT, Part.MINUTE, Part.ELAPSED, Part.NOON)
PLAIN = frozenset(("", "@", GENERAL))


class Shown(NamedTuple):
    """The text of a cell. `exact` is False if we could not follow the format: the text is then that of General.

    `moment` is set for dates only, not for numbers, times of day and durations.
    """

    text: str
    exact: bool = True
    moment: datetime | None = None


def of_number(number: float, code: str = GENERAL, *, since_1904: bool = False) -> Shown:
    """Show a finite number."""
    if code in PLAIN:
        return Shown(fast.general(number))
    plain = fast.of(code)
    if plain:
        return Shown(plain.shown(number))
    moment = None
    try:
        section = parse.compiled(code).section(number)
        if dates.is_date(section):
            moment = dates.moment(number, since_1904=since_1904)
        if section.has(*DATES):
            return Shown(dates.shown(number, section, since_1904=since_1904), moment=moment)
        return Shown(numeric.shown(number, section))
    except Unsupported:  # a number that is known to be a date stays one
        return Shown(fast.general(number), exact=False, moment=moment)


def of_text(text: str, code: str = GENERAL) -> Shown:
    """Show a text. A format that has no section for text leaves it as it is."""
    if code in PLAIN:
        return Shown(text)
    try:
        section = parse.compiled(code).text
    except Unsupported:
        return Shown(text, exact=False)
    if section is None:
        return Shown(text)
    shown = ""
    for token in section.tokens:
        if token.part in (Part.TEXT, Part.GENERAL):
            shown += text
        elif token.part is Part.LITERAL:
            shown += token.text
        else:
            return Shown(text, exact=False)
    return Shown(shown)

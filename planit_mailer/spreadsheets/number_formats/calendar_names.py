"""The names of months and weekdays."""

from dataclasses import dataclass
from functools import cache

from planit_mailer.spreadsheets.number_formats import locales


@dataclass(frozen=True, slots=True)
class Words:
    """The names of the months or of the weekdays, in their order: in full and short."""

    full: tuple[str, ...]
    short: tuple[str, ...]

    def of(self, place: int, *, is_short: bool) -> str:
        """The name of a month or a weekday, counted from 0."""
        return (self.short if is_short else self.full)[place]


@dataclass(frozen=True, slots=True)
class Names:
    """The names in one language. Some languages name a month otherwise if no day stands beside it.

    The weekdays begin with Sunday.
    """

    months: Words
    months_alone: Words
    weekdays: Words


ENGLISH_MONTHS = Words(
    (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)  # fmt: skip
ENGLISH_WEEKDAYS = Words(
    ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"),
)
ENGLISH = Names(ENGLISH_MONTHS, ENGLISH_MONTHS, ENGLISH_WEEKDAYS)


@cache
def of(language: str) -> Names | None:
    """Return the names in a language of `locales`, in English if it is "", or None if we do not have them."""
    if not language:
        return ENGLISH
    if language not in locales.NAMES:
        return None
    words = [tuple(part.split("|")) for part in locales.NAMES[language].split(";")]
    months, months_alone, weekdays = (Words(*words[begin : begin + 2]) for begin in (0, 2, 4))
    return Names(months, months_alone, weekdays)

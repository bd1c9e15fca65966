"""Writes the table of month and weekday names from the data of Babel: python -m tests.spreadsheets.locales."""

import locale
from collections.abc import Iterator
from pathlib import Path

from babel import Locale, UnknownLocaleError

from planit_mailer.spreadsheets.number_formats import locales

HEADER = '''"""The languages that a number format may ask for, and their names of months and weekdays.

Made from the Unicode Common Locale Data Repository: python -m tests.spreadsheets.locales. The reading process can
open no files, so the names are code.
"""

# fmt: off
from collections.abc import Mapping
from types import MappingProxyType

# The language of each locale that Windows numbers ([MS-LCID]). Locales with the same names share one language.
LANGUAGES: Mapping[int, str] = MappingProxyType(
    {
'''
BETWEEN = """    }
)

# Of each language: the months beside a day, in full and short; the months alone, in full and short; the weekdays from
# Sunday on, in full and short.
NAMES: Mapping[str, str] = MappingProxyType(
    {
"""
FOOTER = "    }\n)\n"
ENGLISH = 0x09
PRIMARY = 0x3FF  # the bits of a locale's number that are its language
SUNDAY_FIRST = (6, 0, 1, 2, 3, 4, 5)
IN_A_LINE = 8


def written() -> str:
    """The text of the module."""
    languages, names = tables()
    return HEADER + "".join(_numbers(languages)) + BETWEEN + "".join(_lines(names)) + FOOTER


def tables() -> tuple[dict[int, str], dict[str, str]]:
    """The language of each locale's number, and the names of each language."""
    languages: dict[int, str] = {}
    names: dict[str, str] = {}
    by_names: dict[str, str] = {}
    for number, name in sorted(locale.windows_locale.items()):
        known = _known(name)
        if known is None or number & PRIMARY == ENGLISH:
            continue
        its_names = _names(known)
        language = by_names.setdefault(its_names, name.partition("_")[0] if known.language not in names else name)
        names[language] = its_names
        languages[number] = language
    return languages, names


def _known(name: str) -> Locale | None:
    try:
        return Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return None


def _names(known: Locale) -> str:
    months, days = known.months, known.days["format"]
    parts = [months[context][width] for context in ("format", "stand-alone") for width in ("wide", "abbreviated")]
    texts = ["|".join(part[number] for number in range(1, 13)) for part in parts]
    texts += ["|".join(days[width][number] for number in SUNDAY_FIRST) for width in ("wide", "abbreviated")]
    return ";".join(texts)


def _numbers(languages: dict[int, str]) -> Iterator[str]:
    entries = [f'0x{number:04X}: "{language}",' for number, language in languages.items()]
    for begin in range(0, len(entries), IN_A_LINE):
        yield "        " + " ".join(entries[begin : begin + IN_A_LINE]) + "\n"


def _lines(names: dict[str, str]) -> Iterator[str]:
    for language, text in names.items():
        yield f'        "{language}": "{text}",\n'


if __name__ == "__main__":
    Path(locales.__file__).write_text(written(), "utf-8")

"""Check that the names in a table of plain text were decoded as the school wrote them.

A workbook that was decoded wrongly does not open; a table of plain text does, and shows another name. So doubt counts.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from planit_mailer.domain.forms.upload import Draft
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Range

WINDOWS = "cp1252"
OTHERS = (
    "mac_roman",
    "cp1250",
    "cp850",
    "cp437",
)  # the Macintosh, Central Europe, and MS-DOS in the West and in America
RARE = frozenset(bytes(range(0x80, 0xA0)).decode(WINDOWS, "ignore"))  # signs, and letters that names seldom have
APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
BETWEEN_LETTERS = re.compile(rf"(?<=[^\W\d_]){APOSTROPHE}(?=[^\W\d_])")
BETWEEN_WORDS = re.compile(r"[ .'\u2019-]+")


@dataclass(frozen=True, slots=True)
class Checked:
    """The encoding of a text by its names, or None if it cannot be told; `is_sure` if no other fits."""

    encoding: str | None
    is_sure: bool


def names(draft: Draft) -> list[tuple[str, Range]]:
    """Return the first names and surnames of a draft, with their cells."""
    found: list[tuple[str, Range]] = []
    for learner in draft.learners:
        letters = draft.sheets[learner.sheet].letters
        for name, letter in ((learner.first_name, letters[0]), (learner.surname, letters[1])):
            if name and letter:
                found.append((name, references.cell(learner.row, references.column_number(letter))))
    return found


def checked(decoded: Sequence[str]) -> Checked:
    """Return the encoding of names that were decoded as Windows has them in the West."""
    doubtful = [name for name in dict.fromkeys(decoded) if not name.isascii()]
    readings: dict[tuple[str, ...], str] = {}
    for encoding in OTHERS:
        reading = _read_as(doubtful, encoding)
        if reading and all(map(_is_words, reading)):
            readings.setdefault(reading, encoding)
    as_decoded = readings.pop(tuple(doubtful), None)
    if not any(map(_is_odd, doubtful)):
        return Checked(WINDOWS, is_sure=not readings)
    if as_decoded is None and len(readings) == 1:
        return Checked(next(iter(readings.values())), is_sure=False)
    return Checked(None, is_sure=False)


def _read_as(texts: Sequence[str], encoding: str) -> tuple[str, ...]:
    """The same bytes in another encoding, () if they cannot be read in it."""
    try:
        return tuple(text.encode(WINDOWS).decode(encoding) for text in texts)
    except UnicodeError:
        return ()


def _is_odd(name: str) -> bool:
    """True if a name has a sign, a capital inside a word, or a character that names seldom have."""
    name = BETWEEN_LETTERS.sub("'", name)
    return bool(RARE.intersection(name)) or not _is_words(name)


def _is_words(name: str) -> bool:
    """True if a text is nothing but words in Latin letters."""
    return all(_is_word(word) for word in BETWEEN_WORDS.split(name) if not word.isascii())


def _is_word(word: str) -> bool:
    """True if all of a word are Latin letters, and those beyond A to Z are no capitals inside it."""
    if not all(unicodedata.name(letter, "").startswith("LATIN ") for letter in word):
        return False
    if word.isupper():
        return True
    for before, letter in pairwise(word):
        is_accented = not (before + letter).isascii()
        if is_accented and letter.isupper():
            return False
    return True

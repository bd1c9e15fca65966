"""Makes cells from what a file stores: type, value and number format → the text shown, and the value beneath."""

import math
import re
from collections.abc import Sequence

from planit_mailer.spreadsheets.containers.zip_archive import Damaged
from planit_mailer.spreadsheets.model import Cell, Kind
from planit_mailer.spreadsheets.number_formats import dates, render
from planit_mailer.spreadsheets.readers import xml_parts

ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
# C0 controls but tab and line feed, DEL, direction marks, halves of surrogate pairs and non-characters: nobody sees
# them, and databases, mail and XML each choke on some.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")
SPACES = str.maketrans({"\xa0": " ", "\u202f": " ", "\u2007": " ", "\t": " "})
ERRORS = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!")
)
LONGEST = 32_767  # characters that a cell can hold in Excel; of more it shows the first
KEPT = 200_000  # different cells that are kept; sheets with more repeat little, and memory has a limit
OUTER = " \n\u200b\u2060\u3000"


class Cells:
    """Makes the cells of one workbook. Cells that are stored alike, as most in a school's form are, are made once."""

    def __init__(
        self, strings: Sequence[str], formats: Sequence[str], *, since_1904: bool, uncalculated: bool = False
    ) -> None:
        """Take the shared strings, and the number formats of the cell styles, both in the order of their numbers.

        In an `uncalculated` workbook the results of formulas are left to Excel, and zeros stand in their place.
        """
        self._strings = strings
        self._formats = formats
        self._since_1904 = since_1904
        self._uncalculated = uncalculated
        self._made: dict[tuple[str, str | None, str, bool], Cell | None] = {}
        self._codes: dict[str, str] = {}

    def cell(self, stored: str, value: str | None, style: str, *, formula: bool) -> Cell | None:
        """Return a cell by its stored type (as OOXML names it), value and style, or None if it is blank."""
        key = (stored, value, style, formula)
        if key not in self._made:
            if len(self._made) >= KEPT:
                self._made.clear()
            self._made[key] = self.make(stored, value, style, formula=formula)
        return self._made[key]

    def make(self, stored: str, value: str | None, style: str, *, formula: bool) -> Cell | None:
        """Make a cell anew, and do not keep it."""
        # A formula that shows an empty text has the type of a text. Any other without a value was never calculated.
        if stored in ("inlineStr", "str"):
            return text(_unescaped(value), self._format(style)) if value else None
        stripped = value.strip() if value else ""
        is_placeholder = formula and self._uncalculated and stripped == "0"
        if stripped and not is_placeholder:
            return self._filled(stored, stripped, self._format(style))
        if formula:
            return Cell("", Kind.UNSAVED, None, self._format(style))
        return None

    def _filled(self, stored: str, value: str, code: str) -> Cell | None:
        match stored:
            case "s":
                return text(_unescaped(_entry(self._strings, value)), code)
            case "b":
                return boolean(value in ("1", "true"), code)
            case "e":
                return Cell(value, Kind.ERROR, None, code)
            case "d":
                return number(dates.serial(value, since_1904=self._since_1904), code, since_1904=self._since_1904)
            case _:
                return number(xml_parts.number(value), code, since_1904=self._since_1904)

    def _format(self, style: str) -> str:
        """Return the number format of a style. A workbook without styles shows everything as General."""
        if style not in self._codes:
            self._codes[style] = _entry(self._formats, style) if self._formats else "General"
        return self._codes[style]


def text(stored: str, code: str = "General") -> Cell | None:
    """Return a cell with text, or None if nothing of it can be seen."""
    seen = _tidy(stored)[:LONGEST]
    if not seen:
        return None
    if seen[0] == "#" and seen.upper() in ERRORS:  # pasted, or the saved result of a formula with the type of a text
        return Cell(seen, Kind.ERROR, None, code)
    if code in render.PLAIN:
        return Cell(seen, Kind.TEXT, seen, code)
    shown = render.of_text(seen, code)
    return Cell(_tidy(shown.text)[:LONGEST], Kind.TEXT, seen, code, exact=shown.exact)


def number(stored: float, code: str = "General", *, since_1904: bool = False) -> Cell:
    """Return a cell with a number, or with a date if that is what its format shows."""
    if not math.isfinite(stored):
        return Cell("#NUM!", Kind.ERROR, None, code)
    shown = render.of_number(stored, code, since_1904=since_1904)
    if shown.moment is not None:
        return Cell(_tidy(shown.text), Kind.DATE, shown.moment, code, exact=shown.exact)
    value = int(stored) if float(stored).is_integer() else stored
    return Cell(_tidy(shown.text), Kind.NUMBER, value, code, exact=shown.exact)


def boolean(stored: bool, code: str = "General") -> Cell:  # noqa: FBT001  it is the value
    """Return a cell with TRUE or FALSE, which number formats leave alone."""
    shown = render.of_text("TRUE" if stored else "FALSE", code)
    return Cell(_tidy(shown.text), Kind.BOOLEAN, stored, code, exact=shown.exact)


def _unescaped(stored: str) -> str:
    """Return a text of OOXML without escapes such as _x000D_, which stand for what XML cannot hold."""
    if "_x" not in stored:
        return stored
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), stored)


def _tidy(text: str) -> str:
    """Return a text without outer spaces and controls, in which every kind of space is a plain one."""
    if text.isprintable():  # as nearly all are: they have no controls and no space but the plain one
        return text.strip(" ")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(SPACES)
    return UNSEEN.sub("", lines).strip(OUTER)


def _entry(table: Sequence[str], index: str) -> str:
    """Return the entry of a table at an index. Raises Damaged if there is none."""
    place = xml_parts.integer(index)
    if not 0 <= place < len(table):
        raise Damaged("a number that names nothing in its table")
    return table[place]

"""Makes cells out of what a file stores: type, value and number format → the text shown, and the value beneath."""

import math
import re
from collections.abc import Sequence

from planit_mailer.spreadsheets.containers.zip_archive import Damaged
from planit_mailer.spreadsheets.model import Cell, Kind
from planit_mailer.spreadsheets.number_formats import dates, render
from planit_mailer.spreadsheets.readers import xml_parts

ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
# C0 controls but tab and line feed, DEL, what turns the direction of a line, halves of surrogate pairs and
# non-characters: nobody sees them, and databases, mail and XML each choke on some.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")
SPACES = str.maketrans({"\xa0": " ", "\u202f": " ", "\u2007": " ", "\t": " "})
ERRORS = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!")
)
OUTER = " \n\u200b\u2060\u3000"


class Cells:
    """Makes the cells of one workbook, each different one once: most cells of a school's form show what others show."""

    def __init__(
        self, strings: Sequence[str], formats: Sequence[str], *, since_1904: bool, uncalculated: bool = False
    ) -> None:
        """Take the shared texts and the number formats of the cell styles, both by number.

        `uncalculated` is a workbook whose writer left the results of formulas to Excel, and stored zeros for them.
        """
        self._strings = strings
        self._formats = formats
        self._since_1904 = since_1904
        self._uncalculated = uncalculated
        self._made: dict[tuple[str, str | None, str, bool], Cell | None] = {}
        self._codes: dict[str, str] = {}

    def cell(self, stored: str, value: str | None, style: str, *, formula: bool) -> Cell | None:
        """A cell by its stored type (as OOXML names it), value and style; None if it is blank."""
        key = (stored, value, style, formula)
        if key not in self._made:
            self._made[key] = self.make(stored, value, style, formula=formula)
        return self._made[key]

    def make(self, stored: str, value: str | None, style: str, *, formula: bool) -> Cell | None:
        """The same, made anew."""
        # A formula whose result is an empty text says that it is a text; any other without one was never calculated.
        if stored in ("inlineStr", "str"):
            return text(_unescaped(value), self._format(style)) if value else None
        stripped = value.strip() if value else ""
        if stripped and not (formula and self._uncalculated and stripped == "0"):
            return self._filled(stored, stripped, self._format(style))
        return Cell("", Kind.UNSAVED, None, self._format(style)) if formula else None

    def _filled(self, stored: str, value: str, code: str) -> Cell | None:
        match stored:
            case "s":
                return text(_unescaped(_one_of(self._strings, value)), code)
            case "b":
                return boolean(value in ("1", "true"), code)
            case "e":
                return Cell(value, Kind.ERROR, None, code)
            case "d":
                return number(dates.serial(value, since_1904=self._since_1904), code, since_1904=self._since_1904)
            case _:
                return number(xml_parts.number(value), code, since_1904=self._since_1904)

    def _format(self, style: str) -> str:
        """The number format of a style; a workbook without styles shows everything as General."""
        if style not in self._codes:
            self._codes[style] = _one_of(self._formats, style) if self._formats else "General"
        return self._codes[style]


def text(stored: str, code: str = "General") -> Cell | None:
    """A cell with text, None if it shows nothing."""
    seen = _tidy(stored)
    if not seen:
        return None
    if seen[0] == "#" and seen.upper() in ERRORS:  # pasted, or the saved result of a formula that says that it is text
        return Cell(seen, Kind.ERROR, None, code)
    if code in render.PLAIN:
        return Cell(seen, Kind.TEXT, seen, code)
    shown = render.of_text(seen, code)
    return Cell(_tidy(shown.text), Kind.TEXT, seen, code, exact=shown.exact)


def number(stored: float, code: str = "General", *, since_1904: bool = False) -> Cell:
    """A cell with a number, which may be a date by its format."""
    if not math.isfinite(stored):
        return Cell("#NUM!", Kind.ERROR, None, code)
    shown = render.of_number(stored, code, since_1904=since_1904)
    if shown.moment is not None:
        return Cell(_tidy(shown.text), Kind.DATE, shown.moment, code, exact=shown.exact)
    value = int(stored) if float(stored).is_integer() else stored
    return Cell(_tidy(shown.text), Kind.NUMBER, value, code, exact=shown.exact)


def boolean(stored: bool, code: str = "General") -> Cell:  # noqa: FBT001  it is the value
    """A cell with TRUE or FALSE, which number formats leave alone."""
    shown = render.of_text("TRUE" if stored else "FALSE", code)
    return Cell(_tidy(shown.text), Kind.BOOLEAN, stored, code, exact=shown.exact)


def _unescaped(stored: str) -> str:
    """A text of OOXML as it was before it was stored; _x000D_ and its kin are how that writes what XML cannot hold."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), stored) if "_x" in stored else stored


def _tidy(text: str) -> str:
    """A text without outer spaces and controls; each kind of space is a space."""
    if text.isprintable():  # as nearly all are: neither controls in it nor any space but the usual one
        return text.strip(" ")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").translate(SPACES)
    return UNSEEN.sub("", lines).strip(OUTER)


def _one_of(table: Sequence[str], index: str) -> str:
    place = xml_parts.integer(index)
    if not 0 <= place < len(table):
        raise Damaged("a number that names nothing in its table")
    return table[place]

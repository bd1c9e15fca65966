"""The styles of a workbook: paints cells over, and finds from the paint what was there before.

The colour of a painted cell says which fill and font it had: the shades of one paint differ by a little that nobody
sees, and each stands for one earlier look. So rows may be sorted, moved and deleted before the paint is taken off, and
other programs may number the styles anew.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from xml.dom.minidom import Element
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import quoteattr

from defusedxml import DefusedXmlException

from planit_mailer.spreadsheets.annotate import packages
from planit_mailer.spreadsheets.containers.zip_archive import Damaged, TooLarge

SHADES = 256
PAINTS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {"error": (0xFF, 0xB0, 0xB0), "warning": (0xFF, 0xE0, 0x80)}  # black on either: 11 to 1 and more
)
PAINT = re.compile("FF(?:B[0-9A-F]B[0-9A-F]|E[0-9A-F]8[0-9A-F])")
DARK = 0x50  # red, green and blue of a font that can be read on either paint are no more: 4.5 to 1
DARK_THEMES, DARK_INDEXES = ("1", "3"), ("0", "8", "64")  # dark 1 and 2; black, black again, and the system's
BLACK = "FF000000"
NOTHING: Mapping[str, str] = MappingProxyType(
    {"fill": '<fill><patternFill patternType="none"/></fill>', "font": "<font/>"}
)
# The order of a style sheet's parts, and what each has at least: ECMA-376 part 1, 18.8.39.
BEGINNINGS: Mapping[str, str] = MappingProxyType(
    {
        "fonts": "<font/>",
        "fills": '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>',
        "borders": "<border/>",
        "cellStyleXfs": '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>',
        "cellXfs": '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>',
        "cellStyles": '<cellStyle name="Normal" xfId="0" builtinId="0"/>',
    }
)
LOOKS = re.compile(  # elements of fills and fonts
    "fill|patternFill|[fb]gColor|gradientFill|stop|color|font|b|i|u|strike|condense|extend|outline|shadow|vertAlign|sz|"
    "name|family|charset|scheme"
)


@dataclass(frozen=True, slots=True)
class Look:
    """The fill and the font that a cell had, as XML without prefixes; the font is "" where it was left alone."""

    fill: str
    font: str


class Styles:
    """The styles part of a workbook, as a tree that is changed."""

    def __init__(self, root: Element) -> None:
        self.root = root
        tables = {name: self._table(name) for name in BEGINNINGS}
        self._fonts, self._fills, self._cells = tables["fonts"], tables["fills"], tables["cellXfs"]
        self._taken = {colour for fill in packages.children(self._fills) if (colour := _paint(fill))}
        self._free = iter(range(SHADES))
        self._shades: dict[Look, int] = {}
        self._painted: dict[tuple[int, str], int] = {}

    @property
    def looks(self) -> dict[str, Look]:
        """The earlier look that each colour stands for."""
        return {_shade(paint, number): look for look, number in self._shades.items() for paint in PAINTS}

    def painted(self, style: int, paint: str) -> int:
        """The number of a style with its fill painted over; raise TooLarge for more looks than there are shades."""
        key = (style, paint)
        if key not in self._painted:
            fill, font = self._look(style)
            readable = _is_dark(font)
            look = Look(_plain(fill), "" if readable else _plain(font))
            made = packages.parsed(_solid(_shade(paint, self._number(look))).encode())
            self._painted[key] = self._restyled(style, made, None if readable else _blackened(font))
        return self._painted[key]

    def unpaint(self, looks: Mapping[str, Look]) -> None:
        """Put the earlier looks back; without any, as where their table was deleted, take off what may be paint.

        The styles change in place, and with them all cells that have them, wherever they were moved.
        """
        for number, fill in enumerate(packages.children(self._fills, "fill")):
            colour = _paint(fill)
            look = looks.get(colour) if looks else Look(NOTHING["fill"], "")
            if colour and look:
                self._fills.replaceChild(_adopted(self._fills, _look(look.fill, "fill")), fill)
                self._restore_fonts(number, look.font)

    def add(self, font: str, fill: str, cell: str) -> int:
        """The number of a new style: the XML of its font, its fill and, with "{}" for their numbers, itself."""
        fonts, fills = self._append(self._fonts, font), self._append(self._fills, fill)
        return self._append(self._cells, cell.format(f'fontId="{fonts}" fillId="{fills}" borderId="0" xfId="0"'))

    def _restore_fonts(self, fill: int, font: str) -> None:
        """Give the styles with a fill the font that they had."""
        for style in packages.children(self._cells, "xf") if font else ():
            if int(style.getAttribute("fillId") or 0) == fill:
                style.setAttribute("fontId", str(self._append(self._fonts, _look(font, "font"))))

    def _look(self, style: int) -> tuple[Element, Element]:
        """The fill and the font of a style; those of the first where it names none."""
        xf = self._one(self._cells, style)
        fill = self._one(self._fills, int(xf.getAttribute("fillId") or 0))
        return fill, self._one(self._fonts, int(xf.getAttribute("fontId") or 0))

    def _one(self, table: Element, number: int) -> Element:
        entries = packages.children(table)
        if not entries:
            raise Damaged("an empty table of styles")
        return entries[number] if number < len(entries) else entries[0]

    def _number(self, look: Look) -> int:
        if look not in self._shades:
            free = (n for n in self._free if self._taken.isdisjoint(_shade(paint, n) for paint in PAINTS))
            self._shades[look] = number = next(free, SHADES)
            if number == SHADES:
                raise TooLarge(f"more than {SHADES} kinds of fill")
        return self._shades[look]

    def _restyled(self, style: int, fill: Element, font: Element | None) -> int:
        made = packages.copied(self._one(self._cells, style))
        made.setAttribute("fillId", str(self._append(self._fills, fill)))
        made.setAttribute("applyFill", "1")
        if font is not None:
            made.setAttribute("fontId", str(self._append(self._fonts, font)))
            made.setAttribute("applyFont", "1")
        return self._append(self._cells, made)

    def _append(self, table: Element, entry: Element | str) -> int:
        """Put an entry at the end of a table; its number."""
        made = packages.parsed(entry.encode()) if isinstance(entry, str) else entry
        table.appendChild(made if made.ownerDocument is table.ownerDocument else _adopted(table, made))
        count = len(packages.children(table))
        table.setAttribute("count", str(count))
        return count - 1

    def _table(self, name: str) -> Element:
        """A table of styles; made where there is none, in its place."""
        if found := packages.children(self.root, name):
            return found[0]
        names = ["numFmts", *BEGINNINGS]
        before = names[: names.index(name)]
        later = (child for child in packages.children(self.root) if packages.local_name(child) not in before)
        made = packages.new_element(self.root, name, {})
        self.root.insertBefore(made, next(later, None))
        for entry in packages.children(packages.parsed(f"<x>{BEGINNINGS[name]}</x>".encode())):
            self._append(made, entry)
        return made


def _shade(paint: str, number: int) -> str:
    """A shade of a paint, as RGB."""
    red, green, blue = PAINTS[paint]
    return f"{red:02X}{green + number // 16:02X}{blue + number % 16:02X}"


def _solid(colour: str) -> str:
    colours = f'<fgColor rgb="FF{colour}"/><bgColor indexed="64"/>'
    return f'<fill><patternFill patternType="solid">{colours}</patternFill></fill>'


def _paint(fill: Element) -> str:
    """The colour of a fill, as RGB, where it may be paint of ours, else ""."""
    for pattern in packages.children(fill, "patternFill"):
        for colour in packages.children(pattern, "fgColor"):
            shown = colour.getAttribute("rgb").upper()[-6:]
            if pattern.getAttribute("patternType") == "solid" and PAINT.fullmatch(shown):
                return shown
    return ""


def _is_dark(font: Element) -> bool:
    """Whether a font can be read on a light fill; no colour is the system's, black."""
    for colour in packages.children(font, "color"):
        shown = colour.getAttribute("rgb")[-6:]
        if colour.getAttribute("theme"):
            return colour.getAttribute("theme") in DARK_THEMES
        if shown:
            return all(int(shown[place : place + 2], 16) <= DARK for place in (0, 2, 4))
        return colour.getAttribute("indexed") in ("", *DARK_INDEXES)
    return True


def _blackened(font: Element) -> Element:
    made = packages.copied(font)
    for colour in packages.children(made, "color"):
        for name in list(colour.attributes.keys()):
            colour.removeAttribute(name)
        colour.setAttribute("rgb", BLACK)
    return made


def _plain(element: Element) -> str:
    """An element as XML without prefixes."""
    name = packages.local_name(element)
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in element.attributes.items() if ":" not in key)
    return f"<{name}{attributes}>{''.join(map(_plain, packages.children(element)))}</{name}>"


def _look(xml: str, name: str) -> Element:
    """A fill or font as _plain() wrote it; one that somebody has changed into something else is none."""
    try:
        found = packages.parsed(xml.encode())
    except (ExpatError, DefusedXmlException):
        return packages.parsed(NOTHING[name].encode())
    elements = found.getElementsByTagName("*")
    is_look = found.tagName == name and all(LOOKS.fullmatch(element.tagName) for element in elements)
    return found if is_look else packages.parsed(NOTHING[name].encode())


def _adopted(table: Element, entry: Element) -> Element:
    """An element without prefixes as one of the table's document and namespace."""
    made = packages.new_element(table, packages.local_name(entry), dict(entry.attributes.items()))
    for child in packages.children(entry):
        made.appendChild(_adopted(table, child))
    return made

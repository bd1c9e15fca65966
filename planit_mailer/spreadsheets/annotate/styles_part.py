"""The styles of a workbook: paints cells, and restores their earlier looks from the paint.

The colour of a painted cell tells which fill and font it had before. The shades of one paint differ so little that
nobody sees it, and each shade stands for one earlier look. So rows may be sorted, moved and deleted before the paint is
removed, and other programs may renumber the styles.
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
DARK = 0x50  # the most red, green and blue of a font that is readable on either paint, 4.5 to 1
DARK_THEMES, DARK_INDEXES = (
    ("1", "3"),
    ("0", "8", "64"),
)  # dark 1 and 2; black, black again, and the system's text colour
BLACK = "FF000000"
NOTHING: Mapping[str, str] = MappingProxyType(
    {"fill": '<fill><patternFill patternType="none"/></fill>', "font": "<font/>"}
)
# The tables of a style sheet in their order, each with the entries that it must have: ECMA-376 part 1, 18.8.39.
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
LOOKS = re.compile(  # the elements that fills and fonts may contain
    "fill|patternFill|[fb]gColor|gradientFill|stop|color|font|b|i|u|strike|condense|extend|outline|shadow|vertAlign|sz|"
    "name|family|charset|scheme"
)


@dataclass(frozen=True, slots=True)
class Look:
    """The fill and the font that a cell had, as XML without prefixes. The font is "" if paint did not change it."""

    fill: str
    font: str


class Styles:
    """The styles part of a workbook. Its tree `root` is changed in place."""

    def __init__(self, root: Element) -> None:
        self.root = root
        tables = {name: self._ensure_table(name) for name in BEGINNINGS}
        self._fonts = tables["fonts"]
        self._fills = tables["fills"]
        self._cells = tables["cellXfs"]
        self._colours_in_use = {_paint_colour(fill) for fill in packages.children(self._fills)}
        self._untried = iter(range(SHADES))
        self._shades: dict[Look, int] = {}
        self._painted: dict[tuple[int, str], int] = {}

    @property
    def looks(self) -> dict[str, Look]:
        """The earlier look that each colour of paint stands for."""
        looks: dict[str, Look] = {}
        for look, shade in self._shades.items():
            for paint in PAINTS:
                looks[_colour(paint, shade)] = look
        return looks

    def painted(self, style: int, paint: str) -> int:
        """Return the number of a style that is like this one, but painted.

        Raises TooLarge if there are more looks than shades.
        """
        key = (style, paint)
        if key not in self._painted:
            self._painted[key] = self._paint(style, paint)
        return self._painted[key]

    def unpaint(self, looks: Mapping[str, Look]) -> None:
        """Restore the earlier looks, which are given by their colours.

        Without any, as after the Problems sheet was deleted, everything that may be paint is removed. The styles change
        in place, and so do all cells that have them, even if they were moved.
        """
        unknown = Look(NOTHING["fill"], "")
        for number, fill in enumerate(packages.children(self._fills, "fill")):
            colour = _paint_colour(fill)
            if not colour:
                continue
            look = looks.get(colour) if looks else unknown
            if look:
                restored = _from_xml(look.fill, "fill")
                self._fills.replaceChild(_adopted(self._fills, restored), fill)
                if look.font:
                    self._restore_font(number, look.font)

    def add(self, font: str, fill: str, cell: str) -> int:
        """Add a style and return its number.

        All are given as XML: the font, the fill, and the style itself, with "{}" in place of the numbers of both.
        """
        font_number = self._append(self._fonts, packages.parsed(font.encode()))
        fill_number = self._append(self._fills, packages.parsed(fill.encode()))
        numbers = f'fontId="{font_number}" fillId="{fill_number}" borderId="0" xfId="0"'
        return self._append(self._cells, packages.parsed(cell.format(numbers).encode()))

    def _ensure_table(self, name: str) -> Element:
        """A table of the style sheet, which is created in its place if it is missing."""
        found = packages.children(self.root, name)
        if found:
            return found[0]
        made = packages.new_element(self.root, name, {})
        self.root.insertBefore(made, self._successor(name))
        beginning = packages.parsed(f"<x>{BEGINNINGS[name]}</x>".encode())
        for entry in packages.children(beginning):
            self._append(made, entry)
        return made

    def _successor(self, name: str) -> Element | None:
        """The first element of the style sheet that belongs behind this table."""
        names = ["numFmts", *BEGINNINGS]
        before = names[: names.index(name)]
        for child in packages.children(self.root):
            if packages.local_name(child) not in before:
                return child
        return None

    def _paint(self, style: int, paint: str) -> int:
        """Add a painted copy of a style, and return its number. The font turns black unless it is dark already."""
        cell = self._entry(self._cells, style)
        fill = self._entry(self._fills, int(cell.getAttribute("fillId") or 0))
        font = self._entry(self._fonts, int(cell.getAttribute("fontId") or 0))
        is_readable = _is_dark(font)
        look = Look(_to_xml(fill), "" if is_readable else _to_xml(font))
        painted = packages.parsed(_solid_fill(_colour(paint, self._shade(look))).encode())
        made = packages.copied(cell)
        made.setAttribute("fillId", str(self._append(self._fills, painted)))
        made.setAttribute("applyFill", "1")
        if not is_readable:
            made.setAttribute("fontId", str(self._append(self._fonts, _blackened(font))))
            made.setAttribute("applyFont", "1")
        return self._append(self._cells, made)

    def _shade(self, look: Look) -> int:
        """The shade that stands for a look, the same one each time. Raises TooLarge if none is left."""
        if look not in self._shades:
            self._shades[look] = self._unused_shade()
        return self._shades[look]

    def _unused_shade(self) -> int:
        for shade in self._untried:
            colours = (_colour(paint, shade) for paint in PAINTS)
            if self._colours_in_use.isdisjoint(colours):
                return shade
        raise TooLarge(f"more than {SHADES} kinds of fill")

    def _restore_font(self, fill: int, font: str) -> None:
        """Give a font to all styles that have this fill."""
        for style in packages.children(self._cells, "xf"):
            if int(style.getAttribute("fillId") or 0) == fill:
                number = self._append(self._fonts, _from_xml(font, "font"))
                style.setAttribute("fontId", str(number))

    def _entry(self, table: Element, number: int) -> Element:
        """An entry of a table, or the first one if there is none with this number."""
        entries = packages.children(table)
        if not entries:
            raise Damaged("an empty table of styles")
        return entries[number] if number < len(entries) else entries[0]

    def _append(self, table: Element, entry: Element) -> int:
        """Put an entry at the end of a table, and return its number."""
        if entry.ownerDocument is not table.ownerDocument:
            entry = _adopted(table, entry)
        table.appendChild(entry)
        count = len(packages.children(table))
        table.setAttribute("count", str(count))
        return count - 1


def _colour(paint: str, shade: int) -> str:
    """A shade of a paint as RGB."""
    red, green, blue = PAINTS[paint]
    return f"{red:02X}{green + shade // 16:02X}{blue + shade % 16:02X}"


def _solid_fill(colour: str) -> str:
    colours = f'<fgColor rgb="FF{colour}"/><bgColor indexed="64"/>'
    return f'<fill><patternFill patternType="solid">{colours}</patternFill></fill>'


def _paint_colour(fill: Element) -> str:
    """The colour of a fill as RGB if it may be paint of ours, else ""."""
    for pattern in packages.children(fill, "patternFill"):
        if pattern.getAttribute("patternType") != "solid":
            continue
        for colour in packages.children(pattern, "fgColor"):
            rgb = colour.getAttribute("rgb").upper()[-6:]
            if PAINT.fullmatch(rgb):
                return rgb
    return ""


def _is_dark(font: Element) -> bool:
    """True if a font is readable on a light fill. A font without a colour is black, the system's colour."""
    colours = packages.children(font, "color")
    if not colours:
        return True
    colour = colours[0]
    theme = colour.getAttribute("theme")
    if theme:
        return theme in DARK_THEMES
    rgb = colour.getAttribute("rgb")[-6:]
    if rgb:
        return all(int(rgb[place : place + 2], 16) <= DARK for place in (0, 2, 4))
    return colour.getAttribute("indexed") in ("", *DARK_INDEXES)


def _blackened(font: Element) -> Element:
    made = packages.copied(font)
    for colour in packages.children(made, "color"):
        for name in list(colour.attributes.keys()):
            colour.removeAttribute(name)
        colour.setAttribute("rgb", BLACK)
    return made


def _to_xml(element: Element) -> str:
    """An element as XML without prefixes."""
    name = packages.local_name(element)
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in element.attributes.items() if ":" not in key)
    content = "".join(map(_to_xml, packages.children(element)))
    return f"<{name}{attributes}>{content}</{name}>"


def _from_xml(xml: str, name: str) -> Element:
    """A fill or font as _to_xml() wrote it, or an empty one if somebody has changed it into something else."""
    try:
        found = packages.parsed(xml.encode())
    except (ExpatError, DefusedXmlException):
        return _nothing(name)
    elements = found.getElementsByTagName("*")
    is_known = all(LOOKS.fullmatch(element.tagName) for element in elements)
    if found.tagName != name or not is_known:
        return _nothing(name)
    return found


def _nothing(name: str) -> Element:
    return packages.parsed(NOTHING[name].encode())


def _adopted(table: Element, entry: Element) -> Element:
    """A copy of an element without prefixes, in the table's document and namespace."""
    made = packages.new_element(table, packages.local_name(entry), dict(entry.attributes.items()))
    for child in packages.children(entry):
        made.appendChild(_adopted(table, child))
    return made

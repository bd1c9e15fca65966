"""Changes the XML of a worksheet in place: styles of cells, and what stands after them. All other bytes stay.

A sheet may have a million cells, so that it is not made into a tree. Once comments, CDATA and instructions are gone,
each "<" of a well-formed document begins a tag, and patterns find tags without mistakes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from planit_mailer.spreadsheets.containers.zip_archive import Damaged
from planit_mailer.spreadsheets.references import column_letters

Edit = tuple[int, int, bytes]  # what replaces the bytes from start to end

ASIDE = re.compile(rb"<!--.*?-->|<!\[CDATA\[(.*?)\]\]>|<\?.*?\?>", re.DOTALL)
DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)["']""")
ATTRIBUTES = rb"""((?:\s+[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(/?)>"""
TAG = re.compile(rb"<(/?)([^\s/<>]+)" + ATTRIBUTES)
REFERENCE = re.compile(rb"\$?([A-Z]{1,3})\$?(\d+)")
SELECTED = re.compile(rb"""(<(?:[\w.-]+:)?sheetView(?=\s)[^<]*?)\stabSelected\s*=\s*(?:"[^"<]*"|'[^'<]*')""")
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
# What follows a worksheet's legacyDrawing, ECMA-376 part 1, 18.3.1.99; alternatives are written around controls.
AFTER_DRAWING = {
    b"legacyDrawingHF",
    b"drawingHF",
    b"picture",
    b"oleObjects",
    b"controls",
    b"AlternateContent",
    b"webPublishItems",
    b"tableParts",
    b"extLst",
}


@dataclass(frozen=True, slots=True)
class _Row:
    """A row: its number, its attributes, and the positions of it and of its content."""

    number: int
    attributes: bytes
    start: int
    content: tuple[int, int]
    end: int


class SheetMarkup:
    """The XML of one worksheet. Raises Damaged if it has no cells at all."""

    def __init__(self, xml: bytes) -> None:
        self._xml = ordinary(xml)
        root = TAG.search(self._xml)
        if root is None:
            raise Damaged("a part without content")
        prefix, colon, _ = root[2].rpartition(b":")
        self.prefix = prefix + colon
        declared = _attribute(root[3], b"xmlns:" + prefix if prefix else b"xmlns")
        self.namespace = declared.decode()
        self._find_cells()

    def _find_cells(self) -> None:
        opening = self._tag(b"sheetData").search(self._xml)
        if opening is None:
            raise Damaged("a sheet without cells")
        self._before, rest = self._xml[: opening.start()], self._xml[opening.end() :]
        self._cells, self._after = (b"", rest) if opening[2] else _parted(rest, self._closing(b"sheetData"))
        self._xml = b""

    def joined(self) -> bytes:
        """The sheet as it is now."""
        data = self.prefix + b"sheetData"
        return b"".join((self._before, b"<", data, b">", self._cells, b"</", data, b">", self._after))

    def unselect(self) -> bool:
        """Remove the sheet from Excel's group selection; True if it was selected."""
        self._before, count = SELECTED.subn(rb"\1", self._before)
        return count > 0

    def restyle(self, cells: Mapping[int, Mapping[int, str]], style: Callable[[int, str], int]) -> None:
        """Give cells, by row and column, the style that comes of their own and their mark; blank ones are made."""
        rows = list(self._rows())
        present = {row.number: row for row in rows}
        edits = [self._row_edit(present[number], cells[number], style) for number in cells if number in present]
        for number in sorted(cells.keys() - present.keys()):
            place = min((row.start for row in rows if row.number > number), default=len(self._cells))
            bare = _Row(number, b' r="%d"' % number, place, (place, place), place)
            edits.append(self._row_edit(bare, cells[number], style))
        self._cells = _edited(self._cells, edits)

    def drawing(self) -> str:
        """The id of the relation to the drawing of the comments, "" if there is none."""
        found = self._tag(b"legacyDrawing").search(self._after)
        if not found:
            return ""
        named = re.search(rb"""\s[^\s=:]+:id\s*=\s*["']([^"']*)""", found[1])
        return named[1].decode() if named else ""

    def draw(self, relation: str, namespace: str) -> None:
        """Name the drawing of the comments, at its place in the order of elements."""
        drawing = b'<%slegacyDrawing xmlns:r="%s" r:id="%s"/>' % (self.prefix, namespace.encode(), relation.encode())
        place = self._place_of_drawing()
        self._after = self._after[:place] + drawing + self._after[place:]

    def undraw(self) -> None:
        """Remove the drawing of the comments."""
        self._after = re.sub(self._tag(b"legacyDrawing"), b"", self._after, count=1)

    def _place_of_drawing(self) -> int:
        depth = 0
        for tag in TAG.finditer(self._after):
            name = tag[2].rpartition(b":")[2]
            if depth == 0 and (name in AFTER_DRAWING or tag[1]):
                return tag.start()
            depth += -1 if tag[1] else 0 if tag[4] else 1
        raise Damaged("a sheet that does not end")

    def _row_edit(self, row: _Row, marks: Mapping[int, str], style: Callable[[int, str], int]) -> Edit:
        content = self._cells[slice(*row.content)]
        base = _number(row.attributes, b"s") if _attribute(row.attributes, b"customFormat") in (b"1", b"true") else None
        present = dict(self._placed(content))
        edits = [
            self._cell_edit(found, row.number, (column, style(_number(found[1], b"s"), marks[column])))
            for column, found in present.items()
            if column in marks
        ]
        for column in sorted(marks.keys() - present.keys()):
            place = min((found.start() for other, found in present.items() if other > column), default=len(content))
            own = style(self._column_style(column) if base is None else base, marks[column])
            named = b'<%sc r="%s%d" s="%d"/>' % (self.prefix, column_letters(column).encode(), row.number, own)
            edits.append((place, place, named))
        name = self.prefix + b"row"
        attributes = _without(row.attributes, b"spans")  # it may span no longer what it says
        made = b"".join((b"<", name, attributes, b">", _edited(content, edits), b"</", name, b">"))
        return row.start, row.end, made

    def _cell_edit(self, found: re.Match[bytes], row: int, named: tuple[int, int]) -> Edit:
        column, style = named
        attributes = _without(_without(found[1], b"s"), b"r")
        reference = column_letters(column).encode()
        tag = b'<%sc r="%s%d" s="%d"%s%s>' % (self.prefix, reference, row, style, attributes, found[2])
        return found.start(), found.end(), tag

    def _placed(self, content: bytes) -> Iterator[tuple[int, re.Match[bytes]]]:
        """The cells of a row by their columns; a cell without a reference follows the one before."""
        column = 0
        for found in self._tag(b"c").finditer(content):
            named = REFERENCE.fullmatch(_attribute(found[1], b"r"))
            column = _column(named[1]) if named else column + 1
            yield column, found

    def _rows(self) -> Iterator[_Row]:
        """The rows, numbered as the reader numbers them."""
        number = 0
        closing = self._closing(b"row")
        for found in self._tag(b"row").finditer(self._cells):
            end = None if found[2] else closing.search(self._cells, found.end())
            content = (found.end(), end.start() if end else found.end())
            number = _number(found[1], b"r") or self._first_row(self._cells[slice(*content)]) or number + 1
            yield _Row(number, found[1], found.start(), content, end.end() if end else found.end())

    def _first_row(self, content: bytes) -> int:
        references = (REFERENCE.fullmatch(_attribute(found[1], b"r")) for found in self._tag(b"c").finditer(content))
        return next((int(named[2]) for named in references if named), 0)

    def _column_style(self, column: int) -> int:
        for found in self._tag(b"col").finditer(self._before):
            if _number(found[1], b"min") <= column <= _number(found[1], b"max"):
                return _number(found[1], b"style")
        return 0

    def _tag(self, name: bytes) -> re.Pattern[bytes]:
        return re.compile(b"<" + re.escape(self.prefix + name) + ATTRIBUTES)

    def _closing(self, name: bytes) -> re.Pattern[bytes]:
        return re.compile(rb"</%s\s*>" % re.escape(self.prefix + name))


def ordinary(xml: bytes) -> bytes:
    """A document in UTF-8 whose every "<" begins a tag."""
    encoded = DECLARED.match(xml)
    encoding = "utf-16" if xml.startswith(BYTE_ORDER_MARKS) else encoded[1].decode() if encoded else "utf-8"
    if encoding.lower() not in ("utf-8", "us-ascii", "ascii"):
        xml = xml.decode(encoding).encode()
    return ASIDE.sub(lambda found: _escaped(found[1] or b""), xml.removeprefix(b"\xef\xbb\xbf"))


def _escaped(text: bytes) -> bytes:
    return text.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")


def _parted(content: bytes, closing: re.Pattern[bytes]) -> tuple[bytes, bytes]:
    end = closing.search(content)
    if end is None:
        raise Damaged("cells that do not end")
    return content[: end.start()], content[end.end() :]


def _edited(content: bytes, edits: Iterable[Edit]) -> bytes:
    """The content with its edits made; those at one place in their order."""
    pieces: list[bytes] = []
    copied = 0
    for start, end, made in sorted(edits, key=lambda edit: edit[:2]):
        pieces += (content[copied:start], made)
        copied = end
    return b"".join((*pieces, content[copied:]))


def _attribute(attributes: bytes, name: bytes) -> bytes:
    found = re.search(rb"""\s%s\s*=\s*(?:"([^"]*)"|'([^']*)')""" % name, attributes)
    return (found[1] or found[2] or b"") if found else b""


def _number(attributes: bytes, name: bytes) -> int:
    return int(_attribute(attributes, name) or b"0")


def _without(attributes: bytes, name: bytes) -> bytes:
    return re.sub(rb"""\s%s\s*=\s*(?:"[^"]*"|'[^']*')""" % name, b"", attributes)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number

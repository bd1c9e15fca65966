"""Changes the XML of a worksheet in place: the styles of cells, and the elements after them. All other bytes stay.

A sheet may have a million cells, too many for a tree. Once comments, CDATA and processing instructions are removed,
each "<" of a well-formed document begins a tag, and regular expressions find tags without mistakes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.containers.zip_archive import Damaged

ASIDE = re.compile(rb"<!--.*?-->|<!\[CDATA\[(?P<text>.*?)\]\]>|<\?.*?\?>", re.DOTALL)
DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.-]+)["']""")
ATTRIBUTES = rb"""(?P<attributes>(?:\s+[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(?P<empty>/?)>"""
TAG = re.compile(rb"<(?P<end>/?)(?P<name>[^\s/<>]+)" + ATTRIBUTES)
REFERENCE = re.compile(rb"\$?([A-Z]{1,3})\$?(\d+)")
SELECTED = re.compile(rb"""(<(?:[\w.-]+:)?sheetView(?=\s)[^<]*?)\stabSelected\s*=\s*(?:"[^"<]*"|'[^'<]*')""")
RELATION = re.compile(rb"""\s[^\s=:]+:id\s*=\s*["']([^"']*)""")
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
# The elements that follow a worksheet's legacyDrawing, ECMA-376 part 1, 18.3.1.99; AlternateContent may wrap controls.
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

StyleOf = Callable[[int, str], int]  # the number of a cell's present style, and its mark → the number of its new style


@dataclass(frozen=True, slots=True)
class _Row:
    """A row: its number, its attributes, and the offsets of its start, its content and its end among the cells."""

    number: int
    attributes: bytes
    start: int
    content_start: int
    content_end: int
    end: int


@dataclass(frozen=True, slots=True)
class _Edit:
    """A replacement for the bytes from start to end."""

    start: int
    end: int
    made: bytes


class SheetMarkup:
    """The XML of one worksheet. Raises Damaged if it has no list of cells."""

    def __init__(self, xml: bytes) -> None:
        xml = _only_tags(xml)
        root = TAG.search(xml)
        if root is None:
            raise Damaged("a part without content")
        prefix, colon, _ = root["name"].rpartition(b":")
        self.prefix = prefix + colon
        declaration = b"xmlns:" + prefix if prefix else b"xmlns"
        self.namespace = _attribute(root["attributes"], declaration).decode()
        self._split(xml)

    def _split(self, xml: bytes) -> None:
        """Split the document into the cells, and what is before and after them."""
        opening = self._tag(b"sheetData").search(xml)
        if opening is None:
            raise Damaged("a sheet without cells")
        self._before = xml[: opening.start()]
        self._cells = b""
        self._after = xml[opening.end() :]
        if not opening["empty"]:
            closing = self._closing_tag(b"sheetData").search(self._after)
            if closing is None:
                raise Damaged("cells that do not end")
            self._cells = self._after[: closing.start()]
            self._after = self._after[closing.end() :]

    def joined(self) -> bytes:
        """The XML of the sheet with all changes."""
        data = self.prefix + b"sheetData"
        return b"".join((self._before, b"<", data, b">", self._cells, b"</", data, b">", self._after))

    def deselect(self) -> bool:
        """Remove the sheet from Excel's group selection, in which typing changes all sheets at once.

        Return True if it was selected.
        """
        self._before, count = SELECTED.subn(rb"\1", self._before)
        return count > 0

    def restyle(self, marks: Mapping[int, Mapping[int, str]], style_of: StyleOf) -> None:
        """Give new styles to the cells that have marks, by row and column. Missing cells are created."""
        rows = list(self._rows())
        present = {row.number: row for row in rows}
        edits: list[_Edit] = []
        for number, marks_of_row in marks.items():
            if number in present:
                edits.append(self._row_edit(present[number], marks_of_row, style_of))
        for number in sorted(marks.keys() - present.keys()):
            missing = _missing_row(number, rows, len(self._cells))
            edits.append(self._row_edit(missing, marks[number], style_of))
        self._cells = _edited(self._cells, edits)

    def drawing_id(self) -> str:
        """The id of the relation to the drawing of the comments, "" if there is none."""
        drawing = self._tag(b"legacyDrawing").search(self._after)
        if not drawing:
            return ""
        relation = RELATION.search(drawing["attributes"])
        return relation[1].decode() if relation else ""

    def add_drawing(self, relation: str, namespace: str) -> None:
        """Name the drawing of the comments, in the place that the schema prescribes."""
        drawing = b'<%slegacyDrawing xmlns:r="%s" r:id="%s"/>' % (self.prefix, namespace.encode(), relation.encode())
        place = self._place_of_drawing()
        self._after = self._after[:place] + drawing + self._after[place:]

    def remove_drawing(self) -> None:
        """Remove the name of the drawing of the comments, if there is one."""
        self._after = self._tag(b"legacyDrawing").sub(b"", self._after, count=1)

    def _rows(self) -> Iterator[_Row]:
        """The rows, numbered as the reader numbers them."""
        number = 0
        closing_tag = self._closing_tag(b"row")
        for opening in self._tag(b"row").finditer(self._cells):
            attributes, content_start = opening["attributes"], opening.end()
            closing = None if opening["empty"] else closing_tag.search(self._cells, content_start)
            content_end, end = closing.span() if closing else (content_start, content_start)
            number = _number(attributes, b"r") or self._number_by_cells(content_start, content_end) or number + 1
            yield _Row(number, attributes, opening.start(), content_start, content_end, end)

    def _number_by_cells(self, start: int, end: int) -> int:
        """The number of a row according to the first of its cells that has a reference, or 0."""
        for cell in self._tag(b"c").finditer(self._cells, start, end):
            reference = REFERENCE.fullmatch(_attribute(cell["attributes"], b"r"))
            if reference:
                return int(reference[2])
        return 0

    def _row_edit(self, row: _Row, marks: Mapping[int, str], style_of: StyleOf) -> _Edit:
        """Replace a row by one whose marked cells have new styles."""
        content = self._cells[row.content_start : row.content_end]
        present = dict(self._cells_by_column(content))
        edits: list[_Edit] = []
        for column, cell in present.items():
            if column in marks:
                style = style_of(_number(cell["attributes"], b"s"), marks[column])
                attributes = _without(_without(cell["attributes"], b"s"), b"r")
                tag = self._cell_tag(references.address(row.number, column), style, attributes + cell["empty"])
                edits.append(_Edit(cell.start(), cell.end(), tag))
        for column in sorted(marks.keys() - present.keys()):
            later = [cell.start() for other, cell in present.items() if other > column]
            place = min(later, default=len(content))
            style = style_of(self._style_of_missing(row, column), marks[column])
            tag = self._cell_tag(references.address(row.number, column), style, b"/")
            edits.append(_Edit(place, place, tag))
        name = self.prefix + b"row"
        attributes = _without(row.attributes, b"spans")  # the columns that the row spans may have changed
        made = b"".join((b"<", name, attributes, b">", _edited(content, edits), b"</", name, b">"))
        return _Edit(row.start, row.end, made)

    def _cells_by_column(self, content: bytes) -> Iterator[tuple[int, re.Match[bytes]]]:
        """The cells of a row with their columns. A cell without a reference follows the one before it."""
        column = 0
        for cell in self._tag(b"c").finditer(content):
            reference = REFERENCE.fullmatch(_attribute(cell["attributes"], b"r"))
            column = references.column_number(reference[1].decode()) if reference else column + 1
            yield column, cell

    def _cell_tag(self, reference: str, style: int, rest: bytes) -> bytes:
        """The opening tag of a cell; `rest` is its other attributes, and a slash if the cell is empty."""
        return b'<%sc r="%s" s="%d"%s>' % (self.prefix, reference.encode(), style, rest)

    def _style_of_missing(self, row: _Row, column: int) -> int:
        """The number of the style that a cell has if it is not written: its row's own, or that of its column."""
        if _attribute(row.attributes, b"customFormat") in (b"1", b"true"):
            return _number(row.attributes, b"s")
        for columns in self._tag(b"col").finditer(self._before):
            attributes = columns["attributes"]
            if _number(attributes, b"min") <= column <= _number(attributes, b"max"):
                return _number(attributes, b"style")
        return 0

    def _place_of_drawing(self) -> int:
        """The offset, after the cells, at which the drawing of the comments is named."""
        depth = 0
        for tag in TAG.finditer(self._after):
            name = tag["name"].rpartition(b":")[2]
            is_end = bool(tag["end"])
            if depth == 0 and (is_end or name in AFTER_DRAWING):
                return tag.start()
            if is_end:
                depth -= 1
            elif not tag["empty"]:
                depth += 1
        raise Damaged("a sheet that does not end")

    def _tag(self, name: bytes) -> re.Pattern[bytes]:
        return re.compile(b"<" + re.escape(self.prefix + name) + ATTRIBUTES)

    def _closing_tag(self, name: bytes) -> re.Pattern[bytes]:
        return re.compile(rb"</%s\s*>" % re.escape(self.prefix + name))


def _only_tags(xml: bytes) -> bytes:
    """The document in UTF-8, changed so that each "<" in it begins a tag."""
    encoding = _encoding(xml)
    if encoding.lower() not in ("utf-8", "us-ascii", "ascii"):
        xml = xml.decode(encoding).encode()
    return ASIDE.sub(lambda aside: _escaped(aside["text"] or b""), xml.removeprefix(b"\xef\xbb\xbf"))


def _encoding(xml: bytes) -> str:
    """The name of the encoding of a document."""
    if xml.startswith(BYTE_ORDER_MARKS):
        return "utf-16"
    declared = DECLARED.match(xml)
    return declared[1].decode() if declared else "utf-8"


def _escaped(text: bytes) -> bytes:
    return text.replace(b"&", b"&amp;").replace(b"<", b"&lt;").replace(b">", b"&gt;")


def _missing_row(number: int, rows: Iterable[_Row], end: int) -> _Row:
    """A row that is not written yet, to be put before the rows with higher numbers, or else at the end."""
    later = [row.start for row in rows if row.number > number]
    place = min(later, default=end)
    return _Row(number, b' r="%d"' % number, place, place, place, place)


def _edited(content: bytes, edits: Iterable[_Edit]) -> bytes:
    """The content with all edits made; those at the same place keep their order."""
    pieces: list[bytes] = []
    copied = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        pieces += (content[copied : edit.start], edit.made)
        copied = edit.end
    return b"".join((*pieces, content[copied:]))


def _attribute(attributes: bytes, name: bytes) -> bytes:
    """The value of an attribute, b"" if it is absent."""
    found = re.search(rb"""\s%s\s*=\s*(?:"([^"]*)"|'([^']*)')""" % name, attributes)
    if not found:
        return b""
    return found[1] or found[2] or b""


def _number(attributes: bytes, name: bytes) -> int:
    """The value of an attribute as a number, 0 if it is absent."""
    return int(_attribute(attributes, name) or b"0")


def _without(attributes: bytes, name: bytes) -> bytes:
    return re.sub(rb"""\s%s\s*=\s*(?:"[^"]*"|'[^']*')""" % name, b"", attributes)

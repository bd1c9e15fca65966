"""Reads .ods (OpenDocument 1.3, part 3, section 9): it stores what each cell shows, so nothing is left to render.

Why not calamine, which reads it too: it drops that text, and with it percent signs, leading zeros and errors, and it
tells nothing of what is hidden.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from xml.etree.ElementTree import Element

from planit_mailer.spreadsheets.containers.zip_archive import Archive, Locked, TooLarge
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Range, Row, Sheet
from planit_mailer.spreadsheets.number_formats import dates
from planit_mailer.spreadsheets.readers import cells, xml_parts

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
EXTENDED = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
ROW = f"{TABLE}table-row"
CELLS = (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")
CONTAINERS = tuple(TABLE + name for name in ("table", "table-rows", "table-row-group", "table-header-rows"))
HIDDEN = ("collapse", "filter")
NO_FORMAT = "#FMT"  # LibreOffice's, of a number that its format cannot show
ERROR = re.compile(r"#[A-Z]+[A-Z0-9/]*[!?]?|Err:\d{3}")
MERGED = 100_000


def read(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """All sheets in their order. Raise Locked, Damaged, TooLarge, or what XML makes of the content."""
    archive = Archive(data, limits)
    if "META-INF/manifest.xml" in archive and b"encryption-data" in archive.read("META-INF/manifest.xml"):
        raise Locked
    return tuple(_Reader(limits).sheets(xml_parts.events(archive, "content.xml")))


@dataclass(slots=True)
class _Table:
    """A sheet as it is read. `external` are the values of another document that were kept with its links."""

    name: str
    hidden: bool
    external: bool = False
    row: int = 0  # the last that was read
    column: int = 0  # the last that was declared
    rows: list[Row] = field(default_factory=list)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merged: list[Range] = field(default_factory=list)

    def sheet(self, number: int) -> Sheet:
        """The sheet, once all of it has been read."""
        width = max((len(row.cells) for row in self.rows), default=0)
        hidden = (n for first, last in self.hidden_columns for n in range(first, min(last, width) + 1))
        return Sheet(self.name, number, tuple(self.rows), self.hidden, frozenset(hidden), tuple(self.merged))


class _Reader:
    """Reads the tables of one document, row by row."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._hidden_styles: set[str] = set()
        self._style = ""
        self._table = _Table("", hidden=False)

    def sheets(self, events: Iterator[tuple[str, Element]]) -> Iterator[Sheet]:
        """The sheets of a document; whatever is nested in a row, such as a table within a cell, belongs to the row."""
        depth = count = 0
        container: Element | None = None
        for event, element in events:
            is_row = element.tag == ROW
            depth += is_row and event == "start"
            if not depth and event == "start":
                self._begin(element)
                container = element if element.tag in CONTAINERS else container
            elif not depth and element.tag == f"{TABLE}table" and not self._table.external:
                count += 1
                yield self._table.sheet(count)
            depth -= is_row and event == "end"
            if is_row and not depth and container is not None:
                self._row(element)
                container.clear()

    def _begin(self, element: Element) -> None:
        """Note what stands before the rows; all of it is in attributes."""
        match element.tag.rpartition("}")[2]:
            case "style":
                self._style = element.get(f"{STYLE}name", "")
            case "table-properties" if element.get(f"{TABLE}display") == "false":
                self._hidden_styles.add(self._style)
            case "table":
                hidden = element.get(f"{TABLE}style-name") in self._hidden_styles
                self._table = _Table(element.get(f"{TABLE}name", ""), hidden)
            case "table-source":
                self._table.external = True
            case "table-column":
                first = self._table.column + 1
                self._table.column += _count(element, "number-columns-repeated")
                if element.get(f"{TABLE}visibility") in HIDDEN:
                    self._table.hidden_columns.append((first, self._table.column))

    def _row(self, element: Element) -> None:
        """Add a row as often as it is repeated; rows that hold nothing are repeated a million times."""
        table = self._table
        first = table.row + 1
        table.row += _count(element, "number-rows-repeated")
        found = self._cells(element, first)
        if not found or table.external:
            return
        if len(table.rows) + table.row + 1 - first > self._limits.rows:
            raise TooLarge(f"more than {self._limits.rows:,} rows")
        hidden = element.get(f"{TABLE}visibility") in HIDDEN
        table.rows += (Row(number, found, hidden) for number in range(first, table.row + 1))

    def _cells(self, row: Element, number: int) -> tuple[Cell | None, ...]:
        """The cells of a row up to the last that holds something."""
        found: list[Cell | None] = []
        column = 1
        for element in row:
            if element.tag not in CELLS:
                continue
            self._note_merged(element, number, column)
            repeated = _count(element, "number-columns-repeated")
            if (cell := _cell(element)) is not None:
                if column + repeated - 1 > self._limits.columns:
                    raise TooLarge(f"more than {self._limits.columns:,} columns")
                found += [None] * (column - 1 - len(found)) + [cell] * repeated
            column += repeated
        return tuple(found)

    def _note_merged(self, cell: Element, row: int, column: int) -> None:
        width, height = _count(cell, "number-columns-spanned"), _count(cell, "number-rows-spanned")
        if width > 1 or height > 1:
            self._table.merged.append(Range(row, column, row + height - 1, column + width - 1))
            if len(self._table.merged) > MERGED:
                raise TooLarge(f"more than {MERGED:,} merged cells")


def _cell(element: Element) -> Cell | None:
    """One cell: the text that it shows, and the value beneath."""
    paragraphs = [_shown(part) for part in element if part.tag == f"{TEXT}p"]
    shown = cells.text("\n".join(paragraphs))
    text = shown.text if shown else ""
    if element.get(f"{TABLE}formula") is not None and (told := _failed(element, text, stored=bool(paragraphs))):
        return told
    match element.get(f"{OFFICE}value-type"):
        case "float" | "percentage" | "currency":
            return _number(xml_parts.number(element.get(f"{OFFICE}value", "")), text, stored=bool(paragraphs))
        case "time":
            return _number(dates.duration(element.get(f"{OFFICE}time-value", "")), text, stored=bool(paragraphs))
        case "date":
            return _date(element.get(f"{OFFICE}date-value", ""), text, stored=bool(paragraphs))
        case "boolean":
            return Cell(text, Kind.BOOLEAN, element.get(f"{OFFICE}boolean-value") == "true")
    return _text(element.get(f"{OFFICE}string-value", ""), shown, stored=bool(paragraphs))


def _failed(element: Element, text: str, *, stored: bool) -> Cell | None:
    """The cell of a formula without a value: an error, or a result that was never saved.

    LibreOffice writes an empty text without a type, but with a paragraph that shows nothing.
    """
    if not (stored or element.get(f"{OFFICE}value-type")):
        return Cell("", Kind.UNSAVED)
    is_error = element.get(f"{EXTENDED}value-type") == "error" or ERROR.fullmatch(text)
    return Cell(text or "#N/A", Kind.ERROR) if is_error else None


def _number(value: float, text: str, *, stored: bool) -> Cell:
    """A number; if the writer left out its shown text, it is shown as General, perhaps not as the school saw it."""
    plain = cells.number(value)
    return replace(plain, text=text, format="") if stored and text != NO_FORMAT else replace(plain, exact=False)


def _text(value: str, shown: Cell | None, *, stored: bool) -> Cell | None:
    """A text; its value is stored apart if the format shows something else of it, or nothing at all."""
    beneath = cells.text(value)
    if beneath is None or beneath.kind is Kind.ERROR:
        return shown or beneath
    if shown is None:
        return replace(beneath, text="") if stored else beneath
    return replace(shown, value=beneath.value)


def _date(written: str, text: str, *, stored: bool) -> Cell:
    """A date; its format is told by what it shows: that of a whole date, or that of one without its year."""
    try:
        moment = datetime.fromisoformat(written[:26])
    except ValueError:  # such as those beyond the year 9999, which Excel does not have
        return Cell("#NUM!", Kind.ERROR)
    code = "dd/mm/yyyy" if f"{moment:%y}" in text or not text else "dd-mmm"
    shown = text if stored else f"{moment:%d/%m/%Y}"
    return Cell(shown, Kind.DATE, moment.replace(tzinfo=None), code, exact=stored)


def _shown(part: Element) -> str:
    """The text of a paragraph: spaces, tabs and line ends have elements of their own."""
    shown = part.text or ""
    for child in part:
        if child.tag == f"{TEXT}s":
            shown += " " * min(xml_parts.integer(child.get(f"{TEXT}c", "1")), 1_000)
        elif child.tag in (f"{TEXT}tab", f"{TEXT}line-break"):
            shown += "\n" if child.tag == f"{TEXT}line-break" else " "
        elif child.tag.startswith(TEXT) and child.tag != f"{TEXT}note":
            shown += _shown(child)
        shown += child.tail or ""
    return shown


def _count(element: Element, name: str) -> int:
    return max(xml_parts.integer(element.get(TABLE + name, "1")), 1)

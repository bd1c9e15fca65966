"""Reads .ods (OpenDocument 1.3, part 3, section 9). The file stores the text that each cell shows.

calamine reads .ods too, but drops that text. Percent signs, leading zeros and errors are lost with it, and so is which
rows and columns are hidden.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from xml.etree.ElementTree import Element

from planit_mailer.spreadsheets.containers.zip_archive import Archive, Locked
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Range, Sheet
from planit_mailer.spreadsheets.number_formats import dates
from planit_mailer.spreadsheets.readers import cells, sheet_builder, xml_parts
from planit_mailer.spreadsheets.readers.sheet_builder import SheetBuilder, Usage

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
EXTENDED = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
MANIFEST = "META-INF/manifest.xml"
SHEET = f"{TABLE}table"
ROW = f"{TABLE}table-row"
CELLS = (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")
HIDDEN = ("collapse", "filter")
NO_FORMAT = "#FMT"  # LibreOffice shows this if the format cannot show the number
ERROR = re.compile(r"#[A-Z]+[A-Z0-9/]*[!?]?|Err:\d{3}")
MOST_SPACES = 1_000  # that one element may stand for


def read(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """Return all sheets in their order.

    Raises Locked, Damaged or TooLarge, and the XML parser's own errors.
    """
    archive = Archive(data, limits)
    if _is_encrypted(archive):
        raise Locked
    events = xml_parts.parsed(xml_parts.chunks(archive, "content.xml"), _is_row)
    return tuple(_Reader(Usage(limits)).sheets(events))


def _is_row(opened: Sequence[Element]) -> bool:
    return opened[-1].tag == ROW


def _is_encrypted(archive: Archive) -> bool:
    return MANIFEST in archive and b"encryption-data" in archive.read(MANIFEST)


@dataclass(slots=True)
class _Table:
    """A sheet while it is being read.

    `external` marks values of another document, which LibreOffice keeps with the links to them.
    """

    builder: SheetBuilder
    name: str = ""
    hidden: bool = False
    external: bool = False
    row: int = 0  # number of the last row read
    column: int = 0  # number of the last column declared


class _Reader:
    """Reads the tables of one document, row by row."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage
        self._hidden_styles: set[str] = set()
        self._style = ""
        self._table = _Table(SheetBuilder(usage))

    def sheets(self, events: Iterator[tuple[str, Element]]) -> Iterator[Sheet]:
        """Yield each sheet of a document when it ends.

        Elements within a row belong to that row, even a table within a cell.
        """
        count = 0
        for event, element in events:
            if event == "start":
                self._begin(element)
            elif element.tag == ROW:
                self._row(element)
            elif element.tag == SHEET and not self._table.external:
                count += 1
                yield self._table.builder.sheet(self._table.name, count, hidden=self._table.hidden)

    def _begin(self, element: Element) -> None:
        """Note what stands before the rows. All of it is in attributes."""
        match xml_parts.local(element.tag):
            case "style":
                self._style = element.get(f"{STYLE}name", "")
            case "table-properties" if element.get(f"{TABLE}display") == "false":
                self._hidden_styles.add(self._style)
                sheet_builder.check_styles(len(self._hidden_styles))
            case "table":
                hidden = element.get(f"{TABLE}style-name") in self._hidden_styles
                self._table = _Table(SheetBuilder(self._usage), element.get(f"{TABLE}name", ""), hidden)
            case "table-source":
                self._table.external = True
            case "table-column":
                self._note_columns(element)

    def _note_columns(self, element: Element) -> None:
        first = self._table.column + 1
        self._table.column += _count(element, "number-columns-repeated")
        if element.get(f"{TABLE}visibility") in HIDDEN:
            self._table.builder.hide_columns(first, self._table.column)

    def _row(self, element: Element) -> None:
        """Add a row as often as it is repeated. Blank rows, which may be repeated a million times, are not added."""
        table = self._table
        first = table.row + 1
        table.row += _count(element, "number-rows-repeated")
        found = self._cells(element, first)
        if not found or table.external:
            return
        hidden = element.get(f"{TABLE}visibility") in HIDDEN
        for number in range(first, table.row + 1):
            table.builder.add_row(number, found, hidden=hidden)

    def _cells(self, row: Element, number: int) -> tuple[Cell | None, ...]:
        """Return the cells of a row up to the last that is not blank."""
        found: list[Cell | None] = []
        column = 1
        for element in row:
            if element.tag not in CELLS:
                continue
            self._note_merged(element, number, column)
            repeated = _count(element, "number-columns-repeated")
            cell = _cell(element)
            if cell is not None:
                self._table.builder.check_column(column + repeated - 1)
                blank_before = column - 1 - len(found)
                found += [None] * blank_before + [cell] * repeated
            column += repeated
        return tuple(found)

    def _note_merged(self, cell: Element, row: int, column: int) -> None:
        width = _count(cell, "number-columns-spanned")
        height = _count(cell, "number-rows-spanned")
        if width > 1 or height > 1:
            self._table.builder.merge(Range(row, column, row + height - 1, column + width - 1))


def _cell(element: Element) -> Cell | None:
    """Return a cell with the text it shows and its value, or None if it is blank.

    Below, `stored` is True if the file has that text, even an empty one.
    """
    paragraphs = [part for part in element if part.tag == f"{TEXT}p"]
    stored = bool(paragraphs)
    shown = cells.text(_text_of(paragraphs))
    text = shown.text if shown else ""
    if element.get(f"{TABLE}formula") is not None:
        failed = _failed_formula(element, text, stored=stored)
        if failed:
            return failed
    match element.get(f"{OFFICE}value-type"):
        case "float" | "percentage" | "currency":
            return _number(xml_parts.number(element.get(f"{OFFICE}value", "")), text, stored=stored)
        case "time":
            return _number(dates.duration(element.get(f"{OFFICE}time-value", "")), text, stored=stored)
        case "date":
            return _date(element.get(f"{OFFICE}date-value", ""), text, stored=stored)
        case "boolean":
            return Cell(text, Kind.BOOLEAN, element.get(f"{OFFICE}boolean-value") == "true")
    return _text(element.get(f"{OFFICE}string-value", ""), shown, stored=stored)


def _failed_formula(element: Element, text: str, *, stored: bool) -> Cell | None:
    """Return the cell of a formula with an error or without a saved result, and None for any other formula.

    LibreOffice writes an empty result without a type, but with an empty paragraph.
    """
    if not stored and not element.get(f"{OFFICE}value-type"):
        return Cell("", Kind.UNSAVED)
    if element.get(f"{EXTENDED}value-type") == "error" or ERROR.fullmatch(text):
        return Cell(text or "#N/A", Kind.ERROR)
    return None


def _number(value: float, text: str, *, stored: bool) -> Cell:
    """Return a number. Without a stored text it is shown as General, which may not be what the school saw."""
    plain = cells.number(value)
    if stored and text != NO_FORMAT:
        return replace(plain, text=text, format="")
    return replace(plain, exact=False)


def _text(value: str, shown: Cell | None, *, stored: bool) -> Cell | None:
    """Return a text cell. `value` is "" unless the format shows something else than the value, or nothing at all."""
    beneath = cells.text(value)
    if beneath is None or beneath.kind is Kind.ERROR:
        return shown or beneath
    if shown is not None:
        return replace(shown, value=beneath.value)
    if stored:
        return replace(beneath, text="")
    return beneath


def _date(written: str, text: str, *, stored: bool) -> Cell:
    """Return a date. Its format is inferred from its text: with the year or without."""
    try:
        moment = datetime.fromisoformat(written[:26])
    except ValueError:  # such as those beyond the year 9999, which Excel does not have
        return Cell("#NUM!", Kind.ERROR)
    shows_year = f"{moment:%y}" in text or not text
    code = "dd/mm/yyyy" if shows_year else "dd-mmm"
    shown = text if stored else f"{moment:%d/%m/%Y}"
    return Cell(shown, Kind.DATE, moment.replace(tzinfo=None), code, exact=stored)


def _text_of(paragraphs: Sequence[Element]) -> str:
    """Return the text of a cell's paragraphs, as far as a cell can show it: one element stands for many spaces."""
    shown: list[str] = []
    size = 0
    for part in paragraphs:
        shown.append(_paragraph(part))
        size += len(shown[-1]) + 1
        if size > cells.LONGEST:
            break
    return "\n".join(shown)


def _paragraph(part: Element) -> str:
    """Return the text of a paragraph, or its beginning if it is longer than a cell can show.

    Spaces, tabs and line breaks are elements; notes are left out.
    """
    shown = part.text or ""
    for child in part:
        if len(shown) > cells.LONGEST:
            break
        if child.tag == f"{TEXT}s":
            shown += " " * min(xml_parts.integer(child.get(f"{TEXT}c", "1")), MOST_SPACES)
        elif child.tag == f"{TEXT}line-break":
            shown += "\n"
        elif child.tag == f"{TEXT}tab":
            shown += " "
        elif child.tag.startswith(TEXT) and child.tag != f"{TEXT}note":
            shown += _paragraph(child)
        shown += child.tail or ""
    return shown


def _count(element: Element, name: str) -> int:
    return max(xml_parts.integer(element.get(TABLE + name, "1")), 1)

"""Reads the XML of one worksheet: its cells with their positions, and which rows and columns are hidden or merged."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self
from xml.etree.ElementTree import Element

from planit_mailer.spreadsheets.containers.zip_archive import Damaged
from planit_mailer.spreadsheets.model import Cell, Range, Sheet
from planit_mailer.spreadsheets.readers import xlsx_fast, xml_parts
from planit_mailer.spreadsheets.readers.cells import Cells
from planit_mailer.spreadsheets.readers.sheet_builder import SheetBuilder, Usage
from planit_mailer.spreadsheets.references import column_number

REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([1-9]\d{0,6})")
COLUMNS = 16_384
ROWS = 1_048_576


class Reader:
    """Reads the worksheets of one workbook. It ignores declared dimensions and cells that have only a format."""

    def __init__(self, cells: Cells, usage: Usage) -> None:
        self._cells = cells
        self._usage = usage
        self._columns: dict[str, int] = {}  # by their letters, as far as they have been looked up
        self._fast_rows = xlsx_fast.Rows(cells, usage.limits)

    def read(self, chunks: Iterator[bytes], name: str, number: int, *, hidden: bool) -> Sheet:
        """Return one sheet. Its number counts from 1.

        Raises Damaged or TooLarge, and the XML parser's own errors.
        """
        builder = SheetBuilder(self._usage)

        def keep(number: int, cells: tuple[Cell | None, ...], *, hidden: bool) -> None:
            builder.add_row(_within(number, ROWS), cells, hidden=hidden)

        events = xml_parts.parsed(self._fast_rows.remaining(chunks, keep), _is_row)
        _, root = next(events)
        tags = _Tags.of(root)
        for event, element in events:
            if event == "end" and element.tag in tags.entries:
                self._read_entry(element, tags, builder)
        return builder.sheet(name, number, hidden=hidden)

    def _read_entry(self, element: Element, tags: "_Tags", builder: SheetBuilder) -> None:
        """Read a row, a merged block, the properties of columns, or the view of the sheet."""
        if element.tag == tags.row:
            self._read_row(element, tags, builder)
        elif element.tag == tags.view:
            builder.shows_zeros = "showZeros" not in element.attrib or xml_parts.is_true(element, "showZeros")
        elif element.tag == tags.merged:
            builder.merge(_range(element.get("ref", "")))
        elif xml_parts.is_hidden(element, "width"):
            first = xml_parts.integer(element.get("min", "1"))
            last = xml_parts.integer(element.get("max", "1"))
            builder.hide_columns(first, last)

    def _read_row(self, element: Element, tags: "_Tags", builder: SheetBuilder) -> None:
        number = _row_number(element, builder.last_row)
        if not any(map(len, element)):  # most rows of some sheets have formats and nothing else
            builder.add_row(number, ())
            return
        filled = self._filled_cells(element, number, tags, builder)
        width = max(filled, default=0)
        cells = tuple(filled.get(column) for column in range(1, width + 1))
        builder.add_row(number, cells, hidden=xml_parts.is_hidden(element, "ht"))

    def _filled_cells(self, row: Element, number: int, tags: "_Tags", builder: SheetBuilder) -> dict[int, Cell]:
        """Return the cells of a row that are not blank, by their columns."""
        filled: dict[int, Cell] = {}
        column = 0
        for cell in row:
            if cell.tag != tags.cell:
                continue
            column = self._column(cell.get("r", ""), number) or column + 1
            content = self._cell(cell, tags)
            if content is None:
                continue
            builder.check_column(column)
            if column in filled:
                raise Damaged("a cell stands twice")
            filled[column] = content
        return filled

    def _column(self, reference: str, row: int) -> int:
        """Return the column that a cell's reference names, or 0 if the cell has no reference.

        The numbers are kept by their letters, for most sheets name few columns many times.
        """
        if not reference:
            return 0
        letters = reference.rstrip("0123456789")
        if reference[len(letters) :] != str(row):
            raise Damaged("a cell stands in another row than it says")
        if letters not in self._columns:
            self._columns[letters] = _range(reference).first_column
        return self._columns[letters]

    def _cell(self, element: Element, tags: "_Tags") -> Cell | None:
        value: str | None = None
        formula = False
        for child in element:
            tag = child.tag
            if tag == tags.value:
                value = child.text
            elif tag == tags.formula:
                formula = True
            elif tag == tags.inline:
                value = text_of(child)
        return self._cells.cell(element.get("t", "n"), value, element.get("s", "0"), formula=formula)


@dataclass(frozen=True, slots=True)
class _Tags:
    """The names of elements with the namespace of one sheet. Comparing them whole saves splitting a million tags."""

    row: str
    cell: str
    value: str
    formula: str
    inline: str
    merged: str
    view: str
    entries: frozenset[str]

    @classmethod
    def of(cls, root: Element) -> Self:
        """Return the names in the namespace of a root element."""
        namespace = root.tag.removesuffix(xml_parts.local(root.tag))
        row = f"{namespace}row"
        merged = f"{namespace}mergeCell"
        view = f"{namespace}sheetView"
        return cls(
            row=row,
            cell=f"{namespace}c",
            value=f"{namespace}v",
            formula=f"{namespace}f",
            inline=f"{namespace}is",
            merged=merged,
            view=view,
            entries=frozenset((row, f"{namespace}col", merged, view)),
        )


def text_of(element: Element) -> str:
    """Return the text of a string item, plain or in runs, without the phonetic guides of East Asian writing."""
    texts: list[str] = []
    for child in element:
        tag = xml_parts.local(child.tag)
        if tag == "t":
            texts.append(child.text or "")
        elif tag == "r":
            texts += (part.text or "" for part in xml_parts.children(child, "t"))
    return "".join(texts)


def _is_row(opened: Sequence[Element]) -> bool:
    return xml_parts.local(opened[-1].tag) == "row"


def _row_number(row: Element, previous: int) -> int:
    """Return the number of a row: its own, else that of its first cell, else the next one."""
    number = row.get("r")
    if number:
        return _within(int(number), ROWS)
    for cell in row:
        found = REFERENCE.fullmatch(cell.get("r", ""))
        if found:
            return int(found[2])
    return previous + 1


def _range(reference: str) -> Range:
    """Return the block that a reference such as B2:D5 names, with its corners in order."""
    corners = reference.split(":")
    first = REFERENCE.fullmatch(corners[0])
    last = REFERENCE.fullmatch(corners[-1])
    if first is None or last is None:
        raise Damaged("a reference that names no cells")
    top, bottom = sorted((_row_of(first), _row_of(last)))
    left, right = sorted((_column_of(first), _column_of(last)))
    return Range(top, left, bottom, right)


def _row_of(corner: re.Match[str]) -> int:
    return _within(int(corner[2]), ROWS)


def _column_of(corner: re.Match[str]) -> int:
    return _within(column_number(corner[1]), COLUMNS)


def _within(number: int, last: int) -> int:
    """Return a number that is from 1 to `last`. Raises Damaged for any other."""
    if not 1 <= number <= last:
        raise Damaged("a place beyond the end of every sheet")
    return number

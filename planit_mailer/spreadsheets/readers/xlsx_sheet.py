"""Reads the XML of one worksheet: cells by their real place, and what is hidden or merged."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self
from xml.etree.ElementTree import Element

from planit_mailer.spreadsheets.containers.zip_archive import Damaged, TooLarge
from planit_mailer.spreadsheets.model import Cell, Limits, Range, Row, Sheet
from planit_mailer.spreadsheets.readers import xlsx_fast, xml_parts
from planit_mailer.spreadsheets.readers.cells import Cells
from planit_mailer.spreadsheets.references import column_number

REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([1-9]\d{0,6})")
COLUMNS = 16_384
ROWS = 1_048_576
MERGED = 100_000


@dataclass(frozen=True, slots=True)
class _Tags:
    """The names of elements in the namespace of one sheet, so that they need no taking apart a million times."""

    row: str
    cell: str
    value: str
    formula: str
    inline: str
    column: str
    merged: str
    tables: frozenset[str]
    entries: frozenset[str]

    @classmethod
    def of(cls, root: Element) -> Self:
        space = root.tag.removesuffix(xml_parts.local(root.tag))
        row, cell, value, formula, inline, column, merged = (
            space + name for name in ("row", "c", "v", "f", "is", "col", "mergeCell")
        )
        tables = frozenset(space + name for name in ("sheetData", "cols", "mergeCells"))
        entries = frozenset((row, column, merged))
        return cls(row, cell, value, formula, inline, column, merged, tables, entries)


class Reader:
    """Reads worksheets of one workbook; declared dimensions are not believed, and empty formatted cells are nothing."""

    def __init__(self, cells: Cells, limits: Limits) -> None:
        self._cells = cells
        self._limits = limits
        self._columns: dict[str, int] = {}
        self._ordinary = xlsx_fast.Rows(cells, limits)

    def read(self, chunks: Iterator[bytes], title: tuple[str, int, bool]) -> Sheet:
        """One sheet with its title: name, number from 1, hidden. Raise Damaged, TooLarge, or what XML makes of it."""
        rows: dict[int, Row] = {}
        unseen: list[tuple[int, int]] = []
        merged: list[Range] = []
        number = 0

        def keep(ordinary_number: int, cells: tuple[Cell | None, ...], *, hidden: bool) -> None:
            nonlocal number
            number = _within(ordinary_number, ROWS)
            if cells:
                self._keep(rows, Row(number, cells, hidden))

        for element in self._entries(xml_parts.parsed(self._ordinary.left(chunks, keep))):
            tag = element.tag
            if tag == self._tags.row:
                number = self._number(element, number)
                self._keep(rows, self._row(element, number))
            elif tag == self._tags.column and xml_parts.is_hidden(element, "width"):
                unseen.append((xml_parts.integer(element.get("min", "1")), xml_parts.integer(element.get("max", "1"))))
            elif tag == self._tags.merged:
                merged.append(self._range(element.get("ref", "")))
                if len(merged) > MERGED:
                    raise TooLarge(f"more than {MERGED:,} merged cells")
        width = max((len(row.cells) for row in rows.values()), default=0)
        return Sheet(
            name=title[0],
            number=title[1],
            hidden=title[2],
            rows=tuple(rows[number] for number in sorted(rows)),
            hidden_columns=frozenset(column for first, last in unseen for column in range(first, min(last, width) + 1)),
            merged=tuple(merged),
        )

    def _entries(self, events: Iterator[tuple[str, Element]]) -> Iterator[Element]:
        """The rows, columns and merged ranges of a sheet, each forgotten when the next is asked for."""
        _, root = next(events)
        self._tags = _Tags.of(root)
        table = root
        for event, element in events:
            if event == "end" and element.tag in self._tags.entries:
                yield element
                table.clear()
            elif event == "start" and element.tag in self._tags.tables:
                table = element

    def _keep(self, rows: dict[int, Row], row: Row) -> None:
        if not row.cells:
            return
        if row.number in rows:
            raise Damaged("a row stands twice")
        if len(rows) == self._limits.rows:
            raise TooLarge(f"more than {self._limits.rows:,} rows")
        rows[row.number] = row

    def _number(self, row: Element, previous: int) -> int:
        """The number of a row: its own, that of its first cell, or the next."""
        if number := row.get("r"):
            return _within(int(number), ROWS)
        for cell in row:
            if found := REFERENCE.fullmatch(cell.get("r", "")):
                return int(found[2])
        return previous + 1

    def _row(self, element: Element, number: int) -> Row:
        """A row up to its last cell that holds something; most rows of some sheets have formats and nothing else."""
        if not any(map(len, element)):
            return Row(number, ())
        filled: dict[int, Cell] = {}
        column = 0
        for cell in element:
            if cell.tag != self._tags.cell:
                continue
            column = self._column(cell.get("r", ""), number) or column + 1
            if (content := self._cell(cell)) is None:
                continue
            if column > self._limits.columns:
                raise TooLarge(f"more than {self._limits.columns:,} columns")
            if column in filled:
                raise Damaged("a cell stands twice")
            filled[column] = content
        width = max(filled, default=0)
        cells = tuple(filled.get(column) for column in range(1, width + 1))
        return Row(number, cells, xml_parts.is_hidden(element, "ht"))

    def _column(self, reference: str, row: int) -> int:
        """The column of a cell's reference, 0 if it has none. Cached: most sheets name few columns many times."""
        if not reference:
            return 0
        letters = reference.rstrip("0123456789")
        if reference[len(letters) :] != str(row):
            raise Damaged("a cell stands in another row than it says")
        if letters not in self._columns:
            self._columns[letters] = self._range(reference).first_column
        return self._columns[letters]

    def _cell(self, element: Element) -> Cell | None:
        value: str | None = None
        formula = False
        for child in element:
            tag = child.tag
            if tag == self._tags.value:
                value = child.text
            elif tag == self._tags.formula:
                formula = True
            elif tag == self._tags.inline:
                value = text_of(child)
        return self._cells.cell(element.get("t", "n"), value, element.get("s", "0"), formula=formula)

    def _range(self, reference: str) -> Range:
        corners = [REFERENCE.fullmatch(corner) for corner in reference.split(":")]
        first, last = corners[0], corners[-1]
        if first is None or last is None:
            raise Damaged("a reference that names no cells")
        rows = sorted(_within(int(corner[2]), ROWS) for corner in (first, last))
        columns = sorted(_within(column_number(corner[1]), COLUMNS) for corner in (first, last))
        return Range(rows[0], columns[0], rows[1], columns[1])


def text_of(element: Element) -> str:
    """The text of a string item: plain or in runs, without the phonetic guides of East Asian writing."""
    return "".join(
        part.text or ""
        for child in element
        for part in ((child,) if xml_parts.local(child.tag) == "t" else xml_parts.children(child, "t"))
        if xml_parts.local(child.tag) in ("t", "r")
    )


def _within(number: int, last: int) -> int:
    if not 1 <= number <= last:
        raise Damaged("a place beyond the end of every sheet")
    return number

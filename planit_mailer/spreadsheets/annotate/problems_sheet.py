"""The sheet "Problems": what is wrong, links to the cells, how to fix it, and, hidden, the looks under the paint."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from planit_mailer.spreadsheets.annotate.styles_part import Look, Styles
from planit_mailer.spreadsheets.model import Kind, Row, Sheet
from planit_mailer.spreadsheets.references import address

NAME = "Problems"
MARKER = "planit-mailer problems 1"  # in a hidden cell, which Excel and LibreOffice keep
MARKED = 6  # the column of the marker, and of the colours below it; the columns after it hold the fills and the fonts
LINES = 5_000  # lines with problems, at most: a sheet of ours must be within the limits for sheets
LONGEST = 2_000  # characters of a text
WIDTHS = (10, 70, 18, 70)  # characters
HEADINGS = ("Kind", "What is wrong", "Where", "How to fix it")
GUIDE = (
    (
        "Correct your own sheet: the cells with problems are coloured there, and a comment on each says what is wrong. "
        "Then save the workbook and send it back as it is. Colours, comments and this sheet do no harm."
    ),
    (
        "What was hidden is still hidden. To see hidden rows or columns, select those on both sides, right-click and "
        "choose Unhide. To clear a filter, choose Data, Clear. Hidden rows and columns that you do not mean to send, "
        "delete."
    ),
)
ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the kind of problem ("error" or "warning"), what is wrong, how to fix it, and a block of cells.

    `sheet` is the name of the sheet, "" if there is none to link to; `cells` is like "D14" or "D14:D20", or "". Without
    a link it may also say how many places more there are.
    """

    kind: str
    text: str
    fix: str
    sheet: str
    cells: str


@dataclass(frozen=True, slots=True)
class _StyleNumbers:
    """The numbers of the styles of this sheet."""

    title: int
    plain: int
    heading: int
    link: int
    kinds: Mapping[str, int]


class _Cell(NamedTuple):
    """A cell of this sheet: its text, "" for none, and the number of its style."""

    text: str
    style: int


def is_ours(sheet: Sheet) -> bool:
    """True if a sheet is a Problems sheet that we inserted. It is no part of what a school sends."""
    return any(_text(row, MARKED) == MARKER for row in sheet.rows)


def looks(sheet: Sheet) -> dict[str, Look]:
    """The earlier look that each colour of our paint stands for."""
    found: dict[str, Look] = {}
    for row in sheet.rows:
        colour = _text(row, MARKED)
        if colour and colour != MARKER:
            found[colour] = Look(_text(row, MARKED + 1), _text(row, MARKED + 2))
    return found


def markup(lines: Sequence[Line], styles: Styles, namespace: str) -> bytes:
    """Return the XML of the sheet, and add its styles to the workbook's."""
    numbers = _add_styles(styles)
    visible = [*_guide(numbers), *_problems(lines, numbers)]
    hidden = _marks(styles, numbers)
    body = ""
    for number, (cells, marks) in enumerate(zip_longest(visible, hidden, fillvalue=()), 1):
        body += _row_markup(number, cells, marks)
    first = len(GUIDE) + 3
    return (
        f'<worksheet xmlns="{namespace}"><sheetViews><sheetView showGridLines="0" tabSelected="1" workbookViewId="0">'
        f'<pane ySplit="{first - 1}" topLeftCell="A{first}" activePane="bottomLeft" state="frozen"/></sheetView>'
        f'</sheetViews><sheetFormatPr defaultRowHeight="15"/><cols>{_columns()}</cols><sheetData>{body}</sheetData>'
        f'<mergeCells count="{len(GUIDE)}">{_merged()}</mergeCells>{_hyperlinks(lines[:LINES], first)}'
        '<pageMargins left="0.5" right="0.5" top="0.5" bottom="0.5" header="0.3" footer="0.3"/>'
        '<pageSetup orientation="landscape" fitToHeight="0"/></worksheet>'
    ).encode()


def escaped(text: str) -> str:
    """A text as OOXML stores it. "_x000D_" and the like are an escape there, and are escaped themselves."""
    return ESCAPE.sub("_x005F_", _harmless(text))


def _harmless(text: str) -> str:
    """A text without control characters, which XML cannot hold or which change the display, cut to a sane length."""
    kept = "".join(char for char in text if char == "\n" or unicodedata.category(char)[0] != "C")
    if len(kept) <= LONGEST:
        return kept
    return kept[: LONGEST - 1] + "…"


def _text(row: Row, column: int) -> str:
    """The text of a cell, "" if it has none."""
    cell = row.cell(column)
    if cell and cell.kind is Kind.TEXT:
        return str(cell.value)
    return ""


def _add_styles(styles: Styles) -> _StyleNumbers:
    """Add the styles of this sheet to the workbook's.

    All are styles of text, so that no cell becomes a formula: number format 49, and a quote as prefix.
    """
    cell = (
        '<xf numFmtId="49" {} quotePrefix="1" applyNumberFormat="1" applyFont="1" applyFill="1" applyAlignment="1">'
        '<alignment vertical="top" wrapText="1"/></xf>'
    )
    no_fill = '<fill><patternFill patternType="none"/></fill>'
    black = '<color rgb="FF000000"/>'
    bold = _font("<b/>", 11, black)
    return _StyleNumbers(
        title=styles.add(_font("<b/>", 16, black), no_fill, cell.replace(' wrapText="1"', "")),
        plain=styles.add(_font("", 11, black), no_fill, cell),
        heading=styles.add(bold, _fill("DCE6F1"), cell),
        link=styles.add(_font("<u/>", 11, '<color rgb="FF0000EE"/>'), no_fill, cell),
        kinds={
            "error": styles.add(bold, _fill("F4CCCC"), cell),
            "warning": styles.add(bold, _fill("FFF2CC"), cell),
        },
    )


def _font(emphasis: str, size: int, colour: str) -> str:
    return f'<font>{emphasis}<sz val="{size}"/>{colour}<name val="Calibri"/><family val="2"/></font>'


def _fill(colour: str) -> str:
    return f'<fill><patternFill patternType="solid"><fgColor rgb="FF{colour}"/></patternFill></fill>'


def _guide(numbers: _StyleNumbers) -> Iterator[list[_Cell]]:
    """The rows above the lines: the title, the guide, the headings."""
    yield [_Cell(NAME, numbers.title)]
    for text in GUIDE:
        yield [_Cell(text, numbers.plain)]
    yield [_Cell(heading, numbers.heading) for heading in HEADINGS]


def _problems(lines: Sequence[Line], numbers: _StyleNumbers) -> Iterator[list[_Cell]]:
    """A row for each line, as far as there is room."""
    for line in lines[:LINES]:
        yield _problem(line, numbers)
    if not lines:
        yield [_Cell("", numbers.plain), _Cell("Nothing is wrong.", numbers.plain)]
    if len(lines) > LINES:
        yield [_Cell("", numbers.plain), _Cell(f"And {len(lines) - LINES:,} more.", numbers.plain)]


def _problem(line: Line, numbers: _StyleNumbers) -> list[_Cell]:
    return [
        _Cell(line.kind.capitalize(), numbers.kinds.get(line.kind, numbers.plain)),
        _Cell(line.text, numbers.plain),
        _Cell(line.cells, numbers.link if _is_linked(line) else numbers.plain),
        _Cell(line.fix, numbers.plain),
    ]


def _is_linked(line: Line) -> bool:
    return bool(line.sheet and line.cells)


def _marks(styles: Styles, numbers: _StyleNumbers) -> Iterator[list[_Cell]]:
    """The hidden cells of the rows: the marker of the sheet, then each colour of paint with the look under it."""
    yield [_Cell(MARKER, numbers.plain)]
    for colour, look in styles.looks.items():
        yield [_Cell(text, numbers.plain) for text in (colour, look.fill, look.font)]


def _row_markup(number: int, cells: Sequence[_Cell], marks: Sequence[_Cell]) -> str:
    is_guide = 1 < number <= len(GUIDE) + 1
    height = ' ht="33" customHeight="1"' if is_guide else ""
    made = ""
    for column, cell in (*enumerate(cells, 1), *enumerate(marks, MARKED)):
        if cell.text:
            made += _cell_markup(address(number, column), cell)
    return f'<row r="{number}"{height}>{made}</row>'


def _cell_markup(reference: str, cell: _Cell) -> str:
    shown = escape(escaped(cell.text))
    return f'<c r="{reference}" s="{cell.style}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _columns() -> str:
    shown = "".join(f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(WIDTHS, 1))
    return f'{shown}<col min="{MARKED}" max="{MARKED + 2}" width="9" hidden="1" customWidth="1"/>'


def _merged() -> str:
    return "".join(f'<mergeCell ref="A{row}:D{row}"/>' for row in range(2, len(GUIDE) + 2))


def _hyperlinks(lines: Sequence[Line], first: int) -> str:
    """The links from the lines to their cells; the lines begin in row `first`."""
    links = ""
    for row, line in enumerate(lines, first):
        if _is_linked(line):
            quoted = line.sheet.replace("'", "''")
            location = f"'{quoted}'!{line.cells}"
            links += f'<hyperlink ref="C{row}" location={quoteattr(location)}/>'
    return f"<hyperlinks>{links}</hyperlinks>" if links else ""

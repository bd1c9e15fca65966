"""The sheet "Problems": each problem, a link to its cells, how to fix it, and, hidden, the looks beneath our paint."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from planit_mailer.spreadsheets.annotate.styles_part import Look, Styles
from planit_mailer.spreadsheets.model import Kind, Row, Sheet
from planit_mailer.spreadsheets.references import address

NAME = "Problems"
MARKER = "planit-mailer problems 1"  # in a hidden cell, which Excel and LibreOffice keep
MARKED = 6  # the column of the marker, and of the colours below it; beside them the fills and the fonts
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
    """One line: the kind of problem ("error", "warning"), what is wrong, how to fix it, and a block of cells.

    `sheet` is the name of the sheet, "" if there is none to link to; `where` is like "D14" or "D14:D20", or "".
    """

    kind: str
    text: str
    fix: str
    sheet: str
    where: str


@dataclass(frozen=True, slots=True)
class _Faces:
    """The numbers of the styles of this sheet."""

    title: int
    plain: int
    heading: int
    link: int
    kinds: Mapping[str, int]


def is_ours(sheet: Sheet) -> bool:
    """True if a sheet is the Problems sheet that we added; it is not part of what the school sends."""
    return any(_text(row, MARKED) == MARKER for row in sheet.rows)


def looks(sheet: Sheet) -> dict[str, Look]:
    """The looks that our paint covers, by its colour."""
    return {
        colour: Look(_text(row, MARKED + 1), _text(row, MARKED + 2))
        for row in sheet.rows
        if (colour := _text(row, MARKED)) and colour != MARKER
    }


def markup(lines: Sequence[Line], styles: Styles, namespace: str) -> bytes:
    """The XML of the sheet; its styles are added to the workbook's."""
    faces = _faces(styles)
    covered = [(MARKER, "", ""), *((colour, look.fill, look.font) for colour, look in styles.looks.items())]
    rows = [*_guide(faces), *(_row(line, faces) for line in lines[:LINES])]
    if not lines:
        rows.append([("", faces.plain), ("Nothing is wrong.", faces.plain)])
    if len(lines) > LINES:
        rows.append([("", faces.plain), (f"And {len(lines) - LINES:,} more.", faces.plain)])
    width = max(len(rows), len(covered))
    whole = [
        [
            *_padded(rows[place] if place < len(rows) else [], faces),
            *((text, faces.plain) for text in _at(covered, place)),
        ]
        for place in range(width)
    ]
    body = "".join(_row_markup(number, cells) for number, cells in enumerate(whole, 1))
    first = len(GUIDE) + 3
    links = "".join(_links(lines[:LINES], first))
    return (
        f'<worksheet xmlns="{namespace}"><sheetViews><sheetView showGridLines="0" tabSelected="1" workbookViewId="0">'
        f'<pane ySplit="{first - 1}" topLeftCell="A{first}" activePane="bottomLeft" state="frozen"/></sheetView>'
        f'</sheetViews><sheetFormatPr defaultRowHeight="15"/><cols>{_columns()}</cols><sheetData>{body}</sheetData>'
        f'<mergeCells count="{len(GUIDE)}">{_merged()}</mergeCells>'
        + (f"<hyperlinks>{links}</hyperlinks>" if links else "")
        + '<pageMargins left="0.5" right="0.5" top="0.5" bottom="0.5" header="0.3" footer="0.3"/>'
        '<pageSetup orientation="landscape" fitToHeight="0"/></worksheet>'
    ).encode()


def plain(text: str) -> str:
    """A text that nobody is harmed by: nothing steers it, XML can hold it, and it is not too long."""
    seen = "".join(char for char in text if char == "\n" or unicodedata.category(char)[0] != "C")
    return seen if len(seen) <= LONGEST else seen[: LONGEST - 1] + "…"


def escaped(text: str) -> str:
    """A text as OOXML stores it: what looks like one of its escapes is none."""
    return ESCAPE.sub("_x005F_", plain(text))


def _text(row: Row, column: int) -> str:
    cell = row.cell(column)
    return str(cell.value) if cell and cell.kind is Kind.TEXT else ""


def _faces(styles: Styles) -> _Faces:
    """Texts all of them, whatever they begin with: number format 49, and a quote in front."""
    cell = (
        '<xf numFmtId="49" {} quotePrefix="1" applyNumberFormat="1" applyFont="1" applyFill="1" applyAlignment="1">'
        '<alignment vertical="top" wrapText="1"/></xf>'
    )
    nothing = '<fill><patternFill patternType="none"/></fill>'
    font = '<font>{}<sz val="{}"/>{}<name val="Calibri"/><family val="2"/></font>'

    def filled(colour: str) -> str:
        return f'<fill><patternFill patternType="solid"><fgColor rgb="FF{colour}"/></patternFill></fill>'

    black = '<color rgb="FF000000"/>'
    return _Faces(
        title=styles.add(font.format("<b/>", 16, black), nothing, cell.replace(' wrapText="1"', "")),
        plain=styles.add(font.format("", 11, black), nothing, cell),
        heading=styles.add(font.format("<b/>", 11, black), filled("DCE6F1"), cell),
        link=styles.add(font.format("<u/>", 11, '<color rgb="FF0000EE"/>'), nothing, cell),
        kinds={
            "error": styles.add(font.format("<b/>", 11, black), filled("F4CCCC"), cell),
            "warning": styles.add(font.format("<b/>", 11, black), filled("FFF2CC"), cell),
        },
    )


def _guide(faces: _Faces) -> list[list[tuple[str, int]]]:
    return [
        [(NAME, faces.title)],
        *([(text, faces.plain)] for text in GUIDE),
        [(heading, faces.heading) for heading in HEADINGS],
    ]


def _row(line: Line, faces: _Faces) -> list[tuple[str, int]]:
    kind = (line.kind.capitalize(), faces.kinds.get(line.kind, faces.plain))
    where = (line.where, faces.link if line.sheet and line.where else faces.plain)
    return [kind, (line.text, faces.plain), where, (line.fix, faces.plain)]


def _padded(cells: list[tuple[str, int]], faces: _Faces) -> list[tuple[str, int]]:
    return cells + [("", faces.plain)] * (MARKED - 1 - len(cells))


def _at(rows: Sequence[tuple[str, str, str]], place: int) -> tuple[str, ...]:
    return rows[place] if place < len(rows) else ()


def _row_markup(number: int, cells: Sequence[tuple[str, int]]) -> str:
    height = ' ht="33" customHeight="1"' if 1 < number <= len(GUIDE) + 1 else ""
    made = "".join(_cell_markup(address(number, column), *cell) for column, cell in enumerate(cells, 1) if cell[0])
    return f'<row r="{number}"{height}>{made}</row>'


def _cell_markup(reference: str, text: str, style: int) -> str:
    shown = escape(escaped(text))
    return f'<c r="{reference}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _columns() -> str:
    shown = "".join(f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(WIDTHS, 1))
    return f'{shown}<col min="{MARKED}" max="{MARKED + 2}" width="9" hidden="1" customWidth="1"/>'


def _merged() -> str:
    return "".join(f'<mergeCell ref="A{row}:D{row}"/>' for row in range(2, len(GUIDE) + 2))


def _links(lines: Sequence[Line], first: int) -> Iterator[str]:
    for row, line in enumerate(lines, first):
        if line.sheet and line.where:
            quoted = line.sheet.replace("'", "''")
            location = f"'{quoted}'!{line.where}"
            yield f'<hyperlink ref="C{row}" location={quoteattr(location)}/>'

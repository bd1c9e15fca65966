"""Paints notes into a workbook: cells coloured and commented, a sheet "Problems" in front. Removes them again, too.

The package is changed part by part, and everything that is not about the notes keeps its bytes. openpyxl would write
formulas without their saved results, so that we would have to reject a workbook that is sent back unchanged; and it
would leave out shapes, newer kinds of drop-downs, and slicers.
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zipfile import ZipFile

from planit_mailer.spreadsheets import detect, references
from planit_mailer.spreadsheets.annotate import comments_part, front_sheet, packages, problems_sheet, workbook_part
from planit_mailer.spreadsheets.annotate.comments_part import Cell
from planit_mailer.spreadsheets.annotate.front_sheet import Entries
from planit_mailer.spreadsheets.annotate.packages import Package
from planit_mailer.spreadsheets.annotate.problems_sheet import Line
from planit_mailer.spreadsheets.annotate.sheet_part import SheetMarkup
from planit_mailer.spreadsheets.annotate.styles_part import Look, Styles
from planit_mailer.spreadsheets.annotate.workbook_part import Workbook
from planit_mailer.spreadsheets.containers.zip_archive import Archive, TooLarge
from planit_mailer.spreadsheets.model import Limits, Range, Sheet
from planit_mailer.spreadsheets.readers import xlsx

PAINTED = 10_000  # cells, at most: each has a comment, and Excel draws a box for each
LINES_OF_A_NOTE = 1_000  # on the Problems sheet, at most: it has room for other notes, too
WORKSHEET = "worksheet"
TEXTS = re.compile(r"sharedstrings|sheet")  # in the names of parts that hold texts of cells
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
EMPTY = {
    packages.CONTENT_TYPES: f'<Types xmlns="{packages.PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{workbook_part.WORKBOOK_TYPE}"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{packages.PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}"><bookViews><workbookView/></bookViews><sheets/></workbook>',
}


@dataclass(frozen=True, slots=True)
class Note:
    """A problem with cells of a worksheet.

    `sheet` is the worksheet's number from 1; `cells` are blocks of cells, () if the note is about none.
    `severity` is "error" or "warning"; `text` says what is wrong, `fix` how to put it right.
    """

    sheet: int
    cells: tuple[Range, ...]
    severity: str
    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class Painted:
    """A painted .xlsx workbook. `lost` names what it lacks of the original in a school's words, such as "macros"."""

    data: bytes
    lost: tuple[str, ...]


def paint(data: bytes, notes: Sequence[Note], limits: Limits, front: Entries = ()) -> Painted:
    """Paint notes into a workbook, and remove those of earlier times. Sheets keep the numbers that they have in `data`.

    If there are entries for a sheet in front, it is added, and stays when the workbook is painted again.

    Raises TooLarge beyond the limits, and the errors of the zip and XML parsers if parts are damaged. If it raises,
    problems_only() still works.
    """
    package = Package(data, limits)
    book = Workbook(package)
    original_sheets = book.places
    _clean(package, book, _problems_sheets(package, data, limits))
    lost = book.leave_out()
    styles = Styles(package.tree(book.ensure_styles()))
    notes_of_sheets = _notes_by_cell(notes)
    for sheet in original_sheets:
        if sheet.kind == WORKSHEET and sheet.part in package:
            _paint_sheet(package, sheet.part, styles, notes_of_sheets.get(sheet.number, {}))
    names = {sheet.number: sheet.name for sheet in original_sheets}
    if front:
        book.insert(front_sheet.NAME, front_sheet.markup(front, styles, book.namespace))
    _insert_problems_sheet(package, book, styles, list(_lines(notes, names)))
    painted = package.packed()
    if len(painted) > limits.workbook:
        raise TooLarge(f"more than {limits.workbook // 1_000_000:,} MB when painted")
    return Painted(painted, lost)


def problems_only(notes: Sequence[Note]) -> bytes:
    """Return a workbook that has only the Problems sheet, for data that cannot be painted."""
    package = Package(_empty_workbook(), Limits())
    book = Workbook(package)
    styles = Styles(package.tree(book.ensure_styles()))
    _insert_problems_sheet(package, book, styles, list(_lines(notes, {})))
    return package.packed()


def clean(data: bytes, limits: Limits | None = None) -> bytes:
    """Remove our paint, comments and sheets from a workbook. Data without any is returned as it is.

    Raises what paint() raises if the workbook is damaged or too large.
    """
    if detect.sniff(data) is not detect.XLSX:
        return data
    limits = limits or Limits()
    package = Package(data, limits)
    book = Workbook(package)
    cleaned = _clean(package, book, _problems_sheets(package, data, limits))
    if not cleaned:
        return data
    book.save()
    return package.packed()


def is_ours(sheet: Sheet) -> bool:
    """True if a sheet is a Problems sheet that we inserted. It is no part of what a school sends."""
    return problems_sheet.is_ours(sheet)


def _problems_sheets(package: Package, data: bytes, limits: Limits) -> list[Sheet]:
    """Our Problems sheets in a workbook. The workbook is read only if the marker's text occurs in it."""
    if not _contains_marker(package):
        return []
    return [sheet for sheet in xlsx.read(Archive(data, limits), limits) if problems_sheet.is_ours(sheet)]


def _contains_marker(package: Package) -> bool:
    """True if the text that marks our sheets is anywhere in the texts of the cells."""
    marker = problems_sheet.MARKER.encode()
    parts = (name for name in package.names() if TEXTS.search(name.lower()))
    return any(marker in package.read(name) for name in parts)


def _clean(package: Package, book: Workbook, ours: Sequence[Sheet]) -> bool:
    """Remove everything that we added. Return True if there was anything.

    Comments may be there without a Problems sheet, if somebody has deleted it.
    """
    commented = _commented_sheets(package, book)
    if not ours and not commented:
        return False
    for part in commented:
        _remove_comments(package, part)
    _unpaint(package, book, ours)
    numbers = [sheet.number for sheet in ours]
    for number in sorted(numbers, reverse=True):  # from the last, so that the numbers of the others stay right
        book.remove(number)
    return True


def _commented_sheets(package: Package, book: Workbook) -> list[str]:
    """The parts of the worksheets that have comments of ours."""
    parts = [place.part for place in book.places if place.kind == WORKSHEET]
    return [part for part in parts if part in package and comments_part.is_commented(package, part)]


def _remove_comments(package: Package, part: str) -> None:
    sheet = SheetMarkup(package.read(part))
    comments_part.remove(package, part, sheet)
    package.write(part, sheet.joined())


def _unpaint(package: Package, book: Workbook, ours: Sequence[Sheet]) -> None:
    """Give painted cells the looks back that our sheets have recorded."""
    looks: dict[str, Look] = {}
    for sheet in ours:
        looks.update(problems_sheet.looks(sheet))
    part = book.ensure_styles()
    styles = Styles(package.tree(part))
    styles.unpaint(looks)
    package.write_tree(part, styles.root)


def _notes_by_cell(notes: Iterable[Note]) -> dict[int, dict[Cell, list[Note]]]:
    """The notes of each cell of each sheet. Raises TooLarge if there are too many cells to paint."""
    found: dict[int, dict[Cell, list[Note]]] = {}
    count = 0
    for note in notes:
        cells = found.setdefault(note.sheet, {})
        for place in references.places(note.cells):
            if place not in cells:
                count += 1
                cells[place] = []
            if count > PAINTED:
                raise TooLarge(f"more than {PAINTED:,} cells to paint")
            cells[place].append(note)
    return found


def _paint_sheet(package: Package, part: str, styles: Styles, cells: Mapping[Cell, Sequence[Note]]) -> None:
    """Paint and comment the cells of a sheet, and deselect it: only the Problems sheet stays selected."""
    sheet = SheetMarkup(package.read(part))
    was_selected = sheet.deselect()
    if cells:
        sheet.restyle(_severities(cells), styles.painted)
        comments = {cell: _comment(cells[cell]) for cell in sorted(cells)}
        comments_part.add(package, part, sheet, comments)
    if cells or was_selected:
        package.write(part, sheet.joined())


def _severities(cells: Mapping[Cell, Sequence[Note]]) -> dict[int, dict[int, str]]:
    """The worst severity in each cell, by row and column."""
    severities: dict[int, dict[int, str]] = {}
    for (row, column), notes in cells.items():
        has_error = any(note.severity == "error" for note in notes)
        severities.setdefault(row, {})[column] = "error" if has_error else "warning"
    return severities


def _comment(notes: Sequence[Note]) -> str:
    """The text of the comment on a cell. Notes with the same words are said once."""
    paragraphs = [f"{note.severity.capitalize()}: {note.text}\nHow to fix it: {note.fix}" for note in notes]
    return problems_sheet.escaped("\n\n".join(dict.fromkeys(paragraphs)))


def _lines(notes: Iterable[Note], names: Mapping[int, str]) -> Iterator[Line]:
    """The lines of the Problems sheet: one for each block of cells that a note is about, or for the first of many."""
    for note in notes:
        name = names.get(note.sheet, "")
        blocks = [references.name(block) for block in references.by_column(note.cells)]
        for block in blocks[:LINES_OF_A_NOTE] or [""]:
            yield Line(note.severity, note.text, note.fix, name, block)
        more = len(blocks) - LINES_OF_A_NOTE
        if more > 0:
            yield Line(note.severity, note.text, note.fix, "", f"and {more:,} more places")


def _insert_problems_sheet(package: Package, book: Workbook, styles: Styles, lines: list[Line]) -> None:
    sheet = problems_sheet.markup(lines, styles, book.namespace)
    package.write_tree(book.ensure_styles(), styles.root)
    book.insert(problems_sheet.NAME, sheet)
    book.save()


def _empty_workbook() -> bytes:
    """A workbook without sheets, to which one is added."""
    out = io.BytesIO()
    with ZipFile(out, "w") as archive:
        for name, content in EMPTY.items():
            archive.writestr(name, content)
    return out.getvalue()

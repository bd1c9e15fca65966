"""A workbook again, with notes painted in: cells coloured and commented, a sheet "Problems" in front; and cleaned.

The package is changed part by part, and whatever is not about the notes keeps its bytes. openpyxl would write formulas
without their saved results, so that a workbook sent back as it is would have to be rejected, and would leave out
shapes, newer kinds of drop-downs and slicers.
"""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zipfile import ZipFile

from planit_mailer.spreadsheets import detect, references
from planit_mailer.spreadsheets.annotate import comments_part, packages, problems_sheet, workbook_part
from planit_mailer.spreadsheets.annotate.comments_part import Cell
from planit_mailer.spreadsheets.annotate.packages import Package
from planit_mailer.spreadsheets.annotate.problems_sheet import Line
from planit_mailer.spreadsheets.annotate.sheet_part import SheetMarkup
from planit_mailer.spreadsheets.annotate.styles_part import Styles
from planit_mailer.spreadsheets.annotate.workbook_part import Place, Workbook
from planit_mailer.spreadsheets.containers.zip_archive import Archive, TooLarge
from planit_mailer.spreadsheets.model import Limits, Sheet
from planit_mailer.spreadsheets.readers import xlsx

PAINTED = 10_000  # cells, at most: each has a comment, and Excel draws a box for each
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
    """Something about cells of a worksheet, by its number; `cells` as Excel names them, () where it is about none.

    `severity` is "error" or "warning"; `text` says what is wrong, `fix` how to put it right.
    """

    sheet: int
    cells: tuple[str, ...]
    severity: str
    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class Painted:
    """A painted workbook, .xlsx, and what of the original it lacks, in a school's words, as in "macros"."""

    data: bytes
    lost: tuple[str, ...]


def paint(data: bytes, notes: Sequence[Note], limits: Limits) -> Painted:
    """The workbook with its notes, and without those of earlier times; sheets are numbered as in the data.

    Raise TooLarge beyond the limits, and what comes of damaged parts: then problems_only() is left.
    """
    package = Package(data, limits)
    book = Workbook(package)
    places = {place.number: place for place in book.places}
    _clean(package, book, _ours(package, data, limits))
    lost = book.leave_out()
    styles = Styles(package.tree(book.ensure_styles()))
    texts = _texts(notes)
    for place in places.values():
        if place.kind == WORKSHEET and place.part in package:
            _paint_sheet(package, place.part, styles, texts.get(place.number, {}))
    _insert(package, book, styles, list(_lines(notes, places)))
    painted = package.packed()
    if len(painted) > limits.workbook:
        raise TooLarge(f"more than {limits.workbook // 1_000_000:,} MB when painted")
    return Painted(painted, lost)


def problems_only(notes: Sequence[Note]) -> bytes:
    """A workbook with the Problems sheet alone, for what cannot be painted."""
    package = Package(_empty(), Limits())
    book = Workbook(package)
    _insert(package, book, Styles(package.tree(book.ensure_styles())), list(_lines(notes, {})))
    return package.packed()


def clean(data: bytes, limits: Limits | None = None) -> bytes:
    """The workbook without paint, comments and sheets of ours; one that has none is returned as it is.

    Raise as paint() does, of a workbook that is damaged or too large.
    """
    if detect.sniff(data) is not detect.XLSX:
        return data
    package = Package(data, limits or Limits())
    book = Workbook(package)
    if not _clean(package, book, _ours(package, data, limits or Limits())):
        return data
    book.save()
    return package.packed()


def is_ours(sheet: Sheet) -> bool:
    """Whether a sheet is a Problems sheet of ours, which is no part of what anybody sends."""
    return problems_sheet.is_ours(sheet)


def _ours(package: Package, data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """The Problems sheets of a workbook; it is read only where the words of the marker are somewhere in it."""
    parts = (name for name in package.names() if TEXTS.search(name.lower()))
    if not any(problems_sheet.MARKER.encode() in package.read(name) for name in parts):
        return ()
    return tuple(sheet for sheet in xlsx.read(Archive(data, limits), limits) if problems_sheet.is_ours(sheet))


def _clean(package: Package, book: Workbook, ours: tuple[Sheet, ...]) -> bool:
    """Take off all that is ours; whether there was any. The sheet may have been deleted, and comments left."""
    parts = [place.part for place in book.places if place.kind == WORKSHEET and place.part in package]
    commented = [part for part in parts if comments_part.is_commented(package, part)]
    if not ours and not commented:
        return False
    for part in commented:
        sheet = SheetMarkup(package.read(part))
        comments_part.remove(package, part, sheet)
        package.write(part, sheet.joined())
    styles = Styles(package.tree(book.ensure_styles()))
    styles.unpaint({colour: look for sheet in ours for colour, look in problems_sheet.looks(sheet).items()})
    package.write_tree(book.ensure_styles(), styles.root)
    for number in sorted((sheet.number for sheet in ours), reverse=True):
        book.remove(number)
    return True


def _texts(notes: Iterable[Note]) -> dict[int, dict[Cell, list[Note]]]:
    """The notes of each cell of each sheet."""
    found: dict[int, dict[Cell, list[Note]]] = {}
    for note in notes:
        for cell in note.cells:
            found.setdefault(note.sheet, {}).setdefault(references.position(cell), []).append(note)
    if sum(map(len, found.values())) > PAINTED:
        raise TooLarge(f"more than {PAINTED:,} cells to paint")
    return found


def _paint_sheet(package: Package, part: str, styles: Styles, cells: Mapping[Cell, Sequence[Note]]) -> None:
    """Paint the cells of a sheet; a sheet without any is no longer selected all the same."""
    sheet = SheetMarkup(package.read(part))
    selected = sheet.unselect()
    if cells:
        sheet.restyle(_marks(cells), styles.painted)
        comments_part.add(package, part, sheet, {cell: _comment(cells[cell]) for cell in sorted(cells)})
    if cells or selected:
        package.write(part, sheet.joined())


def _marks(cells: Mapping[Cell, Sequence[Note]]) -> dict[int, dict[int, str]]:
    marks: dict[int, dict[int, str]] = {}
    for (row, column), notes in cells.items():
        marks.setdefault(row, {})[column] = "error" if any(note.severity == "error" for note in notes) else "warning"
    return marks


def _comment(notes: Sequence[Note]) -> str:
    told = dict.fromkeys(f"{note.severity.capitalize()}: {note.text}\nHow to fix it: {note.fix}" for note in notes)
    return problems_sheet.escaped("\n\n".join(told))


def _lines(notes: Iterable[Note], places: Mapping[int, Place]) -> Iterator[Line]:
    for note in notes:
        name = places[note.sheet].name if note.sheet in places else ""
        for where in references.blocks(note.cells) if note.cells else ("",):
            yield Line(note.severity, note.text, note.fix, name, where)


def _insert(package: Package, book: Workbook, styles: Styles, lines: list[Line]) -> None:
    sheet = problems_sheet.markup(lines, styles, book.namespace)
    package.write_tree(book.ensure_styles(), styles.root)
    book.insert(problems_sheet.NAME, sheet)
    book.save()


def _empty() -> bytes:
    """A workbook without a sheet, to which one is added."""
    out = io.BytesIO()
    with ZipFile(out, "w") as archive:
        for name, content in EMPTY.items():
            archive.writestr(name, content)
    return out.getvalue()

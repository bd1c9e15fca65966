"""Reads .xlsx and .xlsm: the parts of the package → sheets.

Workbooks are written with openpyxl elsewhere, but it does not read well enough. It rounds times to the millisecond and
loses the number that the format applies to. It finds no sheets in strict OOXML, and knows hidden rows only if it keeps
every cell. It pads rows to the declared size, and fails on mistakes in parts that hold no values. The tests compare the
two readers.
"""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from planit_mailer.spreadsheets.containers.zip_archive import Archive, Damaged
from planit_mailer.spreadsheets.model import Limits, Sheet
from planit_mailer.spreadsheets.number_formats import builtin
from planit_mailer.spreadsheets.readers import sheet_builder, xlsx_fast, xlsx_sheet, xml_parts
from planit_mailer.spreadsheets.readers.cells import Cells
from planit_mailer.spreadsheets.readers.sheet_builder import Usage

HIDDEN = ("hidden", "veryhidden")


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship of one part to another. `type` is the last word of its type, `target` the other part's name."""

    id: str
    type: str
    target: str


Relations = tuple[Relation, ...]


@dataclass(slots=True)
class Book:
    """The workbook part: if dates count from 1904, if Excel calculates it anew, and the elements of its sheets."""

    since_1904: bool = False
    uncalculated: bool = False
    sheets: list[Element] = field(default_factory=list)


def read(archive: Archive, limits: Limits) -> tuple[Sheet, ...]:
    """Return all worksheets in their order. Chart sheets and the like have no cells and are left out."""
    workbook = workbook_of(archive)
    relations = relations_of(archive, workbook)
    book = _book(archive, workbook)
    usage = Usage(limits)
    cells = Cells(
        _strings(archive, relations, usage),
        _formats(archive, relations),
        since_1904=book.since_1904,
        uncalculated=book.uncalculated,
    )
    reader = xlsx_sheet.Reader(cells, usage)
    return tuple(_sheets(archive, book, relations, reader))


def workbook_of(archive: Archive) -> str:
    """Return the name of the workbook part. Raises Damaged if there is none."""
    for relation in relations_of(archive, ""):
        if relation.type == "officeDocument":
            return relation.target
    raise Damaged("no part is named as the workbook")


def relations_of(archive: Archive, part: str) -> Relations:
    """Return the relationships of a part, or of the package itself if `part` is ""."""
    folder, name = posixpath.split(part)
    source = posixpath.join(folder, "_rels", f"{name}.rels")
    if source not in archive:
        return ()
    return tuple(_relation(element, folder) for element in xml_parts.tree(archive, source))


def _relation(element: Element, folder: str) -> Relation:
    target = element.get("Target", "").replace("\\", "/")
    if not target.startswith("/"):
        target = posixpath.normpath(posixpath.join(folder, target))
    kind = element.get("Type", "").rpartition("/")[2]
    return Relation(element.get("Id", ""), kind, target)


def _book(archive: Archive, name: str) -> Book:
    """Read the workbook part. Of what else is in it, such as the names of cells, there may be very much."""
    book = Book()
    for element in xml_parts.elements(archive, name, ("workbookPr",), ("calcPr",), ("sheets", "sheet")):
        match xml_parts.local(element.tag):
            case "workbookPr":
                book.since_1904 = book.since_1904 or xml_parts.is_true(element, "date1904")
            case "calcPr":
                book.uncalculated = book.uncalculated or xml_parts.is_true(element, "fullCalcOnLoad")
            case _:
                book.sheets.append(element)
                sheet_builder.check_sheets(len(book.sheets))
    return book


def _strings(archive: Archive, relations: Relations, usage: Usage) -> list[str]:
    """Return the shared strings in the order of their numbers."""
    found: list[str] = []

    def keep(text: str) -> None:
        usage.add_shared(text)
        found.append(text)

    name = _target(archive, relations, "sharedStrings")
    if name:
        remaining = xlsx_fast.remaining_texts(xml_parts.chunks(archive, name), keep)
        for event, element in xml_parts.parsed(remaining, _is_string_item):
            if event == "end" and _is_string_item([element]):
                keep(xlsx_sheet.text_of(element))
    return found


def _is_string_item(opened: Sequence[Element]) -> bool:
    return xml_parts.local(opened[-1].tag) == "si"


def _formats(archive: Archive, relations: Relations) -> tuple[str, ...]:
    """Return the number format of each cell style, in the order of their numbers."""
    own: dict[int, str] = {}
    styles: list[int] = []
    name = _target(archive, relations, "styles")
    if not name:
        return ()
    for element in xml_parts.elements(archive, name, ("numFmts", "numFmt"), ("cellXfs", "xf")):
        number = xml_parts.integer(element.get("numFmtId", "0"))
        if xml_parts.local(element.tag) == "numFmt":
            own.setdefault(number, builtin.kept(element.get("formatCode", "")))
        else:
            styles.append(number)
        sheet_builder.check_styles(len(own) + len(styles))
    return tuple(builtin.code(number, own.get(number)) for number in styles)


def _target(archive: Archive, relations: Relations, kind: str) -> str:
    """Return the first part of a kind that is in the archive, or ""."""
    for relation in relations:
        if relation.type == kind and relation.target in archive:
            return relation.target
    return ""


def _sheets(archive: Archive, book: Book, relations: Relations, reader: xlsx_sheet.Reader) -> Iterator[Sheet]:
    by_id = {relation.id: relation for relation in relations}
    for number, element in enumerate(book.sheets, start=1):
        relation = by_id.get(xml_parts.attribute(element, "id"))
        if relation is None:
            raise Damaged("a sheet without a part")
        if relation.type == "worksheet":
            name = element.get("name", "")
            hidden = element.get("state", "").lower() in HIDDEN
            yield reader.read(xml_parts.chunks(archive, relation.target), name, number, hidden=hidden)

"""Reads .xlsx and .xlsm: the parts of the package → sheets.

Workbooks are written with openpyxl elsewhere, but it does not read well enough. It rounds times to the millisecond and
loses the number that the format applies to. It finds no sheets in strict OOXML, and knows hidden rows only if it keeps
every cell. It pads rows to the declared size, and fails on mistakes in parts that hold no values. The tests compare the
two readers.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from planit_mailer.spreadsheets.containers.zip_archive import Archive, Damaged
from planit_mailer.spreadsheets.model import Limits, Sheet
from planit_mailer.spreadsheets.number_formats import builtin
from planit_mailer.spreadsheets.readers import xlsx_fast, xlsx_sheet, xml_parts
from planit_mailer.spreadsheets.readers.cells import Cells

HIDDEN = ("hidden", "veryhidden")


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship of one part to another. `type` is the last word of its type, `target` the other part's name."""

    id: str
    type: str
    target: str


Relations = tuple[Relation, ...]


def read(archive: Archive, limits: Limits) -> tuple[Sheet, ...]:
    """Return all worksheets in their order. Chart sheets and the like have no cells and are left out."""
    workbook = workbook_of(archive)
    relations = relations_of(archive, workbook)
    root = xml_parts.tree(archive, workbook)
    cells = Cells(
        _strings(archive, relations),
        _formats(archive, relations),
        since_1904=_is_set(root, "workbookPr", "date1904"),
        uncalculated=_is_set(root, "calcPr", "fullCalcOnLoad"),
    )
    reader = xlsx_sheet.Reader(cells, limits)
    return tuple(_sheets(archive, root, relations, reader))


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


def _is_set(workbook: Element, properties: str, flag: str) -> bool:
    """Return True if a flag of the whole workbook is set."""
    return any(xml_parts.is_true(element, flag) for element in xml_parts.children(workbook, properties))


def _strings(archive: Archive, relations: Relations) -> list[str]:
    """Return the shared strings in the order of their numbers."""
    found: list[str] = []
    name = _target(archive, relations, "sharedStrings")
    if name:
        remaining = xlsx_fast.remaining_texts(xml_parts.chunks(archive, name), found.append)
        found.extend(_texts(xml_parts.parsed(remaining)))
    return found


def _texts(events: Iterator[tuple[str, Element]]) -> Iterator[str]:
    """Yield the text of each string item, and drop the item from the tree."""
    _, table = next(events)
    for event, element in events:
        if event == "end" and xml_parts.local(element.tag) == "si":
            yield xlsx_sheet.text_of(element)
            table.clear()


def _formats(archive: Archive, relations: Relations) -> tuple[str, ...]:
    """Return the number format of each cell style, in the order of their numbers."""
    own: dict[int, str] = {}
    styles: list[int] = []
    name = _target(archive, relations, "styles")
    if not name:
        return ()
    for element in _style_elements(archive, name):
        number = xml_parts.integer(element.get("numFmtId", "0"))
        if xml_parts.local(element.tag) == "numFmt":
            own.setdefault(number, element.get("formatCode", ""))
        else:
            styles.append(number)
    return tuple(builtin.code(number, own.get(number)) for number in styles)


def _style_elements(archive: Archive, name: str) -> Iterator[Element]:
    """Yield each number format (numFmt) and cell style (xf). Styles outside of cellXfs are not those of cells."""
    among_cell_styles = False
    for event, element in xml_parts.events(archive, name):
        tag = xml_parts.local(element.tag)
        if tag == "cellXfs":
            if event == "end":
                return
            among_cell_styles = True
        elif event == "end" and (tag == "numFmt" or (tag == "xf" and among_cell_styles)):
            yield element


def _target(archive: Archive, relations: Relations, kind: str) -> str:
    """Return the first part of a kind that is in the archive, or ""."""
    for relation in relations:
        if relation.type == kind and relation.target in archive:
            return relation.target
    return ""


def _sheets(archive: Archive, workbook: Element, relations: Relations, reader: xlsx_sheet.Reader) -> Iterator[Sheet]:
    by_id = {relation.id: relation for relation in relations}
    for number, element in enumerate(xml_parts.children(workbook, "sheets", "sheet"), start=1):
        relation = by_id.get(xml_parts.attribute(element, "id"))
        if relation is None:
            raise Damaged("a sheet without a part")
        if relation.type == "worksheet":
            name = element.get("name", "")
            hidden = element.get("state", "").lower() in HIDDEN
            yield reader.read(xml_parts.chunks(archive, relation.target), name, number, hidden=hidden)

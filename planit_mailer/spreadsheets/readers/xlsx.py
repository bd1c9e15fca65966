"""Reads .xlsx and .xlsm: the parts of the package → sheets.

Why not openpyxl, which the rest of the house writes workbooks with: it gives times to the millisecond and loses the
number that the format applies to, takes strict OOXML for a workbook without sheets, knows hidden rows only by keeping
every cell, pads rows to declared sizes, and fails on mistakes in parts that hold no values. The tests hold the two
against each other.
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
    """The relation of one part to another: the last word of its type, and the other part's name."""

    id: str
    type: str
    target: str


def read(archive: Archive, limits: Limits) -> tuple[Sheet, ...]:
    """All worksheets in their order; chart sheets and the like hold no cells and are passed over."""
    workbook = workbook_of(archive)
    relations = relations_of(archive, workbook)
    root = xml_parts.tree(archive, workbook)
    cells = Cells(
        _strings(archive, relations),
        _formats(archive, relations),
        since_1904=_is_set(root, "workbookPr", "date1904"),
        uncalculated=_is_set(root, "calcPr", "fullCalcOnLoad"),
    )
    return tuple(_sheets(archive, root, relations, xlsx_sheet.Reader(cells, limits)))


def workbook_of(archive: Archive) -> str:
    """The name of the workbook's part."""
    for relation in relations_of(archive, ""):
        if relation.type == "officeDocument":
            return relation.target
    raise Damaged("no part is named as the workbook")


def relations_of(archive: Archive, part: str) -> tuple[Relation, ...]:
    """The relations of a part to others; "" is the package itself."""
    folder, name = posixpath.split(part)
    source = posixpath.join(folder, "_rels", f"{name}.rels")
    if source not in archive:
        return ()
    return tuple(_relation(element, folder) for element in xml_parts.tree(archive, source))


def _relation(element: Element, folder: str) -> Relation:
    target = element.get("Target", "").replace("\\", "/")
    name = target if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
    return Relation(element.get("Id", ""), element.get("Type", "").rpartition("/")[2], name)


def _is_set(workbook: Element, properties: str, flag: str) -> bool:
    """True if a flag of the whole workbook is set."""
    return any(xml_parts.is_true(element, flag) for element in xml_parts.children(workbook, properties))


def _strings(archive: Archive, relations: tuple[Relation, ...]) -> list[str]:
    """The texts that cells share, by number."""
    found: list[str] = []
    if name := _target(archive, relations, "sharedStrings"):
        left = xlsx_fast.remaining_texts(xml_parts.chunks(archive, name), found.append)
        found.extend(_texts(xml_parts.parsed(left)))
    return found


def _texts(events: Iterator[tuple[str, Element]]) -> Iterator[str]:
    table: Element | None = None
    for event, element in events:
        if table is None:
            table = element
        elif event == "end" and xml_parts.local(element.tag) == "si":
            yield xlsx_sheet.text_of(element)
            table.clear()


def _formats(archive: Archive, relations: tuple[Relation, ...]) -> tuple[str, ...]:
    """The number format of each cell style, by number."""
    own: dict[int, str] = {}
    styles: list[int] = []
    name = _target(archive, relations, "styles")
    in_cell_styles = False
    for event, element in xml_parts.events(archive, name) if name else ():
        tag = xml_parts.local(element.tag)
        if tag == "cellXfs":
            if event == "end":
                break
            in_cell_styles = True
        elif event == "end" and tag == "numFmt":
            own.setdefault(_format_number(element), element.get("formatCode", ""))
        elif event == "end" and tag == "xf" and in_cell_styles:
            styles.append(_format_number(element))
    return tuple(builtin.code(number, own.get(number)) for number in styles)


def _format_number(element: Element) -> int:
    return xml_parts.integer(element.get("numFmtId", "0"))


def _target(archive: Archive, relations: tuple[Relation, ...], kind: str) -> str:
    """The part of a kind that a workbook has once: the first that is named, "" if none is there."""
    named = (relation.target for relation in relations if relation.type == kind and relation.target in archive)
    return next(named, "")


def _sheets(
    archive: Archive, workbook: Element, relations: tuple[Relation, ...], reader: xlsx_sheet.Reader
) -> Iterator[Sheet]:
    by_id = {relation.id: relation for relation in relations}
    for number, element in enumerate(xml_parts.children(workbook, "sheets", "sheet"), start=1):
        relation = by_id.get(xml_parts.attribute(element, "id"))
        if relation is None:
            raise Damaged("a sheet without a part")
        if relation.type == "worksheet":
            hidden = element.get("state", "").lower() in HIDDEN
            name = element.get("name", "")
            yield reader.read(xml_parts.chunks(archive, relation.target), (name, number, hidden))

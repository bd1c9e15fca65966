"""Comments on the cells of a worksheet: ours are added to those that are there, and taken off again."""

import re
from collections.abc import Mapping
from xml.dom.minidom import Element, Text

from planit_mailer.spreadsheets.annotate import packages
from planit_mailer.spreadsheets.annotate.packages import Link, Package
from planit_mailer.spreadsheets.annotate.sheet_part import SheetMarkup
from planit_mailer.spreadsheets.references import address

HEADING = "Found by Plan-it:"  # what our comments, and our parts of others' comments, begin with
AUTHOR = "Plan-it"
COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
DRAWING_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d*)")
SHAPE = re.compile(rb"<((?:[\w.-]+:)?shape)\s.*?</\1\s*>", re.DOTALL)
SHAPE_ID = re.compile(rb"_s(\d+)")
FIRST_SHAPE = 1_025  # ids below belong to no sheet
VML = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
SHAPE_TYPE = (
    f'<v:shapetype {VML} id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
BOX = (
    f'<v:shape {VML} id="_x0000_s{{number}}" type="#_x0000_t202" fillcolor="#ffffe1" o:insetmode="auto" '
    'style="position:absolute;margin-left:60pt;margin-top:2pt;width:240pt;height:90pt;z-index:1;visibility:hidden">'
    '<v:fill color2="#ffffe1"/><v:shadow color="black" obscured="t"/><v:path o:connecttype="none"/><v:textbox/>'
    '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
    "<x:Anchor>{left}, 15, {top}, 2, {right}, 15, {bottom}, 4</x:Anchor><x:AutoFill>False</x:AutoFill>"
    "<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>"
)
WIDTH, HEIGHT = 4, 6  # columns and rows that the box of a comment covers

Cell = tuple[int, int]  # row and column, from 1


def add(package: Package, part: str, sheet: SheetMarkup, texts: Mapping[Cell, str]) -> None:
    """Comment cells of a worksheet; a text of ours follows a comment that is there already."""
    name, root = _comments(package, part, sheet.namespace)
    author = str(_author(root))
    comments = packages.children(root, "commentList")[0]
    present = {element.getAttribute("ref"): element for element in packages.children(comments)}
    for cell, text in texts.items():
        reference = address(*cell)
        if reference in present:
            _append(present[reference], f"\n\n{HEADING}\n{text}")
        else:
            comment = packages.append(comments, "comment", {"ref": reference, "authorId": author})
            packages.append(comment, "text", {})
            _append(comment, f"{HEADING}\n{text}")
    package.write_tree(name, root)
    _draw(package, part, sheet, [cell for cell in texts if address(*cell) not in present])


def is_commented(package: Package, part: str) -> bool:
    """Whether a worksheet has comments of ours."""
    link = _link(package, part)
    return link is not None and HEADING.encode() in package.read(link.target)


def remove(package: Package, part: str, sheet: SheetMarkup) -> None:
    """Take our comments off, and our parts of others' comments."""
    link = _link(package, part)
    if link is None:
        return
    root = package.tree(link.target)
    comments = packages.children(root, "commentList", "comment")
    gone = [comment for comment in comments if _cut(comment) and not _left(comment)]
    if len(gone) < len(comments):
        for comment in gone:
            assert comment.parentNode is not None
            comment.parentNode.removeChild(comment)
        package.write_tree(link.target, root)
    else:
        package.unlink(part, link.id)
        package.remove(link.target)
    _undraw(package, part, sheet, {_cell(comment) for comment in gone})


def _link(package: Package, part: str) -> Link | None:
    links = (link for link in package.links(part) if link.kind == "comments" and link.target in package)
    return next(links, None)


def _comments(package: Package, part: str, namespace: str) -> tuple[str, Element]:
    """The comments part of a worksheet, its name and its tree; made where there is none."""
    if link := _link(package, part):
        return link.target, package.tree(link.target)
    name = package.free_name("xl/commentsPlanit{}.xml")
    package.write(name, f'<comments xmlns="{namespace}"><authors/><commentList/></comments>'.encode())
    package.declare_type(name, COMMENTS_TYPE)
    package.link(part, f"{package.relation_types()}/comments", name)
    return name, package.tree(name)


def _author(root: Element) -> int:
    """Our number among the authors."""
    authors = packages.children(root, "authors")[0]
    names = ["".join(_texts(author)) for author in packages.children(authors)]
    if AUTHOR in names:
        return names.index(AUTHOR)
    packages.append(authors, "author", {}, AUTHOR)
    return len(names)


def _append(comment: Element, text: str) -> None:
    run = packages.append(packages.children(comment, "text")[0], "r", {})
    packages.append(run, "t", {"xml:space": "preserve"}, text)


def _cut(comment: Element) -> bool:
    """Cut a comment off where ours begins; whether it did."""
    ours = False
    for node in list(_nodes(comment)):
        if ours:
            node.data = ""
        elif HEADING in node.data:
            node.data = node.data.partition(HEADING)[0].rstrip("\n")
            ours = True
    return ours


def _left(comment: Element) -> str:
    return "".join(_texts(comment)).strip()


def _texts(element: Element) -> list[str]:
    return [node.data for node in _nodes(element)]


def _nodes(element: Element) -> list[Text]:
    """The texts below an element, in their order."""
    own = [node for node in element.childNodes if isinstance(node, Text)]
    return own + [node for child in packages.children(element) for node in _nodes(child)]


def _cell(comment: Element) -> Cell:
    found = REFERENCE.fullmatch(comment.getAttribute("ref"))
    if not found:
        return 0, 0
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return int(found[2]), column


def _draw(package: Package, part: str, sheet: SheetMarkup, cells: list[Cell]) -> None:
    """Draw the boxes of comments, without which Excel does not show them."""
    name = _drawing(package, part, sheet)
    drawn = package.read(name)
    first = max((int(found) for found in SHAPE_ID.findall(drawn)), default=FIRST_SHAPE - 1) + 1
    boxes = "".join(_box(number, cell) for number, cell in enumerate(cells, first))
    kind = "" if b'id="_x0000_t202"' in drawn else SHAPE_TYPE
    end = drawn.rindex(b"</")
    package.write(name, drawn[:end] + (kind + boxes).encode() + drawn[end:])


def _drawing(package: Package, part: str, sheet: SheetMarkup) -> str:
    named = sheet.drawing_id()
    for link in package.links(part):
        if link.id == named and link.target in package:
            return link.target
    sheet.remove_drawing()
    name = package.free_name("xl/drawings/vmlDrawingPlanit{}.vml")
    package.write(name, f"<xml {VML}></xml>".encode())
    package.declare_type(name, DRAWING_TYPE)
    types = package.relation_types()
    sheet.add_drawing(package.link(part, f"{types}/vmlDrawing", name), types)
    return name


def _box(number: int, cell: Cell) -> str:
    row, column = cell
    top, left = max(row - 2, 0), column
    return BOX.format(
        number=number, left=left, top=top, right=left + WIDTH, bottom=top + HEIGHT, row=row - 1, column=column - 1
    )


def _undraw(package: Package, part: str, sheet: SheetMarkup, cells: set[Cell]) -> None:
    link = next((link for link in package.links(part) if link.id == sheet.drawing_id()), None)
    if link is None or link.target not in package:
        return
    drawn = SHAPE.sub(lambda shape: b"" if _place(shape[0]) in cells else shape[0], package.read(link.target))
    if SHAPE.search(drawn):
        package.write(link.target, drawn)
    else:
        sheet.remove_drawing()
        package.unlink(part, link.id)
        package.remove(link.target)


def _place(shape: bytes) -> Cell | None:
    """The cell whose comment a shape is the box of."""
    row, column = (re.search(rb"<[\w.:-]*%s>\s*(\d+)\s*<" % name, shape) for name in (b"Row", b"Column"))
    return (int(row[1]) + 1, int(column[1]) + 1) if row and column and b"Note" in shape else None

"""Adds comments to the cells of a worksheet, and removes them again. Comments of others stay."""

import re
from collections.abc import Mapping
from xml.dom.minidom import Element, Text

from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.annotate import packages
from planit_mailer.spreadsheets.annotate.packages import Link, Package
from planit_mailer.spreadsheets.annotate.sheet_part import SheetMarkup

HEADING = "Found by Plan-it:"  # the beginning of our comments, and of our parts of others' comments
AUTHOR = "Plan-it"
COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
DRAWING_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d*)")
SHAPE = re.compile(rb"<((?:[\w.-]+:)?shape)\s.*?</\1\s*>", re.DOTALL)
SHAPE_ID = re.compile(rb"_s(\d+)")
ROW = re.compile(rb"<[\w.:-]*Row>\s*(\d+)\s*<")
COLUMN = re.compile(rb"<[\w.:-]*Column>\s*(\d+)\s*<")
FIRST_SHAPE = 1_025  # lower ids are not used for the shapes of a sheet
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
    """Comment cells of a worksheet. A text of ours is appended to a comment that is already there."""
    name, root = _ensure_comments(package, part, sheet.namespace)
    author = str(_ensure_author(root))
    comments = packages.children(root, "commentList")[0]
    present = {comment.getAttribute("ref"): comment for comment in packages.children(comments)}
    new: list[Cell] = []
    for cell, text in texts.items():
        reference = references.address(*cell)
        if reference in present:
            _append_text(present[reference], f"\n\n{HEADING}\n{text}")
        else:
            comment = packages.append(comments, "comment", {"ref": reference, "authorId": author})
            packages.append(comment, "text", {})
            _append_text(comment, f"{HEADING}\n{text}")
            new.append(cell)
    package.write_tree(name, root)
    _draw_boxes(package, part, sheet, new)


def is_commented(package: Package, part: str) -> bool:
    """True if a worksheet has comments of ours."""
    link = _link_to_comments(package, part)
    return link is not None and HEADING.encode() in package.read(link.target)


def remove(package: Package, part: str, sheet: SheetMarkup) -> None:
    """Remove our comments, and our parts of others' comments."""
    link = _link_to_comments(package, part)
    if link is None:
        return
    root = package.tree(link.target)
    comments = packages.children(root, "commentList", "comment")
    gone = _cut_off_ours(comments)
    if len(gone) < len(comments):
        for comment in gone:
            assert comment.parentNode is not None
            comment.parentNode.removeChild(comment)
        package.write_tree(link.target, root)
    else:
        package.unlink(part, link.id)
        package.remove(link.target)
    _remove_boxes(package, part, sheet, {_cell_of(comment) for comment in gone})


def _link_to_comments(package: Package, part: str) -> Link | None:
    for link in package.links(part):
        if link.kind == "comments" and link.target in package:
            return link
    return None


def _ensure_comments(package: Package, part: str, namespace: str) -> tuple[str, Element]:
    """The name and the tree of a worksheet's comments part, which is created if it is missing."""
    link = _link_to_comments(package, part)
    if link is not None:
        return link.target, package.tree(link.target)
    name = package.free_name("xl/commentsPlanit{}.xml")
    package.write(name, f'<comments xmlns="{namespace}"><authors/><commentList/></comments>'.encode())
    package.declare_type(name, COMMENTS_TYPE)
    package.link(part, f"{package.relation_types()}/comments", name)
    return name, package.tree(name)


def _ensure_author(root: Element) -> int:
    """Our number among the authors, to whom we are added if we are missing."""
    authors = packages.children(root, "authors")[0]
    names = [_text(author) for author in packages.children(authors)]
    if AUTHOR in names:
        return names.index(AUTHOR)
    packages.append(authors, "author", {}, AUTHOR)
    return len(names)


def _append_text(comment: Element, text: str) -> None:
    run = packages.append(packages.children(comment, "text")[0], "r", {})
    packages.append(run, "t", {"xml:space": "preserve"}, text)


def _cut_off_ours(comments: list[Element]) -> list[Element]:
    """Remove our texts from comments, and return the comments that are empty then."""
    emptied: list[Element] = []
    for comment in comments:
        was_ours = _cut_off(comment)
        if was_ours and not _text(comment).strip():
            emptied.append(comment)
    return emptied


def _cut_off(comment: Element) -> bool:
    """Remove our text from the end of a comment. Return True if there was any."""
    is_after_heading = False
    for node in _text_nodes(comment):
        if is_after_heading:
            node.data = ""
        elif HEADING in node.data:
            node.data = node.data.partition(HEADING)[0].rstrip("\n")
            is_after_heading = True
    return is_after_heading


def _text(element: Element) -> str:
    """All text below an element."""
    return "".join(node.data for node in _text_nodes(element))


def _text_nodes(element: Element) -> list[Text]:
    """The text nodes of an element, and then those of its children in their order."""
    nodes = [node for node in element.childNodes if isinstance(node, Text)]
    for child in packages.children(element):
        nodes.extend(_text_nodes(child))
    return nodes


def _cell_of(comment: Element) -> Cell:
    """The cell of a comment; (0, 0), which is no cell, if its reference is malformed."""
    reference = comment.getAttribute("ref")
    if not REFERENCE.fullmatch(reference):
        return 0, 0
    return references.position(reference)


def _draw_boxes(package: Package, part: str, sheet: SheetMarkup, cells: list[Cell]) -> None:
    """Draw the boxes of comments, without which Excel does not show them."""
    name = _ensure_drawing(package, part, sheet)
    drawn = package.read(name)
    taken = [int(number) for number in SHAPE_ID.findall(drawn)]
    first = max(taken, default=FIRST_SHAPE - 1) + 1
    markup = "" if b'id="_x0000_t202"' in drawn else SHAPE_TYPE
    for number, cell in enumerate(cells, first):
        markup += _box(number, cell)
    end = drawn.rindex(b"</")
    package.write(name, drawn[:end] + markup.encode() + drawn[end:])


def _ensure_drawing(package: Package, part: str, sheet: SheetMarkup) -> str:
    """The name of the part with a worksheet's boxes, which is created if it is missing."""
    link = _link_to_drawing(package, part, sheet)
    if link is not None:
        return link.target
    sheet.remove_drawing()
    name = package.free_name("xl/drawings/vmlDrawingPlanit{}.vml")
    package.write(name, f"<xml {VML}></xml>".encode())
    package.declare_type(name, DRAWING_TYPE)
    types = package.relation_types()
    sheet.add_drawing(package.link(part, f"{types}/vmlDrawing", name), types)
    return name


def _link_to_drawing(package: Package, part: str, sheet: SheetMarkup) -> Link | None:
    identity = sheet.drawing_id()
    for link in package.links(part):
        if link.id == identity and link.target in package:
            return link
    return None


def _box(number: int, cell: Cell) -> str:
    row, column = cell
    top, left = max(row - 2, 0), column
    return BOX.format(
        number=number, left=left, top=top, right=left + WIDTH, bottom=top + HEIGHT, row=row - 1, column=column - 1
    )


def _remove_boxes(package: Package, part: str, sheet: SheetMarkup, cells: set[Cell]) -> None:
    """Remove the boxes of these cells, and the drawing if it is empty then."""
    link = _link_to_drawing(package, part, sheet)
    if link is None:
        return

    def kept(shape: re.Match[bytes]) -> bytes:
        return b"" if _cell_of_box(shape[0]) in cells else shape[0]

    drawn = SHAPE.sub(kept, package.read(link.target))
    if SHAPE.search(drawn):
        package.write(link.target, drawn)
    else:
        sheet.remove_drawing()
        package.unlink(part, link.id)
        package.remove(link.target)


def _cell_of_box(shape: bytes) -> Cell | None:
    """The cell whose comment a shape shows, None if the shape is no box of a comment."""
    row = ROW.search(shape)
    column = COLUMN.search(shape)
    if row is None or column is None or b"Note" not in shape:
        return None
    return int(row[1]) + 1, int(column[1]) + 1

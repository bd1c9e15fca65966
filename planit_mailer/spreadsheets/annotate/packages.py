"""A workbook's package, opened for changes: its parts are read, replaced, added and removed.

Parts that are not touched keep their bytes: formulas with their saved results, charts, drop-downs, and extensions that
we do not know. openpyxl would write only what it knows, and no results of formulas.
"""

import io
import posixpath
from dataclasses import dataclass
from xml.dom.minidom import Document, Element
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from defusedxml import minidom

from planit_mailer.spreadsheets.containers.zip_archive import Archive, TooLarge, folded
from planit_mailer.spreadsheets.model import Limits

CONTENT_TYPES = "[Content_Types].xml"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
LARGEST = 40_000_000  # bytes of a part that is painted; a form of 10,000 learners has 32 MB
MOST_KEPT = 100_000_000  # bytes of all parts that are looked into
NODES = 200_000  # tags and attributes of a document; its tree takes up to 600 bytes for each
NO_RELATIONS = f'<Relationships xmlns="{PACKAGE}/relationships"/>'.encode()


@dataclass(frozen=True, slots=True)
class Link:
    """A relation of a part: its id, its full type, and the name of the target part ("" if that is outside)."""

    id: str
    type: str
    target: str

    @property
    def kind(self) -> str:
        """The last word of the type, such as "worksheet"."""
        return self.type.rpartition("/")[2]


class Package:
    """The parts of a workbook. Names of parts are compared as Excel compares them."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Raises whatever Archive raises."""
        self._archive = Archive(data, limits)
        with ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        self._names = {folded(entry.filename): _slashed(entry.filename) for entry in entries}
        self._stored = {folded(entry.filename) for entry in entries if entry.compress_type == ZIP_STORED}
        self._changed: dict[str, bytes] = {}
        self._kept = 0  # bytes that were read and kept

    def __contains__(self, name: str) -> bool:
        return folded(name) in self._names

    def names(self) -> tuple[str, ...]:
        """The names of all parts, as they are written."""
        return tuple(self._names.values())

    def read(self, name: str) -> bytes:
        """Return the present content of a part. Raises KeyError if it is absent, TooLarge if it unpacks to too much.

        What was read is kept, for it is needed again, and so there is a limit for all parts together.
        """
        key = folded(name)
        if key not in self._changed:
            if key not in self._names:
                raise KeyError(name)
            content = self._archive.read(key, LARGEST)
            self._kept += len(content)
            if self._kept > MOST_KEPT:
                raise TooLarge(f"more than {MOST_KEPT // 1_000_000:,} MB in sheets and their texts")
            self._changed[key] = content
        return self._changed[key]

    def write(self, name: str, content: bytes) -> None:
        """Replace a part, or add it."""
        self._names.setdefault(folded(name), name)
        self._changed[folded(name)] = content

    def remove(self, name: str) -> None:
        """Remove a part with its relations and its content type."""
        for gone in (name, relations_path(name)):
            self._names.pop(folded(gone), None)
            self._changed.pop(folded(gone), None)
        types = self.tree(CONTENT_TYPES)
        for override in _overrides(types, name):
            types.removeChild(override)
        self.write_tree(CONTENT_TYPES, types)

    def free_name(self, pattern: str) -> str:
        """Return a name for a new part: the pattern filled in with the first free number."""
        number = 1
        while pattern.format(number) in self:
            number += 1
        return pattern.format(number)

    def tree(self, name: str) -> Element:
        """Parse a small part and return its root. Raises what defusedxml raises, and KeyError if the part is absent."""
        return parsed(self.read(name))

    def write_tree(self, name: str, root: Element) -> None:
        """Replace a part by a tree that was changed."""
        assert isinstance(root.ownerDocument, Document)
        self.write(name, root.ownerDocument.toxml("utf-8"))

    def declare_type(self, name: str, content_type: str) -> None:
        """Declare the content type of a part."""
        types = self.tree(CONTENT_TYPES)
        declared = _overrides(types, name)
        if declared:
            declared[0].setAttribute("ContentType", content_type)
        else:
            append(types, "Override", {"PartName": f"/{name.lstrip('/')}", "ContentType": content_type})
        self.write_tree(CONTENT_TYPES, types)

    def links(self, part: str) -> tuple[Link, ...]:
        """The relations of a part to others; part "" is the package itself."""
        source = relations_path(part)
        if source not in self:
            return ()
        return tuple(_link(element, part) for element in children(self.tree(source)))

    def first_link(self, part: str, kind: str) -> Link | None:
        """The first relation of a part that is of this kind; part "" is the package itself."""
        for link in self.links(part):
            if link.kind == kind:
                return link
        return None

    def relation_types(self) -> str:
        """The prefix that all types of relations share. In strict OOXML it differs from the usual one."""
        workbook = self.first_link("", "officeDocument")
        assert workbook, "a package names its workbook"
        return workbook.type.rpartition("/")[0]

    def link(self, part: str, kind: str, target: str) -> str:
        """Add a relation of this full type from a part to another, and return its id."""
        source = relations_path(part)
        root = self.tree(source) if source in self else parsed(NO_RELATIONS)
        identity = _free_id(root)
        append(root, "Relationship", {"Id": identity, "Type": kind, "Target": f"/{target.lstrip('/')}"})
        self.write_tree(source, root)
        return identity

    def unlink(self, part: str, identity: str) -> None:
        """Remove a relation of a part."""
        source = relations_path(part)
        root = self.tree(source)
        for element in children(root):
            if element.getAttribute("Id") == identity:
                root.removeChild(element)
        self.write_tree(source, root)

    def packed(self) -> bytes:
        """Return the package as a file; the same parts always give the same bytes."""
        out = io.BytesIO()
        with ZipFile(out, "w", ZIP_DEFLATED) as archive:
            for key, name in self._names.items():
                entry = ZipInfo(name)
                entry.compress_type = ZIP_STORED if key in self._stored else ZIP_DEFLATED
                content = self._changed[key] if key in self._changed else self._archive.read(key)
                archive.writestr(entry, content)
        return out.getvalue()


def relations_path(part: str) -> str:
    """The name of the part that holds the relations of a part."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def parsed(content: bytes) -> Element:
    """Parse a document without a document type and return its root; prefixes stay as they are.

    Raises TooLarge if its tree would take too much memory.
    """
    if content.count(b"<") + content.count(b"=") > NODES:
        raise TooLarge(f"more than {NODES:,} elements and attributes in a part that has to be changed")
    document: Document = minidom.parseString(content, forbid_dtd=True)  # type: ignore[arg-type]  # bytes too
    root = document.documentElement
    assert isinstance(root, Element), "a document has an element"
    return root


def children(parent: Element, *path: str) -> list[Element]:
    """The elements at the end of a path of local names; without a path, all child elements."""
    elements = [node for node in parent.childNodes if isinstance(node, Element)]
    if not path:
        return elements
    first, *rest = path
    named = [element for element in elements if local_name(element) == first]
    if not rest:
        return named
    found: list[Element] = []
    for element in named:
        found.extend(children(element, *rest))
    return found


def append(parent: Element, name: str, attributes: dict[str, str], text: str = "") -> Element:
    """Add a new element, with its parent's prefix, at the end of the parent, and return it."""
    made = new_element(parent, name, attributes, text)
    parent.appendChild(made)
    return made


def new_element(like: Element, name: str, attributes: dict[str, str], text: str = "") -> Element:
    """Create an element with the document and the prefix of another. It is not placed in the tree yet."""
    document = like.ownerDocument
    assert isinstance(document, Document)
    prefix = like.tagName.rpartition(":")[0]
    made = document.createElement(f"{prefix}:{name}" if prefix else name)
    for key, value in attributes.items():
        made.setAttribute(key, value)
    if text:
        made.appendChild(document.createTextNode(text))
    return made


def copied(element: Element) -> Element:
    """Copy an element with all its content. The copy is not placed in the tree yet."""
    made = element.cloneNode(deep=True)
    assert isinstance(made, Element)
    return made


def local_name(element: Element) -> str:
    """The name of an element without its prefix."""
    return element.tagName.rpartition(":")[2]


def _slashed(name: str) -> str:
    return name.replace("\\", "/").lstrip("/")


def _overrides(types: Element, name: str) -> list[Element]:
    """The declarations of a part's content type."""
    wanted = folded(name)
    declarations = children(types, "Override")
    return [override for override in declarations if folded(override.getAttribute("PartName")) == wanted]


def _link(element: Element, part: str) -> Link:
    identity = element.getAttribute("Id")
    kind = element.getAttribute("Type")
    if element.getAttribute("TargetMode").lower() == "external":
        return Link(identity, kind, "")
    target = element.getAttribute("Target").replace("\\", "/")
    if not target.startswith("/"):
        folder = posixpath.dirname(part)
        target = posixpath.normpath(posixpath.join(folder, target))
    return Link(identity, kind, target.lstrip("/"))


def _free_id(relations: Element) -> str:
    """An id that no relation has yet."""
    taken = {element.getAttribute("Id") for element in children(relations)}
    number = 1
    while f"rIdPlanit{number}" in taken:
        number += 1
    return f"rIdPlanit{number}"

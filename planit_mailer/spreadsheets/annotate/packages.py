"""A workbook's package to be changed: parts are read, replaced, added and removed, and everything else is kept.

What is not touched keeps its bytes: formulas with their saved results, charts, drop-downs, and whatever Excel will
think of next. openpyxl writes only what it knows, and no result of any formula.
"""

import io
import posixpath
from dataclasses import dataclass
from xml.dom.minidom import Document, Element
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from defusedxml import minidom

from planit_mailer.spreadsheets.containers.zip_archive import Archive, folded
from planit_mailer.spreadsheets.model import Limits

CONTENT_TYPES = "[Content_Types].xml"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
NO_RELATIONS = f'<Relationships xmlns="{PACKAGE}/relationships"/>'.encode()


@dataclass(frozen=True, slots=True)
class Link:
    """A relation as it stands in its part: its id, the whole of its type, and the name of the part that it leads to."""

    id: str
    type: str
    target: str

    @property
    def kind(self) -> str:
        """The last word of the type, as in "worksheet"."""
        return self.type.rpartition("/")[2]


class Package:
    """The parts of a workbook. Names of parts are compared as Excel compares them."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Raise what Archive raises."""
        self._archive = Archive(data, limits)
        with ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        self._names = {folded(entry.filename): _slashed(entry.filename) for entry in entries}
        self._stored = {folded(entry.filename) for entry in entries if entry.compress_type == ZIP_STORED}
        self._changed: dict[str, bytes] = {}

    def __contains__(self, name: str) -> bool:
        return folded(name) in self._names

    def names(self) -> tuple[str, ...]:
        """The names of all parts, as they are written."""
        return tuple(self._names.values())

    def read(self, name: str) -> bytes:
        """The present content of a part. Raises KeyError if it is absent, TooLarge if it unpacks to too much."""
        key = folded(name)
        if key not in self._changed:
            if key not in self._names:
                raise KeyError(name)
            self._changed[key] = self._archive.read(key)
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
        for override in children(types, "Override"):
            if folded(override.getAttribute("PartName")) == folded(name):
                types.removeChild(override)
        self.write_tree(CONTENT_TYPES, types)

    def free(self, pattern: str) -> str:
        """A name for a new part: the pattern with the first number that is not taken."""
        return next(name for number in range(1, len(self._names) + 2) if (name := pattern.format(number)) not in self)

    def tree(self, name: str) -> Element:
        """The root element of a small part. Raises what defusedxml raises, and KeyError if it is absent."""
        return parsed(self.read(name))

    def write_tree(self, name: str, root: Element) -> None:
        """Replace a part by a tree that was changed."""
        assert isinstance(root.ownerDocument, Document)
        self.write(name, root.ownerDocument.toxml("utf-8"))

    def type_of(self, name: str, content_type: str) -> None:
        """Declare the content type of a part."""
        types = self.tree(CONTENT_TYPES)
        for override in children(types, "Override"):
            if folded(override.getAttribute("PartName")) == folded(name):
                override.setAttribute("ContentType", content_type)
                break
        else:
            append(types, "Override", {"PartName": f"/{name.lstrip('/')}", "ContentType": content_type})
        self.write_tree(CONTENT_TYPES, types)

    def links(self, part: str) -> tuple[Link, ...]:
        """The other parts that a part is related to; "" is the package itself."""
        source = relations_path(part)
        return tuple(_link(element, part) for element in children(self.tree(source))) if source in self else ()

    def link(self, part: str, kind: str, target: str) -> str:
        """Let a part name another, by the whole type of the relation; the id."""
        source = relations_path(part)
        root = self.tree(source) if source in self else parsed(NO_RELATIONS)
        taken = {element.getAttribute("Id") for element in children(root)}
        name = next(name for number in range(1, len(taken) + 2) if (name := f"rIdPlanit{number}") not in taken)
        append(root, "Relationship", {"Id": name, "Type": kind, "Target": f"/{target.lstrip('/')}"})
        self.write_tree(source, root)
        return name

    def unlink(self, part: str, identity: str) -> None:
        """Remove the relation of a part to another."""
        source = relations_path(part)
        root = self.tree(source)
        for element in children(root):
            if element.getAttribute("Id") == identity:
                root.removeChild(element)
        self.write_tree(source, root)

    def packed(self) -> bytes:
        """The package's bytes; the same for the same parts."""
        out = io.BytesIO()
        with ZipFile(out, "w", ZIP_DEFLATED) as archive:
            for key, name in self._names.items():
                entry = ZipInfo(name)
                entry.compress_type = ZIP_STORED if key in self._stored else ZIP_DEFLATED
                content = self._changed[key] if key in self._changed else self._archive.read(key)
                archive.writestr(entry, content)
        return out.getvalue()


def relations_path(part: str) -> str:
    """The part with the relations of a part."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def parsed(content: bytes) -> Element:
    """The root of a document that has no document type; prefixes stay as they are."""
    document: Document = minidom.parseString(content, forbid_dtd=True)  # type: ignore[arg-type]  # bytes too
    root = document.documentElement
    assert isinstance(root, Element), "a document has an element"
    return root


def children(parent: Element, *names: str) -> list[Element]:
    """The elements at the end of a path of local names; without names all children."""
    found = [node for node in parent.childNodes if isinstance(node, Element)]
    if not names:
        return found
    named = [element for element in found if local(element) == names[0]]
    return [each for element in named for each in children(element, *names[1:])] if names[1:] else named


def append(parent: Element, name: str, attributes: dict[str, str], text: str = "") -> Element:
    """A new element at the end of another, with its prefix."""
    made = element(parent, name, attributes, text)
    parent.appendChild(made)
    return made


def element(like: Element, name: str, attributes: dict[str, str], text: str = "") -> Element:
    """A new element of the namespace of another, which does not stand anywhere yet."""
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
    """An element with all that is in it, once more, which does not stand anywhere yet."""
    made = element.cloneNode(deep=True)
    assert isinstance(made, Element)
    return made


def local(element: Element) -> str:
    """The name of an element without its prefix."""
    return element.tagName.rpartition(":")[2]


def _slashed(name: str) -> str:
    return name.replace("\\", "/").lstrip("/")


def _link(element: Element, part: str) -> Link:
    target = element.getAttribute("Target").replace("\\", "/")
    name = target if target.startswith("/") else posixpath.normpath(posixpath.join(posixpath.dirname(part), target))
    outside = element.getAttribute("TargetMode").lower() == "external"
    return Link(element.getAttribute("Id"), element.getAttribute("Type"), "" if outside else name.lstrip("/"))


def relation_types(package: Package) -> str:
    """The prefix of the types of relations; strict OOXML has other prefixes than the usual kind."""
    return next(link.type.rpartition("/")[0] for link in package.links("") if link.kind == "officeDocument")

"""Reads the XML parts of a workbook, a bit at a time and without anything that XML can do to a reader.

Elements are known by their local names: strict OOXML has other namespaces than the usual kind, some writers put
prefixes, and both mean the same.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

from planit_mailer.spreadsheets.archives import Archive, Damaged


def events(archive: Archive, name: str) -> Iterator[tuple[str, str, Element]]:
    """Each element of a part, "start" and "end", with its local name; raise ParseError or a ValueError of defusedxml.

    The caller clears what it has seen, or all of the document gathers in memory.
    """
    with archive.open(name) as part:
        for event, element in ElementTree.iterparse(part, ("start", "end"), forbid_dtd=True):
            yield event, local(element.tag), element


def tree(archive: Archive, name: str) -> Element:
    """A whole part; for small ones. Raises as events() does, and KeyError where it is absent."""
    root: Element | None = None
    for _, _, element in events(archive, name):
        root = element
    if root is None:
        raise Damaged("a part without content")
    return root


def children(parent: Element, *names: str) -> Iterator[Element]:
    """The elements at the end of a path of local names: children of children."""
    for child in parent:
        if local(child.tag) != names[0]:
            continue
        if names[1:]:
            yield from children(child, *names[1:])
        else:
            yield child


def attribute(element: Element, name: str) -> str:
    """An attribute by its local name, "" where it is absent."""
    return next((value for key, value in element.items() if local(key) == name), "")


def is_true(element: Element, name: str) -> bool:
    """Whether an attribute says yes, in either of XML's two ways."""
    return element.get(name, "").strip().lower() in ("1", "true", "on")


def local(name: str) -> str:
    """The name of an element or attribute without its namespace."""
    return name.rpartition("}")[2]

"""Reads the XML parts of a workbook, a bit at a time and without anything that XML can do to a reader.

Elements are known by their local names: strict OOXML has other namespaces than the usual kind, some writers put
prefixes, and both mean the same.
"""

import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, XMLPullParser
from xml.parsers import expat

from planit_mailer.spreadsheets.containers.zip_archive import Archive, Damaged

CHUNK = 262_144  # bytes
NOT_FINITE = ("NaN", "INF", "-INF")
DIGITS = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)


def events(archive: Archive, name: str) -> Iterator[tuple[str, Element]]:
    """Each element of a part as parsed() gives them. Raises as it does, and KeyError if the part is absent."""
    return parsed(chunks(archive, name))


def parsed(chunks: Iterator[bytes]) -> Iterator[tuple[str, Element]]:
    """Each element of a document as it starts and ends ("start", "end"); raise Damaged or ParseError.

    The caller clears what it has seen, or all of the document gathers in memory.
    """
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    for chunk in _without_doctype(chunks):
        parser.feed(chunk)
        yield from parser.read_events()  # type: ignore[misc]  # the two kinds of event that were asked for
    parser.close()


def chunks(archive: Archive, name: str) -> Iterator[bytes]:
    """The bytes of a part, unpacked on demand. Raises KeyError if it is absent."""
    with archive.open(name) as part:
        while chunk := part.read(CHUNK):
            yield chunk


def tree(archive: Archive, name: str) -> Element:
    """A whole small part. Raises as events() does, and KeyError if it is absent."""
    root: Element | None = None
    for _, element in events(archive, name):
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
    """An attribute by its local name, "" if it is absent."""
    return next((value for key, value in element.items() if local(key) == name), "")


def is_true(element: Element | Mapping[str, str], name: str) -> bool:
    """True if an attribute says yes, in either of XML's two spellings."""
    return element.get(name, "").strip().lower() in ("1", "true", "on")


def is_hidden(element: Element | Mapping[str, str], size: str) -> bool:
    """True if a row or column is invisible: by its flag, which a filter sets too, or because its size is 0."""
    return is_true(element, "hidden") or number(element.get(size, "1")) == 0


def number(written: str) -> float:
    """A number as XML writes it, also one that is not finite. Raises Damaged if it is none."""
    return float(written if written in NOT_FINITE else _in_digits(written))


def integer(written: str) -> int:
    """A whole number as XML writes it. Raises Damaged if it is none."""
    return int(_in_digits(written))


def local(name: str) -> str:
    """The name of an element or attribute without its namespace."""
    return name.rpartition("}")[2]


def _in_digits(written: str) -> str:
    """The same; Python would take 1_0 for ten, and the digits of every script."""
    if not DIGITS.fullmatch(written):
        raise Damaged("a number that is none")
    return written


def _without_doctype(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks unchanged. Raises Damaged as soon as a document type is declared.

    No workbook has one, and every attack on an XML parser starts there: entities that grow, files and addresses that
    are fetched. A declaration can only stand before the first element, so only the beginning is read twice. defusedxml
    watches whole documents, in Python, which takes longer than all the reading.
    """
    guard = expat.ParserCreate()
    begun = False

    def begin(*_: object) -> None:
        nonlocal begun
        begun = True

    def refuse(*_: object) -> None:
        raise Damaged("a document type is declared")

    guard.StartElementHandler = begin
    guard.StartDoctypeDeclHandler = refuse
    for chunk in chunks:
        if not begun:
            guard.Parse(chunk, False)
        yield chunk

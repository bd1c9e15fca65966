"""Reads the XML parts of a workbook in chunks, and refuses document types, through which XML can attack its reader.

Elements are compared by their local names. Strict OOXML has other namespaces than the usual kind, and some writers use
prefixes, but all of these mean the same.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from xml.etree.ElementTree import Element, XMLPullParser
from xml.parsers import expat

from planit_mailer.spreadsheets.containers.zip_archive import Archive, Damaged

CHUNK = 262_144  # bytes
NOT_FINITE = ("NaN", "INF", "-INF")
DIGITS = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)


def events(archive: Archive, name: str) -> Iterator[tuple[str, Element]]:
    """Yield each element of a part as parsed() does. Raises KeyError if the part is missing, and parsed()'s errors."""
    return parsed(chunks(archive, name))


def parsed(chunks: Iterator[bytes]) -> Iterator[tuple[str, Element]]:
    """Yield each element of a document twice: with "start" when it begins, with "end" when it is complete.

    The caller clears the elements it has used, or the whole document gathers in memory.
    Raises Damaged if a document type is declared, or ParseError.
    """
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    for chunk in _without_doctype(chunks):
        parser.feed(chunk)
        yield from parser.read_events()  # type: ignore[misc]  # the two kinds of event that were asked for
    parser.close()
    yield from parser.read_events()  # type: ignore[misc]  # expat since 2.6 may put off the last chunk until the close


def chunks(archive: Archive, name: str) -> Iterator[bytes]:
    """Yield the bytes of a part, unpacked as they are asked for. Raises KeyError if there is no such part."""
    with archive.open(name) as part:
        while chunk := part.read(CHUNK):
            yield chunk


def tree(archive: Archive, name: str) -> Element:
    """Return the root element of a whole part, which should be small. Raises the errors of events()."""
    root: Element | None = None
    for _, element in events(archive, name):
        root = element
    if root is None:
        raise Damaged("a part without content")
    return root


def children(parent: Element, *names: str) -> Iterator[Element]:
    """Yield the elements at the end of a path of local names, in which each is a child of the one before."""
    for child in parent:
        if local(child.tag) != names[0]:
            continue
        if names[1:]:
            yield from children(child, *names[1:])
        else:
            yield child


def attribute(element: Element, name: str) -> str:
    """Return an attribute by its local name, or "" if the element does not have it."""
    for key, value in element.items():
        if local(key) == name:
            return value
    return ""


def is_true(element: Element | Mapping[str, str], name: str) -> bool:
    """Return True if an attribute is true in any spelling that XML or old writers have for it."""
    return element.get(name, "").strip().lower() in ("1", "true", "on")


def is_hidden(element: Element | Mapping[str, str], size: str) -> bool:
    """Return True if a row or column is hidden, by a person or a filter, or if its height or width is 0."""
    return is_true(element, "hidden") or number(element.get(size, "1")) == 0


def number(written: str) -> float:
    """Return a number that XML writes, finite or not. Raises Damaged for anything else."""
    if written in NOT_FINITE:
        return float(written)
    return float(_in_digits(written))


def integer(written: str) -> int:
    """Return a whole number that XML writes. Raises Damaged or ValueError for anything else."""
    return int(_in_digits(written))


def local(name: str) -> str:
    """Return the name of an element or attribute without its namespace."""
    return name.rpartition("}")[2]


def _in_digits(written: str) -> str:
    """Return a text that is a number in XML. Python's own check would accept 1_0 and the digits of every script."""
    if not DIGITS.fullmatch(written):
        raise Damaged("a number that is none")
    return written


def _without_doctype(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks unchanged. Raises Damaged as soon as a document type is declared.

    No workbook has a document type, and all attacks on an XML parser need one: it declares entities that grow, or files
    and addresses to fetch. It can only stand before the first element, so only the beginning is parsed twice.
    defusedxml checks whole documents in Python, and takes longer than all the reading.
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
    if not begun:  # expat since 2.6 may have put off the last chunk; the parser has put it off, too
        with suppress(expat.ExpatError):  # the parser raises its own
            guard.Parse(b"", True)

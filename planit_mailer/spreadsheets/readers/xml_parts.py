"""Reads the XML parts of a workbook in chunks, and refuses document types, through which XML can attack its reader.

Elements are compared by their local names. Strict OOXML has other namespaces than the usual kind, and some writers use
prefixes, but all of these mean the same.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from xml.etree.ElementTree import Element, XMLPullParser
from xml.parsers import expat

from planit_mailer.spreadsheets.containers.zip_archive import Archive, Damaged, TooLarge

CHUNK = 262_144  # bytes
PIECE = 65_536  # bytes that are parsed at once: their elements are all made before any is dropped
LONGEST = 4_000_000  # bytes of an element that has to be whole, or of a text or a comment
DEEPEST = 1_000  # elements that are open at once

IsWhole = Callable[[Sequence[Element]], bool]
NOT_FINITE = ("NaN", "INF", "-INF")
DIGITS = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)


def elements(archive: Archive, name: str, *paths: tuple[str, ...]) -> Iterator[Element]:
    """Yield the elements of a part at these paths of local names below the root, each with all that is in it.

    Each is dropped when the next one is asked for. Raises KeyError if the part is missing, and parsed()'s errors.
    """

    def is_meant(opened: Sequence[Element]) -> bool:
        return tuple(local(element.tag) for element in opened[1:]) in paths

    opened: list[Element] = []
    for event, element in parsed(chunks(archive, name), is_meant):
        if event == "start":
            opened.append(element)
            continue
        if is_meant(opened):
            yield element
        opened.pop()


def parsed(chunks: Iterator[bytes], is_whole: IsWhole) -> Iterator[tuple[str, Element]]:
    """Yield each element of a document twice: with "start" when it begins, with "end" when it has ended.

    `is_whole` is asked about each element when it begins, with all open elements, the new one last. If it is true, what
    is in the element is not yielded, but is in it when it has ended. All other elements have nothing in them. They are
    dropped when the next one is asked for, so that a document does not gather in memory.

    Raises Damaged if a document type is declared or elements are nested too deep, TooLarge if a whole element or a text
    is too long, or ParseError.
    """
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    outline = _Outline(is_whole)
    for piece in _pieces(_without_doctype(chunks)):
        parser.feed(piece)
        yield from outline.events(parser.read_events())  # type: ignore[arg-type]  # the two kinds that were asked for
        outline.count(len(piece))
    parser.close()
    yield from outline.events(parser.read_events())  # type: ignore[arg-type]  # expat since 2.6 may put off the last


class _Outline:
    """The elements that are open while a document is read. Those within a whole element are passed over."""

    def __init__(self, is_whole: IsWhole) -> None:
        self._is_whole = is_whole
        self._opened: list[Element] = []
        self._inside = 0  # elements that are open from a whole one on, itself included
        self._held = 0  # bytes read since an element began or ended, those within a whole one aside

    def events(self, events: Iterator[tuple[str, Element]]) -> Iterator[tuple[str, Element]]:
        """Yield the events that are not within a whole element. Raises Damaged if elements are nested too deep."""
        inside = self._inside  # a local name, for this loop runs for every element
        for event, element in events:
            if inside:
                inside += 1 if event == "start" else -1
                if inside:
                    continue
            self._held = 0
            if event == "start":
                self._open(element)
                inside = int(self._is_whole(self._opened))
                yield event, element
            else:
                self._opened.pop()
                yield event, element
                if self._opened:
                    del self._opened[-1][:]
        self._inside = inside

    def count(self, size: int) -> None:
        """Count bytes that were read. Raises TooLarge if they belong to one element, text or attribute for too long."""
        self._held += size
        if self._held > LONGEST:
            raise TooLarge(f"more than {LONGEST // 1_000_000:,} MB in one row, list or text")

    def _open(self, element: Element) -> None:
        self._opened.append(element)
        if len(self._opened) > DEEPEST:
            raise Damaged("elements that are nested too deep")


def chunks(archive: Archive, name: str) -> Iterator[bytes]:
    """Yield the bytes of a part, unpacked as they are asked for. Raises KeyError if there is no such part."""
    with archive.open(name) as part:
        while chunk := part.read(CHUNK):
            yield chunk


def tree(archive: Archive, name: str) -> Element:
    """Return the root element of a part with all that is in it, which should be little. Raises elements()'s errors."""
    for event, root in parsed(chunks(archive, name), _is_root):
        if event == "end":
            return root
    raise Damaged("a part without content")


def _is_root(opened: Sequence[Element]) -> bool:
    return len(opened) == 1


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


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks in pieces that are not too large."""
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            yield chunk[start : start + PIECE]


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

"""The XML parts of a workbook: numbers are those that XML has, and chunks may be divided anywhere."""

import tracemalloc
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

import pytest

from planit_mailer.spreadsheets.containers.zip_archive import Archive, Damaged, TooLarge
from planit_mailer.spreadsheets.model import Limits
from planit_mailer.spreadsheets.readers import xml_parts
from tests.support import workbooks


def is_row(opened: Sequence[Element]) -> bool:
    return opened[-1].tag == "row"


@pytest.mark.parametrize(
    ("written", "meant"), [("7", 7), (" -7.50 ", -7.5), ("+.5", 0.5), ("5.", 5), ("1.5E-3", 0.0015), ("007", 7)]
)
def test_a_number_is_read_as_xml_writes_it(written: str, meant: float) -> None:
    assert xml_parts.number(written) == meant


@pytest.mark.parametrize(
    "written", ["1_0", "٣", "\uff11", "", " ", "1 0", "0x10", "1e", "nan", "Infinity", "1,5", "--1"]
)
def test_what_only_python_takes_for_a_number_is_damage(written: str) -> None:
    with pytest.raises(Damaged):
        xml_parts.number(written)
    with pytest.raises(Damaged):
        xml_parts.integer(written)


# expat since 2.6 may put off a token that goes over two chunks until the end of the document.
@pytest.mark.parametrize("size", [1, 10, 150])
def test_no_element_is_lost_at_the_end_of_a_chunk(size: int) -> None:
    document = b"<a>" + b"<row>text</row>" * 100 + b"</a>"
    chunks = [document[place : place + size] for place in range(0, len(document), size)]

    ends = [element.tag for event, element in xml_parts.parsed(iter(chunks), is_row) if event == "end"]

    assert ends == ["row"] * 100 + ["a"]


def test_a_document_type_in_the_last_chunk_is_refused() -> None:
    chunks = [b"<!--" + b"x" * 200, b'--><!DOCTYPE a [<!ENTITY e "e">]><a>&e;</a>']

    with pytest.raises(Damaged):
        list(xml_parts.parsed(iter(chunks), is_row))


def test_an_element_that_has_to_be_whole_has_everything_and_all_others_nothing() -> None:
    document = b"<a><b><x/>1</b><row n='1'><c><row/>2</c></row><b><row n='2'/></b></a>"

    ends = []
    for event, element in xml_parts.parsed(iter([document]), is_row):
        if event == "end":
            ends.append((element.tag, element.get("n"), [child.tag for child in element.iter()][1:]))

    assert ends == [
        ("x", None, []),
        ("b", None, []),
        ("row", "1", ["c", "row"]),
        ("row", "2", []),
        ("b", None, []),
        ("a", None, []),
    ]


def test_elements_are_found_by_their_path_whatever_their_namespaces() -> None:
    part = (
        '<w xmlns="u:1" xmlns:x="u:2"><p a="1"/><l><s n="1"/><x:s n="2"><t/></x:s></l><e><p/><l><s n="3"/></l></e></w>'
    )
    archive = Archive(workbooks.packed({"part.xml": part}), Limits())

    found = [dict(element.items()) for element in xml_parts.elements(archive, "part.xml", ("p",), ("l", "s"))]

    assert found == [{"a": "1"}, {"n": "1"}, {"n": "2"}]


def endless(piece: bytes, times: int) -> Iterator[bytes]:
    """A document that repeats a piece within one element."""
    yield b"<a>"
    for _ in range(times):
        yield piece * 1_000
    yield b"</a>"


@pytest.mark.parametrize("piece", [b"<b/>", b"<b c='1'>x</b>", b"<row><c/></row>", b"<b><b2><b3/></b2></b>"])
def test_a_document_takes_no_memory_however_long_it_is(piece: bytes) -> None:
    tracemalloc.start()

    count = sum(1 for _ in xml_parts.parsed(endless(piece, 200), is_row))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count > 200_000
    assert peak < 20_000_000


ONE_ROW = b"<row>" + b"<c/>" * 1_500_000 + b"</row>"
LONG = b"x" * 6_000_000


@pytest.mark.parametrize(
    "document",
    [
        ONE_ROW,
        b"<t>" + LONG + b"</t>",
        b'<t a="' + LONG + b'"/>',
        b"<!--" + LONG + b"--><t/>",
        b"<row>" + b"<c>" * 1_000_000 + b"</c>" * 1_000_000 + b"</row>",
        b"<t " + b" ".join(b'a%d=""' % number for number in range(600_000)) + b"/>",
    ],
    ids=["a row", "a text", "an attribute", "a comment", "cells in cells", "attributes"],
)
def test_what_does_not_end_is_too_large(document: bytes) -> None:
    with pytest.raises(TooLarge):
        list(xml_parts.parsed(iter([b"<a>" + document + b"</a>"]), is_row))


def test_elements_a_hundred_thousand_deep_are_damage() -> None:
    with pytest.raises(Damaged):
        list(xml_parts.parsed(iter([b"<a>" * 100_000 + b"</a>" * 100_000]), is_row))

"""The XML parts of a workbook: numbers are those that XML has, and chunks may be divided anywhere."""

import pytest

from planit_mailer.spreadsheets.containers.zip_archive import Damaged
from planit_mailer.spreadsheets.readers import xml_parts


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

    ends = [element.tag for event, element in xml_parts.parsed(iter(chunks)) if event == "end"]

    assert ends == ["row"] * 100 + ["a"]


def test_a_document_type_in_the_last_chunk_is_refused() -> None:
    chunks = [b"<!--" + b"x" * 200, b'--><!DOCTYPE a [<!ENTITY e "e">]><a>&e;</a>']

    with pytest.raises(Damaged):
        list(xml_parts.parsed(iter(chunks)))

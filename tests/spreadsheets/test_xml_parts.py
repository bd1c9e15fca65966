"""The XML parts of a workbook: numbers are those that XML has, and no others."""

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

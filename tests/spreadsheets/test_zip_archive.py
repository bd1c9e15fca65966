import io
import struct
import zipfile

import pytest

from planit_mailer.spreadsheets import read
from planit_mailer.spreadsheets.containers.zip_archive import Archive, Damaged, TooLarge
from planit_mailer.spreadsheets.model import Limits, Reason, Unreadable
from tests.support.workbooks import packed, with_rows

LIMITS = Limits(unpacked=1_000_000)


def test_more_parts_than_any_workbook_has_are_refused_before_the_directory_is_read() -> None:
    data = packed({f"{number}": b"" for number in range(2_001)})

    with pytest.raises(TooLarge, match="more than 2,000 parts"):
        Archive(data, LIMITS)


def test_more_bytes_than_the_limit_are_refused_before_anything_is_unpacked() -> None:
    with pytest.raises(TooLarge, match="more than 1 MB when unpacked"):
        Archive(packed({"a": bytes(600_000), "b": bytes(600_000)}), LIMITS)


def test_a_bomb_within_the_limit_is_known_by_its_ratio() -> None:
    with pytest.raises(TooLarge, match="200 times its size"):
        Archive(packed({"a": bytes(20_000_000)}), Limits())


def test_what_is_packed_well_but_is_small_is_welcome() -> None:
    assert Archive(packed({"a": bytes(900_000)}), LIMITS).read("a") == bytes(900_000)


def test_bytes_are_counted_while_unpacking_since_a_part_may_be_read_twice() -> None:
    archive = Archive(packed({"a": bytes(600_000)}), LIMITS)
    archive.read("a")

    with pytest.raises(TooLarge, match="more than 1 MB when unpacked"):
        archive.read("a")


def test_a_directory_that_lies_about_a_size_unpacks_no_more_than_it_says() -> None:
    data = bytearray(packed({"a": bytes(5_000_000)}))
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 10)

    with pytest.raises(zipfile.BadZipFile):
        Archive(bytes(data), LIMITS).read("a")


def test_two_parts_with_one_name_are_damage() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/a.xml", b"1")
        archive.writestr("XL\\A.xml", b"2")

    with pytest.raises(Damaged):
        Archive(stream.getvalue(), LIMITS)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_what_excel_packs_with_is_unpacked(compression: int) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("a", b"1")

    with pytest.raises(Damaged):
        Archive(stream.getvalue(), LIMITS)


def test_a_workbook_that_unpacks_to_too_much_is_too_large() -> None:
    data = with_rows("", {"xl/media/image1.png": "0" * 1_100_000})

    assert read.read(data, LIMITS) == Unreadable(Reason.TOO_LARGE, "a workbook with more than 1 MB when unpacked")

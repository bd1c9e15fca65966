import bz2
import gzip
import io
import lzma
import re
import struct
import tarfile
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.containers import ole
from planit_mailer.spreadsheets.detect import FileKind
from tests.support.workbooks import a_workbook, packed


def a_compound(*names: str, below: tuple[str, ...] = ()) -> bytes:
    """An OLE compound file with these streams at the top and others one storage further down."""
    entries = [_entry("Root Entry", child=1 if names else ole.NO_ENTRY)]
    for number, name in enumerate(names, start=1):
        following = number + 1 if number < len(names) else ole.NO_ENTRY
        child = len(names) + 1 if below and number == len(names) else ole.NO_ENTRY
        entries.append(_entry(name, right=following, child=child))
    entries += [_entry(name) for name in below]
    directory = b"".join(entries)
    directory += bytes(-len(directory) % 512)
    sectors = len(directory) // 512
    chain = [*range(2, sectors + 1), 0xFFFFFFFE]
    table = struct.pack("<128I", 0xFFFFFFFD, *chain, *[0xFFFFFFFF] * (127 - len(chain)))
    header = ole.MAGIC + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6)
    header = header.ljust(0x30, b"\0") + struct.pack("<I", 1)
    return header.ljust(0x4C, b"\0") + struct.pack("<109I", 0, *[0xFFFFFFFF] * 108) + table + directory


def _entry(name: str, right: int = ole.NO_ENTRY, child: int = ole.NO_ENTRY) -> bytes:
    encoded = name.encode("utf-16-le")
    links = struct.pack("<HBBIII", len(encoded) + 2, 2, 1, ole.NO_ENTRY, right, child)
    return (encoded.ljust(64, b"\0") + links).ljust(128, b"\0")


def a_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("learners.xlsx"), io.BytesIO())
    return out.getvalue()


ODS = b"application/vnd.oasis.opendocument.spreadsheet"
ROWS = "UPIN\tForename\tSurname\tDOB\nA1\tAnn\tLee\t1\n"
KINDS = [
    (b"", detect.EMPTY),
    (a_workbook(lambda page: page.append([1])), detect.XLSX),
    (packed({"xl/workbook.bin": b"", "xl/vbaProject.bin": b""}), detect.XLSB),
    (packed({"xl/workbook.xml": b"", "xl/vbaProject.bin": b""}), detect.XLSX),
    (packed({"word/document.xml": b"", "word/embeddings/book.xlsx": b""}), detect.WORD),
    (packed({"ppt/presentation.xml": b""}), detect.POWERPOINT),
    (packed({"mimetype": ODS}), detect.ZIP),
    (packed({"META-INF/manifest.xml": b"", "mimetype": ODS, "content.xml": b""}), detect.ODS),
    (packed({"content.xml": b"", "mimetype": ODS.replace(b"spreadsheet", b"text")}), detect.OPEN_DOCUMENT),
    (packed({"content.xml": b""}), detect.ZIP),
    (packed({"Index/Document.iwa": b""}), detect.NUMBERS),
    (packed({"learners.xlsx": a_workbook(lambda page: page.append([1]))}), detect.ZIP),
    (packed({}), detect.ZIP),
    (a_compound("Workbook"), detect.XLS),
    (a_compound("Book"), detect.XLS),
    (a_compound("EncryptionInfo", "EncryptedPackage"), detect.ENCRYPTED),
    (a_compound("WordDocument", "ObjectPool", below=("Workbook",)), detect.WORD),
    (a_compound("a", "b", "c", "d", "Workbook", below=("WordDocument",)), detect.XLS),
    (a_compound("PowerPoint Document"), detect.POWERPOINT),
    (a_compound("__properties_version1.0"), detect.OUTLOOK),
    (a_compound(), detect.UNKNOWN),
    (b"%PDF-1.7\n", detect.PDF),
    (b"\x89PNG\r\n\x1a\n", detect.PICTURE),
    (b"\xff\xd8\xff\xe0", detect.PICTURE),
    (b"GIF89a", detect.PICTURE),
    (b"BM\x46\0\0\0\0\0\0\0", detect.PICTURE),
    (b"RIFF\0\0\0\0WEBPVP8 ", detect.PICTURE),
    (b"II*\0", detect.PICTURE),
    (b"\0\0\0\x18ftypheic", detect.PICTURE),
    (b"\0\0\0\x18ftypmp42", detect.VIDEO),
    (b'<?xml version="1.0"?><!-- by hand --><svg xmlns="http://www.w3.org/2000/svg"/>', detect.PICTURE),
    (b"{\\rtf1 Dear", detect.RICH_TEXT),
    (b"\x78\x9f\x3e\x22\0", detect.WINMAIL),
    (b"Rar!\x1a\x07\0", detect.RAR),
    (b"Rar!\x1a\x07\x01\0", detect.RAR),
    (b"7z\xbc\xaf\x27\x1c\0\4", detect.SEVEN_ZIP),
    (gzip.compress(b"UPN", mtime=0), detect.GZIP),
    (a_tar(), detect.TAR),
    (bz2.compress(b"UPN"), detect.ARCHIVE),
    (lzma.compress(b"UPN"), detect.ARCHIVE),
    (b"BEGIN:VCALENDAR\r\nVERSION:2.0", detect.CALENDAR),
    (b"BEGIN:VCARD\r\n", detect.CONTACT),
    (b"\r\n<html><table><tr><td>1", detect.HTML),
    ("\ufeff<!DOCTYPE html>".encode("utf-16"), detect.HTML),
    (b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x", detect.HTML),
    (
        b'<?mso-application progid="Excel.Sheet"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
        detect.XML_2003,
    ),
    (b"<style>td {color: red}</style><table><tr><td>UPN", detect.HTML),
    (b"<h2>Year 10</h2>\n<table><tr><td>UPN", detect.HTML),
    (b'<?xml version="1.0"?><office:document xmlns:office="x" office:mimetype="' + ODS + b'">', detect.FLAT_ODS),
    (b"[InternetShortcut]\r\nURL=https://greenfield.sharepoint.com/x\r\n", detect.LINK),
    (b'{"":"WARNING! DO NOT EDIT THIS FILE!","doc_id":"1a","resource_key":"","email":"a@b.test"}', detect.LINK),
    (b'{"url":"https://docs.google.com/open?id=1a","doc_id":"1a"}', detect.LINK),
    (b'{"grades": [7, 8]}', detect.TEXT),
    (b"Dear office, here are the grades, as promised, of Year 9.\nAnn", detect.TEXT),
    ("Zoë was here".encode(), detect.TEXT),
    ("Zoë was here".encode("cp1252"), detect.TEXT),
    (b"UPIN,Forename,Surname,DOB,Year\r\nA1,Ann,Lee,12/01/2007,9\r\n", detect.TABLE),
    *(
        (ROWS.encode(encoding), detect.TABLE)
        for encoding in ("utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
    ),
    (b"\x09\x08\x10\0\0\x06\x05\0", detect.XLS),
    (b"\x7fELF\x02\x01\x01\0", detect.UNKNOWN),
    (bytes(100), detect.UNKNOWN),
]


COMPOUNDS = [a_compound(name) for name in ("EncryptedPackage", "Workbook", "WordDocument")]


@pytest.mark.parametrize(("data", "kind"), KINDS)
def test_a_file_is_known_by_its_bytes(data: bytes, kind: FileKind) -> None:
    assert detect.sniff(data) == kind


def test_an_open_document_spreadsheet_says_so_in_its_first_part() -> None:
    stored = b"PK\x03\x04" + bytes(22) + b"\x08\0\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet"

    assert detect.sniff(stored) == detect.ODS


def test_spreadsheets_and_archives_may_hold_a_form_and_pictures_may_not() -> None:
    assert detect.XLSX.may_hold_a_form
    assert detect.ENCRYPTED.may_hold_a_form
    assert all(archive.may_hold_a_form for archive in detect.ARCHIVES)
    assert detect.TABLE.may_hold_a_form
    assert not detect.PICTURE.may_hold_a_form
    assert not detect.TEXT.may_hold_a_form


@given(st.sampled_from([data for data, _ in KINDS]), st.integers(0, 2_000), st.binary(max_size=8))
def test_no_bytes_make_it_raise(data: bytes, place: int, noise: bytes) -> None:
    assert isinstance(detect.sniff(data[:place] + noise + data[place + len(noise) :]), FileKind)
    assert isinstance(detect.sniff(data[:place]), FileKind)


@pytest.mark.parametrize(("data", "kind"), KINDS)
def test_the_beginning_of_a_file_tells_as_much_as_all_of_it(data: bytes, kind: FileKind) -> None:
    assert detect.kinds([data[: detect.BEGINNING]]) == (kind,)


@pytest.mark.parametrize("data", COMPOUNDS)
def test_of_a_container_whose_directory_comes_later_a_person_looks(data: bytes) -> None:
    late = bytearray(data[:512] + bytes(detect.BEGINNING) + data[512:])
    moved = detect.BEGINNING // 512
    late[0x30:0x34] = struct.pack("<I", 1 + moved)
    late[0x4C:0x50] = struct.pack("<I", moved)
    assert detect.kinds([bytes(late[: detect.BEGINNING])]) == (detect.ARCHIVE,)
    assert detect.kinds([b"PK\x03\x04" + bytes(detect.BEGINNING - 4)]) == (detect.ZIP,)


@given(st.lists(st.sampled_from(["<?", "?>", "<!--", "-->", "<!-", "-", "->", " ", "a", "<", ">", "?", "!"])))
def test_declarations_and_comments_are_taken_out_wherever_they_stand(words: list[str]) -> None:
    text = "".join(words)
    expected = re.sub(r"<\?.*?\?>|<!--.*?-->", "", text, flags=re.DOTALL).lstrip(detect.BLANK)
    assert detect._without_prologue(text) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"<!--" * 5_000,
        b"<?" * 9_000,
        b"<?" * 9_000 + b"?>",
        b"<!---->" * 9_000,
        b" " * 9_000,
        b"<!doctype svg" * 900,
        b"PK\x03\x04" * 900_000,
    ],
)
def test_hostile_text_costs_no_time(data: bytes) -> None:
    begun = time.perf_counter()

    detect.sniff(data)

    assert time.perf_counter() - begun < 1


def a_compound(shift: int, sectors: int = 3) -> bytes:
    """A compound file whose one directory sector is its own successor."""
    head = bytearray(ole.MAGIC + bytes(504))
    head[0x1E:0x20] = shift.to_bytes(2, "little")
    head[0x30:0x34] = (1).to_bytes(4, "little")
    head[0x4C:0x50] = (0).to_bytes(4, "little")
    table = b"".join(n.to_bytes(4, "little") for n in [0xFFFFFFFD, *[1] * 127])
    return bytes(head) + table + bytes(512 * sectors)


@pytest.mark.parametrize("shift", [0, 9, 12, 16, 65535])
def test_a_compound_file_that_goes_round_in_circles_is_named_at_once(shift: int) -> None:
    assert detect.sniff(a_compound(shift)) == detect.UNKNOWN


def test_a_compound_file_whose_list_of_tables_has_no_end_is_named_at_once() -> None:
    claimed = 1_000_000
    counts = struct.pack("<10I", 0, 109 + 127 * claimed, 1, 0, 4096, 0xFFFFFFFE, 0, 2, claimed, 0)
    head = ole.MAGIC + bytes(16) + struct.pack("<6H", 0x3E, 3, 0xFFFE, 9, 6, 0) + bytes(4) + counts
    list_that_is_its_own_successor = struct.pack("<128I", *[0] * 127, 2)
    data = head.ljust(512, b"\0") + b"\xfe\xff\xff\xff" * 128 + bytes(512) + list_that_is_its_own_successor
    begun = time.perf_counter()

    assert detect.sniff(data) == detect.UNKNOWN
    assert time.perf_counter() - begun < 1

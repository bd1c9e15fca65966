"""Files that mean harm, or were harmed: each makes its bytes when asked, and has one line that says why it is here."""

import io
import random
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import xlwt

from tests.spreadsheets.test_ods import an_ods
from tests.spreadsheets.test_ods import cell as ods_cell
from tests.spreadsheets.test_ods import row as ods_row
from tests.spreadsheets.test_xls import an_xls
from tests.spreadsheets.test_xlsb import an_xlsb, number, row
from tests.support import encrypting, forms
from tests.support.workbooks import MAIN, packed, parts_of, with_rows, with_sheet

OPEN, LARGE, KIND, LOCKED = "cannot-be-opened", "file-too-large", "not-a-spreadsheet", "password-protected"
NO_FORM, EMPTY, UNREAD = "no-form-found", "file-empty", "file-kind-not-read"
ZEROS = bytes(1_000_000)


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file: why it is here, how it is made, and the codes of problems that may come of it."""

    why: str
    make: Callable[[], bytes]
    codes: tuple[str, ...] = (OPEN,)


def bomb(name: str, content: bytes, times: int) -> bytes:
    """A workbook with a part that repeats its content, packed a thousand times smaller."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, written in parts_of(forms.flat()).items():
            if part != name:
                archive.writestr(part, written)
        with archive.open(name, "w") as stream:
            for _ in range(times):
                stream.write(content)
    return out.getvalue()


def lying(data: bytes, real: int, told: int) -> bytes:
    """An archive whose directory tells another size of a part."""
    return data.replace(struct.pack("<I", real), struct.pack("<I", told))


def many_parts() -> bytes:
    parts: dict[str, bytes | str] = {f"xl/media/{number}.png": b"" for number in range(20_000)}
    return packed(parts | parts_of(forms.flat()))


def nested() -> bytes:
    data = packed({"zeros": ZEROS * 10})
    for _ in range(10):
        data = packed({"inner.zip": data})
    return data


def deep(depth: int) -> str:
    return "<a>" * depth + "</a>" * depth


def entities() -> bytes:
    lol = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    sheet = f'<!DOCTYPE x [{lol}]><worksheet xmlns="{MAIN}"><sheetData>&a9;</sheetData></worksheet>'
    return with_sheet("", {"xl/worksheets/sheet1.xml": sheet})


def outside(address: str) -> bytes:
    sheet = (
        f'<!DOCTYPE x [<!ENTITY a SYSTEM "{address}">]><worksheet xmlns="{MAIN}"><sheetData>&a;</sheetData></worksheet>'
    )
    return with_sheet("", {"xl/worksheets/sheet1.xml": sheet})


def attributes() -> bytes:
    names = " ".join(f'a{number}="1"' for number in range(200_000))
    return with_rows(f'<row r="1"><c r="A1" {names}><v>1</v></c></row>')


def shared(items: str) -> bytes:
    table = {"xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{items}</sst>'}
    return with_sheet('<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData>', table)


def rows(count: int, cell: str) -> bytes:
    return with_rows("".join(f'<row r="{n}">{cell.format(n)}</row>' for n in range(1, count + 1)))


def merged() -> bytes:
    ranges = '<mergeCell ref="A1:XFD1048576"/>' * 200_000
    return with_sheet(f"<sheetData/><mergeCells>{ranges}</mergeCells>")


def endless_ods() -> bytes:
    endless = ods_row(ods_cell("x", "string"), attributes='table:number-rows-repeated="2000000000"')
    return an_ods(f"<table:table>{endless}</table:table>")


def columns(count: int) -> bytes:
    return an_xls(lambda page: [page.write(0, column, "x") for column in range(count)])


def cyclic() -> bytes:
    cells = '<c r="A1"><f>B1</f></c><c r="B1"><f>A1</f><v>0</v></c>'
    return with_rows(f'<row r="1">{cells}</row>')


def encrypted() -> bytes:
    return encrypting.agile(forms.flat(), "secret")


def endless_hashing() -> bytes:
    told, asked = b'  <p:encryptedKey spinCount="100000"', b' <p:encryptedKey spinCount="9999999"'
    locked = encrypted()
    assert told in locked
    return locked.replace(told, asked)


def xls_form() -> bytes:
    def fill(page: xlwt.Worksheet) -> None:
        for place, values in enumerate(forms.flat_rows([forms.learner(n) for n in range(1, 50)])):
            for column, value in enumerate(values):
                page.write(place, column, "" if value is None else str(value))

    return an_xls(fill)


def ods_form() -> bytes:
    written = forms.flat_rows([forms.learner(n) for n in range(1, 50)])
    table = "".join(ods_row(*(ods_cell(str(value or ""), "string") for value in values)) for values in written)
    return an_ods(f'<table:table table:name="1">{table}</table:table>')


def xlsb_form() -> bytes:
    return an_xlsb(b"".join(row(n, number(1, n), number(2, n / 7)) for n in range(1, 200)))


def csv_form() -> bytes:
    return "".join(",".join(str(value or "") for value in values) + "\r\n" for values in forms.flat_rows()).encode()


WHOLE = {"xlsx": forms.flat, "xls": xls_form, "ods": ods_form, "xlsb": xlsb_form, "csv": csv_form}

HOSTILE = (
    Hostile(
        "a sheet of a gigabyte of zeros packed into one megabyte",
        lambda: bomb("xl/worksheets/sheet1.xml", ZEROS, 1_000),
        (LARGE,),
    ),
    Hostile(
        "a sheet that goes on within the limit of bytes, but not of ratio",
        lambda: bomb("xl/worksheets/sheet1.xml", ZEROS, 90),
        (LARGE,),
    ),
    Hostile("a part that nobody reads is a bomb, too", lambda: bomb("xl/media/a.png", ZEROS, 1_000), (LARGE,)),
    Hostile(
        "a sheet whose directory says that it is small",
        lambda: lying(bomb("xl/worksheets/sheet1.xml", ZEROS, 90), 90_000_000, 90),
        (OPEN, LARGE),
    ),
    Hostile("archives in archives, ten deep", nested, (KIND,)),
    Hostile("twenty thousand parts", many_parts, (LARGE, KIND)),
    Hostile("entities that grow to three thousand million characters", entities),
    Hostile("an entity that reads a file of ours", lambda: outside("file:///etc/passwd")),
    Hostile("an entity that asks the network", lambda: outside("http://192.0.2.1/x")),
    Hostile("elements a hundred thousand deep", lambda: with_rows(deep(100_000))),
    Hostile(
        "elements a hundred thousand deep in a shared text",
        lambda: shared(f"<si>{deep(100_000)}</si>"),
        (OPEN, NO_FORM),
    ),
    Hostile(
        "a cell with two hundred thousand attributes, for readers that compare each with each",
        attributes,
        (OPEN, NO_FORM),
    ),
    Hostile(
        "a shared text of a hundred thousand runs",
        lambda: shared(f"<si>{'<r><t>x</t></r>' * 100_000}</si>"),
        (NO_FORM,),
    ),
    Hostile("a million shared texts", lambda: shared("<si><t>x</t></si>" * 1_000_000), (LARGE,)),
    Hostile("a shared text of nine million characters", lambda: shared(f"<si><t>{'x' * 9_000_000}</t></si>"), (LARGE,)),
    Hostile(
        "all rows that a sheet can have, formatted and empty",
        lambda: rows(1_048_576, '<c r="A{0}" s="0"/>'),
        (LARGE, NO_FORM),
    ),
    Hostile("all rows that a sheet can have, filled", lambda: rows(1_048_576, '<c r="A{0}"><v>1</v></c>'), (LARGE,)),
    Hostile(
        "one cell in the last corner",
        lambda: with_rows('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
        (LARGE,),
    ),
    Hostile(
        "all columns that a sheet can have",
        lambda: with_rows(f'<row r="1">{"<c><v>1</v></c>" * 16_384}</row>'),
        (LARGE,),
    ),
    Hostile(
        "a sheet that is one row without end",
        lambda: with_rows(f'<row r="1">{"<c/>" * 5_000_000}</row>'),
        (LARGE, NO_FORM),
    ),
    Hostile("an .xls as wide as it can be", lambda: columns(256), (NO_FORM,)),
    Hostile("an .ods that repeats one filled row for ever", endless_ods, (LARGE,)),
    Hostile("an .xlsb whose record says that it is longer than the file", lambda: an_xlsb(b"\x00\xff\xff\xff\x7f")),
    Hostile("formulas that need each other", cyclic, (NO_FORM,)),
    Hostile("merged cells over the whole sheet, again and again", merged, (LARGE,)),
    Hostile("a text file of nothing but quotes", lambda: b'"' * 5_000_000, (NO_FORM, OPEN)),
    Hostile("a text file of nothing but commas", lambda: b"," * 5_000_000, (NO_FORM, LARGE)),
    Hostile("a workbook that opens with a password", encrypted, (LOCKED,)),
    Hostile("a locked workbook that asks for ten million rounds of hashing", endless_hashing, (LOCKED,)),
    Hostile("an empty file", bytes, (EMPTY,)),
    Hostile("a picture called a workbook", lambda: b"\x89PNG\r\n\x1a\n" + bytes(1_000), (KIND,)),
    Hostile(
        "a web page called .xls, as report tools write",
        lambda: b"<html><table><tr><td>UPN</td></tr></table></html>",
        (UNREAD,),
    ),
    Hostile(
        "Excel's XML of 2003 called .xls",
        lambda: b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        (UNREAD,),
    ),
)


HARMS = tuple(
    (kind, how) for kind in WHOLE for how in ("cut at 5", "cut at 50", "cut at 95", "flip 1", "flip 10", "flip 100")
)


def harmed(kind: str, how: str) -> bytes:
    """A file of a kind cut off at so many percent, or with so many of its bits turned over in the same places."""
    data = bytearray(WHOLE[kind]())
    amount = int(how.rpartition(" ")[2])
    if how.startswith("cut"):
        return bytes(data[: len(data) * amount // 100])
    choose = random.Random(amount)
    for place in choose.sample(range(len(data)), min(amount, len(data))):
        data[place] ^= 1 << choose.randrange(8)
    return bytes(data)

"""Builders of workbooks: through openpyxl, and part by part where openpyxl cannot write what others do."""

import io
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import astuple
from types import MappingProxyType

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from planit_mailer.spreadsheets import read
from planit_mailer.spreadsheets.model import Cell, Limits, Row, Sheet, Unreadable
from planit_mailer.spreadsheets.references import address

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
STRICT_RELATIONS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = {
    "xl/workbook.xml": "sheet.main",
    "xl/worksheets/sheet1.xml": "worksheet",
    "xl/sharedStrings.xml": "sharedStrings",
    "xl/styles.xml": "styles",
}
NOTHING: Mapping[str, str] = MappingProxyType({})


def values(found: Iterable[Sheet | Row] | Unreadable) -> list[tuple[object, ...]]:
    """What was read, to be compared by what it says: a cell is equal to no other."""
    assert not isinstance(found, Unreadable)
    return [astuple(part) for part in found]


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def a_workbook(fill: Callable[[Worksheet], object]) -> bytes:
    """A workbook of one sheet, filled by a function."""
    book = Workbook()
    assert isinstance(book.active, Worksheet)
    fill(book.active)
    return saved(book)


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def with_sheet(body: str, parts: Mapping[str, str] = NOTHING, *, main: str = MAIN, relations: str = RELATIONS) -> bytes:
    """A workbook of one sheet whose XML stands here, between the root's tags; `parts` replaces or adds others."""
    kind = relations.rpartition("/")[0]
    return packed(
        {
            "[Content_Types].xml": _types(("xl/workbook.xml", "xl/worksheets/sheet1.xml", *parts)),
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="a" '
            f'Type="{kind}/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">'
            f'<Relationship Id="r1" Type="{kind}/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="r2" Type="{kind}/relationships/sharedStrings" Target="sharedStrings.xml"/>'
            f'<Relationship Id="r3" Type="{kind}/relationships/styles" Target="/xl/styles.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}">'
            '<sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}">{body}</worksheet>',
            **parts,
        }
    )


def _types(parts: Collection[str]) -> str:
    """The part that says what the others are."""
    family = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    named = "".join(
        f'<Override PartName="/{part}" ContentType="{family}.{kind}+xml"/>'
        for part, kind in TYPES.items()
        if part in parts
    )
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<Types xmlns="{space}"><Default Extension="rels" ContentType="application/xml"/>{named}</Types>'


def with_rows(rows: str, parts: Mapping[str, str] = NOTHING) -> bytes:
    return with_sheet(f"<sheetData>{rows}</sheetData>", parts)


def with_styles(*codes: str) -> dict[str, str]:
    """The styles part with one cell style for each number format."""
    formats = "".join(f'<numFmt numFmtId="{164 + number}" formatCode="{code}"/>' for number, code in enumerate(codes))
    styles = "".join(f'<xf numFmtId="{164 + number}"/>' for number in range(len(codes)))
    xml = f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs>'
    return {"xl/styles.xml": f"{xml}<cellXfs>{styles}</cellXfs></styleSheet>"}


def sheets(data: bytes, limits: Limits | None = None) -> tuple[Sheet, ...]:
    result = read.read(data, limits or Limits())
    assert isinstance(result, tuple), result
    return result


def sheet(data: bytes) -> Sheet:
    (only,) = sheets(data)
    return only


def cells(data: bytes) -> dict[str, Cell]:
    """All filled cells of the one sheet by their address."""
    return {
        address(row.number, column): cell
        for row in sheet(data).rows
        for column, cell in enumerate(row.cells, start=1)
        if cell is not None
    }


def texts(data: bytes) -> dict[str, str]:
    return {place: cell.text for place, cell in cells(data).items()}

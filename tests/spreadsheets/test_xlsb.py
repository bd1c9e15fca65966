"""Excel binary workbooks: the package of .xlsx with records in it, laid here record by record."""

import io
import struct
from collections.abc import Sequence
from datetime import datetime

import pytest
from python_calamine import CalamineWorkbook

from planit_mailer.spreadsheets import read
from planit_mailer.spreadsheets.model import Kind, Limits, Range, Reason, Unreadable
from planit_mailer.spreadsheets.readers import xlsb
from tests.support.workbooks import PACKAGE, packed, sheets

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
FORMATS = ("General", "0.0%", "000", "dd/mm/yyyy")


def record(number: int, body: bytes = b"") -> bytes:
    head = bytes([number]) if number < 128 else bytes([number & 0x7F | 0x80, number >> 7])
    size, length = b"", len(body)
    while length > 127:
        size, length = size + bytes([length & 0x7F | 0x80]), length >> 7
    return head + size + bytes([length]) + body


def text(written: str) -> bytes:
    return struct.pack("<I", len(written.encode("utf-16-le")) // 2) + written.encode("utf-16-le")


def row(number: int, *cells: bytes, hidden: bool = False) -> bytes:
    head = struct.pack("<IIHBBBI", number - 1, 0, 300, 0, 0x10 * hidden, 0, 0)
    return record(xlsb.ROW, head) + b"".join(cells)


def cell(kind: int, column: int, value: bytes, style: int = 0) -> bytes:
    return record(kind, struct.pack("<II", column - 1, style) + value)


def number(column: int, value: float, style: int = 0) -> bytes:
    return cell(xlsb.REAL, column, struct.pack("<d", value), style)


def an_xlsb(
    data: bytes, *, before: bytes = b"", after: bytes = b"", since_1904: bool = False, hidden: int = 0
) -> bytes:
    """A workbook of one sheet with rows, what stands before and after them, and a second sheet, hidden or not."""
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(
            [
                ("worksheet", "worksheets/sheet1.bin"),
                ("worksheet", "worksheets/sheet2.bin"),
                ("sharedStrings", "sharedStrings.bin"),
                ("styles", "styles.bin"),
            ],
            1,
        )
    )
    book = record(131) + record(xlsb.PROPERTIES, struct.pack("<III", since_1904, 0, 0)) + record(143)
    for place, state in enumerate((0, hidden), 1):
        book += record(xlsb.SHEET, struct.pack("<II", state, place) + text(f"r{place}") + text(f"Sheet{place}"))
    return packed(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}">'
            f'<Relationship Id="a" Type="{OFFICE}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
            "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{PACKAGE}">{relations}</Relationships>',
            "xl/workbook.bin": book + record(144) + record(132),
            "xl/sharedStrings.bin": record(159, struct.pack("<II", 2, 2))
            + record(xlsb.SHARED_ITEM, b"\0" + text("Ann"))
            + record(xlsb.SHARED_ITEM, b"\0" + text("Zoë"))
            + record(160),
            "xl/styles.bin": styles(FORMATS),
            "xl/worksheets/sheet1.bin": worksheet(data, before, after),
            "xl/worksheets/sheet2.bin": worksheet(b""),
        }
    )


def styles(codes: Sequence[str]) -> bytes:
    formats = b"".join(record(xlsb.FORMAT, struct.pack("<H", 164 + n) + text(code)) for n, code in enumerate(codes))
    xfs = b"".join(record(xlsb.STYLE, struct.pack("<HH12x", 0, 164 + n)) for n in range(len(codes)))
    parents = record(626) + record(xlsb.STYLE, struct.pack("<HH12x", 0xFFFF, 9)) + record(627)
    formats = record(615, struct.pack("<I", len(codes))) + formats + record(616)
    return (
        record(278) + formats + parents + record(617, struct.pack("<I", len(codes))) + xfs + record(618) + record(279)
    )


def worksheet(rows: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    dimension = record(148, struct.pack("<4I", 0, 20, 0, 20))
    return record(129) + dimension + before + record(145) + rows + record(146) + after + record(130)


def test_each_kind_of_value_keeps_its_kind_and_shows_its_text() -> None:
    formula = struct.pack("<HII", 0, 0, 0)
    data = an_xlsb(
        row(
            3,
            cell(xlsb.SHARED, 1, struct.pack("<I", 1)),
            number(2, 0.953, 1),
            cell(xlsb.RK, 3, struct.pack("<i", 7 << 2 | 2), 2),
            cell(xlsb.RK, 4, struct.pack("<i", 9560 << 2 | 3)),
            number(5, 39094, 3),
            cell(xlsb.BOOLEAN, 6, b"\1"),
            cell(xlsb.ERROR, 7, b"\x2a"),
            cell(xlsb.TEXT, 8, text(" Lee ")),
            cell(xlsb.RICH_TEXT, 9, b"\1" + text("rich") + bytes(8)),
            cell(xlsb.FORMULA_TEXT, 10, text("told") + formula),
            cell(xlsb.FORMULA_NUMBER, 11, struct.pack("<d", 0.5) + formula, 1),
            cell(xlsb.FORMULA_BOOLEAN, 12, b"\0" + formula),
            cell(xlsb.FORMULA_ERROR, 13, b"\x07" + formula),
            cell(1, 14, b"", 1),
        )
    )

    (found,) = sheets(data)[0].rows

    assert found.number == 3
    assert [(one.kind, one.text) for one in found.cells if one] == [
        (Kind.TEXT, "Zoë"),
        (Kind.NUMBER, "95.3%"),
        (Kind.NUMBER, "007"),
        (Kind.NUMBER, "95.6"),
        (Kind.DATE, "12/01/2007"),
        (Kind.BOOLEAN, "TRUE"),
        (Kind.ERROR, "#N/A"),
        (Kind.TEXT, "Lee"),
        (Kind.TEXT, "rich"),
        (Kind.TEXT, "told"),
        (Kind.NUMBER, "50.0%"),
        (Kind.BOOLEAN, "FALSE"),
        (Kind.ERROR, "#DIV/0!"),
    ]


def test_a_cell_without_its_column_stands_in_the_next_one() -> None:
    def short(kind: int, value: bytes = b"", style: int = 0) -> bytes:
        return record(kind, struct.pack("<I", style) + value)

    data = an_xlsb(
        row(1, short(17, text("Lee")), short(12), short(13, struct.pack("<i", 7 << 2 | 2), 2))
        + row(
            2,
            cell(xlsb.BLANK, 2, b""),
            short(18, struct.pack("<I", 1)),
            number(5, 1),
            short(16, struct.pack("<d", 0.953), 1),
            short(15, b"\1"),
            short(14, b"\x2a"),
        )
    )

    first, second = sheets(data)[0].rows

    assert [one and one.text for one in first.cells] == ["Lee", None, "007"]
    assert [one and one.text for one in second.cells] == [None, None, "Zoë", None, "1", "95.3%", "TRUE", "#N/A"]


@pytest.mark.parametrize("value", [0.0, 7.0, -3.5, 0.953, 1e300, 123456.78])
def test_calamine_reads_the_same_values(value: float) -> None:
    data = an_xlsb(row(1, number(1, value), cell(xlsb.RK, 2, struct.pack("<i", 1234 << 2 | 3)), number(3, 1)))

    theirs = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()

    assert [one.value for one in sheets(data)[0].rows[0].cells if one] == theirs[0] == [value, 12.34, 1]


def test_what_is_hidden_or_merged_is_told() -> None:
    columns = record(390) + record(xlsb.COLUMNS, struct.pack("<4IH", 1, 1, 2304, 0, 1)) + record(391)
    merged = record(177) + record(xlsb.MERGED, struct.pack("<4I", 4, 5, 0, 2)) + record(178)
    rows = row(1, number(1, 1), number(2, 2), number(3, 3)) + row(2, number(1, 1), hidden=True)

    first, second = sheets(an_xlsb(rows, before=columns, after=merged, hidden=2))

    assert [one.hidden for one in first.rows] == [False, True]
    assert first.hidden_columns == {2}
    assert first.merged == (Range(5, 1, 6, 3),)
    assert (first.hidden, second.hidden, second.name) == (False, True, "Sheet2")


def test_a_workbook_that_counts_from_1904_gives_the_same_dates() -> None:
    found = sheets(an_xlsb(row(1, number(1, 39094 - 1462, 3)), since_1904=True))[0].rows[0].cells[0]

    assert found is not None
    assert found.value == datetime.fromisoformat("2007-01-12")


def test_more_than_the_limits_is_too_large() -> None:
    data = an_xlsb(b"".join(row(n, number(n, 1)) for n in range(1, 6)))

    for limits in (Limits(rows=4), Limits(columns=4)):
        found = read.read(data, limits)
        assert isinstance(found, Unreadable)
        assert found.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "rows",
    [
        row(2, number(1, 1)) + row(1, number(1, 1)),
        row(1, number(2, 1), number(1, 1)),
        row(1, number(1, 1, 99)),
        row(1, cell(xlsb.SHARED, 1, struct.pack("<I", 99))),
        row(1, cell(xlsb.SHARED, 1, b"")),
        row(1, cell(xlsb.REAL, 1, b"\0")),
        b"\x00\xff\xff\xff\x7f",
    ],
)
def test_records_that_contradict_each_other_are_damage(rows: bytes) -> None:
    found = read.read(an_xlsb(rows), Limits())

    assert isinstance(found, Unreadable)
    assert found.reason is Reason.CANNOT_BE_OPENED

"""Ordinary markup is read by patterns, everything else by a parser of XML: nobody can tell which it was."""

import io
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet
from xlsxwriter import Workbook as Written

from planit_mailer.spreadsheets import read
from planit_mailer.spreadsheets.model import Limits, Reason, Sheet, Unreadable
from planit_mailer.spreadsheets.readers import xlsx_fast
from planit_mailer.spreadsheets.readers.xlsx_fast import Shape
from tests.support.workbooks import MAIN, a_workbook, texts, values, with_rows, with_sheet, with_styles

STRINGS = {"xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{"".join(f"<si><t>T{n}</t></si>" for n in range(20))}</sst>'}
PARTS = STRINGS | with_styles("General", "0.0%", "000000", "dd/mm/yyyy", "@", ";;;")


def by_parser(data: bytes, limits: Limits) -> tuple[Sheet, ...] | Unreadable:
    """A workbook as the parser alone reads it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xlsx_fast, "remaining", lambda _shape, chunks, _take: chunks)
        return read.read(data, limits)


def left_to_the_parser(data: bytes) -> bytes:
    """What of its sheets and shared texts the patterns do not take."""
    left: list[bytes] = []
    taken = xlsx_fast.remaining

    def seen(shape: Shape, chunks: Iterator[bytes], take: Callable[[bytes], None]) -> Iterator[bytes]:
        for chunk in taken(shape, chunks, take):
            left.append(chunk)
            yield chunk

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xlsx_fast, "remaining", seen)
        assert isinstance(read.read(data, Limits()), tuple)
    return b"".join(left)


def agreed(data: bytes, limits: Limits | None = None) -> tuple[Sheet, ...] | Unreadable:
    """What both ways make of a workbook: the same sheets, or a refusal; of two faults they may name different ones."""
    found, expected = read.read(data, limits or Limits()), by_parser(data, limits or Limits())
    both_refuse = isinstance(found, Unreadable) and isinstance(expected, Unreadable)
    assert both_refuse or values(found) == values(expected)
    return found


# ── whatever stands in a sheet ──

TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs", "S"]), max_size=6).map(
    lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
)
ODD_TEXTS = st.sampled_from(
    [
        "a > b",
        "]]>",
        "&#65;&#x42;",
        "&#13;",
        "&#0;",
        "&#xFFFE;",
        "&nbsp;",
        "&",
        "\x01",
        "a\r\nb",
        "_x000D_",
        "<![CDATA[x]]>",
    ]
)
NUMBERS = st.one_of(
    st.integers(-10, 50_000).map(str), st.floats(-1e6, 1e6).map(repr), st.sampled_from(["", " 7 ", "1E3", "NaN", "x"])
)
STYLES = st.sampled_from(["", ' s="0"', ' s="1"', ' s="2"', ' s="3"', ' s="4"', ' s="5"', ' s="77"', ' s="1" s="2"'])
FORMULAS = st.sampled_from(["", "", "", "<f>A1+1</f>", '<f t="shared" ref="A1:A2" si="0">B1&amp;"x"</f>', "<f/>"])


@st.composite
def contents(draw: st.DrawFn) -> str:
    """What follows the reference of a cell."""
    style, formula, number = draw(STYLES), draw(FORMULAS), draw(NUMBERS)
    text = draw(st.one_of(TEXTS, TEXTS, ODD_TEXTS))
    return draw(
        st.sampled_from(
            [
                f"{style}/>",
                f"{style} />",
                f"{style}></c>",
                f"{style}>{formula}<v>{number}</v></c>",
                f'{style} t="n">{formula}<v>{number}</v></c>',
                f'{style} t="s"><v>{draw(st.integers(-1, 20))}</v></c>',
                f' t="str"{style}>{formula}<v>{text}</v></c>',
                f' t="str"{style}>{formula}<v></v></c>',
                f'{style} t="b"><v>1</v></c>',
                f'{style} t="e">{formula}<v>#N/A</v></c>',
                f'{style} t="inlineStr"><is><t>{text}</t></is></c>',
                f'{style} t="inlineStr"><is><t xml:space="preserve"> {text} </t></is></c>',
                f'{style} t="inlineStr"><is><r><t>{text}</t></r><r><t>x</t></r></is></c>',
                f"{style} cm='1'><v>{number}</v></c>",
                f'{style} t="d"><v>2007-01-12</v></c>',
                f"{style}>{formula}<v>{number}</v><extLst/></c>",
            ]
        )
    )


@st.composite
def rows(draw: st.DrawFn) -> str:
    """A row, nearly always with its cells where they belong."""
    number = draw(st.integers(1, 30))
    letters = draw(st.lists(st.sampled_from(["A", "B", "C", "D", "AA", "KN", "KO", "XFD"]), max_size=5, unique=True))
    order = sorted(letters, key=lambda name: (len(name), name)) if draw(st.integers(0, 9)) else letters
    cells = "".join(f'<c r="{name}{draw(st.sampled_from([number] * 30 + [99]))}"{draw(contents())}' for name in order)
    attributes = draw(st.sampled_from(["", ' spans="1:3"', ' hidden="1"', ' ht="0" customHeight="1"', " "]))
    between = draw(st.sampled_from(["", "", "", "\n  ", "<!-- x -->", "<!-- <row/> -->"]))
    if not cells:
        return f'<row r="{number}"{attributes}/>{between}'
    return f'<row r="{number}"{attributes}>{cells}</row>{between}'


@settings(max_examples=200, deadline=None)
@given(
    st.lists(rows(), max_size=6, unique_by=lambda row: row[:12]),
    st.sampled_from(["", '<cols><col min="2" max="3" hidden="1"/></cols>']),
)
def test_both_ways_make_the_same_of_any_sheet(body: list[str], before: str) -> None:
    merged = '<mergeCells><mergeCell ref="A1:B2"/></mergeCells>'

    agreed(with_sheet(f"{before}<sheetData>{''.join(body)}</sheetData>{merged}", PARTS), Limits(columns=27))


@pytest.mark.parametrize("size", [1, 7, 64, 1_000])
def test_it_is_no_matter_where_the_bytes_are_divided(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planit_mailer.spreadsheets.readers.xml_parts.CHUNK", size)
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" s="1"><v>{n}</v></c><c r="C{n}" t="s"><v>3</v></c></row>' for n in (1, 2, 12)
    )

    (sheet,) = agreed(with_sheet(f"<sheetData>{rows}</sheetData>", PARTS))

    assert isinstance(sheet, Sheet)
    assert [row.number for row in sheet.rows] == [1, 2, 12]


# ── what is ordinary, and what is not ──


def by_openpyxl() -> bytes:
    def fill(page: Worksheet) -> None:
        page.append(
            [
                "Ann & Bob <x>",
                7,
                0.5,
                True,
                datetime.fromisoformat("2007-01-12"),
                time(9, 5),
                "=1+1",
                "#N/A",
                " é ",
                None,
                "x",
            ]
        )
        page["C1"].number_format = "0.0%"
        page["J1"].font = Font(bold=True)
        page.row_dimensions[3].hidden = True
        page.column_dimensions["B"].hidden = True
        page.append(["=A1", "a\nb"])
        page.merge_cells("A5:B6")

    return a_workbook(fill)


def by_openpyxl_in_a_stream() -> bytes:
    book = Workbook(write_only=True)
    page = book.create_sheet()
    for number in range(50):
        page.append([f"Ann {number}", number, None, number / 7])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def by_xlsxwriter() -> bytes:
    out = io.BytesIO()
    book = Written(out, {"default_date_format": "dd/mm/yyyy"})
    page = book.add_worksheet()
    page.write_row(0, 0, ["Ann & Bob <x>", 7, 0.5, True, date(2007, 1, 12), "", " é "])
    page.write_formula(1, 0, '=A1&"<"', None, "x < y")
    page.write_blank(2, 3, None, book.add_format({"bold": True}))
    page.set_row(4, 15, None, {"hidden": True})
    page.set_column(1, 1, 9, None, {"hidden": True})
    page.merge_range(6, 0, 7, 2, "merged")
    book.close()
    return out.getvalue()


@pytest.mark.parametrize("writer", [by_openpyxl, by_openpyxl_in_a_stream, by_xlsxwriter])
def test_what_usual_programs_write_is_ordinary(writer: type[bytes]) -> None:
    data = writer()

    left = left_to_the_parser(data)
    assert b"<c " not in left
    assert b"<si>" not in left
    assert isinstance(agreed(data), tuple)


def test_the_parser_takes_over_at_the_first_row_that_is_not_ordinary() -> None:
    rows = (
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><!-- x --><c r="A2"><v>2</v></c></row>'
        '<row><c><v>3</v></c></row><row r="9"><c r="A9"><v>4</v></c></row>'
    )
    data = with_sheet(f"<sheetData>{rows}</sheetData>")

    assert left_to_the_parser(data).count(b"<row") == 3
    assert texts(data) == {"A1": "1", "A2": "2", "A3": "3", "A9": "4"}


@pytest.mark.parametrize(
    "sheet",
    [
        '<?xml version="1.0" encoding="latin-1"?><worksheet xmlns="{main}"><sheetData>{row}</sheetData></worksheet>',
        '<x:worksheet xmlns:x="{main}" xmlns="{main}"><x:sheetData>{row}</x:sheetData></x:worksheet>',
        '<worksheet xmlns="{main}"><!-- <sheetData> --><sheetData>{row}</sheetData></worksheet>',
        '<worksheet xmlns="{main}"><?a <sheetData>?><sheetData>{row}</sheetData></worksheet>',
        '<worksheet xmlns="{main}"><sheetData >{row}</sheetData></worksheet>',
        '<worksheet xmlns="{main}"><sheetData><row r="1"><c r="A1" xml:lang="en"/></row>{row}</sheetData></worksheet>',
    ],
)
def test_a_sheet_that_is_not_ordinary_is_read_by_the_parser(sheet: str) -> None:
    row = '<row r="2"><c r="A2" t="str"><v>caf\xe9</v></c></row>'
    xml = sheet.format(main=MAIN, row=row)
    encoding = "latin-1" if "latin-1" in sheet else "utf-8"

    found = agreed(with_sheet("", {"xl/worksheets/sheet1.xml": xml.encode(encoding)}))  # type: ignore[dict-item]

    assert isinstance(found, tuple)
    assert found[0].rows[-1].cells[0].text == "café"  # type: ignore[union-attr]


def test_a_document_type_is_refused_either_way() -> None:
    xml = f'<!DOCTYPE x [<!ENTITY a "b">]><worksheet xmlns="{MAIN}"><sheetData></sheetData></worksheet>'

    found = agreed(with_sheet("", {"xl/worksheets/sheet1.xml": xml}))

    assert isinstance(found, Unreadable)
    assert found.reason is Reason.CANNOT_BE_OPENED


def test_a_workbook_leaves_nothing_large_in_memory_for_the_next() -> None:
    long = "x" * 1_000_000
    rows = f'<row r="1" spans="{long}"><c r="A1" t="{long}"><v>1</v></c><c r="B1" s="0"><v>1</v></c></row>'
    data = with_rows(rows, with_styles(f"0{long}"))
    tracemalloc.start()
    try:
        assert texts(data)["A1"] == "1"
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert left < len(long)

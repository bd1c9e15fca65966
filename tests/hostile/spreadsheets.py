"""Files that are made to cost much: each a function that returns its name and its bytes.

`FILES` has them all by name: formats, and ways in which a small file unfolds to a large one. Files that are broken, not
costly, stand in tests/corpus/workbooks.py.
"""

import io
import zipfile
from collections.abc import Callable, Mapping
from types import MappingProxyType

from tests.corpus import workbooks
from tests.spreadsheets.test_ods import an_ods
from tests.spreadsheets.test_ods import cell as ods_cell
from tests.spreadsheets.test_ods import row as ods_row
from tests.spreadsheets.test_xls import an_xls
from tests.spreadsheets.test_xlsb import an_xlsb, number, row
from tests.support import encrypting, forms
from tests.support.workbooks import MAIN, packed, parts_of, with_rows

SHEET = "xl/worksheets/sheet1.xml"
END = b"</worksheet>"
TEXT = 32_000  # characters of a shared text: Excel allows 32,767
COLUMNS = 75

File = tuple[str, bytes]
Build = Callable[[], File]

_files: dict[str, Build] = {}
FILES: Mapping[str, Build] = MappingProxyType(_files)


def hostile(build: Build) -> Build:
    """Put a function into the catalogue under its name, in words."""
    _files[build.__name__.replace("_", " ")] = build
    return build


# ── texts ──


@hostile
def a_text_of_32_000_characters_in_200_by_75_cells() -> File:
    return repeated_text(200)


@hostile
def a_text_of_32_000_characters_in_1_000_by_75_cells() -> File:
    return repeated_text(1_000)


@hostile
def a_text_of_3_900_characters_in_1_000_by_75_cells() -> File:
    """Each value is short enough; all together are not."""
    return repeated_text(1_000, 3_900)


@hostile
def headings_of_32_000_characters() -> File:
    return "form.xlsx", forms.flat(
        [forms.learner(n, values=("B",) * COLUMNS) for n in range(1, 200)],
        headings=[f"{n} {'x' * TEXT}" for n in range(COLUMNS)],
    )


@hostile
def three_paragraphs_of_32_000_characters_for_5_000_learners() -> File:
    return "form.xlsx", forms.flat([forms.learner(n) for n in range(1, 5_000)], introduction=["x" * TEXT] * 3)


# ── cells ──


@hostile
def a_million_cells_with_errors() -> File:
    cells = '<c t="e"><v>#N/A</v></c>' * 50
    return "form.xlsx", with_rows("".join(f'<row r="{n}">{cells}</row>' for n in range(1, 20_001)))


@hostile
def errors_nowhere_side_by_side_in_a_form() -> File:
    learners = [
        forms.learner(n, values=tuple("#N/A" if (n + column) % 2 else "B" for column in range(COLUMNS)))
        for n in range(1, 4_000)
    ]
    return "form.xlsx", forms.flat(learners, headings=[f"Field {n}" for n in range(COLUMNS)])


@hostile
def sixty_thousand_cell_styles() -> File:
    xfs = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>' * 60_000
    return in_styles(f"<cellXfs>{xfs}</cellXfs>")


@hostile
def sixty_thousand_number_formats() -> File:
    codes = "".join(f'<numFmt numFmtId="{164 + n}" formatCode="0.00&quot;{n}&quot;"/>' for n in range(60_000))
    return in_styles(f"<numFmts>{codes}</numFmts>")


@hostile
def number_formats_of_two_hundred_conditions() -> File:
    code = "[&gt;1]" * 35
    codes = "".join(f'<numFmt numFmtId="{164 + n}" formatCode="{code}{n}"/>' for n in range(2_000))
    return in_styles(f"<numFmts>{codes}</numFmts>")


# ── what stands beside the cells ──


@hostile
def two_hundred_thousand_merged_ranges() -> File:
    ranges = "".join(f'<mergeCell ref="A{n}:B{n}"/>' for n in range(1, 200_001))
    return beside(f"<mergeCells>{ranges}</mergeCells>")


@hostile
def one_hundred_thousand_validations() -> File:
    rules = '<dataValidation type="list" sqref="A1:XFD1048576"><formula1>"a,b"</formula1></dataValidation>' * 100_000
    return beside(f"<dataValidations>{rules}</dataValidations>")


@hostile
def one_hundred_thousand_conditional_formats() -> File:
    rule = '<cfRule type="expression" priority="1"><formula>TRUE</formula></cfRule>'
    return beside(f'<conditionalFormatting sqref="A1:XFD1048576">{rule}</conditionalFormatting>' * 100_000)


@hostile
def one_hundred_thousand_hyperlinks() -> File:
    links = "".join(f'<hyperlink ref="A{n}" location="Sheet1!A{n}"/>' for n in range(1, 100_001))
    return beside(f"<hyperlinks>{links}</hyperlinks>")


@hostile
def one_hundred_thousand_defined_names() -> File:
    names = "".join(f'<definedName name="n{n}">Sheet1!$A$1</definedName>' for n in range(100_000))
    parts = parts_of(forms.flat())
    book = parts["xl/workbook.xml"].replace(b"</sheets>", f"</sheets><definedNames>{names}</definedNames>".encode())
    return "form.xlsx", packed(parts | {"xl/workbook.xml": book})


@hostile
def fifty_thousand_comments() -> File:
    def fill() -> str:
        each = "".join(f'<comment ref="A{n}" authorId="0"><text><t>x</t></text></comment>' for n in range(1, 50_001))
        authors = "<authors><author>x</author></authors>"
        return f'<comments xmlns="{MAIN}">{authors}<commentList>{each}</commentList></comments>'

    parts = parts_of(forms.flat())
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/comments"
    links = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="c" Type="{kind}" Target="../comments1.xml"/></Relationships>'
    )
    return "form.xlsx", packed(parts | {"xl/comments1.xml": fill(), "xl/worksheets/_rels/sheet1.xml.rels": links})


# ── XML ──


@hostile
def elements_a_million_deep() -> File:
    return "form.xlsx", with_rows(workbooks.deep(1_000_000))


@hostile
def an_attribute_of_fifty_million_characters() -> File:
    return "form.xlsx", with_rows(f'<row r="1" x="{"y" * 50_000_000}"><c r="A1"><v>1</v></c></row>')


@hostile
def two_hundred_thousand_attributes() -> File:
    return "form.xlsx", workbooks.attributes()


@hostile
def a_million_rows() -> File:
    return "form.xlsx", workbooks.rows(1_048_576, '<c r="A{0}"><v>1</v></c>')


@hostile
def a_sheet_of_a_gigabyte_of_zeros() -> File:
    return "form.xlsx", workbooks.bomb(SHEET, bytes(1_000_000), 1_000)


# ── other formats ──


@hostile
def an_ods_with_repeated_cells() -> File:
    return "form.ods", unfolding_ods(0)


@hostile
def an_ods_with_repeated_rows_of_errors() -> File:
    wide = ods_row(
        ods_cell("#N/A", "string", 'table:number-columns-repeated="300"'),
        attributes='table:number-rows-repeated="20000"',
    )
    return "form.ods", an_ods(f"<table:table>{wide}</table:table>")


@hostile
def an_xls_with_2_000_rows_of_200_columns() -> File:
    def fill(page: object) -> None:
        for place in range(2_000):
            for column in range(200):
                page.write(place, column, "x" * 20)  # type: ignore[attr-defined]

    return "form.xls", an_xls(fill)


@hostile
def an_xlsb_with_200_000_rows() -> File:
    written = b"".join(row(n, number(1, n)) for n in range(1, 200_000))
    return "form.xlsb", an_xlsb(written)


@hostile
def a_csv_of_14_megabytes() -> File:
    line = ",".join(["Ann", "Lee", "", "1", "01/01/2012", "10", *["B"] * COLUMNS])
    heading = ",".join((*forms.COMPULSORY, *(f"Field {n}" for n in range(COLUMNS))))
    return "form.csv", "\r\n".join([heading, *[line] * 70_000]).encode()[:14_000_000]


@hostile
def a_csv_of_nothing_but_commas() -> File:
    return "form.csv", b"," * 14_000_000


@hostile
def a_csv_of_nothing_but_quotes() -> File:
    return "form.csv", b'"' * 14_000_000


@hostile
def a_locked_workbook_that_asks_for_ten_million_rounds() -> File:
    return "form.xlsx", workbooks.endless_hashing()


@hostile
def a_locked_workbook_of_ten_megabytes() -> File:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts_of(forms.flat()).items():
            archive.writestr(name, content)
        archive.writestr("xl/media/a.png", bytes(10_000_000))
    return "form.xlsx", encrypting.agile(out.getvalue(), "secret")


@hostile
def archives_in_archives() -> File:
    return "form.zip", workbooks.nested()


@hostile
def twenty_thousand_parts() -> File:
    return "form.xlsx", workbooks.many_parts()


def twenty_ods_with_repeated_cells() -> list[File]:
    """Of 32 KB together: each unfolds to the most cells that a sheet may have."""
    return [(f"form{n}.ods", unfolding_ods(n)) for n in range(20)]


def unfolding_ods(place: int) -> bytes:
    """A sheet of 19,000 rows by 300 columns, in two elements; its place makes its bytes differ."""
    repeated = ods_cell(f"x{place}", "string", 'table:number-columns-repeated="300"')
    rows = ods_row(repeated, attributes='table:number-rows-repeated="19000"')
    return an_ods(f"<table:table>{rows}</table:table>")


def repeated_text(learners: int, length: int = TEXT) -> File:
    """A form in which every field of every learner is the same shared text."""
    values = ("x" * length,) * COLUMNS
    made = forms.flat(
        [forms.learner(n, values=values) for n in range(1, learners + 1)], headings=list(map(str, range(COLUMNS)))
    )
    return "form.xlsx", made


def beside(xml: str) -> File:
    """A form with this XML behind its cells."""
    parts = parts_of(forms.flat())
    return "form.xlsx", packed(parts | {SHEET: parts[SHEET].replace(END, xml.encode() + END)})


def in_styles(xml: str) -> File:
    """A form whose styles are these."""
    styles = f'<styleSheet xmlns="{MAIN}">{xml}</styleSheet>'
    return "form.xlsx", packed(parts_of(forms.flat()) | {"xl/styles.xml": styles})

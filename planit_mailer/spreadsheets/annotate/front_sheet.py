"""A sheet of labels and entries that is put in front of a workbook which lacks them, to be sent back with it."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from planit_mailer.spreadsheets.annotate.problems_sheet import escaped
from planit_mailer.spreadsheets.annotate.styles_part import Styles
from planit_mailer.spreadsheets.references import address

NAME = "School"
WIDTHS = (34, 48)  # characters
NO_FILL = '<fill><patternFill patternType="none"/></fill>'
FONT = '<font>{}<sz val="11"/><color rgb="FF000000"/><name val="Calibri"/><family val="2"/></font>'
TEXT = '<xf numFmtId="49" {} quotePrefix="1" applyNumberFormat="1" applyFont="1"/>'  # no entry becomes a formula

Entries = Sequence[tuple[str, str]]  # labels and entries, "" for one that has to be filled in


def markup(entries: Entries, styles: Styles, namespace: str) -> bytes:
    """Return the XML of the sheet, and add its styles to the workbook's."""
    label = styles.add(FONT.format("<b/>"), NO_FILL, TEXT)
    entry = styles.add(FONT.format(""), NO_FILL, TEXT)
    rows = ""
    for number, (name, value) in enumerate(entries, 1):
        cells = _cell(address(number, 1), label, name) + _cell(address(number, 2), entry, value)
        rows += f'<row r="{number}">{cells}</row>'
    columns = ""
    for number, width in enumerate(WIDTHS, 1):
        columns += f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
    return f'<worksheet xmlns="{namespace}"><cols>{columns}</cols><sheetData>{rows}</sheetData></worksheet>'.encode()


def _cell(place: str, style: int, text: str) -> str:
    if not text:
        return f'<c r="{place}" s="{style}"/>'
    return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(escaped(text))}</t></is></c>'

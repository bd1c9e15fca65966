"""Reads tables in plain text (.csv, .tsv): bytes → text → every way to divide it into cells."""

import csv
import io
import re
from collections.abc import Iterator

from planit_mailer.spreadsheets.containers import text_encoding
from planit_mailer.spreadsheets.containers.text_encoding import UnknownEncodingError
from planit_mailer.spreadsheets.containers.zip_archive import Damaged, TooLarge
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Sheet
from planit_mailer.spreadsheets.readers import cells
from planit_mailer.spreadsheets.readers.sheet_builder import SheetBuilder, Usage

DELIMITERS = (",", ";", "\t", "|")
DECLARED = re.compile(r"sep=([,;\t|])\r?\n", re.IGNORECASE)  # a line for Excel, which does not show it
# Excel writes these for a cell with an error, or in a column that is too narrow for its number.
ERROR = re.compile(r"#(?:N/A|NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|SPILL!|CALC!|#+)")
WINDOWS, MACINTOSH = "cp1252", "mac_roman"  # only on an old Macintosh do lines end in a carriage return alone
# Bytes that stand in no word in the encoding of Windows, in which every byte is a character: accents that Excel saved
# "for MS-DOS", or UTF-8 in the middle of something else. They would be shown as other characters.
NO_WORD = re.compile(
    rb"[A-Za-z\xc0-\xff](?:[\x82-\x84\x88\x89\x8b]|[\x86\x87\x9b\xa1-\xa4][A-Za-z\xc0-\xff])"
    rb"|[\xc2\xc3][\x80-\xbf]|\xe2\x80"
)
# A formula that is nothing but a text. Report tools write it to keep Excel from changing the text.
QUOTED_TEXT = re.compile(r'="((?:[^"]|"")*)"')
FORMULA = re.compile(r"=[\w(\"'$@+-].*", re.DOTALL)  # any other; the result that Excel shows is not in the file


def read(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """Return one sheet for each way to divide the text into columns, the one with the most columns first.

    Only a caller who knows what should be in the table can choose: prose has commas, too. Raises TooLarge,
    UnknownEncodingError, or Damaged if its quotes match in none of these ways.
    """
    found = encoding(data)
    text = _decoded(data, found)
    if found == WINDOWS and NO_WORD.search(data):
        raise UnknownEncodingError("words that are none in the encoding of Windows")
    declared = DECLARED.match(text)
    if declared:
        return (_sheet(text[declared.end() :], declared[1], limits),)
    return _divided_in_all_ways(text, limits)


def decoded(data: bytes) -> str:
    """Return the text of a file in any encoding that we know. Raises UnknownEncodingError if it is in none of them."""
    return _decoded(data, encoding(data))


def encoding(data: bytes) -> str:
    """Return a wide encoding or UTF-8 if the text fits it, else that of a Macintosh or of Windows in the West."""
    found = text_encoding.of(data)
    if found:
        return found
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return MACINTOSH if _is_from_macintosh(data) else WINDOWS
    return "utf-8"


def _is_from_macintosh(data: bytes) -> bool:
    """Return True if lines end in a carriage return alone; cells may have line feeds in them."""
    return b"\r\n" not in data and data.count(b"\r") > data.count(b"\n")


def _decoded(data: bytes, found: str) -> str:
    try:
        return data.decode(found)
    except UnicodeDecodeError as error:
        raise UnknownEncodingError(f"not {found}") from error


def _divided_in_all_ways(text: str, limits: Limits) -> tuple[Sheet, ...]:
    """Return the sheets that the delimiters in a text make of it. Raises the first error if all of them fail."""
    delimiters = [delimiter for delimiter in DELIMITERS if delimiter in text]
    sheets: list[Sheet] = []
    errors: list[Exception] = []
    for delimiter in delimiters or [","]:
        try:
            sheets.append(_sheet(text, delimiter, limits))
        except (TooLarge, Damaged) as error:  # another delimiter may be right
            errors.append(error)
    if not sheets:
        raise errors[0]
    return tuple(sorted(sheets, key=_width, reverse=True))


def _sheet(text: str, delimiter: str, limits: Limits) -> Sheet:
    """Return the sheet that a delimiter makes of a text. Blank lines count as rows, as they do in Excel."""
    builder = SheetBuilder(Usage(limits))
    made = _MadeCells()
    for number, fields in _records(text, delimiter):
        builder.add_cells(number, [made[written] for written in fields])
    return builder.sheet("", 1)


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each line, with its number from 1."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from enumerate(lines, start=1)
    except csv.Error as error:
        raise Damaged("quotes that do not match, or a cell without end") from error


class _MadeCells(dict[str, Cell | None]):
    """The cells by what is written in them. Each is made when it is first asked for."""

    def __missing__(self, written: str) -> Cell | None:
        cell = _cell(written)
        if len(self) >= cells.KEPT:
            self.clear()
        self[written] = cell
        return cell


def _cell(written: str) -> Cell | None:
    quoted = QUOTED_TEXT.fullmatch(written)
    if quoted:
        return cells.text(quoted[1].replace('""', '"'))
    if FORMULA.fullmatch(written):
        return Cell("", Kind.UNSAVED)
    cell = cells.text(written)
    if cell and ERROR.fullmatch(cell.text):
        return Cell(cell.text, Kind.ERROR)
    return cell


def _width(sheet: Sheet) -> int:
    return max((len(row.cells) for row in sheet.rows), default=0)

"""Reads tables in plain text (.csv, .tsv): bytes → text → the ways in which it can be divided into cells."""

import csv
import io
import re
from collections.abc import Iterator

from planit_mailer.spreadsheets.containers import text_encoding
from planit_mailer.spreadsheets.containers.zip_archive import Damaged, TooLarge
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Row, Sheet
from planit_mailer.spreadsheets.readers import cells

DELIMITERS = (",", ";", "\t", "|")
DECLARED = re.compile(r"sep=([,;\t|])\r?\n", re.IGNORECASE)  # for Excel, which does not show that line
# What Excel writes of a cell that holds an error, or whose column is too narrow for its number.
ERROR = re.compile(r"#(?:N/A|NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|SPILL!|CALC!|#+)")
WINDOWS, MACINTOSH = "cp1252", "mac_roman"  # the latter where lines end as they do nowhere else
# What no word has in it in the encoding of Windows, where every byte is a sign: accents that Excel saved "for MS-DOS",
# or UTF-8 in the middle of something else. They would be shown as other signs.
NO_WORD = re.compile(
    rb"[A-Za-z\xc0-\xff](?:[\x82-\x84\x88\x89\x8b]|[\x86\x87\x9b\xa1-\xa4][A-Za-z\xc0-\xff])"
    rb"|[\xc2\xc3][\x80-\xbf]|\xe2\x80"
)
# How report tools keep Excel from changing a text: as a formula that is nothing but that text.
KEPT = re.compile(r'="((?:[^"]|"")*)"')
FORMULA = re.compile(r"=[\w(\"'$@+-].*", re.DOTALL)  # any other, of which Excel shows a result that is not in the file


def read(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    """One sheet for each way to divide the text into columns, the one with the most columns first.

    Only the caller can tell which is meant: prose has commas, too. Raises TooLarge, or Damaged if the text cannot be
    decoded, or its quotes match in no way.
    """
    encoding = _encoding(data)
    text = _decoded(data, encoding)
    if encoding == WINDOWS and NO_WORD.search(data):
        raise Damaged("words that are none in the encoding of Windows")
    if declared := DECLARED.match(text):
        return (_sheet(text[declared.end() :], declared[1], limits),)
    ways: list[Sheet] = []
    refused: list[Exception] = []
    for delimiter in [sign for sign in DELIMITERS if sign in text] or [","]:
        try:
            ways.append(_sheet(text, delimiter, limits))
        except (TooLarge, Damaged) as error:  # right for another way, perhaps
            refused.append(error)
    if not ways:
        raise refused[0]
    return tuple(sorted(ways, key=_width, reverse=True))


def decoded(data: bytes) -> str:
    """The text, decoded. Raises Damaged if its encoding is unknown."""
    return _decoded(data, _encoding(data))


def _encoding(data: bytes) -> str:
    """A wide encoding, UTF-8, or else that of a Macintosh or of Windows in the West."""
    if encoding := text_encoding.of(data):
        return encoding
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return MACINTOSH if b"\r" in data and b"\n" not in data else WINDOWS
    return "utf-8"


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Damaged(f"not {encoding}") from error


def _sheet(text: str, delimiter: str, limits: Limits) -> Sheet:
    return Sheet("", 1, tuple(_rows(text, delimiter, limits)))


def _rows(text: str, delimiter: str, limits: Limits) -> Iterator[Row]:
    """The rows that hold something; blank lines count as rows, as they do in Excel."""
    made = _Made()
    count = 0
    for number, fields in _records(text, delimiter):
        found = [made[written] for written in fields]
        while found and found[-1] is None:
            found.pop()
        if len(found) > limits.columns:
            raise TooLarge(f"more than {limits.columns:,} columns")
        count += bool(found)
        if count > limits.rows:
            raise TooLarge(f"more than {limits.rows:,} rows")
        if found:
            yield Row(number, tuple(found))


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1)
    except csv.Error as error:
        raise Damaged("quotes that do not match, or a cell without end") from error


class _Made(dict[str, Cell | None]):
    """The cells by what is written in them, each made once."""

    def __missing__(self, written: str) -> Cell | None:
        self[written] = cell = _cell(written)
        return cell


def _cell(written: str) -> Cell | None:
    if kept := KEPT.fullmatch(written):
        return cells.text(kept[1].replace('""', '"'))
    if FORMULA.fullmatch(written):
        return Cell("", Kind.UNSAVED)
    cell = cells.text(written)
    return Cell(cell.text, Kind.ERROR) if cell and ERROR.fullmatch(cell.text) else cell


def _width(sheet: Sheet) -> int:
    return max((len(row.cells) for row in sheet.rows), default=0)

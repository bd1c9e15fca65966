"""Finds the formulas of an .xls ([MS-XLS]) that have no saved result. xlrd reads their results as zeros and blanks.

Programs that cannot calculate store a zero or an empty text in place of a result, and leave the rest to Excel. Some ask
it, with a flag, to calculate the formula when it opens the file (POI, JExcelApi, Spreadsheet::WriteExcel). Others name
no engine that calculated the workbook, so Excel calculates all of it (xlwt).

LibreOffice calculates, but stores a zero for a text under the format of a number, as of =IF(B2="","",B2) under 0%.
Nothing distinguishes it from a true zero. A formula that Excel calculates each time, such as TODAY(), has another flag,
and a result.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

FORMULAS = (0x006, 0x206, 0x406)  # of BIFF5 and later, 3 and 4
BEGIN, END = (0x809, 0x409, 0x209), 0x00A
BOUND_SHEET, ENGINE, WRITER = 0x085, 0x1C1, 0x05C
OF_WORKBOOK = (*BEGIN, BOUND_SHEET, ENGINE, WRITER)  # the records of a workbook that are used here
BIFF8 = b"\x00\x06"
RESULT, FLAGS, REST = 6, 14, 20  # offsets in a formula
ON_LOAD = 2  # a flag that Excel ignores by [MS-XLS] 2.4.127, though these programs set it
ZERO = bytes(8)
SPECIAL = b"\xff\xff"  # ends a result that is not a number, [MS-XLS] 2.5.133; its first byte says what it is
EMPTY_TEXT, ERROR = 3, 2
DUMMY = b"\0\0\0\0\0\0\x10\x40\x02\0\0\0\xe0\xfc"  # a four, with flags, in each formula that JExcelApi copies
CALC = b"Calc"  # LibreOffice and OpenOffice; older ones set the flag on every formula
UNSAVED = 0xFF  # an error that Excel does not have


def marked(stream: bytes) -> bytes:
    """Return the stream of a workbook in which each formula without a result has the error UNSAVED. Raises nothing."""
    book = [record for record in _records(stream, 0) if record.number in OF_WORKBOOK]
    if not book:  # BIFF2, whose formulas have another layout, or no workbook at all
        return stream
    by_calc = any(record.number == WRITER and CALC in record.body[:8] for record in book)
    calculated_on_load = _is_calculated_on_load(book)
    result = bytearray(stream)
    for formula in _formulas(stream, book):
        if _is_unsaved(formula.body, by_calc=by_calc, calculated_on_load=calculated_on_load):
            start = formula.place + RESULT
            end = formula.place + FLAGS
            result[start:end] = struct.pack("<HHHH", ERROR, UNSAVED, 0, 0xFFFF)
    return bytes(result)


@dataclass(frozen=True, slots=True)
class _Record:
    """A record: its number, its body, and the offset of the body in the stream."""

    number: int
    place: int
    body: bytes


def _records(stream: bytes, place: int) -> Iterator[_Record]:
    """Yield the records of what begins at a place: those of the workbook itself, or of a sheet with its charts."""
    depth = 0
    while place + 4 <= len(stream):
        number, size = struct.unpack_from("<HH", stream, place)
        place += 4
        yield _Record(number, place, stream[place : place + size])
        place += size
        if number in BEGIN:
            depth += 1
        elif number == END:
            depth -= 1
            if depth <= 0:
                return


def _is_calculated_on_load(book: list[_Record]) -> bool:
    """Return True if Excel calculates the whole workbook when it opens it. Before BIFF8 there is no sign of that."""
    if not book[0].body.startswith(BIFF8):
        return False
    return not any(record.number == ENGINE and record.body[4:8].strip(b"\0") for record in book)


def _formulas(stream: bytes, book: list[_Record]) -> Iterator[_Record]:
    """Yield the formulas of all sheets. Each sheet is read once, even if the workbook names it many times."""
    starts = {int.from_bytes(record.body[:4], "little") for record in book if record.number == BOUND_SHEET}
    end = 0
    for start in sorted(starts | {0}):
        if start < end:
            continue
        for record in _records(stream, start):
            end = record.place + len(record.body)
            if record.number in FORMULAS and len(record.body) >= REST:
                yield record


def _is_unsaved(formula: bytes, *, by_calc: bool, calculated_on_load: bool) -> bool:
    """Return True if the result of a formula stands for one that was never calculated."""
    result = formula[RESULT:FLAGS]
    left_to_excel = calculated_on_load or bool(formula[FLAGS] & ON_LOAD)
    if result == ZERO:
        return left_to_excel or by_calc
    if result[0] == EMPTY_TEXT and result.endswith(SPECIAL):
        return left_to_excel and not by_calc
    return formula.startswith(DUMMY, RESULT)

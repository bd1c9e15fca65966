"""The records of an .xls ([MS-XLS]): which of its formulas have no saved result. xlrd takes them for zeros and blanks.

Programs that cannot calculate store a zero or an empty text in place of a result, and leave the rest to Excel: they
ask it to calculate the formula when it opens the file (POI, JExcelApi, Spreadsheet::WriteExcel), or name no engine
that calculated the workbook, whereupon Excel calculates all of it (xlwt). LibreOffice calculates, but stores a zero
for a text under the format of a number, as of =IF(B2="","",B2) under 0%, and nothing tells it from a true zero. A
formula that Excel calculates each time, as TODAY() is, has another flag, and a result.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

FORMULAS = (0x006, 0x206, 0x406)  # of BIFF5 and later, 3 and 4
BEGIN, END = (0x809, 0x409, 0x209), 0x00A
BOUND_SHEET, ENGINE, WRITER = 0x085, 0x1C1, 0x05C
TELLING = (*BEGIN, BOUND_SHEET, ENGINE, WRITER)
BIFF8 = b"\x00\x06"
RESULT, FLAGS, REST = 6, 14, 20  # where they begin in a formula
ON_LOAD = 2  # of the flags: what [MS-XLS] 2.4.127 has Excel ignore, and these programs set all the same
ZERO = bytes(8)
SPECIAL = b"\xff\xff"  # ends a result that is no number, [MS-XLS] 2.5.133; its first byte says what else it is
EMPTY_TEXT, ERROR = 3, 2
DUMMY = b"\0\0\0\0\0\0\x10\x40\x02\0\0\0\xe0\xfc"  # a four, with its flags, of each formula that JExcelApi copies
CALC = b"Calc"  # LibreOffice and OpenOffice; older ones set the flag on every formula
UNSAVED = 0xFF  # an error that Excel has not


def marked(stream: bytes) -> bytes:
    """The stream of a workbook, with an error UNSAVED as the result of each formula that has none. Raises nothing."""
    book = [record for record in _records(stream, 0) if record.number in TELLING]
    if not book:  # BIFF2, whose formulas are laid out otherwise, or none at all
        return stream
    by_calc = any(record.number == WRITER and CALC in record.body[:8] for record in book)
    anew = _is_calculated_anew(book)
    found = bytearray(stream)
    for place, formula in _formulas(stream, book):
        if _is_unsaved(formula, by_calc=by_calc, anew=anew):
            found[place + RESULT : place + FLAGS] = struct.pack("<HHHH", ERROR, UNSAVED, 0, 0xFFFF)
    return bytes(found)


@dataclass(frozen=True, slots=True)
class _Record:
    """A record: its number, the position of its body in the stream, and the body."""

    number: int
    place: int
    body: bytes


def _records(stream: bytes, place: int) -> Iterator[_Record]:
    """The records from a place to the end of what begins there: the workbook's own, or one sheet with its charts."""
    depth = 0
    while place + 4 <= len(stream):
        number, size = struct.unpack_from("<HH", stream, place)
        place += 4
        yield _Record(number, place, stream[place : place + size])
        place += size
        depth += (number in BEGIN) - (number == END)
        if number == END and depth <= 0:
            return


def _is_calculated_anew(book: list[_Record]) -> bool:
    """True if Excel recalculates the whole workbook when it opens it; before BIFF8 nothing tells."""
    engines = (record.body[4:8].strip(b"\0") for record in book if record.number == ENGINE)
    return book[0].body.startswith(BIFF8) and not any(engines)


def _formulas(stream: bytes, book: list[_Record]) -> Iterator[tuple[int, bytes]]:
    """The formulas of all sheets, with their places; each sheet is read once, whatever the workbook says."""
    starts = {int.from_bytes(record.body[:4], "little") for record in book if record.number == BOUND_SHEET}
    end = 0
    for start in sorted(starts | {0}):
        for record in _records(stream, start) if start >= end else ():
            end = record.place + len(record.body)
            if record.number in FORMULAS and len(record.body) >= REST:
                yield record.place, record.body


def _is_unsaved(formula: bytes, *, by_calc: bool, anew: bool) -> bool:
    result = formula[RESULT:FLAGS]
    left = anew or bool(formula[FLAGS] & ON_LOAD)
    if result == ZERO:
        return left or by_calc
    if result[0] == EMPTY_TEXT and result.endswith(SPECIAL):
        return left and not by_calc
    return formula.startswith(DUMMY, RESULT)

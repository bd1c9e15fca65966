"""Streams of .xls with records of any kind, which no library writes. A stream needs no container to be read."""

import struct
from collections.abc import Callable

import xlwt

BOUND_SHEET, END = 0x85, 0x0A
HEAD = 4  # bytes of a record before its body


def record(number: int, body: bytes = b"") -> bytes:
    """A record."""
    return struct.pack("<HH", number, len(body)) + body


def stream(fill: Callable[[xlwt.Worksheet], object]) -> bytes:
    """The stream of a workbook of one sheet that a function fills."""
    book = xlwt.Workbook()
    fill(book.add_sheet("Sheet1", cell_overwrite_ok=True))
    written: bytes = book.get_biff_data()
    return written


def with_sheet_records(stream: bytes, records: bytes) -> bytes:
    """The stream with more records at the end of its last sheet."""
    end = record(END)
    at = stream.rindex(end)
    return stream[:at] + records + stream[at:]


def with_book_records(stream: bytes, records: bytes) -> bytes:
    """The stream with more records at the end of what is about the workbook, and its one sheet behind them."""
    place = 0
    while True:
        number, size = struct.unpack_from("<HH", stream, place)
        if number == END:
            break
        if number == BOUND_SHEET:
            bound = place + HEAD
        place += HEAD + size
    (start,) = struct.unpack_from("<I", stream, bound)
    moved = stream[:bound] + struct.pack("<I", start + len(records)) + stream[bound + 4 : place]
    return moved + records + stream[place:]

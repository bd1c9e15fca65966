"""Bytes → sheets of rows, or why not: the one entrance to every kind of spreadsheet."""

import traceback
from collections.abc import Callable

from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.containers.zip_archive import Archive, Locked, TooLarge
from planit_mailer.spreadsheets.detect import FileKind
from planit_mailer.spreadsheets.model import Limits, Reason, Sheet, Unreadable
from planit_mailer.spreadsheets.readers import delimited, ods, xls, xlsb, xlsx

Read = Callable[[bytes, Limits], tuple[Sheet, ...]]
Likely = Callable[[tuple[Sheet, ...]], int]


def read(data: bytes, limits: Limits, likely: Likely = len) -> tuple[Sheet, ...] | Unreadable:
    """The sheets of a workbook in their order, or why it gave none. Raises nothing but MemoryError.

    Whatever a reader makes of a damaged file (the libraries raise a dozen kinds of error) comes back as a file that
    cannot be opened; only a lack of memory is the caller's to judge, who set the limit. Plain text can be divided into
    cells in several ways; of those it is the one for which `likely` says most.
    """
    kind = detect.sniff(data)
    if kind is detect.EMPTY:
        return Unreadable(Reason.EMPTY, kind.name)
    if len(data) > limits.workbook:
        return Unreadable(Reason.TOO_LARGE, f"a file of more than {limits.workbook // 1_000_000:,} MB")
    if kind not in READERS:
        return Unreadable(_reason(kind), kind.name)
    found = _attempt(READERS[kind], kind, (data, limits))
    if kind in detect.PLAIN and isinstance(found, tuple):
        return (max(found, key=lambda way: likely((way,))),)
    return found


def cause(error: Exception) -> str:
    """The kind of an error and where it was raised, without its text: that may quote the file."""
    *_, place = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {place.name}, line {place.lineno}"


def _attempt(reader: Read, kind: FileKind, file: tuple[bytes, Limits]) -> tuple[Sheet, ...] | Unreadable:
    try:
        return reader(*file)
    except MemoryError:
        raise
    except Locked:
        return Unreadable(Reason.PASSWORD, detect.ENCRYPTED.name)
    except TooLarge as error:
        return Unreadable(Reason.TOO_LARGE, f"a workbook with {error}")
    except Exception as error:  # noqa: BLE001  see read()
        return Unreadable(Reason.CANNOT_BE_OPENED, kind.name, cause(error))


def _reason(kind: FileKind) -> Reason:
    if kind is detect.ENCRYPTED:
        return Reason.PASSWORD
    unread = kind.is_spreadsheet or kind in detect.OPENED_BY_EXCEL
    return Reason.UNSUPPORTED if unread else Reason.NOT_A_SPREADSHEET


def _xlsx(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    return xlsx.read(Archive(data, limits), limits)


# The other kinds are named in the answer.
READERS: dict[FileKind, Read] = {
    detect.XLSX: _xlsx,
    detect.XLSB: xlsb.read,
    detect.XLS: xls.read,
    detect.ODS: ods.read,
    detect.TABLE: delimited.read,
    detect.TEXT: delimited.read,
}

"""Bytes → sheets of rows, or why not: the one entrance to every kind of spreadsheet."""

import traceback
from collections.abc import Callable

from planit_mailer.spreadsheets import delimited, files, ods, ooxml, xls, xlsb
from planit_mailer.spreadsheets.archives import Archive, Locked, TooLarge
from planit_mailer.spreadsheets.files import FileKind
from planit_mailer.spreadsheets.sheets import Limits, Reason, Sheet, Unreadable

Read = Callable[[bytes, Limits], tuple[Sheet, ...]]
Likely = Callable[[tuple[Sheet, ...]], int]


def read(data: bytes, limits: Limits, likely: Likely = len) -> tuple[Sheet, ...] | Unreadable:
    """The sheets of a workbook in their order, or why it gave none. Raises nothing but MemoryError.

    Whatever a reader makes of a damaged file (the libraries raise a dozen kinds of error) comes back as a file that
    cannot be opened; only a lack of memory is the caller's to judge, who set the limit. Plain text can be divided into
    cells in several ways; of those it is the one for which `likely` says most.
    """
    kind = files.sniff(data)
    if kind is files.EMPTY:
        return Unreadable(Reason.EMPTY, kind.name)
    if len(data) > limits.workbook:
        return Unreadable(Reason.TOO_LARGE, f"a file of more than {limits.workbook // 1_000_000:,} MB")
    if kind not in READERS:
        return Unreadable(_reason(kind), kind.name)
    found = _attempt(READERS[kind], kind, (data, limits))
    if kind in files.PLAIN and isinstance(found, tuple):
        return (max(found, key=lambda way: likely((way,))),)
    return found


def cause(error: Exception) -> str:
    """The kind of an error and where it was raised. Its text stays behind: it may quote the file."""
    *_, place = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {place.name}, line {place.lineno}"


def _attempt(reader: Read, kind: FileKind, file: tuple[bytes, Limits]) -> tuple[Sheet, ...] | Unreadable:
    try:
        return reader(*file)
    except MemoryError:
        raise
    except Locked:
        return Unreadable(Reason.PASSWORD, files.ENCRYPTED.name)
    except TooLarge as error:
        return Unreadable(Reason.TOO_LARGE, f"a workbook with {error}")
    except Exception as error:  # noqa: BLE001  see read()
        return Unreadable(Reason.CANNOT_BE_OPENED, kind.name, cause(error))


def _reason(kind: FileKind) -> Reason:
    if kind is files.ENCRYPTED:
        return Reason.PASSWORD
    unread = kind.is_spreadsheet or kind in files.OPENED_BY_EXCEL
    return Reason.UNSUPPORTED if unread else Reason.NOT_A_SPREADSHEET


def _xlsx(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    return ooxml.read(Archive(data, limits), limits)


# The other kinds are named in the answer.
READERS: dict[FileKind, Read] = {
    files.XLSX: _xlsx,
    files.XLSB: xlsb.read,
    files.XLS: xls.read,
    files.ODS: ods.read,
    files.TABLE: delimited.read,
    files.TEXT: delimited.read,
}

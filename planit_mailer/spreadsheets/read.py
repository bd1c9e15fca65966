"""Reads any kind of spreadsheet: bytes → sheets of rows, or the reason why there are none."""

from collections.abc import Callable

from planit_mailer.core import errors
from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.containers.text_encoding import UnknownEncodingError
from planit_mailer.spreadsheets.containers.zip_archive import Archive, Locked, TooLarge
from planit_mailer.spreadsheets.detect import FileKind
from planit_mailer.spreadsheets.model import Limits, Reason, Sheet, Unreadable
from planit_mailer.spreadsheets.readers import delimited, ods, xls, xlsb, xlsx

Read = Callable[[bytes, Limits], tuple[Sheet, ...]]
Likely = Callable[[tuple[Sheet, ...]], int]


def read(data: bytes, limits: Limits, likely: Likely = len) -> tuple[Sheet, ...] | Unreadable:
    """Return the sheets of a workbook in their order, or the reason why there are none. Raises nothing but MemoryError.

    The libraries raise a dozen kinds of errors for damaged files. All of them become a file that cannot be opened. Only
    a lack of memory is left to the caller, who set its limit. Plain text can be divided into cells in several ways;
    the one with the highest number from `likely` is chosen.
    """
    kind = detect.sniff(data)
    if kind is detect.EMPTY:
        return Unreadable(Reason.EMPTY, kind.name)
    if len(data) > limits.workbook:
        return Unreadable(Reason.TOO_LARGE, f"a file of more than {limits.workbook // 1_000_000:,} MB")
    if kind not in READERS:
        return Unreadable(_reason(kind), kind.name)
    found = _attempt(kind, data, limits)
    if kind in detect.PLAIN and isinstance(found, tuple):
        return (max(found, key=lambda sheet: likely((sheet,))),)
    return found


def _reason(kind: FileKind) -> Reason:
    """Return the reason why files of a kind without a reader are not read."""
    if kind is detect.ENCRYPTED:
        return Reason.PASSWORD
    if kind is detect.LABELLED:
        return Reason.LABELLED
    if kind is detect.MANGLED:
        return Reason.DAMAGED
    if kind.is_spreadsheet or kind in detect.OPENED_BY_EXCEL:
        return Reason.UNSUPPORTED
    return Reason.NOT_A_SPREADSHEET


def _attempt(kind: FileKind, data: bytes, limits: Limits) -> tuple[Sheet, ...] | Unreadable:
    """Read a file with the reader of its kind. Return the reason if that fails."""
    try:
        return READERS[kind](data, limits)
    except MemoryError:
        raise
    except Locked:
        return Unreadable(Reason.PASSWORD, detect.ENCRYPTED.name)
    except UnknownEncodingError:
        return Unreadable(Reason.ENCODING, kind.name)
    except TooLarge as error:
        return Unreadable(Reason.TOO_LARGE, f"a workbook with {error}")
    except Exception as error:  # noqa: BLE001  see read()
        return Unreadable(Reason.CANNOT_BE_OPENED, kind.name, errors.cause(error))


def _xlsx(data: bytes, limits: Limits) -> tuple[Sheet, ...]:
    return xlsx.read(Archive(data, limits), limits)


# Other kinds are not read, but named in the reply.
READERS: dict[FileKind, Read] = {
    detect.XLSX: _xlsx,
    detect.XLSB: xlsb.read,
    detect.XLS: xls.read,
    detect.ODS: ods.read,
    detect.TABLE: delimited.read,
    detect.TEXT: delimited.read,
}

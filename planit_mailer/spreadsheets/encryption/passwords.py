"""Opens workbooks with passwords, and locks them again, in memory only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

TRIES = 10  # passwords for one file; each takes a fifth of a second, for Excel hashes it 100,000 times
LONGEST = 255  # characters; Excel accepts no more


@dataclass(frozen=True, slots=True)
class Password:
    """The password of a workbook. Its repr does not show it."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """The contents of a locked workbook, as the readers accept them, and the password that opened it."""

    data: bytes
    password: Password


# Excel locks an .xls with this password if its sheets must not be moved, and tries it before it asks anybody.
ALWAYS = Password("VelvetSweatshop")


def opened(data: bytes, passwords: Sequence[Password]) -> Opened | None:
    """Open a locked workbook with the first password that fits. Return None if none of them does.

    Only the first TRIES passwords are tried, and before them the one that Excel tries. A file that cannot be decrypted
    at all, since it is damaged or locked in another way, stays locked. Raises nothing but MemoryError.
    """
    from planit_mailer.spreadsheets.encryption import msoffcrypto  # noqa: PLC0415  8 MB in every process, and few workbooks are locked

    distinct = dict.fromkeys(passwords)
    for password in (ALWAYS, *islice(distinct, TRIES)):
        try:
            return Opened(msoffcrypto.decrypted(data, password.text), password)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S112  the password is wrong, or a library met a damaged file: a dozen kinds
            continue
    return None


def locked(data: bytes, password: Password) -> bytes:
    """Return an .xlsx workbook that opens with a password. Raises the library's error if it cannot be locked."""
    from planit_mailer.spreadsheets.encryption import msoffcrypto  # noqa: PLC0415  8 MB in every process, and few workbooks are locked

    return msoffcrypto.encrypted(data, password.text)


def usable(password: str) -> bool:
    """Return True if a workbook can have this password: it has some characters, and not more than Excel accepts."""
    return 0 < len(password) <= LONGEST and password.isprintable()

"""Workbooks that open with a password: opened, and locked again, in memory alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

TRIES = 10  # passwords that are tried on one file: each takes a fifth of a second, for Excel hashes it 100,000 times
LONGEST = 255  # characters; Excel takes no more


@dataclass(frozen=True, slots=True)
class Password:
    """A password of a workbook; it is never shown, whoever prints it."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """The content of a locked workbook, as readers take it, and the password that opened it."""

    data: bytes
    password: Password


# What Excel itself tries before it asks anybody, for it locks an .xls with this whose sheets must not be moved.
ALWAYS = Password("VelvetSweatshop")


def opened(data: bytes, passwords: Sequence[Password]) -> Opened | None:
    """Open a locked workbook with the first password that fits; None if none does.

    At most TRIES passwords are tried, and the one that everybody knows. A file that cannot be decrypted, because it is
    damaged or locked in an unknown way, stays locked. Raises nothing but MemoryError.
    """
    from planit_mailer.spreadsheets.encryption import msoffcrypto  # noqa: PLC0415  8 MB in every process, and few workbooks are locked

    for password in (ALWAYS, *islice(dict.fromkeys(passwords), TRIES)):
        try:
            return Opened(msoffcrypto.decrypted(data, password.text), password)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S112  a wrong one; and libraries raise a dozen kinds for damaged files
            continue
    return None


def locked(data: bytes, password: Password) -> bytes:
    """An .xlsx workbook that opens with a password. Raises what the library makes of one that it cannot lock."""
    from planit_mailer.spreadsheets.encryption import msoffcrypto  # noqa: PLC0415  8 MB in every process, and few workbooks are locked

    return msoffcrypto.encrypted(data, password.text)


def usable(password: str) -> bool:
    """True if a workbook can have such a password: at least one character, and no more than Excel takes."""
    return 0 < len(password) <= LONGEST and password.isprintable()

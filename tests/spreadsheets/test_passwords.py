"""Workbooks that open with a password, in every way that Office has had to lock them."""

import random
import secrets
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msoffcrypto.exceptions import FileFormatError, InvalidKeyError

from planit_mailer.spreadsheets import detect, read
from planit_mailer.spreadsheets.detect import FileKind
from planit_mailer.spreadsheets.encryption import msoffcrypto, passwords
from planit_mailer.spreadsheets.encryption.passwords import Password
from planit_mailer.spreadsheets.model import Limits, Reason, Unreadable
from tests.spreadsheets.test_xls import an_xls
from tests.spreadsheets.test_xlsb import an_xlsb, number, row
from tests.support import encrypting, forms
from tests.support.workbooks import values

SECRET = "Gr€en field"
PACKAGES = (encrypting.agile, encrypting.standard)
STREAMS = (encrypting.rc4, encrypting.crypto_api, encrypting.xor)


def some(*texts: str) -> tuple[Password, ...]:
    return tuple(map(Password, texts))


def a_binary() -> bytes:
    """A binary workbook that is not packed to less than any honest one has."""
    chance = random.Random(1)
    return an_xlsb(row(1, *(number(1 + column, chance.random()) for column in range(1_000))))


def long_xls() -> bytes:
    """Of more than one kind of record and of several blocks that have keys of their own."""

    def fill(page: object) -> None:
        for line in range(200):
            for column in range(6):
                page.write(line, column, f"value {line} {column}" if column % 2 else line * 1.5)  # type: ignore[attr-defined]

    return an_xls(fill, "Another sheet")


SHORT = {lock: forms.flat() if lock in PACKAGES else an_xls(lambda page: page) for lock in (*PACKAGES, *STREAMS)}
LOCKED = {lock: lock(plain, "Greenfield") for lock, plain in SHORT.items()}


@pytest.mark.parametrize("lock", PACKAGES)
@pytest.mark.parametrize(
    ("plain", "kind"),
    [
        (forms.flat(), detect.XLSX),
        (a_binary(), detect.XLSB),
    ],
    ids=["xlsx", "xlsb"],
)
def test_a_locked_package_opens_with_its_password_to_the_byte(
    lock: encrypting.Lock, plain: bytes, kind: FileKind
) -> None:
    locked = lock(plain, SECRET)

    opened = passwords.opened(locked, some("wrong", SECRET))

    assert detect.sniff(locked) is detect.ENCRYPTED
    assert opened
    assert (opened.data, opened.password.text) == (plain, SECRET)
    assert detect.sniff(opened.data) is kind


@pytest.mark.parametrize("lock", STREAMS)
def test_a_locked_xls_shows_the_same_cells_once_it_is_open(lock: encrypting.Lock) -> None:
    plain = long_xls()
    locked = lock(plain, "Greenfield")

    opened = passwords.opened(locked, some("wrong", "Greenfield"))

    assert read.read(locked, Limits()) == Unreadable(Reason.PASSWORD, detect.ENCRYPTED.name)
    assert opened
    assert values(read.read(opened.data, Limits())) == values(read.read(plain, Limits()))


@pytest.mark.parametrize("lock", PACKAGES + STREAMS)
def test_without_its_password_it_stays_locked(lock: encrypting.Lock) -> None:
    locked = LOCKED[lock]

    assert passwords.opened(locked, ()) is None
    assert passwords.opened(locked, some("greenfield", "Greenfield ", "G" * 255, "€")) is None


@pytest.mark.parametrize("lock", PACKAGES + STREAMS)
def test_what_excel_opens_without_asking_opens_without_a_registered_password(lock: encrypting.Lock) -> None:
    assert passwords.opened(lock(SHORT[lock], "VelvetSweatshop"), ())


@pytest.mark.parametrize("lock", PACKAGES + STREAMS)
def test_no_more_than_ten_passwords_are_tried(lock: encrypting.Lock) -> None:
    locked = LOCKED[lock]
    wrong = [f"wrong {place}" for place in range(passwords.TRIES - 1)]

    assert passwords.opened(locked, some(*wrong, *wrong, "Greenfield"))
    assert passwords.opened(locked, some(*wrong, "one more", "Greenfield")) is None


@pytest.mark.parametrize("lock", PACKAGES + STREAMS)
def test_nothing_is_written_to_a_file(lock: encrypting.Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = LOCKED[lock]
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")  # where any temporary file would fail

    assert passwords.opened(locked, some("Greenfield"))


@pytest.mark.parametrize("lock", PACKAGES + STREAMS)
@settings(max_examples=15, deadline=None)
@given(cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=20))
def test_a_damaged_one_is_opened_or_stays_locked_and_raises_nothing(
    lock: encrypting.Lock, cut: float, flips: list[tuple[float, int]]
) -> None:
    damaged = bytearray(LOCKED[lock])
    for place, bits in flips:
        damaged[int(place * len(damaged))] ^= bits

    opened = passwords.opened(bytes(damaged[: int(cut * len(damaged))]), some("Greenfield"))

    assert opened is None or opened.password.text == "Greenfield"


def test_what_we_lock_opens_with_the_same_password_and_no_other() -> None:
    plain = forms.flat()

    locked = passwords.locked(plain, Password(SECRET))

    opened = passwords.opened(locked, some(SECRET))

    assert opened
    assert opened.data == plain
    assert passwords.opened(locked, some("other")) is None


def test_what_is_no_package_cannot_be_locked() -> None:
    with pytest.raises(FileFormatError):
        passwords.locked(bytes(10_000), Password(SECRET))


def test_what_would_be_locked_so_that_nobody_can_open_it_is_refused() -> None:
    with pytest.raises(ValueError, match="no more than 4096 bytes"):
        passwords.locked(an_xlsb(row(1, number(1, 7.0))), Password(SECRET))


def test_a_password_has_characters_that_can_be_typed() -> None:
    assert all(map(passwords.usable, ("a", "p ä ß €", "x" * 255)))
    assert not any(map(passwords.usable, ("", "x" * 256, "\udc80", "a\tb")))


def test_no_password_stands_in_a_traceback_or_a_representation() -> None:
    locked = encrypting.agile(forms.flat(), SECRET)
    wrong = secrets.token_hex()

    opened = passwords.opened(locked, some(SECRET))
    with pytest.raises(InvalidKeyError) as caught:
        msoffcrypto.decrypted(locked, wrong)

    assert SECRET not in repr(opened)
    assert wrong not in "".join(traceback.format_exception(caught.value))


def test_no_password_stands_in_a_log_not_even_when_everything_is_logged(tmp_path: Path) -> None:
    plain = forms.flat()
    (tmp_path / "locked.xlsx").write_bytes(encrypting.standard(plain, SECRET))
    code = (
        "import pathlib, sys; from planit_mailer.core import logs;"
        "from planit_mailer.spreadsheets.encryption import msoffcrypto;"
        "logs.set_up('json', 'debug'); logs.get('test').debug('heard');"
        "print(len(msoffcrypto.decrypted(pathlib.Path(sys.argv[1]).read_bytes(), sys.argv[2])))"
    )

    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "locked.xlsx"), SECRET], capture_output=True, text=True, check=True
    )

    assert told.stdout == f"{len(plain)}\n"
    assert "heard" in told.stderr
    assert SECRET not in told.stderr

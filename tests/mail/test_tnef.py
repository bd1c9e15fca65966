"""Files that Outlook wrapped into winmail.dat are files of the message."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.mail import messages, tnef
from tests.support import forms
from tests.support.builders import an_email


def attribute(number: int, body: bytes, level: int = 2) -> bytes:
    return struct.pack("<BII", level, number, len(body)) + body + struct.pack("<H", sum(body) % 65_536)


def value(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data + bytes(-len(data) % 4)


def properties(name: str) -> bytes:
    """Some properties that Outlook writes, followed by the long name."""
    named = struct.pack("<HH16sII", 0x1F, 0x8001, bytes(16), 1, 6) + "abc".encode("utf-16-le") + bytes(2)
    return b"".join(
        [
            struct.pack("<I", 5),
            struct.pack("<HHi", 3, 0x0E21, 7),
            struct.pack("<HHd", 0x40, 0x3007, 0.0),
            struct.pack("<HHI", 0x1003, 0x1234, 2) + bytes(8),
            named + struct.pack("<I", 1) + value("x\0".encode("utf-16-le")),
            struct.pack("<HHI", 0x1F, tnef.LONG_NAME, 1) + value(f"{name}\0".encode("utf-16-le")),
        ]
    )


def a_winmail(*files: tuple[str, bytes], long_names: bool = True) -> bytes:
    data = tnef.SIGNATURE + b"\1\0" + attribute(0x00089006, struct.pack("<I", 0x10000), level=1)
    for name, content in files:
        data += attribute(tnef.BEGINS, bytes(14)) + attribute(tnef.TITLE, b"SHORT~1.XLS\0")
        data += attribute(tnef.DATA, content)
        data += attribute(tnef.PROPERTIES, properties(name)) if long_names else b""
    return data


def test_a_wrapped_workbook_is_an_attachment_with_its_own_name() -> None:
    book = forms.flat()
    wrapped = a_winmail(("Our learners é.xlsx", book), ("logo.png", b"\x89PNG"))

    message = messages.parse(an_email(attachments=[("winmail.dat", wrapped), ("other.txt", b"text")]))

    assert [one.name for one in message.attachments] == ["Our learners é.xlsx", "logo.png", "other.txt"]
    assert message.attachments[0].data == book


@pytest.mark.parametrize(("envelopes", "whole"), [(10, True), (11, False)])
def test_wrapped_files_count_as_parts(envelopes: int, whole: bool) -> None:  # noqa: FBT001
    wrapped = [a_winmail(*((f"{n}", b"%d-%d" % (n, one)) for n in range(tnef.FILES))) for one in range(envelopes)]

    message = messages.parse(an_email(attachments=[("winmail.dat", data) for data in wrapped]))

    assert message.whole is whole


def test_without_a_long_name_the_short_one_must_do() -> None:
    assert tnef.files(a_winmail(("x", b"1"), long_names=False)) == (("SHORT~1.XLS", b"1"),)


def test_names_in_it_are_made_safe() -> None:
    message = messages.parse(an_email(attachments=[("winmail.dat", a_winmail(("..\\..\\a\nb.xlsx", b"1")))]))

    assert [one.name for one in message.attachments] == ["a b.xlsx"]


def test_what_holds_no_files_stays_an_attachment_as_it_is() -> None:
    empty = a_winmail()

    (found,) = messages.parse(an_email(attachments=[("winmail.dat", empty)])).attachments

    assert (found.name, found.data) == ("winmail.dat", empty)


@pytest.mark.parametrize("share", range(0, 100, 7))
def test_what_is_cut_off_gives_what_can_be_read(share: int) -> None:
    whole = a_winmail(("a.xlsx", bytes(500)), ("b.xlsx", bytes(500)))

    assert len(tnef.files(whole[: len(whole) * share // 100])) <= 2


@given(st.binary(max_size=200))
def test_nothing_in_it_raises(rest: bytes) -> None:
    begin = attribute(tnef.BEGINS, b"") + attribute(tnef.DATA, b"1")

    tnef.files(tnef.SIGNATURE + rest)
    tnef.files(tnef.SIGNATURE + b"\1\0" + begin + attribute(tnef.PROPERTIES, rest))

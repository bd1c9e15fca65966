"""Mails that are made to cost much: each a function that returns one, of about `size` bytes where it can be any size.

`MAILS` has them all by name. They are from `sender`, and nothing in them proves that.
"""

import base64
import io
import struct
import zipfile
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from tests.support.builders import SERVICE

STRANGER = "someone@elsewhere.test"
FULL = 24_000_000  # bytes: just below the default limit of a message
HEADER = 990_000  # bytes: just below the limit of a header
FILE = "Content-Type: application/octet-stream"
MIXED = 'Content-Type: multipart/mixed; boundary="b"'
REPORT = 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"'


class Build(Protocol):
    """A function of this catalogue."""

    def __call__(self, sender: str = ..., size: int = ...) -> bytes: ...


_mails: dict[str, Build] = {}
MAILS: Mapping[str, Build] = MappingProxyType(_mails)


def hostile(build: Build) -> Build:
    """Put a function into the catalogue under its name, in words."""
    _mails[build.__name__.replace("_", " ")] = build  # type: ignore[attr-defined]
    return build


# ── parts ──


@hostile
def four_hundred_and_fifty_multiparts_in_each_other(sender: str = STRANGER, size: int = FULL) -> bytes:
    """With 450,000 short lines inside, each of which the library compares with 450 boundaries. Of 1.4 MB."""
    return mail(sender, nested(450, b"x\r\n" * 450_000))


@hostile
def twenty_multiparts_around_short_lines(sender: str = STRANGER, size: int = FULL) -> bytes:
    """As deep as is allowed, with as many lines as are allowed."""
    return mail(sender, nested(20, b"x\r\n" * 490_000))


@hostile
def a_million_short_lines(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Each line becomes a string of eighty bytes."""
    return mail(sender, b"\r\n" + b"\r\n" * (size // 2))


@hostile
def lines_that_end_with_a_carriage_return(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Short lines again, for whoever counts line feeds."""
    return mail(sender, b"\r\n" + b"x\r" * (size // 2))


@hostile
def two_thousand_attachments_full_of_openings(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Texts of nothing but "<?", of which each may be the beginning of a declaration. Of 8 MB, all different."""
    return mail(sender, multipart((FILE, f"{number}".encode() + b"<?" * 2_040) for number in range(1_990)))


@hostile
def ten_thousand_parts(sender: str = STRANGER, size: int = FULL) -> bytes:
    """More parts than are read."""
    return mail(sender, multipart((FILE, f"{number}".encode()) for number in range(10_000)))


@hostile
def a_boundary_of_dashes(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Every line begins like a boundary, and is none."""
    return mail(sender, b'Content-Type: multipart/mixed; boundary="-"\r\n\r\n' + b"---\r\n" * min(size // 5, 490_000))


@hostile
def bounces_in_each_other(sender: str = STRANGER, size: int = FULL) -> bytes:
    """A bounce of a bounce of a bounce, a thousand times, to our envelope address."""
    inner = b"".join(
        b'Content-Type: multipart/report; boundary="%d"\r\n\r\n--%d\r\nContent-Type: message/rfc822\r\n\r\n' % (n, n)
        for n in range(1_000)
    )
    return b"Return-Path: <>\r\n" + mail(sender, inner + b"x\r\n" * 100_000)


@hostile
def a_report_of_blank_lines(sender: str = STRANGER, size: int = FULL) -> bytes:
    """A delivery report: the library makes a message of each block between blank lines."""
    status = ("Content-Type: message/delivery-status", b"\r\n" * 490_000)
    return b"Return-Path: <>\r\n" + mail(sender, multipart([status], REPORT))


@hostile
def a_bounce_that_returns_a_million_mails(sender: str = STRANGER, size: int = FULL) -> bytes:
    """A delivery report with a Message-ID in each line, and beginnings of more."""
    lines = b"".join(b"Message-ID: <%d@s-cool.test>\r\nMessage-ID: <\r\n" % number for number in range(size // 100))
    return b"Return-Path: <>\r\n" + mail(sender, multipart([("Content-Type: text/rfc822-headers", lines)], REPORT))


# ── headers ──


@hostile
def a_file_name_that_contradicts_itself(sender: str = STRANGER, size: int = FULL) -> bytes:
    """The parameter comes whole and in pieces (RFC 2231): the library raises TypeError. Of some two hundred bytes."""
    lines = f"From: {sender}\r\nTo: {SERVICE}\r\nContent-Type: application/octet-stream; name*0*=a; name*=b\r\n"
    disposition = "Content-Disposition: attachment; filename*0*=utf-8''a; filename*=utf-8''b.xlsx\r\n"
    return f"{lines}{disposition}\r\nx\r\n".encode()


@hostile
def a_boundary_that_contradicts_itself(sender: str = STRANGER, size: int = FULL) -> bytes:
    """The same in the parameter that the parser cannot do without."""
    return mail(sender, b"Content-Type: multipart/mixed; boundary*0*=a; boundary*=b\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n")


@hostile
def a_header_without_an_end(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Millions of header lines, and no body."""
    return mail(sender, b"X: y\r\n" * (size // 6))


@hostile
def a_header_of_one_folded_line(sender: str = STRANGER, size: int = FULL) -> bytes:
    """A subject that goes on and on, a character a line."""
    return mail(sender, b"Subject: x\r\n" + b" y\r\n" * (HEADER // 4) + b"\r\nx\r\n")


@hostile
def forty_thousand_recipients(sender: str = STRANGER, size: int = FULL) -> bytes:
    """A To header of 900 KB."""
    named = b",\r\n ".join(b"<%d@elsewhere.test>" % number for number in range(38_000))
    return f"From: {sender}\r\n".encode() + b"Message-ID: <1@elsewhere.test>\r\nTo: " + named + b"\r\n\r\nx\r\n"


@hostile
def a_thousand_authors(sender: str = STRANGER, size: int = FULL) -> bytes:
    """From headers of brackets and quotation marks, none of which is closed."""
    authors = b"".join(b"From: " + b'(<"' * 300 + b"\r\n" for _ in range(900))
    return authors + mail(sender, b"\r\nx\r\n")


@hostile
def a_subject_of_encoded_words(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Which the library once decoded in a time that grew with the square of their number."""
    return mail(sender, b"Subject: " + b"=?utf-8?q?=C3=A4?= " * (HEADER // 19) + b"\r\n\r\nx\r\n")


@hostile
def results_of_semicolons(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Authentication results by servers that nobody trusts, full of signs that separate nothing."""
    return b"".join(b"Authentication-Results: a" + b";" * 7_900 + b"\r\n" for _ in range(120)) + mail(sender, b"\r\nx")


@hostile
def signatures_of_semicolons(sender: str = STRANGER, size: int = FULL) -> bytes:
    """DKIM signatures of the author's domain with a hundred thousand tags each."""
    domain = sender.rpartition("@")[2].encode()
    tags = b"".join(b"; t%d=" % number for number in range(20_000))
    return b"".join(b"DKIM-Signature: d=" + domain + tags + b"\r\n" for _ in range(4)) + mail(sender, b"\r\nx\r\n")


@hostile
def a_parameter_in_seven_hundred_pieces(sender: str = STRANGER, size: int = FULL) -> bytes:
    """A file name that is to be put together from pieces, in each of a thousand parts."""
    pieces = "".join(f";\r\n name*{number}*=b" for number in range(700))
    return mail(sender, multipart((FILE + pieces, f"{number}".encode()) for number in range(1_000)))


# ── encodings ──


@hostile
def base64_that_is_none(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Padding in every place."""
    head = f"{FILE}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()
    return mail(sender, head + b"=A\xff=" * (size // 4))


@hostile
def quoted_printable_of_three_bytes_for_one(sender: str = STRANGER, size: int = FULL) -> bytes:
    """One line of escapes."""
    head = f"{FILE}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
    return mail(sender, head + b"=41" * (size // 3))


@hostile
def uuencode_without_an_end(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Lines that promise more than they hold."""
    head = f"{FILE}\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 a.xlsx\r\n".encode()
    return mail(sender, head + b"M!\r\n" * min(size // 4, 490_000))


@hostile
def charsets_that_are_none(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Codecs that Python has and that decode no text, in every place where a charset may be named."""
    codecs = ("idna", "punycode", "zlib", "rot13", "unicode_escape", "undefined", "mbcs", "utf-7", "a\0b", "utf-16'x'")
    parts = [
        (
            f"Content-Type: text/{kind}; charset*={codec}''x; name*={codec}''%C3%FF; charset=\"{codec}\"",
            b"\xff\xfe+AGE-",
        )
        for codec in codecs
        for kind in ("plain", "csv")
    ]
    words = "".join(f"Subject: =?{codec}?q?=C3?=\r\n" for codec in codecs)
    return words.encode() + mail(sender, multipart(parts))


@hostile
def links_that_are_none(sender: str = STRANGER, size: int = FULL) -> bytes:
    """A body of beginnings of addresses."""
    return mail(sender, b"Content-Type: text/html\r\n\r\n" + b"//a.a-1drv.m" * (size // 12))


# ── files ──


@hostile
def winmail_dat_of_empty_files(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Outlook's envelope with as many beginnings of attachments as there is room for."""
    begins = struct.pack("<BIIH", 2, 0x00069002, 0, 0)
    data = b"\x78\x9f\x3e\x22\0\0" + begins * (size // 20)
    return mail(sender, attached(data))


@hostile
def archives_of_empty_names(sender: str = STRANGER, size: int = FULL) -> bytes:
    """Twenty-five archives with thousands of entries each, and none that says what it is."""
    archives = []
    for number in range(25):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for entry in range(500):
                archive.writestr(f"{number}-{entry}", "")
        archives.append((f"{FILE}\r\nContent-Transfer-Encoding: base64", base64.encodebytes(out.getvalue())))
    return mail(sender, multipart(archives))


@hostile
def nothing_but_zeros(sender: str = STRANGER, size: int = FULL) -> bytes:
    """One line of NUL."""
    return mail(sender, b"\r\n" + bytes(size))


# ── what they are made of ──


def mail(sender: str, rest: bytes) -> bytes:
    """A message with these header lines and this body."""
    return f"From: {sender}\r\nTo: {SERVICE}\r\nMessage-ID: <1@elsewhere.test>\r\nMIME-Version: 1.0\r\n".encode() + rest


def multipart(parts: Iterable[tuple[str, bytes]], kind: str = MIXED) -> bytes:
    """The header line and the body of a multipart; each part with its header lines."""
    made = [f"{kind}\r\n\r\n".encode()]
    made.extend(f"--b\r\n{head}\r\n\r\n".encode("utf-8", "surrogateescape") + body + b"\r\n" for head, body in parts)
    return b"".join([*made, b"--b--\r\n"])


def nested(depth: int, inside: bytes) -> bytes:
    """Multiparts in each other."""
    multiparts = (b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(depth))
    return b"".join(multiparts) + b"\r\n" + inside


def attached(data: bytes) -> bytes:
    """The header lines and the body of a message that is one file."""
    encoded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return f"{FILE}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode() + encoded

import base64
import time
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planit_mailer.mail import headers, messages, parts
from planit_mailer.mail.headers import Address
from tests.support import crossing
from tests.support.builders import an_email, with_header

WORKBOOK = b"PK\x03\x04 as far as anybody here knows"


def a_part(disposition: str, content_type: str = "application/octet-stream", data: bytes = WORKBOOK) -> bytes:
    """A message that consists of one file."""
    head = f"From: a@b.test\r\nContent-Type: {content_type}\r\nContent-Disposition: {disposition}\r\n"
    encoded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return head.encode("utf-8", "surrogateescape") + b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded


def names(raw: bytes) -> list[str]:
    return [attachment.name for attachment in messages.parse(raw).attachments]


def test_a_message_is_read() -> None:
    raw = an_email(
        "Jo Smith <Jo@Greenfield.Test>",
        attachments=[("grades.xlsx", WORKBOOK)],
        headers=[("Message-ID", "<1@g>"), ("In-Reply-To", "<0@s>"), ("References", "<a@s> <0@s>")],
    )
    message = messages.parse(raw)
    assert message.from_addresses == (Address("Jo Smith", "jo@greenfield.test"),)
    assert (message.message_id, message.in_reply_to, message.references) == ("<1@g>", "<0@s>", ("<a@s>", "<0@s>"))
    assert [(a.name, a.data) for a in message.attachments] == [("grades.xlsx", WORKBOOK)]
    assert messages.header(message, "subject") == "Our data"
    assert message.whole


def test_it_goes_from_the_reading_process_to_ours_unchanged() -> None:
    message = messages.parse(an_email(attachments=[("grades.xlsx", WORKBOOK)]))
    assert crossing.message(message) == message


def test_every_attachment_counts_once_by_its_bytes() -> None:
    raw = an_email(attachments=[("a.xlsx", WORKBOOK), ("b.xlsx", b"another"), ("copy of a.xlsx", WORKBOOK)])
    assert names(raw) == ["a.xlsx", "b.xlsx"]


def test_the_same_attachments_have_the_same_digest_in_any_order() -> None:
    first = messages.parse(an_email(attachments=[("a.xlsx", WORKBOOK), ("b.xlsx", b"another")]))
    second = messages.parse(an_email(attachments=[("c.xlsx", b"another"), ("d.xlsx", WORKBOOK)]))
    other = messages.parse(an_email(attachments=[("a.xlsx", WORKBOOK)]))
    assert first.attachments_digest == second.attachments_digest != other.attachments_digest


def test_of_a_message_beyond_the_limit_only_the_header_is_read() -> None:
    header = an_email(attachments=[("a.xlsx", WORKBOOK)]).partition(b"\r\n\r\n")[0]
    message = messages.parse(header + b"\r\n\r\n", whole=False)
    assert (message.whole, message.attachments) == (False, ())
    assert message.from_addresses


def test_a_workbook_inside_a_forwarded_or_returned_message_is_not_ours_to_read() -> None:
    inner = an_email(attachments=[("inner.xlsx", WORKBOOK)], headers=[("Message-ID", "<ours@s-cool.test>")])
    outer = EmailMessage(policy=SMTP)
    outer["From"] = "mailer-daemon@b.test"
    outer.set_content("could not be delivered")
    outer.add_attachment(inner, maintype="message", subtype="x-rfc822")
    outer.add_attachment(b"outer", maintype="application", subtype="octet-stream", filename="outer.xlsx")
    raw = outer.as_bytes().replace(b"x-rfc822", b"rfc822")
    assert names(raw) == ["outer.xlsx"]


def test_a_bounce_names_the_message_that_it_returns() -> None:
    returned = (
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <ours@s-cool.test>\r\nSubject: x\r\n\r\n--b--\r\n"
    )
    raw = b'From: a@b.test\r\nMessage-ID: <own@b>\r\nContent-Type: multipart/report; boundary="b"\r\n\r\n' + returned
    assert messages.parse(raw).returned == ("<ours@s-cool.test>",)


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ('attachment; filename="grades.xlsx"', "grades.xlsx"),
        ("attachment; filename=year 10 grades.xlsx", "year 10 grades.xlsx"),
        ("attachment; filename==?utf-8?B?w6QueGxzeA==?=", "ä.xlsx"),
        ('attachment; filename="=?utf-8?B?w6QueGxzeA==?="', "ä.xlsx"),
        ("attachment; filename*=utf-8''%C3%A4.xlsx", "ä.xlsx"),
        ('attachment; filename="ä.xlsx"', "ä.xlsx"),
        ('attachment; filename="../../etc/passwd.xlsx"', "passwd.xlsx"),
        ('attachment; filename="C:\\\\Users\\\\jo\\\\grades.xlsx"', "grades.xlsx"),
        ('attachment; filename="gr\x07ades\u202exslx.exe"', "gradesxslx.exe"),
        ('attachment; filename="grades\r\n .xlsx"', "grades .xlsx"),
        ("attachment", "attachment-1"),
        ("attachment; filename*=no-such-charset''%C3.xlsx", "Ã.xlsx"),
        ("attachment; filename*=a\x00b''%C3.xlsx", "Ã.xlsx"),
        ("attachment; filename*=idna''%C3.xlsx", "attachment-1"),
        (f'attachment; filename="{"long " * 100}.xlsx"', ("long " * 100)[:109] + ".xlsx"),
        (f'attachment; filename="{"x" * 500}"', "x" * 120),
    ],
)
def test_a_file_name_is_safe_to_show(disposition: str, expected: str) -> None:
    (name,) = names(a_part(disposition))
    assert name == expected
    assert len(name) <= 120


CONTRADICTING = "filename*0*=utf-8''a; filename*=utf-8''b.xlsx"


@pytest.mark.parametrize("raw", [a_part(f"attachment; {CONTRADICTING}"), a_part("inline", "a/b; name*0*=a; name*=b")])
def test_a_file_whose_name_contradicts_itself_has_none(raw: bytes) -> None:
    [attachment] = messages.parse(raw).attachments
    assert (attachment.name, attachment.data) == ("attachment-1", WORKBOOK)


def test_a_charset_that_contradicts_itself_changes_no_byte() -> None:
    raw = a_part("attachment", "text/csv; charset*0*=a; charset*=b").replace(b"base64", b"8bit")
    assert messages.parse(raw + b"\xff\xfe").attachments[0].data.endswith(b"\xff\xfe")


def test_a_message_whose_parts_make_the_library_raise_is_unread_but_for_its_header() -> None:
    raw = an_email(attachments=[("a.xlsx", WORKBOOK)]).replace(b"boundary=", b"boundary*0*=b; boundary*=")
    message = messages.parse(raw)
    assert message.unread.startswith("TypeError in decode_params")
    assert (message.from_addresses, message.attachments) == (messages.head(raw).from_addresses, ())


def test_the_header_alone_tells_the_same_as_the_whole_message() -> None:
    raw = an_email("Jo <jo@greenfield.test>", attachments=[("a.xlsx", WORKBOOK)])
    head, message = messages.head(messages.beginning(raw)), messages.parse(raw)
    told = ("from_addresses", "message_id", "in_reply_to", "references", "date", "headers", "whole", "unread")
    assert [getattr(head, name) for name in told] == [getattr(message, name) for name in told]
    assert head.attachments == ()


@pytest.mark.parametrize("line", [b"X: y\r\n", b" y\r\n"])
def test_a_header_of_more_than_a_megabyte_is_not_read(line: bytes) -> None:
    head = b"From: a@b.test\r\nSubject: x\r\n"
    long, longer = (head + line * (count // len(line)) + b"\r\nx" for count in (900_000, 1_100_000))
    assert messages.head(long).from_addresses
    for message in (messages.head(messages.beginning(longer)), messages.parse(longer)):
        assert (message.unread, message.from_addresses) == ("its header has more than 1 MB", ())


def test_text_without_a_file_name_is_the_body_and_with_one_it_is_a_file() -> None:
    assert names(a_part("inline", "text/plain")) == []
    assert names(a_part("inline", "text/html; charset=utf-8")) == []
    assert names(a_part("inline", "text/plain; name=marks.txt")) == ["marks.txt"]
    assert names(a_part("attachment", "text/plain")) == ["attachment-1"]
    assert names(a_part("inline", "text/csv")) == ["attachment-1"]


def test_bytes_come_through_whatever_the_encoding() -> None:
    data = bytes(range(256)) * 10
    quoted = "".join(f"={byte:02X}" for byte in data).encode()
    for encoding, body in (("base64", base64.encodebytes(data)), ("quoted-printable", quoted), ("binary", data)):
        raw = f"Content-Type: application/x\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body
        assert messages.parse(raw).attachments[0].data == data, encoding


@pytest.mark.parametrize(
    ("body", "link"),
    [
        ("https://1drv.ms/x/s!Abc", "OneDrive"),
        ("https://school-my.sharepoint.com/:x:/g/personal/abc", "OneDrive"),
        ("https://school.sharepoint.com/:x:/s/abc", "SharePoint"),
        ("https://drive.google.com/file/d/1", "Google Drive"),
        ("https://docs.google.com/spreadsheets/d/1", "Google Drive"),
        ("https://www.dropbox.com/s/abc/grades.xlsx", "Dropbox"),
        ("https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fschool.sharepoint.com%2Fx", "SharePoint"),
        ("https://notdropbox.com/ https://dropbox.com.evil.test/ mail me@dropbox.com", ""),
        ("https://greenfield.test/data", ""),
    ],
)
def test_a_link_instead_of_a_file_is_named(body: str, link: str) -> None:
    assert messages.parse(an_email(body=f"See {body} for it.\n")).link == link


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("a@b.test", ["a@b.test"]),
        ("A <A@B.test>", ["a@b.test"]),
        ("a@b.test (Jo)", ["a@b.test"]),
        ('"Smith, Jo" <a@b.test>', ["a@b.test"]),
        ("Smith, Jo <a@b.test>", ["a@b.test"]),
        ("a@b.test, c@d.test", ["a@b.test", "c@d.test"]),
        ("a@b.test,", ["a@b.test"]),
        ("<a@b.test>, foo", ["a@b.test", ""]),
        ("<a@b.test> <c@d.test>", [""]),
        ("<a@b.test> and more", [""]),
        ("alice@example.org)bob@example.com", [""]),
        ("a@b.test c@d.test", [""]),
        ('"a b"@c.test', [""]),
        ("<>", [""]),
        (f"<{'a' * 64}@{'b' * 255}>", [f"{'a' * 64}@{'b' * 255}"]),
        (f"<{'a' * 64}@{'b' * 256}>", [""]),
        ("undisclosed-recipients:;", [""]),
        ("a@b.test" + " " * 3000 + ", c@d.test", [""]),
        ("", []),
    ],
)
def test_two_addresses_never_look_like_one(value: str, addresses: list[str]) -> None:
    assert [author.address for author in headers.addresses(value)] == addresses


def test_a_second_from_header_counts() -> None:
    message = messages.parse(with_header(an_email(), "From: other@elsewhere.test"))
    assert len(message.from_addresses) == 2


def test_a_display_name_is_decoded() -> None:
    assert headers.addresses("=?utf-8?q?J=C3=B6?= <a@b.test>")[0].name == "Jö"
    assert headers.addresses("=?nonsense?q?J=C3?= <a@b.test>")[0].name == "=?nonsense?q?J=C3?="
    assert headers.addresses("=?utf-8?b?x?= <a@b.test>")[0].address == "a@b.test"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<1@g>", "<1@g>"),
        (" <1@g> (added by somebody)", "<1@g>"),
        ("no-brackets@g", "no-brackets@g"),
        ("<with space@g>", ""),
        ("<1@g>\r\n <2@g>", "<1@g>"),
        ("<ä@g>", ""),
        ("<" + "x" * 300 + ">", ""),
    ],
)
def test_a_message_id_is_safe_to_put_into_a_header(value: str, expected: str) -> None:
    raw = f"From: a@b.test\r\nMessage-ID: {value}\r\n\r\nx".encode()
    assert messages.parse(raw).message_id == expected


def test_a_long_thread_keeps_its_beginning_and_its_end() -> None:
    chain = [f"<{n}@g>" for n in range(100)]
    raw = ("References: " + "\r\n ".join(chain) + "\r\n\r\nx").encode()
    found = messages.parse(raw).references
    assert (found[0], found[-1], len(found)) == ("<0@g>", "<99@g>", 20)


def test_headers_are_unfolded_and_without_controls() -> None:
    raw = b"Subject: two\r\n lines\x00\x1b[31m and \xe2\x82\xac\r\nX: \xff\r\n\r\nx"
    assert messages.parse(raw).headers == (("subject", "two lines[31m and €"), ("x", "\ufffd"))


def nested(depth: int) -> bytes:
    multiparts = (b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(depth))
    return b"".join(multiparts) + b"Content-Type: application/x\r\n\r\nx"


@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        (nested(parts.DEPTH), True),
        (nested(parts.DEPTH + 1), False),
        (b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * (parts.PARTS - 1), True),
        (b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * parts.PARTS, False),
        (b"\r\n" * parts.LINES, True),
        (b"\r\n" * (parts.LINES + 1), False),
        (b"\r" * (parts.LINES + 1), False),
        (b"\n" * (parts.LINES + 1), False),
    ],
    ids=["deep", "too deep", "many parts", "too many parts", "many lines", "too many lines", "too many CR", "of LF"],
)
def test_a_message_is_whole_within_bounds(raw: bytes, whole: bool) -> None:  # noqa: FBT001
    assert messages.parse(raw).whole is whole


def test_messages_in_each_other_are_not_opened_and_so_never_too_deep() -> None:
    inside = b"".join(b"Content-Type: message/rfc822\r\n\r\n" for _ in range(500))
    message = messages.parse(b"From: a@b.test\r\n" + inside + b"Content-Type: message/delivery-status\r\n\r\n\r\n\r\n")
    assert (message.whole, message.forwarded, message.attachments) == (True, True, ())


def hostile() -> dict[str, bytes]:
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3000))
    parts = b"".join(b"--b\r\nContent-Type: application/x\r\n\r\n%d\r\n" % n for n in range(5000))
    return {
        "nothing": b"",
        "three thousand nested multiparts": nested,
        "five thousand parts": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + parts,
        "a subject of 400 KB of encoded words": b"Subject: " + b"=?utf-8?q?=C3=A4?= " * 20_000 + b"\r\n\r\nx",
        "a From of a megabyte": b'From: "' + b"\\" * 2**20 + b"\r\n\r\nx",
        "a hundred thousand headers": b"X: y\r\n" * 100_000 + b"\r\nx",
        "a multipart without a boundary": b"Content-Type: multipart/mixed\r\n\r\n--x\r\n",
        "a multipart with an empty boundary": b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n',
        "base64 that is none": b"Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff=A==\x00",
        "uuencode that is none": b"Content-Transfer-Encoding: uue\r\n\r\nbegin 644 x\r\n\xff",
        "endless dashes in a link": b"Content-Type: text/plain\r\n\r\nhttps://" + b"-" * 10**6,
        "endless labels in a link": b"Content-Type: text/plain\r\n\r\nhttps://" + b"a." * 500_000,
    }


@pytest.mark.parametrize("raw", hostile().values(), ids=hostile())
def test_hostile_mail_neither_raises_nor_takes_long(raw: bytes) -> None:
    began = time.process_time()
    message = messages.parse(raw)
    assert time.process_time() - began < 3
    assert len(message.attachments) <= parts.PARTS
    assert all(len(value) <= headers.HEADER for _, value in message.headers)


FRAGMENTS = st.sampled_from(
    [
        b"From: ",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: application/x; name*=",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Transfer-Encoding: ",
        b"base64\r\n",
        b"quoted-printable\r\n",
        b"x-uuencode\r\n",
        b"Content-Disposition: attachment; filename",
        b"*0*=utf-8''",
        b"*=",
        b"=?utf-8?b?",
        b"?=",
        b"--b\r\n",
        b"--b--\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"<a@b>",
        b'"',
        b"(",
        b",",
        b"\x00",
        b"\xff",
        b"begin 644 x\r\n",
        b"Message-ID: ",
        b"References: ",
    ],
)


@given(st.lists(FRAGMENTS | st.binary(max_size=8), max_size=40).map(b"".join), st.booleans())
@settings(max_examples=500, deadline=None)
def test_nothing_raises(raw: bytes, whole: bool) -> None:  # noqa: FBT001
    message = messages.parse(raw, whole)
    assert crossing.message(message) == message
    for value in (message.message_id, message.in_reply_to, *message.references, *(a.name for a in message.attachments)):
        assert not set(value) & set("\r\n\0"), value
    for _, value in message.headers:
        value.encode("utf-8")

"""Files that come instead of a spreadsheet are named, with advice about them."""

import pytest

from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.policy import letters
from planit_mailer.domain.policy.letters import Letter, Opening
from planit_mailer.domain.replies import other_files
from planit_mailer.mail import messages
from planit_mailer.spreadsheets import detect
from tests.domain.replies.test_compose import a_letter
from tests.support import forms
from tests.support.builders import an_email
from tests.support.workbooks import a_workbook, packed

ZIPPED = packed({"learners.xlsx": a_workbook(lambda page: page.append(["UPN"]))})
SHORTCUT = b"[InternetShortcut]\r\nURL=https://greenfield.sharepoint.com/x\r\n"
COPY = "copy the data to the form that is attached, and send that"
DOWNLOAD = "download the workbook and attach a copy of it"


def test_of_very_many_files_the_first_are_named_and_the_others_counted() -> None:
    files = [(f"{number}.png", b"\x89PNG\r\n\x1a\n%d" % number) for number in range(1_300)]

    arrived = other_files.arrived(a_letter_with(an_email(attachments=files)))

    assert len(arrived) == other_files.LISTED + 1
    assert (arrived[0], arrived[-1]) == ("0.png (a picture)", "1,250 more files")


def a_letter_with(raw: bytes) -> Letter:
    letter = a_letter()
    read = Letter(letter.receipt, messages.parse(raw), letter.sender, letter.registration, "")
    return letters.with_files(read, Opening(forms.judge, detect.kinds, workbooks=20))


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [
        ("data.zip", ZIPPED, "data.zip (a zip archive): take the workbook out of it and attach that"),
        ("data.rar", b"Rar!\x1a\x07\0", "data.rar (a RAR archive): take the workbook out of it and attach that"),
        ("data.pdf", b"%PDF-1.7\n", f"data.pdf (a PDF): {COPY}"),
        ("data.docx", packed({"word/document.xml": b""}), f"data.docx (a Word document): {COPY}"),
        ("data.url", SHORTCUT, f"data.url (a link to a file): {DOWNLOAD}"),
        ("data.png", b"\x89PNG\r\n\x1a\n", "data.png (a picture)"),
        ("data.txt", b"Dear all,\nhere it is.", "data.txt (plain text)"),
        ("data.bin", b"\x7fELF\x02\x01\x01\0", "data.bin"),
    ],
)
def test_a_file_that_is_no_spreadsheet_is_named_with_what_to_do(name: str, data: bytes, line: str) -> None:
    assert other_files.arrived(a_letter_with(an_email(attachments=[(name, data)]))) == (line,)


@pytest.mark.parametrize(
    ("address", "store"),
    [
        ("https://1drv.ms/x/s!Abc", "OneDrive"),
        ("https://greenfield.sharepoint.com/:x:/s/abc", "SharePoint"),
        ("https://docs.google.com/spreadsheets/d/1", "Google Drive"),
    ],
)
def test_a_link_instead_of_a_file_is_named_with_what_to_do(address: str, store: str) -> None:
    arrived = other_files.arrived(a_letter_with(an_email(body=f"Our data is at {address}\n")))

    assert arrived == (catalogue.problem("link-instead-of-file", store=store).message,)


def test_a_forwarded_email_is_named_with_what_to_do() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\nFrom: a@b.test\r\n\r\nHere it is.\r\n"

    assert other_files.arrived(a_letter_with(raw)) == (
        "a forwarded email: take the workbook out of it and attach that",
    )

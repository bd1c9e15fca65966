"""An invented school, with the workbooks (in the handbook's layout) and the emails that its office sends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from io import BytesIO

from openpyxl import Workbook

from planit_mailer.core import clock

XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
COMPULSORY = ("First name", "Learner Surname", "UPIN", "SIMS No", "DOB", "Year")

NAME, POSTCODE = "Greenfield School", "ZZ9 9ZZ"
OFFICE = "office@greenfield.test"
STRANGER = "someone@elsewhere.test"
SEPTEMBER = 9


@dataclass(frozen=True, slots=True)
class Pupil:
    """One row as the office types it."""

    first_name: str
    surname: str
    upin: str
    sims_no: str
    dob: str | date
    year: str
    values: tuple[str | float, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One form as the office fills it in."""

    introduction: tuple[str, ...]
    headings: tuple[str, ...]
    pupils: tuple[Pupil, ...]


def good() -> Sheet:
    """The autumn data, as it should be."""
    return Sheet(
        introduction=(
            "These are your expected grades and your attendance since September.",
            "Your tutor will talk them over with you before Christmas.",
        ),
        headings=("History", "Science", "Maths", "Attendance"),
        pupils=(
            Pupil("Robin", "Fennimore", "R201100018042", "004512", _born(10, 3, 14), "10", ("B", "6-6", "7", 0.953)),
            Pupil("Asha", "Quill", "B801200005001", "004513", _born(10, 11, 2), "10", ("A", "8-7", "8", 0.981)),
            Pupil("Tomos", "Ap Rhisiart", "P207000016049", "004520", _born(11, 6, 30), "11", ("", "5-4", "6", 0.9)),
            Pupil("Marguerite", "Oyelaran", "H823432113037", "004521", _born(11, 1, 9), "11", ("C", "", "5", 0.87)),
        ),
    )


def with_mistakes() -> Sheet:
    """The spring data with three mistakes: an impossible date, a mistyped UPIN, and a missing year."""
    sheet = corrected()
    robin, asha, tomos, marguerite = sheet.pupils
    return replace(
        sheet,
        pupils=(
            replace(robin, dob="31/02/2011"),
            replace(asha, upin="B801200005010"),
            replace(tomos, year=""),
            marguerite,
        ),
    )


def corrected() -> Sheet:
    """The spring data after the office has corrected the mistakes."""
    sheet = good()
    spring = (("A", "7-6", "7", 0.961), ("A", "8-8", "9", 0.978), ("", "6-5", "6", 0.93), ("B", "", "6", 0.89))
    pupils = tuple(replace(pupil, values=values) for pupil, values in zip(sheet.pupils, spring, strict=True))
    return replace(sheet, introduction=("These are your grades after the mock examinations.",), pupils=pupils)


def workbook(sheet: Sheet) -> bytes:
    """The form as an .xlsx file, in the handbook's layout."""
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = "Upload"
    for row in _rows_above_the_learners(sheet):
        page.append(row)
    for pupil in sheet.pupils:
        page.append(
            (pupil.first_name, pupil.surname, pupil.upin, pupil.sims_no, pupil.dob, pupil.year, *pupil.values),
        )
    for cells in page.iter_rows(min_row=12):
        cells[4].number_format = "dd/mm/yyyy"
        cells[-1].number_format = "0.0%"
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def an_email(sender: str, recipient: str, subject: str, files: Sequence[tuple[str, bytes]]) -> bytes:
    """An email from the office, with files attached."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message.set_content("Here is our data.\n\nThe school office\n")
    for name, data in files:
        message.add_attachment(data, *XLSX, filename=name)
    return message.as_bytes()


def _rows_above_the_learners(sheet: Sheet) -> list[tuple[str | date | None, ...]]:
    paragraphs = [
        (f"Introductory Text paragraph {number}:", text) for number, text in enumerate(_three(sheet.introduction), 1)
    ]
    return [
        ("Sample Plan-it spreadsheet import",),
        ("School name", NAME),
        ("School postcode", POSTCODE),
        ("Import spreadsheet submitted by", "The school office"),
        ("Date submitted", clock.now().date()),
        *paragraphs,
        ("Compulsory Fields", *[None] * 5, "Provider defined fields"),
        (*[None] * 6, *sheet.headings),
        COMPULSORY,
    ]


def _three(introduction: tuple[str, ...]) -> tuple[str, ...]:
    """The paragraphs of an introduction, filled up to three with empty ones."""
    return (*introduction, "", "", "")[:3]


def _born(year: int, month: int, day: int) -> date:
    """A date of birth that fits a year group now. School years begin in September."""
    today = clock.now().date()
    school_year = today.year if today.month >= SEPTEMBER else today.year - 1
    born = school_year - year - 4
    if month >= SEPTEMBER:
        born -= 1
    return date(born, month, day)

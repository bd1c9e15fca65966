"""How much of a letter's files is looked at: all that a school sends within bounds, little of a stranger's."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from planit_mailer.domain.forms import judge
from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.messages import Receipt, Sender
from planit_mailer.domain.policy import letters
from planit_mailer.domain.policy.letters import Letter, Opening
from planit_mailer.domain.schools import School, SenderRegistration
from planit_mailer.domain.verdict import File
from planit_mailer.mail import messages
from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.detect import FileKind
from tests.support.books import NOW, OFFICE
from tests.support.builders import an_email

GREENFIELD = School(1, "900001", "Greenfield School", "ZZ9 9ZZ")
PICTURE = b"\x89PNG\r\n\x1a\n"
WORKBOOK = b"PK\x03\x04" + bytes(22) + b"\x0f\0\0\0xl/workbook.xml"


class Eyes:
    """Looks at files as the reading process does, and remembers at which. `patience` is how many it has time for."""

    def __init__(self, workbooks: int = 20, patience: int = 10_000) -> None:
        self.opened: list[bytes] = []
        self.sniffed: list[Sequence[bytes]] = []
        self.patience = patience
        self.opening = Opening(self.judge, self.sniff, workbooks)

    def judge(self, data: bytes) -> Judgement:
        if len(self.opened) == self.patience:
            return judge.left_over()
        self.opened.append(data)
        found = detect.sniff(data)
        return Judgement(None, (), found=found.name, is_spreadsheet=found.is_spreadsheet)

    def sniff(self, beginnings: Sequence[bytes]) -> tuple[FileKind, ...]:
        self.sniffed.append(beginnings)
        return detect.kinds(beginnings)


def a_letter(*files: tuple[str, bytes], registered: bool = True, authentic: bool = True) -> Letter:
    message = messages.parse(an_email(OFFICE, attachments=files))
    standing = SenderRegistration((GREENFIELD,) if registered else ())
    return Letter(Receipt(1, "PM-7F3K-9Q2T", NOW, NOW), message, Sender(OFFICE, authentic, "tests"), standing, "")


def workbooks(count: int) -> list[tuple[str, bytes]]:
    """So many different workbooks."""
    return [(f"{number}.xlsx", WORKBOOK + b"%d" % number) for number in range(count)]


def problems(file: File) -> list[str]:
    return [problem.code for problem in file.judgement.problems] if file.judgement else []


def test_every_file_of_a_school_is_opened() -> None:
    eyes = Eyes()
    pictures = [(f"{number}.png", PICTURE + b"%d" % number) for number in range(300)]

    letter = letters.with_files(a_letter(*pictures, *workbooks(20)), eyes.opening)

    assert len(eyes.opened) == len(letter.files) == 320
    assert eyes.sniffed == []


def test_workbooks_beyond_their_number_are_a_problem_each_and_pictures_are_none() -> None:
    eyes = Eyes(workbooks=2)
    files = [*workbooks(4), ("logo.png", PICTURE), ("renamed.xlsx", PICTURE + b"0"), ("table.csv", b"words")]

    letter = letters.with_files(a_letter(*files), eyes.opening)

    assert len(eyes.opened) == 2
    assert [(file.name, problems(file)) for file in letter.files] == [
        ("0.xlsx", []),
        ("1.xlsx", []),
        ("2.xlsx", ["email-too-full"]),
        ("3.xlsx", ["email-too-full"]),
        ("renamed.xlsx", ["email-too-full"]),
        ("table.csv", ["email-too-full"]),
        ("logo.png", []),
    ]


def test_files_for_which_there_is_no_time_are_a_problem_too() -> None:
    eyes = Eyes(patience=1)

    letter = letters.with_files(a_letter(*workbooks(3)), eyes.opening)

    assert [problems(file) for file in letter.files] == [[], ["email-too-full"], ["email-too-full"]]
    assert len(eyes.sniffed) == 1


def test_of_very_many_files_that_are_left_over_the_last_are_told_as_one() -> None:
    letter = letters.with_files(a_letter(*workbooks(150)), Eyes(workbooks=20).opening)

    assert len(letter.files) == 20 + letters.LEFT_OVER + 1
    assert letter.files[-2].name == "39.xlsx"
    assert (letter.files[-1].name, problems(letter.files[-1])) == ("110 more files", ["email-too-full"])


def test_of_a_stranger_the_beginnings_of_twenty_files_are_sniffed_at_once_and_the_rest_may_be_anything() -> None:
    eyes = Eyes()
    files = [(f"{number}.png", PICTURE + bytes(100_000) + b"%d" % number) for number in range(25)]

    letter = letters.with_files(a_letter(*files, registered=False), eyes.opening)

    assert eyes.opened == []
    assert [len(beginnings) for beginnings in eyes.sniffed] == [20]
    assert {len(beginning) for beginning in eyes.sniffed[0]} == {detect.BEGINNING}
    assert [file.is_spreadsheet for file in letter.files] == [False] * 20 + [True] * 5


def test_a_letter_without_files_asks_for_nothing() -> None:
    eyes = Eyes()
    assert letters.with_files(a_letter(registered=False), eyes.opening).files == ()
    assert eyes.sniffed == []


def test_nothing_is_looked_at_in_what_is_not_authentic() -> None:
    eyes = Eyes()
    assert letters.with_files(a_letter(*workbooks(1), authentic=False), eyes.opening).files == ()
    assert (eyes.opened, eyes.sniffed) == ([], [])


@pytest.mark.parametrize("registered", [True, False])
def test_an_email_that_cannot_be_read_may_hold_a_form(registered: bool) -> None:  # noqa: FBT001
    letter = a_letter(registered=registered)
    unread = replace(letter, message=replace(letter.message, unread="TypeError in decode_params, line 286"))

    [file] = letters.with_files(unread, Eyes().opening).files

    assert file.is_spreadsheet
    assert problems(file) == ["email-not-read"]

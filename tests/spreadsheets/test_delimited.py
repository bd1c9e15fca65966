"""Tables in plain text: in whichever encoding, divided by whichever sign."""

from collections.abc import Sequence
from itertools import product

import pytest

from planit_mailer.spreadsheets import read
from planit_mailer.spreadsheets.model import Kind, Limits, Reason, Sheet, Unreadable
from tests.support.workbooks import cells, sheet

ROWS = (
    ("Forename", "Surname", "Adno", "DOB"),
    ("Zoë", "O\N{RIGHT SINGLE QUOTATION MARK}Neill", "000123", "12/01/2007"),
    ("Li", "Ng", "7", ""),
)


def text(delimiter: str, end: str = "\r\n") -> str:
    return "".join(delimiter.join(row) + end for row in ROWS)


def shown(data: bytes) -> list[list[str]]:
    return [[cell.text if cell else "" for cell in row.cells] for row in sheet(data).rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_columns_may_be_divided_by_any_usual_sign(delimiter: str, end: str) -> None:
    assert shown(text(delimiter, end).encode()) == [list(ROWS[0]), list(ROWS[1]), list(ROWS[2][:3])]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("cp1252", ""), *product(["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"], ["", "\ufeff"])],
)
def test_text_may_be_in_any_usual_encoding_with_or_without_a_mark(encoding: str, mark: str) -> None:
    found = shown((mark + text("\t")).encode(encoding))

    assert found[:2] == [list(ROWS[0]), list(ROWS[1])]


def test_text_that_excel_saved_for_a_macintosh_keeps_its_accents() -> None:
    assert shown(text(",", "\r").encode("mac_roman"))[1] == list(ROWS[1])


@pytest.mark.parametrize("name", ["Zoë", "René", "Siân", "Raúl", "Müller", "Bjørn", "naïve", "Anaïs"])
def test_accents_that_ms_dos_wrote_are_not_taken_for_other_signs(name: str) -> None:
    found = read.read(f"Forename,Surname,Adno,DOB\r\n{name},Lee,7,\r\n".encode("cp850"), Limits())

    assert isinstance(found, Unreadable)
    assert found.reason is Reason.ENCODING


def test_text_in_two_encodings_at_once_cannot_be_opened() -> None:
    found = read.read(text(",").encode() + "Zoë,Lee,8,\r\n".encode("cp1252"), Limits())

    assert isinstance(found, Unreadable)
    assert found.reason is Reason.ENCODING


def test_signs_that_stand_beside_words_are_no_accents() -> None:
    words = "English†,50¢ each,5‰,£5,†note,“said”,NÃO"

    assert shown(f"a,b,c,d,e,f,g\r\n{words}\r\n".encode("cp1252"))[1] == words.split(",")


def test_leading_zeros_are_text_and_errors_are_errors() -> None:
    found = cells(b"Adno,Grade,Points,Date,Note\r\n007,#N/A,#DIV/0!,########,#1 choice\r\n")

    assert (found["A2"].kind, found["A2"].value) == (Kind.TEXT, "007")
    assert [found[place].kind for place in ("B2", "C2", "D2")] == [Kind.ERROR] * 3
    assert found["E2"].kind is Kind.TEXT


def test_a_formula_that_is_nothing_but_a_text_is_that_text_and_any_other_was_never_saved() -> None:
    found = cells(
        b'UPIN,Adno,Grade,Points\r\n="007","=""5-4""","=""say """"so""""""",=B2+1\r\n="",=,= B,=SUM(A1:A3)\r\n'
    )

    assert [found[place].text for place in ("A2", "B2", "C2")] == ["007", "5-4", 'say "so"']
    assert [found[place].kind for place in ("D2", "D3")] == [Kind.UNSAVED] * 2
    assert [found[place].text for place in ("B3", "C3")] == ["=", "= B"]
    assert "A3" not in found


def test_quotes_hold_signs_lines_and_quotes() -> None:
    assert shown(b'a,b,c,d\r\n"x, y","two\r\nlines","say ""so""",5" pipe\r\n')[1] == [
        "x, y",
        "two\nlines",
        'say "so"',
        '5" pipe',
    ]


def test_a_quote_without_its_other_half_is_damage_and_swallows_no_rows() -> None:
    found = read.read(b'a,b,c,d\r\n"Ann,1,2,3\r\nBob,1,2,3\r\n', Limits())

    assert isinstance(found, Unreadable)
    assert found.reason is Reason.CANNOT_BE_OPENED


def test_blank_lines_count_as_rows_and_the_line_that_names_the_sign_does_not() -> None:
    found = sheet(b"sep=;\r\na;b;c;d\r\n\r\n;;;\r\n1;2;3;4,5\r\n")

    assert [row.number for row in found.rows] == [1, 4]
    assert len(found.rows[1].cells) == 4


def test_who_knows_what_is_meant_says_which_way_it_divides() -> None:
    data = b"Dear all, some words, with commas, and so on, to say\r\nForename;Surname;UPN\r\nAnn;Lee;A1\r\n"

    def likely(way: Sequence[Sheet]) -> int:
        return sum(cell is not None and cell.text == "UPN" for row in way[0].rows for cell in row.cells)

    found = read.read(data, Limits(), likely)

    assert isinstance(found, tuple)
    assert [len(row.cells) for row in found[0].rows] == [1, 3, 3]


@pytest.mark.parametrize("limits", [Limits(rows=1), Limits(columns=3)])
def test_more_than_the_limits_is_too_large(limits: Limits) -> None:
    found = read.read(b"a,b,c,d\r\n1,2,3,4\r\n", limits)

    assert isinstance(found, Unreadable)
    assert found.reason is Reason.TOO_LARGE


def test_text_in_no_encoding_cannot_be_opened() -> None:
    found = read.read(b"a,b,c,d\r\n1,2,\x81,\xff\r\n", Limits())

    assert isinstance(found, Unreadable)
    assert found.reason is Reason.ENCODING

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.domain.forms import values
from planit_mailer.spreadsheets.model import Cell, Kind
from tests.support import forms


def text(content: str) -> Cell:
    return Cell(content, Kind.TEXT, content)


@pytest.mark.parametrize(
    "written",
    [
        "31/01/2010",
        "31-1-2010",
        "31.01.2010",
        "31 01 2010",
        "2010-01-31",
        "2010/01/31",
        "2010-01-31 00:00:00",
        "2010-01-31T00:00:00Z",
        "31/01/2010 00:00",
        "31 January 2010",
        "31st January 2010",
        "31 Jan 2010",
        "31\N{EN DASH}01\N{EN DASH}2010",
        "31\N{MINUS SIGN}1\N{MINUS SIGN}2010",
        "2010\N{NON-BREAKING HYPHEN}01\N{NON-BREAKING HYPHEN}31",
        "31\N{EM DASH}Jan\N{EM DASH}2010",
        "31\N{FRACTION SLASH}01\N{FRACTION SLASH}2010",
        "31 / 01 / 2010",
        "31 - 1 - 2010",
        "31\\01\\2010",
        "Sun 31/01/2010",
        "Sunday, 31st of January 2010",
        "\N{LEFT-TO-RIGHT MARK}31/01/2010",
        "31-Jan-2010",
        "31 JAN. 2010",
        "January 31, 2010",
        "31 of January 2010",
    ],
)
def test_a_date_is_read_day_first_or_iso_or_with_the_months_name(written: str) -> None:
    assert values.day(text(written)) == date(2010, 1, 31)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("31/02/2010", "wrong"),
        ("29/02/2011", "wrong"),
        ("01/31/2010", "month-first"),
        ("31/01/10", "two-digit-year"),
        ("31-Jan-10", "two-digit-year"),
        ("31/01", "wrong"),
        ("January 2010", "wrong"),
        ("10", "wrong"),
        ("unknown", "wrong"),
        ("31/01/2010 to 1/2/2010", "wrong"),
        ("\u0663\u0661/01/2010", "wrong"),
    ],
)
def test_what_is_no_date_is_told_apart(written: str, problem: str) -> None:
    assert values.day(text(written)) == problem


def test_a_number_that_only_looks_like_a_date_is_none() -> None:
    assert values.day(Cell("40209", Kind.NUMBER, 40209)) == "wrong"
    assert values.day(Cell("TRUE", Kind.BOOLEAN, value=True)) == "wrong"


def test_a_date_cell_is_its_date_however_it_is_shown() -> None:
    assert values.day(Cell("31-Jan", Kind.DATE, datetime.combine(date(2010, 1, 31), time()), "d-mmm")) == date(
        2010, 1, 31
    )


@forms.CALM
@given(
    st.dates(date(1900, 1, 1), date(2199, 12, 31)), st.sampled_from(["%d/%m/%Y", "%Y-%m-%d", "%d %B %Y", "%d-%b-%Y"])
)
def test_every_date_is_read_back_as_written(day: date, style: str) -> None:
    assert values.day(text(day.strftime(style))) == day


def test_two_digits_are_enough_for_the_year_of_the_date_submitted() -> None:
    assert values.day_submitted(text("02/11/26")) == date(2026, 11, 2)
    assert values.day_submitted(text("2 Nov 26")) == date(2026, 11, 2)
    assert values.day_submitted(text("31/02/26")) is None


@pytest.mark.parametrize(
    ("written", "year"),
    [
        ("10", "10"),
        ("10.0", "10"),
        ("Year 10", "10"),
        ("YEAR10", "10"),
        ("Yr 10", "10"),
        ("Y10", "10"),
        ("Yr. 7", "7"),
        ("07", "7"),
        ("Year Group 9", "9"),
        ("NC Year 9", "9"),
        ("14", "14"),
        ("R", "R"),
        ("YR", "R"),
        ("Year R", "R"),
        ("Reception", "R"),
        ("n1", "N1"),
        ("Year N2", "N2"),
        ("X", "X"),
    ],
)
def test_a_year_group_is_read_in_all_its_spellings(written: str, year: str) -> None:
    assert values.year(text(written)) == year


@pytest.mark.parametrize("written", ["0", "15", "99", "10A", "N3", "Year", "Y", "1 0", "10.5", "-1", "2010", "Class 3"])
def test_what_is_no_year_group_is_none(written: str) -> None:
    assert values.year(text(written)) is None


def test_a_date_is_no_year_group() -> None:
    assert values.year(Cell("10", Kind.DATE, datetime.combine(date(2010, 1, 31), time()), "d")) is None


@forms.CALM
@given(
    st.sampled_from(["", "Y", "Yr", "Yr ", "Year ", "year", "YEAR "]),
    st.sampled_from(["N1", "N2", "R", "X", *map(str, range(1, 15))]),
)
def test_every_year_group_is_read_back(prefix: str, year: str) -> None:
    assert values.year(text(prefix + year)) == year


@pytest.mark.parametrize(
    ("born", "year"),
    [
        (date(2015, 9, 1), 6),  # turned 11 on the first day of the school year
        (date(2015, 8, 31), 7),  # had been 11 the day before
        (date(2021, 10, 1), 0),
        (date(2022, 9, 1), -1),
    ],
)
def test_the_school_year_begins_on_the_first_of_september(born: date, year: int) -> None:
    assert values.school_year(born, date(2026, 11, 2)) == year
    assert values.school_year(born, date(2027, 8, 31)) == year
    assert values.school_year(born, date(2027, 9, 1)) == year + 1


@pytest.mark.parametrize(
    "upn",
    [
        "R201100018042",
        "T20110001804V",
        "B801200005001",
        "P207000016049",
        "H823432113037",
        "E838410019004",
        "D67041230900A",
    ],
)
def test_a_upn_has_the_check_letter_of_its_other_characters(upn: str) -> None:
    assert values.is_right_upn(upn) is True


def test_a_mistyped_upn_is_told_from_what_is_none() -> None:
    assert values.is_right_upn("B207000016049") is False
    assert values.is_right_upn("I201100018042") is False
    assert values.is_right_upn("T20110001804O") is False
    assert values.is_right_upn("123456") is None
    assert values.is_right_upn("R20110001804") is None


@forms.CALM
@given(st.text("0123456789", min_size=12, max_size=12), st.integers(0, 11), st.integers(1, 9))
def test_every_single_mistyped_digit_is_found(digits: str, place: int, by: int) -> None:
    upn = values.check_letter(digits) + digits
    wrong = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]

    assert values.is_right_upn(upn)
    assert values.is_right_upn(upn[0] + wrong) is False


@forms.CALM
@given(st.text("0123456789", min_size=12, max_size=12), st.integers(0, 10))
def test_every_swap_of_neighbours_is_found(digits: str, place: int) -> None:
    swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]

    assert values.is_right_upn(values.check_letter(digits) + swapped) is (swapped == digits)


def test_a_upin_loses_its_spaces_and_its_small_letters() -> None:
    assert values.upin(text(" r2011 0001 8042 ")) == "R201100018042"


def test_a_long_number_is_identified_by_all_of_its_digits() -> None:
    assert values.upin(Cell("1.23457E+12", Kind.NUMBER, 1234567890123)) == "1234567890123"
    assert values.upin(Cell("1.23E+05", Kind.TEXT, "1.23E+05")) == "1.23E+05"


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("ls14ap", "LS1 4AP"),
        ("LS1  4AP", "LS1 4AP"),
        ("EC1A 1BB", "EC1A 1BB"),
        ("M1-1AE", "M1 1AE"),
        ("(W1A 0AX)", "W1A 0AX"),
        ("GIR 0AA", "GIR 0AA"),
        ("BF1 2AB", "BF1 2AB"),
        ("JE2 3XP", "JE2 3XP"),
        ("zz99zz", "ZZ9 9ZZ"),
    ],
)
def test_a_postcode_is_read_however_it_is_spaced(written: str, printed: str) -> None:
    assert values.postcode(written) == printed


@pytest.mark.parametrize("written", ["", "LS1", "4AP", "QQ1 4AP", "LS1 4CP", "LSA 4AP", "LS1 44P", "LS1 4AP LS1 4AP"])
def test_what_is_no_postcode_is_none(written: str) -> None:
    assert values.postcode(written) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("O'Neill", "ONEILL"),
        ("O\N{RIGHT SINGLE QUOTATION MARK}Neill", "O'Neill"),
        ("Anne-Marie", "anne marie"),
        ("Zoë", "Zoe"),
        ("Zoe\N{COMBINING DIAERESIS}", "Zoë"),
        ("Łukasz", "Lukasz"),
        ("Ap Rhisiart", "aprhisiart"),
        ("Strauß", "Strauss"),
    ],
)
def test_names_compare_without_case_accents_spaces_hyphens_and_apostrophes(one: str, other: str) -> None:
    assert values.name_key(one) == values.name_key(other)


def test_different_names_stay_different() -> None:
    assert values.name_key("Asha") != values.name_key("Usha")
    assert values.name_key("李") != values.name_key("王")
    assert values.name_key("-") != values.name_key("'")


def test_sims_numbers_compare_without_leading_zeros() -> None:
    assert values.sims_key("004512") == values.sims_key(" 4512 ")
    assert values.sims_key("000") == values.sims_key("0")
    assert values.sims_key("A01") != values.sims_key("A1")

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.spreadsheets import display, moments, numberformats

GENERAL = [
    (0, "0"),
    (-0.0, "0"),
    (7, "7"),
    (-7, "-7"),
    (0.1 + 0.2, "0.3"),
    (95.600000000000009, "95.6"),
    (1 / 3, "0.333333333"),
    (-1 / 3, "-0.333333333"),
    (1234567.8912345, "1234567.891"),
    (12345678901, "12345678901"),
    (12345678901.5, "12345678902"),
    (123456789012, "1.23457E+11"),
    (99999999999.5, "1E+11"),
    (0.0001, "0.0001"),
    (0.00001, "0.00001"),
    (0.000012345, "0.000012345"),
    (0.0000123456, "1.23456E-05"),
    (0.00012345678, "0.000123457"),
    (1e100, "1E+100"),
    (1.23456789e-300, "1.2346E-300"),
]
NUMBERS = [
    # halves away from zero, on 15 digits
    (12.5, "0", "13"),
    (2.5, "0", "3"),
    (-2.5, "0", "-3"),
    (1.005, "0.00", "1.01"),
    (0.285, "0.00", "0.29"),
    (1.15, "0.0", "1.2"),
    # places
    (7, "000", "007"),
    (1234567, "000000", "1234567"),
    (5, "0.#", "5."),
    (5.25, "0.0##", "5.25"),
    (0.4, "#", ""),
    (0.5, ".00", ".50"),
    (1.5, ".00", "1.50"),
    (3.5, "??0.0??", "3.5"),
    (1e20, "0", "100000000000000000000"),
    (0.123456789012345678, "0.00000000000000000000", "0.12345678901234600000"),
    # thousands and scales
    (1234.5, "#,##0.00", "1,234.50"),
    (1234567, "#,##0,", "1,235"),
    (1234567, "0.0,,", "1.2"),
    (5, "0000,000", "0,000,005"),
    (0.953, "0.0%", "95.3%"),
    (0.956, "0%", "96%"),
    (-0.3, "0%", "-30%"),
    # literals
    (12, "£0", "£12"),
    (-5, '"£"0', "-£5"),
    (-5, "(0)", "-(5)"),
    (5, 'General" kg"', "5 kg"),
    (5, r"\a0\b", "a5b"),
    (1234567890, "000-000-0000", "123-456-7890"),
    (12.5, "[$£-809]#,##0.00", "£12.50"),
    (12.5, "[$€-2] 0.0", "€ 12.5"),
    # sections
    (5, "0;(0);-", "5"),
    (-5, "0;(0);-", "(5)"),
    (0, "0;(0);-", "-"),
    (-5, "0;0", "5"),
    (5, ";;;", ""),
    (-3, "0;;", ""),
    (0, "0;;", ""),
    (5, '"Yes";"No";"-"', "Yes"),
    (5, "0;0;0;@", "5"),
    (5, "@", "5"),
    (-1234.5, '"£"#,##0.00;[Red]-"£"#,##0.00', "-£1,234.50"),
    (0, numberformats.BUILT_IN[44], "£-"),
    (1234.5, numberformats.BUILT_IN[43], "1,234.50"),
    # conditions and colours
    (50, "[<100]0;[>=100]0.0", "50"),
    (150, "[<100]0;[>=100]0.0", "150.0"),
    (-5, "[<100]0;0", "-5"),
    (-5, "[<0]0;0", "5"),
    (7, '[=7]"seven";[=8]"eight";0', "seven"),
    (8, '[=7]"seven";[=8]"eight";0', "eight"),
    (-9, '[=7]"seven";[=8]"eight";0', "-9"),
    (5, "[Red][<10]0;[Colour 12]0.0", "5"),
    # powers of ten
    (12345, "0.00E+00", "1.23E+04"),
    (12345, "0.00E-00", "1.23E04"),
    (0.00012345, "0.00E+00", "1.23E-04"),
    (99999, "0.0E+00", "1.0E+05"),
    (12345, "##0.0E+0", "12.3E+3"),
    (0, "0.00E+00", "0.00E+00"),
    # fractions
    (1.5, "# ?/?", "1 1/2"),
    (0.5, "# ?/?", "1/2"),
    (3, "# ?/?", "3"),
    (0, "# ?/?", "0"),
    (0.3125, "# ?/16", "5/16"),
    (0.25, "# ??/100", "25/100"),
    (3.14159265, "# ??/??", "3  1/7"),
    (123.456, "# ?/?", "123 1/2"),
    (1234.5678, "# ???/???", "1234  67/118"),
    (0.3, "# ?/?", "2/7"),
    (1.3, "# ?/?", "1 1/3"),
    (12.3, "# ?/2", "12 1/2"),
    (12.3, "# ??/??", "12  3/10"),
    (1.5, "?/?", "3/2"),
    (-1.5, "# ?/?", "-1 1/2"),
    (0.999, "# ?/?", "1"),
]
NINE_OH_FIVE = 0.378472222222222  # as Excel stores it: 32,699.99999999998 seconds
DATES = [
    (39094, "dd/mm/yyyy", "12/01/2007"),
    (39094, "d/m/yy", "12/1/07"),
    (39094, "ddd d mmm yyyy", "Fri 12 Jan 2007"),
    (39094, "dddd, d mmmm", "Friday, 12 January"),
    (39094, "mmmmm", "J"),
    (39094, "yyyy-mm-dd", "2007-01-12"),
    (39094, "dd.mm.yyyy", "12.01.2007"),
    (39094, "[$-809]dd mmmm yyyy;@", "12 January 2007"),
    (39094, "[$-en-GB]d mmmm yyyy;@", "12 January 2007"),
    (39094, r"[$-F800]dddd\,\ mmmm\ dd\,\ yyyy", "12 January 2007"),
    (39094, "[$-40C]dd/mm/yyyy", "12/01/2007"),
    (39094.5, "dd/mm/yyyy hh:mm", "12/01/2007 12:00"),
    (NINE_OH_FIVE, "hh:mm", "09:05"),
    (NINE_OH_FIVE, "h:mm AM/PM", "9:05 AM"),
    (NINE_OH_FIVE, "h:mm:ss", "9:05:00"),
    (NINE_OH_FIVE, "[$-F400]h:mm:ss AM/PM", "09:05:00"),
    (0.5, "h AM/PM", "12 PM"),
    (0, "h a/p", "12 a"),
    (39094.99999999, "dd/mm/yyyy hh:mm", "13/01/2007 00:00"),
    (0.0000185, "ss.00", "01.60"),
    (0.0000185, "mm:ss", "00:02"),
    (1.5, "[h]:mm", "36:00"),
    (1.25, "[mm]:ss", "1800:00"),
    (0.001, "[s]", "86"),
    (0.001, "[ss].0", "86.4"),
    (60, "dd/mm/yyyy", "29/02/1900"),
    (1, "ddd dd/mm/yyyy", "Sun 01/01/1900"),
    (61, "ddd dd/mm/yyyy", "Thu 01/03/1900"),
    (0, "dd/mm/yyyy", "00/01/1900"),
    (2_958_465, "dd/mm/yyyy", "31/12/9999"),
]
UNSUPPORTED = [
    (-1, "dd/mm/yyyy", "-1"),
    (2_958_466, "dd/mm/yyyy", "2958466"),
    (39094, "[$-40C]dd mmmm yyyy", "39094"),
    (39094, "[$-2010000]dd/mm/yyyy", "39094"),
    (5, "[DBNum1]0", "5"),
    (5, "0 x", "5"),
    (5, "0;0;0;0;0", "5"),
    (5, "yyyy 0", "5"),
    (5, '[=7]"seven"', "5"),
    (5, "0" * 256, "5"),
    (5, "[Red", "5"),
]


@pytest.mark.parametrize(("number", "shown"), GENERAL)
def test_general_shows_eleven_characters(number: float, shown: str) -> None:
    assert display.of_number(number).text == shown


@pytest.mark.parametrize(("number", "code", "shown"), NUMBERS)
def test_numbers_show_as_in_excel(number: float, code: str, shown: str) -> None:
    found = display.of_number(number, code)

    assert (found.text.strip(), found.exact) == (shown, True)


@pytest.mark.parametrize(("number", "code", "shown"), DATES)
def test_dates_and_times_show_as_in_excel(number: float, code: str, shown: str) -> None:
    found = display.of_number(number, code)

    assert (found.text, found.exact) == (shown, True)


@pytest.mark.parametrize(("number", "code", "shown"), UNSUPPORTED)
def test_what_cannot_be_followed_shows_general_and_says_so(number: float, code: str, shown: str) -> None:
    assert display.of_number(number, code) == display.Shown(shown, exact=False)


@pytest.mark.parametrize(
    ("code", "shown"),
    [("General", "Ann"), ("0.00", "Ann"), ("@", "Ann"), (";;;", ""), ('0;0;0;"Ms "@', "Ms Ann"), ('@" B"', "Ann B")],
)
def test_text_follows_the_section_for_text(code: str, shown: str) -> None:
    assert display.of_text("Ann", code) == display.Shown(shown)


def test_only_days_months_and_years_make_a_date() -> None:
    assert display.of_number(39094.5, "dd/mm/yyyy hh:mm").moment == datetime.fromisoformat("2007-01-12T12:00")
    assert display.of_number(0.5, "hh:mm").moment is None
    assert display.of_number(1.5, "[h]:mm").moment is None
    assert display.of_number(5, '"day "0').moment is None


def test_built_in_formats_all_compile() -> None:
    assert all(display.of_number(1.5, code).exact for code in numberformats.BUILT_IN.values())


# ── what holds for all ──

numbers = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
ordinary = st.decimals(min_value=-(10**9), max_value=10**9, places=4).map(float)
codes = st.text(alphabet='0#?.,%/@;"\\_*[]<>=Ee+-ymdhsAPM/Ggenral $£', max_size=25)


@given(numbers, codes)
def test_no_format_and_no_number_raises(number: float, code: str) -> None:
    assert isinstance(display.of_number(number, code).text, str)
    assert isinstance(display.of_text("Ann", code).text, str)


@given(numbers)
def test_general_never_shows_more_than_its_width_or_another_number(number: float) -> None:
    shown = display.of_number(number).text

    assert len(shown.lstrip("-")) <= 11
    assert Decimal(shown) == pytest.approx(Decimal(repr(number)), rel=Decimal("1e-4"), abs=0)


@given(ordinary, st.integers(0, 6))
def test_fixed_decimals_round_halves_away_from_zero(number: float, decimals: int) -> None:
    shown = display.of_number(number, "0." + "0" * decimals if decimals else "0").text

    expected = Decimal(repr(number)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    assert Decimal(shown) == expected


@given(ordinary)
def test_thousands_change_nothing_but_the_look(number: float) -> None:
    grouped = display.of_number(number, "#,##0.00").text

    assert grouped == f"{Decimal(display.of_number(number, '0.00').text):,.2f}"


@given(st.integers(0, 10**9), st.integers(1, 12))
def test_zero_padding_keeps_all_digits(number: int, width: int) -> None:
    assert display.of_number(number, "0" * width).text == f"{number:0{width}d}"


@given(st.fractions(min_value=0, max_value=100, max_denominator=99))
def test_small_fractions_are_shown_exactly(value: object) -> None:
    shown = display.of_number(float(value), "0 ??/??").text  # type: ignore[arg-type]

    whole, _, rest = shown.partition(" ")
    above, _, below = rest.strip().partition("/")
    assert int(whole) + int(above or 0) / int(below or 1) == pytest.approx(float(value))  # type: ignore[arg-type]


@given(st.datetimes(datetime.fromisoformat("1900-03-01")), st.booleans())
def test_every_second_is_shown_as_itself(moment: datetime, since_1904: bool) -> None:  # noqa: FBT001
    moment = moment.replace(microsecond=0)
    number = moments.serial(moment.isoformat(), since_1904=since_1904)
    if number < 0:
        return

    found = display.of_number(number, "yyyy-mm-dd hh:mm:ss", since_1904=since_1904)

    assert found.text == f"{moment.year}-{moment:%m-%d %H:%M:%S}"
    assert found.moment == moment


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_minute_of_a_day_is_shown_as_itself(hour: int, minute: int) -> None:
    assert display.of_number((hour * 60 + minute) / 1440, "hh:mm").text == f"{hour:02d}:{minute:02d}"

"""How numbers and texts are shown under all formats; what is known of single ones stands in shown.tsv."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.spreadsheets.number_formats import dates, locales, render
from tests.spreadsheets import locales as babel

UNSUPPORTED = [
    (-1, "dd/mm/yyyy", "-1"),
    (2_958_466, "dd/mm/yyyy", "2958466"),
    (39094, "[$-46C]dd mmmm yyyy", "39094"),
    (39094, "[$-2010000]dd/mm/yyyy", "39094"),
    (5, "[DBNum1]0", "5"),
    (5, "0 x", "5"),
    (5, "0;0;0;0;0", "5"),
    (5, "yyyy 0", "5"),
    (5, '[=7]"seven"', "5"),
    (5, "0" * 256, "5"),
    (5, "[Red", "5"),
    (5, "[>\t5]0", "5"),
    (5, "[>1.2.3]0", "5"),
]


@pytest.mark.parametrize(("number", "code", "shown"), UNSUPPORTED)
def test_what_cannot_be_followed_shows_general_and_says_so(number: float, code: str, shown: str) -> None:
    found = render.of_number(number, code)

    assert (found.text, found.exact) == (shown, False)


@pytest.mark.parametrize("code", ["[$-46C]d mmmm yyyy;@", "[$-nso-ZA]dddd d mmmm yyyy", "[$-2010000]dd/mm/yyyy"])
def test_a_date_in_a_language_or_digits_that_we_do_not_have_is_a_date_all_the_same(code: str) -> None:
    found = render.of_number(39094, code)

    assert (found.moment, found.exact) == (datetime.fromisoformat("2007-01-12"), False)


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", "Ann"),
        ("0.00", "Ann"),
        ("@", "Ann"),
        (";;;", ""),
        ('0;0;0;"Ms "@', "Ms Ann"),
        ('@" B"', "Ann B"),
        ("[$-40C]@", "Ann"),
    ],
)
def test_text_follows_the_section_for_text(code: str, shown: str) -> None:
    assert render.of_text("Ann", code) == render.Shown(shown)


def test_only_days_months_and_years_make_a_date() -> None:
    assert render.of_number(39094.5, "dd/mm/yyyy hh:mm").moment == datetime.fromisoformat("2007-01-12T12:00")
    assert render.of_number(0.5, "hh:mm").moment is None
    assert render.of_number(1.5, "[h]:mm").moment is None
    assert render.of_number(5, '"day "0').moment is None


# ── what holds for all ──

numbers = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
ordinary = st.decimals(min_value=-(10**9), max_value=10**9, places=4).map(float)
codes = st.text(alphabet='0#?.,%/@;"\\_*[]<>=Ee+-ymdhsAPM/Ggenral $£', max_size=25)


@given(numbers, codes)
def test_no_format_and_no_number_raises(number: float, code: str) -> None:
    assert isinstance(render.of_number(number, code).text, str)
    assert isinstance(render.of_text("Ann", code).text, str)


@given(numbers)
def test_general_never_shows_more_than_its_width_or_another_number(number: float) -> None:
    shown = render.of_number(number).text

    assert len(shown.lstrip("-")) <= 11
    assert Decimal(shown) == pytest.approx(Decimal(repr(number)), rel=Decimal("1e-4"), abs=0)


@given(ordinary, st.integers(0, 6))
def test_fixed_decimals_round_halves_away_from_zero(number: float, decimals: int) -> None:
    shown = render.of_number(number, "0." + "0" * decimals if decimals else "0").text

    expected = Decimal(repr(number)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    assert Decimal(shown) == expected


@given(ordinary)
def test_thousands_change_nothing_but_the_look(number: float) -> None:
    grouped = render.of_number(number, "#,##0.00").text

    assert grouped == f"{Decimal(render.of_number(number, '0.00').text):,.2f}"


@given(st.integers(0, 10**9), st.integers(1, 12))
def test_zero_padding_keeps_all_digits(number: int, width: int) -> None:
    assert render.of_number(number, "0" * width).text == f"{number:0{width}d}"


@given(st.fractions(min_value=0, max_value=100, max_denominator=99))
def test_small_fractions_are_shown_exactly(value: object) -> None:
    shown = render.of_number(float(value), "0 ??/??").text  # type: ignore[arg-type]

    whole, _, rest = shown.partition(" ")
    above, _, below = rest.strip().partition("/")
    assert int(whole) + int(above or 0) / int(below or 1) == pytest.approx(float(value))  # type: ignore[arg-type]


@given(st.datetimes(datetime.fromisoformat("1900-03-01")), st.booleans())
def test_every_second_is_shown_as_itself(moment: datetime, since_1904: bool) -> None:  # noqa: FBT001
    moment = moment.replace(microsecond=0)
    number = dates.serial(moment.isoformat(), since_1904=since_1904)
    if number < 0:
        return

    found = render.of_number(number, "yyyy-mm-dd hh:mm:ss", since_1904=since_1904)

    assert found.text == f"{moment.year}-{moment:%m-%d %H:%M:%S}"
    assert found.moment == moment


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_minute_of_a_day_is_shown_as_itself(hour: int, minute: int) -> None:
    assert render.of_number((hour * 60 + minute) / 1440, "hh:mm").text == f"{hour:02d}:{minute:02d}"


def test_a_time_on_the_day_before_the_leap_day_that_never_was_belongs_to_that_day() -> None:
    assert dates.serial("1900-02-28T12:00") == 59.5
    assert dates.serial("1900-03-01T12:00") == 61.5


def test_the_names_of_months_are_those_of_babel() -> None:
    assert Path(locales.__file__).read_text("utf-8") == babel.written()

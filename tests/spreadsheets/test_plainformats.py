from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.spreadsheets import digits, formats, plainformats

CODES = st.from_regex(r"(#,##)?0(\.0{1,4})?%?", fullmatch=True)
NUMBERS = st.one_of(
    st.floats(-1e15, 1e15),
    st.integers(-(10**12), 10**12).map(float),
    *(st.integers(-(10**12), 10**12).map(lambda n, places=places: n / 10**places) for places in range(1, 12)),
)


@given(CODES, NUMBERS)
def test_a_plain_format_shows_what_the_general_way_shows(code: str, number: float) -> None:
    plain = plainformats.of(code)

    assert plain is not None
    assert plain.shown(number) == digits.shown(number, formats.compiled(code).section(number))


@given(NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1e-3, 1e-3))
def test_general_shows_what_the_general_way_shows(number: float) -> None:
    assert plainformats.general(number) == digits.general(digits.kept(number))


def test_other_formats_are_left_to_the_general_way() -> None:
    for code in ("General", "#", "00", "0.0#", "0;-0", "0 %", "£0", "@", ""):
        assert plainformats.of(code) is None

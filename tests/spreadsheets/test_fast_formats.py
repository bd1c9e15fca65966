from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.spreadsheets.number_formats import fast, numeric, parse

CODES = st.from_regex(r"(#,##)?0(\.0{1,4})?%?", fullmatch=True)
NUMBERS = st.one_of(
    st.floats(-1e15, 1e15),
    st.integers(-(10**12), 10**12).map(float),
    *(st.integers(-(10**12), 10**12).map(lambda n, places=places: n / 10**places) for places in range(1, 12)),
)


@given(CODES, NUMBERS)
def test_a_plain_format_shows_what_the_general_way_shows(code: str, number: float) -> None:
    plain = fast.of(code)

    assert plain is not None
    assert plain.shown(number) == numeric.shown(number, parse.compiled(code).section(number))


@given(NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | st.floats(-1e-3, 1e-3))
def test_general_shows_what_the_general_way_shows(number: float) -> None:
    assert fast.general(number) == numeric.general(numeric.kept(number))


def test_other_formats_are_left_to_the_general_way() -> None:
    for code in ("General", "#", "00", "0.0#", "0;-0", "0 %", "£0", "@", ""):
        assert fast.of(code) is None

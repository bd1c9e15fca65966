"""Numbers under formats of fractions, such as # ?/? and 0/16."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import takewhile

from planit_mailer.spreadsheets.number_formats import digit_places
from planit_mailer.spreadsheets.number_formats.parse import Part, Token, Unsupported

HALF = 0.5


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of a format of fractions.

    `before` may have places for a whole number; `slash` is the slash with the blanks around it.
    """

    before: Sequence[Token]
    numerator: Sequence[Token]
    slash: str
    denominator: Sequence[Token]
    after: str


def layout(tokens: Sequence[Token]) -> Layout | None:
    """Take the tokens of a section apart, or return None if it is no format of fractions. Raises Unsupported."""
    slash = _slash(tokens)
    if slash is None:
        return None
    if any(token.part not in (Part.DIGIT, Part.LITERAL, Part.SLASH) for token in tokens):
        raise Unsupported("more than digits in a fraction")
    left = slash - len(list(takewhile(_is_blank, reversed(tokens[:slash]))))
    right = slash + 1 + len(list(takewhile(_is_blank, tokens[slash + 1 :])))
    first = left - len(list(takewhile(_is_place, reversed(tokens[:left]))))
    end = right + len(list(takewhile(_is_digit, tokens[right:])))
    return Layout(
        before=tokens[:first],
        numerator=tokens[first:left],
        slash=digit_places.literal_text(tokens[left:right]),
        denominator=tokens[right:end],
        after=digit_places.literal_text(tokens[end:]),
    )


def shown(size: float, layout: Layout) -> str:
    """Show a number as a fraction, or as a whole number and a fraction if there are places for one."""
    value = _approximated(size, layout.denominator)
    if digit_places.count(layout.before):
        return _mixed(value, layout)
    return digit_places.literal_text(layout.before) + _simple(value, layout) + layout.after


def _slash(tokens: Sequence[Token]) -> int | None:
    """The place of the slash of a fraction: between two digits, perhaps with blanks around it."""
    for place, token in enumerate(tokens):
        if token.part is Part.SLASH:
            before = _first_but_blanks(tokens[:place][::-1])
            after = _first_but_blanks(tokens[place + 1 :])
            if before and after and _is_place(before) and _is_digit(after):
                return place
    return None


def _first_but_blanks(tokens: Sequence[Token]) -> Token | None:
    for token in tokens:
        if not _is_blank(token):
            return token
    return None


def _is_blank(token: Token) -> bool:
    return token.part is Part.LITERAL and token.text.isspace()


def _is_place(token: Token) -> bool:
    return token.part is Part.DIGIT


def _is_digit(token: Token) -> bool:
    """True for the tokens of a denominator: digit places, and the digits of a given one."""
    return _is_place(token) or (token.part is Part.LITERAL and token.text.isdecimal())


def _mixed(value: Fraction, layout: Layout) -> str:
    """A whole number and a fraction. Without a fraction, blanks as wide take its place."""
    whole, rest = divmod(value, 1)
    if not rest:
        width = len(layout.numerator) + len(layout.slash) + len(layout.denominator)
        return digit_places.whole(str(whole), layout.before) + " " * width + layout.after
    return digit_places.whole(str(whole or ""), layout.before) + _simple(rest, layout) + layout.after


def _simple(value: Fraction, layout: Layout) -> str:
    """A fraction alone. It is not reduced if the format gives the denominator."""
    given = _given(layout.denominator)
    denominator = given or value.denominator
    numerator = int(value * denominator)
    above = digit_places.whole(str(numerator or ""), layout.numerator)
    return f"{above}{layout.slash}{denominator:<{len(layout.denominator)}}"


def _approximated(value: float, denominator: Sequence[Token]) -> Fraction:
    """The fraction that is shown for a value: rounded to the given denominator, or with one that fits the places."""
    given = _given(denominator)
    if given:
        return Fraction(int(value * given + HALF), given)
    return _convergent(value, 10 ** len(denominator) - 1)


def _given(denominator: Sequence[Token]) -> int:
    """The denominator that a format gives, as in ?/16, or 0 if it has only places."""
    if all(map(_is_place, denominator)):
        return 0
    digits = (token.text if token.text.isdecimal() else "0" for token in denominator)
    return int("".join(digits))


def _convergent(value: float, largest: int) -> Fraction:
    """The last convergent of the value's continued fraction whose denominator is not above the largest.

    That is not the nearest fraction: Excel shows 123.456 as 123 1/2 although 123 4/9 is nearer. The steps are
    rounded to floating point numbers, as Excel rounds them, so that 0.3 is 2/7, 0.1 is 0, and 1.3 is 1 1/3.
    """
    before = (1, 0)
    found = (int(value), 1)
    rest = value % 1
    while rest and 1 / rest < largest + 1:  # far beyond it, one divided by the rest is no number
        whole, rest = divmod(1 / rest, 1)
        following = (int(whole) * found[0] + before[0], int(whole) * found[1] + before[1])
        if following[1] > largest:
            break
        before, found = found, following
    return Fraction(*found)

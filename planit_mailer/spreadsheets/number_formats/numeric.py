"""Numbers under a section of digit places: fixed, scientific, fractions, and General.

Numbers come as Decimals of the 15 digits that Excel keeps; halves are rounded away from zero.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from itertools import dropwhile, takewhile

from planit_mailer.spreadsheets.number_formats.parse import Part, Section, Token, Unsupported

EXACT = Context(prec=1_000, rounding=ROUND_HALF_UP)  # no number that Excel stores needs more digits
WIDTH = 11  # characters of General, without the sign
GENERAL_DECIMALS = 9
SMALL = -4  # the power of ten from which on General rounds to its width instead of showing powers
MANTISSA = 6  # digits of General in powers of ten
LONG = 100  # a power of ten that takes a digit more, and leaves the mantissa one less
FILLING = {"0": "0", "?": " ", "#": ""}


def kept(number: float) -> Decimal:
    """A number as Excel keeps it: 15 significant digits."""
    return Decimal(f"{number:.15g}")


def general(number: Decimal) -> str:
    """A number as General shows it: in 11 characters, or else as a power of ten with 6 digits."""
    if not number:
        return "0"
    size = abs(number)
    sign = "-" if number < 0 else ""
    plain = rounded(size, min(max(GENERAL_DECIMALS - size.adjusted(), 0), GENERAL_DECIMALS))
    if plain.adjusted() < WIDTH and (size.adjusted() >= SMALL or plain == size):
        return sign + _trimmed(f"{plain:f}")
    power = size.adjusted()
    mantissa = rounded(size.scaleb(-power, EXACT), MANTISSA - 1 - (abs(power) >= LONG))
    if mantissa.adjusted():
        mantissa, power = Decimal(1), power + 1
    return f"{sign}{_trimmed(f'{mantissa:f}')}E{power:+03d}"


def shown(number: float, section: Section) -> str:
    """A number under a section without dates and times; raise Unsupported."""
    if section.has(Part.ELSEWHERE):
        raise Unsupported("digits that are not ours")
    sign = "-" if number < 0 and not section.absolute else ""
    size = abs(kept(number))
    if section.has(Part.GENERAL):
        return sign + _with_general(size, section.tokens)
    if section.has(Part.TEXT):
        raise Unsupported("text among numbers")
    if section.has(Part.EXPONENT):
        return sign + _scientific(size, section.tokens)
    slash = _slash(section.tokens)
    if slash is not None:
        return sign + _fraction(Fraction(abs(number)), section.tokens, slash)
    if sign and section.alone and _shows_zero(size, section.tokens):
        sign = ""
    return sign + _fixed(size, section.tokens)


def _shows_zero(size: Decimal, tokens: Sequence[Token]) -> bool:
    """True if there are places for digits, and all that are shown are zeros."""
    return bool(_count(tokens)) and not _figures(size, tokens)


def _with_general(size: Decimal, tokens: Sequence[Token]) -> str:
    if any(token.part not in (Part.GENERAL, Part.LITERAL, Part.FOREIGN) for token in tokens):
        raise Unsupported("General among digit places")
    return "".join(general(size) if token.part is Part.GENERAL else token.text for token in tokens)


def _fixed(size: Decimal, tokens: Sequence[Token]) -> str:
    """Digit places with an optional point."""
    if not _count(tokens):
        return _literally(tokens)
    integer, _, fraction = f"{_figures(size, tokens):f}".partition(".")
    commas = _commas(tokens)
    tokens = [token for place, token in enumerate(tokens) if place not in commas]
    whole = list(takewhile(_is_no_point, tokens))
    shown = _whole(integer.lstrip("0"), whole, thousands=True in commas.values())
    return shown + _decimals(fraction, tokens[len(whole) :])


def _figures(size: Decimal, tokens: Sequence[Token]) -> Decimal:
    """The number that digit places show: scaled by percent signs and by commas at the end, and rounded."""
    scale = 2 * sum(token.part is Part.PERCENT for token in tokens) - 3 * list(_commas(tokens).values()).count(False)
    return rounded(size.scaleb(scale, EXACT), _count(tuple(dropwhile(_is_no_point, tokens))))


def _is_no_point(token: Token) -> bool:
    return token.part is not Part.POINT


def _commas(tokens: Sequence[Token]) -> dict[int, bool]:
    """The places of commas that mean something, those after the first digit place, and whether they separate."""
    first = next(place for place, token in enumerate(tokens) if token.part is Part.DIGIT)
    commas = (place for place, token in enumerate(tokens) if token.part is Part.COMMA and place > first)
    return {place: _separates(tokens, place) for place in commas}


def _separates(tokens: Sequence[Token], comma: int) -> bool:
    """True if a comma stands between digit places and separates thousands; behind them it divides by a thousand."""
    following = next((token for token in tokens[comma:] if token.part is not Part.COMMA), None)
    return following is not None and following.part is Part.DIGIT


def _whole(digits: str, tokens: Sequence[Token], *, thousands: bool = False) -> str:
    """Digits into places, from the right; the left-most place takes all that are left."""
    places = [place for place, token in enumerate(tokens) if token.part is Part.DIGIT]
    if not places:
        return _literally(tokens) + digits
    written: list[str] = []
    left = digits
    count = 0
    for place in reversed(range(len(tokens))):
        token = tokens[place]
        if token.part is not Part.DIGIT:
            written.append(token.text)
            continue
        taken, left = (left, "") if place == places[0] else (left[-1:], left[:-1])
        filled = taken or FILLING[token.text]
        for digit in reversed(filled):
            if thousands and _is_group_end(count, digit):
                written.append(",")
            written.append(digit)
            count += 1
    return "".join(reversed(written))


def _is_group_end(count: int, digit: str) -> bool:
    """True if a separator stands to the right of this digit, given the number of digits there."""
    return count > 0 and count % 3 == 0 and digit != " "


def _decimals(digits: str, tokens: Sequence[Token]) -> str:
    """Digits into places, from the left; zeros at the end stand only in places that ask for them."""
    left = iter(digits)
    needed = len(digits.rstrip("0"))
    written: list[str] = []
    for token in tokens:
        if token.part is Part.DIGIT:
            digit = next(left, "")
            written.append(digit if needed > 0 else FILLING[token.text])
            needed -= 1
        else:
            written.append(token.text)
    return "".join(written)


def _scientific(size: Decimal, tokens: Sequence[Token]) -> str:
    """A mantissa and a power of ten; several places before the point make the power a multiple of their count."""
    mark = next(place for place, token in enumerate(tokens) if token.part is Part.EXPONENT)
    before, after = tokens[:mark], tokens[mark + 1 :]
    if any(token.part not in (Part.DIGIT, Part.POINT, Part.LITERAL) for token in (*before, *after)):
        raise Unsupported("more than digits in powers of ten")
    whole = list(takewhile(_is_no_point, before))
    width, decimals = _count(whole), _count(before) - _count(whole)
    step = max(width, 1)
    power = (size.adjusted() + (width == 0)) // step * step if size else 0
    mantissa = rounded(size.scaleb(-power, EXACT), decimals)
    if mantissa >= 10**width:
        power += step
        mantissa = rounded(size.scaleb(-power, EXACT), decimals)
    sign = "-" if power < 0 else "+" if tokens[mark].text == "e+" else ""
    return f"{_fixed(mantissa, before)}E{sign}{_whole(str(abs(power)).lstrip('0'), after)}"


def _slash(tokens: Sequence[Token]) -> int | None:
    """The position of the slash of a fraction: between two digits, perhaps with blanks around it."""
    for place, token in enumerate(tokens):
        before = next(dropwhile(_is_blank, reversed(tokens[:place])), None)
        after = next(dropwhile(_is_blank, tokens[place + 1 :]), None)
        if token.part is Part.SLASH and before and before.part is Part.DIGIT and after and _is_digit(after):
            return place
    return None


def _is_blank(token: Token) -> bool:
    return token.part is Part.LITERAL and token.text.isspace()


def _is_digit(token: Token) -> bool:
    return token.part is Part.DIGIT or (token.part is Part.LITERAL and token.text.isdecimal())


def _fraction(size: Fraction, tokens: Sequence[Token], slash: int) -> str:
    """A fraction, after a whole number if there are places for one; for a whole number, blanks of the same width."""
    if any(token.part not in (Part.DIGIT, Part.LITERAL, Part.SLASH, Part.FOREIGN) for token in tokens):
        raise Unsupported("more than digits in a fraction")
    left = slash - len(list(takewhile(_is_blank, reversed(tokens[:slash]))))
    right = slash + 1 + len(list(takewhile(_is_blank, tokens[slash + 1 :])))
    above = list(takewhile(lambda token: token.part is Part.DIGIT, reversed(tokens[:left])))
    below = list(takewhile(_is_digit, tokens[right:]))
    before, over = tokens[: left - len(above)], _literally(tokens[left:right])
    after = _literally(tokens[right + len(below) :])
    mixed = any(token.part is Part.DIGIT for token in before)
    value = _near(size, below)
    whole, rest = divmod(value, 1) if mixed else (0, value)
    if mixed and not rest:
        return _whole(str(whole), before) + " " * (len(above) + len(over) + len(below)) + after
    first = _whole(str(whole or ""), before) if mixed else _literally(before)
    numerator, denominator = _over(rest, below)
    return f"{first}{_whole(str(numerator or ''), above[::-1])}{over}{denominator:<{len(below)}}{after}"


def _literally(tokens: Sequence[Token]) -> str:
    return "".join(token.text for token in tokens)


def _near(value: Fraction, below: Sequence[Token]) -> Fraction:
    if fixed := _denominator(below):
        return Fraction(int(value * fixed + Fraction(1, 2)), fixed)
    return _convergent(value, 10 ** len(below) - 1)


def _convergent(value: Fraction, largest: int) -> Fraction:
    """The last convergent of a continued fraction whose denominator is no larger.

    Not the nearest fraction: Excel shows 123.456 as 123 1/2, although 123 4/9 is nearer, and takes the number as it is
    stored, so that 0.3 is 2/7 and 1.3 is 1 1/3.
    """
    before, found = (1, 0), (int(value), 1)
    rest = value - int(value)
    while rest:
        whole, rest = divmod(1 / rest, 1)
        following = (whole * found[0] + before[0], whole * found[1] + before[1])
        if following[1] > largest:
            break
        before, found = found, following
    return Fraction(*found)


def _over(rest: Fraction, below: Sequence[Token]) -> tuple[int, int]:
    """Numerator and denominator, unreduced if the format gives the denominator."""
    if fixed := _denominator(below):
        return int(rest * fixed), fixed
    return rest.numerator, rest.denominator


def _denominator(below: Sequence[Token]) -> int:
    """The denominator that a format gives, as in ?/16; 0 if it gives only places."""
    if all(token.part is Part.DIGIT for token in below):
        return 0
    return int("".join(token.text if token.text.isdecimal() else "0" for token in below))


def _count(tokens: Sequence[Token]) -> int:
    return sum(token.part is Part.DIGIT for token in tokens)


def rounded(size: Decimal, decimals: int) -> Decimal:
    """A number to so many decimals, halves away from zero."""
    return size.quantize(Decimal(1).scaleb(-decimals), context=EXACT)


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits

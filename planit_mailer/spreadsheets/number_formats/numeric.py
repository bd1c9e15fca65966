"""Numbers under a section without dates and times: General, fixed decimals, powers of ten, and fractions.

Numbers are Decimals of the 15 digits that Excel keeps. Halves are rounded away from zero.
"""

from collections.abc import Sequence
from decimal import Decimal

from planit_mailer.spreadsheets.number_formats import digit_places, fraction
from planit_mailer.spreadsheets.number_formats.digit_places import EXACT
from planit_mailer.spreadsheets.number_formats.parse import Part, Section, Token, Unsupported

WIDTH = 11  # characters of General, without the sign
GENERAL_DECIMALS = 9
SMALL = -4  # from this power of ten on, General rounds to its width; below, it shows powers of ten
MANTISSA = 6  # digits of General in powers of ten
LONG = 100  # a power of ten that takes one more digit, and leaves the mantissa one less


def kept(number: float) -> Decimal:
    """A number as Excel keeps it: with 15 significant digits."""
    return Decimal(f"{number:.15g}")


def general(number: Decimal) -> str:
    """Show a number as General does: in 11 characters, or as a power of ten with 6 digits if it does not fit."""
    if not number:
        return "0"
    size = abs(number)
    sign = "-" if number < 0 else ""
    decimals = min(max(GENERAL_DECIMALS - size.adjusted(), 0), GENERAL_DECIMALS)
    plain = digit_places.rounded(size, decimals)
    is_exact = plain == size
    if plain.adjusted() < WIDTH and (size.adjusted() >= SMALL or is_exact):
        return sign + _trimmed(f"{plain:f}")
    return sign + _general_with_power(size)


def shown(number: float, section: Section) -> str:
    """Show a number under a section without dates and times. Raises Unsupported."""
    if section.has(Part.NOT_WESTERN):
        raise Unsupported("digits that are not ours")
    tokens = section.tokens
    layout = fraction.layout(tokens)
    size = abs(kept(number))
    has_sign = number < 0 and not section.absolute
    if section.has(Part.GENERAL):
        text = _with_general(size, tokens)
    elif section.has(Part.TEXT):
        raise Unsupported("text among numbers")
    elif section.has(Part.EXPONENT):
        text = _scientific(size, tokens)
    elif layout:
        text = fraction.shown(abs(number), layout)
    else:
        text = digit_places.fixed(size, tokens)
        if has_sign and section.alone:
            has_sign = not _shows_zero(size, tokens)
    return f"-{text}" if has_sign else text


def _general_with_power(size: Decimal) -> str:
    power = size.adjusted()
    decimals = MANTISSA - 1
    if abs(power) >= LONG:
        decimals -= 1
    mantissa = digit_places.rounded(size.scaleb(-power, EXACT), decimals)
    if mantissa.adjusted():  # rounded up to 10
        mantissa = Decimal(1)
        power += 1
    return f"{_trimmed(f'{mantissa:f}')}E{power:+03d}"


def _trimmed(digits: str) -> str:
    """Digits without zeros at the end of the decimals."""
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _with_general(size: Decimal, tokens: Sequence[Token]) -> str:
    """A number under General with literal text around it."""
    if any(token.part not in (Part.GENERAL, Part.LITERAL) for token in tokens):
        raise Unsupported("General among digit places")
    return "".join(general(size) if token.part is Part.GENERAL else token.text for token in tokens)


def _shows_zero(size: Decimal, tokens: Sequence[Token]) -> bool:
    """True if digit places show a number as zero."""
    return digit_places.count(tokens) > 0 and not digit_places.shown_value(size, tokens)


def _scientific(size: Decimal, tokens: Sequence[Token]) -> str:
    """A mantissa and a power of ten. Several places before the point make the power a multiple of their count."""
    mark = [token.part for token in tokens].index(Part.EXPONENT)
    before, after = tokens[:mark], tokens[mark + 1 :]
    if any(token.part not in (Part.DIGIT, Part.POINT, Part.LITERAL) for token in (*before, *after)):
        raise Unsupported("more than digits in powers of ten")
    width = digit_places.count(digit_places.before_point(before))
    decimals = digit_places.count(before) - width
    power = _power(size, width)
    mantissa = digit_places.rounded(size.scaleb(-power, EXACT), decimals)
    if mantissa >= 10**width:  # rounded up to one digit more
        power += max(width, 1)
        mantissa = digit_places.rounded(size.scaleb(-power, EXACT), decimals)
    digits = str(abs(power)).lstrip("0")
    sign = _sign_of_power(power, tokens[mark])
    return f"{digit_places.fixed(mantissa, before)}E{sign}{digit_places.whole(digits, after)}"


def _power(size: Decimal, width: int) -> int:
    """The power of ten to show for a number, if the mantissa has so many places before the point."""
    if not size:
        return 0
    if width == 0:
        return size.adjusted() + 1
    return size.adjusted() // width * width


def _sign_of_power(power: int, mark: Token) -> str:
    """The sign of a power of ten. E+ shows that of positive ones, too; E- does not."""
    if power < 0:
        return "-"
    return "+" if mark.text == "e+" else ""

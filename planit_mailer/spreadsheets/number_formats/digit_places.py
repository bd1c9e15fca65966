"""Puts the digits of a number into the digit places of a format, such as #,##0.00.

A place is written 0, # or ?. If there is no digit for it, 0 shows a zero, ? a blank, and # nothing.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

from planit_mailer.spreadsheets.number_formats.parse import Part, Token

EXACT = Context(prec=1_000, rounding=ROUND_HALF_UP)  # no number that Excel stores needs more digits
FILLING = {"0": "0", "?": " ", "#": ""}
GROUP = 3  # digits between two commas


def rounded(size: Decimal, decimals: int) -> Decimal:
    """Round a number to so many decimals, halves away from zero."""
    return size.quantize(Decimal(1).scaleb(-decimals), context=EXACT)


def count(tokens: Sequence[Token]) -> int:
    """The number of digit places."""
    return sum(token.part is Part.DIGIT for token in tokens)


def literal_text(tokens: Sequence[Token]) -> str:
    """The texts of all tokens, as they are."""
    return "".join(token.text for token in tokens)


def before_point(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens before the decimal point, or all of them if there is none."""
    for place, token in enumerate(tokens):
        if token.part is Part.POINT:
            return tokens[:place]
    return tokens


def fixed(size: Decimal, tokens: Sequence[Token]) -> str:
    """Show a number without powers of ten, in digit places with an optional decimal point."""
    if not count(tokens):
        return literal_text(tokens)
    integer, _, fraction = f"{shown_value(size, tokens):f}".partition(".")
    separating, dividing = _commas(tokens)
    tokens = [token for place, token in enumerate(tokens) if place not in (*separating, *dividing)]
    before = before_point(tokens)
    after = tokens[len(before) :]
    return whole(integer.lstrip("0"), before, thousands=bool(separating)) + _decimals(fraction, after)


def shown_value(size: Decimal, tokens: Sequence[Token]) -> Decimal:
    """The number that digit places show: scaled by percent signs and by commas at the end, and rounded."""
    percent_signs = sum(token.part is Part.PERCENT for token in tokens)
    scale = 2 * percent_signs - 3 * len(_commas(tokens).dividing)
    before = before_point(tokens)
    decimals = count(tokens[len(before) :])
    return rounded(size.scaleb(scale, EXACT), decimals)


def whole(digits: str, tokens: Sequence[Token], *, thousands: bool = False) -> str:
    """Put the digits of a whole number into places, from the right. The left-most place takes all that are left.

    With `thousands`, commas separate the thousands.
    """
    places = count(tokens)
    if not places:
        return literal_text(tokens) + digits
    texts: list[str] = []
    written = 0
    for token in reversed(tokens):
        text = token.text
        if token.part is Part.DIGIT:
            places -= 1
            start = max(len(digits) - 1, 0) if places else 0
            filled = digits[start:] or FILLING[text]
            digits = digits[:start]
            text = _separated(filled, written) if thousands else filled
            written += len(filled)
        texts.append(text)
    return "".join(reversed(texts))


def _separated(digits: str, written: int) -> str:
    """Digits with a comma after each whole thousand; as many digits as `written` follow them."""
    shown = ""
    for position, digit in enumerate(reversed(digits), written):
        is_thousand = position > 0 and position % GROUP == 0
        if is_thousand and digit != " ":
            shown = "," + shown
        shown = digit + shown
    return shown


def _decimals(digits: str, tokens: Sequence[Token]) -> str:
    """Put decimals into places, from the left. Zeros at the end count as absent digits."""
    digits = digits.rstrip("0")
    written: list[str] = []
    for token in tokens:
        if token.part is not Part.DIGIT:
            written.append(token.text)
            continue
        written.append(digits[:1] or FILLING[token.text])
        digits = digits[1:]
    return "".join(written)


class _Commas(NamedTuple):
    """The places of the commas that separate thousands, and of those that divide the number by a thousand each."""

    separating: list[int]
    dividing: list[int]


def _commas(tokens: Sequence[Token]) -> _Commas:
    """The commas behind the first digit place. Those before it are literal text."""
    found = _Commas([], [])
    seen_digit = False
    for place, token in enumerate(tokens):
        if token.part is Part.DIGIT:
            seen_digit = True
        elif token.part is Part.COMMA and seen_digit:
            commas = found.separating if _is_before_digit(tokens[place:]) else found.dividing
            commas.append(place)
    return found


def _is_before_digit(tokens: Sequence[Token]) -> bool:
    """True if a digit place follows these commas at once."""
    for token in tokens:
        if token.part is not Part.COMMA:
            return token.part is Part.DIGIT
    return False

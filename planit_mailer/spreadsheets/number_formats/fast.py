"""Fast path for the formats of nearly all numbers, such as General, 0.0% and #,##0.00.

numeric.py shows the same for these formats, at many times the cost. The tests compare the two.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from planit_mailer.spreadsheets.number_formats import digit_places, numeric

CODE = re.compile(r"(?P<thousands>#,##)?0(?:\.(?P<decimals>0{1,9}))?(?P<percent>%)?")
LONGEST = 20  # characters: room for #,##0.000000000%
HALF = 0.5
NEAR = 1e-4  # of a half; the error of floats below LARGE is far less, so that others round as their decimals do
LARGE = 1e10
ZERO = "0.,%"  # the characters of a zero, before which Excel shows no sign


@dataclass(frozen=True, slots=True)
class Plain:
    """A format of one section: its decimals, the power of ten by which it scales, and its str.format pattern.

    `factor` is the value of that power; `unit` is the factor that turns the last digit shown into ones.
    """

    decimals: int
    scale: int
    pattern: str
    factor: float
    unit: float

    def shown(self, number: float) -> str:
        """Show a number."""
        size = abs(number)
        if _is_clear(size * self.unit):
            figures = self.pattern.format(size * self.factor)
        else:
            scaled = numeric.kept(size).scaleb(self.scale, digit_places.EXACT)
            figures = self.pattern.format(digit_places.rounded(scaled, self.decimals))
        return f"-{figures}" if number < 0 and figures.strip(ZERO) else figures


def general(number: float) -> str:
    """Show a number as General does: with all of its digits, or rounded to as many decimals as there is room for."""
    written = f"{number:.15g}"
    if number and "e" not in written:
        if len(written) <= numeric.WIDTH:
            return written
        digits_before_point = len(written.partition(".")[0].lstrip("-"))
        decimals = numeric.WIDTH - digits_before_point - 1
        if decimals > 0 and _is_clear(abs(number) * 10.0**decimals):
            return f"{number:.{decimals}f}".rstrip("0").rstrip(".")
    return numeric.general(numeric.kept(number))


def of(code: str) -> Plain | None:
    """Return the format of a code, or None if it needs the general way."""
    if len(code) > LONGEST:  # such a code must not fill the cache
        return None
    return _of(code)


def _is_clear(size: float) -> bool:
    """True if a float is rounded like its decimals. It is counted in units of the last digit shown."""
    return size < LARGE and abs(size % 1 - HALF) > NEAR


@lru_cache(maxsize=512)
def _of(code: str) -> Plain | None:
    found = CODE.fullmatch(code)
    if found is None:
        return None
    percent = found["percent"] or ""
    thousands = "," if found["thousands"] else ""
    decimals = len(found["decimals"] or "")
    scale = 2 if percent else 0
    pattern = f"{{:{thousands}.{decimals}f}}{percent}"
    return Plain(decimals, scale, pattern, factor=10.0**scale, unit=10.0 ** (decimals + scale))

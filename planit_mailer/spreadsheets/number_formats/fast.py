"""The number formats that nearly all numbers have, as General, 0.0%, #,##0.00: shown at a fraction of the usual cost.

digits.py shows them all the same; the tests hold the two against each other.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from planit_mailer.spreadsheets.number_formats import digit_places, numeric

CODE = re.compile(r"(?P<thousands>#,##)?0(?:\.(?P<decimals>0{1,9}))?(?P<percent>%)?")
LONGEST = 20  # characters: #,##0.000000000%, and some
HALF = 0.5
NEAR = 1e-4  # of a half: floats below LARGE are wrong by far less, and so are rounded as the decimals that people see
LARGE = 1e10
ZERO = "0.,%"  # what zero is written with; Excel shows no sign before it


@dataclass(frozen=True, slots=True)
class Plain:
    """A format of one section: the decimals that it shows, the power of ten by which it scales, how it is written.

    `factor` is that power's value, `unit` one over that of the last digit shown.
    """

    decimals: int
    scale: int
    written: str
    factor: float
    unit: float

    def shown(self, number: float) -> str:
        """What a number shows."""
        size = abs(number)
        if _is_clear(size * self.unit):
            figures = self.written.format(size * self.factor)
        else:
            scaled = numeric.kept(size).scaleb(self.scale, digit_places.EXACT)
            figures = self.written.format(digit_places.rounded(scaled, self.decimals))
        return f"-{figures}" if number < 0 and figures.strip(ZERO) else figures


def general(number: float) -> str:
    """A number as General shows it: with all of its digits, or rounded to as many decimals as there is room for."""
    written = f"{number:.15g}"
    if number and "e" not in written:
        if len(written) <= numeric.WIDTH:
            return written
        decimals = numeric.WIDTH - len(written.partition(".")[0].lstrip("-")) - 1
        if decimals > 0 and _is_clear(abs(number) * 10.0**decimals):
            return f"{number:.{decimals}f}".rstrip("0").rstrip(".")
    return numeric.general(numeric.kept(number))


def of(code: str) -> Plain | None:
    """The format of a code, None where it is not one of these."""
    return _of(code) if len(code) <= LONGEST else None  # of a longer one, not even the code is remembered


def _is_clear(size: float) -> bool:
    """Whether a number, counted in units of the last digit shown, is rounded alike as a float and as people see it."""
    return size < LARGE and abs(size % 1 - HALF) > NEAR


@lru_cache(maxsize=512)
def _of(code: str) -> Plain | None:
    found = CODE.fullmatch(code)
    if found is None:
        return None
    percent, thousands = found["percent"] or "", "," if found["thousands"] else ""
    decimals, scale = len(found["decimals"] or ""), 2 if percent else 0
    written = f"{{:{thousands}.{decimals}f}}{percent}"
    return Plain(decimals, scale, written, factor=10.0**scale, unit=10.0 ** (decimals + scale))

"""The number formats that nearly all numbers have, such as 0, 0.0%, #,##0.00: shown at a fraction of the general cost.

digits.py shows them all the same; the tests hold the two against each other.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from planit_mailer.spreadsheets import digits

CODE = re.compile(r"(?P<thousands>#,##)?0(?:\.(?P<decimals>0{1,9}))?(?P<percent>%)?")
SAFE = 14  # decimal digits that a float carries through a multiplication, with one to spare of those that Excel keeps


@dataclass(frozen=True, slots=True)
class Plain:
    """A format of one section: the decimals that it shows, the power of ten by which it scales, how it is written."""

    decimals: int
    scale: int
    written: str

    def shown(self, number: float) -> str:
        """What a number shows."""
        size = abs(number)
        figures = self.written.format(self._unrounded(size) if self._is_short(size) else self._rounded(size))
        return f"-{figures}" if number < 0 else figures

    def _is_short(self, size: float) -> bool:
        """Whether nothing of a number has to be rounded away, as is so with nearly all that people write."""
        places = self.decimals + self.scale
        return size < float(10 ** (SAFE - places)) and size == round(size, places)

    def _unrounded(self, size: float) -> float:
        return size * 10.0**self.scale

    def _rounded(self, size: float) -> Decimal:
        return digits.rounded(digits.kept(size).scaleb(self.scale, digits.EXACT), self.decimals)


@lru_cache(maxsize=512)
def of(code: str) -> Plain | None:
    """The format of a code, None where it is not one of these."""
    found = CODE.fullmatch(code)
    if found is None:
        return None
    percent, thousands = found["percent"] or "", "," if found["thousands"] else ""
    decimals = len(found["decimals"] or "")
    return Plain(decimals, 2 if percent else 0, f"{{:{thousands}.{decimals}f}}{percent}")

"""The number formats that nearly all numbers have, such as 0, 0.0%, #,##0.00: shown at a quarter of the general cost.

digits.py shows them all the same; the tests hold the two against each other.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from planit_mailer.spreadsheets import digits

CODE = re.compile(r"(?P<thousands>#,##)?0(?:\.(?P<decimals>0{1,9}))?(?P<percent>%)?")


@dataclass(frozen=True, slots=True)
class Plain:
    """A format of one section: the step to which it rounds, the power of ten by which it scales, how it is written."""

    step: Decimal
    scale: int
    written: str

    def shown(self, number: float) -> str:
        """What a number shows."""
        size = digits.kept(abs(number))
        scaled = size.scaleb(self.scale, digits.EXACT) if self.scale else size
        figures = self.written.format(scaled.quantize(self.step, context=digits.EXACT))
        return f"-{figures}" if number < 0 else figures


@lru_cache(maxsize=512)
def of(code: str) -> Plain | None:
    """The format of a code, None where it is not one of these."""
    found = CODE.fullmatch(code)
    if found is None:
        return None
    percent, thousands = found["percent"] or "", "," if found["thousands"] else ""
    step = Decimal(1).scaleb(-len(found["decimals"] or ""))
    return Plain(step, 2 if percent else 0, f"{{:{thousands}f}}{percent}")

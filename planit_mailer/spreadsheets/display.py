"""Value + number format → the text that Excel shows, in a column wide enough."""

from dataclasses import dataclass
from datetime import datetime

from planit_mailer.spreadsheets import moments


@dataclass(frozen=True, slots=True)
class Shown:
    """What a cell shows; `exact` is False where the format could not be followed; the `moment` of a date."""

    text: str
    exact: bool = True
    moment: datetime | None = None


def of_text(text: str, code: str) -> Shown:
    return Shown("" if code == ";;;" else text)


def of_number(number: float, code: str, *, since_1904: bool = False) -> Shown:
    if "yy" in code.lower():
        moment = moments.moment(number, since_1904=since_1904)
        if moment:
            return Shown(moment.strftime("%d/%m/%Y"), moment=moment)
    return Shown(f"{number:.11g}")

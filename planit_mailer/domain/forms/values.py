"""DOB, Year, UPIN, SIMS No, postcode, date submitted: what a cell holds → a value, or the code of a problem."""

import re
import unicodedata
from datetime import date, datetime
from operator import mul
from typing import Literal

from planit_mailer.spreadsheets.model import Cell, Kind

# Letters that stand for a number in a UPN's check, in order: A is 0, Z is 22. Source: Government Data Standards
# Catalogue, UniquePupilNumber 2.0.
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
WORTH = {char: int(char) for char in "0123456789"} | {letter: place for place, letter in enumerate(LETTERS)}
UPN = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]")
ULN = re.compile(r"[0-9]{10}")

YEAR = re.compile(
    r"(?:national curriculum year|nc year|year group|year|yr|y)?[ .:]*(?:group )?"
    r"(?:n(?P<nursery>[12])|(?P<reception>r|rec|reception)|(?P<none>x)|0?(?P<number>[1-9]|1[0-4])(?:\.0+)?)",
)

# The areas of the United Kingdom, as GOV.UK Notify knows them (BF is forces, BX banks, GY, JE and IM the Crown
# dependencies); ZZ, which the Royal Mail leaves free, is for invented schools.
AREAS = (
    "AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX "
    "FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN "
    "NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB "
    "W WA WC WD WF WN WR WS WV YO ZE ZZ"
)
POSTCODE = re.compile(rf"(?:(?:{'|'.join(AREAS.split())})[0-9][0-9A-Z]?[0-9][A-BD-HJLNP-UW-Z]{{2}}|GIR0AA)")

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
TIME = r"(?:(?: |, ?|t)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?z?)?"
GAP = r"[ ./-]{1,2}"
DATES = tuple(
    re.compile(pattern + TIME, re.ASCII)
    for pattern in (
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        rf"(?P<day>\d{{1,2}}){GAP}(?P<month>\d{{1,2}}){GAP}(?P<year>\d{{4}}|\d{{2}})",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)?,?{GAP}?{MONTH}\.?,?{GAP}?(?P<year>\d{{4}}|\d{{2}})",
        rf"{MONTH}\.?{GAP}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:, ?|{GAP})(?P<year>\d{{4}}|\d{{2}})",
    )
)
SCIENTIFIC = re.compile(r"-?\d(?:\.\d+)?E\+\d+")
PLAIN = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ħ": "h",
    }
)

DateProblem = Literal["wrong", "month-first", "two-digit-year"]


def text(cell: Cell | None) -> str:
    """An identifying cell as text on one line; a number that Excel shows as 1.23E+12 gets all of its digits."""
    if cell is None or cell.value is None:
        return ""
    if isinstance(cell.value, int) and SCIENTIFIC.fullmatch(cell.text):
        return str(cell.value)
    return " ".join(cell.text.split())


def day(cell: Cell) -> date | DateProblem:
    """Read a date: a date cell, or text with day first, ISO, or the month's name. Return the error if it is none."""
    if isinstance(cell.value, datetime):
        return cell.value.date()
    return _written_day(text(cell).casefold()) if cell.kind is Kind.TEXT else "wrong"


def day_submitted(cell: Cell) -> date | None:
    """The date submitted; two digits of a year are enough here, for it is always of this century."""
    found = day(cell)
    if found == "two-digit-year":
        century = re.sub(r"(\d{2})(?!.*\d)", r"20\1", text(cell).casefold())
        found = _written_day(century)
    return found if isinstance(found, date) else None


def year(cell: Cell) -> str | None:
    """A year group in one spelling: N1, N2, R, 1 to 14, or X (no year group); None if it is none."""
    if cell.kind not in (Kind.TEXT, Kind.NUMBER):
        return None
    match = YEAR.fullmatch(text(cell).casefold())
    if not match:
        return None
    if match["nursery"]:
        return f"N{match['nursery']}"
    return "R" if match["reception"] else "X" if match["none"] else match["number"]


def school_year(born: date, today: date) -> int:
    """The year group for a date of birth; 0 is Reception. A school year begins on 1 September (England)."""
    begun = today.year if today.month >= 9 else today.year - 1  # noqa: PLR2004  September
    age = begun - born.year - (born.month >= 9)  # noqa: PLR2004  on 31 August before the school year
    return age - 4


def age(born: date, today: date) -> int:
    """Whole years on a day."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def upin(cell: Cell | None) -> str:
    """A UPIN in capitals, without spaces and invisible characters; "" if there is none."""
    return as_upin(text(cell))


def as_upin(written: str) -> str:
    """The one way to write a UPIN, so that it is found however it was typed."""
    return "".join(_visible(written).upper().split())


def is_right_upn(found: str) -> bool | None:
    """True if a UPIN in the shape of a UPN has the right check letter; None if it has another shape."""
    return found[0] == check_letter(found[1:]) if UPN.fullmatch(found) else None


def check_letter(body: str) -> str:
    """The check letter of a UPN's other twelve characters: the sum of value times position (from 2), modulo 23.

    Return "" if one of them cannot be in a UPN. Source: Government Data Standards Catalogue, UniquePupilNumber 2.0.
    """
    try:
        return LETTERS[sum(map(mul, range(2, len(body) + 2), map(WORTH.__getitem__, body))) % len(LETTERS)]
    except KeyError:
        return ""


def postcode(written: str) -> str | None:
    """A postcode as it is printed, "LS1 4AP"; None if it is none. Case, spaces and punctuation do not matter."""
    code = re.sub(r"[^0-9A-Z]", "", written.upper())
    return f"{code[:-3]} {code[-3:]}" if POSTCODE.fullmatch(code) else None


def name_key(name: str) -> str:
    """A name for comparing: without case, accents, spaces, hyphens and apostrophes."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(PLAIN))
    key = "".join(char for char in letters if char.isalnum())
    return key or name.strip().casefold()


def sims_key(sims_no: str) -> str:
    """A SIMS No for comparing: without case, spaces and leading zeros."""
    key = "".join(_visible(sims_no).casefold().split())
    return key.lstrip("0") or key[:1]


def _visible(written: str) -> str:
    """A number without zero-width and other invisible characters, its wide letters and digits as the usual ones."""
    if written.isascii():  # as nearly all are, and all of their characters are usual ones
        return written
    usual = unicodedata.normalize("NFKC", written)
    return "".join(char for char in usual if unicodedata.category(char) != "Cf")


def _written_day(written: str) -> date | DateProblem:
    for pattern in DATES:
        if match := pattern.fullmatch(written):
            found = match.groupdict()
            if len(found["year"]) == 2:  # noqa: PLR2004  digits
                return "two-digit-year"
            month = MONTHS.index(found["name"][:3]) + 1 if found.get("name") else int(found["month"])
            return _real_day(int(found["year"]), month, int(found["day"]))
    return "wrong"


def _real_day(year: int, month: int, day: int) -> date | DateProblem:
    try:
        return date(year, month, day)
    except ValueError:
        return "month-first" if 12 < month <= 31 and 1 <= day <= 12 else "wrong"  # noqa: PLR2004  months, days

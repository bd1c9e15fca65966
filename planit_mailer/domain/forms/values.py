"""Read the values of cells: DOB, Year, UPIN, SIMS No, postcode and date submitted."""

import re
import unicodedata
from datetime import date, datetime
from operator import mul
from typing import Literal

from planit_mailer.spreadsheets.model import Cell, Kind

# The letters of a UPN by their values in its checksum: A is 0, Z is 22. Source: Government Data Standards
# Catalogue, UniquePupilNumber 2.0.
LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
WORTH = {char: int(char) for char in "0123456789"} | {letter: place for place, letter in enumerate(LETTERS)}
UPN = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]")
ULN = re.compile(r"[0-9]{10}")

YEAR = re.compile(
    r"(?:national curriculum year|nc year|year group|year|yr|y)?[ .:]*(?:group )?"
    r"(?:n(?P<nursery>[12])|(?P<reception>r|rec|reception)|(?P<none>x)|0?(?P<number>[1-9]|1[0-4])(?:\.0+)?)",
)

# The postcode areas of the United Kingdom, as GOV.UK Notify lists them. BF is for the forces, BX for banks, GY, JE and
# IM for the Crown dependencies. ZZ, which the Royal Mail does not use, is for invented schools.
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
GAP = r"(?: ?[./-]{1,2} ?| )"
WEEKDAY = re.compile(r"(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?[.,]* (?=\S)")
# Every dash, dot and slash that people type between the parts of a date, as the plain one.
PLAIN_SIGNS = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-")
    | dict.fromkeys("\u00b7\u2022\u2024\u2219\u22c5\uff0e\u3002", ".")
    | dict.fromkeys("\u2044\u2215\u29f8\uff0f\\", "/")
)
DATES = tuple(
    re.compile(pattern + TIME, re.ASCII)
    for pattern in (
        r"(?P<year>\d{4}) ?[-/.] ?(?P<month>\d{1,2}) ?[-/.] ?(?P<day>\d{1,2})",
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

# What programs show instead of a result: Excel, Google Sheets, LibreOffice (Err:502), and Excel in other languages.
ERROR = re.compile(r"#[^\W\d_a-z][^\W_a-z]*(?:[_/][^\W_a-z]+)*[!?]|#(?:N/A|DIV/0|NV|N/D|GETTING_DATA)|Err:\d{3}|#{3,}")
# What people enter in a cell that must not be blank.
PLACEHOLDER = re.compile(
    r"[\s?*_.,/=~#\u2010-\u2015\u2212-]*|0+|n\.?\s?[/\\]\s?[ak]\.?|none|nil|null|tbc|tba|tbd|unknown|"
    r"not known|not available|not applicable|missing|temp|temporary|pending|awaiting|blank|empty|x{2,}|"
    r"no (?:upn|upin|dob|sims)"
)

DateProblem = Literal["wrong", "month-first", "two-digit-year"]


def text(cell: Cell | None) -> str:
    """Return a cell as text on one line, "" if it has no value. A number shown as 1.23E+12 gets all of its digits."""
    if cell is None or cell.value is None:
        return ""
    if isinstance(cell.value, int) and SCIENTIFIC.fullmatch(cell.text):
        return str(cell.value)
    return " ".join(cell.text.split())


def is_error(cell: Cell) -> bool:
    """True if a cell shows an error of a spreadsheet program, calculated or left as text."""
    return cell.kind is Kind.ERROR or (cell.kind is Kind.TEXT and ERROR.fullmatch(cell.text) is not None)


def is_readable(cell: Cell) -> bool:
    """True if a cell shows a value: no error, and no formula without a saved result."""
    return cell.value is not None and not is_error(cell)


def is_given(cell: Cell | None) -> bool:
    """True if a cell has a value that is no placeholder, such as "-" or "n/a"; an error counts as one."""
    if cell is None:
        return False
    if cell.value is None:
        return True
    return bool(cell.text) and not is_placeholder(cell.text)


def is_placeholder(written: str) -> bool:
    """True if a text stands in place of a value that the school does not have."""
    return PLACEHOLDER.fullmatch(_visible(written).casefold().strip()) is not None


def day(cell: Cell) -> date | DateProblem:
    """Read a date: a date cell, or a text with day first, in ISO form, or with the month's name.

    Return the kind of mistake if it is no such date.
    """
    if isinstance(cell.value, datetime):
        return cell.value.date()
    if cell.kind is Kind.TEXT:
        return _written_day(text(cell).casefold())
    return "wrong"


def day_submitted(cell: Cell) -> date | None:
    """Read the date submitted, or return None. Its year may have two digits, as it is always of this century."""
    found = day(cell)
    if found == "two-digit-year":
        century = re.sub(r"(\d{2})(?!.*\d)", r"20\1", text(cell).casefold())
        found = _written_day(century)
    return found if isinstance(found, date) else None


def year(cell: Cell) -> str | None:
    """Return a year group in its one spelling: N1, N2, R, 1 to 14, or X (no year group). None if it is no such."""
    if cell.kind not in (Kind.TEXT, Kind.NUMBER):
        return None
    match = YEAR.fullmatch(text(cell).casefold())
    if not match:
        return None
    if match["nursery"]:
        return f"N{match['nursery']}"
    if match["reception"]:
        return "R"
    if match["none"]:
        return "X"
    return match["number"]


def school_year(born: date, today: date) -> int:
    """Return the year group for a date of birth; 0 is Reception. A school year begins on 1 September (England)."""
    begun = today.year if today.month >= 9 else today.year - 1  # noqa: PLR2004  September
    age = begun - born.year - (born.month >= 9)  # noqa: PLR2004  on 31 August before the school year
    return age - 4


def age(born: date, today: date) -> int:
    """Return the age in whole years on a day."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def upin(cell: Cell | None) -> str:
    """Return a UPIN in capitals, without spaces and invisible characters, or "" for a blank cell."""
    return as_upin(text(cell))


def as_upin(written: str) -> str:
    """Return the one spelling of a UPIN, so that it is found however it was typed."""
    return "".join(_visible(written).upper().split())


def is_right_upn(found: str) -> bool | None:
    """True if a UPIN has the right check letter of a UPN; None if it does not have the format of a UPN."""
    if not UPN.fullmatch(found):
        return None
    return found[0] == check_letter(found[1:])


def check_letter(body: str) -> str:
    """Return the check letter of the other 12 characters of a UPN, or "" if one of them cannot be in a UPN.

    It is the sum of value times position (from 2), modulo 23. Source: Government Data Standards
    Catalogue, UniquePupilNumber 2.0.
    """
    try:
        worth = map(WORTH.__getitem__, body)
        total = sum(map(mul, range(2, len(body) + 2), worth))
    except KeyError:
        return ""
    return LETTERS[total % len(LETTERS)]


def postcode(written: str) -> str | None:
    """Return a postcode as it is printed, "LS1 4AP", or None. Case, spaces and punctuation make no difference."""
    code = re.sub(r"[^0-9A-Z]", "", written.upper())
    if not POSTCODE.fullmatch(code):
        return None
    return f"{code[:-3]} {code[-3:]}"


def name_key(name: str) -> str:
    """Return a name as it is compared: without case, accents, spaces, hyphens and apostrophes."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(PLAIN))
    key = "".join(char for char in letters if char.isalnum())
    return key or name.strip().casefold()


def sims_key(sims_no: str) -> str:
    """Return a SIMS No as it is compared: without case, spaces and leading zeros."""
    key = "".join(_visible(sims_no).casefold().split())
    return key.lstrip("0") or key[:1]


def _visible(written: str) -> str:
    """Remove invisible characters, such as zero-width spaces, and replace full-width letters and digits."""
    if written.isascii():  # nearly all are, and have no such characters
        return written
    usual = unicodedata.normalize("NFKC", written)
    return "".join(char for char in usual if unicodedata.category(char) != "Cf")


def _written_day(written: str) -> date | DateProblem:
    """Read a date that was typed as text, in lower case, with or without its weekday."""
    plain = WEEKDAY.sub("", " ".join(_visible(written).translate(PLAIN_SIGNS).split()), count=1)
    for pattern in DATES:
        match = pattern.fullmatch(plain)
        if match:
            return _matched_day(match.groupdict())
    return "wrong"


def _matched_day(parts: dict[str, str]) -> date | DateProblem:
    """The day of a match of one of the patterns in DATES, by its groups."""
    if len(parts["year"]) == 2:  # noqa: PLR2004  digits
        return "two-digit-year"
    if "name" in parts:
        month = MONTHS.index(parts["name"][:3]) + 1
    else:
        month = int(parts["month"])
    return _real_day(int(parts["year"]), month, int(parts["day"]))


def _real_day(year: int, month: int, day: int) -> date | DateProblem:
    try:
        return date(year, month, day)
    except ValueError:
        swapped = 12 < month <= 31 and 1 <= day <= 12  # noqa: PLR2004  months, days
        return "month-first" if swapped else "wrong"

"""Rules about rows: each row is one learner, and the compulsory fields of a learner hold plausible values."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date

from planit_mailer.domain.forms import header_block, values
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.forms.rules import cells, headings
from planit_mailer.spreadsheets.model import Cell, Row

LONGEST = 200  # characters of a compulsory field
FEWEST = 3  # rows with one UPIN that make it a provider's number
NO_GROUP = "X"  # the year group of learners who are in none
EARLY_YEARS = {"N1": -2, "N2": -1, "R": 0}  # year groups before year 1, as numbers

Born = date | str | None  # a date of birth, the reason why it cannot be read, or None for a blank cell


def no_learners(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A form has at least one learner."""
    if not form.learners:
        yield catalogue.problem("no-learners", cells.with_content(form.below), row=form.heading_row)


def strays(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Each row above or between the learners is a learner. If it is not, it may be a half-deleted one."""
    for row in form.strays:
        yield catalogue.problem("row-not-a-learner", cells.with_content([row]), row=row.number)


def missing(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """All six compulsory fields of a learner are filled in (handbook section 7)."""
    for name in Identity:
        blank = [row for row, cell in form.cells(name) if not header_block.filled(cell)]
        if blank:
            places = form.places(name, blank)
            yield catalogue.problem("value-missing", places, heading=name.value, what=headings.WHAT[name])


def identity_long(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A compulsory field is at most 200 characters long.

    PostgreSQL cannot index values of more than about 2,700 bytes.
    """
    for name in Identity:
        yield from _by_cause(form, name, _length_cause, heading=name.value, longest=LONGEST)


def _length_cause(cell: Cell) -> str:
    return "identity-long" if len(cell.text) > LONGEST else ""


def dob(form: Form, judging: Criteria) -> Iterator[Problem]:
    """A date of birth is a real, unambiguous date, and the learner's age is within the operator's limits."""
    rules = judging.rules

    def cause(cell: Cell) -> str:
        born = values.day(cell)
        if not isinstance(born, date):
            return f"dob-{born}"
        age = values.age(born, judging.today)
        return "" if rules.youngest <= age <= rules.oldest else "dob-age"

    yield from _by_cause(form, Identity.DOB, cause, youngest=rules.youngest, oldest=rules.oldest)


def year(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A year is a year group."""
    yield from _by_cause(form, Identity.YEAR, _year_cause)


def _year_cause(cell: Cell) -> str:
    return "" if values.year(cell) else "year-wrong"


def year_for_dob(form: Form, judging: Criteria) -> Iterator[Problem]:
    """The year group fits the date of birth. If it does not, one of the two may be wrong."""
    if Identity.DOB not in form.identity or Identity.YEAR not in form.identity:
        return
    births = form.identity[Identity.DOB].read(values.day)
    groups = form.identity[Identity.YEAR].read(values.year)
    pairs = list(zip(births, groups, strict=True))
    misfits = _misfits(set(pairs), judging.today)  # each distinct pair is checked once, not each row
    odd = [row for row, pair in zip(form.learners, pairs, strict=True) if pair in misfits]
    if odd:
        yield catalogue.problem("year-not-for-dob", form.places_of_each(odd, Identity.DOB, Identity.YEAR))


def _misfits(pairs: Collection[tuple[Born, str | None]], today: date) -> set[tuple[Born, str | None]]:
    """The pairs of a date of birth and a year group that do not fit each other."""
    return {(born, group) for born, group in pairs if not _fits(born, group, today)}


def _fits(born: Born, group: str | None, today: date) -> bool:
    """True if a year group fits a date of birth, or if one of them could not be read."""
    if not isinstance(born, date) or group is None or group == NO_GROUP:
        return True
    number = EARLY_YEARS[group] if group in EARLY_YEARS else int(group)
    return number == values.school_year(born, today)


def upin(form: Form, judging: Criteria) -> Iterator[Problem]:
    """A UPIN that looks like a UPN has the right check letter; a UPIN that does not may be another number."""
    if _is_provider_number(form):
        return

    def cause(cell: Cell) -> str:
        found = values.upin(cell)
        if values.SCIENTIFIC.fullmatch(found):
            return "long-number"
        is_right = values.is_right_upn(found)
        if is_right is None:
            return "upin-uln" if values.ULN.fullmatch(found) else "upin-not-upn"
        if is_right or not judging.rules.check_letter:
            return ""
        return "upin-check-letter"

    yield from _by_cause(form, Identity.UPIN, cause, heading=Identity.UPIN.value)


def sims_no(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A SIMS No can be anything except a long number that Excel has shortened to 1.23E+11."""
    yield from _by_cause(form, Identity.SIMS_NO, _sims_no_cause, heading=Identity.SIMS_NO.value)


def _sims_no_cause(cell: Cell) -> str:
    return "long-number" if values.SCIENTIFIC.fullmatch(values.text(cell)) else ""


def provider_number(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """The UPIN column holds the learners' numbers, not the number of the provider, which is the same in all rows."""
    if _is_provider_number(form):
        yield catalogue.problem("upin-provider-number", form.places(Identity.UPIN, form.learners))


def same_upin(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A UPIN stands in one row only. In two rows, it would give one learner two sets of data."""
    if not _is_provider_number(form):
        yield from _repeated(form, Identity.UPIN, values.upin, "upin-twice")


def same_sims_no(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A SIMS No stands in one row only; leading zeros make no difference."""
    yield from _repeated(form, Identity.SIMS_NO, _sims_key, "sims-no-twice")


def _sims_key(cell: Cell) -> str:
    return values.sims_key(values.text(cell))


def below(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No rows such as totals or "Created on" stand below the last learner: they are ignored."""
    if not form.below or not form.learners:
        return
    numbers = [row.number for row in form.below]
    if len(numbers) == 1:
        rows = f"Row {numbers[0]}, below the last learner, is not a learner and was"
    else:
        rows = f"Rows {catalogue.row_numbers(numbers)}, below the last learner, are not learners and were"
    yield catalogue.problem("row-passed-over", cells.with_content(form.below), rows=rows)


def _by_cause(form: Form, name: Identity, cause: Callable[[Cell], str], **parameters: object) -> Iterator[Problem]:
    """One problem for each cause that cells of a compulsory field have.

    `cause` returns the code of a cell's problem, or "" if it has none. Only readable cells are passed to it.
    """
    if name not in form.identity:
        return

    def cause_if_readable(cell: Cell) -> str:
        return cause(cell) if _is_readable(cell) else ""

    causes: dict[str, list[Row]] = {}
    for row, code in zip(form.learners, form.identity[name].read(cause_if_readable), strict=True):
        if code:
            causes.setdefault(code, []).append(row)
    for code, rows in causes.items():
        yield catalogue.problem(code, form.places(name, rows), **parameters)


def _is_readable(cell: Cell) -> bool:
    """True if a cell can be checked: it is not blank, no Excel error, and no formula without a result."""
    return bool(cell.text) and cell.value is not None


def _is_provider_number(form: Form) -> bool:
    """True if there are three rows or more, and all have the same UPIN."""
    if len(form.learners) < FEWEST:
        return False
    upins = (values.upin(cell) for _, cell in form.cells(Identity.UPIN))  # lazy: most forms differ in the second row
    first = next(upins, "")
    if not first or values.SCIENTIFIC.fullmatch(first):
        return False
    return all(upin == first for upin in upins)


def _repeated(form: Form, name: Identity, key: Callable[[Cell], str], code: str) -> Iterator[Problem]:
    """One problem for each value of a compulsory field that stands in several rows.

    `key` returns the form of a value in which it is compared.
    """
    if name not in form.identity:
        return

    def key_if_readable(cell: Cell) -> str | None:
        return key(cell) if _is_readable(cell) else None

    keys = form.identity[name].read(key_if_readable)
    for same in _rows_by_key(form.learners, keys):
        numbers = catalogue.row_numbers([row.number for row in same])
        yield catalogue.problem(code, form.places(name, same), rows=numbers)


def _rows_by_key(learners: Sequence[Row], keys: Sequence[str | None]) -> Iterator[list[Row]]:
    """The rows of each key that occurs more than once, in the order of their first row; None is no key."""
    counts = Counter(keys)
    rows: dict[str, list[Row]] = {}
    for row, key in zip(learners, keys, strict=True):
        if key is not None and counts[key] > 1:
            rows.setdefault(key, []).append(row)
    yield from rows.values()

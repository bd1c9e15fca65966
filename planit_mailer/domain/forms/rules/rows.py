"""Rules about rows: each is one learner, and what identifies them can be right."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date

from planit_mailer.domain.forms import header_block, values
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.forms.rules import headings
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Row

LONGEST = 200  # characters of a compulsory field
FEWEST = 3  # rows with one UPIN that make it a provider's number


def no_learners(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A form without learners is a form that was not filled in."""
    if not form.learners:
        yield catalogue.problem("no-learners", _cells_of(form.below), row=form.heading_row)


def strays(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A row between learners that is none may be a learner half deleted: one problem for each."""
    for row in form.strays:
        yield catalogue.problem("row-not-a-learner", _cells_of((row,)), row=row.number)


def missing(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """All six compulsory fields of a learner must be filled (handbook section 7)."""
    for name in Identity:
        cells = [form.address(name, row) for row, cell in form.cells(name) if not header_block.filled(cell)]
        if cells:
            yield catalogue.problem("value-missing", cells, heading=name.value, what=headings.WHAT[name])


def identity_long(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A cell that identifies a learner is at most 200 characters long; PostgreSQL's index ends at some 2,700 bytes."""
    for name in Identity:
        yield from _by_cause(
            form,
            name,
            lambda cell: "identity-long" if len(cell.text) > LONGEST else "",
            heading=name.value,
            longest=LONGEST,
        )


def dob(form: Form, judging: Criteria) -> Iterator[Problem]:
    """A date of birth must be a real date, unambiguous, and that of somebody of an age for Plan-it."""
    rules = judging.rules

    def cause(cell: Cell) -> str:
        born = values.day(cell)
        if isinstance(born, date):
            return "" if rules.youngest <= values.age(born, judging.today) <= rules.oldest else "dob-age"
        return f"dob-{born}"

    yield from _by_cause(form, Identity.DOB, cause, youngest=rules.youngest, oldest=rules.oldest)


def year(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A year must be a year group."""
    yield from _by_cause(form, Identity.YEAR, lambda cell: "" if values.year(cell) else "year-wrong")


def year_for_dob(form: Form, judging: Criteria) -> Iterator[Problem]:
    """A year that does not fit the date of birth: one of the two may be wrong."""
    read = form.identity
    if not {Identity.DOB, Identity.YEAR} <= read.keys():
        return
    pairs = [*zip(read[Identity.DOB].read(values.day), read[Identity.YEAR].read(values.year), strict=True)]
    odd = {pair for pair in set(pairs) if not _fits(*pair, judging.today)}
    cells = [
        form.address(name, row)
        for row, pair in zip(form.learners, pairs, strict=True)
        if pair in odd
        for name in (Identity.DOB, Identity.YEAR)
    ]
    if cells:
        yield catalogue.problem("year-not-for-dob", cells)


def upin(form: Form, judging: Criteria) -> Iterator[Problem]:
    """A UPIN in the shape of a UPN has the right check letter, and one in another shape may be something else."""
    if _provider_number(form):
        return

    def cause(cell: Cell) -> str:
        found = values.upin(cell)
        if values.SCIENTIFIC.fullmatch(found):
            return "long-number"
        is_right = values.is_right_upn(found)
        if is_right is None:
            return "upin-uln" if values.ULN.fullmatch(found) else "upin-not-upn"
        return "" if is_right or not judging.rules.check_letter else "upin-check-letter"

    yield from _by_cause(form, Identity.UPIN, cause, heading=Identity.UPIN.value)


def sims_no(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A SIMS No can be anything, but not what Excel leaves of a long number."""

    def cause(cell: Cell) -> str:
        return "long-number" if values.SCIENTIFIC.fullmatch(values.text(cell)) else ""

    yield from _by_cause(form, Identity.SIMS_NO, cause, heading=Identity.SIMS_NO.value)


def provider_number(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """If UPIN holds the provider's number, as it does elsewhere, it is the same in all rows."""
    if _provider_number(form):
        cells = [form.address(Identity.UPIN, row) for row in form.learners]
        yield catalogue.problem("upin-provider-number", cells)


def same_upin(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Each learner has one row: the same UPIN on two rows gives one learner two sets of data."""
    if not _provider_number(form):
        yield from _twice(form, Identity.UPIN, values.upin)


def same_sims_no(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """The same for the SIMS No, however many zeros lead it."""
    yield from _twice(form, Identity.SIMS_NO, lambda cell: values.sims_key(values.text(cell)))


def below(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Totals, "Created on": what stands below the last learner is passed over."""
    if form.below and form.learners:
        rows = [row.number for row in form.below]
        one = len(rows) == 1
        yield catalogue.problem(
            "row-passed-over",
            _cells_of(form.below),
            rows=f"Row {rows[0]}, below the last learner, is not a learner and was"
            if one
            else f"Rows {catalogue.row_numbers(rows)}, below the last learner, are not learners and were",
        )


def _cells_of(rows: tuple[Row, ...]) -> Iterator[str]:
    return (
        references.address(row.number, column)
        for row in rows
        for column, cell in enumerate(row.cells, 1)
        if header_block.filled(cell)
    )


def _readable(cell: Cell | None) -> bool:
    """True if a cell can be checked: it is not blank, no Excel error, no formula without a result."""
    return cell is not None and bool(cell.text) and cell.value is not None


def _by_cause(form: Form, name: Identity, cause: Callable[[Cell], str], **parameters: object) -> Iterator[Problem]:
    """One problem for each cause that cells of a compulsory field have; the cause "" means none."""
    causes: dict[str, list[str]] = {}
    found = (
        form.identity[name].read(lambda cell: cause(cell) if _readable(cell) else "") if name in form.identity else ()
    )
    for row, code in zip(form.learners, found, strict=False):
        if code:
            causes.setdefault(code, []).append(form.address(name, row))
    for code, cells in causes.items():
        yield catalogue.problem(code, cells, **parameters)


def _fits(born: date | str | None, group: str | None, today: date) -> bool:
    """True if a year group fits a date of birth, as far as both could be read."""
    if not isinstance(born, date) or group in (None, "X"):
        return True
    place = {"N1": -2, "N2": -1, "R": 0}
    return (place[group] if group in place else int(group or 0)) == values.school_year(born, today)


def _provider_number(form: Form) -> bool:
    """True if all of three or more rows have the same UPIN."""
    upins = (values.upin(cell) for _, cell in form.cells(Identity.UPIN))
    first = next(upins, "")
    is_one = first != "" and not values.SCIENTIFIC.fullmatch(first)
    return is_one and len(form.learners) >= FEWEST and all(upin == first for upin in upins)


def _twice(form: Form, name: Identity, key: Callable[[Cell], str]) -> Iterator[Problem]:
    """One problem for each value that stands in several rows; `key` makes values comparable."""
    if name not in form.identity:
        return
    keys = form.identity[name].read(lambda cell: key(cell) if _readable(cell) else None)
    code = "upin-twice" if name is Identity.UPIN else "sims-no-twice"
    for same in _rows_by_key(form.learners, keys):
        numbers = catalogue.row_numbers([row.number for row in same])
        yield catalogue.problem(code, [form.address(name, row) for row in same], rows=numbers)


def _rows_by_key(learners: Sequence[Row], keys: Sequence[str | None]) -> Iterator[list[Row]]:
    """The rows of each key that occurs more than once, in the order of their first row."""
    repeated = {key for key, count in Counter(keys).items() if count > 1 and key is not None}
    rows: dict[str, list[Row]] = {}
    for row, key in zip(learners, keys, strict=True):
        if key in repeated:
            rows.setdefault(key, []).append(row)
    yield from rows.values()

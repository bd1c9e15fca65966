"""Rules about headings: every column has one, and nothing that learners would see hides from the school."""

import re
import string
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from planit_mailer.domain.forms import header_block
from planit_mailer.domain.forms.columns import Column
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Row

MOST = 75  # handbook section 8
LETTERS = string.ascii_uppercase

WHAT = {
    Identity.FIRST_NAME: "each learner's first name",
    Identity.SURNAME: "each learner's surname",
    Identity.UPIN: "each learner's 13-character UPN",
    Identity.SIMS_NO: "each learner's SIMS number (admission number)",
    Identity.DOB: "each learner's date of birth, like 31/01/2010",
    Identity.YEAR: "each learner's year group, like 10",
}


def missing(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """All six compulsory headings must be there."""
    for name in Identity:
        if name not in form.columns.identity:
            yield catalogue.problem("heading-missing", heading=name.value, what=WHAT[name])


def twice(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A compulsory heading may stand over one column only."""
    for same in form.columns.twice:
        heading = catalogue.quoted(same[0].heading)
        yield catalogue.problem("heading-twice", _addresses(same), count=len(same), heading=heading)


def too_many(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """At most 75 fields (handbook section 8)."""
    count = len(form.columns.fields) + len(form.columns.unnamed)
    if count > MOST:
        extra = sorted((*form.columns.fields, *form.columns.unnamed), key=lambda column: column.number)[MOST:]
        yield catalogue.problem("too-many-fields", _addresses(extra), count=count)


def without_heading(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Learners see each value under its heading."""
    for column in form.columns.unnamed:
        row = next(row.number for row in form.learners if header_block.filled(row.cell(column.number)))
        letters = references.column_letters(column.number)
        yield catalogue.problem("column-without-heading", [column.address], column=letters, row=row)


def same_heading(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Two fields with one heading cannot be told apart; of all signs only those that make grades differ count."""
    by_heading: dict[str, list[Column]] = {}
    for column in form.columns.fields:
        by_heading.setdefault(_folded(column.heading), []).append(column)
    for same in by_heading.values():
        if len(same) > 1:
            heading = catalogue.quoted(same[0].heading)
            yield catalogue.problem("field-twice", _addresses(same), count=len(same), heading=heading)


def hidden_columns(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Learners would see what the school does not; one problem for each block. Hidden identity columns are read."""
    hidden = form.sheet.hidden_columns
    for entry in form.header.introduction:
        column = entry.address.rstrip("0123456789")
        if references.column_number(column) in hidden:
            columns = f"The introduction in column {column} is"
            yield catalogue.problem("hidden-column", [entry.address], columns=columns, has="has")
    numbers = sorted(column.number for column in (*form.columns.fields, *form.columns.unnamed))
    for block in _blocks([number for number in numbers if number in hidden]):
        cells = list(_filled_in(block, form))
        first, last = references.column_letters(block[0]), references.column_letters(block[-1])
        if len(block) == 1:
            yield catalogue.problem("hidden-column", cells, columns=f"Column {first} is", has="has")
        else:
            yield catalogue.problem("hidden-column", cells, columns=f"Columns {first} to {last} are", has="have")


def _filled_in(numbers: Sequence[int], form: Form) -> Iterator[str]:
    """The addresses of the learners' cells with a content in these columns, column by column."""
    for number in numbers:
        for row in form.learners:
            if header_block.filled(row.cell(number)):
                yield references.address(row.number, number)


def hidden_rows(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """The same for rows, including those with headings and introductions. A filter hides rows, too."""
    rows = _hidden_with_content(form)
    for block in _blocks(sorted(rows)):
        cells: list[str] = []
        for number in block:
            cells.extend(_filled(rows[number]))
        if len(block) == 1:
            yield catalogue.problem("hidden-row", cells, rows=f"Row {block[0]} is", has="has")
        else:
            yield catalogue.problem("hidden-row", cells, rows=f"Rows {catalogue.row_numbers(block)} are", has="have")


def _hidden_with_content(form: Form) -> dict[int, Row]:
    """The hidden rows with a content, by number: below the heading row, or above it with something that is used."""
    entries = (*form.header.required.values(), *form.header.introduction)
    used = [entry.address for entry in entries if entry.cell]
    used += _addresses(form.columns.fields)
    used_rows = {int(address.lstrip(LETTERS)) for address in used}
    hidden = {}
    for row in form.sheet.rows:
        is_used = row.number >= form.heading_row or row.number in used_rows
        if row.hidden and is_used and any(_filled(row)):
            hidden[row.number] = row
    return hidden


def without_values(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A heading over nothing is no field; perhaps its values were forgotten."""
    blank = form.columns.blank
    if blank and form.learners:
        names = catalogue.listed([f"“{catalogue.quoted(column.heading)}”" for column in blank])
        it = "this heading" if len(blank) == 1 else "these headings"
        yield catalogue.problem("heading-without-values", _addresses(blank), headings=names, it=it)


def passed_over(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Other identity headings, such as a preferred name, are neither used nor shown: one warning."""
    twice = {column for same in form.columns.twice for column in same}
    others = [column for column in form.columns.others if column not in twice]
    if others:
        names = catalogue.listed([f"“{catalogue.quoted(column.heading)}”" for column in others])
        one = len(others) == 1
        columns = f"The column {names} was" if one else f"The columns {names} were"
        yield catalogue.problem("heading-passed-over", _addresses(others), columns=columns, it="it" if one else "them")


def examples(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """The handbook's example headings are seldom what a school means."""
    for column in form.columns.fields:
        if column.example:
            yield catalogue.problem("example-heading", [column.address], heading=catalogue.quoted(column.heading))


def sensitive(form: Form, judging: Criteria) -> Iterator[Problem]:
    """A heading with a word of the operator's list: learners will see what is below."""
    if not judging.rules.sensitive:
        return
    longest_first = sorted(judging.rules.sensitive, key=len, reverse=True)
    words = "|".join(r"\s+".join(map(re.escape, word.split())) for word in longest_first)
    query = re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])", re.IGNORECASE)
    for column in form.columns.fields:
        if match := query.search(column.heading):
            heading = catalogue.quoted(column.heading)
            yield catalogue.problem(
                "sensitive-heading", [column.address], heading=heading, word=catalogue.quoted(match[0])
            )


def _folded(heading: str) -> str:
    return "".join(char for char in heading.casefold() if char.isalnum() or char in "+-*/%")


def _addresses(columns: Iterable[Column]) -> tuple[str, ...]:
    return tuple(column.address for column in columns)


def _filled(row: Row) -> Iterator[str]:
    return (references.address(row.number, n) for n, cell in enumerate(row.cells, 1) if header_block.filled(cell))


def _blocks(numbers: Sequence[int]) -> Iterator[list[int]]:
    """Runs of numbers that follow one another."""
    if not numbers:
        return
    block = [numbers[0]]
    for before, number in pairwise(numbers):
        if number > before + 1:
            yield block
            block = []
        block.append(number)
    yield block

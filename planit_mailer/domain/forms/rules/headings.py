"""Rules about headings: every column has one, and learners see nothing that is hidden from the school."""

import re
from collections.abc import Iterable, Iterator, Sequence

from planit_mailer.domain.forms import header_block
from planit_mailer.domain.forms.columns import Column
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.forms.rules import cells
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Row

MOST = 75  # handbook section 8
SIGNS = "+-*/%"  # they tell grades apart, so they tell headings apart

WHAT = {
    Identity.FIRST_NAME: "each learner's first name",
    Identity.SURNAME: "each learner's surname",
    Identity.UPIN: "each learner's 13-character UPN",
    Identity.SIMS_NO: "each learner's SIMS number (admission number)",
    Identity.DOB: "each learner's date of birth, like 31/01/2010",
    Identity.YEAR: "each learner's year group, like 10",
}


def missing(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """All six compulsory headings are there."""
    for name in Identity:
        if name not in form.columns.identity:
            yield catalogue.problem("heading-missing", heading=name.value, what=WHAT[name])


def twice(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A compulsory heading stands over one column only."""
    for same in form.columns.twice:
        yield _same_words("heading-twice", same)


def too_many(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """A form has at most 75 fields (handbook section 8)."""
    shown = _shown_columns(form)
    if len(shown) > MOST:
        yield catalogue.problem("too-many-fields", cells.of_headings(shown[MOST:]), count=len(shown))


def _shown_columns(form: Form) -> list[Column]:
    """The columns whose values learners would see, from left to right."""
    return sorted((*form.columns.fields, *form.columns.unnamed), key=lambda column: column.number)


def without_heading(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Each column with values has a heading, as learners see each value under its heading."""
    for column in form.columns.unnamed:
        row = next(row.number for row in form.learners if header_block.filled(row.cell(column.number)))
        letters = references.column_letters(column.number)
        yield catalogue.problem("column-without-heading", [column.cell], column=letters, row=row)


def same_heading(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No two fields have the same heading. Case, spaces and most signs make no difference."""
    by_heading: dict[str, list[Column]] = {}
    for column in form.columns.fields:
        by_heading.setdefault(_folded(column.heading), []).append(column)
    for same in by_heading.values():
        if len(same) > 1:
            yield _same_words("field-twice", same)


def _folded(heading: str) -> str:
    """A heading in the form in which it is compared."""
    return "".join(char for char in heading.casefold() if char.isalnum() or char in SIGNS)


def _same_words(code: str, same: Sequence[Column]) -> Problem:
    """The problem of columns that have one heading."""
    heading = catalogue.quoted(same[0].heading)
    return catalogue.problem(code, cells.of_headings(same), count=len(same), heading=heading)


def hidden_columns(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No column that learners see is hidden from the school: one problem for each block of columns.

    Hidden compulsory columns are allowed.
    """
    yield from _hidden_introduction(form)
    hidden = [column.number for column in _shown_columns(form) if column.number in form.sheet.hidden_columns]
    for block in _blocks(hidden):
        places = cells.with_content_in_columns(form.learners, block)
        first = references.column_letters(block[0])
        if len(block) == 1:
            yield catalogue.problem("hidden-column", places, columns=f"Column {first} is", has="has")
        else:
            last = references.column_letters(block[-1])
            yield catalogue.problem("hidden-column", places, columns=f"Columns {first} to {last} are", has="have")


def _hidden_introduction(form: Form) -> Iterator[Problem]:
    """One problem for each text of the introduction in a hidden column."""
    for entry in form.header.introduction:
        if entry.place and entry.place.first_column in form.sheet.hidden_columns:
            columns = f"The introduction in column {references.column_letters(entry.place.first_column)} is"
            yield catalogue.problem("hidden-column", [entry.place], columns=columns, has="has")


def hidden_rows(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No row that learners see is hidden from the school, by a filter or otherwise: one problem for each block of rows.

    This includes rows with headings, required information or the introduction.
    """
    rows = _hidden_with_content(form)
    for block in _blocks(sorted(rows)):
        places = cells.with_content(rows[number] for number in block)
        if len(block) == 1:
            yield catalogue.problem("hidden-row", places, rows=f"Row {block[0]} is", has="has")
        else:
            numbers = catalogue.row_numbers(block)
            yield catalogue.problem("hidden-row", places, rows=f"Rows {numbers} are", has="have")


def _hidden_with_content(form: Form) -> dict[int, Row]:
    """The hidden rows with a content, by number, from the heading row down; above it, only rows that are used."""
    used = _used_rows(form)
    hidden: dict[int, Row] = {}
    for row in form.sheet.rows:
        if not row.hidden:
            continue
        is_used = row.number >= form.heading_row or row.number in used
        if is_used and any(map(header_block.filled, row.cells)):
            hidden[row.number] = row
    return hidden


def _used_rows(form: Form) -> frozenset[int]:
    """The numbers of the rows with required information, the introduction or a field's heading."""
    entries = (*form.header.required.values(), *form.header.introduction)
    filled = {entry.place.first_row for entry in entries if entry.cell and entry.place}
    return frozenset(filled.union(column.row for column in form.columns.fields))


def _blocks(numbers: Iterable[int]) -> list[list[int]]:
    """Split ascending numbers into runs of numbers that follow one another."""
    blocks: list[list[int]] = []
    for number in numbers:
        if blocks and number <= blocks[-1][-1] + 1:
            blocks[-1].append(number)
        else:
            blocks.append([number])
    return blocks


def without_values(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """Each heading has values below it. If it has none, they may have been forgotten."""
    blank = form.columns.blank
    if blank and form.learners:
        it = "this heading" if len(blank) == 1 else "these headings"
        places = cells.of_headings(blank)
        yield catalogue.problem("heading-without-values", places, headings=_names(blank), it=it)


def passed_over(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No other heading names a learner, such as a preferred name: its column is ignored, with one warning for all."""
    reported = {column for same in form.columns.twice for column in same}
    others = [column for column in form.columns.others if column not in reported]
    if not others:
        return
    if len(others) == 1:
        columns, it = f"The column {_names(others)} was", "it"
    else:
        columns, it = f"The columns {_names(others)} were", "them"
    yield catalogue.problem("heading-passed-over", cells.of_headings(others), columns=columns, it=it)


def _names(columns: Iterable[Column]) -> str:
    """The headings of columns as a message lists them."""
    return catalogue.listed([f"“{catalogue.quoted(column.heading)}”" for column in columns])


def examples(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No heading is an example from the handbook: a school seldom means those."""
    for column in form.columns.fields:
        if column.example:
            yield catalogue.problem("example-heading", [column.cell], heading=catalogue.quoted(column.heading))


def sensitive(form: Form, judging: Criteria) -> Iterator[Problem]:
    """No heading contains a word of the operator's list of sensitive words, as learners see the values below it."""
    if not judging.rules.sensitive:
        return
    query = _any_of(judging.rules.sensitive)
    for column in form.columns.fields:
        match = query.search(column.heading[: catalogue.LOOKED_AT])
        if match:
            heading = catalogue.quoted(column.heading)
            word = catalogue.quoted(match[0])
            yield catalogue.problem("sensitive-heading", [column.cell], heading=heading, word=word)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds any of these words or phrases as whole words, in any case, the longest one first."""
    patterns: list[str] = []
    for phrase in sorted(words, key=len, reverse=True):
        escaped = [re.escape(word) for word in phrase.split()]
        patterns.append(r"\s+".join(escaped))
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(patterns)})(?![^\W_])", re.IGNORECASE)

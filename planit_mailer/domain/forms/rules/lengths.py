"""Rules about the length of texts that learners read. They are far beyond what anybody means to show."""

from collections.abc import Iterator

from planit_mailer.domain.forms import header_block
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.forms.rules import cells
from planit_mailer.spreadsheets.model import Cell

# Characters.
LONG = 1_000  # of a value: it fills a screen
LONGEST = 4_000  # of a value or a paragraph
LONGEST_HEADING = 200


def values(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No value has more than 4,000 characters; one of more than 1,000 is pointed out, as it may belong elsewhere."""

    def is_long(cell: Cell) -> bool:
        return LONG < len(cell.text) <= LONGEST

    def is_too_long(cell: Cell) -> bool:
        return len(cell.text) > LONGEST

    columns = tuple(zip(form.columns.fields, form.fields, strict=True))
    for code, is_meant in (("value-too-long", is_too_long), ("value-long", is_long)):
        found = catalogue.problem(code, cells.meant(form, columns, is_meant))
        if found.cells:
            yield found


def headings(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No heading of a field has more than 200 characters, with the text of its group."""
    for column in form.columns.fields:
        if len(column.heading) > LONGEST_HEADING:
            heading = catalogue.quoted(column.heading)
            yield catalogue.problem("heading-too-long", [column.cell], heading=heading)


def paragraphs(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No paragraph of the introduction has more than 4,000 characters."""
    for entry in form.header.introduction:
        too_long = any(len(paragraph) > LONGEST for paragraph in header_block.paragraphs_of(entry))
        if too_long and entry.place:
            yield catalogue.problem("paragraph-too-long", [entry.place])

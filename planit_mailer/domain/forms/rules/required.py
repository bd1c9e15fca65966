"""Rules about the required information: it is there, and it can be right."""

from collections.abc import Iterator
from datetime import timedelta

from planit_mailer.domain.forms import values
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.header_block import Required
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.spreadsheets.model import Kind

GRACE = timedelta(days=1)
OLD = timedelta(days=60)
PARAGRAPHS = 3  # handbook section 6

WHERE = "Enter it to the right of these words."
NOWHERE = "Add a row above the headings with these words on the left, and enter it to their right."


def missing(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """School name, postcode, submitted by, date submitted: all four must be filled in."""
    for label, entry in form.header.required.items():
        if entry.cell is None:
            where = WHERE if entry.address else NOWHERE
            yield catalogue.problem("required-missing", _at(entry.address), label=label.value, where=where)


def unreadable(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """None of it may be an Excel error, or a formula whose result was never saved."""
    entries = [*form.header.required.items(), *(("Introductory Text", entry) for entry in form.header.introduction)]
    for label, entry in entries:
        if entry.cell and entry.cell.kind is Kind.ERROR:
            yield catalogue.problem("required-error", _at(entry.address), label=str(label))
        elif entry.cell and entry.cell.kind is Kind.UNSAVED:
            yield catalogue.problem("required-not-saved", _at(entry.address), label=str(label))


def postcode(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """The postcode must be one: it says which school the form is for."""
    entry = form.header.required[Required.POSTCODE]
    if (code := values.text(entry.cell)) and values.postcode(code) is None:
        yield catalogue.problem("postcode-wrong", _at(entry.address))


def date_submitted(form: Form, judging: Criteria) -> Iterator[Problem]:
    """The date must be real and not in the future, with a day's grace; an old one may be on an old spreadsheet."""
    entry = form.header.required[Required.DATE]
    if entry.cell is None or entry.cell.kind in (Kind.ERROR, Kind.UNSAVED):
        return
    day = values.day_submitted(entry.cell)
    if day is None:
        yield catalogue.problem("date-submitted-wrong", _at(entry.address))
    elif day - judging.today > GRACE:
        yield catalogue.problem("date-submitted-future", _at(entry.address))
    elif judging.today - day > OLD:
        yield catalogue.problem("date-submitted-old", _at(entry.address))


def introduction(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """At most three paragraphs (handbook section 6)."""
    count = len(form.header.paragraphs)
    if count > PARAGRAPHS:
        cells = (entry.address for entry in form.header.introduction)
        yield catalogue.problem("introduction-too-long", cells, count=count)


def _at(address: str) -> tuple[str, ...]:
    return (address,) if address else ()

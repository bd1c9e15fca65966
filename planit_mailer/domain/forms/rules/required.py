"""Rules about the required information: it is there, and it is plausible."""

from collections.abc import Iterator
from datetime import timedelta

from planit_mailer.domain.forms import values
from planit_mailer.domain.forms.criteria import Criteria
from planit_mailer.domain.forms.find import Form
from planit_mailer.domain.forms.header_block import Entry, Required
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.spreadsheets.model import Kind, Range

GRACE = timedelta(days=1)
OLD = timedelta(days=60)
PARAGRAPHS = 3  # handbook section 6

WHERE = "Enter it to the right of these words."
NOWHERE = "Add a row above the headings with these words on the left, and enter it to their right."

UNREADABLE = {Kind.ERROR: "required-error", Kind.UNSAVED: "required-not-saved"}


def missing(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """School name, postcode, submitted by and date submitted are all filled in."""
    for label, entry in form.header.required.items():
        if entry.cell is None:
            where = WHERE if entry.place else NOWHERE
            yield catalogue.problem("required-missing", _at(entry), label=label.value, where=where)


def unreadable(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """No required information is an Excel error, or a formula whose result was never saved; nor is the introduction."""
    for label, entry in form.header.required.items():
        yield from _unreadable(label.value, entry)
    for entry in form.header.introduction:
        yield from _unreadable("Introductory Text", entry)


def _unreadable(label: str, entry: Entry) -> Iterator[Problem]:
    if entry.cell and entry.cell.kind in UNREADABLE:
        yield catalogue.problem(UNREADABLE[entry.cell.kind], _at(entry), label=label)


def postcode(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """The postcode is a postcode: it says which school the form is for."""
    entry = form.header.required[Required.POSTCODE]
    code = values.text(entry.cell)
    if code and values.postcode(code) is None:
        yield catalogue.problem("postcode-wrong", _at(entry))


def date_submitted(form: Form, judging: Criteria) -> Iterator[Problem]:
    """The date is a real one, at most one day in the future; if it is old, so may be the spreadsheet."""
    entry = form.header.required[Required.DATE]
    if entry.cell is None or entry.cell.kind in UNREADABLE:
        return
    day = values.day_submitted(entry.cell)
    if day is None:
        yield catalogue.problem("date-submitted-wrong", _at(entry))
    elif day - judging.today > GRACE:
        yield catalogue.problem("date-submitted-future", _at(entry))
    elif judging.today - day > OLD:
        yield catalogue.problem("date-submitted-old", _at(entry))


def introduction(form: Form, _judging: Criteria) -> Iterator[Problem]:
    """The introduction has at most three paragraphs (handbook section 6)."""
    count = len(form.header.paragraphs)
    if count > PARAGRAPHS:
        cells = [cell for entry in form.header.introduction for cell in _at(entry)]
        yield catalogue.problem("introduction-too-long", cells, count=count)


def _at(entry: Entry) -> tuple[Range, ...]:
    """The cell of an entry as the cells of a problem: none if there is no label for it."""
    return (entry.place,) if entry.place else ()

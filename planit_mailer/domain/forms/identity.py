"""Is this the same child? An upload and the children that the school is known to have → matches, and problems.

Learners are matched by UPIN; failing that by SIMS No, surname and DOB together, as when a temporary UPN became
permanent. Children of other schools never come in.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from planit_mailer.domain.forms import values
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import Problem, Severity
from planit_mailer.domain.forms.upload import Learner, Upload

TWO = 2  # of first name, surname and DOB, that make another child


@dataclass(frozen=True, slots=True)
class Child:
    """A learner of a school as stored; `arrival` is the arrival number of the upload that the data came from."""

    upin: str
    sims_no: str
    first_name: str
    surname: str
    dob: date
    year: str
    arrival: int


@dataclass(frozen=True, slots=True)
class Matches:
    """For each learner of an upload, in order, the child it is known as, None for a new one; and what is odd."""

    children: tuple[Child | None, ...]
    problems: tuple[Problem, ...]


Person = tuple[str, str, date]  # first name and surname, folded, and DOB
Enrolment = tuple[str, str, date]  # SIMS No and surname, folded, and DOB


@dataclass(frozen=True, slots=True)
class _Register:
    """The known children by all that they are looked for."""

    by_upin: Mapping[str, Child]
    by_enrolment: Mapping[Enrolment, Child]
    by_person: Mapping[Person, tuple[Child, ...]]


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing that is odd about a learner, or about two: the code, the rows, and which of their fields it is."""

    code: str
    rows: tuple[int, ...]
    fields: tuple[Identity, ...]


def same_name(one: str, other: str) -> bool:
    """True if two names differ only in case, accents, spaces, hyphens and apostrophes."""
    return values.name_key(one) == values.name_key(other)


def match(upload: Upload, children: Sequence[Child], *, accept: bool = False) -> Matches:
    """Who each learner of an upload is. With `accept`, after a telephone call, what was an error is a warning."""
    register = _register(children)
    known = [register.by_upin.get(learner.upin) for learner in upload.learners]
    taken = {child.upin: learner.row for learner, child in zip(upload.learners, known, strict=True) if child}
    findings: list[_Finding] = []
    for place, learner in enumerate(upload.learners):
        child = known[place]
        if child is None and (other := register.by_enrolment.get(_enrolment(learner))):
            if other.upin in taken:
                rows = (taken[other.upin], learner.row)
                findings.append(_Finding("learner-matched-twice", rows, (Identity.UPIN,)))
                continue
            taken[other.upin] = learner.row
            known[place] = other
            findings.append(_Finding("upin-new", (learner.row,), (Identity.UPIN,)))
        findings += _oddities(learner, known[place], register)
    return Matches(tuple(known), tuple(_problems(findings, upload, accept=accept)))


def after(children: Sequence[Child], upload: Upload, matches: Matches, arrival: int) -> tuple[Child, ...]:
    """The school's children once an upload has been applied; newer data of a child is passed over."""
    stored = {child.upin: child for child in children}
    for learner, child in zip(upload.learners, matches.children, strict=True):
        if child and child.arrival > arrival:
            continue
        if child:
            stored.pop(child.upin, None)
        stored[learner.upin] = _child(learner, arrival)
    return tuple(stored.values())


def _register(children: Iterable[Child]) -> _Register:
    """The children by their keys; of several with one enrolment, the one with the latest data."""
    by_person: dict[Person, tuple[Child, ...]] = {}
    oldest_first = sorted(children, key=lambda child: child.arrival)
    for child in oldest_first:
        person = _person(child)
        by_person[person] = (*by_person.get(person, ()), child)
    return _Register(
        by_upin={child.upin: child for child in oldest_first},
        by_enrolment={_enrolment(child): child for child in oldest_first},
        by_person=by_person,
    )


def _person(who: Learner | Child) -> Person:
    return values.name_key(who.first_name), values.name_key(who.surname), who.dob


def _enrolment(who: Learner | Child) -> Enrolment:
    return values.sims_key(who.sims_no), values.name_key(who.surname), who.dob


def _oddities(learner: Learner, child: Child | None, register: _Register) -> Iterator[_Finding]:
    """The differences between a learner and the known child, or signs that it is another child."""
    row = (learner.row,)
    differing = _differing(learner, child) if child else ()
    if len(differing) >= TWO:
        yield _Finding("learner-differs", row, (Identity.UPIN, *differing))
        return
    if (child is None or differing) and _is_somebody_else(learner, child, register):
        yield _Finding("learner-known-otherwise", row, (Identity.UPIN, Identity.SIMS_NO))
        return
    for field in differing:
        yield _Finding("learner-changed", row, (field,))
    if child and values.sims_key(child.sims_no) != values.sims_key(learner.sims_no):
        yield _Finding("learner-changed", row, (Identity.SIMS_NO,))


def _differing(learner: Learner, child: Child) -> tuple[Identity, ...]:
    same = {
        Identity.FIRST_NAME: same_name(learner.first_name, child.first_name),
        Identity.SURNAME: same_name(learner.surname, child.surname),
        Identity.DOB: learner.dob == child.dob,
    }
    return tuple(field for field, equal in same.items() if not equal)


def _is_somebody_else(learner: Learner, child: Child | None, register: _Register) -> bool:
    """True if name and DOB are those of another known child with another SIMS No than the row's and the UPIN's child's.

    This finds children whose UPINs were exchanged, for instance because one column was sorted alone.
    """
    numbers = {values.sims_key(who.sims_no) for who in (learner, child) if who}
    others = [other for other in register.by_person.get(_person(learner), ()) if other is not child]
    return any(numbers - {values.sims_key(other.sims_no)} for other in others)


def _problems(findings: Iterable[_Finding], upload: Upload, *, accept: bool) -> Iterator[Problem]:
    """One problem for each cause, with the cells of all its learners; two rows that claim one child stay a pair."""
    causes: dict[tuple[object, ...], list[_Finding]] = {}
    for one in findings:
        changed = one.fields if one.code == "learner-changed" else ()
        causes.setdefault((one.code, changed, one.rows if len(one.rows) > 1 else ()), []).append(one)
    letters = dict(zip(Identity, upload.letters, strict=True))
    for same in causes.values():
        cells = [f"{letters[field]}{row}" for one in same for row in one.rows for field in one.fields]
        rows = catalogue.row_numbers(same[0].rows)
        found = catalogue.problem(same[0].code, cells, what=same[0].fields[0].value, rows=rows)
        yield replace(found, severity=Severity.WARNING) if accept else found


def _child(learner: Learner, arrival: int) -> Child:
    return Child(
        upin=learner.upin,
        sims_no=learner.sims_no,
        first_name=learner.first_name,
        surname=learner.surname,
        dob=learner.dob,
        year=learner.year,
        arrival=arrival,
    )

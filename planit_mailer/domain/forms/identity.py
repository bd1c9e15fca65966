"""Match the learners of an upload with the school's known children, and report what is odd.

A learner is matched by UPIN or, if no child has that, by SIMS No, surname and DOB together: a temporary UPN may have
become a permanent one. Children of other schools are never considered.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from planit_mailer.domain.forms import values
from planit_mailer.domain.forms.headings import Identity
from planit_mailer.domain.forms.problems import catalogue, collect
from planit_mailer.domain.forms.problems.catalogue import Problem, Severity
from planit_mailer.domain.forms.upload import FormSheet, Learner, Upload
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Range

TWO = 2  # differences in first name, surname and DOB that make another child


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
    """The known child of each learner of an upload, in order, or None for a new one, and the problems."""

    children: tuple[Child | None, ...]
    problems: tuple[Problem, ...]


Person = tuple[str, str, date]  # first name and surname, folded, and DOB
Enrolment = tuple[str, str, date]  # SIMS No and surname, folded, and DOB


Spot = tuple[int, int]  # the place of a learner's sheet in the upload, and the row on it


@dataclass(frozen=True, slots=True)
class _Register:
    """The known children by each key under which they are looked up."""

    by_upin: Mapping[str, Child]
    by_enrolment: Mapping[Enrolment, Child]
    by_person: Mapping[Person, tuple[Child, ...]]


@dataclass(frozen=True, slots=True)
class _Finding:
    """One odd thing about a learner, or about two of them: the code, the rows, and the fields that it is about."""

    code: str
    rows: tuple[Spot, ...]
    fields: tuple[Identity, ...]


def same_name(one: str, other: str) -> bool:
    """True if two names differ only in case, accents, spaces, hyphens and apostrophes."""
    return values.name_key(one) == values.name_key(other)


def match(upload: Upload, children: Sequence[Child], *, accept: bool = False) -> Matches:
    """Match each learner of an upload with a known child.

    `accept` turns errors into warnings, as after a telephone call with the school.
    """
    register = _register(children)
    known = [register.by_upin.get(learner.upin) for learner in upload.learners]
    claimed = _claimed_rows(upload.learners, known)
    findings: list[_Finding] = []
    for index, learner in enumerate(upload.learners):
        if known[index] is None:
            child = register.by_enrolment.get(_enrolment(learner))
            if child and child.upin in claimed:
                rows = (claimed[child.upin], _spot(learner))
                findings.append(_Finding("learner-matched-twice", rows, (Identity.UPIN,)))
                continue
            if child:
                claimed[child.upin] = _spot(learner)
                known[index] = child
                findings.append(_Finding("upin-new", (_spot(learner),), (Identity.UPIN,)))
        findings += _oddities(learner, known[index], register)
    return Matches(tuple(known), collect.bounded(_problems(findings, upload, accept=accept)))


def _claimed_rows(learners: Sequence[Learner], known: Sequence[Child | None]) -> dict[str, Spot]:
    """The rows of the learners that were matched by UPIN, by the UPIN of their child."""
    return {child.upin: _spot(learner) for learner, child in zip(learners, known, strict=True) if child}


def after(children: Sequence[Child], upload: Upload, matches: Matches, arrival: int) -> tuple[Child, ...]:
    """Return the school's children after an upload has been applied. A child with newer data stays as it is."""
    stored = {child.upin: child for child in children}
    for learner, child in zip(upload.learners, matches.children, strict=True):
        if child:
            if child.arrival > arrival:
                continue
            stored.pop(child.upin, None)
        stored[learner.upin] = _child(learner, arrival)
    return tuple(stored.values())


def _register(children: Iterable[Child]) -> _Register:
    """Index the children by their keys. Of several with one enrolment, the one with the latest data counts."""
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
    """The differences between a learner and the matched child, or a sign that the learner is another child."""
    row = (_spot(learner),)
    differing = _differing(learner, child) if child else ()
    if len(differing) >= TWO:
        yield _Finding("learner-differs", row, (Identity.UPIN, *differing))
        return
    may_be_another = child is None or bool(differing)
    if may_be_another and _is_somebody_else(learner, child, register):
        yield _Finding("learner-known-otherwise", row, (Identity.UPIN, Identity.SIMS_NO))
        return
    for field in differing:
        yield _Finding("learner-changed", row, (field,))
    if child and values.sims_key(child.sims_no) != values.sims_key(learner.sims_no):
        yield _Finding("learner-changed", row, (Identity.SIMS_NO,))


def _differing(learner: Learner, child: Child) -> tuple[Identity, ...]:
    """The fields in which a learner differs from a child, of first name, surname and DOB."""
    same = {
        Identity.FIRST_NAME: same_name(learner.first_name, child.first_name),
        Identity.SURNAME: same_name(learner.surname, child.surname),
        Identity.DOB: learner.dob == child.dob,
    }
    return tuple(field for field, equal in same.items() if not equal)


def _is_somebody_else(learner: Learner, child: Child | None, register: _Register) -> bool:
    """True if the learner's name and DOB are those of another known child that has another SIMS No.

    That SIMS No differs from the learner's own or from that of the matched child. This finds children whose UPINs were
    exchanged, for instance because one column was sorted alone.
    """
    numbers = {values.sims_key(who.sims_no) for who in (learner, child) if who}
    others = [other for other in register.by_person.get(_person(learner), ()) if other is not child]
    return any(numbers != {values.sims_key(other.sims_no)} for other in others)


def _problems(findings: Iterable[_Finding], upload: Upload, *, accept: bool) -> Iterator[Problem]:
    """One problem for each cause, with the cells of all its learners."""
    for same in _by_cause(findings):
        first = same[0]
        rows = catalogue.row_numbers([row for _, row in first.rows])
        found = catalogue.problem(first.code, _cells(same, upload.sheets), what=first.fields[0].value, rows=rows)
        if accept:
            found = replace(found, severity=Severity.WARNING)
        yield found


def _by_cause(findings: Iterable[_Finding]) -> Iterator[list[_Finding]]:
    """The findings in groups with one cause. Two rows that claim the same child are a cause of their own."""
    causes: dict[tuple[object, ...], list[_Finding]] = {}
    for finding in findings:
        changed = finding.fields if finding.code == "learner-changed" else ()
        pair = finding.rows if len(finding.rows) > 1 else ()
        causes.setdefault((finding.code, changed, pair), []).append(finding)
    yield from causes.values()


def _cells(findings: Iterable[_Finding], sheets: Sequence[FormSheet]) -> Iterator[Range]:
    """The cells of all fields that findings are about, row by row, each sheet's own together."""
    places: list[list[tuple[int, int]]] = [[] for _ in sheets]  # row and column
    columns = [dict(zip(Identity, map(references.column_number, sheet.letters), strict=True)) for sheet in sheets]
    for finding in findings:
        for place, row in finding.rows:
            places[place] += [(row, columns[place][field]) for field in finding.fields]
    for sheet, own in zip(sheets, places, strict=True):
        yield from references.on_sheet(references.ranges(own), sheet.name)


def _spot(learner: Learner) -> Spot:
    return learner.sheet, learner.row


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

"""Replacement: each learner on an accepted upload gets exactly its data, and the old data is gone.

Handbook section 4: "the upload data will replace the data from the previous one. The original data will not be
retained."
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from planit_mailer.adapters.sql import erasure
from planit_mailer.adapters.sql.base import Repository
from planit_mailer.adapters.sql.schema import clean, learners, receipts
from planit_mailer.domain.forms.identity import Child
from planit_mailer.domain.forms.upload import Learner
from planit_mailer.domain.messages import Receipt
from planit_mailer.domain.verdict import Changes, JudgedUpload, YearCount

YEARS = ("N1", "N2", "R", *(str(year) for year in range(1, 15)), "X")  # the order in which a school speaks of them
IDENTITY = ("upin", "sims_no", "first_name", "surname", "dob", "year")
DOCUMENT = (*IDENTITY, "fields", "introduction")
NEW, CHANGED, UNCHANGED = "new", "changed", "unchanged"
BATCH = 500  # learners whose documents are in memory at once: an upload may have 20,000 with 75 fields each

Pairs = Sequence[tuple[Learner, Row[Any] | None]]  # learners, each with the stored row that it is known by


@dataclass(slots=True)
class Plan:
    """The changes that an upload makes to the stored learners of its school, before they are made.

    `origin` are the columns that all its learners share.
    """

    origin: dict[str, Any]
    gone: list[int] = field(default_factory=list)  # ids of the rows that are replaced
    new: list[Learner] = field(default_factory=list)  # that take their place, or are added
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # by year, and new, changed or unchanged
    superseded: set[int] = field(default_factory=set)  # arrival numbers of the messages that hold replaced data
    known: int = 0  # stored learners that are on the upload
    passed_over: int = 0


class Learners(Repository):
    """Queries and commands on learners' data."""

    def children(self, school_id: int) -> tuple[Child, ...]:
        """The identities of a school's learners."""
        columns = (*(learners.c[name] for name in IDENTITY), learners.c.arrival)
        of_school = select(*columns).where(learners.c.school_id == school_id).order_by(learners.c.id)
        return tuple(map(_child, self._connection.execute(of_school)))

    def replace_learners(self, upload: JudgedUpload, receipt: Receipt) -> Changes:
        """Give each learner of an accepted upload exactly its fields and introduction. Return what changed.

        A learner whose data came with a message that arrived later is passed over. Learners that are not on the upload
        keep their data. Messages whose data was replaced are marked as superseded, so that they are deleted too, and so
        are the school's earlier rejected ones: this upload is their correction.
        """
        assert upload.school is not None, "an accepted upload has a school"
        columns = [learners.c[name] for name in ("id", "upin", "arrival", "reference")]
        of_school = select(*columns).where(learners.c.school_id == upload.school.id)
        stored = {row.upin: row for row in self._connection.execute(of_school)}
        plan = Plan(_origin(upload, receipt))
        pairs = _with_known_rows(upload, stored)
        while batch := list(islice(pairs, BATCH)):
            _plan(plan, batch, self._documents(batch))
        plan.superseded.update(erasure.put_right(self._connection, upload.school.id, receipt.arrival))
        self._carry_out(plan)
        return Changes(upload.number, _by_year(plan.counts), plan.passed_over, len(stored) - plan.known)

    def _documents(self, pairs: Pairs) -> Mapping[int, Row[Any]]:
        """The stored documents of these learners by the ids of their rows."""
        wanted = [old.id for _, old in pairs if old]
        if not wanted:
            return {}
        columns = (learners.c.id, *(learners.c[name] for name in DOCUMENT))
        return {row.id: row for row in self._connection.execute(select(*columns).where(learners.c.id.in_(wanted)))}

    def _carry_out(self, plan: Plan) -> None:
        """Delete first, then insert: two learners of a school may have exchanged their UPINs."""
        if plan.gone:
            by_id = delete(learners).where(learners.c.id == bindparam("gone"))
            self._connection.execute(by_id, [{"gone": number} for number in plan.gone])
            self.forgets = True
        new = iter(plan.new)
        while batch := [_document(learner) | plan.origin for learner in islice(new, BATCH)]:
            self._connection.execute(insert(learners), batch)
        for arrival in plan.superseded:
            self._connection.execute(update(receipts).where(receipts.c.id == arrival).values(superseded=True))


def _origin(upload: JudgedUpload, receipt: Receipt) -> dict[str, Any]:
    """The columns that all learners of an upload share."""
    assert upload.upload is not None, "an accepted upload is complete"
    return {
        "school_id": upload.school and upload.school.id,
        "introduction": [clean(paragraph) for paragraph in upload.upload.introduction],
        "arrival": receipt.arrival,
        "reference": f"{receipt.reference}/{upload.number}",
        "received_at": receipt.received_at,
    }


def _with_known_rows(upload: JudgedUpload, stored: Mapping[str, Row[Any]]) -> Iterator[tuple[Learner, Row[Any] | None]]:
    """The learners of an upload, each with the stored row that it is known by.

    Found by the UPIN it had, not by its number: an upload before this one in the same message may have replaced it.
    """
    assert upload.upload is not None, "an accepted upload is complete"
    assert upload.matches is not None, "an accepted upload was compared with the learners"
    for learner, child in zip(upload.upload.learners, upload.matches.children, strict=True):
        yield learner, stored.get(child.upin) if child else None


def _plan(plan: Plan, pairs: Pairs, documents: Mapping[int, Row[Any]]) -> None:
    """Add to a plan what becomes of these learners, whose stored documents are given by the ids of their rows."""
    arrival = plan.origin["arrival"]
    for learner, old in pairs:
        plan.known += old is not None
        if old and old.arrival > arrival:
            plan.passed_over += 1
            plan.superseded.add(arrival)  # as if it had been applied, and replaced since
            continue
        plan.new.append(learner)
        kind = _kind(_document(learner) | plan.origin, documents[old.id]) if old else NEW
        plan.counts[learner.year, kind] += 1
        if old:
            plan.gone.append(old.id)
            if old.reference != plan.origin["reference"]:
                plan.superseded.add(old.arrival)


def _document(learner: Learner) -> dict[str, Any]:
    return {name: getattr(learner, name) for name in IDENTITY} | {
        "fields": [[clean(field.heading), clean(field.value)] for field in learner.fields]
    }


def _kind(row: Mapping[str, Any], old: Row[Any]) -> str:
    """UNCHANGED if a document is the stored one, else CHANGED."""
    return UNCHANGED if all(row[name] == getattr(old, name) for name in DOCUMENT) else CHANGED


def _by_year(counts: Counter[tuple[str, str]]) -> tuple[YearCount, ...]:
    years = sorted({year for year, _ in counts}, key=_place)
    return tuple(YearCount(y, counts[y, NEW], counts[y, CHANGED], counts[y, UNCHANGED]) for y in years)


def _place(year: str) -> tuple[int, str]:
    return (YEARS.index(year) if year in YEARS else len(YEARS), year)


def _child(row: Row[Any]) -> Child:
    return Child(row.upin, row.sims_no, row.first_name, row.surname, row.dob, row.year, row.arrival)

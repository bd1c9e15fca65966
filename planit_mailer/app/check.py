"""What `check` answers of a workbook, by itself or compared with what the store knows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from planit_mailer.app import queries
from planit_mailer.app.queries import Json, Reading
from planit_mailer.domain.forms.judge import Criteria, Judgement
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.forms.upload import DraftLearner
from planit_mailer.domain.policy import rules
from planit_mailer.spreadsheets.encryption.passwords import TRIES, Password


def checked(file: str, judgement: Judgement, *, values: bool) -> Json:
    """What `check --json` prints of one file; what could not be read is null."""
    draft = judgement.draft
    told: Json = {
        "file": file,
        "accepted": judgement.accepted,
        "school": {"name": draft and draft.school_name, "postcode": draft and draft.postcode},
        "submitted_by": draft and draft.submitted_by,
        "date_submitted": draft.date_submitted.isoformat() if draft and draft.date_submitted else None,
        "introduction": list(draft.introduction) if draft else None,
        "fields": list(draft.headings) if draft else None,
        "learners": len(draft.learners) if draft else None,
        "problems": [_problem(problem) for problem in judgement.problems],
    }
    if values:
        told["rows"] = [_row(learner) for learner in draft.learners] if draft else []
    return told


def compared(judgement: Judgement, reading: Reading) -> Judgement:
    """A judgement with what the store adds to it, as if a sender of that school had sent the form."""
    schools = tuple(entry.school for entry in reading.schools())
    return rules.compared(judgement, schools, reading.children)


def attempts(judging: Criteria, passwords: Sequence[Password]) -> Iterator[Criteria]:
    """What to judge by, one after the other until the workbook opens: a file is read with few passwords at a time."""
    for first in range(0, max(len(passwords), 1), TRIES):
        yield replace(judging, passwords=tuple(passwords[first : first + TRIES]))


def _problem(problem: Problem) -> Json:
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message,
        "cells": list(problem.cells),
    }


def _row(learner: DraftLearner) -> Json:
    return {
        "row": learner.row,
        "first_name": learner.first_name,
        "surname": learner.surname,
        "upin": learner.upin,
        "sims_no": learner.sims_no,
        "dob": learner.dob.isoformat() if learner.dob else None,
        "year": learner.year,
        "fields": [queries.field(one) for one in learner.fields],
    }

"""The answer of `check`: a workbook judged by itself, or compared with the store."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from planit_mailer.app import queries
from planit_mailer.app.queries import Json, Reading
from planit_mailer.domain.forms.judge import Criteria, Judgement
from planit_mailer.domain.forms.problems.catalogue import Problem
from planit_mailer.domain.forms.upload import DraftLearner
from planit_mailer.domain.policy import rules
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.encryption.passwords import TRIES, Password


def checked(file: str, judgement: Judgement, *, values: bool) -> Json:
    """The JSON object that `check --json` prints for one file; whatever could not be read is null."""
    draft = judgement.draft
    if draft is None:
        return _unread(file, judgement, values=values)
    told: Json = {
        "file": file,
        "accepted": judgement.accepted,
        "school": {"name": draft.school_name, "postcode": draft.postcode},
        "submitted_by": draft.submitted_by,
        "date_submitted": draft.date_submitted.isoformat() if draft.date_submitted else None,
        "introduction": list(draft.introduction),
        "fields": list(draft.headings),
        "learners": len(draft.learners),
        "problems": [_problem(problem) for problem in judgement.problems],
    }
    if values:
        told["rows"] = [_row(learner) for learner in draft.learners]
    return told


def _unread(file: str, judgement: Judgement, *, values: bool) -> Json:
    """The same object for a file in which no form was found."""
    told: Json = {
        "file": file,
        "accepted": judgement.accepted,
        "school": {"name": None, "postcode": None},
        "submitted_by": None,
        "date_submitted": None,
        "introduction": None,
        "fields": None,
        "learners": None,
        "problems": [_problem(problem) for problem in judgement.problems],
    }
    if values:
        told["rows"] = []
    return told


def compared(judgement: Judgement, reading: Reading) -> Judgement:
    """Add the problems that the store knows of, as if a sender of that school had sent the form."""
    schools = tuple(entry.school for entry in reading.schools())
    return rules.compared(judgement, schools, reading.children)


def attempts(judging: Criteria, passwords: Sequence[Password]) -> Iterator[Criteria]:
    """The criteria to try one after the other until the workbook opens, each with a few of the passwords."""
    for first in range(0, max(len(passwords), 1), TRIES):
        yield replace(judging, passwords=tuple(passwords[first : first + TRIES]))


def _problem(problem: Problem) -> Json:
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message,
        "cells": references.names(problem.cells),
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

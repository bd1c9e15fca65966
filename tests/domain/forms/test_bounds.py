"""What is told of a form stays small, however many of its cells are wrong."""

import pickle
import tracemalloc
from functools import cache

import pytest

from planit_mailer.domain.forms.judge import Judgement
from planit_mailer.domain.forms.problems import catalogue, collect
from planit_mailer.domain.forms.problems.catalogue import BLOCKS, Problem, Severity
from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Cell, Kind, Range, Row, Sheet
from tests.support import forms

ROWS, COLUMNS = 20_000, 75
GRADE, ERROR = Cell("B", Kind.TEXT, "B"), Cell("#N/A", Kind.ERROR)


def a_million_cells(*pattern: Cell | None, hidden: bool = False) -> Sheet:
    """A form whose fields repeat these cells, beginning one later in each row."""
    headings = [f"Subject {number}" for number in range(COLUMNS)]
    above = forms.sheet(forms.cells(forms.flat_rows((), headings))).rows
    fields = [tuple((pattern * COLUMNS)[begin : begin + COLUMNS]) for begin in range(len(pattern))]
    rows = [
        Row(number, (*identity, *fields[number % len(pattern)]), hidden) for number, identity in enumerate(who(), 11)
    ]
    return Sheet("Sheet1", 1, (*above, *rows))


@cache
def who() -> tuple[tuple[Cell, ...], ...]:
    """The compulsory cells of all learners."""
    learners = map(forms.learner, range(11, 11 + ROWS))
    return tuple(tuple(forms.cell(one[key]) for key in forms.KEYS) for one in learners)


def blocks_of(judgement: Judgement) -> int:
    return sum(len(problem.cells) for problem in judgement.problems)


def test_a_million_cells_with_errors_are_one_problem_with_a_block_a_column() -> None:
    judgement = forms.checked(a_million_cells(ERROR))

    [problem] = judgement.problems
    assert (problem.code, len(problem.cells)) == ("cell-error", COLUMNS)
    assert problem.cells[0] == Range(11, 7, ROWS + 10, 7)
    assert len(pickle.dumps(judgement.problems)) < 10_000


@pytest.mark.parametrize("what", ["errors", "hidden rows"])
def test_cells_that_are_nowhere_side_by_side_are_named_up_to_a_bound_and_the_rest_is_told(what: str) -> None:
    sheet = a_million_cells(GRADE, ERROR) if what == "errors" else a_million_cells(GRADE, None, hidden=True)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()

    judgement = forms.checked(sheet)

    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert judgement.problems[-1].code == "cells-not-named"
    assert not judgement.accepted
    assert blocks_of(judgement) <= BLOCKS + len(judgement.problems)
    kept_for_the_draft = 20_000_000
    assert after - before < kept_for_the_draft + 10_000_000
    assert len(catalogue.shortened(catalogue.grouped(judgement.problems)[0].ranges)) < 500


def test_an_upload_of_the_usual_size_has_every_cell_named() -> None:
    sheet = a_million_cells(GRADE, ERROR, None)
    rows = [row for row in sheet.rows if row.number <= 200]

    judgement = forms.checked(Sheet("Sheet1", 1, tuple(rows)))

    assert [problem.code for problem in judgement.problems] == ["cell-error"]
    wrong = [
        references.address(row.number, column)
        for row in rows
        for column, cell in enumerate(row.cells, 1)
        if cell is ERROR
    ]
    assert sorted(forms.names(judgement.problems[0])) == sorted(wrong)


def test_what_is_left_out_never_makes_an_error_a_warning() -> None:
    warnings = [catalogue.problem("upin-twice", forms.cells_at(f"C{row}"), rows="") for row in range(11, 5_011)]
    scattered = references.ranges((row, 1) for row in range(11, 60_011, 2))
    all_over = catalogue.problem("value-long", scattered)
    error = catalogue.problem("cell-error", forms.cells_at("G11", "G13"))

    found = collect.bounded([*warnings, all_over, error])

    assert [problem.severity for problem in found if problem.code == "cell-error"] == [Severity.ERROR]
    assert all(problem.cells for problem in found if problem.code != "cells-not-named")
    assert len(found) == collect.OF_A_CODE + 3
    assert found[-1].code == "cells-not-named"


def test_wide_blocks_count_by_their_columns_since_they_are_listed_column_by_column() -> None:
    wide = [Range(row, 1, row, 300) for row in range(1, 4_001, 2)]
    problem = catalogue.problem("row-passed-over", wide, rows="")

    found = collect.bounded([problem])

    columns = sum(block.last_column - block.first_column + 1 for block in found[0].cells)
    assert columns <= collect.WIDE + 300
    assert found[-1].code == "cells-not-named"


def test_a_few_problems_are_kept_as_they_are() -> None:
    problems: tuple[Problem, ...] = (
        catalogue.problem("year-wrong", forms.cells_at("F12")),
        catalogue.problem("no-learners", row=10),
    )

    assert collect.bounded(problems) == problems


def test_a_heading_of_thirty_thousand_characters_is_cut_in_every_message() -> None:
    long = "SEN " + "x" * 32_000
    rows = forms.flat_rows([forms.learner(1, values=("B", "C"))], (long, long))

    problems = forms.checked(forms.sheet(forms.cells(rows))).problems

    assert {problem.code for problem in problems} >= {"field-twice"}
    assert max(len(problem.message) for problem in problems) < 1_000
    assert catalogue.quoted("\N{ZERO WIDTH SPACE}" * 2_000 + "x").endswith("…")

"""Cells travel as blocks, and none is lost on the way."""

import tracemalloc
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.spreadsheets import references
from planit_mailer.spreadsheets.model import Range

PLACES = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 30)))


@given(PLACES)
def test_the_cells_of_blocks_are_the_places_that_they_were_made_of_in_their_order(
    places: list[tuple[int, int]],
) -> None:
    assert list(references.places(references.ranges(places))) == places


@given(PLACES)
def test_blocks_of_a_column_have_each_cell_once_and_are_as_long_as_they_can_be(places: list[tuple[int, int]]) -> None:
    runs = references.by_column(references.ranges(places))

    cells = list(references.places(runs))
    assert len(cells) == len(set(cells))
    assert set(cells) == set(places)
    assert runs == sorted(runs, key=lambda run: (run.first_column, run.first_row))
    for run in runs:
        assert run.first_column == run.last_column
        assert (run.last_row + 1, run.first_column) not in cells


@given(PLACES)
def test_joining_side_by_side_loses_no_cell(places: list[tuple[int, int]]) -> None:
    joined = references.side_by_side(references.by_column(references.ranges(places)))

    assert sorted(references.places(joined)) == sorted(set(places))


@pytest.mark.parametrize(
    ("written", "block"),
    [
        ("D14", Range(14, 4, 14, 4)),
        ("D14:D20", Range(14, 4, 20, 4)),
        ("Z1:AB3", Range(1, 26, 3, 28)),
        ("'Year 10'!D14", Range(14, 4, 14, 4, "Year 10")),
        ("'O''Neill'!D14", Range(14, 4, 14, 4, "O'Neill")),
    ],
)
def test_a_block_is_named_as_excel_names_it(written: str, block: Range) -> None:
    assert references.name(block) == written
    assert references.named(written) == block


@pytest.mark.parametrize("written", ["", "14", "D", "d14", "D14:D", "D14 ", "Year 10!D14", "'Year 10'D14"])
def test_what_names_no_cell_is_a_mistake(written: str) -> None:
    with pytest.raises(ValueError, match="no cell is named"):
        references.named(written)


def test_a_million_cells_of_a_few_columns_are_a_few_blocks_and_take_no_memory() -> None:
    million = ((row, column) for column in range(1, 51) for row in range(1, 20_001))
    tracemalloc.start()

    blocks = list(references.ranges(million))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(blocks) == 50
    assert peak < 100_000
    assert list(islice(references.places(blocks), 20_000, 20_002)) == [(1, 2), (2, 2)]

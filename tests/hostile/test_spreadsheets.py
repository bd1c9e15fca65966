"""Small files that unfold to large ones cost little, and their school is told why they are not taken."""

from collections.abc import Callable

import pytest

from tests.hostile import measuring, spreadsheets
from tests.hostile.measuring import Files
from tests.hostile.spreadsheets import FILES

MEGABYTE = 1_000_000
CHILD, DAEMON = 500 * MEGABYTE, 300 * MEGABYTE
GROWTH = 2 * MEGABYTE  # of a database that keeps nothing of a rejected file
LONGEST = 30.0  # seconds, on a machine that is busy with other things


def one(name: str) -> Callable[[], Files]:
    return lambda: [FILES[name]()]


COSTLY: dict[str, tuple[Callable[[], Files], str]] = {
    "a text of 32,000 characters in 200 by 75 cells": (
        one("a text of 32 000 characters in 200 by 75 cells"),
        "file-too-large",
    ),
    "the same in 1,000 by 75 cells": (one("a text of 32 000 characters in 1 000 by 75 cells"), "file-too-large"),
    "twenty .ods with repeated cells": (spreadsheets.twenty_ods_with_repeated_cells, "file-too-large"),
}


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 30


@pytest.mark.parametrize(("make", "code"), COSTLY.values(), ids=COSTLY)
def test_a_file_that_unfolds_costs_little_and_delays_no_other_school(make: Callable[[], Files], code: str) -> None:
    cost = measuring.of_files(make())

    assert cost.outcome == "rejected"
    assert code in cost.codes
    assert (cost.replies, cost.alerts) == (1, 0)
    assert cost.daemon < DAEMON
    assert cost.child < CHILD
    assert cost.growth < GROWTH
    assert cost.seconds < LONGEST

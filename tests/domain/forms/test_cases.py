"""Forms as schools send them, each after something that schools do every day: what must come of each."""

from collections.abc import Collection
from pathlib import Path

import pytest

from planit_mailer.domain.forms.judge import Judgement
from tests.support import forms

FILES = Path(__file__).parents[2] / "cases" / "forms"

# The codes of all problems, warnings too, of each form that is accepted.
ACCEPTED: dict[str, Collection[str]] = {
    "07_two_row_groups.xlsx": {"row-passed-over"},
    "23_two_tabs.xlsx": (),
    "29_intro_merged.xlsx": (),
    "36_subheading.xlsx": {"row-passed-over"},
    "44_student_id.xlsx": (),
    "59_sensitive.xlsx": {"sensitive-heading"},
    "61_three_level_terms.xlsx": (),
    "62_groups_unmerged.xlsx": (),
    "64_pasted_with_headings.xlsx": (),
    "68_labels_2.xlsx": (),
    "76b_count.xlsx": {"row-passed-over"},
    "76e_key_table.xlsx": {"row-passed-over"},
    "77_two_blocks.xlsx": (),
    "A2_max_mark_row.xlsx": {"row-passed-over"},
    "A9_aliases_1.xlsx": (),
    "A9_aliases_8.xlsx": (),
    "B6_intro_continued.xlsx": (),
    "c05-crcrlf.csv": (),
    "c21-emoji-heads.xlsx": (),
    "c21e-less-greater.xlsx": (),
    "d-endash.xlsx": (),
    "d-weekday.xlsx": (),
    "q2-mac-cr-lf-in-cell.csv": (),
    "s01-show-zeros-off.xlsx": (),
    "x32-dob-endash.xlsx": (),
}
# The codes of the errors of each form that is not.
REFUSED: dict[str, Collection[str]] = {
    "30_pandas_no_header.xlsx": {"header-missing"},
    "48_long.xlsx": {"learners-on-several-rows"},
    "72_all_dates.xlsx": {"dates-for-grades"},
    "85_no_fields.xlsx": {"no-fields"},
    "A8b_placeholders.xlsx": {"value-missing"},
    "k-csv-lo502.csv": {"cell-error"},
    "k-xlsx-gs-error.xlsx": {"cell-error"},
    "l01-mip-label.xlsx": {"sensitivity-label"},
    "m07-utf8-mangled.xlsx": {"damaged-on-the-way"},
    "q-cp1250-u0141ucja.csv": {"encoding-unknown"},
    "q-macroman-zoe-lf.csv": {"encoding-unknown"},
}


def judged(name: str) -> Judgement:
    return forms.judge((FILES / name).read_bytes(), forms.date(2026, 11, 27))


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_form_that_a_reasonable_operator_would_accept_is_accepted(name: str) -> None:
    judgement = judged(name)

    assert {(problem.code, problem.severity.value) for problem in judgement.problems} == {
        (code, "warning") for code in ACCEPTED[name]
    }
    assert judgement.accepted


@pytest.mark.parametrize("name", REFUSED)
def test_a_form_that_would_show_something_wrong_is_refused(name: str) -> None:
    errors = {problem.code for problem in judged(name).problems if problem.severity == "error"}

    assert errors == REFUSED[name]


def test_zeros_that_the_sheet_does_not_show_are_not_shown() -> None:
    draft = judged("s01-show-zeros-off.xlsx").draft

    assert draft
    assert not {field.value for learner in draft.learners for field in learner.fields} & {"0", "0%", "0.0"}

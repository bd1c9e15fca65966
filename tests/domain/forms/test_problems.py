import pytest

from planit_mailer.domain.forms.problems import catalogue
from planit_mailer.domain.forms.problems.catalogue import CATALOGUE, Entry, Problem, Severity, Stage
from tests.support.forms import cells_at

UNWANTED = ("please", "sorry", "invalid", "valid ", "oops", "forbidden", "illegal", "you forgot")


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_an_entry_is_complete_and_in_the_style_of_gov_uk(entry: Entry) -> None:
    told = f"{entry.message} {entry.fix} {entry.together}".lower()

    assert entry.message.endswith((".", "}"))
    assert entry.fix.endswith(".")
    assert entry.example
    assert not [word for word in UNWANTED if word in told]


def test_a_problem_has_the_severity_stage_and_words_of_its_entry() -> None:
    problem = catalogue.problem("year-wrong", cells_at("F12"))

    assert problem == Problem(
        "year-wrong",
        Severity.ERROR,
        Stage.ROWS,
        "Year must be a year group: N1, N2, R, 1 to 14, or X.",
        cells_at("F12"),
    )


def test_a_heading_in_a_message_is_never_taken_for_a_parameter() -> None:
    assert "“{count}”" in catalogue.problem("example-heading", heading="{count}").message


def test_a_code_that_is_in_no_catalogue_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        catalogue.problem("no-such-code")


@pytest.mark.parametrize(
    ("cells", "ranges"),
    [
        ((), ""),
        (("C14",), "C14"),
        (("C40", *(f"C{row}" for row in range(14, 37))), "C14:C36, C40"),
        (("G10", "H10", "I10"), "G10:I10"),
        (("A11", "A12", "B11", "B12"), "A11:B12"),
        (("Z1", "AA1"), "Z1:AA1"),
        (("A1", "C1"), "A1, C1"),
    ],
)
def test_cells_are_told_as_ranges(cells: tuple[str, ...], ranges: str) -> None:
    assert catalogue.ranges(cells_at(*cells)) == ranges


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([22, 57], "22 and 57"),
        ([7], "7"),
        ([12, 13], "12 and 13"),
        ([14, 15, 16, 31], "14 to 16 and 31"),
        ([3, 3, 1], "1 and 3"),
        (list(range(1, 40, 2)), "1, 3, 5, 7, 9, 11, 13, 15, 17, 19 and 10 more"),
    ],
)
def test_rows_are_told_as_a_sentence_does(rows: list[int], words: str) -> None:
    assert catalogue.row_numbers(rows) == words


def test_groups_are_causes_errors_first_and_then_in_the_order_of_the_catalogue() -> None:
    found = (
        catalogue.problem("sensitive-heading", cells_at("G10"), subject="The heading A contains", words="B", it="this"),
        catalogue.problem("year-wrong", cells_at("F12")),
        catalogue.problem("dob-wrong", cells_at("E12", "E13")),
        catalogue.problem("year-wrong", cells_at("F13", "F20")),
    )

    groups = catalogue.grouped(found)

    assert [(group.code, group.ranges, group.single) for group in groups] == [
        ("dob-wrong", "E12:E13", False),
        ("year-wrong", "F12:F13, F20", False),
        ("sensitive-heading", "G10", True),
    ]
    assert groups[1].message == found[1].message


def test_many_duplicates_are_one_group_that_names_the_rows_of_each() -> None:
    found = [catalogue.problem("upin-twice", cells_at(f"C{row}", f"C{row + 30}"), rows="") for row in (22, 24)]

    [group] = catalogue.grouped(found)

    assert "2 UPINs stand on more than one row: rows 22 and 52; 24 and 54." in group.message
    assert group.ranges == "C22, C24, C52, C54"


def test_of_very_many_duplicates_the_first_are_named() -> None:
    found = [
        catalogue.problem("upin-twice", cells_at(f"C{row}", f"C{row + 900}"), rows="") for row in range(12, 812, 2)
    ]

    [group] = catalogue.grouped(found)

    assert "and 390 more" in group.message
    assert len(group.ranges.split(", ")) == 800


def test_problems_of_one_code_with_different_words_stay_apart() -> None:
    found = [catalogue.problem("value-missing", cells_at(cell), heading=cell, what="it") for cell in ("A12", "B12")]

    assert len(catalogue.grouped(found)) == 2


def test_what_was_decided_after_a_telephone_call_is_told_as_a_warning() -> None:
    error = catalogue.problem("year-wrong", cells_at("F12"))
    warning = Problem(error.code, Severity.WARNING, error.stage, error.message, cells_at("F13"))

    assert [group.severity for group in catalogue.grouped((warning, error))] == [Severity.ERROR, Severity.WARNING]


def test_a_heading_is_repeated_on_one_line_without_what_steers_text_and_not_at_length() -> None:
    assert catalogue.quoted("Maths\n\tset \N{RIGHT-TO-LEFT OVERRIDE}1") == "Maths set 1"
    assert len(catalogue.quoted("x" * 32_767)) == 60

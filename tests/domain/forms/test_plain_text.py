import pytest

from planit_mailer.domain.forms import plain_text
from planit_mailer.domain.forms.plain_text import Checked
from tests.domain.forms.test_catalogue import as_csv
from tests.support import forms
from tests.support.forms import learner


def as_windows_reads_it(name: str, encoding: str) -> str:
    return name.encode(encoding).decode("cp1252")


@pytest.mark.parametrize(
    "name", ["José", "Siân", "Müller", "Brontë", "ÉLISE", "Björn", "O\N{RIGHT SINGLE QUOTATION MARK}Brien"]
)
def test_names_that_only_windows_can_mean_are_sure(name: str) -> None:
    assert plain_text.checked([name, "Lee", "McDonald"]) == Checked("cp1252", is_sure=True)


def test_a_name_that_another_encoding_spells_as_well_is_not_sure() -> None:
    assert plain_text.checked(["Muñoz"]) == Checked("cp1252", is_sure=False)


@pytest.mark.parametrize(("name", "encoding"), [("Chloé", "mac_roman"), ("Renée", "cp850")])
def test_names_that_are_words_in_one_other_encoding_alone_are_read_in_it(name: str, encoding: str) -> None:
    assert plain_text.checked([as_windows_reads_it(name, encoding)]) == Checked(encoding, is_sure=False)


@pytest.mark.parametrize(("name", "encoding"), [("Zoë", "mac_roman"), ("Łucja", "cp1250"), ("Žofia", "cp1250")])
def test_names_that_are_words_in_several_encodings_or_in_none_are_refused(name: str, encoding: str) -> None:
    assert plain_text.checked([as_windows_reads_it(name, encoding)]).encoding is None


def test_a_table_of_an_old_macintosh_is_read_with_a_warning_that_names_the_cell() -> None:
    judgement = forms.judge(as_csv(learner(1, first_name="Chloé"), learner(2), encoding="mac_roman"))

    assert judgement.accepted
    assert judgement.draft
    assert judgement.draft.learners[0].first_name == "Chloé"
    [warning] = judgement.problems
    assert (warning.code, forms.names(warning)) == ("encoding-guessed", ("A11",))

"""The downloaded DfE register → schools, and the mistakes in its rows."""

import csv
import io
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planit_mailer.core.errors import ConfigError
from planit_mailer.domain import gias
from planit_mailer.domain.schools import Listed

# A few of its hundred columns, in its order.
HEADINGS = (
    *("URN", "LA (code)", "LA (name)", "EstablishmentNumber", "EstablishmentName", "EstablishmentStatus (code)"),
    *("EstablishmentStatus (name)", "Street", "Town", "Postcode", "SchoolWebsite"),
)
OPEN: Mapping[str, str] = {
    "URN": "123456",
    "EstablishmentName": "Greenfield School",
    "EstablishmentStatus (name)": "Open",
    "Postcode": "ZZ9 9ZZ",
}


def a_row(**changes: str) -> dict[str, str]:
    names = {"urn": "URN", "name": "EstablishmentName", "status": "EstablishmentStatus (name)", "postcode": "Postcode"}
    return {**OPEN, **{names[key]: value for key, value in changes.items()}}


def a_file(*rows: Mapping[str, str], headings: tuple[str, ...] = HEADINGS, encoding: str = "cp1252") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, headings, restval="", quoting=csv.QUOTE_ALL, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_schools_are_read_in_the_encoding_of_windows_and_in_those_of_who_saved_it_again(encoding: str) -> None:
    file = a_file(a_row(name="St Mary\u2019s  École"), a_row(urn="20001", postcode="zz88zz"), encoding=encoding)

    assert gias.read(file) == gias.Register(
        (Listed("123456", "St Mary\u2019s École", "ZZ9 9ZZ"), Listed("20001", "Greenfield School", "ZZ8 8ZZ")), 0, 0, ()
    )


@pytest.mark.parametrize("status", ["Open", "Open, but proposed to close", "Proposed to open"])
def test_closed_schools_alone_are_left_out(status: str) -> None:
    found = gias.read(a_file(a_row(status="Closed", postcode=""), a_row(status=status), a_row(status="Closed")))

    assert (len(found.schools), found.closed, found.mistakes) == (1, 2, ())


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"urn": ""}, "URN must be a number of five or six digits, like 123456."),
        ({"urn": "900001"}, "URN must be a number of five or six digits, like 123456."),
        ({"name": " "}, "EstablishmentName is missing."),
        ({"postcode": ""}, "Postcode is missing."),
        ({"postcode": "BFPO 57"}, "Postcode must be a full UK postcode, like LS1 4AP."),
        ({"urn": "123456"}, "URN 123456 stands in row 2 already."),
    ],
)
def test_a_row_with_a_mistake_is_named_and_passed_over(changes: dict[str, str], mistake: str) -> None:
    found = gias.read(a_file(a_row(), a_row(**{"urn": "123457", **changes}), a_row(urn="123458")))

    assert [school.number for school in found.schools] == ["123456", "123458"]
    assert found.mistakes == (f"Row 3: {mistake}",)


def test_all_mistakes_of_a_row_are_named() -> None:
    found = gias.read(a_file(a_row(urn="x", name="", postcode="?")))

    assert len(found.mistakes) == 3
    assert all(mistake.startswith("Row 2: ") for mistake in found.mistakes)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it has no column URN, EstablishmentName, EstablishmentStatus (name), Postcode."),
        (a_file(a_row(), headings=("URN", "EstablishmentName", "Postcode")), "no column EstablishmentStatus (name)."),
        (b'"URN"\r\n"1', "unexpected end of data."),
        (b"\xff\xfea", "not utf-16."),
    ],
)
def test_another_file_is_refused_with_what_it_lacks(data: bytes, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        gias.read(data)

    assert str(caught.value).startswith("it is not the DfE register's CSV: ")
    assert str(caught.value).endswith(why)


@given(
    rows=st.lists(st.fixed_dictionaries({key: st.text(max_size=12) for key in ("urn", "name", "status", "postcode")}))
)
def test_every_row_is_a_school_or_closed_or_has_a_mistake(rows: list[dict[str, str]]) -> None:
    found = gias.read(a_file(*(a_row(**row) for row in rows), encoding="utf-16"))

    wrong = {mistake.partition(":")[0] for mistake in found.mistakes}
    assert found.passed_over == len(wrong)
    assert len(found.schools) + found.closed + found.passed_over == len(rows)

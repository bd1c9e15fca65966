"""The output and exit codes of `schools` and `senders`, as an operator types them."""

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from planit_mailer import cli
from planit_mailer.cli.demo import journey
from tests.domain.test_gias import a_file, a_row

OFFICE = "office@greenfield.test"


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Verb = Callable[..., Told]


@pytest.fixture
def verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Run a verb in this process, as the console script does."""
    (tmp_path / "config.toml").write_text(journey.CONFIGURATION.format(imap=1, smtp=1, service="data@s-cool.test"))
    (tmp_path / "mailbox.password").write_text("pw\n")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["planit-mailer", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        told = capsys.readouterr()
        return Told(int(left.value.code or 0), told.out, told.err)

    return run


def schools(verb: Verb) -> list[tuple[str, str, list[str]]]:
    return [(s["id"], s["name"], s["senders"]) for s in verb("schools", "list", "--json").json]


# ── schools add, senders allow, deny, list ──


def test_a_school_that_is_there_already_gets_the_senders_added(verb: Verb) -> None:
    first = verb("schools", "add", "Greenfield School", "ZZ9 9ZZ", "--sender", OFFICE)
    again = verb("schools", "add", "GREENFIELD SCHOOL", "zz99zz", "--sender", "greenfield.test", "--sender", OFFICE)

    assert (first.code, again.code) == (0, 0)
    assert schools(verb) == [("900001", "Greenfield School", ["greenfield.test", OFFICE])]


def test_what_is_no_postcode_or_no_sender_changes_nothing(verb: Verb) -> None:
    assert verb("schools", "add", "Greenfield School", "nowhere").code == 2
    assert verb("schools", "add", "Greenfield School", "ZZ9 9ZZ", "--sender", "office@").code == 2
    assert verb("schools", "add", "Greenfield School", "ZZ9 9ZZ", "--sender", "gmail.com").code == 1
    assert verb("schools", "add", "   ", "ZZ9 9ZZ").code == 2
    assert schools(verb) == []


def test_an_ambiguous_postcode_exits_1_and_lists_the_schools(verb: Verb) -> None:
    verb("schools", "add", "Upper School", "ZZ9 9ZZ")
    verb("schools", "add", "Lower School", "ZZ9 9ZZ")

    told = verb("senders", "allow", OFFICE, "--school", "zz9 9zz")

    assert (told.code, told.out) == (1, "")
    assert told.err.splitlines() == [
        "Several schools have the postcode zz9 9zz; say the id of one:",
        "  900002  Lower School, ZZ9 9ZZ",
        "  900001  Upper School, ZZ9 9ZZ",
    ]
    assert verb("schools", "password", "ZZ9 9ZZ").code == 1
    assert verb("senders", "allow", OFFICE, "--school", "900002").code == 0
    assert schools(verb)[0] == ("900002", "Lower School", [OFFICE])


def test_two_registered_schools_with_one_name_at_one_postcode_are_told_apart_by_id_alone(verb: Verb) -> None:
    Path("register.csv").write_bytes(a_file(a_row(), a_row(urn="123457")))
    verb("schools", "import", "register.csv")

    told = verb("schools", "add", "Greenfield School", "ZZ9 9ZZ", "--sender", OFFICE)

    assert told.code == 1
    assert "  123456  Greenfield School, ZZ9 9ZZ\n  123457  Greenfield School" in told.err


def test_a_school_that_nobody_knows_exits_1(verb: Verb) -> None:
    told = verb("senders", "allow", OFFICE, "--school", "ZZ9 9ZZ")

    assert (told.code, told.out) == (1, "")
    assert "No school has the postcode or id ZZ9 9ZZ" in told.err


def test_who_is_denied_is_listed_until_they_are_allowed_again(verb: Verb) -> None:
    verb("schools", "add", "Greenfield School", "ZZ9 9ZZ")
    assert verb("senders", "deny", "Pest@Elsewhere.Test").code == 0
    assert verb("senders", "deny", "pest@elsewhere.test").code == 0

    assert verb("senders", "list", "--json").json == [{"sender": "pest@elsewhere.test", "school": None, "id": None}]
    assert "nobody: denied" in verb("senders", "list").out

    verb("senders", "allow", "pest@elsewhere.test", "--school", "ZZ9 9ZZ")
    assert verb("senders", "list", "--json").json == [
        {"sender": "pest@elsewhere.test", "school": "Greenfield School", "id": "900001"}
    ]


# ── schools password ──

SECRET = "Blue Otter 9€"


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_password_is_read_from_standard_input_and_never_shown(verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    verb("schools", "add", "Greenfield School", "ZZ9 9ZZ")
    type_in(monkeypatch, f"{SECRET}\r\nanother line\n")

    told = verb("schools", "password", "zz99zz")
    listed = verb("schools", "list"), verb("schools", "list", "--json")

    assert (told.code, told.err) == (0, "")
    assert told.out == (
        "The password of Greenfield School, ZZ9 9ZZ, is registered. Its workbooks are opened with it from now on.\n"
    )
    assert "registered" in listed[0].out
    assert listed[1].json[0]["password"] is True
    assert SECRET not in listed[0].out + listed[1].out
    assert SECRET in Path("planit.db").read_bytes().decode("utf-8", "replace")


def test_a_password_can_be_removed_once(verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    verb("schools", "add", "Greenfield School", "ZZ9 9ZZ")
    type_in(monkeypatch, SECRET)
    verb("schools", "password", "ZZ9 9ZZ")

    first, second = (verb("schools", "password", "ZZ9 9ZZ", "--remove") for _ in range(2))

    assert (first.code, first.out) == (0, "The password of Greenfield School, ZZ9 9ZZ, is forgotten.\n")
    assert (second.code, second.err) == (1, "Greenfield School, ZZ9 9ZZ, has no password.\n")
    assert verb("schools", "list", "--json").json[0]["password"] is False
    assert SECRET not in Path("planit.db").read_bytes().decode("utf-8", "replace")


@pytest.mark.parametrize("text", ["", "\n", "x" * 256])
def test_what_is_no_password_is_refused_without_repeating_it(
    verb: Verb, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verb("schools", "add", "Greenfield School", "ZZ9 9ZZ")
    type_in(monkeypatch, text)

    told = verb("schools", "password", "ZZ9 9ZZ")

    assert (told.code, told.out, told.err) == (2, "", "A password has 1 to 255 characters that can be typed.\n")


# ── schools import ──


def test_an_import_prints_counts_and_names_mistakes_by_row(verb: Verb) -> None:
    file = Path("edubasealldata.csv")
    file.write_bytes(a_file(a_row(), a_row(urn="123457", status="Closed"), a_row(urn="123458", postcode="")))

    told = verb("schools", "import", str(file))

    assert told.code == 0
    assert told.out == (
        "1 school is open: 1 added, 0 updated, 0 unchanged.\n1 closed left out, 1 passed over for a mistake.\n"
    )
    assert told.err == "Row 4: Postcode is missing.\n"
    assert schools(verb) == [("123456", "Greenfield School", [])]


def test_a_second_import_changes_nothing_and_a_newer_one_what_differs(verb: Verb) -> None:
    file = Path("edubasealldata.csv")
    file.write_bytes(a_file(a_row(), a_row(urn="123457", name="Abbey School")))
    verb("schools", "import", str(file))
    assert "2 schools are open: 0 added, 0 updated, 2 unchanged." in verb("schools", "import", str(file)).out

    file.write_bytes(a_file(a_row(name="Greenfield Academy"), a_row(urn="123457", name="Abbey School")))
    assert "0 added, 1 updated, 1 unchanged" in verb("schools", "import", str(file)).out
    assert [name for _, name, _ in schools(verb)] == ["Abbey School", "Greenfield Academy"]


@pytest.mark.parametrize(
    ("content", "why"), [(None, "cannot be read: No such file"), (b"a,b\r\n1,2\r\n", "no column URN")]
)
def test_a_file_that_is_not_the_register_exits_2(verb: Verb, content: bytes | None, why: str) -> None:
    if content:
        Path("other.csv").write_bytes(content)

    told = verb("schools", "import", "other.csv")

    assert (told.code, told.out) == (2, "")
    assert "other.csv" in told.err
    assert why in told.err

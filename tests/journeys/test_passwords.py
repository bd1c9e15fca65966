"""A password that is registered for a school opens its workbooks, and stands nowhere else."""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from planit_mailer.cli import app
from planit_mailer.cli.demo import servers
from planit_mailer.core import clock
from planit_mailer.spreadsheets.encryption import passwords
from planit_mailer.spreadsheets.encryption.passwords import Password
from tests.corpus.workbooks import xls_form
from tests.support import encrypting, forms, workbooks, world
from tests.support.world import OFFICE, World, text_of

SECRET = "Blue Otter 9€"
SHORT = "blue otter"  # of the length that an .xls of Excel 95 can have


@pytest.fixture
def service(tmp_path: Path) -> Iterator[World]:
    with servers.running("data@s-cool.test", "pw") as post:
        yield world.make(tmp_path, post)


def register(service: World, password: str, *, name: str = "Greenfield School", sender: str = OFFICE) -> None:
    with service.store() as store, store.transaction() as transaction:
        school = transaction.add_school(name, "ZZ9 9ZZ" if name == "Greenfield School" else "ZZ8 8ZZ")
        transaction.allow(school, sender)
        transaction.set_password(school, Password(password), clock.now())


def a_form(**changes: object) -> bytes:
    return forms.handbook(learners=[forms.learner(1, **changes)], headings=("Art",))


def codes(service: World, sent: str) -> list[str]:
    [upload] = service.explain(sent)["uploads"]
    return [problem["code"] for problem in upload["problems"]]


# ── an upload ──


@pytest.mark.parametrize("lock", [encrypting.agile, encrypting.standard])
def test_a_locked_workbook_of_a_school_with_its_password_is_applied(service: World, lock: encrypting.Lock) -> None:
    register(service, SECRET)
    service.send(("autumn.xlsx", lock(a_form(), SECRET)))

    service.once()

    [(_, answer)] = service.replies()
    assert "1 learner updated" in str(answer["Subject"])
    assert service.shown(forms.upn(1)) == {"Art": "B"}


@pytest.mark.parametrize("lock", [encrypting.rc4, encrypting.crypto_api, encrypting.xor])
def test_so_is_a_locked_workbook_of_excel_97(service: World, lock: encrypting.Lock) -> None:
    register(service, SHORT)
    service.send(("autumn.xls", lock(xls_form(), SHORT)))

    service.once()

    [(_, answer)] = service.replies()
    assert "49 learners updated" in str(answer["Subject"]), text_of(answer)


@pytest.mark.parametrize("registered", [None, "another password"])
def test_without_its_password_it_is_named_and_not_returned(service: World, registered: str | None) -> None:
    if registered:
        register(service, registered)
    sent = service.send(("autumn.xlsx", encrypting.agile(a_form(), SECRET)))

    service.once()

    [(_, answer)] = service.replies()
    assert codes(service, sent) == ["password-protected"]
    assert "protected by a password" in text_of(answer)
    assert list(answer.iter_attachments()) == []
    assert service.shown(forms.upn(1)) is None


def test_only_passwords_of_the_senders_own_schools_are_tried(service: World) -> None:
    register(service, SECRET, name="Abbey School", sender="office@abbey.test")
    sent = service.send(("autumn.xlsx", encrypting.agile(a_form(), SECRET)))

    service.once()

    assert codes(service, sent) == ["password-protected"]


def test_a_sender_for_several_schools_may_use_the_password_of_each(service: World) -> None:
    register(service, "Greenfield's own")
    register(service, SECRET, name="Abbey School")
    service.send(
        ("1.xlsx", encrypting.agile(a_form(), SECRET)), ("2.xlsx", encrypting.agile(xlsx(2), "Greenfield's own"))
    )

    service.once()

    [(_, answer)] = service.replies()
    assert "2 learners updated" in str(answer["Subject"])


def xlsx(number: int) -> bytes:
    return forms.handbook(learners=[forms.learner(number)], headings=("Art",))


# ── the workbook that goes back ──


@pytest.mark.parametrize("lock", [encrypting.agile, encrypting.standard])
def test_it_goes_back_locked_and_corrected_in_place_it_is_accepted(service: World, lock: encrypting.Lock) -> None:
    register(service, SECRET)
    service.send(("autumn.xlsx", lock(a_form(year="99"), SECRET)))
    service.once()

    [(_, answer)] = service.replies()
    [attached] = answer.iter_attachments()
    returned = passwords.opened(attached.get_content(), [Password(SECRET)])
    assert "It opens with your password." in " ".join(text_of(answer).split())
    assert passwords.opened(attached.get_content(), []) is None
    assert returned
    book = load_workbook(BytesIO(returned.data))
    assert book.sheetnames[0] == "Problems"
    book.worksheets[1]["F12"] = "10"
    service.send(("autumn.xlsx", encrypting.agile(forms.saved(book), SECRET)))
    service.once()

    assert "1 learner updated" in str(service.replies()[-1][1]["Subject"])
    assert service.shown(forms.upn(1)) == {"Art": "B"}


def test_what_cannot_be_painted_and_locked_does_not_go_back_and_one_line_says_so(service: World) -> None:
    register(service, SECRET)
    parts = workbooks.parts_of(a_form(year="99"))
    del parts["[Content_Types].xml"]  # needed to change a package, not to read it
    service.send(("autumn.xlsx", encrypting.standard(workbooks.packed(parts), SECRET)))

    service.once()

    [(_, answer)] = service.replies()
    html = answer.get_body(("html",))
    assert html
    for told in (text_of(answer), html.get_content()):
        assert "came with a password and does not come back" in " ".join(told.split())
    assert list(answer.iter_attachments()) == []


# ── the verb ──


def test_on_a_terminal_it_is_asked_for_twice_and_not_echoed(service: World) -> None:
    ours, theirs = pty.openpty()
    verb = [
        sys.executable,
        "-m",
        "planit_mailer",
        "--config",
        str(service.config_file),
        "schools",
        "password",
        "ZZ9 9ZZ",
    ]
    # A terminal of its own: passwords are read from the one that controls the process.
    start = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", start, *verb], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        seen = ""
        for question in ("Password of Greenfield School:", "Repeat for confirmation:"):
            seen += until(ours, question)
            os.write(ours, b"blue otter\n")
        seen += until(ours, "from now on")
        assert process.wait(20) == 0
    os.close(ours)

    with service.store() as store, store.reading() as reading:
        [stored] = reading.passwords([entry.school for entry in reading.schools()])
    assert stored.text == "blue otter"
    assert "blue otter" not in seen


def until(terminal: int, expected: str) -> str:
    """What a terminal shows until some words stand there, and a moment for the one who waits for the answer."""
    seen = ""
    while expected not in seen:
        seen += os.read(terminal, 1000).decode()
    time.sleep(0.3)
    return seen


def test_a_replaced_password_is_nowhere_in_the_database(service: World) -> None:
    register(service, "the first of them")
    register(service, "the second of them")

    files = b"".join(path.read_bytes() for path in service.folder.glob("planit.db*"))
    assert b"the second of them" in files
    assert b"the first of them" not in files


# ── check ──


def test_check_tries_the_registered_passwords_of_all_schools(service: World) -> None:
    for number in range(passwords.TRIES + 2):
        register(service, f"password {number:02}", name=f"School {number:02}")
    file = service.folder / "locked.xlsx"
    file.write_bytes(encrypting.agile(a_form(year="99"), f"password {passwords.TRIES + 1}"))
    out = service.folder / "out.xlsx"

    told = CliRunner().invoke(app, ["--config", str(service.config_file), "check", str(file), "--annotate", str(out)])

    assert told.exit_code == 1
    assert "Year must be a year group" in told.output
    assert "It opens with the password of the workbook." in told.output
    assert passwords.opened(out.read_bytes(), [Password(f"password {passwords.TRIES + 1}")])
    assert f"password {passwords.TRIES + 1}" not in told.output


def test_check_without_a_configuration_has_none_to_try(tmp_path: Path) -> None:
    file = tmp_path / "locked.xlsx"
    file.write_bytes(encrypting.agile(a_form(), SECRET))

    told = CliRunner().invoke(app, ["check", str(file)])

    assert told.exit_code == 1
    assert "protected by a password" in told.output

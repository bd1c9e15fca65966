"""No learner's name, UPIN, DOB or value leaves the process but in the workbook that goes back to its sender.

Every place of what a school sends holds a marked value, whatever becomes of the message; then all that leaves the
process is searched: mails with their headers, log lines at their fullest, what verbs tell, folders, the database.
"""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from imapclient import IMAPClient
from openpyxl import load_workbook
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName

from planit_mailer.cli.demo.servers import MailServers
from tests.domain.forms.test_annotate import a_csv, an_xls
from tests.support import forms, world
from tests.support.builders import an_email
from tests.support.world import OFFICE, World

STRANGER = "someone@elsewhere.test"
MARK = "Zqmark"
NUMBERS = range(7_301, 7_307)
DOB = date(forms.born(10).year, 7, 23)
ATTACHED = re.compile(rf"{MARK}file\.(?:xlsx|jpg)")  # named to their sender alone
SAID = "Your grades."  # what learners are to read may be repeated
# A learner, however it is written: marked texts, UPINs, the date of birth in any order.
TOLD = re.compile(
    "|".join(
        (MARK, *map(forms.upn, NUMBERS), rf"23/0?7/{DOB.year}", rf"{DOB:%Y-%m-%d}", rf"0?7/23/{DOB.year}", "23-Jul")
    ),
    re.IGNORECASE,
)


def learner(number: int, kind: str = "", **changes: Any) -> forms.Learner:
    marked = {
        "first_name": f"{MARK}first{kind}{number}",
        "surname": f"{MARK}last{kind}{number}",
        "sims_no": f"{MARK}sims{number}",
        "dob": DOB,
        "values": (f"{MARK}value{kind}{number}", "7", 123456789012),
    }
    return forms.learner(number, **(marked | changes))


def rows(*learners: forms.Learner, **header: Any) -> list[tuple[object, ...]]:
    """A form whose headings and introduction alone are not marked."""
    given = {"submitted_by": f"{MARK}submitter", "introduction": (SAID,)} | header
    headings = ("Art", "Maths", "Candidate")
    return forms.flat_rows(learners, headings, **given)


def book(*learners: forms.Learner, change: Callable[[Any], None] | None = None, kind: str = "", **header: Any) -> bytes:
    """The form as a workbook with marked sheets, comments, names and properties, after a change of its own."""
    made = load_workbook(BytesIO(forms.workbook(forms.cells(rows(*learners, **header)))))
    page = made.active
    page.title = f"{MARK}sheet{kind}"
    hidden = made.create_sheet(f"{MARK}hidden")
    hidden.append([f"{MARK}cell"])
    hidden.sheet_state = "hidden"
    page["A11"].comment = Comment(f"{MARK}comment", f"{MARK}author")
    made.defined_names[f"{MARK}name"] = DefinedName(f"{MARK}name", attr_text=f"{MARK}sheet{kind}!$A$11")
    made.properties.title = made.properties.creator = f"{MARK}property"
    if change:
        change(page)
    return forms.saved(made)


def with_warnings(page: Any) -> None:
    page["A16"] = f"{MARK}total"
    page["G11"] = f"{MARK}long" + "x" * 1_000
    page["G12"] = date(2026, 4, 25)
    page["G12"].number_format = "d-mmm"
    page["J10"], page["J11"] = "Preferred Surname", f"{MARK}preferred"


def with_errors(page: Any) -> None:
    for address, value in {
        "A12": None,
        "C13": forms.upn(NUMBERS[0]),
        "E11": f"07/23/{DOB.year}",
        "E12": f"{MARK}dob",
        "E13": "23/07/11",
        "F11": f"{MARK}year",
        "A16": f"{MARK}between",
    }.items():
        page[address] = value
    for column, cell in enumerate(learner(NUMBERS[5], "rejected").values(), 1):
        page.cell(17, column, cell if isinstance(cell, str | date) else None)
    page["H12"], page["H12"].data_type = "#N/A", "e"


def with_hidden(page: Any) -> None:
    page["L11"] = f"{MARK}unheaded"
    page.column_dimensions["G"].hidden = True
    page.row_dimensions[12].hidden = True


def three(kind: str = "", **changes: Any) -> list[forms.Learner]:
    return [learner(number, kind, **changes) for number in NUMBERS[:3]]


def sent() -> dict[str, tuple[str, bytes]]:
    """Messages for every outcome, by sender and file; in the order in which they are sent."""
    wrong = [learner(number, "rejected", first_name=f"{MARK}other", surname=f"{MARK}other") for number in NUMBERS[:2]]
    elsewhere = [learner(number, upin=forms.upn(number + 3), sims_no=f"{MARK}other") for number in NUMBERS[:1]]
    return {
        "accepted": (OFFICE, book(*three(), change=with_warnings)),
        "errors in rows": (OFFICE, book(*three("rejected"), change=with_errors, kind="rejected")),
        "hidden": (OFFICE, book(*three("rejected"), change=with_hidden)),
        "other children": (OFFICE, book(*wrong)),
        "known otherwise": (OFFICE, book(*elsewhere)),
        "required": (OFFICE, book(*three("rejected"), postcode=f"{MARK}postcode", submitted=f"{MARK}date")),
        "other school": (OFFICE, book(*three("rejected"), school=f"{MARK}school", postcode="LS1 4AP")),
        "other name": (OFFICE, book(*three(), school=f"{MARK}school")),
        "no form": (OFFICE, forms.workbook({"A1": f"{MARK}cell", "A2": "UPIN", "B2": f"{MARK}near"})),
        "two sheets": (OFFICE, forms.workbook(*[forms.cells(rows(*three("rejected")))] * 2)),
        "xls": (OFFICE, an_xls(rows(*three("rejected", year=f"{MARK}year")))),
        "csv": (OFFICE, a_csv(rows(*three("rejected", year=f"{MARK}year")))),
        "damaged": (OFFICE, book(*three("rejected"))[:4_000]),
        "not a spreadsheet": (OFFICE, b"\xff\xd8\xff\xe0" + MARK.encode() * 20),
        "stranger": (STRANGER, book(*three("rejected"))),
    }


@pytest.fixture
def service(tmp_path: Path, post: MailServers) -> World:
    made = world.make(tmp_path, post)
    with made.config_file.open("a") as file:
        file.write('[log]\nlevel = "debug"\n')
    return made


def run(service: World, *arguments: str) -> str:
    """All that a verb writes, facts and log."""
    command = [sys.executable, "-m", "planit_mailer", "--config", str(service.config_file), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"}, timeout=120
    )
    return done.stdout + done.stderr


def send(service: World, messages: dict[str, tuple[str, bytes]]) -> None:
    for number, (kind, (sender, data)) in enumerate(messages.items()):
        raw = an_email(
            sender,
            subject=f"{MARK}subject {kind}",
            body=f"{MARK}body {kind} https://1drv.ms/{MARK}link\n",
            attachments=[(f"{MARK}file.xlsx", data)] if kind != "not a spreadsheet" else [(f"{MARK}file.jpg", data)],
            headers=[("Message-ID", f"<{number}@greenfield.test>")],
        )
        service.post.send(raw, sender, service.post.address)


def words(mail: EmailMessage) -> str:
    """A mail as its reader and the servers on its way see it, the workbook that goes back left out."""
    headers = "\n".join(f"{name}: {value}" for part in mail.walk() for name, value in part.items())
    texts = [str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text"]
    return "\n".join((headers, *texts))


def found(text: str) -> list[str]:
    return [text[max(match.start() - 60, 0) : match.end() + 30] for match in TOLD.finditer(text)]


def folders(service: World) -> list[str]:
    with IMAPClient("127.0.0.1", service.post.imap_port, ssl=False) as client:
        client.login(service.post.address, service.post.password)
        return [name for _, _, name in client.list_folders()]


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_whatever_a_school_sends_nothing_of_a_learner_leaves_the_process(service: World) -> None:
    messages = sent()
    send(service, messages)

    logged = run(service, "once")

    told = [service.explain(f"<{number}@greenfield.test>") for number in range(len(messages))]
    assert dict(zip(messages, (one["outcome"] for one in told), strict=True)) == dict.fromkeys(messages, "rejected") | {
        "accepted": "accepted",
        "other name": "accepted",
        "not a spreadsheet": "ignored",
        "stranger": "held",
    }
    assert logged.count("message settled") == len(messages)
    assert found(logged) == []
    mails = service.replies()
    assert len(mails) == len(messages)
    for recipient, mail in mails:
        text = words(mail)
        assert found(ATTACHED.sub("", text) if recipient == OFFICE else text) == [], mail["Subject"]
        assert found("".join(f"{name}: {value}" for name, value in mail.items())) == []
    for verb in (("status",), ("held",), ("explain", "--from", OFFICE), ("explain", "--from", STRANGER)):
        assert found(run(service, *verb) + run(service, *verb, "--json")) == [], verb
    assert_nothing_is_kept(service)


def assert_nothing_is_kept(service: World) -> None:
    """Of the learners who were accepted their data, of all else nothing, in whatever file."""
    files = [path for path in service.folder.rglob("*") if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files)
    names = [*folders(service), *(path.name for path in files)]
    assert "Quarantine" in names
    assert found(" ".join(names)) == []
    assert f"{MARK}value".encode() in kept
    for place in ("subject", "body", "file", "sheet", "hidden", "comment", "submitter", "other", "near", "link"):
        assert f"{MARK}{place}".encode() not in kept, place
    assert not re.search(rb"Zqmark\w*?rejected", kept)


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_a_mistake_of_ours_tells_nothing_of_a_learner_either(service: World) -> None:
    with service.store() as store:
        store.prepare()
    with sqlite3.connect(service.folder / "planit.db") as database:
        database.execute("CREATE TRIGGER t BEFORE INSERT ON learners BEGIN SELECT RAISE(ABORT, 'refused'); END")
    send(service, {"accepted": sent()["accepted"]})

    logged = "".join(run(service, "once") for _ in range(3))

    assert logged.count("message failed") == 3
    assert "Traceback" in logged
    assert found(logged) == []
    [(recipient, mail)] = service.replies()
    assert recipient == "ops@s-cool.test"
    assert found(words(mail)) == []

"""What was replaced is nowhere: the database's bytes, temporary files, logs, the mailbox's disk."""

import base64
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient
from sqlalchemy.engine import make_url

from tests.support import forks, forms, world
from tests.support.mailservers import DovecotPost
from tests.support.postgres import Postgres
from tests.support.world import World

MARKS = (b"MARKEDVALUE", b"MARKEDINTRO", b"MARKEDBAD", b"MARKEDNAME")
BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{60,}\r?\n)+[A-Za-z0-9+/]*={0,2}")
BEGINNING = b"PK\x03\x04"
BOUNCE = (
    b"From: MAILER-DAEMON@relay.test\nTo: data@s-cool.test\nMessage-ID: <1@relay.test>\nSubject: Undeliverable\n"
    b'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
    b"--b\nContent-Type: text/plain\n\nThere is no such mailbox.\n--b\nContent-Type: message/delivery-status\n\n"
    b"Reporting-MTA: dns; relay.test\n\nFinal-Recipient: rfc822; office@greenfield.test\nAction: failed\n"
    b"--b\nContent-Type: message/rfc822\n\n%b\n--b--\n"
)


def marked() -> bytes:
    return forms.handbook(
        learners=[forms.learner(1, values=("MARKEDVALUE",), first_name="MARKEDNAME")],
        headings=("Art",),
        introduction=("MARKEDINTRO",),
    )


def marked_and_wrong() -> bytes:
    return forms.handbook(
        learners=[forms.learner(1, values=("MARKEDBAD",), dob="31/02/2011")],
        headings=("Art",),
        introduction=("MARKEDINTRO",),
    )


def right() -> bytes:
    return forms.handbook(learners=[forms.learner(1, values=("new",))], headings=("Art",), introduction=("fresh",))


def holds(data: bytes) -> bool:
    """Whether a mark stands in some bytes, also where they are a mail with a workbook in it."""
    return any(mark in text for text in (data, *unpacked(data)) for mark in MARKS)


def unpacked(data: bytes) -> Iterator[bytes]:
    files = [base64.b64decode(match.group()) for match in BASE64.finditer(data)] if b"base64" in data else [data]
    for file in files:
        if file.startswith(BEGINNING):
            with zipfile.ZipFile(io.BytesIO(file)) as package:
                yield from (package.read(name) for name in package.namelist())


def files_with_marks(*folders: Path) -> list[str]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if holds(path.read_bytes())]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files of the verbs that run."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def once(service: World) -> bytes:
    """One round, as an operator starts it; what it logged."""
    done = forks.run(["--config", str(service.config_file), "once"])
    assert done.code == 0, done.stderr
    return (done.stdout + done.stderr).encode()


def keep_as_the_relay_does(service: World) -> None:
    """A copy of all that was sent to the school, in the folder Sent."""
    with IMAPClient("127.0.0.1", service.post.imap_port, ssl=False) as client:
        client.login(service.post.address, service.post.password)
        client.create_folder("Sent")
        for _, raw in service.post.delivered():
            client.append("Sent", raw)


def bring_back_the_report(service: World) -> None:
    """A bounce of what was sent last, with all of it, as of a relay that found no such mailbox."""
    bounce = BOUNCE.replace(b"\n", b"\r\n") % service.post.delivered()[-1][1]
    service.post.send(bounce, "mailer-daemon@relay.test", service.post.address)


def replace(service: World) -> bytes:
    """Marked forms, one right and one wrong, and then what takes their place; all that was logged."""
    log = b""
    for form in (marked(), marked_and_wrong()):
        service.send(("data.xlsx", form))
        log += once(service)
    service.send(("data.xlsx", right()))
    return log + once(service)


def test_replaced_values_are_nowhere_on_sqlite(tmp_path: Path, dovecot_post: DovecotPost, temporary: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    service = world.make(home, dovecot_post)
    service.configure("[smtp]", '[mailbox.folders]\nsent = "Sent"\n[smtp]')
    mail = dovecot_post.server.folder(dovecot_post.address)
    service.send(("data.xlsx", marked()))
    once(service)
    assert files_with_marks(home), "the search finds what is there"
    assert files_with_marks(mail), "also in mail"

    service.send(("data.xlsx", marked_and_wrong()))
    log = once(service)
    keep_as_the_relay_does(service)
    assert files_with_marks(dovecot_post.server.folder(dovecot_post.address, "Sent")), "our report, with the workbook"
    bring_back_the_report(service)
    log += once(service)
    assert files_with_marks(dovecot_post.server.folder(dovecot_post.address, "Ignored")), (
        "and once more, as it came back"
    )
    service.send(("data.xlsx", right()))
    log += once(service)

    assert dovecot_post.folder("Sent") == 0, "nothing is left of our replies to what was replaced"
    assert service.shown(forms.upn(1)) == {"Art": "new"}
    assert files_with_marks(home, temporary, mail) == []
    assert not holds(log)


def test_replaced_values_are_nowhere_on_postgresql_after_a_night(
    tmp_path: Path, dovecot_post: DovecotPost, temporary: Path, postgresql: Postgres
) -> None:
    url = postgresql.new_database()
    service = world.make(tmp_path, dovecot_post, url)
    database = str(make_url(url).database)

    replace(service)
    with service.store() as store:
        store.rewrite()
    postgresql.checkpoint(database)

    assert [path.name for path in postgresql.files(database) if holds(path.read_bytes())] == []
    assert files_with_marks(temporary, dovecot_post.server.folder(dovecot_post.address)) == []

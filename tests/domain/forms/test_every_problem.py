"""The problems that the intake reports, as it knows the sender, the message and the children: from sent workbooks."""

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import msoffcrypto.format.ooxml
import pytest

from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.domain.forms.problems.catalogue import CATALOGUE
from tests.domain.forms.test_catalogue import INTAKE, LEARNERS
from tests.support import forms, world
from tests.support.builders import an_email
from tests.support.forms import learner
from tests.support.world import OFFICE, World, text_of

SHARED = "ZZ1 1ZZ"  # the postcode of two schools


def form(*learners: forms.Learner, **header: object) -> bytes:
    return forms.flat(learners or (learner(1),), **header)


def encrypted() -> bytes:
    out = BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(BytesIO(form())).encrypt("secret", out)
    return out.getvalue()


def large() -> bytes:
    out = BytesIO(form())
    with ZipFile(out, "a") as archive:
        archive.writestr("xl/media/photograph.jpg", os.urandom(250_000))
    return out.getvalue()


# Learners 1 to 4 are known. Each of these forms is sent after theirs, in this order.
CASES: dict[str, Callable[[], bytes | None]] = {
    "link-instead-of-file": lambda: None,
    "email-too-full": form,
    "email-not-read": form,
    "password-protected": encrypted,
    "file-too-large": large,
    "school-not-yours": lambda: form(postcode="LS1 4AP"),
    "school-name-unclear": lambda: form(postcode=SHARED),
    "school-name-differs": lambda: form(school="Greenfeild School"),
    "learner-differs": lambda: form(learner(1, first_name="Wilf", surname="Other")),
    "learner-known-otherwise": lambda: form(learner(1, upin=forms.upn(91), sims_no="000091")),
    "learner-matched-twice": lambda: form(learner(2, sims_no="000099"), learner(2, upin=forms.upn(92))),
    "learner-changed": lambda: form(learner(3, first_name="Wilf")),
    "upin-new": lambda: form(learner(4, upin=forms.upn(94))),
}


@pytest.fixture
def service(tmp_path: Path, post: MailServers) -> World:
    made = world.make(tmp_path, post)
    with made.config_file.open("a") as file:
        file.write('[limits]\nworkbook = "200KB"\nworkbooks = 1\n')
    with made.store() as store, store.transaction() as transaction:
        for name in ("Northfield School", "Southfield School"):
            transaction.allow(transaction.add_school(name, SHARED), OFFICE)
    return made


def test_these_are_all_that_no_workbook_shows_by_itself() -> None:
    assert set(CASES) == LEARNERS | INTAKE


def send(service: World, code: str, data: bytes | None) -> str:
    """Email a form that has this problem; the Message-ID."""
    if data is None:
        return service.send(body="https://greenfield-my.sharepoint.com/:x:/g/abc\n")
    if code == "email-too-full":
        return service.send(("form.xlsx", data), ("another.xlsx", form(learner(2))))
    if code == "email-not-read":
        named = "<unreadable@greenfield.test>"
        raw = an_email(OFFICE, attachments=[("form.xlsx", data)], headers=[("Message-ID", named)])
        raw = raw.replace(b"boundary=", b"boundary*0*=b; boundary*=")
        service.post.send(raw, OFFICE, service.post.address)
        return named
    return service.send(("form.xlsx", data))


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
def test_what_the_intake_alone_can_say_is_said_of_a_real_workbook(service: World) -> None:
    service.send(("known.xlsx", form(*map(learner, range(1, 5)))))
    service.once()

    sent = {}
    for code, make in CASES.items():
        sent[code] = send(service, code, make())
    service.once()

    answers = {str(mail["In-Reply-To"]): " ".join(text_of(mail).split()) for _, mail in service.replies()}
    for code, message_id in sent.items():
        told = service.explain(message_id)
        found = [problem["code"] for upload in told["uploads"] for problem in upload["problems"]]
        assert code in found or code == "link-instead-of-file", told
        assert CATALOGUE[code].message.partition("{")[0] in answers[message_id]
        assert "{" not in answers[message_id]

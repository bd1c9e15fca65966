"""After it has warmed itself a reading process needs no file, whatever it reads."""

import encodings
import pkgutil
from collections.abc import Iterator
from datetime import date

import pytest

from planit_mailer.adapters.sandbox import warming
from planit_mailer.adapters.sandbox.parent import Reader
from planit_mailer.domain.forms import judge
from planit_mailer.domain.forms.criteria import Criteria, Rules
from planit_mailer.mail import messages
from planit_mailer.spreadsheets.annotate import annotator
from planit_mailer.spreadsheets.encryption import passwords
from planit_mailer.spreadsheets.encryption.passwords import Password
from planit_mailer.spreadsheets.model import Limits
from tests.corpus.workbooks import WHOLE
from tests.support import encrypting, forms, workbooks

JUDGING = Criteria(date(2026, 12, 1), Rules(), Limits(), (Password("Greenfield"),))
LOCKS = (encrypting.agile, encrypting.standard, encrypting.rc4, encrypting.crypto_api, encrypting.xor)
FILES = {
    **{kind: make() for kind, make in WHOLE.items()},
    **{lock.__name__: lock(WHOLE["xlsx" if lock in LOCKS[:2] else "xls"](), "Greenfield") for lock in LOCKS},
    "utf-16.csv": WHOLE["csv"]().decode().encode("utf-16"),
    "cp1252.csv": WHOLE["csv"]().replace(b"Greenfield", b"Gr\xe9nfield"),
    "handbook.xlsx": forms.handbook([forms.learner(1, dob="")]),
}

MAIL = b"""From: =?ENCODING?q?=C9=E9_=B0=A1_Ann?= <office@greenfield.test>\r
Content-Disposition: attachment; filename*=ENCODING''%C9%E9%B0%A1.csv\r
\r
1"""


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader(seconds=10, memory=1_000_000_000) as reader:
        yield reader


@pytest.mark.parametrize("name", warming.WORKBOOKS)
def test_each_specimen_is_a_form_with_a_problem_to_paint(name: str) -> None:
    criteria = Criteria(warming.DAY, Rules(), Limits(), (Password(warming.PASSWORD),))

    judgement = judge.judge((warming.SPECIMENS / name).read_bytes(), criteria)

    assert {problem.code for problem in judgement.problems} == {"value-missing"}
    assert judgement.draft
    assert judgement.encrypted == name.startswith("locked")


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_kind_is_read_there_as_here(name: str, reader: Reader) -> None:
    assert reader.judge(FILES[name], JUDGING) == judge.judge(FILES[name], JUDGING)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_each_kind_is_painted_there(name: str, reader: Reader) -> None:
    judgement = judge.judge(FILES[name], JUDGING)

    painted = reader.annotate(FILES[name], judgement, JUDGING)

    assert (painted.cause, painted.whole) == ("", True)
    opened = passwords.opened(painted.data, JUDGING.passwords) if painted.encrypted else None
    assert any(map(annotator.is_ours, workbooks.sheets(opened.data if opened else painted.data)))


@pytest.mark.parametrize("encoding", sorted(module.name for module in pkgutil.iter_modules(encodings.__path__)))
def test_a_mail_in_any_encoding_is_parsed_there_as_here(encoding: str, reader: Reader) -> None:
    raw = MAIL.replace(b"ENCODING", encoding.encode())

    assert reader.message(raw) == messages.parse(raw)

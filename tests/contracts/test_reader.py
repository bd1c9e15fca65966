"""The reader's contract: the reading process answers as its functions do in this process."""

from collections.abc import Iterator

import pytest

from planit_mailer.adapters.sandbox.parent import Reader as ReadingProcess
from planit_mailer.domain.forms.criteria import Criteria, Rules
from planit_mailer.pipeline.ports import Reader
from planit_mailer.spreadsheets import detect
from planit_mailer.spreadsheets.model import Limits
from tests.support import forms, signing
from tests.support.builders import an_email
from tests.support.fakes import InProcessReader

CRITERIA = Criteria(forms.TODAY, Rules(), Limits())


@pytest.fixture(scope="module")
def process() -> Iterator[ReadingProcess]:
    with ReadingProcess(seconds=10, memory=1_000_000_000) as process:
        yield process


@pytest.fixture(params=["fake", "process"])
def reader(request: pytest.FixtureRequest, process: ReadingProcess) -> Reader:
    return InProcessReader() if request.param == "fake" else process


def test_a_message_is_parsed(reader: Reader) -> None:
    raw = an_email(subject="Learners", attachments=[("learners.xlsx", forms.handbook())])

    message = reader.message(raw)

    assert [attachment.name for attachment in message.attachments] == ["learners.xlsx"]
    assert message.whole
    header = reader.header(raw, whole=True)
    assert (header.headers, header.attachments) == (message.headers, ())
    assert not reader.header(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", whole=False).whole


def test_the_kind_of_a_file_is_told_by_its_bytes(reader: Reader) -> None:
    assert tuple(reader.sniff([forms.handbook(), b"\x89PNG\r\n\x1a\n"])) == (detect.XLSX, detect.PICTURE)


def test_a_form_is_judged(reader: Reader) -> None:
    good = reader.judge(forms.handbook(), CRITERIA)
    bad = reader.judge(b"no spreadsheet", CRITERIA)

    assert good.accepted
    assert good.draft
    assert not bad.accepted


def test_the_problems_of_a_form_are_painted_into_it(reader: Reader) -> None:
    data = forms.handbook(learners=[forms.learner(1, dob="")])
    judgement = reader.judge(data, CRITERIA)

    painted = reader.annotate(data, judgement, CRITERIA)

    assert not judgement.accepted
    assert painted.whole
    assert painted.data.startswith(b"PK")


def test_the_signatures_of_a_message_are_found_and_proved(reader: Reader) -> None:
    raw = an_email(subject="Learners")

    assert tuple(reader.signatures(raw, "greenfield.test", "data@s-cool.test")) == ()
    signed = signing.signed(raw)
    [signature] = reader.signatures(signed, signing.DOMAIN, "data@s-cool.test")
    assert reader.prove(signed, [(signature, (signing.pair().record,))]) == ""
    assert reader.prove(signed, [(signature, (signing.pair(number=1).record,))]) != ""

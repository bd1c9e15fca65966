import random
import re
from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.workbook.protection import WorkbookProtection

from planit_mailer.core import config
from planit_mailer.domain.forms import judge
from planit_mailer.domain.forms.judge import Criteria, Rules
from planit_mailer.domain.forms.problems.catalogue import grouped
from planit_mailer.spreadsheets.encryption import passwords
from planit_mailer.spreadsheets.encryption.passwords import Password
from planit_mailer.spreadsheets.model import Cell, Kind, Limits, Range
from tests.corpus.workbooks import encrypted
from tests.support import crossing, encrypting, forms, workbooks
from tests.support.forms import learner


@pytest.mark.parametrize(
    ("data", "code", "found", "is_spreadsheet"),
    [
        (b"", "file-empty", "an empty file", False),
        (b"%PDF-1.7\n", "not-a-spreadsheet", "a PDF", False),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "not-a-spreadsheet", "a picture", False),
        (forms.flat()[:3000], "cannot-be-opened", "an Excel workbook", True),
    ],
)
def test_what_is_no_workbook_is_said_by_name(data: bytes, code: str, found: str, is_spreadsheet: bool) -> None:  # noqa: FBT001
    judgement = forms.judge(data)

    assert [problem.code for problem in judgement.problems] == [code]
    assert (judgement.found, judgement.is_spreadsheet) == (found, is_spreadsheet)
    assert judgement.draft is None
    assert not judgement.accepted


SAVE = "save it as an Excel Workbook (.xlsx)"
SHEET_2003 = b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html><table><tr><td>UPN", f"The file is a web page, a kind that we do not read. Open it in Excel.* {SAVE}"),
        (SHEET_2003, f"The file is an Excel 2003 XML file, a kind that we do not read. Open it in Excel.* {SAVE}"),
        (
            workbooks.packed({"Index/Document.iwa": b""}),
            f"an Apple iWork file, .* in the program that it was made with, {SAVE}",
        ),
        (b"%PDF-1.7\n", "The file is a PDF, not a spreadsheet. Attach the form as an Excel workbook"),
        (
            workbooks.packed({"word/document.xml": b""}),
            "The file is a Word document, not a spreadsheet. Attach the form",
        ),
        (b"\xff\xd8\xff\xe0", "The file is a picture, not a spreadsheet. Attach the form"),
        (workbooks.packed({"learners.xlsx": b"PK"}), "The file is a zip archive, not a spreadsheet. Attach the form"),
        (encrypted(), "The workbook is protected by a password, so we cannot read it. Save it without the password"),
    ],
)
def test_what_only_pretends_to_be_a_workbook_is_named_with_what_to_do(data: bytes, said: str) -> None:
    [problem] = forms.judge(data).problems

    assert re.search(said.replace("(", r"\(").replace(")", r"\)"), problem.message)


def test_a_workbook_that_is_too_large_counts_as_one_but_a_picture_does_not() -> None:
    small = Criteria(forms.TODAY, Rules(), Limits(workbook=1_000))

    workbook = judge.judge(forms.handbook(), small)
    picture = judge.judge(b"\x89PNG\r\n\x1a\n" + bytes(2_000), small)

    assert [problem.code for problem in workbook.problems] == ["file-too-large"]
    assert workbook.is_spreadsheet
    assert not picture.is_spreadsheet


def test_headings_and_introduction_count_for_each_learner_since_they_are_stored_with_each() -> None:
    learners = [learner(number, values=("B",)) for number in range(1, 101)]
    paragraph = "x" * 1_000

    def code(text: int, heading: str = "History", introduction: tuple[str, ...] = ()) -> list[str]:
        data = forms.flat(learners, (heading,), introduction=introduction)
        judgement = judge.judge(data, Criteria(forms.TODAY, Rules(), Limits(text=text)))
        return [problem.code for problem in judgement.problems]

    assert code(20_000) == []
    assert code(20_000, heading="H" * 200) == ["file-too-large"]
    assert code(40_000, heading="H" * 200) == []
    assert code(100_000, introduction=(paragraph,)) == ["file-too-large"]
    assert code(120_000, introduction=(paragraph,)) == []


def test_a_workbook_locked_in_a_locked_workbook_stays_locked() -> None:
    data = forms.flat()
    for _ in range(3):
        data = encrypting.standard(data, passwords.ALWAYS.text)

    judgement = forms.judge(data)

    assert judgement.locked
    assert forms.judge(encrypting.standard(forms.flat(), passwords.ALWAYS.text)).accepted


def test_a_file_that_killed_its_reader_and_a_message_too_large_are_judged_without_being_read() -> None:
    assert [problem.code for problem in judge.cannot_be_opened().problems] == ["cannot-be-opened"]
    assert [problem.code for problem in judge.too_large().problems] == ["file-too-large"]


def test_a_judgement_comes_back_from_the_reading_process_as_it_was() -> None:
    judgement = forms.judge(forms.handbook([learner(1), learner(2, dob="?")]))

    assert crossing.judgement(judgement) == judgement


def test_what_is_accepted_is_complete() -> None:
    judgement = forms.judge(forms.handbook([learner(n) for n in range(1, 4)]))

    assert judgement.accepted
    assert judgement.draft is not None
    upload = judgement.draft.complete()
    assert [one.upin for one in upload.learners] == [forms.upn(n) for n in range(1, 4)]


def test_the_rules_without_a_configuration_are_those_of_an_empty_one() -> None:
    configured = config.Rules()

    assert Rules() == Rules(configured.youngest, configured.oldest, configured.check_letter, configured.sensitive)


def test_today_is_the_day_on_which_the_message_arrived() -> None:
    data = forms.handbook([learner(1, dob=date(2011, 3, 14))], submitted=date(2026, 11, 2))

    assert forms.judge(data, today=date(2026, 11, 2)).accepted
    assert not forms.judge(data, today=date(2026, 10, 2)).accepted


def test_ten_thousand_learners_with_seventy_five_fields_are_judged() -> None:
    headings = tuple(f"Field {number}" for number in range(75))
    small = forms.sheet(forms.cells(forms.flat_rows([learner(1, values=("B",) * 75)], headings)))
    *top, first = small.rows
    upins = [forms.cell(forms.upn(number)) for number in range(10_000)]
    sims = [forms.cell(str(number)) for number in range(1, 10_001)]
    rows = tuple(
        replace(first, number=first.number + n, cells=(*first.cells[:2], upins[n], sims[n], *first.cells[4:]))
        for n in range(10_000)
    )

    judgement = forms.checked(replace(small, rows=(*top, *rows)))

    assert judgement.problems == ()
    assert judgement.draft is not None
    assert len(judgement.draft.learners) == 10_000


TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [*forms.COMPULSORY, "School name: x", "Postcode", "Date", "31/02/2011", "1e9", "Year 10", "{x}", ""]
    ),
)
CELLS = st.one_of(
    TEXTS.map(lambda text: Cell(text.strip(), Kind.TEXT, text)),
    st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(forms.cell),
    st.integers(-1, 10**15).map(forms.cell),
    st.sampled_from([Cell("#N/A", Kind.ERROR), Cell("", Kind.UNSAVED), Cell("TRUE", Kind.BOOLEAN, value=True)]),
)
PLACES = st.builds(lambda row, column: f"{column}{row}", st.integers(1, 16), st.sampled_from("ABCDEFGHIJ"))
MERGED = st.builds(Range, st.integers(1, 11), st.integers(1, 9), st.integers(11, 12), st.integers(1, 12))


@forms.CALM
@given(st.dictionaries(PLACES, CELLS, max_size=25), st.frozensets(st.integers(1, 12)), st.lists(MERGED, max_size=3))
def test_whatever_the_cells_say_there_is_an_answer_in_words(
    strewn: dict[str, Cell], hidden: frozenset[int], merged: list[Range]
) -> None:
    content = forms.cells(forms.flat_rows([learner(1), learner(2), learner(3)])) | strewn

    judgement = forms.checked(forms.sheet(content, hidden_columns=hidden, merged=tuple(merged)))

    assert all(group.message for group in grouped(judgement.problems))
    assert crossing.judgement(judgement) == judgement
    if judgement.accepted:
        assert judgement.draft is not None
        assert judgement.draft.complete().learners


def a_csv(delimiter: str = ",") -> str:
    rows = forms.flat_rows([forms.learner(1, dob=f"{forms.born(10):%d/%m/%Y}")], submitted=f"{forms.TODAY:%d/%m/%Y}")
    return "".join(delimiter.join("" if value is None else str(value) for value in row) + "\r\n" for row in rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_form_in_plain_text_is_judged_as_one_in_a_workbook(delimiter: str) -> None:
    judgement = forms.judge(a_csv(delimiter).encode("cp1252"))

    assert judgement.accepted, judgement.problems
    assert judgement.is_spreadsheet
    assert judgement.draft
    assert judgement.draft.learners[0].sims_no == "000001"


def test_the_sign_that_divides_is_the_one_that_yields_the_headings() -> None:
    prose = "Dear all, " + "one, two, three, " * 10

    judgement = forms.judge((prose + "\r\n" + a_csv(";")).encode())

    assert judgement.accepted, judgement.problems


def test_plain_text_without_a_form_is_no_spreadsheet() -> None:
    for text in ("Best wishes,\nAnn", "a,b,c,d\n1,2,3,4\n", '"Quoted, and not ended\n'):
        judgement = forms.judge(text.encode())
        assert (judgement.is_spreadsheet, judgement.accepted) == (False, False)
        assert judgement.found


def test_a_protected_sheet_is_no_locked_workbook() -> None:
    book = load_workbook(BytesIO(forms.handbook()))
    book.security = WorkbookProtection(workbookPassword="secret", lockStructure=True)
    for page in book.worksheets:
        page.protection.set_password("secret")
        page.protection.enable()

    judgement = forms.judge(forms.saved(book))

    assert judgement.accepted
    assert not judgement.encrypted


def test_a_locked_word_document_is_named_once_it_is_open() -> None:
    document = encrypting.standard(
        workbooks.packed({"word/document.xml": "<w/>", "word/a.bin": random.Random(1).randbytes(5_000)}), "pw"
    )

    locked = forms.judge(document)
    opened = judge.judge(document, Criteria(forms.TODAY, Rules(), Limits(), (Password("pw"),)))

    assert [problem.code for problem in locked.problems] == ["password-protected"]
    assert (opened.found, opened.is_spreadsheet, opened.encrypted) == ("a Word document", False, True)

"""What others wrote stays text: in headers, templates, SQL, the log, file names, and the workbooks that we send."""

import json
from io import BytesIO

import pytest
from openpyxl import load_workbook

from planit_mailer.adapters.sql.store import Store
from planit_mailer.core import logs
from planit_mailer.domain.forms import annotate
from planit_mailer.domain.forms.criteria import Criteria, Rules
from planit_mailer.mail import messages
from planit_mailer.spreadsheets.model import Limits
from tests.domain.replies.test_compose import CHANGES, a_letter, bad, confirmation, good, part, report, written
from tests.support import books, forms
from tests.support.books import NOW
from tests.support.builders import with_header

SQL = "x'); DROP TABLE learners; --"
FORMULAS = ("=1+1", '=HYPERLINK("http://else.test","see")', "+1+1", "-1+1", "@SUM(1)", "=cmd|'/c calc'!A1")


def test_a_header_of_theirs_that_we_repeat_stays_one_header() -> None:
    raw = with_header(
        b"\r\nx", "References: <a@b.test>\r\n\tBcc: <someone@else.test>", "Message-ID: <c@d.test>\r\n X: y"
    )
    message = messages.parse(raw)
    assert (message.message_id, message.references) == ("<c@d.test>", ("<a@b.test>", "<someone@else.test>"))

    letter = a_letter(**{"Message-ID": "<c@d.test>", "References": "<a@b.test> Bcc: <someone@else.test>"})
    sent = written(letter, report(bad()))
    assert sent["Bcc"] is None
    assert sent["References"] == "<a@b.test> <someone@else.test> <c@d.test>"
    assert [name.lower() for name in sent].count("to") == 1


def test_a_template_in_a_file_name_is_not_run_and_html_is_not_markup() -> None:
    upload = good(name="{{ 7 * 7 }}{% include 'x' %}<b>.xlsx")
    sent = written(a_letter(), confirmation(upload), CHANGES)
    assert "{{ 7 * 7 }}{% include 'x' %}<b>.xlsx" in " ".join(part(sent, "plain").split())
    html = part(sent, "html")
    assert "{{ 7 * 7 }}" in html
    assert "&lt;b&gt;.xlsx" in html
    assert "<b>.xlsx" not in html


def test_no_name_of_theirs_is_given_to_a_file_or_a_subject() -> None:
    upload = bad(name="../../Robin Fennimore.xlsx")
    sent = written(a_letter(), report(upload))
    assert "Fennimore" not in str(sent["Subject"])
    assert all("Fennimore" not in str(item.get_filename()) for item in sent.iter_attachments())


def test_sql_in_whatever_is_stored_stays_text(store: Store) -> None:
    school = books.a_school(store, SQL)
    receipt = books.match_bytes(store, books.begin(store), SQL)
    with store.transaction() as transaction:
        transaction.allow(school, "o'brien@greenfield.test")
        transaction.record_sender(receipt, books.facts("o'brien@greenfield.test", f"<{SQL}>"))
        transaction.settle(receipt, books.verdict(), (), NOW)
    books.apply(store, school, books.an_upload(books.a_learner(SQL, values=(SQL,))))

    with store.reading() as reading:
        page = reading.page(SQL)
        assert reading.references(f"<{SQL}>") == (receipt.reference,)
        assert reading.registration("o'brien@greenfield.test").schools == (school,)
        assert reading.story(SQL) is None
        assert reading.find_schools(SQL) == ()
        assert reading.references_from([SQL], NOW, NOW) == ()
    assert page
    assert page.school.name == SQL
    assert [field.value for field in page.fields] == [SQL]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_line_stays_one_line(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        logs.set_up(form)
        logs.get("tests").info("message settled", why="no\n2026-11-24 [error] forged\r\nline", outcome="ignored")
    finally:
        said = capsys.readouterr().err
        logs.set_up()
    assert len(said.splitlines()) == 1
    assert form == "text" or json.loads(said)["outcome"] == "ignored"


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_what_a_school_typed_is_no_formula_in_the_workbook_that_goes_back(form: str) -> None:
    wrong = forms.learner(1, values=FORMULAS, year="ninety")
    rows = forms.flat_rows([wrong], headings=[f"{formula} " for formula in FORMULAS])
    if form == "csv":
        quoted = ([f'"{str(value or "").replace(chr(34), chr(34) * 2)}"' for value in row] for row in rows)
        data = "\r\n".join(",".join(row) for row in quoted).encode()
    else:
        data = as_text(rows)
    judgement = forms.judge(data)

    back = annotate.annotate(data, judgement, Criteria(forms.TODAY, Rules(), Limits()))

    cells = [cell for page in load_workbook(BytesIO(back.data)).worksheets for row in page.iter_rows() for cell in row]
    typed = {text for text in FORMULAS if form == "xlsx" or text[0] != "="}  # in plain text, = makes a formula
    assert {str(cell.value) for cell in cells} >= typed
    assert [cell.coordinate for cell in cells if cell.data_type == "f"] == []


def as_text(rows: list[tuple[object, ...]]) -> bytes:
    """A workbook in which every formula was typed as text, with an apostrophe before it."""
    book = load_workbook(BytesIO(forms.workbook(forms.cells(rows))))
    for row in book.worksheets[0].iter_rows():
        for cell in row:
            if cell.data_type == "f":
                cell.data_type = "s"
    return forms.saved(book)

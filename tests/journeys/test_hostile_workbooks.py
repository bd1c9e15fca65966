"""A hostile workbook does no harm: in no mail, in no HTML, on no terminal, and not in the workbook that goes back."""

import unicodedata
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser

from planit_mailer.cli.demo.servers import MailServers
from tests.cli.test_check_annotate import check
from tests.domain.replies.test_compose import part
from tests.support import browsers, forms, workbooks, world
from tests.support.forms import learner
from tests.support.world import World

LONGEST = 32_767  # characters that a cell can hold
HTML = '<script>alert(1)</script><img src="http://evil.test/x.png" onerror="alert(2)"></td></table>{{ 7 * 1234567 }}'
STEERING = "\N{RIGHT-TO-LEFT OVERRIDE}\N{LEFT-TO-RIGHT ISOLATE}\N{ZERO WIDTH SPACE}_x001B_[31m_x0007__x0000_"
FORMULAS = ("=1+1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", '=HYPERLINK("http://evil.test")', "\t=1")
HEADINGS = (f"Art {HTML}", f"{STEERING}Maths", "=2+3")
ALLOWED_LENGTHS = (200, 4_000)  # characters of a heading, and of a value or a paragraph
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "table", "tr", "td", "th", "caption"),
    *("h1", "h2", "h3", "p", "ul", "ol", "li", "strong", "em", "br", "span", "a"),
}


def workbook(lengths: tuple[int, int] = (LONGEST, LONGEST), **changes: object) -> bytes:
    """A form with hostile texts wherever a school can write, stored as texts; a learner in each of seven rows.

    `lengths` are those of its longest heading, and of its longest value and paragraph.
    """
    longest_heading, longest = lengths
    learners = [
        learner(
            number,
            first_name=formula,
            surname=f"{HTML}{STEERING}",
            values=("=9*9", HTML, STEERING + "B", "y" * longest),
        )
        for number, formula in enumerate(FORMULAS, 1)
    ]
    learners[0] |= changes
    header = {"introduction": (HTML, f"{STEERING}Read this.", "z" * longest), "submitted_by": HTML}
    headings = (*HEADINGS, "x" * longest_heading)
    content = forms.cells(forms.flat_rows(learners, headings, **header))
    book = load_workbook(BytesIO(forms.workbook({})))
    page = book.active
    page.title = "It's <b>&\"'!A1"[:31].replace("/", "")
    for address, value in content.items():
        page[address] = value
        if isinstance(value, str):
            page[address].data_type = "s"
    page["H1"] = "=1+1"
    return forms.saved(book)


class Tags(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")


def steering(text: str) -> list[str]:
    """The signs of a text that steer a terminal or a page, named."""
    kinds = ((char, unicodedata.category(char)) for char in text if char not in "\n\r\t")
    return [f"{kind} {ord(char):04X}" for char, kind in kinds if kind in ("Cc", "Cf")]


@pytest.fixture
def service(tmp_path: Path, post: MailServers) -> World:
    return world.make(tmp_path, post)


@pytest.mark.parametrize("post", ["embedded"], indirect=True)
@pytest.mark.parametrize("year", ["10", "<b>99"], ids=["accepted", "rejected"])
def test_a_hostile_workbook_is_answered_without_harm(service: World, year: str, chromium: Browser) -> None:
    name = f"<b>=1+1{'n' * 200}.xlsx"
    lengths = ALLOWED_LENGTHS if year == "10" else (LONGEST, LONGEST)
    service.send((name, workbook(lengths, year=year)))

    service.once()

    [(_, mail)] = service.replies()
    text, html = part(mail, "plain"), part(mail, "html")
    page = Tags(html)
    assert ("updated" in str(mail["Subject"])) is (year == "10")
    assert steering(text + html + str(mail["Subject"])) == []
    assert page.found <= ALLOWED
    assert not [attribute for attribute in page.attributes if attribute.startswith("on") or attribute == "src"]
    assert page.attributes["href"] == {"mailto:data@s-cool.test"}
    assert "8641969" not in text
    assert len(text) + len(html) < 60_000
    seen = browsers.look(chromium, f"hostile-{year[-2:]}", html)
    assert [(one.name, one.fetched) for one in seen if one.fetched or one.wide > one.window] == []


def test_a_hostile_workbook_comes_back_as_harmless_as_it_was_sent(tmp_path: Path) -> None:
    sent = workbook(year="=3+4")
    form, out = tmp_path / "form.xlsx", tmp_path / "out.xlsx"
    form.write_bytes(sent)

    shown = check(form, "--annotate", out).output

    before, after = (workbooks.parts_of(data) for data in (sent, out.read_bytes()))
    book = load_workbook(out)
    ours, theirs = book.worksheets
    assert ours.title == "Problems"
    assert not [cell for row in ours.iter_rows() for cell in row if cell.data_type == "f"]
    assert all(len(str(cell.value or "")) <= LONGEST for row in ours.iter_rows() for cell in row)
    assert not steering("".join(str(cell.value or "") for row in ours.iter_rows() for cell in row))
    assert [cell.coordinate for row in theirs.iter_rows() for cell in row if cell.data_type == "f"] == ["H1"]
    assert [cell.comment.text for row in theirs.iter_rows() for cell in row if cell.comment]
    [(sheet, was)] = [(after[name], xml) for name, xml in before.items() if name.startswith("xl/worksheets/sheet")]
    assert sheet.count(b"<f>") == was.count(b"<f>") == 1
    for row in ours.iter_rows(min_row=5):
        link = row[2].hyperlink
        assert link is None or link.location.startswith("'It''s <b>&\"''!A1'!")
    assert steering(shown) == []

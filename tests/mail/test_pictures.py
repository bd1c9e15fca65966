"""The mails in a browser, on a telephone's screen and on a desk's: nothing has to be scrolled sideways."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from planit_mailer.ledger import File, Outcome, ReplyKind, Verdict
from planit_mailer.mail.letters import Letter
from tests.mail.test_replies import CHANGES, a_letter, bad, confirmation, good, part, report, written
from tests.mailservers import missing

WIDTHS = (375, 1280)
# Asked once everything is laid out: of each mail, how wide it is, and how wide its window.
MEASURE = """
<script>
onload = () => {
  const measured = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument.documentElement;
    return [frame.id, page.scrollWidth, frame.clientWidth];
  });
  document.getElementById("measured").textContent = JSON.stringify(measured);
};
</script>
"""


@pytest.fixture
def chromium() -> str:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        missing("Chromium")
    assert program
    return program


def mails() -> dict[str, str]:
    letter = a_letter()
    long = File("a-photograph-with-a-name-that-goes-on-and-on-without-any-space-" * 2, is_spreadsheet=False, found="")
    with_file = Letter(letter.receipt, letter.message, letter.sender, letter.standing, "", (long,))
    written_mails = {
        "confirmation": written(letter, confirmation(good(name="x" * 110 + ".xlsx")), CHANGES),
        "report": written(letter, report(bad())),
        "both": written(letter, report(good(1), bad(2)), CHANGES),
        "help": written(with_file, Verdict(Outcome.IGNORED, "none", reply=ReplyKind.HELP)),
        "held": written(letter, Verdict(Outcome.HELD, "held", reply=ReplyKind.HELD)),
    }
    return {name: part(mail, "html") for name, mail in written_mails.items()}


def test_no_mail_is_wider_than_its_window(chromium: str, tmp_path: Path) -> None:
    frames = "".join(
        f'<iframe id="{name} {width}" width="{width}" height="900" srcdoc="{html.escape(text)}"></iframe>'
        for name, text in mails().items()
        for width in WIDTHS
    )
    page = tmp_path / "mails.html"
    page.write_text(f'<!DOCTYPE html><meta charset="utf-8"><p id="measured"></p>{frames}{MEASURE}', "utf-8")

    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    shown = subprocess.run(
        [*command, "--virtual-time-budget=5000", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    ).stdout

    found = re.search(r'<p id="measured">(.*?)</p>', shown)
    assert found, shown[:500]
    measured = json.loads(html.unescape(found[1]))
    assert len(measured) == len(WIDTHS) * len(mails())
    assert [name for name, wide, window in measured if wide > window] == []

"""A real browser for tests: the machine's own Chromium, at a width, in light or dark, with nothing to be fetched."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.mailservers import missing

PICTURES = Path(__file__).resolve().parents[2] / "build" / "pictures"  # what tests saw, left to be looked at
WIDTHS = (375, 1280)  # a telephone's screen, and a desk's
SCHEMES = ("light", "dark")
# A mail stands inside the page of a mail program, whose landmarks are not ours.
NOT_OURS = {"region": {"enabled": False}, "landmark-one-main": {"enabled": False}}


@dataclass(frozen=True)
class Seen:
    """A page as one window shows it: how wide it is, what axe-core finds wrong with it, what it wanted to fetch."""

    name: str
    wide: int
    window: int
    violations: tuple[str, ...]
    fetched: tuple[str, ...] = ()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One headless Chromium for all tests of this process."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def look(chromium: Browser, name: str, html: str) -> tuple[Seen, ...]:
    """A page in each width and colour scheme; its pictures are left in PICTURES."""
    context = chromium.new_context(offline=True)
    page = context.new_page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.set_content(html)
    windows = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
    seen = [replace(_look(page, name, window), fetched=tuple(fetched)) for window in windows]
    context.close()
    return tuple(seen)


def _look(page: Page, name: str, window: tuple[int, str]) -> Seen:
    width, scheme = window
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    PICTURES.mkdir(parents=True, exist_ok=True)
    title = f"{name}-{width}-{scheme}"
    page.screenshot(path=PICTURES / f"{title}.png", full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth")
    return Seen(title, wide, width, _violations(page))


def _violations(page: Page) -> tuple[str, ...]:
    found = Axe().run(page, options={"rules": NOT_OURS}).response
    assert found["passes"], "axe-core looked at something"
    return tuple(
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    )

"""The simulator's page in a real Chromium: what a person does on it, by `data-testid`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect, sync_playwright

from scripts.run import ROOT

SCREENSHOTS = ROOT / "results" / "screenshots"
DESKTOP: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
NO_CHROMIUM = (
    "Chromium was not found: the tests of the simulator's page need it (on Debian: apt-get install chromium)."
)
#: No profile of anybody's, no traffic of the browser's own.
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
ANSWER_MS = 20_000
expect.set_options(timeout=ANSWER_MS)


class ChromiumMissing(RuntimeError):
    """There is no Chromium on this machine; the text says what to do."""


def chromium() -> str:
    """The path of the browser. Raises ChromiumMissing."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise ChromiumMissing(NO_CHROMIUM)
    return found


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A running Chromium. Raises ChromiumMissing."""
    path = chromium()
    # A proxy is for the way out; the page is on this machine.
    os.environ["NO_PROXY"] = ",".join(filter(None, ["127.0.0.1,localhost", os.environ.get("NO_PROXY")]))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class PhonePage:
    """One window of the page. Notes what must not happen: errors, and requests to other machines."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.url, self.context = url, context
        self.page: Page = context.new_page()
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.netloc != urlsplit(self.url).netloc:
            self.elsewhere.append(address)

    def open(self, phone: str | None = None) -> None:
        """Loads the page, with this chat open where one is named."""
        self.page.goto(f"{self.url}/#{phone}" if phone else self.url)
        expect(self.page.locator("#link-state")).to_have_text("No ar")

    def by(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    def choose(self, phone: str) -> None:
        """Picks a person from the list."""
        self.by(f"contact-{phone}").click()

    def type(self, text: str) -> None:
        """Types into the field and presses Enter."""
        self.by("composer").fill(text)
        self.by("composer").press("Enter")

    def bubbles(self, sender: str | None = None, kind: str | None = None) -> Locator:
        """Bubbles of `customer`, `theo` or `operator`."""
        wanted = "".join(f'[data-{name}="{value}"]' for name, value in (("from", sender), ("kind", kind)) if value)
        return self.page.locator(f'[data-testid="bubble"]{wanted}')

    def sees(self, text: str, sender: str = "theo") -> Locator:
        """Waits for a bubble with these words and returns it."""
        bubble = self.bubbles(sender).filter(has_text=text).last
        expect(bubble).to_be_visible()
        return bubble

    def clipboard(self) -> str:
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def picture(self, name: str) -> Path:
        """Saves what the window shows under results/screenshots/."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.wait_for_timeout(400)  # scrolling and pictures come to rest
        self.page.screenshot(path=path)
        return path

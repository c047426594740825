"""Takes the README's picture of the simulator's page after a whole talk: `python -m scripts.screenshot`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.test_page import ARGUMENTS, DESKTOP, MARLENE, pay
from tests.integration.stack import Stack

OUT = Path(__file__).resolve().parent.parent / "docs" / "img" / "simulador.png"


def main() -> int:
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)) as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGUMENTS))
        page = browser.new_page(viewport=DESKTOP)
        page.goto(stack.simulator.url)
        page.get_by_test_id(f"contact-{MARLENE}").click()
        pay(page)
        page.wait_for_timeout(1500)
        page.screenshot(path=str(OUT))
        browser.close()
    print(OUT.relative_to(OUT.parents[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

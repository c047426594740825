"""The picture in the README, made by hand: `python -m tests.browser.screenshot` → docs/img/simulador.png."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import expect

from scripts.run import ROOT
from tests.browser.phone_page import DESKTOP, PhonePage, open_browser
from tests.integration.stack import Stack

PICTURE = ROOT / "docs" / "img" / "simulador.png"
MARLENE = "5583991110001"


def main() -> None:
    """Plays the talk that the README tells of, and takes its picture."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)) as stack, open_browser() as browser:
        context = browser.new_context(viewport=DESKTOP, locale="pt-BR", color_scheme="light")
        page = PhonePage(context, stack.simulator.url)
        page.open(MARLENE)
        page.type("oi, manda meu boleto")
        page.sees("CPF ou CNPJ")
        page.type("123.123.123-87")
        page.sees("mais alguma coisa")
        stack.wait_until_answered(MARLENE)
        page.type("valeu!")
        expect(page.bubbles("theo")).to_have_count(page.bubbles("theo").count() + 1)
        page.page.mouse.move(5, 5)
        page.page.wait_for_timeout(1500)  # ticks turn blue, pictures load, scrolling rests
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        page.page.screenshot(path=PICTURE)
        print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()

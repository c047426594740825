"""The picture in the README, made by hand: `python -m tests.browser.screenshot` → docs/img/simulador.png."""

from __future__ import annotations

import tempfile
from pathlib import Path

from scripts.run import ROOT
from tests.browser.phone_page import DESKTOP, PhonePage, open_browser
from tests.integration.stack import Stack

PICTURE = ROOT / "docs" / "img" / "simulador.png"
MARLENE = "5583991110001"


def main() -> None:
    """Plays the talk that the README tells of, and takes its picture."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)) as stack, open_browser() as browser:
        context = browser.new_context(
            viewport=DESKTOP, locale="pt-BR", timezone_id="America/Fortaleza", color_scheme="light"
        )
        page = PhonePage(context, stack.simulator.url)
        page.open(MARLENE)
        for text in ("oi, manda o pix da minha fatura", "123.123.123-87", "agora a segunda via em pdf"):
            page.type(text)
            page.sees(text, "customer")
            stack.wait_until_answered(MARLENE)
        page.page.mouse.move(5, 5)
        page.page.wait_for_timeout(1500)  # ticks turn blue, pictures load, scrolling rests
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        page.page.screenshot(path=PICTURE)
        print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()

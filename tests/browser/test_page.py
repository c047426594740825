"""The page of the simulator, used as a person uses it, with the whole of Theo behind it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect

from backoffice import boleto, pix
from tests.browser import phone_page
from tests.browser.phone_page import DESKTOP, PHONE, ChromiumMissing, PhonePage
from tests.integration.stack import Stack, stranger, wait_until
from tests.integration.talk import in_days, read_bill, today

MARLENE, CAIO = "5583991110001", "5583991110004"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        with phone_page.open_browser() as found:
            yield found
    except ChromiumMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture(scope="module")
def with_lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Programs that send menus as WhatsApp lists, so that there is something to tap."""
    with Stack(tmp_path_factory.mktemp("page"), ZAPI_MENUS="list") as stack:
        yield stack


@pytest.fixture
def stack(with_lists: Stack) -> Stack:
    with_lists.forget_everything()
    return with_lists


@pytest.fixture
def window(browser: Browser, stack: Stack) -> Iterator[Callable[..., PhonePage]]:
    """Opens windows; when the test is over none of them may have had an error or asked another machine."""
    contexts: list[BrowserContext] = []
    windows: list[PhonePage] = []

    def open_window(size: ViewportSize = DESKTOP, **options: Any) -> PhonePage:
        context = browser.new_context(
            viewport=size, locale="pt-BR", timezone_id="America/Fortaleza",
            permissions=["clipboard-read", "clipboard-write"], **options,
        )  # fmt: skip
        contexts.append(context)
        windows.append(PhonePage(context, stack.simulator.url))
        return windows[-1]

    yield open_window
    for context in contexts:
        context.close()
    for one in windows:
        assert not one.errors, one.errors
        assert not one.elsewhere, f"The page asked another machine: {one.elsewhere}"


def get_the_bill(page: PhonePage, stack: Stack) -> None:
    """The talk that ends with everything there is to pay with, once the last tick is drawn."""
    page.type("oi, manda meu boleto")
    page.sees("CPF ou CNPJ")
    page.type("123.123.123-87")
    page.sees("mais alguma coisa")
    wait_until(lambda: stack.simulator.messages(MARLENE)[-1]["status"] == "READ", 20, "the last bubble was not read")


def test_digita_copia_o_pix_e_abre_o_pdf(window, stack):
    page = window()
    page.open()
    page.choose(MARLENE)
    get_the_bill(page, stack)

    code = page.bubbles("theo").filter(has_text="000201").last
    code.get_by_test_id("copy").click()
    expect(code.get_by_test_id("copy")).to_contain_text("Copiado")
    copied = pix.parse(page.clipboard())  # raises when the CRC is wrong
    assert f"{copied.amount}" == "99.90"

    lines = page.bubbles("theo").filter(has=page.by("copy"))
    expect(lines).to_have_count(2)
    lines.last.get_by_test_id("copy").click()
    expect(lines.last.get_by_test_id("copy")).to_contain_text("Copiado")
    line = boleto.parse(page.clipboard(), today())  # raises when a check digit is wrong
    assert (f"{line.amount}", f"{line.due:%d/%m/%Y}") == ("99.90", in_days(6))

    pdf = page.bubbles("theo", "document").last
    preview = pdf.locator("img.paper-page")
    expect(preview).to_be_visible()
    assert preview.evaluate("image => image.complete && image.naturalWidth > 100")
    with page.context.expect_page() as opened:
        pdf.get_by_test_id("pdf-open").click()
    content = page.context.request.get(opened.value.url)
    assert content.headers["content-type"] == "application/pdf"
    bill = read_bill(content.body())
    assert bill.barcode == line.barcode
    assert pix.parse(bill.qr) == copied
    page.picture("desktop-boleto")


def test_toca_no_menu(window):
    page = window()
    page.open(CAIO)
    page.type("oi")
    page.sees("Theo")
    page.by("menu-open").last.click()
    expect(page.by("option")).to_have_count(6)
    page.picture("desktop-menu")
    page.page.keyboard.press("Escape")
    expect(page.by("option")).to_have_count(0)
    page.by("menu-open").last.click()
    page.by("option").filter(has_text="2ª via").click()
    page.sees("2ª via", "customer")
    page.sees("CPF ou CNPJ")


def test_atendente_responde_pelo_celular_da_empresa(window, stack):
    page = window()
    page.open(CAIO)
    page.type("oi")
    page.sees("Theo")
    page.by("operator-toggle").check()
    page.type("Oi, Caio, aqui é a Ana. Já estou vendo.")
    page.sees("aqui é a Ana", "operator")
    page.by("operator-toggle").uncheck()
    before = page.bubbles("theo").count()
    page.type("tá bom, espero")
    page.sees("tá bom", "customer")
    stack.wait_until_answered(CAIO)
    assert page.bubbles("theo").count() == before
    page.by("operator-toggle").check()
    page.type("theo pode voltar")
    page.by("operator-toggle").uncheck()
    page.sees("pode voltar", "operator")
    page.type("onde fica a loja?")
    page.sees("Epitácio Pessoa")


@pytest.mark.parametrize(
    ("button", "kind", "answer"),
    [("voice", "audio", "áudio"), ("photo", "image", "imagem"), ("location", "location", "localização")],
)
def test_manda_nota_de_voz_foto_e_lugar(window, button, kind, answer):
    page = window()
    page.open(MARLENE)
    page.by(button).click()
    expect(page.bubbles("customer", kind)).to_have_count(1)
    page.sees(answer)


def test_janela_de_celular_lista_conversa_e_volta(window, stack):
    page = window(PHONE, has_touch=True, is_mobile=True)
    page.open()
    expect(page.by(f"contact-{MARLENE}")).to_be_visible()
    expect(page.by("composer")).to_be_hidden()
    page.picture("celular-lista")
    page.choose(MARLENE)
    expect(page.by(f"contact-{MARLENE}")).to_be_hidden()
    get_the_bill(page, stack)
    page.picture("celular-conversa")
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    expect(page.page.locator("#panel")).to_be_hidden()
    page.by("faults-toggle").click()
    expect(page.page.locator("#panel")).to_be_visible()
    page.picture("celular-defeitos")
    page.page.locator("#panel-close").click()
    page.by("back").click()
    expect(page.by(f"contact-{MARLENE}")).to_be_visible()


@pytest.mark.parametrize(("name", "size"), [("desktop", DESKTOP), ("celular", PHONE)])
def test_claro_e_escuro(window, name, size):
    def light_of(page: PhonePage) -> int:
        """How light the window looks as a whole, 0 to 255."""
        page.page.wait_for_timeout(400)
        picture = Image.open(io.BytesIO(page.page.screenshot()))
        return picture.convert("L").resize((1, 1), Image.Resampling.BOX).tobytes()[0]

    light, dark = window(size, color_scheme="light"), window(size, color_scheme="dark")
    for page, scheme in ((light, "claro"), (dark, "escuro")):
        page.open(MARLENE)
        page.type("onde fica a loja?")
        page.sees("Epitácio Pessoa")
        page.picture(f"{name}-{scheme}")
    assert light_of(light) > 180 > 80 > light_of(dark)
    if size is PHONE:
        dark.by("back").click()
    dark.by("theme-toggle").click()
    assert light_of(dark) > 180
    dark.page.reload()
    expect(dark.by("theme-toggle")).to_be_attached()
    dark.page.wait_for_function("document.documentElement.dataset.theme === 'light'")
    assert light_of(dark) > 180, "the choice is kept"


def test_painel_de_defeitos_desliga_o_celular_e_a_fila_chega(window):
    page = window()
    page.open(CAIO)
    page.type("oi")
    page.sees("Theo")
    page.by("fault-connected").uncheck()
    expect(page.page.locator("#faults")).to_contain_text("1 ligado")
    page.type("onde fica a loja?")
    page.page.wait_for_timeout(1500)
    expect(page.bubbles("theo").filter(has_text="Epitácio Pessoa")).to_have_count(0)
    page.picture("desktop-desconectado")
    page.by("fault-connected").check()
    page.sees("Epitácio Pessoa")


def test_duas_janelas_mostram_a_mesma_conversa_e_nao_lidas(window):
    mine, other = window(), window()
    mine.open(CAIO)
    other.open(MARLENE)
    mine.type("onde fica a loja?")
    mine.sees("Epitácio Pessoa")
    expect(other.by(f"contact-{CAIO}").locator(".unread")).to_have_text("2")
    other.choose(CAIO)
    other.sees("Epitácio Pessoa")
    expect(other.by(f"contact-{CAIO}").locator(".unread")).to_have_count(0)
    other.page.reload()
    other.sees("Epitácio Pessoa")


def test_o_que_se_escreve_nunca_vira_pagina(window, stack):
    page = window()
    page.open(CAIO)
    page.type('<img src=x onerror="document.title=1"><b>oi</b>')
    page.sees('<img src=x onerror="document.title=1"><b>oi</b>', "customer")
    assert page.page.title() == "Simulador de Z-API"
    assert page.bubbles("customer").locator("img, b").count() == 0


def test_um_numero_que_ninguem_conhece_aparece_na_lista(window, stack):
    phone = stranger()
    page = window()
    page.open()
    stack.simulator.say(phone, {"kind": "text", "text": "oi"})
    expect(page.by(f"contact-{phone}")).to_be_visible()


def test_falta_de_chromium_e_uma_frase(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ChromiumMissing) as missing:
        phone_page.chromium()
    assert "apt-get install chromium" in str(missing.value) and "\n" not in str(missing.value)

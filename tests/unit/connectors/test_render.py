"""Bubbles as the requests that Z-API documents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.messages import Option, Outgoing
from connectors.zapi.render import MAX_TYPING_SECONDS, Request, render, typing_seconds

PHONE = "5583991110001"
PIX = "00020126580014br.gov.bcb.pix0136" + "0" * 90
FOUR = tuple(Option(title, "/x") for title in ("Pix copia e cola", "Código de barras", "Boleto em PDF", "Tudo"))
LONG = (Option("Avenida Inventada da Praia, 1200", "/x"), Option("Rua Nova, 3", "/y"))
YES_NO = (Option("Sim", "/afirmar"), Option("Não", "/negar"))
NUMBERED = "Como?\n\n*1* - Pix copia e cola\n*2* - Código de barras\n*3* - Boleto em PDF\n*4* - Tudo"


def row(number: int, title: str, description: str = "") -> dict[str, str]:
    return {"id": str(number), "title": title, "description": description}


@pytest.mark.parametrize(
    ("message", "options", "request_"),
    [
        (Outgoing("Oi!"), {}, Request("send-text", {"phone": PHONE, "message": "Oi!"})),
        (
            Outgoing("Oi!"), {"quoted": "3EB01"},
            Request("send-text", {"phone": PHONE, "messageId": "3EB01", "message": "Oi!"}),
        ),
        (Outgoing("Como?", FOUR), {}, Request("send-text", {"phone": PHONE, "message": NUMBERED})),
        (Outgoing("", YES_NO), {}, Request("send-text", {"phone": PHONE, "message": "*1* - Sim\n*2* - Não"})),
        (
            Outgoing("Confirma?", YES_NO), {"menus": "buttons", "quoted": "3EB01"},
            Request("send-button-list", {
                "phone": PHONE, "message": "Confirma?",
                "buttonList": {"buttons": [{"id": "1", "label": "Sim"}, {"id": "2", "label": "Não"}]},
            }),
        ),
        (
            Outgoing("", YES_NO), {"menus": "buttons"},
            Request("send-button-list", {
                "phone": PHONE, "message": "Escolha:",
                "buttonList": {"buttons": [{"id": "1", "label": "Sim"}, {"id": "2", "label": "Não"}]},
            }),
        ),
        (
            Outgoing("De qual?", LONG), {"menus": "list", "quoted": "3EB01"},
            Request("send-option-list", {
                "phone": PHONE, "message": "De qual?",
                "optionList": {
                    "title": "Ver opções", "buttonLabel": "Ver opções",
                    "options": [
                        row(1, "Avenida Inventada da Pr…", "Avenida Inventada da Praia, 1200"), row(2, "Rua Nova, 3"),
                    ],
                },
            }),
        ),
        (
            Outgoing("", url="https://arquivos.test/a.png", image=True), {"quoted": "3EB01"},
            Request("send-image", {"phone": PHONE, "messageId": "3EB01", "image": "https://arquivos.test/a.png"}),
        ),
        (
            Outgoing("Sua fatura", url="/documents/1", file_name="fatura.PDF"),
            {"data_uri": "data:application/pdf;base64,JVBERi0="},
            Request("send-document/pdf", {
                "phone": PHONE, "caption": "Sua fatura", "document": "data:application/pdf;base64,JVBERi0=",
                "fileName": "fatura.PDF",
            }),
        ),
    ],
)  # fmt: skip
def test_request(message: Outgoing, options: dict[str, Any], request_: Request) -> None:
    assert render(message, PHONE, **{"pace": 0, **options}) == request_


@pytest.mark.parametrize(
    ("style", "options", "method"),
    [
        ("text", YES_NO, "send-text"),
        ("buttons", YES_NO, "send-button-list"),
        ("buttons", FOUR, "send-option-list"),  # WhatsApp shows three buttons
        ("buttons", LONG, "send-option-list"),  # of twenty letters
        ("list", YES_NO, "send-option-list"),
        ("list", FOUR * 2, "send-option-list"),
        ("list", FOUR * 3, "send-text"),  # a list has ten rows
        ("buttons", FOUR * 3, "send-text"),
    ],
)
def test_menu_styles_fall_back(style: str, options: tuple[Option, ...], method: str) -> None:
    assert render(Outgoing("Como?", options), PHONE, menus=style).method == method


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("fatura.pdf", "pdf"), ("contrato.docx", "docx"), (None, "pdf"), ("fatura", "pdf"), ("fatura 07/2026", "pdf"),
        ("a.b/../c", "pdf"), ("x.", "pdf"),
    ],
)  # fmt: skip
def test_the_extension_is_part_of_the_path(name: str | None, extension: str) -> None:
    request = render(Outgoing(url="https://arquivos.test/a", file_name=name), PHONE)
    assert request.method == f"send-document/{extension}"
    assert request.body["fileName"] == (name or "documento.pdf")


# -- typing -------------------------------------------------------------------------------------------


def test_a_longer_text_is_typed_longer_up_to_a_limit() -> None:
    seconds = [typing_seconds("palavra " * words, 1.0) for words in (1, 10, 20, 30, 400)]
    assert seconds == sorted(seconds)
    assert seconds[0] == 1
    assert 1 < seconds[2] < MAX_TYPING_SECONDS
    assert seconds[-1] == MAX_TYPING_SECONDS


def test_pace_stretches_shortens_and_switches_off() -> None:
    text = "palavra " * 15
    assert typing_seconds(text, 0.3) < typing_seconds(text, 1.0) < typing_seconds(text, 1.5)
    assert typing_seconds(text, 0) == 0
    assert "delayTyping" not in render(Outgoing(text), PHONE, pace=0).body


def test_a_code_is_pasted_not_typed() -> None:
    assert typing_seconds(PIX, 3.0) == 1
    body = render(Outgoing(PIX), PHONE).body
    assert body == {"phone": PHONE, "message": PIX, "delayTyping": 1}


def test_only_texts_are_typed() -> None:
    for message in (Outgoing("Como?", FOUR), Outgoing("Veja", url="https://arquivos.test/a.pdf")):
        assert "delayTyping" not in render(message, PHONE, menus="list").body


@given(st.text(max_size=200), st.floats(min_value=0, max_value=1e308))
def test_typing_stays_within_what_z_api_takes(text: str, pace: float) -> None:
    assert typing_seconds(text, pace) in range(0 if pace <= 0 else 1, MAX_TYPING_SECONDS + 1)


def test_a_bubble_survives_the_database() -> None:
    for message in (Outgoing("Como?", FOUR), Outgoing("á", url="/x", file_name="y.pdf"), Outgoing(image=True, url="z")):
        assert Outgoing.from_json(message.to_json()) == message

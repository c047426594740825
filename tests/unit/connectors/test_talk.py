"""What a talk is made of: media, menus and taps, what Rasa can send, what a customer may type."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa.core.channels.channel import UserMessage

from connectors import turns as module
from connectors.inbox import Conversation, Received
from connectors.messages import Option, Outgoing
from connectors.store import Store
from connectors.turns import Turn, TurnOutput, bubbles, current_turn, plain_text
from tests.unit.connectors.fakes import APOLOGY, CHANNEL, PHONE, Chat, answered, message, on_sqlite

MENU = [
    {"title": "Pix copia e cola", "payload": '/informar{"forma_pagamento": "pix"}'},
    {"title": "Boleto em PDF, com código de barras", "payload": '/informar{"forma_pagamento": "pdf"}'},
]
PIX, PDF = (option["payload"] for option in MENU)
Answer = Callable[[UserMessage], Awaitable[None]]


def shows(menu: list[dict[str, str]], text: str = "Como você quer receber?") -> Answer:
    async def answer(said: UserMessage) -> None:
        await said.output_channel.send_text_with_buttons(said.sender_id, text, menu)

    return answer


def replies(text: str) -> Answer:
    async def answer(said: UserMessage) -> None:
        await said.output_channel.send_text_message(said.sender_id, text)

    return answer


# -- media --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attachment", ["audio", "imagem", "video", "documento", "figurinha", "contato", "ligacao", "outro"]
)
@on_sqlite
async def test_media_reaches_rasa_as_data(chat: Chat, attachment: str) -> None:
    await chat.sends(attachment)
    await answered(chat, 1)
    assert chat.rasa.texts == [f'/informar{{"midia": "{attachment}"}}']
    assert chat.rasa.heard[0].metadata["midia"] == attachment


@on_sqlite
async def test_a_place_reaches_rasa_with_its_numbers(chat: Chat) -> None:
    await chat.sends("localizacao", latitude=-7.1142, longitude=-34.8235)
    await answered(chat, 1)
    assert chat.rasa.texts == ['/informar{"midia": "localizacao", "latitude": -7.1142, "longitude": -34.8235}']


@on_sqlite
async def test_a_caption_is_what_is_said(chat: Chat) -> None:
    await chat.sends("imagem", "meu comprovante")
    await answered(chat, 1)
    assert chat.rasa.texts == ["meu comprovante"]
    assert chat.rasa.heard[0].metadata["midia"] == "imagem"


@on_sqlite
async def test_a_photo_goes_along_with_words(chat: Chat) -> None:
    chat.patient()
    await chat.sends("imagem")
    await chat.says("já paguei")
    await answered(chat, 1)
    assert chat.rasa.texts == ["já paguei"]


@on_sqlite
async def test_a_voice_note_does_not(chat: Chat) -> None:
    chat.patient()
    await chat.says("escuta")
    await chat.sends("audio")
    await chat.says("entendeu?")
    await answered(chat, 3)
    assert chat.rasa.texts == ["escuta", '/informar{"midia": "audio"}', "entendeu?"]


@on_sqlite
async def test_an_album_is_answered_once(chat: Chat) -> None:
    chat.patient()
    for _ in range(4):
        await chat.sends("imagem")
    await chat.sends("video")
    await answered(chat, 2)
    assert chat.rasa.texts == ['/informar{"midia": "imagem"}', '/informar{"midia": "video"}']


@on_sqlite
async def test_each_place_is_a_turn(chat: Chat) -> None:
    chat.patient()
    await chat.sends("localizacao", latitude=-7.1, longitude=-34.8)
    await chat.sends("localizacao", latitude=-7.2, longitude=-34.9)
    await answered(chat, 2)


# -- menus --------------------------------------------------------------------------------------------


@on_sqlite
async def test_the_menu_that_stands_is_answered_by_its_number(chat: Chat) -> None:
    chat.rasa.answer = shows(MENU)
    await chat.says("oi")
    await answered(chat, 1)
    for said in ("2", "1️⃣", "a primeira", "pix", "boleto em pdf com código de barras"):
        await chat.says(said)
        await answered(chat, len(chat.rasa.heard) + 1)
    assert chat.rasa.texts == ["oi", PDF, PIX, PIX, PIX, PDF]


@on_sqlite
async def test_a_menu_stands_until_theo_asks_something_else(chat: Chat) -> None:
    chat.rasa.answer = shows(MENU)
    await chat.says("oi")
    await answered(chat, 1)
    chat.rasa.answer = replies("Atendemos das 8h às 18h.")
    await chat.says("qual o horário?")
    await answered(chat, 2)
    chat.rasa.answer = replies("Certo.\n\nQual é o CPF do titular?")
    await chat.says("1")
    await answered(chat, 4)
    await chat.says("1")
    await answered(chat, 6)
    assert chat.rasa.texts == ["oi", "qual o horário?", PIX, "1"]


@on_sqlite
async def test_a_question_of_a_form_needs_no_question_mark(chat: Chat, store: Store) -> None:
    chat.rasa.answer = shows(MENU)
    await chat.says("oi")
    await answered(chat, 1)

    async def handle(said: UserMessage) -> None:
        await replies("Me diz o número da casa.")(said)
        turn = current_turn.get()
        assert turn is not None
        await store.run(turn.commit, True)  # as the tracker store does while a slot is asked for

    chat.turns._handle = handle
    await chat.says("quero saber da cobertura")
    await answered(chat, 2)
    chat.turns._handle = chat.rasa.handle
    await chat.says("2")
    await answered(chat, 3)
    assert chat.rasa.texts[-1] == "2"


@on_sqlite
async def test_a_tap_is_the_option_of_the_menu_that_was_tapped(chat: Chat) -> None:
    chat.rasa.answer = shows(MENU)
    await chat.says("oi")
    await answered(chat, 1)
    chat.rasa.answer = shows([{"title": "Sim", "payload": "/afirmar"}, {"title": "Não", "payload": "/negar"}])
    await chat.taps("2", "Boleto em PDF, com có…", on="OUT1")  # a list shows 24 letters of a title
    await answered(chat, 2)
    await chat.taps("1", "Pix copia e cola", on="OUT1")  # the old menu, further up in the chat
    await answered(chat, 3)
    await chat.taps("2", "Não", on="OUT3")
    await answered(chat, 4)
    assert chat.rasa.texts == ["oi", PDF, PIX, "/negar"]


@pytest.mark.parametrize(
    ("option_id", "title", "text"),
    [
        ("1", "Pix copia e cola", PIX),
        ("2", "Boleto em PDF, com có…", PDF),
        (None, "Pix copia e cola", PIX),
        ("99", "Pix copia e cola", PIX),
        ("2", "Outra coisa", "Outra coisa"),  # of a menu that we do not know any more
        ("1", "", "?"),
        ("²", "/restart", "restart"),
        pytest.param("9" * 5000, "oi", "oi", id="a number beyond measure"),
    ],
)
@on_sqlite
async def test_a_tap_that_does_not_say_on_what(chat: Chat, option_id: str | None, title: str, text: str) -> None:
    chat.rasa.answer = shows(MENU)
    await chat.says("oi")
    await answered(chat, 1)
    await chat.taps(option_id, title)
    await answered(chat, 2)
    assert chat.rasa.texts[-1] == text


@on_sqlite
async def test_a_number_that_quotes_an_older_menu(chat: Chat) -> None:
    chat.rasa.answer = shows(MENU)
    await chat.says("oi")
    await answered(chat, 1)
    chat.rasa.answer = replies("Qual é o CPF do titular?")
    await chat.says("quero falar de outra coisa")
    await answered(chat, 2)
    await chat.says("2", reply_to="OUT1")
    await answered(chat, 3)
    await chat.says("2", reply_to="OUT2")  # no menu
    await answered(chat, 4)
    assert chat.rasa.texts[-2:] == [PDF, "2"]


@on_sqlite
async def test_each_tap_is_a_turn(chat: Chat) -> None:
    chat.patient()
    chat.rasa.answer = shows(MENU)
    await chat.says("oi")
    await answered(chat, 1)
    await chat.taps("1", "Pix copia e cola", on="OUT1")
    await chat.taps("2", "Boleto em PDF, com có…", on="OUT1")
    await chat.says("obrigado")
    await answered(chat, 4)
    assert chat.rasa.texts == ["oi", PIX, PDF, "obrigado"]


@on_sqlite
async def test_a_menu_is_past_after_a_person_served(chat: Chat) -> None:
    chat.rasa.answer = shows(MENU)
    await chat.says("oi")
    await answered(chat, 1)
    await chat.attendant("Oi, aqui é a Rita. Responda 1 para continuar")
    await chat.attendant("theo")
    chat.rasa.answer = chat.rasa.echo
    await chat.says("1")
    await answered(chat, 2)
    assert chat.rasa.texts[-1] == "1"


# -- what Theo says -----------------------------------------------------------------------------------


@on_sqlite
async def test_a_late_answer_quotes_what_it_answers(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    chat.patient()
    await chat.says("oi")
    await answered(chat, 1)
    monkeypatch.setattr(module, "LATE_SECONDS", 0.0)
    await chat.sends("imagem")
    said = await chat.says("já paguei")
    await answered(chat, 2)
    await chat.sends("audio")
    await answered(chat, 3)
    assert chat.gateway.quoted == [None, said.message_id, None]


def turn_of(*texts: str) -> Turn:
    conversation = Conversation(PHONE, PHONE, PHONE, (), None)
    rows = [Received(n, message(text), time.time(), 0) for n, text in enumerate(texts, 1)]
    return Turn(CHANNEL, conversation, rows, APOLOGY)


async def test_everything_that_rasa_can_send(caplog: pytest.LogCaptureFixture) -> None:
    turn = turn_of("oi")
    output = TurnOutput(turn)
    assert output.name() == "whatsapp"
    buttons = [{"title": "Sim", "payload": "/afirmar"}, {"title": "Não"}]
    options = (Option("Sim", "/afirmar"), Option("Não", "Não"))
    for sent in (
        {"text": "um\n\ndois\n \n três "},
        {"text": "antes\n\nConfirma?", "buttons": buttons},
        {"text": "Confirma?", "quick_replies": buttons},
        {"text": "", "buttons": buttons},
        {"image": "https://arquivos.test/a.png"},
        {"attachment": "https://arquivos.test/a.pdf"},
        {"custom": {"document": "/documents/1", "file_name": "fatura.pdf", "caption": "Sua fatura"}},
        {"custom": {"document": "/documents/2"}},
        {"elements": [{"title": "Fibra 500", "subtitle": "500 mega"}, {}]},
        {"custom": {"segredo": "do cliente"}},
    ):
        await output.send_response(PHONE, dict(sent))
    await output.send_attachment(PHONE, {"type": "template"})
    await output.send_text_with_buttons(PHONE, None, buttons)  # type: ignore[arg-type]
    assert turn.replies == [
        Outgoing("um"), Outgoing("dois"), Outgoing("três"),
        Outgoing("antes"), Outgoing("Confirma?", options),
        Outgoing("Confirma?", options),
        Outgoing("", options),
        Outgoing(url="https://arquivos.test/a.png", image=True),
        Outgoing(url="https://arquivos.test/a.pdf"),
        Outgoing("Sua fatura", url="/documents/1", file_name="fatura.pdf"),
        Outgoing("", url="/documents/2"),
        Outgoing("Fibra 500\n500 mega"),
        Outgoing("", options),
    ]  # fmt: skip
    assert "cannot be sent" in caplog.text
    assert "do cliente" not in caplog.text


def test_a_code_stays_in_one_piece() -> None:
    code = "00020126580014br.gov.bcb.pix0136" + "a" * 90
    assert bubbles(f"Aqui está:\n\n{code}") == ["Aqui está:", code]
    assert bubbles("linha 1\nlinha 2") == ["linha 1\nlinha 2"]
    assert bubbles(" \n\n ") == []


# -- what a customer types ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("oi", "oi"), ("  oi  ", "oi"), ("", "?"), ("   ", "?"), ("/", "?"), ("///", "?"), ("\u200b", "?"),
        ("/restart", "restart"), (" /restart", "restart"), ("/ /restart", "restart"), ("//restart", "restart"),
        ("\u200b/restart", "restart"), ("/\u200b/restart", "restart"), ("\u00a0/restart", "restart"),
        ("\x1c/restart", "restart"), ("/\n/restart", "restart"), ("\ufeff/session_start", "session_start"),
        ('/informar{"contrato": "1"}', 'informar{"contrato": "1"}'),
        ("12/10", "12/10"), ("oi\r\ntudo bem?", "oi\ntudo bem?"), ("e/ou", "e/ou"), ("oi\n/restart", "oi\n/restart"),
        ("olá 👋🏽", "olá 👋🏽"), ("a" * 5000, "a" * 4000),
    ],
)  # fmt: skip
def test_plain_text(typed: str, text: str) -> None:
    assert plain_text(typed) == text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=50) | st.text(alphabet='/ \t\n\r\u200b\u00a0\ufeff\x1c\x85ar{}"', max_size=30))
def test_nobody_types_a_command(typed: str) -> None:
    text = plain_text(typed)
    assert text
    assert not str(UserMessage(text).text).startswith("/")  # as Rasa sees it
    assert plain_text(text) == text


@on_sqlite
async def test_a_typed_command_stays_words_all_the_way(chat: Chat) -> None:
    await chat.says("/restart")
    await answered(chat, 1)
    assert chat.rasa.texts == ["restart"]

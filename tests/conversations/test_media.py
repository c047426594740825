"""A voice note, a photo, a place … in the middle of every question of every form: nothing is done, nothing is lost."""

from __future__ import annotations

import pytest
import yaml
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

from backoffice.seed import SAMPLE
from backoffice.sql import SqlErp

KINDS = ("audio", "imagem", "video", "documento", "figurinha", "contato", "ligacao", "localizacao", "enquete")
#: What is said to get to the questions of a form, as which sample customer, and the slots asked on the way.
ROADS = {
    "segunda_via_form": ("Josenildo", ["quero a segunda via da minha conta", "222.333.444-05", '/informar{"fatura": "todas"}']),
    "pagamento_form": ("Hélio", ["já paguei minha conta", "808.707.606-02"]),
    "desbloqueio_form": ("Josenildo", ["quero desbloquear a internet", "222.333.444-05"]),
    "contestar_form": ("Tânia", ["quero contestar essa cobrança", "246.813.579-28"]),
    "negociar_form": ("Josenildo", ["quero negociar os atrasados", "222.333.444-05"]),
    "vencimento_form": ("Rafael", ["quero mudar a data de vencimento", "900.800.700-27", '/informar{"dia_vencimento": "10"}']),
    "suporte_form": ("Marlene", ["tô sem internet", "123.123.123-87", "não resolveu"]),
    "visita_form": ("Caio", ["tô sem internet", "101.202.303-64", "de manhã"]),
    "consultar_visita_form": ("Ivone", ["quero cancelar a visita do técnico", "313.414.515-42"]),
    "wifi_form": ("Severina", ["quero trocar a senha do wifi", "555.666.777-20", "a nova senha é casa2026nova"]),
    "protocolo_form": ("Ivone", ["como está o protocolo 20261118007734?"]),
    "cobertura_form": (None, ["vocês atendem na minha casa?"]),
    "contratar_form": (
        None,
        ["quero contratar internet", "58037-120", '/informar{"plano": "fibra-600"}', "rua das hortênsias, 80", "meu nome é Bia", "sim"],
    ),
    "plano_form": ("Marlene", ["quero mudar de plano", "123.123.123-87", '/informar{"plano": "fibra-600"}']),
    "endereco_form": ("Marlene", ["quero mudar de endereço", "123.123.123-87", "58039-100", "rua nova, 8"]),
    "titularidade_form": (
        "Severina", ["quero transferir a titularidade", "555.666.777-20", "Joana Alves Pereira", "101.202.303-64", "83 98877-6655"],
    ),
    "pausa_form": ("Marlene", ["quero pausar a internet", "123.123.123-87", "amanhã", "60 dias"]),
    "cancelar_form": ("Otávio", ["quero cancelar a internet", "414.243.444-68", '/informar{"motivo": "pular"}']),
}  # fmt: skip


def phone_of(name: str | None) -> str:
    customers = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))["customers"]
    return next((c["phone"] for c in customers if name and c["name"].startswith(name)), "5583977770002")


@pytest.mark.parametrize("form", ROADS)
async def test_media_in_the_middle_of_a_form(form: str, agent: Agent, database: str) -> None:
    SqlErp.open(database, reset=True).close()
    who, road = ROADS[form]
    chat, turn = f"midia-{form}", 0

    async def say(text: str) -> str:
        nonlocal turn
        turn += 1
        said = CollectingOutputChannel()
        metadata = {"phone": phone_of(who), "turn": f"t{turn}", "channel": "zapi"}
        await agent.handle_message(UserMessage(text, said, chat, metadata=metadata))
        return "\n".join(str(message.get("text") or "") for message in said.messages)

    for number, step in enumerate(road):
        await say(step)
        before = await agent.tracker_store.get_or_create_tracker(chat)
        loop, asked, slots = before.active_loop_name, before.get_slot("requested_slot"), before.current_slot_values()
        assert loop, f"{step!r} ends the form"
        for kind in KINDS[number % 3 :: 3]:  # three at each question, another three at the next
            answer = await say(f'/informar{{"midia": "{kind}"}}')
            after = await agent.tracker_store.get_or_create_tracker(chat)
            told = f"{kind} at {asked}: {answer}"
            assert (after.active_loop_name, after.get_slot("requested_slot")) == (loop, asked), told
            changed = {name for name, value in after.current_slot_values().items() if slots[name] != value}
            assert changed <= {"falha", "nota_pedida", "outro_pedido"}, f"{changed} changed: {told}"
            assert answer and answer.count("?") <= 1, told
    assert loop == form

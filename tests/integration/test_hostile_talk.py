"""What nobody types by accident, over the whole house: each gets an answer, and the talk goes on as before."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from tests.integration.stack import stranger
from tests.integration.talk import fold

#: What is typed, and what one of Theo's words must be: the wish is understood where there is one.
ODD = {
    "10.000 letras": ("quero a segunda via do meu boleto " * 300, "CPF ou CNPJ"),
    "uma palavra de 10.000 letras": ("x" * 10_000, None),
    "da direita para a esquerda": ("\u202eotelob\u202c \u2067quero meu boleto\u2069 مرحبا", "CPF ou CNPJ"),
    "letras invisíveis": ("\u200bse\u200cgun\u200dda\u2060 v\ufeffia", "CPF ou CNPJ"),
    "só letras invisíveis": ("\u200b\u200c\u200d\u2060\ufeff", None),
    "tempestade de emoji": ("😀👩‍👩‍👧‍👦🏳️‍🌈🇧🇷👍🏽" * 500, None),
    "NUL": ("se\0gunda\0 via", "CPF ou CNPJ"),
    "acentos empilhados": ("o" + "\u0301\u0327" * 4_000, None),
    "restart": ("/restart", None),
    "inform": ('/inform{"a":1}', None),
    "EXTERNAL": ("/EXTERNAL_x", None),
    "dados de um cliente por comando": ('/informar{"cpf": "00000000000", "identidade": "confirmada"}', None),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_o_que_ninguem_digita_sem_querer(chat, name):
    typed, wish = ODD[name]
    with chat() as theo:
        theo.ouve("oi")
        theo.ouve(typed)
        assert theo.baloes, f"Theo said nothing to {name}.\n{theo.transcript()}"
        theo.nao_diz("tive um problema")
        if wish:
            theo.diz(wish)
        theo.ouve("quero falar com um atendente")
        theo.diz("protocolo")


def test_um_comando_nao_apaga_a_conversa(chat):
    """What was being asked is still being asked."""
    with chat() as theo:
        theo.ouve("segunda via")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("/restart")
        assert fold("CPF") in fold(theo.fala)


def test_corpos_tortos_nao_param_o_telefone(stack, chat):
    """Over the real programs: refused or taken, and the same phone is served afterwards."""
    phone = stranger()
    good: dict[str, object] = {
        "type": "ReceivedCallback", "instanceId": stack.environ["ZAPI_INSTANCE_ID"], "phone": phone, "fromMe": False,
        "momment": 1764500000000, "text": {"message": "oi"},
    }  # fmt: skip
    changes: list[dict[str, object]] = [
        {"text": ["oi"]}, {"text": {"message": {"a": [1]}}}, {"phone": [phone]}, {"momment": 10**400}, {"momment": -1},
        {"text": {"message": "a" * 200_000}}, {"isGroup": "x", "chatLid": 7},
        {"location": {"latitude": 1e308, "longitude": 0}},
    ]  # fmt: skip
    bodies = [json.dumps({**good, "messageId": f"ODD{n}", **change}).encode() for n, change in enumerate(changes)]
    bodies += [b"[" * 100_000, b"\xff\xfe", b"{", b""]
    for body in bodies:
        assert _post(stack, body) in (200, 400, 413), body[:80]
    with chat(phone=phone) as theo:
        theo.ouve("quero falar com um atendente")
        theo.diz("protocolo")


def _post(stack, body: bytes) -> int:
    headers = {"content-type": "application/json", "z-api-token": stack.environ["ZAPI_TOKEN"]}
    request = urllib.request.Request(stack.webhook, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code

"""Two wishes in one message: which comes first, and where the second is only a reason."""

from __future__ import annotations

import pytest

from language.wishes import Ranking, in_order

#: A word → the intent of a part that holds it.
WORDS = {
    "boleto": "pedir_segunda_via", "sem internet": "sem_internet", "lenta": "internet_lenta", "modem": "modem_desligado",
    "senha": "trocar_senha_wifi", "plano": "alterar_plano", "cancelar": "cancelar_servico", "abrem": "perguntar_horario",
    "contratar": "contratar_internet", "paguei": "informar_pagamento",
}  # fmt: skip


def model(part: str) -> Ranking:
    """As sure of a part as can be, if it holds one of the words."""
    found = [intent for word, intent in WORDS.items() if word in part]
    return [{"name": found[0] if found else "informar", "confidence": 0.95 if len(found) == 1 else 0.4}]


@pytest.mark.parametrize(
    ("text", "whole", "first", "second"),
    [
        ("manda o boleto e to sem internet", "pedir_segunda_via", "sem_internet", "pedir_segunda_via"),
        ("tô sem internet, e me manda o boleto", "sem_internet", "sem_internet", "pedir_segunda_via"),
        ("quero o boleto. a internet tá lenta", "pedir_segunda_via", "internet_lenta", "pedir_segunda_via"),
        ("quero o boleto e também mudar de plano", "alterar_plano", "pedir_segunda_via", "alterar_plano"),
        ("que horas vcs abrem e manda o boleto", "perguntar_horario", "pedir_segunda_via", "perguntar_horario"),
        ("to sem internet e que horas vocês abrem", "sem_internet", "sem_internet", "perguntar_horario"),
    ],
)
def test_two_wishes(text, whole, first, second):
    ranking = in_order(text, [{"name": whole, "confidence": 0.7}, {"name": "saudar", "confidence": 0.1}], model)
    assert [r["name"] for r in ranking] == [first, second, *({"saudar", whole} - {first, second})]
    assert ranking[0]["confidence"] > ranking[1]["confidence"] >= 0.2


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("quero cancelar, vive muito lenta", "cancelar_servico"),
        ("quero mudar de plano, ela é lenta", "alterar_plano"),
        ("to sem internet, quero contratar", "contratar_internet"),
        ("já paguei e continuo sem internet", "informar_pagamento"),
        ("já paguei e continuo sem internet", "pedir_desbloqueio"),
        ("o modem apagou e tô sem internet", "sem_internet"),
        ("manda o boleto porque to sem internet", "sem_internet"),
        ("manda o boleto", "pedir_segunda_via"),
        ("boleto e internet", "pedir_segunda_via"),
        ("não é trocar a senha, é o boleto", "pedir_segunda_via"),
        ("manda o boleto, " + "que eu esperei tanto por ele " * 3 + "e a senha também", "pedir_segunda_via"),
    ],
)
def test_one_wish_stays_one(text, whole):
    ranking = [{"name": whole, "confidence": 0.7}, {"name": "saudar", "confidence": 0.1}]
    assert in_order(text, ranking, model) == ranking


def test_greetings_around_a_wish_do_not_hide_it():
    ranking = [{"name": "saudar", "confidence": 0.8}, {"name": "pedir_segunda_via", "confidence": 0.1}]
    heard = in_order("oi\nbom dia\nmanda o boleto\né urgente", ranking, model)
    assert [r["name"] for r in heard] == ["pedir_segunda_via", "saudar"]
    assert in_order("oi\nbom dia\ntudo bem com voces", ranking, model) == ranking


def test_a_model_without_examples_has_no_wish():
    assert in_order("manda o boleto e to sem internet", [], lambda part: []) == []

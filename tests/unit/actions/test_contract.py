"""How the forms around the contract read wishes, lengths of time, and a yes that counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from actions.forms.base import asks_to_wait, clear_answer
from actions.forms.contract import _ASKS_THE_PRICE, _KEEP, REASONS, direction, name_in_wish, period_days
from actions.forms.places import fold
from actions.forms.sales import speeds
from actions.talk import Talk


def said(text: str, intent: str, entities: list[dict[str, Any]] | None = None) -> Talk:
    """A turn in which this was typed and so understood; a tap has no text."""
    message = {"text": text or f"/{intent}", "intent": {"name": intent}, "entities": entities or []}
    tracker = SimpleNamespace(latest_message=message, active_loop={}, events=[], slots={})
    return Talk(SimpleNamespace(), tracker, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "intent", "answer"),
    [
        ("", "afirmar", True),
        ("", "negar", False),
        ("sim", "afirmar", True),
        ("siiim", "afirmar", True),
        ("👍", "afirmar", True),
        ("pode cancelar", "cancelar_servico", True),
        ("confirmo o cancelamento", "cancelar_servico", True),
        ("beleza, pode", "informar", True),
        ("não", "negar", False),
        ("não quero cancelar", "cancelar_servico", False),
        ("sim não, espera", "afirmar", None),
        ("peraí", "afirmar", None),
        ("um momento", "afirmar", None),
        ("deixa eu ver com meu marido", "desistir", None),
        ("voltou", "afirmar", None),
        ("oxe", "afirmar", None),
        ("hum", "afirmar", None),
        ("tem certeza?", "afirmar", None),
        ("se for de graça sim", "afirmar", None),
        ("demorou", "afirmar", True),
        ("tá", "afirmar", True),
        ("é", "afirmar", True),
        ("troca de plano em vez disso", "cancelar_servico", None),
        ("a luz ficou verde", "afirmar", None),
        ("posso cancelar depois?", "cancelar_servico", None),
        ("ok", "falar_com_atendente", None),
        ("minha internet caiu", "sem_internet", None),
    ],
)
def test_yes_that_may_end_a_contract(text, intent, answer):
    assert clear_answer(said(text, intent), ("cancelar_servico",)) is answer


@pytest.mark.parametrize(
    ("text", "waits"),
    [
        ("peraí", True), ("1 min", True), ("só um instantinho", True), ("ok vou fazer", True), ("calma, tô indo lá", True),
        ("deixa eu pegar os óculos", True), ("pera, voltou", False), ("esperei um minuto e nada", False), ("sim", False),
        ("um minuto fora da tomada e acendeu", False), ("já reiniciei", False),
    ],
)  # fmt: skip
def test_who_is_about_to_do_it_has_not_answered(text, waits):
    assert asks_to_wait(said(text, "afirmar")) is waits
    assert not asks_to_wait(said(text, "informar"))


def test_cancel_said_to_another_question_drops_the_step():
    assert clear_answer(said("cancelar", "cancelar_servico"), ("alterar_plano",)) is False
    assert clear_answer(said("quero cancelar minha internet", "cancelar_servico"), ("alterar_plano",)) is None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2 meses", 60), ("por 1 mês", 30), ("uns quarenta dias", None), ("45 dias", 45), ("tres semanas", 21),
        ("um ano", 365), ("uma semana ou 2", 7), ("dia 20", None), ("300 mega", None),
    ],
)  # fmt: skip
def test_length_of_a_pause(text, days):
    assert period_days(fold(text)) == days


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("quero aumentar minha velocidade", "mais"), ("quero um plano mais barato", "menos"), ("baixar meu plano", "menos"),
        ("tá caro, quero diminuir", "menos"), ("mudar de plano", None), ("quero mais velocidade pagando menos", None),
    ],
)  # fmt: skip
def test_direction_of_a_change(text, wish):
    assert direction(fold(text)) == wish


def test_speeds_in_the_order_in_which_they_are_named():
    entity = [{"entity": "velocidade", "value": 600, "start": 26}]
    assert speeds(said("quero mudar de 300 pro de 600 mega", "alterar_plano", entity)) == [300, 600]
    assert speeds(said("minha rua é a 300", "sem_internet")) == []


@pytest.mark.parametrize(
    ("reason", "offer"),
    [
        ("tá caro demais", "plano"), ("fiquei desempregada", "plano"), ("vou viajar", "pausa"), ("vou me mudar", "endereco"),
        ("não vou usar por um tempo", "pausa"), ("a internet vive caindo", None), ("atendimento ruim", None),
    ],
)  # fmt: skip
def test_reason_and_what_it_speaks_for(reason, offer):
    assert next((kind for kind, words in REASONS if words.search(fold(reason))), None) == offer


@pytest.mark.parametrize(
    "text",
    [
        "não quero mais cancelar",
        "desfazer cancelamento",
        "quero voltar atrás no cancelamento",
        "quero manter minha internet",
    ],
)
def test_wish_to_stay(text):
    assert _KEEP.search(fold(text))


@pytest.mark.parametrize("text", ["quero cancelar", "cancela minha internet", "não quero mais essa internet"])
def test_wish_to_leave_is_no_wish_to_stay(text):
    assert not _KEEP.search(fold(text))


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("tem multa se eu sair?", True),
        ("quanto pago pra cancelar", True),
        ("quero cancelar", False),
        ("cancela minha net", False),
    ],
)
def test_question_about_the_fine(text, asks):
    assert bool(_ASKS_THE_PRICE.search(fold(text))) is asks


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("quero passar a conta pro nome da minha irmã, Carla Coutinho", "Carla Coutinho"),
        ("bota no nome do Pedro da Silva Leite", "Pedro da Silva Leite"),
        ("passar pro nome da minha esposa", None),
        ("passar pro nome de Ana", None),
        ("Quero Trocar O Titular", None),
    ],
)
def test_full_name_in_the_wish_itself(text, name):
    assert name_in_wish(text) == name

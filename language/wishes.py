"""Two wishes in one message: "manda o boleto e tô sem internet". The urgent one comes first, the other second.

The model hears a message as one thing, so each part is heard by itself. A part that only gives the reason of the
other ("quero cancelar, vive caindo") is no wish: which pairs count is listed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from language.courtesy import NO_WISH
from language.folding import fold

Ranking = list[dict[str, Any]]

#: What cannot wait, beside what can.
URGENT = frozenset({"sem_internet", "modem_desligado", "internet_lenta"})
QUESTIONS = frozenset({"perguntar_horario", "perguntar_endereco", "perguntar_formas_pagamento"})
#: What is a wish of its own beside something urgent. "Tô sem internet, quero contratar" is one wish.
BESIDE_URGENT = frozenset(
    {"pedir_segunda_via", "alterar_vencimento", "negociar_debito", "trocar_senha_wifi", "transferir_titularidade"}
)
#: What is a wish of its own beside another of these.
BESIDE_OTHERS = BESIDE_URGENT | {"alterar_plano", "mudar_endereco", "suspender_servico"}
#: How sure the model must be of a part.
SURE = 0.9
#: Two wishes are asked for in few words; a longer message tells the story of one.
MOST_WORDS = 16
#: A part that says what is not wanted.
_NOT_THIS = re.compile(r"\s*(?:n|nao|num)\s+(?:e|eh|quero|preciso)\b|.*\b(?:em vez|ao inves) d")
_BETWEEN = re.compile(
    r"[,;.!?\n]+|\b(?:e|mas|tb|tbm|tamb[eé]m|al[eé]m disso|ali[aá]s|outra coisa|mais uma coisa|aproveit\w+)\b", re.IGNORECASE
)


def in_order(text: str, ranking: Ranking, rank: Callable[[str], Ranking]) -> Ranking:
    """The ranking of a message, with its wishes first where it clearly holds two of the listed ones, or one among greetings.

    `rank` is the model. The first of the two is the intent, the second is what is offered afterwards.
    """
    if not ranking:
        return ranking
    if len(text.split()) > MOST_WORDS:
        return ranking
    parts = [fold(part) for part in _BETWEEN.split(text)]  # an "é" does not part what an "e" does
    parts = [part for part in parts if len(part.split()) >= 2 and not _NOT_THIS.match(part)]
    if len(parts) < 2 and ranking[0]["name"] != "saudar":
        return ranking
    heard = [rank(part)[0] for part in parts]
    heard = [top for top in heard if top["confidence"] >= SURE]
    if ranking[0]["name"] == "saudar":  # a burst: "oi", "bom dia", "manda meu boleto", "é urgente"
        wish = next((top for top in heard if top["name"] not in NO_WISH), None)
        return [wish, *(r for r in ranking if r["name"] != wish["name"])] if wish else ranking
    names = list(dict.fromkeys(top["name"] for top in heard))
    if ranking[0]["name"] not in names:
        return ranking  # as a whole it is something else, and the parts are its reasons
    two = _two(names, ranking[0]["name"])
    if not two:
        return ranking
    rest = [r for r in ranking if r["name"] not in two]
    return [{"name": two[0], "confidence": 0.6}, {"name": two[1], "confidence": 0.35}, *rest]


def _two(names: list[str], whole: str) -> list[str]:
    """The wish to begin with and the one for afterwards, or nothing."""
    urgent = [name for name in names if name in URGENT]
    if urgent:
        first = whole if whole in urgent else urgent[0]
        others = [name for name in names if name in BESIDE_URGENT | QUESTIONS]
        return [first, others[0]] if others else []
    services = [name for name in names if name in BESIDE_OTHERS]
    questions = [name for name in names if name in QUESTIONS]
    return (services + questions)[:2] if services and len(services + questions) >= 2 else []

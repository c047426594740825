"""Folding, days, entities, the classifier and the rule about courtesies."""

from __future__ import annotations

import datetime as dt

import pytest
from rasa.shared.nlu.training_data.message import Message

from language.classifier import LinearModel, PortugueseIntentClassifier
from language.concepts import Concepts, ConceptsError
from language.courtesy import WishBeforeCourtesy
from language.dates import days, shifts
from language.entities import find
from language.folding import fold_word

SATURDAY = dt.date(2026, 11, 21)


@pytest.mark.parametrize(
    ("typed", "folded"),
    [("Ação", "acao"), ("vc", "voce"), ("obgdaaa", "obrigado"), ("qntooo", "quanto"), ("NET", "internet")],
)
def test_words_are_folded(typed, folded):
    assert fold_word(typed) == folded


def test_digits_lose_their_value_not_their_shape():
    assert fold_word("52998224725") == fold_word("11144477735") != fold_word("58037120")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amanha", "2026-11-22"),
        ("hoje", "2026-11-21"),
        ("sexta", "2026-11-27"),
        ("sabado", "2026-11-21"),
        ("dia 5", "2026-12-05"),
        ("dia 30", "2026-11-30"),
        ("14/03/1961", "1961-03-14"),
        ("14-3-61", "1961-03-14"),
        ("14031961", "1961-03-14"),
        ("14 de marco de 1961", "1961-03-14"),
        ("12 de janeiro", "2027-01-12"),
        ("ontem", "2026-11-20"),
    ],
)
def test_days(text, expected):
    assert [d.isoformat() for _, _, d in days(text, SATURDAY)] == [expected]


@pytest.mark.parametrize("text", ["segunda via", "bom dia", "31/02/2020", "segunda quinzena", "quinta parcela"])
def test_not_days(text):
    assert list(days(text, SATURDAY)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("de manha", ["manha"]), ("a tarde", ["tarde"]), ("boa tarde", []), ("mais tarde", []), ("amanha", [])],
)
def test_shifts(text, expected):
    assert [shift for _, _, shift in shifts(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("meu cpf é 529.982.247-25", [("cpf", "52998224725")]),
        ("529 982 247 25", [("cpf", "52998224725")]),
        ("529.982.247-26", []),
        ("pa.o20.26j/0001-96", [("cnpj", "PAO2026J000196")]),
        ("12ABC34501DE35", [("cnpj", "12ABC34501DE35")]),
        ("cep 58037-120", [("cep", "58037120")]),
        ("liga no 3221-4567", []),
        ("protocolo 20261121000123", [("protocolo", "20261121000123")]),
        ("300 mega", [("velocidade", 300)]),
        ("um giga", [("velocidade", 1000)]),
        ("quinhentos mega", [("velocidade", 500)]),
        ("nota 8", [("nota", 8)]),
        ("dez", [("nota", 10)]),
        ("tenho 10 celulares", []),
    ],
)
def test_entities_and_their_values(text, expected):
    assert [(name, value) for name, _, _, value in find(text, SATURDAY)] == expected


def test_offsets_are_those_of_the_text():
    text = "Olá, São 14/03/1961 e o CPF 529.982.247-25"
    assert [text[start:end] for _, start, end, _ in find(text, SATURDAY)] == ["529.982.247-25", "14/03/1961"]


EXAMPLES = [("oi", "saudar"), ("bom dia", "saudar"), ("manda o boleto", "pagar"), ("quero o boleto", "pagar")]


def model(concepts: str = "pagar: bolet* fatur*") -> LinearModel:
    texts, intents = zip(*EXAMPLES)
    return LinearModel.fit(texts, intents, PortugueseIntentClassifier.get_default_config(), Concepts(concepts))


def test_the_classifier_learns_and_is_deterministic():
    first, second = model(), model()
    for text in ("boletooo", "oiii", "", "🙂"):
        assert list(first.scores(text)) == list(second.scores(text))
    assert first.intents[int(first.scores("cade meu boleto").argmax())] == "pagar"


def test_a_word_nobody_trained_counts_as_one_of_its_meaning():
    pagar = model().intents.index("pagar")
    assert model().scores("faturinha")[pagar] > model(concepts="").scores("faturinha")[pagar]


def test_the_longest_beginning_wins_and_exceptions_are_kept():
    concepts = Concepts("# uma nota\npagar: pag* grana\n-: pagod*\nfesta: pagode* grana")
    assert [concepts.of(word) for word in ("pago", "pagodinho", "pagodeiro", "grana", "gran")] == [
        ("pagar",), (), ("festa",), ("pagar", "festa"), (),
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["pagar grana", "pagar:", ": grana", "pagar: gr*na", "pagar: *"])
def test_a_line_that_cannot_be_read_is_named(line):
    with pytest.raises(ConceptsError, match="linha 2"):
        Concepts(f"# uma nota\n{line}")


def ranked(*ranking: tuple[str, float]) -> Message:
    message = Message(data={"text": "…"})
    listed = [{"name": name, "confidence": confidence} for name, confidence in ranking]
    message.set("intent", listed[0])
    message.set("intent_ranking", listed)
    return message


def test_a_greeting_does_not_hide_a_wish():
    message = ranked(("saudar", 0.5), ("pedir_segunda_via", 0.44), ("negar", 0.06))
    WishBeforeCourtesy({}).process([message])
    assert message.get("intent")["name"] == "pedir_segunda_via"
    assert message.get("intent")["confidence"] == pytest.approx(0.94)


@pytest.mark.parametrize("ranking", [[("saudar", 0.9), ("pedir_menu", 0.1)], [("sem_internet", 0.5), ("pedir_menu", 0.4)]])
def test_otherwise_the_order_stays(ranking):
    message = ranked(*ranking)
    WishBeforeCourtesy({}).process([message])
    assert message.get("intent")["name"] == ranking[0][0]

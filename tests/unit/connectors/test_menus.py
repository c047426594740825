"""What names an option of a menu, and what must not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.menus import choose, fold
from connectors.messages import Option


def menu(*titles: str, payload: str = '/informar{"opcao": "%d"}') -> list[Option]:
    return [Option(title, payload.replace("%d", str(n))) for n, title in enumerate(titles, 1)]


SERVICES = [
    Option("2ª via da conta", "/pedir_segunda_via"),
    Option("Suporte técnico", "/pedir_suporte"),
    Option("Contratar internet", "/contratar_internet"),
    Option("Ver cobertura", "/consultar_cobertura"),
    Option("Cancelar ou mudar plano", '/pedir_menu{"menu": "contrato"}'),
    Option("Falar com atendente", "/falar_com_atendente"),
]
CONTRACTS = menu("Rua das Flores, 12 (Fibra 500)", "Av. Inventada, 1 (Fibra 300)", "Rua Nova, 3 (Fibra 300)")
DAYS = menu("Dia 5", "Dia 10", "Dia 15", "Dia 20", "Dia 25")
VISITS = menu("segunda, 10/12, de manhã", "segunda, 10/12, à tarde", "terça, 11/12, de manhã", "quinta, 13/12, à tarde")
AGENDA = menu(*(f"{day}, de {shift}" for day in ("segunda, 23/11", "terça, 24/11", "quarta, 25/11") for shift in ("manhã", "tarde")))
FORMS = menu("Pix copia e cola", "Código de barras", "Boleto em PDF", "Tudo")
CANCEL = [Option("Sim, cancelar", "/afirmar"), Option("Não, manter", "/negar")]


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("1", 1), ("6", 6), (" 2 ", 2), ("2.", 2), ("2)", 2), ("nº 3", 3), ("02", 2),
        ("1️⃣", 1), ("6️⃣", 6), ("②", 2), ("２", 2),
        ("a primeira", 1), ("o terceiro", 3), ("A ÚLTIMA!", 6), ("última", 6), ("a 2ª", None), ("4o", 4),
        ("dois", 2), ("seis", 6), ("um", 1),
        ("opção 2", 2), ("quero a opção 3 por favor", 3), ("número 4", 4), ("pode ser a 5", 5), ("a 2 mesmo", 2),
        ("manda a 1 aí", 1), ("vou de 6, obrigada", 6), ("é a 2", 2),
    ],
)  # fmt: skip
def test_a_number_is_the_option(said: str, number: int | None) -> None:
    assert choose(SERVICES, said) == (SERVICES[number - 1] if number else None)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("2ª via da conta", 1), ("2a Via da Conta!", 1), ("quero a 2ª via da conta, por favor", 1),
        ("suporte tecnico", 2), ("SUPORTE TÉCNICO", 2), ("contratar internet", 3), ("ver cobertura 😀", 4),
        ("cancelar ou mudar plano", 5), ("falar com um atendente", 6), ("queria falar com atendente", 6),
    ],
)  # fmt: skip
def test_its_own_words_are_the_option(said: str, number: int) -> None:
    assert choose(SERVICES, said) == SERVICES[number - 1]


@pytest.mark.parametrize(
    "said",
    [
        "", "   ", "?", "👍", "0", "7", "10", "99999999999999999999", "-", "1 e 2", "1\n2", "1 ou 2", "1,5", "12/2",
        "os dois", "as duas", "as 2", "uma", "duas faturas", "2 faturas", "tenho 2 contratos", "dia 2",
        "não quero a 2", "a 2 não", "oi", "bom dia", "52998224725", "2ª",
        # One word of a service's name is not the service: NLU reads these better.
        "plano", "internet", "minha internet caiu", "cancelar", "conta", "via", "atendente", "ver",
        # More was said than the name.
        "suporte técnico é muito ruim", "falar com atendente sobre o suporte técnico",
        "quero cancelar a internet e não mudar plano",
        "a" * 81, "1" * 81,
    ],
)  # fmt: skip
def test_no_option_of_the_services(said: str) -> None:
    assert choose(SERVICES, said) is None


@pytest.mark.parametrize(
    ("options", "said", "number"),
    [
        (CONTRACTS, "1", 1), (CONTRACTS, "3", 3),  # a house number is no reason to doubt
        (CONTRACTS, "rua das flores", 1), (CONTRACTS, "a das flores", 1), (CONTRACTS, "inventada", 2),
        (CONTRACTS, "500", 1), (CONTRACTS, "fibra 300", None), (CONTRACTS, "rua", None), (CONTRACTS, "a", None),
        (DAYS, "dia 5", 1), (DAYS, "10", 2), (DAYS, "dia 25", 5), (DAYS, "1", 1), (DAYS, "a quinta", 5),
        (DAYS, "5", None),  # the fifth option or the fifth day: the form asks
        (DAYS, "dia 7", None),
        (VISITS, "1", 1), (VISITS, "terça", 3), (VISITS, "terça de manhã", 3), (VISITS, "segunda à tarde", 2),
        (VISITS, "segunda", None), (VISITS, "de manhã", None), (VISITS, "quinta", 4), (VISITS, "a primeira", 1),
        # A day that is not offered is not the option that its name counts; "a segunda" is a Monday.
        (AGENDA, "quinta", None), (AGENDA, "pode ser quinta?", None), (AGENDA, "sexta", None), (AGENDA, "a segunda", None),
        (AGENDA, "a quinta opção", 5), (AGENDA, "a terceira", 3), (AGENDA, "quarta de tarde", 6), (AGENDA, "a última", 6),
        (AGENDA, "a de cima", 1), (CONTRACTS, "o de baixo", 3),
        (FORMS, "pix", 1), (FORMS, "codigo", 2), (FORMS, "boleto", 3), (FORMS, "pdf", 3), (FORMS, "tudo", 4),
        (FORMS, "o pix por favor", 1), (FORMS, "código de barras", 2), (FORMS, "pix e boleto", None),
        (CANCEL, "sim", 1), (CANCEL, "cancelar", 1), (CANCEL, "não", 2), (CANCEL, "manter", 2), (CANCEL, "n", None),
        (CANCEL, "sim, mas em outro dia", None),
        (menu("Igual", "Igual"), "igual", None), (menu("Igual", "Igual"), "2", 2),
        (menu("Segunda via", "Suporte"), "a segunda", None),  # the second, or the first by its name
        (menu("Segunda via", "Suporte"), "segunda via", 1),
        ([], "1", None),
    ],
)  # fmt: skip
def test_options_that_answer_a_question(options: list[Option], said: str, number: int | None) -> None:
    assert choose(options, said) == (options[number - 1] if number else None)


def test_ten_options() -> None:
    ten = menu(*"abacate banana caju damasco embu figo goiaba hortela inga jaca".split())
    assert choose(ten, "🔟") == choose(ten, "10") == choose(ten, "a décima") == choose(ten, "dez") == ten[9]
    assert choose(ten, "11") is None


TITLES = st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=10)


@settings(max_examples=100, deadline=None)
@given(TITLES, st.text(max_size=60))
def test_any_text_names_an_option_or_none(titles: list[str], said: str) -> None:
    options = menu(*titles)
    chosen = choose(options, said)
    assert chosen is None or chosen in options


@settings(max_examples=100, deadline=None)
@given(TITLES, st.data())
def test_an_option_is_named_by_its_title_as_it_is_read(titles: list[str], data: st.DataObject) -> None:
    options = menu(*titles)
    option = data.draw(st.sampled_from(options))
    same = [other for other in options if fold(other.title) == fold(option.title)]
    named = choose(options, f" {option.title}!")
    assert named == (option if len(same) == 1 and fold(option.title) else None)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_folding_is_plain_and_settled(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert all(c in "abcdefghijklmnopqrstuvwxyz0123456789 " for c in folded)

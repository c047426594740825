"""How sales reads places, names, plans and prices out of what people type."""

from __future__ import annotations

from decimal import Decimal

import pytest

from actions.forms.places import Place, Said, areas, full_address, read_place
from actions.forms.sales import choose_plan, name_in, phone_in, phone_words, suggest
from backoffice.records import CepRange, CoverageMap, Plan

KNOWN = areas(
    CoverageMap(
        ranges=(
            CepRange("58037000", "58037999", "Jardim Oceania / Bessa"),
            CepRange("58039000", "58039999", "Tambaú"),
            CepRange("58045000", "58045999", "Cabo Branco"),
            CepRange("58055000", "58055999", "Mangabeira"),
        ),
        boxes=(),
        not_served=frozenset(),
    )
)
PLANS = (
    Plan("a", "300 Mega", 300, Decimal("79.90")),
    Plan("b", "400 Mega", 400, Decimal("99.90")),
    Plan("c", "600 Mega", 600, Decimal("119.90"), "Wi-Fi 6"),
    Plan("d", "1 Giga", 1000, Decimal("159.90"), "Wi-Fi 6"),
)
COMPANY = Plan("e", "Empresa 600", 600, Decimal("189.90"), "IP fixo", for_companies=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("58037-120", Said(cep="58037120")),
        ("meu cep é 58.037-120", Said(cep="58037120")),
        ("58o37-l20", Said(cep="58037120")),
        ("58037-12", Said(cep_broken=True)),
        ("o cep é cinquenta e oito zero trinta e sete", Said(cep_broken=True)),
        ("580371200", Said(cep_broken=True)),
        ("cinco oito zero três sete um dois zero", Said(cep="58037120")),
        ("bessa", Said(served_area="Bessa")),
        ("fica no jardim oceania", Said(served_area="Jardim Oceania")),
        ("TAMBAU", Said(served_area="Tambaú")),
        ("do bessa pra mangabeira", Said(served_area="Mangabeira")),
        (
            "rua josefa taveira, 200, mangabeira",
            Said(street="rua josefa taveira, 200, mangabeira", served_area="Mangabeira"),
        ),
        (
            "moro na rua josefa taveira mangabeira",
            Said(street="rua josefa taveira mangabeira", served_area="Mangabeira"),
        ),
        ("Av. Cabo Branco, 3100", Said(street="Av. Cabo Branco, 3100")),  # a street of that name may be anywhere
        ("rua do sol 5, bairro Geisel", Said(street="rua do sol 5, bairro Geisel", other_area="Geisel")),
        ("geisel", Said(other_area="Geisel")),
        ("moro no jardim da aurora", Said(other_area="Jardim da Aurora")),
        ("não sei o cep", Said(knows_no_cep=True)),
        ("sem cep", Said(knows_no_cep=True)),
        ("quero o de 300", Said()),
        ("aqui em casa", Said()),
        ("vocês atendem aqui?", Said()),
        ("220", Said()),
        ("tambaú, rua silvino chaves 10", Said(street="rua silvino chaves 10", served_area="Tambaú")),
        ("o mais barato", Said()),
    ],
)
def test_place_where_it_was_asked(text, expected):
    assert read_place(text, KNOWN, asked=True) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("atende mangabeira?", Said(served_area="Mangabeira")),
        ("tem fibra na rua josefa taveira?", Said(street="rua josefa taveira")),
        ("atende meu cep 58037-120?", Said(cep="58037120")),
        ("tem fibra na minha rua?", Said()),
        (
            "tem fibra na rua josefa taveira em mangabeira?",
            Said(street="rua josefa taveira em mangabeira", served_area="Mangabeira"),
        ),
        ("tem fibra na rua josefa taveira mangabeira?", Said(street="rua josefa taveira mangabeira", served_area="Mangabeira")),
        ("quero na rua das flores 20, bessa, plano de 600", Said(street="rua das flores 20, bessa", served_area="Bessa")),
        ("tem internet no geisel?", Said()),
        ("quero internet pra minha casa", Said()),
        ("meu cpf é 123.123.123-87", Said()),
        ("me liga no 83 99888-7766", Said()),
    ],
)
def test_place_in_the_first_message(text, expected):
    assert read_place(text, KNOWN, asked=False) == expected


@pytest.mark.parametrize(
    ("place", "number", "expected"),
    [
        (Place(rua="Rua A", bairro="Bessa", cidade="João Pessoa"), "45", "Rua A, 45, Bessa, João Pessoa"),
        (Place(rua="av cabo branco 3100", bairro="Cabo Branco"), "", "av cabo branco 3100, Cabo Branco"),
        (Place(rua="rua a, 9, mangabeira", bairro="Mangabeira"), "", "rua a, 9, mangabeira"),
        (Place(rua="Rua A", bairro="Bessa"), "Rua A, 45", "Rua A, 45, Bessa"),
        (Place(rua="Rua 45", bairro="Bessa"), "4", "Rua 45, 4, Bessa"),
        (Place(lat=-7.0, lon=-34.0), None, None),
    ],
)
def test_address_in_one_line(place, number, expected):
    assert full_address(place, number) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("meu nome é ana lucia ferreira", "Ana Lucia Ferreira"),
        ("Ana", "Ana"),
        ("sou a dona lourdes", "Dona Lourdes"),
        ("JOSÉ DA SILVA", "José da Silva"),
        ("é minha esposa, Joana Alves", "Joana Alves"),
        ("nome dela é Joana D'Ávila Prado", "Joana D'Ávila Prado"),
        ("pode colocar maria do socorro", "Maria do Socorro"),
        ("sim", None),
        ("oi", None),
        ("123", None),
        ("quero saber o preço de tudo antes de dizer meu nome", None),
    ],
)
def test_name(text, name):
    assert name_in(text) == name


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("o de 600", "c"), ("1000", "d"), ("o de 1 giga", "d"), ("o mais barato", "a"), ("o mais rapido", "d"),
        ("300 ou 400?", None), ("rua 3000", None), ("nao sei", None),
    ],
)  # fmt: skip
def test_plan_in_words(text, plan):
    found = choose_plan(text, PLANS)
    assert (found.id if found else None) == plan


@pytest.mark.parametrize(
    ("mbps", "company", "plan", "reason"),
    [
        (None, False, "c", "extra"), (0, False, "a", "barato"), (500, False, "c", "proximo"), (2000, False, "d", "proximo"),
        (None, True, "e", "empresa"),
    ],
)  # fmt: skip
def test_suggestion_has_a_reason(mbps, company, plan, reason):
    plans = (COMPANY, *PLANS) if company else PLANS
    found, why = suggest(plans, mbps, company)
    assert (found.id, why) == (plan, reason)


def test_suggestion_where_no_plan_has_an_extra():
    assert suggest(PLANS[:2], None, False) == (PLANS[0], "barato")


@pytest.mark.parametrize(
    ("number", "words"),
    [("5583991110001", "(83) 99111-0001"), ("558332214567", "(83) 3221-4567"), ("351912345678", "+351912345678")],
)
def test_phone_as_people_write_it(number, words):
    assert phone_words(number) == words


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("83 98888 7777 é melhor nesse", "5583988887777"), ("me liga no (83) 3221-4567, à tarde", "558332214567"),
        ("98888-7777", None), ("+351 912 345 678", "351912345678"), ("tanto faz", None),
    ],
)  # fmt: skip
def test_phone_among_other_words(text, number):
    assert phone_in(text) == number

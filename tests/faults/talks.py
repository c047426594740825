"""The short talks that the customers of the harness have, and the records that they leave."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from backoffice.seed import SAMPLE, read_base

#: Theo could not do it now and says so; the customer asks again.
APOLOGY = re.compile(r"sistema não respondeu|sistema continua sem|tive um problema aqui", re.IGNORECASE)
DOCUMENT = "{documento}"


@dataclass(frozen=True)
class Step:
    """What a customer types, in one burst, and a pattern that the answer holds."""

    says: tuple[str, ...]
    hears: str


@dataclass(frozen=True)
class Play:
    """A talk. `contract` changes the customer's contract; `leaves` counts the rows it adds, by table."""

    name: str
    steps: tuple[Step, ...]
    contract: dict[str, Any] = field(default_factory=dict)
    leaves: dict[str, int] = field(default_factory=dict)


def _steps(*pairs: tuple[str | tuple[str, ...], str]) -> tuple[Step, ...]:
    return tuple(Step((says,) if isinstance(says, str) else says, hears) for says, hears in pairs)


ADDRESS = ("onde fica a loja?", "Epitácio Pessoa")
PLAYS = (
    Play("endereço", _steps(ADDRESS, ("que horas abre?", "8h"))),
    Play(
        "segunda via",
        _steps((("oi", "manda meu boleto"), "CPF"), (DOCUMENT, "^000201"), ADDRESS),
        {"invoices": [{"due": +6, "amount": 79.90}]},
    ),
    Play(
        "senha do wi-fi",
        _steps(("quero mudar a senha do wi-fi", "CPF"), (DOCUMENT, r"\b20\d{12}\b")),
        leaves={"erp_ticket": 1},
    ),
    Play(
        "desbloqueio",
        _steps(("libera minha internet em confiança", "CPF"), (DOCUMENT, "3 dias"), ("1", "liberada"), ADDRESS),
        {
            "status": "blocked_for_debt",
            "connection": {"session": "blocked", "rx_dbm": -21.0},
            "invoices": [{"due": -8, "amount": 79.90}],
        },
        {"released": 1},
    ),
    Play(
        "contratação",
        _steps(
            ("quero contratar o de 600 mega, moro no bessa", "rua"), ("rua do sol, 18", "nome"),
            ("Carlos Eduardo", "número"), ("sim", "horário"), ("de manhã", r"\b20\d{12}\b"),
        ),
        leaves={"erp_lead": 1},
    ),  # fmt: skip
    Play(
        "visita",
        _steps(("luz vermelha piscando, sem nada", "CPF"), (DOCUMENT, r"2\*? -"), ("2", "onfirm"), ("sim", "marcada")),
        {"connection": {"session": "offline", "rx_dbm": None, "last_drop": "LOS"}},
        {"erp_ticket": 1, "erp_visit": 1},
    ),
    Play("atendente", _steps(("quero falar com um atendente", r"\b20\d{12}\b")), leaves={"erp_ticket": 1}),
)  # fmt: skip


@dataclass
class Person:
    """A customer of the provider: who they are and which talk they have."""

    number: int
    play: Play

    @property
    def phone(self) -> str:
        return f"55839{91000000 + self.number:08d}"

    @property
    def document(self) -> str:
        """A CPF with right check digits that is nobody's: module 11 over the places before each."""
        places = [int(digit) for digit in f"{314159000 + self.number:09d}"]
        for _ in range(2):
            weighted = sum(weight * digit for weight, digit in zip(range(len(places) + 1, 1, -1), places))
            places.append(weighted * 10 % 11 % 10)
        return "".join(map(str, places))

    @property
    def contract(self) -> str:
        return str(20000 + self.number)


def people(count: int, plays: tuple[Play, ...] = PLAYS) -> list[Person]:
    """So many customers, with the talks in turn."""
    return [Person(number, play) for number, play in zip(range(1, count + 1), itertools.cycle(plays))]


def write_base(path: Path, everybody: list[Person]) -> None:
    """The sample records with these customers in them, as a base for `backoffice/seed.py`."""
    base = read_base(SAMPLE)
    base["company"]["visits_per_shift"] = 100_000
    base["customers"] += [
        {
            "name": f"Cliente {_letters(person.number)}", "id": f"f{person.number}", "document": person.document,
            "phone": person.phone, "birth": dt.date(1970, 1, 2),
            "contracts": [_contract(person)],
        }
        for person in everybody
    ]  # fmt: skip
    path.write_text(yaml.safe_dump(base, allow_unicode=True), encoding="utf-8")


def _contract(person: Person) -> dict[str, Any]:
    ordinary: dict[str, Any] = {
        "id": person.contract, "plan": "fibra-300", "address": "Rua das Hortênsias, 45, Bessa", "cep": "58037-120",
        "since": -400, "status": "active", "box": "CTO-BESSA-01", "connection": {"session": "online", "rx_dbm": -19.2},
        "invoices": [],
    }  # fmt: skip
    contract = {**ordinary, **person.play.contract}
    contract["invoices"] = [{"id": f"{person.contract}{n}", **bill} for n, bill in enumerate(contract["invoices"])]
    return contract


def _letters(number: int) -> str:
    """A name without digits: 27 → "Ba"."""
    return "".join(_digits(number)).capitalize()


def _digits(number: int) -> Iterator[str]:
    if number >= 26:
        yield from _digits(number // 26)
    yield chr(ord("a") + number % 26)

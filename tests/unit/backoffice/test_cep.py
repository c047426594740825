from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice import cep
from backoffice.cep import Address, CepDirectory, CepOutcome, CepReading, parse_cep

VIACEP = {
    "cep": "58037-120",
    "logradouro": "Rua das Hortênsias",
    "complemento": "",
    "unidade": "",
    "bairro": "Bessa",
    "localidade": "João Pessoa",
    "uf": "PB",
    "ibge": "2507507",
}
BRASILAPI = {
    "cep": "58037120",
    "state": "PB",
    "city": "João Pessoa",
    "neighborhood": "Bessa",
    "street": "Rua das Hortênsias",
    "service": "open-cep",
}
NOBODY_KNOWS = {
    "name": "CepPromiseError",
    "message": "Todos os serviços de CEP retornaram erro.",
    "type": "service_error",
    "errors": [],
}
FOUND = Address("58037120", "Rua das Hortênsias", "Bessa", "João Pessoa", "PB")


class Services:
    """ViaCEP and BrasilAPI in one server; each answers what the test wants."""

    def __init__(self) -> None:
        self.viacep: tuple[int, object] = (200, VIACEP)
        self.brasilapi: tuple[int, object] = (200, BRASILAPI)
        self.delay = 0.0
        self.asked: list[str] = []
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = "viacep" if self.path == "/ws/58037120/json/" else "brasilapi"
                assert name == "viacep" or self.path == "/api/cep/v1/58037120", self.path
                services.asked.append(name)
                if name == "viacep":
                    time.sleep(services.delay)
                status, body = getattr(services, name)
                data = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def services() -> Iterator[Services]:
    found = Services()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def directory(services: Services, url: str) -> Iterator[CepDirectory]:
    environ = {"CEP_VIACEP_URL": services.url + "/", "CEP_BRASILAPI_URL": services.url, "DATABASE_URL": url}
    found = CepDirectory(environ)
    yield found
    found.close()


def test_viacep_is_asked_first_and_once(directory: CepDirectory, services: Services) -> None:
    for _ in range(3):
        found = directory.find("58037120")
        assert (found.outcome, found.address) == (CepOutcome.FOUND, FOUND)
    assert services.asked == ["viacep"]


@pytest.mark.parametrize(
    "answer",
    [
        (400, "<html>Bad Request</html>"),
        (500, ""),
        (504, "gateway"),
        (200, "<html>manutenção</html>"),
        (200, []),
        (200, {}),
        (200, {**VIACEP, "cep": "58000-000"}),
        (200, {**VIACEP, "localidade": ""}),
    ],
)
def test_brasilapi_when_viacep_cannot_be_believed(
    directory: CepDirectory, services: Services, answer: tuple[int, object]
) -> None:
    services.viacep = answer
    assert directory.find("58037120").address == FOUND
    services.asked.clear()
    assert directory.find("58037120").address == FOUND
    assert services.asked == []


@pytest.mark.parametrize("flag", ["true", True])
def test_not_found_is_viaceps_word(directory: CepDirectory, services: Services, flag: object) -> None:
    services.viacep = (200, {"erro": flag})
    services.brasilapi = (404, NOBODY_KNOWS)
    assert directory.find("58037120").outcome is CepOutcome.NOT_FOUND
    services.brasilapi = (504, "")
    assert directory.find("58037120").outcome is CepOutcome.NOT_FOUND
    services.brasilapi = (200, BRASILAPI)  # a CEP younger than ViaCEP's copy
    assert directory.find("58037120").address == FOUND


def test_brasilapis_404_alone_is_no_answer(directory: CepDirectory, services: Services) -> None:
    services.viacep = (500, "")
    services.brasilapi = (404, NOBODY_KNOWS)
    assert directory.find("58037120").outcome is CepOutcome.UNAVAILABLE


def test_the_one_cep_of_a_small_town(directory: CepDirectory, services: Services) -> None:
    services.viacep = (200, {**VIACEP, "logradouro": "", "bairro": ""})
    address = directory.find("58037120").address
    assert address is not None
    assert (address.street, address.neighbourhood, address.city) == (None, None, "João Pessoa")


def test_nobody_waits_long(
    directory: CepDirectory, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cep, "_TIMEOUT", (0.3, 0.3))
    services.delay = 1.5
    services.brasilapi = (504, "")
    start = time.monotonic()
    assert directory.find("58037120").outcome is CepOutcome.UNAVAILABLE
    assert time.monotonic() - start < 1.2
    services.server.shutdown()
    services.server.server_close()
    assert directory.find("58037120").outcome is CepOutcome.UNAVAILABLE


def test_an_old_memory_is_better_than_none(
    directory: CepDirectory, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.find("58037120")
    monkeypatch.setattr(cep, "_FRESH", -cep._FRESH)
    services.viacep = services.brasilapi = (500, "")
    assert directory.find("58037120").address == FOUND
    assert services.asked == ["viacep", "viacep", "brasilapi"]


def test_only_eight_digits_are_asked_for(directory: CepDirectory, services: Services) -> None:
    for text in ("58037-120", "5803712", "../../etc", ""):
        with pytest.raises(ValueError):
            directory.find(text)
    assert services.asked == []


WRITTEN = {
    "58037120": (
        "58037-120", "58037120", "58.037-120", "58037 120", "58037–120", "58o37-l2O", "meu cep é 58037-120, no bessa",
        "cep:58037120", "rua 12, 58037-120", "meu cep é cinco oito zero três sete traço um dois zero",
    ),
    "58039100": (
        "58o39-1oo", "5 8 0 3 9 1 0 0", "cinco oito zero três nove um zero zero",
        "cinquenta e oito zero trinta e nove cem",
    ),
    "58039110": ("58 zero 39 cento e dez",),
}  # fmt: skip


@pytest.mark.parametrize(("number", "text"), [(number, text) for number, texts in WRITTEN.items() for text in texts])
def test_ceps_as_people_type_them(number: str, text: str) -> None:
    found = parse_cep(text)
    assert (found.reading, found.cep) == (CepReading.OK, number)


@pytest.mark.parametrize("text", ["5803712", "58037-12", "58037", "cinco oito zero meia três"])
def test_a_piece_of_a_cep_is_incomplete(text: str) -> None:
    found = parse_cep(text)
    assert (found.reading, found.cep) == (CepReading.INCOMPLETE, None)


@pytest.mark.parametrize(
    "text",
    [
        "3221-4567", "83 3221-4567", "83 99111-0001", "83991110001", "123.123.123-87", "580371200", "não sei",
        "ollol ilo", "um dois três", "quero um de quinhentos e mais cem mega",
        "rua cinco, número oito, no bairro dois", "",
    ],
)  # fmt: skip
def test_other_numbers_are_no_cep(text: str) -> None:
    found = parse_cep(text)
    assert (found.reading, found.cep) == (CepReading.NONE, None)


@given(st.integers(0, 99_999_999), st.sampled_from(["", "-", ".", " ", " - "]))
def test_any_cep_is_read(number: int, between: str) -> None:
    digits = f"{number:08}"
    assert parse_cep(f"é {digits[:5]}{between}{digits[5:]}!").cep == digits


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    found = parse_cep(text)
    assert (found.cep is not None) == (found.reading is CepReading.OK)
    assert found.cep is None or len(found.cep) == 8

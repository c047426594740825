"""A database of each kind, and the parts of the path between them and a gateway that is not there."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pgserver
import pytest
import sqlalchemy as sa

from connectors.store import Store, engine_for, metadata
from tests.unit.connectors.fakes import Chat, FakeGateway, FakeRasa


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    # Not below pytest's folder: as root PostgreSQL runs as another user, who may not enter there.
    with tempfile.TemporaryDirectory(prefix="theo-pg-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder)  # type: ignore[attr-defined]
        # No test pulls the plug, and the disk's own pace is not the subject.
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database, also in `DATABASE_URL`. Every test that uses it runs on both."""
    url = f"sqlite:///{tmp_path / 'theo.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    monkeypatch.setenv("DATABASE_URL", url)
    engine = engine_for(url)
    if request.param == "sqlite":
        engine.dispose()
        sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    yield url
    with engine.begin() as db:
        for table in (*metadata.tables, "events"):
            if sa.inspect(engine).has_table(table):
                db.execute(sa.text(f"DELETE FROM {table}"))
    if request.param == "sqlite":
        engine.dispose()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = Store(database_url)
    yield store
    store._threads.shutdown()


@pytest.fixture
async def chat(store: Store) -> AsyncIterator[Chat]:
    """Turns and outbox of one process, with a Rasa that answers what the test says."""
    chat = Chat(store, FakeRasa(store), FakeGateway())
    yield chat
    await chat.stop()


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits between tries pass at once; the list holds how long they would have been."""
    waits: list[float] = []

    async def pause(self: Any, seconds: float) -> bool:
        waits.append(seconds)
        return not self.stopping.is_set()

    monkeypatch.setattr("connectors.workers.Workers.pause", pause)
    return waits


@pytest.fixture
def rows(store: Store) -> Callable[..., list[Any]]:
    """`rows(outbox)`: all rows of a table, oldest first."""

    def read(table: sa.Table, *where: Any) -> list[Any]:
        with store.engine.connect() as db:
            return list(db.execute(sa.select(table).where(*where).order_by(table.c.id)))

    return read

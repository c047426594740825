"""The sample records on both engines, at a moment that stands still until a test moves it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg2  # type: ignore[import-untyped]
import pytest

from backoffice.sql import SqlErp

FORTALEZA = ZoneInfo("America/Fortaleza")


class Clock:
    """Monday, 23 November 2026, ten in the morning."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 10, 0, tzinfo=FORTALEZA)

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **span: int) -> None:
        self.moment += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Postgres:
    """A PostgreSQL server with the sample records in its database `sample`."""

    def __init__(self, folder: Path) -> None:
        from pgserver.postgres_server import get_server

        self.server = get_server(folder)
        self.admin = psycopg2.connect(self.server.get_uri())
        self.admin.autocommit = True
        self.run("ALTER SYSTEM SET fsync = off")
        self.run("SELECT pg_reload_conf()")
        SqlErp.open(self.create("sample", "template1"), clock=Clock()).close()

    def run(self, command: str) -> None:
        with self.admin.cursor() as cursor:
            cursor.execute(command)

    def create(self, name: str, template: str) -> str:
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return str(self.server.get_uri(name))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # Not in pytest's own folder: every pytest that starts makes that private to its user again, and a
    # server that runs as another user (pgserver does when we are root) loses its files.
    with tempfile.TemporaryDirectory(prefix="theo-postgres-") as folder:
        found = Postgres(Path(folder))
        yield found
        found.admin.close()
        found.server.cleanup()


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the sample records."""
    path = tmp_path_factory.mktemp("sqlite") / "sample.db"
    SqlErp.open(f"sqlite:///{path}", clock=Clock()).close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the test's own with the sample records in it."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite"), tmp_path / "theo.db")
        return f"sqlite:///{tmp_path / 'theo.db'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.create("theo", "sample")


@pytest.fixture
def erp(url: str, clock: Clock) -> Iterator[SqlErp]:
    records = SqlErp.open(url, clock=clock)
    yield records
    records.close()

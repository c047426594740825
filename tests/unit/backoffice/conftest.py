"""The sample records on both engines, at a moment that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

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


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    import pgserver

    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address without records of the back office in it, or with those of an earlier test."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'var' / 'theo.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def erp(url: str, clock: Clock) -> Iterator[SqlErp]:
    records = SqlErp.open(url, reset=True, clock=clock)
    yield records
    records.close()

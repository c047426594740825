"""One SQL database, SQLite or PostgreSQL, with one way to read it and one way to write it.

Writes of the back office are few and small, so they queue: `write` holds SQLite's write lock (BEGIN
IMMEDIATE) or one PostgreSQL advisory lock until it commits. Whatever a writer reads stays true until its
commit, on both engines, in any number of threads and processes.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.pool import QueuePool

from backoffice.errors import Unavailable

_DEFAULT_URL = "sqlite:///var/theo.db"
_WAIT_SECONDS = 15
# Any fixed number will do; it is the letters "theo".
_ADVISORY_LOCK = 0x7468656F


def url_of(environ: Mapping[str, str]) -> str:
    """`DATABASE_URL`, or a SQLite file under `var/` where it is not set."""
    return environ.get("DATABASE_URL", "").strip() or _DEFAULT_URL


class Database:
    """A pool of connections to the database at `url`.

    `sqlite:///path` (the folder is made if missing; relative to the working directory) or
    `postgresql://…` (`postgres://…` too). Raises ValueError for another URL. Nothing is connected yet.
    """

    def __init__(self, url: str) -> None:
        if url.startswith("postgres://"):
            url = "postgresql://" + url.removeprefix("postgres://")
        parsed = make_url(url)
        self._postgres = parsed.get_backend_name() == "postgresql"
        options: dict[str, Any]
        if self._postgres:
            options = {"pool_size": 5, "max_overflow": 5, "pool_pre_ping": True}
            options["connect_args"] = {"connect_timeout": 5}
        elif parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            options = {"poolclass": QueuePool, "pool_size": 5, "max_overflow": 30}
            options["connect_args"] = {"check_same_thread": False, "timeout": _WAIT_SECONDS}
        else:
            raise ValueError(f"not a SQLite file and not PostgreSQL: {parsed!r}")
        self._engine = sa.create_engine(
            parsed, future=True, hide_parameters=True, pool_timeout=_WAIT_SECONDS, **options
        )
        if self._postgres:
            sa.event.listen(self._engine, "connect", _prepare_postgres)
        else:
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that changes nothing. Raises Unavailable if the database does not answer."""
        with self._transaction(write=False) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The one writing transaction there is at a time; it commits at the end, and not on an exception.

        Raises Unavailable if the database does not answer or stays busy for 15 s.
        """
        with self._transaction(write=True) as connection:
            if self._postgres:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            yield connection

    @contextmanager
    def _transaction(self, *, write: bool) -> Iterator[Connection]:
        try:
            with (
                self._engine.connect() as connection,
                connection.execution_options(theo_write=write).begin(),
            ):
                yield connection
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
            raise Unavailable(f"database: {type(error.__cause__ or error).__name__}") from error

    def close(self) -> None:
        """Closes the pooled connections."""
        self._engine.dispose()


def _prepare_postgres(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = '{_WAIT_SECONDS}s'")
    connection.commit()


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own BEGIN comes too late for a write lock; `_begin_sqlite` sends it instead.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    # Turning to WAL takes the whole file for a moment, and SQLite does not wait for it by itself.
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("theo_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

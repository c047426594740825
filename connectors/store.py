"""The tables behind the inbox and the outbox, and the engine that everything here shares."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.pool import QueuePool

T = TypeVar("T")

#: Connections that are kept: as many as there are threads here and in the tracker store. One that is made for a
#: single transaction and thrown away costs more than the transaction.
POOLED = 9

metadata = sa.MetaData()

conversations = sa.Table(
    "theo_conversations",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("phone", sa.String(32), index=True),
    sa.Column("lid", sa.String(64), index=True),
    sa.Column("menu", sa.Text),
    sa.Column("human_until", sa.Float),
)

inbox = sa.Table(
    "theo_inbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("instance", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("message_id", sa.String(128), nullable=False),
    sa.Column("conversation", sa.String(64), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
    # new → done (answered) | human (a person was serving) | dropped (deleted by the sender) | failed
    #     | surplus (more than a number may send within a minute) | stale (a notice too old to be told)
    sa.Column("state", sa.String(16), nullable=False, default="new"),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.UniqueConstraint("channel", "instance", "kind", "message_id"),
    sa.Index("theo_inbox_by_conversation", "conversation", "state", "id"),
    sa.Index("theo_inbox_by_state", "state"),
)

outbox = sa.Table(
    "theo_outbox",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(32), nullable=False),
    sa.Column("conversation", sa.String(64), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("quoted", sa.String(128)),
    sa.Column("created_at", sa.Float, nullable=False),
    # queued → sent (the gateway took it) | failed (it must not be retried) | stale (too old to be sent);
    # `error` may follow a sent one
    sa.Column("state", sa.String(16), nullable=False, default="queued"),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("as_text", sa.Boolean, nullable=False, default=False),
    sa.Column("message_id", sa.String(128), index=True),
    sa.Column("queue_id", sa.String(128), index=True),
    sa.Column("sent_at", sa.Float),
    sa.Column("error", sa.Text),
    sa.Index("theo_outbox_by_conversation", "conversation", "state", "id"),
    sa.Index("theo_outbox_by_state", "state"),
)

#: What somebody may ask about a year later: a chat taken over, a block lifted, a contract ended, data erased.
audit = sa.Table(
    "theo_audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("who", sa.String(64), nullable=False),  # the chat's phone, masked
    sa.Column("what", sa.String(40), nullable=False),
    sa.Column("protocol", sa.String(20)),
    sa.Index("theo_audit_by_time", "at"),
)


def normal_url(url: str) -> str:
    """`postgres://` as many hosts write it → the name SQLAlchemy knows."""
    return "postgresql://" + url[len("postgres://") :] if url.startswith("postgres://") else url


@functools.cache
def engine_for(url: str) -> Engine:
    """One engine per database and process; makes the SQLite folder and the tables where they are missing."""
    parsed = make_url(normal_url(url))
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {"poolclass": QueuePool, "connect_args": {"check_same_thread": False}}
    else:
        # Rasa's memory is read on the event loop: a database that is away must fail soon, not hang.
        waits = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
        options = {"pool_pre_ping": True, "pool_recycle": 300, "connect_args": waits}
    # An error of the database's would otherwise carry the customer's words into the log.
    engine = sa.create_engine(parsed, future=True, pool_size=POOLED, hide_parameters=True, **options)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _sqlite_pragmas)
    create_tables(engine, metadata)
    return engine


def create_tables(engine: Engine, tables: sa.MetaData) -> None:
    """Creates what is missing; two processes may start at the same moment."""
    try:
        tables.create_all(engine)
    except (sa.exc.OperationalError, sa.exc.ProgrammingError, sa.exc.IntegrityError):
        tables.create_all(engine)  # the other process won the race: now everything must be there


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: what the webhook acknowledged survives a power cut, not only a killed process.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


class Store:
    """Runs short database functions off the event loop."""

    def __init__(self, url: str) -> None:
        self.engine = engine_for(url)
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="theo-store")

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """`function(connection, *args)` in one transaction."""

        def call() -> T:
            with self.engine.begin() as connection:
                return function(connection, *args)

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

"""Shows the messages that could not be sent, and sends them again: `python -m connectors.requeue [--send]`.

Nothing of what the messages say is printed. What became too old to be sent is shown, and stays unsent. A running
Theo takes up what is queued again within seconds; each message keeps its place among those of its chat. Exit code 0,
or 2 when the database cannot be used.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connectors import outbox
from connectors.settings import Settings, SettingsError
from connectors.store import engine_for
from connectors.store import outbox as table


def unsent(db: Connection) -> list[str]:
    """One line per reason: how many messages, of how many chats, since when."""
    rows = db.execute(
        sa.select(
            table.c.error,
            sa.func.count(),
            sa.func.count(sa.distinct(table.c.conversation)),
            sa.func.min(table.c.created_at),
        )
        .where(table.c.state.in_(("failed", "stale")))
        .group_by(table.c.error)
        .order_by(sa.func.count().desc())
    )
    return [
        f"{messages:6d} mensagens, {chats} conversas, desde {dt.datetime.fromtimestamp(first):%d/%m/%Y %H:%M}: {error}"
        for error, messages, chats, first in rows
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Mostra as mensagens que não saíram; com --send, manda de novo.")
    parser.add_argument("--send", action="store_true", help="põe todas de volta na fila")
    chosen = parser.parse_args(arguments)
    try:
        engine = engine_for(Settings.from_environ().database_url)
        with engine.begin() as db:
            for line in unsent(db) or ["Nenhuma mensagem parada."]:
                print(line)
            if chosen.send:
                print(f"{outbox.requeue_failed(db)} mensagens de volta na fila.")
    except (SettingsError, sa.exc.SQLAlchemyError) as error:
        print(f"✗ {error}" if isinstance(error, SettingsError) else f"✗ {type(error).__name__}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

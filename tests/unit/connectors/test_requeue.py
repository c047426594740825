"""What an operator does with messages that did not go out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors import outbox, requeue
from connectors.messages import Outgoing
from connectors.store import engine_for
from connectors.store import outbox as table

SECRET = "Seu saldo é de R$ 99,90"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with three messages that failed, of two chats, and one that was sent."""
    url = f"sqlite:///{tmp_path}/theo.db"
    monkeypatch.setenv("DATABASE_URL", url)
    with engine_for(url).begin() as db:
        for chat, words in (("5583991110001", 2), ("5583991110002", 2)):
            outbox.put(db, "zapi", chat, chat, [Outgoing(SECRET)] * words, time.time())
        db.execute(table.update().where(table.c.id < 4).values(state="failed", error="send-text: HTTP 403", attempts=1))
        db.execute(table.update().where(table.c.id == 4).values(state="sent"))
    return url


def states(url: str) -> list[str]:
    with engine_for(url).begin() as db:
        return [row.state for row in db.execute(sa.select(table.c.state).order_by(table.c.id))]


def test_failed_messages_are_counted_and_stay(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert requeue.main([]) == 0
    told = capsys.readouterr().out
    assert told.startswith("     3 mensagens, 2 conversas, desde ")
    assert told.endswith(": send-text: HTTP 403\n")
    assert SECRET not in told
    assert states(url) == ["failed", "failed", "failed", "sent"]


def test_they_go_back_to_their_places(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert requeue.main(["--send"]) == 0
    assert capsys.readouterr().out.endswith("3 mensagens de volta na fila.\n")
    assert states(url) == ["queued", "queued", "queued", "sent"]
    assert requeue.main([]) == 0
    assert capsys.readouterr().out == "Nenhuma mensagem parada.\n"


def test_a_database_that_is_away_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://theo:segredo@127.0.0.1:9/theo")
    assert requeue.main([]) == 2
    error = capsys.readouterr().err
    assert error == "✗ OperationalError\n"


def test_what_became_too_old_is_shown_and_stays_unsent(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with engine_for(url).begin() as db:
        db.execute(table.update().where(table.c.id < 4).values(state="stale", error="older than 120 min"))
    assert requeue.main(["--send"]) == 0
    assert capsys.readouterr().out.endswith(": older than 120 min\n0 mensagens de volta na fila.\n")
    assert states(url) == ["stale", "stale", "stale", "sent"]

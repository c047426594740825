"""What is forgotten and what is not, on both databases."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from connectors import inbox, outbox, retention
from connectors.messages import Outgoing
from connectors.settings import Settings, SettingsError
from connectors.store import Store
from connectors.store import audit as audit_table
from connectors.store import conversations as conversation_table
from connectors.store import inbox as inbox_table
from connectors.store import outbox as outbox_table
from connectors.tracker_store import TheoTrackerStore
from language.rights import right_in
from tests.unit.connectors.fakes import CHANNEL, INSTANCE, PHONE, message

Rows = Callable[..., list[Any]]
DAY = 24 * 3600.0
NOW = time.time()
OTHER = "5583991110002"


@pytest.fixture
def memory(store: Store) -> TheoTrackerStore:
    return TheoTrackerStore(Domain.empty())


@pytest.fixture
def db(store: Store, memory: TheoTrackerStore) -> Any:
    with store.engine.begin() as connection:
        yield connection


def heard(db: Any, days_ago: float, state: str, phone: str = PHONE) -> str:
    said = message(f"de {days_ago} dias", phone=phone)
    name = inbox.receive(db, CHANNEL, INSTANCE, said, NOW - days_ago * DAY)
    assert name is not None
    db.execute(inbox_table.update().where(inbox_table.c.message_id == said.message_id).values(state=state))
    return name


def told(db: Any, days_ago: float, state: str, phone: str = PHONE) -> None:
    outbox.put(db, CHANNEL, phone, phone, [Outgoing(text=f"de {days_ago} dias")], NOW - days_ago * DAY)
    last = db.execute(sa.select(sa.func.max(outbox_table.c.id))).scalar_one()
    db.execute(outbox_table.update().where(outbox_table.c.id == last).values(state=state))


async def talked(memory: TheoTrackerStore, phone: str, *days_ago: float) -> None:
    """One session per number of days."""
    tracker = await memory.get_or_create_tracker(phone, append_action_listen=False)
    for days in days_ago:
        at = NOW - days * DAY
        tracker.update(SessionStarted(timestamp=at))
        tracker.update(UserUttered(f"há {days} dias", {"name": "informar"}, timestamp=at + 1))
        tracker.update(BotUttered("oi", timestamp=at + 2))
    await memory.save(tracker)


def kept(db: Any, table: sa.Table) -> list[Any]:
    return list(db.execute(sa.select(table).order_by(table.c.id)))


def texts(db: Any) -> list[str]:
    rows = db.execute(sa.text("SELECT data FROM events WHERE type_name = 'user' ORDER BY id"))
    return [json.loads(row.data)["text"] for row in rows]


def test_only_what_is_old_and_over_goes(db: Any) -> None:
    for days, state in ((91, "done"), (91, "human"), (91, "dropped"), (91, "failed"), (91, "new"), (89, "done")):
        heard(db, days, state)
    for days, state in ((91, "sent"), (91, "failed"), (91, "queued"), (89, "sent")):
        told(db, days, state)
    assert retention.purge(db, NOW, 90) == 6
    assert [row.state for row in kept(db, inbox_table)] == ["new", "done"]
    assert [row.state for row in kept(db, outbox_table)] == ["queued", "sent"]
    assert retention.over(db, NOW, 90) == []
    assert retention.purge(db, NOW, 90) == 0


async def test_of_rasas_memory_the_sessions_before_the_current_one_go(store: Store, memory: TheoTrackerStore) -> None:
    await talked(memory, PHONE, 200, 120, 100)
    await talked(memory, OTHER, 200, 10)
    with store.engine.begin() as db:
        assert retention.purge(db, NOW, 90) == 3 * 2 + 3
        assert texts(db) == ["há 100 dias", "há 10 dias"]
    # what comes next is stored once, and nothing twice
    again: DialogueStateTracker = await memory.get_or_create_tracker(OTHER, append_action_listen=False)
    again.update(UserUttered("de novo", {"name": "informar"}))
    await memory.save(again)
    with store.engine.begin() as db:
        assert texts(db) == ["há 100 dias", "há 10 dias", "de novo"]


async def test_a_talk_that_is_over_goes_as_a_whole(store: Store, memory: TheoTrackerStore) -> None:
    await talked(memory, PHONE, 100)
    await talked(memory, OTHER, 100)
    with store.engine.begin() as db:
        heard(db, 100, "done")
        heard(db, 100, "new", OTHER)  # still waits for its answer
        retention.purge(db, NOW, 90)
        assert retention.over(db, NOW, 90) == [PHONE]
        assert retention.forget(db, OTHER, NOW, 90) == 0
        assert retention.forget(db, PHONE, NOW, 90) == 4
        assert texts(db) == ["há 100 dias"]
        assert [row.id for row in kept(db, conversation_table)] == [OTHER]


def test_a_chat_that_a_person_serves_is_not_over(db: Any) -> None:
    heard(db, 100, "done")
    inbox.take_over(db, PHONE, NOW + 60)
    retention.purge(db, NOW, 90)
    assert retention.over(db, NOW, 90) == []
    assert retention.over(db, NOW + 61, 90) == [PHONE]


async def test_an_erased_talk_leaves_ids_for_a_day_and_nothing_else(store: Store, memory: TheoTrackerStore) -> None:
    await talked(memory, PHONE, 1, 0.01)
    await talked(memory, OTHER, 1)
    with store.engine.begin() as db:
        heard(db, 0.5, "done")
        heard(db, 0, "new")
        heard(db, 0, "done", OTHER)
        told(db, 0, "sent")
        told(db, 0, "queued")
        retention.erase(db, PHONE)
        assert texts(db) == ["há 1 dias"], "the other customer's"
        assert [(row.conversation, row.state) for row in kept(db, inbox_table)] == [
            (PHONE, "erased"), (PHONE, "new"), (OTHER, "done"),
        ]  # fmt: skip
        assert PHONE not in kept(db, inbox_table)[0].content and "dias" not in kept(db, inbox_table)[0].content
        assert [row.state for row in kept(db, outbox_table)] == ["queued"]
        retention.purge(db, NOW + 0.6 * DAY, 90)
        assert [row.state for row in kept(db, inbox_table)] == ["new", "done"]


def test_deeds_are_noted_masked_and_forgotten_after_two_years(db: Any, rows: Rows) -> None:
    name = heard(db, 0, "done")
    retention.note(db, inbox.conversation(db, name), "desbloqueio", "20261122000001")
    [row] = kept(db, audit_table)
    assert (row.who, row.what, row.protocol) == (f"{PHONE[:4]}*****{PHONE[-4:]}", "desbloqueio", "20261122000001")
    retention.purge(db, NOW + 729 * DAY, 90)
    assert kept(db, audit_table)
    retention.purge(db, NOW + 731 * DAY, 90)
    assert not kept(db, audit_table)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("5583991110001", "5583*****0001"), ("123456789012345@lid", "1234*******2345"), ("12345678", "********")],
)
def test_an_address_is_masked(address: str, shown: str) -> None:
    assert retention.masked(address) == shown


@pytest.mark.parametrize("days", ["0", "0.5", "-1", "nunca"])
def test_days_that_are_none_are_refused(days: str) -> None:
    with pytest.raises(SettingsError, match="^THEO_RETENTION_DAYS is "):
        Settings.from_environ({"THEO_RETENTION_DAYS": days})


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("meus dados", "ver"), ("Quero ver meus dados, por favor", "ver"), ("oq vcs sabem sobre mim?", "ver"),
        ("apagar meus dados", "apagar"), ("quero q vcs excluam todos os meus dados", "apagar"),
        ("deleta minha conversa", "apagar"), ("apagar tudo que vocês têm de mim", "apagar"),
        ("quero mudar meus dados", None), ("meus dados móveis acabaram", None), ("o roteador apagou", None),
        ("não quero apagar meus dados", None), ("apaguei as mensagens sem querer", None),
        ("quero excluir meu contrato", None), ("me manda os dados pra pagar", None), ("", None),
    ],
)  # fmt: skip
def test_who_asks_for_their_data_is_heard_by_rule(text: str, right: str | None) -> None:
    assert right_in(text) == right

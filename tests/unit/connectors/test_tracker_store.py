"""Rasa's memory: a turn's events and its replies are one transaction, and nothing fails in silence."""

from __future__ import annotations

import copy
import json
import random
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.core.tracker_store import FailSafeTrackerStore, SQLTrackerStore, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    ConversationPaused,
    Event,
    LoopInterrupted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from connectors import tracker_store
from connectors.store import Store, engine_for
from connectors.store import inbox as inbox_table
from connectors.store import outbox as outbox_table
from connectors.tracker_store import TheoTrackerStore
from tests.unit.connectors.fakes import PHONE, Chat, answered, on_sqlite

Rows = Callable[..., list[Any]]
Handle = Callable[[UserMessage], Awaitable[None]]
DOMAIN = Domain.from_dict(
    {
        "intents": ["informar", "saudar"],
        "actions": ["action_x"],
        "slots": {
            "dia": {"type": "any", "mappings": [{"type": "custom"}]},
            "nome": {"type": "text", "mappings": [{"type": "custom"}]},
        },
        "forms": {"dia_form": {"required_slots": ["dia"]}},
    }
)
MENU = [{"title": "Pix", "payload": '/informar{"forma": "pix"}'}, {"title": "PDF", "payload": "/informar"}]


@pytest.fixture
def memory(store: Store) -> FailSafeTrackerStore:
    """As Rasa's agent wraps it."""
    return FailSafeTrackerStore(TheoTrackerStore(DOMAIN))


@pytest.fixture
def rasa(chat: Chat, memory: FailSafeTrackerStore) -> Iterator[Chat]:
    """A chat whose Rasa keeps its events in the store: a word, an answer, one save at the end."""

    async def handle(said: UserMessage) -> None:
        chat.rasa.heard.append(said)
        tracker = await memory.get_or_create_tracker(said.sender_id, append_action_listen=False)
        if not tracker.events:
            tracker.update(SessionStarted())
        tracker.update(UserUttered(said.text, {"name": "informar"}, message_id=said.message_id))
        await chat.rasa.answer(said)
        tracker.update_with_events([BotUttered(f"eco: {said.text}"), ActionExecuted("action_listen")], DOMAIN)
        if said.text == "em que dia":
            tracker.update(SlotSet("requested_slot", "dia"), DOMAIN)
        await memory.save(tracker)

    chat.turns._handle = handle
    yield chat


@pytest.fixture
def events(database_url: str) -> Callable[[], list[str]]:
    """What is kept, as `type` or what was said."""

    def read() -> list[str]:
        with engine_for(database_url).connect() as db:
            kept = [json.loads(row.data) for row in db.execute(sa.text("SELECT data FROM events ORDER BY id"))]
        return [event.get("text") or event.get("name") or event["event"] for event in kept]

    return read


@pytest.fixture
def broken_commit(database_url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Commits of Rasa's (on the memory's own threads) fail once for every reason in the list."""
    dialect = engine_for(database_url).dialect
    reasons: list[str] = []
    commit = dialect.do_commit

    def do_commit(connection: Any) -> None:
        if reasons and threading.current_thread().name.startswith("theo-memory"):
            connection.rollback()  # a COMMIT that fails has ended the transaction all the same
            raise dialect.dbapi.OperationalError(reasons.pop())
        commit(connection)

    monkeypatch.setattr(dialect, "do_commit", do_commit)
    return reasons


# -- one transaction ----------------------------------------------------------------------------------


async def test_events_replies_and_answered_messages_are_kept_together(
    rasa: Chat, rows: Rows, events: Callable[[], list[str]]
) -> None:
    await rasa.says("oi")
    await answered(rasa, 1)
    assert events() == ["session_started", "oi", "eco: oi", "action_listen"]
    assert [row.state for row in rows(inbox_table)] == ["done"]
    assert [json.loads(row.content)["text"] for row in rows(outbox_table)] == ["eco: oi"]
    await rasa.says("tudo bem?")
    await answered(rasa, 2)
    assert events()[4:] == ["tudo bem?", "eco: tudo bem?", "action_listen"]


async def test_when_the_commit_fails_nothing_is_kept(
    rasa: Chat, rows: Rows, events: Callable[[], list[str]], broken_commit: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop_there(*_: object) -> bool:
        return False

    monkeypatch.setattr("connectors.workers.Workers.pause", stop_there)
    broken_commit.append("disk full")
    rasa.turns._burst = 0
    await rasa.says("oi")
    await rasa.quiet()
    assert broken_commit == []
    assert len(rasa.rasa.heard) == 1
    assert events() == []
    assert rows(outbox_table) == []
    assert [row.state for row in rows(inbox_table)] == ["new"]


async def test_and_the_turn_is_run_again_as_if_never_begun(
    rasa: Chat, rows: Rows, events: Callable[[], list[str]], broken_commit: list[str], no_waits: list[float]
) -> None:
    broken_commit.extend(["disk full", "server closed the connection"])
    await rasa.says("oi")
    await answered(rasa, 1)
    assert rasa.rasa.texts == ["oi"] * 3
    assert events() == ["session_started", "oi", "eco: oi", "action_listen"]
    assert rasa.gateway.texts == ["eco: oi"]
    assert len(rows(outbox_table)) == 1


async def test_a_turn_that_somebody_else_took_is_forgotten(
    rasa: Chat, rows: Rows, events: Callable[[], list[str]]
) -> None:
    async def overtaken(said: UserMessage) -> None:
        await rasa.rasa.echo(said)
        await rasa.attendant("Oi, aqui é a Rita")

    rasa.rasa.answer = overtaken
    await rasa.says("oi")
    await rasa.quiet()
    assert len(rasa.rasa.heard) == 1
    assert events() == []
    assert rows(outbox_table) == []


async def test_the_empty_tracker_of_a_new_customer_does_not_end_the_turn(
    rasa: Chat, memory: FailSafeTrackerStore, events: Callable[[], list[str]]
) -> None:
    async def answer(said: UserMessage) -> None:
        await memory.create_tracker(said.sender_id)  # Rasa saves it, with an action_listen, before the message
        await rasa.rasa.echo(said)

    rasa.rasa.answer = answer
    await rasa.says("oi")
    await answered(rasa, 1)
    assert rasa.gateway.texts == ["eco: oi"]


@on_sqlite
async def test_a_save_outside_a_turn_only_keeps_events(
    memory: FailSafeTrackerStore, rows: Rows, events: Callable[[], list[str]]
) -> None:
    tracker = await memory.create_tracker(PHONE)
    tracker.update(UserUttered("oi", message_id="3EB01"))
    await memory.save(tracker)
    assert events() == ["action_listen", "oi"]
    assert rows(outbox_table) == []


@on_sqlite
async def test_a_menu_is_past_while_a_form_asks(rasa: Chat) -> None:
    async def menu(said: UserMessage) -> None:
        await said.output_channel.send_text_with_buttons(said.sender_id, "Como?", MENU)

    async def statement(said: UserMessage) -> None:
        await said.output_channel.send_text_message(said.sender_id, "Me diz o dia.")

    rasa.rasa.answer = menu
    await rasa.says("oi")
    await answered(rasa, 1)
    rasa.rasa.answer = statement
    await rasa.says("qual o horário")
    await answered(rasa, 2)
    await rasa.says("1")  # nothing was asked: the menu stands
    await answered(rasa, 3)
    await rasa.says("em que dia")
    await answered(rasa, 4)
    await rasa.says("1")
    await answered(rasa, 5)
    assert [text for text in rasa.rasa.texts if text in ("1", MENU[0]["payload"])] == [MENU[0]["payload"], "1"]


# -- no silent failure --------------------------------------------------------------------------------


async def test_a_failed_read_is_no_new_customer(
    rasa: Chat,
    memory: FailSafeTrackerStore,
    events: Callable[[], list[str]],
    no_waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await rasa.says("oi")
    await answered(rasa, 1)
    real, failures = TheoTrackerStore._retrieve, ["once", "twice"]

    async def retrieve(self: TheoTrackerStore, *args: Any, **kwargs: Any) -> Any:
        if failures:
            raise sa.exc.OperationalError(failures.pop(), {}, Exception("away"))
        return await real(self, *args, **kwargs)

    monkeypatch.setattr(TheoTrackerStore, "_retrieve", retrieve)
    with pytest.raises(sa.exc.OperationalError):
        await memory.retrieve(PHONE)
    await rasa.says("e meu boleto?")
    await answered(rasa, 2)
    assert events().count("session_started") == 1
    tracker = await memory.retrieve(PHONE)
    assert [e.text for e in tracker.events if isinstance(e, UserUttered)] == ["oi", "e meu boleto?"]


@on_sqlite
async def test_a_failed_save_is_not_kept_in_memory_only(memory: FailSafeTrackerStore, broken_commit: list[str]) -> None:
    tracker = await memory.create_tracker(PHONE)
    tracker.update(UserUttered("oi"))
    broken_commit.append("disk full")
    with pytest.raises(sa.exc.OperationalError):
        await memory.save(tracker)
    assert memory._fallback_tracker_store is None


async def test_only_the_last_session_is_read(memory: FailSafeTrackerStore) -> None:
    tracker = await memory.create_tracker(PHONE)
    for text in ("ontem", "hoje"):
        tracker.update_with_events([SessionStarted(), UserUttered(text), ActionExecuted("action_listen")], DOMAIN)
        await memory.save(tracker)
        tracker = await memory.retrieve(PHONE)
    assert [e.text for e in tracker.events if isinstance(e, UserUttered)] == ["hoje"]
    tracker.update(UserUttered("agora"))
    await memory.save(tracker)
    tracker = await memory.retrieve(PHONE)
    assert [e.text for e in tracker.events if isinstance(e, UserUttered)] == ["hoje", "agora"]
    full = await memory.retrieve_full_tracker(PHONE)
    assert [e.text for e in full.events if isinstance(e, UserUttered)] == ["ontem", "hoje", "agora"]


async def test_odd_characters_are_kept(memory: FailSafeTrackerStore) -> None:
    tracker = await memory.create_tracker(PHONE)
    tracker.update(UserUttered("olá \0 \U0001f600 \ud83d", message_id="3EB0"))
    await memory.save(tracker)
    kept = await memory.retrieve(PHONE)
    assert kept.events[-1].text == "olá \0 \U0001f600 \ud83d"


@on_sqlite
def test_a_value_error_does_not_end_the_process(memory: FailSafeTrackerStore) -> None:
    with pytest.raises(ValueError, match="NUL"), memory._tracker_store.session_scope():
        raise ValueError("A string literal cannot contain NUL (0x00) characters.")


@on_sqlite
def test_rasas_own_would(store: Store, database_url: str) -> None:
    """When this fails, `session_scope` need not be ours any more."""
    stock = SQLTrackerStore(DOMAIN, host=database_url)
    with pytest.raises(SystemExit), stock.session_scope():
        raise ValueError("A string literal cannot contain NUL (0x00) characters.")


async def test_a_connection_that_died_is_replaced(
    memory: FailSafeTrackerStore, postgresql_url: str, database_url: str
) -> None:
    await memory.create_tracker(PHONE)
    if database_url == postgresql_url:
        engine = sa.create_engine(postgresql_url, future=True)
        with engine.begin() as db:
            db.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        engine.dispose()
    assert (await memory.retrieve(PHONE)).sender_id == PHONE

# -- a long talk --------------------------------------------------------------------------------------


class LongTalk:
    """The same talk twice: as Rasa would remember it, and as it is kept and read again for every turn."""

    def __init__(self, memory: FailSafeTrackerStore, seed: int) -> None:
        self.memory, self.chance, self.turn = memory, random.Random(seed), 0
        self.whole = DialogueStateTracker(PHONE, DOMAIN.slots)

    async def says(self) -> DialogueStateTracker:
        """One turn of forms, digressions, slots and answers; returns what is read for the next one."""
        tracker = await self.memory.get_or_create_tracker(PHONE, append_action_listen=False)
        new = [*([] if self.turn else [SessionStarted(), ActionExecuted("action_listen")]), *self._turn(tracker)]
        self.whole.update_with_events(copy.deepcopy(new), DOMAIN)
        tracker.update_with_events(new, DOMAIN)
        await self.memory.save(tracker)
        self.turn += 1
        return await self.memory.retrieve(PHONE)

    def _turn(self, tracker: DialogueStateTracker) -> list[Event]:
        loop = tracker.active_loop_name
        said = UserUttered(f"mensagem {self.turn}", {"name": self.chance.choice(["informar", "saudar"])})
        answer = [BotUttered(f"resposta {self.turn}"), ActionExecuted("action_listen")]
        what = self.chance.random()
        if loop and what < 0.4:  # the form goes on
            return [said, ActionExecuted("dia_form"), SlotSet("dia", self.turn), *answer]
        if loop and what < 0.6:  # a side question, after which the form asks again
            aside = [ActionExecutionRejected("dia_form"), ActionExecuted("action_x"), LoopInterrupted(True)]
            return [said, *aside, ActionExecuted("dia_form"), *answer]
        if loop and what < 0.8:  # a side question, and no more
            return [said, ActionExecutionRejected("dia_form"), ActionExecuted("action_x"), *answer]
        if loop:
            return [said, ActionExecuted("dia_form"), SlotSet("requested_slot", None), ActiveLoop(None), *answer]
        if what < 0.5:
            opened = [ActiveLoop("dia_form"), SlotSet("requested_slot", "dia")]
            return [said, ActionExecuted("dia_form"), *opened, *answer]
        return [said, ActionExecuted("action_x"), SlotSet("nome", f"nome {self.turn}"), *answer]


@on_sqlite
@pytest.mark.parametrize("seed", range(6))
async def test_what_is_read_of_a_long_talk_leads_to_the_same(memory: FailSafeTrackerStore, seed: int) -> None:
    talk = LongTalk(memory, seed)
    for _ in range(120):
        read, whole = await talk.says(), talk.whole
        assert read.current_slot_values() == whole.current_slot_values()
        assert read.active_loop == whole.active_loop or read.active_loop_name == whole.active_loop_name
        assert (read.latest_action_name, read.followup_action) == (whole.latest_action_name, whole.followup_action)
        # Five states are what a policy looks back at most; the longest rule has three.
        assert read.past_states(DOMAIN)[-5:] == whole.past_states(DOMAIN)[-5:]
        assert said(read)[-tracker_store.LEAST_TURNS :] == said(whole)[-tracker_store.LEAST_TURNS :]
        assert len(said(read)) <= tracker_store.MOST_TURNS + 8  # a digression at the wrong place puts it off


async def test_a_turn_reads_and_writes_the_same_at_the_end_of_a_talk(memory: FailSafeTrackerStore) -> None:
    talk = LongTalk(memory, 1)
    lengths = [len((await talk.says()).events) for _ in range(150)]
    assert max(lengths[100:]) <= 1.3 * max(lengths[:30])
    full = await memory.retrieve_full_tracker(PHONE)
    assert said(full) == said(talk.whole)  # nothing is forgotten
    assert [type(e) for e in full.events] == [type(e) for e in talk.whole.events]


async def test_a_new_session_begins_anew(memory: FailSafeTrackerStore) -> None:
    talk = LongTalk(memory, 2)
    for _ in range(40):
        tracker = await talk.says()
    tracker.update_with_events([SessionStarted(), UserUttered("de novo"), ActionExecuted("action_listen")], DOMAIN)
    await memory.save(tracker)
    tracker = await memory.retrieve(PHONE)
    assert said(tracker) == ["de novo"]
    assert tracker.get_slot("nome") is None


async def test_a_paused_talk_stays_paused(memory: FailSafeTrackerStore) -> None:
    talk = LongTalk(memory, 3)
    tracker = await talk.says()
    tracker.update(ConversationPaused())
    await memory.save(tracker)
    for _ in range(40):
        tracker = await talk.says()
    assert tracker.is_paused()


@on_sqlite
async def test_rasa_reads_all_of_a_session(store: Store, database_url: str) -> None:
    """When this fails, a newer Rasa reads only what it needs, and `resumption` can go."""
    stock = SQLTrackerStore(DOMAIN, host=database_url)
    talk = LongTalk(stock, 4)
    for _ in range(60):
        tracker = await talk.says()
    assert len(said(tracker)) == 60


async def test_no_row_is_looked_for_one_by_one(memory: FailSafeTrackerStore, database_url: str) -> None:
    talk = LongTalk(memory, 5)
    for _ in range(30):
        await talk.says()
    engine = engine_for(database_url)
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    await memory.retrieve(PHONE)
    sa.event.remove(engine, "before_cursor_execute", note)
    reads = [(statement, parameters) for statement, parameters in asked if "FROM events" in statement]
    assert len(reads) == 2
    if engine.dialect.name == "sqlite":
        with engine.connect() as db:
            for statement, parameters in reads:
                plan = [row[-1] for row in db.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
                assert not [step for step in plan if step.startswith(("SCAN", "USE TEMP B-TREE"))], plan


def said(tracker: DialogueStateTracker) -> list[str]:
    return [event.text for event in tracker.events if isinstance(event, UserUttered)]


# -- how Rasa finds it --------------------------------------------------------------------------------


@on_sqlite
def test_endpoints_yml_leads_here(store: Store) -> None:
    """Rasa falls back to memory in silence when a store cannot be made: this must not happen to ours."""
    endpoint = EndpointConfig.from_dict({"type": "connectors.tracker_store.TheoTrackerStore"})
    agent = Agent(domain=DOMAIN, tracker_store=TrackerStore.create(endpoint))
    assert isinstance(agent.tracker_store, FailSafeTrackerStore)
    assert isinstance(agent.tracker_store._tracker_store, TheoTrackerStore)


def test_the_indices_are_there(memory: FailSafeTrackerStore, database_url: str) -> None:
    names = {index["name"] for index in sa.inspect(engine_for(database_url)).get_indexes("events")}
    assert {"theo_events_by_sender_id_id", "theo_events_by_sender_id_type_name_id"} <= names


def test_slots_do_not_grow_from_session_to_session() -> None:
    """Rasa copies every past value of every slot at each session start."""
    root = Path(__file__).parents[3]
    assert Domain.load(root / "domain.yml").session_config.carry_over_slots is False

"""Rasa's memory of the talks, in the same database as the inbox and the outbox.

What the stock SQL store does worse is closed here: connections that died are replaced before use, a failed
read is an error and not a forgotten customer (`rasa_patches.py` lets it through), and the turn's events are
written together with its replies.

A turn costs the same at the end of a long talk as at its start: only the last turns are read, behind a
*resumption*, a row of its own in `events` that holds what was true before them (slots, form). Rasa would read,
replay and hand to every policy and action all that was ever said in the session.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    ConversationPaused,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session, sessionmaker

from connectors import rasa_patches, turns
from connectors.settings import Settings
from connectors.store import create_tables, engine_for

T = TypeVar("T")

#: `type_name` of the rows that say what was true before the turns behind them.
RESUMPTION = "theo_resumption"
#: How many turns are read at least, and how many at most. Actions look back ten messages (a summary for the
#: attendant), policies five states.
LEAST_TURNS, MOST_TURNS = 10, 14


@dataclass
class Stored:
    """What of a tracker is in the table: for each of its first events the row's id, None for a resumption's."""

    rows: list[int | None] = field(default_factory=list)


class TheoTrackerStore(SQLTrackerStore):
    """`endpoints.yml` names it; the database is `DATABASE_URL`, as for everything else."""

    def __init__(
        self,
        domain: Domain | None = None,
        host: str | None = None,
        event_broker: EventBroker | None = None,
        **_: Any,
    ) -> None:
        rasa_patches.apply()
        self.engine = engine_for(Settings.from_environ().database_url)
        self._table = self.SQLEvent.__table__
        create_tables(self.engine, self.Base.metadata)
        for columns in (("sender_id", "id"), ("sender_id", "type_name", "id")):
            _index(self.engine, self._table, columns)
        # Made once: making a statement costs several times its running.
        events, mine = self._table.c, self._table.c.sender_id == sa.bindparam("who")
        # Each of the two is the end of an index, however long the talk is.
        last = [
            sa.select(sa.func.max(events.id)).where(mine, events.type_name == kind).scalar_subquery()
            for kind in (SessionStarted.type_name, RESUMPTION)
        ]
        self._starts = sa.select(events.id, events.type_name, events.data).where(events.id.in_(last))
        since = (mine, events.id >= sa.bindparam("first"), events.type_name != RESUMPTION)
        self._since = sa.select(events.id, events.data).where(*since).order_by(events.id)
        self.sessionmaker = sessionmaker(bind=self.engine, future=True)
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="theo-memory")
        TrackerStore.__init__(self, domain, event_broker)

    @contextlib.contextmanager
    def session_scope(self) -> Iterator[Session]:
        """One session. Rasa's own ends the process on any ValueError inside, such as a NUL for PostgreSQL."""
        with self.sessionmaker() as session:
            yield session

    # -- reading ------------------------------------------------------------------------------------

    async def _retrieve(self, sender_id: str, fetch_events_from_all_sessions: bool) -> DialogueStateTracker | None:
        """The talk as far as it is needed; all of it for `fetch_events_from_all_sessions`. None for a stranger."""
        before, rows = await self._run(self._read, sender_id, fetch_events_from_all_sessions)
        if not (self.domain and rows):
            return None
        known = [Event.from_parameters(data) for data in [*before, *(json.loads(row.data) for row in rows)]]
        ids = [*itertools.repeat(None, len(before)), *(row.id for row in rows)]
        there = [(event, row_id) for event, row_id in zip(known, ids) if event is not None]  # of an older Rasa
        tracker = DialogueStateTracker.from_events(sender_id, [event for event, _ in there], self.domain.slots)
        tracker.stored = Stored([row_id for _, row_id in there])
        return tracker

    def _read(self, db: Connection, sender_id: str, everything: bool) -> tuple[list[dict[str, Any]], list[Any]]:
        """(what was true before, the rows that follow it), oldest first."""
        before: list[dict[str, Any]] = []
        first = 0
        if not everything:
            starts = db.execute(self._starts, {"who": sender_id}).all()
            start = max(starts, key=lambda row: row.id, default=None)
            if start is not None and start.type_name == RESUMPTION:
                resumption = json.loads(start.data)
                before, first = resumption["before"], resumption["first"]
            elif start is not None:
                first = start.id
        return before, db.execute(self._since, {"who": sender_id, "first": first}).all()

    # -- writing ------------------------------------------------------------------------------------

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Appends what is new; at the end of a turn its replies go in the same transaction."""
        await self.stream_events(tracker)
        stored = getattr(tracker, "stored", None) or Stored()
        new = list(itertools.islice(tracker.events, len(stored.rows), None))
        await self._run(self._write, tracker, new, turns.current_turn.get(), resumption(tracker, stored))
        # Their ids are not needed before they are read again: a resumption begins further back.
        tracker.stored = Stored([*stored.rows, *itertools.repeat(None, len(new))])

    def _write(
        self,
        db: Connection,
        tracker: DialogueStateTracker,
        new: list[Event],
        turn: turns.Turn | None,
        resume: dict[str, Any] | None,
    ) -> None:
        rows = [self._row(tracker.sender_id, event.type_name, event.as_dict()) for event in new]
        if resume is not None:
            rows.append(self._row(tracker.sender_id, RESUMPTION, {"timestamp": new[-1].timestamp, **resume}))
        if rows:
            db.execute(self._table.insert(), rows)
        # Rasa saves a new customer's empty tracker first; the save that holds the message ends the turn.
        if turn is not None and not turn.committed and _holds(new, turn.id):
            turn.commit(db, asking=_asks(tracker))

    @staticmethod
    def _row(sender_id: str, type_name: str, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "sender_id": sender_id,
            "type_name": type_name,
            "timestamp": data.get("timestamp"),
            "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
            "action_name": data.get("name"),
            "data": json.dumps(data),
        }

    async def _run(self, function: Callable[..., T], *args: Any) -> T:
        """`function(connection, *args)` in one transaction, off the event loop."""

        def call() -> T:
            with self.engine.begin() as db:
                return function(db, *args)

        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


def _index(engine: sa.engine.Engine, table: sa.Table, columns: tuple[str, ...]) -> None:
    """Makes an index where it is missing, also on a table that was there before."""
    name = "theo_events_by_" + "_".join(columns)
    known = {index.name: index for index in table.indexes}
    index = known.get(name)
    if index is None:
        index = sa.Index(name, *(table.c[column] for column in columns))
    with contextlib.suppress(sa.exc.OperationalError, sa.exc.ProgrammingError, sa.exc.IntegrityError):
        index.create(engine, checkfirst=True)  # another process may be making it at this moment


def resumption(tracker: DialogueStateTracker, stored: Stored) -> dict[str, Any] | None:
    """What has to be kept so that the next turn need not read this far back; None while the talk is short.

    `first` is the row that the next read begins with, the message that opens a turn; `before` are events that
    bring a new tracker to what was true then.
    """
    events = list(tracker.events)
    begins = [i for i, event in enumerate(events) if isinstance(event, UserUttered)]
    session = max((i for i, event in enumerate(events) if isinstance(event, SessionStarted)), default=0)
    begins = [i for i in begins if i > session]
    if len(begins) <= MOST_TURNS:
        return None
    past = DialogueStateTracker(tracker.sender_id, tracker.slots.values())
    for slot in past.slots.values():
        slot.reset()
    at, best = 0, None
    for begin in begins[: len(begins) - LEAST_TURNS + 1]:
        for event in events[at:begin]:
            past.update(event)
        at = begin
        fits = _can_resume(events[:begin], past) or len(begins) > 4 * MOST_TURNS
        if fits and begin < len(stored.rows) and stored.rows[begin] is not None:
            best = {"first": stored.rows[begin], "before": _as_events(past, events[begin].timestamp)}
    return best


def _can_resume(events: list[Event], tracker: DialogueStateTracker) -> bool:
    """Whether Theo waited for a word, and a form that was open had asked last: not in the middle of a digression.

    Rasa tells by the form's last run whether a message answers it (`DialogueStateTracker.applied_events`).
    """
    ran = [event.action_name for event in reversed(events) if isinstance(event, ActionExecuted)][:2]
    if not ran or ran[0] != ACTION_LISTEN_NAME:
        return False
    return tracker.active_loop is None or ran[1:] == [tracker.active_loop_name]


def _as_events(tracker: DialogueStateTracker, timestamp: float) -> list[dict[str, Any]]:
    """The shortest way to this state of a talk that waits for the customer."""
    found: list[Event] = [SessionStarted()]
    found += [SlotSet(name, slot.value) for name, slot in tracker.slots.items() if slot.value != slot.initial_value]
    if tracker.active_loop is not None:
        opened = tracker.get_last_event_for(UserUttered)  # applied ones only: answers to the form are not
        found += [ActionExecuted(ACTION_LISTEN_NAME), *([copy.copy(opened)] if opened else [])]
        found += [ActionExecuted(tracker.active_loop_name), ActiveLoop(tracker.active_loop_name)]
    found.append(ActionExecuted(ACTION_LISTEN_NAME))
    if tracker.is_paused():
        found.append(ConversationPaused())
    for event in found:
        event.timestamp = timestamp
    return [event.as_dict() for event in found]


def _holds(events: list[Any], message_id: str) -> bool:
    return any(isinstance(event, UserUttered) and event.message_id == message_id for event in events)


def _asks(tracker: DialogueStateTracker) -> bool:
    """Whether a form waits for an answer."""
    return REQUESTED_SLOT in tracker.slots and tracker.get_slot(REQUESTED_SLOT) is not None

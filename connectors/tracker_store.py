"""Rasa's memory of the talks, in the same database as the inbox and the outbox.

What the stock SQL store does worse is closed here: connections that died are replaced before use, a failed
read is an error and not a forgotten customer (`rasa_patches.py` lets it through), and the turn's events are
written together with its replies.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SQLTrackerStore, TrackerStore
from rasa.shared.core.constants import REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.orm import Session, sessionmaker

from connectors import rasa_patches, turns
from connectors.settings import Settings
from connectors.store import create_tables, engine_for


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
        events = self.SQLEvent.__table__
        if not any(index.name == "theo_events_by_session" for index in events.indexes):
            sa.Index("theo_events_by_session", events.c.sender_id, events.c.type_name, events.c.timestamp)
        create_tables(self.engine, self.Base.metadata)
        self.sessionmaker = sessionmaker(bind=self.engine, future=True)
        TrackerStore.__init__(self, domain, event_broker)

    @contextlib.contextmanager
    def session_scope(self) -> Iterator[Session]:
        """One session. Rasa's own ends the process on any ValueError inside, such as a NUL for PostgreSQL."""
        with self.sessionmaker() as session:
            yield session

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Appends what is new; at the end of a turn its replies go in the same transaction."""
        await self.stream_events(tracker)
        turn = turns.current_turn.get()
        with self.session_scope() as session:
            new = list(self._additional_events(session, tracker))
            for event in new:
                data = event.as_dict()
                session.add(
                    self.SQLEvent(
                        sender_id=tracker.sender_id,
                        type_name=event.type_name,
                        timestamp=data.get("timestamp"),
                        intent_name=data.get("parse_data", {}).get("intent", {}).get("name"),
                        action_name=data.get("name"),
                        data=json.dumps(data),
                    )
                )
            # Rasa saves a new customer's empty tracker first; the save that holds the message ends the turn.
            if turn is not None and not turn.committed and _holds(new, turn.id):
                session.flush()  # a turn that erases its talk erases these too
                turn.commit(session.connection(), asking=_asks(tracker))
            session.commit()

    def _additional_events(self, session: Session, tracker: DialogueStateTracker) -> Iterator[Any]:
        stored = self._event_query(session, tracker.sender_id, fetch_events_from_all_sessions=False).count()
        return itertools.islice(tracker.events, stored, len(tracker.events))


def _holds(events: list[Any], message_id: str) -> bool:
    return any(isinstance(event, UserUttered) and event.message_id == message_id for event in events)


def _asks(tracker: DialogueStateTracker) -> bool:
    """Whether a form waits for an answer."""
    return REQUESTED_SLOT in tracker.slots and tracker.get_slot(REQUESTED_SLOT) is not None

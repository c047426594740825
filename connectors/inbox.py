"""The durable inbox: what came in, once each, in order, per conversation.

Every function takes an open SQLAlchemy connection and is one transaction of the caller's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from connectors.addresses import canonical_phone, is_lid
from connectors.messages import DELETE, EDIT, Incoming, Option
from connectors.store import conversations, inbox


@dataclass(frozen=True)
class Conversation:
    """A chat: its name in Rasa, where answers go, and the phone where it is known."""

    id: str
    address: str
    phone: str | None
    menu: tuple[Option, ...]
    human_until: float | None


@dataclass(frozen=True)
class Received:
    """An inbox row that waits for its turn."""

    id: int
    message: Incoming
    received_at: float
    attempts: int


def receive(db: Connection, channel: str, instance: str, message: Incoming, now: float) -> str | None:
    """Stores a message once. Returns its conversation, or None when it is a duplicate.

    The key is (channel, instance, kind, message_id): Z-API repeats a message with another `momment`,
    and a deletion carries the id of the message it deletes (facts/zapi.md §2.2).
    """
    conversation = conversation_of(db, message)
    insert = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}[db.engine.dialect.name]
    stored = db.execute(
        insert(inbox)
        .values(
            channel=channel,
            instance=instance,
            kind=message.kind,
            message_id=message.message_id,
            conversation=conversation,
            content=message.to_json(),
            received_at=now,
            state="new",
            attempts=0,
        )
        .on_conflict_do_nothing()
    )
    if not stored.rowcount:
        return None
    if message.kind in (DELETE, EDIT):
        _amend(db, channel, instance, message)
    return conversation


def _amend(db: Connection, channel: str, instance: str, message: Incoming) -> None:
    """An edit or a deletion of a message that still waits changes that message, not the talk."""
    original = db.execute(
        sa.select(inbox.c.id, inbox.c.content).where(
            inbox.c.channel == channel,
            inbox.c.instance == instance,
            inbox.c.kind == "text",
            inbox.c.message_id == message.reply_to,
            inbox.c.state == "new",
        )
    ).first()
    own = (inbox.c.channel == channel, inbox.c.kind == message.kind, inbox.c.message_id == message.message_id)
    if original is not None:
        if message.kind == DELETE:
            db.execute(inbox.update().where(inbox.c.id == original.id).values(state="dropped"))
        else:
            edited = replace(Incoming.from_json(original.content), text=message.text)
            db.execute(inbox.update().where(inbox.c.id == original.id).values(content=edited.to_json()))
    if original is not None or message.kind == DELETE:
        db.execute(inbox.update().where(*own).values(state="done"))


def conversation_of(db: Connection, message: Incoming) -> str:
    """The conversation of an address: by `@lid` where the pair is known, else by canonical phone."""
    phone = None if is_lid(message.phone) else canonical_phone(message.phone)
    lid = message.lid or (message.phone if is_lid(message.phone) else None)
    row = None
    if phone:
        row = db.execute(sa.select(conversations).where(conversations.c.id == phone)).first()
    if row is None and lid:
        row = db.execute(sa.select(conversations).where(conversations.c.lid == lid)).first()
    if row is None:
        name = phone or message.phone
        insert = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}[db.engine.dialect.name]
        db.execute(
            insert(conversations)
            .values(id=name, address=message.phone, phone=phone, lid=lid)
            .on_conflict_do_nothing()
        )
        return name
    known = {"address": message.phone, "phone": phone or row.phone, "lid": lid or row.lid}
    if known != {"address": row.address, "phone": row.phone, "lid": row.lid}:
        db.execute(conversations.update().where(conversations.c.id == row.id).values(**known))
    return str(row.id)


def conversation(db: Connection, name: str) -> Conversation:
    row = db.execute(sa.select(conversations).where(conversations.c.id == name)).one()
    menu = tuple(Option(**option) for option in json.loads(row.menu)) if row.menu else ()
    return Conversation(row.id, row.address, row.phone, menu, row.human_until)


def waiting_conversations(db: Connection) -> list[str]:
    """Conversations with something unanswered, oldest first."""
    first = sa.func.min(inbox.c.id)
    rows = db.execute(
        sa.select(inbox.c.conversation)
        .where(inbox.c.state == "new")
        .group_by(inbox.c.conversation)
        .order_by(first)
    )
    return [row.conversation for row in rows]


def waiting(db: Connection, name: str) -> list[Received]:
    """What waits in one conversation, in the order it came."""
    rows = db.execute(
        sa.select(inbox.c.id, inbox.c.content, inbox.c.received_at, inbox.c.attempts)
        .where(inbox.c.conversation == name, inbox.c.state == "new")
        .order_by(inbox.c.id)
    )
    return [Received(row.id, Incoming.from_json(row.content), row.received_at, row.attempts) for row in rows]


def set_state(db: Connection, ids: Iterable[int], state: str) -> None:
    db.execute(inbox.update().where(inbox.c.id.in_(list(ids))).values(state=state))


def count_attempt(db: Connection, ids: Iterable[int]) -> None:
    db.execute(inbox.update().where(inbox.c.id.in_(list(ids))).values(attempts=inbox.c.attempts + 1))


def set_menu(db: Connection, name: str, options: Sequence[Option]) -> None:
    """Remembers the menu that stands in the chat; an empty one forgets it."""
    menu = json.dumps([{"title": o.title, "payload": o.payload} for o in options]) if options else None
    db.execute(conversations.update().where(conversations.c.id == name).values(menu=menu))


def set_human(db: Connection, name: str, until: float | None) -> None:
    """A person serves this chat until then (epoch seconds); None gives it back to Theo."""
    db.execute(conversations.update().where(conversations.c.id == name).values(human_until=until))

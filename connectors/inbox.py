"""The durable inbox: what came in, once each, in order, per conversation.

Every function takes an open SQLAlchemy connection and is one transaction of the caller's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connectors.addresses import canonical_phone, is_lid
from connectors.messages import DELETE, NOTICE, OPERATOR, Incoming, Option
from connectors.store import conversations, inbox

#: A customer who writes too much is told once in this time.
TOLD_SECONDS = 600.0

# What is asked for every message is made once, for making a statement costs several times its running; and as text
# where it has an ON CONFLICT, which SQLAlchemy 1.4 compiles anew at each call. Measured: 1.9 → 0.35 ms a message.
_INSERT = sa.text(
    "INSERT INTO theo_inbox"
    " (channel, instance, kind, message_id, conversation, content, received_at, state, attempts) VALUES"
    " (:channel, :instance, :kind, :message_id, :conversation, :content, :received_at, :state, 0)"
    " ON CONFLICT DO NOTHING"
)
_INSERT_CONVERSATION = sa.text(
    "INSERT INTO theo_conversations (id, address, phone, lid) VALUES (:id, :address, :phone, :lid)"
    " ON CONFLICT (id) DO UPDATE SET address = excluded.address, phone = excluded.phone, lid = excluded.lid"
)
_DELETION = sa.select(inbox.c.id).where(
    inbox.c.channel == sa.bindparam("channel"), inbox.c.instance == sa.bindparam("instance"),
    inbox.c.kind == DELETE, inbox.c.message_id == sa.bindparam("message_id"),
)  # fmt: skip
_ASKED_SINCE = sa.select(sa.func.count()).where(
    inbox.c.conversation == sa.bindparam("name"), inbox.c.received_at > sa.bindparam("since"),
    inbox.c.state != "surplus", inbox.c.kind.notin_((DELETE, OPERATOR, NOTICE)),
)  # fmt: skip
_WAITING = (
    sa.select(inbox.c.id, inbox.c.content, inbox.c.received_at, inbox.c.attempts)
    .where(inbox.c.conversation == sa.bindparam("name"), inbox.c.state == "new")
    .order_by(inbox.c.id)
)
_ANSWERED = (
    inbox.update()
    .where(inbox.c.id.in_(sa.bindparam("ids", expanding=True)), inbox.c.state.in_(("new", "dropped")))
    .values(state="done")
)
_BY_PHONE, _BY_LID, _BY_ID = (
    sa.select(conversations).where(column == sa.bindparam("value"))
    for column in (conversations.c.phone, conversations.c.lid, conversations.c.id)
)


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
    and a deletion carries the id of the message it deletes.
    """
    name = conversation_of(db, message)
    state = "new"
    if message.kind in (DELETE, OPERATOR):
        state = "done"  # nothing to answer
    elif _is_deleted(db, channel, instance, message.message_id):
        state = "dropped"  # the deletion came first
    if message.kind == OPERATOR:
        message = replace(message, text="")  # an attendant's words are not ours to keep
    stored = db.execute(
        _INSERT,
        {
            "channel": channel,
            "instance": instance,
            "kind": message.kind,
            "message_id": message.message_id,
            "conversation": name,
            "content": message.to_json(),
            "received_at": now,
            "state": state,
        },
    )
    if not stored.rowcount:
        return None
    if message.kind == DELETE:
        _drop(db, name, message.message_id)
    return name


def announce(db: Connection, channel: str, instance: str, name: str, payload: str, key: str, now: float) -> bool:
    """Lets Theo speak first: a turn of this conversation with a payload for Rasa. False for a known key,
    or for a conversation that never was.
    """
    known = db.execute(_BY_ID, {"value": name}).first()
    if known is None:
        return False
    message = Incoming(kind=NOTICE, message_id=key, phone=known.address, text=payload)
    values = {"kind": NOTICE, "message_id": key, "conversation": name, "content": message.to_json()}
    place = {"channel": channel, "instance": instance, "received_at": now, "state": "new"}
    stored = db.execute(_INSERT, {**values, **place})
    return bool(stored.rowcount)


def is_flood(db: Connection, name: str, now: float, limit: float) -> bool:
    """Whether a conversation wrote more than `limit` messages within a minute, those set aside not counted."""
    return int(db.execute(_ASKED_SINCE, {"name": name, "since": now - 60.0}).scalar_one()) > limit


def set_aside(db: Connection, name: str, message: Incoming, now: float) -> bool:
    """Keeps a message that waits without answering it. True when the customer has not been told lately."""
    before = (inbox.c.conversation == name, inbox.c.state == "surplus", inbox.c.received_at > now - TOLD_SECONDS)
    told = db.execute(sa.select(inbox.c.id).where(*before).limit(1)).first() is not None
    this = (inbox.c.conversation == name, inbox.c.message_id == message.message_id, inbox.c.state == "new")
    return bool(db.execute(inbox.update().where(*this).values(state="surplus")).rowcount) and not told


def _is_deleted(db: Connection, channel: str, instance: str, message_id: str) -> bool:
    key = {"channel": channel, "instance": instance, "message_id": message_id}
    return db.execute(_DELETION, key).first() is not None


def _drop(db: Connection, name: str, deleted: str) -> None:
    """Takes a deleted message, and any correction of it, out of what waits."""
    ids = [row.id for row in waiting(db, name) if deleted in (row.message.message_id, row.message.corrects)]
    set_state(db, ids, "dropped")


def conversation_of(db: Connection, message: Incoming) -> str:
    """The conversation of a chat, found by its phone or by its `@lid`; made where neither is known.

    A phone belongs to one conversation for ever. A `@lid` joins the phone that it is named with: a talk that
    began under it goes on, and of two talks the one with the phone does.
    """
    phone = None if is_lid(message.phone) else canonical_phone(message.phone)
    lid = message.phone if is_lid(message.phone) else message.lid
    table = conversations
    by_phone = db.execute(_BY_PHONE, {"value": phone}).first() if phone else None
    by_lid = db.execute(_BY_LID, {"value": lid}).first() if lid else None
    merged: dict[str, Any] = {}
    if by_lid is not None and phone and by_lid.phone != phone and (by_phone is not None or by_lid.phone):
        db.execute(table.update().where(table.c.id == by_lid.id).values(lid=None))
        if by_phone is not None and by_lid.phone is None:
            until = max(by_lid.human_until or 0.0, by_phone.human_until or 0.0)
            merged = {"menu": by_lid.menu or by_phone.menu, "human_until": until or None}
        by_lid = None
    known = by_phone or by_lid
    if known is None:
        values = {"address": message.phone, "phone": phone, "lid": lid}
        db.execute(_INSERT_CONVERSATION, {"id": phone or message.phone, **values})
        return phone or message.phone
    new = {"address": message.phone, "phone": phone or known.phone, "lid": lid or known.lid, **merged}
    if any(known._mapping[column] != value for column, value in new.items()):
        db.execute(table.update().where(table.c.id == known.id).values(**new))
    return str(known.id)


def conversation(db: Connection, name: str) -> Conversation:
    row = db.execute(_BY_ID, {"value": name}).one()
    menu = tuple(Option(**option) for option in json.loads(row.menu)) if row.menu else ()
    return Conversation(row.id, row.address, row.phone, menu, row.human_until)


def waiting_conversations(db: Connection) -> list[str]:
    """Conversations with something unanswered, oldest first."""
    first = sa.func.min(inbox.c.id)
    rows = db.execute(
        sa.select(inbox.c.conversation).where(inbox.c.state == "new").group_by(inbox.c.conversation).order_by(first)
    )
    return [row.conversation for row in rows]


def waiting(db: Connection, name: str) -> list[Received]:
    """What waits in one conversation, in the order it came."""
    rows = db.execute(_WAITING, {"name": name})
    return [Received(row.id, Incoming.from_json(row.content), row.received_at, row.attempts) for row in rows]


def set_state(db: Connection, ids: Iterable[int], state: str) -> None:
    db.execute(inbox.update().where(inbox.c.id.in_(list(ids))).values(state=state))


def answered(db: Connection, ids: Sequence[int]) -> bool:
    """Marks the messages of a turn. False when somebody else took one of them meanwhile."""
    marked = db.execute(_ANSWERED, {"ids": list(ids)})  # one deleted while it was being answered is answered
    return int(marked.rowcount) == len(ids)


def count_attempt(db: Connection, ids: Iterable[int]) -> None:
    db.execute(inbox.update().where(inbox.c.id.in_(list(ids))).values(attempts=inbox.c.attempts + 1))


def set_menu(db: Connection, name: str, options: Sequence[Option]) -> None:
    """Remembers the menu that stands in the chat; an empty one forgets it."""
    menu = json.dumps([asdict(option) for option in options]) if options else None
    db.execute(conversations.update().where(conversations.c.id == name).values(menu=menu))


def take_over(db: Connection, name: str, until: float) -> None:
    """A person serves this chat until then (epoch seconds): what waits is theirs, and the menu is past."""
    db.execute(conversations.update().where(conversations.c.id == name).values(human_until=until, menu=None))
    waits = (inbox.c.conversation == name, inbox.c.state == "new")
    db.execute(inbox.update().where(*waits).values(state="human"))


def give_back(db: Connection, name: str) -> None:
    """Theo serves this chat again."""
    db.execute(conversations.update().where(conversations.c.id == name).values(human_until=None))

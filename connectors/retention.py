"""What is forgotten, and when: old talks by themselves, one customer's at their wish. And what is noted for good reason.

Contracts, invoices and protocols are the provider's records, not Theo's: nothing here touches them.
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connectors.inbox import Conversation
from connectors.messages import Incoming
from connectors.store import audit, conversations, inbox, outbox

#: A gateway repeats a message minutes later: for a day the ids of an erased talk are kept, without a word of it.
REPEATED_SECONDS = 24 * 3600.0
#: As long as the protocols that they name.
AUDIT_SECONDS = 2 * 365 * 24 * 3600.0
ERASED = "erased"

#: Rasa's own table, which its SQL tracker store describes.
events = sa.table("events", sa.column("sender_id"), sa.column("type_name"), sa.column("timestamp"))


def note(db: Connection, conversation: Conversation, what: str, protocol: str | None = None) -> None:
    """Puts one line into the audit table: which chat, masked, what, and its protocol."""
    who = masked(conversation.phone or conversation.address)
    db.execute(audit.insert().values(at=time.time(), who=who, what=what[:40], protocol=protocol))


def masked(address: str) -> str:
    """`5583991110001` → `5583*****0001`: enough to find a chat with, not enough to call."""
    digits = address.split("@")[0]
    return digits[:4] + "*" * max(0, len(digits) - 8) + digits[-4:] if len(digits) > 8 else "*" * len(digits)


def erase(db: Connection, name: str) -> None:
    """Forgets one talk at its owner's wish, in the caller's transaction. What is still to be sent is sent."""
    _forget_events(db, name)
    db.execute(outbox.delete().where(outbox.c.conversation == name, outbox.c.state != "queued"))
    own = (inbox.c.conversation == name, inbox.c.state != "new")
    rows = db.execute(sa.select(inbox.c.id, inbox.c.kind, inbox.c.message_id).where(*own)).all()
    for row in rows:
        empty = Incoming(kind=row.kind, message_id=row.message_id, phone="").to_json()
        db.execute(inbox.update().where(inbox.c.id == row.id).values(content=empty, state=ERASED))
    db.execute(conversations.update().where(conversations.c.id == name).values(menu=None))


def _forget_events(db: Connection, name: str) -> int:
    if not sa.inspect(db).has_table("events"):
        return 0
    return int(db.execute(sa.delete(events).where(events.c.sender_id == name)).rowcount)


def purge(db: Connection, now: float, days: float) -> int:
    """Forgets what is older than so many days and needs nothing more. Returns how many rows went.

    What is unanswered or unsent stays, however old. Of Rasa's memory go the sessions before the current one;
    talks that are over as a whole are named by `over`.
    """
    before = now - days * 24 * 3600
    gone = [
        inbox.delete().where(inbox.c.state != "new", inbox.c.received_at < before),
        inbox.delete().where(inbox.c.state == ERASED, inbox.c.received_at < now - REPEATED_SECONDS),
        outbox.delete().where(outbox.c.state != "queued", outbox.c.created_at < before),
        audit.delete().where(audit.c.at < now - AUDIT_SECONDS),
    ]
    if sa.inspect(db).has_table("events"):
        # What follows the last start of a session is read again at the next message: it stays, however old.
        started = events.alias("started")
        last = (
            sa.select(sa.func.max(started.c.timestamp))
            .where(started.c.sender_id == events.c.sender_id, started.c.type_name == "session_started")
            .scalar_subquery()
        )
        gone.append(sa.delete(events).where(events.c.timestamp < before, events.c.timestamp < last))
    return sum(int(db.execute(statement).rowcount) for statement in gone)


def over(db: Connection, now: float, days: float, only: str | None = None) -> list[str]:
    """Conversations in which nothing happened for so many days; with `only`, that one if it is one of them.

    Each is to be forgotten under its lock.
    """
    before = now - days * 24 * 3600
    c = conversations.c
    one = [c.id == only] if only is not None else []
    busy = sa.select(inbox.c.conversation).union(sa.select(outbox.c.conversation))
    with_a_person = sa.and_(c.human_until.is_not(None), c.human_until >= now)
    old = set(db.execute(sa.select(c.id).where(*one, c.id.not_in(busy), ~with_a_person)).scalars())
    if sa.inspect(db).has_table("events"):
        one = [events.c.sender_id == only] if only is not None else []
        last = sa.func.max(events.c.timestamp)
        rows = db.execute(sa.select(events.c.sender_id, last.label("last")).where(*one).group_by(events.c.sender_id)).all()
        known = set(db.execute(sa.select(c.id)).scalars())
        old -= {row.sender_id for row in rows if row.last >= before}
        old |= {row.sender_id for row in rows if row.last < before and row.sender_id not in known}
    return sorted(old)


def forget(db: Connection, name: str, now: float, days: float) -> int:
    """Forgets a conversation unless something happened in it meanwhile. Returns how many rows went."""
    if not over(db, now, days, name):
        return 0
    gone = _forget_events(db, name)
    return gone + int(db.execute(conversations.delete().where(conversations.c.id == name)).rowcount)

"""The durable outbox: what goes out, in order per conversation, retried while that makes sense."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connectors.errors import GatewayError, TemporaryGatewayError, without_text
from connectors.locks import Locks
from connectors.messages import Delivery, Incoming, Outgoing
from connectors.store import Store, outbox
from connectors.workers import Workers

logger = logging.getLogger(__name__)

#: Waits between tries of one message, in seconds; after the last it is given up, about a day later. A minute
#: at most, since all that follows in the chat waits behind it when the gateway is back.
WAITS = (1, 2, 4, 8, 15, 30, *[60] * 1440)
MAX_WAIT_SECONDS = 900.0
CONCURRENT_SENDS = 16
#: A delivery error of these kinds is worth another try.
TEMPORARY_DELIVERY_ERRORS = ("Timeout on send message", "Error on send message")
MAX_DELIVERY_TRIES = 3
#: How often the gateway is asked whether the phone is connected; its callbacks usually come first.
LOOK_SECONDS = 30.0
#: How many early delivery errors are kept for sends that are still under way.
MAX_EARLY = 100

# What is asked for every bubble is made once, for making a statement costs several times its running.
_PUT = outbox.insert().values(state="queued", attempts=0, as_text=False)
_NEXT = (
    sa.select(outbox)
    .where(
        outbox.c.conversation == sa.bindparam("of_conversation"), outbox.c.state == "queued",
        outbox.c.channel == sa.bindparam("of_channel"),
    )
    .order_by(outbox.c.id)
    .limit(1)
)  # fmt: skip
_MARK = outbox.update().where(outbox.c.id == sa.bindparam("row_id"))


@dataclass(frozen=True)
class Sent:
    """The ids that a gateway gave to a message it took."""

    message_id: str | None
    queue_id: str | None = None


@dataclass(frozen=True)
class Row:
    id: int
    channel: str
    conversation: str
    address: str
    created_at: float
    message: Outgoing
    quoted: str | None
    attempts: int
    as_text: bool


class Gateway(Protocol):
    """What the outbox needs of a channel. Every call raises TemporaryGatewayError or another GatewayError."""

    async def send(self, address: str, message: Outgoing, quoted: str | None, as_text: bool) -> Sent:
        """Hands one bubble over."""

    async def online(self) -> bool:
        """Whether the company's phone is connected."""

    async def queued(self) -> list[str]:
        """Queue ids of what the gateway took and has not sent yet."""

    async def unqueue(self, queue_id: str) -> None:
        """Takes one of them out of its queue."""


def put(
    db: Connection,
    channel: str,
    conversation: str,
    address: str,
    messages: Sequence[Outgoing],
    now: float,
    quoted: str | None = None,
) -> None:
    """Queues bubbles in order; the first one quotes `quoted`, a message id of the customer's."""
    place = {"channel": channel, "conversation": conversation, "address": address, "created_at": now}
    rows = [
        {**place, "content": message.to_json(), "quoted": None if index else quoted}
        for index, message in enumerate(messages)
    ]
    if rows:
        db.execute(_PUT, rows)


def find_sent(db: Connection, message_id: str) -> Outgoing | None:
    """The bubble that the gateway knows by this id: what a customer tapped or quoted."""
    row = db.execute(sa.select(outbox.c.content).where(outbox.c.message_id == message_id)).first()
    return Outgoing.from_json(row.content) if row else None


def is_ours(db: Connection, conversation: str, message: Incoming, since: float) -> bool:
    """Whether a message seen on the company's phone was sent by Theo.

    By its id, or, because the echo can overtake the answer of the send call, by what it
    says: the same as something that is being sent in this chat, or was a moment ago.
    """
    if find_sent(db, message.message_id) is not None:
        return True
    rows = db.execute(
        sa.select(outbox.c.content).where(
            outbox.c.conversation == conversation,
            sa.or_(outbox.c.state == "queued", outbox.c.sent_at >= since),
        )
    )
    sent = [Outgoing.from_json(row.content) for row in rows]
    words = message.text.strip()
    if not words:
        return message.attachment is not None and any(bubble.url for bubble in sent)
    return any(words in (bubble.text.strip(), bubble.as_text().strip()) for bubble in sent)


def requeue_failed(db: Connection) -> int:
    """Puts every failed bubble back in its place (after a wrong token was mended). Returns how many.

    Their age begins anew: whoever sends them again wants them sent.
    """
    values = {"state": "queued", "attempts": 0, "error": None, "created_at": time.time()}
    return int(db.execute(outbox.update().where(outbox.c.state == "failed").values(**values)).rowcount)


def _queued_conversations(db: Connection, channel: str) -> list[str]:
    rows = db.execute(
        sa.select(outbox.c.conversation)
        .where(outbox.c.state == "queued", outbox.c.channel == channel)
        .group_by(outbox.c.conversation)
        .order_by(sa.func.min(outbox.c.id))
    )
    return [row.conversation for row in rows]


def _next(db: Connection, channel: str, conversation: str) -> Row | None:
    row = db.execute(_NEXT, {"of_channel": channel, "of_conversation": conversation}).first()
    if row is None:
        return None
    message = Outgoing.from_json(row.content)
    return Row(
        row.id, row.channel, row.conversation, row.address, row.created_at, message, row.quoted, row.attempts, row.as_text
    )


def _mark(db: Connection, row_id: int, **values: object) -> None:
    db.execute(_MARK, {"row_id": row_id, **values})


def _mark_and_next(db: Connection, row: Row, values: dict[str, object]) -> Row | None:
    """Notes what became of a bubble, and looks for the one that follows it."""
    _mark(db, row.id, **values)
    return _next(db, row.channel, row.conversation)


def _undelivered(db: Connection, channel: str, delivery: Delivery) -> tuple[str, str] | None:
    """Notes a delivery error: (conversation, what was done), or None when nothing that we sent has its id."""
    ids = [outbox.c.message_id == delivery.message_id]
    if delivery.queue_id:
        ids.append(outbox.c.queue_id == delivery.queue_id)
    row = db.execute(
        sa.select(outbox).where(outbox.c.channel == channel, outbox.c.state == "sent", sa.or_(*ids))
    ).first()
    if row is None:
        return None
    again = {"state": "queued", "message_id": None, "queue_id": None, "error": delivery.error}
    if Outgoing.from_json(row.content).options and not row.as_text:
        # Buttons and lists are known to be refused after a 200; numbered text always arrives.
        _mark(db, row.id, as_text=True, **again)
        return row.conversation, "sent again as numbered text"
    if delivery.error in TEMPORARY_DELIVERY_ERRORS and row.attempts < MAX_DELIVERY_TRIES:
        _mark(db, row.id, attempts=row.attempts + 1, **again)
        return row.conversation, "sent again"
    _mark(db, row.id, state="failed", error=delivery.error)
    return row.conversation, "given up"


def _set_sent(db: Connection, channel: str, queue_id: str, state: str, was: str) -> bool:
    """Moves what the gateway knows by this id from one state to another. False where it is not ours."""
    mine = (outbox.c.channel == channel, outbox.c.queue_id == queue_id, outbox.c.state == was)
    return bool(db.execute(outbox.update().where(*mine).values(state=state)).rowcount)


class Outbox:
    """Sends what is queued: one worker per conversation, a bounded number of sends at once.

    What is older than `stale_seconds` is not sent any more. While the company's phone is off line nothing is
    handed over: the gateway would keep a thousand messages, refuse the rest, and say all of them at once
    whenever the phone comes back, however old.
    """

    def __init__(
        self, store: Store, channel: str, gateway: Gateway, locks: Locks, stale_seconds: float = math.inf
    ) -> None:
        self._store, self._channel, self._gateway, self._locks = store, channel, gateway, locks
        self._stale = stale_seconds
        self._held = False
        self._looked = -math.inf
        self._workers = Workers(self._work)
        self._slots = asyncio.Semaphore(CONCURRENT_SENDS)
        self._early: dict[str, Delivery] = {}
        self._taken: dict[int, Sent] = {}

    async def resume(self) -> None:
        """Picks up what an earlier process left behind."""
        if self._held:
            return
        for conversation in await self._store.run(_queued_conversations, self._channel):
            self.wake(conversation)

    def hold(self) -> None:
        """The phone went off line: nothing is sent until `release`, or until `look` finds it back."""
        self._held, self._looked = True, -math.inf

    async def release(self) -> None:
        """The phone is back, as the gateway says; the next `look` asks again."""
        self._held, self._looked = False, -math.inf
        await self.resume()

    async def look(self) -> None:
        """Asks the gateway whether the phone is connected: every LOOK_SECONDS, and at each call while it is not.

        A callback may be lost or late. A gateway that cannot be asked changes nothing.
        """
        if not self._held and time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        try:
            self._held = not await self._gateway.online()
            if self._held:
                await self._take_back()
        except GatewayError as error:
            logger.warning("The gateway could not be asked for its connection: %s", error)

    async def _take_back(self) -> None:
        """What the gateway took while nobody had noticed yet waits with us, where its age is looked at."""
        for queue_id in await self._gateway.queued():
            # Noted first: a crash in between sends it twice; the other way round it would be lost.
            if not await self._store.run(_set_sent, self._channel, queue_id, "queued", "sent"):
                continue
            try:
                await self._gateway.unqueue(queue_id)
            except GatewayError:
                await self._store.run(_set_sent, self._channel, queue_id, "sent", "queued")
                raise

    def wake(self, conversation: str) -> None:
        """There is something to send in this conversation."""
        self._workers.wake(conversation)

    async def delivered(self, delivery: Delivery) -> None:
        """Reads a delivery callback; it may come before the answer of the send call that it is about."""
        if delivery.error is None:
            return
        done = await self._store.run(_undelivered, self._channel, delivery)
        if done is not None:
            conversation, what = done
            logger.error("A message was not delivered (%.200s): %s.", delivery.error, what)
            self.wake(conversation)
        elif self._workers.busy:
            self._early[delivery.queue_id or delivery.message_id] = delivery
            if len(self._early) > MAX_EARLY:
                del self._early[next(iter(self._early))]

    async def stop(self, seconds: float = 8.0) -> None:
        """Finishes the sends under way and starts no other; the rest waits in the table."""
        await self._workers.stop(seconds)

    async def _work(self, conversation: str) -> None:
        try:
            async with self._locks.hold(f"out:{conversation}"):
                row = await self._store.run(_next, self._channel, conversation)
                while row is not None and not self._held:
                    row = await self._send(row)
                    if self._workers.stopping.is_set():
                        return
        except Exception as error:  # noqa: BLE001 - whatever it is, the conversation must go on later
            # The database or Redis is away: what is queued stays queued, the sweep comes back to it.
            logger.error("The outbox could not go on; it will be tried again: %s", without_text(error))

    async def _send(self, row: Row) -> Row | None:
        """The bubble that follows; None when there is none, or when the process stops."""
        if row.id in self._taken:  # the gateway has it; the database was away when that was to be noted
            return await self._note(row)
        age = time.time() - row.created_at
        if age > self._stale:
            stale = {"state": "stale", "error": f"older than {self._stale / 60:g} min"}
            following = await self._store.run(_mark_and_next, row, stale)
            logger.error("A message was NOT sent: it is %.0f minutes old. See docs/operacao.md.", age / 60)
            return following
        try:
            async with self._slots:
                sent = await self._gateway.send(row.address, row.message, row.quoted, row.as_text)
        except TemporaryGatewayError as error:
            reason = str(error)
            if row.attempts >= len(WAITS):
                return await self._give_up(row, reason)
            await self._store.run(lambda db: _mark(db, row.id, attempts=row.attempts + 1, error=reason))
            wait = min(error.retry_after or WAITS[row.attempts], MAX_WAIT_SECONDS)
            logger.warning("A send failed (%s); next try in %s s.", reason, wait)
            if not await self._workers.pause(wait):
                return None
            return await self._store.run(_next, row.channel, row.conversation)
        except GatewayError as error:
            reason = str(error)
            if not (row.message.options and not row.as_text and error.about_content):
                return await self._give_up(row, reason)
            return await self._store.run(_mark_and_next, row, {"as_text": True, "error": reason})
        except Exception as error:  # noqa: BLE001 - one bubble that cannot be made must not stop the chat
            logger.error("A bubble could not be made: %s", without_text(error))
            return await self._give_up(row, type(error).__name__)
        self._taken[row.id] = sent
        return await self._note(row)

    async def _note(self, row: Row) -> Row | None:
        sent = self._taken[row.id]
        values = {"message_id": sent.message_id, "queue_id": sent.queue_id, "sent_at": time.time()}
        following = await self._store.run(_mark_and_next, row, {"state": "sent", "error": None, **values})
        del self._taken[row.id]
        early = self._early.pop(sent.queue_id or sent.message_id or "", None)
        if early is not None:
            await self.delivered(early)
            return await self._store.run(_next, row.channel, row.conversation)
        return following

    async def _give_up(self, row: Row, reason: str) -> Row | None:
        following = await self._store.run(_mark_and_next, row, {"state": "failed", "error": reason})
        logger.error("A message was NOT sent and will not be retried: %s. See docs/operacao.md.", reason)
        return following

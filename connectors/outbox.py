"""The durable outbox: what goes out, in order per conversation, retried while that makes sense."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connectors.errors import GatewayError, TemporaryGatewayError
from connectors.locks import Locks
from connectors.messages import Delivery, Outgoing
from connectors.store import Store, outbox

logger = logging.getLogger(__name__)

#: Waits between tries of one message, in seconds; after the last it is given up, about a day later.
WAITS = (1, 2, 4, 8, 15, 30, 60, 120, 300, *[900] * 90)
CONCURRENT_SENDS = 16
#: A delivery error of these kinds is worth another try (facts/zapi.md §3.2).
TEMPORARY_DELIVERY_ERRORS = ("Timeout on send message", "Error on send message")


@dataclass(frozen=True)
class Sent:
    """The ids that a gateway gave to a message it took."""

    message_id: str | None
    queue_id: str | None = None


@dataclass(frozen=True)
class Row:
    id: int
    conversation: str
    address: str
    message: Outgoing
    quoted: str | None
    attempts: int
    as_text: bool


class Gateway(Protocol):
    """What the outbox needs of a channel."""

    async def send(self, address: str, message: Outgoing, quoted: str | None, as_text: bool) -> Sent:
        """Hands one bubble over. Raises TemporaryGatewayError or another GatewayError."""


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
    for index, message in enumerate(messages):
        db.execute(
            outbox.insert().values(
                channel=channel,
                conversation=conversation,
                address=address,
                content=message.to_json(),
                quoted=quoted if index == 0 else None,
                created_at=now,
                state="queued",
                attempts=0,
                as_text=False,
            )
        )


def find_sent(db: Connection, message_id: str) -> Outgoing | None:
    """The bubble that the gateway knows by this id: what a customer tapped or quoted."""
    row = db.execute(sa.select(outbox.c.content).where(outbox.c.message_id == message_id)).first()
    return Outgoing.from_json(row.content) if row else None


def is_ours(db: Connection, message_id: str, address: str, text: str, since: float) -> bool:
    """Whether a message seen on the company's phone was sent by Theo.

    By its id, or, because the echo can overtake the answer of the send call (facts/zapi.md §4.4), by the
    same text to the same chat a moment ago.
    """
    if find_sent(db, message_id) is not None:
        return True
    rows = db.execute(
        sa.select(outbox.c.content).where(outbox.c.address == address, outbox.c.created_at >= since)
    )
    return any(Outgoing.from_json(row.content).text.strip() == text.strip() for row in rows if text)


def requeue_failed(db: Connection) -> int:
    """Puts every failed bubble back in its place (after a wrong token was mended). Returns how many."""
    values = {"state": "queued", "attempts": 0, "error": None}
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
    row = db.execute(
        sa.select(outbox)
        .where(
            outbox.c.conversation == conversation, outbox.c.state == "queued", outbox.c.channel == channel
        )
        .order_by(outbox.c.id)
        .limit(1)
    ).first()
    if row is None:
        return None
    message = Outgoing.from_json(row.content)
    return Row(row.id, row.conversation, row.address, message, row.quoted, row.attempts, row.as_text)


def _mark(db: Connection, row_id: int, **values: object) -> None:
    db.execute(outbox.update().where(outbox.c.id == row_id).values(**values))


def _delivered(db: Connection, channel: str, delivery: Delivery) -> tuple[str, str] | None:
    """Notes a delivery error. Returns (conversation, what was done) or None when the message is not ours."""
    ids = [outbox.c.message_id == delivery.message_id]
    if delivery.queue_id:
        ids.append(outbox.c.queue_id == delivery.queue_id)
    row = db.execute(sa.select(outbox).where(outbox.c.channel == channel, sa.or_(*ids))).first()
    if row is None or delivery.error is None:
        return None
    is_menu = bool(Outgoing.from_json(row.content).options)
    if is_menu and not row.as_text:
        # Buttons and lists are known to be refused after a 200; numbered text always arrives.
        _mark(db, row.id, state="queued", as_text=True, error=delivery.error)
        return row.conversation, "sent again as numbered text"
    if delivery.error in TEMPORARY_DELIVERY_ERRORS and row.attempts < 3:
        _mark(db, row.id, state="queued", attempts=row.attempts + 1, error=delivery.error)
        return row.conversation, "sent again"
    _mark(db, row.id, state="failed", error=delivery.error)
    return row.conversation, "given up"


class Outbox:
    """Sends what is queued: one worker per conversation, a bounded number of sends at once."""

    def __init__(self, store: Store, channel: str, gateway: Gateway, locks: Locks) -> None:
        self._store, self._channel, self._gateway, self._locks = store, channel, gateway, locks
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._slots = asyncio.Semaphore(CONCURRENT_SENDS)
        self._stopping = asyncio.Event()

    async def resume(self) -> None:
        """Picks up what an earlier process left behind."""
        for conversation in await self._store.run(_queued_conversations, self._channel):
            self.wake(conversation)

    def wake(self, conversation: str) -> None:
        """There is something to send in this conversation."""
        if self._stopping.is_set():
            return
        if conversation in self._workers:
            self._again.add(conversation)
            return
        task = asyncio.create_task(self._work(conversation))
        self._workers[conversation] = task
        task.add_done_callback(lambda _: self._finished(conversation))

    def _finished(self, conversation: str) -> None:
        del self._workers[conversation]
        if conversation in self._again:
            self._again.discard(conversation)
            self.wake(conversation)

    async def delivered(self, delivery: Delivery) -> None:
        """Reads a delivery callback."""
        done = await self._store.run(_delivered, self._channel, delivery)
        if done is not None:
            conversation, what = done
            logger.error("A message was not delivered (%s): %s.", delivery.error, what)
            self.wake(conversation)

    async def stop(self) -> None:
        """Finishes the sends under way and starts no other; the rest waits in the table."""
        self._stopping.set()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)

    async def _work(self, conversation: str) -> None:
        try:
            async with self._locks.hold(f"out:{conversation}"):
                while not self._stopping.is_set():
                    row = await self._store.run(_next, self._channel, conversation)
                    if row is None or not await self._send(row):
                        return
        except Exception:
            # The database or Redis is away: what is queued stays queued, the sweep comes back to it.
            logger.exception("The outbox could not go on; it will be tried again.")

    async def _send(self, row: Row) -> bool:
        """True when the next bubble may follow."""
        try:
            async with self._slots:
                sent = await self._gateway.send(row.address, row.message, row.quoted, row.as_text)
        except TemporaryGatewayError as error:
            if row.attempts >= len(WAITS):
                await self._give_up(row, error)
                return True
            await self._store.run(lambda db: _mark(db, row.id, attempts=row.attempts + 1, error=str(error)))
            wait = error.retry_after or WAITS[row.attempts]
            logger.warning("A send failed (%s); next try in %s s.", error, wait)
            return await self._pause(wait)
        except GatewayError as error:
            if row.message.options and not row.as_text and error.about_content:
                await self._store.run(lambda db: _mark(db, row.id, as_text=True, error=str(error)))
                return True
            await self._give_up(row, error)
            return True
        values = {"message_id": sent.message_id, "queue_id": sent.queue_id, "sent_at": time.time()}
        await self._store.run(lambda db: _mark(db, row.id, state="sent", error=None, **values))
        return True

    async def _give_up(self, row: Row, error: GatewayError) -> None:
        await self._store.run(lambda db: _mark(db, row.id, state="failed", error=str(error)))
        logger.error("A message was NOT sent and will not be retried: %s. See docs/operacao.md.", error)

    async def _pause(self, seconds: float) -> bool:
        """Waits; False when the process stops meanwhile."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except asyncio.TimeoutError:
            return True
        return False

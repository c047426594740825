"""The send side of the gateway: accepted sends wait in a queue and reach their chat in order."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from simulator import webhooks
from simulator.bubbles import Bubble
from simulator.chats import Chats, new_id, now_ms
from simulator.contacts import Directory
from simulator.delivery import Delivery
from simulator.faults import Connection, Faults
from simulator.lanes import Lanes
from simulator.sends import LIST_METHODS, PHONE, Json
from simulator.webhooks import ChatKind, Line, Place

QUEUE_LIMIT = 1000
SENDS_KEPT = 10_000
STATUS_STEP_SECONDS = 0.05
INVALID_PHONE = "Message has not been sent because it got invalid phone number"


class QueueFull(RuntimeError):
    """The phone is disconnected and QUEUE_LIMIT messages wait already."""


@dataclass(frozen=True)
class Job:
    """An accepted send that has not reached its chat yet."""

    zaap_id: str
    message_id: str
    method: str
    phone: str
    body: Json
    bubble: Bubble
    created: int = field(default_factory=now_ms)

    def as_queue_item(self, instance_id: str) -> Json:
        """The PascalCase shape of ``POST /queue``."""
        return {
            "_id": self.zaap_id,
            "DelayMessage": self.body.get("delayMessage") or 0,
            "DelayTyping": self.body.get("delayTyping") or 0,
            "Message": self.bubble.text,
            "InstanceId": instance_id,
            "Phone": self.phone,
            "ZaapId": self.zaap_id,
            "MessageId": self.message_id,
            "Created": self.created,
            "CreatedAt": self.created,
            "Beta": False,
            "IsTrial": False,
        }


class SendLog:
    """Every send as it was received, accepted or not: the newest SENDS_KEPT."""

    def __init__(self) -> None:
        self._sends: deque[Json] = deque(maxlen=SENDS_KEPT)
        self._count = 0

    def add(self, method: str, body: Any) -> Json:
        """Note a send; the caller fills ``status`` in when it is decided (None: never answered)."""
        self._count += 1
        phone = body.get("phone") if isinstance(body, dict) else None
        entry = {
            "n": self._count,
            "method": method,
            "body": body,
            "status": None,
            "phone": phone,
            "at": now_ms(),
        }
        self._sends.append(entry)
        return entry

    def after(self, number: int) -> list[Json]:
        """The sends with an ``n`` above ``number``, oldest first."""
        return [entry for entry in self._sends if entry["n"] > number]

    def clear(self) -> None:
        """Forget the sends and count from 1 again."""
        self._sends.clear()
        self._count = 0


class Gateway:
    """Takes sends, keeps them while disconnected, delivers them per chat in order and tells the webhook."""

    def __init__(
        self,
        line: Line,
        directory: Directory,
        chats: Chats,
        delivery: Delivery,
        faults: Faults,
        connection: Connection,
    ) -> None:
        self._line = line
        self._directory = directory
        self._chats = chats
        self._delivery = delivery
        self._faults = faults
        self._connection = connection
        self._pending: dict[str, Job] = {}
        self._sending = Lanes()
        self._callbacks = Lanes()
        self._pace = asyncio.Lock()

    def accept(self, method: str, body: Json, bubble: Bubble) -> Json:
        """Queue a checked send; returns the ids of the 200. Raises QueueFull."""
        if not self._connection.up and len(self._pending) >= QUEUE_LIMIT:
            raise QueueFull(f"the queue is full: {QUEUE_LIMIT} messages wait for the phone to connect")
        job = Job(new_id(32), new_id(20), method, body["phone"], body, bubble)
        self._pending[job.zaap_id] = job
        self._sending.put(job.phone, lambda: self._deliver(job))
        return {"zaapId": job.zaap_id, "messageId": job.message_id, "id": job.message_id}

    def queue(self) -> list[Json]:
        """The sends that wait, oldest first."""
        return [job.as_queue_item(self._line.instance_id) for job in self._pending.values()]

    def remove(self, zaap_id: str | None = None) -> None:
        """Take one send, or all, out of the queue; an unknown id changes nothing."""
        if zaap_id is None:
            self._pending.clear()
        else:
            self._pending.pop(zaap_id, None)

    def clear(self) -> None:
        """Forget the queue, the delays under way and the callbacks not yet posted."""
        self._pending.clear()
        self._sending.clear()
        self._callbacks.clear()

    async def _deliver(self, job: Job) -> None:
        await self._wait_for_turn()
        await self._wait_while_queued(job, float(job.body.get("delayMessage") or 0))
        typing = job.body.get("delayTyping")
        if typing and job.zaap_id in self._pending:
            self._chats.set_typing(job.phone, True)
            try:
                await asyncio.sleep(typing)
            finally:
                self._chats.set_typing(job.phone, False)
        await self._connection.wait()
        if self._pending.pop(job.zaap_id, None) is None:
            return
        error = self._faults.delivery_error or (None if PHONE.fullmatch(job.phone) else INVALID_PHONE)
        dropped = self._faults.drop_lists and job.method in LIST_METHODS
        if error is None and not dropped:
            self._show(job)
        self._callbacks.put(job.phone, lambda: self._report(job, error, dropped))

    async def _wait_for_turn(self) -> None:
        """The random pause between any two messages of the instance: 1-3 times the fault."""
        if self._faults.pace_seconds > 0:
            async with self._pace:
                await asyncio.sleep(random.uniform(1, 3) * self._faults.pace_seconds)

    async def _wait_while_queued(self, job: Job, delay: float) -> None:
        await self._connection.wait()
        if delay and job.zaap_id in self._pending:
            await asyncio.sleep(delay)
            await self._connection.wait()

    def _show(self, job: Job) -> None:
        """Put the message into the chat, and tell the webhook of it when echoes are on."""
        bubble = job.bubble
        target = self._chats.find(job.phone, bubble.edit_of or bubble.reaction_to or "")
        if bubble.reaction_to:
            if target is not None:
                self._chats.amend(job.phone, target, reactions=[bubble.text] if bubble.text else [])
        elif bubble.edit_of and target is not None:
            self._chats.amend(job.phone, target, text=bubble.text, edited=True, **bubble.extra)
        else:
            extra = {**bubble.extra, "quoted": job.body.get("messageId")}
            self._chats.add(job.phone, job.message_id, "theo", bubble.kind, bubble.text, extra)
        if self._faults.echo:
            kind: ChatKind = "group" if job.phone.endswith("-group") else "person"
            place = Place(job.phone, self._directory.find(job.phone).name, kind)
            echo = webhooks.received(
                self._line, place, job.message_id, now_ms(), bubble.content,
                from_me=True, from_api=True, edit_of=bubble.edit_of, quoted=job.body.get("messageId"),
            )  # fmt: skip
            self._delivery.post(f"chat {job.phone}", echo)

    async def _report(self, job: Job, error: str | None, dropped: bool) -> None:
        """DeliveryCallback, then the statuses; after an error or a silently dropped menu no status comes."""
        await self._delivery.send(
            webhooks.delivery(self._line, job.phone, job.message_id, job.zaap_id, now_ms(), error)
        )
        if error is not None or dropped:
            return
        statuses = ["SENT", "RECEIVED", "READ"]
        for status in reversed(statuses) if self._faults.reorder else statuses:
            await asyncio.sleep(STATUS_STEP_SECONDS)
            self._chats.set_status(job.phone, job.message_id, status)
            await self._delivery.send(
                webhooks.message_status(self._line, job.phone, [job.message_id], status, now_ms())
            )

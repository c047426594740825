"""Stand-ins for Rasa and for Z-API, and the words to tell a talk with."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rasa.core.channels.channel import UserMessage

from connectors import inbox, takeover
from connectors.locks import Locks
from connectors.messages import DELETE, EDIT, MEDIA, OPERATOR, OPTION, TEXT, Incoming, Outgoing
from connectors.outbox import Outbox, Sent
from connectors.store import Store
from connectors.turns import Turns, current_turn

PHONE, OTHER, LID = "5583991110001", "5583991110002", "70000000000001@lid"
CHANNEL, INSTANCE = "zapi", "3C0FFEE0C0FFEE0C0FFEE0C0FFEE0C0F"
BURST = 0.06
APOLOGY = "Desculpa, não consegui responder."
_ids = itertools.count(1)

#: For tests whose subject is not the database: they need not run on each.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Answer = Callable[[UserMessage], Awaitable[None]]


def message(text: str = "oi", kind: str = TEXT, phone: str = PHONE, **more: Any) -> Incoming:
    """Something that a customer sent, with an id of its own."""
    more.setdefault("message_id", f"3EB0{next(_ids):018X}")
    return Incoming(kind=kind, phone=phone, text=text, **more)


async def eventually(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Waits until the condition holds, and returns what it gave."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.01)
    return found


class FakeGateway:
    """Takes bubbles in order. `fail` holds what the next sends raise; None lets one pass."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Outgoing]] = []
        self.quoted: list[str | None] = []
        self.as_text: list[bool] = []
        self.fail: list[BaseException | None] = []
        self.connected = True
        self.kept: list[str] = []
        self.on_send: Callable[[Sent], Awaitable[None]] | None = None
        self._ids = itertools.count(1)

    @property
    def texts(self) -> list[str]:
        return [bubble.text for _, bubble in self.sent]

    async def online(self) -> bool:
        return self.connected

    async def queued(self) -> list[str]:
        return list(self.kept)

    async def unqueue(self, queue_id: str) -> None:
        self.kept.remove(queue_id)

    async def send(self, address: str, message: Outgoing, quoted: str | None, as_text: bool) -> Sent:
        error = self.fail.pop(0) if self.fail else None
        if error is not None:
            raise error
        number = next(self._ids)
        sent = Sent(f"OUT{number}", f"QUEUE{number}")
        if self.on_send:
            await self.on_send(sent)
        self.sent.append((address, message))
        self.quoted.append(quoted)
        self.as_text.append(as_text)
        return sent


class FakeRasa:
    """Answers "eco: <text>" unless `answer` says otherwise, and commits as the tracker store does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.heard: list[UserMessage] = []
        self.answer: Answer = self.echo
        self.running: list[str] = []
        self.most_at_once: dict[str, int] = {}

    @property
    def texts(self) -> list[str]:
        return [str(heard.text) for heard in self.heard]

    async def echo(self, said: UserMessage) -> None:
        await said.output_channel.send_text_message(said.sender_id, f"eco: {said.text}")

    async def handle(self, said: UserMessage) -> None:
        self.heard.append(said)
        self.running.append(said.sender_id)
        at_once = self.running.count(said.sender_id)
        self.most_at_once[said.sender_id] = max(self.most_at_once.get(said.sender_id, 0), at_once)
        try:
            await self.answer(said)
            turn = current_turn.get()
            assert turn is not None
            await self._store.run(turn.commit)
        finally:
            self.running.remove(said.sender_id)


class Chat:
    """One process: its turns and its outbox over the database, as `zapi.channel` puts them together."""

    def __init__(self, store: Store, rasa: FakeRasa, gateway: FakeGateway, burst: float = BURST) -> None:
        self.store, self.rasa, self.gateway = store, rasa, gateway
        self.ready = True
        locks = Locks()
        self.outbox = Outbox(store, CHANNEL, gateway, locks)
        self.turns = Turns(store, CHANNEL, rasa.handle, self.outbox, locks, burst, lambda: APOLOGY, lambda: self.ready)

    def patient(self) -> None:
        """A burst window that a slow machine does not miss either."""
        self.turns._burst = 0.4

    async def receive(self, said: Incoming) -> str | None:
        """What the webhook does with a message: stores it and wakes the conversation."""
        name = await self.store.run(inbox.receive, CHANNEL, INSTANCE, said, time.time())
        if name is not None:
            self.turns.wake(name)
        return name

    async def says(self, text: str, **more: Any) -> Incoming:
        said = message(text, **more)
        await self.receive(said)
        return said

    async def taps(self, option_id: str | None, title: str, on: str | None = None, **more: Any) -> Incoming:
        return await self.says(title, kind=OPTION, option_id=option_id, reply_to=on, **more)

    async def sends(self, attachment: str, caption: str = "", **more: Any) -> Incoming:
        return await self.says(caption, kind=TEXT if caption else MEDIA, attachment=attachment, **more)

    async def edits(self, said: Incoming, text: str) -> Incoming:
        return await self.says(text, kind=EDIT, reply_to=said.message_id, phone=said.phone)

    async def deletes(self, said: Incoming) -> Incoming:
        return await self.says("", kind=DELETE, message_id=said.message_id, reply_to=said.message_id, phone=said.phone)

    async def attendant(self, text: str, phone: str = PHONE, minutes: float = 60.0, **more: Any) -> str:
        """A person types on the company's phone. Returns what became of it."""
        typed = message(text, kind=OPERATOR, phone=phone, **more)

        def note(db: Any) -> str:
            name = inbox.receive(db, CHANNEL, INSTANCE, typed, time.time())
            assert name is not None
            return takeover.operator_typed(db, name, typed, minutes)

        return await self.store.run(note)

    async def quiet(self) -> None:
        """Until nothing is being answered or sent."""
        await eventually(lambda: not self.turns._workers.busy and not self.outbox._workers.busy)

    def kill(self) -> None:
        """As by `kill -9`: nothing is finished, nothing is written any more."""
        for workers in (self.turns._workers, self.outbox._workers):
            workers.stopping.set()
            for task in workers._tasks.values():
                task.cancel()

    async def stop(self) -> None:
        await self.turns.stop(2)
        await self.outbox.stop(2)


async def answered(chat: Chat, number: int) -> None:
    """Until so many bubbles went out and nothing is under way."""
    await eventually(lambda: len(chat.gateway.sent) >= number)
    await chat.quiet()

"""Customers who write to a bot and wait for its answers, in one process beside it: what load and latency mean here.

`WhatsApp` plays Z-API both ways: it posts to the real webhook and takes what the outbox sends. `Rest` talks to
Rasa's REST channel, whose answer to the call is the reply.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

REPLY_SECONDS = 60.0
Talk = Sequence[str]


@dataclass
class Times:
    """Milliseconds of each turn: until the webhook's 200, until the first word of the reply."""

    webhook: list[float] = field(default_factory=list)
    reply: list[float] = field(default_factory=list)
    seconds: float = 0.0
    lost: int = 0

    @property
    def turns_per_second(self) -> float:
        return len(self.reply) / self.seconds


class Bot:
    """Something that a customer can say one thing to; `say` returns when all of the answer is there."""

    async def say(self, who: str, text: str, times: Times) -> None:
        raise NotImplementedError

    async def done(self, who: str) -> list[list[str]]:
        """The actions that followed each of the customer's messages, as the bot's memory lists them."""
        raise NotImplementedError


def by_message(events: Iterable[tuple[str, str | None]]) -> list[list[str]]:
    """(kind, name of the action) of each event → the actions after each message, without the wait for the next."""
    turns: list[list[str]] = []
    for kind, name in events:
        if kind == "user":
            turns.append([])
        elif kind == "action" and turns and name and name != "action_listen":
            turns[-1].append(name)
    return turns


class WhatsApp(Bot):
    """Theo behind Z-API. `database` tells when the last bubble of a turn is out."""

    def __init__(self, session: aiohttp.ClientSession, webhook: str, instance: str, token: str, database: str) -> None:
        self._session, self._webhook, self._instance, self._token = session, webhook, instance, token
        self._db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        self._ids = itertools.count(1)
        self._sent: dict[str, asyncio.Queue[float]] = {}

    async def receive(self, request: web.Request) -> web.Response:
        """A send of Theo's, as Z-API takes it."""
        body = await request.json()
        self._sent.setdefault(body["phone"], asyncio.Queue()).put_nowait(time.perf_counter())
        return web.json_response({"zaapId": f"Z{next(self._ids)}", "messageId": f"S{next(self._ids)}"})

    async def say(self, who: str, text: str, times: Times) -> None:
        bubbles = self._sent.setdefault(who, asyncio.Queue())
        begun = time.perf_counter()
        async with self._session.post(
            self._webhook, json=self._callback(who, text), headers={"z-api-token": self._token}
        ) as answer:
            await answer.read()
            answer.raise_for_status()
        times.webhook.append((time.perf_counter() - begun) * 1000)
        first = await asyncio.wait_for(bubbles.get(), REPLY_SECONDS)
        times.reply.append((first - begun) * 1000)
        # The replies of a turn are written together, so the one being sent is the last when no other waits.
        while not bubbles.empty() or self._waiting(who):
            try:
                await asyncio.wait_for(bubbles.get(), 0.005)
            except asyncio.TimeoutError:
                continue

    async def done(self, who: str) -> list[list[str]]:
        query = "SELECT type_name, action_name FROM events WHERE sender_id = ? ORDER BY id"
        return by_message(self._db.execute(query, (who,)).fetchall())

    def _waiting(self, who: str) -> int:
        query = "SELECT count(*) FROM theo_outbox WHERE conversation = ? AND state = 'queued'"
        return int(self._db.execute(query, (who,)).fetchone()[0])

    def _callback(self, who: str, text: str) -> dict[str, Any]:
        return {
            "isStatusReply": False, "chatLid": f"{int(who) % 10**14 + 10**14}@lid", "connectedPhone": "5583900000000",
            "waitingMessage": False, "isEdit": False, "isGroup": False, "isNewsletter": False,
            "instanceId": self._instance, "messageId": f"B{next(self._ids):018d}", "phone": who, "fromMe": False,
            "momment": int(time.time() * 1000), "status": "RECEIVED", "chatName": "Cliente", "senderPhoto": None,
            "senderName": "Cliente", "photo": None, "broadcast": False, "participantPhone": None,
            "participantLid": None, "forwarded": False, "type": "ReceivedCallback", "fromApi": False,
            "text": {"message": text},
        }  # fmt: skip


class Rest(Bot):
    """Rasa's REST channel, and its API, which tells what happened. `url` is the server's."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._server, self._url = session, url, f"{url}/webhooks/rest/webhook"

    async def say(self, who: str, text: str, times: Times) -> None:
        begun = time.perf_counter()
        said_by = {"sender": who, "message": text, "metadata": {"phone": who}}
        async with self._session.post(self._url, json=said_by) as answer:
            said = await answer.json()
            answer.raise_for_status()
        took = (time.perf_counter() - begun) * 1000
        times.webhook.append(took)
        times.reply.append(took)
        if not said:
            times.lost += 1

    async def done(self, who: str) -> list[list[str]]:
        async with self._session.get(
            f"{self._server}/conversations/{who}/tracker", params={"include_events": "ALL"}
        ) as answer:
            answer.raise_for_status()
            events = (await answer.json())["events"]
        return by_message((event["event"], event.get("name")) for event in events)


@asynccontextmanager
async def gateway(port: int, receive: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
    """The fake Z-API: it takes every send."""
    app = web.Application()
    app.router.add_post("/instances/{instance}/token/{token}/{method}", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


_numbers = itertools.count(1)


def stranger() -> str:
    """A customer who never wrote before."""
    return f"5583977{next(_numbers):06d}"


async def crowd(bot: Bot, talks: Sequence[Talk], clients: int, seconds: float) -> Times:
    """So many customers at once, one talk after the other, each talk by somebody new."""
    times = Times()
    begun = time.perf_counter()
    coming: Iterator[Talk] = itertools.cycle(talks)

    async def customer() -> None:
        while True:
            who = stranger()
            for text in next(coming):
                if time.perf_counter() - begun > seconds:
                    return
                try:
                    await bot.say(who, text, times)
                except asyncio.TimeoutError:
                    times.lost += 1
                    break

    await asyncio.gather(*(customer() for _ in range(clients)))
    times.seconds = time.perf_counter() - begun
    return times


async def walk(bot: Bot, talks: Sequence[Talk]) -> list[list[list[str]]]:
    """Each talk once, one after the other: the actions after each of its messages."""
    found = []
    for talk in talks:
        times, who = Times(), stranger()
        for text in talk:
            await bot.say(who, text, times)
        found.append(await bot.done(who))
    return found


async def long_talk(bot: Bot, texts: Talk, messages: int) -> list[float]:
    """The reply times of one customer who says these texts over and over, in milliseconds."""
    times, who = Times(), stranger()
    for number in range(messages):
        await bot.say(who, texts[number % len(texts)], times)
    return times.reply


async def one_by_one(bot: Bot, text: str, customers: int) -> list[float]:
    """The reply times of one message, said by one customer after the other as their third to seventh word."""
    found: list[float] = []
    for _ in range(customers):
        times, who = Times(), stranger()
        for _ in range(7):
            await bot.say(who, text, times)
        found += times.reply[2:]
    return found

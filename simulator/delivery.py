"""Posting webhooks: in order within a lane; with retries, duplicates and disorder as the faults ask."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from simulator import webhooks
from simulator.faults import Connection, Faults
from simulator.lanes import Lanes

logger = logging.getLogger(__name__)

REORDER_SECONDS = 0.4
RETRY_WAITS = (0.2, 0.5, 1.0, 2.0)
DUPLICATE_STEP_MS = 6000
TIMEOUT_SECONDS = 30
KEEP_ALIVE_SECONDS = 2
DUPLICATED = ("ReceivedCallback", "MessageStatusCallback")


@dataclass(frozen=True)
class Answer:
    """What the webhook said in the end: ``status`` (None: not reached) and the ``ms`` of the last try."""

    status: int | None
    ms: int


class Delivery:
    """Sends bodies to the webhook address. Everything but connection events waits while disconnected."""

    def __init__(self, url: str, token: str, faults: Faults, connection: Connection) -> None:
        self._url = url
        self._token = token
        self._faults = faults
        self._connection = connection
        self._lanes = Lanes()
        self._held: dict[str, list[tuple[webhooks.Json, asyncio.Future[Answer]]]] = {}
        self._open: set[asyncio.Future[Answer]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the HTTP session; call it within the running loop."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            # Idle connections are given up before a server does it, or a POST would meet a closed one.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
        )

    async def stop(self) -> None:
        """Drop what is under way and close the session."""
        self.clear()
        if self._session is not None:
            await self._session.close()

    def clear(self) -> None:
        """Forget everything not yet delivered; whoever waits for an answer gets status None."""
        self._lanes.clear()
        self._held.clear()
        for answer in list(self._open):
            if not answer.done():
                answer.set_result(Answer(None, 0))

    def post(self, lane: str, body: webhooks.Json, pause: float = 0) -> asyncio.Future[Answer]:
        """Post ``body`` after what is in the lane, ``pause`` seconds later; the future gets the answer.

        With the fault ``reorder``, what comes into one lane within REORDER_SECONDS goes out backwards.
        """
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open.add(answer)
        answer.add_done_callback(self._open.discard)
        if not self._faults.reorder:
            self._enqueue(lane, body, answer, pause)
        elif lane in self._held:
            self._held[lane].append((body, answer))
        else:
            self._held[lane] = [(body, answer)]
            asyncio.get_running_loop().call_later(REORDER_SECONDS, self._release, lane)
        return answer

    async def send(self, body: webhooks.Json) -> Answer:
        """Post ``body`` now, with its duplicates beside it; returns the answer to the first copy."""
        if body["type"] not in ("ConnectedCallback", "DisconnectedCallback"):
            await self._connection.wait()
        copies = self._faults.duplicates if body["type"] in DUPLICATED else 0
        repeats = (webhooks.again(body, DUPLICATE_STEP_MS * (n + 1)) for n in range(copies))
        answers = await asyncio.gather(self._try(body), *(self._try(repeat) for repeat in repeats))
        return answers[0]

    def _release(self, lane: str) -> None:
        for body, answer in reversed(self._held.pop(lane, [])):
            self._enqueue(lane, body, answer)

    def _enqueue(
        self, lane: str, body: webhooks.Json, answer: asyncio.Future[Answer], pause: float = 0
    ) -> None:
        async def work() -> None:
            result = Answer(None, 0)
            try:
                await asyncio.sleep(pause)
                result = await self.send(body)
            finally:
                if not answer.done():
                    answer.set_result(result)

        self._lanes.put(lane, work)

    async def _try(self, body: webhooks.Json) -> Answer:
        retries = self._faults.webhook_retries
        for attempt in range(retries + 1):
            answer = await self._post_once(body)
            if answer.status == 200 or attempt == retries:
                break
            await asyncio.sleep(RETRY_WAITS[min(attempt, len(RETRY_WAITS) - 1)])
        if answer.status != 200:
            logger.warning("the webhook did not take a %s: %s", body["type"], answer.status or "not reached")
        return answer

    async def _post_once(self, body: webhooks.Json) -> Answer:
        assert self._session is not None, "Delivery.start was not awaited"
        started = time.monotonic()
        status: int | None = None
        try:
            async with self._session.post(
                self._url,
                data=_encode(body),
                headers=webhooks.headers(self._token, body["type"]),
                skip_auto_headers=("Accept", "Accept-Encoding"),
                allow_redirects=False,
            ) as response:
                await response.read()
                status = response.status
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            pass
        return Answer(status, round((time.monotonic() - started) * 1000))


def _encode(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

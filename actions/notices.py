"""Promises kept later: to tell when an outage is over, to write a request once the records answer again."""

from __future__ import annotations

import asyncio
import logging
import os

import aiohttp
from sanic import Sanic

from actions.failures import owed
from actions.talk import erp

logger = logging.getLogger(__name__)
EVERY_SECONDS = 30.0
TIMEOUT_SECONDS = 10.0


def add_watch(app: Sanic) -> None:
    """Looks for what is owed and for promises that have come due for as long as the server runs."""

    async def watch(running: Sanic, _loop: asyncio.AbstractEventLoop) -> None:
        running.add_task(_watch())

    app.register_listener(watch, "after_server_start")


async def _watch() -> None:
    while True:
        try:
            await asyncio.to_thread(lambda: owed().settle(erp()))
            await tell_due()
        except Exception as error:  # noqa: BLE001  whatever it is, what was promised is looked for again
            logger.warning("Notices wait: %s", type(error).__name__)
        await asyncio.sleep(EVERY_SECONDS)


async def tell_due() -> int:
    """Hands every due notice to Theo once, by its key, and marks it as sent. Returns how many.

    One that Theo refuses keeps none of the others back. Raises BackofficeError or aiohttp.ClientError where Theo or
    the records are away; what was not handed over comes again.
    """
    due = await asyncio.to_thread(erp().notices_due)
    if not due:
        return 0
    told = 0
    url = os.environ.get("THEO_URL", f"http://127.0.0.1:{os.environ.get('THEO_PORT') or 5005}").rstrip("/")
    headers = {"x-theo-secret": os.environ.get("THEO_SECRET", "")}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)) as session:
        for notice in due:
            body = {
                "conversation": notice.chat,
                "payload": '/informar{"aviso": "volta"}',
                "key": f"aviso-{notice.id}",
            }
            async with session.post(f"{url}/webhooks/zapi/notices", json=body, headers=headers) as answer:
                if answer.status != 200:
                    logger.error("A notice was refused with %d; it comes again.", answer.status)
                    continue
            await asyncio.to_thread(erp().notice_sent, notice.id)
            told += 1
    return told

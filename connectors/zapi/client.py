"""Z-API's sending side."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from urllib.parse import quote

import aiohttp

from connectors.errors import GatewayError, NotAuthorised, TemporaryGatewayError
from connectors.messages import Outgoing
from connectors.outbox import Sent
from connectors.settings import Settings, ZapiSettings
from connectors.zapi.render import render

TIMEOUT_SECONDS = 20.0
MAX_FILE_BYTES = 16 * 1024 * 1024
#: An instance keeps no more.
MAX_QUEUE = 1000
#: A 2xx with one of these in it is no refusal, whatever its `error` says.
GOOD_KEYS = ("messageId", "zaapId", "connected")
#: Words in a 400 that tell of the account, not of the message.
ACCOUNT_ERRORS = ("client-token", "subscribe", "instance not found", "not allowed")


class ZapiClient:
    """Sends bubbles through one Z-API instance, over one pooled session."""

    def __init__(self, zapi: ZapiSettings, settings: Settings) -> None:
        self._zapi, self._settings = zapi, settings
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def send(self, address: str, message: Outgoing, quoted: str | None, as_text: bool) -> Sent:
        """Hands one bubble to Z-API's queue. Raises NotAuthorised, TemporaryGatewayError or GatewayError."""
        data_uri = await self._fetch(message.url) if message.url and message.url.startswith("/") else None
        request = render(
            message,
            address,
            menus="text" if as_text else self._zapi.menus,
            pace=self._settings.pace,
            quoted=quoted,
            data_uri=data_uri,
        )
        answer = await self._call("POST", request.method, request.body)
        return Sent(_id(answer.get("messageId") or answer.get("id")), _id(answer.get("zaapId")))

    async def online(self) -> bool:
        """Whether the company's phone is connected; raises as `send`."""
        return bool((await self._call("GET", "status", None)).get("connected", True))

    async def queued(self) -> list[str]:
        """Queue ids of what waits in the instance, oldest first, at most MAX_QUEUE; raises as `send`."""
        found: list[str] = []
        state = None
        while len(found) < MAX_QUEUE:
            page = await self._call("POST", "queue", {"pageSize": 30, **({"pagingState": state} if state else {})})
            messages = page.get("messages")
            found += [str(m["ZaapId"]) for m in messages or () if isinstance(m, dict) and m.get("ZaapId")]
            state = page.get("pagingState")
            if not (state and messages and page.get("hasMore")):
                break
        return found

    async def unqueue(self, queue_id: str) -> None:
        """Takes one message out of the instance's queue; raises as `send`."""
        await self._call("DELETE", f"queue/{quote(queue_id, safe='')}", None)

    async def _call(self, verb: str, method: str, body: dict[str, Any] | None) -> dict[str, Any]:
        # The token is part of the path, so no error below may carry the URL.
        zapi = self._zapi
        url = f"{zapi.base_url}/instances/{zapi.instance_id}/token/{zapi.token}/{method}"
        headers = {"Client-Token": zapi.client_token}
        assert self._session is not None, "open() comes first"
        try:
            async with self._session.request(
                verb, url, json=body, headers=headers, allow_redirects=False
            ) as response:
                text = await response.text(errors="replace")
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise TemporaryGatewayError(f"{method}: {type(error).__name__}") from None
        for secret in (zapi.token, zapi.client_token):
            text = text.replace(secret, "***")
        return _answer(method, response.status, text, response.headers.get("Retry-After"))

    async def _fetch(self, path: str) -> str:
        """A file of the action server's, as a data URI."""
        assert self._session is not None, "open() comes first"
        try:
            async with self._session.get(self._settings.actions_url + path, allow_redirects=False) as response:
                if response.status in (404, 410):
                    raise GatewayError(f"The file to send is gone ({response.status}).")
                if response.status != 200:
                    raise TemporaryGatewayError(f"The file to send answered {response.status}.")
                content = bytearray()
                async for part in response.content.iter_any():
                    content += part
                    if len(content) > MAX_FILE_BYTES:
                        raise GatewayError("The file to send is too large.")
                kind = response.headers.get("Content-Type", "application/octet-stream").split(";")[0]
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise TemporaryGatewayError(f"The file to send: {type(error).__name__}") from None
        return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _answer(method: str, status: int, text: str, retry_after: str | None) -> dict[str, Any]:
    """The JSON of a 2xx; otherwise the error by its meaning."""
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    reason = str(body.get("error") or "") if isinstance(body, dict) else ""
    # `/status` fills `error` even when all is well.
    if 200 <= status < 300 and not (reason and not any(body.get(key) is not None for key in GOOD_KEYS)):
        return body if isinstance(body, dict) else {}
    told = f"{method}: HTTP {status}" + (f", {reason[:200]!r}" if reason else "")
    if status == 429 or status >= 500 or status == 408:
        seconds = float(retry_after) if retry_after and retry_after.isdecimal() else None
        raise TemporaryGatewayError(told, seconds)
    about_account = status == 400 and any(words in reason.lower() for words in ACCOUNT_ERRORS)
    if status in (401, 403, 404) or about_account:
        raise NotAuthorised(told)
    raise GatewayError(told)


def _id(value: Any) -> str | None:
    """An id as it can be stored: it comes from outside."""
    return str(value).replace("\0", "")[:128] or None if value else None

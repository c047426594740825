"""Promised notices on their way from the records to Theo."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from actions import notices


@pytest.fixture
async def theo(monkeypatch):
    """A Theo that refuses what is for `quebrada`; the keys that it heard are in `heard`."""
    heard: list[str] = []

    async def take(request: web.Request) -> web.Response:
        body = await request.json()
        heard.append(body["key"])
        return web.json_response({"new": True}, status=400 if body["conversation"] == "quebrada" else 200)

    app = web.Application()
    app.router.add_post("/webhooks/zapi/notices", take)
    async with TestServer(app) as server:
        monkeypatch.setenv("THEO_URL", str(server.make_url("")))
        yield heard


async def test_one_refused_notice_keeps_no_other_back(theo, monkeypatch):
    sent: list[int] = []
    due = [SimpleNamespace(id=1, chat="quebrada"), SimpleNamespace(id=2, chat="inteira")]
    monkeypatch.setattr(notices, "erp", lambda: SimpleNamespace(notices_due=lambda: due, notice_sent=sent.append))
    assert await notices.tell_due() == 1
    assert (theo, sent) == (["aviso-1", "aviso-2"], [2])

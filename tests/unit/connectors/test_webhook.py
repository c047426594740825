"""The webhook over real HTTP: what is taken, what is refused, and what the log says of it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
import yaml
from aiohttp import web
from sanic import Sanic

from connectors import inbox as inbox_module
from connectors.messages import TEXT, Incoming, Outgoing
from connectors.settings import Settings, ZapiSettings
from connectors.store import conversations as conversations_table
from connectors.store import engine_for
from connectors.store import inbox as inbox_table
from connectors.store import outbox as outbox_table
from connectors.zapi import channel as module
from connectors.zapi.channel import MAX_BODY_BYTES, ZapiInput
from connectors.zapi.parse import parse
from tests.unit.connectors.fakes import INSTANCE, PHONE, FakeGateway, eventually, on_sqlite
from tests.unit.connectors.webhook_app import FakeAgent, app_of

Rows = Callable[..., list[Any]]
FIXTURES = {path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("fixtures/*.json")}
TOKEN, ACCOUNT = "B1B2B3B4B5B6B7B8B9B0C1C2", "F" + "0" * 32 + "S"
SECRET = "segredo do cliente"
SHARED = "entre-theo-e-as-acoes"
#: The headers of a recorded call, with its offer of HTTP/2.
H2C = {
    "connection": "Upgrade, HTTP2-Settings",
    "http2-settings": "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    "upgrade": "h2c",
    "content-type": "application/json",
    "origin": "https://api.z-api.io",
    "server": "Z-API",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.1 Safari/537.36",
    "z-api-token": TOKEN,
}


class Gateway(FakeGateway):
    """In the place of Z-API's client."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class Server:
    def __init__(self, database_url: str, agent: FakeAgent | None) -> None:
        zapi = ZapiSettings(INSTANCE, TOKEN, ACCOUNT)
        self.channel = ZapiInput(zapi, Settings(database_url=database_url, burst_seconds=0.05, pace=0, secret=SHARED))
        self.agent = agent
        self.app = app_of(self.channel, agent)
        self.gateway: Gateway = Gateway()
        self.address = ("127.0.0.1", 0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.address[1]}"

    async def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(self.address)
            self.address = probe.getsockname()
        server = await self.app.create_server(*self.address, return_asyncio_server=True, access_log=False)
        assert server is not None
        self._server = server
        await self._server.startup()
        await self._server.before_start()
        await self._server.start_serving()
        await self._server.after_start()
        self.http = aiohttp.ClientSession()

    async def stop(self) -> None:
        await self._server.before_stop()
        await self._server.close()
        await self._server.after_stop()
        await self.http.close()

    async def post(self, body: object, **headers: str) -> int:
        """The status of a webhook call; bytes go as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", "z-api-token": TOKEN, **headers}
        async with self.http.post(f"{self.url}/webhooks/zapi/webhook", data=data, headers=sent) as response:
            return response.status

    async def ready(self) -> tuple[int, list[str]]:
        async with self.http.get(f"{self.url}/readyz") as response:
            return response.status, (await response.json())["problems"]

    async def raw(self, head: bytes, body: bytes = b"") -> bytes:
        """What comes back on a bare socket."""
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(head + body)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return answer


@pytest.fixture
async def server(database_url: str, store: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(module, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(Sanic, "test_mode", True)  # more than one app in a process
    server = Server(database_url, FakeAgent())
    monkeypatch.setattr(module, "ZapiClient", lambda *_: server.gateway)
    await server.start()
    yield server
    await server.stop()


def said(text: str = "oi", **change: Any) -> dict[str, Any]:
    return {**FIXTURES["text"]["body"], "text": {"message": text}, **change}


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.getMessage().startswith("Webhook call refused")]


def tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """No log line holds what a customer wrote, a phone or a token."""
    for record in caplog.records:
        if record.name.startswith(("connectors", "sanic")):
            for secret in (SECRET, TOKEN, ACCOUNT, PHONE):
                assert secret not in record.getMessage()
                assert secret not in str(record.exc_info)


# -- taken --------------------------------------------------------------------------------------------


async def test_a_message_is_stored_and_answered(server: Server, rows: Rows) -> None:
    assert await server.post(said("oi")) == 200
    [row] = rows(inbox_table)
    assert (row.channel, row.instance, row.conversation) == ("zapi", INSTANCE, PHONE)
    await eventually(lambda: server.gateway.texts == ["eco: oi"])


async def test_200_comes_only_after_the_row_is_there(
    server: Server, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go = threading.Event(), threading.Event()
    real = inbox_module.receive

    def slow(*args: Any) -> str | None:
        reached.set()
        assert go.wait(5)
        return real(*args)

    monkeypatch.setattr(inbox_module, "receive", slow)
    call = asyncio.create_task(server.post(said()))
    await eventually(reached.is_set)
    await asyncio.sleep(0.05)
    assert not call.done()
    assert rows(inbox_table) == []
    go.set()
    assert await call == 200
    assert len(rows(inbox_table)) == 1


@on_sqlite
async def test_200_does_not_wait_for_the_answer(server: Server) -> None:
    assert server.agent is not None
    server.agent.go.clear()
    assert await server.post(said("demora")) == 200
    await eventually(lambda: server.agent and server.agent.heard)
    assert await server.post(said("oi", messageId="3EB0B", phone="5583991110002", chatLid=None)) == 200
    await eventually(lambda: server.agent and len(server.agent.heard) == 2)
    assert server.gateway.sent == []
    server.agent.go.set()
    await eventually(lambda: len(server.gateway.sent) == 2)


async def test_the_offer_of_http_2_is_survived(server: Server, rows: Rows) -> None:
    body = json.dumps(said("oi", messageId="3EB0H2C")).encode()
    head = "POST /webhooks/zapi/webhook HTTP/1.1\r\nhost: theo.test\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in {**H2C, "content-length": str(len(body))}.items())
    answer = await server.raw(f"{head}\r\n".encode(), body)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"101" not in answer.split(b"\r\n")[0]
    assert [row.message_id for row in rows(inbox_table)] == ["3EB0H2C"]


async def test_the_same_message_at_another_moment_is_one_row(server: Server, rows: Rows) -> None:
    calls = [server.post(said("oi", momment=1764500000000 + n * 23_000)) for n in range(9)]
    assert await asyncio.gather(*calls) == [200] * 9
    await eventually(lambda: server.gateway.sent)
    assert await server.post(said("oi", momment=1764500207000)) == 200
    await asyncio.sleep(0.15)
    assert len(rows(inbox_table)) == 1
    assert server.gateway.texts == ["eco: oi"]


@on_sqlite
async def test_messages_are_stored_in_the_order_of_their_calls(
    server: Server, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = inbox_module.receive

    def uneven(*args: Any) -> str | None:
        time.sleep(random.random() / 50)
        return real(*args)

    monkeypatch.setattr(inbox_module, "receive", uneven)
    service = server.channel.service
    events = [parse(said(str(n), messageId=f"3EB0{n:03}")) for n in range(12)]
    await asyncio.gather(*(service._take(event) for event in events))
    assert [row.message_id for row in rows(inbox_table)] == [f"3EB0{n:03}" for n in range(12)]


@on_sqlite
async def test_every_recorded_call_is_acknowledged(
    server: Server, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    for name in sorted(FIXTURES):
        assert await server.post(FIXTURES[name]["body"]) == 200, name
    kept = {row.message_id for row in rows(inbox_table)}
    expected = [f["expected"] for f in FIXTURES.values() if f["expected"]["event"] == "Incoming"]
    assert kept == {event["message_id"] for event in expected}
    errors = {r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR and "NOT" not in r.getMessage()}
    assert {error for error in errors if "DISCONNECTED" not in error} == set()
    tells_nothing(caplog)


@on_sqlite
async def test_a_phone_that_went_off_line_is_told(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert await server.post(FIXTURES["disconnected"]["body"]) == 200
    assert await server.post(FIXTURES["connected"]["body"]) == 200
    told = [(r.levelno, r.getMessage()) for r in caplog.records if "WhatsApp number" in r.getMessage()]
    assert [level for level, _ in told] == [logging.ERROR, logging.INFO]


@on_sqlite
async def test_a_delivery_error_reaches_the_outbox(server: Server, rows: Rows) -> None:
    await server.post(said("oi"))
    await eventually(lambda: rows(outbox_table, outbox_table.c.state == "sent"))
    body = {**FIXTURES["delivery_error"]["body"], "messageId": "QUEUE1", "zaapId": "QUEUE1"}
    assert await server.post(body) == 200
    [row] = rows(outbox_table)
    assert (row.state, row.error) == ("failed", "Phone number does not exist")


@on_sqlite
async def test_an_attendant_silences_theo_and_gives_the_chat_back(server: Server, rows: Rows) -> None:
    def typed(text: str, message_id: str) -> dict[str, Any]:
        return said(text, fromMe=True, messageId=message_id)

    await server.post(typed("Oi, aqui é a Rita", "OP1"))
    await server.post(said("oi Rita", messageId="3EB01"))
    await eventually(lambda: rows(inbox_table, inbox_table.c.state == "human"))
    await server.post(typed("theo pode voltar", "OP2"))
    await server.post(typed("Oi, aqui é a Rita", "OP1"))  # the gateway repeats itself
    await server.post(said("oi Theo", messageId="3EB02"))
    await eventually(lambda: server.gateway.texts == ["eco: oi Theo"])


# -- refused ------------------------------------------------------------------------------------------


@on_sqlite
async def test_a_wrong_token_is_401(server: Server, rows: Rows, caplog: pytest.LogCaptureFixture) -> None:
    for token in ("", "wrong", TOKEN.lower(), TOKEN + "A", TOKEN[:-1], ACCOUNT):
        caplog.clear()
        assert await server.post(said(SECRET), **{"z-api-token": token}) == 401, token
        assert refusals(caplog) == ["Webhook call refused with 401: wrong or missing z-api-token."]
        tells_nothing(caplog)
    assert rows(inbox_table) == []


@on_sqlite
async def test_a_missing_or_unreadable_token_is_401(server: Server, rows: Rows) -> None:
    body = json.dumps(said(SECRET)).encode()
    head = b"POST /webhooks/zapi/webhook HTTP/1.1\r\nhost: theo.test\r\nconnection: close\r\n"
    for header in (b"", b"z-api-token: \xff\xfe\r\n", b"client-token: " + TOKEN.encode() + b"\r\n"):
        length = f"content-length: {len(body)}\r\n\r\n".encode()
        assert (await server.raw(head + header + length, body)).startswith(b"HTTP/1.1 401 "), header
    assert rows(inbox_table) == []


@on_sqlite
async def test_another_instance_is_401(server: Server, rows: Rows, caplog: pytest.LogCaptureFixture) -> None:
    for instance in ("D" * 32, "", None, 7, ["A"]):
        caplog.clear()
        assert await server.post(said(SECRET, instanceId=instance)) == 401, instance
        assert refusals(caplog) == ["Webhook call refused with 401: instanceId is not ours."]
        tells_nothing(caplog)
    assert rows(inbox_table) == []


BAD_JSON = (
    b"", b"{", b"oi", b"\xff\xfe\xfd", b'{"text": "' + SECRET.encode() + b'"', b"[]", b'"x"', b"null", b"7",
    b"[" * 100_000, b'{"a":' * 100_000, b'{"momment": ' + b"9" * 10_000 + b"}",
)  # fmt: skip


@on_sqlite
async def test_bad_json_is_400(server: Server, rows: Rows, caplog: pytest.LogCaptureFixture) -> None:
    for body in BAD_JSON:
        caplog.clear()
        assert await server.post(body) == 400, body[:30]
        assert len(refusals(caplog)) == 1
        tells_nothing(caplog)
    assert rows(inbox_table) == []
    assert await server.post(said()) == 200


@on_sqlite
@pytest.mark.parametrize("chunked", [False, True])
async def test_an_oversize_body_is_413(
    server: Server, rows: Rows, caplog: pytest.LogCaptureFixture, chunked: bool
) -> None:
    body = json.dumps(said(SECRET + "x" * MAX_BODY_BYTES)).encode()
    head = f"POST /webhooks/zapi/webhook HTTP/1.1\r\nhost: theo.test\r\nz-api-token: {TOKEN}\r\n"
    if chunked:
        half = len(body) // 2
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:], b""))
        head += "transfer-encoding: chunked\r\n\r\n"
    else:
        head += f"content-length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(head.encode() + body)
    answer = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert refusals(caplog) == ["Webhook call refused with 413: the body is too large."]
    assert rows(inbox_table) == []
    tells_nothing(caplog)
    assert await server.post(said()) == 200


@on_sqlite
async def test_just_below_the_limit_is_taken(server: Server, rows: Rows) -> None:
    assert await server.post(said("x" * (MAX_BODY_BYTES - 5000))) == 200
    await eventually(lambda: server.agent and server.agent.heard)
    assert server.agent and len(server.agent.heard[0]) == 4000


@pytest.mark.parametrize("error", [sa.exc.OperationalError("INSERT", {}, Exception(SECRET)), ValueError(SECRET)])
@on_sqlite
async def test_what_cannot_be_stored_is_503(
    server: Server,
    rows: Rows,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(inbox_module, "receive", fail)
        assert await server.post(said(SECRET)) == 503
    assert refusals(caplog) == ["Webhook call refused with 503: the message could not be stored."]
    tells_nothing(caplog)
    assert await server.post(said("oi")) == 200


@on_sqlite
async def test_only_post(server: Server) -> None:
    async with server.http.get(f"{server.url}/webhooks/zapi/webhook") as response:
        assert response.status == 405


# -- Theo speaks first --------------------------------------------------------------------------------

NOTICE = {"conversation": PHONE, "payload": '/informar{"aviso": "volta"}', "key": "aviso-1"}


async def notify(server: Server, body: object, secret: str = SHARED) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{server.url}/webhooks/zapi/notices"
    async with server.http.post(url, data=data, headers={"x-theo-secret": secret}) as response:
        return response.status, await response.json()


async def test_a_notice_is_told_once(server: Server, rows: Rows) -> None:
    await server.post(said("oi"))
    await eventually(lambda: len(server.gateway.sent) == 1)
    assert await notify(server, NOTICE) == (200, {"new": True})
    assert await notify(server, NOTICE) == (200, {"new": False})
    await eventually(lambda: len(server.gateway.sent) == 2)
    assert await notify(server, NOTICE) == (200, {"new": False})
    await asyncio.sleep(0.15)
    assert server.gateway.texts == ["eco: oi", f"eco: {NOTICE['payload']}"]


@on_sqlite
async def test_a_notice_to_nobody_is_not_told(server: Server, rows: Rows) -> None:
    assert await notify(server, NOTICE) == (200, {"new": False})
    assert rows(inbox_table) == []


@on_sqlite
async def test_only_the_action_server_makes_theo_speak(
    server: Server, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    for secret in ("", "wrong", SHARED.upper(), TOKEN, "\u00e9"):
        assert (await notify(server, NOTICE, secret))[0] == 401, secret
    object.__setattr__(server.channel.service._settings, "secret", "")  # none was set
    for secret in ("", SHARED):
        assert (await notify(server, NOTICE, secret))[0] == 401, secret
    assert rows(inbox_table) == []
    assert SHARED not in caplog.text


@on_sqlite
async def test_a_notice_that_cannot_be_read_is_400(server: Server, rows: Rows) -> None:
    for body in (
        b"{", b"[]", {}, {**NOTICE, "payload": "oi"}, {**NOTICE, "payload": None}, {**NOTICE, "conversation": 7},
        {**NOTICE, "key": ""}, {**NOTICE, "key": 1}, {**NOTICE, "key": "k" * 129},
    ):  # fmt: skip
        assert (await notify(server, body))[0] == 400, body
    assert rows(inbox_table) == []


@on_sqlite
async def test_a_notice_that_cannot_be_stored_comes_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise sa.exc.OperationalError("INSERT", {}, Exception("away"))

    await server.post(said("oi"))
    with monkeypatch.context() as broken:
        broken.setattr(inbox_module, "announce", away)
        assert (await notify(server, NOTICE))[0] == 503
    assert await notify(server, NOTICE) == (200, {"new": True})


# -- readiness ----------------------------------------------------------------------------------------


async def test_ready(server: Server) -> None:
    assert await server.ready() == (200, [])


@on_sqlite
async def test_without_a_model_messages_are_kept_and_answered_later(server: Server, rows: Rows) -> None:
    assert server.agent is not None
    server.agent.model = False
    assert await server.ready() == (503, ["no model is loaded"])
    assert await server.post(said("oi")) == 200
    await asyncio.sleep(0.3)
    assert server.agent.heard == []
    assert [(row.state, row.attempts) for row in rows(inbox_table)] == [("new", 0)]
    server.agent.model = True
    await eventually(lambda: server.gateway.texts == ["eco: oi"])


@on_sqlite
async def test_without_an_agent_it_is_not_ready(server: Server) -> None:
    server.app.ctx.agent = None
    assert await server.ready() == (503, ["no model is loaded"])


@on_sqlite
async def test_rasas_silent_fallback_to_memory_is_not_ready(server: Server) -> None:
    from rasa.core.tracker_store import InMemoryTrackerStore

    assert server.agent is not None
    server.agent.tracker_store = InMemoryTrackerStore(server.agent.domain)
    assert await server.ready() == (503, ["Rasa's tracker store is not Theo's: see endpoints.yml"])


@on_sqlite
async def test_without_storage_it_is_not_ready(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("away"))

    with monkeypatch.context() as broken:
        broken.setattr(server.channel.service._store, "run", away)
        assert await server.ready() == (503, ["storage: OperationalError"])
    assert await server.ready() == (200, [])


# -- the sweep, the apology, the end ------------------------------------------------------------------


@on_sqlite
async def test_what_an_earlier_process_left_is_swept_up(server: Server, store: Any) -> None:
    from connectors import outbox

    await store.run(outbox.put, "zapi", PHONE, PHONE, [Outgoing("de antes")], time.time())
    message = parse(said("também de antes"))
    await store.run(inbox_module.receive, "zapi", INSTANCE, message, time.time())
    await eventually(lambda: sorted(server.gateway.texts) == ["de antes", "eco: também de antes"])


@on_sqlite
async def test_the_sweep_goes_on_after_an_error(
    server: Server, store: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise RuntimeError("away")

    with monkeypatch.context() as broken:
        broken.setattr(inbox_module, "waiting_conversations", away)
        await eventually(lambda: "could not be looked for" in caplog.text)
    message = parse(said("oi"))
    await store.run(inbox_module.receive, "zapi", INSTANCE, message, time.time())
    await eventually(lambda: server.gateway.texts == ["eco: oi"])


@on_sqlite
async def test_the_apology_is_the_domains(server: Server, no_waits: list[float]) -> None:
    assert server.agent is not None
    server.agent.fails = True
    await server.post(said("oi"))
    await eventually(lambda: server.gateway.texts == ["Desculpa, deu erro."])


@on_sqlite
async def test_while_stopping_nothing_is_taken(server: Server, rows: Rows) -> None:
    assert server.agent is not None
    server.agent.go.clear()
    await server.post(said("oi"))
    await eventually(lambda: server.agent and server.agent.heard)
    stopping = asyncio.create_task(server.channel.service.stop(server.app, asyncio.get_running_loop()))
    await asyncio.sleep(0.02)
    assert await server.post(said("e isto?", messageId="3EB0LATE")) == 503
    assert (await server.ready())[1][:1] == ["stopping"]
    server.agent.go.set()
    await stopping
    assert [(row.state, row.message_id == "3EB0LATE") for row in rows(inbox_table)] == [("done", False)]
    server.channel.service.stop = _nothing  # type: ignore[assignment,method-assign]


async def _nothing(*_: object) -> None: ...


@on_sqlite
async def test_a_body_that_goes_too_deep_is_refused(server: Server, rows: Rows) -> None:
    deep: Any = "oi"
    for _ in range(40):
        deep = {"a": deep}
    assert await server.post(said(externalAdReply=deep)) == 400
    assert await server.post(b"[" * 100_000) == 400
    assert await server.post(said(externalAdReply={"a": {"b": [{"c": "d"}]}})) == 200
    assert len(rows(inbox_table)) == 1


@on_sqlite
async def test_who_keeps_guessing_is_told_to_stop_and_z_api_is_heard_all_the_same(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = [await server.post(said(), **{"z-api-token": f"guess-{n}"}) for n in range(35)]
    assert wrong == [401] * 30 + [429] * 5
    assert await server.post(said()) == 200
    assert len(refusals(caplog)) == 30


async def test_old_talks_are_forgotten_by_the_running_server(
    database_url: str, store: Any, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PURGE_SECONDS", 0.1)
    monkeypatch.setattr(Sanic, "test_mode", True)
    server = Server(database_url, FakeAgent())
    monkeypatch.setattr(module, "ZapiClient", lambda *_: server.gateway)
    await server.start()
    try:
        assert await server.post(said("oi")) == 200
        await eventually(lambda: server.gateway.texts == ["eco: oi"] and rows(outbox_table)[0].state == "sent")
        await asyncio.sleep(0.3)
        assert len(rows(inbox_table)) == len(rows(outbox_table)) == 1
        days = 89 * 24 * 3600
        with store.engine.begin() as db:
            db.execute(inbox_table.update().values(received_at=time.time() - days))
            db.execute(outbox_table.update().values(created_at=time.time() - days))
        await asyncio.sleep(0.3)
        assert len(rows(inbox_table)) == len(rows(outbox_table)) == 1, "its time has not come"
        with store.engine.begin() as db:
            db.execute(inbox_table.update().values(received_at=time.time() - days * 2))
            db.execute(outbox_table.update().values(created_at=time.time() - days * 2))
        await eventually(lambda: not rows(inbox_table) and not rows(outbox_table) and not rows(conversations_table))
    finally:
        await server.stop()


def test_a_missing_variable_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAPI_INSTANCE_ID", INSTANCE)
    monkeypatch.delenv("ZAPI_TOKEN", raising=False)
    with pytest.raises(SystemExit, match="ZAPI_TOKEN is not set: Theo cannot talk to Z-API without it."):
        ZapiInput.from_credentials(None)
    monkeypatch.setenv("ZAPI_TOKEN", TOKEN)
    monkeypatch.setenv("ZAPI_CLIENT_TOKEN", ACCOUNT)
    monkeypatch.setenv("THEO_SECRET", "")
    with pytest.raises(SystemExit, match="^THEO_SECRET is not set: "):
        ZapiInput.from_credentials(None)
    monkeypatch.setenv("THEO_SECRET", SHARED)
    monkeypatch.setenv("THEO_SEAL_KEYS", "")
    with pytest.raises(SystemExit, match="^THEO_SEAL_KEYS is not set: "):
        ZapiInput.from_credentials(None)
    monkeypatch.setenv("THEO_SEAL_KEYS", "curta")
    with pytest.raises(SystemExit, match="^THEO_SEAL_KEYS holds something that is no key: "):
        ZapiInput.from_credentials(None)


async def test_sigterm_ends_the_turn_under_way_and_keeps_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real process: Sanic itself would drop the work behind an acknowledged message."""
    sent: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        sent.append(await request.json())
        return web.json_response({"zaapId": f"Q{len(sent)}", "messageId": f"M{len(sent)}"})

    gateway = web.Application()
    gateway.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(gateway)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"sqlite:///{tmp_path / 'theo.db'}"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        **os.environ, "DATABASE_URL": url, "REDIS_URL": "", "THEO_BURST_SECONDS": "0.2", "THEO_PACE": "0",
        "ZAPI_INSTANCE_ID": INSTANCE, "ZAPI_TOKEN": TOKEN, "ZAPI_CLIENT_TOKEN": ACCOUNT, "SLOW_SECONDS": "1",
        "THEO_SECRET": SHARED,
        "ZAPI_BASE_URL": f"http://127.0.0.1:{runner.addresses[0][1]}", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    log = (tmp_path / "log").open("w+")
    process = _start(port, environ, log)
    try:
        async with aiohttp.ClientSession() as http:

            async def post(text: str, message_id: str) -> int:
                body = said(text, messageId=message_id)
                target = f"http://127.0.0.1:{port}/webhooks/zapi/webhook"
                async with http.post(target, json=body, headers={"z-api-token": TOKEN}) as response:
                    return response.status

            await _until_it_listens(port, process, log)
            assert await post("oi", "3EB0A") == 200
            await eventually(lambda: "heard 3EB0A" in _text(log), 10)
            assert await post("e isto?", "3EB0B") == 200
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 30) == 0
        assert [body["message"] for body in sent] == ["eco: oi"]
        with engine_for(url).connect() as db:
            states = db.execute(
                sa.select(inbox_table.c.message_id, inbox_table.c.state).order_by(inbox_table.c.id)
            ).all()
        assert [tuple(row) for row in states] == [("3EB0A", "done"), ("3EB0B", "new")]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        log.close()
        await runner.cleanup()


def _start(port: int, environ: dict[str, str], log: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.unit.connectors.webhook_app", str(port)]
    root = Path(__file__).parents[3]
    return subprocess.Popen(command, env=environ, stdout=log, stderr=subprocess.STDOUT, cwd=root)


async def _until_it_listens(port: int, process: subprocess.Popen[bytes], log: Any) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, _text(log)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        await asyncio.sleep(0.1)
    raise AssertionError(_text(log))


def _text(log: Any) -> str:
    return Path(log.name).read_text()


# -- one number that writes too much, and a phone off line ------------------------------------------------


async def test_more_than_the_limit_is_kept_and_told_once(server: Server, rows: Rows) -> None:
    server.channel.service._settings = replace(server.channel.settings, messages_per_minute=3)
    for number in range(8):
        assert await server.post(said(f"mensagem {number}", messageId=f"3EB0F{number}")) == 200
    assert await server.post(said("mensagem 7", messageId="3EB0F7")) == 200, "a repetition"
    assert await server.post(said("oi", messageId="3EB0G", phone="5583991110002", chatLid=None)) == 200
    await eventually(lambda: len(server.gateway.sent) >= 3)
    await eventually(lambda: not rows(inbox_table, inbox_table.c.state == "new"))
    states = [row.state for row in rows(inbox_table, inbox_table.c.conversation == PHONE)]
    assert states == ["done"] * 3 + ["surplus"] * 5
    told = [text for text in server.gateway.texts if "muitas mensagens" in text]
    assert told == [module.TOO_MUCH]
    await eventually(lambda: "eco: oi" in server.gateway.texts)  # nobody else is concerned
    assert "mensagem 2" in "".join(server.gateway.texts) and "mensagem 3" not in "".join(server.gateway.texts)


@on_sqlite
async def test_a_crowd_is_stored_together_and_in_order(
    server: Server, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: list[int] = []
    real = server.channel.service._receive_all

    def count(db: Any, messages: list[Any]) -> Any:
        together.append(len(messages))
        return real(db, messages)

    monkeypatch.setattr(server.channel.service, "_receive_all", count)
    phones = [f"55839911{number:05d}" for number in range(40)]
    bodies = [said(messageId=f"3EB0C{phone}", phone=phone, chatLid=None) for phone in phones]
    assert await asyncio.gather(*map(server.post, bodies)) == [200] * 40
    assert sum(together) == 40
    assert len(together) < 40
    assert [row.id for row in rows(inbox_table)] == sorted(row.id for row in rows(inbox_table))
    assert len({row.message_id for row in rows(inbox_table)}) == 40


@on_sqlite
async def test_no_turn_begins_while_a_message_waits_to_be_stored(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    storing, go_on = threading.Event(), threading.Event()
    service = server.channel.service
    real = service._receive_all

    def slow(db: Any, messages: list[Any]) -> Any:
        storing.set()
        assert go_on.wait(5)
        return real(db, messages)

    monkeypatch.setattr(service, "_receive_all", slow)
    call = asyncio.create_task(server.post(said("oi", messageId="3EB0H1", phone="5583991110002", chatLid=None)))
    await eventually(storing.is_set)
    waiting = await service._store.run(
        service._receive, Incoming(kind=TEXT, message_id="3EB0H2", phone=PHONE, text="antes")
    )
    assert waiting is not None
    service._turns.wake(waiting)
    await asyncio.sleep(0.3)
    assert not server.gateway.texts
    go_on.set()
    assert await call == 200
    await eventually(lambda: sorted(server.gateway.texts) == ["eco: antes", "eco: oi"])


@on_sqlite
async def test_one_that_cannot_be_stored_does_not_refuse_the_others(
    server: Server, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = inbox_module.receive

    def picky(db: Any, channel: str, instance: str, message: Any, now: float) -> Any:
        if message.message_id == "3EB0D1":  # "veneno", sealed by now
            raise ValueError("cannot be stored")
        return real(db, channel, instance, message, now)

    monkeypatch.setattr(inbox_module, "receive", picky)
    texts = ["oi", "veneno", "tudo bem?"]
    bodies = [said(text, messageId=f"3EB0D{n}", phone=f"558399110000{n}") for n, text in enumerate(texts)]
    assert sorted(await asyncio.gather(*map(server.post, bodies))) == [200, 200, 503]
    assert len(rows(inbox_table)) == 2


@on_sqlite
async def test_who_talks_to_a_person_is_not_told_to_write_less(server: Server, rows: Rows) -> None:
    server.channel.service._settings = replace(server.channel.settings, messages_per_minute=2)
    assert await server.post(FIXTURES["operator_text"]["body"]) == 200
    for number in range(5):
        assert await server.post(said(messageId=f"3EB0F{number}")) == 200
    await eventually(lambda: not rows(inbox_table, inbox_table.c.state == "new"))
    assert not server.gateway.sent
    assert {row.state for row in rows(inbox_table, inbox_table.c.kind == "text")} == {"human"}


@on_sqlite
async def test_what_is_said_while_the_phone_is_off_line_waits_for_it(server: Server, rows: Rows) -> None:
    server.gateway.connected = False
    assert await server.post(FIXTURES["disconnected"]["body"]) == 200
    assert await server.post(said("oi")) == 200
    await eventually(lambda: rows(outbox_table))
    await asyncio.sleep(0.3)
    assert not server.gateway.sent
    server.gateway.connected = True
    assert await server.post(FIXTURES["connected"]["body"]) == 200
    await eventually(lambda: server.gateway.texts == ["eco: oi"])


async def test_the_sentence_is_the_domain_s() -> None:
    domain = yaml.safe_load((Path(__file__).parents[3] / "domain.yml").read_text(encoding="utf-8"))
    assert domain["responses"][module.TOO_MUCH_RESPONSE] == [{"text": module.TOO_MUCH}]

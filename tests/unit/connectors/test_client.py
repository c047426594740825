"""Sending to a Z-API that a test speaks for: what goes over the wire, and what its errors mean."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from connectors.errors import GatewayError, NotAuthorised, TemporaryGatewayError
from connectors.messages import Option, Outgoing
from connectors.outbox import Sent
from connectors.settings import Settings, ZapiSettings
from connectors.zapi import client as module
from connectors.zapi.client import ZapiClient

PHONE = "5583991110001"
INSTANCE, TOKEN, ACCOUNT = "A" * 32, "B1B2B3B4B5B6B7B8B9B0C1C2", "F" + "0" * 32 + "S"
OK = {"zaapId": "QUEUE1", "messageId": "OUT1", "id": "OUT1"}
PDF = b"%PDF-1.4 " + bytes(range(256)) * 3000  # larger than what arrives in one piece

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Z-API and the action server in one; `answer` is what the next requests get."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], object]] = []
        self.answer: Answer = self._ok
        self.url = ""

    async def _ok(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(OK)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.method == "POST" else None
        self.requests.append((request.method, request.path, dict(request.headers), body))
        return await self.answer(request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application(client_max_size=64 * 1024**2)
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.1)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


def client_of(url: str) -> ZapiClient:
    zapi = ZapiSettings(INSTANCE, TOKEN, ACCOUNT, base_url=url, menus="list")
    return ZapiClient(zapi, Settings(pace=0, actions_url=url))


@pytest.fixture
async def client(server: Server) -> AsyncIterator[ZapiClient]:
    client = client_of(server.url)
    await client.open()
    yield client
    await client.close()


def answering(status: int, body: object = None, text: str | None = None, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        content = text if text is not None else json.dumps(body)
        return web.Response(status=status, text=content, headers=headers, content_type="application/json")

    return answer


async def send(client: ZapiClient, message: Outgoing, as_text: bool = False) -> Sent:
    return await client.send(PHONE, message, None, as_text)


# -- what goes over the wire --------------------------------------------------------------------------


async def test_a_text(server: Server, client: ZapiClient) -> None:
    assert await send(client, Outgoing("Olá, João")) == Sent("OUT1", "QUEUE1")
    [(method, path, headers, body)] = server.requests
    assert (method, path) == ("POST", f"/instances/{INSTANCE}/token/{TOKEN}/send-text")
    assert headers["Client-Token"] == ACCOUNT
    assert headers["Content-Type"] == "application/json"
    assert body == {"phone": PHONE, "message": "Olá, João"}


async def test_a_menu_in_the_style_that_is_set_or_as_text(server: Server, client: ZapiClient) -> None:
    menu = Outgoing("Confirma?", (Option("Sim", "/afirmar"), Option("Não", "/negar")))
    await send(client, menu)
    await send(client, menu, as_text=True)
    assert [path.rsplit("/", 1)[1] for _, path, _, _ in server.requests] == ["send-option-list", "send-text"]


async def test_a_file_of_the_action_server_is_sent_whole(server: Server, client: ZapiClient) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method == "POST":
            return web.json_response(OK)
        response = web.StreamResponse(headers={"Content-Type": "application/pdf; charset=binary"})
        await response.prepare(request)
        for start in range(0, len(PDF), 50_000):
            await response.write(PDF[start : start + 50_000])
            await asyncio.sleep(0)
        return response

    server.answer = answer
    await send(client, Outgoing("Sua fatura", url="/documents/abc", file_name="fatura.pdf"))
    (_, fetched, headers, _), (_, path, _, body) = server.requests
    assert fetched == "/documents/abc"
    assert "Client-Token" not in headers
    assert path.endswith("/send-document/pdf")
    assert isinstance(body, dict)
    kind, content = body["document"].split(",")
    assert kind == "data:application/pdf;base64"
    assert base64.b64decode(content) == PDF


async def test_an_address_elsewhere_is_left_to_z_api(server: Server, client: ZapiClient) -> None:
    await send(client, Outgoing(url="https://arquivos.test/a.png", image=True))
    [(_, _, _, body)] = server.requests
    assert body == {"phone": PHONE, "image": "https://arquivos.test/a.png"}


# -- errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "error", "about_content"),
    [
        (400, {"error": "your client-token is not configured"}, NotAuthorised, False),
        (403, {"error": "Client-Token not allowed"}, NotAuthorised, False),
        (400, {"error": "null not allowed"}, NotAuthorised, False),
        (403, {"error": "[203.0.113.7] not allowed"}, NotAuthorised, False),
        (
            400, {"error": "To continue sending a message, you must subscribe to this instance again"},
            NotAuthorised, False,
        ),
        (400, {"error": "Instance not found"}, NotAuthorised, False),
        (404, {"error": "Not Found", "path": f"/instances/{INSTANCE}/token/{TOKEN}/send-text"}, NotAuthorised, False),
        (404, None, NotAuthorised, False),
        (401, {}, NotAuthorised, False),
        (400, {"error": "phone is required"}, GatewayError, True),
        (400, {"error": None}, GatewayError, True),
        (400, ["odd"], GatewayError, True),
        (405, {"error": "Method Not Allowed"}, GatewayError, True),
        (413, None, GatewayError, True),
        (415, {"error": "Unsupported Media Type"}, GatewayError, True),
        (200, {"error": "You need to restore the session."}, GatewayError, True),
        (302, None, GatewayError, True),
        (408, None, TemporaryGatewayError, True),
        (429, None, TemporaryGatewayError, True),
        (500, {"error": "Internal Server Error"}, TemporaryGatewayError, True),
        (502, None, TemporaryGatewayError, True),
        (503, {"error": f"upstream of {TOKEN} and {ACCOUNT} away"}, TemporaryGatewayError, True),
    ],
)  # fmt: skip
async def test_error(
    server: Server,
    client: ZapiClient,
    status: int,
    body: object,
    error: type[GatewayError],
    about_content: bool,
) -> None:
    headers = {"Location": "https://elsewhere.test/"} if status == 302 else {}
    server.answer = answering(status, body, **headers)
    with pytest.raises(GatewayError) as raised:
        await send(client, Outgoing("segredo do cliente"))
    assert type(raised.value) is error
    assert raised.value.about_content is about_content
    assert str(status) in str(raised.value)
    _holds_nothing_secret(raised.value)
    assert len(server.requests) == 1  # a redirect is not followed: the token would go along


def _holds_nothing_secret(error: BaseException) -> None:
    told = repr(error) + str(error) + repr(error.__cause__)
    for secret in (TOKEN, ACCOUNT, "segredo", PHONE):
        assert secret not in told
    assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize("text", ["", "<html>Bad Gateway</html>", "{", '"x"', "null"])
async def test_an_answer_that_is_no_json(server: Server, client: ZapiClient, text: str) -> None:
    server.answer = answering(502, text=text)
    with pytest.raises(TemporaryGatewayError):
        await send(client, Outgoing("oi"))
    server.answer = answering(200, text=text)
    assert await send(client, Outgoing("oi")) == Sent(None, None)


@pytest.mark.parametrize(
    ("told", "seconds"), [("7", 7.0), ("0", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("²", None), ("", None)]
)
async def test_retry_after(server: Server, client: ZapiClient, told: str, seconds: float | None) -> None:
    server.answer = answering(429, **{"Retry-After": told})
    with pytest.raises(TemporaryGatewayError) as raised:
        await send(client, Outgoing("oi"))
    assert raised.value.retry_after == seconds


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"id": "OUT1"}, Sent("OUT1", None)),
        ({"messageId": 7, "zaapId": "Q\0" + "x" * 200}, Sent("7", "Q" + "x" * 127)),
        ({"error": "told, and queued all the same", **OK}, Sent("OUT1", "QUEUE1")),
    ],
)
async def test_ids_can_be_stored(server: Server, client: ZapiClient, body: object, sent: Sent) -> None:
    server.answer = answering(200, body)
    assert await send(client, Outgoing("oi")) == sent


async def test_nobody_there() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    client = client_of(url)
    await client.open()
    try:
        for message in (Outgoing("segredo do cliente"), Outgoing(url="/documents/abc")):
            with pytest.raises(TemporaryGatewayError) as raised:
                await send(client, message)
            _holds_nothing_secret(raised.value)
    finally:
        await client.close()


async def test_no_answer_in_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        raise AssertionError

    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.1)
    server.answer = hang
    client = client_of(server.url)
    await client.open()
    try:
        with pytest.raises(TemporaryGatewayError) as raised:
            await send(client, Outgoing("segredo do cliente"))
        _holds_nothing_secret(raised.value)
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, GatewayError), (410, GatewayError), (500, TemporaryGatewayError), (503, TemporaryGatewayError)],
)
async def test_a_file_that_cannot_be_fetched(
    server: Server, client: ZapiClient, status: int, error: type[GatewayError]
) -> None:
    server.answer = answering(status)
    with pytest.raises(GatewayError) as raised:
        await send(client, Outgoing(url="/documents/abc"))
    assert type(raised.value) is error
    assert len(server.requests) == 1  # nothing was sent


async def test_a_file_that_is_too_large(server: Server, client: ZapiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 10)
    server.answer = answering(200, text="x" * 11)
    with pytest.raises(GatewayError, match="too large"):
        await send(client, Outgoing(url="/documents/abc"))


def test_settings_do_not_print_their_secrets() -> None:
    zapi = ZapiSettings(INSTANCE, TOKEN, ACCOUNT)
    assert TOKEN not in repr(zapi)
    assert ACCOUNT not in repr(zapi)
    settings = Settings(database_url="postgresql://theo:senha@db/theo", redis_url="redis://:senha@r", secret="senha")
    assert "senha" not in repr(settings)


# -- the phone and the instance's queue -----------------------------------------------------------------


@pytest.mark.parametrize("connected", [True, False])
async def test_whether_the_phone_is_connected(server: Server, client: ZapiClient, connected: bool) -> None:
    # `error` is filled even when all is well.
    server.answer = answering(200, {"connected": connected, "error": "You are already connected."})
    assert await client.online() is connected
    [(verb, path, headers, _)] = server.requests
    assert (verb, path) == ("GET", f"/instances/{INSTANCE}/token/{TOKEN}/status")
    assert headers["Client-Token"] == ACCOUNT


async def test_the_queue_is_read_page_by_page(server: Server, client: ZapiClient) -> None:
    pages = {
        None: {"messages": [{"ZaapId": "Q1"}, {"ZaapId": "Q2"}], "pagingState": "Q2", "hasMore": True},
        "Q2": {"messages": [{"ZaapId": "Q3"}, {}], "pagingState": None, "hasMore": False},
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(pages[(await request.json()).get("pagingState")])

    server.answer = answer
    assert await client.queued() == ["Q1", "Q2", "Q3"]


async def test_one_message_is_taken_out_of_the_queue(server: Server, client: ZapiClient) -> None:
    server.answer = answering(200, {"value": True})
    await client.unqueue("Q/1")
    [(verb, path, _, _)] = server.requests
    assert (verb, path.rsplit("/token/", 1)[1]) == ("DELETE", f"{TOKEN}/queue/Q/1")


async def test_a_gateway_that_is_away_cannot_be_asked(server: Server, client: ZapiClient) -> None:
    server.answer = answering(503, {"error": "away"})
    for ask in (client.online(), client.queued(), client.unqueue("Q1")):
        with pytest.raises(TemporaryGatewayError):
            await ask

"""The simulator keeps to what is known of Z-API's wire, and to its own interface for tests and the page."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from simulator import contacts, samples, webhooks
from simulator.app import create
from simulator.faults import Faults
from simulator.gateway import QUEUE_LIMIT
from simulator.settings import Settings, SettingsError, from_environment
from simulator.state import Simulator

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[2]
INSTANCE, TOKEN, ACCOUNT = "A" * 32, "B" * 24, "F" + "0" * 32 + "S"
MARLENE, CAIO = "5583991110001", "5583991110004"
PDF = "data:application/pdf;base64," + base64.b64encode(samples.document()).decode()

# Keys of a recorded 1:1 message, in two halves: booleans that are always there, and the rest.
FLAGS = {
    "isStatusReply", "waitingMessage", "isEdit", "isGroup", "isNewsletter", "broadcast", "forwarded",
    "fromMe",
    "fromApi",
}  # fmt: skip
ENVELOPE = FLAGS | {
    "chatLid", "connectedPhone", "instanceId", "messageId", "phone", "momment", "status", "chatName",
    "senderPhoto",
    "senderName", "photo", "participantLid", "type",
}  # fmt: skip
NOTIFICATION = {
    "chatLid", "isGroup", "isNewsletter", "instanceId", "messageId", "phone", "connectedPhone", "fromMe",
    "momment",
    "expiresAt", "status", "chatName", "senderPhoto", "senderName", "photo", "broadcast",
    "referenceMessageId",
    "externalAdReply", "forwarded", "type", "notification", "notificationParameters", "callId", "code",
}  # fmt: skip
STUB = {
    "connectedPhone", "isGroup", "isNewsletter", "instanceId", "messageId", "momment", "status", "fromMe",
    "phone",
    "chatName", "senderName", "senderPhoto", "photo", "broadcast", "participantLid", "type", "waitingMessage",
    "viewOnce",
}  # fmt: skip


class Receiver:
    """A webhook that notes every request: (headers with lower-case names, body).

    Answers with the next of ``statuses``, then always with 200. Written on bare sockets, because aiohttp's
    own server does not survive ``Upgrade: h2c`` on a POST with a body, and that is what Z-API sends.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.statuses: list[int] = []
        self.delay = 0.0

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook"

    def bodies(self, kind: str = "") -> list[dict[str, Any]]:
        return [body for _, body in self.seen if not kind or body["type"] == kind]

    async def until(self, count: int, kind: str = "", seconds: float = 8) -> list[dict[str, Any]]:
        """The bodies of a type, as soon as there are ``count`` of them."""
        deadline = time.monotonic() + seconds
        while len(self.bodies(kind)) < count:
            assert time.monotonic() < deadline, (
                f"{len(self.bodies(kind))} of {count} {kind or 'requests'} came"
            )
            await asyncio.sleep(0.01)
        return self.bodies(kind)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)
                }
                body = json.loads(await reader.readexactly(int(headers["content-length"])))
                self.seen.append((headers, body))
                await asyncio.sleep(self.delay)
                status = self.statuses.pop(0) if self.statuses else 200
                writer.write(f"HTTP/1.1 {status} Answer\r\nContent-Length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


@dataclass
class Bench:
    """A running simulator, its webhook, and shorthands."""

    client: TestClient
    hook: Receiver
    simulator: Simulator
    account: dict[str, str] = field(default_factory=lambda: {"Client-Token": ACCOUNT})

    async def call(self, verb: str, method: str, body: Any = None, **options: Any) -> aiohttp.ClientResponse:
        options.setdefault("headers", self.account)
        path = f"/instances/{options.pop('instance', INSTANCE)}/token/{options.pop('token', TOKEN)}/{method}"
        return await self.client.request(
            verb, path, **({"json": body} if body is not None else {}), **options
        )

    async def send(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.call("POST", method, {"phone": MARLENE, **body})
        content = await answer.json()
        assert answer.status == 200, content
        return dict(content)

    async def refused(self, method: str, body: Any) -> str:
        answer = await self.call("POST", method, body)
        assert answer.status == 400, await answer.text()
        return str((await answer.json())["error"])

    async def say(self, phone: str = MARLENE, sync: bool = True, **body: Any) -> dict[str, Any]:
        path = f"/api/chats/{phone}/messages" + ("?sync=1" if sync else "")
        answer = await self.client.post(path, json=body)
        content = await answer.json()
        assert answer.status == (200 if sync else 202), content
        return dict(content)

    async def said(self, phone: str = MARLENE, **body: Any) -> dict[str, Any]:
        """Say it and return the last webhook that came of it."""
        await self.say(phone, **body)
        return self.hook.bodies()[-1]

    async def messages(self, phone: str = MARLENE, after: int = 0, wait: float = 0) -> list[dict[str, Any]]:
        answer = await self.client.get(f"/api/chats/{phone}/messages", params={"after": after, "wait": wait})
        return list((await answer.json())["messages"])

    async def shown(self, count: int, phone: str = MARLENE, seconds: float = 8) -> list[dict[str, Any]]:
        deadline = time.monotonic() + seconds
        while len(found := await self.messages(phone)) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages"
            await asyncio.sleep(0.01)
        return found

    async def faults(self, **change: Any) -> dict[str, Any]:
        answer = await self.client.put("/api/faults", json=change)
        assert answer.status == 200, await answer.text()
        return dict(await answer.json())

    async def sends(self, after: int = 0) -> list[dict[str, Any]]:
        return list((await (await self.client.get("/api/sends", params={"after": after})).json())["sends"])


@asynccontextmanager
async def running(**faults: Any) -> AsyncIterator[Bench]:
    hook = Receiver()
    settings = Settings(INSTANCE, TOKEN, ACCOUNT, await hook.start(), public_url="http://simulator.test")
    app = create(settings)
    async with TestClient(TestServer(app)) as client:
        bench = Bench(client, hook, app[Simulator.KEY])
        if faults:
            await bench.faults(**faults)
        yield bench


# --- what a send must carry


async def test_tokens_verbs_and_content_type() -> None:
    body = {"phone": MARLENE, "message": "oi"}
    async with running() as bench:

        async def answer(verb: str = "POST", method: str = "send-text", **options: Any) -> tuple[int, Any]:
            reply = await bench.call(verb, method, options.pop("body", body), **options)
            return reply.status, await reply.json()

        assert await answer(headers={}) == (400, {"error": "your client-token is not configured"})
        assert await answer(headers={"Client-Token": "no"}) == (403, {"error": "Client-Token not allowed"})
        assert await answer(token="C" * 24) == (404, {"error": "Instance not found"})
        assert await answer(instance="C" * 32) == (404, {"error": "Instance not found"})
        assert (await answer(method="send-nothing"))[0] == 404
        assert (await answer("GET"))[0] == 405
        assert (await answer("PUT", "read-message"))[0] == 405
        status, content = await answer(
            body=None, data="{}", headers={**bench.account, "Content-Type": "text/plain"}
        )
        assert (status, list(content)) == (415, ["error"])
        answer_ = await bench.call(
            "POST", "send-text", data="{", headers={**bench.account, "Content-Type": "application/json"}
        )
        assert answer_.status == 400
        # All of them are noted as they came, with the status they got; none reached the chat.
        noted = [(entry["method"], entry["status"]) for entry in await bench.sends()]
        assert noted == [("send-text", status) for status in (400, 403, 404, 404, 415, 400)]
        assert await bench.messages() == []


GOOD: dict[str, dict[str, Any]] = {
    "send-text": {"message": "oi"},
    "send-document/pdf": {"document": PDF, "fileName": "boleto"},
    "send-image": {"image": "https://example.com/a.jpg", "caption": "olha"},
    "send-audio": {"audio": "https://example.com/a.ogg"},
    "send-video": {"video": "https://example.com/a.mp4"},
    "send-sticker": {"sticker": "https://example.com/a.webp"},
    "send-location": {"title": "Loja", "address": "Av. Epitácio, 1200", "latitude": "-7.1195",
    "longitude": "-34.8"},
    "send-link": {
        "message": "veja https://example.com", "image": "https://example.com/a.png",
        "linkUrl": "https://example.com",
        "title": "Site", "linkDescription": "nosso site",
    },
    "send-contact": {"contactName": "Loja", "contactPhone": "558340001000"},
    "send-reaction": {"messageId": "X", "reaction": "👍"},
    "send-button-list": {"message": "Quer?", "buttonList": {"buttons": [{"id": "s", "label": "Sim"},
    {"label": "Não"}]}},
    "send-button-actions": {
        "message": "Escolha",
        "buttonActions": [
            {"type": "URL", "label": "Site", "url": "https://example.com"},
            {"type": "CALL", "label": "Ligar", "phone": "558340001000"},
        ],
    },
    "send-option-list": {
        "message": "Escolha",
        "optionList": {
            "title": "Menu", "buttonLabel": "Abrir",
            "options": [{"id": "1", "title": "Fatura", "description": "segunda via"}, {"title": "Sair",
            "description": ""}],
        },
    },
    "send-poll": {"message": "Gostou?", "poll": [{"name": "Sim"}, {"name": "Não"}]},
    "send-button-otp": {"message": "Seu código", "code": "123456"},
    "send-button-pix": {"pixKey": "a@b.c", "type": "EMAIL"},
}  # fmt: skip


@pytest.mark.parametrize("method", GOOD)
async def test_every_method_accepts_what_it_should_and_misses_each_field(method: str) -> None:
    optional = {"fileName", "caption"}
    async with running() as bench:
        ids = await bench.send(method, GOOD[method])
        assert set(ids) == {"zaapId", "messageId", "id"} and ids["id"] == ids["messageId"]
        assert re.fullmatch(r"[0-9A-F]{32}", ids["zaapId"]) and re.fullmatch(
            r"[0-9A-F]{20}", ids["messageId"]
        )
        whole = {"phone": MARLENE, **GOOD[method]}
        for name in set(whole) - optional:
            assert name in await bench.refused(
                method, {key: value for key, value in whole.items() if key != name}
            )
            assert name in await bench.refused(method, {**whole, name: 7})
        await bench.hook.until(1, "DeliveryCallback")


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("send-text", {"message": "  "}),
        ("send-text", {"delayTyping": 0}),
        ("send-text", {"delayTyping": 16}),
        ("send-text", {"delayTyping": "3"}),
        ("send-text", {"delayTyping": 1.5}),
        ("send-text", {"delayMessage": True}),
        ("send-text", {"messageId": 5}),
        ("send-text", {"phone": 5583991110001}),
        ("send-document", {}),
        ("send-document/pdf", {"document": "JVBERi0="}),
        ("send-document/pdf", {"document": "data:application/pdf;base64,não"}),
        ("send-document/pdf", {"document": "data:application/pdf;base64,"}),
        ("send-image", {"image": "ftp://example.com/a.png"}),
        ("send-location", {"latitude": -7.1}),
        ("send-location", {"latitude": "sul"}),
        ("send-location", {"longitude": "200"}),
        ("send-link", {"message": "sem o endereço no fim"}),
        ("send-button-list", {"buttonList": {"buttons": []}}),
        ("send-button-list", {"buttonList": {"buttons": [{"id": "1"}]}}),
        ("send-button-list", {"buttonList": {"buttons": [{"id": 1, "label": "Sim"}]}}),
        ("send-button-actions", {"buttonActions": [{"type": "URL", "label": "x"}]}),
        ("send-button-actions", {"buttonActions": [{"type": "OPEN", "label": "x"}]}),
        (
            "send-button-actions",
            {
                "buttonActions": [
                    {"type": "REPLY", "label": "a"},
                    {"type": "CALL", "label": "b", "phone": "1"},
                ]
            },
        ),
        ("send-option-list", {"optionList": {"title": "x", "buttonLabel": "y", "options": []}}),
        (
            "send-option-list",
            {"optionList": {"title": "x", "buttonLabel": "y", "options": [{"title": "sem descrição"}]}},
        ),
        ("send-button-pix", {"type": "PIX"}),
    ],
)
async def test_bodies_that_are_refused(method: str, change: dict[str, Any]) -> None:
    good = GOOD.get(method) or GOOD["send-document/pdf"]
    async with running() as bench:
        error = await bench.refused(method, {"phone": MARLENE, **good, **change})
        assert any(name in error for name in (*change, "extension", "REPLY"))
        assert await bench.messages() == []


async def test_the_other_methods() -> None:
    async with running() as bench:
        status = await (await bench.call("GET", "status")).json()
        assert status == {
            "connected": True,
            "smartphoneConnected": True,
            "error": "You are already connected.",
        }
        said = await bench.say(text="oi")
        answer = await bench.call("POST", "read-message", {"phone": MARLENE, "messageId": said["id"]})
        assert (answer.status, await answer.read()) == (204, b"")
        assert (await bench.messages())[0]["status"] == "READ"
        assert await bench.refused("read-message", {"phone": MARLENE})
        answer = await bench.call("POST", "modify-chat", {"phone": MARLENE, "action": "pin"})
        assert (answer.status, await answer.json()) == (200, {"value": True})
        assert await bench.refused("modify-chat", {"phone": MARLENE, "action": "fly"})
        for method in (
            "received",
            "received-delivery",
            "delivery",
            "message-status",
            "chat-presence",
            "disconnected",
        ):
            answer = await bench.call(
                "PUT", f"update-webhook-{method}", {"value": "https://example.com/hook"}
            )
            assert (answer.status, await answer.json()) == (200, {"value": True}), method
        answer = await bench.call(
            "PUT", "update-every-webhooks", {"value": "https://a.b", "notifySentByMe": True}
        )
        assert await answer.json() == {"value": True}
        answer = await bench.call("PUT", "update-notify-sent-by-me", {"notifySentByMe": True})
        assert await answer.json() == {"value": True}
        [found] = await (await bench.call("GET", f"phone-exists/{MARLENE}")).json()
        assert found == {"exists": True, "phone": MARLENE, "lid": webhooks.lid_of(MARLENE)}
        [found] = await (await bench.call("GET", "phone-exists/123")).json()
        assert found == {"exists": False, "phone": "123", "lid": None}
        sent = await bench.send("send-text", {"message": "apague"})
        await bench.shown(2)
        path = f"messages?messageId={sent['messageId']}&phone={MARLENE}&owner=true"
        answer = await bench.call("DELETE", path)
        assert (answer.status, await answer.read()) == (204, b"")
        assert (await bench.messages())[1]["deleted"] is True
        assert (await bench.call("DELETE", "messages?phone=1")).status == 400
        assert [entry["method"] for entry in await bench.sends()] == ["send-text"]


# --- from a send to the chat and back to the webhook


async def test_a_send_reaches_the_chat_then_the_callbacks_come_in_order() -> None:
    async with running(echo=False) as bench:
        sent = await bench.send("send-text", {"message": "oi"})
        await bench.hook.until(4)
        delivery, *statuses = bench.hook.bodies()
        assert delivery == {
            "phone": MARLENE, "messageId": sent["messageId"], "instanceId": INSTANCE,
            "zaapId": sent["zaapId"],
            "momment": delivery["momment"], "type": "DeliveryCallback",
        }  # fmt: skip
        for body, status in zip(statuses, ("SENT", "RECEIVED", "READ"), strict=True):
            assert body == {
                "instanceId": INSTANCE, "status": status, "ids": [sent["messageId"]],
                "momment": body["momment"],
                "phoneDevice": 0, "phone": MARLENE, "type": "MessageStatusCallback", "isGroup": False,
            }  # fmt: skip
        [message] = await bench.messages()
        assert message == {
            "seq": 1, "id": sent["messageId"], "from": "theo", "kind": "text", "text": "oi",
            "at": message["at"],
            "status": "READ",
        }  # fmt: skip
        assert abs(message["at"] / 1000 - time.time()) < 10


async def test_sends_of_one_chat_keep_their_order_and_do_not_wait_for_others() -> None:
    async with running(echo=False) as bench:
        await bench.send("send-text", {"message": "1", "delayTyping": 2})
        for word in "234":
            await bench.send("send-text", {"message": word})
        await bench.send("send-text", {"message": "outra conversa", "phone": CAIO})
        await bench.shown(1, CAIO, seconds=1.8)
        assert await bench.messages() == []
        assert [message["text"] for message in await bench.shown(4)] == ["1", "2", "3", "4"]


async def test_delays_hold_a_message_back_and_typing_shows() -> None:
    async with running(echo=False) as bench:
        started = time.monotonic()
        await bench.send("send-text", {"message": "pensei", "delayMessage": 1, "delayTyping": 1})
        typed = []
        while not await bench.messages():
            state = await (await bench.client.get(f"/api/chats/{MARLENE}/messages")).json()
            typed.append(state["typing"])
            await asyncio.sleep(0.05)
        assert 1.9 < time.monotonic() - started < 4
        assert not typed[0] and any(typed)
        state = await (await bench.client.get(f"/api/chats/{MARLENE}/messages")).json()
        assert state["typing"] is False and state["last"] == 1


async def test_the_echo_is_from_me_and_from_the_api() -> None:
    async with running() as bench:
        sent = await bench.send("send-text", {"message": "oi", "messageId": "QUOTED"})
        [echo] = await bench.hook.until(1, "ReceivedCallback")
        assert set(echo) == ENVELOPE | {"text", "referenceMessageId"}
        assert (echo["fromMe"], echo["fromApi"], echo["status"], echo["chatLid"]) == (
            True,
            True,
            "SENT",
            None,
        )
        assert (echo["messageId"], echo["phone"]) == (sent["messageId"], MARLENE)
        assert (echo["senderName"], echo["chatName"]) == ("START Conecta", "Marlene Souza Lima")
        assert echo["text"] == {"message": "oi"} and echo["referenceMessageId"] == "QUOTED"


async def test_kinds_that_theo_sends() -> None:
    async with running(echo=False) as bench:
        for method, body in GOOD.items():
            await bench.send(method, body)
        by_kind = {
            message["kind"]: message for message in await bench.shown(len(GOOD) - 1)
        }  # no bubble: a reaction
        assert set(by_kind) == {
            "text", "document", "image", "audio", "video", "sticker", "location", "link", "contact",
            "buttons", "list",
            "poll", "otp", "pix",
        }  # fmt: skip
        document = by_kind["document"]
        assert document["file_name"] == "boleto.pdf" and document["media"].startswith("/api/media/")
        assert by_kind["image"] | {"media": "https://example.com/a.jpg", "text": "olha"} == by_kind["image"]
        assert (by_kind["list"]["title"], by_kind["list"]["button"]) == ("Menu", "Abrir")
        assert by_kind["list"]["options"] == [
            {"id": "1", "title": "Fatura", "description": "segunda via"}, {"id": "2", "title": "Sair"},
        ]  # fmt: skip
        actions = next(
            m for m in await bench.messages() if m["kind"] == "buttons" and "action" in m["options"][0]
        )
        assert [option["action"] for option in actions["options"]] == ["url", "call"]
        assert by_kind["pix"]["code"] == "a@b.c" and by_kind["otp"]["code"] == "123456"


async def test_edits_and_reactions_change_a_bubble_in_place() -> None:
    async with running(echo=False) as bench:
        sent = await bench.send("send-text", {"message": "ontem"})
        said = await bench.say(text="obrigada")
        await bench.send("send-text", {"message": "hoje", "editMessageId": sent["messageId"]})
        await bench.send("send-reaction", {"messageId": said["id"], "reaction": "❤️"})
        await bench.hook.until(3, "DeliveryCallback")
        first, second = sorted(await bench.messages(), key=lambda message: message["from"], reverse=True)
        assert (first["text"], first["edited"]) == ("hoje", True)
        assert second["reactions"] == ["❤️"]
        await bench.send("send-remove-reaction", {"messageId": said["id"]})
        await bench.hook.until(4, "DeliveryCallback")
        assert [
            message["reactions"] for message in await bench.messages() if message["id"] == said["id"]
        ] == [[]]


# --- what the webhook receives


async def test_headers() -> None:
    async with running() as bench:
        await bench.send("send-text", {"message": "oi"})
        await bench.say(text="oi")
        await bench.say(kind="presence", status="COMPOSING")
        await bench.hook.until(7)
        agents = set()
        for headers, body in bench.hook.seen:
            upgraded = body["type"] in ("ReceivedCallback", "PresenceChatCallback")
            assert ({"upgrade", "http2-settings"} <= set(headers)) is upgraded, body["type"]
            assert headers.get("connection", "") == ("Upgrade, HTTP2-Settings" if upgraded else "")
            assert headers.get("upgrade") == ("h2c" if upgraded else None)
            assert headers["z-api-token"] == TOKEN and headers["server"] == "Z-API"
            assert (
                headers["origin"] == "https://api.z-api.io" and headers["content-type"] == "application/json"
            )
            assert headers["user-agent"].startswith("Mozilla/5.0") and "client-token" not in headers
            agents.add(headers["user-agent"])
        assert len(agents) > 1


async def test_the_envelope_of_a_text_key_by_key() -> None:
    async with running() as bench:
        body = await bench.said(text="quero a segunda via")
        assert set(body) == ENVELOPE | {"text"}
        assert {name: body[name] for name in FLAGS} == dict.fromkeys(FLAGS, False)
        assert body["chatLid"] == webhooks.lid_of(MARLENE) and re.fullmatch(r"\d{15}@lid", body["chatLid"])
        assert body["connectedPhone"] == "558340001000" and body["instanceId"] == INSTANCE
        assert body["phone"] == MARLENE and body["chatName"] == body["senderName"] == "Marlene Souza Lima"
        assert body["senderPhoto"] is body["participantLid"] is body["photo"] is None
        assert body["status"] == "RECEIVED" and body["type"] == "ReceivedCallback"
        assert isinstance(body["momment"], int) and body["momment"] % 1000 == 0
        assert body["text"] == {"message": "quero a segunda via"}
        quoted = await bench.said(text="isto", quoted="ABC")
        assert (
            set(quoted) == ENVELOPE | {"text", "referenceMessageId"} and quoted["referenceMessageId"] == "ABC"
        )


CONTENTS: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "audio": ({"seconds": 7}, "audio", {"ptt", "seconds", "audioUrl", "mimeType", "viewOnce"}),
    "image": (
        {"caption": "a luz"}, "image",
        {"mimeType", "imageUrl", "thumbnailUrl", "downloadError", "caption", "width", "height", "viewOnce"},
    ),
    "video": (
        {}, "video", {"videoUrl", "caption", "mimeType", "seconds", "viewOnce", "width", "height", "isGif"},
    ),
    "document": ({}, "document", {"documentUrl", "mimeType", "title", "pageCount", "fileName", "caption"}),
    "sticker": ({}, "sticker", {"stickerUrl", "mimeType", "width", "height"}),
    "location": ({"latitude": -7.11, "longitude": -34.82}, "location", {"longitude", "latitude", "name",
    "address", "url"}),
    "live_location": ({}, "liveLocation", {"longitude", "latitude", "sequence", "caption"}),
    "contact": ({}, "contact", {"displayName", "vCard", "phones"}),
    "poll_vote": ({"message_id": "P", "options": ["Sim"]}, "pollVote", {"pollMessageId", "options"}),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONTENTS)
async def test_the_content_object_of_every_kind(kind: str) -> None:
    given, key, names = CONTENTS[kind]
    async with running() as bench:
        body = await bench.said(kind=kind, **given)
        assert set(body) == ENVELOPE | {key} and set(body[key]) == names
        urls = [value for name, value in body[key].items() if name.endswith("Url") and value]
        for url in urls:
            assert url.startswith("http://simulator.test/api/media/")
            answer = await bench.client.get(url.removeprefix("http://simulator.test"))
            assert answer.status == 200 and answer.headers["Content-Type"] == body[key]["mimeType"]
        [message] = await bench.messages()
        assert (message["from"], message["kind"], message["status"]) == ("customer", kind, "RECEIVED")


async def test_given_files_are_sent_as_they_are() -> None:
    async with running() as bench:
        body = await bench.said(kind="document", data=PDF, file_name="recibo.pdf", caption="segue")
        assert (
            body["document"] | {"fileName": "recibo.pdf", "caption": "segue", "pageCount": 1}
            == body["document"]
        )
        answer = await bench.client.get(body["document"]["documentUrl"].removeprefix("http://simulator.test"))
        assert await answer.read() == samples.document()
        assert (
            await bench.client.post(f"/api/chats/{MARLENE}/messages", json={"kind": "image", "data": "x"})
        ).status == 400


async def test_the_voice_note_is_ogg_opus_of_its_length() -> None:
    note = samples.voice_note(3)
    pages = note.split(b"OggS")[1:]
    assert len(pages) == 5 and b"OpusHead" in pages[0] and b"OpusTags" in pages[1]
    assert (
        int.from_bytes(pages[-1][2:10], "little") == 3 * 48000 and pages[-1][1] == 4
    )  # position, end of stream


async def test_taps_on_lists_and_buttons() -> None:
    async with running(echo=False) as bench:
        listed = await bench.send("send-option-list", GOOD["send-option-list"])
        buttons = await bench.send("send-button-list", GOOD["send-button-list"])
        actions = await bench.send("send-button-actions", GOOD["send-button-actions"])
        poll = await bench.send("send-poll", GOOD["send-poll"])
        await bench.shown(4)
        body = await bench.said(kind="option", message_id=listed["messageId"], option_id="1")
        assert set(body) == ENVELOPE | {"listResponseMessage", "referenceMessageId"}
        assert body["listResponseMessage"] == {
            "message": "segunda via",
            "title": "Fatura",
            "selectedRowId": "1",
        }
        assert body["referenceMessageId"] == listed["messageId"]
        body = await bench.said(kind="option", message_id=listed["messageId"], option_id="2")
        assert body["listResponseMessage"] == {"message": "Sair", "title": "Sair", "selectedRowId": "2"}
        body = await bench.said(kind="option", message_id=buttons["messageId"], option_id="s")
        assert body["buttonsResponseMessage"] == {"buttonId": "s", "message": "Sim"}
        assert body["referenceMessageId"] == buttons["messageId"]
        body = await bench.said(kind="option", message_id=poll["messageId"], option_id="2")
        assert body["pollVote"] == {"pollMessageId": poll["messageId"], "options": [{"name": "Não"}]}
        tapped = (await bench.messages())[4]
        assert (tapped["kind"], tapped["text"], tapped["quoted"]) == ("option", "Fatura", listed["messageId"])
        for wrong in (
            {"message_id": listed["messageId"], "option_id": "9"},
            {"message_id": "unknown", "option_id": "1"},
            {"message_id": actions["messageId"], "option_id": "1"},
        ):
            answer = await bench.client.post(
                f"/api/chats/{MARLENE}/messages", json={"kind": "option", **wrong}
            )
            assert answer.status == 400


async def test_reaction_edit_and_delete() -> None:
    async with running(echo=False) as bench:
        sent = await bench.send("send-text", {"message": "oi"})
        await bench.shown(1)
        said = await bench.say(text="quero 200")
        body = await bench.said(kind="reaction", message_id=sent["messageId"], value="👍")
        assert body["reaction"] == {
            "value": "👍", "time": body["reaction"]["time"], "reactionBy": MARLENE,
            "referencedMessage": {
                "messageId": sent["messageId"], "fromMe": True, "phone": MARLENE, "participant": None,
            },
        }  # fmt: skip
        body = await bench.said(kind="edit", message_id=said["id"], text="quero 300")
        assert set(body) == ENVELOPE | {"text", "editMessageId"}
        assert body["isEdit"] is True and body["editMessageId"] == said["id"] != body["messageId"]
        body = await bench.said(kind="delete", message_id=said["id"])
        assert set(body) == NOTIFICATION
        assert body["notification"] == "REVOKE" and body["messageId"] == said["id"]
        assert (
            body["notificationParameters"] == []
            and body["callId"] is body["code"] is body["expiresAt"] is None
        )
        theirs, own = await bench.messages()
        assert theirs["reactions"] == ["👍"]
        assert (own["edited"], own["deleted"], own["text"]) == (True, True, "")


async def test_a_stub_comes_before_the_real_message_with_the_same_id() -> None:
    async with running() as bench:
        said = await bench.say(kind="waiting", text="cheguei", delay=0.2)
        stub, real = bench.hook.bodies("ReceivedCallback")
        assert set(stub) == STUB and stub["waitingMessage"] is True
        assert set(real) == ENVELOPE | {"text"} and real["waitingMessage"] is False
        assert stub["messageId"] == real["messageId"] == said["id"]


async def test_groups_channels_lists_status_replies_and_calls() -> None:
    async with running() as bench:
        body = await bench.said(kind="group", text="bom dia")
        assert set(body) == ENVELOPE | {"text", "participantPhone"}
        assert (body["isGroup"], body["chatLid"], body["participantPhone"]) == (True, None, MARLENE)
        assert body["phone"].endswith("-group") and body["participantLid"] == webhooks.lid_of(MARLENE)
        assert body["senderName"] == "Marlene Souza Lima" != body["chatName"]
        body = await bench.said(kind="newsletter")
        assert body["isNewsletter"] is True and body["phone"].endswith("@newsletter")
        body = await bench.said(kind="broadcast")
        assert body["broadcast"] is True and body["phone"].endswith("-broadcast")
        body = await bench.said(kind="status_reply", text="boa")
        assert body["isStatusReply"] is True and body["referenceMessageId"]
        assert "mimetype" in body["statusImage"] and body["text"] == {"message": "boa"}
        body = await bench.said(kind="call")
        assert set(body) == NOTIFICATION and body["notification"] == "CALL_VOICE" and body["callId"]
        assert (await bench.said(kind="call", video=True))["notification"] == "CALL_VIDEO"
        body = await bench.said(kind="presence", status="RECORDING")
        assert body == {
            "type": "PresenceChatCallback", "phone": MARLENE, "status": "RECORDING", "lastSeen": None,
            "instanceId": INSTANCE,
        }  # fmt: skip


async def test_a_person_on_the_companys_phone() -> None:
    async with running() as bench:
        answer = await bench.client.post(
            f"/api/chats/{MARLENE}/operator?sync=1", json={"text": "Oi, é a Paula"}
        )
        assert answer.status == 200
        [body] = bench.hook.bodies()
        assert set(body) == ENVELOPE | {"text"}
        assert (body["fromMe"], body["fromApi"], body["status"]) == (True, False, "RECEIVED")
        assert body["phone"] == MARLENE and body["chatLid"] == webhooks.lid_of(MARLENE)
        assert (body["senderName"], body["chatName"]) == ("START Conecta", "Marlene Souza Lima")
        assert (await bench.messages())[0]["from"] == "operator"
        assert (await bench.client.post(f"/api/chats/{MARLENE}/operator", json={"text": " "})).status == 400


async def test_numbers_with_12_digits_and_hidden_numbers() -> None:
    short, hidden = "558391110006", "204881733950417@lid"
    async with running() as bench:
        body = await bench.said(short, text="oi")
        assert body["phone"] == short and body["chatLid"] == webhooks.lid_of("5583991110006")
        body = await bench.said(hidden, text="oi")
        assert body["phone"] == body["chatLid"] == hidden
        await bench.send("send-text", {"phone": hidden, "message": "oi"})
        assert [message["from"] for message in await bench.shown(2, hidden)] == ["customer", "theo"]


# --- faults


async def test_duplicates_differ_in_the_moment_only() -> None:
    async with running(duplicates=3) as bench:
        await bench.say(text="oi")
        bodies = await bench.hook.until(4)
        assert len({body["momment"] for body in bodies}) == 4
        assert len({json.dumps({**body, "momment": 0}, sort_keys=True) for body in bodies}) == 1


async def test_reorder_turns_a_burst_around() -> None:
    async with running(reorder=True) as bench:
        for word in ("um", "dois", "três"):
            await bench.say(sync=False, text=word)
        assert [body["text"]["message"] for body in await bench.hook.until(3)] == ["três", "dois", "um"]
        assert [message["text"] for message in await bench.messages()] == ["um", "dois", "três"]


async def test_messages_of_a_customer_arrive_in_order_although_the_webhook_is_slow() -> None:
    async with running() as bench:
        bench.hook.delay = 0.05
        words = [str(number) for number in range(8)]
        for word in words:
            await bench.say(sync=False, text=word)
        assert [body["text"]["message"] for body in await bench.hook.until(8)] == words


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
async def test_sends_fail_as_often_as_asked(status: int) -> None:
    async with running(send_status=status, send_fail_count=2) as bench:
        answers = [
            await bench.call("POST", "send-text", {"phone": MARLENE, "message": "oi"}) for _ in range(3)
        ]
        assert [answer.status for answer in answers] == [status, status, 200]
        assert "error" in await answers[0].json()
        faults = await (await bench.client.get("/api/faults")).json()
        assert faults["send_status"] is faults["send_fail_count"] is None
        assert [entry["status"] for entry in await bench.sends()] == [status, status, 200]
        assert len(await bench.shown(1)) == 1


async def test_sends_fail_until_changed() -> None:
    async with running(send_status=400) as bench:
        for _ in range(4):
            error = await bench.refused("send-text", {"phone": MARLENE, "message": "oi"})
            assert error == "To continue sending a message, you must subscribe to this instance again"
        await bench.faults(send_status=None)
        await bench.send("send-text", {"message": "oi"})


async def test_a_late_answer_comes_after_the_message() -> None:
    async with running(send_delay_seconds=0.5) as bench:
        started = time.monotonic()
        sending = asyncio.ensure_future(bench.send("send-text", {"message": "oi"}))
        await bench.hook.until(1, "ReceivedCallback")  # the echo overtakes the answer
        assert not sending.done()
        await sending
        assert time.monotonic() - started >= 0.5


async def test_a_send_that_hangs_is_neither_answered_nor_delivered() -> None:
    async with running(send_hang=True) as bench:
        with pytest.raises(asyncio.TimeoutError):
            await bench.call(
                "POST",
                "send-text",
                {"phone": MARLENE, "message": "oi"},
                timeout=aiohttp.ClientTimeout(total=0.3),
            )
        assert await bench.messages() == []
        assert [entry["status"] for entry in await bench.sends()] == [None]
        pending = asyncio.ensure_future(bench.call("POST", "send-text", {"phone": MARLENE, "message": "oi"}))
        await asyncio.sleep(0.1)
        await bench.faults(send_hang=False)
        with pytest.raises(aiohttp.ClientError):
            await pending
        await bench.send("send-text", {"message": "agora sim"})
        assert [message["text"] for message in await bench.shown(1)] == ["agora sim"]


async def test_dropped_menus_are_accepted_but_never_seen() -> None:
    async with running(drop_lists=True, echo=False) as bench:
        for method in ("send-option-list", "send-button-list", "send-button-actions"):
            await bench.send(method, GOOD[method])
        await bench.send("send-text", {"message": "1. Fatura"})
        await bench.hook.until(4, "DeliveryCallback")
        await bench.hook.until(3, "MessageStatusCallback")
        assert [message["kind"] for message in await bench.messages()] == ["text"]
        assert len(bench.hook.bodies("MessageStatusCallback")) == 3


async def test_delivery_errors() -> None:
    async with running(delivery_error="Phone number does not exist") as bench:
        sent = await bench.send("send-text", {"message": "oi"})
        [body] = await bench.hook.until(1)
        assert body == {
            "phone": MARLENE, "messageId": sent["messageId"], "error": "Phone number does not exist",
            "instanceId": INSTANCE, "zaapId": sent["zaapId"], "momment": body["momment"],
            "type": "DeliveryCallback",
        }  # fmt: skip
        await bench.faults(delivery_error="SHADOW_BAN")
        await bench.send("send-text", {"message": "oi"})
        banned = (await bench.hook.until(2))[1]
        assert banned["errorCode"] == "SHADOW_BAN" and banned["error"]
        await bench.faults(delivery_error=None)
        await bench.send("send-text", {"message": "oi", "phone": "83 99111-0001"})
        wrong = (await bench.hook.until(3))[2]
        assert wrong["error"] == "Message has not been sent because it got invalid phone number"
        assert await bench.messages() == []


async def test_the_webhook_is_tried_again_as_often_as_set() -> None:
    async with running(webhook_retries=2) as bench:
        bench.hook.statuses = [500, 302]
        answer = await bench.say(text="oi")
        assert answer["status"] == 200 and isinstance(answer["ms"], int)
        assert len(bench.hook.seen) == 3 and bench.hook.bodies()[0] == bench.hook.bodies()[2]
        await bench.faults(webhook_retries=0)
        bench.hook.statuses = [500]
        said = await bench.say(text="de novo")
        assert said["status"] == 500 and len(bench.hook.seen) == 4
        assert [message["status"] for message in await bench.messages()] == ["RECEIVED", "FAILED"]


async def test_pace_holds_the_whole_instance() -> None:
    async with running(pace_seconds=0.1, echo=False) as bench:
        started = time.monotonic()
        for phone in (MARLENE, CAIO, MARLENE, CAIO):
            await bench.send("send-text", {"message": "oi", "phone": phone})
        await bench.shown(2)
        await bench.shown(2, CAIO)
        assert 0.4 <= time.monotonic() - started < 3


async def test_faults_that_do_not_exist_change_nothing() -> None:
    async with running() as bench:
        for wrong in (
            {"unknown": 1}, {"duplicates": 10}, {"duplicates": True}, {"reorder": 1}, {"send_status": 418},
            {"send_fail_count": 0}, {"delivery_error": ""}, {"connected": None}, {"pace_seconds": -1},
        ):  # fmt: skip
            answer = await bench.client.put("/api/faults", json={"echo": False, **wrong})
            assert answer.status == 400, wrong
        assert await (await bench.client.get("/api/faults")).json() == Faults().as_json()


async def test_going_off_line_queues_and_coming_back_flushes_in_order() -> None:
    async with running(echo=False) as bench:
        await bench.faults(connected=False)
        [gone] = await bench.hook.until(1)
        assert gone == {
            "momment": gone["momment"], "error": "Device has been disconnected", "disconnected": True,
            "type": "DisconnectedCallback", "instanceId": INSTANCE,
        }  # fmt: skip
        assert gone["momment"] < 10**11
        status = await (await bench.call("GET", "status")).json()
        assert status == {"connected": False, "smartphoneConnected": False, "error": "You are not connected."}
        sent = [
            await bench.send("send-text", {"message": str(number), "delayTyping": 1}) for number in range(2)
        ]
        sent += [await bench.send("send-text", {"message": str(number)}) for number in range(2, 5)]
        page = await (await bench.call("POST", "queue", {"pageSize": 3})).json()
        assert page["hasMore"] is True and [item["Message"] for item in page["messages"]] == ["0", "1", "2"]
        assert set(page["messages"][0]) == {
            "_id", "DelayMessage", "DelayTyping", "Message", "InstanceId", "Phone", "ZaapId", "MessageId",
            "Created",
            "CreatedAt", "Beta", "IsTrial",
        }  # fmt: skip
        rest = await (await bench.call("POST", "queue", {"pagingState": page["pagingState"]})).json()
        assert rest["hasMore"] is False and [item["Message"] for item in rest["messages"]] == ["3", "4"]
        assert (await bench.call("POST", "queue", {"pageSize": 31})).status == 400
        assert (await bench.call("DELETE", f"queue/{sent[1]['zaapId']}")).status == 200
        waiting = asyncio.ensure_future(bench.say(text="cadê vocês?"))  # what a customer writes waits as well
        await asyncio.sleep(0.2)
        assert [message["from"] for message in await bench.messages()] == ["customer"] and not waiting.done()
        await bench.faults(connected=True)
        assert (await waiting)["status"] == 200
        [back] = await bench.hook.until(1, "ConnectedCallback")
        assert back == {
            "type": "ConnectedCallback", "connected": True, "momment": back["momment"],
            "instanceId": INSTANCE,
            "phone": "558340001000", "isBusiness": True,
        }  # fmt: skip
        assert [message["text"] for message in await bench.shown(5)] == ["cadê vocês?", "0", "2", "3", "4"]
        assert (await (await bench.call("POST", "queue", {})).json())["messages"] == []


async def test_the_queue_has_an_end_and_can_be_cleared() -> None:
    async with running(echo=False, connected=False) as bench:
        for number in range(QUEUE_LIMIT):
            await bench.send("send-text", {"message": str(number)})
        assert await bench.refused("send-text", {"phone": MARLENE, "message": "demais"})
        assert (await bench.call("DELETE", "queue")).status == 200
        await bench.send("send-text", {"message": "só esta"})
        await bench.faults(connected=True)
        await bench.hook.until(1, "DeliveryCallback")
        assert [message["text"] for message in await bench.messages()] == ["só esta"]


# --- the interface for the page and for tests


async def test_contacts_are_the_sample_customers_and_three_more() -> None:
    async with running() as bench:
        found = await (await bench.client.get("/api/contacts")).json()
        assert all(set(contact) == {"phone", "name", "about", "document"} for contact in found)
        phones = [contact["phone"] for contact in found]
        assert len(phones) == len(set(phones)) == 16
        assert {f"55839911100{number:02d}" for number in range(1, 14)} <= set(phones)
        assert any(phone.endswith("@lid") for phone in phones) and "558391110006" in phones
        await bench.say("5583900001111", text="sou novo")
        assert (await (await bench.client.get("/api/contacts")).json())[-1]["phone"] == "5583900001111"
        assert (await (await bench.client.get("/api/company")).json())["name"] == "START Conecta"


async def test_every_contact_has_a_document_that_is_text() -> None:
    for contact in contacts.load().contacts:
        assert contact.document and contact.about.endswith((".", ")."))
    raw = yaml.safe_load((ROOT / "simulator" / "contacts.yml").read_text(encoding="utf-8"))
    assert all(isinstance(entry["phone"], str) for entry in raw["contacts"])


async def test_long_polling_returns_with_the_first_news() -> None:
    async with running() as bench:
        started = time.monotonic()
        waiting = asyncio.ensure_future(bench.messages(wait=5))
        await asyncio.sleep(0.1)
        await bench.say(text="um")
        assert [message["text"] for message in await waiting] == ["um"]
        assert await bench.messages(after=1, wait=0.2) == []
        assert time.monotonic() - started < 4
        await bench.say(text="dois")
        assert [message["seq"] for message in await bench.messages(after=1, wait=5)] == [2]
        assert (await bench.client.get(f"/api/chats/{MARLENE}/messages?after=x")).status == 400
        assert (await bench.client.get("/api/chats/nobody/messages")).status == 400


async def test_sync_waits_for_the_webhook_and_the_other_way_does_not() -> None:
    async with running() as bench:
        bench.hook.delay = 1
        started = time.monotonic()
        said = await bench.say(sync=False, text="oi")
        assert set(said) == {"id"} and time.monotonic() - started < 0.8
        answer = await bench.say(text="oi")
        assert set(answer) == {"id", "status", "ms"} and answer["ms"] >= 990


@pytest.mark.parametrize(
    "body",
    [[], {"kind": "dance"}, {"kind": "text"}, {"text": 5}, {"text": "oi", "quoted": 1}, {"kind": "audio",
    "seconds": 0},
     {"kind": "location", "latitude": 91}, {"kind": "delete"}, {"kind": "presence", "status": "X"}],
)  # fmt: skip
async def test_customer_messages_that_make_no_sense(body: Any) -> None:
    async with running() as bench:
        answer = await bench.client.post(f"/api/chats/{MARLENE}/messages", json=body)
        assert answer.status == 400 and (await answer.json())["error"]


async def test_sends_can_be_read_from_a_number_on_and_forgotten() -> None:
    async with running() as bench:
        await bench.send("send-text", {"message": "um"})
        await bench.send("send-option-list", GOOD["send-option-list"])
        first, second = await bench.sends()
        assert (first["n"], first["method"], first["status"], first["phone"]) == (
            1,
            "send-text",
            200,
            MARLENE,
        )
        assert first["body"] == {"phone": MARLENE, "message": "um"} and isinstance(first["at"], int)
        assert await bench.sends(after=1) == [second]
        assert (await bench.client.delete("/api/sends")).status == 204
        assert await bench.sends() == []
        await bench.send("send-text", {"message": "dois"})
        assert (await bench.sends())[0]["n"] == 1


async def test_clearing_chats_stops_what_is_on_its_way() -> None:
    async with running() as bench:
        await bench.say(text="oi")
        await bench.send("send-text", {"message": "atrasada", "delayTyping": 1})
        await asyncio.sleep(0.1)
        assert (await bench.client.delete("/api/chats")).status == 204
        await asyncio.sleep(1.2)
        state = await (await bench.client.get(f"/api/chats/{MARLENE}/messages")).json()
        assert state == {"messages": [], "typing": False, "last": 0}
        await bench.say(text="de novo")
        assert [message["seq"] for message in await bench.messages()] == [1]


async def test_server_sent_events() -> None:
    async with running(echo=False) as bench:
        async with bench.client.get("/api/events") as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            await stream.content.readuntil(b"\n\n")
            await bench.send("send-text", {"message": "oi", "delayTyping": 1})
            heard: list[dict[str, str]] = []
            while len(heard) < 4:
                line = (await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 5)).decode()
                if line.startswith("data: "):
                    heard.append(json.loads(line[6:]))
        assert [event["what"] for event in heard] == ["typing", "typing", "message", "status"]
        assert {event["phone"] for event in heard} == {MARLENE}


async def test_media_and_the_first_page_of_a_pdf() -> None:
    async with running(echo=False) as bench:
        await bench.send("send-document/pdf", {"document": PDF, "fileName": "boleto.pdf"})
        html = base64.b64encode(b"<script>alert(1)</script>").decode()
        await bench.send("send-document/html", {"document": f"data:text/html;base64,{html}"})
        pdf, page = await bench.shown(2)
        answer = await bench.client.get(pdf["media"])
        assert await answer.read() == samples.document()
        assert (
            answer.headers["Content-Type"] == "application/pdf"
            and answer.headers["Content-Disposition"] == "inline"
        )
        answer = await bench.client.get(pdf["media"] + "/preview")
        picture = Image.open(io.BytesIO(await answer.read()))
        assert (answer.headers["Content-Type"], picture.format, picture.width) == ("image/png", "PNG", 560)
        answer = await bench.client.get(page["media"])
        assert answer.headers["Content-Disposition"] == "attachment"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (await bench.client.get(page["media"] + "/preview")).status == 404
        assert (await bench.client.get("/api/media/unknown.pdf")).status == 404


async def test_a_broken_pdf_has_no_preview() -> None:
    broken = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.4 nothing").decode()
    async with running(echo=False) as bench:
        await bench.send("send-document/pdf", {"document": broken})
        [message] = await bench.shown(1)
        assert (await bench.client.get(message["media"] + "/preview")).status == 404


async def test_the_page_is_served_without_anything_from_elsewhere() -> None:
    async with running() as bench:
        answer = await bench.client.get("/")
        assert answer.status == 200 and "default-src 'self'" in answer.headers["Content-Security-Policy"]
        html = await answer.text()
        assert "<title>Simulador de Z-API</title>" in html
        for address in re.findall(r'(?:src|href)="([^"#]+)"', html):
            assert address.startswith("/page/"), address
            assert (await bench.client.get(address)).status == 200, address
        for script in (ROOT / "simulator" / "page").glob("*.js"):
            source = script.read_text(encoding="utf-8")
            assert "innerHTML" not in source, script.name
            for module in re.findall(r'from "\./([\w.]+)"', source):
                assert (script.parent / module).is_file(), f"{script.name} imports {module}"
        assert (await bench.client.get("/readyz")).status == 200


# --- starting and stopping


def environment(**change: str) -> dict[str, str]:
    given = {"ZAPI_INSTANCE_ID": INSTANCE, "ZAPI_TOKEN": TOKEN, "ZAPI_CLIENT_TOKEN": ACCOUNT, **change}
    return {name: value for name, value in given.items() if value}


async def test_settings() -> None:
    settings = from_environment(environment())
    assert (settings.host, settings.port) == ("127.0.0.1", 8090)
    assert settings.webhook_url == "http://127.0.0.1:5005/webhooks/zapi/webhook"
    assert settings.url == "http://127.0.0.1:8090"
    for wrong in ({"ZAPI_TOKEN": ""}, {"THEO_SIMULATOR_PORT": "x"}, {"THEO_WEBHOOK_URL": "5005"}):
        with pytest.raises(SettingsError) as caught:
            from_environment(environment(**wrong))
        assert next(iter(wrong)) in str(caught.value)


def start(**change: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m",
        "simulator"], cwd=ROOT, env={"PATH": os.environ["PATH"], **environment(**change)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


async def test_the_program_explains_why_it_does_not_start() -> None:
    out, error = start(ZAPI_TOKEN="").communicate(timeout=30)
    assert (out, error) == ("", "The simulator needs ZAPI_TOKEN in the environment.\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = start(THEO_SIMULATOR_PORT=port)
        _, error = process.communicate(timeout=30)
    assert process.returncode == 2 and error.count("\n") == 1 and port in error


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_at_once_although_somebody_listens(name: signal.Signals) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = start(THEO_SIMULATOR_PORT=str(port))
    try:
        assert process.stdout is not None
        assert str(port) in await asyncio.to_thread(process.stdout.readline)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/api/events") as events:
                await events.content.readuntil(b"\n\n")
                url = f"http://127.0.0.1:{port}/api/chats/{MARLENE}/messages?wait=60"
                polling = asyncio.ensure_future(session.get(url))
                await asyncio.sleep(0.2)
                started = time.monotonic()
                process.send_signal(name)
                assert await asyncio.to_thread(process.wait, 10) == 0
                assert time.monotonic() - started < 2
                assert (await polling).status == 200
    finally:
        process.kill()
        _, error = process.communicate()
    assert error == ""

"""Whatever comes to the webhook is answered or refused, and the conversation lives on.

Real Sanic, real HTTP, a database; an agent that echoes. Each recorded body of `fixtures/` is changed in every way
that the list below names.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import aiohttp
import pytest
from sanic import Sanic

from connectors.store import inbox as inbox_table
from connectors.store import outbox as outbox_table
from connectors.zapi import channel as module
from tests.unit.connectors.fakes import INSTANCE, PHONE, eventually, on_sqlite
from tests.unit.connectors.test_webhook import FIXTURES, TOKEN, Server, said
from tests.unit.connectors.webhook_app import FakeAgent

Rows = Callable[..., list[Any]]
#: What a Brazilian phone, a sick gateway or somebody ill-disposed may put in the place of a word.
TEXTS = {
    "empty": "",
    "blank": " \n\t\u00a0",
    "NUL": "oi\0tudo\0bem",
    "control letters": "".join(map(chr, range(32))) + "\x7f\x80\x9f",
    "half a character": "oi \ud83d tudo \udc00",
    "right to left": "\u202eodadlas\u202c \u0645\u0631\u062d\u0628\u0627 \u2067\u05e9\u05dc\u05d5\u05dd\u2069",
    "zero width": "\u200bs\u200ce\u200dg\u2060u\ufeffnda\u00ad via",
    "only zero width": "\u200b\u200c\u200d\u2060\ufeff\u2066\u00ad",
    "emoji storm": "😀👩‍👩‍👧‍👦🏳️‍🌈🇧🇷👍🏽" * 700,
    "zalgo": "o" + "\u0301\u0327" * 5_000,
    "accents without end": "5" + "\u0301\u0327" * 30_000,
    "one letter grows to eighteen": "\ufdfa" * 5_000,
    "10,000 letters": "segunda via do boleto " * 455,
    "200 kB": "á" * 100_000,
    "one word": "x" * 10_000,
    "digits of another script": "٥٨٠٣٧-١٢٠ ² ①  Ⅷ 五",
    "command": '/restart /inform{"a": 1}',
    "SQL": "'; DROP TABLE theo_inbox; --",
    "template": "{{7*7}} {cpf} %s %(a)s ${HOME}",
    "many lines": "\n" * 9_000,
}
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, -(10**18), 10**30, 10**400, 1e308, -0.0, float("inf"), float("nan"),
    [], [None], [[]], {}, {"": ""}, [{"message": "oi"}], {"message": {"message": "oi"}}, "text", "-group", "@lid",
)  # fmt: skip


def deep(levels: int) -> Any:
    value: Any = "oi"
    for level in range(levels):
        value = {"message": value} if level % 2 else [value]
    return value


def changed(body: dict[str, Any], number: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what was done, body) of changes of one recorded body. `number` deals the values out over the bodies."""
    values = itertools.cycle(VALUES[number % len(VALUES) :] + VALUES[: number % len(VALUES)])
    texts = itertools.cycle([*TEXTS.values()][number % len(TEXTS) :] + [*TEXTS.values()][: number % len(TEXTS)])
    for key in body:
        if key in ("type", "instanceId"):
            continue  # their own tests below
        yield f"without {key}", {k: v for k, v in body.items() if k != key}
        value = next(values)
        yield f"{key} = {str(value)[:30]}", {**body, key: value}
        if isinstance(body[key], dict):
            for inner in body[key]:
                for value in (next(values), next(texts)):
                    yield f"{key}.{inner} = {str(value)[:30]!r}", {**body, key: {**body[key], inner: value}}
            yield f"{key} in a list", {**body, key: [body[key]]}
            yield f"{key} in itself", {**body, key: {**body[key], key: body[key], "x": deep(20)}}
        elif isinstance(body[key], str):
            yield f"{key} is a text", {**body, key: next(texts)}
    yield "keys that nobody knows", {**body, **{f"k{n}": deep(n % 7) for n in range(200)}, "": 1, "__proto__": {}}


@pytest.fixture
async def server(database_url: str, store: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    monkeypatch.setattr(module, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(Sanic, "test_mode", True)
    server = Server(database_url, FakeAgent())
    monkeypatch.setattr(module, "ZapiClient", lambda *_: server.gateway)
    object.__setattr__(server.channel.settings, "messages_per_minute", 0.0)  # all come from one phone
    await server.start()
    yield server
    await server.stop()


_ids = itertools.count()


async def lives_on(server: Server, rows: Rows, phone: str = PHONE) -> None:
    """A normal message of this phone is taken, answered and sent, and nothing waits behind it."""
    words = f"tudo bem? {next(_ids)}"
    back = said("theo pode voltar", phone=phone, messageId=f"BACK{next(_ids)}", fromMe=True, fromApi=False, chatLid=None)
    assert await server.post(back) == 200  # a changed body may have been an attendant's
    assert await server.post(FIXTURES["connected"]["body"]) == 200  # or said that the phone is off line
    body = said(words, phone=phone, messageId=f"ALIVE{next(_ids)}", chatLid=None)
    assert await server.post(body) == 200
    await eventually(lambda: any(f"eco: {words}" in text or words in text for text in server.gateway.texts), 20)
    await eventually(lambda: not rows(inbox_table, inbox_table.c.state == "new"), 20)
    await eventually(lambda: not rows(outbox_table, outbox_table.c.state == "queued"), 20)


async def statuses(server: Server, calls: list[tuple[str, bytes]], **headers: str) -> dict[str, int]:
    """What each call was answered with; a connection that breaks counts as 0."""
    slots = asyncio.Semaphore(16)

    async def call(name: str, data: bytes) -> tuple[str, int]:
        async with slots:
            try:
                return name, await asyncio.wait_for(server.post(data, **headers), 20)
            except (aiohttp.ClientError, asyncio.TimeoutError):
                return name, 0

    return dict(await asyncio.gather(*(call(name, data) for name, data in calls)))


def not_answered(answers: dict[str, int]) -> dict[str, int]:
    return {name: status for name, status in answers.items() if not (200 <= status < 300 or 400 <= status < 500)}


# -- every recorded body, changed ---------------------------------------------------------------------


async def test_every_recorded_body_with_every_change_is_answered(server: Server, rows: Rows) -> None:
    calls = [
        (f"{name}: {what}", json.dumps(body).encode())
        for number, name in enumerate(sorted(FIXTURES))
        for what, body in changed({**FIXTURES[name]["body"], "messageId": f"FUZZ{number}"}, number)
    ]
    assert len(calls) > 2000
    random.Random(5).shuffle(calls)
    if "sqlite" not in server.channel.settings.database_url:
        calls = calls[::6]  # what differs there is how odd values are stored
    answers = await statuses(server, calls)
    assert not_answered(answers) == {}
    await lives_on(server, rows)
    assert {row.state for row in rows(inbox_table)} <= {"done", "dropped", "human"}


@pytest.mark.parametrize("name", TEXTS)
@on_sqlite
async def test_every_odd_text_is_answered(server: Server, rows: Rows, name: str) -> None:
    text = TEXTS[name]
    changes: list[dict[str, Any]] = [
        said(text, messageId="ODD1"),
        {**FIXTURES["image_with_caption"]["body"], "messageId": "ODD2", "image": {"imageUrl": "https://", "caption": text}},
        {**FIXTURES["list_tap"]["body"], "messageId": "ODD3", "listResponseMessage": {"title": text, "selectedRowId": text}},
        said("oi", messageId=text, phone=PHONE),
        said("oi", messageId="ODD4", phone=text),
        said("oi", messageId="ODD5", chatLid=text, referenceMessageId=text, chatName=text, senderName=text),
        {**FIXTURES["delivery_error"]["body"], "messageId": text, "zaapId": text, "error": text},
        {**FIXTURES["call_voice"]["body"], "messageId": "ODD6", "callId": text},
    ]  # fmt: skip
    answers = await statuses(server, [(str(n), json.dumps(body).encode()) for n, body in enumerate(changes)])
    assert answers["0"] == answers["5"] == 200 or len(text) > 50_000
    assert set(answers.values()) <= {200, 413}
    await lives_on(server, rows)


@on_sqlite
async def test_what_is_typed_is_only_words(server: Server) -> None:
    """Nothing that a customer types is a command for Rasa, whatever stands invisibly before it."""
    typed = ["/restart", "//restart", " \n/restart", '/inform{"a": 1}', "/EXTERNAL_x", "\u200b/restart", "\u00ad/session_start",
             "\u2066/restart", "\ufeff /restart", "\U000e0001/restart", "\u061c/restart", "\x1f/restart", "\u3164/restart"]  # fmt: skip
    for number, text in enumerate(typed):
        await server.post(said(text, messageId=f"CMD{number}"))
        assert server.agent is not None
        await eventually(lambda: server.agent and len(server.agent.heard) > number)  # noqa: B023
        heard = server.agent.heard[-1]
        assert not heard.strip().startswith("/"), (text, heard)


# -- bodies that are no JSON object --------------------------------------------------------------------


def bodies() -> dict[str, bytes]:
    good = json.dumps(said("oi", messageId="BODY")).encode()
    return {
        "nothing": b"",
        "a list": b"[" + good + b"]",
        "nested lists": b"[" * 60_000 + b"]" * 60_000,
        "nested objects": b'{"a":' * 60_000 + b"1" + b"}" * 60_000,
        "nested in the text": good.replace(b'"oi"', b"[" * 50_000 + b"]" * 50_000),
        "invalid UTF-8": good.replace(b'"oi"', b'"\xff\xfe\xc0\x80"'),
        "UTF-16": good.decode().encode("utf-16"),
        "UTF-8 with a mark": b"\xef\xbb\xbf" + good,
        "half an escape": good.replace(b'"oi"', b'"\\ud83d"'),
        "a broken escape": good.replace(b'"oi"', b'"\\u12"'),
        "a raw NUL": good.replace(b'"oi"', b'"\0"'),
        "a number of 5,000 digits": good.replace(b'"oi"', b"9" * 5_000),
        "a number of 4,000 digits": good.replace(b'"oi"', b"9" * 4_000),
        "the same key twice": good[:-1] + b', "text": {"message": "outra"}, "phone": [], "phone": "5583991110001"}',
        "the same key 10,000 times": good[:-1] + b"".join(b', "text": {"message": "%d"}' % n for n in range(10_000)) + b"}",
        "no end": good[:-1],
        "two bodies": good + good,
        "NaN": good.replace(b'"oi"', b"NaN"),
        "a form": b"phone=5583991110001&text=oi",
        "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "gzip": gzip.compress(good),
        "a bomb": gzip.compress(b" " * 50_000_000),
        "noise": random.Random(7).randbytes(4_000),
    }  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=klingon"},
        {"content-type": ";;;=\x01"},
        {"content-encoding": "gzip"},
        {"content-encoding": "br, deflate, x"},
        {"content-disposition": "a" * 3_000, "accept": ",;q=", "cookie": "=;=;a=\x02", "x-forwarded-for": "', {}"},
    ],
    ids=lambda headers: " ".join(headers) or "as Z-API",
)
@on_sqlite
async def test_what_is_no_call_of_the_gateway_is_answered(server: Server, rows: Rows, headers: dict[str, str]) -> None:
    answers = await statuses(server, list(bodies().items()), **headers)
    assert not_answered(answers) == {}
    assert answers["nothing"] == answers["noise"] == answers["gzip"] == answers["nested lists"] == 400
    await lives_on(server, rows)


# -- calls that lie about their length ------------------------------------------------------------------

HEAD = f"POST /webhooks/zapi/webhook HTTP/1.1\r\nhost: theo.test\r\nz-api-token: {TOKEN}\r\n".encode()
BODY = json.dumps(said("oi", messageId="RAW")).encode()
CHUNK = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
LENGTH = b"content-length: %d\r\n" % len(BODY)
LIES = {
    "no length": (b"", b"", 400),
    "a length of letters": (b"content-length: abc\r\n", BODY, 400),
    "no number": (b"content-length:\r\n", BODY, 400),
    "a negative length": (b"content-length: -5\r\n", BODY, 400),  # Sanic alone turns in a circle for ever
    "a number of Python's": (b"content-length: 1_0\r\n", BODY, 400),
    "a length with a sign": (b"content-length: +10\r\n", BODY, 400),
    "a length of 5,000 digits": (b"content-length: " + b"9" * 5_000 + b"\r\n", BODY, 400),
    "more than may be": (b"content-length: 999999999999\r\n", BODY, 413),
    "two lengths": (b"content-length: 3\r\n" + LENGTH, BODY, 400),
    "a length and chunks": (LENGTH + b"transfer-encoding: chunked\r\n", CHUNK, 400),
    "a coding that is not known": (b"transfer-encoding: gzip\r\n", BODY, 400),
    "two codings": (b"transfer-encoding: gzip, chunked\r\n", CHUNK, 400),
    "no chunk": (b"transfer-encoding: chunked\r\n", b"zz\r\n" + BODY, 400),
    "a negative chunk": (b"transfer-encoding: chunked\r\n", b"-5\r\n" + BODY, 400),
    "a chunk without end": (b"transfer-encoding: chunked\r\n", b"fffffffffff\r\n" + BODY, 413),
    "chunks as they should be": (b"transfer-encoding: chunked\r\n", CHUNK, 200),
    "another coding than told": (b"content-encoding: gzip\r\n" + LENGTH, BODY, 200),
    "an expectation": (b"expect: wonders\r\n" + LENGTH, BODY, 417),
    "a header without a name": (b"no colon\r\n" + LENGTH, BODY, 400),
    "a header of bytes": (b"x: \xff\xfe\0\r\n" + LENGTH, BODY, 200),
    "a header of 20 kB": (b"x: " + b"a" * 20_000 + b"\r\n" + LENGTH, BODY, 413),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
@on_sqlite
async def test_a_call_that_lies_about_its_length(server: Server, rows: Rows, name: str) -> None:
    header, body, status = LIES[name]
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(HEAD + header + b"\r\n" + body)
    answer = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    await lives_on(server, rows)


@on_sqlite
async def test_nonsense_instead_of_a_call(server: Server, rows: Rows) -> None:
    """Answered with 4xx or hung up on; never a 500, and the next call is served."""
    nonsense = (
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"POST /webhooks/zapi/webhook\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST http://[::1 HTTP/1.1\r\nhost: a\r\n\r\n", b"FUZZ / HTTP/1.1\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", b"\r\n\r\n",
        b"POST /webhooks/zapi/webhook%ff%00/../.. HTTP/1.1\r\nhost: a\r\n\r\n", b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n",
    )  # fmt: skip
    for head in nonsense:
        answer = await server.raw(head + b"\r\n") if b"HTTP/1.1" not in head else await _first_line(server, head)
        assert not answer or answer.startswith(b"HTTP/1.1 4"), (head[:40], answer)
        await lives_on(server, rows)


async def _first_line(server: Server, head: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*server.address)
    writer.write(head)
    answer = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return answer


def test_the_instance_of_the_recorded_bodies_is_the_server_s() -> None:
    """Else all of the above would be refused at the door."""
    assert {fixture["body"]["instanceId"] for fixture in FIXTURES.values()} == {INSTANCE}

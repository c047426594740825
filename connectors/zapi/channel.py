"""Z-API into Rasa and back: `credentials.yml` names `connectors.zapi.channel.ZapiInput`."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import math
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from rasa.constants import ENV_SANIC_BACKLOG
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.core.tracker_store import FailSafeTrackerStore
from sanic import Blueprint, Sanic, response
from sanic.exceptions import InvalidUsage, PayloadTooLarge
from sanic.request import Request
from sanic.response import HTTPResponse

from connectors import inbox, outbox, rasa_patches, redaction, retention, strangers, takeover
from connectors.errors import without_text
from connectors.locks import Locks
from connectors.messages import DELETE, OPERATOR, Connection, Delivery, Event, Ignored, Incoming, Outgoing
from connectors.model import ModelWatch
from connectors.outbox import Outbox
from connectors.settings import Settings, SettingsError, ZapiSettings
from connectors.store import Store
from connectors.tracker_store import TheoTrackerStore
from connectors.turns import Turns
from connectors.zapi.client import ZapiClient
from connectors.zapi.parse import MAX_ID, parse
from language.sealed import SealError, disarm, sealer

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_000_000
#: Connections that may wait to be taken.
BACKLOG = 1024
#: Of one message; a turn takes less (`turns.MAX_TEXT`), but what cannot be seen is taken out first.
MAX_CHARACTERS = 20_000
#: Z-API's own bodies go six levels down.
MAX_DEPTH = 32
SWEEP_SECONDS = 5.0
PURGE_SECONDS = 3600.0
#: A thread that writes to the database needs Python's lock back after each statement, and while the understanding
#: is at work it waits this long for it. Python's own 5 ms make a crowd wait for its 200.
SWITCH_SECONDS = 0.0005
#: Messages that are stored in one transaction at most.
MAX_BATCH = 100
#: A turn waits so long at most for a crowd to be stored.
ARRIVAL_SECONDS = 5.0
#: The conversation of a message that is new, and whether its sender was told to write less.
Stored = tuple[str | None, bool]
APOLOGY_RESPONSE = "utter_erro_tecnico"
APOLOGY = "Desculpe, tive um problema aqui e não consegui responder. Pode mandar de novo daqui a pouquinho?"

TOO_MUCH_RESPONSE = "utter_muitas_mensagens"
TOO_MUCH = (
    "Recebi muitas mensagens suas de uma vez só e não consigo responder a todas. Já vou responder às primeiras; "
    "daqui a um minutinho, me conte numa mensagem só o que faltou, tá bom?"
)


class ZapiInput(InputChannel):
    """Z-API's webhooks, the durable path behind them, and the health routes."""

    @classmethod
    def name(cls) -> str:
        return "zapi"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> ZapiInput:
        # Rasa starts its server after this; its own 100 make a crowd connect again and again.
        os.environ.setdefault(ENV_SANIC_BACKLOG, str(BACKLOG))
        try:
            zapi, settings = ZapiSettings.from_environ(), Settings.from_environ()
            if not settings.secret:
                raise SettingsError("THEO_SECRET is not set: the action server would not listen to Theo.")
            sealer()
            redaction.install(redaction.secrets_of(os.environ))
            return cls(zapi, settings)
        except (SettingsError, SealError) as error:
            raise SystemExit(str(error)) from None

    def __init__(self, zapi: ZapiSettings, settings: Settings) -> None:
        self.zapi, self.settings = zapi, settings

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        rasa_patches.apply()
        self.service = Service(self.zapi, self.settings, on_new_message)
        blueprint = _Blueprint("zapi_webhook")
        blueprint.service = self.service

        @blueprint.post("/webhook")
        async def webhook(request: Request) -> HTTPResponse:
            return await self.service.webhook(request)

        @blueprint.post("/notices")
        async def notices(request: Request) -> HTTPResponse:
            return await self.service.notice(request)

        @blueprint.exception(PayloadTooLarge)
        async def too_large(_request: Request, _error: PayloadTooLarge) -> HTTPResponse:
            return _refuse(413, "the body is too large")

        blueprint.listener("before_server_start")(self.service.open)
        blueprint.listener("after_server_start")(self.service.start)
        blueprint.listener("before_server_stop")(self.service.stop)
        return blueprint

    def get_output_channel(self) -> OutputChannel | None:
        return None


class _Blueprint(Blueprint):
    """Also puts `/readyz` at the root, where probes look for it."""

    __slots__ = ("service",)
    service: Service

    def register(self, app: Sanic, options: dict[str, Any]) -> None:
        app.config.REQUEST_MAX_SIZE = MAX_BODY_BYTES
        app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 30.0
        app.add_signal(_one_clear_length, "http.lifecycle.read_head")
        app.add_route(self.service.ready, "/readyz", name="readyz")
        super().register(app, options)


class Service:
    """Everything behind the webhook of one running server."""

    def __init__(
        self, zapi: ZapiSettings, settings: Settings, on_new_message: Callable[[UserMessage], Awaitable[Any]]
    ) -> None:
        self._zapi, self._settings = zapi, settings
        self._handle = on_new_message
        self._app: Sanic | None = None
        self._stopping = False
        self._strangers = strangers.Strangers()

    async def open(self, app: Sanic, _loop: asyncio.AbstractEventLoop) -> None:
        """Before the first request; Rasa loads its model after this."""
        sys.setswitchinterval(SWITCH_SECONDS)
        self._app = app
        self._arrived: list[tuple[Incoming, asyncio.Future[Stored]]] = []
        self._storing: asyncio.Task[None] | None = None
        self._store = Store(self._settings.database_url)
        self._locks = Locks(self._settings.redis_url)
        self._client = ZapiClient(self._zapi, self._settings)
        await self._client.open()
        stale = self._settings.stale_minutes * 60 or math.inf
        self._outbox = Outbox(self._store, ZapiInput.name(), self._client, self._locks, stale)
        self._turns = Turns(
            self._store, ZapiInput.name(), self._handle, self._outbox, self._locks,
            self._settings.burst_seconds, lambda: self._words(APOLOGY_RESPONSE, APOLOGY), lambda: not self._missing(),
            stale, self._all_stored,
        )  # fmt: skip
        self._model = ModelWatch(self._turns.paused)

    async def start(self, _app: Sanic, _loop: asyncio.AbstractEventLoop) -> None:
        jobs = (self._sweep(self._turns.resume), self._sweep(self._look), self._purge())
        self._sweepers = [asyncio.create_task(job) for job in jobs]

    async def stop(self, _app: Sanic, _loop: asyncio.AbstractEventLoop) -> None:
        """Refuses new messages, ends the turns and sends under way; the rest waits in the tables."""
        self._stopping = True
        for sweeper in self._sweepers:
            sweeper.cancel()
        await self._turns.stop()
        await self._outbox.stop()
        await self._client.close()
        await rasa_patches.close()
        await self._locks.close()

    async def _sweep(self, look: Callable[[], Awaitable[None]]) -> None:
        """Serves what an earlier process, another process or a lost database left behind."""
        while True:
            try:
                await look()
            except Exception as error:  # noqa: BLE001 - the next sweep finds it again
                logger.error("What waits could not be looked for: %s", type(error).__name__)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _look(self) -> None:
        await self._outbox.look()
        await self._outbox.resume()
        await self._model.look(getattr(self._app.ctx, "agent", None) if self._app else None)

    async def _purge(self) -> None:
        """Forgets, every hour, the talks of which the time has come."""
        while True:
            now, days = time.time(), self._settings.retention_days
            try:
                gone = await self._store.run(retention.purge, now, days)
                for name in await self._store.run(retention.over, now, days):
                    async with self._locks.hold(f"turn:{name}"):
                        gone += await self._store.run(retention.forget, name, now, days)
                if gone:
                    logger.info("%d rows of old talks were forgotten.", gone)
            except Exception as error:  # noqa: BLE001 - in an hour it is tried again
                logger.error("Old talks could not be forgotten: %s", without_text(error))
            await asyncio.sleep(PURGE_SECONDS)

    async def webhook(self, request: Request) -> HTTPResponse:
        """200 once the message is stored; 400, 401, 429, 503 with a reason and no content in the log."""
        if not _proves(request, "z-api-token", self._zapi.token):
            return self._stranger(request, "wrong or missing z-api-token")
        body = _json_object(request)
        if body is None:
            return _refuse(400, "the body is not a JSON object, or goes too deep")
        if body.get("instanceId") != self._zapi.instance_id:
            return self._stranger(request, "instanceId is not ours")
        if self._stopping:
            return _refuse(503, "stopping")
        event = parse(body)
        try:
            await self._take(event)
        except Exception as error:  # noqa: BLE001 - what is not stored is not acknowledged
            logger.error("A message could not be stored: %s", without_text(error))
            return _refuse(503, "the message could not be stored")
        return response.json({"received": True})

    def _stranger(self, request: Request, reason: str) -> HTTPResponse:
        """401, and 429 without a line in the log for an address that goes on."""
        wrong = self._strangers.count(request.ip)
        if wrong <= strangers.MOST:
            return _refuse(401, reason)
        if wrong == strangers.MOST + 1:
            logger.warning("An address makes one wrong call after the other; its next ones are not told.")
        return response.json({"error": "too many wrong calls"}, status=429)

    async def _take(self, event: Event) -> None:
        if isinstance(event, Ignored):
            logger.debug("Callback ignored by the rule %s.", event.rule)
        elif isinstance(event, Delivery):
            await self._outbox.delivered(event)
        elif isinstance(event, Connection):
            if event.connected:
                logger.info("The WhatsApp number is connected.")
                await self._outbox.release()
            else:
                logger.error("The WhatsApp number is DISCONNECTED: nothing is sent or received.")
                self._outbox.hold()
        elif event.kind == OPERATOR:
            done = await self._store.run(self._operator, event)
            logger.info("The company's phone spoke in a chat: %s.", done)
        else:
            conversation, too_much = await self._in_order(event)
            if conversation is not None:
                self._turns.wake(conversation)
                if too_much:
                    self._outbox.wake(conversation)

    async def _in_order(self, message: Incoming) -> Stored:
        """Stores a customer's message in the order of arrival, together with all that came meanwhile.

        One transaction each would let a crowd wait for one commit, and one round of a busy event loop, after
        the other. Raises what the database raises.
        """
        stored: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._arrived.append((message, stored))
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store_arrived())
        return await stored

    async def _all_stored(self) -> None:
        """Returns when no message waits to be stored, or after ARRIVAL_SECONDS."""
        if self._storing is not None and not self._storing.done():
            await asyncio.wait({self._storing}, timeout=ARRIVAL_SECONDS)

    async def _store_arrived(self) -> None:
        while self._arrived:
            batch, self._arrived = self._arrived[:MAX_BATCH], self._arrived[MAX_BATCH:]
            try:
                answers: list[Stored | Exception] = [*await self._store.run(self._receive_all, [m for m, _ in batch])]
            except Exception:  # noqa: BLE001 - one that cannot be stored must not refuse the others
                answers = [await self._one(message) for message, _ in batch]
            for (_, stored), answer in zip(batch, answers):
                if stored.done():  # the caller hung up
                    continue
                if isinstance(answer, Exception):
                    stored.set_exception(answer)
                else:
                    stored.set_result(answer)

    async def _one(self, message: Incoming) -> Stored | Exception:
        try:
            return await self._store.run(self._receive_from_customer, message)
        except Exception as error:  # noqa: BLE001 - told to whoever waits for it
            return error

    def _receive_all(self, db: sa.engine.Connection, messages: list[Incoming]) -> list[Stored]:
        return [self._receive_from_customer(db, message) for message in messages]

    def _receive(self, db: sa.engine.Connection, message: Incoming) -> str | None:
        # A burst may split a document over messages: what waits is sealed as a whole, and by itself at its turn.
        message = replace(message, text=sealer().lock(disarm(message.text[:MAX_CHARACTERS]), "texto"))
        return inbox.receive(db, ZapiInput.name(), self._zapi.instance_id, message, time.time())

    def _receive_from_customer(self, db: sa.engine.Connection, message: Incoming) -> Stored:
        name, now, limit = self._receive(db, message), time.time(), self._settings.messages_per_minute
        if name is None or message.kind == DELETE or not limit or not inbox.is_flood(db, name, now, limit):
            return name, False
        chat = inbox.conversation(db, name)
        if chat.human_until and chat.human_until > now:
            return name, False  # they are talking to a person
        tell = inbox.set_aside(db, name, message, now)
        if tell:
            words = Outgoing(text=self._words(TOO_MUCH_RESPONSE, TOO_MUCH))
            outbox.put(db, ZapiInput.name(), name, chat.address, [words], now)
        return name, tell

    def _operator(self, db: sa.engine.Connection, message: Incoming) -> str:
        conversation = self._receive(db, message)
        if conversation is None:
            return "seen before"
        return takeover.operator_typed(db, conversation, message, self._settings.takeover_minutes)

    async def notice(self, request: Request) -> HTTPResponse:
        """Theo speaks first. `{"conversation", "payload", "key"}`; the payload is an intent of Rasa's.

        For the action server only: header `x-theo-secret`. 200 also for a key that is known already.
        """
        if not self._settings.secret or not _proves(request, "x-theo-secret", self._settings.secret):
            return self._stranger(request, "wrong or missing x-theo-secret")
        body = _json_object(request) or {}
        name, payload, key = (body.get(field) for field in ("conversation", "payload", "key"))
        if not (isinstance(name, str) and isinstance(payload, str) and payload.startswith("/")):
            return _refuse(400, "a conversation and a payload are needed")
        if not (isinstance(key, str) and 0 < len(key) <= MAX_ID):
            return _refuse(400, "a key is needed")
        if self._stopping:
            return _refuse(503, "stopping")
        try:
            new = await self._store.run(
                inbox.announce, ZapiInput.name(), self._zapi.instance_id, name, payload, key, time.time()
            )
        except Exception as error:  # noqa: BLE001 - what is not stored is not acknowledged
            logger.error("A notice could not be stored: %s", without_text(error))
            return _refuse(503, "the notice could not be stored")
        if new:
            self._turns.wake(name)
        return response.json({"new": new})

    async def ready(self, _request: Request) -> HTTPResponse:
        """200 when a model is loaded and messages are stored; otherwise 503 with what is missing."""
        problems = self._missing()
        try:
            await self._store.run(lambda db: db.execute(sa.text("SELECT 1")))
            await self._locks.ping()
        except Exception as error:  # noqa: BLE001 - whatever it is, messages are not taken
            problems.append(f"storage: {type(error).__name__}")
        return response.json({"ready": not problems, "problems": problems}, status=503 if problems else 200)

    def _missing(self) -> list[str]:
        """What keeps turns from being run."""
        agent = getattr(self._app.ctx, "agent", None) if self._app else None
        problems = ["stopping"] if self._stopping else []
        if agent is None or not agent.is_ready():
            return [*problems, "no model is loaded"]
        store = agent.tracker_store
        if isinstance(store, FailSafeTrackerStore):
            store = store._tracker_store
        if not isinstance(store, TheoTrackerStore):  # Rasa takes another in silence when ours cannot be made
            problems.append("Rasa's tracker store is not Theo's: see endpoints.yml")
        return problems

    def _words(self, response: str, otherwise: str) -> str:
        """A response of the domain's, for what is said without Rasa."""
        agent = getattr(self._app.ctx, "agent", None) if self._app else None
        responses = agent.domain.responses.get(response) if agent and agent.domain else None
        return str(responses[0].get("text", otherwise)) if responses else otherwise


async def _one_clear_length(head: bytes, **_: Any) -> None:
    """Refuses a call that does not say in one way how long its body is: 400, before Sanic reads the body.

    Sanic 21.12 answers 500 to a length that is no number, and turns in a circle for ever at a negative one,
    before any token is looked at. Two lengths that differ would be a call within a call.
    """
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    told = [(name.lower(), value.strip()) for name, _, value in lines]
    lengths = [value for name, value in told if name == b"content-length"]
    codings = [value for name, value in told if name == b"transfer-encoding"]
    if (
        len(lengths) + len(codings) > 1
        or any(not re.fullmatch(rb"[0-9]{1,18}", value) for value in lengths)
        or any(value != b"chunked" for value in codings)
    ):
        raise InvalidUsage("the length of the body is not clear")


def _proves(request: Request, header: str, secret: str) -> bool:
    """Whether the header holds the secret, in constant time."""
    told = request.headers.get(header, "")
    return hmac.compare_digest(told.encode(errors="surrogateescape"), secret.encode())


def _json_object(request: Request) -> dict[str, Any] | None:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) and not _deeper_than(body, MAX_DEPTH) else None


def _deeper_than(body: Any, levels: int) -> bool:
    """Whether objects and lists are nested in more levels than that."""
    level = [body]
    for _ in range(levels):
        inside = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))]
        level = [item for items in inside for item in items]
        if not level:
            return False
    return any(isinstance(item, (dict, list)) for item in level)


def _refuse(status: int, reason: str) -> HTTPResponse:
    logger.warning("Webhook call refused with %d: %s.", status, reason)
    return response.json({"error": reason}, status=status)

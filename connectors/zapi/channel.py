"""Z-API into Rasa and back: `credentials.yml` names `connectors.zapi.channel.ZapiInput`."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from rasa.core.tracker_store import FailSafeTrackerStore
from sanic import Blueprint, Sanic, response
from sanic.exceptions import PayloadTooLarge
from sanic.request import Request
from sanic.response import HTTPResponse

from connectors import inbox, rasa_patches, takeover
from connectors.errors import without_text
from connectors.locks import Locks
from connectors.messages import OPERATOR, Connection, Delivery, Event, Ignored, Incoming
from connectors.outbox import Outbox
from connectors.settings import Settings, SettingsError, ZapiSettings
from connectors.store import Store
from connectors.tracker_store import TheoTrackerStore
from connectors.turns import Turns
from connectors.zapi.client import ZapiClient
from connectors.zapi.parse import MAX_ID, parse

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_000_000
SWEEP_SECONDS = 5.0
#: How long a turn that computes keeps the database's threads waiting; Python's own 5 ms at each of their steps
#: would make a webhook wait for hundreds.
SWITCH_SECONDS = 0.0005
APOLOGY_RESPONSE = "utter_erro_tecnico"
APOLOGY = "Desculpe, tive um problema aqui e não consegui responder. Pode mandar de novo daqui a pouquinho?"


class ZapiInput(InputChannel):
    """Z-API's webhooks, the durable path behind them, and the health routes."""

    @classmethod
    def name(cls) -> str:
        return "zapi"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> ZapiInput:
        try:
            return cls(ZapiSettings.from_environ(), Settings.from_environ())
        except SettingsError as error:
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

    async def open(self, app: Sanic, _loop: asyncio.AbstractEventLoop) -> None:
        """Before the first request; Rasa loads its model after this."""
        self._app = app
        sys.setswitchinterval(SWITCH_SECONDS)
        self._store = Store(self._settings.database_url)
        self._locks = Locks(self._settings.redis_url)
        self._client = ZapiClient(self._zapi, self._settings)
        await self._client.open()
        self._outbox = Outbox(self._store, ZapiInput.name(), self._client, self._locks)
        self._turns = Turns(
            self._store, ZapiInput.name(), self._handle, self._outbox, self._locks,
            self._settings.burst_seconds, self._apology, lambda: not self._missing(),
        )  # fmt: skip

    async def start(self, _app: Sanic, _loop: asyncio.AbstractEventLoop) -> None:
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self, _app: Sanic, _loop: asyncio.AbstractEventLoop) -> None:
        """Refuses new messages, ends the turns and sends under way; the rest waits in the tables."""
        self._stopping = True
        self._sweeper.cancel()
        await self._turns.stop()
        await self._outbox.stop()
        await self._client.close()
        await rasa_patches.close()
        await self._locks.close()

    async def _sweep(self) -> None:
        """Serves what an earlier process, another process or a lost database left behind."""
        while True:
            try:
                await self._turns.resume()
                await self._outbox.resume()
            except Exception as error:  # noqa: BLE001 - the next sweep finds it again
                logger.error("What waits could not be looked for: %s", type(error).__name__)
            await asyncio.sleep(SWEEP_SECONDS)

    async def webhook(self, request: Request) -> HTTPResponse:
        """200 once the message is stored; 400, 401, 503 with a reason and no content in the log."""
        if not _proves(request, "z-api-token", self._zapi.token):
            return _refuse(401, "wrong or missing z-api-token")
        body = _json_object(request)
        if body is None:
            return _refuse(400, "the body is not a JSON object")
        if body.get("instanceId") != self._zapi.instance_id:
            return _refuse(401, "instanceId is not ours")
        if self._stopping:
            return _refuse(503, "stopping")
        event = parse(body)
        try:
            await self._take(event)
        except Exception as error:  # noqa: BLE001 - what is not stored is not acknowledged
            logger.error("A message could not be stored: %s", without_text(error))
            return _refuse(503, "the message could not be stored")
        return response.json({"received": True})

    async def _take(self, event: Event) -> None:
        if isinstance(event, Ignored):
            logger.debug("Callback ignored by the rule %s.", event.rule)
        elif isinstance(event, Delivery):
            await self._outbox.delivered(event)
        elif isinstance(event, Connection):
            if event.connected:
                logger.info("The WhatsApp number is connected.")
            else:
                logger.error("The WhatsApp number is DISCONNECTED: nothing is sent or received.")
        elif event.kind == OPERATOR:
            done = await self._store.run(self._operator, event)
            logger.info("The company's phone spoke in a chat: %s.", done)
        else:
            # Two threads could swap what came one after the other.
            conversation = await self._store.run_in_order(self._receive, event)
            if conversation is not None:
                self._turns.wake(conversation)

    def _receive(self, db: sa.engine.Connection, message: Incoming) -> str | None:
        return inbox.receive(db, ZapiInput.name(), self._zapi.instance_id, message, time.time())

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
            return _refuse(401, "wrong or missing x-theo-secret")
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

    def _apology(self) -> str:
        agent = getattr(self._app.ctx, "agent", None) if self._app else None
        responses = agent.domain.responses.get(APOLOGY_RESPONSE) if agent and agent.domain else None
        return str(responses[0].get("text", APOLOGY)) if responses else APOLOGY


def _proves(request: Request, header: str, secret: str) -> bool:
    """Whether the header holds the secret, in constant time."""
    told = request.headers.get(header, "")
    return hmac.compare_digest(told.encode(errors="surrogateescape"), secret.encode())


def _json_object(request: Request) -> dict[str, Any] | None:
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _refuse(status: int, reason: str) -> HTTPResponse:
    logger.warning("Webhook call refused with %d: %s.", status, reason)
    return response.json({"error": reason}, status=status)

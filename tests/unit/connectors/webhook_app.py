"""The webhook in a real Sanic server, with an agent that needs no model.

As a program (`python -m tests.unit.connectors.webhook_app PORT`) it takes its settings from the environment, as
Rasa does, and answers every message after `SLOW_SECONDS`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.shared.core.domain import Domain
from sanic import Sanic

from connectors.tracker_store import TheoTrackerStore
from connectors.zapi.channel import ZapiInput

DOMAIN = Domain.from_dict(
    {"intents": ["informar"], "responses": {"utter_erro_tecnico": [{"text": "Desculpa, deu erro."}]}}
)


class FakeAgent:
    """What the channel needs of Rasa's agent. Answers "eco: <text>" after `slow` seconds."""

    def __init__(self, slow: float = 0.0) -> None:
        self.slow = slow
        self.domain = DOMAIN
        self.tracker_store: Any = FailSafeTrackerStore(TheoTrackerStore(DOMAIN))
        self.model = True
        self.heard: list[str] = []
        self.fails = False
        self.go = asyncio.Event()
        self.go.set()

    def is_ready(self) -> bool:
        return self.model

    async def handle_message(self, said: UserMessage) -> None:
        self.heard.append(str(said.text))
        print("heard", said.message_id, flush=True)
        await asyncio.sleep(self.slow)
        await self.go.wait()
        if self.fails:
            raise RuntimeError("away")
        await said.output_channel.send_text_message(said.sender_id, f"eco: {said.text}")


def app_of(channel: ZapiInput, agent: FakeAgent | None) -> Sanic:
    """As Rasa registers a channel, and as it hands a message to the agent that is loaded at that moment."""
    app = Sanic(f"theo-{uuid.uuid4().hex}", configure_logging=False)

    async def handle(message: UserMessage) -> None:
        await app.ctx.agent.handle_message(message)

    if agent is not None:
        app.ctx.agent = agent
    app.blueprint(channel.blueprint(handle), url_prefix="/webhooks/zapi")
    return app


def main() -> None:
    app = app_of(ZapiInput.from_credentials(None), None)

    async def load(app: Sanic, _loop: object) -> None:
        app.ctx.agent = FakeAgent(float(os.environ.get("SLOW_SECONDS", "0")))

    app.register_listener(load, "before_server_start")
    app.run("127.0.0.1", int(sys.argv[1]), access_log=False)


if __name__ == "__main__":
    main()

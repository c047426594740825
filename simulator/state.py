"""Everything one running simulator holds, wired together."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from simulator import webhooks
from simulator.bubbles import Files
from simulator.chats import Chats, now_ms
from simulator.contacts import Directory
from simulator.customer import Customer, Said
from simulator.delivery import Answer, Delivery
from simulator.faults import Connection, Faults
from simulator.gateway import Gateway, SendLog
from simulator.media import MediaStore
from simulator.settings import Settings
from simulator.webhooks import Line


class Simulator:
    """The parts of one simulator."""

    KEY: web.AppKey[Simulator]

    def __init__(self, settings: Settings, directory: Directory) -> None:
        self.settings = settings
        self.directory = directory
        self.line = Line(settings.instance_id, directory.company.phone, directory.company.name)
        self.stopping = asyncio.Event()
        self.faults = Faults()
        self.connection = Connection()
        self.chats = Chats()
        self.sends = SendLog()
        self.media = MediaStore()
        self.files = Files(self.media, settings.url)
        self.delivery = Delivery(settings.webhook_url, settings.token, self.faults, self.connection)
        self.gateway = Gateway(self.line, directory, self.chats, self.delivery, self.faults, self.connection)
        self.customer = Customer(self.line, directory, self.chats, self.files)

    async def stop(self) -> None:
        """Let nothing wait any longer."""
        self.stopping.set()
        self.gateway.clear()
        await self.delivery.stop()

    async def sleep(self, seconds: float) -> None:
        """Sleep, but wake at once when the simulator stops."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    def change_faults(self, wanted: dict[str, object]) -> None:
        """Set faults; raises FaultError. Going off or on line holds or flushes the queue, and is reported."""
        before = self.faults.connected
        self.faults.change(wanted)
        if self.faults.connected == before:
            return
        self.connection.set(self.faults.connected)
        tell = webhooks.connected if self.faults.connected else webhooks.disconnected
        self.delivery.post("connection", tell(self.line, now_ms()))

    def deliver(self, phone: str, said: Said) -> asyncio.Future[Answer]:
        """Post what was said; the future gets the answer to its last webhook, and the bubble its status."""
        *first, last = said.bodies
        for body in first:
            self.delivery.post(f"chat {phone}", body)
        answer = self.delivery.post(f"chat {phone}", last, said.pause)

        def mark(done: asyncio.Future[Answer]) -> None:
            if not done.cancelled():
                self.chats.set_status(phone, said.id, "RECEIVED" if done.result().status == 200 else "FAILED")

        answer.add_done_callback(mark)
        return answer

    def clear_chats(self) -> None:
        """Forget the chats, and what is still on its way to or from them."""
        self.gateway.clear()
        self.delivery.clear()
        self.chats.clear()


Simulator.KEY = web.AppKey("simulator", Simulator)

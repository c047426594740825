"""The chats in memory: messages, typing, and whoever waits for news of them."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

STATUS_ORDER = ("PENDING", "SENT", "RECEIVED", "READ")


def now_ms() -> int:
    """This moment as Unix time in milliseconds."""
    return int(time.time() * 1000)


def new_id(length: int) -> str:
    """A random upper-case hex id of this many characters."""
    return secrets.token_hex((length + 1) // 2).upper()[:length]


@dataclass
class Message:
    """One bubble. ``extra`` holds what only some kinds have: file_name, media, title, options, quoted...

    ``status``: SENT, RECEIVED (reached the other side), READ, or FAILED (a customer's message whose
    webhook was never answered with 200). ``at`` is Unix time in milliseconds.
    """

    seq: int
    id: str
    sender: str
    kind: str
    text: str
    at: int
    status: str
    extra: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The shape the page and the tests read."""
        return {
            "seq": self.seq, "id": self.id, "from": self.sender, "kind": self.kind, "text": self.text,
            **self.extra, "at": self.at, "status": self.status,
        }  # fmt: skip


@dataclass
class Chat:
    """The talk of one phone with the company."""

    messages: list[Message] = field(default_factory=list)
    typing: bool = False
    waiting: set[asyncio.Future[None]] = field(default_factory=set)


class Chats:
    """All chats by phone. Subscribers hear ``{"phone", "what"}`` with what: message, typing or status."""

    def __init__(self) -> None:
        self._chats: dict[str, Chat] = {}
        self._subscribers: set[asyncio.Queue[dict[str, str]]] = set()

    def phones(self) -> list[str]:
        """The phones that have a chat, oldest first."""
        return list(self._chats)

    def read(self, phone: str, after: int = 0) -> dict[str, Any]:
        """``{"messages", "typing", "last"}``: the messages with a seq above ``after``."""
        chat = self._chats.get(phone) or Chat()
        return {
            "messages": [message.as_json() for message in chat.messages[max(after, 0) :]],
            "typing": chat.typing,
            "last": len(chat.messages),
        }

    async def wait(self, phone: str, after: int, seconds: float) -> None:
        """Return when the chat has a message above ``after``, or when the time is over."""
        chat = self._chat(phone)
        deadline = time.monotonic() + seconds
        while len(chat.messages) <= after and (left := deadline - time.monotonic()) > 0:
            news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            chat.waiting.add(news)
            try:
                await asyncio.wait_for(news, left)
            except asyncio.TimeoutError:
                return
            finally:
                chat.waiting.discard(news)

    def add(
        self,
        phone: str,
        message_id: str,
        sender: str,
        kind: str,
        text: str,
        extra: dict[str, Any] | None = None,
    ) -> Message:
        """Put a message at the end of the chat; ``extra`` entries that are None are left out."""
        chat = self._chat(phone)
        kept = {name: value for name, value in (extra or {}).items() if value is not None}
        message = Message(len(chat.messages) + 1, message_id, sender, kind, text, now_ms(), "SENT", kept)
        chat.messages.append(message)
        for news in chat.waiting:
            if not news.done():
                news.set_result(None)
        self._publish(phone, "message")
        return message

    def find(self, phone: str, message_id: str) -> Message | None:
        """The newest message of the chat with this id."""
        chat = self._chats.get(phone)
        if chat is None:
            return None
        return next((message for message in reversed(chat.messages) if message.id == message_id), None)

    def set_status(self, phone: str, message_id: str, status: str) -> None:
        """Move a message on to ``status``; it never goes back (READ stays READ)."""
        message = self.find(phone, message_id)
        if message is None:
            return
        known = message.status in STATUS_ORDER and status in STATUS_ORDER
        if known and STATUS_ORDER.index(status) <= STATUS_ORDER.index(message.status):
            return
        message.status = status
        self._publish(phone, "status")

    def amend(self, phone: str, message: Message, **extra: Any) -> None:
        """Change a message in place: ``text``, or anything in its ``extra`` (edited, deleted, reactions)."""
        if "text" in extra:
            message.text = extra.pop("text")
        message.extra.update(extra)
        self._publish(phone, "status")

    def set_typing(self, phone: str, typing: bool) -> None:
        """Show or hide the typing dots of the company's side."""
        self._chat(phone).typing = typing
        self._publish(phone, "typing")

    def clear(self) -> None:
        """Forget every message; the phones stay known, so that open pages are told."""
        for phone, chat in self._chats.items():
            chat.messages.clear()
            chat.typing = False
            self._publish(phone, "message")

    def subscribe(self) -> asyncio.Queue[dict[str, str]]:
        """A queue that gets every event from now on."""
        queue: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._subscribers.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[dict[str, str]]) -> None:
        """Stop filling this queue."""
        self._subscribers.discard(queue)

    def _chat(self, phone: str) -> Chat:
        return self._chats.setdefault(phone, Chat())

    def _publish(self, phone: str, what: str) -> None:
        for queue in self._subscribers:
            queue.put_nowait({"phone": phone, "what": what})

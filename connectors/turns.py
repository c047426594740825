"""From the inbox to Rasa: one turn at a time per conversation, a burst becomes one turn.

A turn is atomic: what Rasa remembers of it, the replies and the "answered" of its messages are written in
one transaction (see `tracker_store.py`). Killed before it, the turn runs again as if never begun; killed
after it, the replies are in the outbox.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from rasa.core.channels.channel import OutputChannel, UserMessage
from sqlalchemy.engine import Connection

from connectors import inbox, menus, outbox
from connectors.inbox import Conversation, Received
from connectors.errors import TurnFailed
from connectors.locks import Locks
from connectors.messages import MEDIA, OPTION, Incoming, Option, Outgoing
from connectors.store import Store

logger = logging.getLogger(__name__)

#: A customer who keeps typing is answered after this many times the burst window.
BURST_LIMIT = 5
#: Waits between tries of a turn that failed, in seconds; after the last the customer gets an apology.
RETRY_WAITS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 20.0)
#: An answer this many seconds late quotes what it answers.
LATE_SECONDS = 30.0
MAX_TEXT = 4000
#: Attachments that only stand beside words in the same burst and need no answer of their own.
QUIET_BESIDE_TEXT = ("imagem", "documento", "figurinha")

_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


@dataclass
class Turn:
    """What one run of Rasa answers, and what it said."""

    channel: str
    conversation: Conversation
    rows: list[Received]
    apology: str
    replies: list[Outgoing] = field(default_factory=list)
    committed: bool = False

    @property
    def id(self) -> str:
        """The first message's id: the idempotency key of everything that this turn does."""
        return self.rows[0].message.message_id

    def commit(self, db: Connection) -> None:
        """Writes the replies and marks the messages answered, in the transaction of the caller's."""
        if not self.replies:
            logger.error("A turn ended without a word; the customer gets an apology.")
            self.replies.append(Outgoing(text=self.apology))
        now = time.time()
        last = self.rows[-1]
        late = now - self.rows[0].received_at > LATE_SECONDS
        outbox.put(
            db,
            self.channel,
            self.conversation.id,
            self.conversation.address,
            self.replies,
            now,
            quoted=last.message.message_id if late else None,
        )
        inbox.set_state(db, [row.id for row in self.rows], "done")
        self._remember_menu(db)
        self.committed = True

    def _remember_menu(self, db: Connection) -> None:
        """A menu stands until another one, or until Theo asks something else."""
        shown = [reply.options for reply in self.replies if reply.options]
        if shown:
            inbox.set_menu(db, self.conversation.id, shown[-1])
        elif self.conversation.menu and "?" in self.replies[-1].text:
            inbox.set_menu(db, self.conversation.id, ())


#: The turn that runs in this task; the tracker store reads it to write everything in one transaction.
current_turn: contextvars.ContextVar[Turn | None] = contextvars.ContextVar("current_turn", default=None)


class TurnOutput(OutputChannel):
    """Collects what Rasa says. It never raises: an exception here would un-save the turn (facts/rasa.md §2.4)."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    @classmethod
    def name(cls) -> str:
        return "whatsapp"

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        self._turn.replies.extend(Outgoing(text=bubble) for bubble in bubbles(text))

    async def send_text_with_buttons(
        self, recipient_id: str, text: str, buttons: list[dict[str, Any]], **kwargs: Any
    ) -> None:
        options = tuple(
            Option(str(b.get("title", "")), str(b.get("payload") or b.get("title", ""))) for b in buttons
        )
        *before, last = bubbles(text) or [""]
        self._turn.replies.extend(Outgoing(text=bubble) for bubble in before)
        self._turn.replies.append(Outgoing(text=last, options=options))

    async def send_quick_replies(
        self, recipient_id: str, text: str, quick_replies: list[dict[str, Any]], **kwargs: Any
    ) -> None:
        await self.send_text_with_buttons(recipient_id, text, quick_replies)

    async def send_image_url(self, recipient_id: str, image: str, **kwargs: Any) -> None:
        self._turn.replies.append(Outgoing(url=image, image=True))

    async def send_attachment(self, recipient_id: str, attachment: Any, **kwargs: Any) -> None:
        if isinstance(attachment, str):
            self._turn.replies.append(Outgoing(url=attachment))

    async def send_elements(self, recipient_id: str, elements: Any, **kwargs: Any) -> None:
        for element in elements:
            await self.send_text_message(recipient_id, f"{element.get('title', '')}\n{element.get('subtitle', '')}")

    async def send_custom_json(self, recipient_id: str, json_message: dict[str, Any], **kwargs: Any) -> None:
        """`{"document": URL or path, "file_name": NAME, "caption": TEXT}` sends a file."""
        if "document" in json_message:
            self._turn.replies.append(
                Outgoing(
                    text=str(json_message.get("caption", "")),
                    url=str(json_message["document"]),
                    file_name=json_message.get("file_name"),
                )
            )
        else:
            logger.error("A custom message with the keys %s cannot be sent.", sorted(json_message))


def bubbles(text: str) -> list[str]:
    """Splits at blank lines: each part is a message of its own."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def plain_text(text: str) -> str:
    """What a customer typed, as words only: Rasa reads a leading `/` as a command (facts/rasa.md §2.1)."""
    cleaned = _INVISIBLE.sub("", text).strip().lstrip("/").strip()[:MAX_TEXT]
    return cleaned or "?"


def media_payload(message: Incoming) -> str:
    """A media message as data that the customer gives: the intent and entity that Rasa's rules know."""
    entities: dict[str, Any] = {"midia": message.attachment}
    if message.latitude is not None:
        entities["latitude"], entities["longitude"] = message.latitude, message.longitude
    return "/informar" + json.dumps(entities)


def take_turn(rows: list[Received]) -> list[Received]:
    """The rows that make one turn: a run of texts, or one tap, or one media message.

    A photo, file or sticker in the same burst as words goes along with them; a voice note or a place does
    not, because it may hold what the words do not.
    """
    first = rows[0]
    if first.message.kind == OPTION:
        return [first]
    quiet_media = [r for r in rows if r.message.kind == MEDIA and r.message.attachment in QUIET_BESIDE_TEXT]
    run: list[Received] = []
    for row in rows:
        if row.message.kind == OPTION or (row.message.kind == MEDIA and row not in quiet_media):
            break
        run.append(row)
    if any(row.message.text for row in run):
        return run
    return [first]


class Turns:
    """Runs the turns of a channel."""

    def __init__(
        self,
        store: Store,
        channel: str,
        handle: Callable[[UserMessage], Awaitable[Any]],
        sender: outbox.Outbox,
        locks: Locks,
        burst_seconds: float,
        apology: Callable[[], str],
    ) -> None:
        self._store, self._channel, self._handle, self._outbox = store, channel, handle, sender
        self._locks, self._burst, self._apology = locks, burst_seconds, apology
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._stopping = asyncio.Event()

    async def resume(self) -> None:
        """Picks up what an earlier process left unanswered."""
        for name in await self._store.run(inbox.waiting_conversations):
            self.wake(name)

    def wake(self, name: str) -> None:
        """There is something new in this conversation."""
        if self._stopping.is_set():
            return
        if name in self._workers:
            self._again.add(name)
            return
        task = asyncio.create_task(self._work(name))
        self._workers[name] = task
        task.add_done_callback(lambda _: self._finished(name))

    def _finished(self, name: str) -> None:
        del self._workers[name]
        if name in self._again:
            self._again.discard(name)
            self.wake(name)

    async def stop(self) -> None:
        """Ends the turns under way and starts no other; the rest waits in the table."""
        self._stopping.set()
        await asyncio.gather(*self._workers.values(), return_exceptions=True)

    async def _work(self, name: str) -> None:
        try:
            async with self._locks.hold(f"turn:{name}"):
                while not self._stopping.is_set():
                    rows = await self._wait_for_silence(name)
                    if not rows or not await self._answer(name, rows):
                        return
        except Exception:
            # The database or Redis is away: the messages stay new, the sweep comes back to them.
            logger.exception("A conversation could not be served; it will be tried again.")

    async def _wait_for_silence(self, name: str) -> list[Received]:
        """What waits, once the customer has been quiet for the burst window."""
        while True:
            rows = await self._store.run(inbox.waiting, name)
            if not rows:
                return rows
            now = time.time()
            quiet_at = rows[-1].received_at + self._burst
            latest = rows[0].received_at + self._burst * BURST_LIMIT
            wait = min(quiet_at, latest) - now
            if wait <= 0 or rows[0].attempts or await _stops_within(self._stopping, wait):
                return [] if self._stopping.is_set() else rows

    async def _answer(self, name: str, rows: list[Received]) -> bool:
        """One turn. True when the next may follow."""
        conversation = await self._store.run(inbox.conversation, name)
        if conversation.human_until and conversation.human_until > time.time():
            await self._store.run(inbox.set_state, [row.id for row in rows], "human")
            return True
        taken = take_turn(rows)
        turn = Turn(self._channel, conversation, taken, self._apology())
        attempt = max(row.attempts for row in taken)
        if attempt > len(RETRY_WAITS):
            logger.error("A turn failed %d times; the customer gets an apology.", attempt)
            await self._store.run(turn.commit)
            self._outbox.wake(name)
            return True
        await self._store.run(inbox.count_attempt, [row.id for row in taken])
        message = await self._user_message(turn)
        token = current_turn.set(turn)
        try:
            await self._handle(message)
        except (Exception, TurnFailed) as error:
            logger.error("A turn failed; nothing of it was kept: %s", error, exc_info=not isinstance(error, TurnFailed))
            if attempt < len(RETRY_WAITS):
                return not await _stops_within(self._stopping, RETRY_WAITS[attempt])
            return True
        finally:
            current_turn.reset(token)
        if not turn.committed:
            await self._store.run(turn.commit)
        self._outbox.wake(name)
        return True

    async def _user_message(self, turn: Turn) -> UserMessage:
        conversation = turn.conversation
        metadata = {"phone": conversation.phone, "turn": turn.id, "channel": self._channel}
        attachments = [row.message.attachment for row in turn.rows if row.message.attachment]
        if attachments:
            metadata["midia"] = attachments[0]
        text = await self._text(turn)
        return UserMessage(
            text, TurnOutput(turn), conversation.id, input_channel=self._channel,
            message_id=turn.id, metadata=metadata,
        )  # fmt: skip

    async def _text(self, turn: Turn) -> str:
        """The words for Rasa: a payload that we made ourselves, or plain text."""
        first = turn.rows[0].message
        if first.kind == OPTION:
            option = await self._tapped(turn, first)
            return option.payload if option else plain_text(first.text)
        text = "\n".join(row.message.text.strip() for row in turn.rows if row.message.text.strip())
        if not text:
            return media_payload(first)
        option = menus.choose(turn.conversation.menu, text)
        return option.payload if option else plain_text(text)

    async def _tapped(self, turn: Turn, message: Incoming) -> Option | None:
        """The option of the menu that was tapped, an old one too; ids are the numbers that we sent."""
        options = turn.conversation.menu
        if message.reply_to:
            shown = await self._store.run(outbox.find_sent, message.reply_to)
            options = shown.options if shown is not None else options
        number = int(message.option_id) if (message.option_id or "").isdigit() else 0
        if 1 <= number <= len(options) and menus.fold(options[number - 1].title) == menus.fold(message.text):
            return options[number - 1]
        return menus.choose(options, message.text)


async def _stops_within(stopping: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except asyncio.TimeoutError:
        return False
    return True

"""From the inbox to Rasa: one turn at a time per conversation, a burst becomes one turn.

A turn is atomic: what Rasa remembers of it, the replies and the "answered" of its messages are written in
one transaction (see `tracker_store.py`). Killed before it, the turn runs again as if never begun; killed
after it, the replies are in the outbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import datetime as dt
import itertools
import json
import logging
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from rasa.core.channels.channel import OutputChannel, UserMessage
from sqlalchemy.engine import Connection

from connectors import inbox, menus, outbox, retention
from connectors.errors import TurnFailed, TurnTaken, without_text
from connectors.inbox import Conversation, Received
from connectors.locks import Locks
from connectors.messages import MEDIA, NOTICE, OPTION, TEXT, Incoming, Option, Outgoing
from connectors.store import Store
from connectors.workers import Workers
from language.sealed import sealer

logger = logging.getLogger(__name__)

#: A customer who keeps typing is answered after this many times the burst window.
BURST_LIMIT = 5
#: Waits between tries of a turn that failed, in seconds; after the last the customer gets an apology.
RETRY_WAITS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 20.0)
#: A turn that takes longer has failed: Rasa itself would wait five minutes for an action.
TURN_SECONDS = 60.0
#: Turns under way at once, those that wait for an action included.
CONCURRENT_TURNS = 64
#: How many turns compute at once; those that wait for an action do not count. More would only take turns on the
#: one processor that a process uses, and the webhook would wait behind all of them
#: (1,000 customers at once, 95 of 100 calls: 2.1 s with 2, 4.2 s with 64).
COMPUTING = 2
#: An answer this many seconds late quotes what it answers.
LATE_SECONDS = 30.0
MAX_TEXT = 4000
#: Attachments that only stand beside words in the same burst and need no answer of their own.
QUIET_BESIDE_TEXT = ("imagem", "documento", "figurinha")

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\U000e0000-\U000e007f]"
)
#: Accents heaped on one letter. Three are more than any language needs.
_HEAPED = re.compile("([\u0300-\u036f]{3})[\u0300-\u036f]+")


@dataclass
class Turn:
    """What one run of Rasa answers, and what it said."""

    channel: str
    conversation: Conversation
    rows: list[Received]
    apology: str
    replies: list[Outgoing] = field(default_factory=list)
    #: (what, protocol) of the deeds that somebody may ask about later.
    deeds: list[tuple[str, str | None]] = field(default_factory=list)
    #: The customer wishes that this talk be forgotten, this turn too.
    erases: bool = False
    committed: bool = False

    @property
    def id(self) -> str:
        """The first message's id: the idempotency key of everything that this turn does."""
        return self.rows[0].message.message_id

    @property
    def is_notice(self) -> bool:
        """Theo speaks first: nobody waits for a word, so that none is said where there is nothing to tell."""
        return self.rows[0].message.kind == NOTICE

    def commit(self, db: Connection, asking: bool = False) -> None:
        """Writes the replies and marks the messages answered, in the transaction of the caller's.

        `asking`: a form waits for an answer. Raises TurnTaken when somebody else answered meanwhile.
        """
        if not inbox.answered(db, [row.id for row in self.rows]):
            raise TurnTaken("somebody else answered meanwhile")
        if not self.replies and not self.is_notice:
            logger.error("A turn ended without a word; the customer gets an apology.")
            self.replies.append(Outgoing(text=self.apology))
        now = time.time()
        late = now - self.rows[0].received_at > LATE_SECONDS
        texts = [row.message.message_id for row in self.rows if row.message.kind == TEXT]
        outbox.put(
            db,
            self.channel,
            self.conversation.id,
            self.conversation.address,
            self.replies,
            now,
            quoted=texts[-1] if late and texts else None,
        )
        self._remember_menu(db, asking)
        for what, protocol in self.deeds:
            retention.note(db, self.conversation, what, protocol)
        if self.erases:
            retention.erase(db, self.conversation.id)
        self.committed = True

    def _remember_menu(self, db: Connection, asking: bool) -> None:
        """A menu stands until another one, or until Theo asks something else."""
        shown = [reply.options for reply in self.replies if reply.options]
        if shown:
            inbox.set_menu(db, self.conversation.id, shown[-1])
        elif self.conversation.menu and (asking or any("?" in reply.text for reply in self.replies[-1:])):
            inbox.set_menu(db, self.conversation.id, ())


#: The turn that runs in this task; the tracker store reads it to write everything in one transaction.
current_turn: contextvars.ContextVar[Turn | None] = contextvars.ContextVar("current_turn", default=None)


class Place:
    """A turn's right to compute, which it gives away while it waits for somebody else."""

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places, self._held = places, False

    async def take(self) -> None:
        await self._places.acquire()
        self._held = True

    def give_back(self) -> None:
        if self._held:  # a turn that ran out of time may have lost it already
            self._held = False
            self._places.release()


_place: contextvars.ContextVar[Place | None] = contextvars.ContextVar("place", default=None)


@contextlib.asynccontextmanager
async def others_may_compute() -> AsyncIterator[None]:
    """For the time of a call to somebody else, such as the action server."""
    place = _place.get()
    if place is None:
        yield
        return
    place.give_back()
    try:
        yield
    finally:
        await place.take()


class TurnOutput(OutputChannel):
    """Collects what Rasa says. It never raises: that would un-save the turn."""

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
        options = tuple(Option(str(b.get("title", "")), str(b.get("payload") or b.get("title", ""))) for b in buttons)
        *before, last = bubbles(text or "") or [""]
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
            text = f"{element.get('title', '')}\n{element.get('subtitle', '')}"
            await self.send_text_message(recipient_id, text)

    async def send_custom_json(self, recipient_id: str, json_message: dict[str, Any], **kwargs: Any) -> None:
        """`{"document": URL or path, "file_name": NAME, "caption": TEXT}` sends a file.

        `{"audit": WHAT, "protocol": NUMBER}` is noted with the turn, `{"erase": true}` forgets the talk with it.
        """
        if "document" in json_message:
            self._turn.replies.append(
                Outgoing(
                    text=str(json_message.get("caption", "")),
                    url=str(json_message["document"]),
                    file_name=json_message.get("file_name"),
                )
            )
        elif "audit" in json_message:
            protocol = json_message.get("protocol")
            self._turn.deeds.append((str(json_message["audit"]), str(protocol) if protocol else None))
        elif json_message.get("erase") is True:
            self._turn.erases = True
        else:
            logger.error("A custom message with the keys %s cannot be sent.", sorted(json_message))


def bubbles(text: str) -> list[str]:
    """Splits at blank lines: each part is a message of its own."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def plain_text(text: str) -> str:
    """What a customer typed, as words only: Rasa reads a leading `/` as a command."""
    cleaned = _HEAPED.sub(r"\1", _INVISIBLE.sub("", text))
    return re.sub(r"^[/\s]+", "", cleaned)[:MAX_TEXT].rstrip() or "?"


def media_payload(message: Incoming) -> str:
    """A media message as data that the customer gives: the intent and entity that Rasa's rules know."""
    entities: dict[str, Any] = {"midia": message.attachment}
    if message.latitude is not None:
        entities["latitude"], entities["longitude"] = message.latitude, message.longitude
    return "/informar" + json.dumps(entities)


def take_turn(rows: list[Received]) -> list[Received]:
    """The rows that make one turn: a run of texts, or one tap, or media of one kind.

    A photo, file or sticker in the same burst as words goes along with them; a voice note or a place does
    not, because it may hold what the words do not. An album of photos is answered once.
    """
    first = rows[0].message
    if first.kind in (OPTION, NOTICE):
        return rows[:1]
    words = list(itertools.takewhile(lambda row: _goes_with_words(row.message), rows))
    if any(row.message.text for row in words):
        return words
    if first.latitude is not None:
        return rows[:1]
    same = (MEDIA, first.attachment)
    return list(itertools.takewhile(lambda row: (row.message.kind, row.message.attachment) == same, rows))


def _goes_with_words(message: Incoming) -> bool:
    if message.kind == MEDIA:
        return message.attachment in QUIET_BESIDE_TEXT
    return message.kind not in (OPTION, NOTICE)


def words_of(messages: list[Incoming]) -> str:
    """What a run of messages says, line by line; an edit stands in the place of what it corrects."""
    said = {message.message_id: message.text.strip() for message in messages if not message.corrects}
    said.update({message.corrects: message.text.strip() for message in messages if message.corrects})
    return "\n".join(text for text in said.values() if text)


async def _nobody() -> None:
    """Nobody waits for a 200."""


class Turns:
    """Runs the turns of a channel. While `ready` says no (there is no model), messages wait.

    `arrivals` returns when what arrived is stored: a customer who waits for an answer waits behind the gateway,
    that waits for its 200.
    """

    def __init__(
        self,
        store: Store,
        channel: str,
        handle: Callable[[UserMessage], Awaitable[Any]],
        sender: outbox.Outbox,
        locks: Locks,
        burst_seconds: float,
        apology: Callable[[], str],
        ready: Callable[[], bool] = lambda: True,
        stale_seconds: float = math.inf,
        arrivals: Callable[[], Awaitable[None]] = _nobody,
    ) -> None:
        self._store, self._channel, self._handle, self._outbox = store, channel, handle, sender
        self._locks, self._burst, self._apology, self._ready = locks, burst_seconds, apology, ready
        self._stale, self._arrivals = stale_seconds, arrivals
        self._slots = asyncio.Semaphore(CONCURRENT_TURNS)
        self._workers = Workers(self._work)
        self._places = asyncio.Semaphore(COMPUTING)

    async def resume(self) -> None:
        """Picks up what an earlier process left unanswered."""
        if self._ready():
            for name in await self._store.run(inbox.waiting_conversations):
                self.wake(name)

    def wake(self, name: str) -> None:
        """There is something new in this conversation."""
        self._workers.wake(name)

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """No turn runs inside: those under way end first, the others wait."""
        taken = 0
        try:
            while taken < CONCURRENT_TURNS:
                await self._slots.acquire()
                taken += 1
            yield
        finally:
            for _ in range(taken):
                self._slots.release()

    async def stop(self, seconds: float = 20.0) -> None:
        """Ends the turns under way and starts no other; the rest waits in the table."""
        await self._workers.stop(seconds)

    async def _work(self, name: str) -> None:
        try:
            async with self._locks.hold(f"turn:{name}"):
                while self._ready() and not self._workers.stopping.is_set():
                    rows = await self._wait_for_silence(name)
                    if not rows:
                        return
                    busy = self._slots.locked()
                    async with self._slots:
                        if busy:  # more may have come while others were being answered
                            rows = await self._waiting(name)
                        wait = await self._answer(name, rows)
                    if wait and not await self._workers.pause(wait):
                        return
        except Exception as error:  # noqa: BLE001 - whatever it is, the conversation must go on later
            # The database or Redis is away: the messages stay new, the sweep comes back to them.
            logger.error("A conversation could not go on; it will be tried again: %s", without_text(error))

    async def _waiting(self, name: str) -> list[Received]:
        await self._arrivals()
        return await self._store.run(inbox.waiting, name)

    async def _wait_for_silence(self, name: str) -> list[Received]:
        """What waits, once the customer has been quiet for the burst window. Empty when the process stops."""
        begun = time.monotonic()
        while True:
            rows = await self._waiting(name)
            if not rows or rows[0].attempts:
                return rows
            quiet = time.time() - rows[-1].received_at
            # By a clock that nobody sets back.
            patience = begun + self._burst * BURST_LIMIT - time.monotonic()
            wait = min(self._burst - quiet, patience)
            if wait <= 0:
                return rows
            if not await self._workers.pause(wait):
                return []

    async def _answer(self, name: str, rows: list[Received]) -> float:
        """One turn. Returns the seconds until the next may follow."""
        if not rows or self._workers.stopping.is_set():
            return 0.0
        taken = take_turn(rows)
        if taken[0].message.kind == NOTICE and time.time() - taken[0].received_at > self._stale:
            await self._store.run(inbox.set_state, [taken[0].id], "stale")
            return 0.0
        conversation = await self._store.run(_begin, name, rows, taken)
        if conversation is None:
            return 0.0
        turn = Turn(self._channel, conversation, taken, self._apology())
        attempt = max(row.attempts for row in taken)
        try:
            if attempt <= len(RETRY_WAITS):
                await self._run(turn)
            else:
                logger.error("A turn failed %d times; a customer who waits gets an apology.", attempt)
            if not turn.committed:
                await self._store.run(turn.commit)
        except TurnTaken as error:
            logger.info("A turn was given up: %s.", error)
            return 0.0
        except TurnFailed as error:
            logger.error("A turn failed; nothing of it was kept: %s", error)
            return _retry_wait(attempt)
        except Exception as error:  # noqa: BLE001 - whatever it is, the turn is run again
            logger.error("A turn failed; nothing of it was kept: %s", without_text(error))
            return _retry_wait(attempt)
        self._outbox.wake(name)
        return 0.0

    async def _run(self, turn: Turn) -> None:
        """Rasa's part. Raises what Rasa raises, and TimeoutError."""
        message = await self._user_message(turn)
        place = Place(self._places)
        await place.take()
        token, its_place = current_turn.set(turn), _place.set(place)
        try:
            await self._arrivals()
            await asyncio.wait_for(self._handle(message), TURN_SECONDS)
        finally:
            place.give_back()
            current_turn.reset(token)
            _place.reset(its_place)

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
        """The words for Rasa: a payload that we made ourselves, or plain text with its documents sealed.

        The channel sealed each message as a whole; here they are opened, joined, and only documents stay shut.
        """
        first = turn.rows[0].message
        if first.kind == NOTICE:
            return first.text
        box = sealer()
        text = words_of([replace(row.message, text=box.open(row.message.text)) for row in turn.rows])
        if first.kind == MEDIA and not text:
            return media_payload(first)
        option = await self._chosen(turn, first, text)
        return option.payload if option else box.seal(plain_text(text), dt.date.today())

    async def _chosen(self, turn: Turn, message: Incoming, text: str) -> Option | None:
        """The option that is meant: of the menu that was tapped or quoted, else of the one that stands.

        The ids of options are the numbers that we sent.
        """
        shown = None
        if message.reply_to and not message.corrects:
            shown = await self._store.run(outbox.find_sent, message.reply_to)
        options = shown.options if shown and shown.options else turn.conversation.menu
        if message.kind == OPTION:
            option_id = message.option_id or ""
            number = int(option_id) if re.fullmatch("[0-9]{1,3}", option_id) else 0
            option = options[number - 1] if 1 <= number <= len(options) else None
            if option and (options is not turn.conversation.menu or _begins(option.title, text)):
                return option
        return menus.choose(options, text)


def _begin(db: Connection, name: str, rows: list[Received], taken: list[Received]) -> Conversation | None:
    """Counts the attempt of a turn; None where a person serves, whose the messages then are."""
    conversation = inbox.conversation(db, name)
    if conversation.human_until and conversation.human_until > time.time():
        inbox.set_state(db, [row.id for row in rows], "human")
        return None
    inbox.count_attempt(db, [row.id for row in taken])
    return conversation


def _begins(title: str, shown: str) -> bool:
    """Whether a tapped row can be this option; a list shows the beginning of a long title."""
    return bool(menus.fold(shown)) and menus.fold(title).startswith(menus.fold(shown))


def _retry_wait(attempt: int) -> float:
    return RETRY_WAITS[min(attempt, len(RETRY_WAITS) - 1)]

"""Many customers at once over the real programs, a gateway that repeats and reorders, and the books.

A `World` plays Z-API's delivering side itself (it posts each message until it gets a 200, in as many copies as
asked); what Theo sends goes to the simulator, whose list of sends is read continually. `verdict` compares what
was said, what arrived and what is on record.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp
import sqlalchemy as sa

from backoffice import tables
from backoffice.sql import SqlErp
from connectors.messages import Outgoing
from connectors.store import conversations, inbox, outbox
from scripts import run
from simulator import webhooks
from tests.faults.talks import APOLOGY, DOCUMENT, PLAYS, Person, Play, people, write_base
from tests.integration.stack import Json, Stack

POLL_SECONDS, RETRY_SECONDS, POST_SECONDS = 0.1, 0.5, 15.0
#: How long a customer waits for an answer, and the gateway for a 200, before it counts as lost.
PATIENCE_SECONDS = 240.0
#: How long a send may stand without an answer before it counts as refused.
UNDECIDED_SECONDS = 40.0
_ids = itertools.count(int(time.time() * 1000))
_PROTOCOL = re.compile(r"(?<!\d)20\d{12}(?!\d)")


@dataclass
class Weather:
    """How messages are delivered. `copies` is the most that one is posted, `spread` how far apart, in seconds."""

    copies: int = 1
    spread: float = 0.0


@dataclass
class Customer:
    """One chat: what was said in it and what came back, in order."""

    person: Person
    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: bool = False
    answered_at: float = 0.0
    lost: list[str] = field(default_factory=list)

    def hear(self, bubble: str) -> None:
        self.heard.append(bubble)
        self.news.set()


@dataclass
class Result:
    """The figures of one scenario. `problems` must be empty."""

    name: str
    conversations: int = 0
    messages: int = 0
    deliveries: int = 0
    bubbles: int = 0
    lost: int = 0
    duplicated: int = 0
    allowed_twice: int = 0
    records_wrong: int = 0
    recovery_seconds: float = 0.0
    seconds: float = 0.0
    note: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


class City(Stack):
    """The programs with the customers of the harness on record, and a model file of their own."""

    def __init__(self, folder: Path, count: int, plays: tuple[Play, ...] = PLAYS, **environ: str) -> None:
        self._starter = ThreadPoolExecutor(1)
        self.people = people(count, plays)
        self.base = folder / "base.yml"
        write_base(self.base, self.people)
        self.model = environ.pop("MODEL", "") or str(run.MODEL)
        with mock.patch.object(run, "MODEL", Path(self.model)):
            super().__init__(folder, **environ)
        # The company's settings are read once, when the action server starts.
        SqlErp.open(self.environ["DATABASE_URL"], base=self.base).close()

    def __enter__(self) -> City:
        super().__enter__()
        return self

    def start(self, name: str, *, wait: bool = True) -> None:
        """From a thread that lives as long as this: a program dies with the thread that started it."""
        self._starter.submit(super().start, name, wait=False).result()
        if wait:
            self.wait_until_ready(name)

    def forget_connections(self) -> None:
        """After the database was killed: ours are dead too."""
        self._engine.dispose()
        if self._erp is not None:
            self._erp.close()
            self._erp = None

    def log_text(self, name: str) -> str:
        """All of a program's log."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def start_anew(self) -> None:
        """No conversation, no fault, and the records as on the first day."""
        self.revive()
        self.simulator.calm()
        self.simulator.clear()
        with self._engine.begin() as connection:
            for table in (inbox, outbox, conversations):
                connection.execute(table.delete())
            connection.execute(sa.text("DELETE FROM events"))
        self.wait_until_quiet()
        SqlErp.open(self.environ["DATABASE_URL"], reset=True, base=self.base).close()


class World:
    """One scenario's customers. Use as an async context manager."""

    def __init__(self, name: str, stack: City, count: int | None = None, reads: str = "sends", seed: int = 5) -> None:
        self.stack, self.result, self._reads = stack, Result(name), reads
        self._stale = False
        #: States of a message in the inbox that are as they should be.
        self.good_states = {"done"}
        self._chat_after: dict[str, int] = {}
        self.weather = Weather()
        self.customers = {person.phone: Customer(person) for person in stack.people[:count]}
        self._random = random.Random(seed)
        self._line = webhooks.Line(stack.environ["ZAPI_INSTANCE_ID"], "558340001000", "START Conecta")
        #: Deliveries that were answered with 503.
        self.refused = 0
        self._copies: list[asyncio.Task[None]] = []
        self._bodies: list[Json] = []
        self._seen: set[int] = set()
        self._after = 0
        self.done_steps, self.step_done = 0, asyncio.Event()
        self.all_steps = sum(len(c.person.play.steps) for c in self.customers.values())

    async def __aenter__(self) -> World:
        await asyncio.to_thread(self.stack.start_anew)
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=POST_SECONDS), connector=aiohttp.TCPConnector(limit=0)
        )
        self._looking = asyncio.Lock()
        self._reader = asyncio.create_task(self._listen())
        self._began = time.monotonic()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reader.cancel()
        for task in self._copies:
            task.cancel()
        await asyncio.gather(self._reader, *self._copies, return_exceptions=True)
        await self._session.close()

    # -- in -----------------------------------------------------------------------------------------

    async def deliver(self, phone: str, text: str) -> bool:
        """Posts one message until it is taken, and its copies beside it. False: never taken."""
        person = webhooks.Place(phone, phone)
        body = webhooks.received(
            self._line, person, f"FAULT{next(_ids):X}", int(time.time()) * 1000, {"text": {"message": text}}
        )
        self.result.messages += 1
        self._bodies.append(body)
        for _ in range(self._random.randint(0, self.weather.copies - 1)):
            self._copies.append(asyncio.create_task(self._later(body)))
        return await self._until_taken(body)

    async def _later(self, body: Json) -> None:
        await asyncio.sleep(self._random.uniform(0, self.weather.spread))
        await self._until_taken(webhooks.again(body, 1000 * self._random.randint(1, 200)))

    async def _until_taken(self, body: Json) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            self.result.deliveries += 1
            if await self.post(body) == 200:
                return True
            body = webhooks.again(body, 1000)
            await asyncio.sleep(RETRY_SECONDS)
        return False

    async def post(self, body: Json) -> int | None:
        """The status of one delivery; None where nobody answered."""
        try:
            async with self._session.post(
                self.stack.webhook, data=json.dumps(body).encode(),
                headers=webhooks.headers(self.stack.environ["ZAPI_TOKEN"], "ReceivedCallback"),
            ) as answer:  # fmt: skip
                await answer.read()
                self.refused += answer.status == 503
                return answer.status
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            return None

    async def repeat_everything(self) -> None:
        """Delivers every message of the scenario once more, late and in another order."""
        bodies = [webhooks.again(body, 200_000) for body in self._bodies]
        self._random.shuffle(bodies)
        for start in range(0, len(bodies), 50):
            await asyncio.gather(*(self._until_taken(body) for body in bodies[start : start + 50]))

    # -- out ----------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError):
                await (self._follow_chats() if self._reads == "chats" else self.hear())
            await asyncio.sleep(POLL_SECONDS)

    async def hear(self) -> None:
        """One look at what the customers got."""
        async with self._looking:
            await (self.read_chats() if self._reads == "chats" else self.read_sends())

    async def read_sends(self) -> None:
        """Hears what the gateway took since the last look."""
        async with self._session.get(f"{self.stack.simulator.url}/api/sends?after={self._after}") as answer:
            sends = (await answer.json())["sends"]
        undecided = False
        for send in sends:
            if send["n"] in self._seen:
                continue
            if send["status"] is None and time.time() - send["at"] / 1000 < UNDECIDED_SECONDS:
                undecided = True
                continue
            self._seen.add(send["n"])
            if send["status"] == 200 and send["phone"] in self.customers:
                self.customers[send["phone"]].hear(words_of(send["body"]))
                self.result.bubbles += 1
            if not undecided:
                self._after = send["n"]

    async def read_chats(self) -> None:
        """Hears what reached the chats since the last look; a send that waits for the phone did not."""
        for phone in self.customers:
            await self._read_chat(phone)

    async def _read_chat(self, phone: str) -> None:
        path = f"/api/chats/{phone}/messages?after={self._chat_after.get(phone, 0)}"
        async with self._session.get(self.stack.simulator.url + path) as answer:
            chat = await answer.json()
        self._chat_after[phone] = chat["last"]
        for message in chat["messages"]:
            if message["from"] == "theo":
                self.customers[phone].hear(message.get("text") or message.get("file_name") or "")
                self.result.bubbles += 1

    async def _follow_chats(self) -> None:
        """Reads a chat when the simulator tells of a message in it; returns when it stops telling."""
        url, endless = f"{self.stack.simulator.url}/api/events", aiohttp.ClientTimeout(total=None)
        async with self._session.get(url, timeout=endless) as events:
            await self.hear()
            async for line in events.content:
                news = json.loads(line.removeprefix(b"data:")) if line.startswith(b"data:") else {}
                if news.get("what") == "message" and news["phone"] in self.customers:
                    async with self._looking:
                        await self._read_chat(news["phone"])

    async def hear_the_last_of_the_simulator(self) -> None:
        """Before the simulator is killed: no send is taken any more, and what was taken is heard."""
        await asyncio.to_thread(self.stack.simulator.faults, send_hang=True)
        for _ in range(3):
            await asyncio.sleep(POLL_SECONDS)
            await self.hear()

    def forget_the_simulator(self, is_dead: bool) -> None:
        """When the simulator was killed its numbers begin again."""
        if is_dead:
            self._seen.clear()
            self._after = 0

    # -- talks --------------------------------------------------------------------------------------

    async def talk(self) -> None:
        """All customers have their talks, at once."""
        await asyncio.gather(*(self._talk(customer) for customer in self.customers.values()))

    async def _talk(self, customer: Customer) -> None:
        await asyncio.sleep(self._random.uniform(0, 3))
        for step in customer.person.play.steps:
            for text in step.says:
                words = text.replace(DOCUMENT, customer.person.document)
                if not await self.say(customer, words, step.hears if text == step.says[-1] else None):
                    return
            self.done_steps += 1
            self.step_done.set()

    async def say(self, customer: Customer, text: str, hears: str | None) -> bool:
        """Says it and waits for the answer; after an apology, says it again. False: it was lost."""
        for _ in range(6):
            since = len(customer.heard)
            customer.said.append(text)
            customer.waiting = True
            if not await self.deliver(customer.person.phone, text):
                customer.lost.append(f"not taken: {text}")
                return False
            if hears is None:
                return True
            found = await self._hears(customer, hears, since)
            if found == "answer":
                customer.waiting, customer.answered_at = False, time.monotonic()
                return True
            if found is None:
                break
            await asyncio.sleep(3)
        customer.lost.append(f"no answer to {text!r}")
        return False

    async def _hears(self, customer: Customer, pattern: str, since: int) -> str | None:
        """`answer`, `apology`, or None when nothing fitting came in time."""
        wanted, deadline = re.compile(pattern, re.IGNORECASE), time.monotonic() + PATIENCE_SECONDS
        while True:
            customer.news.clear()
            for bubble in customer.heard[since:]:
                if wanted.search(bubble):
                    return "answer"
                if APOLOGY.search(bubble):
                    return "apology"
            try:
                await asyncio.wait_for(customer.news.wait(), max(0.0, deadline - time.monotonic()))
            except asyncio.TimeoutError:
                return None

    async def some_done(self, share: float) -> None:
        """Until this share of all steps of all talks was answered; at once when the talks are not moving."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.done_steps < share * self.all_steps and time.monotonic() < deadline:
            self.step_done.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.step_done.wait(), 1)

    @contextlib.asynccontextmanager
    async def talking(self) -> AsyncIterator[None]:
        """The talks go on beside what is inside the block, and are over after it."""
        talks = asyncio.create_task(self.talk())
        try:
            yield
            await talks
        finally:
            talks.cancel()

    def fault_over(self) -> Callable[[], None]:
        """Notes who waits now; the call of what it returns notes when the last of them was answered."""
        over, waiting = time.monotonic(), [c for c in self.customers.values() if c.waiting]

        def note() -> None:
            took = max((c.answered_at - over for c in waiting if not c.waiting), default=0.0)
            self.result.recovery_seconds = max(self.result.recovery_seconds, took)

        return note

    # -- the books ----------------------------------------------------------------------------------

    async def quiet(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Until nothing waits in the tables and all that was sent is heard."""
        await asyncio.to_thread(self.stack.wait_until_quiet, seconds)
        for _ in range(3):
            await asyncio.sleep(POLL_SECONDS)
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await self.hear()

    async def close_the_books(self, may_repeat: int = 0, stale: bool = False, last_words: int | None = None) -> Result:
        """Everything is delivered once more, everybody (or the first `last_words`) says "oi", the books are compared.

        `may_repeat`: bubbles that may have come twice, since a kill found so many sends under way. `stale`: some
        replies were too old to be sent, and the talks are none with records.
        """
        result = self.result
        self._stale = stale
        await asyncio.gather(*self._copies)
        await self.quiet()
        before = result.bubbles
        await self.repeat_everything()
        await self.quiet()
        if result.bubbles != before:
            result.problems.append(f"{result.bubbles - before} bubbles answered a repetition")
        await asyncio.gather(*(self._last_word(customer) for customer in list(self.customers.values())[:last_words]))
        await self.quiet()
        await asyncio.to_thread(self._compare, may_repeat)
        result.seconds = time.monotonic() - self._began
        return result

    async def _last_word(self, customer: Customer) -> None:
        since = len(customer.heard)
        await self.deliver(customer.person.phone, "oi")
        if await self._hears(customer, ".", since) is None:
            self.result.problems.append(f"{customer.person.phone} is stuck")

    def _compare(self, may_repeat: int) -> None:
        result = self.result
        result.conversations = len(self.customers)
        result.allowed_twice = may_repeat
        sent: dict[str, list[str]] = {phone: [] for phone in self.customers}
        for row in self.stack.rows(sa.select(outbox).order_by(outbox.c.id)):
            if row.state == "stale" and self._stale:
                continue
            if row.state != "sent":
                result.problems.append(f"a bubble is {row.state}: {row.error}")
            elif row.address in sent:
                sent[row.address].append(shown(Outgoing.from_json(row.content)))
        for phone, customer in self.customers.items():
            lost = [*customer.lost, *(Counter(sent[phone]) - Counter(customer.heard)).elements()]
            twice = list((Counter(customer.heard) - Counter(sent[phone])).elements())
            result.lost += len(lost)
            result.duplicated += len(twice)
            result.problems += [f"{phone}: lost {text[:80]!r}" for text in lost]
            if _once(customer.heard, sent[phone]) != sent[phone] and not lost:
                result.problems.append(f"{phone}: order {customer.heard} instead of {sent[phone]}")
        if result.duplicated > may_repeat:
            result.problems.append(f"{result.duplicated} bubbles came twice, {may_repeat} may")
        self._compare_turns()
        if not self._stale:
            self._compare_records()

    def _compare_turns(self) -> None:
        """Every message is in the inbox once and answered; none was heard by Rasa in two turns."""
        rows = self.stack.rows(sa.select(inbox.c.message_id, inbox.c.state).where(inbox.c.kind == "text"))
        known = {row.message_id: row.state for row in rows}
        for body in self._bodies:
            if known.get(body["messageId"]) not in self.good_states:
                self.result.problems.append(f"{body['messageId']} is {known.get(body['messageId'])}")
        events = self.stack.rows(sa.text("SELECT data FROM events WHERE type_name = 'user'"))
        heard = Counter(json.loads(row.data).get("message_id") for row in events)
        for message_id, times in heard.items():
            if times > 1:
                self.result.problems.append(f"{message_id} was answered {times} times")

    def _compare_records(self) -> None:
        """What each talk should have left is there once, and every protocol that was told is on record."""
        contacts = self._column(tables.effect.c.result, tables.effect.c.kind == "contact_protocol")
        tickets, leads = self._column(tables.ticket.c.protocol), self._column(tables.lead.c.protocol)
        told = [set(_PROTOCOL.findall("\n".join(c.heard))) for c in self.customers.values()]
        for customer, protocols in zip(self.customers.values(), told):
            person, words = customer.person, self._rows_of(customer.person)
            wanted = Counter(person.play.leaves)
            if words != wanted:
                self.result.records_wrong += 1
                self.result.problems.append(f"{person.phone} ({person.play.name}): {dict(words)} on record")
            unknown = protocols - contacts - tickets - leads
            if unknown:
                self.result.records_wrong += 1
                self.result.problems.append(f"{person.phone}: {unknown} are on no record")
        shared = [protocol for protocol, times in Counter(p for one in told for p in one).items() if times > 1]
        if shared:
            self.result.problems.append(f"told to two customers: {shared}")

    def _column(self, column: Any, *where: Any) -> set[str]:
        return {str(row[0]).strip('"') for row in self.stack.rows(sa.select(column).where(*where))}

    def _rows_of(self, person: Person) -> Counter[str]:
        ticket, visit, lead, contract = tables.ticket, tables.visit, tables.lead, tables.contract
        who = f"f{person.number}"
        mine = sa.or_(ticket.c.customer_id == who, ticket.c.text.contains(person.phone))
        queries = {
            "erp_ticket": sa.select(ticket.c.protocol).where(mine),
            "erp_visit": sa.select(visit.c.id).where(visit.c.contract_id == person.contract),
            "erp_lead": sa.select(lead.c.protocol).where(lead.c.phone == person.phone),
            "released": sa.select(contract.c.id).where(
                contract.c.id == person.contract, contract.c.released_until.is_not(None)
            ),
        }
        return Counter({name: n for name, query in queries.items() if (n := len(self.stack.rows(query)))})


def words_of(body: Json) -> str:
    """What a send shows: its text, or its file's name."""
    return str(body.get("message") or body.get("caption") or body.get("fileName") or "")


def shown(bubble: Outgoing) -> str:
    """The same of a row of the outbox."""
    return bubble.as_text() if not bubble.url else bubble.text or bubble.file_name or ""


def _once(heard: list[str], sent: list[str]) -> list[str]:
    """What was heard without a second copy of what was sent once."""
    left, kept = Counter(sent), []
    for bubble in heard:
        if left[bubble] > 0:
            left[bubble] -= 1
            kept.append(bubble)
    return kept

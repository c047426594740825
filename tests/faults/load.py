"""More customers than Theo can answer at once: the memory stays bounded, everybody is served, nobody waits for one."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import sqlalchemy as sa

from connectors.store import inbox
from tests.faults.talks import Person, Play, Step
from tests.faults.world import City, Customer, Result, World

#: A talk of one message that needs the records.
ONE_QUESTION = (Play("endereço", (Step(("oi", "onde fica a loja?"), "Epitácio Pessoa"),)),)
#: Messages of the customer who floods, and the seconds in which they come.
FLOOD, FLOOD_SECONDS = 500, 20.0
#: After this many seconds the number is served as before.
MINUTE = 61.0
#: How much memory the programs may grow by while a thousand customers write at once.
MOST_GROWTH_MB = 100
#: A webhook call is answered in this time even then, 95 of 100.
MOST_WEBHOOK_SECONDS = 5.0


@dataclass
class Load:
    """Figures beside those of a `Result`. Times are seconds, memory is MB of Rasa's process."""

    webhook_median: float
    webhook_p95: float
    wait_median: float
    wait_p95: float
    memory_before: float
    memory_peak: float


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all stay below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Meter:
    """Reads the memory of Theo's process while it is open."""

    def __init__(self, stack: City) -> None:
        self._process = psutil.Process(stack.pid("theo"))
        self.before = self.peak = self._read()

    def _read(self) -> float:
        return float(self._process.memory_info().rss) / 2**20

    async def __aenter__(self) -> Meter:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, self._read())
            await asyncio.sleep(0.2)


async def everybody_at_once(stack: City, name: str, count: int | None = None) -> Result:
    """All customers write a burst of two messages at the same moment."""
    async with World(name, stack, count) as world, Meter(stack) as meter:
        calls: list[float] = []
        post = world.post

        async def timed(body: dict[str, object]) -> int | None:
            began = time.monotonic()
            status = await post(body)
            calls.append(time.monotonic() - began)
            return status

        world.post = timed  # type: ignore[method-assign]
        began = time.monotonic()
        note = world.fault_over()
        await world.talk()
        note()
        waits = [customer.answered_at - began for customer in world.customers.values() if customer.answered_at]
        taken = list(calls)
        result = await world.close_the_books(last_words=50)
    load = Load(
        statistics.median(taken), percentile(taken, 0.95), statistics.median(waits), percentile(waits, 0.95),
        meter.before, meter.peak,
    )  # fmt: skip
    result.recovery_seconds = max(waits, default=0.0)
    result.note = (
        f"webhook: mediana {load.webhook_median * 1000:.0f} ms, 95 % em até {load.webhook_p95 * 1000:.0f} ms; "
        f"memória do Rasa {load.memory_before:.0f} → {load.memory_peak:.0f} MB; "
        f"resposta: mediana {load.wait_median:.0f} s, última {max(waits, default=0):.0f} s"
    )
    result.problems += wrong_with_load(load)
    return result


def wrong_with_load(load: Load) -> list[str]:
    """What a crowd may not do to Theo."""
    problems = []
    if load.memory_peak - load.memory_before > MOST_GROWTH_MB:
        problems.append(f"memory grew from {load.memory_before:.0f} to {load.memory_peak:.0f} MB")
    if load.webhook_p95 > MOST_WEBHOOK_SECONDS:
        problems.append(f"95 % of the webhook calls took up to {load.webhook_p95:.1f} s")
    return problems


async def one_floods(stack: City, name: str, count: int | None = None) -> Result:
    """One number sends 500 messages in 20 seconds, while others ask one thing each; before it, others ask too."""
    async with World(name, stack, count) as world:
        others = list(world.customers.values())
        quiet = await _wait_of_each(world, others[::2])
        loud = Customer(Person(9_999, ONE_QUESTION[0]))
        world.customers[loud.person.phone] = loud
        flood = asyncio.create_task(_flood(world, loud.person.phone))
        noisy = await _wait_of_each(world, others[1::2])
        await flood
        await world.quiet()
        # The minute passes on the records instead of by the clock.
        stack.change(sa.update(inbox).values(received_at=inbox.c.received_at - MINUTE))
        world.good_states.add("surplus")
        result = await world.close_the_books()
    states = Counter(
        (row.conversation == loud.person.phone, row.state)
        for row in stack.rows(sa.select(inbox.c.conversation, inbox.c.state).where(inbox.c.kind == "text"))
    )
    told = sum("muitas mensagens" in bubble for bubble in loud.heard)
    result.recovery_seconds = max(noisy)
    result.note = (
        f"espera dos outros: 95 % em até {percentile(noisy, 0.95):.1f} s (sem a enxurrada {percentile(quiet, 0.95):.1f} s); "
        f"das {FLOOD} mensagens {states[True, 'surplus']} ficaram guardadas sem resposta própria, avisado {told} vez"
    )
    result.problems += wrong_with_flood(quiet, noisy, told, states)
    return result


def wrong_with_flood(quiet: list[float], noisy: list[float], told: int, states: Counter[tuple[bool, str]]) -> list[str]:
    """What one number's flood may not do: `quiet` and `noisy` are the others' waits in seconds, before it and in it;
    `states` counts the records by (of that number, state).
    """
    problems = []
    before, within = percentile(quiet, 0.95), percentile(noisy, 0.95)
    if within > 2 * before + 2:
        problems.append(f"the others waited {within:.1f} s instead of {before:.1f} s")
    if told != 1:
        problems.append(f"who wrote too much was told {told} times")
    if states[False, "surplus"]:
        problems.append(f"{states[False, 'surplus']} messages of others were set aside")
    if states[True, "surplus"] + states[True, "done"] != FLOOD + 1 or states[True, "surplus"] < FLOOD // 2:
        problems.append(f"of the flood {dict(states)} are on record")
    return problems


async def _wait_of_each(world: World, customers: list[Customer]) -> list[float]:
    """How long each of these waited who ask one thing within 20 seconds."""

    async def ask(number: int, customer: Customer) -> float:
        await asyncio.sleep(FLOOD_SECONDS * number / len(customers))
        began = time.monotonic()
        await world.say(customer, "onde fica a loja?", "Epitácio Pessoa")
        return time.monotonic() - began

    return list(await asyncio.gather(*(ask(number, customer) for number, customer in enumerate(customers))))


async def _flood(world: World, phone: str) -> None:
    posts = []
    for number in range(FLOOD):
        posts.append(asyncio.create_task(world.deliver(phone, f"alô? {number}")))
        await asyncio.sleep(FLOOD_SECONDS / FLOOD)
    await asyncio.gather(*posts)

"""Load and latency of Theo beside stock Rasa, in one run on one machine: `make bench`.

Theo runs as `make serve` starts it and is reached through its webhook, with a fake gateway behind it. Stock Rasa
is the project that `rasa init` writes (its own data: DIET, TED, UnexpecTED), reached over REST, once as one
process and once as two workers with Redis; its customers say what its own tests say, in talks of the same
length as ours. Writes `bench/results.md` and `bench/results.png`. Minutes: about 8, and once the training
of the stock project, which is kept under `var/bench/`.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import itertools
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from bench import programs
from bench.customers import Bot, Rest, Talk, Times, WhatsApp, crowd, gateway, long_talk, one_by_one
from scripts import run

RESULTS = run.ROOT / "bench" / "results.md"
PICTURE = run.ROOT / "bench" / "results.png"
CLIENTS = (1, 16, 128)
#: One message that a rule answers with a response, and one that it answers with a custom action.
THEO_TURNS = ("vc é um robô?", "oi")
STOCK_TURNS = ("bye", "are you a bot?")
#: What is said over and over in the long talk: one round of ten.
ROUND = 10


@dataclass
class Measured:
    """One bot's figures. Milliseconds, seconds, megabytes."""

    name: str
    start_seconds: float = 0.0
    megabytes_idle: float = 0.0
    megabytes: float = 0.0
    megabytes_actions: float = 0.0
    load: dict[int, Times] = field(default_factory=dict)
    #: Processor time a turn at each number of clients, action server included.
    processor: dict[int, float] = field(default_factory=dict)
    plain_turn: list[float] = field(default_factory=list)
    action_turn: list[float] = field(default_factory=list)
    long: list[float] = field(default_factory=list)

    def at(self, number: int) -> float:
        """The median of the round of ten messages that ends about there."""
        last = min(len(self.long), number + ROUND // 2)
        return statistics.median(self.long[last - ROUND : last])


def talks() -> list[Talk]:
    """What customers say in tests/conversations/, without taps: a tap's payload is no text."""
    from rasa.shared.nlu.training_data.entities_parser import replace_entities

    found: list[Talk] = []
    for file in sorted((run.ROOT / "tests" / "conversations").rglob("test_*.yml")):
        for story in yaml.safe_load(file.read_text(encoding="utf-8"))["stories"]:
            said = [replace_entities(step["user"].strip()) for step in story["steps"] if "user" in step]
            if not any(text.startswith("/") for text in said):
                found.append(said)
    if not found:
        raise RuntimeError("tests/conversations/ has no talk without a tap")
    return found


def cut_like(ours: Sequence[Talk], said: Sequence[str]) -> list[Talk]:
    """The stock customers' sentences, in talks as long as ours."""
    coming = itertools.cycle(said)
    return [list(itertools.islice(coming, len(talk))) for talk in ours]


async def measure(
    found: Measured, bot: Bot, programs_: Any, said: Sequence[Talk], turns: tuple[str, str], options: argparse.Namespace
) -> None:
    """All that is asked of a bot that is up."""
    found.start_seconds, found.megabytes_idle = programs_.main.start_seconds, programs_.main.megabytes
    await crowd(bot, said, 2, 3.0)  # what is slow only once
    found.plain_turn = await one_by_one(bot, turns[0], options.customers)
    found.action_turn = await one_by_one(bot, turns[1], options.customers)
    for clients in CLIENTS:
        before = programs_.main.processor_seconds + programs_.actions.processor_seconds
        found.load[clients] = times = await crowd(bot, said, clients, options.seconds)
        spent = programs_.main.processor_seconds + programs_.actions.processor_seconds - before
        found.processor[clients] = spent * 1000 / max(1, len(times.reply))
        print(f"  {found.name}, {clients} at once: {found.load[clients].turns_per_second:.1f} turns/s", flush=True)
    if options.messages:
        texts = list(itertools.islice(itertools.chain.from_iterable(said), ROUND))
        found.long = await long_talk(bot, texts, options.messages)
    found.megabytes, found.megabytes_actions = programs_.main.megabytes, programs_.actions.megabytes


async def measure_theo(folder: Path, options: argparse.Namespace) -> Measured:
    found = Measured("Theo")
    port = programs.free_port()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        with programs.theo(folder, port) as up:
            bot = WhatsApp(
                session, f"http://127.0.0.1:{up.main.port}/webhooks/zapi/webhook", "BENCH", "bench-token", up.database
            )
            async with gateway(port, bot.receive):
                await measure(found, bot, up, talks(), THEO_TURNS, options)
    return found


async def measure_stock(folder: Path, project: Path, workers: int, options: argparse.Namespace) -> Measured:
    found = Measured("stock" if workers == 1 else f"stock, {workers} workers + Redis")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        with programs.stock(project, folder, workers) as up:
            said = cut_like(talks(), programs.stock_talks(project))
            if workers > 1:
                options = argparse.Namespace(**{**vars(options), "messages": 0})
            await measure(found, Rest(session, up.url), up, said, STOCK_TURNS, options)
    return found


# -- telling ----------------------------------------------------------------------------------------------


def percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95, p99."""
    if len(values) < 2:
        return (values[0],) * 3 if values else (0.0,) * 3
    cut = statistics.quantiles(values, n=100, method="inclusive")
    return cut[49], cut[94], cut[98]


def goals(ours: Measured, one: Measured, two: Measured | None) -> list[tuple[str, float, str, bool]]:
    """(what, reached, asked for, whether it is met)."""

    def row(what: str, value: float, limit: float, at_least: bool = False) -> tuple[str, float, str, bool]:
        return what, value, f"{'≥' if at_least else '≤'} {limit:g}", value >= limit if at_least else value <= limit

    rate: Callable[[Measured], float] = lambda bot: bot.load[16].turns_per_second  # noqa: E731 - one word, used below
    found = [row("turns/s at 16 clients ÷ stock", rate(ours) / rate(one), 5, True)]
    if two is not None:
        found.append(row("turns/s at 16 clients ÷ stock, two workers + Redis", rate(ours) / rate(two), 3, True))
    median = statistics.median
    found += [
        row("a turn without custom action ÷ stock", median(ours.plain_turn) / median(one.plain_turn), 0.25),
        row("a turn with a custom action ÷ stock", median(ours.action_turn) / median(one.action_turn), 0.25),
        row("start-up ÷ stock", ours.start_seconds / one.start_seconds, 0.35),
        row("memory ÷ stock", ours.megabytes / one.megabytes, 0.5),
        row("p95 of the reply at 16 clients, ms", percentiles(ours.load[16].reply)[1], 300),
    ]
    if ours.long:
        found.append(row(f"message {len(ours.long)} of a talk ÷ the 10th", ours.at(len(ours.long)) / ours.at(ROUND), 1.3))
    return found


def document(bots: Sequence[Measured], options: argparse.Namespace) -> str:
    """bench/results.md."""
    ours, *stock = bots
    lines = [
        "# Load and latency",
        "",
        f"Written by `make bench` on {dt.date.today().isoformat()}, {os.cpu_count()} cores, "
        f"{options.seconds:g} s a step; load average before: {options.load_before:.1f}.",
        "",
        "Theo is reached through its webhook, with inbox, outbox, memory and records in one SQLite file, the action "
        "server beside it and a fake gateway; pacing and the wait for a burst are off. Stock Rasa is what `rasa init` "
        "writes, with one custom action, over REST and with its memory in RAM (two workers: in Redis). The stock bot "
        "has its own small data, so that its turns are lighter than Theo's: one action, no form, no record.",
        "",
        "| | clients | turns/s | webhook p50 / p95 / p99 ms | reply p50 / p95 / p99 ms | processor ms a turn | without an answer |",
        "|---|---|---|---|---|---|---|",
    ]
    for bot in bots:
        for clients, times in bot.load.items():
            cells = [" / ".join(f"{v:.0f}" for v in percentiles(values)) for values in (times.webhook, times.reply)]
            lines.append(
                f"| {bot.name} | {clients} | {times.turns_per_second:.1f} | {' | '.join(cells)} "
                f"| {bot.processor[clients]:.0f} | {times.lost} |"
            )
    lines += ["", "| | " + " | ".join(bot.name for bot in bots) + " |", "|---|" + "---|" * len(bots)]
    for what, value in (
        ("seconds to the first answer", lambda b: f"{b.start_seconds:.1f}"),
        ("memory after the load, MB (PSS)", lambda b: f"{b.megabytes:.0f}"),
        ("… before it", lambda b: f"{b.megabytes_idle:.0f}"),
        ("… of the action server", lambda b: f"{b.megabytes_actions:.0f}"),
        ("a turn without custom action, median ms", lambda b: f"{statistics.median(b.plain_turn):.1f}"),
        ("a turn with a custom action, median ms", lambda b: f"{statistics.median(b.action_turn):.1f}"),
        ("10th message of a talk, ms", lambda b: f"{b.at(ROUND):.1f}" if b.long else "–"),
        ("100th", lambda b: f"{b.at(100):.1f}" if len(b.long) >= 100 else "–"),
        ("300th", lambda b: f"{b.at(300):.1f}" if len(b.long) >= 300 else "–"),
    ):
        lines.append(f"| {what} | " + " | ".join(value(bot) for bot in bots) + " |")
    lines += ["", "A message of the long talk is the median of the ten around it; the same ten are said over and over."]
    if stock:
        lines += ["", "| goal | reached | asked | |", "|---|---|---|---|"]
        for what, reached, asked, met in goals(ours, stock[0], stock[1] if len(stock) > 1 else None):
            lines.append(f"| {what} | {reached:.2f} | {asked} | {'✓' if met else '✗'} |")
    return "\n".join([*lines, "", "![load and growth](results.png)", ""])


def draw(bots: Sequence[Measured], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    picture, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    width = 0.8 / len(bots)
    for index, bot in enumerate(bots):
        places = [place + index * width for place in range(len(bot.load))]
        left.bar(places, [times.turns_per_second for times in bot.load.values()], width, label=bot.name)
        if bot.long:
            windows = range(ROUND, len(bot.long) + 1, ROUND)
            right.plot(list(windows), [statistics.median(bot.long[at - ROUND : at]) for at in windows], label=bot.name)
    left.set_xticks([place + 0.4 - width / 2 for place in range(len(CLIENTS))], [str(clients) for clients in CLIENTS])
    left.set_xlabel("customers at once")
    left.set_ylabel("turns a second")
    right.set_xlabel("message of the talk")
    right.set_ylabel("ms until the reply")
    right.set_ylim(bottom=0)
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
    picture.tight_layout()
    picture.savefig(path, dpi=110)
    plt.close(picture)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each step of load")
    parser.add_argument("--messages", type=int, default=300, help="of the long talk")
    parser.add_argument("--customers", type=int, default=12, help="who are asked for the cost of one turn")
    parser.add_argument("--only-theo", action="store_true", help="nothing to compare with, nothing is written")
    options = parser.parse_args()
    if not run.MODEL.exists():
        print("✗ Não há modelo: rode `make train` antes.", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended
    options.load_before = os.getloadavg()[0]
    kept = run.ROOT / "var" / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bots = [asyncio.run(measure_theo(folder, options))]
        if not options.only_theo:
            print("  the stock project (trained once)", flush=True)
            project = programs.stock_project(kept)
            bots += [asyncio.run(measure_stock(folder, project, workers, options)) for workers in (1, 2)]
    text = document(bots, options)
    print(text)
    if not options.only_theo:
        RESULTS.write_text(text, encoding="utf-8")
        draw(bots, PICTURE)
    lost = sum(times.lost for times in bots[0].load.values())
    if lost:
        print(f"✗ {lost} turns of Theo's had no answer.", file=sys.stderr)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())

"""Load and latency of Theo beside stock Rasa, in one run on one machine: `make bench`.

Theo runs as `make serve` starts it and is reached through its webhook, with a fake gateway behind it. Two bots of
stock Rasa's are reached over REST, each as one process and as two workers with Redis:

- the *stock configuration*: the components and policies that `rasa init` writes, trained on our data
  (`bench/as_stock.py`), with our action server; its customers have the same talks as Theo's.
- the *`rasa init` project* with its own few data; its customers say what its own tests say, in talks as long as ours.

Writes `bench/results.md` and `bench/results.png`. Many minutes, and once the training of the two, which are
kept under `var/bench/`.
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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench import as_stock, programs
from bench.customers import Bot, Rest, Talk, Times, WhatsApp, crowd, gateway, long_talk, one_by_one, walk
from scripts import run

RESULTS = run.ROOT / "bench" / "results.md"
PICTURE = run.ROOT / "bench" / "results.png"
CLIENTS = (1, 16, 128)
#: One message that a rule answers with a response, and one that it answers with a custom action.
OUR_TURNS = ("vc é um robô?", "oi")
INIT_TURNS = ("bye", "are you a bot?")
#: What the results call them.
SAME_TALKS, INIT = "stock configuration, same talks", "`rasa init` project"
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
    #: The actions after each message, each talk played once.
    way: list[list[list[str]]] = field(default_factory=list)

    @property
    def actions_a_turn(self) -> float:
        return statistics.mean(len(actions) for talk in self.way for actions in talk)

    def at(self, number: int) -> float:
        """The median of the round of ten messages that ends about there."""
        last = min(len(self.long), number + ROUND // 2)
        return statistics.median(self.long[last - ROUND : last])


def talks() -> list[Talk]:
    """What customers say in tests/conversations/, without taps: a tap's payload is no text."""
    from rasa.shared.nlu.training_data.entities_parser import replace_entities

    found: list[Talk] = []
    for story in as_stock.stories_of(run.ROOT / "tests" / "conversations"):
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
    found.way = await walk(bot, said)  # also what is slow only once
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
                await measure(found, bot, up, talks(), OUR_TURNS, options)
    return found


async def measure_stock(
    folder: Path, name: str, project: programs.Project, said: Sequence[Talk], turns: tuple[str, str], workers: int,
    options: argparse.Namespace,
) -> Measured:  # fmt: skip
    found = Measured(name if workers == 1 else f"{name}, {workers} workers + Redis")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        with programs.stock(project, folder, workers) as up:
            if workers > 1:
                options = argparse.Namespace(**{**vars(options), "messages": 0})
            await measure(found, Rest(session, up.url), up, said, turns, options)
    return found


def measure_all(folder: Path, kept: Path, options: argparse.Namespace) -> list[Measured]:
    """Theo, then each stock bot as one process and as two."""
    bots = [asyncio.run(measure_theo(folder, options))]
    if options.only_theo:
        return bots
    print("  the stock projects (trained once)", flush=True)
    ours, theirs = programs.our_project(kept), programs.init_project(kept)
    for name, project, said, turns in (
        (SAME_TALKS, ours, talks(), OUR_TURNS),
        (INIT, theirs, cut_like(talks(), programs.init_talks(theirs)), INIT_TURNS),
    ):
        for workers in (1, 2):
            bots.append(asyncio.run(measure_stock(folder, name, project, said, turns, workers, options)))
    return bots


# -- telling ----------------------------------------------------------------------------------------------


def percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95, p99."""
    if len(values) < 2:
        return (values[0],) * 3 if values else (0.0,) * 3
    cut = statistics.quantiles(values, n=100, method="inclusive")
    return cut[49], cut[94], cut[98]


def same_way(ours: Sequence[list[list[str]]], theirs: Sequence[list[list[str]]]) -> float:
    """The share of the turns that ran the same actions in both."""
    pairs = [pair for one, other in zip(ours, theirs, strict=True) for pair in zip(one, other, strict=True)]
    return sum(one == other for one, other in pairs) / len(pairs)


@dataclass(frozen=True)
class Goal:
    """`reached`: what to compare with → the figure; `""` is Theo's own, without a comparison."""

    what: str
    asked: float
    at_least: bool
    reached: dict[str, float]

    def cell(self, beside: str) -> str:
        if beside not in self.reached:
            return "–"
        value = self.reached[beside]
        return f"{value:.2f} {'✓' if (value >= self.asked if self.at_least else value <= self.asked) else '✗'}"


def goals(bots: Sequence[Measured]) -> list[Goal]:
    """Theo is the first of the bots."""
    ours, *stock = bots
    median = statistics.median

    def beside(figure: Callable[[Measured], float], workers: str = "") -> dict[str, float]:
        named = {bot.name: bot for bot in stock}
        return {name: figure(ours) / figure(named[name + workers]) for name in (SAME_TALKS, INIT) if name + workers in named}

    found = [
        Goal("turns/s at 16 clients, one process", 5, True, beside(lambda bot: bot.load[16].turns_per_second)),
        Goal(
            "turns/s at 16 clients, two workers + Redis", 3, True,
            beside(lambda bot: bot.load[16].turns_per_second, ", 2 workers + Redis"),
        ),
        Goal("a turn without custom action", 0.25, False, beside(lambda bot: median(bot.plain_turn))),
        Goal("a turn with a custom action", 0.25, False, beside(lambda bot: median(bot.action_turn))),
        Goal("start-up", 0.35, False, beside(lambda bot: bot.start_seconds)),
        Goal("memory", 0.5, False, beside(lambda bot: bot.megabytes)),
        Goal("p95 of the reply at 16 clients, ms", 300, False, {"": percentiles(ours.load[16].reply)[1]}),
    ]  # fmt: skip
    if ours.long:
        last = len(ours.long)
        found.append(Goal(f"message {last} of a talk ÷ the 10th", 1.3, False, {"": ours.at(last) / ours.at(ROUND)}))
    return found


def goals_table(bots: Sequence[Measured]) -> Iterable[str]:
    yield f"| goal | asked | Theo ÷ {SAME_TALKS} | Theo ÷ {INIT} | Theo alone |"
    yield "|---|---|---|---|---|"
    for goal in goals(bots):
        cells = " | ".join(goal.cell(beside) for beside in (SAME_TALKS, INIT, ""))
        yield f"| {goal.what} | {'≥' if goal.at_least else '≤'} {goal.asked:g} | {cells} |"


def document(bots: Sequence[Measured], options: argparse.Namespace) -> str:
    """bench/results.md."""
    lines = [
        "# Load and latency",
        "",
        f"Written by `make bench` on {dt.date.today().isoformat()}, {os.cpu_count()} cores, "
        f"{options.seconds:g} s a step; load average before: {options.load_before:.1f}.",
        "",
        "Theo is reached through its webhook, with inbox, outbox, memory and records in one SQLite file, the action "
        "server beside it and a fake gateway; pacing and the wait for a burst are off. Stock Rasa is reached over REST, "
        "with its memory in RAM (two workers: in Redis). There are two of it:",
        "",
        f"- **{SAME_TALKS}**: the components and policies that `rasa init` writes (DIET, MemoizationPolicy, RulePolicy, "
        "UnexpecTEDIntentPolicy, TEDPolicy), with our domain, rules and action server; its customers say the same as "
        f"Theo's. Trained on {as_stock.SHARE:.0%} of the examples, DIET for {as_stock.EPOCHS} epochs, and on our test "
        "talks as stories. The share of turns that went the same way as Theo's stands below.",
        f"- **{INIT}**: what `rasa init` writes with its own small data and one custom action, so that its turns are "
        "lighter than Theo's: one action, no form, no record.",
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
    same = {bot.name: same_way(bots[0].way, bot.way) for bot in bots[1:] if bot.name.startswith(SAME_TALKS)}
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
        ("actions a turn, each talk once", lambda b: f"{b.actions_a_turn:.2f}"),
        ("turns with the same actions as Theo's", lambda b: f"{same[b.name]:.0%}" if b.name in same else "–"),
    ):
        lines.append(f"| {what} | " + " | ".join(value(bot) for bot in bots) + " |")
    lines += ["", "A message of the long talk is the median of the ten around it; the same ten are said over and over."]
    if len(bots) > 1:
        lines += ["", *goals_table(bots)]
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
        bots = measure_all(Path(name), kept, options)
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

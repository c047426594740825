"""Plays every fault against the real programs: `python -m tests.faults`, `make test-long`.

Writes the figures to `results/faults/` and their rows into the table of docs/operacao.md. The exit code is 0 when
every promise held and the build with a broken one was found out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import run
from tests.faults import broken, load, scenarios
from tests.faults.talks import PLAYS, Play
from tests.faults.world import City, Result
from tests.integration.stack import StackError

OUT = run.ROOT / "results" / "faults"
DOCUMENT = run.ROOT / "docs" / "operacao.md"
BEGIN, END = "<!-- falhas: início -->", "<!-- falhas: fim -->"

Run = Callable[[City, str, "Setting", int], Coroutine[Any, Any, Result]]


@dataclass
class Setting:
    """What a scenario needs beside the programs."""

    mounted: bool = False
    engines: scenarios.Engines | None = None


@dataclass(frozen=True)
class Scenario:
    """`world` names the programs it runs on: those of one name are started once for all of them."""

    key: str
    name: str
    world: str
    play: Run
    conversations: int = 200


def _kill(program: str) -> Run:
    return lambda city, name, setting, count: scenarios.kill(city, name, program, count)


def _plain(function: Callable[[City, str, int], Coroutine[Any, Any, Result]]) -> Run:
    return lambda city, name, setting, count: function(city, name, count)


def _engine(which: str) -> Run:
    def play(city: City, name: str, setting: Setting, count: int) -> Coroutine[Any, Any, Result]:
        assert setting.engines is not None
        return scenarios.kill_engine(city, name, setting.engines, which, count)

    return play


SCENARIOS = (
    Scenario("theo", "`kill -9` no Theo (Rasa e canal), 2 vezes", "plain", _kill("theo")),
    Scenario("actions", "`kill -9` no servidor de ações, 2 vezes", "plain", _kill("actions")),
    Scenario("simulator", "`kill -9` na Z-API (simulador), 2 vezes", "plain", _kill("simulator")),
    Scenario("webhooks", "cada webhook até 9 vezes, fora de ordem", "plain", _plain(scenarios.repeated_webhooks)),
    Scenario("sends", "envios: 500, queda, 429, sem resposta", "plain", _plain(scenarios.bad_sends)),
    Scenario("offline", "celular desconectado 10 s, 2 vezes", "plain", _plain(scenarios.phone_off_line)),
    Scenario("stale", "celular desconectado além do prazo", "stale", _plain(scenarios.stale_replies)),
    Scenario(
        "disk", "disco de `var/` cheio por 10 s", "disk",
        lambda city, name, setting, count: scenarios.disk_full(city, name, setting.mounted, count),
    ),
    Scenario("model", "modelo trocado 2 vezes, e um arquivo ruim", "model", _plain(scenarios.new_model)),
    Scenario("postgres", "PostgreSQL cai e volta em 4 s, 2 vezes", "engines", _engine("postgres")),
    Scenario("redis", "Redis cai e volta em 4 s, 2 vezes", "engines", _engine("redis")),
    Scenario("load", "1.000 clientes ao mesmo tempo", "load", _plain(load.everybody_at_once), 1000),
    Scenario("flood", "um número manda 500 mensagens em 20 s", "load", _plain(load.one_floods)),
)  # fmt: skip


@contextlib.contextmanager
def world_of(name: str, people: int) -> Iterator[tuple[City, Setting]]:
    """The programs of one kind, in a folder of their own, gone afterwards."""
    # Not below another folder: as root PostgreSQL runs as another user, who must be able to enter.
    folder = Path(tempfile.mkdtemp(prefix="theo-faults-"))
    environ: dict[str, str] = {}
    plays: tuple[Play, ...] = load.ONE_QUESTION if name == "load" else PLAYS
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        setting = Setting()
        if name == "disk":
            setting.mounted = stack.enter_context(scenarios.small_disk(folder))
        if name == "engines":
            data = Path(tempfile.mkdtemp(prefix="theo-faults-"))
            stack.callback(shutil.rmtree, data, ignore_errors=True)
            setting.engines = scenarios.Engines(data)
            stack.callback(setting.engines.close)
            environ |= setting.engines.environ
        if name == "stale":
            environ["THEO_STALE_MINUTES"] = str(scenarios.STALE_SECONDS / 60)
        if name == "model":
            environ["MODEL"] = str(folder / "theo.tar.gz")
            shutil.copy(run.MODEL, folder)
        city = stack.enter_context(City(folder, people, plays, **environ))
        try:
            yield city, setting
        finally:
            OUT.mkdir(parents=True, exist_ok=True)
            for log in folder.glob("*.log"):
                shutil.copy(log, OUT / f"{name}-{log.name}")


def play(chosen: list[Scenario], count: int | None) -> list[Result]:
    """Plays the scenarios, one after the other, says what became of each and, with their own counts, writes it."""
    results: list[Result] = []
    for world in dict.fromkeys(scenario.world for scenario in chosen):
        here = [scenario for scenario in chosen if scenario.world == world]
        with world_of(world, max(count or scenario.conversations for scenario in here)) as (city, setting):
            for scenario in here:
                try:
                    result = asyncio.run(scenario.play(city, scenario.name, setting, count or scenario.conversations))
                except (StackError, OSError) as error:
                    result = Result(scenario.name, problems=[str(error)])  # the others are played all the same
                results.append(result)
                print(told(result), flush=True)
                if count is None:
                    write(results)
    return results


def told(result: Result) -> str:
    """One scenario for whoever waits in front of it."""
    mark = "✓" if result.ok else "✗"
    figures = f"{result.conversations} conversations, {result.messages} messages, {result.bubbles} bubbles"
    wrong = f"{result.lost} lost, {result.duplicated} twice (of {result.allowed_twice} that may)"
    line = f"{mark} {result.name}: {figures}, {wrong}, {result.recovery_seconds:.1f} s, in {result.seconds:.0f} s"
    notes = [f"    {result.note}"] if result.note else []
    return "\n".join([line, *notes, *(f"    {problem}" for problem in result.problems[:10])])


def row(result: Result) -> str:
    """The figures as whoever runs Theo reads them."""
    figures = (
        result.conversations, result.messages, result.deliveries, result.lost, result.duplicated, result.records_wrong,
        f"{result.recovery_seconds:.1f}".replace(".", ","),
    )  # fmt: skip
    return f"| {result.name} | {' | '.join(map(str, figures))} | {result.note} |"


HEAD = (
    "| falha | conversas | mensagens | entregas | perdidas | repetidas | registros errados | segundos até voltar | |",
    "|---|--:|--:|--:|--:|--:|--:|--:|---|",
)


def write(results: list[Result]) -> None:
    """`results/faults/` and the rows of what went well in the table of docs/operacao.md; other rows stay."""
    OUT.mkdir(parents=True, exist_ok=True)
    figures = [dataclasses.asdict(result) for result in results]
    (OUT / "faults.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    old, after = rest.split(END)
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in old.splitlines() if line.startswith("| ")}
    rows |= {result.name: row(result) for result in results if result.ok}
    table = "\n".join([*HEAD, *(rows[scenario.name] for scenario in SCENARIOS if scenario.name in rows)])
    (OUT / "faults.md").write_text(table + "\n", encoding="utf-8")
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    keys = [scenario.key for scenario in SCENARIOS]
    parser.add_argument("--only", nargs="+", choices=[*keys, "canary"], metavar="FAULT", help=f"of {', '.join(keys)}")
    parser.add_argument("--conversations", type=int, help="so many in each, instead of its own number")
    wanted = parser.parse_args(arguments)
    if not run.MODEL.exists():
        print(f"✗ There is no model at {run.MODEL}: `make train` makes it.", file=sys.stderr)
        return 1
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a thousand customers are as many connections
    began = time.monotonic()
    results = play([s for s in SCENARIOS if s.key in (wanted.only or keys)], wanted.conversations)
    good = all(result.ok for result in results)
    if not wanted.only or "canary" in wanted.only:
        found = broken.found_out("inbox that is not kept")
        print(f"{'✓' if found else '✗'} a build that answers 200 before it has stored is found out", flush=True)
        good = good and found
    seconds = time.monotonic() - began
    print(f"===== {sum(r.ok for r in results)} of {len(results)} faults survived in {seconds:.0f} s =====", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

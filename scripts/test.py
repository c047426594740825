"""Everything that proves that Theo works, cheapest first: `make test`.

One line per step with its seconds; stops at the first step that fails (`--keep-going` runs them all). The unit tests
run beside the steps that need one processor only. Ends with one line of counts, as pytest writes it. `--only STEP …`
runs some of them. What a step printed is in `results/test/STEP.log`. The exit code is 0 only when every step passed
and had something to test.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import yaml

from scripts import run

ROOT = run.ROOT
RESULTS = ROOT / "results" / "test"
PACKAGES = ("actions", "backoffice", "bench", "connectors", "language", "simulator", "scripts")
STORIES = ROOT / "tests" / "conversations"
#: A step that takes longer hangs.
STEP_SECONDS = 1800
#: Lines of a failed step's output that are shown.
SHOWN_LINES = 80
#: Theo's own settings. The tests bring theirs: nobody's real database or gateway may be touched by them.
SETTINGS = ("THEO_", "ZAPI_", "ERP", "CEP_", "DATABASE_URL", "REDIS_URL")

Command = list[str]


@dataclass(frozen=True)
class Count:
    """How many tests a step had. `problem` says why its own exit code is not enough."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Step:
    """Commands that run one after the other, and a way to count what they tested (by default: one each)."""

    name: str
    commands: list[Command]
    count: Callable[[], Count] | None = None
    #: Runs beside the steps that follow, up to the next that wants the machine to itself (`alone`).
    beside: bool = False
    alone: bool = False


@dataclass
class Outcome:
    name: str
    seconds: float
    count: Count
    ok: bool
    log: Path


# -- the commands, which tests/gates/ also runs on broken copies ------------------------------------------


def ruff(*paths: str) -> list[Command]:
    return [[sys.executable, "-m", "ruff", "check", "--output-format=concise", *(paths or (".",))]]


def mypy(*paths: str) -> list[Command]:
    return [[sys.executable, "-m", "mypy", *(paths or PACKAGES)]]


def pytest(name: str, folder: str) -> list[Command]:
    ours = ["-c", "pyproject.toml", "--rootdir=."]  # also for a folder that is not in the project
    return [[sys.executable, "-m", "pytest", "-q", "--color=no", *ours, f"--junitxml={RESULTS}/{name}.xml", folder]]


def validate(domain: Path, data: Path) -> Command:
    return rasa("data", "validate", "--fail-on-warnings", "--domain", str(domain), "--data", str(data))


def stories(folder: Path, model: Path, out: Path) -> Command:
    """`--e2e`: the words of the customer go through the understanding, not only the intents."""
    return rasa(
        "test", "core", "--e2e", "--fail-on-prediction-errors",
        "--stories", str(folder), "--model", str(model), "--out", str(out),
    )  # fmt: skip


def understanding(*arguments: str) -> Command:
    return [sys.executable, "-m", "tests.nlu.evaluate", *arguments]


def rasa(*arguments: str) -> Command:
    return [sys.executable, "-m", "rasa", *arguments]


def steps() -> list[Step]:
    """What is run, in order."""
    told = RESULTS / "stories"
    return [
        Step("lint", ruff()),
        Step("mypy", mypy()),
        Step("unit", pytest("unit", "tests/unit"), lambda: read_junit("unit"), beside=True),
        Step("train", [[sys.executable, "-m", "scripts.run", "--train-only"]]),
        Step("data", [validate(ROOT / "domain.yml", ROOT / "data"), [sys.executable, "-m", "scripts.check_data"]]),
        Step("stories", [stories(STORIES, run.MODEL, told)], lambda: read_stories(STORIES, told)),
        Step("replay", pytest("replay", "tests/conversations"), lambda: read_junit("replay")),
        Step("nlu", [understanding()]),
        Step("integration", pytest("integration", "tests/integration"), lambda: read_junit("integration"), alone=True),
        Step("faults", pytest("faults", "tests/faults"), lambda: read_junit("faults")),
        Step("browser", pytest("browser", "tests/browser"), lambda: read_junit("browser")),
        Step("gates", pytest("gates", "tests/gates"), lambda: read_junit("gates")),
    ]


# -- what they tested -------------------------------------------------------------------------------------


def read_junit(name: str) -> Count:
    """The counts of pytest's report."""
    try:
        root = ElementTree.parse(RESULTS / f"{name}.xml").getroot()
    except (OSError, ElementTree.ParseError):
        return Count(failed=1, problem="pytest wrote no report")
    total = {
        key: sum(int(suite.get(key, 0)) for suite in root.iter("testsuite"))
        for key in ("tests", "failures", "errors", "skipped")
    }
    failed = total["failures"] + total["errors"]
    passed = max(0, total["tests"] - failed - total["skipped"])
    return Count(passed, failed, total["skipped"], "" if total["tests"] else "no test was found")


def read_stories(folder: Path, told: Path) -> Count:
    """The counts of Rasa's report. Rasa drops files and stories without a word, and then says all is well."""
    written = 0
    for file in sorted(folder.rglob("*.yml")):
        if not file.name.startswith("test_"):
            return Count(failed=1, problem=f"Rasa only reads test_*.yml, so it skips {file.name}")
        written += len(yaml.safe_load(file.read_text(encoding="utf-8"))["stories"])
    try:
        report = json.loads((told / "story_report.json").read_text(encoding="utf-8"))["conversation_accuracy"]
    except (OSError, ValueError, KeyError):
        return Count(failed=1, problem="Rasa wrote no report")
    right, total = int(report["correct"]), int(report["total"])
    problem = "" if total == written > 0 else f"{written} stories are written and {total} were run"
    return Count(right, total - right, problem=problem)


# -- running ----------------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """The environment of a step: quiet, and without any of Theo's own settings."""
    kept = {name: value for name, value in run.environment().items() if not name.startswith(SETTINGS)}
    return {**kept, "SQLALCHEMY_SILENCE_UBER_WARNING": "1", "NO_COLOR": "1"}


def execute(step: Step) -> Outcome:
    """Runs a step's commands until one fails. Its processes are gone afterwards, whatever happened."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    log = RESULTS / f"{step.name}.log"
    (RESULTS / f"{step.name}.xml").unlink(missing_ok=True)
    shutil.rmtree(RESULTS / step.name, ignore_errors=True)
    begun = time.monotonic()
    code = 0
    with log.open("wb") as output:
        for command in step.commands:
            code = _run(command, output.fileno(), begun)
            if code:
                break
    count = step.count() if step.count else Count(passed=int(code == 0), failed=int(code != 0))
    if code and not count.problem and not count.failed:  # it ended before it could count: a crash, out of time
        count = replace(count, problem=f"exit code {code}")
    if count.problem and not count.failed:
        count = replace(count, failed=1)
    if code < 0:  # nothing in the log would say so
        count = replace(count, problem=f"ended by signal {signal.Signals(-code).name}")
    return Outcome(step.name, time.monotonic() - begun, count, code == 0 and not count.failed, log)


def _run(command: Command, output: int, begun: float) -> int:
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=output, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    _running.add(process)
    try:
        return process.wait(max(1.0, begun + STEP_SECONDS - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.write(output, f"\nStopped: it took more than {STEP_SECONDS} s.\n".encode())
        return 124
    finally:
        _end(process)
        _running.discard(process)


#: What is to be ended when the run is.
_running: set[subprocess.Popen[bytes]] = set()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and all that it started."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)


def tell(outcome: Outcome) -> str:
    count = outcome.count
    numbers = f"{count.passed} passed" + (f", {count.failed} failed" if count.failed else "")
    numbers += f", {count.skipped} skipped" if count.skipped else ""
    line = f"{'✓' if outcome.ok else '✗'} {outcome.name:12s} {outcome.seconds:6.1f} s   {numbers}"
    return line + (f"   ({count.problem})" if count.problem else "")


def summary(outcomes: list[Outcome], seconds: float) -> str:
    """As pytest ends: `===== 812 passed, 0 failed in 701.20s (0:11:41) =====`."""
    passed, failed, skipped = (
        sum(getattr(outcome.count, name) for outcome in outcomes) for name in ("passed", "failed", "skipped")
    )
    numbers = f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
    clock = f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"
    return f"===== {numbers} in {seconds:.2f}s ({clock}) ====="


def run_steps(chosen: list[Step], keep_going: bool) -> int:
    """Runs the steps and prints what became of them. Returns the exit code."""
    begun = time.monotonic()
    outcomes: list[Outcome] = []
    beside: list[Future[Outcome]] = []

    def take(outcome: Outcome) -> bool:
        outcomes.append(outcome)
        print(tell(outcome), flush=True)
        if not outcome.ok:
            lines = outcome.log.read_text(encoding="utf-8", errors="replace").splitlines()
            print("\n".join(f"    {line}" for line in lines[-SHOWN_LINES:]), flush=True)
        return outcome.ok or keep_going

    with ThreadPoolExecutor() as threads:
        try:
            for step in chosen:
                if step.beside:
                    beside.append(threads.submit(execute, step))
                    continue
                if step.alone:
                    passed = [take(beside.pop().result()) for _ in range(len(beside))]
                    if not all(passed):
                        break
                if not take(execute(step)):
                    break
        finally:
            if sys.exc_info()[0]:
                for process in list(_running):
                    _end(process)
        for other in beside:
            take(other.result())
    failed = [outcome.name for outcome in outcomes if not outcome.ok]
    ran = {outcome.name for outcome in outcomes}
    missed = [step.name for step in chosen if step.name not in ran]
    if failed:
        print(f"Failed: {', '.join(failed)}." + (f" Not run: {', '.join(missed)}." if missed else ""), flush=True)
    print(summary(outcomes, time.monotonic() - begun), flush=True)
    return 1 if failed or not outcomes else 0


def main(arguments: list[str] | None = None) -> int:
    known = steps()
    names = [step.name for step in known]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="+", choices=names, metavar="STEP", help=f"of {', '.join(names)}")
    parser.add_argument("--keep-going", action="store_true", help="run the others after one failed")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run_steps([step for step in known if step.name in (chosen.only or names)], chosen.keep_going)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

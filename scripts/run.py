"""Starts Theo and stops it again: `make run` (with the simulator), `make serve` (for a real gateway).

Trains when the model is older than what it is trained from, starts the action server, Rasa and the
simulator, waits until all answer, and ends all of them together. Every failure is one sentence on stderr
and an exit code other than 0.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "theo.tar.gz"
LOGS = ROOT / "var" / "log"
#: Rasa's command line, without TensorFlow.
RASA = (sys.executable, "-m", "connectors.rasa_lean")
SECRETS = ROOT / "var" / "secrets"
#: What a model is made from; anything newer than the model makes it old.
SOURCES = ("data/**/*.yml", "data/**/*.txt", "domain.yml", "config.yml", "language/**/*.py")
START_SECONDS = 180
STOP_SECONDS = 35


class Failure(Exception):
    """Told to the person who started Theo, as one sentence."""


@dataclass
class Program:
    name: str
    command: list[str]
    port: int
    ready: str
    process: subprocess.Popen[bytes] | None = None
    #: Where this run begins in the log, which keeps those before it.
    log_start: int = 0

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name}.log"

    def trouble(self) -> str:
        """What its log says of this run's end, and where the rest of it is."""
        return f"{last_error(self.log, self.log_start)} (see {self.log.relative_to(ROOT)})."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--no-simulator", action="store_true", help="for a real gateway")
    parser.add_argument("--train-only", action="store_true", help="train if the model is old, and stop")
    parser.add_argument("--force-train", action="store_true", help="train even if the model is new")
    arguments = parser.parse_args()
    try:
        if arguments.force_train or is_old():
            train()
        elif arguments.train_only:
            say("O modelo já está em dia com os dados.")
        if arguments.train_only:
            return 0
        return serve(simulator=not arguments.no_simulator)
    except Failure as failure:
        print(f"✗ {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def say(text: str) -> None:
    print(text, flush=True)


# -- training -----------------------------------------------------------------------------------------


def sources() -> Iterator[Path]:
    for pattern in SOURCES:
        yield from ROOT.glob(pattern)


def is_old() -> bool:
    """Whether the model is missing or older than anything it is made from."""
    return not MODEL.exists() or any(path.stat().st_mtime > MODEL.stat().st_mtime for path in sources())


def train() -> None:
    """Trains `models/theo.tar.gz`; the old one stays if it fails. Raises Failure."""
    say("• Treinando o modelo (leva um ou dois minutos)…")
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / "train.log"
    out = ROOT / "models" / "new"
    command = [*RASA, "train", "--out", str(out), "--fixed-model-name", "theo", "--skip-validation"]
    begun = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=output, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                if sys.stdout.isatty():
                    print(f"\r  {time.monotonic() - begun:4.0f} s", end="", flush=True)
                time.sleep(0.5)
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    if sys.stdout.isatty():
        print()
    if process.returncode != 0 or not (out / "theo.tar.gz").exists():
        raise Failure(f"Training failed: {last_error(log)} (all of it in {log.relative_to(ROOT)}).")
    os.replace(out / "theo.tar.gz", MODEL)
    say(f"  Pronto em {time.monotonic() - begun:.0f} s: {MODEL.relative_to(ROOT)}")


def last_error(log: Path, start: int = 0) -> str:
    """The most telling line of a log from byte `start` on."""
    text = log.read_bytes()[start:].decode(errors="replace")
    given_up = re.findall(r"\x1b\[91m(.+?)\x1b\[0m", text, re.DOTALL)  # in red: what makes `rasa` stop
    if given_up:
        return " ".join(given_up[-1].split())[:300]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line or "Exception" in line or "error" in line.lower()]
    return (telling or lines or ["nothing was printed"])[-1][:300]


# -- serving ------------------------------------------------------------------------------------------


def port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Failure(f"{name} is {text!r}; it must be a port number.")
    return int(text)


def environment() -> dict[str, str]:
    """The environment of everything that is started."""
    return {
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONWARNINGS": "ignore",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "PYTHONUNBUFFERED": "1",
        "THEO_ACTIONS_URL": f"http://127.0.0.1:{port('THEO_ACTIONS_PORT', 5055)}",
        **os.environ,
        "PYTHONPATH": str(ROOT),
    }


def programs(simulator: bool) -> list[Program]:
    """What runs, in the order in which it is started and waited for."""
    theo, actions = port("THEO_PORT", 5005), port("THEO_ACTIONS_PORT", 5055)
    page = port("THEO_SIMULATOR_PORT", 8090)
    listen = os.environ.get("THEO_HOST", "127.0.0.1")
    rasa = [
        *RASA, "run", "--port", str(theo), "-i", listen, "--model", str(MODEL),
        "--endpoints", "endpoints.yml", "--credentials", "credentials.yml",
    ]  # fmt: skip
    found = [
        Program("actions", [sys.executable, "-m", "actions"], actions, f"http://127.0.0.1:{actions}/health"),
        Program("theo", rasa, theo, f"http://127.0.0.1:{theo}/readyz"),
    ]
    if simulator:
        found.append(Program("simulator", [sys.executable, "-m", "simulator"], page, f"http://127.0.0.1:{page}/readyz"))
    return found


def prepare(simulator: bool) -> dict[str, str]:
    """The settings of this run. Raises Failure naming the first variable that is missing."""
    env = environment()
    for name, made in (
        ("THEO_SECRET", secrets.token_hex(32)),
        ("THEO_SEAL_KEYS", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()),
    ):
        if not env.get(name):
            env[name] = kept_secret(name, made)
    if simulator:
        page = port("THEO_SIMULATOR_PORT", 8090)
        env.setdefault("ZAPI_BASE_URL", f"http://127.0.0.1:{page}")
        for name in ("ZAPI_INSTANCE_ID", "ZAPI_TOKEN", "ZAPI_CLIENT_TOKEN"):
            env.setdefault(name, f"simulador-{name.lower().replace('_', '-')}")
        env.setdefault("THEO_WEBHOOK_URL", f"http://127.0.0.1:{port('THEO_PORT', 5005)}/webhooks/zapi/webhook")
        return env
    for name in ("ZAPI_INSTANCE_ID", "ZAPI_TOKEN", "ZAPI_CLIENT_TOKEN"):
        if not env.get(name):
            raise Failure(f"{name} is not set: Theo cannot talk to Z-API without it.")
    return env


def kept_secret(name: str, made: str) -> str:
    """What stands in `var/secrets/<name>`, for its owner only; `made` goes there the first time.

    With another key, what waits and what talks remember of documents could not be read after a restart.
    """
    file = SECRETS / name
    SECRETS.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f".{name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
        output.write(made)
    with suppress(FileExistsError):
        os.link(new, file)  # whole or not at all: another start may read it at this moment
    new.unlink()
    return file.read_text().strip()


def check_settings(env: dict[str, str]) -> None:
    """Reads every setting as the programs will. Raises Failure."""
    from connectors.settings import Settings, SettingsError, ZapiSettings
    from language.sealed import Sealer, SealError

    try:
        Sealer(env["THEO_SEAL_KEYS"])
        Settings.from_environ(env)
        ZapiSettings.from_environ(env)
    except (SettingsError, SealError) as error:
        raise Failure(str(error)) from None


def check_port(program: Program) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", program.port))
        except OSError:
            raise Failure(f"Port {program.port}, which {program.name} needs, is in use.") from None


def serve(simulator: bool) -> int:
    """Runs everything until Ctrl-C or until one of the programs ends."""
    LOGS.mkdir(parents=True, exist_ok=True)
    env = prepare(simulator)
    check_settings(env)
    started = programs(simulator)
    for program in started:
        check_port(program)
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a background shell starts us with SIGINT ignored
        signal.signal(kind, _interrupt)
    try:
        for program in started:
            with program.log.open("ab") as output:
                program.log_start = output.tell()
                # A session of its own: Ctrl-C reaches only this script, which then stops them in order.
                program.process = subprocess.Popen(
                    program.command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
                )
        for program in started:
            wait_until_ready(program, started)
            say(f"• {program.name}: no ar (porta {program.port})")
        if simulator:
            say(f"\n  Abra o telefone do simulador: http://127.0.0.1:{port('THEO_SIMULATOR_PORT', 8090)}/\n")
        say("Theo está pronto. Ctrl-C encerra.")
        parent = os.getppid()
        while os.getppid() == parent:
            for program in started:
                if program.process and program.process.poll() is not None:
                    raise Failure(
                        f"{program.name} ended by itself: {program.trouble()}"
                    )
            time.sleep(0.5)
        return 0  # whoever started us is gone
    except KeyboardInterrupt:
        say("\nEncerrando…")
        return 0
    finally:
        for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(kind, signal.SIG_IGN)  # a second Ctrl-C must not leave a process behind
        stop(started)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def wait_until_ready(program: Program, started: list[Program]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        for other in started:
            if other.process and other.process.poll() is not None:
                raise Failure(
                    f"{other.name} did not start: {other.trouble()}"
                )
        with suppress(urllib.error.URLError, OSError, ValueError):
            with urllib.request.urlopen(program.ready, timeout=5) as answer:
                if answer.status == 200:
                    return
        time.sleep(0.3)
    raise Failure(f"{program.name} did not answer within {START_SECONDS} s (see {program.log.relative_to(ROOT)}).")


def stop(started: list[Program]) -> None:
    """Ends every program with its children: Rasa first, since it still talks to the others."""
    for program in sorted(started, key=lambda p: p.name != "theo"):
        if program.process is None:
            continue
        for kind, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
            if program.process.poll() is not None:
                break
            with suppress(ProcessLookupError):
                os.killpg(program.process.pid, kind)
            with suppress(subprocess.TimeoutExpired):
                program.process.wait(patience)
        with suppress(ProcessLookupError):
            os.killpg(program.process.pid, signal.SIGKILL)  # whatever it left behind


if __name__ == "__main__":
    sys.exit(main())

"""`make run` itself: it starts everything, says where the page is, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from scripts import run
from tests.integration.stack import free_ports, wait_until


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    theo, actions, simulator = map(str, free_ports(3))
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ZAPI_", "THEO_", "ERP", "REDIS_"))}
    return {
        **inherited, "THEO_PORT": theo, "THEO_ACTIONS_PORT": actions, "THEO_SIMULATOR_PORT": simulator,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'theo.db'}", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


def start(settings: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.run", *arguments], cwd=run.ROOT, env=settings, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def is_open(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def sessions_of(pid: int) -> set[int]:
    """Process ids of a program's descendants, from /proc."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(fields[1])
    found: set[int] = set()
    new = {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for leftovers in /proc")
def test_sobe_diz_o_endereco_e_ctrl_c_nao_deixa_nada(settings):
    assert not run.is_old(), "The model is older than its data: `make train` first, as `make test` does."
    process = start(settings)
    assert process.stdout is not None
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if "pronto" in line:
                break
        text = "".join(said)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", text)
        assert found and found.group(1) == settings["THEO_SIMULATOR_PORT"], text
        with urllib.request.urlopen(found.group(0), timeout=5) as page:
            assert "Simulador de Z-API" in page.read().decode()
        children = sessions_of(process.pid)
        assert len(children) >= 3
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0
    finally:
        process.kill()
    alive = {pid for pid in children if Path(f"/proc/{pid}").exists()}
    assert not alive, f"left behind: {alive}"
    assert not any(is_open(settings[name]) for name in ("THEO_PORT", "THEO_ACTIONS_PORT", "THEO_SIMULATOR_PORT"))


def failure(process: subprocess.Popen[str]) -> str:
    """The one sentence with which the start failed."""
    _, errors = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    lines = [line for line in errors.splitlines() if line.strip()]
    assert len(lines) == 1, errors
    return lines[0]


def test_porta_ocupada_e_uma_frase(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(settings["THEO_PORT"])))
        taken.listen()
        assert settings["THEO_PORT"] in failure(start(settings))


def test_variavel_que_falta_e_uma_frase(settings):
    assert "ZAPI_INSTANCE_ID" in failure(start(settings, "--no-simulator"))


@pytest.mark.parametrize(
    ("name", "value"), [("THEO_PORT", "muitos"), ("THEO_PACE", "rápido"), ("ZAPI_MENUS", "colorido")]
)
def test_variavel_errada_e_uma_frase(settings, name, value):
    message = failure(start({**settings, name: value}))
    assert name in message and value in message


def test_um_programa_que_cai_derruba_os_outros_com_uma_frase(settings):
    process = start({**settings, "ERP": "abacaxi"})
    began = time.monotonic()
    message = failure(process)
    assert "actions" in message and "abacaxi" in message
    assert time.monotonic() - began < 60
    wait_until(lambda: not is_open(settings["THEO_PORT"]), 10, "Rasa still listens")

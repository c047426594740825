"""The action server does not start without what it must know, and says so in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.run import ROOT


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"THEO_SECRET": ""}, "THEO_SECRET is not set: "),
        ({"THEO_SEAL_KEYS": ""}, "THEO_SEAL_KEYS is not set: "),
        ({"THEO_SEAL_KEYS": "senha"}, "THEO_SEAL_KEYS holds something that is no key: "),
        ({"ERP": "outro"}, "ERP=outro is unknown"),
    ],
)
def test_a_missing_or_wrong_setting_is_one_sentence(tmp_path: Path, change: dict[str, str], said: str) -> None:
    own = {"DATABASE_URL": f"sqlite:///{tmp_path / 'theo.db'}", "THEO_SECRET": "x" * 32, "SQLALCHEMY_SILENCE_UBER_WARNING": "1"}
    environ = {**os.environ, **own, **change}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "actions"], cwd=ROOT, env=environ, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(said)
    assert "senha" not in done.stderr

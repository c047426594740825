"""What is installed is what was locked: every file by its hash, from one place; and what is judged is what is locked."""

from __future__ import annotations

import copy
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import audit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
LOCK: dict[str, Any] = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
FILES = "https://files.pythonhosted.org/packages/"
JUDGED = ROOT / "docs" / "seguranca.md"


def unlocked(lock: dict[str, Any]) -> list[str]:
    """Packages that could be replaced on their way here: no hash, or from elsewhere than PyPI."""
    found = []
    for package in lock["package"]:
        name = package["name"]
        if "virtual" in package["source"]:
            continue  # Theo itself
        if package["source"] != {"registry": "https://pypi.org/simple"}:
            found.append(f"{name}: from {package['source']}")
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        for file in files:
            if not re.fullmatch(r"sha256:[0-9a-f]{64}", file.get("hash", "")):
                found.append(f"{name}: a file without sha256")
            if not str(file.get("url", "")).startswith(FILES):
                found.append(f"{name}: a file from {file.get('url')}")
    return found


def test_every_package_is_locked_by_its_hash_and_comes_from_pypi() -> None:
    assert len(LOCK["package"]) > 100
    assert unlocked(LOCK) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda package: package["wheels"][0].pop("hash"), "a file without sha256"),
        (lambda package: package["wheels"][0].update(hash="md5:0"), "a file without sha256"),
        (lambda package: package["wheels"][0].update(url="https://pypi.example/x.whl"), "a file from https://pypi.example"),
        (lambda package: package.update(source={"git": "https://git.example/x"}), "from {'git'"),
        (lambda package: package["sdist"].pop("hash"), "a file without sha256"),
    ],
)
def test_a_package_that_is_not_locked_is_found(change: Any, told: str) -> None:
    lock = copy.deepcopy(LOCK)
    change(next(package for package in lock["package"] if package["name"] == "requests"))
    assert any(told in problem for problem in unlocked(lock))


def judged() -> dict[str, str]:
    """Package → version, of the table of advisories."""
    rows = re.findall(r"(?m)^\| `([a-z0-9-]+)` ([\w.]+) \|", JUDGED.read_text(encoding="utf-8"))
    return dict(rows)


def test_the_advisories_are_judged_for_the_versions_that_are_locked() -> None:
    versions = {package["name"]: package.get("version") for package in LOCK["package"]}
    assert len(judged()) >= 10
    assert {name: versions.get(name) for name in judged()} == judged()


# -- make audit ---------------------------------------------------------------------------------------------


def test_an_audit_that_asked_nobody_is_no_good_news(capsys: pytest.CaptureFixture[str]) -> None:
    """pip-audit ends with 0 and "no known vulnerabilities" where the service knows none of the packages."""
    nothing = {"dependencies": [{"name": "rasa", "skip_reason": "not found on PyPI"}, {"name": "x", "skip_reason": "…"}]}
    assert audit.tell(nothing) == audit.UNREACHABLE
    assert "não respondeu" in capsys.readouterr().out


def test_an_audit_tells_what_is_not_judged_yet(capsys: pytest.CaptureFixture[str]) -> None:
    name, version = next(iter(judged().items()))
    known = {"name": name, "version": version, "vulns": [{"id": "PYSEC-1", "aliases": [], "fix_versions": ["9"]}]}
    new = {"name": "segno", "version": "1.6", "vulns": [{"id": "PYSEC-2", "aliases": ["CVE-2"], "fix_versions": []}]}
    fine = {"name": "stdnum", "version": "2", "vulns": []}
    assert audit.tell({"dependencies": [fine]}) == 0
    assert audit.tell({"dependencies": [known, new, fine]}) == 1
    told = capsys.readouterr().out
    assert "segno 1.6: PYSEC-2" in told and "PYSEC-1" in told

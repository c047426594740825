"""Builds in which a promise is broken on purpose: the harness must find them out."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from unittest import mock

from scripts import run
from tests.faults import scenarios
from tests.faults.talks import PLAYS
from tests.faults.world import City, Result, World

#: Promise → the file that keeps it, what stands there, what breaks it, and what the harness then says.
BREAKS = {
    "a repetition is known": (
        "connectors/inbox.py",
        '            "message_id": message.message_id,\n            "conversation": name,',
        '            "message_id": f"{message.message_id}-{now}",\n            "conversation": name,',
        "bubbles answered a repetition",
    ),
    "inbox that is not kept": (
        "connectors/zapi/channel.py",
        "            await self._take(event)\n",
        "            asyncio.get_running_loop().call_later(3, lambda: asyncio.ensure_future(self._take(event)))\n",
        "no answer to",
    ),
}


def copy_with(broken: str, folder: Path) -> Path:
    """The project in this folder, as links but for the connectors, with one promise broken."""
    file, good, bad, _ = BREAKS[broken]
    for entry in run.ROOT.iterdir():
        if entry.name not in ("connectors", ".git", "var", "results"):
            (folder / entry.name).symlink_to(entry)
    shutil.copytree(run.ROOT / "connectors", folder / "connectors", ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(good) == 1, f"{file} no longer holds what the canary {broken!r} changes"
    (folder / file).write_text(text.replace(good, bad), encoding="utf-8")
    return folder


class BrokenCity(City):
    """The programs of a copy of the project."""

    def __init__(self, folder: Path, count: int, root: Path) -> None:
        super().__init__(folder, count, PLAYS[:2])
        self._root = root
        self.environ["PYTHONPATH"] = str(root)

    def start(self, name: str, *, wait: bool = True) -> None:
        with mock.patch.object(run, "ROOT", self._root):
            super().start(name, wait=False)
        if wait:
            self.wait_until_ready(name)


async def _play(city: City, kill: bool) -> Result:
    if kill:
        return await scenarios.kill(city, "canário", "theo", times=1)
    async with World("canário", city) as world:
        world.weather.copies, world.weather.spread = 4, 2.0
        async with world.talking():
            pass
        return await world.close_the_books()


def found_out(broken: str, count: int = 6, patience: float = 45.0) -> bool:
    """Whether the harness sees that this promise is broken."""
    with tempfile.TemporaryDirectory(prefix="theo-broken-") as folder:
        root, own = Path(folder) / "project", Path(folder) / "run"
        root.mkdir()
        own.mkdir()
        copy_with(broken, root)
        with mock.patch("tests.faults.world.PATIENCE_SECONDS", patience), BrokenCity(own, count, root) as city:
            result = asyncio.run(_play(city, kill="kept" in broken))
        return any(BREAKS[broken][3] in problem for problem in result.problems)

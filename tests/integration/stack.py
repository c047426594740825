"""The real programs — action server, Rasa, simulator — started as `make run` starts them, for tests.

Each `Stack` has free ports, a folder and a database of its own. Its programs can be killed and started
again one by one, which `scripts.run` as a process would not allow: it ends all when one of them ends.
"""

from __future__ import annotations

import base64
import ctypes
import itertools
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from backoffice.sql import SqlErp
from connectors.store import audit, conversations, inbox, outbox
from scripts import run

T = TypeVar("T")
Json = dict[str, Any]

#: Faults of the simulator in ordinary weather.
CALM: Json = {
    "duplicates": 0, "reorder": False, "send_status": None, "send_fail_count": None, "send_delay_seconds": 0,
    "send_hang": False, "send_reset": False, "drop_lists": False, "delivery_error": None, "connected": True, "webhook_retries": 3,
    "echo": True, "pace_seconds": 0,
}  # fmt: skip
START_SECONDS, STOP_SECONDS, QUIET_SECONDS = 150, 40, 45
POLL_SECONDS = 0.03
_SIGKILL_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class StackError(AssertionError):
    """The programs did not do what a test needs of them; the text says which, with the end of its log."""


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on at this moment."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def wait_until(condition: Callable[[], T], seconds: float, failure: str | Callable[[], str]) -> T:
    """Asks until the answer is true, and returns it. Raises StackError with `failure` when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise StackError(failure if isinstance(failure, str) else failure())
        time.sleep(POLL_SECONDS)


class Stack:
    """Use as a context manager. `environ` are further settings, such as `ZAPI_MENUS="list"`."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.theo_port, self.actions_port, self.simulator_port = free_ports(3)
        own = {
            "THEO_PORT": str(self.theo_port),
            "THEO_ACTIONS_PORT": str(self.actions_port),
            "THEO_SIMULATOR_PORT": str(self.simulator_port),
            "THEO_ACTIONS_URL": f"http://127.0.0.1:{self.actions_port}",
            "DATABASE_URL": f"sqlite:///{folder / 'theo.db'}",
            "REDIS_URL": "",
            "ERP": "sql",
            "ZAPI_MENUS": "text",
            "THEO_PACE": "0",
            "THEO_BURST_SECONDS": "0.2",
            "THEO_SECRET": secrets.token_hex(32),
            "THEO_SEAL_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            **environ,
        }
        # Settings of whoever runs the tests must not point these programs at a real gateway.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ZAPI_", "THEO_", "ERP", "CEP_"))}
        with mock.patch.dict(os.environ, {**inherited, **own}, clear=True):
            self._programs = {program.name: program for program in run.programs(simulator=True)}
            self.environ = run.prepare(simulator=True)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._sinks: list[Any] = []
        self._erp: SqlErp | None = None
        # One connection is kept: looking into the tables every few hundredths of a second must cost little.
        sqlite = self.environ["DATABASE_URL"].startswith("sqlite")
        options = {"poolclass": QueuePool, "connect_args": {"check_same_thread": False}} if sqlite else {}
        self._engine = sa.create_engine(self.environ["DATABASE_URL"], future=True, pool_size=1, **options)
        self.simulator = Simulator(f"http://127.0.0.1:{self.simulator_port}")
        self.webhook = f"http://127.0.0.1:{self.theo_port}/webhooks/zapi/webhook"

    def __enter__(self) -> Stack:
        if not run.MODEL.exists():
            raise StackError(f"There is no model at {run.MODEL}: `make train` makes it.")
        try:
            for name in self._programs:
                self.start(name, wait=False)
            for name in self._programs:
                self.wait_until_ready(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in sorted(self._processes, key=lambda one: one != "theo"):  # Rasa still talks to the others
            self._end(name)
        for sink in self._sinks:
            sink.close()
        if self._erp is not None:
            self._erp.close()
        self._engine.dispose()

    # -- programs -----------------------------------------------------------------------------------

    def start(self, name: str, *, wait: bool = True) -> None:
        """Starts `actions`, `theo` or `simulator`, and waits until it is ready."""
        sink = (self.folder / f"{name}.log").open("ab")
        self._sinks.append(sink)
        self._processes[name] = subprocess.Popen(
            self._programs[name].command, cwd=run.ROOT, env=self.environ, stdout=sink, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_die_with_parent,
        )  # fmt: skip
        if wait:
            self.wait_until_ready(name)

    def wait_until_ready(self, name: str) -> None:
        """Returns when the program's own ready route says 200."""
        program = self._programs[name]

        def ready() -> bool:
            if self._processes[name].poll() is not None:
                raise StackError(f"{name} did not start:\n{self.log(name)}")
            with suppress(urllib.error.URLError, OSError):
                with urllib.request.urlopen(program.ready, timeout=5) as answer:
                    return bool(answer.status == 200)
            return False

        wait_until(ready, START_SECONDS, lambda: f"{name} was not ready in {START_SECONDS} s:\n{self.log(name)}")

    def signal(self, name: str, kind: signal.Signals) -> None:
        """Sends a signal to the program and waits until it is gone."""
        process = self._processes[name]
        process.send_signal(kind)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise StackError(f"{name} did not end within {STOP_SECONDS} s of {kind.name}:\n{self.log(name)}") from None

    def revive(self) -> None:
        """Starts again what a test killed and left dead."""
        for name, process in list(self._processes.items()):
            if process.poll() is not None:
                self.start(name)

    def pid(self, name: str) -> int:
        """The process of a program."""
        return self._processes[name].pid

    def log(self, name: str, lines: int = 40) -> str:
        """The end of a program's log."""
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _end(self, name: str) -> None:
        process = self._processes[name]
        for kind in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is not None:
                return
            with suppress(ProcessLookupError):
                os.killpg(process.pid, kind)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)

    # -- what is on record --------------------------------------------------------------------------

    @property
    def erp(self) -> SqlErp:
        """The same records that the action server reads."""
        if self._erp is None:
            self._erp = SqlErp.open(self.environ["DATABASE_URL"])
        return self._erp

    def rows(self, query: Any) -> list[Any]:
        """The rows of a query on the database that all programs share."""
        with self._engine.connect() as connection:
            return list(connection.execute(query))

    def change(self, statement: Any) -> None:
        """Changes the records behind Theo's back, as an ERP's own people do."""
        with self._engine.begin() as connection:
            connection.execute(statement)

    def state_of(self, message_id: str) -> tuple[str, str] | None:
        """(conversation, state) of a customer's message in the inbox; None where it never got there."""
        found = self.rows(sa.select(inbox.c.conversation, inbox.c.state).where(inbox.c.message_id == message_id))
        return (found[0].conversation, found[0].state) if found else None

    def sent_to(self, conversation: str) -> list[Any]:
        """The outbox of one conversation, oldest first."""
        return self.rows(sa.select(outbox).where(outbox.c.conversation == conversation).order_by(outbox.c.id))

    def unanswered(self) -> list[str]:
        """Ids of the messages that wait for their turn."""
        return [row.message_id for row in self.rows(sa.select(inbox.c.message_id).where(inbox.c.state == "new"))]

    def conversation_of(self, phone: str) -> str | None:
        """The conversation that this address belongs to; None before its first message."""
        c = conversations.c
        query = sa.select(c.id).where(sa.or_(c.id == phone, c.address == phone, c.phone == phone, c.lid == phone))
        found = self.rows(query)
        return str(found[0].id) if found else None

    def wait_until_answered(self, phone: str, seconds: float = QUIET_SECONDS) -> str:
        """Returns the conversation once all that the webhook took is answered and all replies are in the chat."""

        def answered() -> str | None:
            name = self.conversation_of(phone)
            if name is None:
                return None
            mine = sa.and_(inbox.c.conversation == name, inbox.c.state == "new")
            if self.rows(sa.select(inbox.c.id).where(mine)):
                return None
            rows = self.sent_to(name)
            if any(row.state == "queued" for row in rows):
                return None
            there = {message["id"] for message in self.simulator.messages(phone)}
            here = [row for row in rows if row.address == phone and row.state == "sent"]
            return name if all(row.message_id in there for row in here) else None

        return wait_until(answered, seconds, lambda: self._trouble(f"{phone} has no answer")) or ""

    def wait_until_quiet(self, seconds: float = QUIET_SECONDS) -> None:
        """Returns when every message of every conversation is answered and every reply is sent."""

        def quiet() -> bool:
            waiting = sa.select(sa.func.count()).select_from(inbox).where(inbox.c.state == "new")
            queued = sa.select(sa.func.count()).select_from(outbox).where(outbox.c.state == "queued")
            return not self.rows(waiting)[0][0] and not self.rows(queued)[0][0]

        wait_until(quiet, seconds, lambda: self._trouble("something is still waiting"))

    def forget_everything(self) -> None:
        """As on the first day: sample records seeded anew, no conversation, no fault."""
        self.simulator.calm()
        self.simulator.clear()
        with self._engine.begin() as connection:
            for table in (inbox, outbox, conversations, audit):
                connection.execute(table.delete())
            connection.execute(sa.text("DELETE FROM events"))
        # What was under way may have written a last row.
        self.wait_until_quiet()
        SqlErp.open(self.environ["DATABASE_URL"], reset=True).close()

    def let_time_pass(self, conversation: str, seconds: float) -> None:
        """Makes everything that Rasa remembers of a conversation that much older."""
        with self._engine.begin() as connection:
            query = sa.text("SELECT id, data FROM events WHERE sender_id = :who")
            for row in connection.execute(query, {"who": conversation}).all():
                data = json.loads(row.data)
                data["timestamp"] -= seconds
                connection.execute(
                    sa.text("UPDATE events SET timestamp = :at, data = :data WHERE id = :id"),
                    {"at": data["timestamp"], "data": json.dumps(data), "id": row.id},
                )

    def _trouble(self, what: str) -> str:
        errors = [line for line in self.log("theo", 400).splitlines() if "ERROR" in line or "WARNING" in line]
        return "\n".join([what, *errors[-8:], *self.log("actions", 15).splitlines()])


def _die_with_parent() -> None:
    """No program of a stack outlives the tests, even when they are killed."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SIGKILL_WITH_PARENT, signal.SIGKILL)


class Simulator:
    """The simulator's own HTTP interface."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, body: Any = None, *, timeout: float = 60) -> Any:
        """The JSON of the answer, or its bytes where it is none. Raises urllib.error.HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + urllib.parse.quote(path, safe="/?=&%"), data=data, method=method,
            headers={"Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            content = answer.read()
            is_json = answer.headers.get_content_type() == "application/json"
        return json.loads(content) if is_json else content

    def contacts(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.call("GET", "/api/contacts")
        return found

    def messages(self, phone: str, after: int = 0) -> list[Json]:
        found: list[Json] = self.call("GET", f"/api/chats/{phone}/messages?after={after}")["messages"]
        return found

    def last(self, phone: str) -> int:
        """The number of messages in a chat, which is the `seq` of the last."""
        return int(self.call("GET", f"/api/chats/{phone}/messages?after=1000000")["last"])

    def say(self, phone: str, body: Json, *, wait: bool = True) -> Json:
        """The customer does something; with `wait` the webhook has taken it when this returns."""
        answer: Json = self.call("POST", f"/api/chats/{phone}/messages" + ("?sync=1" if wait else ""), body)
        if wait and answer["status"] != 200:
            raise StackError(f"The webhook answered {answer['status']} to {body}.")
        return answer

    def operate(self, phone: str, text: str) -> Json:
        """Somebody types on the company's phone."""
        answer: Json = self.call("POST", f"/api/chats/{phone}/operator?sync=1", {"text": text})
        return answer

    def faults(self, **change: Any) -> None:
        self.call("PUT", "/api/faults", change)

    def calm(self) -> None:
        self.faults(**CALM)

    @contextmanager
    def trouble(self, **change: Any) -> Iterator[None]:
        """These faults inside the block, none after it."""
        self.faults(**change)
        try:
            yield
        finally:
            self.calm()

    def sends(self, after: int = 0) -> list[Json]:
        found: list[Json] = self.call("GET", f"/api/sends?after={after}")["sends"]
        return found

    def clear(self) -> None:
        self.call("DELETE", "/api/chats")
        self.call("DELETE", "/api/sends")

    def media(self, path: str) -> bytes:
        content: bytes = self.call("GET", path)
        return content


_strangers = itertools.count(1)


def stranger() -> str:
    """A phone number that is nobody's and was not used before in this run."""
    return f"5583988{next(_strangers):06d}"

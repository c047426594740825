"""What goes out: in order, again where that helps, loudly given up where it does not."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from connectors import outbox as module
from connectors.errors import GatewayError, NotAuthorised, TemporaryGatewayError
from connectors.locks import Locks
from connectors.messages import Delivery, Option, Outgoing
from connectors.outbox import WAITS, Outbox, Sent
from connectors.store import Store
from connectors.store import outbox as table
from tests.unit.connectors.fakes import CHANNEL, OTHER, PHONE, FakeGateway, eventually, message, on_sqlite

Rows = Callable[..., list[Any]]
MENU = Outgoing("Confirma?", (Option("Sim", "/afirmar"), Option("Não", "/negar")))
SECRET = "Segredo do cliente"


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
async def outbox(store: Store, gateway: FakeGateway) -> AsyncIterator[Outbox]:
    outbox = Outbox(store, CHANNEL, gateway, Locks())
    yield outbox
    await outbox.stop(2)


async def put(store: Store, *messages: Outgoing | str, phone: str = PHONE, quoted: str | None = None) -> None:
    bubbles = [Outgoing(text) if isinstance(text, str) else text for text in messages]
    await store.run(module.put, CHANNEL, phone, phone, bubbles, time.time(), quoted)


async def sent(outbox: Outbox, *phones: str) -> None:
    """Wakes the conversations and waits until all is done."""
    for phone in phones or (PHONE,):
        outbox.wake(phone)
    await eventually(lambda: not outbox._workers.busy)


# -- order --------------------------------------------------------------------------------------------


async def test_bubbles_go_out_in_order_and_the_first_quotes(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    await put(store, "um", "dois", quoted="3EB01")
    await put(store, "três")
    await sent(outbox)
    assert gateway.texts == ["um", "dois", "três"]
    assert gateway.quoted == ["3EB01", None, None]
    assert [(row.state, row.message_id, row.queue_id) for row in rows(table)] == [
        ("sent", "OUT1", "QUEUE1"), ("sent", "OUT2", "QUEUE2"), ("sent", "OUT3", "QUEUE3"),
    ]  # fmt: skip
    await sent(outbox)
    assert len(gateway.sent) == 3


async def test_what_is_tried_again_keeps_its_place(
    store: Store, outbox: Outbox, gateway: FakeGateway, no_waits: list[float]
) -> None:
    gateway.fail = [None, TemporaryGatewayError("HTTP 503"), TemporaryGatewayError("HTTP 503")]
    await put(store, "um", "dois", "três")
    await sent(outbox)
    assert gateway.texts == ["um", "dois", "três"]
    assert no_waits == list(WAITS[:2])


@on_sqlite
async def test_a_conversation_that_waits_does_not_hold_another_up(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    gateway.fail = [TemporaryGatewayError("HTTP 503")]
    await put(store, "para um")
    await put(store, "para outro", phone=OTHER)
    outbox.wake(PHONE)
    await eventually(lambda: rows(table, table.c.attempts == 1))
    outbox.wake(OTHER)
    await eventually(lambda: gateway.sent)
    assert gateway.texts == ["para outro"]
    await eventually(lambda: len(gateway.sent) == 2)  # the first wait is a second


@on_sqlite
async def test_two_workers_of_one_conversation_do_not_meet(store: Store, gateway: FakeGateway) -> None:
    at_once: list[int] = []
    sending = 0

    async def note(_: Sent) -> None:
        nonlocal sending
        sending += 1
        at_once.append(sending)
        await asyncio.sleep(0.01)
        sending -= 1

    gateway.on_send = note
    locks = Locks()
    one, two = Outbox(store, CHANNEL, gateway, locks), Outbox(store, CHANNEL, gateway, locks)
    await put(store, "um", "dois", "três")
    await asyncio.gather(sent(one), sent(two))
    assert gateway.texts == ["um", "dois", "três"]
    assert set(at_once) == {1}


# -- again, or given up -------------------------------------------------------------------------------


def test_waits_grow_to_a_minute_and_end_after_a_day() -> None:
    assert list(WAITS) == sorted(WAITS)
    assert WAITS[0] == 1
    assert WAITS[-1] == 60
    assert 23 * 3600 < sum(WAITS) < 25 * 3600


@on_sqlite
@pytest.mark.parametrize(("told", "waited"), [(7.0, 7.0), (0.0, 1), (None, 1), (86400.0, 900.0)])
async def test_the_gateways_own_wish_is_kept_within_reason(
    store: Store,
    outbox: Outbox,
    gateway: FakeGateway,
    no_waits: list[float],
    told: float | None,
    waited: float,
) -> None:
    gateway.fail = [TemporaryGatewayError("HTTP 429", told)]
    await put(store, "um")
    await sent(outbox)
    assert no_waits == [waited]
    assert gateway.texts == ["um"]


@on_sqlite
async def test_after_the_last_try_it_is_given_up_and_the_rest_follows(
    store: Store,
    outbox: Outbox,
    gateway: FakeGateway,
    rows: Rows,
    no_waits: list[float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "WAITS", (1, 2))
    gateway.fail = [TemporaryGatewayError("HTTP 503")] * 3
    await put(store, SECRET, "dois")
    await sent(outbox)
    assert gateway.texts == ["dois"]
    assert [(row.state, row.error) for row in rows(table)] == [("failed", "HTTP 503"), ("sent", None)]
    assert "NOT sent" in caplog.text
    assert SECRET not in caplog.text


@on_sqlite
@pytest.mark.parametrize(
    "error", [NotAuthorised("send-text: HTTP 403"), GatewayError("send-text: HTTP 400, 'phone is required'")]
)
async def test_what_may_not_be_tried_again_is_given_up_loudly(
    store: Store,
    outbox: Outbox,
    gateway: FakeGateway,
    rows: Rows,
    no_waits: list[float],
    caplog: pytest.LogCaptureFixture,
    error: GatewayError,
) -> None:
    gateway.fail = [error]
    await put(store, SECRET, "dois")
    await sent(outbox)
    assert gateway.texts == ["dois"]
    assert no_waits == []
    assert [row.state for row in rows(table)] == ["failed", "sent"]
    [record] = [r for r in caplog.records if "NOT sent" in r.getMessage()]
    assert record.levelno == logging.ERROR
    assert str(error) in record.getMessage()
    assert SECRET not in caplog.text


@on_sqlite
async def test_a_bubble_that_cannot_be_made_does_not_stop_the_chat(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.fail = [KeyError(SECRET)]
    await put(store, "um", "dois")
    await sent(outbox)
    assert gateway.texts == ["dois"]
    assert [row.state for row in rows(table)] == ["failed", "sent"]
    assert "KeyError" in caplog.text
    assert SECRET not in caplog.text


@on_sqlite
async def test_a_refused_menu_goes_out_as_numbered_text(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    gateway.fail = [GatewayError("send-option-list: HTTP 400")]
    await put(store, MENU)
    await sent(outbox)
    assert gateway.as_text == [True]
    assert rows(table)[0].state == "sent"


@on_sqlite
async def test_a_menu_refused_twice_or_for_the_account_is_given_up(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    gateway.fail = [GatewayError("HTTP 400"), GatewayError("HTTP 400"), NotAuthorised("HTTP 403")]
    await put(store, MENU, MENU)
    await sent(outbox)
    assert gateway.sent == []
    assert [row.state for row in rows(table)] == ["failed", "failed"]


async def test_failed_bubbles_can_be_queued_again(store: Store, outbox: Outbox, gateway: FakeGateway) -> None:
    gateway.fail = [NotAuthorised("HTTP 403"), NotAuthorised("HTTP 403")]
    await put(store, "um", "dois")
    await sent(outbox)
    assert await store.run(module.requeue_failed) == 2
    await sent(outbox)
    assert gateway.texts == ["um", "dois"]


# -- stopping and starting ----------------------------------------------------------------------------


async def test_a_new_process_sends_what_the_old_one_left(store: Store, outbox: Outbox, gateway: FakeGateway) -> None:
    await put(store, "um")
    await put(store, "outro", phone=OTHER)
    await outbox.resume()
    await eventually(lambda: len(gateway.sent) == 2)


async def test_stopping_ends_the_send_under_way_and_starts_no_other(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(_: Sent) -> None:
        begun.set()
        await go.wait()

    gateway.on_send = slow
    await put(store, "um", "dois")
    outbox.wake(PHONE)
    await begun.wait()
    stopping = asyncio.create_task(outbox.stop(5))
    await asyncio.sleep(0.02)
    assert not stopping.done()
    go.set()
    await stopping
    assert gateway.texts == ["um"]
    assert [row.state for row in rows(table)] == ["sent", "queued"]
    outbox.wake(PHONE)
    assert not outbox._workers.busy


@on_sqlite
async def test_stopping_does_not_wait_for_a_gateway_that_hangs(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    begun = asyncio.Event()

    async def hang(_: Sent) -> None:
        begun.set()
        await asyncio.sleep(60)

    gateway.on_send = hang
    await put(store, "um")
    outbox.wake(PHONE)
    await begun.wait()
    started = time.monotonic()
    await outbox.stop(0.1)
    assert time.monotonic() - started < 2
    assert rows(table)[0].state == "queued"


@on_sqlite
async def test_stopping_ends_a_wait_between_tries(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    gateway.fail = [TemporaryGatewayError("HTTP 429", 600.0)]
    await put(store, "um")
    outbox.wake(PHONE)
    await eventually(lambda: rows(table, table.c.attempts == 1))
    await asyncio.wait_for(outbox.stop(5), 2)
    assert rows(table)[0].state == "queued"


@on_sqlite
async def test_a_database_that_is_away_costs_nothing(
    store: Store,
    outbox: Outbox,
    gateway: FakeGateway,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await put(store, SECRET)
    real = module._next

    def away(*_: object) -> None:
        raise sa.exc.OperationalError(f"SELECT '{SECRET}'", {}, Exception(SECRET))

    monkeypatch.setattr(module, "_next", away)
    await sent(outbox)
    assert gateway.sent == []
    assert "will be tried again" in caplog.text
    assert SECRET not in caplog.text
    monkeypatch.setattr(module, "_next", real)
    await outbox.resume()
    await eventually(lambda: gateway.sent)


# -- what became of it --------------------------------------------------------------------------------


async def undelivered(outbox: Outbox, number: int, error: str | None) -> None:
    """Z-API names a message by its queue id when it never got another."""
    await outbox.delivered(Delivery(f"QUEUE{number}", f"QUEUE{number}", error))
    await eventually(lambda: not outbox._workers.busy)


async def test_a_delivered_bubble_stays_sent(store: Store, outbox: Outbox, rows: Rows) -> None:
    await put(store, "um")
    await sent(outbox)
    await outbox.delivered(Delivery("OUT1", "QUEUE1"))
    assert rows(table)[0].state == "sent"


async def test_a_menu_that_never_arrived_is_sent_as_numbered_text(
    store: Store, outbox: Outbox, gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    await put(store, MENU)
    await sent(outbox)
    await undelivered(outbox, 1, "You must accept buttons message terms in panel to send this message.")
    assert gateway.as_text == [False, True]
    assert "accept buttons" in caplog.text


async def test_the_same_callback_twice_changes_nothing(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    error = Delivery("QUEUE1", "QUEUE1", "You must accept buttons message terms in panel to send this message.")
    await put(store, MENU)
    await sent(outbox)
    await store.run(module._undelivered, CHANNEL, error)
    await outbox.delivered(error)  # before the numbered text goes out
    await outbox.resume()
    await eventually(lambda: len(gateway.sent) == 2)
    await outbox.delivered(error)  # and after
    await eventually(lambda: not outbox._workers.busy)
    assert rows(table)[0].state == "sent"
    assert gateway.as_text == [False, True]


@pytest.mark.parametrize("error", module.TEMPORARY_DELIVERY_ERRORS)
async def test_a_passing_failure_is_sent_again_three_times(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows, error: str
) -> None:
    await put(store, "um")
    await sent(outbox)
    for number in range(1, 6):
        await undelivered(outbox, number, error)
    assert gateway.texts == ["um"] * 4
    assert (rows(table)[0].state, rows(table)[0].error) == ("failed", error)


async def test_a_lasting_failure_is_told_and_not_repeated(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    await put(store, SECRET)
    await sent(outbox)
    for _ in range(2):  # told twice
        await undelivered(outbox, 1, "Phone number does not exist")
    assert gateway.texts == [SECRET]
    assert rows(table)[0].state == "failed"
    assert caplog.text.count("Phone number does not exist") == 1
    assert SECRET not in caplog.text


async def test_a_callback_about_nothing_of_ours(store: Store, outbox: Outbox, rows: Rows) -> None:
    await put(store, "um")
    await sent(outbox)
    await undelivered(outbox, 99, "Phone number does not exist")
    await outbox.delivered(Delivery("", None, "Phone number does not exist"))
    assert rows(table)[0].state == "sent"


@on_sqlite
async def test_a_callback_that_overtakes_the_answer_of_the_send(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    async def fail_at_once(given: Sent) -> None:
        gateway.on_send = None
        await outbox.delivered(Delivery(str(given.queue_id), given.queue_id, "Error on send message"))

    gateway.on_send = fail_at_once
    await put(store, "um")
    await sent(outbox)
    assert gateway.texts == ["um", "um"]
    assert rows(table)[0].state == "sent"


@on_sqlite
async def test_early_callbacks_do_not_pile_up(store: Store, outbox: Outbox, gateway: FakeGateway) -> None:
    async def strangers(_: Sent) -> None:
        for number in range(module.MAX_EARLY + 20):
            await outbox.delivered(Delivery(f"X{number}", f"X{number}", "Error on send message"))

    gateway.on_send = strangers
    await put(store, "um")
    await sent(outbox)
    assert len(outbox._early) == module.MAX_EARLY


# -- is it ours? --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bubble", "seen", "ours"),
    [
        (Outgoing("Como posso ajudar?"), {"text": "Como posso ajudar? "}, True),
        (Outgoing("Como posso ajudar?"), {"text": "Oi, aqui é a Rita"}, False),
        (MENU, {"text": "Confirma?\n\n*1* - Sim\n*2* - Não"}, True),
        (MENU, {"text": "Confirma?"}, True),
        (Outgoing(url="/documents/1"), {"attachment": "documento"}, True),
        (Outgoing("Sua fatura", url="/documents/1"), {"text": "Sua fatura", "attachment": "documento"}, True),
        (Outgoing("Como posso ajudar?"), {"attachment": "imagem"}, False),
        (Outgoing("Como posso ajudar?"), {}, False),
    ],
)
async def test_an_echo_is_known_before_its_id_is(
    store: Store, bubble: Outgoing, seen: dict[str, Any], ours: bool
) -> None:
    await put(store, bubble)
    await put(store, "Oi, aqui é a Rita", phone=OTHER)  # said in another chat
    echo = message(**{"text": "", **seen})
    assert await store.run(module.is_ours, PHONE, echo, time.time() - 60) is ours


async def test_an_echo_is_known_by_its_id_and_for_a_while_by_its_words(store: Store, outbox: Outbox) -> None:
    await put(store, "Como posso ajudar?")
    await sent(outbox)
    by_id, by_words = message("reescrito", message_id="OUT1"), message("Como posso ajudar?")
    assert await store.run(module.is_ours, PHONE, by_id, time.time() + 1)
    assert await store.run(module.is_ours, PHONE, by_words, time.time() - 60)
    assert not await store.run(module.is_ours, PHONE, by_words, time.time() + 1)


# -- too old to be sent, and a phone that is off line ---------------------------------------------------


async def age(store: Store, seconds: float) -> None:
    await store.run(lambda db: db.execute(table.update().values(created_at=table.c.created_at - seconds)))


async def test_what_is_too_old_is_not_sent_and_what_follows_is(
    store: Store, gateway: FakeGateway, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(store, CHANNEL, gateway, Locks(), stale_seconds=600)
    await put(store, SECRET, "de ontem")
    await age(store, 601)
    await put(store, "de agora")
    await sent(outbox)
    assert gateway.texts == ["de agora"]
    assert [row.state for row in rows(table)] == ["stale", "stale", "sent"]
    assert "A message was NOT sent: it is 10 minutes old." in caplog.text
    assert SECRET not in caplog.text


@on_sqlite
async def test_without_an_age_everything_is_sent(store: Store, outbox: Outbox, gateway: FakeGateway) -> None:
    await put(store, "de ontem")
    await age(store, 86_400)
    await sent(outbox)
    assert gateway.texts == ["de ontem"]


@on_sqlite
async def test_what_is_sent_again_on_purpose_is_young_again(store: Store, gateway: FakeGateway) -> None:
    outbox = Outbox(store, CHANNEL, gateway, Locks(), stale_seconds=600)
    gateway.fail = [NotAuthorised("HTTP 403")]
    await put(store, "um")
    await sent(outbox)
    await age(store, 86_400)
    assert await store.run(module.requeue_failed) == 1
    await sent(outbox)
    assert gateway.texts == ["um"]


@on_sqlite
async def test_while_the_phone_is_off_line_nothing_is_handed_over(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    gateway.connected = False
    outbox.hold()
    await put(store, "um", "dois")
    await sent(outbox)
    await outbox.look()
    await outbox.resume()
    await sent(outbox)
    assert [row.state for row in rows(table)] == ["queued", "queued"]
    await outbox.release()
    await eventually(lambda: gateway.texts == ["um", "dois"])


@on_sqlite
async def test_a_lost_callback_is_found_by_looking(
    store: Store, outbox: Outbox, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.connected = False
    await outbox.look()
    await put(store, "um")
    await sent(outbox)
    assert not gateway.sent
    gateway.connected = True
    await outbox.look()  # while it is held, at every look
    await outbox.resume()
    await eventually(lambda: gateway.texts == ["um"])
    gateway.connected = False
    await outbox.look()  # asked a moment ago
    await put(store, "dois")
    await sent(outbox)
    assert gateway.texts == ["um", "dois"]


async def test_what_the_gateway_has_not_sent_yet_comes_back(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows
) -> None:
    await put(store, "um", "dois")
    await sent(outbox)
    gateway.connected, gateway.kept = False, ["QUEUE2", "SOMEBODY ELSE'S"]
    outbox.hold()
    await outbox.look()
    assert gateway.kept == ["SOMEBODY ELSE'S"]
    assert [row.state for row in rows(table)] == ["sent", "queued"]
    await outbox.release()
    await eventually(lambda: gateway.texts == ["um", "dois", "dois"])


@on_sqlite
async def test_what_could_not_be_taken_back_is_not_sent_twice(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(queue_id: str) -> None:
        raise TemporaryGatewayError("HTTP 500")

    await put(store, "um")
    await sent(outbox)
    gateway.connected, gateway.kept = False, ["QUEUE1"]
    monkeypatch.setattr(gateway, "unqueue", refuse)
    await outbox.look()
    assert [row.state for row in rows(table)] == ["sent"]


@on_sqlite
async def test_a_gateway_that_cannot_be_asked_changes_nothing(
    store: Store, outbox: Outbox, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> bool:
        raise TemporaryGatewayError("status: ClientConnectorError")

    monkeypatch.setattr(gateway, "online", away)
    await outbox.look()
    await put(store, "um")
    await sent(outbox)
    assert gateway.texts == ["um"]


@on_sqlite
async def test_what_was_taken_but_could_not_be_noted_is_not_sent_again(
    store: Store, outbox: Outbox, gateway: FakeGateway, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full, or the database away, at the moment after a send."""
    real, full = module._mark, True

    def mark(*args: Any, **values: Any) -> None:
        if full:
            raise sa.exc.OperationalError("UPDATE", {}, Exception("disk is full"))
        real(*args, **values)

    monkeypatch.setattr(module, "_mark", mark)
    await put(store, "um", "dois")
    await sent(outbox)
    await sent(outbox)
    assert gateway.texts == ["um"]
    full = False
    await outbox.resume()
    await eventually(lambda: gateway.texts == ["um", "dois"])
    await eventually(lambda: [row.state for row in rows(table)] == ["sent", "sent"])
    assert [row.message_id for row in rows(table)] == ["OUT1", "OUT2"]
    await eventually(lambda: not outbox._taken)

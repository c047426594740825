"""Talks through inbox, turns and outbox: who is answered, with what, in which order, and how often."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from rasa.core.channels.channel import UserMessage

from connectors import inbox
from connectors import turns as module
from connectors.errors import TurnFailed
from connectors.messages import EDIT, MEDIA
from connectors.store import Store
from connectors.store import inbox as inbox_table
from connectors.store import outbox as outbox_table
from connectors.turns import RETRY_WAITS, words_of
from tests.unit.connectors.fakes import (
    APOLOGY,
    BURST,
    CHANNEL,
    LID,
    OTHER,
    PHONE,
    Chat,
    FakeGateway,
    FakeRasa,
    answered,
    eventually,
    message,
    on_sqlite,
)

Rows = Callable[..., list[Any]]
SECRET = "segredo do cliente"


# -- one turn at a time -------------------------------------------------------------------------------


async def test_a_burst_is_one_turn(chat: Chat) -> None:
    chat.patient()
    await chat.says("oi")
    await chat.says("manda")
    await chat.says("meu boleto")
    await answered(chat, 1)
    assert chat.rasa.texts == ["oi\nmanda\nmeu boleto"]
    assert chat.gateway.texts == ["eco: oi\nmanda\nmeu boleto"]


@on_sqlite
async def test_a_pause_makes_another_turn(chat: Chat) -> None:
    await chat.says("oi")
    await answered(chat, 1)
    await chat.says("manda meu boleto")
    await answered(chat, 2)
    assert chat.rasa.texts == ["oi", "manda meu boleto"]


@on_sqlite
async def test_who_never_stops_typing_is_answered_all_the_same(chat: Chat) -> None:
    for number in range(module.BURST_LIMIT * 3):
        await chat.says(str(number))
        await asyncio.sleep(BURST / 2)
    assert chat.rasa.heard
    await answered(chat, 2)
    assert "\n".join(chat.rasa.texts).split("\n") == [str(n) for n in range(module.BURST_LIMIT * 3)]


async def test_turns_of_a_conversation_follow_one_another(chat: Chat) -> None:
    async def slow(said: UserMessage) -> None:
        await asyncio.sleep(BURST * 2)
        await chat.rasa.echo(said)

    chat.rasa.answer = slow
    for text in ("um", "dois", "três"):
        await chat.says(text)
        await asyncio.sleep(BURST * 1.5)
    await eventually(lambda: "três" in "".join(chat.gateway.texts))
    assert chat.rasa.most_at_once == {PHONE: 1}
    assert "\n".join(chat.rasa.texts) == "um\ndois\ntrês"
    assert [f"eco: {text}" for text in chat.rasa.texts] == chat.gateway.texts


async def test_conversations_run_beside_each_other(chat: Chat) -> None:
    go = asyncio.Event()

    async def answer(said: UserMessage) -> None:
        if said.sender_id == PHONE:
            await go.wait()
        await chat.rasa.echo(said)

    chat.rasa.answer = answer
    await chat.says("demora")
    await eventually(lambda: chat.rasa.heard)
    await chat.says("oi", phone=OTHER)
    await eventually(lambda: chat.gateway.sent)
    assert chat.gateway.sent[0][0] == OTHER
    go.set()
    await answered(chat, 2)


@on_sqlite
async def test_what_rasa_is_told(chat: Chat) -> None:
    said = await chat.says("oi", phone="558391110001", lid=LID)
    await answered(chat, 1)
    [heard] = chat.rasa.heard
    assert (heard.sender_id, heard.message_id, heard.input_channel) == (PHONE, said.message_id, CHANNEL)
    assert heard.metadata == {"phone": PHONE, "turn": said.message_id, "channel": CHANNEL}
    assert chat.gateway.sent[0][0] == "558391110001"  # the answer goes to the address as it came


@on_sqlite
async def test_a_chat_without_a_phone_has_none(chat: Chat) -> None:
    await chat.says("oi", phone=LID)
    await answered(chat, 1)
    assert chat.rasa.heard[0].metadata["phone"] is None
    assert chat.gateway.sent[0][0] == LID


async def test_a_duplicate_is_not_answered_again(chat: Chat) -> None:
    said = await chat.says("oi")
    await answered(chat, 1)
    await chat.receive(said)
    await asyncio.sleep(BURST * 2)
    assert chat.rasa.texts == ["oi"]


@on_sqlite
async def test_a_clock_that_was_set_back_stops_nobody(chat: Chat, store: Store) -> None:
    said = message("oi")
    name = await store.run(inbox.receive, CHANNEL, "I", said, time.time() + 3600)
    assert name is not None
    chat.turns.wake(name)
    await eventually(lambda: chat.gateway.sent, 3)


# -- failures -----------------------------------------------------------------------------------------


def fails(times: int, error: BaseException, chat: Chat) -> Callable[[UserMessage], Awaitable[None]]:
    async def answer(said: UserMessage) -> None:
        await said.output_channel.send_text_message(said.sender_id, "primeira metade")
        if len(chat.rasa.heard) <= times:
            raise error
        await said.output_channel.send_text_message(said.sender_id, "segunda metade")

    return answer


@pytest.mark.parametrize("error", [RuntimeError("segredo"), TurnFailed("action_x: ClientError")])
async def test_a_turn_that_fails_is_run_again_as_if_never_begun(
    chat: Chat, no_waits: list[float], caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    chat.rasa.answer = fails(2, error, chat)
    await chat.says("oi")
    await answered(chat, 2)
    assert chat.rasa.texts == ["oi"] * 3
    assert chat.gateway.texts == ["primeira metade", "segunda metade"]  # nothing of the failed tries
    assert [wait for wait in no_waits if wait in RETRY_WAITS] == list(RETRY_WAITS[:2])
    assert "A turn failed" in caplog.text
    assert "segredo" not in "".join(record.getMessage() for record in caplog.records)


async def test_a_turn_that_fails_for_good_gets_an_apology_and_the_talk_goes_on(
    chat: Chat, no_waits: list[float], rows: Rows
) -> None:
    chat.rasa.answer = fails(10**6, RuntimeError("away"), chat)
    await chat.says("oi")
    await answered(chat, 1)
    assert chat.gateway.texts == [APOLOGY]
    assert len(chat.rasa.heard) == len(RETRY_WAITS) + 1
    chat.rasa.answer = chat.rasa.echo
    await chat.says("e agora?")
    await answered(chat, 2)
    assert chat.gateway.texts == [APOLOGY, "eco: e agora?"]
    assert {row.state for row in rows(inbox_table)} == {"done"}


@on_sqlite
async def test_what_is_said_while_a_turn_is_run_again_goes_along(chat: Chat, no_waits: list[float]) -> None:
    async def answer(said: UserMessage) -> None:
        if len(chat.rasa.heard) == 1:
            await chat.says("rápido")
            raise RuntimeError("away")
        await chat.rasa.echo(said)

    chat.rasa.answer = answer
    said = await chat.says("oi")
    await answered(chat, 1)
    assert chat.rasa.texts == ["oi", "oi\nrápido"]
    assert {heard.message_id for heard in chat.rasa.heard} == {said.message_id}  # the key stays the same


@on_sqlite
async def test_a_turn_that_hangs_has_failed(chat: Chat, no_waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(said: UserMessage) -> None:
        if len(chat.rasa.heard) == 1:
            await asyncio.sleep(60)
        await chat.rasa.echo(said)

    monkeypatch.setattr(module, "TURN_SECONDS", 0.05)
    chat.rasa.answer = answer
    await chat.says("oi")
    await answered(chat, 1)
    assert chat.gateway.texts == ["eco: oi"]


@on_sqlite
async def test_turns_that_compute_are_few_and_those_that_wait_are_many(chat: Chat) -> None:
    """The webhook waits behind all turns that compute; an action that takes long keeps nobody waiting."""
    inside: list[int] = []
    now, waits = 0, asyncio.Event()

    async def answer(said: UserMessage) -> None:
        nonlocal now
        now += 1
        inside.append(now)
        await asyncio.sleep(0.01)
        now -= 1
        if said.text == "devagar":
            async with module.others_may_compute():
                await waits.wait()
        await chat.rasa.echo(said)

    chat.rasa.answer = answer
    chat.turns._burst = 0
    phones = [f"55839911100{number:02d}" for number in range(8)]
    for phone in phones[:4]:
        await chat.says("devagar", phone=phone)
    for phone in phones[4:]:
        await chat.says("oi", phone=phone)
    await eventually(lambda: len(chat.gateway.sent) >= 4)
    assert sorted(chat.gateway.texts) == ["eco: oi"] * 4
    assert max(inside) == module.COMPUTING
    waits.set()
    await answered(chat, 8)
    assert chat.gateway.texts[4:] == ["eco: devagar"] * 4


@on_sqlite
async def test_a_turn_without_a_word_gets_an_apology(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    async def silence(_: UserMessage) -> None:
        return None

    chat.rasa.answer = silence
    await chat.says("oi")
    await answered(chat, 1)
    assert chat.gateway.texts == [APOLOGY]
    assert "without a word" in caplog.text


@on_sqlite
async def test_a_rasa_that_saved_nothing_still_answers(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    async def handle(said: UserMessage) -> None:
        await chat.rasa.echo(said)

    monkeypatch.setattr(chat.turns, "_handle", handle)
    await chat.says("oi")
    await answered(chat, 1)
    assert chat.gateway.texts == ["eco: oi"]


async def test_a_database_that_is_away_costs_nothing(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = inbox.waiting

    def away(*_: object) -> None:
        raise sa.exc.OperationalError(f"SELECT '{SECRET}'", {}, Exception(SECRET))

    monkeypatch.setattr(inbox, "waiting", away)
    await chat.says("oi")
    await eventually(lambda: "will be tried again" in caplog.text)
    assert SECRET not in caplog.text
    monkeypatch.setattr(inbox, "waiting", real)
    await chat.quiet()
    await chat.turns.resume()
    await answered(chat, 1)
    assert chat.gateway.texts == ["eco: oi"]


# -- killed and started again -------------------------------------------------------------------------


def another_process(chat: Chat) -> Chat:
    return Chat(chat.store, FakeRasa(chat.store), FakeGateway())


async def test_killed_before_the_turn_was_kept(chat: Chat) -> None:
    async def hang(_: UserMessage) -> None:
        await asyncio.sleep(60)

    chat.rasa.answer = hang
    await chat.says("oi")
    await eventually(lambda: chat.rasa.heard)
    chat.kill()
    after = another_process(chat)
    await after.turns.resume()
    await answered(after, 1)
    assert after.gateway.texts == ["eco: oi"]
    assert chat.gateway.sent == []
    await after.stop()


async def test_killed_between_the_turn_and_its_send(chat: Chat, rows: Rows) -> None:
    async def hang(_: object) -> None:
        await asyncio.sleep(60)

    chat.gateway.on_send = hang
    await chat.says("oi")
    await eventually(lambda: rows(outbox_table))
    chat.kill()
    after = another_process(chat)
    await after.turns.resume()
    await after.outbox.resume()
    await answered(after, 1)
    assert after.rasa.heard == []  # it is not thought over again
    assert after.gateway.texts == ["eco: oi"]
    await after.stop()


async def test_killed_after_the_send_nothing_is_said_twice(chat: Chat) -> None:
    await chat.says("oi")
    await answered(chat, 1)
    chat.kill()
    after = another_process(chat)
    await after.turns.resume()
    await after.outbox.resume()
    await after.quiet()
    assert after.rasa.heard == []
    assert after.gateway.sent == []


async def test_stopping_ends_the_turn_under_way_and_starts_no_other(chat: Chat, rows: Rows) -> None:
    async def slow(said: UserMessage) -> None:
        await asyncio.sleep(0.2)
        await chat.rasa.echo(said)

    chat.rasa.answer = slow
    await chat.says("oi")
    await eventually(lambda: chat.rasa.heard)
    await chat.says("e isto?")
    await chat.turns.stop(5)
    assert chat.rasa.texts == ["oi"]
    assert [row.state for row in rows(inbox_table)] == ["done", "new"]
    assert [json.loads(row.content)["text"] for row in rows(outbox_table)] == ["eco: oi"]


@on_sqlite
async def test_stopping_does_not_wait_for_a_turn_that_hangs(chat: Chat, rows: Rows) -> None:
    async def hang(_: UserMessage) -> None:
        await asyncio.sleep(60)

    chat.rasa.answer = hang
    await chat.says("oi")
    await eventually(lambda: chat.rasa.heard)
    await asyncio.wait_for(chat.turns.stop(0.05), 2)
    assert [row.state for row in rows(inbox_table)] == ["new"]
    assert rows(outbox_table) == []


@on_sqlite
async def test_stopping_within_the_burst_leaves_the_message(chat: Chat, rows: Rows) -> None:
    chat.patient()
    await chat.says("oi")
    await chat.turns.stop(5)
    assert chat.rasa.heard == []
    assert [row.state for row in rows(inbox_table)] == ["new"]


async def test_two_processes_answer_once(chat: Chat, rows: Rows) -> None:
    """Even without a lock between them: who commits second finds the message taken."""
    other = another_process(chat)
    met = asyncio.Event()

    async def together(said: UserMessage) -> None:
        if chat.rasa.heard and other.rasa.heard:
            met.set()
        await asyncio.wait_for(met.wait(), 5)
        await chat.rasa.echo(said)

    chat.rasa.answer = other.rasa.answer = together
    await chat.says("oi")
    other.turns.wake(PHONE)
    await eventually(lambda: met.is_set())
    await chat.quiet()
    await other.quiet()
    assert len(rows(outbox_table)) == 1
    assert len(chat.gateway.sent) + len(other.gateway.sent) == 1
    await other.stop()


@on_sqlite
async def test_without_a_model_messages_wait(chat: Chat, rows: Rows) -> None:
    chat.ready = False
    await chat.says("oi")
    await asyncio.sleep(BURST * 2)
    await chat.turns.resume()
    await chat.quiet()
    assert chat.rasa.heard == []
    assert [(row.state, row.attempts) for row in rows(inbox_table)] == [("new", 0)]
    chat.ready = True
    await chat.turns.resume()
    await answered(chat, 1)


# -- a person takes over ------------------------------------------------------------------------------


async def test_theo_is_silent_while_a_person_serves(chat: Chat, rows: Rows) -> None:
    assert await chat.attendant("Oi, aqui é a Rita") == "taken"
    await chat.says("oi Rita")
    await chat.says("oi", phone=OTHER)
    await answered(chat, 1)
    assert [heard.sender_id for heard in chat.rasa.heard] == [OTHER]
    assert rows(inbox_table, inbox_table.c.conversation == PHONE)[-1].state == "human"


@on_sqlite
async def test_theo_comes_back_when_he_is_told(chat: Chat) -> None:
    await chat.attendant("Oi, aqui é a Rita")
    await chat.says("oi Rita")
    await chat.quiet()
    assert await chat.attendant("Theo, pode voltar!") == "given_back"
    await chat.says("oi Theo")
    await answered(chat, 1)
    assert chat.rasa.texts == ["oi Theo"]  # what was said to Rita is hers


@on_sqlite
async def test_theo_comes_back_after_a_while(chat: Chat) -> None:
    await chat.attendant("Oi, aqui é a Rita", minutes=0.1 / 60)
    await asyncio.sleep(0.15)
    await chat.says("oi")
    await answered(chat, 1)


async def test_a_message_that_waits_is_the_persons(chat: Chat, rows: Rows) -> None:
    chat.patient()
    await chat.says("oi")
    await chat.attendant("Oi, aqui é a Rita")
    await chat.quiet()
    assert chat.rasa.heard == []
    assert rows(inbox_table)[0].state == "human"


async def test_a_person_who_answers_first_is_not_talked_over(chat: Chat, rows: Rows) -> None:
    thinking, go = asyncio.Event(), asyncio.Event()

    async def slow(said: UserMessage) -> None:
        thinking.set()
        await go.wait()
        await chat.rasa.echo(said)

    chat.rasa.answer = slow
    await chat.says("oi")
    await thinking.wait()
    await chat.attendant("Oi, aqui é a Rita")
    go.set()
    await chat.quiet()
    assert chat.gateway.sent == []
    assert rows(outbox_table) == []


@on_sqlite
async def test_theos_own_echo_is_no_person(chat: Chat) -> None:
    await chat.says("oi")
    await answered(chat, 1)
    assert await chat.attendant("eco: oi", message_id="OUT1") == "own"
    assert await chat.attendant("eco: oi") == "own"  # the echo came before its id was known
    await chat.says("e aí")
    await answered(chat, 2)


# -- Theo speaks first --------------------------------------------------------------------------------


async def announce(chat: Chat, payload: str = '/informar{"aviso": "volta"}', key: str = "aviso-1") -> bool:
    new = await chat.store.run(inbox.announce, CHANNEL, "I", PHONE, payload, key, time.time())
    chat.turns.wake(PHONE)
    return new


async def test_a_notice_is_a_turn_of_its_own(chat: Chat) -> None:
    chat.patient()
    await chat.says("oi")
    assert await announce(chat)
    assert not await announce(chat)
    await chat.says("tudo bem?")
    await answered(chat, 3)
    assert chat.rasa.texts == ["oi", '/informar{"aviso": "volta"}', "tudo bem?"]


@on_sqlite
async def test_a_notice_with_nothing_to_tell_is_silent(
    chat: Chat, rows: Rows, no_waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    async def silence(_: UserMessage) -> None:
        return None

    await chat.says("oi")
    await answered(chat, 1)
    chat.rasa.answer = silence
    await announce(chat)
    await eventually(lambda: len(chat.rasa.heard) == 2)
    await chat.quiet()
    chat.rasa.answer = fails(10**6, RuntimeError("away"), chat)
    await announce(chat, key="aviso-2")
    await eventually(lambda: "failed 8 times" in caplog.text)
    await chat.quiet()
    assert chat.gateway.texts == ["eco: oi"]  # no apology to somebody who asked for nothing
    assert {row.state for row in rows(inbox_table)} == {"done"}


@on_sqlite
async def test_no_notice_while_a_person_serves(chat: Chat, rows: Rows) -> None:
    await chat.attendant("Oi, aqui é a Rita")
    await announce(chat)
    await eventually(lambda: rows(inbox_table, inbox_table.c.state == "human"))
    assert chat.rasa.heard == []


# -- edits and deletions ------------------------------------------------------------------------------


async def test_an_edit_within_the_burst_stands_in_its_place(chat: Chat) -> None:
    chat.patient()
    said = await chat.says("manda o boleto de maio")
    await chat.says("por favor")
    await chat.edits(said, "manda o boleto de julho")
    await chat.edits(said, "manda o boleto de junho")
    await answered(chat, 1)
    assert chat.rasa.texts == ["manda o boleto de junho\npor favor"]


@on_sqlite
async def test_an_edit_of_an_answered_message_is_said_anew(chat: Chat) -> None:
    said = await chat.says("manda o boleto de maio")
    await answered(chat, 1)
    await chat.edits(said, "manda o boleto de junho")
    await answered(chat, 2)
    assert chat.rasa.texts == ["manda o boleto de maio", "manda o boleto de junho"]


async def test_an_edit_while_the_answer_is_being_made_is_not_lost(chat: Chat) -> None:
    async def answer(said: UserMessage) -> None:
        if len(chat.rasa.heard) == 1:
            await chat.edits(first, "manda o boleto de junho")
        await chat.rasa.echo(said)

    chat.rasa.answer = answer
    first = await chat.says("manda o boleto de maio")
    await answered(chat, 2)
    assert chat.rasa.texts == ["manda o boleto de maio", "manda o boleto de junho"]


async def test_a_deleted_message_is_not_answered(chat: Chat) -> None:
    chat.patient()
    said = await chat.says("meu cpf é …")
    await chat.deletes(said)
    await chat.quiet()
    assert chat.rasa.heard == []
    keep = await chat.says("oi")
    gone = await chat.says("xingamento")
    await chat.deletes(gone)
    await answered(chat, 1)
    assert chat.rasa.texts == [keep.text]


async def test_a_deletion_while_the_answer_is_being_made_changes_nothing(chat: Chat, rows: Rows) -> None:
    async def answer(said: UserMessage) -> None:
        await chat.deletes(first)
        await chat.rasa.echo(said)

    chat.rasa.answer = answer
    first = await chat.says("oi")
    await answered(chat, 1)
    assert {row.state for row in rows(inbox_table)} == {"done"}


def test_words_of_a_run() -> None:
    one, two = message(" um "), message("dois")
    late = message("três", EDIT, reply_to="before")
    fix = message("UM", EDIT, reply_to=one.message_id)
    assert words_of([one, two]) == "um\ndois"
    assert words_of([fix, one, two]) == "UM\ndois"  # the correction came first
    assert words_of([one, late, fix]) == "UM\ntrês"
    assert words_of([message("", MEDIA, attachment="imagem"), two]) == "dois"


@on_sqlite
async def test_the_log_tells_no_content(chat: Chat, no_waits: list[float], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "connectors")
    chat.rasa.answer = fails(1, RuntimeError("segredo"), chat)
    await chat.says("segredo")
    await answered(chat, 2)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("connectors")]
    assert ours
    assert "segredo" not in "".join(ours)


# -- many at once ---------------------------------------------------------------------------------------


@on_sqlite
async def test_only_so_many_turns_run_at_once_and_all_are_answered(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0

    async def slow(said: UserMessage) -> None:
        nonlocal most
        async with module.others_may_compute():
            most = max(most, len(chat.rasa.running))
            await asyncio.sleep(0.05)
        await chat.rasa.echo(said)

    chat.rasa.answer = slow
    monkeypatch.setattr(chat.turns, "_slots", asyncio.Semaphore(8))
    phones = [f"55839{number:08d}" for number in range(32)]
    await asyncio.gather(*(chat.says("oi", phone=phone) for phone in phones))
    await answered(chat, len(phones))
    assert most == 8
    assert sorted(phone for phone, _ in chat.gateway.sent) == phones


@on_sqlite
async def test_what_comes_while_others_are_answered_belongs_to_the_same_turn(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chat.turns.paused():
        await chat.says("manda")
        await asyncio.sleep(BURST * 3)
        await chat.says("meu boleto")
        await asyncio.sleep(BURST * 3)
        assert not chat.rasa.heard
    await answered(chat, 1)
    assert chat.rasa.texts == ["manda\nmeu boleto"]


@on_sqlite
async def test_a_pause_waits_for_the_turns_under_way(chat: Chat) -> None:
    go = asyncio.Event()

    async def answer(said: UserMessage) -> None:
        await go.wait()
        await chat.rasa.echo(said)

    chat.rasa.answer = answer
    await chat.says("oi")
    await eventually(lambda: chat.rasa.heard)
    pause = chat.turns.paused()
    paused = asyncio.create_task(pause.__aenter__())
    await asyncio.sleep(0.05)
    assert not paused.done()
    go.set()
    await asyncio.wait_for(paused, 5)
    assert not chat.rasa.running
    await chat.says("tudo bem?")
    await asyncio.sleep(BURST * 3)
    assert chat.rasa.texts == ["oi"]
    await pause.__aexit__(None, None, None)
    await answered(chat, 2)


@on_sqlite
async def test_a_turn_that_failed_keeps_nobody_waiting(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONCURRENT_TURNS", 1)
    chat.turns._slots = asyncio.Semaphore(1)

    async def answer(said: UserMessage) -> None:
        if said.sender_id == PHONE:
            raise TurnFailed("the action server is away")
        await chat.rasa.echo(said)

    chat.rasa.answer = answer
    await chat.says("oi")
    await eventually(lambda: chat.rasa.heard)
    await chat.says("oi", phone=OTHER)
    await eventually(lambda: chat.gateway.sent, 0.4)  # the first is tried again after half a second


@on_sqlite
async def test_a_notice_that_waited_too_long_is_not_told(chat: Chat, store: Store, rows: Rows) -> None:
    chat.turns._stale = 600
    await chat.says("oi")
    await answered(chat, 1)
    old = time.time() - 601
    assert await store.run(inbox.announce, CHANNEL, "I", PHONE, "/avisar_queda_resolvida", "N1", old)
    assert await store.run(inbox.announce, CHANNEL, "I", PHONE, "/avisar_queda_resolvida", "N2", time.time())
    chat.turns.wake(PHONE)
    await answered(chat, 2)
    assert [row.state for row in rows(inbox_table, inbox_table.c.kind == "notice")] == ["stale", "done"]

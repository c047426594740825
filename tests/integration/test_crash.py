"""Programs that are killed and started again: no message is lost, none is answered twice beyond the one in flight.

Also the one promise about speed that Z-API depends on: the webhook's 200 does not wait for anybody's answer.
"""

from __future__ import annotations

import http.client
import json
import signal
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from simulator import webhooks
from tests.integration.stack import Json, Stack, stranger, wait_until

TALKS = 50
#: How many sends the outbox has under way at once: what a kill may find between "taken" and "noted".
IN_FLIGHT = 16


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Programs of this module's own, to be killed."""
    with Stack(tmp_path_factory.mktemp("mortal")) as stack:
        yield stack


@pytest.fixture
def stack(mortal: Stack) -> Stack:
    mortal.revive()
    mortal.forget_everything()
    mortal.simulator.faults(webhook_retries=20)
    return mortal


def everybody_says(stack: Stack, phones: list[str], text: str) -> None:
    """All customers write at the same moment; returns when the webhook has taken every message."""
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda phone: stack.simulator.say(phone, {"kind": "text", "text": text}), phones))


def answers(stack: Stack, phone: str) -> list[str]:
    return [m["text"] for m in stack.simulator.messages(phone) if m["from"] == "theo"]


def answered(stack: Stack, phones: list[str], bubbles: int) -> int:
    """How many of these chats hold at least so many bubbles of Theo's."""
    return sum(len(answers(stack, phone)) >= bubbles for phone in phones)


def all_answers(stack: Stack, phones: list[str]) -> dict[str, list[str]]:
    """Every chat, once nothing waits any more and what was sent has arrived."""
    stack.wait_until_quiet(120)
    for phone in phones:
        stack.wait_until_answered(phone)
    return {phone: answers(stack, phone) for phone in phones}


def in_the_middle_of_talks(stack: Stack) -> list[str]:
    """Fifty strangers who were asked for their document. Two bubbles each: who Theo is, and the question."""
    phones = [stranger() for _ in range(TALKS)]
    everybody_says(stack, phones, "quero a segunda via")
    for phone, said in all_answers(stack, phones).items():
        assert len(said) == 2 and "CPF" in said[1], (phone, said)
    return phones


def was_taken(stack: Stack, phone: str) -> bool:
    """Whether the webhook said 200 to the last message of this chat, once the gateway stopped trying."""

    def fate() -> str | None:
        status = [m["status"] for m in stack.simulator.messages(phone) if m["from"] == "customer"][-1]
        return status if status != "SENT" else None

    return wait_until(fate, 60, f"the gateway is still trying {phone}") != "FAILED"


def check_each_was_answered(said: dict[str, list[str]], repeats: int) -> None:
    """After "123.123.123-87" from a phone that is not Marlene's there is one more bubble: the birth date is asked."""
    repeated = 0
    for phone, bubbles in said.items():
        assert len(bubbles) >= 3, f"{phone} was forgotten: {bubbles}"
        counted = Counter(bubbles)
        assert sum("nascimento" in bubble for bubble in bubbles) >= 1, f"{phone}: {bubbles}"
        assert max(counted.values()) <= 2, f"{phone}: {bubbles}"
        repeated += len(bubbles) - 3
        assert len(counted) == 3, f"{phone} was answered in two ways: {bubbles}"
    assert repeated <= repeats, f"{repeated} bubbles came twice"


@pytest.mark.timeout(420)
def test_kill_9_no_meio_de_cinquenta_conversas(stack):
    phones = in_the_middle_of_talks(stack)
    everybody_says(stack, phones, "123.123.123-87")
    wait_until(lambda: answered(stack, phones, 3) >= 10, 120, "nobody was answered")
    stack.signal("theo", signal.SIGKILL)
    done = answered(stack, phones, 3)
    assert done < TALKS, "the kill came too late to prove anything"
    late = phones[:5]  # and five go on writing while nobody is there; WhatsApp keeps what they say
    stack.simulator.faults(connected=False)
    for phone in late:
        stack.simulator.say(phone, {"kind": "text", "text": "que horas a loja abre?"}, wait=False)
    stack.start("theo")
    stack.simulator.faults(connected=True)
    wait_until(lambda: answered(stack, late, 5) == len(late), 120, "who wrote meanwhile was forgotten")
    said = all_answers(stack, phones)
    for phone in late:
        assert sum("8h" in bubble for bubble in said[phone]) == 1, said[phone]
        del said[phone]
    check_each_was_answered(said, repeats=IN_FLIGHT)


@pytest.mark.timeout(420)
def test_sigterm_enquanto_cinquenta_pessoas_escrevem(stack):
    """What is under way is finished, what comes while it stops is taken later; no bubble comes twice."""
    phones = in_the_middle_of_talks(stack)
    for phone in phones[: TALKS // 2]:
        stack.simulator.say(phone, {"kind": "text", "text": "123.123.123-87"})
    wait_until(lambda: answered(stack, phones, 3) >= 1, 120, "nobody was answered")
    stopping = threading.Thread(target=stack.signal, args=("theo", signal.SIGTERM))
    stopping.start()
    for phone in phones[TALKS // 2 :]:
        stack.simulator.say(phone, {"kind": "text", "text": "123.123.123-87"}, wait=False)
    stopping.join()
    assert answered(stack, phones, 3) < TALKS, "the stop came too late to prove anything"
    stack.start("theo")
    taken = [phone for phone in phones if was_taken(stack, phone)]
    assert len(taken) >= TALKS // 2  # on a slow machine the gateway may give up on those who came too late
    check_each_was_answered(all_answers(stack, taken), repeats=0)


def test_servidor_de_acoes_morre_e_volta(stack):
    phones = [stranger() for _ in range(10)]
    everybody_says(stack, phones, "oi")
    assert all(len(said) == 2 for said in all_answers(stack, phones).values())
    stack.signal("actions", signal.SIGKILL)
    everybody_says(stack, phones, "onde fica a loja?")
    time.sleep(2)
    assert answered(stack, phones, 3) == 0, "nobody can have been answered"
    stack.start("actions")
    for phone, said in all_answers(stack, phones).items():
        assert len(said) == 3 and "Epitácio Pessoa" in said[2], (phone, said)


def test_simulador_fora_do_ar_e_as_respostas_esperam(stack):
    """The gateway itself is away for a moment: what was answered meanwhile arrives once, in order."""
    phone = stranger()
    stack.simulator.say(phone, {"kind": "text", "text": "oi"})
    stack.wait_until_answered(phone)
    body = received(stack, phone, "AWAY1", "onde fica a loja?")
    stack.signal("simulator", signal.SIGTERM)
    assert post(stack, body)[0] == 200
    wait_until(lambda: not stack.unanswered(), 30, "no turn")
    stack.start("simulator")
    wait_until(lambda: len(answers(stack, phone)) >= 1, 60, "nothing arrived")
    time.sleep(0.5)
    said = answers(stack, phone)
    assert len(said) == 1 and "Epitácio Pessoa" in said[0]


# -- the webhook ---------------------------------------------------------------------------------------


def received(stack: Stack, phone: str, message_id: str, text: str) -> Json:
    """A webhook body as Z-API sends it."""
    line = webhooks.Line(stack.environ["ZAPI_INSTANCE_ID"], "558340001000", "START Conecta")
    place = webhooks.Place(phone, phone)
    return webhooks.received(line, place, message_id, int(time.time()) * 1000, {"text": {"message": text}})


def post(stack: Stack, body: Json, connection: http.client.HTTPConnection | None = None) -> tuple[int, float]:
    """Posts a webhook with Z-API's headers: (status, seconds until the answer)."""
    own = connection or http.client.HTTPConnection("127.0.0.1", stack.theo_port, timeout=10)
    headers = webhooks.headers(stack.environ["ZAPI_TOKEN"], "ReceivedCallback")
    began = time.perf_counter()
    own.request("POST", "/webhooks/zapi/webhook", json.dumps(body).encode(), headers)
    answer = own.getresponse()
    answer.read()
    return answer.status, time.perf_counter() - began


def test_webhook_responde_em_menos_de_20_ms_enquanto_outra_conversa_e_atendida(stack, record_property):
    talking, stop = stranger(), threading.Event()
    turns: list[float] = []

    def talk() -> None:
        while not stop.is_set():
            stack.simulator.say(talking, {"kind": "text", "text": "onde fica a loja?"})
            stack.wait_until_answered(talking)
            turns.append(time.monotonic())

    def measure(name: str) -> tuple[float, float, int]:
        """150 messages of somebody else: (median, 95th percentile) in ms, and the turns of the talk meanwhile."""
        began, phone, taken = time.monotonic(), stranger(), []
        for number in range(150):
            taken.append(post(stack, received(stack, phone, f"{name}{number}", "um momento")))
            time.sleep(0.02)
        assert {status for status, _ in taken} == {200}
        milliseconds = [seconds * 1000 for _, seconds in taken]
        meanwhile = sum(moment >= began for moment in turns)
        return statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[-1], meanwhile

    other = threading.Thread(target=talk)
    other.start()
    try:
        wait_until(lambda: turns, 30, "the other talk did not begin")
        # What else the machine does can slow a round down; it cannot make one faster than Theo is.
        rounds: list[tuple[float, float, int]] = []
        while len(rounds) < 3 and not any(median < 20 for median, _, _ in rounds):
            rounds.append(measure(f"SPEED{len(rounds)}-"))
    finally:
        stop.set()
        other.join()
    stack.wait_until_quiet()
    median, most, meanwhile = min(rounds)
    record_property("webhook_ms_median", round(median, 1))
    print(f"webhook: median {median:.1f} ms, 95 % under {most:.1f} ms, {meanwhile} turns of the other talk meanwhile")
    assert meanwhile >= 3, "nobody else was being answered"
    assert median < 20, f"medians {[round(one[0], 1) for one in rounds]} ms"

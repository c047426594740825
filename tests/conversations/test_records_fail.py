"""What the customer hears when the records fail: that they do, who takes over, and everything told is still known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rasa.core.agent import Agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

import actions.talk
from actions.failures import SUBJECT, owed
from backoffice.errors import Unavailable
from backoffice.records import Ticket
from backoffice.sql import SqlErp

MARLENE, SOMEBODY = "5583991110001", "5583977770001"


class Failing:
    """The records, where the calls that are named do not answer."""

    def __init__(self, records: SqlErp) -> None:
        self.records, self.down = records, set[str]()

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            if name in self.down:
                raise Unavailable(name)
            return getattr(self.records, name)(*arguments, **named)

        return call

    def tickets(self) -> list[Ticket]:
        with self.records._database.read() as tx:
            return [t for t in self.records._tickets(tx, True) if t.subject == SUBJECT]


@pytest.fixture
def records(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Failing]:
    failing = Failing(SqlErp.open(database, reset=True))
    monkeypatch.setattr(actions.talk, "erp", lambda: failing)
    yield failing
    failing.records.close()


@pytest.fixture
def say(agent: Agent, request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Says something as this phone; returns Theo's bubbles in one text."""
    turns = iter(range(100))

    async def hear(text: str, phone: str = MARLENE) -> str:
        said = CollectingOutputChannel()
        metadata = {"phone": phone, "turn": f"t{next(turns)}", "channel": "zapi"}
        await agent.handle_message(UserMessage(text, said, f"{request.node.name}-{phone}", metadata=metadata))
        return "\n".join(str(message.get("text") or message.get("custom")) for message in said.messages)

    return hear


async def test_a_service_that_fails_has_a_ticket_and_is_done_on_a_second_try(say, records):
    await say("quero o pix da minha fatura")
    records.down = {"invoices"}
    said = await say("123.123.123-87")
    (ticket,) = records.tickets()
    assert f"protocolo {ticket.protocol}" in said
    assert said.endswith("Quer que eu tente de novo agora?")
    assert "***.123.123-**" in ticket.text and "123.123.123-87" not in ticket.text
    records.down = set()
    said = await say("sim")
    assert "000201" in said and "R$ 99,90" in said, said  # neither the document nor the wish is asked again


async def test_the_yes_that_was_given_is_not_asked_again(say, records):
    await say("quero mudar meu plano pro de 600 mega")
    await say("123.123.123-87")
    records.down = {"change_plan"}
    said = await say("sim")
    assert "sistema falhou" in said
    assert records.records.contract("1001").plan.mbps == 400
    records.down = set()
    assert "600 Mega" in await say("pode sim")
    assert records.records.contract("1001").plan.mbps == 600


async def test_one_ticket_a_day_for_the_same_failure_and_customer(say, records):
    await say("quero o pix da minha fatura")
    records.down = {"invoices"}
    first = await say("123.123.123-87")
    again = await say("sim")
    (ticket,) = records.tickets()
    assert ticket.protocol in first and ticket.protocol in again
    assert first != again
    await say("quero o pix da minha fatura", SOMEBODY)
    await say("555.666.777-20", SOMEBODY)
    await say("24/06/1948", SOMEBODY)
    assert len(records.tickets()) == 2


async def test_when_nothing_can_be_written_it_is_kept_and_written_later(say, records):
    await say("quero o pix da minha fatura")
    records.down = {"invoices", "open_ticket"}
    said = await say("123.123.123-87")
    assert "assim que o sistema voltar" in said and "rotocolo" not in said
    assert records.tickets() == []
    with pytest.raises(Unavailable):
        owed().settle(records)
    records.down = set()
    assert owed().settle(records) == 1
    (ticket,) = records.tickets()
    assert ticket.customer_id == "1"
    assert owed().settle(records) == 0


async def test_a_side_question_that_fails_leaves_the_question_standing(say, records):
    await say("quero o pix da minha fatura")
    records.down = {"company"}
    said = await say("que horas vcs abrem amanhã?")
    assert "sistema falhou" in said and "tente de novo" not in said
    assert said.endswith(("titular do contrato.", "?")), said
    records.down = set()
    assert "000201" in await say("123.123.123-87")


async def test_no_to_the_second_try_ends_it(say, records):
    await say("quero o pix da minha fatura")
    records.down = {"invoices"}
    await say("123.123.123-87")
    records.down = set()
    assert "000201" not in await say("não, deixa")
    assert "000201" not in await say("sim")

"""People: hand-overs, opening hours, the shop."""

from __future__ import annotations

import datetime as dt

from rasa_sdk.events import ActiveLoop, SlotSet

from actions.formats import weekday
from actions.forms.base import CALL_PERSON_AFTER, NEEDS_PERSON
from actions.talk import Events, SideAnswer, Talk, TheoAction, forget, without_tokens
from backoffice import desk
from backoffice.desk import DeskState
from backoffice.records import Sector

#: Which people an intent belongs to, while Theo cannot settle it alone.
SECTORS = {
    "pedir_suporte": Sector.SUPPORT, "sem_internet": Sector.SUPPORT, "internet_lenta": Sector.SUPPORT,
    "modem_desligado": Sector.SUPPORT, "trocar_senha_wifi": Sector.SUPPORT, "consultar_visita": Sector.SUPPORT,
    "contratar_internet": Sector.SALES, "consultar_planos": Sector.SALES, "consultar_cobertura": Sector.SALES,
    "alterar_plano": Sector.CONTRACT, "mudar_endereco": Sector.CONTRACT, "transferir_titularidade": Sector.CONTRACT,
    "suspender_servico": Sector.CONTRACT, "cancelar_servico": Sector.CONTRACT,
}  # fmt: skip


def needs_person(talk: Talk) -> bool:
    """The identification ended without a confirmed customer."""
    attempts = talk.slot("tentativas") or 0
    return talk.slot("identidade") == NEEDS_PERSON or attempts >= CALL_PERSON_AFTER


def when(talk: Talk, state: DeskState, now: dt.datetime, team: str = "equipe") -> str:
    """When a person of the team will read it, in the words of the domain: now, or from the next opening."""
    if state.is_open:
        return talk.words(f"utter_{team}_agora")
    if state.next_opening is None:
        return talk.words(f"utter_{team}_depois")
    if state.next_opening.date() == now.date():
        name = "hoje"
    elif state.next_opening.date() == now.date() + dt.timedelta(days=1):
        name = "amanhã"
    else:
        name = weekday(state.next_opening.date())
    return talk.words(f"utter_{team}_fechada", dia=name, hora=f"{state.next_opening:%Hh%M}".replace("h00", "h"))


def summary(talk: Talk) -> str:
    """What an attendant should know before the first word: the wish, the chat and the last messages."""
    said = [
        without_tokens(str(event.get("text", "")))
        for event in talk.tracker.events
        if event.get("event") == "user" and event.get("text") and not str(event["text"]).startswith("/")
    ]
    lines = [
        f"Assunto: {talk.intent}",
        f"Chat: {talk.phone or talk.chat}",
        *(f"Cliente: {text}" for text in said[-6:]),
    ]
    return "\n".join(lines)


def _contact_key(talk: Talk) -> str | None:
    """Who is not known by a contract and asks again in the same contact has one ticket, not two."""
    protocol = talk.slot("protocolo")
    return None if talk.slot("contrato") or not protocol else f"{talk.chat}:{protocol}:{talk.intent}"


async def _hand_over(talk: Talk, sector: Sector, key: str) -> desk.Handover:
    return await talk.ask(
        desk.hand_over,
        text=summary(talk),
        key=key,
        sector=sector,
        customer_id=talk.slot("cliente"),
        contract_id=talk.slot("contrato"),
    )


async def call_person(talk: Talk, response: str, sector: Sector = Sector.DESK) -> Events:
    """Registers the hand-over and tells it with its protocol. Needs no identification."""
    handed = await _hand_over(talk, sector, _contact_key(talk) or talk.key)
    if not handed.ticket.status.is_open:  # asked for again after it was settled
        handed = await _hand_over(talk, sector, talk.key)
    now = await talk.ask(lambda erp: erp.now())
    talk.say(response, protocolo=handed.ticket.protocol, quando=when(talk, handed.desk, now), setor=sector.value)
    return [
        *forget("falha", "documento_parcial", "interrompido", "identidade", "documento"),
        SlotSet("tentativas", 0), SlotSet("oferta", "nenhuma"), SlotSet("requested_slot", None), ActiveLoop(None),
    ]  # fmt: skip


#: `oferta` while a person is awaited: nothing is offered, and "tem alguém aí?" has an answer.
PERSON_CALLED = "pessoa_chamada"


class HandOver(TheoAction):
    """A person, at once and without a document."""

    def name(self) -> str:
        return "action_transferir"

    async def act(self, talk: Talk) -> Events:
        return [*await call_person(talk, "utter_transferido"), SlotSet("oferta", PERSON_CALLED)]


async def tell_person_is_coming(talk: Talk) -> None:
    """To who waits for the person that was called."""
    state, now = await talk.ask(desk.desk_state), await talk.ask(lambda erp: erp.now())
    talk.say("utter_pessoa_ja_chamada", quando=when(talk, state, now))


class TellHours(SideAnswer):
    """Opening hours, and whether people attend right now."""

    question = "perguntar_horario"

    def name(self) -> str:
        return "action_horario"

    async def act(self, talk: Talk) -> Events:
        company = await talk.ask(lambda erp: erp.company())
        state = await talk.ask(desk.desk_state)
        now = await talk.ask(lambda erp: erp.now())
        talk.say("utter_horario", loja=company.shop.hours, quando=when(talk, state, now))
        return []


class TellAddress(SideAnswer):
    """Where the shop is."""

    question = "perguntar_endereco"

    def name(self) -> str:
        return "action_endereco"

    async def act(self, talk: Talk) -> Events:
        shop = (await talk.ask(lambda erp: erp.company())).shop
        talk.say("utter_endereco", endereco=shop.address, horario=shop.hours)
        return []

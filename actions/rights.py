"""What is done for who asks for their data: told, or the talk erased."""

from __future__ import annotations

import os

from actions.forms.rights import ERASE
from actions.service import ServiceAction
from actions.talk import Events, Talk, TheoAction
from backoffice import desk
from backoffice.records import ContractStatus, Sector


def kept_days() -> str:
    """For how many days a talk is kept, as it is told."""
    return (os.environ.get("THEO_RETENTION_DAYS") or "90").removesuffix(".0")


def masked_name(name: str) -> str:
    """`Marlene Souza Lima` → `Marlene S. L.`: enough for the owner to recognise."""
    first, *others = name.split()
    return " ".join([first, *(f"{word[0]}." for word in others if word[0].isupper())])


class AskErasure(TheoAction):
    """What goes, what stays and why, and then the question."""

    def name(self) -> str:
        return "action_ask_direitos_form_confirma"

    async def act(self, talk: Talk) -> Events:
        talk.menu("utter_confirma_apagar", [("Sim, apagar", "/afirmar"), ("Não", "/negar")])
        return []


class Rights(ServiceAction):
    """Tells what is kept, masked; or erases this talk, with a protocol."""

    spent = ("direito", "confirma", "falha")
    needs_contract = False

    def name(self) -> str:
        return "action_direitos"

    async def serve(self, talk: Talk, contract: str) -> Events:
        if talk.slot("direito") != ERASE:
            return await self._tell(talk)
        if talk.slot("confirma") is not True:
            talk.say("utter_apagar_desistiu")
            return []
        opened = await talk.ask(
            desk.open_ticket, subject="apagar_dados", sector=Sector.DESK, key=talk.key,
            text="O titular pediu, e a conversa do WhatsApp foi apagada. Contrato, faturas e protocolos ficaram.",
            customer_id=str(talk.slot("cliente")),
        )  # fmt: skip
        talk.say("utter_dados_apagados", protocolo=opened.ticket.protocol, dias=kept_days())
        talk.note("dados apagados", opened.ticket.protocol)
        talk.erase()
        return []

    async def _tell(self, talk: Talk) -> Events:
        customer = await talk.ask(lambda erp: erp.customer(str(talk.slot("cliente"))))
        contracts = await talk.ask(lambda erp: erp.contracts(customer.id))
        lines = [
            talk.words(
                "utter_meus_dados_contrato",
                numero=one.id, plano=one.plan.name, bairro=one.address.split(",")[-1].strip(),
            )
            for one in contracts
            if one.status is not ContractStatus.CANCELLED
        ]  # fmt: skip
        talk.say("utter_meus_dados", nome=masked_name(customer.name), linhas="\n".join(f"• {line}" for line in lines))
        talk.say("utter_meus_dados_conversa", dias=kept_days())
        return []

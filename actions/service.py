"""The end of a form, the same for every service."""

from __future__ import annotations

from abc import abstractmethod

from rasa_sdk.events import SlotSet

from actions.desk import call_person, needs_person
from actions.talk import Events, Talk, TheoAction, forget


class ServiceAction(TheoAction):
    """Does what the form was for. A customer who could not be identified goes to a person."""

    ends_form = True
    #: Slots that are about this one wish and must not leak into the next.
    spent: tuple[str, ...] = ()
    needs_contract = True

    async def act(self, talk: Talk) -> Events:
        if needs_person(talk):
            return await call_person(talk, "utter_identidade_com_pessoa")
        if not talk.slot("cliente"):
            return forget(*self.spent)  # the form ended early and has said why
        if self.needs_contract and not talk.slot("contrato"):
            talk.say("utter_sem_contrato")
            return forget(*self.spent)
        done = await self.serve(talk, str(talk.slot("contrato") or ""))
        return [
            *forget(*self.spent, "interrompido"),
            SlotSet("atendido", True),
            *done,
            *offer_other_wish(talk, done),
        ]

    @abstractmethod
    async def serve(self, talk: Talk, contract: str) -> Events:
        """Does what was asked, on this contract of the confirmed customer's."""


def offer_other_wish(talk: Talk, done: Events) -> Events:
    """The wish that had to wait, offered once nothing else is open."""
    other = talk.slot("outro_pedido")
    busy = any(e.get("event") == "followup" or (e.get("name") == "oferta" and e.get("value")) for e in done)
    if not other or busy:
        return []
    talk.say("utter_oferece_outro_pedido", pedido=talk.words(f"utter_nome_{other}"))
    return [SlotSet("oferta", other), SlotSet("outro_pedido", None)]

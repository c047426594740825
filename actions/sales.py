"""What sales says and does: plans with their prices, the verdict on a place, a lead."""

from __future__ import annotations

from dataclasses import replace

from rasa_sdk.events import SlotSet

from actions.desk import when
from actions.formats import money
from actions.forms.base import CONFIRMED
from actions.forms.places import ask_place, full_address, place_name, place_of, tell_verdict
from actions.forms.sales import (
    ANOTHER_NUMBER,
    COMPANY,
    ODD_NUMBER,
    extra_words,
    phone_words,
    plans_offered,
    speeds,
    suggest,
)
from actions.service import offer_other_wish
from actions.talk import Events, Talk, TheoAction, forget
from backoffice import desk, sales
from backoffice.records import NewLead, Plan
from backoffice.sales import CoverageOutcome
from language.folding import fold

#: What is about one wish to be connected, and over when it is registered.
WISH = (
    "lugar", "interesse", "plano", "velocidade_desejada", "para_empresa", "endereco", "nome", "telefone", "horario",
    "interrompido", "falha", "servico",
)  # fmt: skip


def plan_title(talk: Talk, plan: Plan) -> str:
    """`600 Mega, R$ 119,90 por mês, com Wi-Fi 6`."""
    return talk.words("utter_plano_linha", plano=plan.name, preco=money(plan.price), extra=extra_words(talk, plan))


class TellPlans(TheoAction):
    """The plans that are sold, with their prices; out of a form each can be taken, and coverage is offered."""

    def name(self) -> str:
        return "action_planos"

    async def act(self, talk: Talk) -> Events:
        company = bool(talk.slot("para_empresa") or COMPANY.search(fold(talk.text)))
        plans = await plans_offered(talk, company)
        if talk.tracker.active_loop.get("name"):
            talk.say("utter_planos_lista", planos="\n".join(f"• {plan_title(talk, plan)}" for plan in plans))
            return []
        mbps = next(iter(speeds(talk)), None)
        if mbps:
            exact = next((plan for plan in plans if plan.mbps == mbps), None)
            near = exact or suggest(plans, mbps, company)[0]
            talk.say(
                "utter_plano_preco" if exact else "utter_plano_parecido",
                plano=near.name, preco=money(near.price), extra=extra_words(talk, near), pedido=mbps,
            )  # fmt: skip
        customer = talk.slot("identidade") == CONFIRMED
        wish = "alterar_plano" if customer else "contratar_internet"
        options = [(plan_title(talk, plan), f'/{wish}{{"plano": "{plan.id}"}}') for plan in plans]
        talk.menu("utter_planos_cliente" if customer else "utter_planos", options)
        events = [
            SlotSet("para_empresa", company or None),
            SlotSet("velocidade_desejada", mbps),
        ]
        return [*events, SlotSet("oferta", "alterar_plano" if customer else "contratar")]


class TellCoverage(TheoAction):
    """The verdict, and one offer: to hire where it is served, else to put the wish down. Made once."""

    ends_form = True

    def name(self) -> str:
        return "action_cobertura"

    async def act(self, talk: Talk) -> Events:
        place = place_of(talk.slot("lugar"))
        if not place.decided:
            return []  # the form ended early and has said why
        tell_verdict(talk, place)
        if talk.slot("oferta_cobertura") == place.veredito:
            return []
        talk.say("utter_oferece_contratar" if place.served else f"utter_oferece_interesse_{place.veredito}")
        return [SlotSet("oferta", "contratar"), SlotSet("oferta_cobertura", place.veredito)]


class RegisterLead(TheoAction):
    """Puts the wish down for the sales people, and says what was put down and when they read it."""

    ends_form = True

    def name(self) -> str:
        return "action_contratar"

    async def act(self, talk: Talk) -> Events:
        place = place_of(talk.slot("lugar"))
        if talk.slot("interesse") is False:
            talk.say("utter_interesse_nao")
            return forget(*WISH)
        name, phone = talk.slot("nome"), talk.slot("telefone")
        if talk.slot("interrompido") or not (place.decided and name and phone):
            return forget("interrompido")  # the form ended early and has said why
        plan = next((p for p in await talk.ask(lambda erp: erp.plans()) if p.id == talk.slot("plano")), None)
        address = full_address(place, talk.slot("endereco"))
        lead = await talk.ask(
            sales.register_lead,
            NewLead(
                name=str(name), phone=str(phone), plan_id=plan.id if plan else None, cep=place.cep, address=address,
                point=place.point, customer_id=talk.slot("cliente") if talk.slot("identidade") == CONFIRMED else None,
                note=self._note(talk, place.veredito),
            ),
            talk.key,
        )  # fmt: skip
        where = address or place_name(talk, place)
        if address and not place.bairro and (place.point or place.cep):  # a number alone says nothing
            where += f", {place_name(talk, replace(place, rua=None))}"
        lines = [talk.words("utter_pedido_lugar", lugar=where)]
        if plan:
            lines.insert(0, talk.words("utter_pedido_plano", plano=plan_title(talk, plan)))
        lines.append(talk.words("utter_pedido_contato", nome=name, telefone=phone_words(str(phone))))
        if talk.slot("horario"):
            lines.append(talk.words("utter_pedido_horario", horario=talk.slot("horario")))
        state, now = await talk.ask(desk.desk_state), await talk.ask(lambda erp: erp.now())
        talk.say(
            "utter_pedido_ja_registrado" if not lead.is_new else "utter_pedido_registrado" if place.served
            else "utter_interesse_registrado",
            protocolo=lead.protocol, linhas="\n".join(f"• {line}" for line in lines), quando=when(talk, state, now, "comercial"),
        )  # fmt: skip
        done = [*forget(*WISH), SlotSet("oferta", None), SlotSet("atendido", True)]
        return [*done, *offer_other_wish(talk, done)]

    def _note(self, talk: Talk, verdict: str | None) -> str:
        """For the sales people, in their language."""
        meaning = {
            CoverageOutcome.SERVED.value: "atendido pelo registro",
            CoverageOutcome.FULL.value: "caixas próximas sem porta livre",
            CoverageOutcome.NOT_SERVED.value: "fora da área atendida",
        }
        lines = [
            f"Cobertura: {meaning.get(str(verdict), 'a verificar')}.",
            f"Melhor horário: {talk.slot('horario') or '-'}.",
        ]
        if talk.slot("velocidade_desejada"):
            lines.append(f"Pediu {talk.slot('velocidade_desejada')} Mega.")
        if talk.slot("para_empresa"):
            lines.append("Para empresa.")
        return " ".join(lines)


# -- questions ---------------------------------------------------------------------------------------


class AskPlace(TheoAction):
    """Asks where, or for what is still missing."""

    def name(self) -> str:
        return "action_ask_lugar"

    async def act(self, talk: Talk) -> Events:
        moving = talk.tracker.active_loop.get("name") == "endereco_form"
        ask_place(talk, talk.slot("lugar"), "utter_ask_lugar_novo" if moving else "utter_ask_lugar")
        return []


class AskInterest(TheoAction):
    """Offers to put the wish down where the records do not say yes."""

    def name(self) -> str:
        return "action_ask_interesse"

    async def act(self, talk: Talk) -> Events:
        talk.say(f"utter_oferece_interesse_{place_of(talk.slot('lugar')).veredito}")
        return []


class AskPlan(TheoAction):
    """The plans with their prices, and one suggestion with its reason."""

    def name(self) -> str:
        return "action_ask_plano"

    async def act(self, talk: Talk) -> Events:
        company, wish = bool(talk.slot("para_empresa")), talk.slot("velocidade_desejada")
        plans = await plans_offered(talk, company)
        plan, reason = suggest(plans, None if wish is None else int(wish), company)
        below = max((p for p in plans if p.price < plan.price), key=lambda p: p.price, default=plan)
        why = talk.words(
            f"utter_razao_{reason}",
            extra=plan.extra or "", mbps=wish or "", abaixo=below.name, diferenca=money(plan.price - below.price),
        )  # fmt: skip
        options = [(plan_title(talk, p), f'/informar{{"plano": "{p.id}"}}') for p in plans]
        missing = talk.slot("falha") == "sem_essa_velocidade"
        talk.menu(
            "utter_ask_plano_sem_velocidade" if missing else "utter_ask_plano",
            options,
            plano=plan.name,
            razao=why,
        )
        return forget("falha")


class AskAddress(TheoAction):
    """The house number where the street is known, else the whole address."""

    def name(self) -> str:
        return "action_ask_endereco"

    async def act(self, talk: Talk) -> Events:
        place = place_of(talk.slot("lugar"))
        talk.say("utter_ask_endereco_numero" if place.rua else "utter_ask_endereco", rua=place.rua)
        return []


class AskPhone(TheoAction):
    """Offers the phone of the chat; where WhatsApp hides it, or another is wanted, asks for the number."""

    def name(self) -> str:
        return "action_ask_telefone"

    async def act(self, talk: Talk) -> Events:
        failure = talk.slot("falha")
        if failure == ODD_NUMBER:
            talk.say("utter_telefone_estranho")
        elif failure == ANOTHER_NUMBER or not talk.phone:
            talk.say("utter_ask_telefone_outro")
        else:
            options = [("Sim, este mesmo", "/afirmar"), ("Outro número", "/negar")]
            talk.menu("utter_ask_telefone", options, telefone=phone_words(talk.phone))
        return forget("falha")


class AskTime(TheoAction):
    """When the sales people should call."""

    def name(self) -> str:
        return "action_ask_horario"

    async def act(self, talk: Talk) -> Events:
        talk.menu(
            "utter_ask_horario",
            [
                ("De manhã", '/informar{"horario": "de manhã"}'),
                ("De tarde", '/informar{"horario": "de tarde"}'),
                ("Tanto faz", '/informar{"horario": "tanto faz"}'),
            ],
        )
        return []

"""What is done once a form around the contract is complete."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from rasa_sdk.events import FollowupAction, SlotSet

from actions.desk import call_person
from actions.formats import day, money, weekday
from actions.forms.base import CONFIRMED
from actions.forms.contract import ACCEPTED
from actions.forms.places import full_address, place_name, place_of
from actions.forms.sales import ODD_NUMBER, extra_words
from actions.sales import plan_title
from actions.service import ServiceAction
from actions.talk import Events, Talk, TheoAction, forget
from backoffice import contract as rules
from backoffice import desk
from backoffice.contract import (
    AddressChangeTerms,
    AddressOutcome,
    CancellationOutcome,
    CancellationTerms,
    PlanOutcome,
    Suspension,
    SuspensionOutcome,
)
from backoffice.records import Contract, ContractStatus, Sector
from backoffice.sales import CoverageOutcome

YES_NO = [("Sim", "/afirmar"), ("Não", "/negar")]
#: What is offered instead of the end → the form that does it.
ALTERNATIVES = {"pausa": "pausa_form", "plano": "plano_form", "endereco": "endereco_form"}


async def current(talk: Talk, contract: str) -> Contract:
    return await talk.ask(lambda erp: erp.contract(contract))


def not_active(talk: Talk, contract: Contract) -> Events:
    """Says why a contract cannot be changed now, and offers what helps."""
    if contract.cancelling and contract.cancel_on:
        talk.say("utter_contrato_cancelando", dia=weekday(contract.cancel_on))
        return [SlotSet("oferta", "desfazer_cancelamento"), SlotSet("cancelamento", contract.id)]
    if contract.status is ContractStatus.BLOCKED_FOR_DEBT:
        talk.say("utter_contrato_bloqueado")
        return [SlotSet("oferta", "segunda_via")]
    talk.say("utter_contrato_pausado" if contract.status is ContractStatus.SUSPENDED else "utter_contrato_encerrado")
    return [SlotSet("oferta", "atendente")]


# -- the plan ----------------------------------------------------------------------------------------


class AskNewPlan(TheoAction):
    """The plans that this contract could have, with the difference in price."""

    def name(self) -> str:
        return "action_ask_plano_novo"

    async def act(self, talk: Talk) -> Events:
        options = await talk.ask(rules.plan_options, talk.slot("contrato"))
        wish = talk.slot("direcao")
        wanted = {"mais": options.faster, "menos": options.slower}.get(str(wish))
        response = {
            "mesmo_plano": "utter_plano_ja_e",
            "sem_essa_velocidade": "utter_plano_novo_sem_velocidade",
        }.get(str(talk.slot("falha")), "utter_ask_plano_novo")
        if wanted == ():
            response = f"utter_plano_sem_{wish}"
        plans = wanted or (*options.slower[::-1], *options.faster)
        titles = [
            (f"{plan_title(talk, plan)} ({difference(talk, plan.price - options.current.price)})", plan.id)
            for plan in plans
        ]
        talk.menu(
            response,
            [(title, f'/informar{{"plano": "{plan}"}}') for title, plan in titles],
            plano=options.current.name, preco=money(options.current.price),
        )  # fmt: skip
        return forget("falha")


def difference(talk: Talk, amount: Decimal) -> str:
    """`R$ 20,00 a mais`."""
    if amount == 0:
        return talk.words("utter_mesmo_preco")
    return talk.words("utter_a_mais" if amount > 0 else "utter_a_menos", valor=money(abs(amount)))


class AskPlanConfirmation(TheoAction):
    def name(self) -> str:
        return "action_ask_plano_form_confirma"

    async def act(self, talk: Talk) -> Events:
        contract = await current(talk, talk.slot("contrato"))
        plans = await talk.ask(lambda erp: erp.plans())
        new = next(plan for plan in plans if plan.id == talk.slot("plano_novo"))
        talk.menu(
            "utter_confirma_plano", YES_NO,
            antes=contract.plan.name, depois=new.name, preco=money(new.price), extra=extra_words(talk, new),
            diferenca=difference(talk, new.price - contract.plan.price),
        )  # fmt: skip
        return []


class ChangePlan(ServiceAction):
    """Another plan, in the records."""

    spent = ("plano_novo", "confirma", "direcao", "velocidades", "quer_contratar", "falha")

    def name(self) -> str:
        return "action_alterar_plano"

    async def act(self, talk: Talk) -> Events:
        if talk.slot("quer_contratar"):
            return [*forget(*self.spent, "servico"), FollowupAction("contratar_form")]
        return await super().act(talk)

    async def serve(self, talk: Talk, contract: str) -> Events:
        before = await current(talk, contract)
        if before.status is not ContractStatus.ACTIVE or before.cancelling:
            return not_active(talk, before)
        if talk.slot("confirma") is not True or not talk.slot("plano_novo"):
            talk.say("utter_plano_desistiu", plano=before.plan.name)
            return []
        change = await talk.ask(rules.change_plan, contract, str(talk.slot("plano_novo")), talk.key)
        plan = change.contract.plan
        if change.outcome is PlanOutcome.CHANGED:
            talk.say("utter_plano_alterado", plano=plan.name, preco=money(plan.price), extra=extra_words(talk, plan))
        elif change.outcome is PlanOutcome.SAME_PLAN:
            talk.say("utter_plano_desistiu", plano=plan.name)
        else:
            talk.say("utter_plano_nao_deu")
            return [SlotSet("oferta", "atendente")]
        return []


# -- the address -------------------------------------------------------------------------------------


class AskAddressConfirmation(TheoAction):
    """Where from and to, what it costs and why, how long it takes."""

    def name(self) -> str:
        return "action_ask_endereco_form_confirma"

    async def act(self, talk: Talk) -> Events:
        contract = await current(talk, talk.slot("contrato"))
        terms = await talk.ask(rules.address_change_terms, contract.id)
        place = place_of(talk.slot("lugar"))
        talk.menu(
            "utter_confirma_endereco" if place.served else "utter_confirma_endereco_a_verificar", YES_NO,
            antes=contract.address, depois=new_address(talk), preco=price_words(talk, terms), dias=terms.days,
        )  # fmt: skip
        return []


def new_address(talk: Talk) -> str:
    place = place_of(talk.slot("lugar"))
    return full_address(place, talk.slot("endereco")) or place_name(talk, place)


def price_words(talk: Talk, terms: AddressChangeTerms) -> str:
    if terms.price == 0:
        return talk.words("utter_mudanca_sem_custo")
    return talk.words("utter_mudanca_com_custo", preco=money(terms.price), dia=day(terms.free_from))


class ChangeAddress(ServiceAction):
    """A ticket for the contract people, where the place is not known to be out of reach."""

    spent = ("lugar", "endereco", "confirma", "verdito_dito", "falha")

    def name(self) -> str:
        return "action_mudar_endereco"

    async def serve(self, talk: Talk, contract: str) -> Events:
        before, place = await current(talk, contract), place_of(talk.slot("lugar"))
        if before.status is ContractStatus.CANCELLED or before.cancelling:
            return not_active(talk, before)
        if place.veredito == CoverageOutcome.NOT_SERVED.value:
            talk.say("utter_mudanca_sem_cobertura", endereco=before.address)
            return []
        if talk.slot("confirma") is not True or not place.decided:
            talk.say("utter_mudanca_desistiu", endereco=before.address)
            return []
        area = place.bairro if place.cep is None else None
        change = await talk.ask(
            rules.change_address, contract, talk.key,
            address=new_address(talk), cep=place.cep, point=place.point, neighbourhood=area,
        )  # fmt: skip
        if change.ticket is None:
            talk.say("utter_mudanca_sem_cobertura", endereco=before.address)
            return []
        said = "utter_mudanca_pedida" if change.outcome is AddressOutcome.REQUESTED else "utter_mudanca_a_verificar"
        talk.say(
            said, protocolo=change.ticket.protocol, endereco=new_address(talk),
            preco=price_words(talk, change.terms), dias=change.terms.days,
        )  # fmt: skip
        return []


# -- the owner ---------------------------------------------------------------------------------------


class AskNewOwner(TheoAction):
    def name(self) -> str:
        return "action_ask_novo_titular"

    async def act(self, talk: Talk) -> Events:
        talk.say("utter_nome_curto" if talk.slot("falha") == "nome_curto" else "utter_ask_novo_titular")
        return forget("falha")


class AskOwnerDocument(TheoAction):
    """Asks for the new owner's document; it is never said back."""

    def name(self) -> str:
        return "action_ask_titular_documento"

    async def act(self, talk: Talk) -> Events:
        failures = {"documento_nao_confere": "utter_documento_nao_confere", "mesmo_titular": "utter_mesmo_titular"}
        response = failures.get(str(talk.slot("falha")), "utter_ask_titular_documento")
        talk.say(response, nome=first_name(talk))
        return forget("falha")


class AskOwnerPhone(TheoAction):
    def name(self) -> str:
        return "action_ask_titular_telefone"

    async def act(self, talk: Talk) -> Events:
        odd = talk.slot("falha") == ODD_NUMBER
        talk.say("utter_telefone_estranho" if odd else "utter_ask_titular_telefone", nome=first_name(talk))
        return forget("falha")


def first_name(talk: Talk) -> str:
    """Of the new owner."""
    return str(talk.slot("novo_titular")).split()[0]


class AskOwnerConfirmation(TheoAction):
    def name(self) -> str:
        return "action_ask_titularidade_form_confirma"

    async def act(self, talk: Talk) -> Events:
        contract = await current(talk, talk.slot("contrato"))
        talk.menu("utter_confirma_titular", YES_NO, nome=talk.slot("novo_titular"), endereco=contract.address)
        return []


class ChangeOwner(ServiceAction):
    """A ticket for the contract people; they need the consent of both."""

    spent = (
        "novo_titular", "titular_documento", "titular_telefone", "confirma", "falecimento", "nome_curto", "falha",
    )  # fmt: skip

    def name(self) -> str:
        return "action_transferir_titularidade"

    async def act(self, talk: Talk) -> Events:
        if talk.slot("falecimento"):
            return [*forget(*self.spent), *await call_person(talk, "utter_falecimento", Sector.CONTRACT)]
        return await super().act(talk)

    async def serve(self, talk: Talk, contract: str) -> Events:
        if talk.slot("confirma") is not True or not talk.slot("novo_titular"):
            talk.say("utter_titular_desistiu")
            return []
        opened = await talk.ask(
            rules.transfer_ownership, contract, talk.key,
            new_owner=str(talk.slot("novo_titular")),
            document=talk.slot("titular_documento"), phone=talk.slot("titular_telefone"),
        )  # fmt: skip
        talk.say(
            "utter_titular_pedido" if opened.is_new else "utter_titular_ja_pedido",
            protocolo=opened.ticket.protocol, nome=talk.slot("novo_titular"),
        )  # fmt: skip
        return []


# -- a pause -----------------------------------------------------------------------------------------


class AskFirstDay(TheoAction):
    """Offers near days; any other can be told."""

    def name(self) -> str:
        return "action_ask_pausa_inicio"

    async def act(self, talk: Talk) -> Events:
        today = (await talk.ask(lambda erp: erp.now())).date()
        monday = today + dt.timedelta(days=7 - today.weekday())
        days = {"Hoje": today, "Amanhã": today + dt.timedelta(days=1)}
        if monday not in days.values():
            days[f"Na {weekday(monday)}"] = monday
        contract = await current(talk, talk.slot("contrato"))
        response = "utter_ask_pausa_inicio"
        if talk.slot("falha") == SuspensionOutcome.IN_THE_PAST.value:
            response = "utter_pausa_no_passado"
        elif contract.suspended_from and contract.suspended_from > today:
            response = "utter_pausa_ja_marcada"
        booked = (contract.suspended_from or today, contract.suspended_until or today)
        talk.menu(
            response,
            [(title, f'/informar{{"dia": "{date.isoformat()}"}}') for title, date in days.items()],
            inicio=day(booked[0]), fim=day(booked[1]),
        )  # fmt: skip
        return forget("falha")


class AskLastDay(TheoAction):
    """Offers whole months within the limits; any other length or day can be told."""

    def name(self) -> str:
        return "action_ask_pausa_fim"

    async def act(self, talk: Talk) -> Events:
        policy = (await talk.ask(lambda erp: erp.company())).suspension
        lengths = sorted({policy.min_days, *range(30, policy.max_days + 1, 30), policy.max_days})
        options = [
            (f"{count} dias", f'/informar{{"pausa_dias": "{count}"}}') for count in lengths if count >= policy.min_days
        ]
        refused = talk.slot("falha") in (SuspensionOutcome.TOO_SHORT.value, SuspensionOutcome.TOO_LONG.value)
        talk.menu(
            "utter_pausa_fora_do_limite" if refused else "utter_ask_pausa_fim", options,
            minimo=policy.min_days, maximo=policy.max_days, inicio=day_of(talk, "pausa_inicio"),
        )  # fmt: skip
        return forget("falha")


def day_of(talk: Talk, slot: str) -> str:
    """`25/11/2026` of a slot that holds an ISO date."""
    return day(dt.date.fromisoformat(str(talk.slot(slot))))


def pause_days(talk: Talk) -> tuple[dt.date, dt.date]:
    return dt.date.fromisoformat(str(talk.slot("pausa_inicio"))), dt.date.fromisoformat(str(talk.slot("pausa_fim")))


class AskPauseConfirmation(TheoAction):
    def name(self) -> str:
        return "action_ask_pausa_form_confirma"

    async def act(self, talk: Talk) -> Events:
        first, last = pause_days(talk)
        policy = (await talk.ask(lambda erp: erp.company())).suspension
        talk.menu(
            "utter_confirma_pausa", YES_NO,
            inicio=day(first), fim=day(last), dias=(last - first).days + 1, volta=day(last + dt.timedelta(days=1)),
            taxa=fee_words(talk, policy.price),
        )  # fmt: skip
        return []


def fee_words(talk: Talk, price: Decimal) -> str:
    return talk.words("utter_pausa_com_taxa", preco=money(price)) if price else talk.words("utter_pausa_sem_taxa")


class Pause(ServiceAction):
    """A suspension at the customer's wish, in the records."""

    spent = ("pausa_inicio", "pausa_fim", "pausa_dias", "confirma", "falha")

    def name(self) -> str:
        return "action_suspender"

    async def serve(self, talk: Talk, contract: str) -> Events:
        if talk.slot("confirma") is True and talk.slot("pausa_inicio") and talk.slot("pausa_fim"):
            first, last = pause_days(talk)
            return await self._tell(talk, contract, await talk.ask(rules.suspend, contract, first, last, talk.key))
        today = (await talk.ask(lambda erp: erp.now())).date()
        policy = (await talk.ask(lambda erp: erp.company())).suspension
        first = dt.date.fromisoformat(str(talk.slot("pausa_inicio"))) if talk.slot("pausa_inicio") else today
        verdict = await talk.ask(rules.may_suspend, contract, first, first + dt.timedelta(days=policy.min_days - 1))
        if verdict.outcome is SuspensionOutcome.SUSPENDED:
            talk.say("utter_pausa_desistiu")
            return []
        return await self._tell(talk, contract, verdict)

    async def _tell(self, talk: Talk, contract: str, pause: Suspension) -> Events:
        if pause.outcome is SuspensionOutcome.SUSPENDED:
            back = pause.last + dt.timedelta(days=1)
            talk.say("utter_pausado", inicio=day(pause.first), fim=day(pause.last), volta=day(back))
            return []
        if pause.outcome is SuspensionOutcome.HAS_DEBT:
            talk.say("utter_pausa_com_debito", total=money(pause.overdue))
            return [SlotSet("oferta", "segunda_via")]
        if pause.outcome is SuspensionOutcome.USED_RECENTLY and pause.again_on:
            policy = (await talk.ask(lambda erp: erp.company())).suspension
            talk.say("utter_pausa_recente", dias=policy.once_every_days, dia=day(pause.again_on))
            return []
        if pause.outcome is SuspensionOutcome.NOT_ACTIVE:
            return not_active(talk, await current(talk, contract))
        talk.say("utter_pausa_desistiu")
        return []


# -- the end -----------------------------------------------------------------------------------------


class AskReason(TheoAction):
    """Why, once, and it may be skipped."""

    def name(self) -> str:
        return "action_ask_motivo"

    async def act(self, talk: Talk) -> Events:
        options = [
            ("Está caro", '/informar{"motivo": "está caro"}'),
            ("Problemas com a internet", '/informar{"motivo": "problemas com a internet"}'),
            ("Vou me mudar", '/informar{"motivo": "vou me mudar"}'),
            ("Não vou usar por um tempo", '/informar{"motivo": "não vou usar por um tempo"}'),
            ("Prefiro não dizer", '/informar{"motivo": "pular"}'),
        ]
        talk.menu("utter_ask_motivo", options)
        return []


class AskAlternative(TheoAction):
    """The one thing that may be offered instead, with its real numbers; "no" goes on at once."""

    def name(self) -> str:
        return "action_ask_alternativa"

    async def act(self, talk: Talk) -> Events:
        kind = str(talk.slot("alternativa_tipo"))
        options = [("Sim, quero ver", "/afirmar"), ("Não", "/negar")]
        if kind == "plano":
            plans = await talk.ask(rules.plan_options, talk.slot("contrato"))
            cheapest = min(plans.slower, key=lambda plan: plan.price)
            less = difference(talk, cheapest.price - plans.current.price)
            talk.menu(
                "utter_alternativa_plano",
                options,
                plano=cheapest.name,
                preco=money(cheapest.price),
                diferenca=less,
            )
        elif kind == "pausa":
            policy = (await talk.ask(lambda erp: erp.company())).suspension
            talk.menu(
                "utter_alternativa_pausa", options,
                minimo=policy.min_days, maximo=policy.max_days, taxa=fee_words(talk, policy.price),
            )  # fmt: skip
        else:
            terms = await talk.ask(rules.address_change_terms, talk.slot("contrato"))
            talk.menu("utter_alternativa_endereco", options, preco=price_words(talk, terms))
        return []


def fine_words(talk: Talk, terms: CancellationTerms) -> str:
    """The fine with every number it is made of."""
    if not terms.fine:
        return talk.words("utter_cancelar_sem_multa")
    return talk.words(
        "utter_cancelar_multa",
        total=money(terms.fine), meses=terms.months_left, por_mes=money(terms.fine_per_month),
        fim=day(terms.loyalty_ends) if terms.loyalty_ends else "",
    )  # fmt: skip


class AskCancellation(TheoAction):
    """All that leaving means, and then the question."""

    def name(self) -> str:
        return "action_ask_cancelar_form_confirma"

    async def act(self, talk: Talk) -> Events:
        contract = await current(talk, talk.slot("contrato"))
        terms = await talk.ask(rules.cancellation_terms, contract.id)
        lines = [
            fine_words(talk, terms),
            talk.words("utter_cancelar_data", dia=weekday(terms.effective)),
            talk.words("utter_cancelar_equipamento", equipamento=terms.equipment),
        ]
        if terms.open_total:
            lines.append(talk.words("utter_cancelar_aberto", total=money(terms.open_total)))
        asked = talk.slot("quer_saber_multa")
        talk.menu(
            "utter_termos_cancelamento" if asked else "utter_confirma_cancelamento",
            YES_NO,
            endereco=contract.address, plano=contract.plan.name, linhas="\n".join(f"• {line}" for line in lines),
        )  # fmt: skip
        return []


class Cancel(ServiceAction):
    """Ends the contract: protocol, day of effect, fine, equipment, in writing. Or keeps it, if that is the wish."""

    spent = (
        "motivo",
        "alternativa",
        "alternativa_tipo",
        "quer_saber_multa",
        "quer_manter",
        "confirma",
        "falha",
    )

    def name(self) -> str:
        return "action_cancelar"

    async def serve(self, talk: Talk, contract: str) -> Events:
        before = await current(talk, contract)
        if talk.slot("quer_manter"):
            return await keep(talk, contract)
        if before.cancelling:
            return await self._known(talk, before)
        if talk.slot("alternativa") == ACCEPTED and talk.slot("alternativa_tipo") in ALTERNATIVES:
            kind = str(talk.slot("alternativa_tipo"))
            return [SlotSet("direcao", "menos" if kind == "plano" else None), FollowupAction(ALTERNATIVES[kind])]
        if talk.slot("confirma") is not True:
            talk.say("utter_cancelamento_desistiu")
            return []
        done = await talk.ask(rules.cancel, contract, reason(talk), talk.key)
        if done.outcome is not CancellationOutcome.REQUESTED or done.ticket is None or done.effective is None:
            return await self._known(talk, await current(talk, contract))
        talk.say(
            "utter_cancelado",
            protocolo=done.ticket.protocol, endereco=before.address, plano=before.plan.name,
            dia=weekday(done.effective), multa=fine_words(talk, done.terms), equipamento=done.terms.equipment,
        )  # fmt: skip
        talk.note("cancelamento", done.ticket.protocol)
        return [SlotSet("cancelamento", contract)]

    async def _known(self, talk: Talk, contract: Contract) -> Events:
        """A cancellation that is on record already: its day, its protocol, and the way back."""
        if contract.cancel_on is None or contract.status is ContractStatus.CANCELLED:
            talk.say("utter_contrato_encerrado")
            return []
        tickets = await talk.ask(desk.open_tickets, contract.customer_id)
        known = [t for t in tickets if (t.contract_id, t.subject) == (contract.id, "cancelar_servico")]
        said = "utter_ja_cancelando" if known else "utter_contrato_cancelando"
        talk.say(said, dia=weekday(contract.cancel_on), protocolo=known[0].protocol if known else "")
        return [SlotSet("oferta", "desfazer_cancelamento"), SlotSet("cancelamento", contract.id)]


def reason(talk: Talk) -> str:
    told = str(talk.slot("motivo") or "").strip()
    return f"Motivo: {told}" if told else "Motivo não informado."


async def keep(talk: Talk, contract: str) -> Events:
    """Takes a requested end back."""
    kept = await talk.ask(rules.keep, contract, talk.key)
    talk.say("utter_cancelamento_desfeito" if kept else "utter_nada_a_desfazer")
    if kept:
        talk.note("cancelamento desfeito", talk.slot("protocolo"))
    return [SlotSet("cancelamento", None), SlotSet("oferta", None)]


class KeepContract(TheoAction):
    """The offer to take the cancellation back was accepted."""

    def name(self) -> str:
        return "action_desfazer_cancelamento"

    async def act(self, talk: Talk) -> Events:
        if talk.slot("identidade") != CONFIRMED or not talk.slot("cancelamento"):
            return [SlotSet("oferta", None), FollowupAction("cancelar_form")]
        return await keep(talk, str(talk.slot("cancelamento")))

"""What support says and does: the diagnosis told, visits, the Wi-Fi password, the state of a request."""

from __future__ import annotations

import datetime as dt

from rasa_sdk.events import FollowupAction, SlotSet

from actions.desk import summary
from actions.formats import short_day, weekday
from actions.forms.support import CHANGE_VISIT
from actions.service import ServiceAction
from actions.talk import Events, Talk, TheoAction, forget
from backoffice import billing, desk, support
from backoffice.billing import ReleaseOutcome
from backoffice.desk import LookupOutcome
from backoffice.first_level import End
from backoffice.records import Sector, Shift, Ticket, TicketStatus, Visit
from backoffice.support import Diagnosis, DiagnosisOutcome, NoticeOutcome, VisitOutcome, WifiOutcome

#: Outcomes that are told and need nothing else.
PLAIN = {
    DiagnosisOutcome.CANCELLED: "utter_suporte_cancelado",
    DiagnosisOutcome.NO_LIGHT: "utter_suporte_sem_luz",
    DiagnosisOutcome.WEAK_SIGNAL: "utter_suporte_sinal_fraco",
}
TOLD = {
    End.WIFI.value: "utter_suporte_wifi",
    End.APP.value: "utter_suporte_aplicativo",
    End.SOLVED.value: "utter_suporte_resolvido",
    End.LIT.value: "utter_suporte_acendeu",
}
SHIFT_NAMES = {Shift.MORNING: "de manhã", Shift.AFTERNOON: "de tarde"}


class Support(ServiceAction):
    """The end of the script: what is known, and what happens now."""

    spent = ("resposta", "passo", "respostas", "tentou", "resultado")

    def name(self) -> str:
        return "action_suporte"

    async def serve(self, talk: Talk, contract: str) -> Events:
        found = await talk.ask(support.diagnose, contract)
        booked = found.ticket.visit if found.ticket and found.ticket.visit else None
        if found.outcome is DiagnosisOutcome.BLOCKED_FOR_DEBT:
            may = (await talk.ask(billing.may_release, contract)).outcome
            if may in (ReleaseOutcome.USED_RECENTLY, ReleaseOutcome.TOO_MANY_OPEN):
                talk.say("utter_suporte_bloqueado_sem_confianca")
                return [SlotSet("oferta", "segunda_via")]
            talk.say("utter_suporte_bloqueado")
            return [SlotSet("oferta", "desbloqueio")]
        if found.outcome is DiagnosisOutcome.SUSPENDED:
            until = found.contract.suspended_until
            talk.say("utter_suporte_suspenso", dia=weekday(until) if until else "o fim da pausa")
            return []
        if found.outcome is DiagnosisOutcome.OUTAGE:
            return self._outage(talk, found)
        if found.outcome in PLAIN and not booked:
            talk.say(PLAIN[found.outcome])
            return self._visit() if found.needs_visit else []
        if booked and found.ticket and talk.slot("resultado") not in TOLD:
            talk.say("utter_visita_ja_marcada", quando=when_words(talk, booked), protocolo=found.ticket.protocol)
            return []
        if talk.slot("aplicativo") == "iptv" and found.outcome is DiagnosisOutcome.ONLINE_OK:
            talk.say("utter_suporte_iptv")
            return [SlotSet("aplicativo", None)]
        result = talk.slot("resultado")
        if result in TOLD:
            talk.say(TOLD[result])
            return [SlotSet("aplicativo", None)]
        if result == End.VISIT.value:
            talk.say("utter_suporte_precisa_visita")
            return self._visit()
        return await self._ticket(talk, contract)

    def _outage(self, talk: Talk, found: Diagnosis) -> Events:
        outage = found.outage
        assert outage is not None, "an outage outcome has its outage"
        talk.say(
            "utter_suporte_queda" if outage.cause else "utter_suporte_queda_sem_causa",
            bairro=outage.neighbourhood, causa=outage.cause or "", desde=f"{outage.since:%Hh%M}",
        )  # fmt: skip
        if outage.back_by:
            later = outage.back_by.date() > outage.since.date()
            talk.say(
                "utter_suporte_previsao",
                hora=f"{outage.back_by:%Hh%M}" + (f" de {short_day(outage.back_by)}" if later else ""),
            )
        talk.say("utter_oferece_aviso")
        return [SlotSet("oferta", "aviso")]

    def _visit(self) -> Events:
        return [*forget("visita", "confirma", "visita_id"), FollowupAction("visita_form")]

    async def _ticket(self, talk: Talk, contract: str) -> Events:
        """A problem without a script: the customer's words go to the support people."""
        opened = await talk.ask(
            desk.open_ticket, subject=str(talk.slot("sintoma") or "pedir_suporte"), sector=Sector.SUPPORT,
            text=str(talk.slot("relato") or ""), key=talk.key, customer_id=talk.slot("cliente"), contract_id=contract,
        )  # fmt: skip
        talk.say(
            "utter_chamado_aberto" if opened.is_new else "utter_chamado_ja_aberto",
            protocolo=opened.ticket.protocol,
        )
        return []


class AskSymptom(TheoAction):
    def name(self) -> str:
        return "action_ask_sintoma"

    async def act(self, talk: Talk) -> Events:
        talk.menu(
            "utter_ask_sintoma",
            [
                ("Estou sem internet", "/sem_internet"),
                ("Está lenta ou caindo", "/internet_lenta"),
                ("O aparelho não liga", "/modem_desligado"),
                ("Senha do Wi-Fi", "/trocar_senha_wifi"),
                ("Outro problema", '/informar{"sintoma": "outro"}'),
            ],
        )
        return []


class AskStep(TheoAction):
    """The question of the current step, after what the network says, once."""

    def name(self) -> str:
        return "action_ask_resposta"

    async def act(self, talk: Talk) -> Events:
        if not talk.slot("respostas") and talk.slot("falado") != talk.slot("diagnostico"):
            talk.say(f"utter_diagnostico_{talk.slot('diagnostico')}")
        talk.say(f"utter_passo_{talk.slot('passo')}")
        return [SlotSet("falado", talk.slot("diagnostico"))]


class AskVisit(TheoAction):
    """The next shifts with room."""

    def name(self) -> str:
        return "action_ask_visita"

    async def act(self, talk: Talk) -> Events:
        offers = await talk.ask(support.visit_offers, 6)
        if not offers:
            talk.say("utter_sem_agenda")
            return []
        options = [
            (
                f"{weekday(o.day)}, {SHIFT_NAMES[o.shift]}",
                f'/informar{{"visita": "{o.day.isoformat()} {o.shift.value}"}}',
            )
            for o in offers
        ]
        talk.menu("utter_visita_sem_vaga" if talk.slot("falha") == "sem_vaga" else "utter_ask_visita", options)
        return forget("falha")


class AskVisitConfirmation(TheoAction):
    def name(self) -> str:
        return "action_ask_visita_form_confirma"

    async def act(self, talk: Talk) -> Events:
        day, shift = read_slot(str(talk.slot("visita")))
        hours = (await talk.ask(lambda erp: erp.company())).visits.hours(shift)
        talk.menu(
            "utter_confirma_visita", [("Sim", "/afirmar"), ("Não", "/negar")],
            quando=f"{weekday(day)}, {SHIFT_NAMES[shift]} (das {hours.start:%Hh} às {hours.end:%Hh})",
        )  # fmt: skip
        return []


class BookVisit(ServiceAction):
    """Books a visit, or moves the one that is booked; confirms with the written date."""

    spent = ("visita", "confirma", "visita_id")

    def name(self) -> str:
        return "action_visita"

    async def serve(self, talk: Talk, contract: str) -> Events:
        if talk.slot("confirma") is not True:
            talk.say("utter_visita_nao_marcada")
            return [SlotSet("oferta", "visita")]
        day, shift = read_slot(str(talk.slot("visita")))
        if talk.slot("visita_id"):
            result = await talk.ask(support.move_visit, str(talk.slot("visita_id")), day, shift, talk.key)
        else:
            result = await talk.ask(
                support.book_visit, contract, day, shift, talk.key,
                subject=str(talk.slot("sintoma") or "pedir_suporte"), text=str(talk.slot("relato") or ""),
            )  # fmt: skip
        if result.outcome in (VisitOutcome.BOOKED, VisitOutcome.MOVED) and result.visit and result.ticket:
            said = "utter_visita_marcada" if result.outcome is VisitOutcome.BOOKED else "utter_visita_remarcada"
            talk.say(said, quando=when_words(talk, result.visit), protocolo=result.ticket.protocol)
        elif result.outcome is VisitOutcome.ALREADY_BOOKED and result.visit and result.ticket:
            talk.say(
                "utter_visita_ja_marcada",
                quando=when_words(talk, result.visit),
                protocolo=result.ticket.protocol,
            )
        else:
            talk.say("utter_visita_vaga_perdida")
            return [SlotSet("oferta", "visita")]
        return []


class AboutVisit(ServiceAction):
    """Tells, moves or cancels a visit; a missed one has priority."""

    spent = ("confirma", "pedido_visita")
    needs_contract = False

    def name(self) -> str:
        return "action_consultar_visita"

    async def serve(self, talk: Talk, contract: str) -> Events:
        wish = talk.slot("pedido_visita")
        ahead = await talk.ask(support.visits_ahead, talk.slot("cliente"))
        missed = await talk.ask(support.missed_visits, talk.slot("cliente"))
        if wish == "nao_veio":
            past_or_next = (*missed, *ahead)
            return await self._missed(talk, contract, past_or_next[0] if past_or_next else None)
        if not ahead:
            talk.say("utter_sem_visita")
            return []
        visit = ahead[0]
        if wish == "remarcar":
            return [
                SlotSet("visita_id", visit.id),
                SlotSet("contrato", visit.contract_id),
                FollowupAction("visita_form"),
            ]
        if wish == "cancelar":
            return await self._cancel(talk, visit)
        talk.menu(
            "utter_visita_consulta",
            [
                ("Manter", "/agradecer"),
                ("Remarcar", '/consultar_visita{"pedido_visita": "remarcar"}'),
                ("Cancelar a visita", '/consultar_visita{"pedido_visita": "cancelar"}'),
            ],
            quando=when_words(talk, visit), protocolo=visit.protocol,
        )  # fmt: skip
        return [SlotSet("oferta", CHANGE_VISIT)]

    async def _missed(self, talk: Talk, contract: str, visit: Visit | None) -> Events:
        if visit is None:
            opened = await talk.ask(
                desk.open_ticket, subject="visita_nao_realizada", sector=Sector.SUPPORT, text=summary(talk),
                key=talk.key, customer_id=talk.slot("cliente"), contract_id=contract or None,
            )  # fmt: skip
            talk.say("utter_visita_nao_veio_sem_registro", protocolo=opened.ticket.protocol)
            return []
        opened = await talk.ask(support.report_missed_visit, visit.id, summary(talk), talk.key)
        ahead = visit.day > (await talk.ask(lambda erp: erp.now())).date()
        said = "utter_visita_nao_veio_ainda" if ahead else "utter_visita_nao_veio"
        talk.say(said, quando=when_words(talk, visit), protocolo=opened.ticket.protocol)
        return []

    async def _cancel(self, talk: Talk, visit: Visit) -> Events:
        if talk.slot("confirma") is not True:
            talk.say("utter_visita_mantida", quando=when_words(talk, visit))
            return []
        result = await talk.ask(support.cancel_visit, visit.id, talk.key)
        talk.say(
            "utter_visita_cancelada" if result.outcome is VisitOutcome.CANCELLED else "utter_sem_visita",
            quando=when_words(talk, visit),
        )
        return []


class AskVisitCancellation(TheoAction):
    def name(self) -> str:
        return "action_ask_consultar_visita_form_confirma"

    async def act(self, talk: Talk) -> Events:
        ahead = await talk.ask(support.visits_ahead, talk.slot("cliente"))
        quando = when_words(talk, ahead[0]) if ahead else ""
        talk.menu(
            "utter_confirma_cancelar_visita",
            [("Sim, cancelar", "/afirmar"), ("Não, manter", "/negar")],
            quando=quando,
        )
        return []


class AskPassword(TheoAction):
    def name(self) -> str:
        return "action_ask_nova_senha"

    async def act(self, talk: Talk) -> Events:
        talk.say("utter_senha_fraca" if talk.slot("falha") == "senha_fraca" else "utter_ask_nova_senha")
        return forget("falha")


class AskWifiConfirmation(TheoAction):
    def name(self) -> str:
        return "action_ask_wifi_form_confirma"

    async def act(self, talk: Talk) -> Events:
        talk.menu("utter_confirma_wifi", [("Sim", "/afirmar"), ("Não", "/negar")], senha=talk.slot("nova_senha"))
        return []


class ChangeWifi(ServiceAction):
    """Sets the password where the equipment can be reached; else the support people are asked."""

    spent = ("nova_senha", "confirma")

    def name(self) -> str:
        return "action_wifi"

    async def serve(self, talk: Talk, contract: str) -> Events:
        connection = await talk.ask(lambda erp: erp.connection(contract))
        if connection.wifi_managed and talk.slot("confirma") is not True:
            talk.say("utter_wifi_desistiu")
            return []
        change = await talk.ask(
            support.set_wifi, contract, talk.key, password=str(talk.slot("nova_senha") or "a-definir")
        )
        if change.outcome is WifiOutcome.CHANGED:
            talk.say("utter_wifi_trocada")
        elif change.outcome is WifiOutcome.NOT_MANAGED and change.ticket:
            talk.say("utter_wifi_chamado", protocolo=change.ticket.protocol)
        else:
            talk.say("utter_wifi_nao_deu")
            return [SlotSet("oferta", "atendente")]
        return []


class AboutRequest(ServiceAction):
    """How a request stands: the one named, else those that are open."""

    spent = ("protocolo_consulta",)
    needs_contract = False

    def name(self) -> str:
        return "action_consultar_protocolo"

    async def serve(self, talk: Talk, contract: str) -> Events:
        number = talk.slot("protocolo_consulta")
        if number:
            found = await talk.ask(desk.find_ticket, str(number), talk.slot("cliente"))
            if found.outcome is LookupOutcome.FOUND and found.ticket:
                talk.say("utter_protocolo_estado", **ticket_words(talk, found.ticket))
            elif found.outcome is LookupOutcome.NOT_FOUND:
                talk.say("utter_protocolo_desconhecido", protocolo=number)
            else:
                talk.say("utter_protocolo_contato", protocolo=number)
            return []
        tickets = await talk.ask(desk.open_tickets, talk.slot("cliente"))
        if not tickets:
            talk.say("utter_sem_pedidos")
            return []
        for ticket in tickets[:3]:
            talk.say("utter_protocolo_estado", **ticket_words(talk, ticket))
        return []


class PromiseNotice(TheoAction):
    """A message when the outage is over."""

    def name(self) -> str:
        return "action_avisar"

    async def act(self, talk: Talk) -> Events:
        promise = await talk.ask(support.promise_notice, str(talk.slot("contrato")), talk.chat, talk.key)
        talk.say("utter_aviso_marcado" if promise.outcome is NoticeOutcome.PROMISED else "utter_aviso_sem_queda")
        return []


def read_slot(text: str) -> tuple[dt.date, Shift]:
    """`2026-11-25 manha` → the day and the shift."""
    day, shift = text.split()
    return dt.date.fromisoformat(day), Shift(shift)


def when_words(talk: Talk, visit: Visit) -> str:
    """`quarta, 25/11, de manhã`."""
    return f"{weekday(visit.day)}, {SHIFT_NAMES[visit.shift]}"


def ticket_words(talk: Talk, ticket: Ticket) -> dict[str, str]:
    """The variables of `utter_protocolo_estado`."""
    state = talk.words(f"utter_estado_{ticket.status.value}")
    if ticket.status is TicketStatus.SCHEDULED and ticket.visit:
        state += f": {when_words(talk, ticket.visit)}"
    subject = (
        talk.words(f"utter_assunto_{ticket.subject}")
        if f"utter_assunto_{ticket.subject}" in talk.responses
        else ticket.subject.replace("_", " ")
    )
    return {
        "protocolo": ticket.protocol,
        "assunto": subject,
        "estado": state,
        "dia": f"{ticket.opened_at:%d/%m}",
    }

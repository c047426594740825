"""What is done once a billing form is complete."""

from __future__ import annotations

from rasa_sdk.events import SlotSet

from actions.asking import due_words
from actions.desk import call_person
from actions.documents import document_path
from actions.formats import day, money
from actions.forms.billing import ALL_INVOICES, RELEASE_NOW
from actions.service import ServiceAction
from actions.talk import Events, SideAnswer, Talk
from backoffice import billing
from backoffice.billing import ClaimOutcome, DueDayOutcome, NegotiationOutcome, ReleaseOutcome
from backoffice.records import Invoice, Sector


class SendInvoice(ServiceAction):
    """Pix code, bar-code line and PDF, as wished; the codes alone in their messages."""

    spent = ("fatura", "forma_pagamento")

    def name(self) -> str:
        return "action_segunda_via"

    async def serve(self, talk: Talk, contract: str) -> Events:
        debt = await talk.ask(billing.open_invoices, contract)
        if not debt.invoices:
            talk.say("utter_nada_em_aberto")
            return []
        wanted = talk.slot("fatura")
        invoices = [i for i in debt.invoices if wanted == ALL_INVOICES or i.id == wanted]
        if not invoices:
            talk.say("utter_fatura_mudou")
            return []
        for invoice in invoices:
            await self._send(talk, invoice, str(talk.slot("forma_pagamento")))
        if talk.slot("outro_pedido"):
            talk.say("utter_pronto")
            return []
        talk.say("utter_segunda_via_enviada")
        return [SlotSet("oferta", "menu")]

    async def _send(self, talk: Talk, invoice: Invoice, form: str) -> None:
        today = (await talk.ask(lambda erp: erp.now())).date()
        talk.say("utter_fatura", valor=money(invoice.amount), vencimento=due_words(talk, invoice, today))
        if form == "pix" and not invoice.pix:
            talk.say("utter_sem_pix")
            form = "codigo_de_barras"
        if form in ("pix", "tudo") and invoice.pix:
            talk.say("utter_pix")
            talk.copyable(invoice.pix)
        if form != "pix" and invoice.line:
            talk.say("utter_linha_digitavel")
            talk.copyable(invoice.line)
        if form in ("pdf", "tudo") or (form == "codigo_de_barras" and not invoice.line):
            talk.document(document_path(invoice.id), f"fatura-{invoice.due:%m-%Y}-{invoice.id}.pdf")


class ClaimPayment(ServiceAction):
    """The customer says it is paid."""

    def name(self) -> str:
        return "action_informar_pagamento"

    async def serve(self, talk: Talk, contract: str) -> Events:
        claim = await talk.ask(billing.claim_payment, contract, talk.key)
        if claim.outcome is ClaimOutcome.ALREADY_RECORDED and claim.invoice and claim.invoice.paid_on:
            talk.say("utter_pagamento_ja_consta", valor=money(claim.invoice.amount), dia=day(claim.invoice.paid_on))
        elif claim.outcome is ClaimOutcome.REGISTERED and claim.invoice and claim.ticket:
            talk.say(
                "utter_pagamento_registrado" if claim.is_new else "utter_pagamento_ja_registrado",
                valor=money(claim.invoice.amount), dia=day(claim.invoice.due), protocolo=claim.ticket.protocol,
            )  # fmt: skip
            may = await talk.ask(billing.may_release, contract)
            if may.outcome is ReleaseOutcome.RELEASED:
                rule = (await talk.ask(lambda erp: erp.company())).trust_release
                talk.say("utter_oferece_desbloqueio", dias=rule.days)
                return [SlotSet("oferta", RELEASE_NOW)]
        else:
            talk.say("utter_nada_em_aberto")
        return []


class Release(ServiceAction):
    """Lifts a block on trust, or says why not."""

    spent = ("confirma",)

    def name(self) -> str:
        return "action_desbloqueio"

    async def serve(self, talk: Talk, contract: str) -> Events:
        may = await talk.ask(billing.may_release, contract)
        if may.outcome is ReleaseOutcome.RELEASED and talk.slot("confirma") is not True:
            talk.say("utter_desbloqueio_desistiu")
            return []
        if may.outcome in (ReleaseOutcome.RELEASED, ReleaseOutcome.PAID_BUT_BLOCKED):
            # What is paid and still blocked needs no yes: the finance people are asked to lift it.
            may = await talk.ask(billing.trust_release, contract, talk.key)
        return await self._tell(talk, contract, may)

    async def _tell(self, talk: Talk, contract: str, release: billing.Release) -> Events:
        until = day(release.until) if release.until else ""
        if release.outcome is ReleaseOutcome.RELEASED:
            talk.say("utter_desbloqueado", dia=until)
            talk.note("desbloqueio em confiança", talk.slot("protocolo"))
            return []
        if release.outcome is ReleaseOutcome.ALREADY_RELEASED:
            talk.say("utter_ja_desbloqueado", dia=until)
            return []
        if release.outcome is ReleaseOutcome.NOT_BLOCKED:
            talk.say("utter_nao_esta_bloqueado")
            return []
        if release.outcome is ReleaseOutcome.PAID_BUT_BLOCKED and release.ticket:
            talk.say("utter_pago_mas_bloqueado", protocolo=release.ticket.protocol)
            return []
        rule = (await talk.ask(lambda erp: erp.company())).trust_release
        if release.outcome is ReleaseOutcome.USED_RECENTLY and release.again_on:
            talk.say("utter_desbloqueio_usado", dias=rule.once_every_days, dia=day(release.again_on))
        elif release.outcome is ReleaseOutcome.TOO_MANY_OPEN:
            talk.say("utter_desbloqueio_muitas", quantas=release.overdue, maximo=rule.max_open_invoices)
        else:  # the ERP refuses and does not say why, so neither does Theo
            return await call_person(talk, "utter_encaminhado", Sector.BILLING)
        return [SlotSet("oferta", "segunda_via")]


class Contest(ServiceAction):
    """A disputed charge becomes a ticket."""

    spent = ("relato",)

    def name(self) -> str:
        return "action_contestar"

    async def serve(self, talk: Talk, contract: str) -> Events:
        debt = await talk.ask(billing.open_invoices, contract)
        invoices = debt.invoices or await talk.ask(lambda erp: erp.invoices(contract))
        if not invoices:
            talk.say("utter_nada_em_aberto")
            return []
        opened = await talk.ask(billing.contest_invoice, invoices[-1].id, str(talk.slot("relato")), talk.key)
        talk.say(
            "utter_contestacao_registrada" if opened.is_new else "utter_contestacao_ja_registrada",
            protocolo=opened.ticket.protocol,
        )
        return []


class Negotiate(ServiceAction):
    """A wish to split or postpone goes to the finance people."""

    spent = ("relato",)

    def name(self) -> str:
        return "action_negociar"

    async def serve(self, talk: Talk, contract: str) -> Events:
        done = await talk.ask(billing.negotiate, contract, str(talk.slot("relato") or ""), talk.key)
        if done.outcome is NegotiationOutcome.NOTHING_OPEN or done.ticket is None:
            talk.say("utter_nada_em_aberto")
        else:
            talk.say(
                "utter_negociacao_registrada" if done.is_new else "utter_negociacao_ja_registrada",
                protocolo=done.ticket.protocol,
            )
        return []


class ChangeDueDay(ServiceAction):
    """Another due day from the next invoice on."""

    spent = ("dia_vencimento", "confirma")

    def name(self) -> str:
        return "action_alterar_vencimento"

    async def serve(self, talk: Talk, contract: str) -> Events:
        if talk.slot("confirma") is not True:
            talk.say("utter_vencimento_desistiu")
            return []
        change = await talk.ask(billing.change_due_day, contract, int(talk.slot("dia_vencimento")), talk.key)
        if change.outcome is DueDayOutcome.CHANGED and change.first_due:
            talk.say("utter_vencimento_alterado", dia=change.day, primeiro=day(change.first_due))
        elif change.outcome is DueDayOutcome.SAME_DAY:
            talk.say("utter_vencimento_igual", dia=change.day)
        else:
            talk.say("utter_vencimento_recusado")
        return []


class PaymentForms(SideAnswer):
    """How a bill can be paid, from the company's record."""

    question = "perguntar_formas_pagamento"

    def name(self) -> str:
        return "action_formas_pagamento"

    async def act(self, talk: Talk) -> Events:
        company = await talk.ask(lambda erp: erp.company())
        names = {
            "pix": "Pix", "boleto": "boleto", "codigo_de_barras": "código de barras", "cartao": "cartão",
            "dinheiro": "dinheiro", "debito_automatico": "débito automático",
        }  # fmt: skip
        forms = [names.get(m.method, m.method) + (f" ({m.note})" if m.note else "") for m in company.payment_methods]
        talk.say("utter_formas_pagamento", formas=", ".join(forms[:-1]) + " e " + forms[-1])
        return []

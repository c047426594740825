"""The questions of the forms: which words ask for a slot, given what happened before."""

from __future__ import annotations

import datetime as dt

from actions.formats import day, money, weekday
from actions.forms.base import OFFER_PERSON_AFTER
from actions.forms.billing import ALL_INVOICES
from actions.talk import Events, Talk, TheoAction, forget
from backoffice import billing
from backoffice.records import Invoice

PERSON_OPTIONS = [("Falar com uma pessoa", "/falar_com_atendente"), ("Tentar de novo", "/afirmar")]
#: What went wrong with a document (slot `falha`) → the response that says so.
DOCUMENT_FAILURES = {
    "incompleto": "utter_documento_incompleto",
    "nao_confere": "utter_documento_nao_confere",
    "nao_confirmado": "utter_nao_confirmado",
    "nao_sabe": "utter_documento_nao_sabe",
    "de_outra_pessoa": "utter_documento_de_outra_pessoa",
}


class AskDocument(TheoAction):
    """Asks for CPF or CNPJ. The words differ after each failure; the third offers a person."""

    def name(self) -> str:
        return "action_ask_documento"

    async def act(self, talk: Talk) -> Events:
        failure = talk.slot("falha")
        if failure and (talk.slot("tentativas") or 0) >= OFFER_PERSON_AFTER:
            talk.menu("utter_oferece_pessoa", PERSON_OPTIONS)
        else:
            talk.say(DOCUMENT_FAILURES.get(failure, "utter_ask_documento"))
        return forget("falha")


class AskBirth(TheoAction):
    """Asks for the second factor, with its reason."""

    def name(self) -> str:
        return "action_ask_nascimento"

    async def act(self, talk: Talk) -> Events:
        failure = talk.slot("falha")
        if failure and (talk.slot("tentativas") or 0) >= OFFER_PERSON_AFTER:
            talk.menu("utter_oferece_pessoa_ou_nascimento", [PERSON_OPTIONS[0]])
        else:
            talk.say("utter_data_estranha" if failure == "data_estranha" else "utter_ask_nascimento")
        return forget("falha")


class AskContract(TheoAction):
    """Offers the customer's contracts by address; only a confirmed customer gets here."""

    def name(self) -> str:
        return "action_ask_contrato"

    async def act(self, talk: Talk) -> Events:
        contracts = await talk.ask(lambda erp: erp.contracts(talk.slot("cliente")))
        options = [
            (f"{contract.address} ({contract.plan.name})", f'/informar{{"contrato": "{contract.id}"}}')
            for contract in contracts
            if contract.status.value != "cancelled"
        ]
        talk.menu("utter_ask_contrato", options)
        return []


class AskInvoice(TheoAction):
    """Lists the open invoices, oldest first, with their total, and asks which."""

    def name(self) -> str:
        return "action_ask_fatura"

    async def act(self, talk: Talk) -> Events:
        debt = await talk.ask(billing.open_invoices, talk.slot("contrato"))
        today = (await talk.ask(lambda erp: erp.now())).date()
        options = [
            (f"{money(i.amount)}, {due_words(talk, i, today)}", f'/informar{{"fatura": "{i.id}"}}')
            for i in debt.invoices
        ]
        options.append((talk.words("utter_opcao_todas"), f'/informar{{"fatura": "{ALL_INVOICES}"}}'))
        talk.menu("utter_ask_fatura", options, quantas=len(debt.invoices), total=money(debt.total))
        return []


class AskPaymentForm(TheoAction):
    """Says which bill it is about, and asks how it should be sent."""

    def name(self) -> str:
        return "action_ask_forma_pagamento"

    async def act(self, talk: Talk) -> Events:
        options = [
            ("Pix copia e cola", '/informar{"forma_pagamento": "pix"}'),
            ("Código de barras", '/informar{"forma_pagamento": "codigo_de_barras"}'),
            ("Boleto em PDF", '/informar{"forma_pagamento": "pdf"}'),
            ("Tudo", '/informar{"forma_pagamento": "boleto"}'),
        ]
        if talk.slot("fatura") == ALL_INVOICES:
            talk.menu("utter_ask_forma_pagamento_todas", options)
            return []
        invoice = await talk.ask(lambda erp: erp.invoice(talk.slot("fatura")))
        today = (await talk.ask(lambda erp: erp.now())).date()
        talk.menu(
            "utter_ask_forma_pagamento",
            options,
            valor=money(invoice.amount),
            vencimento=due_words(talk, invoice, today),
        )
        return []


class AskDueDay(TheoAction):
    """Offers the days that the company offers."""

    def name(self) -> str:
        return "action_ask_dia_vencimento"

    async def act(self, talk: Talk) -> Events:
        company = await talk.ask(lambda erp: erp.company())
        options = [(f"Dia {d}", f'/informar{{"dia_vencimento": "{d}"}}') for d in company.due_days]
        refused = talk.slot("falha") == "dia_nao_oferecido"
        talk.menu("utter_dia_nao_oferecido" if refused else "utter_ask_dia_vencimento", options)
        return forget("falha")


class AskConfirmation(TheoAction):
    """Repeats what is about to be done, and asks for a yes."""

    def name(self) -> str:
        return "action_ask_confirma"

    async def act(self, talk: Talk) -> Events:
        options = [("Sim", "/afirmar"), ("Não", "/negar")]
        form = talk.tracker.active_loop.get("name")
        if form == "vencimento_form":
            talk.menu("utter_confirma_vencimento", options, dia=talk.slot("dia_vencimento"))
        else:
            company = await talk.ask(lambda erp: erp.company())
            talk.menu("utter_confirma_desbloqueio", options, dias=company.trust_release.days)
        return []


class AskReport(TheoAction):
    """Asks for the customer's own words; about a bill, its lines come first."""

    def name(self) -> str:
        return "action_ask_relato"

    async def act(self, talk: Talk) -> Events:
        if talk.tracker.active_loop.get("name") == "suporte_form":
            talk.say("utter_ask_relato_suporte")
            return []
        debt = await talk.ask(billing.open_invoices, talk.slot("contrato"))
        if talk.tracker.active_loop.get("name") == "negociar_form":
            talk.say("utter_ask_relato_negociar", quantas=count(len(debt.invoices)), total=money(debt.total))
            return []
        if not debt.invoices:
            talk.say("utter_ask_relato_sem_fatura")
            return []
        explanation = await talk.ask(billing.explain_invoice, debt.invoices[-1].id)
        together = (explanation.invoice, *explanation.together)
        lines = [f"• {item.text}: {money(item.amount)}" for invoice in together for item in invoice.items]
        if not lines:
            lines = [f"• {money(invoice.amount)}, {weekday(invoice.due)}" for invoice in together]
        talk.say(
            "utter_ask_relato_fatura",
            linhas="\n".join(lines),
            total=money(sum((i.amount for i in together), start=debt.total * 0)),
        )
        return []


def due_words(talk: Talk, invoice: Invoice, today: dt.date) -> str:
    """`vence em 27/11/2026` or `venceu em 14/10/2026`, in the words of the domain."""
    if invoice.is_overdue(today):
        return talk.words("utter_vencida", dia=day(invoice.due))
    return talk.words("utter_vence_hoje" if invoice.due == today else "utter_a_vencer", dia=day(invoice.due))


def count(invoices: int) -> str:
    return "1 fatura em aberto" if invoices == 1 else f"{invoices} faturas em aberto"

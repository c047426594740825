"""The forms of billing."""

from __future__ import annotations

import re
from typing import Any

from actions.forms.base import ServiceForm, State
from actions.talk import Talk
from backoffice import billing
from backoffice.records import Contract

ALL_INVOICES = "todas"
#: The offer (slot `oferta`) of a release with its terms: a clear yes to it needs no second one.
RELEASE_NOW = "desbloqueio_ja"
PAYMENT_FORMS = {"pix": "pix", "codigo_de_barras": "codigo_de_barras", "pdf": "pdf", "boleto": "tudo"}
_EVERYTHING = re.compile(r"\b(tud[oa]|todos?|todas?|as duas|os dois|as tr[eê]s|os tr[eê]s)\b", re.IGNORECASE)
_OLDEST = re.compile(r"\bmais (antiga|velha)\b|\bprimeir[ao]\b|\bmais atrasada\b", re.IGNORECASE)
_NEWEST = re.compile(r"\bmais (nova|recente)\b|\bdeste m[eê]s\b|\bdesse m[eê]s\b|\b[uú]ltim[ao]\b", re.IGNORECASE)
_DAYS_WITHOUT = re.compile(r"\b(fiquei|ficou|ficamos|passei|faltou)\b|\b(dias?|semanas?|horas) (sem|parad|fora)", re.IGNORECASE)
_PDF = re.compile(r"\bpdf\b|\barquivo\b", re.IGNORECASE)


class OpenInvoicesForm(ServiceForm):
    """A form about the open invoices of a contract."""

    async def contracts(self, talk: Talk, state: State) -> list[Contract]:
        """Those that owe something; where none does, the running ones."""
        debts = await talk.ask(billing.open_invoices_of, state.get("cliente"))
        owing = [debt.contract for debt in debts if debt.invoices]
        return owing or await super().contracts(talk, state)


class SecondCopyForm(OpenInvoicesForm):
    """Which bill, and how to get it."""

    form = "segunda_via_form"
    trigger_intents = ("pedir_segunda_via",)
    slots = ("fatura", "forma_pagamento")

    async def contracts(self, talk: Talk, state: State) -> list[Contract]:
        found = await super().contracts(talk, state)
        debts = await talk.ask(billing.open_invoices_of, state.get("cliente"))
        return found[:1] if not any(debt.invoices for debt in debts) else found

    async def prepare(self, talk: Talk, state: State) -> None:
        debt = await talk.ask(billing.open_invoices, state.get("contrato"))
        ids = [invoice.id for invoice in debt.invoices]
        if not ids:
            state.set("interrompido", True)
        elif len(ids) == 1:
            state.set("fatura", ids[0])
        elif state.get("fatura") not in [None, ALL_INVOICES, *ids]:
            state.set("fatura", None)

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        if slot == "fatura":
            if asked and _EVERYTHING.search(talk.text):
                return ALL_INVOICES
            if asked and (_OLDEST.search(talk.text) or _NEWEST.search(talk.text)):
                debt = await talk.ask(billing.open_invoices, state.get("contrato"))
                return debt.invoices[0 if _OLDEST.search(talk.text) else -1].id if debt.invoices else None
            return talk.entity("fatura")
        if slot == "forma_pagamento":
            if _PDF.search(talk.text):
                return "pdf"
            if asked and _EVERYTHING.search(talk.text):
                return "tudo"
            said = talk.tracker.latest_message.get("entities") or []
            named = [str(e.get("value")) for e in said if e.get("entity") == "forma_pagamento"]
            named.sort(key=lambda form: form == "boleto")  # "o boleto no pix" wants the Pix
            return PAYMENT_FORMS.get(named[0]) if named else None
        return await super().read(slot, talk, state, asked=asked)


class PaymentForm(OpenInvoicesForm):
    """Which contract was paid for."""

    form = "pagamento_form"
    trigger_intents = ("informar_pagamento",)


class ReleaseForm(ServiceForm):
    """Which contract is to be released, and a clear yes."""

    form = "desbloqueio_form"
    trigger_intents = ("pedir_desbloqueio",)
    slots = ("confirma",)

    def start(self, talk: Talk, state: State) -> None:
        if talk.intent == "afirmar":  # to the offer, which named the terms (`HearYes`)
            state.set("confirma", talk.slot("confirma"))

    async def contracts(self, talk: Talk, state: State) -> list[Contract]:
        """The blocked ones, if any is."""
        found = await super().contracts(talk, state)
        return [contract for contract in found if contract.status.value == "blocked_for_debt"] or found[:1]

    async def prepare(self, talk: Talk, state: State) -> None:
        """A release that the rule refuses needs no yes: its reason is told at once."""
        may = await talk.ask(billing.may_release, state.get("contrato"))
        if may.outcome is not billing.ReleaseOutcome.RELEASED:
            state.set("interrompido", True)


class ContestForm(OpenInvoicesForm):
    """Which charge is disputed, and why."""

    form = "contestar_form"
    trigger_intents = ("contestar_fatura",)
    slots = ("relato",)

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        """Days without a connection are a reason to dispute a bill, told in the words of a fault."""
        if slot == "relato" and asked and _DAYS_WITHOUT.search(talk.text):
            return talk.told
        return await super().read(slot, talk, state, asked=asked)


class NegotiateForm(OpenInvoicesForm):
    """What the customer can pay."""

    form = "negociar_form"
    trigger_intents = ("negociar_debito",)
    slots = ("relato",)

    async def prepare(self, talk: Talk, state: State) -> None:
        debt = await talk.ask(billing.open_invoices, state.get("contrato"))
        if not debt.invoices:
            state.set("interrompido", True)


class DueDayForm(ServiceForm):
    """Which day of the month, and a clear yes."""

    form = "vencimento_form"
    trigger_intents = ("alterar_vencimento",)
    slots = ("dia_vencimento", "confirma")

    async def read(self, slot: str, talk: Talk, state: State, *, asked: bool) -> Any:
        if slot != "dia_vencimento":
            return await super().read(slot, talk, state, asked=asked)
        named = re.search(r"\b(?:dia|pro|para o|pra o)\s+(\d{1,2})\b", talk.text, re.IGNORECASE)
        alone = re.fullmatch(r"\D*(\d{1,2})\D*", talk.text) if asked else None
        found = named or alone
        day = talk.entity("dia_vencimento") or (found and found.group(1))
        if day is None:
            return None
        company = await talk.ask(lambda erp: erp.company())
        if int(day) in company.due_days:
            return int(day)
        state.set("falha", "dia_nao_oferecido")
        return None

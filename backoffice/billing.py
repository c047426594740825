"""Invoices, payments, releases: what may be told and done about money."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum

from backoffice.erp import Erp
from backoffice.errors import NotFound, Refused
from backoffice.records import (
    Contract,
    ContractStatus,
    Invoice,
    InvoiceItem,
    NewTicket,
    OpenedTicket,
    Sector,
    Session,
    Ticket,
)


@dataclass(frozen=True)
class Debt:
    """The open invoices of one contract."""

    contract: Contract
    invoices: tuple[Invoice, ...]
    """Oldest due day first; may be empty."""
    total: Decimal
    overdue: tuple[Invoice, ...]
    """Those of `invoices` whose due day is over."""


def open_invoices(erp: Erp, contract_id: str) -> Debt:
    """What is open on one contract."""
    return _debt(erp, erp.contract(contract_id))


def open_invoices_of(erp: Erp, customer_id: str) -> tuple[Debt, ...]:
    """What is open on each contract of a customer, ended ones too if they owe; in the contracts' order."""
    debts = (_debt(erp, contract) for contract in erp.contracts(customer_id))
    return tuple(d for d in debts if d.invoices or d.contract.status is not ContractStatus.CANCELLED)


class ReleaseOutcome(str, Enum):
    RELEASED = "released"
    """`until` is the last day of the release."""
    ALREADY_RELEASED = "already_released"
    """A release is running; `until` is its last day."""
    NOT_BLOCKED = "not_blocked"
    USED_RECENTLY = "used_recently"
    """`again_on` is the first day it may be asked for again."""
    TOO_MANY_OPEN = "too_many_open"
    """`overdue` says how many."""
    PAID_BUT_BLOCKED = "paid_but_blocked"
    """Nothing is overdue and yet it is blocked: `ticket` asks the finance people to lift it."""
    REFUSED = "refused"
    """The company's rule allows it and the ERP does not; it does not say why."""


@dataclass(frozen=True)
class Release:
    outcome: ReleaseOutcome
    until: date | None = None
    again_on: date | None = None
    overdue: int = 0
    ticket: Ticket | None = None


def trust_release(erp: Erp, contract_id: str, key: str) -> Release:
    """Releases a blocked contract on trust, if the company's rule allows it."""
    verdict = may_release(erp, contract_id)
    if verdict.outcome is ReleaseOutcome.PAID_BUT_BLOCKED:
        contract = erp.contract(contract_id)
        new = NewTicket(
            subject="pedir_desbloqueio",
            sector=Sector.BILLING,
            text="Contrato bloqueado sem fatura vencida em aberto: liberar.",
            customer_id=contract.customer_id,
            contract_id=contract_id,
        )
        return replace(verdict, ticket=erp.open_ticket(new, key).ticket)
    # A running release may be this very call's, repeated: the ERP knows the key.
    if verdict.outcome in (ReleaseOutcome.RELEASED, ReleaseOutcome.ALREADY_RELEASED):
        try:
            contract = erp.trust_release(contract_id, erp.company().trust_release.days, key)
        except Refused:
            again = may_release(erp, contract_id)
            refused = again.outcome is ReleaseOutcome.RELEASED
            return Release(ReleaseOutcome.REFUSED, overdue=again.overdue) if refused else again
        return Release(ReleaseOutcome.RELEASED, contract.released_until, overdue=verdict.overdue)
    return verdict


def may_release(erp: Erp, contract_id: str) -> Release:
    """What `trust_release` would answer now, without doing it; `released` means it may be offered."""
    contract, today, policy = erp.contract(contract_id), erp.now().date(), erp.company().trust_release
    overdue = len(_debt(erp, contract).overdue)
    if contract.released_until is not None:
        return Release(ReleaseOutcome.ALREADY_RELEASED, until=contract.released_until, overdue=overdue)
    blocked = contract.status is ContractStatus.BLOCKED_FOR_DEBT or (
        contract.status is ContractStatus.ACTIVE and erp.connection(contract_id).session is Session.BLOCKED
    )
    if not blocked:
        return Release(ReleaseOutcome.NOT_BLOCKED, overdue=overdue)
    if not overdue:
        return Release(ReleaseOutcome.PAID_BUT_BLOCKED)
    if contract.trust_release_used is not None:
        again_on = contract.trust_release_used + timedelta(days=policy.once_every_days)
        if today < again_on:
            return Release(ReleaseOutcome.USED_RECENTLY, again_on=again_on, overdue=overdue)
    if overdue > policy.max_open_invoices:
        return Release(ReleaseOutcome.TOO_MANY_OPEN, overdue=overdue)
    return Release(ReleaseOutcome.RELEASED, until=today + timedelta(days=policy.days), overdue=overdue)


class ClaimOutcome(str, Enum):
    ALREADY_RECORDED = "already_recorded"
    """`invoice.paid_on` says when."""
    REGISTERED = "registered"
    """`ticket` is with the finance people (maybe since before: `is_new`)."""
    NO_INVOICE = "no_invoice"


@dataclass(frozen=True)
class Claim:
    outcome: ClaimOutcome
    invoice: Invoice | None = None
    ticket: Ticket | None = None
    is_new: bool = True


def claim_payment(
    erp: Erp, contract_id: str, key: str, *, invoice_id: str | None = None, text: str = ""
) -> Claim:
    """The customer says it is paid. Without `invoice_id`: the oldest open invoice, else the last paid."""
    invoices = erp.invoices(contract_id)
    if invoice_id is None:
        paid = sorted((i for i in invoices if i.paid_on), key=lambda i: (i.paid_on, i.due))
        chosen = next((i for i in invoices if i.is_open), paid[-1] if paid else None)
        if chosen is None:
            return Claim(ClaimOutcome.NO_INVOICE)
    else:
        chosen = next((i for i in invoices if i.id == invoice_id), None)
        if chosen is None:
            raise NotFound(f"invoice {invoice_id} of contract {contract_id}")
    if not chosen.is_open:
        return Claim(ClaimOutcome.ALREADY_RECORDED, chosen)
    try:
        opened = erp.register_payment_claim(chosen.id, text, key)
    except Refused:  # it was written off this moment
        return Claim(ClaimOutcome.ALREADY_RECORDED, erp.invoice(chosen.id))
    return Claim(ClaimOutcome.REGISTERED, chosen, opened.ticket, opened.is_new)


@dataclass(frozen=True)
class Explanation:
    """What an invoice is made of, and how it differs from the regular one before it."""

    invoice: Invoice
    items: tuple[InvoiceItem, ...]
    """Empty when the records do not say."""
    previous: Invoice | None
    """The last one due on an earlier day; None when there is none on record."""
    difference: Decimal | None
    """This month's invoices together less the previous month's; None without a previous one."""
    together: tuple[Invoice, ...]
    """Other invoices of the same contract due on the same day."""


def explain_invoice(erp: Erp, invoice_id: str) -> Explanation:
    """Why an invoice is as high as it is, from the records alone."""
    invoice = erp.invoice(invoice_id)
    others = erp.invoices(invoice.contract_id)
    month = [other for other in others if other.due == invoice.due]
    earlier = [other for other in others if other.due < invoice.due]
    difference = None
    if earlier:
        before = [other for other in earlier if other.due == earlier[-1].due]
        difference = _total(month) - _total(before)
    return Explanation(
        invoice=invoice,
        items=invoice.items,
        previous=earlier[-1] if earlier else None,
        difference=difference,
        together=tuple(other for other in month if other.id != invoice.id),
    )


def contest_invoice(erp: Erp, invoice_id: str, text: str, key: str) -> OpenedTicket:
    """A ticket to the finance people about a charge the customer disputes."""
    invoice = erp.invoice(invoice_id)
    new = NewTicket(
        subject="contestar_fatura",
        sector=Sector.BILLING,
        text=f"Fatura {invoice.id}, {invoice.due:%d/%m/%Y}, {invoice.amount}: {text}",
        customer_id=erp.contract(invoice.contract_id).customer_id,
        contract_id=invoice.contract_id,
    )
    return erp.open_ticket(new, key)


class NegotiationOutcome(str, Enum):
    REGISTERED = "registered"
    NOTHING_OPEN = "nothing_open"


@dataclass(frozen=True)
class Negotiation:
    outcome: NegotiationOutcome
    debt: Debt
    ticket: Ticket | None = None
    is_new: bool = True


def negotiate(erp: Erp, contract_id: str, text: str, key: str) -> Negotiation:
    """A ticket to the finance people: the customer wants to split, lower or postpone what is open."""
    debt = open_invoices(erp, contract_id)
    if not debt.invoices:
        return Negotiation(NegotiationOutcome.NOTHING_OPEN, debt)
    new = NewTicket(
        subject="negociar_debito",
        sector=Sector.BILLING,
        text=f"{len(debt.invoices)} em aberto, {len(debt.overdue)} vencidas, total {debt.total}. {text}",
        customer_id=debt.contract.customer_id,
        contract_id=contract_id,
    )
    opened = erp.open_ticket(new, key)
    return Negotiation(NegotiationOutcome.REGISTERED, debt, opened.ticket, opened.is_new)


class DueDayOutcome(str, Enum):
    CHANGED = "changed"
    """`first_due` is the first due day under the new rule."""
    SAME_DAY = "same_day"
    NOT_ALLOWED = "not_allowed"
    """`allowed` lists the days the company offers."""
    NOT_ACTIVE = "not_active"
    """The contract has ended."""


@dataclass(frozen=True)
class DueDayChange:
    outcome: DueDayOutcome
    day: int
    allowed: tuple[int, ...]
    first_due: date | None = None


def change_due_day(erp: Erp, contract_id: str, day: int, key: str) -> DueDayChange:
    """Moves the due day of every invoice issued from now on; issued ones keep theirs."""
    allowed = erp.company().due_days
    try:
        first_due = erp.change_due_day(contract_id, day, key)
    except Refused as refusal:
        return DueDayChange(DueDayOutcome(refusal.reason), day, allowed)
    return DueDayChange(DueDayOutcome.CHANGED, day, allowed, first_due)


def _debt(erp: Erp, contract: Contract) -> Debt:
    invoices = tuple(invoice for invoice in erp.invoices(contract.id) if invoice.is_open)
    today = erp.now().date()
    return Debt(contract, invoices, _total(invoices), tuple(i for i in invoices if i.is_overdue(today)))


def _total(invoices: Iterable[Invoice]) -> Decimal:
    return sum((invoice.amount for invoice in invoices), Decimal("0.00"))

"""The contract itself: plan, address, owner, suspension, end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum

from backoffice import billing, calendar, desk, sales
from backoffice.documents import DocumentKind
from backoffice.erp import Erp
from backoffice.errors import Refused
from backoffice.records import Contract, ContractStatus, OpenedTicket, Plan, Point, Sector, Ticket

# ---------------------------------------------------------------- the plan


@dataclass(frozen=True)
class PlanOptions:
    current: Plan
    faster: tuple[Plan, ...]
    """Slowest first."""
    slower: tuple[Plan, ...]
    """Fastest first."""


def plan_options(erp: Erp, contract_id: str) -> PlanOptions:
    """What this contract could be changed to; plans for companies only where the owner is one."""
    contract = erp.contract(contract_id)
    plans = sorted(_open_to(erp, contract), key=lambda plan: (plan.mbps, plan.price))
    current = contract.plan
    return PlanOptions(
        current,
        faster=tuple(plan for plan in plans if plan.mbps > current.mbps),
        slower=tuple(plan for plan in reversed(plans) if plan.mbps < current.mbps),
    )


class PlanOutcome(str, Enum):
    CHANGED = "changed"
    SAME_PLAN = "same_plan"
    NOT_SOLD = "not_sold"
    """No such plan, or none for this kind of customer."""
    NOT_ACTIVE = "not_active"
    """The contract is blocked, suspended or has ended."""


@dataclass(frozen=True)
class PlanChange:
    outcome: PlanOutcome
    contract: Contract


def change_plan(erp: Erp, contract_id: str, plan_id: str, key: str) -> PlanChange:
    """Changes the plan; invoices already issued stay as they are."""
    contract = erp.contract(contract_id)
    if plan_id not in {plan.id for plan in _open_to(erp, contract)}:
        return PlanChange(PlanOutcome.NOT_SOLD, contract)
    try:
        return PlanChange(PlanOutcome.CHANGED, erp.change_plan(contract_id, plan_id, key))
    except Refused as refusal:
        return PlanChange(PlanOutcome(refusal.reason), contract)


def _open_to(erp: Erp, contract: Contract) -> list[Plan]:
    is_company = erp.customer(contract.customer_id).document.kind is DocumentKind.CNPJ
    return [plan for plan in erp.plans() if is_company or not plan.for_companies]


# ---------------------------------------------------------------- the end


@dataclass(frozen=True)
class CancellationTerms:
    """What leaving means, with every number the fine is made of.

    Open invoices and equipment are no condition of it (Anatel RGC); they are told, not demanded.
    """

    effective: date
    """The day it takes effect if it is asked for today."""
    loyalty_ends: date | None
    """None without a loyalty, or when it is over."""
    months_left: int
    """Whole months to the end of the loyalty; days of a broken one are not charged."""
    fine_per_month: Decimal
    fine: Decimal
    """`months_left` times `fine_per_month`."""
    equipment: str
    """What happens to the equipment, as the provider words it."""
    open_total: Decimal


def cancellation_terms(erp: Erp, contract_id: str) -> CancellationTerms:
    """The terms as of today, from the contract's own loyalty; a contract without one has no fine."""
    contract, policy, today = erp.contract(contract_id), erp.company().cancellation, erp.now().date()
    ends = calendar.add_months(contract.since, contract.loyalty_months)
    months = min(calendar.whole_months(today, ends), policy.max_loyalty_months)
    return CancellationTerms(
        effective=calendar.add_business_days(today, policy.effective_business_days),
        loyalty_ends=ends if ends > today else None,
        months_left=months,
        fine_per_month=policy.fine_per_month,
        fine=months * policy.fine_per_month,
        equipment=policy.equipment,
        open_total=billing.open_invoices(erp, contract_id).total,
    )


class CancellationOutcome(str, Enum):
    REQUESTED = "requested"
    ALREADY_REQUESTED = "already_requested"
    ALREADY_ENDED = "already_ended"


@dataclass(frozen=True)
class Cancellation:
    outcome: CancellationOutcome
    terms: CancellationTerms
    effective: date | None = None
    """The day on record."""
    ticket: Ticket | None = None
    """Its protocol is the customer's proof."""


def cancel(erp: Erp, contract_id: str, reason: str, key: str) -> Cancellation:
    """Ends a contract at the customer's wish, whatever is owed; it can be taken back until it has effect."""
    terms = cancellation_terms(erp, contract_id)
    text = f"Multa {terms.fine} ({terms.months_left} x {terms.fine_per_month}). {reason}"
    try:
        ticket = erp.cancel_contract(contract_id, terms.effective, text, key).ticket
    except Refused as refusal:
        contract = erp.contract(contract_id)
        if refusal.reason == "not_active":
            return Cancellation(CancellationOutcome.ALREADY_ENDED, terms, contract.cancel_on)
        known = (
            ticket
            for ticket in desk.open_tickets(erp, contract.customer_id)
            if (ticket.contract_id, ticket.subject) == (contract_id, "cancelar_servico")
        )
        outcome = CancellationOutcome.ALREADY_REQUESTED
        return Cancellation(outcome, terms, contract.cancel_on, next(known, None))
    return Cancellation(CancellationOutcome.REQUESTED, terms, erp.contract(contract_id).cancel_on, ticket)


def keep(erp: Erp, contract_id: str, key: str) -> bool:
    """Takes a requested end back; False if there is none, or it has taken effect."""
    try:
        erp.keep_contract(contract_id, key)
    except Refused:
        return False
    return True


# ---------------------------------------------------------------- suspension


class SuspensionOutcome(str, Enum):
    SUSPENDED = "suspended"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    IN_THE_PAST = "in_the_past"
    USED_RECENTLY = "used_recently"
    """`again_on` is the first day the next one may begin."""
    HAS_DEBT = "has_debt"
    """`overdue` says how much."""
    NOT_ACTIVE = "not_active"
    """Blocked, suspended, ended or about to end."""


@dataclass(frozen=True)
class Suspension:
    outcome: SuspensionOutcome
    first: date
    last: date
    """Both days included."""
    price: Decimal
    min_days: int
    max_days: int
    again_on: date | None = None
    overdue: Decimal = Decimal("0.00")


def may_suspend(erp: Erp, contract_id: str, first: date, last: date) -> Suspension:
    """What `suspend` would answer now, without doing it; `suspended` means it may be offered."""
    contract, policy, today = erp.contract(contract_id), erp.company().suspension, erp.now().date()
    days = (last - first).days + 1
    overdue = sum((i.amount for i in billing.open_invoices(erp, contract_id).overdue), Decimal("0.00"))
    started = contract.suspended_from is not None and contract.suspended_from <= today
    again_on = contract.suspended_from and contract.suspended_from + timedelta(policy.once_every_days)
    outcome = SuspensionOutcome.SUSPENDED
    if overdue:
        outcome = SuspensionOutcome.HAS_DEBT
    elif contract.status is not ContractStatus.ACTIVE or contract.cancelling:
        outcome = SuspensionOutcome.NOT_ACTIVE
    elif first < today:
        outcome = SuspensionOutcome.IN_THE_PAST
    elif started and again_on and first < again_on:
        outcome = SuspensionOutcome.USED_RECENTLY
    elif days < policy.min_days:
        outcome = SuspensionOutcome.TOO_SHORT
    elif days > policy.max_days:
        outcome = SuspensionOutcome.TOO_LONG
    used = outcome is SuspensionOutcome.USED_RECENTLY
    return Suspension(
        outcome,
        first,
        last,
        policy.price,
        policy.min_days,
        policy.max_days,
        again_on if used else None,
        overdue,
    )


def suspend(erp: Erp, contract_id: str, first: date, last: date, key: str) -> Suspension:
    """Suspends a contract at the customer's wish; one that has not begun is replaced."""
    verdict = may_suspend(erp, contract_id, first, last)
    contract = erp.contract(contract_id)
    if verdict.outcome is not SuspensionOutcome.SUSPENDED:
        if (contract.suspended_from, contract.suspended_until) != (first, last):
            return verdict
        # It is booked already, maybe by this very call repeated.
        return Suspension(
            SuspensionOutcome.SUSPENDED, first, last, verdict.price, verdict.min_days, verdict.max_days
        )
    try:
        erp.suspend(contract_id, first, last, key)
    except Refused:
        return may_suspend(erp, contract_id, first, last)
    return verdict


# ---------------------------------------------------------------- address and owner


@dataclass(frozen=True)
class AddressChangeTerms:
    price: Decimal
    """0.00 once the contract is old enough."""
    free_from: date
    """The day from which it costs nothing."""
    days: int
    """How long it takes at most."""


def address_change_terms(erp: Erp, contract_id: str) -> AddressChangeTerms:
    """What moving costs today."""
    contract, policy = erp.contract(contract_id), erp.company().address_change
    free_from = calendar.add_months(contract.since, policy.free_after_months)
    is_free = free_from <= erp.now().date()
    return AddressChangeTerms(Decimal("0.00") if is_free else policy.price, free_from, policy.days)


class AddressOutcome(str, Enum):
    REQUESTED = "requested"
    """The new place is served by the records; `ticket` is with the contract people."""
    NEEDS_SURVEY = "needs_survey"
    """The records do not say; `ticket` asks somebody to look."""
    NOT_SERVED = "not_served"
    NOT_ACTIVE = "not_active"
    """The contract has ended or is about to."""


@dataclass(frozen=True)
class AddressChange:
    outcome: AddressOutcome
    terms: AddressChangeTerms
    coverage: sales.Coverage | None = None
    ticket: Ticket | None = None


def change_address(
    erp: Erp,
    contract_id: str,
    key: str,
    *,
    address: str,
    cep: str | None = None,
    point: Point | None = None,
    neighbourhood: str | None = None,
) -> AddressChange:
    """Asks for the connection to be moved to another place, if it is not known to be out of reach."""
    contract, terms = erp.contract(contract_id), address_change_terms(erp, contract_id)
    if contract.status is ContractStatus.CANCELLED or contract.cancelling:
        return AddressChange(AddressOutcome.NOT_ACTIVE, terms)
    found = sales.coverage(erp, cep=cep, point=point, neighbourhood=neighbourhood)
    if found.outcome is sales.CoverageOutcome.NOT_SERVED:
        return AddressChange(AddressOutcome.NOT_SERVED, terms, found)
    pin = f", {point.lat}, {point.lon}" if point else ""
    opened = desk.open_ticket(
        erp,
        subject="mudar_endereco",
        sector=Sector.CONTRACT,
        text=f"Novo endereço: {address}, CEP {cep or '?'}{pin}. Cobertura: {found.outcome.value}. "
        f"Taxa {terms.price}.",
        key=key,
        customer_id=contract.customer_id,
        contract_id=contract_id,
    )
    served = found.outcome is sales.CoverageOutcome.SERVED
    outcome = AddressOutcome.REQUESTED if served else AddressOutcome.NEEDS_SURVEY
    return AddressChange(outcome, terms, found, opened.ticket)


def transfer_ownership(
    erp: Erp, contract_id: str, key: str, *, new_owner: str, document: str | None, phone: str | None
) -> OpenedTicket:
    """Asks for a contract to be put in another name; people do it, with both owners' consent.

    `document` is the new owner's as `Document.masked` writes it: the ticket holds no more of it.
    """
    return desk.open_ticket(
        erp,
        subject="transferir_titularidade",
        sector=Sector.CONTRACT,
        text=f"Novo titular: {new_owner}, documento {document or '?'}, telefone {phone or '?'}.",
        key=key,
        customer_id=erp.contract(contract_id).customer_id,
        contract_id=contract_id,
    )

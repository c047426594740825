"""Protocols, tickets and the hand-over to people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from backoffice import calendar
from backoffice.erp import Erp
from backoffice.errors import NotFound
from backoffice.records import NewTicket, OpenedTicket, Sector, Ticket


def contact_protocol(erp: Erp, conversation_key: str) -> str:
    """The protocol of a contact: yyyymmdd and six digits; the same key gives the same number."""
    return erp.contact_protocol(conversation_key)


def open_ticket(
    erp: Erp,
    *,
    subject: str,
    sector: Sector,
    text: str,
    key: str,
    customer_id: str | None = None,
    contract_id: str | None = None,
) -> OpenedTicket:
    """Opens a request; an open one of the same contract and subject is returned instead of a second."""
    return erp.open_ticket(NewTicket(subject, sector, text, customer_id, contract_id), key)


@dataclass(frozen=True)
class DeskState:
    is_open: bool
    next_opening: datetime | None
    """When people attend again; None while they do, or if they never do."""


def desk_state(erp: Erp) -> DeskState:
    """Whether people attend at this moment."""
    company, now = erp.company(), erp.now()
    is_open = calendar.desk_is_open(company, now)
    return DeskState(is_open, None if is_open else calendar.next_opening(company, now))


@dataclass(frozen=True)
class Handover:
    ticket: Ticket
    desk: DeskState


def hand_over(
    erp: Erp,
    *,
    text: str,
    key: str,
    sector: Sector = Sector.DESK,
    customer_id: str | None = None,
    contract_id: str | None = None,
) -> Handover:
    """A person is asked for: a ticket with what was said so far. Needs no identification."""
    new = NewTicket("falar_com_atendente", sector, text, customer_id, contract_id)
    return Handover(erp.open_ticket(new, key).ticket, desk_state(erp))


class LookupOutcome(str, Enum):
    FOUND = "found"
    CONTACT = "contact"
    """The number of a contact or of a wish to be connected; no ticket came of it."""
    NOT_FOUND = "not_found"
    """Unknown, or somebody else's: a stranger cannot tell which."""


@dataclass(frozen=True)
class TicketLookup:
    outcome: LookupOutcome
    ticket: Ticket | None = None


def find_ticket(erp: Erp, protocol: str, customer_id: str) -> TicketLookup:
    """The customer's own ticket by its protocol, typed in any way (spaces, dots, `#`)."""
    number = re.sub(r"\D", "", protocol)
    try:
        ticket = erp.ticket(number)
    except NotFound:
        return TicketLookup(LookupOutcome.CONTACT if erp.is_contact(number) else LookupOutcome.NOT_FOUND)
    if ticket.customer_id != customer_id:
        return TicketLookup(LookupOutcome.NOT_FOUND)
    return TicketLookup(LookupOutcome.FOUND, ticket)


def open_tickets(erp: Erp, customer_id: str) -> tuple[Ticket, ...]:
    """The requests of a customer that are not settled, newest first."""
    return tuple(ticket for ticket in erp.tickets(customer_id) if ticket.status.is_open)


def rate(erp: Erp, protocol: str, mark: int, key: str) -> bool:
    """Records a mark from 0 to 10 for a contact; False where it is no such mark."""
    if not 0 <= mark <= 10:
        return False
    erp.rate_contact(protocol, mark, key)
    return True

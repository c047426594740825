"""The port: what Theo asks of a provider's ERP, whichever it is.

One typed protocol that the embedded SQL records (`sql.py`) fulfil today and that IXC, SGP and Hubsoft
can fulfil over HTTP. Every call is synchronous and thread-safe.

Errors, the same for every method (see `errors.py`): `Unavailable` when the system does not answer,
`NotFound` when an id or protocol does not exist (methods that search return empty instead), `Refused`
with a `reason` when the system says no.

Every call that changes something takes `key`, the caller's name for this one wish (for example the id of
the message that confirmed it). The same method with the same key, on the same thing (contract, invoice,
visit; for a new ticket its customer, contract and subject), does nothing a second time and returns what
the first call returned, so a retry after `Unavailable` is safe. A refused call leaves the key unused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Protocol

from backoffice.database import url_of
from backoffice.documents import Document
from backoffice.records import (
    Company,
    Connection,
    Contract,
    CoverageMap,
    Customer,
    Invoice,
    Lead,
    NewLead,
    NewTicket,
    Notice,
    OpenedTicket,
    Outage,
    Plan,
    Shift,
    Ticket,
    Visit,
    VisitSlot,
)


class Erp(Protocol):
    """What the rules of this package need from the system that holds the records."""

    # -- the company ----------------------------------------------------------------------------

    def now(self) -> datetime:
        """The current moment in the company's time zone; every rule's idea of today."""
        ...

    def company(self) -> Company: ...

    def plans(self) -> tuple[Plan, ...]:
        """What is sold today, cheapest first."""
        ...

    def coverage(self) -> CoverageMap: ...

    # -- customers and contracts ----------------------------------------------------------------

    def find_customer(self, document: Document) -> Customer | None:
        """The customer with exactly this document."""
        ...

    def find_customers_by_phone(self, phone: str) -> tuple[Customer, ...]:
        """Customers one of whose phones is the same (see `phones.same_phone`)."""
        ...

    def customer(self, customer_id: str) -> Customer: ...

    def contracts(self, customer_id: str) -> tuple[Contract, ...]:
        """All contracts of a customer, the running ones first, then oldest first."""
        ...

    def contract(self, contract_id: str) -> Contract: ...

    # -- invoices -------------------------------------------------------------------------------

    def invoices(self, contract_id: str) -> tuple[Invoice, ...]:
        """Open and paid, oldest due day first."""
        ...

    def invoice(self, invoice_id: str) -> Invoice: ...

    def invoice_pdf(self, invoice_id: str) -> bytes:
        """One PDF file, beginning `%PDF-`. Refused `already_paid`."""
        ...

    def register_payment_claim(self, invoice_id: str, text: str, key: str) -> OpenedTicket:
        """Tells the finance people that the customer says this invoice is paid.

        Refused `already_paid` when the records know it already.
        """
        ...

    def trust_release(self, contract_id: str, days: int, key: str) -> Contract:
        """Lifts a block for debt until so many days from today; the contract says `released_until`.

        Refused `not_blocked`, or `not_allowed` when the system's own limits say no.
        """
        ...

    def change_due_day(self, contract_id: str, day: int, key: str) -> date:
        """Every invoice issued from now on falls due on this day of the month; the first such day.

        Refused `not_allowed` when the company does not offer the day, `same_day` when it is the
        contract's day already, `not_active` when the contract has ended.
        """
        ...

    # -- tickets --------------------------------------------------------------------------------

    def contact_protocol(self, conversation_key: str) -> str:
        """A protocol number for a contact, yyyymmdd and six digits. The key is the conversation's."""
        ...

    def rate_contact(self, protocol: str, mark: int, key: str) -> int:
        """Records the mark, 0 to 10, that the customer gave to a contact, and returns it."""
        ...

    def open_ticket(self, new: NewTicket, key: str) -> OpenedTicket:
        """Opens a request, or finds the open one of the same contract and subject and adds the text."""
        ...

    def tickets(self, customer_id: str) -> tuple[Ticket, ...]:
        """All tickets of a customer, newest first."""
        ...

    def ticket(self, protocol: str) -> Ticket: ...

    def is_contact(self, protocol: str) -> bool:
        """Whether the protocol was given to a contact or a lead rather than to a ticket."""
        ...

    # -- the network ----------------------------------------------------------------------------

    def connection(self, contract_id: str) -> Connection: ...

    def outages_for(self, contract_id: str) -> tuple[Outage, ...]:
        """The failures on record, not over yet, that this contract hangs on."""
        ...

    def outages(self) -> tuple[Outage, ...]:
        """Every failure on record that is not over yet."""
        ...

    def notify_when_back(self, outage_id: str, contract_id: str, chat: str, key: str) -> Notice:
        """Promises a message to `chat` when the outage is over. One promise per outage, contract and chat."""
        ...

    def notices_due(self) -> tuple[Notice, ...]:
        """Promised notices whose outage is over and that were not marked as sent."""
        ...

    def notice_sent(self, notice_id: str) -> None: ...

    def set_wifi(self, contract_id: str, name: str | None, password: str | None, key: str) -> None:
        """Sets the Wi-Fi's name, password or both. Refused `not_managed`."""
        ...

    # -- visits ---------------------------------------------------------------------------------

    def visit_slots(self, first: date, last: date) -> tuple[VisitSlot, ...]:
        """Shifts with room left, in order, from `first` to `last`, both included."""
        ...

    def visits(self, contract_id: str) -> tuple[Visit, ...]:
        """Visits of a contract, the newest day first."""
        ...

    def visit(self, visit_id: str) -> Visit: ...

    def book_visit(self, protocol: str, day: date, shift: Shift, key: str) -> Visit:
        """Books a visit for an open ticket, which becomes `scheduled`.

        Refused `slot_full`, `not_offered` (day or shift is not worked, or is past), `closed` (the
        ticket), `has_visit` (one is booked for today or later: move it).
        """
        ...

    def move_visit(self, visit_id: str, day: date, shift: Shift, key: str) -> Visit:
        """Refused `slot_full`, `not_offered`, `not_scheduled`."""
        ...

    def cancel_visit(self, visit_id: str, key: str) -> Visit:
        """The ticket goes back to `open`. Refused `not_scheduled`."""
        ...

    # -- sales and contract ---------------------------------------------------------------------

    def create_lead(self, new: NewLead, key: str) -> Lead:
        """Puts a wish down, or finds the one like it (`NewLead.is_like`) of the last `LEAD_DAYS` days: that one
        gets the plan and what else was told now, and the note is added.
        """
        ...

    def change_plan(self, contract_id: str, plan_id: str, key: str) -> Contract:
        """The contract with its new plan. Refused `same_plan`, `not_active`."""
        ...

    def suspend(self, contract_id: str, first: date, last: date, key: str) -> Contract:
        """Books a suspension at the customer's wish, both days included. Refused `not_active`."""
        ...

    def cancel_contract(self, contract_id: str, effective: date, reason: str, key: str) -> OpenedTicket:
        """Records the end of a contract on a day; the ticket's protocol is the customer's proof.

        Refused `not_active` when it has ended, `already_requested` when its end is recorded.
        """
        ...

    def keep_contract(self, contract_id: str, key: str) -> Contract:
        """Takes a requested cancellation back before its day. Refused `not_cancelling`."""
        ...

    # -- safety ---------------------------------------------------------------------------------

    def failed_identifications(self, who: str, *, add: int = 0) -> int:
        """How many identifications failed today, after adding `add`. `who`: a phone, or the mark of a document."""
        ...


def connect(environ: Mapping[str, str]) -> Erp:
    """The ERP that the environment names.

    `ERP` is `sql` (the default): the embedded records in `DATABASE_URL` (default
    `sqlite:///var/theo.db`), created and seeded if they are empty. `ixc`, `sgp` and `hubsoft` are
    planned names. Raises ValueError for those and for any other name.
    """
    name = environ.get("ERP", "").strip().lower() or "sql"
    if name == "sql":
        from backoffice.sql import SqlErp

        return SqlErp.open(url_of(environ))
    if name in ("ixc", "sgp", "hubsoft"):
        raise ValueError(f"ERP={name} is not available yet; use ERP=sql")
    raise ValueError(f"ERP={name} is unknown; use ERP=sql")

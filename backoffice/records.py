"""The typed records that every ERP adapter returns and every rule reads.

All are frozen. Identifiers are strings (IXC and SGP use numbers, Hubsoft mixes: none is computed with).
Money is `Decimal` reais with two places, days are `date` in the company's time zone, moments are
time-zone-aware `datetime`. What a record does not know is `None` and must not be told to a customer.

Personal fields are left out of `repr`, so a record may appear in a log line or a traceback.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum

from backoffice.documents import Document, mask_documents
from backoffice.phones import same_phone

# ---------------------------------------------------------------- the company


@dataclass(frozen=True)
class Hours:
    """From `start` to `end` (not included) of one day."""

    start: time
    end: time


@dataclass(frozen=True)
class DeskHours:
    """When people attend; `None` means closed. Holidays count as Sundays."""

    mon_fri: Hours | None
    sat: Hours | None
    sun_and_holidays: Hours | None


@dataclass(frozen=True)
class Point:
    """Degrees, WGS 84."""

    lat: float
    lon: float


@dataclass(frozen=True)
class Shop:
    address: str
    hours: str
    """As the provider words it, for example `seg a sex 8h-17h30, sáb 8h-12h`."""
    point: Point | None


@dataclass(frozen=True)
class PaymentMethod:
    method: str
    """`pix`, `boleto`, `codigo_de_barras`, `cartao`, `dinheiro` or `debito_automatico`."""
    note: str | None
    """A restriction as the provider words it, for example `só na loja`."""


@dataclass(frozen=True)
class TrustReleasePolicy:
    """A blocked contract may be released for `days`, once in `once_every_days`, while no more than
    `max_open_invoices` are overdue."""

    days: int
    once_every_days: int
    max_open_invoices: int


@dataclass(frozen=True)
class SuspensionPolicy:
    min_days: int
    max_days: int
    once_every_days: int
    price: Decimal


@dataclass(frozen=True)
class AddressChangePolicy:
    price: Decimal
    free_after_months: int
    days: int


@dataclass(frozen=True)
class CancellationPolicy:
    effective_business_days: int
    max_loyalty_months: int
    fine_per_month: Decimal
    fine_text: str
    equipment: str
    """What happens to the equipment, as the provider words it."""


class Shift(str, Enum):
    """The part of a day a visit is promised for; the names are those of the entity `turno`."""

    MORNING = "manha"
    AFTERNOON = "tarde"


@dataclass(frozen=True)
class VisitPolicy:
    shifts: tuple[tuple[Shift, Hours], ...]
    weekdays: frozenset[int]
    """Monday is 0."""
    capacity: int
    """Visits that can be made in one shift."""

    def hours(self, shift: Shift) -> Hours:
        """The hours of a shift; KeyError if the company does not work it."""
        return dict(self.shifts)[shift]


@dataclass(frozen=True)
class Company:
    name: str
    assistant: str
    timezone: str
    desk_hours: DeskHours
    shop: Shop
    payment_methods: tuple[PaymentMethod, ...]
    trust_release: TrustReleasePolicy
    due_days: tuple[int, ...]
    suspension: SuspensionPolicy
    address_change: AddressChangePolicy
    cancellation: CancellationPolicy
    visits: VisitPolicy


# ---------------------------------------------------------------- plans and the network


@dataclass(frozen=True)
class Plan:
    id: str
    name: str
    mbps: int
    price: Decimal
    extra: str | None = None
    for_companies: bool = False
    """Sold to a CNPJ only."""


@dataclass(frozen=True)
class Box:
    """A fibre distribution box (CTO)."""

    id: str
    point: Point
    ports: int
    free: int


@dataclass(frozen=True)
class CepRange:
    """Served CEPs from `first` to `last`, both included, 8 digits each."""

    first: str
    last: str
    neighbourhood: str


@dataclass(frozen=True)
class CoverageMap:
    ranges: tuple[CepRange, ...]
    boxes: tuple[Box, ...]
    not_served: frozenset[str]
    """CEPs (8 digits) known not to be served."""


@dataclass(frozen=True)
class Outage:
    """A failure that the network operation has on record."""

    id: str
    scope: str
    """The id of the box it hangs on."""
    neighbourhood: str
    since: datetime
    cause: str | None
    """Only a cause that is confirmed; otherwise None."""
    back_by: datetime | None
    """When it should be back, only if the operation wrote an estimate."""


# ---------------------------------------------------------------- customers and contracts


@dataclass(frozen=True)
class Customer:
    id: str
    name: str = field(repr=False)
    document: Document
    phones: tuple[str, ...] = field(repr=False)
    """Canonical, digits with country code (see `phones.canonical`)."""
    birth: date | None = field(repr=False)
    contact: str | None = field(default=None, repr=False)
    """Whom to talk to at a company."""

    @property
    def first_name(self) -> str:
        """How to address the customer: the contact of a company, else the first name."""
        return self.contact or self.name.split()[0]


class ContractStatus(str, Enum):
    ACTIVE = "active"
    BLOCKED_FOR_DEBT = "blocked_for_debt"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Contract:
    id: str
    customer_id: str
    plan: Plan
    address: str = field(repr=False)
    cep: str = field(repr=False)
    """8 digits."""
    since: date
    status: ContractStatus
    """As it is today: a running trust release or suspension is already counted in."""
    box: str | None
    loyalty_months: int
    """0 when the contract has none."""
    due_day: int | None
    trust_release_used: date | None
    """The day of the last release on trust."""
    released_until: date | None
    """The last day of a running release on trust."""
    suspended_from: date | None
    suspended_until: date | None
    """The last (or booked) suspension at the customer's wish; both days included."""
    cancel_on: date | None
    """The day a requested cancellation takes effect."""

    @property
    def cancelling(self) -> bool:
        """A cancellation is requested and has not taken effect."""
        return self.cancel_on is not None and self.status is not ContractStatus.CANCELLED


class Session(str, Enum):
    """What the access server says. `unknown` is not `offline`: nothing was ever reported."""

    ONLINE = "online"
    OFFLINE = "offline"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class DropCause(str, Enum):
    """Why the equipment was last lost: `dying-gasp` is its power going out, `LOS` the light in the fibre."""

    POWER = "dying-gasp"
    LIGHT = "LOS"
    RESTART = "reset"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Connection:
    contract_id: str
    session: Session
    rx_dbm: float | None
    """Light received, in dBm. None when there is no reading; an ERP's 0.00 is no reading either."""
    last_drop: DropCause
    wifi_managed: bool
    """Name and password of the Wi-Fi can be set from here."""


# ---------------------------------------------------------------- invoices


@dataclass(frozen=True)
class InvoiceItem:
    text: str
    amount: Decimal


@dataclass(frozen=True)
class Invoice:
    id: str
    contract_id: str
    due: date
    amount: Decimal
    paid_on: date | None
    items: tuple[InvoiceItem, ...]
    """Empty when the ERP does not say what the amount is made of."""
    pix: str | None = field(repr=False)
    """Pix copia e cola, verified, exactly as the ERP gave it."""
    line: str | None = field(repr=False)
    """Linha digitável, digits only (47 or 48)."""

    @property
    def is_open(self) -> bool:
        return self.paid_on is None

    def is_overdue(self, today: date) -> bool:
        """Open, and its due day is over."""
        return self.paid_on is None and self.due < today


# ---------------------------------------------------------------- tickets and visits


class Sector(str, Enum):
    """Who works on a ticket."""

    BILLING = "financeiro"
    SUPPORT = "suporte"
    SALES = "comercial"
    CONTRACT = "contratos"
    DESK = "atendimento"


class TicketStatus(str, Enum):
    OPEN = "open"
    SCHEDULED = "scheduled"
    """A visit is booked."""
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        return self not in (TicketStatus.DONE, TicketStatus.CANCELLED)


class VisitStatus(str, Enum):
    SCHEDULED = "scheduled"
    DONE = "done"
    MISSED = "missed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Visit:
    id: str
    protocol: str
    """The ticket the visit belongs to."""
    contract_id: str
    day: date
    shift: Shift
    status: VisitStatus


@dataclass(frozen=True)
class VisitSlot:
    day: date
    shift: Shift
    free: int


@dataclass(frozen=True)
class NewTicket:
    """A request to be opened. `subject` is a short machine word, as a rule the intent's name.

    While a ticket of the same contract and subject is open, no second one is made.
    """

    subject: str
    sector: Sector
    text: str = field(repr=False)
    """For the attendant who reads it; documents in it are masked."""
    customer_id: str | None = None
    contract_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", mask_documents(self.text).strip())


@dataclass(frozen=True)
class Ticket:
    protocol: str
    """yyyymmdd and six digits."""
    subject: str
    sector: Sector
    status: TicketStatus
    text: str = field(repr=False)
    opened_at: datetime
    customer_id: str | None = None
    contract_id: str | None = None
    visit: Visit | None = None
    """The visit that is booked or was last booked for it."""


@dataclass(frozen=True)
class OpenedTicket:
    ticket: Ticket
    is_new: bool
    """False: a ticket of this contract and subject was open already, and this is that one."""


# ---------------------------------------------------------------- sales, notices


LEAD_DAYS = 15
"""A wish to be connected that is told again within so many days is the same one."""


@dataclass(frozen=True)
class NewLead:
    """Somebody who wants to be connected. What was not told is None."""

    name: str = field(repr=False)
    phone: str = field(repr=False)
    plan_id: str | None = None
    cep: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    point: Point | None = field(default=None, repr=False)
    customer_id: str | None = None
    """Set when an existing customer asks for another connection."""
    note: str = field(default="", repr=False)
    """Documents in it are masked."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", mask_documents(self.note).strip())

    def is_like(self, other: NewLead) -> bool:
        """Whether both are one wish: of the same person, for the same place, as far as both tell it."""
        known = self.customer_id is not None and self.customer_id == other.customer_id
        return (known or same_phone(self.phone, other.phone)) and self._is_there(other)

    def _is_there(self, other: NewLead) -> bool:
        if self.point and other.point:  # a pin set twice on one house: some 50 m
            return abs(self.point.lat - other.point.lat) + abs(self.point.lon - other.point.lon) < 0.0005
        if self.cep and other.cep and self.cep != other.cep:
            return False
        one, two = _address_words(self.address), _address_words(other.address)
        numbers = [{word for word in words if word.isdigit()} for words in (one, two)]
        if all(numbers) and numbers[0] != numbers[1]:
            return False
        return (self.cep is not None and self.cep == other.cep) or bool(one and two and (one <= two or two <= one))


def _address_words(address: str | None) -> set[str]:
    plain = unicodedata.normalize("NFKD", address or "").encode("ascii", "ignore").decode().lower()
    return set(re.findall(r"\w+", plain)) - {"rua", "r", "av", "avenida", "de", "da", "do", "das", "dos", "n", "numero"}


@dataclass(frozen=True)
class Lead:
    protocol: str
    name: str = field(repr=False)
    phone: str = field(repr=False)
    plan_id: str | None
    is_new: bool = True
    """False: it was put down before, and is that one, brought up to date."""


@dataclass(frozen=True)
class Notice:
    """A promise to tell `chat` when the outage is over."""

    id: str
    outage_id: str
    contract_id: str
    chat: str = field(repr=False)
    """The conversation to write to, as the caller named it."""

"""Technical support: what is wrong with a connection, technicians' visits, Wi-Fi, notices.

The order of the questions saves visits and never asks the customer what the network already knows:
ended or suspended contract → blocked for debt → outage on record → session, light and last drop.

Light received (GPON ONU of class B+: sensitivity -27 dBm, overload -8 dBm): -8 to -25 is fine, down to
-27 wants attention, below is bad, above -8 the receiver is dazzled. A visit is due for all but the first,
even while the session is up: it will not stay up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum

from backoffice import desk
from backoffice.erp import Erp
from backoffice.errors import Refused
from backoffice.records import (
    Connection,
    Contract,
    ContractStatus,
    DropCause,
    Notice,
    OpenedTicket,
    Outage,
    Sector,
    Session,
    Shift,
    Ticket,
    Visit,
    VisitSlot,
    VisitStatus,
)

# ---------------------------------------------------------------- diagnosis


class SignalBand(str, Enum):
    OK = "ok"
    ATTENTION = "attention"
    BAD = "bad"
    SATURATED = "saturated"
    NO_READING = "no_reading"

    @property
    def is_weak(self) -> bool:
        """Somebody has to look at the fibre."""
        return self in (SignalBand.ATTENTION, SignalBand.BAD, SignalBand.SATURATED)


def signal_band(rx_dbm: float | None) -> SignalBand:
    """The band of a reading in dBm; None is no reading."""
    if rx_dbm is None:
        return SignalBand.NO_READING
    if rx_dbm > -8:
        return SignalBand.SATURATED
    if rx_dbm >= -25:
        return SignalBand.OK
    return SignalBand.ATTENTION if rx_dbm >= -27 else SignalBand.BAD


class DiagnosisOutcome(str, Enum):
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"
    """At the customer's wish, until `contract.suspended_until`."""
    BLOCKED_FOR_DEBT = "blocked_for_debt"
    OUTAGE = "outage"
    """`outage` says since when; cause and estimate only if they are on record. No script, no visit."""
    NO_POWER = "no_power"
    """The equipment said that its power went out before it was lost."""
    NO_LIGHT = "no_light"
    """No light in the fibre (LOS)."""
    WEAK_SIGNAL = "weak_signal"
    """`band` says in which way, whether the session is up or not."""
    ONLINE_OK = "online_ok"
    """Up, and nothing is wrong with the light: what is left is in the house."""
    UNKNOWN = "unknown"
    """The network does not know more than the customer."""


@dataclass(frozen=True)
class Diagnosis:
    outcome: DiagnosisOutcome
    contract: Contract
    connection: Connection | None = None
    """None where the answer was clear before the network was asked."""
    band: SignalBand = SignalBand.NO_READING
    outage: Outage | None = None
    ticket: Ticket | None = None
    """The newest open support ticket of the contract, maybe with its visit."""

    @property
    def needs_visit(self) -> bool:
        return self.outcome in (DiagnosisOutcome.NO_LIGHT, DiagnosisOutcome.WEAK_SIGNAL)


def diagnose(erp: Erp, contract_id: str) -> Diagnosis:
    """What is known about a connection, without asking the customer anything."""
    contract = erp.contract(contract_id)
    ticket = next(
        (
            ticket
            for ticket in desk.open_tickets(erp, contract.customer_id)
            if ticket.contract_id == contract_id and ticket.sector is Sector.SUPPORT
        ),
        None,
    )
    ended = {
        ContractStatus.CANCELLED: DiagnosisOutcome.CANCELLED,
        ContractStatus.SUSPENDED: DiagnosisOutcome.SUSPENDED,
        ContractStatus.BLOCKED_FOR_DEBT: DiagnosisOutcome.BLOCKED_FOR_DEBT,
    }
    if contract.status in ended:
        return Diagnosis(ended[contract.status], contract, ticket=ticket)
    outage = _outage(erp, contract_id)
    if outage is not None:
        return Diagnosis(DiagnosisOutcome.OUTAGE, contract, outage=outage, ticket=ticket)
    connection = erp.connection(contract_id)
    band = signal_band(connection.rx_dbm)
    return Diagnosis(_of_connection(connection, band), contract, connection, band, ticket=ticket)


def _of_connection(connection: Connection, band: SignalBand) -> DiagnosisOutcome:
    if connection.session is Session.BLOCKED:
        return DiagnosisOutcome.BLOCKED_FOR_DEBT
    if connection.session is Session.OFFLINE:
        if connection.last_drop is DropCause.POWER:
            return DiagnosisOutcome.NO_POWER
        if connection.last_drop is DropCause.LIGHT:
            return DiagnosisOutcome.NO_LIGHT
    if band.is_weak:
        return DiagnosisOutcome.WEAK_SIGNAL
    return DiagnosisOutcome.ONLINE_OK if connection.session is Session.ONLINE else DiagnosisOutcome.UNKNOWN


def _outage(erp: Erp, contract_id: str) -> Outage | None:
    """The outage a contract hangs on; an estimate that has passed is none any more."""
    outage = next(iter(erp.outages_for(contract_id)), None)
    if outage is not None and outage.back_by is not None and outage.back_by <= erp.now():
        return replace(outage, back_by=None)
    return outage


# ---------------------------------------------------------------- notices


class NoticeOutcome(str, Enum):
    PROMISED = "promised"
    NO_OUTAGE = "no_outage"
    """There is nothing on record that could be over."""


@dataclass(frozen=True)
class NoticePromise:
    outcome: NoticeOutcome
    outage: Outage | None = None
    notice: Notice | None = None


def promise_notice(erp: Erp, contract_id: str, chat: str, key: str) -> NoticePromise:
    """Promises a message to the conversation `chat` when the outage of this contract is over.

    Whoever sends the messages asks `erp.notices_due()` and marks each with `erp.notice_sent`.
    """
    outage = _outage(erp, contract_id)
    if outage is None:
        return NoticePromise(NoticeOutcome.NO_OUTAGE)
    notice = erp.notify_when_back(outage.id, contract_id, chat, key)
    return NoticePromise(NoticeOutcome.PROMISED, outage, notice)


# ---------------------------------------------------------------- visits


class VisitOutcome(str, Enum):
    BOOKED = "booked"
    MOVED = "moved"
    CANCELLED = "cancelled"
    ALREADY_BOOKED = "already_booked"
    """The contract has a visit ahead: `visit`."""
    SLOT_FULL = "slot_full"
    """`offers` has what is left."""
    NOT_OFFERED = "not_offered"
    """Not a day or shift of visits, or not from tomorrow on; see `offers`."""
    NOT_SCHEDULED = "not_scheduled"
    """The visit is over or cancelled."""


@dataclass(frozen=True)
class VisitResult:
    outcome: VisitOutcome
    visit: Visit | None = None
    ticket: Ticket | None = None
    offers: tuple[VisitSlot, ...] = ()


_DAYS_AHEAD = 14


def visit_offers(erp: Erp, count: int = 6) -> tuple[VisitSlot, ...]:
    """The next `count` shifts with room left, from tomorrow on and within two weeks."""
    tomorrow = erp.now().date() + timedelta(days=1)
    return erp.visit_slots(tomorrow, tomorrow + timedelta(days=_DAYS_AHEAD - 1))[:count]


def book_visit(
    erp: Erp, contract_id: str, day: date, shift: Shift, key: str, *, subject: str, text: str = ""
) -> VisitResult:
    """Opens a support ticket about `subject` (or takes the open one) and books a visit for it.

    The ticket stays when the shift turns out to be full: the wish is on record.
    """
    for visit in _ahead(erp, contract_id):
        ticket = erp.ticket(visit.protocol)
        if ticket.subject != subject:
            return VisitResult(VisitOutcome.ALREADY_BOOKED, visit, ticket)
    if day <= erp.now().date():
        return VisitResult(VisitOutcome.NOT_OFFERED, offers=visit_offers(erp))
    opened = desk.open_ticket(
        erp,
        subject=subject,
        sector=Sector.SUPPORT,
        text=text,
        key=key,
        customer_id=erp.contract(contract_id).customer_id,
        contract_id=contract_id,
    )
    try:
        visit = erp.book_visit(opened.ticket.protocol, day, shift, key)
    except Refused as refusal:
        ticket = erp.ticket(opened.ticket.protocol)
        if refusal.reason == "has_visit":
            return VisitResult(VisitOutcome.ALREADY_BOOKED, ticket.visit, ticket)
        return VisitResult(VisitOutcome(refusal.reason), ticket=ticket, offers=visit_offers(erp))
    return VisitResult(VisitOutcome.BOOKED, visit, erp.ticket(visit.protocol))


def move_visit(erp: Erp, visit_id: str, day: date, shift: Shift, key: str) -> VisitResult:
    """Moves a visit to another day or shift."""
    if day <= erp.now().date():
        return VisitResult(VisitOutcome.NOT_OFFERED, offers=visit_offers(erp))
    try:
        visit = erp.move_visit(visit_id, day, shift, key)
    except Refused as refusal:
        return VisitResult(VisitOutcome(refusal.reason), offers=visit_offers(erp))
    return VisitResult(VisitOutcome.MOVED, visit, erp.ticket(visit.protocol))


def cancel_visit(erp: Erp, visit_id: str, key: str) -> VisitResult:
    """Cancels a visit; its ticket stays open, without one."""
    try:
        visit = erp.cancel_visit(visit_id, key)
    except Refused:
        return VisitResult(VisitOutcome.NOT_SCHEDULED)
    return VisitResult(VisitOutcome.CANCELLED, visit, erp.ticket(visit.protocol))


def visits_ahead(erp: Erp, customer_id: str) -> tuple[Visit, ...]:
    """The visits a customer has still to expect, the next one first; today's until its shift ends."""
    found = (visit for contract in erp.contracts(customer_id) for visit in _ahead(erp, contract.id))
    return tuple(sorted(found, key=lambda visit: (visit.day, visit.shift is Shift.AFTERNOON)))


_MISSED_DAYS = 7


def missed_visits(erp: Erp, customer_id: str) -> tuple[Visit, ...]:
    """Visits of the last seven days that nobody recorded as made, the latest first."""
    now, since = erp.now(), erp.now().date() - timedelta(days=_MISSED_DAYS)
    return tuple(
        visit
        for contract in erp.contracts(customer_id)
        for visit in erp.visits(contract.id)
        if visit.day >= since
        and (
            visit.status is VisitStatus.MISSED
            or (visit.status is VisitStatus.SCHEDULED and _end(erp, visit) <= now)
        )
    )


def report_missed_visit(erp: Erp, visit_id: str, text: str, key: str) -> OpenedTicket:
    """The technician did not come: a ticket of its own to the support people, who call back."""
    visit = erp.visit(visit_id)
    return desk.open_ticket(
        erp,
        subject="visita_nao_realizada",
        sector=Sector.SUPPORT,
        text=f"Visita de {visit.day:%d/%m/%Y} ({visit.shift.value}), protocolo {visit.protocol}, "
        f"não aconteceu. {text}",
        key=key,
        customer_id=erp.contract(visit.contract_id).customer_id,
        contract_id=visit.contract_id,
    )


def _ahead(erp: Erp, contract_id: str) -> list[Visit]:
    now = erp.now()
    visits = erp.visits(contract_id)
    return [v for v in visits if v.status is VisitStatus.SCHEDULED and _end(erp, v) > now]


def _end(erp: Erp, visit: Visit) -> datetime:
    return datetime.combine(visit.day, erp.company().visits.hours(visit.shift).end, erp.now().tzinfo)


# ---------------------------------------------------------------- Wi-Fi


class WifiOutcome(str, Enum):
    CHANGED = "changed"
    NOT_MANAGED = "not_managed"
    """The equipment cannot be reached from here; `ticket` asks the support people to do it."""
    BAD_NAME = "bad_name"
    """Not 1 to 32 bytes."""
    BAD_PASSWORD = "bad_password"
    """Not 8 to 63 characters without accents."""


@dataclass(frozen=True)
class WifiChange:
    outcome: WifiOutcome
    ticket: Ticket | None = None


def set_wifi(
    erp: Erp, contract_id: str, key: str, *, name: str | None = None, password: str | None = None
) -> WifiChange:
    """Sets the name, the password or both of a customer's Wi-Fi.

    Lengths by IEEE 802.11: a name has 1 to 32 bytes, a WPA passphrase 8 to 63 printable ASCII characters.
    The password is passed on and kept nowhere. ValueError if neither is given.
    """
    if name is None and password is None:
        raise ValueError("neither name nor password")
    contract = erp.contract(contract_id)
    if not erp.connection(contract_id).wifi_managed:
        opened = desk.open_ticket(
            erp,
            subject="trocar_senha_wifi",
            sector=Sector.SUPPORT,
            text="Cliente quer trocar nome ou senha do Wi-Fi; equipamento sem gerência remota.",
            key=key,
            customer_id=contract.customer_id,
            contract_id=contract_id,
        )
        return WifiChange(WifiOutcome.NOT_MANAGED, opened.ticket)
    if name is not None and not (1 <= len(name.encode()) <= 32 and name.isprintable() and name.strip()):
        return WifiChange(WifiOutcome.BAD_NAME)
    if password is not None and not (
        8 <= len(password) <= 63 and password.isascii() and password.isprintable()
    ):
        return WifiChange(WifiOutcome.BAD_PASSWORD)
    erp.set_wifi(contract_id, name, password, key)
    return WifiChange(WifiOutcome.CHANGED)

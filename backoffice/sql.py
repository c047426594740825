"""The embedded ERP: the provider's records in a SQL database of our own, on SQLite or PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.engine import Connection as Transaction

from backoffice import calendar, invoice_pdf, phones, seed, tables
from backoffice.database import Database
from backoffice.documents import Document, DocumentKind
from backoffice.errors import NotFound, Refused, Unavailable
from backoffice.records import (
    LEAD_DAYS,
    Box,
    CepRange,
    Company,
    Connection,
    Contract,
    ContractStatus,
    CoverageMap,
    Customer,
    DropCause,
    Invoice,
    InvoiceItem,
    Lead,
    NewLead,
    NewTicket,
    Notice,
    OpenedTicket,
    Outage,
    Plan,
    Point,
    Sector,
    Session,
    Shift,
    Ticket,
    TicketStatus,
    Visit,
    VisitSlot,
    VisitStatus,
)

_T = TypeVar("_T")
_SETTLED = (TicketStatus.DONE.value, TicketStatus.CANCELLED.value)


class SqlErp:
    """The port of `erp.py` over the tables of `tables.py`; each method's contract is written there."""

    def __init__(self, database: Database, company: Company, clock: Callable[[], datetime]) -> None:
        """Over tables that are there and filled; `clock` gives the moment, aware. Use `open` to get one."""
        self._database = database
        self._company = company
        self._zone = ZoneInfo(company.timezone)
        self._clock = clock

    @classmethod
    def open(
        cls,
        url: str,
        *,
        base: Path = seed.SAMPLE,
        reset: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> SqlErp:
        """The records at `url`, created and filled from `base` if there are none.

        `reset` throws them away first. Any number of processes may do this at once: one fills. The
        company's own settings are read here and kept; a change of them needs a restart. Raises
        Unavailable if the database does not answer, ValueError or KeyError if the base is wrong or the
        tables are those of another version.
        """
        database = Database(url)
        with database.write() as tx:
            if reset:
                tables.metadata.drop_all(tx)
            tables.metadata.create_all(tx)
            tables.check(tx)
            if tx.execute(select(tables.company.c.id)).first() is None:
                seed.fill(tx, seed.read_base(base), clock())
            settings = tx.execute(select(tables.company.c.settings)).scalar_one()
        return cls(database, seed.company_of(json.loads(settings)), clock)

    def close(self) -> None:
        """Closes the connections."""
        self._database.close()

    # -- the company ----------------------------------------------------------------------------

    def now(self) -> datetime:
        return self._clock().astimezone(self._zone)

    def company(self) -> Company:
        return self._company

    def plans(self) -> tuple[Plan, ...]:
        query = tables.plan.select().order_by(tables.plan.c.price_cents, tables.plan.c.id)
        with self._database.read() as tx:
            return tuple(_plan(row) for row in tx.execute(query))

    def coverage(self) -> CoverageMap:
        with self._database.read() as tx:
            ranges = tx.execute(tables.cep_range.select().order_by(tables.cep_range.c.first)).all()
            boxes = tx.execute(tables.box.select().order_by(tables.box.c.id)).all()
            never = tx.execute(tables.not_served.select()).all()
        return CoverageMap(
            ranges=tuple(CepRange(r.first, r.last, r.neighbourhood) for r in ranges),
            boxes=tuple(Box(r.id, Point(r.lat, r.lon), r.ports, r.free) for r in boxes),
            not_served=frozenset(r.cep for r in never),
        )

    # -- customers and contracts ----------------------------------------------------------------

    def find_customer(self, document: Document) -> Customer | None:
        with self._database.read() as tx:
            found = _customers(tx, tables.customer.c.document == document.number)
        return found[0] if found else None

    def find_customers_by_phone(self, phone: str) -> tuple[Customer, ...]:
        number = phones.canonical(phone)
        if number is None:
            return ()
        ids = select(tables.phone.c.customer_id).where(tables.phone.c.tail == number[-8:])
        with self._database.read() as tx:
            found = _customers(tx, tables.customer.c.id.in_(ids))
        return tuple(c for c in found if any(phones.same_phone(number, own) for own in c.phones))

    def customer(self, customer_id: str) -> Customer:
        with self._database.read() as tx:
            return _one(_customers(tx, tables.customer.c.id == customer_id), "customer", customer_id)

    def contracts(self, customer_id: str) -> tuple[Contract, ...]:
        with self._database.read() as tx:
            found = self._contracts(tx, tables.contract.c.customer_id == customer_id)
        return tuple(sorted(found, key=lambda c: (c.status is ContractStatus.CANCELLED, c.since, c.id)))

    def contract(self, contract_id: str) -> Contract:
        with self._database.read() as tx:
            return self._contract(tx, contract_id)

    # -- invoices -------------------------------------------------------------------------------

    def invoices(self, contract_id: str) -> tuple[Invoice, ...]:
        with self._database.read() as tx:
            return _invoices(tx, tables.invoice.c.contract_id == contract_id)

    def invoice(self, invoice_id: str) -> Invoice:
        with self._database.read() as tx:
            return _invoice(tx, invoice_id)

    def invoice_pdf(self, invoice_id: str) -> bytes:
        company = self._company
        with self._database.read() as tx:
            invoice = _invoice(tx, invoice_id)
            if not invoice.is_open:
                raise Refused("already_paid", invoice_id)
            contract = self._contract(tx, invoice.contract_id)
            customer = _one(
                _customers(tx, tables.customer.c.id == contract.customer_id), "customer", contract.customer_id
            )
        return invoice_pdf.render(company, customer, contract, invoice)

    def register_payment_claim(self, invoice_id: str, text: str, key: str) -> OpenedTicket:
        def act(tx: Transaction) -> str:
            invoice = _invoice(tx, invoice_id)
            if not invoice.is_open:
                raise Refused("already_paid", invoice_id)
            contract = self._contract(tx, invoice.contract_id)
            which = f"Fatura {invoice.id}, vencimento {invoice.due:%d/%m/%Y}"
            return self._file(
                tx,
                NewTicket(
                    subject="informar_pagamento",
                    sector=Sector.BILLING,
                    text=f"{which}: cliente informa pagamento. {text}",
                    customer_id=contract.customer_id,
                    contract_id=contract.id,
                ),
            )

        return self._once("register_payment_claim", invoice_id, key, act, self._opened)

    def trust_release(self, contract_id: str, days: int, key: str) -> Contract:
        def act(tx: Transaction) -> str:
            contract, today = self._contract(tx, contract_id), self.now().date()
            blocked = contract.status is ContractStatus.BLOCKED_FOR_DEBT
            blocked = blocked or self._connection(tx, contract).session is Session.BLOCKED
            if not blocked or contract.released_until is not None:
                raise Refused("not_blocked", contract_id)
            used, policy = contract.trust_release_used, self._company.trust_release
            if days > policy.days or (used and today < used + timedelta(days=policy.once_every_days)):
                raise Refused("not_allowed", contract_id)
            until = today + timedelta(days=days)
            return self._change(tx, contract_id, trust_release_used=today, released_until=until)

        return self._once("trust_release", contract_id, key, act, self._contract)

    def change_due_day(self, contract_id: str, day: int, key: str) -> date:
        def act(tx: Transaction) -> str:
            contract = self._contract(tx, contract_id)
            if contract.status is ContractStatus.CANCELLED:
                raise Refused("not_active", contract_id)
            if contract.due_day == day:
                raise Refused("same_day", str(day))
            if day not in self._company.due_days:
                raise Refused("not_allowed", str(day))
            issued = [invoice.due for invoice in _invoices(tx, tables.invoice.c.contract_id == contract_id)]
            self._change(tx, contract_id, due_day=day)
            # The month after the last issued invoice: nobody gets two due days in one month.
            start = calendar.add_months(max([*issued, self.now().date()]).replace(day=1), 1)
            return start.replace(day=day).isoformat()

        return self._once(
            "change_due_day", contract_id, key, act, lambda _, result: date.fromisoformat(result)
        )

    # -- tickets --------------------------------------------------------------------------------

    def contact_protocol(self, conversation_key: str) -> str:
        return self._once(
            "contact_protocol", "", conversation_key, self._next_protocol, lambda _, result: result
        )

    def rate_contact(self, protocol: str, mark: int, key: str) -> int:
        def act(tx: Transaction) -> str:
            tx.execute(tables.rating.delete().where(tables.rating.c.protocol == protocol))
            tx.execute(tables.rating.insert(), {"protocol": protocol, "mark": mark})
            return str(mark)

        return self._once("rate_contact", protocol, key, act, lambda _, result: int(result))

    def open_ticket(self, new: NewTicket, key: str) -> OpenedTicket:
        target = f"{new.customer_id} {new.contract_id} {new.subject}"
        return self._once("open_ticket", target, key, lambda tx: self._file(tx, new), self._opened)

    def tickets(self, customer_id: str) -> tuple[Ticket, ...]:
        with self._database.read() as tx:
            return self._tickets(tx, tables.ticket.c.customer_id == customer_id)

    def ticket(self, protocol: str) -> Ticket:
        with self._database.read() as tx:
            return self._ticket(tx, protocol)

    def is_contact(self, protocol: str) -> bool:
        contacts = select(tables.effect.c.key).where(
            tables.effect.c.kind == "contact_protocol", tables.effect.c.result == protocol
        )
        leads = select(tables.lead.c.protocol).where(tables.lead.c.protocol == protocol)
        with self._database.read() as tx:
            return any(tx.execute(query).first() is not None for query in (contacts, leads))

    # -- the network ----------------------------------------------------------------------------

    def connection(self, contract_id: str) -> Connection:
        with self._database.read() as tx:
            return self._connection(tx, self._contract(tx, contract_id))

    def outages_for(self, contract_id: str) -> tuple[Outage, ...]:
        box = self.contract(contract_id).box
        return tuple(outage for outage in self.outages() if outage.scope == box)

    def outages(self) -> tuple[Outage, ...]:
        query = (
            tables.outage.select().where(tables.outage.c.ended_at.is_(None)).order_by(tables.outage.c.since)
        )
        with self._database.read() as tx:
            rows = tx.execute(query).all()
        return tuple(
            Outage(
                id=str(row.id),
                scope=row.scope,
                neighbourhood=row.neighbourhood,
                since=self._local(row.since),
                cause=row.cause if row.confirmed else None,
                back_by=None if row.back_by is None else self._local(row.back_by),
            )
            for row in rows
        )

    def end_outage(self, outage_id: str) -> None:
        """The operation's side, not in the port: the failure is over, its notices fall due."""
        own = tables.outage.c.id == _number(outage_id, "outage")
        with self._database.write() as tx:
            if tx.execute(tables.outage.update().where(own).values(ended_at=self._utc())).rowcount == 0:
                raise NotFound(f"outage {outage_id}")

    def notify_when_back(self, outage_id: str, contract_id: str, chat: str, key: str) -> Notice:
        def act(tx: Transaction) -> str:
            self._contract(tx, contract_id)
            outage = _number(outage_id, "outage")
            if tx.execute(select(tables.outage.c.id).where(tables.outage.c.id == outage)).first() is None:
                raise NotFound(f"outage {outage_id}")
            row = {"outage_id": outage, "contract_id": contract_id, "chat": chat}
            same = and_(*(tables.notice.c[name] == value for name, value in row.items()))
            known = tx.execute(select(tables.notice.c.id).where(same)).scalar_one_or_none()
            return str(known or _insert(tx, tables.notice, row))

        def read(tx: Transaction, result: str) -> Notice:
            query = tables.notice.select().where(tables.notice.c.id == int(result))
            return _notice(tx.execute(query).one())

        return self._once("notify_when_back", f"{outage_id} {contract_id}", key, act, read)

    def notices_due(self) -> tuple[Notice, ...]:
        over = select(tables.outage.c.id).where(tables.outage.c.ended_at.is_not(None))
        query = (
            tables.notice.select()
            .where(tables.notice.c.sent_at.is_(None), tables.notice.c.outage_id.in_(over))
            .order_by(tables.notice.c.id)
        )
        with self._database.read() as tx:
            return tuple(_notice(row) for row in tx.execute(query))

    def notice_sent(self, notice_id: str) -> None:
        own = tables.notice.c.id == _number(notice_id, "notice")
        with self._database.write() as tx:
            if tx.execute(tables.notice.update().where(own).values(sent_at=self._utc())).rowcount == 0:
                raise NotFound(f"notice {notice_id}")

    def set_wifi(self, contract_id: str, name: str | None, password: str | None, key: str) -> None:
        def act(tx: Transaction) -> str:
            self._contract(tx, contract_id)
            own = tables.contract.c.id == contract_id
            if not tx.execute(select(tables.contract.c.wifi_managed).where(own)).scalar_one():
                raise Refused("not_managed", contract_id)
            # A password belongs in the equipment alone: the embedded records only note that it was set.
            values = {"wifi_set_at": self._utc(), **({"wifi_name": name} if name else {})}
            return self._change(tx, contract_id, **values)

        self._once("set_wifi", contract_id, key, act, lambda _, __: None)

    # -- visits ---------------------------------------------------------------------------------

    def visit_slots(self, first: date, last: date) -> tuple[VisitSlot, ...]:
        with self._database.read() as tx:
            return self._slots(tx, first, last)

    def visits(self, contract_id: str) -> tuple[Visit, ...]:
        with self._database.read() as tx:
            return _visits(tx, tables.visit.c.contract_id == contract_id)

    def visit(self, visit_id: str) -> Visit:
        with self._database.read() as tx:
            return _visit(tx, visit_id)

    def book_visit(self, protocol: str, day: date, shift: Shift, key: str) -> Visit:
        def act(tx: Transaction) -> str:
            ticket = self._ticket(tx, protocol)
            if not ticket.status.is_open or ticket.contract_id is None:
                raise Refused("closed", protocol)
            visit, today = ticket.visit, self.now().date()
            if visit is not None and visit.status is VisitStatus.SCHEDULED and visit.day >= today:
                raise Refused("has_visit", protocol)
            self._need_slot(tx, day, shift)
            self._set_status(tx, protocol, TicketStatus.SCHEDULED)
            row = {"protocol": protocol, "contract_id": ticket.contract_id, "day": day, "shift": shift.value}
            return str(_insert(tx, tables.visit, {**row, "status": VisitStatus.SCHEDULED.value}))

        return self._once("book_visit", protocol, key, act, _visit)

    def move_visit(self, visit_id: str, day: date, shift: Shift, key: str) -> Visit:
        def act(tx: Transaction) -> str:
            visit = _need_scheduled(tx, visit_id)
            if (visit.day, visit.shift) != (day, shift):
                self._need_slot(tx, day, shift)
            own = tables.visit.c.id == int(visit.id)
            tx.execute(tables.visit.update().where(own).values(day=day, shift=shift.value))
            return visit.id

        return self._once("move_visit", visit_id, key, act, _visit)

    def cancel_visit(self, visit_id: str, key: str) -> Visit:
        def act(tx: Transaction) -> str:
            visit = _need_scheduled(tx, visit_id)
            own = tables.visit.c.id == int(visit.id)
            tx.execute(tables.visit.update().where(own).values(status=VisitStatus.CANCELLED.value))
            self._set_status(tx, visit.protocol, TicketStatus.OPEN)
            return visit.id

        return self._once("cancel_visit", visit_id, key, act, _visit)

    # -- sales and contract ---------------------------------------------------------------------

    def create_lead(self, new: NewLead, key: str) -> Lead:
        def act(tx: Transaction) -> str:
            if new.plan_id is not None:
                _need_plan(tx, new.plan_id)
            if new.customer_id is not None:
                _need_customer(tx, new.customer_id)
            told: dict[str, object] = {
                "name": new.name,
                "phone": new.phone,
                "plan_id": new.plan_id,
                "cep": new.cep,
                "address": new.address,
                "lat": new.point.lat if new.point else None,
                "lon": new.point.lon if new.point else None,
                "customer_id": new.customer_id,
            }
            like = self._lead_like(tx, new)
            if like is not None:
                note = f"{like.note}\n[{self.now():%d/%m/%Y %H:%M}] {new.note}".strip()
                row = {name: value for name, value in told.items() if value is not None}
                own = tables.lead.c.protocol == like.protocol
                tx.execute(tables.lead.update().where(own).values(**row, note=note))
                return f"{like.protocol} old"
            protocol = self._next_protocol(tx)
            row = {**told, "protocol": protocol, "note": new.note, "made_at": self._utc()}
            tx.execute(tables.lead.insert(), row)
            return f"{protocol} new"

        def read(tx: Transaction, result: str) -> Lead:
            protocol, kind = result.split()
            row = tx.execute(tables.lead.select().where(tables.lead.c.protocol == protocol)).one()
            return Lead(row.protocol, row.name, row.phone, row.plan_id, is_new=kind == "new")

        return self._once("create_lead", "", key, act, read)

    def _lead_like(self, tx: Transaction, new: NewLead) -> Any:
        """The newest lead of the last days that is this wish, or None."""
        recent = tables.lead.c.made_at > self._utc() - timedelta(days=LEAD_DAYS)
        for row in tx.execute(tables.lead.select().where(recent).order_by(tables.lead.c.protocol.desc())):
            point = None if row.lat is None else Point(row.lat, row.lon)
            made = NewLead(row.name, row.phone, row.plan_id, row.cep, row.address, point, row.customer_id)
            if made.is_like(new):
                return row
        return None

    def change_plan(self, contract_id: str, plan_id: str, key: str) -> Contract:
        def act(tx: Transaction) -> str:
            _need_plan(tx, plan_id)
            contract = self._contract(tx, contract_id)
            if contract.plan.id == plan_id:
                raise Refused("same_plan", plan_id)
            if contract.status is not ContractStatus.ACTIVE:
                raise Refused("not_active", contract_id)
            return self._change(tx, contract_id, plan_id=plan_id)

        return self._once("change_plan", contract_id, key, act, self._contract)

    def suspend(self, contract_id: str, first: date, last: date, key: str) -> Contract:
        def act(tx: Transaction) -> str:
            if self._contract(tx, contract_id).status is not ContractStatus.ACTIVE:
                raise Refused("not_active", contract_id)
            return self._change(tx, contract_id, suspended_from=first, suspended_until=last)

        return self._once("suspend", contract_id, key, act, self._contract)

    def cancel_contract(self, contract_id: str, effective: date, reason: str, key: str) -> OpenedTicket:
        def act(tx: Transaction) -> str:
            contract = self._contract(tx, contract_id)
            if contract.status is ContractStatus.CANCELLED:
                raise Refused("not_active", contract_id)
            if contract.cancelling:
                raise Refused("already_requested", contract_id)
            result = self._file(
                tx,
                NewTicket(
                    subject="cancelar_servico",
                    sector=Sector.CONTRACT,
                    text=f"Cancelamento pedido para {effective:%d/%m/%Y}. {reason}",
                    customer_id=contract.customer_id,
                    contract_id=contract_id,
                ),
            )
            protocol = result.split()[0]
            self._change(tx, contract_id, cancel_on=effective, cancel_protocol=protocol)
            return result

        return self._once("cancel_contract", contract_id, key, act, self._opened)

    def keep_contract(self, contract_id: str, key: str) -> Contract:
        def act(tx: Transaction) -> str:
            contract = self._contract(tx, contract_id)
            if not contract.cancelling:
                raise Refused("not_cancelling", contract_id)
            own = tables.contract.c.id == contract_id
            protocol = tx.execute(select(tables.contract.c.cancel_protocol).where(own)).scalar_one()
            if protocol is not None:
                self._set_status(tx, protocol, TicketStatus.CANCELLED)
            return self._change(tx, contract_id, cancel_on=None, cancel_protocol=None)

        return self._once("keep_contract", contract_id, key, act, self._contract)

    # -- safety ---------------------------------------------------------------------------------

    def failed_identifications(self, who: str, *, add: int = 0) -> int:
        table, today = tables.failed_identification, self.now().date()
        phone = who if who.startswith("doc:") else (phones.canonical(who) or who)[:64]
        own = and_(table.c.day == today, table.c.phone == phone)
        with self._database.write() if add else self._database.read() as tx:
            count = int(tx.execute(select(table.c.count).where(own)).scalar_one_or_none() or 0)
            if add:
                tx.execute(table.delete().where(or_(table.c.day < today, own)))
                tx.execute(table.insert(), {"day": today, "phone": phone, "count": count + add})
        return count + add

    # -- how it is done -------------------------------------------------------------------------

    def _once(
        self,
        kind: str,
        target: str,
        key: str,
        act: Callable[[Transaction], str],
        read: Callable[[Transaction, str], _T],
    ) -> _T:
        """Does `act` unless it was done to `target` under this key; `read` turns its note into the answer."""
        table = tables.effect
        own = and_(table.c.kind == kind, table.c.target == target, table.c.key == key)
        with self._database.write() as tx:
            result = tx.execute(select(table.c.result).where(own)).scalar_one_or_none()
            if result is None:
                result = act(tx)
                row = {"kind": kind, "target": target, "key": key, "result": result}
                tx.execute(table.insert(), {**row, "made_at": self._utc()})
            return read(tx, result)

    def _next_protocol(self, tx: Transaction) -> str:
        table, day = tables.sequence, f"{self.now():%Y%m%d}"
        last = tx.execute(select(table.c.last).where(table.c.day == day)).scalar_one_or_none()
        if last is None:
            tx.execute(table.insert(), {"day": day, "last": 1})
            return f"{day}{1:06}"
        if last >= 999_999:
            raise Unavailable("the protocol numbers of this day are used up")
        tx.execute(table.update().where(table.c.day == day).values(last=last + 1))
        return f"{day}{last + 1:06}"

    def _file(self, tx: Transaction, new: NewTicket) -> str:
        """Opens a ticket, or adds to the open one like it; `protocol new` or `protocol old`."""
        table = tables.ticket
        if new.contract_id is not None:
            self._contract(tx, new.contract_id)
            like = tx.execute(
                select(table.c.protocol, table.c.text)
                .where(
                    table.c.contract_id == new.contract_id,
                    table.c.subject == new.subject,
                    table.c.status.not_in(_SETTLED),
                )
                .order_by(table.c.protocol.desc())
            ).first()
            if like is not None:
                if new.text and new.text not in like.text:
                    text = f"{like.text}\n[{self.now():%d/%m/%Y %H:%M}] {new.text}".strip()
                    tx.execute(table.update().where(table.c.protocol == like.protocol).values(text=text))
                return f"{like.protocol} old"
        if new.customer_id is not None:
            _need_customer(tx, new.customer_id)
        protocol = self._next_protocol(tx)
        row = {
            "protocol": protocol,
            "customer_id": new.customer_id,
            "contract_id": new.contract_id,
            "subject": new.subject,
            "sector": new.sector.value,
            "status": TicketStatus.OPEN.value,
            "text": new.text,
            "opened_at": self._utc(),
        }
        tx.execute(table.insert(), row)
        return f"{protocol} new"

    def _opened(self, tx: Transaction, result: str) -> OpenedTicket:
        protocol, kind = result.split()
        return OpenedTicket(self._ticket(tx, protocol), is_new=kind == "new")

    def _ticket(self, tx: Transaction, protocol: str) -> Ticket:
        return _one(list(self._tickets(tx, tables.ticket.c.protocol == protocol)), "ticket", protocol)

    def _tickets(self, tx: Transaction, where: Any) -> tuple[Ticket, ...]:
        rows = tx.execute(tables.ticket.select().where(where).order_by(tables.ticket.c.protocol.desc())).all()
        protocols = [row.protocol for row in rows]
        # The newest first, and a booked one before those that are over: what the ticket is about now.
        visits = sorted(
            _visits(tx, tables.visit.c.protocol.in_(protocols)),
            key=lambda visit: visit.status is not VisitStatus.SCHEDULED,
        )
        return tuple(
            Ticket(
                protocol=row.protocol,
                subject=row.subject,
                sector=Sector(row.sector),
                status=TicketStatus(row.status),
                text=row.text,
                opened_at=self._local(row.opened_at),
                customer_id=row.customer_id,
                contract_id=row.contract_id,
                visit=next((visit for visit in visits if visit.protocol == row.protocol), None),
            )
            for row in rows
        )

    def _set_status(self, tx: Transaction, protocol: str, status: TicketStatus) -> None:
        own = tables.ticket.c.protocol == protocol
        tx.execute(tables.ticket.update().where(own).values(status=status.value))

    def _contract(self, tx: Transaction, contract_id: str) -> Contract:
        return _one(self._contracts(tx, tables.contract.c.id == contract_id), "contract", contract_id)

    def _contracts(self, tx: Transaction, where: Any) -> list[Contract]:
        today = self.now().date()
        rows = tx.execute(tables.contract.select().where(where)).all()
        plans = {row.id: _plan(row) for row in tx.execute(tables.plan.select())} if rows else {}
        return [_contract(row, plans, today) for row in rows]

    def _connection(self, tx: Transaction, contract: Contract) -> Connection:
        row = tx.execute(tables.contract.select().where(tables.contract.c.id == contract.id)).one()
        session = Session(row.session)
        if session is Session.BLOCKED and contract.released_until is not None:
            session = Session.ONLINE
        return Connection(
            contract_id=contract.id,
            session=session,
            rx_dbm=row.rx_dbm or None,
            last_drop=DropCause(row.last_drop),
            wifi_managed=row.wifi_managed,
        )

    def _change(self, tx: Transaction, contract_id: str, **values: object) -> str:
        tx.execute(tables.contract.update().where(tables.contract.c.id == contract_id).values(**values))
        return contract_id

    def _need_slot(self, tx: Transaction, day: date, shift: Shift) -> None:
        policy = self._company.visits
        if (
            day < self.now().date()
            or not _is_worked(policy.weekdays, day)
            or shift not in dict(policy.shifts)
        ):
            raise Refused("not_offered", f"{day} {shift.value}")
        if not any(slot.shift is shift for slot in self._slots(tx, day, day)):
            raise Refused("slot_full", f"{day} {shift.value}")

    def _slots(self, tx: Transaction, first: date, last: date) -> tuple[VisitSlot, ...]:
        policy, table = self._company.visits, tables.visit
        query = (
            select(table.c.day, table.c.shift, func.count())
            .where(table.c.day.between(first, last), table.c.status == VisitStatus.SCHEDULED.value)
            .group_by(table.c.day, table.c.shift)
        )
        taken = {(day, Shift(shift)): count for day, shift, count in tx.execute(query)}
        days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
        slots = (
            VisitSlot(day, shift, policy.capacity - taken.get((day, shift), 0))
            for day in days
            if _is_worked(policy.weekdays, day)
            for shift, _ in policy.shifts
        )
        return tuple(slot for slot in slots if slot.free > 0)

    def _utc(self) -> datetime:
        return self._clock().astimezone(timezone.utc).replace(tzinfo=None)

    def _local(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=timezone.utc).astimezone(self._zone)


# ---------------------------------------------------------------- rows to records


def _one(found: list[_T], what: str, name: str) -> _T:
    if not found:
        raise NotFound(f"{what} {name}")
    return found[0]


def _number(text: str, what: str) -> int:
    if not text.isdecimal():
        raise NotFound(f"{what} {text}")
    return int(text)


def _insert(tx: Transaction, table: Any, row: Mapping[str, object]) -> int:
    return int(tx.execute(table.insert(), row).inserted_primary_key[0])


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _is_worked(weekdays: frozenset[int], day: date) -> bool:
    return day.weekday() in weekdays and not calendar.is_holiday(day)


def _plan(row: Any) -> Plan:
    return Plan(row.id, row.name, row.mbps, _money(row.price_cents), row.extra, row.for_companies)


def _need_plan(tx: Transaction, plan_id: str) -> None:
    if tx.execute(select(tables.plan.c.id).where(tables.plan.c.id == plan_id)).first() is None:
        raise NotFound(f"plan {plan_id}")


def _need_customer(tx: Transaction, customer_id: str) -> None:
    if tx.execute(select(tables.customer.c.id).where(tables.customer.c.id == customer_id)).first() is None:
        raise NotFound(f"customer {customer_id}")


def _customers(tx: Transaction, where: Any) -> list[Customer]:
    rows = tx.execute(tables.customer.select().where(where).order_by(tables.customer.c.id)).all()
    numbers: dict[str, list[str]] = {row.id: [] for row in rows}
    for row in tx.execute(
        tables.phone.select()
        .where(tables.phone.c.customer_id.in_(numbers))
        .order_by(tables.phone.c.customer_id, tables.phone.c.number)
    ):
        numbers[row.customer_id].append(row.number)
    return [
        Customer(
            id=row.id,
            name=row.name,
            document=Document(
                DocumentKind.CPF if len(row.document) == 11 else DocumentKind.CNPJ, row.document
            ),
            phones=tuple(numbers[row.id]),
            birth=row.birth,
            contact=row.contact,
        )
        for row in rows
    ]


def _contract(row: Any, plans: Mapping[str, Plan], today: date) -> Contract:
    status = ContractStatus(row.status)
    released = row.released_until if row.released_until and row.released_until >= today else None
    if row.cancel_on is not None and row.cancel_on <= today:
        status = ContractStatus.CANCELLED
    elif row.suspended_from is not None and row.suspended_from <= today <= row.suspended_until:
        status = ContractStatus.SUSPENDED
    elif status is ContractStatus.BLOCKED_FOR_DEBT and released:
        status = ContractStatus.ACTIVE
    return Contract(
        id=row.id,
        customer_id=row.customer_id,
        plan=plans[row.plan_id],
        address=row.address,
        cep=row.cep,
        since=row.since,
        status=status,
        box=row.box,
        loyalty_months=row.loyalty_months,
        due_day=row.due_day,
        trust_release_used=row.trust_release_used,
        released_until=released,
        suspended_from=row.suspended_from,
        suspended_until=row.suspended_until,
        cancel_on=row.cancel_on,
    )


def _invoice(tx: Transaction, invoice_id: str) -> Invoice:
    return _one(list(_invoices(tx, tables.invoice.c.id == invoice_id)), "invoice", invoice_id)


def _invoices(tx: Transaction, where: Any) -> tuple[Invoice, ...]:
    rows = tx.execute(
        tables.invoice.select().where(where).order_by(tables.invoice.c.due, tables.invoice.c.id)
    ).all()
    items: dict[str, list[InvoiceItem]] = {row.id: [] for row in rows}
    for item in tx.execute(
        tables.invoice_item.select()
        .where(tables.invoice_item.c.invoice_id.in_(items))
        .order_by(tables.invoice_item.c.invoice_id, tables.invoice_item.c.position)
    ):
        items[item.invoice_id].append(InvoiceItem(item.text, _money(item.amount_cents)))
    return tuple(
        Invoice(
            id=row.id,
            contract_id=row.contract_id,
            due=row.due,
            amount=_money(row.amount_cents),
            paid_on=row.paid_on,
            items=tuple(items[row.id]),
            pix=row.pix,
            line=row.line,
        )
        for row in rows
    )


def _visit(tx: Transaction, visit_id: str) -> Visit:
    return _one(list(_visits(tx, tables.visit.c.id == _number(visit_id, "visit"))), "visit", visit_id)


def _visits(tx: Transaction, where: Any) -> tuple[Visit, ...]:
    query = tables.visit.select().where(where).order_by(tables.visit.c.day.desc(), tables.visit.c.id.desc())
    return tuple(
        Visit(
            id=str(row.id),
            protocol=row.protocol,
            contract_id=row.contract_id,
            day=row.day,
            shift=Shift(row.shift),
            status=VisitStatus(row.status),
        )
        for row in tx.execute(query)
    )


def _need_scheduled(tx: Transaction, visit_id: str) -> Visit:
    visit = _visit(tx, visit_id)
    if visit.status is not VisitStatus.SCHEDULED:
        raise Refused("not_scheduled", visit_id)
    return visit


def _notice(row: Any) -> Notice:
    return Notice(str(row.id), str(row.outage_id), row.contract_id, row.chat)

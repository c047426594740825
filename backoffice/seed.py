"""The sample records: reads a base in the shape of `sample_base.yml` and fills the tables with it.

`python -m backoffice.seed` fills the database of `DATABASE_URL` if it is empty; `--reset` throws the
embedded records away first; `--base FILE` takes another base.

In a base, days are relative to the day it is filled in (`+6`, `-8`), moments to the minute (`-0h40`),
`next_friday` is the first Friday after today; ISO dates are taken as they are. Because the embedded
records are the ERP here, each open invoice gets its own payment line and dynamic Pix code, with an
invented bank (999) and an invented `.example` host: they verify, and nobody can pay them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import unicodedata
import uuid
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from sqlalchemy.engine import Connection as Transaction

from backoffice import boleto, phones, pix, tables
from backoffice.database import url_of
from backoffice.documents import parse_document
from backoffice.records import (
    AddressChangePolicy,
    CancellationPolicy,
    Company,
    ContractStatus,
    DeskHours,
    DropCause,
    Hours,
    PaymentMethod,
    Point,
    Sector,
    Session,
    Shift,
    Shop,
    SuspensionPolicy,
    TicketStatus,
    TrustReleasePolicy,
    VisitPolicy,
    VisitStatus,
)

SAMPLE = Path(__file__).with_name("sample_base.yml")

_WEEKDAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_BANK = "999"
_VISITS_PER_SHIFT = 4
"""Where the base does not say `visits_per_shift`."""
_SECTORS = {
    Sector.BILLING: ("pedir_segunda_via", "informar_pagamento", "contestar_fatura", "negociar_debito"),
    Sector.SUPPORT: ("pedir_suporte", "sem_internet", "internet_lenta", "modem_desligado"),
}


def read_base(path: Path) -> dict[str, Any]:
    """The base in a YAML file, unchecked; `fill` and `company_of` say what is wrong in it."""
    base: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return base


def company_of(settings: Mapping[str, Any]) -> Company:
    """The `company:` part of a base as a record. KeyError or ValueError name what is missing or wrong."""
    hours, shop, release = settings["desk_hours"], settings["shop"], settings["trust_release"]
    suspension, moving, ending = (
        settings["suspension"],
        settings["address_change"],
        settings["cancellation"],
    )
    fine = re.search(r"(?<!\d)\d+[.,]\d{2}", ending["fine"])
    if fine is None:
        raise ValueError(f"cancellation.fine has no amount: {ending['fine']!r}")
    return Company(
        name=settings["name"],
        assistant=settings["assistant"],
        timezone=settings["timezone"],
        desk_hours=DeskHours(
            *(_hours(hours[part]) for part in ("mon_fri", "sat", "sun_and_holidays")),
        ),
        shop=Shop(shop["address"], shop["hours"], _point(shop.get("map"))),
        payment_methods=tuple(_payment_method(text) for text in settings["payment_methods"]),
        trust_release=TrustReleasePolicy(
            release["days"], release["once_every_days"], release["max_open_invoices"]
        ),
        due_days=tuple(settings["due_days"]),
        suspension=SuspensionPolicy(
            suspension["min_days"],
            suspension["max_days"],
            suspension["once_every_days"],
            _money(suspension["price"]),
        ),
        address_change=AddressChangePolicy(
            _money(moving["price"]), moving["free_after_months"], moving["days"]
        ),
        cancellation=CancellationPolicy(
            effective_business_days=ending["effective_business_days"],
            max_loyalty_months=ending["loyalty_months"],
            fine_per_month=_money(fine[0].replace(",", ".")),
            fine_text=ending["fine"],
            equipment=ending["equipment"],
        ),
        visits=VisitPolicy(
            shifts=tuple((Shift(name), _worked(span)) for name, span in settings["visit_shifts"].items()),
            weekdays=frozenset(_WEEKDAYS[day] for day in settings["visit_days"]),
            capacity=settings.get("visits_per_shift", _VISITS_PER_SHIFT),
        ),
    )


def fill(tx: Transaction, base: Mapping[str, Any], now: datetime) -> None:
    """Writes a whole base into empty tables. `now` is aware and says what the relative days relate to.

    ValueError or KeyError if the base is wrong; the caller's transaction must then not be committed.
    """
    company = company_of(base["company"])
    here = now.astimezone(ZoneInfo(company.timezone))
    tx.execute(tables.company.insert(), {"id": 1, "settings": json.dumps(base["company"])})
    for item in base["plans"]:
        tx.execute(
            tables.plan.insert(),
            {
                "id": item["id"],
                "name": item["name"],
                "mbps": item["mbps"],
                "price_cents": _cents(item["price"]),
                "extra": item.get("extra"),
                "for_companies": str(item["id"]).startswith("empresa"),
            },
        )
    for item in base.get("coverage") or ():
        span = {"first": str(item["from"]), "last": str(item["to"])}
        tx.execute(tables.cep_range.insert(), {**span, "neighbourhood": item["neighbourhood"]})
    for cep in base.get("not_served") or ():
        tx.execute(tables.not_served.insert(), {"cep": str(cep)})
    for item in base.get("boxes") or ():
        tx.execute(tables.box.insert(), {name: item[name] for name in ("id", "lat", "lon", "ports", "free")})
    for item in base.get("outages") or ():
        since = _moment(item["since"], here)
        hours = item.get("eta_hours")
        tx.execute(
            tables.outage.insert(),
            {
                "scope": item["scope"],
                "neighbourhood": item["neighbourhood"],
                "since": since,
                "cause": item.get("cause"),
                "confirmed": bool(item.get("confirmed")),
                "back_by": None if hours is None else since + timedelta(hours=hours),
            },
        )
    prices = {item["id"]: (item["name"], _cents(item["price"])) for item in base["plans"]}
    for number, item in enumerate(base.get("customers") or (), start=1):
        customer_id = str(item.get("id", number))
        _customer(tx, item, customer_id)
        for contract in item.get("contracts") or ():
            _contract(tx, company, contract, customer_id, prices, here)


def _customer(tx: Transaction, item: Mapping[str, Any], customer_id: str) -> None:
    document = parse_document(item["document"])
    if document is None:
        raise ValueError(f"{item['name']}: the document is none")
    row = {"id": customer_id, "name": item["name"], "document": document.number}
    tx.execute(tables.customer.insert(), {**row, "birth": item.get("birth"), "contact": item.get("contact")})
    for text in [item.get("phone"), *(item.get("phones") or ())]:
        if text is not None:
            number = phones.canonical(str(text))
            if number is None:
                raise ValueError(f"{item['name']}: the phone is none")
            tx.execute(
                tables.phone.insert(),
                {"customer_id": customer_id, "number": number, "tail": number[-8:]},
            )


def _contract(
    tx: Transaction,
    company: Company,
    item: Mapping[str, Any],
    customer_id: str,
    prices: Mapping[str, tuple[str, int]],
    here: datetime,
) -> None:
    contract_id, today = str(item["id"]), here.date()
    connection = item.get("connection") or {}
    dues = [_day(bill["due"], today) for bill in item.get("invoices") or ()]
    suspended = item.get("suspended") or {}
    tx.execute(
        tables.contract.insert(),
        {
            "id": contract_id,
            "customer_id": customer_id,
            "plan_id": item["plan"],
            "address": item["address"],
            "cep": re.sub(r"\D", "", str(item["cep"])),
            "since": _day(item["since"], today),
            "status": ContractStatus(item["status"]).value,
            "box": item.get("box"),
            "loyalty_months": item.get("loyalty_months", 0),
            "due_day": item.get("due_day", max(dues).day if dues else None),
            "trust_release_used": _maybe_day(item.get("trust_release_used"), today),
            "suspended_from": _maybe_day(suspended.get("from"), today),
            "suspended_until": _maybe_day(suspended.get("to"), today),
            "session": Session(connection.get("session", "unknown")).value,
            "rx_dbm": connection.get("rx_dbm"),
            "last_drop": DropCause(connection.get("last_drop", "unknown")).value,
            "wifi_managed": bool(connection.get("wifi_managed")),
        },
    )
    plan_name, plan_cents = prices[item["plan"]]
    for bill in item.get("invoices") or ():
        _invoice(tx, company, bill, contract_id, (f"Plano {plan_name}", plan_cents), today)
    for request in item.get("tickets") or ():
        _ticket(tx, request, customer_id, contract_id, here)


def _invoice(
    tx: Transaction,
    company: Company,
    item: Mapping[str, Any],
    contract_id: str,
    regular: tuple[str, int],
    today: date,
) -> None:
    invoice_id, due, cents = str(item["id"]), _day(item["due"], today), _cents(item["amount"])
    paid_on = _maybe_day(item.get("paid"), today)
    open_parts = {} if paid_on else _payment_codes(company, invoice_id, due, _money(item["amount"]))
    tx.execute(
        tables.invoice.insert(),
        {
            "id": invoice_id,
            "contract_id": contract_id,
            "due": due,
            "amount_cents": cents,
            "paid_on": paid_on,
            "pix": open_parts.get("pix"),
            "line": open_parts.get("line"),
        },
    )
    items = [(part["text"], _cents(part["amount"])) for part in item.get("items") or ()]
    if not items and cents == regular[1]:
        items = [regular]
    if items and sum(part for _, part in items) != cents:
        raise ValueError(f"invoice {invoice_id}: its items do not add up to its amount")
    for position, (text, part) in enumerate(items):
        row = {"invoice_id": invoice_id, "position": position, "text": text, "amount_cents": part}
        tx.execute(tables.invoice_item.insert(), row)


def _payment_codes(company: Company, invoice_id: str, due: date, amount: Decimal) -> dict[str, str]:
    """An invented but valid line and Pix code; the same invoice always gets the same."""
    host = f"pix.{_slug(company.name)}.example"
    charge = uuid.uuid5(uuid.NAMESPACE_DNS, f"{invoice_id}.{host}").hex
    own_digits = int(hashlib.sha256(charge.encode()).hexdigest(), 16) % 10**25
    city = company.shop.address.rsplit(",", 1)[-1].split(" - ")[0].strip()
    return {
        "line": boleto.build(bank=_BANK, due=due, amount=amount, free=f"{own_digits:025}").line,
        "pix": pix.build(url=f"{host}/qr/v2/cobv/{charge}", amount=amount, name=company.name, city=city),
    }


def _ticket(
    tx: Transaction, item: Mapping[str, Any], customer_id: str, contract_id: str, here: datetime
) -> None:
    protocol, subject = str(item["protocol"]), item["subject"]
    sector = next((s for s, subjects in _SECTORS.items() if subject in subjects), Sector.DESK)
    # The hour is not in a base; the day is in the number.
    opened = datetime.combine(
        datetime.strptime(protocol[:8], "%Y%m%d").date(), time(9), here.tzinfo
    ).astimezone(timezone.utc)
    tx.execute(
        tables.ticket.insert(),
        {
            "protocol": protocol,
            "customer_id": customer_id,
            "contract_id": contract_id,
            "subject": subject,
            "sector": Sector(item.get("sector", sector)).value,
            "status": TicketStatus(item["status"]).value,
            "text": item.get("text", ""),
            "opened_at": opened.replace(tzinfo=None),
        },
    )
    day, number = protocol[:8], int(protocol[8:])
    last = tx.execute(tables.sequence.select().where(tables.sequence.c.day == day)).one_or_none()
    if last is None:
        tx.execute(tables.sequence.insert(), {"day": day, "last": number})
    elif last.last < number:
        tx.execute(tables.sequence.update().where(tables.sequence.c.day == day).values(last=number))
    visit = item.get("visit")
    if visit:
        tx.execute(
            tables.visit.insert(),
            {
                "protocol": protocol,
                "contract_id": contract_id,
                "day": _day(visit["day"], here.date()),
                "shift": Shift(visit["shift"]).value,
                "status": VisitStatus(visit.get("status", "scheduled")).value,
            },
        )


def _day(value: object, today: date) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value)
    if re.fullmatch(r"[+-]?\d+", text):
        return today + timedelta(days=int(text))
    match = re.fullmatch(r"next_([a-z]{3})[a-z]*", text)
    if match and match[1] in _WEEKDAYS:
        return today + timedelta(days=(_WEEKDAYS[match[1]] - today.weekday() - 1) % 7 + 1)
    return date.fromisoformat(text)


def _maybe_day(value: object, today: date) -> date | None:
    return None if value is None else _day(value, today)


def _moment(value: object, here: datetime) -> datetime:
    """UTC without zone, as the tables keep it."""
    match = re.fullmatch(r"([+-])(\d+)h(\d{2})", str(value))
    if match:
        span = timedelta(hours=int(match[2]), minutes=int(match[3]))
        moment = here - span if match[1] == "-" else here + span
    else:
        moment = datetime.fromisoformat(str(value))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=here.tzinfo)
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


def _hours(text: str) -> Hours | None:
    return None if text == "closed" else _worked(text)


def _worked(text: str) -> Hours:
    start, end = text.split("-")
    return Hours(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()))


def _point(text: str | None) -> Point | None:
    if text is None:
        return None
    lat, lon = text.split(",")
    return Point(float(lat), float(lon))


def _payment_method(text: str) -> PaymentMethod:
    method, _, note = text.partition("(")
    return PaymentMethod(method.strip(), note.strip(" )") or None)


def _money(value: object) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


def _cents(value: object) -> int:
    return int(_money(value) * 100)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]", "", plain)


def main(arguments: list[str]) -> None:
    """The command line; see the module's text."""
    from backoffice.sql import SqlErp

    parser = argparse.ArgumentParser(
        prog="python -m backoffice.seed", description="Fills the sample records."
    )
    parser.add_argument("--reset", action="store_true", help="throw the embedded records away first")
    parser.add_argument("--base", type=Path, default=SAMPLE, help="a base in the shape of sample_base.yml")
    chosen = parser.parse_args(arguments)
    erp = SqlErp.open(url_of(os.environ), base=chosen.base, reset=chosen.reset)
    print(f"{erp.company().name}: the records are ready")


if __name__ == "__main__":
    main(sys.argv[1:])

"""How values are written in a message: money, dates, counts."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

WEEKDAYS = ("segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo")


def money(amount: Decimal) -> str:
    """`Decimal("1199.9")` → `R$ 1.199,90`."""
    whole = f"{amount:,.2f}"
    return "R$ " + whole.replace(",", "_").replace(".", ",").replace("_", ".")


def day(date: dt.date) -> str:
    """`27/11/2025`."""
    return date.strftime("%d/%m/%Y")


def short_day(date: dt.date) -> str:
    return date.strftime("%d/%m")


def weekday(date: dt.date) -> str:
    return f"{WEEKDAYS[date.weekday()]}, {short_day(date)}"

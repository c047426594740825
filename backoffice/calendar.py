"""Days and hours of the provider: holidays, business days, when people attend.

Holidays are the national ones and those of Paraíba, from the `holidays` package (public category;
carnival and Corpus Christi are not public holidays there and count as ordinary days).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from backoffice.records import Company, Hours

SATURDAY, SUNDAY = 5, 6


def now(company: Company) -> datetime:
    """The current moment in the company's time zone."""
    return datetime.now(ZoneInfo(company.timezone))


def is_holiday(day: date) -> bool:
    """Whether the day is a public holiday of Brazil or Paraíba."""
    return day in _holidays_of(day.year)


def is_business_day(day: date) -> bool:
    """Monday to Friday, no holiday."""
    return day.weekday() < SATURDAY and not is_holiday(day)


def add_business_days(day: date, count: int) -> date:
    """The `count`-th business day after `day`; `day` itself is never counted."""
    for _ in range(count):
        day += timedelta(days=1)
        while not is_business_day(day):
            day += timedelta(days=1)
    return day


def add_months(day: date, count: int) -> date:
    """The same day of the month `count` months later, or that month's last day if it has no such day."""
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))


def whole_months(first: date, last: date) -> int:
    """How many months have passed completely from `first` to `last`; 0 if `last` is not later."""
    months = 12 * (last.year - first.year) + last.month - first.month
    return max(0, months if add_months(first, months) <= last else months - 1)


def desk_hours(company: Company, day: date) -> Hours | None:
    """When people attend on a day; None if they do not."""
    if day.weekday() == SUNDAY or is_holiday(day):
        return company.desk_hours.sun_and_holidays
    return company.desk_hours.sat if day.weekday() == SATURDAY else company.desk_hours.mon_fri


def desk_is_open(company: Company, moment: datetime) -> bool:
    """Whether people attend at a moment (any time zone; a naive one is taken as the company's)."""
    here = _local(company, moment)
    hours = desk_hours(company, here.date())
    return hours is not None and hours.start <= here.time() < hours.end


def next_opening(company: Company, moment: datetime) -> datetime | None:
    """When people attend again after a moment at which they do not; None if never within a month."""
    here = _local(company, moment)
    for ahead in range(31):
        day = here.date() + timedelta(days=ahead)
        hours = desk_hours(company, day)
        if hours is not None:
            opening = datetime.combine(day, hours.start, here.tzinfo)
            if opening > here:
                return opening
    return None


def _local(company: Company, moment: datetime) -> datetime:
    zone = ZoneInfo(company.timezone)
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)


@cache
def _holidays_of(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("BR", subdiv="PB", years=year))

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice import calendar, seed

COMPANY = seed.company_of(seed.read_base(seed.SAMPLE)["company"])


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        (date(2026, 9, 7), True),
        (date(2026, 11, 20), True),  # Consciência Negra, national since 2024
        (date(2026, 8, 5), True),  # Paraíba's own
        (date(2026, 2, 17), False),  # carnival is not a public holiday
        (date(2026, 11, 23), False),
    ],
)
def test_holidays_of_brazil_and_paraiba(day: date, holiday: bool) -> None:
    assert calendar.is_holiday(day) is holiday


def test_business_days_step_over_weekends_and_holidays() -> None:
    assert calendar.add_business_days(date(2026, 11, 23), 2) == date(2026, 11, 25)
    # Thursday; Friday 20 is a holiday, then the weekend
    assert calendar.add_business_days(date(2026, 11, 19), 2) == date(2026, 11, 24)
    assert calendar.add_business_days(date(2026, 11, 21), 1) == date(2026, 11, 23)
    assert calendar.add_business_days(date(2026, 11, 21), 0) == date(2026, 11, 21)


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(0, 30))
def test_months(day: date, count: int) -> None:
    later = calendar.add_months(day, count)
    assert calendar.whole_months(day, later) == count
    if count:
        assert calendar.whole_months(day, later - timedelta(days=1)) == count - 1
    assert calendar.whole_months(later, day) == 0


def test_months_end_where_the_month_ends() -> None:
    assert calendar.add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert calendar.add_months(date(2026, 11, 30), 2) == date(2027, 1, 30)
    assert calendar.add_months(date(2026, 12, 15), 12) == date(2027, 12, 15)


@pytest.mark.parametrize(
    ("moment", "is_open", "opens"),
    [
        (datetime(2026, 11, 23, 10, 0), True, None),
        (datetime(2026, 11, 23, 7, 59), False, datetime(2026, 11, 23, 8, 0)),
        (datetime(2026, 11, 23, 8, 0), True, None),
        (datetime(2026, 11, 23, 18, 0), False, datetime(2026, 11, 24, 8, 0)),
        (datetime(2026, 11, 21, 11, 59), True, None),  # Saturday
        (datetime(2026, 11, 21, 12, 0), False, datetime(2026, 11, 23, 8, 0)),
        (datetime(2026, 11, 22, 10, 0), False, datetime(2026, 11, 23, 8, 0)),  # Sunday
        (datetime(2026, 11, 19, 18, 30), False, datetime(2026, 11, 21, 8, 0)),  # Friday is a holiday
        (datetime(2026, 12, 25, 10, 0), False, datetime(2026, 12, 26, 8, 0)),
    ],
)
def test_desk_hours(moment: datetime, is_open: bool, opens: datetime | None) -> None:
    assert calendar.desk_is_open(COMPANY, moment) is is_open
    if opens is not None:
        assert calendar.next_opening(COMPANY, moment) == opens.replace(tzinfo=ZoneInfo("America/Fortaleza"))


def test_another_zone_is_turned_into_the_companys() -> None:
    # 20:30 UTC is 17:30 in Fortaleza, 21:30 is 18:30
    assert calendar.desk_is_open(COMPANY, datetime(2026, 11, 23, 20, 30, tzinfo=timezone.utc))
    assert not calendar.desk_is_open(COMPANY, datetime(2026, 11, 23, 21, 30, tzinfo=timezone.utc))
    assert calendar.now(COMPANY).utcoffset() == timedelta(hours=-3)

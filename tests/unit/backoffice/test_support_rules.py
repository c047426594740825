from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from backoffice import seed, support
from backoffice.errors import NotFound
from backoffice.records import Sector, Shift, TicketStatus, VisitStatus
from backoffice.sql import SqlErp
from backoffice.support import DiagnosisOutcome, NoticeOutcome, SignalBand, VisitOutcome, WifiOutcome

TUESDAY, FRIDAY = date(2026, 11, 24), date(2026, 11, 27)

SAMPLE = {
    "1001": ("online_ok", "ok"),
    "1002": ("blocked_for_debt", "no_reading"),
    "1003": ("blocked_for_debt", "no_reading"),
    "1004": ("no_light", "no_reading"),  # Caio
    "1005": ("online_ok", "ok"),
    "1006": ("online_ok", "ok"),
    "1007": ("weak_signal", "attention"),  # Ivone, at -26.4 and up
    "1008": ("online_ok", "ok"),
    "1018": ("online_ok", "ok"),
    "1009": ("online_ok", "ok"),
    "1010": ("online_ok", "ok"),
    "1011": ("outage", "no_reading"),  # Edivaldo
    "1012": ("no_power", "no_reading"),  # Nair
    "1013": ("online_ok", "ok"),
    "1014": ("online_ok", "ok"),
}


def test_the_diagnosis_of_every_sample_customer(erp: SqlErp) -> None:
    for contract_id, (outcome, band) in SAMPLE.items():
        found = support.diagnose(erp, contract_id)
        assert (found.outcome.value, found.band.value) == (outcome, band), contract_id
        assert found.needs_visit == (contract_id in ("1004", "1007"))
        assert (found.outage is not None) == (contract_id == "1011")
        assert (found.ticket is not None) == (contract_id == "1007")


@pytest.mark.parametrize(
    ("rx", "band"),
    [
        (None, SignalBand.NO_READING),
        (-7.9, SignalBand.SATURATED),
        (-8.0, SignalBand.OK),
        (-19.0, SignalBand.OK),
        (-25.0, SignalBand.OK),
        (-25.1, SignalBand.ATTENTION),
        (-27.0, SignalBand.ATTENTION),
        (-27.1, SignalBand.BAD),
    ],
)
def test_the_bands_of_the_light(rx: float | None, band: SignalBand) -> None:
    assert support.signal_band(rx) is band


@pytest.mark.parametrize(
    ("connection", "outcome"),
    [
        ({"session": "online", "rx_dbm": -30.0}, DiagnosisOutcome.WEAK_SIGNAL),
        ({"session": "online", "rx_dbm": -5.0}, DiagnosisOutcome.WEAK_SIGNAL),
        ({"session": "online", "rx_dbm": 0.0}, DiagnosisOutcome.ONLINE_OK),
        ({"session": "online", "rx_dbm": None, "last_drop": "LOS"}, DiagnosisOutcome.ONLINE_OK),
        ({"session": "offline", "rx_dbm": -20.0}, DiagnosisOutcome.UNKNOWN),
        ({"session": "offline", "rx_dbm": -28.0}, DiagnosisOutcome.WEAK_SIGNAL),
        ({"session": "offline", "rx_dbm": -28.0, "last_drop": "dying-gasp"}, DiagnosisOutcome.NO_POWER),
        ({"session": "offline", "rx_dbm": None, "last_drop": "reset"}, DiagnosisOutcome.UNKNOWN),
        ({"session": "unknown", "rx_dbm": -20.0}, DiagnosisOutcome.UNKNOWN),
        ({"session": "blocked", "rx_dbm": -20.0}, DiagnosisOutcome.BLOCKED_FOR_DEBT),
        ({}, DiagnosisOutcome.UNKNOWN),
    ],
)
def test_what_the_network_reports(
    tmp_path: Path, clock: Any, connection: dict[str, Any], outcome: DiagnosisOutcome
) -> None:
    base = seed.read_base(seed.SAMPLE)
    base["customers"][0]["contracts"][0]["connection"] = connection
    path = tmp_path / "base.yml"
    path.write_text(yaml.safe_dump(base), encoding="utf-8")
    erp = SqlErp.open(f"sqlite:///{tmp_path}/theo.db", base=path, clock=clock)
    assert support.diagnose(erp, "1001").outcome is outcome
    erp.close()


def test_states_of_the_contract_come_first(erp: SqlErp, clock: Any) -> None:
    erp.suspend("1004", date(2026, 11, 23), date(2026, 12, 30), "k")
    erp.cancel_contract("1011", date(2026, 11, 25), "", "k")
    assert support.diagnose(erp, "1004").outcome is DiagnosisOutcome.SUSPENDED
    assert support.diagnose(erp, "1011").outcome is DiagnosisOutcome.OUTAGE
    clock.move(days=2)
    assert support.diagnose(erp, "1011").outcome is DiagnosisOutcome.CANCELLED


def test_a_release_on_trust_brings_the_connection_back(erp: SqlErp) -> None:
    erp.trust_release("1002", 3, "k")
    assert support.diagnose(erp, "1002").outcome is DiagnosisOutcome.ONLINE_OK


def test_an_estimate_that_has_passed_is_not_told(erp: SqlErp, clock: Any) -> None:
    outage = support.diagnose(erp, "1011").outage
    assert outage is not None
    assert outage.back_by is not None
    clock.move(hours=3)
    late = support.diagnose(erp, "1011").outage
    assert late is not None
    assert (late.back_by, late.cause) == (None, "rompimento de fibra")


def test_notices_are_promised_inside_an_outage_only(erp: SqlErp) -> None:
    promise = support.promise_notice(erp, "1011", "chat-1", "k")
    assert promise.outcome is NoticeOutcome.PROMISED
    assert support.promise_notice(erp, "1011", "chat-1", "k2").notice == promise.notice
    assert support.promise_notice(erp, "1001", "chat-1", "k3").outcome is NoticeOutcome.NO_OUTAGE
    erp.end_outage("1")
    assert [notice.chat for notice in erp.notices_due()] == ["chat-1"]


# ---------------------------------------------------------------- visits


def test_offers_begin_tomorrow_and_leave_out_sundays_and_holidays(erp: SqlErp, clock: Any) -> None:
    offers = support.visit_offers(erp)
    assert [(o.day, o.shift) for o in offers[:3]] == [
        (TUESDAY, Shift.MORNING),
        (TUESDAY, Shift.AFTERNOON),
        (TUESDAY + timedelta(days=1), Shift.MORNING),
    ]
    assert len(offers) == 6
    clock.move(days=31)  # 24 December: tomorrow is a holiday, the 27th a Sunday
    days = [offer.day.day for offer in support.visit_offers(erp, 20)]
    assert days[:4] == [26, 26, 28, 28]
    assert 1 not in days  # New Year
    assert max(offer.day for offer in support.visit_offers(erp, 99)) == date(2027, 1, 7)


def test_a_visit_for_caio(erp: SqlErp) -> None:
    args = (erp, "1004", FRIDAY, Shift.MORNING)
    booked = support.book_visit(*args, "k", subject="sem_internet", text="luz vermelha")
    assert booked.outcome is VisitOutcome.BOOKED
    assert booked.visit is not None
    assert booked.ticket is not None
    assert (booked.visit.day, booked.visit.shift) == (FRIDAY, Shift.MORNING)
    assert (booked.ticket.status, booked.ticket.sector) == (TicketStatus.SCHEDULED, Sector.SUPPORT)
    assert support.book_visit(*args, "k", subject="sem_internet", text="luz vermelha") == booked
    assert support.diagnose(erp, "1004").ticket == booked.ticket

    again = support.book_visit(*args, "k2", subject="sem_internet")
    assert (again.outcome, again.visit) == (VisitOutcome.ALREADY_BOOKED, booked.visit)
    assert len(erp.tickets("4")) == 1


def test_ivone_has_a_visit_whatever_she_asks_it_for(erp: SqlErp) -> None:
    for subject in ("internet_lenta", "sem_internet"):
        found = support.book_visit(erp, "1007", FRIDAY, Shift.MORNING, subject, subject=subject)
        assert found.outcome is VisitOutcome.ALREADY_BOOKED
        assert found.visit is not None
        assert (found.visit.day, found.visit.shift) == (FRIDAY, Shift.AFTERNOON)
    assert len(erp.tickets("7")) == 1
    assert support.visits_ahead(erp, "7") == (found.visit,)


def test_a_full_shift_says_what_is_left(erp: SqlErp) -> None:
    for contract_id in ("1001", "1004", "1005", "1006"):
        done = support.book_visit(erp, contract_id, TUESDAY, Shift.MORNING, contract_id, subject="s")
        assert done.outcome is VisitOutcome.BOOKED
    full = support.book_visit(erp, "1008", TUESDAY, Shift.MORNING, "k", subject="s")
    assert (full.outcome, full.visit) == (VisitOutcome.SLOT_FULL, None)
    assert full.ticket is not None  # the wish is on record
    assert full.offers[0].shift is Shift.AFTERNOON
    taken = support.book_visit(erp, "1008", TUESDAY, Shift.AFTERNOON, "k", subject="s")
    assert taken.outcome is VisitOutcome.BOOKED
    assert taken.ticket is not None
    assert taken.ticket.protocol == full.ticket.protocol


def test_days_without_visits(erp: SqlErp) -> None:
    for day in (date(2026, 11, 23), date(2026, 11, 20), date(2026, 11, 29), date(2026, 12, 25)):
        booked = support.book_visit(erp, "1004", day, Shift.MORNING, "k", subject="s")
        moved = support.move_visit(erp, "1", day, Shift.MORNING, "k")
        for result in (booked, moved):
            assert result.outcome is VisitOutcome.NOT_OFFERED
            assert (result.visit, len(result.offers)) == (None, 6)


def test_moving_and_cancelling(erp: SqlErp) -> None:
    moved = support.move_visit(erp, "1", TUESDAY, Shift.MORNING, "k")
    assert moved.outcome is VisitOutcome.MOVED
    assert moved.visit is not None
    assert (moved.visit.day, moved.visit.shift) == (TUESDAY, Shift.MORNING)
    assert support.move_visit(erp, "1", TUESDAY, Shift.MORNING, "k") == moved

    gone = support.cancel_visit(erp, "1", "k")
    assert gone.outcome is VisitOutcome.CANCELLED
    assert gone.visit is not None
    assert gone.visit.status is VisitStatus.CANCELLED
    assert support.cancel_visit(erp, "1", "k") == gone
    assert support.cancel_visit(erp, "1", "k2").outcome is VisitOutcome.NOT_SCHEDULED
    assert support.move_visit(erp, "1", TUESDAY, Shift.MORNING, "k3").outcome is VisitOutcome.NOT_SCHEDULED
    assert support.visits_ahead(erp, "7") == ()


def test_a_visit_is_ahead_until_its_shift_ends_and_missed_after_it(erp: SqlErp, clock: Any) -> None:
    clock.move(days=4, hours=7)  # Friday, 17:00; the afternoon ends at 18:00
    assert len(support.visits_ahead(erp, "7")) == 1
    assert support.missed_visits(erp, "7") == ()
    clock.move(hours=1)
    assert support.visits_ahead(erp, "7") == ()
    (missed,) = support.missed_visits(erp, "7")
    first = support.report_missed_visit(erp, missed.id, "esperei a tarde toda", "k")
    assert first.is_new
    assert (first.ticket.subject, first.ticket.sector) == ("visita_nao_realizada", Sector.SUPPORT)
    assert "27/11/2026" in first.ticket.text
    assert support.report_missed_visit(erp, missed.id, "esperei a tarde toda", "k") == first
    with pytest.raises(NotFound):
        support.report_missed_visit(erp, "99", "", "k2")
    clock.move(days=1)
    again = support.book_visit(erp, "1007", date(2026, 11, 30), Shift.MORNING, "k", subject="internet_lenta")
    assert again.outcome is VisitOutcome.BOOKED  # the missed one does not stand in the way
    clock.move(days=7)
    assert missed not in support.missed_visits(erp, "7")


# ---------------------------------------------------------------- Wi-Fi


def test_severinas_wifi_is_set_from_here(erp: SqlErp) -> None:
    change = support.set_wifi(erp, "1005", "k", name="Casa da Sevé", password="caju-2026")
    assert (change.outcome, change.ticket) == (WifiOutcome.CHANGED, None)
    assert support.set_wifi(erp, "1005", "k2", password="outra-senha").outcome is WifiOutcome.CHANGED
    assert erp.tickets("5") == ()


def test_other_equipment_becomes_a_ticket_without_the_password(erp: SqlErp) -> None:
    change = support.set_wifi(erp, "1001", "k", password="caju-2026")
    assert change.outcome is WifiOutcome.NOT_MANAGED
    assert change.ticket is not None
    assert "caju-2026" not in change.ticket.text
    assert support.set_wifi(erp, "1001", "k", password="caju-2026") == change


@pytest.mark.parametrize(
    ("name", "password", "outcome"),
    [
        ("", None, WifiOutcome.BAD_NAME),
        ("   ", None, WifiOutcome.BAD_NAME),
        ("a" * 33, None, WifiOutcome.BAD_NAME),
        ("ã" * 17, None, WifiOutcome.BAD_NAME),
        ("a\nb", None, WifiOutcome.BAD_NAME),
        ("ã" * 16, None, WifiOutcome.CHANGED),
        (None, "1234567", WifiOutcome.BAD_PASSWORD),
        (None, "12345678", WifiOutcome.CHANGED),
        (None, "a" * 63, WifiOutcome.CHANGED),
        (None, "a" * 64, WifiOutcome.BAD_PASSWORD),
        (None, "coração1", WifiOutcome.BAD_PASSWORD),
    ],
)
def test_names_and_passwords(
    tmp_path: Path, clock: Any, name: str | None, password: str | None, outcome: WifiOutcome
) -> None:
    erp = SqlErp.open(f"sqlite:///{tmp_path}/theo.db", clock=clock)
    assert support.set_wifi(erp, "1005", "k", name=name, password=password).outcome is outcome
    erp.close()


def test_nothing_to_set(erp: SqlErp) -> None:
    with pytest.raises(ValueError):
        support.set_wifi(erp, "1005", "k")

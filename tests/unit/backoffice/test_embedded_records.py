"""The SQL adapter itself: both engines, many callers at once, repeated keys, and a database that is away."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from backoffice import billing, database, seed, tables
from backoffice.billing import ReleaseOutcome
from backoffice.documents import parse_document
from backoffice.erp import connect
from backoffice.errors import NotFound, Refused, Unavailable
from backoffice.records import (
    ContractStatus,
    DropCause,
    NewLead,
    NewTicket,
    Point,
    Sector,
    Session,
    Shift,
    TicketStatus,
    VisitStatus,
)
from backoffice.sql import SqlErp

FRIDAY = date(2026, 11, 27)


def ticket(contract_id: str = "1001", customer_id: str = "1", subject: str = "sem_internet") -> NewTicket:
    return NewTicket(subject, Sector.SUPPORT, "texto", customer_id, contract_id)


# ---------------------------------------------------------------- the sample base


def test_the_company_is_read_whole(erp: SqlErp) -> None:
    company = erp.company()
    assert (company.name, company.assistant) == ("START Conecta", "Theo")
    assert {m.method: m.note for m in company.payment_methods} == {
        "pix": None,
        "boleto": None,
        "codigo_de_barras": None,
        "cartao": "só na loja",
        "dinheiro": "só na loja",
        "debito_automatico": None,
    }
    assert company.shop.point == Point(-7.1195, -34.8553)
    assert company.cancellation.fine_per_month == Decimal("60.00")
    assert company.address_change.price == Decimal("80.00")
    assert company.visits.hours(Shift.AFTERNOON).start.hour == 13


def test_the_sample_customers(erp: SqlErp) -> None:
    statuses = {c.id: c.status for n in range(1, 15) for c in erp.contracts(str(n))}
    assert len(statuses) == 15
    assert {i for i, s in statuses.items() if s is ContractStatus.BLOCKED_FOR_DEBT} == {"1002", "1003"}
    padaria = erp.find_customer(_document("PAO2026J000196"))
    assert padaria is not None
    assert (padaria.first_name, padaria.birth) == ("Seu Manoel", None)
    assert erp.contract("1001").since == date(2026, 11, 23) - timedelta(days=900)
    assert erp.contract("1013").loyalty_months == 12
    assert erp.contract("1001").loyalty_months == 0
    assert [c.id for c in erp.contracts("8")] == ["1008", "1018"]
    connection = erp.connection("1012")
    assert (connection.session, connection.rx_dbm, connection.last_drop) == (
        Session.OFFLINE,
        None,
        DropCause.POWER,
    )
    assert erp.connection("1001").rx_dbm == -19.2
    assert erp.connection("1005").wifi_managed
    assert not erp.connection("1001").wifi_managed


def test_personal_data_stays_out_of_log_lines(erp: SqlErp) -> None:
    customer = erp.customer("1")
    line = repr((customer, erp.contracts("1"), erp.invoices("1001")))
    for secret in ("Marlene", "12312312387", "5583991110001", "Hortênsias", "1961", "58037120"):
        assert secret not in line


def test_customers_by_phone(erp: SqlErp) -> None:
    for typed in ("5583991110008", "558391110008", "(83) 99111-0008"):
        assert [c.name for c in erp.find_customers_by_phone(typed)] == ["Hélio Nóbrega"]
    assert erp.find_customers_by_phone("5581991110008") == ()
    assert erp.find_customers_by_phone("oi") == ()


def test_the_outage_of_the_sample(erp: SqlErp) -> None:
    (outage,) = erp.outages_for("1011")
    assert (outage.scope, outage.cause) == ("CTO-MANG-04", "rompimento de fibra")
    assert outage.since == erp.now() - timedelta(minutes=40)
    assert outage.back_by == outage.since + timedelta(hours=3)
    assert erp.outages_for("1002") == ()  # same neighbourhood, another box


def test_a_reading_of_zero_is_none_and_a_guess_is_no_cause(url: str, clock: Any, tmp_path: Path) -> None:
    base = seed.read_base(seed.SAMPLE)
    base["customers"][0]["contracts"][0]["connection"]["rx_dbm"] = 0.00
    base["outages"][0].update(confirmed=False)
    del base["outages"][0]["eta_hours"]
    path = tmp_path / "base.yml"
    path.write_text(yaml.safe_dump(base), encoding="utf-8")
    erp = SqlErp.open(url, base=path, reset=True, clock=clock)
    assert erp.connection("1001").rx_dbm is None
    (outage,) = erp.outages()
    assert (outage.cause, outage.back_by) == (None, None)
    erp.close()


def test_a_wrong_base_leaves_nothing_behind(url: str, clock: Any, tmp_path: Path) -> None:
    SqlErp.open(url, reset=True, clock=clock).close()
    base = seed.read_base(seed.SAMPLE)
    base["customers"][3]["document"] = "111.111.111-11"
    path = tmp_path / "base.yml"
    path.write_text(yaml.safe_dump(base), encoding="utf-8")
    with pytest.raises(ValueError, match="document"):
        SqlErp.open(url, base=path, reset=True, clock=clock)
    erp = SqlErp.open(url, clock=clock)  # what was there before is there still
    assert erp.contract("1001").status is ContractStatus.ACTIVE
    erp.close()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("+6", date(2026, 11, 29)),
        (-8, date(2026, 11, 15)),
        ("next_monday", date(2026, 11, 30)),
        ("next_tuesday", date(2026, 11, 24)),
        ("next_sunday", date(2026, 11, 29)),
        ("2027-01-02", date(2027, 1, 2)),
        (date(2027, 1, 2), date(2027, 1, 2)),
    ],
)
def test_days_of_a_base(text: object, day: date) -> None:
    assert seed._day(text, date(2026, 11, 23)) == day


# ---------------------------------------------------------------- opening


def test_records_are_kept_from_one_start_to_the_next(url: str, clock: Any) -> None:
    first = SqlErp.open(url, reset=True, clock=clock)
    protocol = first.open_ticket(ticket(), "k").ticket.protocol
    first.close()
    second = SqlErp.open(url, clock=clock)
    assert second.ticket(protocol).subject == "sem_internet"
    second.close()
    third = SqlErp.open(url, reset=True, clock=clock)
    with pytest.raises(NotFound):
        third.ticket(protocol)
    third.close()


OPENER = """
import sys
from backoffice.sql import SqlErp
erp = SqlErp.open(sys.argv[1])
print(len(erp.contracts("8")), len(erp.plans()), len(erp.outages()))
"""


def test_processes_that_start_at_once_fill_the_records_once(url: str) -> None:
    with database.Database(url).write() as tx:
        tables.metadata.drop_all(tx)
    starts = [run(OPENER, url) for _ in range(4)]
    assert [finished(start) for start in starts] == ["2 5 1"] * 4


def test_a_new_file_is_filled_once_too(tmp_path: Path) -> None:
    starts = [run(OPENER, f"sqlite:///{tmp_path}/new/theo.db") for _ in range(4)]
    assert [finished(start) for start in starts] == ["2 5 1"] * 4


def test_connect_takes_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for environ in ({}, {"ERP": "sql"}, {"ERP": " SQL ", "DATABASE_URL": ""}):
        assert connect(environ).company().name == "START Conecta"
    assert (tmp_path / "var" / "theo.db").exists()
    connect({"DATABASE_URL": f"sqlite:///{tmp_path}/other.db"})
    assert (tmp_path / "other.db").exists()
    for name in ("ixc", "sgp", "hubsoft"):
        with pytest.raises(ValueError, match="not available yet"):
            connect({"ERP": name})
    with pytest.raises(ValueError, match="unknown"):
        connect({"ERP": "sap"})


def test_the_command_line_fills_and_resets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/theo.db")
    seed.main([])
    erp = connect({"DATABASE_URL": f"sqlite:///{tmp_path}/theo.db"})
    erp.open_ticket(ticket(), "k")
    seed.main([])
    assert len(erp.tickets("1")) == 1
    seed.main(["--reset"])
    assert erp.tickets("1") == ()
    assert "START Conecta" in capsys.readouterr().out


# ---------------------------------------------------------------- when the database is away


def test_addresses_that_are_no_database() -> None:
    for url in ("sqlite://", "sqlite:///:memory:", "mysql://a/b"):
        with pytest.raises((ValueError, ImportError)):
            database.Database(url)


def test_a_database_that_does_not_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable) as error:
        SqlErp.open("postgresql://theo:secret@127.0.0.1:1/theo")
    assert "secret" not in str(error.value)


def test_a_database_that_stays_busy_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    monkeypatch.setattr(database, "_WAIT_SECONDS", 0.2)
    erp = SqlErp.open(f"sqlite:///{tmp_path}/theo.db", clock=clock)
    with database.Database(f"sqlite:///{tmp_path}/theo.db").write():
        assert erp.contract("1001").id == "1001"  # readers do not wait
        with pytest.raises(Unavailable):
            erp.contact_protocol("chat")
    assert erp.contact_protocol("chat") == "20261123000001"


def test_connections_that_the_server_dropped_are_made_anew(postgres: Any, clock: Any) -> None:
    erp = SqlErp.open(postgres.create("theo", "sample"), clock=clock)
    protocol = erp.contact_protocol("chat")
    postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'theo'")
    assert erp.contact_protocol("chat") == protocol
    erp.close()


def test_tables_of_another_version_are_named(url: str, clock: Any) -> None:
    with database.Database(url).write() as tx:
        tx.exec_driver_sql("ALTER TABLE erp_lead ADD COLUMN colour TEXT")
    with pytest.raises(ValueError, match="erp_lead.*--reset"):
        SqlErp.open(url, clock=clock)
    SqlErp.open(url, reset=True, clock=clock).close()


# ---------------------------------------------------------------- every effect, once per key


def effects(erp: SqlErp) -> dict[str, tuple[Callable[[str], Any], Callable[[], Any]]]:
    """Each call with a key, and what can be seen of it from outside."""
    booked = erp.open_ticket(ticket(subject="s1"), "setup").ticket.protocol
    moving = erp.book_visit(booked, FRIDAY, Shift.MORNING, "setup").id
    fresh = erp.open_ticket(ticket("1006", "6"), "setup2").ticket.protocol
    erp.cancel_contract("1018", date(2026, 12, 30), "", "setup")
    return {
        "contact_protocol": (erp.contact_protocol, lambda: None),
        "open_ticket": (lambda k: erp.open_ticket(ticket("1008", "8"), k), lambda: erp.tickets("8")),
        "register_payment_claim": (
            lambda k: erp.register_payment_claim("50021", "pago", k),
            lambda: erp.tickets("2"),
        ),
        "trust_release": (lambda k: erp.trust_release("1002", 3, k), lambda: erp.contract("1002")),
        "change_due_day": (lambda k: erp.change_due_day("1001", 10, k), lambda: erp.contract("1001")),
        "book_visit": (
            lambda k: erp.book_visit(fresh, FRIDAY, Shift.AFTERNOON, k),
            lambda: erp.visits("1006"),
        ),
        "move_visit": (
            lambda k: erp.move_visit(moving, FRIDAY, Shift.AFTERNOON, k),
            lambda: erp.visits("1001"),
        ),
        "cancel_visit": (lambda k: erp.cancel_visit("1", k), lambda: erp.visits("1007")),
        "create_lead": (
            lambda k: erp.create_lead(NewLead("Ana", "5583988887777", "fibra-400", "58037120"), k),
            lambda: None,
        ),
        "change_plan": (lambda k: erp.change_plan("1001", "fibra-600", k), lambda: erp.contract("1001")),
        "suspend": (
            lambda k: erp.suspend("1001", date(2026, 12, 1), date(2027, 1, 10), k),
            lambda: erp.contract("1001"),
        ),
        "cancel_contract": (
            lambda k: erp.cancel_contract("1013", date(2026, 11, 25), "mudança", k),
            lambda: (erp.contract("1013"), erp.tickets("13")),
        ),
        "keep_contract": (lambda k: erp.keep_contract("1018", k), lambda: erp.contract("1018")),
        "set_wifi": (lambda k: erp.set_wifi("1005", "Casa", "segredo123", k), lambda: None),
        "notify_when_back": (
            lambda k: erp.notify_when_back("1", "1011", "chat-1", k),
            lambda: None,
        ),
    }


def test_the_same_key_does_nothing_twice(erp: SqlErp) -> None:
    for name, (act, seen) in effects(erp).items():
        before = seen()
        first = act("key")
        after = seen()
        assert after != before or after is None, name
        assert act("key") == first, name
        assert seen() == after, name


def test_sixteen_calls_at_once_with_one_key_are_one_call(erp: SqlErp) -> None:
    for name, (act, seen) in effects(erp).items():
        with ThreadPoolExecutor(16) as pool:
            results = list(pool.map(act, ["key"] * 16))
        assert all(result == results[0] for result in results), name
        assert act("key") == results[0], name
        assert seen() == seen()


def test_one_key_on_two_things_is_two_wishes(erp: SqlErp) -> None:
    assert erp.change_plan("1001", "fibra-600", "k").id == "1001"
    assert erp.change_plan("1008", "fibra-600", "k").id == "1008"
    assert erp.open_ticket(ticket("1001", "1"), "k").ticket.contract_id == "1001"
    assert erp.open_ticket(ticket("1008", "8"), "k").ticket.contract_id == "1008"
    assert erp.open_ticket(NewTicket("x", Sector.DESK, "", "1"), "k").ticket.customer_id == "1"
    assert erp.open_ticket(NewTicket("x", Sector.DESK, "", "8"), "k").ticket.customer_id == "8"


def test_a_refused_call_leaves_its_key_unused(erp: SqlErp, clock: Any) -> None:
    with pytest.raises(Refused):
        erp.trust_release("1003", 3, "k")
    clock.move(days=18)
    assert erp.trust_release("1003", 3, "k").released_until == date(2026, 12, 14)


# ---------------------------------------------------------------- what is refused


def test_refusals(erp: SqlErp, clock: Any) -> None:
    erp.cancel_contract("1018", date(2026, 11, 25), "", "setup")
    visitless = erp.open_ticket(ticket(), "setup").ticket.protocol
    loose = erp.open_ticket(NewTicket("x", Sector.DESK, "", None, None), "setup2").ticket.protocol
    clock.move(days=2)
    calls: list[tuple[str, Callable[[], object]]] = [
        ("not_blocked", lambda: erp.trust_release("1001", 3, "k")),
        ("not_allowed", lambda: erp.trust_release("1002", 4, "k")),
        ("already_paid", lambda: erp.register_payment_claim("50010", "", "k")),
        ("same_day", lambda: erp.change_due_day("1001", 29, "k")),
        ("not_managed", lambda: erp.set_wifi("1001", "Casa", None, "k")),
        ("same_plan", lambda: erp.change_plan("1001", "fibra-400", "k")),
        ("not_active", lambda: erp.change_plan("1002", "fibra-400", "k")),
        ("not_active", lambda: erp.suspend("1002", FRIDAY, FRIDAY, "k")),
        ("not_active", lambda: erp.cancel_contract("1018", FRIDAY, "", "k")),
        ("not_cancelling", lambda: erp.keep_contract("1001", "k")),
        ("not_cancelling", lambda: erp.keep_contract("1018", "k")),
        ("has_visit", lambda: erp.book_visit("20261118007734", FRIDAY, Shift.MORNING, "k")),
        ("closed", lambda: erp.book_visit(loose, FRIDAY, Shift.MORNING, "k")),
        ("not_offered", lambda: erp.book_visit(visitless, date(2026, 11, 29), Shift.MORNING, "k")),
        ("not_offered", lambda: erp.book_visit(visitless, date(2026, 12, 25), Shift.MORNING, "k")),
        ("not_offered", lambda: erp.book_visit(visitless, date(2026, 11, 24), Shift.MORNING, "k")),
    ]
    for reason, call in calls:
        with pytest.raises(Refused) as refused:
            call()
        assert refused.value.reason == reason


def test_a_cancellation_is_asked_for_once(erp: SqlErp) -> None:
    erp.cancel_contract("1001", date(2026, 11, 25), "", "k1")
    with pytest.raises(Refused) as refused:
        erp.cancel_contract("1001", date(2026, 11, 25), "", "k2")
    assert refused.value.reason == "already_requested"


def test_unknown_names(erp: SqlErp) -> None:
    for call in (
        lambda: erp.customer("99"),
        lambda: erp.contract("99"),
        lambda: erp.invoice("99"),
        lambda: erp.ticket("99"),
        lambda: erp.connection("99"),
        lambda: erp.outages_for("99"),
        lambda: erp.notify_when_back("99", "1001", "c", "k"),
        lambda: erp.notify_when_back("x", "1001", "c", "k"),
        lambda: erp.notice_sent("99"),
        lambda: erp.change_plan("1001", "fibra-9", "k"),
        lambda: erp.create_lead(NewLead("A", "5583988887777", plan_id="fibra-9"), "k"),
        lambda: erp.create_lead(NewLead("A", "5583988887777", customer_id="99"), "k"),
        lambda: erp.move_visit("x", FRIDAY, Shift.MORNING, "k"),
        lambda: erp.cancel_visit("99", "k"),
    ):
        with pytest.raises(NotFound):
            call()
    for found in (erp.contracts("99"), erp.invoices("99"), erp.tickets("99"), erp.visits("99")):
        assert found == ()
    assert erp.find_customer(_document("529.982.247-25")) is None


# ---------------------------------------------------------------- contract states by the day


def test_a_cancellation_takes_effect_on_its_day_and_can_be_taken_back(erp: SqlErp, clock: Any) -> None:
    opened = erp.cancel_contract("1001", date(2026, 11, 25), "vou mudar", "k")
    assert (opened.ticket.sector, opened.ticket.subject) == (Sector.CONTRACT, "cancelar_servico")
    contract = erp.contract("1001")
    assert (contract.status, contract.cancelling) == (ContractStatus.ACTIVE, True)
    clock.move(days=1)
    kept = erp.keep_contract("1001", "k2")
    assert (kept.cancel_on, kept.cancelling) == (None, False)
    assert erp.ticket(opened.ticket.protocol).status is TicketStatus.CANCELLED
    erp.cancel_contract("1001", date(2026, 11, 25), "mudei de ideia", "k3")
    clock.move(days=1)
    assert erp.contract("1001").status is ContractStatus.CANCELLED


def test_a_suspension_runs_from_its_first_to_its_last_day(erp: SqlErp, clock: Any) -> None:
    erp.suspend("1001", date(2026, 11, 25), date(2026, 12, 25), "k")
    for days, status in ((0, "active"), (2, "suspended"), (30, "suspended"), (1, "active")):
        clock.move(days=days)
        assert erp.contract("1001").status.value == status


def test_notices_fall_due_when_the_outage_is_over(erp: SqlErp) -> None:
    notice = erp.notify_when_back("1", "1011", "chat-1", "k1")
    assert erp.notify_when_back("1", "1011", "chat-1", "k2") == notice
    other = erp.notify_when_back("1", "1011", "chat-2", "k3")
    assert erp.notices_due() == ()
    erp.end_outage("1")
    assert erp.outages_for("1011") == ()
    assert erp.notices_due() == (notice, other)
    erp.notice_sent(notice.id)
    assert erp.notices_due() == (other,)


def test_a_visit_is_booked_moved_and_cancelled(erp: SqlErp) -> None:
    protocol = erp.open_ticket(ticket(), "k").ticket.protocol
    visit = erp.book_visit(protocol, FRIDAY, Shift.MORNING, "k")
    assert erp.ticket(protocol).status is TicketStatus.SCHEDULED
    moved = erp.move_visit(visit.id, FRIDAY + timedelta(days=1), Shift.MORNING, "k")
    assert (moved.id, moved.day) == (visit.id, date(2026, 11, 28))
    cancelled = erp.cancel_visit(visit.id, "k")
    assert cancelled.status is VisitStatus.CANCELLED
    assert erp.ticket(protocol).status is TicketStatus.OPEN
    with pytest.raises(Refused, match="not_scheduled"):
        erp.move_visit(visit.id, FRIDAY, Shift.MORNING, "k2")
    again = erp.book_visit(protocol, FRIDAY, Shift.MORNING, "k3")
    assert erp.ticket(protocol).visit == again
    assert [v.status for v in erp.visits("1001")] == [VisitStatus.CANCELLED, VisitStatus.SCHEDULED]


# ---------------------------------------------------------------- many at once

TAKER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from backoffice.sql import SqlErp
erp = SqlErp.open(sys.argv[1])
with ThreadPoolExecutor(8) as pool:
    for protocol in pool.map(lambda n: erp.contact_protocol(f"{sys.argv[2]}-{n}"), range(60)):
        print(protocol)
"""


def test_no_protocol_is_given_twice_by_two_processes_of_many_threads(url: str) -> None:
    SqlErp.open(url, reset=True).close()
    starts = [run(TAKER, url, name) for name in "ab"]
    taken = [number for start in starts for number in finished(start).split()]
    assert len(taken) == 120
    by_day: dict[str, list[int]] = {}
    for number in taken:
        by_day.setdefault(number[:8], []).append(int(number[8:]))
    for numbers in by_day.values():  # two days only if midnight fell into the test
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_no_shift_is_booked_beyond_its_capacity(erp: SqlErp) -> None:
    protocols = [erp.open_ticket(ticket(subject=f"s{n}"), f"t{n}").ticket.protocol for n in range(12)]
    start = threading.Barrier(12)

    def book(protocol: str) -> str:
        start.wait()
        try:
            return erp.book_visit(protocol, FRIDAY, Shift.MORNING, protocol).id
        except Refused as refusal:
            return refusal.reason

    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(book, protocols))
    assert results.count("slot_full") == 8
    assert len(set(results)) == 5
    slots = erp.visit_slots(FRIDAY, FRIDAY)
    assert [(s.shift, s.free) for s in slots] == [(Shift.AFTERNOON, 3)]  # Ivone has one of the four


def test_a_month_has_one_release_however_many_ask_at_once(erp: SqlErp) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: billing.trust_release(erp, "1002", f"k{n}"), range(10)))
    outcomes = [answer.outcome for answer in answers]
    assert outcomes.count(ReleaseOutcome.RELEASED) == 1
    assert outcomes.count(ReleaseOutcome.ALREADY_RELEASED) == 9
    assert {answer.until for answer in answers} == {date(2026, 11, 26)}


def test_a_matter_has_one_open_ticket_however_many_ask_at_once(erp: SqlErp) -> None:
    with ThreadPoolExecutor(10) as pool:
        opened = list(pool.map(lambda n: erp.open_ticket(ticket(), f"k{n}"), range(10)))
    assert [one.is_new for one in opened].count(True) == 1
    assert len({one.ticket.protocol for one in opened}) == 1


# ---------------------------------------------------------------- helpers


def _document(text: str) -> Any:
    return parse_document(text)


def run(program: str, *arguments: str) -> subprocess.Popen[str]:
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip()

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from backoffice import contract
from backoffice.contract import AddressOutcome, CancellationOutcome, PlanOutcome, SuspensionOutcome
from backoffice.records import ContractStatus, Sector, TicketStatus
from backoffice.sql import SqlErp

TODAY = date(2026, 11, 23)
FIRST = date(2026, 12, 1)


# ---------------------------------------------------------------- plan


def test_what_a_contract_can_be_changed_to(erp: SqlErp) -> None:
    options = contract.plan_options(erp, "1001")
    assert options.current.id == "fibra-400"
    assert [plan.id for plan in options.faster] == ["fibra-600", "fibra-1000"]
    assert [plan.id for plan in options.slower] == ["fibra-300"]
    company = contract.plan_options(erp, "1010")
    assert [plan.id for plan in company.slower] == ["fibra-400", "fibra-300"]


def test_changing_the_plan(erp: SqlErp) -> None:
    done = contract.change_plan(erp, "1001", "fibra-600", "k")
    assert (done.outcome, done.contract.plan.id) == (PlanOutcome.CHANGED, "fibra-600")
    assert contract.change_plan(erp, "1001", "fibra-600", "k") == done
    assert contract.change_plan(erp, "1001", "fibra-600", "k2").outcome is PlanOutcome.SAME_PLAN
    assert erp.invoice("50011").amount == Decimal("99.90")
    for plan_id in ("empresa-600", "fibra-9"):
        assert contract.change_plan(erp, "1001", plan_id, "k3").outcome is PlanOutcome.NOT_SOLD
    assert contract.change_plan(erp, "1002", "fibra-600", "k").outcome is PlanOutcome.NOT_ACTIVE
    assert contract.change_plan(erp, "1010", "fibra-600", "k").outcome is PlanOutcome.CHANGED


# ---------------------------------------------------------------- cancellation


def test_otavio_is_four_months_into_a_loyalty_of_twelve(erp: SqlErp) -> None:
    terms = contract.cancellation_terms(erp, "1013")
    assert (terms.months_left, terms.fine_per_month, terms.fine) == (8, Decimal("60.00"), Decimal("480.00"))
    assert terms.loyalty_ends == date(2027, 7, 26)
    assert terms.effective == date(2026, 11, 25)
    assert terms.equipment == "retirada gratuita em até 30 dias"
    assert terms.open_total == Decimal("159.90")


def test_the_fine_falls_month_by_month_to_nothing(erp: SqlErp, clock: Any) -> None:
    seen = []
    for _ in range(9):
        seen.append(contract.cancellation_terms(erp, "1013").months_left)
        clock.move(days=31)
    assert seen == sorted(seen, reverse=True)
    assert seen[0] == 8
    assert seen[-1] == 0
    over = contract.cancellation_terms(erp, "1013")
    assert (over.fine, over.loyalty_ends) == (Decimal("0.00"), None)


@pytest.mark.parametrize(
    "start", [date(2026, 1, 31), date(2026, 2, 28), date(2026, 6, 15), date(2027, 12, 30)]
)
def test_eight_months_are_left_on_whatever_day_the_base_is_made(
    tmp_path: Any, clock: Any, start: date
) -> None:
    clock.move(days=(start - TODAY).days)
    erp = SqlErp.open(f"sqlite:///{tmp_path}/theo.db", clock=clock)
    assert contract.cancellation_terms(erp, "1013").fine == Decimal("480.00")
    erp.close()


def test_a_contract_without_loyalty_costs_nothing_to_leave(erp: SqlErp) -> None:
    for contract_id in ("1001", "1009", "1018"):  # also those younger than a year
        terms = contract.cancellation_terms(erp, contract_id)
        assert (terms.months_left, terms.fine, terms.loyalty_ends) == (0, Decimal("0.00"), None)


def test_leaving_needs_no_payment_and_gives_a_protocol(erp: SqlErp, clock: Any) -> None:
    done = contract.cancel(erp, "1002", "vou mudar", "k")
    assert (done.outcome, done.effective) == (CancellationOutcome.REQUESTED, date(2026, 11, 25))
    assert done.terms.open_total == Decimal("159.80")
    assert done.ticket is not None
    assert (done.ticket.sector, done.ticket.contract_id) == (Sector.CONTRACT, "1002")
    assert contract.cancel(erp, "1002", "vou mudar", "k") == done

    again = contract.cancel(erp, "1002", "", "k2")
    assert again.outcome is CancellationOutcome.ALREADY_REQUESTED
    assert (again.effective, again.ticket) == (done.effective, done.ticket)

    clock.move(days=2)
    ended = contract.cancel(erp, "1002", "", "k3")
    assert (ended.outcome, ended.effective) == (CancellationOutcome.ALREADY_ENDED, date(2026, 11, 25))
    assert not contract.keep(erp, "1002", "k4")


def test_the_effective_day_steps_over_holidays(erp: SqlErp, clock: Any) -> None:
    clock.move(days=-4)  # Thursday; Friday is a holiday
    assert contract.cancellation_terms(erp, "1001").effective == date(2026, 11, 24)


def test_changing_ones_mind(erp: SqlErp) -> None:
    done = contract.cancel(erp, "1001", "", "k")
    assert contract.keep(erp, "1001", "k")
    assert contract.keep(erp, "1001", "k")
    assert not contract.keep(erp, "1001", "k2")
    assert erp.contract("1001").cancel_on is None
    assert done.ticket is not None
    assert erp.ticket(done.ticket.protocol).status is TicketStatus.CANCELLED


# ---------------------------------------------------------------- suspension


def last(days: int) -> date:
    return FIRST + timedelta(days=days - 1)


@pytest.mark.parametrize(
    ("days", "outcome"),
    [
        (29, SuspensionOutcome.TOO_SHORT),
        (30, SuspensionOutcome.SUSPENDED),
        (120, SuspensionOutcome.SUSPENDED),
        (121, SuspensionOutcome.TOO_LONG),
        (0, SuspensionOutcome.TOO_SHORT),
    ],
)
def test_how_long_a_suspension_may_be(erp: SqlErp, days: int, outcome: SuspensionOutcome) -> None:
    found = contract.suspend(erp, "1001", FIRST, last(days), "k")
    assert (found.outcome, found.min_days, found.max_days, found.price) == (outcome, 30, 120, Decimal(0))
    assert (erp.contract("1001").suspended_from is not None) == (outcome is SuspensionOutcome.SUSPENDED)


def test_once_a_year(erp: SqlErp, clock: Any) -> None:
    done = contract.suspend(erp, "1001", FIRST, last(30), "k")
    assert contract.suspend(erp, "1001", FIRST, last(30), "k") == done
    # not begun: other days replace it
    assert contract.suspend(erp, "1001", FIRST, last(60), "k2").outcome is SuspensionOutcome.SUSPENDED
    clock.move(days=8)
    assert erp.contract("1001").status is ContractStatus.SUSPENDED
    assert contract.suspend(erp, "1001", FIRST, last(60), "k2").outcome is SuspensionOutcome.SUSPENDED
    clock.move(days=92)  # it is over, and the open invoice is paid late
    erp.end_outage("1")
    answer = contract.may_suspend(erp, "1013", FIRST, last(30))
    assert answer.outcome is SuspensionOutcome.HAS_DEBT
    assert answer.overdue == Decimal("159.90")


def test_a_second_one_within_a_year_says_from_when(erp: SqlErp, clock: Any) -> None:
    contract.suspend(erp, "1005", FIRST, last(30), "k")  # Severina owes nothing
    clock.move(days=100)
    again = contract.may_suspend(erp, "1005", date(2027, 6, 1), date(2027, 7, 15))
    assert (again.outcome, again.again_on) == (SuspensionOutcome.USED_RECENTLY, date(2027, 12, 1))
    later = contract.may_suspend(erp, "1005", date(2027, 12, 1), date(2028, 1, 10))
    assert later.outcome is SuspensionOutcome.SUSPENDED


def test_who_may_not_be_suspended(erp: SqlErp) -> None:
    debt = contract.suspend(erp, "1002", FIRST, last(30), "k")
    assert (debt.outcome, debt.overdue) == (SuspensionOutcome.HAS_DEBT, Decimal("159.80"))
    erp.trust_release("1002", 3, "k")  # released, and owing all the same
    assert contract.suspend(erp, "1002", FIRST, last(30), "k").outcome is SuspensionOutcome.HAS_DEBT
    past = contract.suspend(erp, "1001", date(2026, 11, 22), date(2027, 1, 1), "k")
    assert past.outcome is SuspensionOutcome.IN_THE_PAST
    contract.cancel(erp, "1001", "", "k")
    assert contract.suspend(erp, "1001", FIRST, last(30), "k").outcome is SuspensionOutcome.NOT_ACTIVE


# ---------------------------------------------------------------- address and owner


def test_moving_is_free_after_a_year(erp: SqlErp, clock: Any) -> None:
    old = contract.address_change_terms(erp, "1001")
    assert (old.price, old.days) == (Decimal("0.00"), 5)
    young = contract.address_change_terms(erp, "1009")  # 45 days old
    assert (young.price, young.free_from) == (Decimal("80.00"), date(2027, 10, 9))
    clock.move(days=(young.free_from - TODAY).days - 1)
    assert contract.address_change_terms(erp, "1009").price == Decimal("80.00")
    clock.move(days=1)
    assert contract.address_change_terms(erp, "1009").price == Decimal("0.00")


def test_moving(erp: SqlErp) -> None:
    served = contract.change_address(erp, "1009", "k", address="Rua Nova, 1, Tambaú", cep="58039100")
    assert served.outcome is AddressOutcome.REQUESTED
    assert served.ticket is not None
    assert "Rua Nova" in served.ticket.text
    assert contract.change_address(erp, "1009", "k", address="Rua Nova, 1, Tambaú", cep="58039100") == served
    nowhere = contract.change_address(erp, "1001", "k", address="Conde", cep="58322000")
    assert (nowhere.outcome, nowhere.ticket) == (AddressOutcome.NOT_SERVED, None)
    unclear = contract.change_address(erp, "1001", "k2", address="Centro", cep="58010000")
    assert unclear.outcome is AddressOutcome.NEEDS_SURVEY
    assert unclear.ticket is not None
    assert erp.contract("1001").address == "Rua das Hortênsias, 45, Bessa"  # people make the move
    contract.cancel(erp, "1008", "", "k")
    gone = contract.change_address(erp, "1008", "k", address="Rua Nova", cep="58039100")
    assert gone.outcome is AddressOutcome.NOT_ACTIVE


def test_another_owner_is_a_ticket_with_a_masked_document(erp: SqlErp) -> None:
    opened = contract.transfer_ownership(
        erp, "1001", "k", new_owner="João Lima", document="***.333.444-**", phone="5583988000001"
    )
    assert (opened.ticket.sector, opened.ticket.subject) == (Sector.CONTRACT, "transferir_titularidade")
    assert opened.ticket.text == "Novo titular: João Lima, documento ***.333.444-**, telefone 5583988000001."
    assert erp.contract("1001").customer_id == "1"

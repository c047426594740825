from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from backoffice import billing, boleto, pix, seed
from backoffice.billing import ClaimOutcome, DueDayOutcome, NegotiationOutcome, ReleaseOutcome
from backoffice.errors import NotFound
from backoffice.records import ContractStatus, Sector, Session, TicketStatus
from backoffice.sql import SqlErp


def with_base(url: str, clock: Any, tmp_path: Path, change: Any) -> SqlErp:
    """The records from a sample base that `change` was let loose on: contract id → contract mapping."""
    base = seed.read_base(seed.SAMPLE)
    change({contract["id"]: contract for c in base["customers"] for contract in c["contracts"]})
    path = tmp_path / "base.yml"
    path.write_text(yaml.safe_dump(base, allow_unicode=True), encoding="utf-8")
    return SqlErp.open(url, base=path, reset=True, clock=clock)


# ---------------------------------------------------------------- what is open

OPEN = {  # contract: the open invoices, oldest first, and their total
    "1001": (["50011"], "99.90"),
    "1002": (["50021", "50022"], "159.80"),
    "1003": (["50031", "50032"], "159.80"),
    "1004": ([], "0.00"),
    "1005": ([], "0.00"),
    "1006": (["50061"], "119.90"),
    "1007": ([], "0.00"),
    "1008": (["50081"], "99.90"),
    "1018": (["50181"], "79.90"),
    "1009": (["50091", "50092"], "167.86"),
    "1010": ([], "0.00"),
    "1011": (["50111"], "79.90"),
    "1012": (["50121"], "79.90"),
    "1013": (["50131"], "159.90"),
    "1014": (["50141"], "99.90"),
}


def test_what_each_sample_customer_owes(erp: SqlErp) -> None:
    for contract_id, (ids, total) in OPEN.items():
        debt = billing.open_invoices(erp, contract_id)
        assert [invoice.id for invoice in debt.invoices] == ids
        assert debt.total == Decimal(total)
        assert str(debt.total) == total
        overdue = ids if contract_id in ("1002", "1003") else []
        assert [invoice.id for invoice in debt.overdue] == overdue


def test_every_open_invoice_can_be_paid_by_pix_and_by_line(erp: SqlErp) -> None:
    invoices = [i for contract_id in OPEN for i in billing.open_invoices(erp, contract_id).invoices]
    assert len({i.pix for i in invoices} | {i.line for i in invoices}) == 2 * len(invoices) == 28
    for invoice in invoices:
        assert invoice.pix is not None
        assert invoice.line is not None
        code, line = pix.parse(invoice.pix), boleto.parse(invoice.line, erp.now().date())
        assert code.is_dynamic
        assert code.url is not None
        assert code.url.split("/")[0].endswith(".example")
        assert (code.amount, code.city) == (invoice.amount, "Joao Pessoa")
        assert (line.due, line.amount, line.barcode[:3]) == (invoice.due, invoice.amount, "999")


def test_invoices_due_today_are_not_overdue(erp: SqlErp, clock: Any) -> None:
    clock.move(days=6)
    assert billing.open_invoices(erp, "1001").overdue == ()
    clock.move(days=1)
    assert [i.id for i in billing.open_invoices(erp, "1001").overdue] == ["50011"]


def test_each_contract_of_a_customer_by_itself(erp: SqlErp) -> None:
    debts = billing.open_invoices_of(erp, "8")
    assert [(d.contract.id, d.total) for d in debts] == [
        ("1008", Decimal("99.90")),
        ("1018", Decimal("79.90")),
    ]


def test_an_ended_contract_counts_only_while_it_owes(erp: SqlErp, clock: Any) -> None:
    for contract_id in ("1008", "1007"):
        erp.cancel_contract(contract_id, date(2026, 11, 25), "", contract_id)
    clock.move(days=2)
    assert [d.contract.id for d in billing.open_invoices_of(erp, "8")] == ["1018", "1008"]
    assert billing.open_invoices_of(erp, "7") == ()


# ---------------------------------------------------------------- release on trust


def test_josenildo_is_released_for_three_days(erp: SqlErp, clock: Any) -> None:
    assert erp.contract("1002").status is ContractStatus.BLOCKED_FOR_DEBT
    offer = billing.may_release(erp, "1002")
    assert (offer.outcome, offer.until, offer.overdue) == (ReleaseOutcome.RELEASED, date(2026, 11, 26), 2)
    assert erp.contract("1002").released_until is None  # asking is not doing

    done = billing.trust_release(erp, "1002", "k1")
    assert (done.outcome, done.until) == (ReleaseOutcome.RELEASED, date(2026, 11, 26))
    assert billing.trust_release(erp, "1002", "k1") == done
    assert erp.contract("1002").status is ContractStatus.ACTIVE
    assert erp.connection("1002").session is Session.ONLINE

    other = billing.trust_release(erp, "1002", "k2")
    assert (other.outcome, other.until) == (ReleaseOutcome.ALREADY_RELEASED, date(2026, 11, 26))

    clock.move(days=3)
    assert erp.contract("1002").status is ContractStatus.ACTIVE  # the last day counts
    clock.move(days=1)
    assert erp.contract("1002").status is ContractStatus.BLOCKED_FOR_DEBT
    assert erp.connection("1002").session is Session.BLOCKED
    again = billing.trust_release(erp, "1002", "k3")
    assert (again.outcome, again.again_on) == (ReleaseOutcome.USED_RECENTLY, date(2026, 12, 23))
    clock.move(days=26)
    assert erp.now().date() == date(2026, 12, 23)
    assert billing.trust_release(erp, "1002", "k4").outcome is ReleaseOutcome.RELEASED


def test_wagner_used_it_twelve_days_ago(erp: SqlErp) -> None:
    answer = billing.trust_release(erp, "1003", "k")
    assert (answer.outcome, answer.again_on) == (ReleaseOutcome.USED_RECENTLY, date(2026, 12, 11))
    assert erp.contract("1003").status is ContractStatus.BLOCKED_FOR_DEBT


def test_nobody_else_is_blocked(erp: SqlErp) -> None:
    for contract_id in OPEN.keys() - {"1002", "1003"}:
        assert billing.trust_release(erp, contract_id, "k").outcome is ReleaseOutcome.NOT_BLOCKED


def test_three_overdue_are_too_many(url: str, clock: Any, tmp_path: Path) -> None:
    def third(contracts: Any) -> None:
        contracts[1002]["invoices"].append({"id": 50023, "due": -68, "amount": 79.90})

    erp = with_base(url, clock, tmp_path, third)
    answer = billing.trust_release(erp, "1002", "k")
    assert (answer.outcome, answer.overdue) == (ReleaseOutcome.TOO_MANY_OPEN, 3)
    erp.close()


def test_an_open_invoice_that_is_not_due_does_not_count_against_it(
    url: str, clock: Any, tmp_path: Path
) -> None:
    def coming(contracts: Any) -> None:
        contracts[1002]["invoices"].append({"id": 50023, "due": 22, "amount": 79.90})

    erp = with_base(url, clock, tmp_path, coming)
    assert billing.trust_release(erp, "1002", "k").outcome is ReleaseOutcome.RELEASED
    erp.close()


def test_paid_and_still_blocked_goes_to_the_finance_people(url: str, clock: Any, tmp_path: Path) -> None:
    def pay(contracts: Any) -> None:
        for invoice in contracts[1002]["invoices"]:
            invoice["paid"] = -1

    erp = with_base(url, clock, tmp_path, pay)
    assert billing.may_release(erp, "1002").ticket is None
    answer = billing.trust_release(erp, "1002", "k")
    assert answer.outcome is ReleaseOutcome.PAID_BUT_BLOCKED
    assert answer.ticket is not None
    assert (answer.ticket.sector, answer.ticket.contract_id) == (Sector.BILLING, "1002")
    assert billing.trust_release(erp, "1002", "k").ticket == answer.ticket
    assert billing.trust_release(erp, "1002", "k2").ticket == answer.ticket
    assert len(erp.tickets("2")) == 1
    assert erp.contract("1002").trust_release_used is None  # the month's release is not spent
    erp.close()


def test_a_blocked_session_of_an_active_contract_counts_as_blocked(
    url: str, clock: Any, tmp_path: Path
) -> None:
    def block(contracts: Any) -> None:
        contracts[1001]["connection"]["session"] = "blocked"
        contracts[1002]["status"] = "active"

    erp = with_base(url, clock, tmp_path, block)
    assert billing.may_release(erp, "1001").outcome is ReleaseOutcome.PAID_BUT_BLOCKED
    assert billing.trust_release(erp, "1002", "k").outcome is ReleaseOutcome.RELEASED
    assert erp.connection("1002").session is Session.ONLINE
    erp.close()


# ---------------------------------------------------------------- payments


def test_a_payment_on_record_says_when(erp: SqlErp) -> None:
    claim = billing.claim_payment(erp, "1004", "k")
    assert claim.outcome is ClaimOutcome.ALREADY_RECORDED
    assert claim.invoice is not None
    assert (claim.invoice.id, claim.invoice.paid_on) == ("50041", date(2026, 11, 17))
    assert erp.tickets("4") == ()


def test_a_payment_not_on_record_becomes_a_ticket(erp: SqlErp) -> None:
    claim = billing.claim_payment(erp, "1002", "k", text="paguei ontem no pix, cpf 222.333.444-05")
    assert (claim.outcome, claim.is_new) == (ClaimOutcome.REGISTERED, True)
    assert claim.invoice is not None
    assert claim.ticket is not None
    assert claim.invoice.id == "50021"  # the oldest
    assert claim.ticket.sector is Sector.BILLING
    assert "222.333.444-05" not in claim.ticket.text
    assert "50021" in claim.ticket.text
    assert billing.claim_payment(erp, "1002", "k", text="de novo") == claim

    other = billing.claim_payment(erp, "1002", "k2", invoice_id="50022", text="essa também")
    assert (other.outcome, other.is_new) == (ClaimOutcome.REGISTERED, False)
    assert other.ticket is not None
    assert other.ticket.protocol == claim.ticket.protocol
    assert "50022" in other.ticket.text
    assert len(erp.tickets("2")) == 1


def test_claims_about_a_named_invoice(erp: SqlErp) -> None:
    assert (
        billing.claim_payment(erp, "1001", "k", invoice_id="50010").outcome is ClaimOutcome.ALREADY_RECORDED
    )
    with pytest.raises(NotFound):
        billing.claim_payment(erp, "1001", "k", invoice_id="50021")  # somebody else's


def test_a_contract_without_invoices(url: str, clock: Any, tmp_path: Path) -> None:
    erp = with_base(url, clock, tmp_path, lambda contracts: contracts[1001].pop("invoices"))
    assert billing.claim_payment(erp, "1001", "k").outcome is ClaimOutcome.NO_INVOICE
    assert billing.open_invoices(erp, "1001").total == Decimal(0)
    erp.close()


# ---------------------------------------------------------------- questions about an invoice


def test_tanias_two_invoices_are_explained_together(erp: SqlErp) -> None:
    explained = billing.explain_invoice(erp, "50092")
    assert [(i.text, i.amount) for i in explained.items] == [
        ("Pró-rata: 12 dias do mês da instalação", Decimal("47.96"))
    ]
    assert [invoice.id for invoice in explained.together] == ["50091"]
    assert (explained.previous, explained.difference) == (None, None)


def test_the_difference_to_the_month_before(url: str, clock: Any, tmp_path: Path) -> None:
    def dearer(contracts: Any) -> None:
        contracts[1001]["invoices"] += [
            {"id": 1, "due": 6, "amount": 10.00},
            {"id": 2, "due": -54, "amount": 50.00, "paid": -54},
        ]

    erp = with_base(url, clock, tmp_path, dearer)
    explained = billing.explain_invoice(erp, "50011")
    assert explained.previous is not None
    assert explained.previous.id == "50010"
    assert explained.difference == Decimal("10.00")
    assert billing.explain_invoice(erp, "1").items == ()  # the records do not say
    assert billing.explain_invoice(erp, "50010").difference == Decimal("49.90")
    erp.close()


def test_the_plan_explains_an_invoice_of_its_price(erp: SqlErp) -> None:
    assert [i.text for i in billing.explain_invoice(erp, "50011").items] == ["Plano 400 Mega"]
    assert billing.explain_invoice(erp, "50011").difference == Decimal("0.00")


def test_a_contested_invoice_becomes_one_ticket(erp: SqlErp) -> None:
    first = billing.contest_invoice(erp, "50092", "não sei o que é isso", "k")
    assert first.is_new
    assert (first.ticket.sector, first.ticket.contract_id) == (Sector.BILLING, "1009")
    assert "50092" in first.ticket.text
    assert billing.contest_invoice(erp, "50092", "não sei o que é isso", "k") == first
    assert not billing.contest_invoice(erp, "50092", "ainda não responderam", "k2").is_new
    assert len(erp.tickets("9")) == 1


def test_negotiation_needs_something_open(erp: SqlErp) -> None:
    nothing = billing.negotiate(erp, "1004", "", "k")
    assert (nothing.outcome, nothing.ticket) == (NegotiationOutcome.NOTHING_OPEN, None)
    done = billing.negotiate(erp, "1002", "dá pra parcelar?", "k")
    assert (done.outcome, done.is_new) == (NegotiationOutcome.REGISTERED, True)
    assert done.ticket is not None
    assert "159.80" in done.ticket.text
    assert (done.ticket.sector, done.ticket.status) == (Sector.BILLING, TicketStatus.OPEN)


# ---------------------------------------------------------------- the due day


def test_the_due_day_of_future_invoices(erp: SqlErp) -> None:
    # the last issued invoice is due on 29 November
    done = billing.change_due_day(erp, "1001", 10, "k")
    assert (done.outcome, done.first_due) == (DueDayOutcome.CHANGED, date(2026, 12, 10))
    assert done.allowed == (5, 10, 15, 20, 25)
    assert erp.contract("1001").due_day == 10
    assert erp.invoice("50011").due == date(2026, 11, 29)  # what is issued stays
    assert billing.change_due_day(erp, "1001", 10, "k") == done
    assert billing.change_due_day(erp, "1001", 10, "k2").outcome is DueDayOutcome.SAME_DAY


def test_days_the_company_does_not_offer(erp: SqlErp) -> None:
    for day in (0, 1, 12, 30, 31):
        answer = billing.change_due_day(erp, "1001", day, "k")
        assert (answer.outcome, answer.allowed) == (DueDayOutcome.NOT_ALLOWED, (5, 10, 15, 20, 25))
    assert erp.contract("1001").due_day == 29


def test_the_day_it_already_is(erp: SqlErp) -> None:
    assert billing.change_due_day(erp, "1001", 29, "k").outcome is DueDayOutcome.SAME_DAY


def test_an_ended_contract_has_no_due_day(erp: SqlErp, clock: Any) -> None:
    erp.cancel_contract("1001", date(2026, 11, 25), "", "k")
    clock.move(days=2)
    assert billing.change_due_day(erp, "1001", 10, "k").outcome is DueDayOutcome.NOT_ACTIVE


def test_unknown_ids_are_said_to_be_unknown(erp: SqlErp) -> None:
    for call in (
        lambda: billing.open_invoices(erp, "9999"),
        lambda: billing.trust_release(erp, "9999", "k"),
        lambda: billing.explain_invoice(erp, "9999"),
        lambda: billing.contest_invoice(erp, "9999", "", "k"),
        lambda: billing.negotiate(erp, "9999", "", "k"),
        lambda: billing.change_due_day(erp, "9999", 10, "k"),
    ):
        with pytest.raises(NotFound):
            call()


def test_amounts_stay_exact(url: str, clock: Any, tmp_path: Path) -> None:
    def odd(contracts: Any) -> None:
        contracts[1001]["invoices"] = [{"id": n, "due": n, "amount": 0.1} for n in range(1, 4)]

    erp = with_base(url, clock, tmp_path, odd)
    assert billing.open_invoices(erp, "1001").total == Decimal("0.30")
    erp.close()

from __future__ import annotations

from dataclasses import replace

import pytest

from backoffice import sales, tables
from backoffice.records import LEAD_DAYS, NewLead, Point
from backoffice.sales import CoverageOutcome
from backoffice.sql import SqlErp
from tests.unit.backoffice.conftest import Clock


def test_plans_for_people_and_for_companies(erp: SqlErp) -> None:
    people = sales.plans_for(erp, company=False)
    assert [plan.id for plan in people] == ["fibra-300", "fibra-400", "fibra-600", "fibra-1000"]
    assert [plan.id for plan in sales.plans_for(erp, company=True)] == ["empresa-600"]


def test_ceps(erp: SqlErp) -> None:
    for cep, outcome, neighbourhood in (
        ("58037000", "served", "Jardim Oceania / Bessa"),
        ("58037999", "served", "Jardim Oceania / Bessa"),
        ("58045300", "served", "Cabo Branco"),
        ("58038000", "unknown", None),
        ("58036999", "unknown", None),
        ("58322000", "not_served", None),
        ("58.322-000", "not_served", None),
        ("58037-120", "served", "Jardim Oceania / Bessa"),
        ("01001000", "unknown", None),
    ):
        found = sales.coverage(erp, cep=cep)
        assert (found.outcome.value, found.neighbourhood) == (outcome, neighbourhood), cep


def test_pins(erp: SqlErp) -> None:
    # one degree of latitude is 111.2 km: 0.0026 are 289 m, 0.0028 are 311 m
    for point, outcome, box in (
        (Point(-7.0790, -34.8330), "served", "CTO-BESSA-01"),
        (Point(-7.0816, -34.8330), "served", "CTO-BESSA-01"),
        (Point(-7.0818, -34.8330), "unknown", None),
        (Point(-7.1702, -34.8402), "full", None),  # CTO-MANG-04 has no free port
        (Point(-23.55, -46.63), "unknown", None),
    ):
        found = sales.coverage(erp, point=point)
        assert (found.outcome.value, found.box and found.box.id) == (outcome, box)


def test_pin_and_cep_together(erp: SqlErp) -> None:
    full = Point(-7.1702, -34.8402)
    assert sales.coverage(erp, cep="58055640", point=full).outcome is CoverageOutcome.SERVED
    assert sales.coverage(erp, cep="58322000", point=full).outcome is CoverageOutcome.NOT_SERVED
    assert sales.coverage(erp, cep="58000000", point=full).outcome is CoverageOutcome.FULL
    by_pin = sales.coverage(erp, cep="58322000", point=Point(-7.0790, -34.8330))
    assert by_pin.outcome is CoverageOutcome.SERVED


def test_neighbourhoods(erp: SqlErp) -> None:
    for said, neighbourhood in (
        ("Bessa", "Jardim Oceania / Bessa"),
        ("bairro do bessa", "Jardim Oceania / Bessa"),
        ("jardim oceania", "Jardim Oceania / Bessa"),
        ("oceânia", "Jardim Oceania / Bessa"),
        ("TAMBAU", "Tambaú"),
        ("cabo branco joão pessoa", "Cabo Branco"),
        ("mangabeira 7", "Mangabeira"),
        ("Tambauzinho", None),
        ("Valentina", None),
        ("bairro", None),
        ("", None),
    ):
        found = sales.coverage(erp, neighbourhood=said)
        assert found.neighbourhood == neighbourhood, said
        assert found.outcome is (CoverageOutcome.SERVED if neighbourhood else CoverageOutcome.UNKNOWN)


def test_nothing_known_is_not_a_yes(erp: SqlErp) -> None:
    assert sales.coverage(erp).outcome is CoverageOutcome.UNKNOWN


def test_distances() -> None:
    # the shop and the box of Tambaú, by an independent great-circle formula
    assert sales.metres(Point(-7.1195, -34.8553), Point(-7.1130, -34.8230)) == pytest.approx(3637, abs=2)
    assert sales.metres(Point(0, 0), Point(0, 1)) == pytest.approx(111_195, abs=1)
    assert sales.metres(Point(10, 20), Point(10, 20)) == 0


def test_leads(erp: SqlErp) -> None:
    new = NewLead("Ana", "5583988887777", "fibra-400", "58037120", note="cpf 123.123.123-87")
    lead = sales.register_lead(erp, new, "k")
    assert (lead.protocol, lead.plan_id) == ("20261123000001", "fibra-400")
    assert sales.register_lead(erp, new, "k") == lead
    assert "123.123.123-87" not in new.note
    assert "Ana" not in repr(lead)
    pinned = NewLead("Bia", "5583988886666", point=Point(-7.1, -34.8), customer_id="1")
    assert sales.register_lead(erp, pinned, "k2").protocol == "20261123000002"


BIA = NewLead("Bia Teste", "5583988000001", "fibra-400", "58037120", "Rua das Hortênsias, 80, Bessa", note="de tarde")


@pytest.mark.parametrize(
    ("again", "same"),
    [
        (replace(BIA, plan_id="fibra-600"), True),
        (replace(BIA, phone="558388000001"), True),  # WhatsApp's way, without the ninth digit
        (replace(BIA, address="r. das hortensias 80"), True),
        (replace(BIA, cep=None, address="Rua das Hortênsias, 80"), True),
        (replace(BIA, address=None), True),
        (replace(BIA, address="Rua das Hortênsias, 82, Bessa"), False),
        (replace(BIA, cep="58039100", address="Av. Monteiro da Franca, 80"), False),
        (replace(BIA, phone="5583988000002"), False),
        (replace(BIA, cep=None, address=None, point=Point(-7.079, -34.833)), False),
    ],
)
def test_the_same_wish_told_again(again: NewLead, same: bool) -> None:
    assert BIA.is_like(again) is same
    assert again.is_like(BIA) is same


def test_a_wish_told_twice_is_one_lead(erp: SqlErp, clock: Clock) -> None:
    first = sales.register_lead(erp, BIA, "a")
    second = sales.register_lead(erp, replace(BIA, plan_id="fibra-600", note="de manhã"), "b")
    assert first.is_new and not second.is_new
    assert (second.protocol, second.plan_id) == (first.protocol, "fibra-600")
    assert sales.register_lead(erp, replace(BIA, plan_id="fibra-600", note="de manhã"), "b") == second
    with erp._database.read() as tx:
        (row,) = tx.execute(tables.lead.select()).all()
    assert row.note == "de tarde\n[23/11/2026 10:00] de manhã"
    clock.move(days=LEAD_DAYS + 1)
    assert sales.register_lead(erp, BIA, "c").is_new

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from backoffice import desk
from backoffice.desk import LookupOutcome
from backoffice.errors import NotFound
from backoffice.records import NewLead, Sector, TicketStatus, VisitStatus
from backoffice.sql import SqlErp


def open_one(erp: SqlErp, key: str, **changed: Any) -> Any:
    wanted = {
        "subject": "sem_internet",
        "sector": Sector.SUPPORT,
        "text": "sem sinal desde cedo",
        "customer_id": "1",
        "contract_id": "1001",
    }
    return desk.open_ticket(erp, key=key, **{**wanted, **changed})


def test_a_contact_gets_one_protocol_and_the_next_contact_the_next(erp: SqlErp, clock: Any) -> None:
    assert desk.contact_protocol(erp, "chat-1") == "20261123000001"
    assert desk.contact_protocol(erp, "chat-2") == "20261123000002"
    assert desk.contact_protocol(erp, "chat-1") == "20261123000001"
    clock.move(days=1)
    assert desk.contact_protocol(erp, "chat-3") == "20261124000001"


def test_the_day_is_the_companys_not_greenwichs(erp: SqlErp, clock: Any) -> None:
    clock.move(hours=12)  # ten in the evening there, one in the morning in UTC
    assert desk.contact_protocol(erp, "chat-1").startswith("20261123")


def test_a_number_that_the_base_uses_is_not_given_again(erp: SqlErp, clock: Any) -> None:
    clock.move(days=-5)  # Ivone's ticket has the number 20261118007734
    assert desk.contact_protocol(erp, "chat-1") == "20261118007735"


def test_a_ticket_keeps_what_it_was_told(erp: SqlErp) -> None:
    opened = open_one(erp, "k", text="CPF 123.123.123-87: sem sinal")
    ticket = opened.ticket
    assert opened.is_new
    assert ticket.protocol == "20261123000001"
    assert (ticket.subject, ticket.sector, ticket.status) == (
        "sem_internet",
        Sector.SUPPORT,
        TicketStatus.OPEN,
    )
    assert ticket.text == "CPF ***.123.123-**: sem sinal"
    assert ticket.opened_at == erp.now()
    assert ticket.opened_at.utcoffset() == erp.now().utcoffset()
    assert erp.ticket(ticket.protocol) == ticket


def test_the_same_key_opens_nothing_twice(erp: SqlErp) -> None:
    first = open_one(erp, "k", contract_id=None)
    assert open_one(erp, "k", contract_id=None) == first
    assert len(erp.tickets("1")) == 1
    assert open_one(erp, "k2", contract_id=None).is_new


def test_an_open_ticket_of_the_same_matter_is_found_again(erp: SqlErp) -> None:
    first = open_one(erp, "k1")
    again = open_one(erp, "k2", text="ainda nada")
    assert not again.is_new
    assert again.ticket.protocol == first.ticket.protocol
    assert again.ticket.text == "sem sinal desde cedo\n[23/11/2026 10:00] ainda nada"
    assert open_one(erp, "k3", text="ainda nada").ticket.text == again.ticket.text
    assert open_one(erp, "k4", subject="internet_lenta").is_new
    assert open_one(erp, "k5", customer_id="8", contract_id="1008").is_new


def test_ivones_ticket_is_open_and_has_its_visit(erp: SqlErp) -> None:
    found = open_one(erp, "k", subject="internet_lenta", customer_id="7", contract_id="1007")
    assert not found.is_new
    assert (found.ticket.protocol, found.ticket.status) == ("20261118007734", TicketStatus.SCHEDULED)
    visit = found.ticket.visit
    assert visit is not None
    assert (f"{visit.day:%Y-%m-%d %A}", visit.shift.value) == ("2026-11-27 Friday", "tarde")
    assert visit.status is VisitStatus.SCHEDULED


def test_a_settled_ticket_does_not_stand_in_the_way(erp: SqlErp) -> None:
    protocol = erp.cancel_contract("1001", erp.now().date(), "", "k").ticket.protocol
    assert not open_one(erp, "k2", subject="cancelar_servico").is_new
    erp2 = erp.contract("1008")
    first = erp.cancel_contract(erp2.id, datetime(2026, 11, 25).date(), "", "k3").ticket.protocol
    erp.keep_contract(erp2.id, "k4")
    assert erp.ticket(first).status is TicketStatus.CANCELLED
    assert open_one(erp, "k5", subject="cancelar_servico", customer_id="8", contract_id="1008").is_new
    assert [t.protocol for t in desk.open_tickets(erp, "1")] == [protocol]


def test_tickets_for_people_who_do_not_exist(erp: SqlErp) -> None:
    with pytest.raises(NotFound):
        open_one(erp, "k", customer_id="99", contract_id=None)
    with pytest.raises(NotFound):
        open_one(erp, "k", contract_id="9999")


def test_a_person_is_reached_without_any_document(erp: SqlErp, clock: Any) -> None:
    handed = desk.hand_over(erp, text="quero falar com alguém", key="k")
    assert handed.ticket.customer_id is None
    assert (handed.ticket.sector, handed.ticket.subject) == (Sector.DESK, "falar_com_atendente")
    assert (handed.desk.is_open, handed.desk.next_opening) == (True, None)
    clock.move(hours=9)
    closed = desk.hand_over(erp, text="oi", key="k2", sector=Sector.BILLING).desk
    assert not closed.is_open
    assert closed.next_opening is not None
    assert closed.next_opening.isoformat() == "2026-11-24T08:00:00-03:00"


def test_tickets_are_found_by_their_owner_alone(erp: SqlErp) -> None:
    for typed in ("20261118007734", "#20261118 007734", "2026.1118.0077-34"):
        found = desk.find_ticket(erp, typed, "7")
        assert found.outcome is LookupOutcome.FOUND
        assert found.ticket is not None
    stranger = desk.find_ticket(erp, "20261118007734", "1")
    assert (stranger.outcome, stranger.ticket) == (LookupOutcome.NOT_FOUND, None)
    assert stranger == desk.find_ticket(erp, "20261118009999", "1") == desk.find_ticket(erp, "", "1")


def test_contacts_and_leads_have_protocols_without_tickets(erp: SqlErp) -> None:
    contact = desk.contact_protocol(erp, "chat-1")
    lead = erp.create_lead(NewLead(name="Zé", phone="5583988887777"), "k")
    for protocol in (contact, lead.protocol):
        assert desk.find_ticket(erp, protocol, "1").outcome is LookupOutcome.CONTACT

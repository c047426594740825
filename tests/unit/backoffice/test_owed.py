"""Requests that wait until the records answer."""

from __future__ import annotations

import pytest

from backoffice.errors import Unavailable
from backoffice.owed import OwedTickets
from backoffice.records import NewTicket, Sector
from backoffice.sql import SqlErp


def test_a_request_is_kept_once_and_written_once(url: str, erp: SqlErp) -> None:
    owed = OwedTickets({"DATABASE_URL": url})
    new = NewTicket("falha_no_sistema", Sector.BILLING, "do meu cpf 123.123.123-87", "1")
    owed.keep(new, "k")
    owed.keep(new, "k")
    again = OwedTickets({"DATABASE_URL": url})  # another process, after a restart
    assert again.settle(erp) == 1
    assert again.settle(erp) == 0
    (ticket,) = [t for t in erp.tickets("1") if t.subject == "falha_no_sistema"]
    assert (ticket.sector, ticket.text) == (Sector.BILLING, "do meu cpf ***.123.123-**")
    again.close()
    owed.close()


def test_what_the_records_do_not_take_stays(url: str, erp: SqlErp, monkeypatch: pytest.MonkeyPatch) -> None:
    owed = OwedTickets({"DATABASE_URL": url})
    owed.keep(NewTicket("falha_no_sistema", Sector.DESK, "a"), "k")

    def down(*_: object) -> None:
        raise Unavailable("down")

    with monkeypatch.context() as patch:
        patch.setattr(erp, "open_ticket", down)
        with pytest.raises(Unavailable):
            owed.settle(erp)
    assert owed.settle(erp) == 1
    owed.close()


def test_a_customer_that_is_gone_does_not_stop_the_others(url: str, erp: SqlErp) -> None:
    owed = OwedTickets({"DATABASE_URL": url})
    owed.keep(NewTicket("falha_no_sistema", Sector.DESK, "a", "999"), "a")
    owed.keep(NewTicket("falha_no_sistema", Sector.DESK, "b", "1"), "b")
    assert owed.settle(erp) == 2
    assert [t.text for t in erp.tickets("1") if t.subject == "falha_no_sistema"] == ["b"]
    owed.close()

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from backoffice.documents import Document, parse_document
from backoffice.identity import IdentityOutcome, identify, parse_birth, unreadable
from backoffice.sql import SqlErp

STRANGER = "5583988887777"
UNKNOWN_CPF = "529.982.247-25"


def doc(text: str) -> Document:
    document = parse_document(text)
    assert document is not None
    return document


def test_the_phone_of_the_chat_is_enough_for_everybody_who_has_one(erp: SqlErp) -> None:
    for number in range(1, 14):
        customer = erp.customer(str(number))
        (phone,) = customer.phones
        for chat in (phone, phone[:4] + phone[5:], f"{phone}@c.us"):
            found = identify(erp, customer.document, chat)
            assert (found.outcome, found.customer) == (IdentityOutcome.CONFIRMED, customer)


def test_a_stranger_must_know_the_birth_date(erp: SqlErp) -> None:
    marlene = doc("123.123.123-87")
    assert identify(erp, marlene, STRANGER).outcome is IdentityOutcome.NEEDS_BIRTH
    wrong = identify(erp, marlene, STRANGER, date(1961, 3, 15))
    assert (wrong.outcome, wrong.customer) == (IdentityOutcome.NOT_CONFIRMED, None)
    right = identify(erp, marlene, STRANGER, date(1961, 3, 14))
    assert right.outcome is IdentityOutcome.CONFIRMED
    assert right.customer is not None


def test_without_a_number_of_the_chat_the_birth_date_decides_too(erp: SqlErp) -> None:
    marlene = doc("123.123.123-87")
    assert identify(erp, marlene, None).outcome is IdentityOutcome.NEEDS_BIRTH
    assert identify(erp, marlene, None, date(1961, 3, 14)).outcome is IdentityOutcome.CONFIRMED


def test_a_stranger_cannot_tell_an_unknown_cpf_from_a_known_one(erp: SqlErp) -> None:
    for birth in (None, date(1950, 1, 1)):
        assert identify(erp, doc(UNKNOWN_CPF), STRANGER, birth) == identify(
            erp, doc("222.333.444-05"), STRANGER, birth
        )


def test_another_customers_phone_is_a_strangers(erp: SqlErp) -> None:
    found = identify(erp, doc("123.123.123-87"), "5583991110002")
    assert found.outcome is IdentityOutcome.NEEDS_BIRTH


@pytest.mark.parametrize(
    "text",
    [
        "818.283.848-79",  # Quitéria: neither phone nor birth date on file
        "PA.O20.26J/0001-96",  # a company has no birth date
    ],
)
def test_who_cannot_be_confirmed_here_goes_to_a_person(erp: SqlErp, text: str) -> None:
    for birth in (None, date(1990, 1, 1)):
        found = identify(erp, doc(text), STRANGER, birth)
        assert (found.outcome, found.customer) == (IdentityOutcome.NEEDS_PERSON, None)


def test_a_stranger_cannot_tell_an_unknown_cnpj_from_a_known_one(erp: SqlErp) -> None:
    for birth in (None, date(1990, 1, 1)):
        unknown = identify(erp, doc("12.ABC.345/01DE-35"), STRANGER, birth)
        assert unknown == identify(erp, doc("PA.O20.26J/0001-96"), STRANGER, birth)
        assert unknown.outcome is IdentityOutcome.NEEDS_PERSON


@pytest.mark.parametrize("text", ["123.123.123-87", UNKNOWN_CPF])
def test_guessing_about_one_document_ends_after_twenty_failures_a_day(erp: SqlErp, clock: Any, text: str) -> None:
    for number in range(20):  # each from another phone
        found = identify(erp, doc(text), f"55839888{number:05d}", date(1960, 1, 1))
        assert found.outcome is IdentityOutcome.NOT_CONFIRMED
    for birth in (None, date(1961, 3, 14)):
        assert identify(erp, doc(text), STRANGER, birth).outcome is IdentityOutcome.NEEDS_PERSON
    assert identify(erp, doc("123.123.123-87"), "5583991110001").outcome is IdentityOutcome.CONFIRMED, "her own phone"
    clock.move(days=1)
    assert identify(erp, doc(text), STRANGER).outcome is IdentityOutcome.NEEDS_BIRTH


def test_what_is_counted_about_a_document_does_not_hold_it_and_survives_a_restart(
    erp: SqlErp, url: str, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    marlene = doc("123.123.123-87")
    monkeypatch.setenv("THEO_SECRET", "one")
    mark = unreadable(marlene)
    assert not set(mark.removeprefix("doc:")) - set("0123456789abcdef") and marlene.number not in mark
    monkeypatch.setenv("THEO_SECRET", "another")
    assert unreadable(marlene) != mark, "nobody finds the CPF by trying them all"
    identify(erp, marlene, STRANGER, date(1960, 1, 1))
    again = SqlErp.open(url, clock=clock)
    assert again.failed_identifications(unreadable(marlene)) == again.failed_identifications(STRANGER) == 1
    again.close()


def test_guessing_ends_after_ten_failures_a_day(erp: SqlErp, clock: Any) -> None:
    marlene = doc("123.123.123-87")
    for day in range(1, 11):
        assert identify(erp, marlene, STRANGER, date(1960, 1, day)).outcome is IdentityOutcome.NOT_CONFIRMED
    for birth in (None, date(1960, 1, 1), date(1961, 3, 14)):
        found = identify(erp, marlene, STRANGER[:4] + STRANGER[5:], birth)
        assert (found.outcome, found.customer) == (IdentityOutcome.NEEDS_PERSON, None)
    # her own phone and other phones are not locked out, and tomorrow is another day
    assert identify(erp, marlene, "5583991110001").outcome is IdentityOutcome.CONFIRMED
    assert identify(erp, marlene, "5583977776666").outcome is IdentityOutcome.NEEDS_BIRTH
    clock.move(days=1)
    assert identify(erp, marlene, STRANGER, date(1961, 3, 14)).outcome is IdentityOutcome.CONFIRMED


@pytest.mark.parametrize(
    ("text", "birth"),
    [
        ("14/03/1961", date(1961, 3, 14)),
        ("14-3-61", date(1961, 3, 14)),
        ("14.03.1961", date(1961, 3, 14)),
        ("14 03 1961", date(1961, 3, 14)),
        ("14031961", date(1961, 3, 14)),
        ("140361", date(1961, 3, 14)),
        ("1961-03-14", date(1961, 3, 14)),
        ("14 de março de 1961", date(1961, 3, 14)),
        ("14 MAR 61", date(1961, 3, 14)),
        ("1º de Março de 1961", date(1961, 3, 1)),
        ("nasci em 14/03/61, viu", date(1961, 3, 14)),
        ("17/04/99", date(1999, 4, 17)),
        ("17/04/05", date(2005, 4, 17)),
        ("17/04/24", date(1924, 4, 17)),
        ("31/02/1961", None),
        ("24/11/2026", None),
        ("14/03/1861", None),
        ("123.123.123-87", None),
        ("58037-120", None),
        ("não lembro", None),
    ],
)
def test_birth_dates_as_people_type_them(text: str, birth: date | None) -> None:
    assert parse_birth(text, date(2026, 11, 23)) == birth

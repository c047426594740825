from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backoffice import boleto

# Hubsoft's documented sample, a real bank's layout.
SLIP = "75691.31662 01006.726101 27210.000017 7 73380000001000"
# A collection line (third digit 6: modulo 10) that utilities print as an example.
COLLECTION = "83640000001-1 33120138000-2 81288462711-6 08013618155-1"


def test_the_published_slip() -> None:
    line = boleto.parse(SLIP, near=date(2017, 12, 1))
    assert line.barcode == "75697733800000010001316601006726102721000001"
    assert line.amount == Decimal("10.00")
    assert line.due == date(2017, 11, 9)
    assert line.printed == SLIP
    assert not line.is_collection
    assert boleto.from_barcode(line.barcode, date(2017, 12, 1)) == line


def test_the_published_collection_line() -> None:
    line = boleto.parse(COLLECTION, near=date(2026, 1, 1))
    assert line.barcode == "83640000001331201380008128846271108013618155"
    assert (line.amount, line.due, line.is_collection) == (Decimal("133.12"), None, True)
    assert line.printed == COLLECTION
    assert boleto.from_barcode(line.barcode, date(2026, 1, 1)) == line


def test_febrabans_examples_of_check_digits() -> None:
    """ "Layout Padrão de Arrecadação", sections 7 to 10."""
    assert boleto.modulo10("01230067896") == 3
    assert boleto._collection_modulo11("01230067896") == 0
    body = "822" + "0000215048200974123220154098290108605940"
    assert boleto.modulo10(body) == 1
    assert boleto._collection_modulo11(body) == 0


def test_the_general_digit_of_a_slip_is_never_zero() -> None:
    """Modulo 11 gives 0, 10 and 11 as 1; every rest comes up within a few amounts."""
    digits = {
        boleto.build(bank="999", due=date(2026, 1, 1), amount=Decimal(n), free="0" * 25).barcode[4]
        for n in range(1, 200)
    }
    assert digits == set("123456789")


@pytest.mark.parametrize(
    ("due", "factor"),
    [  # FEBRABAN's dates: the end of the first round, and the restart
        (date(2000, 7, 3), 1000),
        (date(2025, 2, 21), 9999),
        (date(2025, 2, 22), 1000),
        (date(2049, 10, 13), 9999),
        (date(2049, 10, 14), 1000),
    ],
)
def test_the_due_factor(due: date, factor: int) -> None:
    assert boleto.factor_of(due) == factor
    assert boleto.due_of_factor(factor, near=due) == due


def test_the_nearest_round_of_a_factor_is_taken() -> None:
    assert boleto.due_of_factor(1000, near=date(2001, 1, 1)) == date(2000, 7, 3)
    assert boleto.due_of_factor(1000, near=date(2026, 11, 23)) == date(2025, 2, 22)
    assert boleto.due_of_factor(9999, near=date(2026, 11, 23)) == date(2025, 2, 21)
    assert boleto.due_of_factor(0, near=date(2026, 11, 23)) is None
    with pytest.raises(ValueError):
        boleto.factor_of(date(2000, 7, 2))


@given(
    st.integers(0, 999),
    st.dates(date(2000, 7, 3), date(2090, 1, 1)),
    st.integers(1, 10**10 - 1),
    st.integers(0, 10**25 - 1),
    st.integers(-4000, 4000),
)
def test_what_is_built_is_read_back(bank: int, due: date, cents: int, free: int, off: int) -> None:
    assume(f"{bank:03}"[0] != "8")
    amount = Decimal(cents).scaleb(-2)
    line = boleto.build(bank=f"{bank:03}", due=due, amount=amount, free=f"{free:025}")
    near = max(date(2000, 7, 3), due + timedelta(days=off))
    again = boleto.parse(line.printed, near)
    assert again == line
    assert (again.due, again.amount) == (due, amount)
    assert (again.barcode[:3], again.barcode[19:]) == (f"{bank:03}", f"{free:025}")
    assert boleto.from_barcode(line.barcode, near) == line


@given(st.sampled_from("6789"), st.integers(0, 10**11 - 1), st.integers(0, 10**29 - 1))
def test_collection_lines_of_every_kind(kind: str, cents: int, rest: int) -> None:
    start, end = f"83{kind}", f"{cents:011}{rest:029}"
    fitting = [line for digit in "0123456789" if (line := _read(start + digit + end)) is not None]
    assert len(fitting) == 1  # exactly one general check digit fits
    assert fitting[0].amount == (Decimal(cents).scaleb(-2) if kind in "68" and cents else None)


def _read(barcode: str) -> boleto.PaymentLine | None:
    try:
        return boleto.from_barcode(barcode, date(2026, 1, 1))
    except boleto.BadLine:
        return None


@pytest.mark.parametrize("text", [SLIP, COLLECTION])
def test_one_wrong_digit_in_a_checked_field_is_noticed(text: str) -> None:
    digits = [i for i, c in enumerate(text) if c.isdigit()]
    for place in digits:
        wrong = str((int(text[place]) + 1) % 10)
        with pytest.raises(boleto.BadLine):
            boleto.parse(text[:place] + wrong + text[place + 1 :], date(2017, 12, 1))


@pytest.mark.parametrize("text", ["", "123", SLIP[:-1], SLIP + "0", "8" * 47, "9" * 48])
def test_text_that_is_no_line(text: str) -> None:
    with pytest.raises(boleto.BadLine):
        boleto.parse(text, date(2026, 1, 1))


def test_slips_that_cannot_be_built() -> None:
    for amount in ("0", "-1", "100000000", "0.001"):
        with pytest.raises(ValueError):
            boleto.build(bank="999", due=date(2026, 1, 1), amount=Decimal(amount), free="0" * 25)
    with pytest.raises(ValueError):
        boleto.build(bank="99", due=date(2026, 1, 1), amount=Decimal(1), free="0" * 25)

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice import pix

# The static example of the Banco Central's manual; its checksum 1D3D is printed there.
BCB = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000"
    "5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D"
)


def test_the_banco_centrals_example() -> None:
    code = pix.parse(BCB)
    assert pix.crc(BCB[:-4]) == "1D3D"
    assert code == pix.BrCode(
        key="123e4567-e12b-12d1-a456-426655440000",
        url=None,
        amount=None,
        name="Fulano de Tal",
        city="BRASILIA",
        txid=None,
        single_use=False,
    )
    assert not code.is_dynamic


def test_the_gui_is_read_in_any_case_and_the_checksum_too() -> None:
    upper = BCB[:-4].replace("br.gov.bcb.pix", "BR.GOV.BCB.PIX")
    assert pix.parse(upper + pix.crc(upper)).key is not None
    assert pix.is_valid(BCB[:-4] + "1d3d")


def test_accents_counted_as_characters_or_as_bytes() -> None:
    for length in ("13", "14"):
        text = BCB[:-4].replace("5913Fulano de Tal", f"59{length}Fulano de Tál")
        assert pix.parse(text + pix.crc(text)).name == "Fulano de Tál"


def test_one_changed_place_is_noticed_anywhere() -> None:
    for place, old in enumerate(BCB):
        broken = BCB[:place] + ("1" if old != "1" else "2") + BCB[place + 1 :]
        assert not pix.is_valid(broken), place


def test_text_that_is_no_code() -> None:
    for text in ("", "oi", BCB[:-1], BCB + "0", BCB[10:], "6304" + pix.crc("6304")):
        assert not pix.is_valid(text)


@given(
    st.integers(1, 10**11 - 1),
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=50),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
)
def test_what_is_built_is_read_back(cents: int, charge: str, name: str) -> None:
    amount = Decimal(cents).scaleb(-2)
    text = pix.build(url=f"pix.conecta.example/{charge}", amount=amount, name=name, city="João Pessoa")
    code = pix.parse(text)
    assert code.url == f"pix.conecta.example/{charge}"
    assert (code.amount, code.city, code.txid) == (amount, "Joao Pessoa", None)
    assert code.is_dynamic
    assert code.single_use
    assert 1 <= len(code.name) <= 25


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "10000000000"])
def test_amounts_that_cannot_be_paid(amount: str) -> None:
    with pytest.raises(ValueError):
        pix.build(url="a.example/1", amount=Decimal(amount), name="A", city="B")


@pytest.mark.parametrize("url", ["", "https://a.example/1", "a.example/" + "x" * 70, "á.example/1"])
def test_locations_that_do_not_fit(url: str) -> None:
    with pytest.raises(ValueError):
        pix.build(url=url, amount=Decimal(1), name="A", city="B")

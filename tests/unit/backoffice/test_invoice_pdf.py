from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pytest
import zxingcpp

from backoffice import boleto, invoice_pdf
from backoffice.errors import NotFound, Refused
from backoffice.records import InvoiceItem
from backoffice.sql import SqlErp

COLLECTION = "836400000011331201380002812884627116080136181551"


def scan(pdf: bytes) -> dict[str, str]:
    """What a phone would read from the page on a screen: symbology → text."""
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    picture = document[0].render(scale=2.5).to_pil()
    return {str(code.format): code.text for code in zxingcpp.read_barcodes(picture)}


def words(pdf: bytes) -> str:
    return str(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_range())


def parts(erp: SqlErp, invoice_id: str) -> tuple[Any, ...]:
    invoice = erp.invoice(invoice_id)
    contract = erp.contract(invoice.contract_id)
    return erp.company(), erp.customer(contract.customer_id), contract, invoice


def test_every_open_invoice_scans_and_says_what_it_must(erp: SqlErp) -> None:
    seen = 0
    for customer_id in range(1, 15):
        customer = erp.customer(str(customer_id))
        for contract in erp.contracts(customer.id):
            for invoice in erp.invoices(contract.id):
                if not invoice.is_open:
                    continue
                pdf = erp.invoice_pdf(invoice.id)
                assert pdf.startswith(b"%PDF-")
                assert invoice.line is not None
                line = boleto.parse(invoice.line, invoice.due)
                assert scan(pdf) == {"QR Code": invoice.pix, "ITF": line.barcode}
                text = words(pdf)
                for said in (
                    "START Conecta",
                    customer.name,
                    customer.document.masked,
                    contract.address,
                    contract.id,
                    contract.plan.name,
                    f"{invoice.due:%d/%m/%Y}",
                    invoice_pdf.reais(invoice.amount),
                    line.printed,
                    *(item.text for item in invoice.items),
                ):
                    assert said in text
                assert customer.document.number not in text
                assert customer.document.formatted not in text
                seen += 1
    assert seen == 14


def test_the_same_invoice_gives_the_same_bytes(erp: SqlErp) -> None:
    assert erp.invoice_pdf("50011") == erp.invoice_pdf("50011")
    assert erp.invoice_pdf("50011") != erp.invoice_pdf("50061")


def test_many_at_once_do_not_disturb_each_other(erp: SqlErp) -> None:
    ids = ["50011", "50021", "50061", "50131"] * 4
    alone = {invoice_id: erp.invoice_pdf(invoice_id) for invoice_id in ids}
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(erp.invoice_pdf, ids)) == [alone[invoice_id] for invoice_id in ids]


def test_letters_that_the_font_lacks_do_not_break_it(erp: SqlErp) -> None:
    company, customer, contract, invoice = parts(erp, "50011")
    odd = replace(customer, name="Łukasz 😀 山田")
    assert set(scan(invoice_pdf.render(company, odd, contract, invoice))) == {"QR Code", "ITF"}


def test_only_open_and_known_invoices_have_one(erp: SqlErp) -> None:
    with pytest.raises(Refused) as refused:
        erp.invoice_pdf("50010")
    assert refused.value.reason == "already_paid"
    with pytest.raises(NotFound):
        erp.invoice_pdf("99999")


def test_one_page_whatever_the_length_of_what_is_on_it(erp: SqlErp) -> None:
    company, customer, contract, invoice = parts(erp, "50011")
    items = tuple(InvoiceItem(f"Serviço adicional número {n} " * 6, Decimal("10.00")) for n in range(40))
    pdf = invoice_pdf.render(
        company,
        replace(customer, name="Maria " * 40),
        replace(contract, address="Rua Muito Comprida " * 20),
        replace(invoice, amount=Decimal("12345.67"), items=items),
    )
    assert set(scan(pdf)) == {"QR Code", "ITF"}
    assert "Outros 31 itens" in words(pdf)
    assert "R$ 12.345,67" in words(pdf)


def test_what_is_missing_is_left_out(erp: SqlErp) -> None:
    company, customer, contract, invoice = parts(erp, "50011")
    assert scan(invoice_pdf.render(company, customer, contract, replace(invoice, pix=None))).keys() == {"ITF"}
    assert scan(invoice_pdf.render(company, customer, contract, replace(invoice, line=None))).keys() == {
        "QR Code"
    }


def test_a_collection_line_is_printed_and_scans_too(erp: SqlErp) -> None:
    company, customer, contract, invoice = parts(erp, "50011")
    pdf = invoice_pdf.render(company, customer, contract, replace(invoice, line=COLLECTION))
    assert scan(pdf)["ITF"] == boleto.parse(COLLECTION, date(2026, 1, 1)).barcode
    assert "83640000001-1 33120138000-2 81288462711-6 08013618155-1" in words(pdf)


def test_a_line_with_wrong_check_digits_never_leaves_the_house(erp: SqlErp) -> None:
    company, customer, contract, invoice = parts(erp, "50011")
    with pytest.raises(boleto.BadLine):
        invoice_pdf.render(company, customer, contract, replace(invoice, line="1" * 47))

"""The second copy of an invoice: one A4 page with the Pix code and the bar code ready to be scanned.

The bar code is Interleaved 2 of 5 of the 44 digits, 103 mm by 13 mm, as FEBRABAN lays it down for bank
slips; the QR code holds the Pix copia e cola unchanged. The same invoice gives the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from decimal import Decimal

import segno
from reportlab.graphics.barcode.common import I2of5
from reportlab.lib.colors import HexColor, white
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from backoffice import boleto
from backoffice.records import Company, Contract, Customer, Invoice, InvoiceItem

_BRAND = HexColor("#0B3B6F")
_ACCENT = HexColor("#12A594")
_INK = HexColor("#1B2733")
_QUIET = HexColor("#5B6B7B")
_LINE = HexColor("#D5DDE5")
_TINT = HexColor("#F2F6FA")

_WIDTH, _HEIGHT = A4
_LEFT, _RIGHT = 18 * mm, _WIDTH - 18 * mm
_MOST_ITEMS = 10
_BARCODE_WIDTH, _BARCODE_HEIGHT = 103 * mm, 13 * mm
# 44 digits of three narrow and two wide (1:3) bars or spaces, a start of 4 and a stop of 5 modules.
_BARCODE_MODULES = 44 * 9 + 4 + 5


def render(company: Company, customer: Customer, contract: Contract, invoice: Invoice) -> bytes:
    """The PDF file of an invoice that is to be paid.

    The document is masked. A part whose data is missing (Pix or line) is left out. ValueError
    (`boleto.BadLine`) if the line's check digits are wrong: such a slip must not leave the house.
    """
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
    canvas.setTitle(f"Fatura {invoice.id} - {company.name}")
    canvas.setAuthor(company.name)
    canvas.setSubject("Segunda via de fatura")
    page = _Page(canvas)
    _header(page, company, invoice)
    _people(page, customer, contract, invoice)
    bottom = _items(page, invoice)
    if invoice.pix:
        bottom = _pix(page, invoice.pix, bottom - 10 * mm)
    if invoice.line:
        _slip(page, boleto.parse(invoice.line, invoice.due), bottom - 11 * mm)
    _footer(page, company)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


@dataclass(frozen=True)
class _Page:
    canvas: Canvas

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 9.5,
        bold: bool = False,
        color: HexColor = _INK,
        align: str = "left",
        room: float | None = None,
        font: str | None = None,
    ) -> None:
        """One line of text, cut with an ellipsis where it would leave its room."""
        font = font or ("Helvetica-Bold" if bold else "Helvetica")
        if room is not None and stringWidth(words, font, size) > room:
            while words and stringWidth(words + "…", font, size) > room:
                words = words[:-1]
            words = words.rstrip() + "…"
        self.canvas.setFont(font, size)
        self.canvas.setFillColor(color)
        draw = {
            "left": self.canvas.drawString,
            "right": self.canvas.drawRightString,
            "center": self.canvas.drawCentredString,
        }[align]
        draw(x, y, words)

    def label(self, x: float, y: float, name: str, value: str, *, room: float, size: float = 10.5) -> None:
        """A small caption with its value below."""
        self.text(x, y, name.upper(), size=6.8, color=_QUIET)
        self.text(x, y - 5 * mm, value, size=size, room=room)

    def rule(self, y: float) -> None:
        self.canvas.setStrokeColor(_LINE)
        self.canvas.setLineWidth(0.6)
        self.canvas.line(_LEFT, y, _RIGHT, y)

    def box(self, x: float, y: float, width: float, height: float, color: HexColor) -> None:
        self.canvas.setFillColor(color)
        self.canvas.roundRect(x, y, width, height, 2.5 * mm, stroke=0, fill=1)


def _header(page: _Page, company: Company, invoice: Invoice) -> None:
    canvas = page.canvas
    canvas.setFillColor(_BRAND)
    canvas.rect(0, _HEIGHT - 30 * mm, _WIDTH, 30 * mm, stroke=0, fill=1)
    canvas.setFillColor(_ACCENT)
    canvas.rect(0, _HEIGHT - 31.2 * mm, _WIDTH, 1.2 * mm, stroke=0, fill=1)
    page.text(_LEFT, _HEIGHT - 16 * mm, company.name, size=21, bold=True, color=white, room=105 * mm)
    page.text(_LEFT, _HEIGHT - 22.5 * mm, company.shop.address, size=8.2, color=white, room=112 * mm)
    page.text(_RIGHT, _HEIGHT - 15 * mm, "Segunda via de fatura", size=12, color=white, align="right")
    page.text(_RIGHT, _HEIGHT - 21.5 * mm, f"nº {invoice.id}", size=10, color=white, align="right")


def _people(page: _Page, customer: Customer, contract: Contract, invoice: Invoice) -> None:
    top = _HEIGHT - 42 * mm
    wide = 104 * mm
    page.label(_LEFT, top, "Cliente", customer.name, room=wide, size=12)
    page.label(_LEFT, top - 12 * mm, customer.document.kind.value, customer.document.masked, room=wide)
    cep = f" - CEP {contract.cep[:5]}-{contract.cep[5:]}" if contract.cep else ""
    page.label(_LEFT, top - 24 * mm, "Endereço da instalação", contract.address + cep, room=wide, size=9.5)
    page.label(_LEFT, top - 36 * mm, "Contrato e plano", f"{contract.id} · {contract.plan.name}", room=wide)

    x, width = _RIGHT - 62 * mm, 62 * mm
    page.box(x, top - 41 * mm, width, 45 * mm, _TINT)
    page.text(x + 6 * mm, top - 4 * mm, "VENCIMENTO", size=6.8, color=_QUIET)
    page.text(x + 6 * mm, top - 11.5 * mm, f"{invoice.due:%d/%m/%Y}", size=17, bold=True)
    page.text(x + 6 * mm, top - 21 * mm, "VALOR A PAGAR", size=6.8, color=_QUIET)
    page.text(x + 6 * mm, top - 31 * mm, reais(invoice.amount), size=23, bold=True, color=_BRAND)


def _items(page: _Page, invoice: Invoice) -> float:
    y: float = _HEIGHT - 94 * mm
    page.text(_LEFT, y, "O que está sendo cobrado", size=11, bold=True, color=_BRAND)
    y -= 3.5 * mm
    page.rule(y)
    items = invoice.items or (InvoiceItem("Serviços do contrato", invoice.amount),)
    if len(items) > _MOST_ITEMS:
        kept, rest = items[: _MOST_ITEMS - 1], items[_MOST_ITEMS - 1 :]
        others = InvoiceItem(f"Outros {len(rest)} itens", sum((i.amount for i in rest), Decimal(0)))
        items = (*kept, others)
    for item in items:
        y -= 6.4 * mm
        page.text(_LEFT, y, item.text, size=10, room=130 * mm)
        page.text(_RIGHT, y, reais(item.amount), size=10, align="right")
    y -= 3 * mm
    page.rule(y)
    y -= 6.2 * mm
    page.text(_LEFT, y, "Total", size=10.5, bold=True)
    page.text(_RIGHT, y, reais(invoice.amount), size=10.5, bold=True, align="right")
    return y


def _pix(page: _Page, code: str, top: float) -> float:
    side, pad = 44 * mm, 5 * mm
    height: float = side + 2 * pad
    page.box(_LEFT, top - height, _RIGHT - _LEFT, height, _TINT)
    _qr(page, code, _LEFT + pad, top - pad - side, side)
    x = _LEFT + side + 3 * pad
    page.text(x, top - 11 * mm, "Pague com Pix", size=14, bold=True, color=_BRAND)
    page.text(x, top - 17.5 * mm, "Aponte a câmera do aplicativo do seu banco para o código,", size=9.2)
    page.text(x, top - 22 * mm, "ou copie e cole o texto abaixo:", size=9.2)
    y, size, room = top - 29.5 * mm, 7.0, _RIGHT - x - pad
    fit = int(room / stringWidth("0", "Courier", size))
    for start in range(0, len(code), fit):
        page.text(x, y, code[start : start + fit], size=size, color=_QUIET, font="Courier")
        y -= 3.4 * mm
    return top - height


def _qr(page: _Page, code: str, x: float, y: float, side: float) -> None:
    """The code with the quiet zone of four modules that the standard asks for, on white."""
    rows = [list(row) for row in segno.make_qr(code, error="m").matrix_iter(border=4)]
    module = side / len(rows)
    canvas = page.canvas
    canvas.setFillColor(white)
    canvas.rect(x, y, side, side, stroke=0, fill=1)
    canvas.setFillColor(_INK)
    path = canvas.beginPath()
    for down, row in enumerate(rows):
        start = None
        for across, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = across
            elif not dark and start is not None:
                path.rect(
                    x + start * module, y + side - (down + 1) * module, (across - start) * module, module
                )
                start = None
    canvas.drawPath(path, stroke=0, fill=1)


def _slip(page: _Page, line: boleto.PaymentLine, top: float) -> None:
    canvas = page.canvas
    canvas.setStrokeColor(_QUIET)
    canvas.setLineWidth(0.5)
    canvas.setDash(2, 2)
    canvas.line(_LEFT, top + 5 * mm, _RIGHT, top + 5 * mm)
    canvas.setDash()
    page.text(_LEFT, top - 2 * mm, "Pague com o código de barras", size=11, bold=True, color=_BRAND)
    page.text(_LEFT, top - 10 * mm, line.printed, size=12.2, bold=True)
    bars = I2of5(
        line.barcode,
        barWidth=_BARCODE_WIDTH / _BARCODE_MODULES,
        ratio=3,
        barHeight=_BARCODE_HEIGHT,
        checksum=0,
        bearers=0,
        quiet=0,
    )
    canvas.setFillColor(_INK)
    bars.drawOn(canvas, _LEFT, top - 16 * mm - _BARCODE_HEIGHT)


def _footer(page: _Page, company: Company) -> None:
    y = 13 * mm
    page.rule(y + 5.5 * mm)
    words = f"{company.name} · {company.shop.address} · {company.shop.hours}"
    page.text(_LEFT, y, words, size=7.4, color=_QUIET, room=_RIGHT - _LEFT)


def reais(amount: Decimal) -> str:
    """`R$ 1.234,56`."""
    return "R$ " + f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))

"""The Pix copia e cola (BR Code): read, verify and build.

Format: EMV QR Code, Merchant Presented Mode, as the Banco Central's "Manual de Padrões para Iniciação do
Pix" uses it: fields of 2-digit id, 2-digit length and value; field 26 holds the GUI `br.gov.bcb.pix` and
either the key (static) or the URL of the charge (dynamic); field 63 is CRC-16/CCITT-FALSE over everything
before its four digits.

A code that comes from an ERP or bank is verified and then passed on untouched: the amount and expiry of a
dynamic charge live at its URL, and an edited code is not written off when it is paid.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

_GUI = "br.gov.bcb.pix"
_AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")


class BadPix(ValueError):
    """The text is not a valid BR Code of Pix; the message says what is wrong with it."""


@dataclass(frozen=True)
class BrCode:
    """What a Pix code says."""

    key: str | None
    """The Pix key of a static code."""
    url: str | None
    """Host and path (no scheme) of the charge of a dynamic code."""
    amount: Decimal | None
    name: str
    city: str
    txid: str | None
    """None where the code says `***`, as dynamic codes do."""
    single_use: bool
    """Field 01 is 12."""

    @property
    def is_dynamic(self) -> bool:
        return self.url is not None


def crc(payload: str) -> str:
    """Four upper-case hex digits of CRC-16/CCITT-FALSE over a payload that ends in `6304`."""
    return f"{binascii.crc_hqx(payload.encode('utf-8'), 0xFFFF):04X}"


def build(*, url: str, amount: Decimal, name: str, city: str) -> str:
    """A dynamic, single-use BR Code for the charge at `url` (host and path, at most 77 characters).

    Name and city are cut to the 25 and 15 characters the format has room for and lose their accents.
    Raises ValueError if the URL does not fit or the amount is not a positive one in cents.
    """
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")) or amount >= Decimal("1e10"):
        raise ValueError(f"not an amount to be paid: {amount}")
    if not 1 <= len(url) <= 77 or "://" in url or not url.isascii():
        raise ValueError(f"not a location of 1 to 77 ASCII characters without scheme: {url}")
    body = "".join(
        (
            _field("00", "01"),
            _field("01", "12"),
            _field("26", _field("00", _GUI) + _field("25", url)),
            _field("52", "0000"),
            _field("53", "986"),
            _field("54", f"{amount:.2f}"),
            _field("58", "BR"),
            _field("59", _plain(name, 25)),
            _field("60", _plain(city, 15)),
            _field("62", _field("05", "***")),
            "6304",
        )
    )
    return body + crc(body)


def parse(code: str) -> BrCode:
    """Verifies structure and CRC of a copia e cola and returns what it says; BadPix if it is not one."""
    code = code.strip()
    if re.search("[\ud800-\udfff]", code):
        raise BadPix("holds half a character")
    fields = _fields_in_either_length(code)
    if list(fields)[-1:] != ["63"] or fields.get("00") != "01":
        raise BadPix("does not begin with field 00 = 01 and end with field 63")
    if fields["63"].upper() != crc(code[:-4]):
        raise BadPix(f"checksum {fields['63']} is not {crc(code[:-4])}")
    account = next((a for a in map(_account, (fields.get(f"{i:02}") for i in range(26, 52))) if a), None)
    if account is None:
        raise BadPix("no account of br.gov.bcb.pix in fields 26 to 51")
    key, url = account.get("01"), account.get("25")
    if (key is None) == (url is None):
        raise BadPix("needs either a key or a URL")
    if fields.get("53") != "986" or fields.get("58") != "BR":
        raise BadPix("currency is not 986 or country is not BR")
    name, city = fields.get("59"), fields.get("60")
    if not name or not city:
        raise BadPix("no receiver")
    txid = _fields(fields["62"]).get("05") if "62" in fields else None
    return BrCode(
        key=key,
        url=url,
        amount=_amount(fields["54"]) if "54" in fields else None,
        name=name,
        city=city,
        txid=None if txid == "***" else txid,
        single_use=fields.get("01") == "12",
    )


def is_valid(code: str) -> bool:
    """Whether `parse` accepts the code."""
    try:
        parse(code)
    except BadPix:
        return False
    return True


def _field(number: str, value: str) -> str:
    return f"{number}{len(value):02}{value}"


def _fields(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        number, length = text[at : at + 2], text[at + 2 : at + 4]
        if not re.fullmatch("[0-9]{4}", number + length):
            raise BadPix(f"no field at place {at}")
        value = text[at + 4 : at + 4 + int(length)]
        if len(value) != int(length):
            raise BadPix(f"field {number} is cut off")
        if number in found:
            raise BadPix(f"field {number} stands twice")
        found[number] = value
        at += 4 + len(value)
    return found


def _fields_in_either_length(code: str) -> dict[str, str]:
    """Lengths count characters; some generators that leave accents in count bytes."""
    try:
        return _fields(code)
    except BadPix:
        if code.isascii():
            raise
    in_bytes = _fields(code.encode().decode("latin-1"))
    return {number: value.encode("latin-1").decode(errors="replace") for number, value in in_bytes.items()}


def _account(value: str | None) -> dict[str, str] | None:
    if value is None:
        return None
    inner = _fields(value)
    return inner if inner.get("00", "").lower() == _GUI else None


def _amount(value: str) -> Decimal:
    if not _AMOUNT.fullmatch(value):
        raise BadPix(f"amount {value!r}")
    return Decimal(value)


def _plain(text: str, room: int) -> str:
    letters = unicodedata.normalize("NFKD", text)
    return letters.encode("ascii", "ignore").decode()[:room].strip() or "X"

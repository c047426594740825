"""Payment lines of Brazilian bills: check, take apart and build.

Two kinds, told apart by the first digit:
- bank slips (boleto de cobrança): 47 digits, three fields with a check digit each (modulo 10), a general
  check digit (modulo 11), a 4-digit due factor and 10 digits of cents;
- collection (arrecadação, convênio): 48 digits beginning with 8, four blocks of 11 digits and a check
  digit, modulo 10 or 11 as the third digit says.
Both stand for a bar code of 44 digits. Layout: FEBRABAN, "Convenção de Cobrança" and "Layout Padrão de
Arrecadação".

The due factor counts days from 07/10/1997. It reached 9999 on 21/02/2025 and starts again at 1000 on
22/02/2025, so it repeats every 9000 days and only a date near it says which round is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

_FACTOR_ZERO = date(1997, 10, 7)
_FIRST_FACTOR, _ROUND = 1000, 9000


class BadLine(ValueError):
    """The digits are not a payment line; the message says what is wrong with them."""


@dataclass(frozen=True)
class PaymentLine:
    """A line whose check digits are all right."""

    line: str
    """47 or 48 digits."""
    barcode: str
    """44 digits."""
    amount: Decimal | None
    """None when the line leaves it open."""
    due: date | None
    """None for collection lines and for factor 0000."""

    @property
    def is_collection(self) -> bool:
        return len(self.line) == 48

    @property
    def printed(self) -> str:
        """With the dots, dashes and spaces that banks print."""
        n = self.line
        if self.is_collection:
            return " ".join(f"{n[i : i + 11]}-{n[i + 11]}" for i in range(0, 48, 12))
        return f"{n[:5]}.{n[5:10]} {n[10:15]}.{n[15:21]} {n[21:26]}.{n[26:32]} {n[32]} {n[33:]}"


def parse(text: str, near: date) -> PaymentLine:
    """Verifies a line of 47 or 48 digits, with any punctuation; BadLine says why it is none.

    `near` decides between the possible due dates of a factor: the date nearest to it is taken.
    """
    line = re.sub("[^0-9]", "", text)
    if len(line) == 48 and line[0] == "8":
        return _parse_collection(line)
    if len(line) != 47:
        raise BadLine(f"{len(line)} digits")
    for field in (line[:10], line[10:21], line[21:32]):
        if field[-1] != str(modulo10(field[:-1])):
            raise BadLine(f"check digit of the field {field}")
    barcode = line[:4] + line[32] + line[33:47] + line[4:9] + line[10:20] + line[21:31]
    if barcode[4] != str(_general_digit(barcode[:4] + barcode[5:])):
        raise BadLine("general check digit")
    cents = int(barcode[9:19])
    return PaymentLine(
        line, barcode, Decimal(cents).scaleb(-2) if cents else None, due_of_factor(int(barcode[5:9]), near)
    )


def from_barcode(barcode: str, near: date) -> PaymentLine:
    """The line that stands for a bar code of 44 digits; BadLine if it is none."""
    if not re.fullmatch("[0-9]{44}", barcode):
        raise BadLine("not 44 digits")
    if barcode[0] == "8":
        modulo = _collection_modulo(barcode)
        blocks = (barcode[i : i + 11] for i in range(0, 44, 11))
        return parse("".join(f"{block}{modulo(block)}" for block in blocks), near)
    fields = (barcode[:4] + barcode[19:24], barcode[24:34], barcode[34:44])
    start = "".join(f"{field}{modulo10(field)}" for field in fields)
    return parse(start + barcode[4] + barcode[5:19], near)


def build(*, bank: str, due: date, amount: Decimal, free: str) -> PaymentLine:
    """A bank slip in reais. `bank` is the 3-digit code, `free` the 25 digits that are the bank's own.

    Raises ValueError for other lengths, an amount that is not positive or has more than cents, or a due
    day before the factors begin (03/07/2000).
    """
    if not re.fullmatch("[0-9]{3}", bank) or not re.fullmatch("[0-9]{25}", free):
        raise ValueError("needs 3 digits of bank and 25 of free field")
    if not 0 < amount < 10**8 or amount != amount.quantize(Decimal("0.01")):
        raise ValueError(f"not an amount for a slip: {amount}")
    others = f"{bank}9{factor_of(due):04}{int(amount * 100):010}{free}"
    return from_barcode(f"{others[:4]}{_general_digit(others)}{others[4:]}", due)


def factor_of(due: date) -> int:
    """The due factor of a day, 1000 to 9999; ValueError before 03/07/2000."""
    days = (due - _FACTOR_ZERO).days
    if days < _FIRST_FACTOR:
        raise ValueError(f"no factor for {due}")
    return (days - _FIRST_FACTOR) % _ROUND + _FIRST_FACTOR


def due_of_factor(factor: int, near: date) -> date | None:
    """The day nearest to `near` that has this factor; None for a factor below 1000, which says nothing."""
    if not _FIRST_FACTOR <= factor <= 9999:
        return None
    first = _FACTOR_ZERO + timedelta(days=factor)
    rounds = max(0, round((near - first).days / _ROUND))
    return first + timedelta(days=rounds * _ROUND)


def modulo10(digits: str) -> int:
    """Weights 2 and 1 from the right, digits of the products added up, complement to the next ten."""
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(digits)))
    return -total % 10


def _modulo11_rest(digits: str) -> int:
    """Weights 2 to 9 from the right, over and over; the rest of the sum by 11."""
    return sum(int(d) * (2 + i % 8) for i, d in enumerate(reversed(digits))) % 11


def _general_digit(digits: str) -> int:
    rest = _modulo11_rest(digits)
    return 1 if rest in (0, 1) else 11 - rest


def _collection_modulo11(digits: str) -> int:
    rest = _modulo11_rest(digits)
    return 0 if rest in (0, 1) else 11 - rest


def _collection_modulo(start: str) -> Callable[[str], int]:
    """The check digit rule of a collection line, by its third digit; 6 and 7: modulo 10, 8 and 9: 11."""
    try:
        return {"6": modulo10, "7": modulo10, "8": _collection_modulo11, "9": _collection_modulo11}[start[2]]
    except KeyError:
        raise BadLine(f"value kind {start[2]}") from None


def _parse_collection(line: str) -> PaymentLine:
    modulo = _collection_modulo(line)
    blocks = [line[i : i + 12] for i in range(0, 48, 12)]
    for block in blocks:
        if block[-1] != str(modulo(block[:-1])):
            raise BadLine(f"check digit of the block {block}")
    barcode = "".join(block[:-1] for block in blocks)
    if barcode[3] != str(modulo(barcode[:3] + barcode[4:])):
        raise BadLine("general check digit")
    cents = int(barcode[4:15]) if barcode[2] in "68" else 0
    return PaymentLine(line, barcode, Decimal(cents).scaleb(-2) if cents else None, None)

"""Who a chat address belongs to: canonical phones and conversation names."""

from __future__ import annotations

import re


def is_lid(address: str) -> bool:
    """WhatsApp's anonymous address, `<digits>@lid`: never a phone number."""
    return address.endswith("@lid")


def canonical_phone(address: str) -> str:
    """The phone as 13 digits where it is a Brazilian mobile: `558391110006` → `5583991110006`.

    Brazilian mobiles have nine digits after the area code, the first a 9; WhatsApp still names older
    accounts without it. Other numbers come back as their digits. A `@lid` comes back unchanged.
    """
    if is_lid(address):
        return address
    digits = re.sub(r"\D", "", address)
    if re.fullmatch(r"55\d{2}[6-9]\d{7}", digits):
        return digits[:4] + "9" + digits[4:]
    return digits

"""Brazilian phone numbers: one canonical form, and whether two of them are the same phone.

Mobile numbers got a ninth digit (a leading 9) between 2012 and 2016; WhatsApp still names many chats by
the number without it, so `558391110001` and `5583991110001` are one phone.
"""

from __future__ import annotations

import re

import phonenumbers

_BRAZIL = 55


def canonical(text: str) -> str | None:
    """Digits with country code, for example `5583991110001`; None if it is no phone number.

    Takes any punctuation, with or without `+`, `55`, a trunk `0` or a carrier code; WhatsApp's
    `5583991110001@c.us` too, but not its anonymous `…@lid`. A mobile number that lacks the ninth digit
    gets it. A number without an area code stays as it is (8 or 9 digits). Foreign numbers are taken with
    their `+`, or without it where they are too long for Brazil.
    """
    text, _, server = text.strip().partition("@")
    if server == "lid":
        return None
    digits = re.sub(r"\D", "", text)
    if not digits:
        return None
    if not text.startswith("+") and len(digits) in (12, 13) and digits.startswith("55"):
        text = "+" + digits
    try:
        number = phonenumbers.parse(text, "BR")
    except phonenumbers.NumberParseException:
        return None
    national = str(number.national_number)
    if number.country_code != _BRAZIL:
        return f"{number.country_code}{national}" if phonenumbers.is_possible_number(number) else None
    if len(national) == 10 and national[2] in "6789":
        national = f"{national[:2]}9{national[2:]}"
    if len(national) in (10, 11):
        return f"{_BRAZIL}{national}"
    if len(national) in (8, 9):
        return national
    return canonical(f"+{digits}") if not text.startswith("+") else None


def same_phone(a: str, b: str) -> bool:
    """Whether two numbers, written in any way, are one phone.

    The last 8 digits must agree, and so must the area codes where both have one.
    """
    one, other = canonical(a), canonical(b)
    if one is None or other is None or one[-8:] != other[-8:]:
        return False
    return not (_has_area(one) and _has_area(other)) or one[:4] == other[:4]


def _has_area(number: str) -> bool:
    return len(number) > 9

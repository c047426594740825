"""Who is writing? The ladder that lets a customer's records be shown.

Check digits (a `Document` has right ones by construction) → the phone of the chat is on the customer's
record → else the birth date matches → else a person. A CPF is no secret and a name shown to a stranger
is a leak, so nothing of a customer leaves here unless the outcome is `confirmed`, and a stranger cannot
tell an unknown CPF from a known one: both are asked for the birth date, and both fail with the same word.
"""

from __future__ import annotations

import hmac
import os
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import Enum

from backoffice.documents import Document, DocumentKind
from backoffice.erp import Erp
from backoffice.phones import same_phone
from backoffice.records import Customer


class IdentityOutcome(str, Enum):
    CONFIRMED = "confirmed"
    NEEDS_BIRTH = "needs_birth"
    NOT_CONFIRMED = "not_confirmed"
    NEEDS_PERSON = "needs_person"


@dataclass(frozen=True)
class Identification:
    outcome: IdentityOutcome
    customer: Customer | None = None
    """Only with `confirmed`."""


_MOST_FAILURES, _MOST_FAILURES_OF_A_DOCUMENT = 10, 20
"""After so many failures of one phone, or about one document, in one day, only people go on: a birth date can be guessed."""


def identify(
    erp: Erp, document: Document, chat_phone: str | None, birth: date | None = None
) -> Identification:
    """Confirms that the person at `chat_phone` may see the records of `document`.

    `chat_phone` is the number the chat comes from, in any form; None where the channel has none. A
    company has no birth date, so another phone than its own leads to a person, and so does an unknown
    CNPJ. Raises Unavailable like every call to the ERP.
    """
    customer = erp.find_customer(document)
    if customer and chat_phone and any(same_phone(chat_phone, own) for own in customer.phones):
        return Identification(IdentityOutcome.CONFIRMED, customer)
    if chat_phone and erp.failed_identifications(chat_phone) >= _MOST_FAILURES:
        return Identification(IdentityOutcome.NEEDS_PERSON)
    mark = unreadable(document)
    if erp.failed_identifications(mark) >= _MOST_FAILURES_OF_A_DOCUMENT:
        return Identification(IdentityOutcome.NEEDS_PERSON)
    if document.kind is DocumentKind.CNPJ or (customer and customer.birth is None):
        return Identification(IdentityOutcome.NEEDS_PERSON)
    if birth is None:
        return Identification(IdentityOutcome.NEEDS_BIRTH)
    if customer and customer.birth == birth:
        return Identification(IdentityOutcome.CONFIRMED, customer)
    for failed in (chat_phone, mark):
        if failed:
            erp.failed_identifications(failed, add=1)
    return Identification(IdentityOutcome.NOT_CONFIRMED)


def unreadable(document: Document) -> str:
    """A mark by which a document is counted and not kept: there are few enough CPFs to try them all without the key."""
    key = os.environ.get("THEO_SECRET", "").encode()
    return "doc:" + hmac.new(key, document.number.encode(), "sha256").hexdigest()[:40]


_MONTHS = ("jan", "fev", "mar", "abr", "mai", "jun", "jul", "ago", "set", "out", "nov", "dez")
_YEAR = r"(?P<year>\d{4}|\d{2})(?!\d)"
_BIRTHS = (
    re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)"),
    re.compile(rf"(?<!\d)(?P<day>\d{{1,2}})\s{{0,3}}[/., -]\s{{0,3}}(?P<month>\d{{1,2}})\s{{0,3}}[/., -]\s{{0,3}}{_YEAR}"),
    re.compile(rf"(?<!\d)(?P<day>\d{{2}})(?P<month>\d{{2}}){_YEAR}"),
    re.compile(
        rf"(?<!\d)(?P<day>\d{{1,2}})o?\W+(?:de\s+)?(?P<name>{'|'.join(_MONTHS)})[a-z]*\W+(?:de\s+)?{_YEAR}"
    ),
)
_OLDEST, _YOUNGEST = 120, 16


def parse_birth(text: str, today: date) -> date | None:
    """A birth date as people type it; None if there is none in the text.

    `14/03/1961`, `14-3-61`, `14 03 1961`, `14031961`, `140361`, `14 de março de 1961`, `1961-03-14`. Two
    digits of year mean the 2000s only for who would be at least 16. A day ahead of `today`, or more than
    120 years ago, is none.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    for expression in _BIRTHS:
        for match in expression.finditer(plain):
            parts = match.groupdict()
            year = int(parts["year"])
            if len(parts["year"]) == 2:
                year += 2000 if 2000 + year <= today.year - _YOUNGEST else 1900
            month = _MONTHS.index(parts["name"]) + 1 if parts.get("name") else int(parts["month"])
            try:
                birth = date(year, month, int(parts["day"]))
            except ValueError:
                continue
            if birth <= today and today.year - birth.year <= _OLDEST:
                return birth
    return None

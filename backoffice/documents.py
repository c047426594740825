"""CPF and CNPJ: read them as people write them, check them, and mask them for logs and tickets.

Check digits by python-stdnum (`stdnum.br`), which knows the alphanumeric CNPJ issued since July 2026
(IN RFB 2.229/2024: twelve places of 0-9 A-Z, two numeric check digits, value of a place `ord(c) - 48`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from stdnum.br import cnpj as _cnpj
from stdnum.br import cpf as _cpf


class DocumentKind(str, Enum):
    CPF = "cpf"
    CNPJ = "cnpj"


@dataclass(frozen=True)
class Document:
    """A document with right check digits. `str` and `repr` are masked; `number` is the real thing."""

    kind: DocumentKind
    number: str
    """11 digits, or 14 upper-case places."""

    @property
    def formatted(self) -> str:
        """`123.123.123-87` or `12.ABC.345/01DE-35`, as forms print it and IXC stores it."""
        n = self.number
        if self.kind is DocumentKind.CPF:
            return f"{n[:3]}.{n[3:6]}.{n[6:9]}-{n[9:]}"
        return f"{n[:2]}.{n[2:5]}.{n[5:8]}/{n[8:12]}-{n[12:]}"

    @property
    def masked(self) -> str:
        """`***.123.123-**`, or `**.ABC.345/****-**`: enough for the owner to recognise."""
        f = self.formatted
        if self.kind is DocumentKind.CPF:
            return f"***.{f[4:11]}-**"
        return f"**.{f[3:10]}/****-**"

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"Document({self.masked})"


class DocumentProblem(str, Enum):
    """Why a text is not a document."""

    NONE_FOUND = "none_found"
    INCOMPLETE = "incomplete"
    """Digits, but too few or too many."""
    WRONG_CHECK = "wrong_check"
    """The right length, and the check digits do not fit: most often a slip of the finger."""


# What people put between two places of a number they type.
_SEP = r"[\s./\\_,;:-]{0,3}"
_ALONE = r"(?<![0-9A-Z])(?=({})(?![0-9A-Z]))"
_CPF = re.compile(_ALONE.format(rf"[0-9](?:{_SEP}[0-9]){{10}}"))
_CNPJ = re.compile(_ALONE.format(rf"[0-9](?:{_SEP}[0-9]){{13}}"))
# With letters in it, the groups must be where forms have them: else any words and two digits would fit.
_CNPJ_LETTERS = re.compile(
    _ALONE.format(_SEP.join(("[0-9A-Z]{2}", "[0-9A-Z]{3}", "[0-9A-Z]{3}", "[0-9A-Z]{4}", "[0-9]{2}")))
)


def parse_document(text: str) -> Document | None:
    """The CPF or CNPJ in a text, whatever its punctuation, spacing or case; None if there is none.

    The text may hold other words around it; the first CPF counts, else the first CNPJ. One with wrong
    check digits, or of one digit repeated, is none.
    """
    return next((document for _, _, document in _documents(text)), None)


def document_problem(text: str) -> DocumentProblem | None:
    """Why `parse_document` finds nothing in this text; None when it does find one."""
    if parse_document(text):
        return None
    plain = _plain(text)
    if any(_candidates(plain)):
        return DocumentProblem.WRONG_CHECK
    return DocumentProblem.INCOMPLETE if re.search("[0-9]", plain) else DocumentProblem.NONE_FOUND


def mask_documents(text: str) -> str:
    """The text with every valid CPF and CNPJ in it masked."""
    for start, end, document in sorted(_documents(text), key=lambda found: found[0], reverse=True):
        text = text[:start] + document.masked + text[end:]
    return text


def _plain(text: str) -> str:
    """Upper case and compatibility forms resolved, place by place, so that positions stay."""
    places = (unicodedata.normalize("NFKC", c).upper() for c in text)
    return "".join(new if len(new) == 1 else old for new, old in zip(places, text))


def _candidates(plain: str) -> Iterator[tuple[int, int, DocumentKind, str]]:
    """Start, end, kind and bare number of whatever has a document's length, right or wrong."""
    for pattern, kind in (
        (_CPF, DocumentKind.CPF),
        (_CNPJ, DocumentKind.CNPJ),
        (_CNPJ_LETTERS, DocumentKind.CNPJ),
    ):
        for match in pattern.finditer(plain):
            number = re.sub("[^0-9A-Z]", "", match[1])
            if re.search("[0-9]", number[:12]):
                yield match.start(1), match.end(1), kind, number


def _documents(text: str) -> Iterator[tuple[int, int, Document]]:
    """The valid documents of a text with their places, CPFs first; none overlaps an earlier one."""
    taken: list[tuple[int, int]] = []
    for start, end, kind, number in _candidates(_plain(text)):
        check = _cpf if kind is DocumentKind.CPF else _cnpj
        if len(set(number)) > 1 and check.is_valid(number) and all(end <= s or start >= e for s, e in taken):
            taken.append((start, end))
            yield start, end, Document(kind, number)

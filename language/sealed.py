"""Documents and birth dates under seal: what Rasa, its memory and its logs hold is a token that only a key opens.

A token is one word, `lacre_<kind>_<letters>`: authenticated encryption (Fernet) written in the letters a to p,
so that nothing which looks for digits finds any. The kind tells the understanding what was there. Sealing
too much does no harm to a talk: the actions open every token and read what the customer typed.
"""

from __future__ import annotations

import base64
import datetime as dt
import logging
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from stdnum.br import cnpj, cpf

logger = logging.getLogger(__name__)

#: Kind → how the classifier counts it: as it would count the digits themselves.
KINDS = {
    "cpf": "0cpf", "cnpj": "0cnpj", "data": "0cep", "onze": "0cpf", "quatorze": "0cnpj", "oito": "0cep", "numero": "0n4",
    "texto": "",
}  # fmt: skip
TOKEN = re.compile(rf"lacre_({'|'.join(KINDS)})_([a-p]+)")
#: A date so many years ago can be somebody's birth; a day that is spoken of otherwise cannot.
YOUNGEST, OLDEST = 14, 120

_HEX, _LETTERS = "0123456789abcdef", "abcdefghijklmnop"
_TO_LETTERS, _TO_HEX = str.maketrans(_HEX, _LETTERS), str.maketrans(_LETTERS, _HEX)
_SEPARATOR = r"[\W_]{0,3}"
_RUN = re.compile(rf"[0-9](?:{_SEPARATOR}[0-9])*")
_PROTOCOL = re.compile(r"(?<!\d)20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[\s.-]?\d{6}(?!\d)")
_CEP = re.compile(r"(?<!\d)\d{2}\.?\d{3}\s?-?\s?\d{3}(?!\d)")
_DAY = re.compile(r"\d{1,2}\s?[/.-]\s?\d{1,2}(?:\s?[/.-]\s?(?:\d{4}|\d{2}))?")
_COMPANY_WITH_LETTERS = re.compile(
    "(?<![0-9A-Z])(?=("
    + _SEPARATOR.join(("[0-9A-Z]{2}", "[0-9A-Z]{3}", "[0-9A-Z]{3}", "[0-9A-Z]{4}", "[0-9]{2}"))
    + ")(?![0-9A-Z]))"
)
#: Lengths of the bar-code line and of the bar code itself; they are codes of a bill, not of a person.
_BILL_CODES = (44, 46, 47, 48)
#: How the places of a document that does not check are grouped; others may be a house number and a CEP.
_GROUPED = ([11], [3, 3, 3, 2], [9, 2], [14], [2, 3, 3, 4, 2], [8, 4, 2], [8, 6], [12, 2])
_PIX_KEY = re.compile(r"BR\.GOV\.BCB\.PIX01(?:11([0-9]{11})|14([0-9]{14}))")
_ABOUT_DOCUMENT = re.compile(r"\b(?:CPF|CNPJ|DOCUMENTOS?)")
_ABOUT_OTHER = re.compile(r"\b(?:CEP|PROTOCOLOS?)\b")
_MONTHS = ("JAN", "FEV", "MAR", "ABR", "MAI", "JUN", "JUL", "AGO", "SET", "OUT", "NOV", "DEZ")
_DATES = (
    re.compile(r"(?<!\d)(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<day>\d{1,2})[\W_]{1,3}(?P<month>\d{1,2})[\W_]{1,3}(?P<year>19\d{2}|20\d{2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<day>\d{1,2})(?P<sep>\s?[/., -]\s?)(?P<month>\d{1,2})(?P=sep)(?P<year>\d{2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<day>\d{2})(?P<month>\d{2})(?P<year>\d{4}|\d{2})(?!\d)"),
    re.compile(rf"(?<!\d)(?P<day>\d{{1,2}})[Oº°]?\W+(?:DE\s+)?(?P<name>{'|'.join(_MONTHS)})[A-ZÇ]*\W+(?:DE\s+)?(?P<year>\d{{4}}|\d{{2}})(?!\d)"),
)

#: A mobile phone of Brazil with its area code, as phones are written.
_MOBILE = re.compile(
    r"\(?(?:1[1-9]|2[12478]|3[1-578]|4[1-9]|5[1345]|6[1-9]|7[134579]|8[1-9]|9[1-9])\)?\W{0,2}9\W?\d{4}\W?\d{4}"
)

Span = tuple[int, int, str]


class SealError(ValueError):
    """The keys are missing or unreadable. The text is one sentence for whoever started Theo."""


class Sealer:
    """Seals with the first of its keys, opens with any of them: so keys are changed without losing a talk."""

    def __init__(self, keys: str) -> None:
        """`keys`: Fernet keys separated by commas, the newest first. Raises SealError."""
        if not keys.strip():
            raise SealError("THEO_SEAL_KEYS is not set: Theo cannot seal documents without a key.")
        try:
            self._box = MultiFernet([Fernet(key.strip()) for key in keys.split(",")])
        except ValueError:
            raise SealError(
                "THEO_SEAL_KEYS holds something that is no key: each is 32 bytes in URL-safe base64, separated by commas."
            ) from None

    def lock(self, text: str, kind: str) -> str:
        """The whole text as one token; an empty text, or one that is a token already, stays."""
        if not text or TOKEN.fullmatch(text):
            return text
        hidden = self._box.encrypt(text.encode("utf-8", "surrogatepass"))
        # Back from Fernet's base64 to bytes: letters alone are a word for every pattern there is.
        return f"lacre_{kind}_{base64.urlsafe_b64decode(hidden).hex().translate(_TO_LETTERS)}"

    def open(self, text: str) -> str:
        """The text with every token as it was typed; one that no key opens stays a word without a meaning."""
        return TOKEN.sub(self._open, text) if "lacre_" in text else text

    def _open(self, match: re.Match[str]) -> str:
        letters = match.group(2)
        try:
            hidden = base64.urlsafe_b64encode(bytes.fromhex(letters.translate(_TO_HEX)))
            return self._box.decrypt(hidden).decode("utf-8", "surrogatepass")
        except (ValueError, InvalidToken):
            logger.error("Something sealed could not be opened: THEO_SEAL_KEYS lacks the key that sealed it.")
            return match.group()

    def seal(self, text: str, today: dt.date, *, pieces: bool = True) -> str:
        """The text with a token in the place of each document and birth date.

        `pieces`: also numbers that can be a part of one, in a message that is about a document or holds
        nothing else. Tokens that are there already stay.
        """
        return _replace(text, today, pieces, self.lock)

    def open_value(self, value: Any) -> Any:
        """A slot's value with every token in it opened."""
        return _each_text(value, self.open)

    def seal_value(self, value: Any, today: dt.date) -> Any:
        """A slot's value with every document and birth date in it sealed, and the pieces that are called so."""
        return _each_text(value, lambda text: self.seal(text, today, pieces=_speaks_of_document(text)))


@lru_cache(maxsize=1)
def _sealer(keys: str) -> Sealer:
    return Sealer(keys)


def sealer(environ: Mapping[str, str] = os.environ) -> Sealer:
    """The sealer of this process, by `THEO_SEAL_KEYS`. Raises SealError."""
    return _sealer(environ.get("THEO_SEAL_KEYS", ""))


def disarm(text: str) -> str:
    """What a customer types that looks like a token is words."""
    return re.sub("lacre_", "lacre ", text, flags=re.IGNORECASE)


def hide(text: str, today: dt.date) -> str:
    """For people who read it later: `(documento)` and `(data)` in the place of each; phones stay."""

    def word(part: str, kind: str) -> str:
        if kind == "onze" and _MOBILE.fullmatch(part):
            return part
        return "(data)" if kind == "data" else "(documento)"

    return _replace(text, today, _speaks_of_document(text), word)


def _speaks_of_document(text: str) -> bool:
    """Else a number of four digits alone may be that of a house."""
    return bool(_ABOUT_DOCUMENT.search(_plain(text)))


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each_text(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _each_text(item, change) for key, item in value.items()}
    return value


def _replace(text: str, today: dt.date, pieces: bool, word: Callable[[str, str], str]) -> str:
    if not any(c.isdigit() for c in text):
        return text
    out, at = [], 0
    for start, end, kind in sorted(find(text, today, pieces)):
        out.append(text[at:start])
        if start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            out.append(" ")
        out.append(word(text[start:end], kind))
        if end < len(text) and (text[end].isalnum() or text[end] == "_"):
            out.append(" ")
        at = end
    return "".join([*out, text[at:]])


# -- what is there to seal ------------------------------------------------------------------------------


def find(text: str, today: dt.date, pieces: bool = True) -> Iterator[Span]:
    """(start, end, kind) of everything that must not be read; no two overlap."""
    plain = _plain(text)
    taken: list[tuple[int, int]] = [match.span() for match in TOKEN.finditer(text)]

    def free(start: int, end: int) -> bool:
        return all(end <= s or start >= e for s, e in taken)

    for finder in (_pix_keys, _documents, _births, _document_shapes, *((_pieces,) if pieces else ())):
        for start, end, kind in finder(plain, today):
            while end < len(text) and text[end] in "\ufe0f\u20e3":  # the frame of an emoji's digit
                end += 1
            if free(start, end):
                taken.append((start, end))
                yield start, end, kind


def _plain(text: str) -> str:
    """Upper case, compatibility forms resolved and every script's digits as 0 to 9, place by place."""

    def one(c: str) -> str:
        if c.isdigit() and not c.isascii():
            return str(unicodedata.digit(c))
        new = unicodedata.normalize("NFKC", c).upper()
        return new if len(new) == 1 else c

    return "".join(one(c) for c in text)


def _groups(plain: str) -> Iterator[list[tuple[int, int]]]:
    """The runs of digits with little between them; each a list of the places of its groups."""
    for run in _RUN.finditer(plain):
        groups = [(m.start() + run.start(), m.end() + run.start()) for m in re.finditer(r"[0-9]+", run.group())]
        if sum(end - start for start, end in groups) not in _BILL_CODES:
            yield groups


def _windows(plain: str) -> Iterator[tuple[int, int, str, list[int]]]:
    """(start, end, digits, lengths of the groups) of whole groups that follow each other, 11 or 14 digits in all."""
    for groups in _groups(plain):
        for first in range(len(groups)):
            digits = ""
            for last in range(first, len(groups)):
                digits += plain[groups[last][0] : groups[last][1]]
                if len(digits) in (11, 14):
                    yield groups[first][0], groups[last][1], digits, [e - s for s, e in groups[first : last + 1]]
                elif len(digits) > 14:
                    break


def _is_protocol(plain: str, start: int, end: int) -> bool:
    return bool(_PROTOCOL.fullmatch(plain[start:end]))


def _documents(plain: str, _today: dt.date) -> Iterator[Span]:
    """CPF and CNPJ with right check digits, whatever stands between the digits."""
    windows = list(_windows(plain))
    for start, end, digits, _ in windows:
        if len(digits) == 11 and len(set(digits)) > 1 and cpf.is_valid(digits):
            yield start, end, "cpf"
    for start, end, digits, _ in windows:
        said_so = "PROTOCOLO" in plain and _is_protocol(plain, start, end)
        if len(digits) == 14 and len(set(digits)) > 1 and cnpj.is_valid(digits) and not said_so:
            yield start, end, "cnpj"
    for match in _COMPANY_WITH_LETTERS.finditer(plain):
        number = re.sub(r"[\W_]", "", match[1])
        if re.search("[0-9]", number[:12]) and not number.isdigit() and cnpj.is_valid(number):
            yield match.start(1), match.end(1), "cnpj"


def _pix_keys(plain: str, _today: dt.date) -> Iterator[Span]:
    """The CPF or CNPJ that is the key inside a Pix code; whose it is, the code does not say."""
    for match in _PIX_KEY.finditer(plain):
        place = 1 if match[1] else 2
        yield match.start(place), match.end(place), "onze" if match[1] else "quatorze"


def _document_shapes(plain: str, _today: dt.date) -> Iterator[Span]:
    """What has the length of a document and does not check: a slip of the finger, or a mobile phone."""
    if "BR.GOV.BCB.PIX" in plain:
        return  # the lengths in a Pix code are its own
    for start, end, digits, lengths in _windows(plain):
        if lengths in _GROUPED and not _is_protocol(plain, start, end):
            yield start, end, "onze" if len(digits) == 11 else "quatorze"


def _births(plain: str, today: dt.date) -> Iterator[Span]:
    for pattern in _DATES:
        for match in pattern.finditer(plain):
            parts = match.groupdict()
            year = int(parts["year"])
            if len(parts["year"]) == 2:
                year += 2000 if 2000 + year <= today.year else 1900
            month = _MONTHS.index(parts["name"]) + 1 if parts.get("name") else int(parts["month"])
            try:
                dt.date(year, month, int(parts["day"]))
            except ValueError:
                continue
            written = match.group()
            is_cep = written.isdigit() and re.search(r"CEP\W*$", plain[: match.start()])
            if YOUNGEST <= today.year - year <= OLDEST and not is_cep:
                yield match.start(), match.end(), "data"


def _pieces(plain: str, _today: dt.date) -> Iterator[Span]:
    """Numbers of four digits and more that can be a part of a document."""
    letters = re.sub(r"[\W\d_]", "", re.sub(r"LACRE_[A-Z]+_[A-P]+", "", plain))
    if _ABOUT_OTHER.search(plain) or (letters and not _ABOUT_DOCUMENT.search(plain)):
        return
    for groups in _groups(plain):
        start, end = groups[0][0], groups[-1][1]
        written = plain[start:end]
        if any(pattern.fullmatch(written) for pattern in (_CEP, _PROTOCOL, _DAY)):
            continue
        lengths = [e - s for s, e in groups]
        if sum(lengths) >= 4 and max(lengths) >= 3:  # "1 2 3 4" are choices
            yield start, end, "oito" if sum(lengths) == 8 else "numero"

"""CEPs: read them as people type them, and look their addresses up.

ViaCEP is asked first, BrasilAPI when it does not answer or does not know. "Not found" needs ViaCEP's own
word: BrasilAPI answers 404 both for an unknown CEP and when its own sources are down, so its 404 alone is
no answer. A coordinate of either is no proof of coverage and is not read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

import requests
import sqlalchemy as sa
from requests.adapters import HTTPAdapter

from backoffice.database import Database, url_of
from backoffice.errors import Unavailable

# ---------------------------------------------------------------- reading


class CepReading(str, Enum):
    OK = "ok"
    INCOMPLETE = "incomplete"
    """5 to 7 digits."""
    NONE = "none"


@dataclass(frozen=True)
class CepText:
    reading: CepReading
    cep: str | None = field(default=None, repr=False)
    """8 digits, with `ok`."""


_DIGIT = "[0-9OoIl]"
_WHOLE = re.compile(
    rf"(?<![0-9A-Za-z])({_DIGIT}{{2}})[. ]?({_DIGIT}{{3}}) ?[-. ]? ?({_DIGIT}{{3}})(?![0-9A-Za-z]|-[0-9])"
)
_PART = re.compile(
    rf"(?<![0-9A-Za-z])({_DIGIT}{{2}})[. ]?({_DIGIT}{{3}}) ?[-. ]? ?({_DIGIT}{{0,2}})(?![0-9A-Za-z]|-[0-9])"
)
_MEANT = str.maketrans("OoIl", "0011")


_UNITS = "zero um dois tres quatro cinco seis sete oito nove dez onze doze treze quatorze quinze dezesseis dezessete dezoito dezenove"
_SPOKEN = {
    **{word: number for number, word in enumerate(_UNITS.split())},
    **{word: 20 + 10 * i for i, word in enumerate("vinte trinta quarenta cinquenta sessenta setenta oitenta noventa".split())},
    **{word: 200 + 100 * i for i, word in enumerate("duzentos trezentos quatrocentos quinhentos seiscentos".split())},
    "setecentos": 700, "oitocentos": 800, "novecentos": 900, "cem": 100, "cento": 100, "uma": 1, "duas": 2, "meia": 6,
    "catorze": 14,
}  # fmt: skip
_NOT_SAID = {"traco", "hifen", "ponto", "tracinho", "e", "cep", "o", "meu", "eh", "numero", "la", "vai"}


def spoken_digits(text: str) -> str | None:
    """The digits of a number told in words, or digit by digit: `cinco oito zero três nove`, `58 zero 39 cento e dez`.

    `e` joins a larger number to a smaller one ("cinquenta e oito" is 58). None where the text says anything else.
    """
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    digits, last, joined = "", 0, False
    for word in re.findall(r"[a-z]+|[0-9]+", plain):
        if word in _SPOKEN:
            value = _SPOKEN[word]
            if joined and last % 10 == 0 and last >= 20 and 0 < value < (100 if last % 100 == 0 else 10):
                digits, last = digits[: -len(str(last))] + str(last + value), last + value
            else:
                digits, last = digits + str(value), value
        elif word.isdecimal():
            digits, last = digits + word, 0
        elif word not in _NOT_SAID:
            return None
        joined = word == "e"
    return digits or None


def parse_cep(text: str) -> CepText:
    """The CEP in a text: `58037-120`, `58.037-120`, `58037120`, `58o37-l20` (letters for digits), or told in words.

    A landline (`3221-4567`) is none: its groups are of four. Of several, the first counts.
    """
    plain = unicodedata.normalize("NFKC", text).translate(str.maketrans("–—−", "---"))
    for expression, reading in ((_WHOLE, CepReading.OK), (_PART, CepReading.INCOMPLETE)):
        for match in expression.finditer(plain):
            typed = "".join(match.groups())
            if sum(c.isdecimal() for c in typed) >= len(typed) - 3:
                cep = typed.translate(_MEANT) if reading is CepReading.OK else None
                return CepText(reading, cep)
    spoken = spoken_digits(text) or ""
    if len(re.findall(r"\w+", text)) >= 3 and 5 <= len(spoken) <= 8:
        whole = len(spoken) == 8
        return CepText(CepReading.OK if whole else CepReading.INCOMPLETE, spoken if whole else None)
    return CepText(CepReading.NONE)


# ---------------------------------------------------------------- looking up


@dataclass(frozen=True)
class Address:
    cep: str
    """8 digits."""
    street: str | None
    """None for the one CEP of a small town: street and neighbourhood must be asked for."""
    neighbourhood: str | None
    city: str
    state: str
    """Two letters."""


class CepOutcome(str, Enum):
    FOUND = "found"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"
    """Nobody could say; ask the customer for the address and go on."""


@dataclass(frozen=True)
class CepLookup:
    outcome: CepOutcome
    address: Address | None = None


_metadata = sa.MetaData()
_known = sa.Table(
    "cep_address",
    _metadata,
    sa.Column("cep", sa.String(8), primary_key=True),
    sa.Column("street", sa.Text),
    sa.Column("neighbourhood", sa.Text),
    sa.Column("city", sa.Text, nullable=False),
    sa.Column("state", sa.String(2), nullable=False),
    sa.Column("looked_up", sa.DateTime, nullable=False),  # UTC
)

_FRESH = timedelta(days=180)
_TIMEOUT = (2.0, 2.0)
"""Seconds to connect, and to wait for an answer."""


class _NoAnswer(Exception):
    """A service did not answer in a way that can be believed."""


class CepDirectory:
    """Addresses by CEP, remembered in the database for half a year. Thread-safe."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """`CEP_VIACEP_URL` and `CEP_BRASILAPI_URL` replace the services' own addresses; `DATABASE_URL`.

        Raises Unavailable if the database does not answer.
        """
        self._viacep = _base(environ, "CEP_VIACEP_URL", "https://viacep.com.br")
        self._brasilapi = _base(environ, "CEP_BRASILAPI_URL", "https://brasilapi.com.br")
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=16))
        self._database = Database(url_of(environ))
        with self._database.write() as tx:
            _metadata.create_all(tx)

    def find(self, cep: str) -> CepLookup:
        """The address of a CEP of 8 digits; ValueError for anything else. Takes 8 seconds at most."""
        if not re.fullmatch("[0-9]{8}", cep):
            raise ValueError("a CEP has 8 digits")
        known, is_fresh = self._remembered(cep)
        if known and is_fresh:
            return CepLookup(CepOutcome.FOUND, known)
        unknown = False
        for ask in (self._ask_viacep, self._ask_brasilapi):
            try:
                address = ask(cep)
            except _NoAnswer:
                continue
            if address is not None:
                self._remember(address)
                return CepLookup(CepOutcome.FOUND, address)
            unknown = True
        if known:
            return CepLookup(CepOutcome.FOUND, known)
        return CepLookup(CepOutcome.NOT_FOUND if unknown else CepOutcome.UNAVAILABLE)

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()
        self._database.close()

    def _ask_viacep(self, cep: str) -> Address | None:
        """HTTP 200 in every case: an address, or `erro` as `"true"` (older: `true`)."""
        answer = self._get(f"{self._viacep}/ws/{cep}/json/")
        if str(answer.get("erro", "")).lower() == "true":
            return None
        return _address(cep, answer, "logradouro", "bairro", "localidade", "uf")

    def _ask_brasilapi(self, cep: str) -> Address | None:
        return _address(
            cep, self._get(f"{self._brasilapi}/api/cep/v1/{cep}"), "street", "neighborhood", "city", "state"
        )

    def _get(self, url: str) -> dict[str, Any]:
        try:
            response = self._session.get(url, timeout=_TIMEOUT)
            answer = response.json() if response.status_code == 200 else None
        except requests.RequestException as error:  # a body that is no JSON is one of them
            raise _NoAnswer(url) from error
        if not isinstance(answer, dict):
            raise _NoAnswer(url)
        return answer

    def _remembered(self, cep: str) -> tuple[Address | None, bool]:
        """What is remembered, and whether it is young enough to be taken without asking."""
        try:
            with self._database.read() as tx:
                row = tx.execute(_known.select().where(_known.c.cep == cep)).one_or_none()
        except Unavailable:
            return None, False
        if row is None:
            return None, False
        address = Address(row.cep, row.street, row.neighbourhood, row.city, row.state)
        return address, row.looked_up > _utc() - _FRESH

    def _remember(self, address: Address) -> None:
        row = {**asdict(address), "looked_up": _utc()}
        try:
            with self._database.write() as tx:
                tx.execute(_known.delete().where(_known.c.cep == address.cep))
                tx.execute(_known.insert(), row)
        except Unavailable:
            pass  # the answer is good without being remembered


def _address(cep: str, answer: Mapping[str, Any], *names: str) -> Address:
    street, neighbourhood, city, state = (str(answer.get(name) or "").strip() for name in names)
    if (
        re.sub(r"\D", "", str(answer.get("cep", ""))) != cep
        or not city
        or not re.fullmatch("[A-Z]{2}", state)
    ):
        raise _NoAnswer("not the address that was asked for")
    return Address(cep, street or None, neighbourhood or None, city, state)


def _base(environ: Mapping[str, str], name: str, default: str) -> str:
    return (environ.get(name, "").strip() or default).rstrip("/")


def _utc() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)

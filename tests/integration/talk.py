"""Tests that read as chats: what Theo hears, says and sends, over the simulator's phone.

The words of a talk are Portuguese, so that whoever tests the dialogue can read and write them:

    with chat("Marlene") as theo:
        theo.ouve("oi, manda meu boleto")
        theo.diz("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.manda_pix("99,90")

`ouve` returns when the turn is over and its bubbles are in the chat; everything below it is about that turn.
When the talk ends, `check_manners` is applied to the whole of it.
"""

from __future__ import annotations

import datetime as dt
import functools
import io
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pypdfium2
import zxingcpp

from backoffice import boleto, pix
from backoffice.documents import parse_document
from tests.integration.stack import Json, Stack, stranger, wait_until

TIMEZONE = ZoneInfo("America/Fortaleza")
PROTOCOL = re.compile(r"(?<!\d)20\d{12}(?!\d)")
DAY = re.compile(r"(?<!\d)(\d{2})/(\d{2})/(\d{4})(?!\d)")
MONEY = re.compile(r"R\$ ([\d.]+,\d{2})")
_NUMBERED = re.compile(r"^\*(\d+)\* - (.+)$", re.MULTILINE)
_PARTICLES = {"de", "da", "do", "das", "dos"}


def today() -> dt.date:
    """The date where the provider is."""
    return dt.datetime.now(TIMEZONE).date()


def in_days(days: int) -> str:
    """`dd/mm/aaaa`, so many days from today."""
    return f"{today() + dt.timedelta(days=days):%d/%m/%Y}"


def fold(text: str) -> str:
    """Lower case without accents or WhatsApp's marks, single spaces: how fragments are compared."""
    plain = unicodedata.normalize("NFKD", text.replace("*", ""))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).lower().split())


@dataclass(frozen=True)
class Bill:
    """What a PDF shows: its text and the two codes that a camera reads on it."""

    text: str
    qr: str
    barcode: str


class Talk:
    """One chat with Theo, as the person with this phone. `owner`: whose records may be shown in it."""

    def __init__(self, stack: Stack, phone: str, owner: str | None, document: str) -> None:
        self.stack, self.phone, self.owner, self.documento = stack, phone, owner, document
        self.conversation = ""
        self._seq = 0
        self._turns: list[list[Json]] = []
        self._read: set[int] = set()
        self._waited = True

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.check_manners()

    # -- what Theo hears ----------------------------------------------------------------------------

    def ouve(self, *texts: str, citando: str | None = None) -> None:
        """The customer types; several texts come in one burst."""
        quoted = {"quoted": citando} if citando else {}
        self._hear([{"kind": "text", "text": text, **quoted} for text in texts])

    def recebe(self, kind: str, **body: Any) -> None:
        """The customer sends something else: audio, image, sticker, location, document, contact, call …"""
        self._hear([{"kind": kind, **body}])

    def toca(self, title: str) -> None:
        """The customer taps an option of the last list or button menu."""
        for message in reversed(self.stack.simulator.messages(self.phone)):
            for option in message.get("options") or []:
                if fold(title) in fold(f"{option['title']} {option.get('description') or ''}"):
                    self._hear([{"kind": "option", "message_id": message["id"], "option_id": option["id"]}])
                    return
        raise AssertionError(f"There is no option {title!r} to tap.\n{self.transcript()}")

    def ouve_sem_esperar(self, text: str) -> str:
        """The customer types; returns the message's id once the webhook took it, before any answer.

        What is said between two `espera` is one turn of the talk.
        """
        if self._waited:
            self._seq, self._waited = self._last(), False
        return str(self.stack.simulator.say(self.phone, {"kind": "text", "text": text})["id"])

    def espera(self, seconds: float = 45) -> None:
        """Waits for the answer to what was said by `ouve_sem_esperar`."""
        self.conversation = self.stack.wait_until_answered(self.phone, seconds)
        self._turns.append([m for m in self.stack.simulator.messages(self.phone, self._seq) if m["from"] == "theo"])
        self._read.clear()
        self._waited = True

    def atendente_escreve(self, text: str) -> None:
        """Somebody types on the company's phone."""
        self.stack.simulator.operate(self.phone, text)

    def _hear(self, bodies: list[Json]) -> None:
        if self._waited:
            self._seq, self._waited = self._last(), False
        *burst, last = bodies
        for body in burst:  # the gateway keeps their order, so the last one tells of all
            self.stack.simulator.say(self.phone, body, wait=False)
        self.stack.simulator.say(self.phone, last)
        self.espera()

    def _last(self) -> int:
        return self.stack.simulator.last(self.phone)

    # -- what Theo says -----------------------------------------------------------------------------

    @property
    def baloes(self) -> list[Json]:
        """Theo's bubbles of this turn."""
        return self._turns[-1]

    @property
    def fala(self) -> str:
        """All words of this turn."""
        return "\n".join(_words(message) for message in self.baloes)

    def diz(self, *fragments: str) -> None:
        """Each fragment is somewhere in this turn; accents, case and bold do not count."""
        for fragment in fragments:
            assert fold(fragment) in fold(self.fala), f"Theo did not say {fragment!r}.\n{self.transcript()}"

    def nao_diz(self, *fragments: str) -> None:
        for fragment in fragments:
            assert fold(fragment) not in fold(self.fala), f"Theo said {fragment!r}.\n{self.transcript()}"

    def pergunta(self, *fragments: str) -> None:
        """The last bubble of this turn is about that: the question that now stands."""
        assert self.baloes, f"Theo said nothing.\n{self.transcript()}"
        for fragment in fragments:
            assert fold(fragment) in fold(_words(self.baloes[-1])), f"Theo did not ask {fragment!r}.\n{self.transcript()}"

    def diz_uma_vez(self, fragment: str) -> None:
        assert fold(self.fala).count(fold(fragment)) == 1, f"Not once: {fragment!r}.\n{self.transcript()}"

    def cala(self) -> None:
        """Theo says nothing in this turn."""
        assert not self.baloes, f"Theo should be silent.\n{self.transcript()}"

    def oferece(self, *titles: str) -> None:
        """The menu of this turn has these options, in this order and no other."""
        options = self.opcoes
        assert len(options) == len(titles) and all(fold(t) in fold(o) for t, o in zip(titles, options)), (
            f"Theo offered {options}, not {titles}.\n{self.transcript()}"
        )

    @property
    def opcoes(self) -> list[str]:
        """Titles of the last menu of this turn, as text, list or buttons."""
        for message in reversed(self.baloes):
            shown = [o.get("description") or o["title"] for o in message.get("options") or []]
            numbered = [title for _, title in _NUMBERED.findall(message.get("text") or "")]
            if shown or numbered:
                return shown or numbered
        return []

    def diz_protocolo(self) -> str:
        """A protocol of today's, of a ticket that is on record; returns it."""
        found = [p for p in PROTOCOL.findall(self.fala) if not self.stack.erp.is_contact(p)]
        assert found, f"There is no protocol.\n{self.transcript()}"
        assert found[-1].startswith(f"{today():%Y%m%d}"), f"{found[-1]} is not of today."
        ticket = self.stack.erp.ticket(found[-1])  # raises NotFound when it is not on record
        return ticket.protocol

    # -- what Theo sends ----------------------------------------------------------------------------

    def manda_pix(self, amount: str | None = None) -> str:
        """The next Pix code of this turn: alone in its bubble, CRC right, of this amount. Returns it."""
        text = self._next_bubble(lambda m: m["kind"] == "text" and m["text"].startswith("000201"), "Pix code")["text"]
        code = pix.parse(text)
        assert amount is None or code.amount == _decimal(amount), f"The Pix is of {code.amount}, not of {amount}."
        return str(text)

    def manda_linha(self, amount: str | None = None, due: str | None = None) -> str:
        """The next bar-code line of this turn: alone, its check digits right. Returns it."""
        text = self._next_bubble(lambda m: re.fullmatch(r"\d{47,48}", m["text"] or "") is not None, "line")["text"]
        line = boleto.parse(text, today())
        assert amount is None or line.amount == _decimal(amount), f"The line is of {line.amount}, not of {amount}."
        assert due is None or (line.due and f"{line.due:%d/%m/%Y}" == due), f"The line is due {line.due}, not {due}."
        return str(text)

    def manda_pdf(self, *fragments: str) -> Bill:
        """The next PDF of this turn: it opens, shows these words, and both its codes can be scanned."""
        message = self._next_bubble(lambda m: m["kind"] == "document", "PDF")
        assert message["file_name"].endswith(".pdf")
        bill = read_bill(self.stack.simulator.media(message["media"]))
        for fragment in fragments:
            assert fold(fragment) in fold(bill.text), f"{fragment!r} is not on the PDF:\n{bill.text}"
        return bill

    @property
    def mandou(self) -> set[str]:
        """What this turn holds of `pix`, `linha` and `pdf`."""
        codes = {"pix" if m["text"].startswith("000201") else "linha" for m in self.baloes if _is_code(m)}
        return codes | {"pdf" for m in self.baloes if m["kind"] == "document"}

    def nao_manda_codigo(self) -> None:
        """No Pix, no line, no file in this turn."""
        for message in self.baloes:
            assert message["kind"] != "document" and not re.search(r"000201|\d{44}", message["text"] or ""), self.transcript()

    def _next_bubble(self, fits: Any, what: str) -> Json:
        for message in self.baloes:
            if message["seq"] not in self._read and fits(message):
                self._read.add(message["seq"])
                return message
        raise AssertionError(f"There is no (further) {what} in this turn.\n{self.transcript()}")

    # -- the whole talk -----------------------------------------------------------------------------

    def transcript(self) -> str:
        """The chat as text, for failures."""
        sides = {"customer": "  cliente  ", "operator": "  atendente", "theo": "  theo     "}
        return "\n".join(
            f"{sides[m['from']]} │ {_words(m)}".replace("\n", "\n            │ ")
            for m in self.stack.simulator.messages(self.phone)
        )

    def check_manners(self) -> None:
        """What holds for every talk: a protocol, nothing said twice running, nothing raw, nobody else's data."""
        bubbles = [m for m in self.stack.simulator.messages(self.phone) if m["from"] == "theo"]
        if not bubbles:
            return
        self._check_protocol(bubbles)
        self._check_variety()
        for message in bubbles:
            words = _words(message)
            assert not re.search(r"\{\w*\}|\butter_|\baction_|\bNone\b|\bnull\b", words), f"Raw words: {words!r}"
        self._check_privacy("\n".join(_words(m) for m in bubbles))

    def _check_protocol(self, bubbles: list[Json]) -> None:
        found = PROTOCOL.findall(_words(bubbles[0]))
        assert found, f"The contact began without a protocol.\n{self.transcript()}"
        assert found[0].startswith(f"{today():%Y%m%d}") and self.stack.erp.is_contact(found[0]), found[0]

    def _check_variety(self) -> None:
        before: set[str] = set()
        for turn in self._turns:
            said = [fold(_words(m)) for m in turn if m["kind"] != "document" and not _is_code(m)]
            again = before & set(said) or {text for text, following in zip(said, said[1:]) if text == following}
            assert not again, f"Said twice running: {again}\n{self.transcript()}"
            before = set(said)

    def _check_privacy(self, words: str) -> None:
        folded = fold(words)
        for person in people(self.stack):
            for secret in person.always_secret:
                assert fold(secret) not in folded, f"{person.name}'s {secret!r} was shown.\n{self.transcript()}"
            if person.name == self.owner:
                continue
            for secret in person.secret_from_others:
                assert fold(secret) not in folded, f"{person.name}'s {secret!r} was shown.\n{self.transcript()}"


@dataclass(frozen=True)
class Person:
    """A sample customer: what nobody may be shown, and what only they may."""

    name: str
    always_secret: tuple[str, ...]
    secret_from_others: tuple[str, ...]


@functools.lru_cache(maxsize=4)
def people(stack: Stack) -> tuple[Person, ...]:
    """Every sample customer with what must not be shown; the same after each seeding."""
    found = []
    for contact in stack.simulator.contacts():
        document = parse_document(contact["document"])
        customer = stack.erp.find_customer(document) if document else None
        if document is None or customer is None:
            continue
        words = [word for word in customer.name.split() if word.lower() not in _PARTICLES]
        contracts = stack.erp.contracts(customer.id)
        invoices = [invoice for contract in contracts for invoice in stack.erp.invoices(contract.id)]
        codes = [code for invoice in invoices for code in (invoice.pix, invoice.line, invoice.id) if code]
        others = (customer.name, f"{words[0]} {words[-1]}", *(c.address for c in contracts), *codes)
        found.append(Person(customer.name, (contact["document"], document.number), others))
    return tuple(found)


def open_talk(stack: Stack, who: str | None = None, *, phone: str | None = None) -> Talk:
    """A chat as the sample customer whose name begins so; `phone` makes them write from another one.

    Without a name: a stranger. Shown may be the named customer's records only.
    """
    if who is None:
        return Talk(stack, phone or stranger(), None, "")
    fitting = [c for c in stack.simulator.contacts() if fold(c["name"]).startswith(fold(who))]
    assert fitting, f"There is no contact {who!r}."
    return Talk(stack, phone or fitting[0]["phone"], fitting[0]["name"], fitting[0]["document"])


def read_bill(content: bytes) -> Bill:
    """Opens a PDF and reads its text and, as a camera would, its QR and bar code."""
    document = pypdfium2.PdfDocument(io.BytesIO(content))
    try:
        assert len(document) == 1, "A bill is one page."
        page = document[0]
        text = page.get_textpage().get_text_range()
        codes = zxingcpp.read_barcodes(page.render(scale=3).to_pil())
    finally:
        document.close()
    found = {code.format: code.text for code in codes}
    assert set(found) == {zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.ITF}, f"Scanned: {found}"
    return Bill(text, found[zxingcpp.BarcodeFormat.QRCode], found[zxingcpp.BarcodeFormat.ITF])


def _words(message: Json) -> str:
    options = [f"[{o['title']}] {o.get('description') or ''}" for o in message.get("options") or []]
    return "\n".join(part for part in (message.get("text"), message.get("file_name"), *options) if part)


def _is_code(message: Json) -> bool:
    return message["kind"] == "text" and re.fullmatch(r"000201\S.*|\d{44,48}", message["text"] or "") is not None


def _decimal(amount: str) -> Decimal:
    """`"1.199,90"` → `Decimal("1199.90")`."""
    return Decimal(amount.replace(".", "").replace(",", "."))


__all__ = ["DAY", "MONEY", "PROTOCOL", "Talk", "fold", "in_days", "open_talk", "read_bill", "today", "wait_until"]

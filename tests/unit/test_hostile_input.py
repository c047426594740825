"""Whatever stands in a text: the readers of documents, CEPs, codes, lines, dates and menus answer, and answer rightly.

Two promises each. A thing that is well written is read, however it is wrapped. Any text at all is read or refused in
the reader's own words; no other error comes out, and what is read is what the rest of the house relies on.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stdnum.br import cnpj, cpf

from actions.forms import contract, places, sales
from backoffice import boleto, cep, documents, identity, phones, pix
from connectors import menus, turns
from connectors.addresses import canonical_phone
from connectors.messages import Incoming, Option
from connectors.zapi import parse as zapi
from language import dates, entities, folding

#: The same examples in every run, and not more than a test run has time for.
settings.register_profile(
    "hostile", derandomize=True, max_examples=150, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
hostile = settings.get_profile("hostile")

TODAY = dt.date(2026, 7, 1)
#: Also NUL, halves of surrogate pairs and unassigned places.
ANY = st.text(st.characters(exclude_categories=()), max_size=60)
#: What readers look for, so that texts come near to being something.
BITS = st.sampled_from(
    "0 1 5 11 12 2026 58037 120 / - . , : \n \0 \u200b ٥ ５ ² Ⅷ dia de maio hoje segunda feira manhã tarde cep cpf mega nota rua "
    "bairro nome sou 000201 26 br.gov.bcb.pix 5204 6304 836 R$ + 55 83 9 @lid @c.us İ ß ﷺ 👍🏽 3️⃣ \u0301".split(" ")
)
NEAR = st.lists(BITS | st.text("0123456789 .-/", max_size=6), max_size=25).map("".join)
TEXT = ANY | NEAR
#: Words that wrap a number without becoming a part of it.
AROUND = st.text("abc çã!?()\n😀\u202e", max_size=12).map(lambda text: text + " ")


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


# -- documents --------------------------------------------------------------------------------------------

CPFS = digits(9).map(lambda base: base + cpf._calc_check_digits(base)).filter(lambda number: len(set(number)) > 1)
CNPJS = st.text("0123456789ABCXYZ", min_size=12, max_size=12).map(lambda base: base + cnpj.calc_check_digits(base))
SEPARATORS = st.sampled_from(("", " ", ".", "-", "/", " - ", ". "))


@hostile
@given(CPFS, st.lists(SEPARATORS, min_size=10, max_size=10), AROUND, AROUND)
def test_a_cpf_is_read_in_any_punctuation(number: str, between: list[str], before: str, after: str) -> None:
    typed = number[0] + "".join(mark + digit for mark, digit in zip(between, number[1:]))
    found = documents.parse_document(f"{before}{typed} {after}")
    assert found is not None
    assert found.number == number
    assert number not in str(found) and number not in repr(found)
    masked = documents.mask_documents(f"{before}{typed} {after}")
    assert documents.parse_document(masked) is None


@hostile
@given(CNPJS.filter(lambda number: any(c.isdigit() for c in number[:12])), st.booleans())
def test_a_cnpj_is_read_with_letters_too(number: str, printed: bool) -> None:
    typed = f"{number[:2]}.{number[2:5]}.{number[5:8]}/{number[8:12]}-{number[12:]}" if printed else number
    found = documents.parse_document(typed.lower())
    assert found is None or found.number == number or found.kind is documents.DocumentKind.CPF
    assert found is not None or len(set(number)) == 1


@hostile
@given(TEXT)
def test_any_text_has_a_document_or_a_problem(text: str) -> None:
    found, problem = documents.parse_document(text), documents.document_problem(text)
    assert (found is None) != (problem is None)
    if found is not None:
        assert (cpf if found.kind is documents.DocumentKind.CPF else cnpj).is_valid(found.number)
        assert found.number.isascii()
    assert documents.parse_document(documents.mask_documents(text)) is None


# -- CEP, phones ------------------------------------------------------------------------------------------


@hostile
@given(digits(8), st.sampled_from(("{}{}-{}", "{}.{}-{}", "{}{}{}", "{}{} {}", "{}{} - {}")), AROUND, AROUND)
def test_a_cep_is_read_in_any_punctuation(number: str, form: str, before: str, after: str) -> None:
    typed = form.format(number[:2], number[2:5], number[5:])
    assert cep.parse_cep(f"{before}{typed} {after}") == cep.CepText(cep.CepReading.OK, number)


@hostile
@given(TEXT)
def test_any_text_has_a_cep_of_eight_digits_or_none(text: str) -> None:
    found = cep.parse_cep(text)
    assert (found.cep is not None) == (found.reading is cep.CepReading.OK)
    assert found.cep is None or (len(found.cep) == 8 and found.cep.isascii() and found.cep.isdigit())


@hostile
@given(TEXT)
def test_any_text_is_a_phone_of_digits_or_none(text: str) -> None:
    found = phones.canonical(text)
    assert found is None or (found.isascii() and found.isdigit() and 3 <= len(found) <= 20)
    assert phones.same_phone(text, text) == (found is not None)
    canonical_phone(text)


# -- Pix, payment lines -----------------------------------------------------------------------------------

AMOUNTS = st.decimals(Decimal("0.01"), Decimal("9999999.99"), places=2)


def pix_code(amount: Decimal, name: str, city: str) -> str:
    return pix.build(url="pix.example.com/qr/v2/cobv/1", amount=amount, name=name, city=city)


@hostile
@given(AMOUNTS, ANY, ANY)
def test_a_pix_that_is_built_is_read(amount: Decimal, name: str, city: str) -> None:
    code = pix.parse(pix_code(amount, name, city))
    assert (code.amount, code.url, code.key, code.single_use) == (amount, "pix.example.com/qr/v2/cobv/1", None, True)


@hostile
@given(AMOUNTS, st.data())
def test_a_pix_with_another_letter_is_none(amount: Decimal, data: st.DataObject) -> None:
    code = pix_code(amount, "Theo", "Patos")
    at = data.draw(st.integers(0, len(code) - 1))
    letter = data.draw(st.characters(exclude_categories=()).filter(lambda c: c.upper() != code[at].upper()))
    changed = code[:at] + letter + code[at + 1 :]
    assert not pix.is_valid(changed) or changed.strip() == code


TLV = st.lists(
    st.tuples(st.sampled_from(("00", "01", "26", "52", "53", "54", "58", "59", "60", "62", "63")), ANY | digits(2)), max_size=8
).map(lambda fields: "".join(f"{number}{len(value):02}{value}" for number, value in fields))


@hostile
@given(TEXT | TLV | TLV.map(lambda body: body + "6304"))
@example("\ud800")
@example("00020126\ud83d")
def test_any_text_is_a_pix_or_badly_one(text: str) -> None:
    whole = text.encode(errors="ignore").decode()
    for code in (text, whole + pix.crc(whole)):
        try:
            found = pix.parse(code)
        except pix.BadPix:
            continue
        assert (found.key is None) != (found.url is None)


@hostile
@given(digits(3), st.dates(dt.date(2001, 1, 1), dt.date(2060, 1, 1)), st.integers(1, 10**10 - 1), digits(25), st.booleans())
def test_a_slip_that_is_built_is_read(bank: str, due: dt.date, cents: int, free: str, printed: bool) -> None:
    if bank[0] == "8":
        bank = "0" + bank[1:]
    amount = Decimal(cents).scaleb(-2)
    built = boleto.build(bank=bank, due=due, amount=amount, free=free)
    read = boleto.parse(built.printed if printed else built.line, due)
    assert (read, read.amount, read.due) == (built, amount, due)


@hostile
@given(digits(43), st.sampled_from("6789"))
def test_a_collection_line_is_read_back(rest: str, kind: str) -> None:
    start = "8" + rest[0] + kind
    modulo = boleto._collection_modulo(start)
    barcode = start + str(modulo(start + rest[3:])) + rest[3:]
    line = boleto.from_barcode(barcode, TODAY)
    assert boleto.parse(line.printed, TODAY) == line
    assert line.barcode == barcode


@hostile
@given(TEXT | digits(47) | digits(48) | digits(47).map(lambda line: "8" + line) | st.text("٠١٢٣", min_size=47, max_size=48))
def test_any_text_is_a_line_or_badly_one(text: str) -> None:
    try:
        line = boleto.parse(text, TODAY)
    except boleto.BadLine:
        return
    assert line.line.isascii() and line.line.isdigit() and len(line.barcode) == 44


# -- days, entities, folding --------------------------------------------------------------------------------

FORMS = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d%m%Y", "dia %d/%m/%Y")


@hostile
@given(st.dates(dt.date(1930, 1, 1), dt.date(2039, 12, 31)), st.sampled_from(FORMS), AROUND)
def test_a_date_is_read_as_it_is_written(day: dt.date, form: str, before: str) -> None:
    found = list(dates.days(entities.fold_same_length(f"{before}{day.strftime(form)}"), TODAY))
    assert [date for _, _, date in found] == [day]
    if day.year <= 2010:
        assert identity.parse_birth(f"{before}{day.strftime(form)}", TODAY) == day


@hostile
@given(TEXT, st.dates(dt.date(2024, 1, 1), dt.date(2040, 12, 31)))
@example("31/12/9999 dia 1 de janeiro de 0001", TODAY)
@example("29/2 dia 31 segunda-feira", dt.date(2024, 2, 29))
def test_any_text_has_days_that_the_calendar_can_reckon_with(text: str, today: dt.date) -> None:
    folded = entities.fold_same_length(text)
    for start, end, date in dates.days(folded, today):
        assert 0 <= start < end <= len(text)
        assert date - dt.timedelta(days=36_000) < date + dt.timedelta(days=36_000)
    for start, end, shift in dates.shifts(folded):
        assert folded[start:end] and shift in ("manha", "tarde")
    birth = identity.parse_birth(text, today)
    assert birth is None or birth <= today


KINDS = {"cpf", "cnpj", "cep", "dia", "turno", "velocidade", "nota", "protocolo"}


@hostile
@given(TEXT)
@example("cep ٥٨٠٣٧-١٢٠")  # digits of another script are digits
@example("cep ５８０３７－１２０")
@example("dia ² de maio, ① mega, nota Ⅷ")
def test_any_text_has_entities_that_actions_can_use(text: str) -> None:
    assert len(entities.fold_same_length(text)) == len(text)
    for name, start, end, value in entities.find(text, TODAY):
        assert name in KINDS and 0 <= start < end <= len(text)
        json.dumps(value)
        if name == "cep":
            assert len(value) == 8 and value.isascii() and value.isdigit()
        elif name == "dia":
            dt.date.fromisoformat(value)
        elif name in ("cpf", "cnpj"):
            assert (cpf if name == "cpf" else cnpj).is_valid(value)
        elif name == "velocidade":
            assert 1 <= value <= 10_000
        elif name == "nota":
            assert 0 <= value <= 10


def test_a_cep_in_digits_of_another_script_is_read() -> None:
    assert [found[3] for found in entities.find("cep ٥٨٠٣٧-١٢٠", TODAY) if found[0] == "cep"] == ["58037120"]


@pytest.mark.parametrize("text", ["31/12/9999", "1 de janeiro de 0001", "01012199"])
def test_a_day_at_the_end_of_the_calendar_is_none(text: str) -> None:
    assert [found for found in entities.find(text, TODAY) if found[0] == "dia"] == []


def test_who_names_every_day_names_none_beyond_thirty() -> None:
    assert len(list(dates.days("dia 5 " * 600, TODAY))) == dates.MOST


@hostile
@given(TEXT)
def test_any_text_is_folded_to_words(text: str) -> None:
    tokens = folding.fold_tokens(text)
    assert all(token and not token.isspace() for token in tokens)
    assert folding.fold_tokens(text) == tokens
    for reader in (sales.name_in, contract.name_in_wish, places.capitals, contract.period_days):
        reader(text)


# -- menus, words for Rasa ----------------------------------------------------------------------------------

OPTIONS = st.lists(st.builds(Option, TEXT, st.sampled_from(("/afirmar", '/informar{"a": "b"}'))), max_size=6)


@hostile
@given(OPTIONS, TEXT)
def test_any_text_chooses_an_option_that_is_there_or_none(options: list[Option], text: str) -> None:
    chosen = menus.choose(options, text)
    assert chosen is None or chosen in options


@hostile
@given(st.lists(st.sampled_from(("Boleto", "Internet lenta", "Planos", "Atendente")), min_size=1, unique=True), st.data())
def test_a_number_chooses_its_option(titles: list[str], data: st.DataObject) -> None:
    options = [Option(title, "/afirmar") for title in titles]
    number = data.draw(st.integers(1, len(options)))
    form = data.draw(st.sampled_from(("{}", " {} ", "{}.", "opção {}", "*{}*", "a {} por favor", "{}\ufe0f\u20e3")))
    assert menus.choose(options, form.format(number)) == options[number - 1]


@hostile
@given(TEXT, st.sampled_from(("", "/", "//", " /", "\u200b/", "\0/", "\u2066/", "\u00ad /")))
def test_no_text_is_a_command_for_rasa(text: str, before: str) -> None:
    said = turns.plain_text(before + text)
    assert said.strip() and not said.strip().startswith("/")
    assert len(said) <= turns.MAX_TEXT


@hostile
@given(st.lists(st.tuples(st.sampled_from(("text", "edit", "media")), ANY, ANY), min_size=1, max_size=6))
def test_any_burst_is_one_text(burst: list[tuple[str, str, str]]) -> None:
    said = [
        Incoming(kind=kind, message_id=zapi._text(key) or "1", phone="5583991110001", text=zapi._text(text), reply_to="1")
        for kind, key, text in burst
    ]
    assert all(Incoming.from_json(message.to_json()) == message for message in said)
    turns.plain_text(turns.words_of(said)).encode()


@hostile
@given(st.floats() | st.integers() | TEXT, st.floats() | st.integers())
def test_a_place_is_on_the_earth(latitude: Any, longitude: Any) -> None:
    body = {
        "type": "ReceivedCallback", "phone": "5583991110001", "messageId": "A",
        "location": {"latitude": latitude, "longitude": longitude},
    }  # fmt: skip
    event = zapi.parse(body)
    assert isinstance(event, Incoming) and event.attachment == "localizacao"
    if event.latitude is not None and event.longitude is not None:
        assert abs(event.latitude) <= 90 and abs(event.longitude) <= 180
    else:
        assert (event.latitude, event.longitude) == (None, None)
    json.loads(turns.media_payload(event).removeprefix("/informar"))

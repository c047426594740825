"""What is sealed at the door, what the understanding makes of it, and who can open it."""

from __future__ import annotations

import datetime as dt
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from actions.talk import without_tokens
from language import entities
from language.folding import fold_tokens
from language.sealed import TOKEN, Sealer, SealError, disarm, find, hide, sealer
from scripts import run

TODAY = dt.date(2026, 11, 22)
OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
BOX = Sealer(NEW)

CPFS = [
    "529.982.247-25", "52998224725", "529 982 247 25", "529982247-25", "529.982.247/25", "5 2 9 9 8 2 2 4 7 2 5",
    "529.982.247-\n25", "529_982_247_25", "529·982·247·25", "５２９.９８２.２４７-２５", "٥٢٩٩٨٢٢٤٧٢٥",
    "5️⃣2️⃣9️⃣9️⃣8️⃣2️⃣2️⃣4️⃣7️⃣2️⃣5️⃣", "529, 982, 247, 25",
]  # fmt: skip
CNPJS = ["11.222.333/0001-81", "11222333000181", "11 222 333 0001 81", "12.ABC.345/01DE-35", "12abc34501de35"]
BIRTHS = [
    "14/03/1961", "14-3-1961", "14.03.61", "14031961", "140361", "14 03 1961", "14 de março de 1961", "1961-03-14",
    "14 mar 61", "14 / 03 / 1961",
]  # fmt: skip


def kinds(text: str) -> list[str]:
    return [kind for _, _, kind in sorted(find(text, TODAY))]


def entities_of(text: str) -> list[tuple[str, object]]:
    return [(name, value) for name, _, _, value in entities.find(text, TODAY)]


#: Letters that run into those of a CNPJ: nobody could say where it begins.
AROUND = ("{}", "meu cpf é {}, tá?", "boleto {} por favor", "cpf{}")


@pytest.mark.parametrize(
    ("around", "kind", "text"),
    [
        (around, kind, text)
        for kind, texts in (("cpf", CPFS), ("cnpj", CNPJS))
        for text in texts
        for around in (AROUND[:3] if re.search("[a-zA-Z]", text) else AROUND)
    ],
)
def test_a_document_becomes_a_word_that_is_understood_as_one(kind: str, text: str, around: str) -> None:
    said = around.format(text)
    sealed = BOX.seal(said, TODAY)
    assert not re.search(r"\d", sealed)
    [(name, value)] = entities_of(sealed)
    assert name == kind and text in BOX.open(str(value))
    assert text in BOX.open(sealed)
    bare = {"cpf": "52998224725", "cnpj": "11222333000181"}[kind]
    plain = around.replace("cpf{}", "cpf {}").format(bare)
    assert [t for t in fold_tokens(sealed) if t.isalnum()] == [t for t in fold_tokens(plain) if t.isalnum()]


@pytest.mark.parametrize("text", BIRTHS)
def test_a_birth_date_becomes_a_word_that_is_understood_as_a_day(text: str) -> None:
    sealed = BOX.seal(f"nasci em {text}", TODAY)
    assert not re.search(r"\d", sealed)
    assert [name for name, _ in entities_of(sealed)] == ["dia"]
    assert BOX.open(sealed) == f"nasci em {text}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("25/11/2026", [("dia", "2026-11-25")]),
        ("pode ser dia 03/12 de manhã", [("dia", "2026-12-03"), ("turno", "manha")]),
        ("58037-120", [("cep", "58037120")]),
        ("Rua das Flores, 123 - 58037-120", [("cep", "58037120")]),
        ("protocolo 20261122000001", [("protocolo", "20261122000001")]),
        ("20261122-000001", [("protocolo", "20261122000001")]),
        ("quero 600 mega", [("velocidade", 600)]),
        ("600", []),
        ("1\n2\n3\n4\n5", []),
        ("10", [("nota", 10)]),
        ("23793.38128 60000.000003 00000.000401 1 84340000010000", []),
        ("23793381286000000000300000000401184340000010000", []),
        ("00020126580014br.gov.bcb.pix0136123e4567-e12b-12d3-a456-4266141740005204000053039865802BR6304ABCD", []),
        ("oi, bom dia", []),
    ],
)
def test_what_is_no_document_stays_as_it_was_typed(text: str, found: list[tuple[str, object]]) -> None:
    assert BOX.seal(text, TODAY) == text
    assert entities_of(text) == found


@pytest.mark.parametrize(
    ("text", "kind"),
    [("529.982.247-26", "onze"), ("52998224726", "onze"), ("83991110001", "onze"), ("11.222.333/0001-82", "quatorze")],
)
def test_a_slip_of_the_finger_and_a_mobile_phone_are_sealed_and_are_no_document(text: str, kind: str) -> None:
    sealed = BOX.seal(text, TODAY)
    assert (kinds(text), entities_of(sealed), BOX.open(sealed)) == ([kind], [], text)
    assert fold_tokens(sealed) == fold_tokens(re.sub(r"\D", "", text))


@pytest.mark.parametrize("key", ["0111" + "52998224725", "0114" + "11222333000181"])
def test_a_document_that_is_the_key_of_a_pix_code_is_sealed_and_is_nobodys_in_this_talk(key: str) -> None:
    code = f"00020126{22 + len(key)}0014br.gov.bcb.pix{key}5204000053039865802BR5901X6001Y62070503***6304ABCD"
    sealed = BOX.seal(f"é esse o pix? {code}", TODAY)
    assert key[4:] not in sealed and BOX.open(sealed).replace(" ", "") == f"éesseopix?{code}"
    assert not {name for name, _ in entities_of(sealed)} & {"cpf", "cnpj"}


@pytest.mark.parametrize("text", ["529.982", "247-25", "meu cpf é 5299822472", "o cpf é 529.982 e o resto 247-25"])
def test_the_pieces_of_a_document_are_sealed(text: str) -> None:
    sealed = BOX.seal(text, TODAY)
    assert not re.search(r"\d", sealed)
    assert BOX.open(sealed) == text


def test_two_persons_data_in_one_message() -> None:
    assert kinds("o meu é 529.982.247-25 e nasci 14/03/1961, o dela 11.222.333/0001-81") == ["cpf", "data", "cnpj"]


def test_keys_are_changed_without_losing_what_the_old_one_sealed() -> None:
    token = Sealer(OLD).lock("529.982.247-25", "cpf")
    both = Sealer(f"{NEW}, {OLD}")
    assert both.open(token) == "529.982.247-25"
    assert Sealer(NEW).open(both.lock("x", "cpf")) == "x", "the first key seals"
    assert Sealer(OTHER).open(token) == token, "another key opens nothing"


def test_a_token_cannot_be_changed_or_made_up() -> None:
    token = BOX.lock("529.982.247-25", "cpf")
    for forged in (token[:-1] + ("a" if token[-1] != "a" else "b"), "lacre_cpf_abc", "lacre_cpf_abcd"):
        assert BOX.open(forged) == forged
    assert not TOKEN.search(disarm(token)), "typed by a customer it is words"
    assert BOX.lock(token, "texto") == token


def test_slots_are_sealed_and_opened_as_deep_as_they_go() -> None:
    value = {"rua": "Rua A, 10", "notas": ["cpf 529.982.247-25", 7, None]}
    sealed = BOX.seal_value(value, TODAY)
    assert "982" not in repr(sealed) and sealed["rua"] == "Rua A, 10"
    assert BOX.open_value(sealed) == value


def test_for_people_who_read_it_later_a_phone_stays_and_a_document_does_not() -> None:
    said = "sou 529.982.247-25, nasci 14/03/1961, liga 83991110001, cep 58037-120"
    assert hide(said, TODAY) == "sou (documento), nasci (data), liga 83991110001, cep 58037-120"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("meu cpf é 5299822472", "meu cpf é (documento)"), ("é o 1234", "é o 1234"), ("1234", "1234"),
        ("529.982.247-26", "(documento)"), ("11.222.333/0001-81", "(documento)"), ("(83) 99111-0001", "(83) 99111-0001"),
    ],
)  # fmt: skip
def test_a_slip_or_a_piece_is_hidden_where_it_is_called_a_document(text: str, shown: str) -> None:
    assert hide(text, TODAY) == shown
    assert bool(TOKEN.search(BOX.seal_value([text], TODAY)[0])) is (shown != text)


def test_an_attendant_reads_of_what_is_sealed_only_a_phone() -> None:
    box = sealer()
    said = "liga 83991110001, cpf 529.982.247-25, nasci 14/03/1961"
    assert without_tokens(box.seal(said, TODAY)) == "liga 83991110001, cpf (documento), nasci (data)"
    assert without_tokens(box.seal("529.982", TODAY)) == "(número)"
    assert without_tokens(box.seal("529.982.247-26", TODAY)) == "(documento)"


def test_the_actions_image_needs_no_rasa_for_the_seal() -> None:
    code = "import sys; import actions.talk, actions.rights, language.sealed; raise SystemExit('rasa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=run.ROOT, check=False).returncode == 0


@pytest.mark.parametrize("keys", ["", " ", "abc", f"{NEW},abc", "x" * 44, "ç" * 44])
def test_keys_that_are_none_are_refused_without_showing_them(keys: str) -> None:
    with pytest.raises(SealError, match="^THEO_SEAL_KEYS ") as raised:
        Sealer(keys)
    assert not keys.strip() or keys not in str(raised.value)


def test_a_secret_is_made_once_for_its_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SECRETS", tmp_path / "secrets")
    assert run.kept_secret("A", "first") == run.kept_secret("A", "second") == "first"
    assert stat.S_IMODE((tmp_path / "secrets" / "A").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700

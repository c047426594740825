from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.documents import (
    Document,
    DocumentKind,
    DocumentProblem,
    document_problem,
    mask_documents,
    parse_document,
)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("123.123.123-87", "12312312387"),
        ("12312312387", "12312312387"),
        ("123 123 123 87", "12312312387"),
        ("123,123,123/87", "12312312387"),
        ("meu cpf é 123.123.123-87, tá?", "12312312387"),
        ("cpf:12312312387", "12312312387"),
        ("nasci em 14/03/1961 e o cpf 123 123 123 87", "12312312387"),
        ("１２３.123.123－87", "12312312387"),
        # the official example of the alphanumeric CNPJ (IN RFB 2.229/2024)
        ("12.ABC.345/01DE-35", "12ABC34501DE35"),
        ("12abc34501de35", "12ABC34501DE35"),
        ("o cnpj é 12 abc 345 01de 35", "12ABC34501DE35"),
        ("PA.O20.26J/0001-96", "PAO2026J000196"),
        ("11.222.333/0001-81", "11222333000181"),
        ("11 222 333 0001 81", "11222333000181"),
    ],
)
def test_reads_documents_however_they_are_written(text: str, number: str) -> None:
    document = parse_document(text)
    assert document is not None
    assert document.number == number
    assert document.kind is (DocumentKind.CPF if len(number) == 11 else DocumentKind.CNPJ)
    assert document_problem(text) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("123.123.123-88", DocumentProblem.WRONG_CHECK),
        ("111.111.111-11", DocumentProblem.WRONG_CHECK),
        ("00.000.000/0000-00", DocumentProblem.WRONG_CHECK),
        ("12.ABC.345/01DE-36", DocumentProblem.WRONG_CHECK),
        ("123.123.123", DocumentProblem.INCOMPLETE),
        ("123123123870", DocumentProblem.INCOMPLETE),
        ("não sei de cabeça", DocumentProblem.NONE_FOUND),
        ("quero o boleto 12", DocumentProblem.INCOMPLETE),
        ("", DocumentProblem.NONE_FOUND),
    ],
)
def test_says_why_a_text_is_none(text: str, problem: DocumentProblem) -> None:
    assert parse_document(text) is None
    assert document_problem(text) is problem


@given(st.integers(0, 999_999_998), st.sampled_from(["", ".", " ", "-", " . "]))
def test_any_cpf_is_read_with_any_punctuation(body: int, between: str) -> None:
    number = f"{body:09}"
    for _ in range(2):  # Receita Federal: weights 2, 3, … from the right, modulo 11, ten counts as zero
        total = sum(weight * int(digit) for weight, digit in enumerate(reversed(number), start=2))
        number += str(total * 10 % 11 % 10)
    document = parse_document(f"é {between.join(number)}!")
    repeated = len(set(number)) == 1
    assert document == (None if repeated else Document(DocumentKind.CPF, number))


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    document = parse_document(text)
    assert (document is None) == (document_problem(text) is not None)
    if document is None:
        assert mask_documents(text) == text


def test_formats_and_masks() -> None:
    person = Document(DocumentKind.CPF, "12312312387")
    company = Document(DocumentKind.CNPJ, "12ABC34501DE35")
    assert (person.formatted, company.formatted) == ("123.123.123-87", "12.ABC.345/01DE-35")
    assert (person.masked, company.masked) == ("***.123.123-**", "**.ABC.345/****-**")
    assert "12312312387" not in f"{person} {person!r}"


def test_masks_every_document_in_a_text_and_nothing_else() -> None:
    text = "CPF 222.333.444-05 e 12abc34501de35; fone 83 99111-0002, fatura 50021"
    assert mask_documents(text) == "CPF ***.333.444-** e **.ABC.345/****-**; fone 83 99111-0002, fatura 50021"

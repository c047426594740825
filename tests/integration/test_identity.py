"""Who is writing? Documents as people type them, and what happens when they do not fit."""

from __future__ import annotations

import pytest

from backoffice.records import Sector
from tests.integration.stack import stranger
from tests.integration.talk import fold, in_days

MARLENE_BIRTH = "14/03/1961"


@pytest.mark.parametrize(
    "documento",
    [
        "12312312387",
        "123 123 123 87",
        "123123123/87",
        "123-123-123-87",
        "meu cpf é 123.123.123-87, da Marlene",
        "CPF:123.123.12387.",
        "123. 123. 123 - 87",
        "１２３.１２３.１２３-８７",
    ],
)
def test_cpf_com_qualquer_pontuacao(chat, documento):
    with chat("Marlene") as theo:
        theo.ouve("quero pagar no pix")
        theo.ouve(documento)
        theo.manda_pix("99,90")


def test_documento_em_dois_pedacos_na_mesma_rajada(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero o pix da conta")
        theo.ouve("123.123", "123-87")
        theo.manda_pix("99,90")
        theo.nao_diz("pedaço", "faltam")


def test_documento_em_dois_pedacos_com_pausa(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero o pix da conta")
        theo.ouve("123.123")
        theo.diz("pedaço" if "pedaço" in theo.fala else "faltam")
        theo.ouve("123-87")
        theo.manda_pix("99,90")


def test_a_rajada_vira_uma_vez_so(chat):
    with chat("Marlene") as theo:
        theo.ouve("oi", "bom dia", "manda meu boleto", "é urgente")
        theo.diz_uma_vez("protocolo")
        theo.pergunta("CPF ou CNPJ")
        assert len(theo.baloes) == 2, theo.transcript()


def test_digitos_que_nao_conferem_tres_vezes(chat):
    with chat("Marlene") as theo:
        theo.ouve("segunda via")
        said = []
        for wrong in ("123.123.123-88", "123.123.123-89", "123.123.123-86"):
            theo.ouve(wrong)
            said.append(fold(theo.fala))
        assert len(set(said)) == 3, theo.transcript()
        theo.oferece("Falar com uma pessoa", "Tentar de novo")
        theo.ouve("2")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.pergunta("R$ 99,90")


def test_errado_depois_desconhecido_depois_pessoa(chat, stack):
    with chat() as theo:
        theo.ouve("me manda a segunda via")
        theo.ouve("529.982.247-26")
        theo.diz("confere")
        first = theo.fala
        theo.ouve("529.982.247-25")
        theo.pergunta("data de nascimento")
        assert theo.fala != first
        theo.ouve("01/02/1990")
        theo.oferece("Falar com uma pessoa", "Tentar de novo")
        theo.ouve("1")
        ticket = stack.erp.ticket(theo.diz_protocolo())
        assert (ticket.sector, ticket.customer_id) == (Sector.DESK, None)


def test_quem_insiste_chega_a_uma_pessoa(chat):
    with chat() as theo:
        theo.ouve("segunda via")
        for wrong in ("111.222.333-44", "222.333.444-55", "333.444.555-66", "444.555.666-77", "555.666.777-88"):
            theo.ouve(wrong)
        theo.diz_protocolo()
        theo.nao_diz("CPF")


def test_documento_errado_e_corrigido(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero o pix da fatura")
        theo.ouve("717.273.747-46")
        theo.pergunta("data de nascimento")
        theo.ouve("não, esse cpf tá errado, é 123.123.123-87")
        theo.manda_pix("99,90")


def test_correcao_depois_de_confirmado(chat):
    with chat("Marlene") as theo:
        theo.ouve("manda a segunda via")
        theo.ouve("123.123.123-87")
        theo.pergunta("Como você quer receber")
        theo.ouve("não, esse cpf tá errado, é 717.273.747-46")
        theo.pergunta("data de nascimento")
        theo.nao_manda_codigo()


@pytest.mark.parametrize("nascimento", [MARLENE_BIRTH, "14 de março de 1961", "14031961", "nasci em 14-3-61"])
def test_de_outro_celular_com_a_data_certa(chat, nascimento):
    with chat("Marlene", phone=stranger()) as theo:
        theo.ouve("quero o pix da minha conta")
        theo.ouve("123.123.123-87")
        theo.pergunta("data de nascimento")
        theo.nao_diz("99,90")
        theo.ouve(nascimento)
        theo.manda_pix("99,90")


def test_de_outro_celular_com_a_data_errada(chat):
    with chat() as theo:
        theo.ouve("quero o pix da minha conta")
        theo.ouve("123.123.123-87")
        theo.pergunta("data de nascimento")
        theo.ouve("15/03/1961")
        theo.diz("não consegui confirmar" if "não consegui" in theo.fala else "confirmar")
        theo.nao_manda_codigo()


def test_um_estranho_nao_descobre_se_o_cpf_e_de_cliente(chat):
    """A customer's CPF and an unknown one lead through the same words."""

    def words(document: str) -> list[str]:
        said = []
        with chat() as theo:
            theo.ouve("segunda via")
            for text in (document, "01/01/1980", document, "02/01/1980"):
                theo.ouve(text)
                said.append(theo.fala)
        return said

    assert words("123.123.123-87") == words("529.982.247-25")


def test_celular_de_outro_cliente_nao_serve(chat):
    with chat("Josenildo") as theo:
        theo.ouve("segunda via")
        theo.ouve("123.123.123-87")
        theo.pergunta("data de nascimento")
        theo.ouve("02/08/1974")
        theo.nao_manda_codigo()
        theo.nao_diz("99,90", in_days(6))


def test_data_que_nao_existe(chat):
    with chat("Marlene", phone=stranger()) as theo:
        theo.ouve("pix da fatura")
        theo.ouve("123.123.123-87")
        theo.ouve("31/02/1961")
        theo.diz("data")
        theo.ouve(MARLENE_BIRTH)
        theo.manda_pix("99,90")


def test_padaria_de_outro_celular_vai_para_uma_pessoa(chat):
    with chat() as theo:
        theo.ouve("segunda via da padaria")
        theo.ouve("PA.O20.26J/0001-96")
        theo.diz_protocolo()
        theo.nao_diz("nascimento", "em aberto")


def test_quiteria_sem_telefone_nem_nascimento_vai_para_uma_pessoa(chat, stack):
    with chat("Quitéria") as theo:
        theo.ouve("oi, me manda a segunda via da conta")
        theo.ouve("818.283.848-79")
        theo.nao_diz("99,90", "nascimento")
        theo.nao_manda_codigo()
        assert stack.erp.ticket(theo.diz_protocolo()).sector is Sector.DESK


def test_conversa_sem_numero_visivel_pede_a_data(chat):
    with chat("Marlene", phone="204881733950417@lid") as theo:
        theo.ouve("quero o pix da conta")
        theo.ouve("123.123.123-87")
        theo.pergunta("data de nascimento")
        theo.ouve(MARLENE_BIRTH)
        theo.manda_pix("99,90")


def test_numero_sem_o_nono_digito_e_a_mesma_conversa(chat, stack):
    with chat("Rafael", phone="558391110006") as theo:
        theo.ouve("segunda via")
        theo.ouve("900.800.700-27")
        theo.pergunta("R$ 119,90")
        assert theo.conversation == "5583991110006"
        theo.ouve("pix")
        theo.manda_pix("119,90")


def test_o_documento_vale_para_o_servico_seguinte(chat):
    with chat("Josenildo") as theo:
        theo.ouve("segunda via no pix")
        theo.ouve("222.333.444-05")
        theo.ouve("todas")
        theo.manda_pix("79,90")
        theo.manda_pix("79,90")
        theo.ouve("agora libera em confiança")
        theo.pergunta("3 dias")


def test_o_documento_nao_e_repetido_ao_cliente(chat):
    with chat("Marlene") as theo:
        theo.ouve("boleto")
        theo.ouve("meu cpf é 123.123.123-87")
        theo.nao_diz("123.123.123-87", "12312312387")

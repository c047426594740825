"""Segunda via: from the wish to codes that can be paid."""

from __future__ import annotations

import pytest

from backoffice import boleto, tables
from tests.integration.talk import in_days, today

FORMS = ("Pix", "Código de barras", "PDF", "Tudo")


def test_boleto_do_comeco_ao_fim(chat):
    with chat("Marlene") as theo:
        theo.ouve("oi, manda meu boleto")
        theo.diz("protocolo")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.diz("R$ 99,90", in_days(6))
        code = theo.manda_pix("99,90")
        line = theo.manda_linha("99,90", in_days(6))
        bill = theo.manda_pdf("Marlene Souza Lima", "99,90", in_days(6))
        assert bill.qr == code
        assert bill.barcode == boleto.parse(line, today()).barcode
        theo.pergunta("mais alguma coisa")


@pytest.mark.parametrize(
    ("escolha", "manda"),
    [
        ("pix", {"pix"}),
        ("1", {"pix"}),
        ("2", {"linha"}),
        ("o código de barras por favor", {"linha"}),
        ("em pdf", {"linha", "pdf"}),
        ("3️⃣", {"linha", "pdf"}),
        ("a última", {"pix", "linha", "pdf"}),
        ("manda tudo", {"pix", "linha", "pdf"}),
    ],
)
def test_manda_so_o_que_foi_pedido(chat, escolha, manda):
    with chat("Marlene") as theo:
        theo.ouve("quero a segunda via da conta")
        theo.ouve("12312312387")
        theo.pergunta("R$ 99,90", in_days(6))
        theo.oferece(*FORMS)
        theo.ouve(escolha)
        assert theo.mandou == manda, theo.transcript()
        theo.pergunta("mais")


def test_quem_ja_disse_pix_nao_e_perguntado_de_novo(chat):
    with chat("Rafael") as theo:
        theo.ouve("quero pagar no pix")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("900.800.700-27")
        theo.manda_pix("119,90")
        assert theo.mandou == {"pix"}


def test_pergunta_so_o_valor(chat):
    with chat("Rafael") as theo:
        theo.ouve("qto tá minha fatura?")
        theo.ouve("900.800.700-27")
        theo.diz("R$ 119,90", in_days(10))


def test_faturas_em_aberto_da_mais_antiga_com_o_total(chat):
    with chat("Wagner") as theo:
        theo.ouve("segunda via")
        theo.ouve("135.792.468-28")
        theo.pergunta("2 faturas", "R$ 159,80")
        theo.oferece(f"R$ 79,90, venceu em {in_days(-41)}", f"R$ 79,90, venceu em {in_days(-11)}", "Todas")
        theo.ouve("a primeira")
        theo.oferece(*FORMS)
        theo.ouve("código de barras")
        theo.diz(in_days(-41))
        theo.manda_linha("79,90", in_days(-41))
        theo.nao_diz(in_days(-11))


def test_duas_faturas_do_mesmo_dia_com_a_pro_rata(chat):
    with chat("Tânia") as theo:
        theo.ouve("manda a fatura pra mim")
        theo.ouve("246.813.579-28")
        theo.pergunta("2 faturas", "R$ 167,86")
        theo.oferece(f"R$ 119,90, vence em {in_days(4)}", f"R$ 47,96, vence em {in_days(4)}", "Todas")
        theo.ouve("todas")
        theo.ouve("pix")
        first, second = theo.manda_pix("119,90"), theo.manda_pix("47,96")
        assert first != second


def test_so_a_segunda_das_duas(chat):
    with chat("Tânia") as theo:
        theo.ouve("2a via por favor")
        theo.ouve("24681357928")
        theo.ouve("2")
        theo.pergunta("R$ 47,96")
        theo.ouve("boleto")
        theo.manda_linha("47,96", in_days(4))
        theo.manda_pdf("Pró-rata", "47,96")


@pytest.mark.parametrize(
    ("escolha", "valor"), [("1", "99,90"), ("a segunda", "79,90"), ("a de tambaú", "79,90"), ("Rua Nevinha Cavalcante", "99,90")]
)
def test_dois_contratos_pergunta_o_endereco(chat, escolha, valor):
    with chat("Hélio") as theo:
        theo.ouve("quero meu boleto no pix")
        theo.ouve("808.707.606-02")
        theo.pergunta("endereço")
        theo.oferece("Rua Nevinha Cavalcante, 12, Bessa", "Rua Infante Dom Henrique, 220, Tambaú")
        theo.ouve(escolha)
        theo.manda_pix(valor)


def test_depois_de_um_contrato_o_outro(chat):
    with chat("Hélio") as theo:
        theo.ouve("pix da fatura")
        theo.ouve("808.707.606-02")
        theo.ouve("1")
        theo.manda_pix("99,90")
        theo.ouve("agora a segunda via do outro contrato, o de tambaú")
        if "endereço" in theo.fala:
            theo.ouve("o de tambaú")
        if theo.opcoes:
            theo.ouve("pix")
        theo.manda_pix("79,90")


def test_nada_em_aberto(chat):
    with chat("Caio") as theo:
        theo.ouve("me manda o boleto desse mês")
        theo.ouve("101.202.303-64")
        theo.diz("nenhuma fatura em aberto")
        theo.nao_manda_codigo()


@pytest.mark.parametrize("cnpj", ["pa.o20.26j/0001-96", "PAO2026J000196", "o cnpj é pao2026j/0001-96"])
def test_cnpj_com_letras_em_minusculas(chat, cnpj):
    with chat("Padaria") as theo:
        theo.ouve("segunda via da internet da padaria")
        theo.ouve(cnpj)
        theo.diz("nenhuma fatura em aberto")


def test_documento_junto_com_o_pedido(chat):
    with chat("Marlene") as theo:
        theo.ouve("manda o pix da minha fatura, cpf 123.123.123-87")
        theo.manda_pix("99,90")
        theo.nao_diz("CPF ou CNPJ")


def test_documento_antes_do_pedido(chat):
    with chat("Marlene") as theo:
        theo.ouve("123.123.123-87")
        theo.diz("documento")
        theo.ouve("segunda via")
        theo.pergunta("R$ 99,90")
        theo.oferece(*FORMS)


def test_pede_de_novo_sem_repetir_o_documento(chat):
    with chat("Marlene") as theo:
        theo.ouve("boleto")
        theo.ouve("123.123.123-87")
        code = theo.manda_pix("99,90")
        theo.ouve("manda o pix outra vez")
        assert theo.manda_pix("99,90") == code
        theo.nao_diz("CPF ou CNPJ")


def test_fatura_paga_enquanto_conversa(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("segunda via")
        theo.ouve("123.123.123-87")
        theo.pergunta("Como você quer receber")
        stack.change(tables.invoice.update().where(tables.invoice.c.id == "50011").values(paid_on=today()))
        theo.ouve("pix")
        theo.nao_manda_codigo()


def test_fatura_sem_pix_no_sistema(chat, stack):
    stack.change(tables.invoice.update().where(tables.invoice.c.id == "50011").values(pix=None))
    with chat("Marlene") as theo:
        theo.ouve("quero o pix da minha conta")
        theo.ouve("123.123.123-87")
        theo.diz("não tem Pix")
        theo.manda_linha("99,90", in_days(6))

"""Payment claims, releases on trust, disputes, negotiations, due days and forms of payment."""

from __future__ import annotations

import datetime as dt

import pytest

from backoffice import tables
from backoffice.records import ContractStatus, Sector
from tests.integration.talk import in_days, today

SIM_OU_NAO = ("Sim", "Não")


# -- informar_pagamento --------------------------------------------------------------------------------


def test_avisa_que_pagou_e_o_financeiro_confere(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("já paguei minha conta")
        theo.ouve("123.123.123-87")
        theo.diz("R$ 99,90", in_days(6), "em aberto")
        ticket = stack.erp.ticket(theo.diz_protocolo())
        assert (ticket.sector, ticket.contract_id) == (Sector.BILLING, "1001")


def test_avisa_duas_vezes_e_o_protocolo_e_o_mesmo(chat):
    with chat("Marlene") as theo:
        theo.ouve("já paguei ontem")
        theo.ouve("123.123.123-87")
        first = theo.diz_protocolo()
        theo.ouve("gente eu ja paguei")
        assert theo.diz_protocolo() == first


@pytest.mark.parametrize(("quem", "dia"), [("Caio", -6), ("Padaria", -2)])
def test_pagamento_que_ja_consta(chat, quem, dia):
    with chat(quem) as theo:
        theo.ouve("paguei a fatura, vcs receberam?")
        theo.ouve(theo.documento)
        theo.diz("consta" if "consta" in theo.fala else "pago", in_days(dia))


def test_comprovante_com_legenda(chat):
    with chat("Marlene") as theo:
        theo.recebe("image", caption="segue o comprovante do pagamento")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.diz_protocolo()


def test_pagou_esta_bloqueado_e_aceita_o_desbloqueio(chat, stack):
    with chat("Josenildo") as theo:
        theo.ouve("ja paguei as contas")
        theo.ouve("222.333.444-05")
        theo.diz_protocolo()
        theo.pergunta("desbloquear", "confiança", "3 dias")
        theo.ouve("quero sim")
        theo.diz("liberada", in_days(3))
        assert stack.erp.contract("1002").released_until.strftime("%d/%m/%Y") == in_days(3)


# -- pedir_desbloqueio ---------------------------------------------------------------------------------


def test_desbloqueio_em_confianca(chat, stack):
    with chat("Josenildo") as theo:
        theo.ouve("minha internet tá cortada por falta de pagamento, libera em confiança")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("222.333.444-05")
        theo.pergunta("3 dias")
        theo.oferece(*SIM_OU_NAO)
        assert stack.erp.contract("1002").status is ContractStatus.BLOCKED_FOR_DEBT, "not before the yes"
        theo.ouve("1")
        theo.diz("liberada", in_days(3))
        assert stack.erp.contract("1002").status is ContractStatus.ACTIVE


def test_desbloqueio_ja_concedido(chat):
    with chat("Josenildo") as theo:
        theo.ouve("libera em confiança pf")
        theo.ouve("222.333.444-05")
        theo.ouve("pode sim")
        theo.diz("liberada", in_days(3))
        theo.ouve("libera minha internet em confiança")
        theo.diz("já está liberada", in_days(3))


def test_desbloqueio_recusado_pelo_cliente(chat, stack):
    with chat("Josenildo") as theo:
        theo.ouve("desbloqueia minha net")
        theo.ouve("222.333.444-05")
        theo.ouve("não")
        theo.diz("não desbloqueei")
        assert stack.erp.contract("1002").status is ContractStatus.BLOCKED_FOR_DEBT


def test_desbloqueio_usado_ha_pouco_diz_quando_volta_e_oferece_pagar(chat, stack):
    with chat("Wagner") as theo:
        theo.ouve("libera minha internet em confiança")
        theo.ouve("135.792.468-28")
        theo.diz("30 dias", in_days(18))
        theo.nao_diz("confirma?")
        theo.ouve("sim, manda")
        theo.pergunta("R$ 159,80")
        theo.ouve("todas")
        theo.ouve("pix")
        theo.manda_pix("79,90")
        theo.manda_pix("79,90")
        assert stack.erp.contract("1003").status is ContractStatus.BLOCKED_FOR_DEBT


def test_desbloqueio_com_faturas_demais(chat, stack):
    due = today() - dt.timedelta(days=70)
    stack.change(tables.invoice.insert().values(id="59999", contract_id="1002", due=due, amount_cents=7990))
    with chat("Josenildo") as theo:
        theo.ouve("quero o desbloqueio de confiança")
        theo.ouve("222.333.444-05")
        theo.diz("no máximo 2", "3")
        theo.ouve("não quero")
        assert stack.erp.contract("1002").status is ContractStatus.BLOCKED_FOR_DEBT


def test_desbloqueio_sem_bloqueio(chat):
    with chat("Marlene") as theo:
        theo.ouve("vcs bloquearam minha internet por falta de pagamento? desbloqueia")
        theo.ouve("123.123.123-87")
        theo.diz("não está bloqueado")


def test_pago_e_ainda_bloqueado(chat, stack):
    stack.change(tables.invoice.update().where(tables.invoice.c.contract_id == "1002").values(paid_on=today()))
    with chat("Josenildo") as theo:
        theo.ouve("já paguei tudo e continua cortada, libera aí")
        theo.ouve("222.333.444-05")
        ticket = stack.erp.ticket(theo.diz_protocolo())
        assert (ticket.subject, ticket.contract_id) == ("pedir_desbloqueio", "1002")
        theo.nao_diz("no máximo")


# -- contestar_fatura ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "relato",
    [
        "esse pró-rata aí eu não concordo, ninguém me avisou",
        "o valor combinado era 119",
        "tá errado isso",
        "veio uma cobrança a mais de 47 reais",
    ],
)
def test_contesta_e_ve_de_que_a_conta_e_feita(chat, stack, relato):
    with chat("Tânia") as theo:
        theo.ouve("minha conta veio mais cara, que cobrança é essa?")
        theo.ouve("246.813.579-28")
        theo.diz("Pró-rata: 12 dias", "R$ 47,96", "R$ 119,90", "R$ 167,86")
        theo.ouve(relato)
        ticket = stack.erp.ticket(theo.diz_protocolo())
        assert ticket.subject == "contestar_fatura"
        assert relato in ticket.text


def test_dias_sem_internet_sao_motivo_para_contestar(chat, stack):
    with chat("Edivaldo") as theo:
        theo.ouve("quero contestar minha fatura")
        theo.ouve("717.273.747-46")
        theo.ouve("ficou 2 dias sem internet")
        assert "2 dias" in stack.erp.ticket(theo.diz_protocolo()).text


def test_proposta_em_branco_e_perguntada_de_novo(chat):
    with chat("Wagner") as theo:
        theo.ouve("quero negociar meus atrasados")
        theo.ouve("135.792.468-28")
        theo.ouve("quero")
        theo.nao_diz("protocolo")
        theo.ouve("em 3 vezes no cartão")
        theo.diz("protocolo")


def test_contesta_sem_fatura_aberta(chat, stack):
    with chat("Caio") as theo:
        theo.ouve("quero contestar uma cobrança indevida")
        theo.ouve("101.202.303-64")
        theo.pergunta("qual cobrança")
        theo.ouve("a do mês passado, fiquei 5 dias sem sinal e veio cheia")
        assert "5 dias sem sinal" in stack.erp.ticket(theo.diz_protocolo()).text


# -- negociar_debito -----------------------------------------------------------------------------------


def test_negocia_os_atrasados(chat, stack):
    with chat("Josenildo") as theo:
        theo.ouve("dá pra parcelar os atrasados?")
        theo.ouve("222.333.444-05")
        theo.pergunta("R$ 159,80")
        theo.ouve("pago metade agora e metade dia 30")
        theo.nao_diz("aprovad")
        ticket = stack.erp.ticket(theo.diz_protocolo())
        assert ticket.sector is Sector.BILLING
        assert "metade agora e metade dia 30" in ticket.text


def test_nada_a_negociar(chat):
    with chat("Caio") as theo:
        theo.ouve("quero negociar minhas contas atrasadas")
        theo.ouve("101.202.303-64")
        theo.diz("nenhuma fatura em aberto")


# -- alterar_vencimento --------------------------------------------------------------------------------


def test_muda_o_vencimento_com_o_dia_ja_dito(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("muda meu vencimento pro dia 10")
        theo.ouve("123.123.123-87")
        theo.pergunta("dia 10")
        theo.oferece(*SIM_OU_NAO)
        theo.ouve("sim")
        theo.diz("dia 10")
        assert stack.erp.contract("1001").due_day == 10


@pytest.mark.parametrize(("resposta", "dia"), [("2", 10), ("dia 20", 20), ("15", 15), ("o último", 25), ("terceira", 15)])
def test_escolhe_o_dia_do_menu(chat, stack, resposta, dia):
    with chat("Rafael") as theo:
        theo.ouve("quero trocar a data de vencimento da minha conta")
        theo.ouve("900.800.700-27")
        theo.oferece("Dia 5", "Dia 10", "Dia 15", "Dia 20", "Dia 25")
        theo.ouve(resposta)
        theo.pergunta(f"dia {dia}")
        theo.ouve("pode mudar")
        assert stack.erp.contract("1006").due_day == dia


def test_dia_que_nao_existe_na_lista(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero meu vencimento no dia 12")
        theo.ouve("123.123.123-87")
        theo.oferece("Dia 5", "Dia 10", "Dia 15", "Dia 20", "Dia 25")
        theo.ouve("então dia 13")
        theo.oferece("Dia 5", "Dia 10", "Dia 15", "Dia 20", "Dia 25")
        theo.ouve("dia 15")
        theo.pergunta("dia 15")


def test_corrige_o_dia_na_confirmacao(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("muda o vencimento pro dia 10")
        theo.ouve("123.123.123-87")
        theo.pergunta("dia 10")
        theo.ouve("não, dia 20")
        theo.pergunta("dia 20")
        theo.ouve("isso")
        assert stack.erp.contract("1001").due_day == 20


def test_desiste_de_mudar_o_vencimento(chat, stack):
    before = stack.erp.contract("1001").due_day
    with chat("Marlene") as theo:
        theo.ouve("altera o vencimento pro dia 20")
        theo.ouve("123.123.123-87")
        theo.ouve("não, melhor não")
        theo.diz("continua")
        assert stack.erp.contract("1001").due_day == before


def test_o_dia_que_ja_e(chat, stack):
    day = stack.erp.contract("1006").due_day
    if day is None:
        stack.change(tables.contract.update().where(tables.contract.c.id == "1006").values(due_day=15))
        day = 15
    with chat("Rafael") as theo:
        theo.ouve(f"quero pagar todo dia {day}, muda meu vencimento")
        theo.ouve("900.800.700-27")
        if theo.opcoes[:1] == ["Sim"]:
            theo.ouve("sim")
        theo.diz("já é no dia" if "já é" in theo.fala else f"dia {day}")


# -- formas de pagamento -------------------------------------------------------------------------------


def test_formas_de_pagamento_sem_documento(chat):
    with chat() as theo:
        theo.ouve("aceita cartão?")
        theo.diz("Pix", "boleto", "cartão (só na loja)", "dinheiro (só na loja)", "débito automático")
        theo.nao_diz("CPF")


"""Talks of people who want to be connected: plans, coverage, and the wish put down for the sales people."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from backoffice import tables
from tests.integration.talk import Talk, fold

#: In the middle of a served place, and far from every box.
BESSA, FAR_AWAY = {"latitude": -7.0790, "longitude": -34.8330}, {"latitude": -7.2, "longitude": -35.2}
#: 300 m around it there is one box, and its ports are all taken.
TAKEN = {"latitude": -7.1702, "longitude": -34.8402}
PRICES = ("79,90", "99,90", "119,90", "159,90")


def leads(theo: Talk) -> list[Any]:
    """What was put down for the sales people, oldest first."""
    return theo.stack.rows(sa.select(tables.lead).order_by(tables.lead.c.made_at))


def one_lead(theo: Talk) -> Any:
    """The only wish on record; its protocol is the one that was told."""
    found = leads(theo)
    assert len(found) == 1, theo.transcript()
    theo.diz(found[0].protocol)
    return found[0]


# -- feliz -------------------------------------------------------------------------------------------


def test_contrata_do_cep_ao_protocolo(chat):
    with chat() as theo:
        theo.ouve("oi, quero contratar internet")
        theo.pergunta("CEP", "localização")
        theo.nao_diz("CPF")
        theo.ouve("58037-120")
        theo.diz("Rua das Hortênsias", "pré-análise", "confirmada na instalação")
        theo.diz("sugestão é o 600 Mega", "Wi-Fi 6", "R$ 20,00 a mais")
        theo.oferece(*PRICES)
        theo.ouve("o de 600")
        theo.pergunta("Rua das Hortênsias", "número")
        theo.ouve("45 apto 3")
        theo.pergunta("nome")
        theo.ouve("meu nome é ana lucia ferreira")
        theo.pergunta("neste número mesmo")
        theo.ouve("sim")
        theo.pergunta("horário")
        theo.ouve("de manhã")
        theo.diz("protocolo", "600 Mega", "119,90", "45 apto 3", "Ana Lucia Ferreira", "de manhã")
        lead = one_lead(theo)
        assert (lead.name, lead.plan_id, lead.cep, lead.phone) == (
            "Ana Lucia Ferreira",
            "fibra-600",
            "58037120",
            theo.phone,
        )
        assert "45 apto 3" in lead.address and "atendido" in lead.note and "de manhã" in lead.note


def test_velocidade_e_bairro_ditos_no_comeco_nao_sao_perguntados(chat):
    with chat() as theo:
        theo.ouve("quero contratar o de 600 mega, moro no bessa")
        theo.diz("Bessa", "pré-análise", "600 Mega", "119,90")
        theo.pergunta("rua e o número")
        theo.ouve("rua do sol, 18")
        theo.pergunta("nome")
        theo.ouve("Carlos Eduardo")
        theo.ouve("outro número")
        theo.pergunta("DDD")
        theo.ouve("83 98877-6655")
        theo.pergunta("horário")
        theo.ouve("depois das 18h")
        lead = one_lead(theo)
        assert (lead.plan_id, lead.phone, lead.name) == ("fibra-600", "5583988776655", "Carlos Eduardo")
        assert "18h" in lead.note


def test_localizacao_perto_de_uma_caixa_com_porta_livre(chat):
    with chat() as theo:
        theo.ouve("quero internet")
        theo.recebe("location", **BESSA)
        theo.diz("a fibra chega aí", "pré-análise")
        theo.nao_diz("não consigo abrir", "escreva cobertura")
        theo.ouve("pode ser essa sugestão")
        theo.diz("600 Mega")
        theo.ouve("rua da praia 20")
        theo.ouve("josé")
        theo.ouve("pode ser por aqui mesmo")
        theo.ouve("tanto faz")
        lead = one_lead(theo)
        assert (lead.lat, lead.lon, lead.name) == (BESSA["latitude"], BESSA["longitude"], "José")


def test_cobertura_da_so_o_veredito_e_oferece_uma_vez(chat):
    with chat() as theo:
        theo.ouve("vocês atendem em mangabeira?")
        theo.diz("a fibra chega aí", "Mangabeira", "pré-análise")
        theo.pergunta("planos")
        theo.nao_diz("79,90")
        theo.ouve("e em mangabeira mesmo, tem cobertura?")
        theo.diz("Mangabeira")
        theo.nao_diz("planos")
        theo.ouve("quero contratar então")
        theo.oferece(*PRICES)
        assert not leads(theo)


def test_planos_com_preco_e_escolha_pelo_numero(chat):
    with chat() as theo:
        theo.ouve("quais os planos?")
        theo.oferece(*PRICES)
        theo.diz("CEP")
        theo.ouve("2")
        theo.diz("400 Mega", "99,90")
        theo.pergunta("CEP")
        theo.ouve("58039100")
        theo.pergunta("Monteiro da Franca")
        theo.ouve("800")
        theo.ouve("paulo")
        theo.ouve("sim")
        theo.ouve("tarde")
        assert one_lead(theo).plan_id == "fibra-400"


def test_cep_logo_depois_dos_planos_vira_cobertura(chat):
    with chat() as theo:
        theo.ouve("quanto custa o plano de 500 mega?")
        theo.diz("500 Mega a gente não tem", "600 Mega", "119,90")
        theo.ouve("58037-120")
        theo.diz("a fibra chega aí")
        theo.ouve("sim")
        theo.diz("600 Mega", "mais próximo dos 500")
        theo.oferece(*PRICES)


def test_pergunta_pela_sugestao_nao_escolhe_o_plano(chat):
    with chat() as theo:
        theo.ouve("quero contratar internet")
        theo.ouve("58037-120")
        theo.ouve("não sei, qual você recomenda?")
        theo.nao_diz("Anotei", "rua e o número")
        theo.oferece(*PRICES)
        theo.ouve("esse que você recomenda")
        theo.diz("600 Mega")
        theo.pergunta("número")


def test_padaria_recebe_a_sugestao_de_empresa(chat):
    with chat() as theo:
        theo.ouve("quero internet pra minha padaria")
        theo.ouve("58055200")
        theo.diz("Empresa 600", "189,90", "atendimento em 4 h")
        theo.ouve("sim")
        theo.pergunta("Rua Projetada")


def test_cliente_identificado_pede_outro_ponto_sem_repetir_o_nome(chat):
    with chat("Marlene") as theo:
        theo.ouve("manda o pix da minha fatura")
        theo.ouve(theo.documento)
        theo.manda_pix("99,90")
        theo.ouve("agora quero contratar outra internet pra casa da minha mãe")
        theo.pergunta("CEP")
        theo.ouve("58055-200")
        theo.ouve("300")
        theo.ouve("901")
        theo.pergunta("neste número mesmo")  # no question for the name: it is on record
        theo.ouve("sim")
        theo.ouve("tanto faz")
        lead = one_lead(theo)
        assert lead.name == "Marlene Souza Lima" and lead.customer_id is not None


# -- dado inválido -----------------------------------------------------------------------------------


def test_cep_com_letras_e_numeros_faltando(chat):
    with chat() as theo:
        theo.ouve("cobertura")
        theo.ouve("58o37-12")
        theo.pergunta("8")
        theo.ouve("58o37-l20")  # letters for a zero and a one
        theo.diz("Rua das Hortênsias", "a fibra chega aí")


def test_cep_que_nao_existe_e_confirmado_segue_pelo_registro(chat):
    with chat() as theo:
        theo.ouve("consultar cobertura")
        theo.ouve("58055-999")
        theo.pergunta("Correios")
        theo.nao_diz("chega aí")
        theo.ouve("é esse mesmo")
        theo.diz("Mangabeira", "pré-análise")


def test_servico_de_cep_fora_do_ar_nao_para_a_conversa(chat, addresses):
    addresses.down = True
    with chat() as theo:
        theo.ouve("quero contratar")
        theo.ouve("58045-300")
        theo.diz("Cabo Branco", "a fibra chega aí")
        theo.nao_diz("Correios")
        theo.ouve("300 mega")
        theo.pergunta("rua e o número")
        theo.ouve("Rua Paulino Pinto, 700")
        theo.pergunta("nome")


def test_lugar_fora_da_area_anota_so_se_quiser(chat):
    with chat() as theo:
        theo.ouve("atende no cep 58322-000?")
        theo.diz("ainda não atendemos", "Conde")
        theo.pergunta("interesse")
        theo.ouve("não")
        assert not leads(theo)
        theo.ouve("quero contratar")
        theo.diz("Conde")
        theo.ouve("sim")
        theo.ouve("sítio boa vista, km 4")
        theo.pergunta("nome")
        theo.ouve("Pedro Alves")
        theo.ouve("sim")
        theo.nao_diz("instalação")
        lead = one_lead(theo)
        assert lead.plan_id is None and "fora da área" in lead.note


def test_cep_unico_de_cidade_pequena_nunca_vira_sim(chat):
    with chat() as theo:
        theo.ouve("vocês atendem em Rio Tinto?")
        theo.ouve("58290-000")
        theo.diz("não consigo confirmar", "Rio Tinto")
        theo.nao_diz("a fibra chega")
        theo.pergunta("verificar")
        theo.ouve("quero")
        theo.pergunta("rua e o número")
        theo.ouve("Rua do Sol, 14, perto da igreja")
        theo.ouve("Antônio")
        theo.ouve("sim")
        theo.diz("não posso prometer")
        lead = one_lead(theo)
        assert lead.cep == "58290000" and "a verificar" in lead.note


def test_localizacao_com_caixa_cheia(chat):
    with chat() as theo:
        theo.ouve("tem fibra aqui?")
        theo.recebe("location", **TAKEN)
        theo.diz("sem vaga")
        theo.nao_diz("a fibra chega aí")
        theo.pergunta("interesse")


def test_localizacao_longe_de_tudo_pede_o_cep(chat):
    with chat() as theo:
        theo.ouve("tem fibra aqui?")
        theo.recebe("location", **FAR_AWAY)
        theo.pergunta("CEP")
        theo.ouve("não sei")
        theo.diz("não consigo confirmar")
        theo.pergunta("verificar")


def test_rua_sem_bairro_e_bairro_desconhecido(chat):
    with chat() as theo:
        theo.ouve("vocês atendem na rua josefa taveira?")
        theo.pergunta("bairro")
        theo.ouve("geisel")
        theo.pergunta("CEP")
        theo.nao_diz("a fibra chega")
        theo.ouve("não sei o cep")
        theo.diz("não consigo confirmar")


@pytest.mark.parametrize("resposta", ["123", "9999-0000"])
def test_telefone_incompleto_e_pedido_de_novo(chat, resposta):
    with chat() as theo:
        theo.ouve("quero contratar o de 300 no bessa")
        theo.ouve("rua a, 10")
        theo.ouve("Lia")
        theo.ouve("outro número")
        theo.ouve(resposta)
        assert not leads(theo), theo.transcript()
        theo.ouve("83 98877 6655")
        theo.pergunta("horário")


# -- correção, digressão, desistência, troca de assunto -----------------------------------------------


def test_corrige_o_cep_e_o_veredito_muda(chat):
    with chat() as theo:
        theo.ouve("quero contratar")
        theo.ouve("58037120")
        theo.diz("a fibra chega aí")
        theo.ouve("ops, o cep certo é 58322-000")
        theo.diz("ainda não atendemos")
        theo.nao_diz("119,90")
        theo.ouve("não")
        assert not leads(theo)


def test_corrige_o_plano_depois_de_escolher(chat):
    with chat() as theo:
        theo.ouve("quero contratar o de 300 no bessa")
        theo.diz("300 Mega")
        theo.ouve("melhor o de 600 mega")
        theo.diz("600 Mega", "119,90")
        theo.ouve("rua a, 10")
        theo.ouve("Lia")
        theo.ouve("sim")
        theo.ouve("de tarde")
        assert one_lead(theo).plan_id == "fibra-600"


def test_perguntas_do_lado_e_ele_volta_para_onde_estava(chat):
    with chat() as theo:
        theo.ouve("quero contratar")
        theo.recebe("audio")
        theo.pergunta("CEP")
        theo.ouve("58037120")
        theo.ouve("que horas vocês abrem?")
        theo.diz("loja")
        theo.oferece(*PRICES)
        theo.ouve("1")
        theo.ouve("quais os planos mesmo?")
        theo.diz("159,90")
        theo.pergunta("número")
        theo.ouve("55")
        theo.ouve("oi")
        theo.pergunta("nome")
        theo.ouve("Lia")
        theo.ouve("sim")
        theo.ouve("de tarde")
        assert one_lead(theo).plan_id == "fibra-300"


def test_desiste_no_meio_e_nada_fica_registrado(chat):
    with chat() as theo:
        theo.ouve("quero contratar")
        theo.ouve("58037120")
        theo.ouve("deixa pra lá")
        theo.nao_diz("119,90")
        assert not leads(theo)
        theo.ouve("oi")
        assert "Contratar" in fold(theo.fala).title() or "contratar" in fold(theo.fala)


def test_sai_para_outro_assunto_e_volta_com_o_lugar_guardado(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero contratar internet pra minha mãe")
        theo.ouve("58055-200")
        theo.oferece(*PRICES)
        theo.ouve("antes manda o pix da minha conta")
        theo.pergunta("CPF")
        theo.ouve(theo.documento)
        theo.manda_pix("99,90")
        theo.pergunta("contratação")
        theo.ouve("sim")
        theo.nao_diz("Qual é o CEP")
        theo.oferece(*PRICES)


def test_atendente_a_qualquer_hora(chat):
    with chat() as theo:
        theo.ouve("quero contratar")
        theo.ouve("58037120")
        theo.ouve("quero falar com uma pessoa")
        theo.diz("protocolo")
        assert not leads(theo)


def test_o_preco_dito_e_o_do_registro(chat, stack):
    plans = {plan.name: plan.price for plan in stack.erp.plans()}
    with chat() as theo:
        theo.ouve("quais os planos e preços?")
        for name in ("300 Mega", "400 Mega", "600 Mega", "1 Giga"):
            assert isinstance(plans[name], Decimal)
            theo.diz(f"{name}, R$ {plans[name]}".replace(".", ","))


# -- the same place, told again ------------------------------------------------------------------------


def test_pedido_repetido_para_o_mesmo_lugar_e_o_mesmo_protocolo(chat):
    with chat() as theo:
        for plano in ("o de 600", "o de 300"):
            theo.ouve("quero contratar internet")
            theo.ouve("58037-120")
            theo.ouve(plano)
            theo.ouve("80")
            theo.ouve("meu nome é Bia Teste")
            theo.ouve("sim")
            theo.ouve("de tarde")
        theo.diz("não abri outro", "300 Mega")
        assert one_lead(theo).plan_id == "fibra-300"


# -- a CEP as people give it ---------------------------------------------------------------------------


def test_cep_dito_em_palavras(chat):
    with chat() as theo:
        theo.ouve("vocês atendem na minha casa?")
        theo.ouve("cinco oito zero três nove um zero zero")
        theo.diz("a fibra chega aí")


def test_tres_ceps_pela_metade_e_o_bairro_resolve(chat):
    with chat() as theo:
        theo.ouve("vocês atendem na minha casa?")
        for cep in ("5803910", "580391000000", "58039"):
            theo.ouve(cep)
            assert "CEP" in theo.fala, theo.transcript()
        theo.diz("atendente")
        theo.ouve("mangabeira")
        theo.diz("a fibra chega aí")


def test_so_a_rua_e_nao_sabe_o_bairro_vira_pedido_de_verificacao(chat):
    with chat() as theo:
        theo.ouve("quero contratar internet")
        theo.ouve("rua josefa taveira, 10")
        theo.pergunta("bairro")
        theo.ouve("não sei")
        theo.diz("não consigo confirmar")
        theo.pergunta("verificar")

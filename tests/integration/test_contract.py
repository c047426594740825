"""Talks about the contract itself: leaving, pausing, another plan, another address, another owner."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from backoffice import calendar
from backoffice.records import ContractStatus, TicketStatus
from tests.integration.talk import Talk, in_days, today

FINE = Decimal("60.00")


def contract(theo: Talk, number: str):
    return theo.stack.erp.contract(number)


def effective() -> dt.date:
    """Two business days from today."""
    return calendar.add_business_days(today(), 2)


def fine_of(theo: Talk, number: str) -> tuple[int, str]:
    """Months that are left of a loyalty and the fine for them, as written."""
    held = contract(theo, number)
    months = calendar.whole_months(today(), calendar.add_months(held.since, held.loyalty_months))
    return months, f"{months * FINE}".replace(".", ",")


# -- cancelar ----------------------------------------------------------------------------------------


def test_cancela_com_multa_pela_formula_e_confirmacao_por_escrito(chat):
    with chat("Otávio") as theo:
        theo.ouve("quero cancelar minha internet")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve(theo.documento)
        theo.diz("opcional")
        theo.ouve("tá caro demais")
        theo.diz("300 Mega", "79,90")  # one alternative
        theo.ouve("não, quero cancelar mesmo")
        months, fine = fine_of(theo, "1013")
        theo.diz(
            f"R$ {fine}", f"{months} x R$ 60,00", f"{effective():%d/%m}", "retirada gratuita", "159,90 (não impede"
        )
        theo.nao_diz("300 Mega")
        theo.pergunta("cancelar?")
        assert not contract(theo, "1013").cancelling
        theo.ouve("sim")
        protocol = theo.diz_protocolo()
        theo.diz(f"R$ {fine}", f"{effective():%d/%m}", "retirada gratuita", "confirmação por escrito")
        assert contract(theo, "1013").cancel_on == effective()
        assert "caro" in theo.stack.erp.ticket(protocol).text


@pytest.mark.parametrize("pulo", ["pular", "prefiro não dizer", "não quero dizer", "5"])
def test_motivo_e_opcional_e_nao_insiste(chat, pulo):
    with chat("Marlene") as theo:
        theo.ouve("cancela minha net")
        theo.ouve(theo.documento)
        theo.ouve(pulo)
        theo.diz("Multa: nenhuma")
        theo.nao_diz("em vez de cancelar")
        theo.ouve("pode cancelar")
        theo.diz_protocolo()
        assert contract(theo, "1001").cancelling


def test_pergunta_da_multa_recebe_os_numeros_antes(chat):
    with chat("Otávio") as theo:
        theo.ouve("tem multa se eu sair?")
        theo.diz("R$ 60,00 por mês que falta")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve(theo.documento)
        months, fine = fine_of(theo, "1013")
        theo.diz(f"R$ {fine}", f"{months} x R$ 60,00")
        theo.nao_diz("motivo")
        theo.ouve("não")
        theo.diz("não cancelei nada")
        assert not contract(theo, "1013").cancelling


@pytest.mark.parametrize(
    "resposta", ["peraí", "um momento", "deixa eu ver com meu marido", "que horas vocês abrem?", "obrigado", "voltou"]
)
def test_so_um_sim_claro_cancela(chat, resposta):
    with chat("Marlene") as theo:
        theo.ouve("quero cancelar a internet")
        theo.ouve(theo.documento)
        theo.ouve("pular")
        theo.ouve(resposta)
        assert not contract(theo, "1001").cancelling


def test_aceita_a_pausa_em_vez_de_cancelar(chat):
    with chat("Severina") as theo:
        theo.ouve("quero cancelar porque vou viajar")
        theo.ouve(theo.documento)
        theo.diz("pausar", "30 a 120 dias")
        theo.ouve("sim, quero ver")
        theo.pergunta("A partir de quando")
        theo.ouve("hoje")
        theo.ouve("60 dias")
        theo.pergunta(in_days(59))
        theo.ouve("sim")
        held = contract(theo, "1005")
        assert (held.suspended_from, held.suspended_until) == (today(), today() + dt.timedelta(days=59))
        assert not held.cancelling


def test_desiste_de_cancelar_no_meio(chat):
    with chat("Rafael") as theo:
        theo.ouve("cancelar internet")
        theo.ouve(theo.documento)
        theo.ouve("porque vou me mudar pra outra cidade")
        theo.diz("levar a internet")
        theo.ouve("não")
        theo.ouve("não quero mais cancelar")
        theo.diz("não cancelei nada")
        assert not contract(theo, "1006").cancelling


def test_desfaz_um_cancelamento_pedido(chat):
    with chat("Marlene") as theo:
        theo.ouve("cancelar minha internet")
        theo.ouve(theo.documento)
        theo.ouve("pular")
        theo.ouve("sim")
        protocol = theo.diz_protocolo()
        theo.ouve("quero cancelar minha internet")
        theo.diz("já está registrado", protocol)
        theo.ouve("sim")
        theo.diz("desfiz")
        assert not contract(theo, "1001").cancelling
        assert theo.stack.erp.ticket(protocol).status is TicketStatus.CANCELLED


def test_desisti_depois_do_cancelamento_oferece_desfazer(chat):
    with chat("Marlene") as theo:
        theo.ouve("cancelar minha internet")
        theo.ouve(theo.documento)
        theo.ouve("pular")
        theo.ouve("sim")
        theo.ouve("desisti de cancelar")
        theo.pergunta("desfazer")
        assert contract(theo, "1001").cancelling
        theo.ouve("sim")
        assert not contract(theo, "1001").cancelling


@pytest.mark.parametrize(
    "antes",
    [
        ("quero a segunda via",),
        ("estou sem internet",),
        ("quero contratar", "58037-120"),
        ("oi",),
        ("muda meu vencimento",),
    ],
)
def test_cancelar_alcancado_de_qualquer_estado(chat, antes):
    with chat("Marlene") as theo:
        for text in antes:
            theo.ouve(text)
        theo.ouve("na verdade quero cancelar minha internet")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve(theo.documento)
        theo.diz("opcional")


def test_bloqueado_com_debito_tambem_cancela(chat):
    with chat("Josenildo") as theo:
        theo.ouve("quero cancelar o contrato")
        theo.ouve(theo.documento)
        theo.ouve("sem dinheiro pra pagar")
        theo.diz("159,80 (não impede")
        theo.ouve("sim")
        theo.diz_protocolo()
        assert contract(theo, "1002").cancelling


def test_dois_contratos_cancela_so_o_escolhido(chat):
    with chat("Hélio") as theo:
        theo.ouve("quero cancelar uma das minhas internets")
        theo.ouve(theo.documento)
        theo.oferece("Nevinha Cavalcante", "Infante Dom Henrique")
        theo.ouve("a segunda")
        theo.ouve("pular")
        theo.diz("Infante Dom Henrique")
        theo.ouve("sim")
        assert contract(theo, "1018").cancelling and not contract(theo, "1008").cancelling


def test_quem_nao_e_o_titular_nao_cancela(chat):
    with chat() as theo:
        theo.ouve("quero cancelar a internet")
        theo.ouve("123.123.123-87")
        theo.pergunta("nascimento")
        theo.ouve("01/01/1990")
        theo.nao_diz("Hortênsias", "Multa")
        assert not contract(theo, "1001").cancelling


# -- pausar ------------------------------------------------------------------------------------------


def test_pausa_com_as_duas_datas_na_primeira_frase(chat):
    first, last = today() + dt.timedelta(days=10), today() + dt.timedelta(days=69)
    with chat("Severina") as theo:
        theo.ouve(f"vou viajar dia {first:%d/%m} e volto {last:%d/%m}, dá pra pausar a internet?")
        theo.ouve(theo.documento)
        theo.pergunta(f"{first:%d/%m/%Y}", f"{last:%d/%m/%Y}", "60 dias")
        theo.ouve("sim")
        held = contract(theo, "1005")
        assert (held.suspended_from, held.suspended_until) == (first, last)


def test_pausa_a_partir_de_um_mes(chat):
    first = dt.date(today().year + 1, 1, 1)
    with chat("Severina") as theo:
        theo.ouve("dá pra suspender por 3 meses a partir de janeiro?")
        theo.ouve(theo.documento)
        theo.pergunta(f"{first:%d/%m/%Y}", "90 dias")


def test_o_bairro_de_onde_se_sai_nao_e_o_de_destino(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero levar a internet do bessa")
        theo.ouve(theo.documento)
        theo.pergunta("Pra onde você vai")
        theo.ouve("tambaú, rua silvino chaves 10")
        theo.pergunta("rua silvino chaves 10, Tambaú")


def test_pausa_curta_demais_explica_o_limite(chat):
    with chat("Severina") as theo:
        theo.ouve("quero suspender por 10 dias")
        theo.ouve(theo.documento)
        theo.ouve("amanhã")
        theo.diz("30 a 120 dias")
        theo.ouve("2 meses")
        theo.pergunta(in_days(1), in_days(60))
        theo.ouve("sim, mas a partir de hoje")
        theo.pergunta(in_days(0), in_days(59))
        assert contract(theo, "1005").suspended_from is None
        theo.ouve("não")
        theo.diz("não pausei")
        assert contract(theo, "1005").suspended_from is None


def test_pausa_com_debito_e_recusada_com_o_valor(chat):
    with chat("Josenildo") as theo:
        theo.ouve("dá pra pausar minha internet?")
        theo.ouve(theo.documento)
        theo.diz("159,80")
        theo.ouve("sim")
        theo.diz("79,90")


# -- mudar de plano ----------------------------------------------------------------------------------


def test_muda_de_plano_ate_o_registro(chat):
    with chat("Caio") as theo:
        theo.ouve("quero aumentar minha velocidade")
        theo.ouve(theo.documento)
        theo.diz("600 Mega", "119,90")
        theo.oferece("R$ 40,00 a mais")
        theo.ouve("1 giga")
        theo.pergunta("159,90", "R$ 40,00 a mais")
        assert contract(theo, "1004").plan.id == "fibra-600"
        theo.ouve("sim")
        assert contract(theo, "1004").plan.id == "fibra-1000"


def test_plano_dito_na_frase_e_corrigido_antes_do_sim(chat):
    with chat("Ivone") as theo:
        theo.ouve("quero mudar do plano de 400 pra 600")
        theo.ouve(theo.documento)
        theo.pergunta("400 Mega", "600 Mega", "R$ 20,00 a mais")
        theo.ouve("sim, mas pro de 1 giga")
        theo.pergunta("1 Giga", "R$ 60,00 a mais")
        assert contract(theo, "1007").plan.id == "fibra-400"
        theo.ouve("pode mudar")
        assert contract(theo, "1007").plan.id == "fibra-1000"


def test_velocidade_que_nao_existe_e_cancelar_o_passo(chat):
    with chat("Nair") as theo:
        theo.ouve("quero mudar pro plano de 500 mega")
        theo.ouve(theo.documento)
        theo.diz("não tem")
        theo.oferece("400 Mega", "600 Mega", "1 Giga")
        theo.ouve("o mais barato")
        theo.pergunta("400 Mega", "99,90")
        theo.ouve("cancelar")  # the step, not the contract
        theo.nao_diz("opcional")
        held = contract(theo, "1012")
        assert held.plan.id == "fibra-300" and not held.cancelling


def test_plano_de_contrato_bloqueado_oferece_as_faturas(chat):
    with chat("Wagner") as theo:
        theo.ouve("quero um plano mais barato, mudar o meu")
        theo.ouve(theo.documento)
        theo.diz("bloqueado")
        theo.ouve("não")
        assert contract(theo, "1003").plan.id == "fibra-300"


# -- mudar de endereço -------------------------------------------------------------------------------


def test_muda_de_endereco_com_taxa_antes_de_um_ano(chat):
    with chat("Tânia") as theo:
        theo.ouve("vou me mudar, leva a internet?")
        theo.ouve(theo.documento)
        theo.pergunta("CEP")
        theo.ouve("58055-200")
        theo.diz("a fibra chega aí", "Mangabeira")
        theo.ouve("120")
        theo.pergunta("Rua Projetada, 120", "80,00", "5 dias")
        theo.ouve("sim")
        ticket = theo.stack.erp.ticket(theo.diz_protocolo())
        assert (ticket.sector.value, ticket.contract_id) == ("contratos", "1009") and "120" in ticket.text


def test_muda_de_endereco_sem_custo_depois_de_um_ano(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero mudar minha internet de endereço")
        theo.ouve(theo.documento)
        theo.ouve("rua josefa taveira 200, mangabeira")
        theo.pergunta("Custo: nenhum", "Hortênsias")
        theo.ouve("sim")
        theo.diz_protocolo()


def test_endereco_novo_sem_cobertura(chat):
    with chat("Edivaldo") as theo:
        theo.ouve("mudança de endereço")
        theo.ouve(theo.documento)
        theo.ouve("58322-000")
        theo.diz("não atendemos", "continua como está")
        assert contract(theo, "1011").status is ContractStatus.ACTIVE


def test_cobertura_consultada_antes_vale_para_a_mudanca(chat):
    with chat("Rafael") as theo:
        theo.ouve("tem cobertura no cabo branco?")
        theo.ouve("então leva minha internet pra lá")
        theo.ouve(theo.documento)
        theo.diz("Cabo Branco")
        theo.pergunta("rua e o número")
        theo.ouve("av cabo branco, 3100")
        theo.pergunta("3100")


# -- trocar o titular --------------------------------------------------------------------------------


def test_troca_de_titular_vira_pedido_ao_time_de_contratos(chat):
    with chat("Severina") as theo:
        theo.ouve("quero passar o contrato pro nome da minha filha")
        theo.ouve(theo.documento)
        theo.pergunta("nome completo")
        theo.ouve("é Joana")
        theo.pergunta("sobrenome")
        theo.ouve("Joana Alves Pereira, cpf 101.202.303-64")
        theo.pergunta("telefone de Joana")
        theo.ouve("9987")
        theo.pergunta("completo")
        theo.ouve("83 98877-6655")
        theo.pergunta("Joana Alves Pereira", "Josefa Taveira")
        theo.ouve("sim")
        ticket = theo.stack.erp.ticket(theo.diz_protocolo())
        assert ticket.sector.value == "contratos" and ticket.contract_id == "1005"
        assert ticket.text == "Novo titular: Joana Alves Pereira, documento ***.202.303-**, telefone 5583988776655."
        assert "202.303" not in "\n".join(m.get("text") or "" for m in theo.baloes)


def test_documento_do_novo_titular_conferido_e_o_telefone_pode_faltar(chat):
    with chat("Severina") as theo:
        theo.ouve("transferir titularidade")
        theo.ouve(theo.documento)
        theo.ouve("Joana Alves Pereira")
        theo.pergunta("CPF ou CNPJ de Joana")
        theo.ouve("101.202.303-65")
        theo.diz("não confere")
        theo.ouve(theo.documento)
        theo.pergunta("titular de hoje")
        theo.ouve("101.202.303-64")
        theo.pergunta("telefone")
        theo.ouve("não sei")
        theo.pergunta("Joana Alves Pereira")
        theo.ouve("sim")
        ticket = theo.stack.erp.ticket(theo.diz_protocolo())
        assert "***.202.303-**, telefone ?" in ticket.text


def test_falecimento_vai_para_uma_pessoa_sem_pedir_documento(chat):
    with chat() as theo:
        theo.ouve("meu pai faleceu e preciso mudar o titular da conta")
        theo.diz("Sinto muito")
        theo.nao_diz("CPF")
        ticket = theo.stack.erp.ticket(theo.diz_protocolo())
        assert ticket.sector.value == "contratos"


def test_nao_na_confirmacao_do_titular_nao_abre_pedido(chat):
    with chat("Severina") as theo:
        theo.ouve("transferir titularidade")
        theo.ouve(theo.documento)
        theo.ouve("Joana Alves Pereira")
        theo.ouve("não tenho o cpf dela aqui")
        theo.ouve("83 98877-6655")
        theo.ouve("não")
        theo.diz("continua")
        assert not theo.stack.erp.tickets(contract(theo, "1005").customer_id)


def test_motivo_ja_dito_nao_e_perguntado(chat):
    with chat("Otávio") as theo:
        theo.ouve("tá muito caro, quero cancelar a internet")
        theo.ouve(theo.documento)
        theo.nao_diz("motivo")
        theo.pergunta("em vez de cancelar")

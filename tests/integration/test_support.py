"""Support: what the network knows comes first, then one question at a time; visits, Wi-Fi, earlier requests."""

from __future__ import annotations

import pytest

from actions.formats import weekday
from backoffice.records import VisitStatus
from backoffice.support import visit_offers
from tests.integration.stack import wait_until


def identify(theo, text: str) -> None:
    """Says what is wrong and who writes."""
    theo.ouve(text)
    theo.pergunta("CPF ou CNPJ")
    theo.ouve(theo.documento)


# -- the first turn fits the customer's true state ---------------------------------------------------------


@pytest.mark.parametrize(
    ("quem", "diz"),
    [
        ("Marlene", "sinal está chegando bem"),
        ("Josenildo", "bloqueada por falta de pagamento"),
        ("Wagner", "não está disponível agora. Quer que eu mande as faturas"),
        ("Caio", "fibra não está chegando"),
        ("Severina", "sinal está chegando bem"),
        ("Rafael", "sinal está chegando bem"),
        ("Tânia", "sinal está chegando bem"),
        ("Padaria", "sinal está chegando bem"),
        ("Edivaldo", "rompimento de fibra"),
        ("Nair", "sem energia"),
        ("Otávio", "sinal está chegando bem"),
    ],
)
def test_primeira_resposta_combina_com_o_estado_da_rede(chat, quem, diz):
    with chat(quem) as theo:
        identify(theo, "to sem internet")
        theo.diz(diz)


def test_sinal_fraco_com_visita_marcada_nao_abre_outra(chat, stack):
    with chat("Ivone") as theo:
        identify(theo, "minha net ta horrivel")
        theo.diz("visita marcada", "20261118007734")
        assert len(stack.erp.tickets(stack.erp.contract("1007").customer_id)) == 1


def test_dois_contratos_pergunta_de_qual(chat):
    with chat("Hélio") as theo:
        identify(theo, "caiu a internet")
        theo.oferece("Nevinha", "Infante")
        theo.ouve("a primeira")
        theo.diz("sinal está chegando bem")


# -- outage --------------------------------------------------------------------------------------------------


def test_queda_no_bairro_sem_roteiro_nem_visita(chat, stack):
    with chat("Edivaldo") as theo:
        identify(theo, "sem net desde cedo, ja reiniciei")
        theo.diz("Sinto muito", "Mangabeira", "previsão", "te avise")
        theo.nao_diz("tomada", "visita")
        theo.ouve("quero sim")
        theo.diz("te aviso")
        assert stack.erp.tickets(stack.erp.contract("1011").customer_id) == ()


def test_avisa_uma_vez_quando_a_rede_volta(chat, stack):
    with chat("Edivaldo") as theo:
        identify(theo, "to sem internet")
        theo.ouve("me avisa sim")
        (outage,) = stack.erp.outages()
        stack.erp.end_outage(outage.id)
        before = len(stack.simulator.messages(theo.phone))

        def told() -> list[str]:
            return [m["text"] for m in stack.simulator.messages(theo.phone, before) if m["from"] == "theo"]

        wait_until(told, 45, "The promised notice did not come.")
        stack.wait_until_quiet()
        assert [text for text in told() if "foi resolvida" in text] == told()[:1]


# -- visits ---------------------------------------------------------------------------------------------------


def test_sem_luz_na_fibra_marca_visita_com_data_escrita(chat, stack):
    with chat("Caio") as theo:
        identify(theo, "luz vermelha piscando, sem nada")
        theo.nao_diz("tomada")
        assert len(theo.opcoes) >= 4
        theo.ouve("2")
        theo.pergunta("onfirm")
        theo.ouve("sim")
        theo.diz("Visita marcada")
        protocol = theo.diz_protocolo()
        (visit,) = stack.erp.visits("1004")
        assert (visit.protocol, visit.status) == (protocol, VisitStatus.SCHEDULED)
        theo.ouve("continua sem internet viu")
        theo.diz("já tem uma visita", protocol)
        assert len(stack.erp.visits("1004")) == 1


def test_o_dia_que_se_pede_e_o_dia_que_se_marca(chat, stack):
    agenda = visit_offers(stack.erp, 24)
    shown = {weekday(offer.day).split(",")[0] for offer in agenda[:6]}
    other = next(weekday(o.day) for o in agenda if weekday(o.day).split(",")[0] not in shown)
    with chat("Caio") as theo:
        identify(theo, "tô sem internet")
        first, last = theo.opcoes[0].split(",")[0], theo.opcoes[-1]
        theo.ouve(f"pode ser {other.split(',')[0]}?")  # "quinta" is no fifth option
        theo.pergunta(other)
        theo.ouve(f"não, {first}")
        theo.pergunta(first)
        theo.ouve("não, domingo")
        theo.pergunta("não tem vaga")
        theo.ouve("a de baixo")
        theo.pergunta(last)
        theo.ouve("sim, " + last.split(", ")[-1])
        theo.diz(last, "Protocolo")


def test_hora_que_nao_ha_nao_perde_a_marcacao(chat):
    with chat("Caio") as theo:
        identify(theo, "modem com luz vermelha")
        theo.pergunta("técnico")
        theo.ouve("só posso depois das 18")
        theo.diz("não tem vaga")
        theo.ouve("1")
        theo.pergunta("onfirm")


@pytest.mark.parametrize("texto", ["preciso mudar pra terça", "não vou conseguir, outro dia", "sexta de manhã"])
def test_visita_consultada_se_muda_em_palavras_soltas(chat, texto):
    with chat("Ivone") as theo:
        identify(theo, "que horas o técnico vem?")
        theo.oferece("Manter", "Remarcar", "Cancelar")
        theo.ouve(texto)
        assert theo.opcoes and theo.opcoes[0] != "Manter", theo.transcript()


def test_remarca_e_depois_cancela(chat, stack):
    with chat("Ivone") as theo:
        theo.ouve("que horas o tecnico vem?")
        theo.ouve(theo.documento)
        theo.diz("sexta", "de tarde")
        theo.oferece("Manter", "Remarcar", "Cancelar a visita")
        theo.ouve("remarcar")
        theo.ouve("1")
        theo.ouve("pode ser")
        theo.diz("remarquei")
        (moved,) = [v for v in stack.erp.visits("1007") if v.status is VisitStatus.SCHEDULED]
        theo.ouve("voltou sozinha, cancela a visita")
        theo.pergunta("ancel")
        theo.ouve("sim")
        theo.diz("cancelada")
        assert stack.erp.visit(moved.id).status is VisitStatus.CANCELLED


def test_tecnico_nao_veio_tem_prioridade(chat):
    with chat("Ivone") as theo:
        theo.ouve("o tecnico ficou de vir e ninguem apareceu")
        theo.ouve(theo.documento)
        theo.diz("Sinto muito", "prioridade")
        theo.diz_protocolo()


@pytest.mark.parametrize(("palavras", "contrato"), [("a do bessa", "Nevinha"), ("o de 300 mega", "Infante"), ("tambaú", "Infante")])
def test_endereco_escolhido_pelo_nome(chat, palavras, contrato):
    with chat("Hélio") as theo:
        identify(theo, "quero mudar de plano")
        theo.oferece("Nevinha", "Infante")
        theo.ouve(palavras)
        theo.pergunta("400 Mega" if contrato == "Nevinha" else "300 Mega")


# -- the script -------------------------------------------------------------------------------------------------


def test_sem_energia_uma_pergunta_por_vez_ate_acender(chat):
    with chat("Nair") as theo:
        identify(theo, "meu filho a internet parou")
        theo.pergunta("luz")
        theo.ouve("ta tudo apagado")
        theo.pergunta("tomada")
        theo.ouve("acendeu agora!")
        theo.diz("acendeu", "me chamar")


@pytest.mark.parametrize("texto", ["pera vou fazer", "um minuto vou ver", "1 min", "calma, tô indo lá"])
def test_quem_vai_fazer_ainda_nao_fez(chat, texto):
    with chat("Nair") as theo:
        identify(theo, "meu modem não liga")
        theo.pergunta("acendeu")
        theo.ouve(texto)
        theo.diz("Sem pressa")
        theo.pergunta("acendeu")
        theo.nao_diz("Ótimo")
        theo.ouve("acendeu")
        theo.diz("dois minutos")


def test_nao_repete_o_que_o_cliente_ja_fez(chat):
    with chat("Rafael") as theo:
        identify(theo, "internet caiu, ja reiniciei o modem 3 vezes")
        theo.nao_diz("Tira o aparelho da tomada")
        theo.pergunta("cabo")
        theo.ouve("por cabo tambem nao vai")
        theo.diz("técnico")


def test_negacao_vence_e_lista_pirata_nao_e_defeito(chat):
    with chat("Otávio") as theo:
        identify(theo, "minha lista iptv fica travando")
        theo.diz("homologa")
        theo.nao_diz("visita")


def test_lenta_so_longe_do_aparelho_e_o_wifi(chat):
    with chat("Rafael") as theo:
        identify(theo, "net ta uma carroça")
        theo.pergunta("tomada")
        theo.ouve("fiz isso e continua lenta")
        theo.pergunta("perto")
        theo.ouve("pertinho melhora")
        theo.diz("Wi-Fi dentro de casa")


def test_perigo_primeiro_a_seguranca(chat):
    with chat("Rafael") as theo:
        theo.ouve("o fio da internet caiu na rua soltando faisca")
        assert "segurança" in theo.baloes[1]["text"]
        theo.diz("193")


def test_reclamacao_no_meio_e_a_pergunta_volta(chat):
    with chat("Rafael") as theo:
        identify(theo, "sem internet")
        theo.pergunta("resolveu")
        theo.ouve("vcs abrem sabado?")
        theo.diz("sáb")
        theo.pergunta("resolveu")


# -- Wi-Fi ---------------------------------------------------------------------------------------------------------


def test_troca_senha_do_wifi_com_sim_explicito(chat):
    with chat("Severina") as theo:
        theo.ouve("esqueci a senha do wifi")
        theo.ouve(theo.documento)
        theo.pergunta("nova senha")
        theo.ouve("123")
        theo.diz("8")
        theo.ouve("netdavovo77")
        theo.pergunta("netdavovo77")
        theo.ouve("sim")
        theo.diz("Senha trocada")


def test_senha_corrigida_na_confirmacao(chat):
    with chat("Severina") as theo:
        identify(theo, "quero trocar a senha do wifi")
        theo.ouve("severina123")
        theo.pergunta("severina123")
        theo.ouve("não, quero SeverinaCasa2026")
        theo.pergunta("SeverinaCasa2026")
        theo.ouve("isso")
        theo.diz("Senha trocada")


def test_aparelho_que_nao_aceita_troca_vira_chamado(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero mudar a senha do wi-fi")
        theo.ouve(theo.documento)
        theo.diz("suporte")
        theo.diz_protocolo()


# -- earlier requests -----------------------------------------------------------------------------------------------


def test_andamento_do_chamado(chat):
    with chat("Ivone") as theo:
        theo.ouve("e o meu chamado? 20261118007734")
        theo.ouve(theo.documento)
        theo.diz("20261118007734", "visita marcada")


def test_protocolo_solto_e_uma_pergunta_por_ele(chat):
    with chat("Ivone") as theo:
        identify(theo, "como está meu chamado?")
        theo.diz("20261118007734")
        theo.ouve("e o 20261118007734")
        theo.diz("20261118007734", "visita")


def test_protocolo_de_outra_pessoa_nao_se_mostra(chat):
    with chat("Marlene") as theo:
        theo.ouve("como anda o protocolo 20261118007734")
        theo.ouve(theo.documento)
        theo.diz("Não encontrei")
        theo.nao_diz("lenta", "sexta")


# -- two wishes ------------------------------------------------------------------------------------------------------


def test_dois_pedidos_o_outro_e_oferecido_depois(chat):
    with chat("Marlene") as theo:
        identify(theo, "quero meu boleto e também quero trocar a senha do wifi")
        theo.manda_pix()
        theo.pergunta("senha do Wi-Fi")
        theo.ouve("sim")
        theo.diz_protocolo()


def test_servico_deixado_no_meio_e_oferecido_depois(chat):
    with chat("Rafael") as theo:
        theo.ouve("quero mudar meu vencimento")
        theo.ouve(theo.documento)
        theo.pergunta("dia")
        theo.ouve("manda o boleto antes")
        theo.manda_pix()
        theo.diz("vencimento")
        theo.ouve("sim")
        theo.pergunta("dia")


def test_o_urgente_vem_primeiro_e_o_boleto_depois(chat):
    with chat("Caio") as theo:
        theo.ouve("manda o boleto e tô sem internet")
        theo.ouve(theo.documento)
        theo.diz("sinal da fibra não está chegando")
        theo.nao_diz("fatura")
        theo.ouve("de manhã")
        theo.ouve("sim")
        theo.diz("Visita marcada")
        theo.pergunta("segunda via da conta")
        theo.ouve("sim")
        theo.diz("nenhuma fatura em aberto")


def test_pergunta_junto_do_pedido_e_respondida_na_hora(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero a segunda via da conta e que horas vocês abrem?")
        theo.diz("A loja abre")
        theo.pergunta("CPF ou CNPJ")


def test_visita_que_ainda_nao_chegou_nao_e_dita_como_perdida(chat):
    with chat("Ivone") as theo:
        theo.ouve("o tecnico ficou de vir e ninguem apareceu")
        theo.ouve(theo.documento)
        theo.diz("ainda não chegou", "prioridade")
        ticket = theo.stack.erp.ticket(theo.diz_protocolo())
        assert "ninguem apareceu" in ticket.text


def test_continua_apagado_na_hora_de_marcar_nao_recomeca_o_roteiro(chat):
    with chat("Nair") as theo:
        theo.ouve("o modem não liga")
        theo.ouve(theo.documento)
        theo.ouve("não acendeu")
        theo.pergunta("técnico")
        theo.ouve("o modem continua sem ligar")
        theo.nao_diz("tomada")
        theo.pergunta("técnico")


def test_audio_no_roteiro_nao_e_um_nao(chat):
    with chat("Marlene") as theo:
        theo.ouve("tô sem internet")
        theo.ouve(theo.documento)
        theo.recebe("audio")
        theo.diz("só consigo ler")
        theo.pergunta("Resolveu?")


def test_frase_inteira_no_lugar_da_senha_e_outro_assunto(chat):
    with chat("Severina") as theo:
        theo.ouve("quero trocar a senha do wifi")
        theo.ouve(theo.documento)
        theo.ouve("minha internet tá muito lenta")
        theo.nao_diz("Essa não serve")
        theo.pergunta("resolveu?")


def test_ja_reiniciei_nao_e_resolveu(chat):
    with chat("Rafael") as theo:
        theo.ouve("minha internet tá lenta")
        theo.ouve(theo.documento)
        theo.pergunta("resolveu?")
        theo.ouve("já reiniciei")
        theo.nao_diz("Que bom")
        theo.pergunta("perto")


def test_nao_sei_o_cpf_nao_vira_relato(chat):
    with chat("Marlene") as theo:
        theo.ouve("tô sem internet")
        theo.ouve("não sei meu cpf de cabeça")
        theo.diz("atendente")
        theo.pergunta("CPF ou CNPJ")

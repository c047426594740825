"""Whose data it is: to see it, to have the talk erased, and what is noted of grave deeds."""

from __future__ import annotations

import sqlalchemy as sa

from connectors.store import audit, inbox, outbox
from tests.integration.stack import Stack, wait_until
from tests.integration.talk import Talk, fold


def noted(stack: Stack) -> list[tuple[str, str, str | None]]:
    return [(row.who, row.what, row.protocol) for row in stack.rows(sa.select(audit).order_by(audit.c.id))]


def events_of(theo: Talk) -> int:
    query = sa.text("SELECT count(*) FROM events WHERE sender_id = :who").bindparams(who=theo.conversation)
    return int(theo.stack.rows(query)[0][0])


def test_meus_dados_depois_de_saber_quem_e(chat):
    with chat("Marlene") as theo:
        theo.ouve("meus dados")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.diz("Marlene S. L.", "Contrato 1001", "400 Mega", "Bessa", "90 dias", "lacrados")
        theo.nao_diz("Souza", "Hortênsias", "123.123", "1961", "99111")


def test_meus_dados_nao_sao_de_quem_so_sabe_o_cpf(chat):
    with chat("Marlene", phone="5583988001122") as theo:
        theo.ouve("quais dados vocês têm sobre mim?")
        theo.ouve("123.123.123-87")
        theo.pergunta("data de nascimento")
        theo.ouve("15/03/1961")
        theo.nao_diz("Marlene", "1001", "Bessa")


def test_no_meio_de_outro_pedido_e_uma_vontade_propria(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero contestar minha fatura")
        theo.ouve("123.123.123-87")
        theo.ouve("apagar meus dados")
        theo.oferece("Sim, apagar", "Não")


def test_apagar_meus_dados_com_um_sim(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("oi, manda meu boleto", "o da Marlene")
        theo.ouve("123.123.123-87")
        theo.ouve("apagar meus dados")
        theo.diz("Contrato, faturas", "lei")
        theo.oferece("Sim, apagar", "Não")
        assert events_of(theo) > 10
        theo.ouve("sim")
        theo.diz("apaguei a nossa conversa até aqui", "lei", "90 dias")
        protocol = theo.diz_protocolo()
        assert events_of(theo) == 0
        kept = stack.rows(sa.select(inbox).where(inbox.c.conversation == theo.conversation))
        assert {row.state for row in kept} == {"erased"}
        assert not any("lacre" in row.content or theo.phone in row.content for row in kept)
        sent = stack.rows(sa.select(outbox).where(outbox.c.conversation == theo.conversation))
        assert len(sent) == len(theo.baloes), "only the last words, which say so"
        assert noted(stack)[-1] == ("5583*****0001", "dados apagados", protocol)
        # what the law has kept is there, and the talk begins anew
        assert stack.erp.contract("1001").id == "1001" and stack.erp.invoice("50011").id == "50011"
        theo.ouve("oi")
        theo.diz("Protocolo deste atendimento")
        theo.ouve("manda meu boleto")
        theo.pergunta("CPF ou CNPJ")


def test_sem_um_sim_nada_se_apaga(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("quero que apaguem meus dados")
        theo.ouve("123.123.123-87")
        before = events_of(theo)
        for answer in ("peraí", "não"):
            theo.ouve(answer)
        theo.diz("não apaguei nada")
        assert events_of(theo) > before
        assert noted(stack) == []


def test_o_que_chega_de_novo_depois_de_apagar_nao_volta_a_ser_respondido(chat, stack):
    """The gateway repeats a message minutes later: its id is known though its words are gone."""
    with chat("Marlene") as theo:
        with stack.simulator.trouble(duplicates=2):
            theo.ouve("apagar meus dados")
            theo.ouve("123.123.123-87")
            theo.ouve("sim")
            stack.wait_until_quiet()
        theo.diz("apaguei")
        assert events_of(theo) == 0
        assert fold(theo.transcript()).count("apaguei a nossa conversa") == 1


def test_um_desbloqueio_fica_anotado_uma_vez(chat, stack):
    with chat("Josenildo") as theo:
        theo.ouve("desbloqueia minha internet")
        theo.ouve(theo.documento)
        theo.ouve("não")
        assert noted(stack) == []
    with chat("Josenildo") as theo:
        theo.ouve("desbloqueia minha internet")
        theo.ouve("sim")
        theo.ouve("desbloqueia minha internet")
        [(who, what, protocol)] = noted(stack)
        assert (who, what) == ("5583*****0002", "desbloqueio em confiança")
        assert stack.erp.is_contact(protocol)


def test_cancelar_e_assumir_ficam_anotados(chat, stack):
    with chat("Otávio") as theo:
        theo.ouve("quero cancelar minha internet")
        theo.ouve(theo.documento)
        theo.ouve("pular")
        while "cancelar?" not in theo.fala:
            theo.ouve("não, quero cancelar mesmo")
        theo.ouve("sim")
        protocol = theo.diz_protocolo()
        theo.atendente_escreve("Oi Otávio, aqui é a Júlia")
        theo.atendente_escreve("já te ajudo")
        theo.atendente_escreve("volta theo")
        wait_until(lambda: len(noted(stack)) >= 3, 10, "nothing was noted")
    who = "5583*****0013"
    assert noted(stack) == [
        (who, "cancelamento", protocol), (who, "conversa assumida", None), (who, "conversa devolvida", None),
    ]  # fmt: skip

"""The gateway on a bad day: repeated and shuffled deliveries, refused and slow sends, a phone that goes off line."""

from __future__ import annotations

import time

import sqlalchemy as sa

from connectors.store import inbox, outbox
from tests.integration.stack import wait_until
from tests.integration.talk import open_talk


def order_of(stack, phone):
    """Theo's bubbles in a chat: their ids, in the order in which they came."""
    return [m["id"] for m in stack.simulator.messages(phone) if m["from"] == "theo"]


# -- webhooks ------------------------------------------------------------------------------------------


def test_entrega_repetida_e_respondida_uma_vez(chat, stack):
    with chat("Marlene") as theo, stack.simulator.trouble(duplicates=5):
        theo.ouve("manda o pix da minha fatura")
        theo.pergunta("CPF ou CNPJ")
        assert len(theo.baloes) == 2, theo.transcript()
        theo.ouve("123.123.123-87")
        theo.manda_pix("99,90")
        theo.diz_uma_vez("mais alguma coisa")
        assert stack.rows(sa.select(sa.func.count()).select_from(inbox))[0][0] == 2


def test_entregas_fora_de_ordem_ainda_sao_um_turno(chat, stack):
    with chat("Marlene") as theo, stack.simulator.trouble(reorder=True):
        for text in ("bom dia", "quero a segunda via"):
            stack.simulator.say(theo.phone, {"kind": "text", "text": text}, wait=False)
        wait_until(lambda: len(order_of(stack, theo.phone)) >= 2, 20, "no answer")
        time.sleep(1)
        theo.espera()
        theo.diz_uma_vez("protocolo")
        theo.pergunta("CPF ou CNPJ")


def test_aviso_de_mensagem_a_caminho_e_depois_a_mensagem(chat, stack):
    with chat() as theo:
        theo.recebe("waiting", text="quero a segunda via", delay=0.5)
        theo.pergunta("CPF ou CNPJ")
        theo.diz_uma_vez("protocolo")


def test_mensagem_editada_antes_da_resposta(chat, stack):
    with chat() as theo:
        sent = theo.ouve_sem_esperar("quero canselar")
        stack.simulator.say(theo.phone, {"kind": "edit", "message_id": sent, "text": "quero a segunda via"})
        theo.espera()
        theo.pergunta("CPF ou CNPJ")
        theo.nao_diz("cancel")


def test_mensagem_editada_depois_da_resposta(chat, stack):
    with chat() as theo:
        theo.ouve("oi")
        sent = theo.ouve_sem_esperar("onde fica a loja?")
        theo.espera()
        theo.diz("Epitácio Pessoa")
        theo.recebe("edit", message_id=sent, text="quero a segunda via")
        theo.pergunta("CPF ou CNPJ")


def test_mensagem_apagada_antes_da_resposta(chat, stack):
    with chat() as theo:
        theo.ouve("oi")
        sent = theo.ouve_sem_esperar("quero cancelar minha internet")
        stack.simulator.say(theo.phone, {"kind": "delete", "message_id": sent})
        theo.espera()
        theo.cala()


# -- sends ---------------------------------------------------------------------------------------------


def test_erros_500_no_envio_nao_perdem_nem_trocam_nada(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("oi")
        stack.simulator.faults(send_status=500, send_fail_count=2)
        theo.ouve("boleto")
        theo.pergunta("CPF ou CNPJ")
        stack.simulator.faults(send_status=429, send_fail_count=1)
        theo.ouve("123.123.123-87")
        theo.manda_pix("99,90")
        theo.manda_linha("99,90")
        theo.manda_pdf("99,90")
        assert order_of(stack, theo.phone) == [row.message_id for row in stack.sent_to(theo.conversation)]
        assert [s["status"] for s in stack.simulator.sends() if s["status"] != 200] == [500, 500, 429]


def test_envio_lento_de_um_nao_atrasa_a_resposta_aos_outros(chat, stack):
    with chat() as slow, chat() as other:
        slow.ouve("oi")
        other.ouve("oi")
        with stack.simulator.trouble(send_delay_seconds=3):
            slow.ouve_sem_esperar("onde fica a loja?")
            other.ouve_sem_esperar("que horas abre a loja?")
            slow.espera()
            slow.diz("Epitácio Pessoa")
            other.espera()
            other.diz("8h")


def test_assinatura_recusada_nao_e_tentada_sem_fim_e_e_dita_em_voz_alta(chat, stack):
    with chat() as theo:
        theo.ouve("oi")
        before = len(stack.simulator.sends())
        with stack.simulator.trouble(send_status=403):
            theo.ouve("onde fica a loja?")
            theo.cala()
            time.sleep(2)
            assert len(stack.simulator.sends()) - before == 1
        rows = stack.rows(sa.select(outbox.c.state, outbox.c.error).where(outbox.c.state == "failed"))
        assert len(rows) == 1 and "403" in rows[0].error
        assert "NOT sent" in stack.log("theo", 200)
        theo.ouve("que horas abre?")
        theo.diz("8h")


def test_entrega_que_falha_depois_do_200_e_mandada_de_novo(chat, stack):
    with chat() as theo:
        theo.ouve("oi")
        stack.simulator.faults(delivery_error="Timeout on send message")
        theo.ouve_sem_esperar("onde fica a loja?")
        wait_until(lambda: len(stack.simulator.sends()) >= 3, 20, "no send")
        stack.simulator.calm()
        wait_until(lambda: len(order_of(stack, theo.phone)) >= 3, 30, "it was not sent again")
        theo.espera()
        theo.diz_uma_vez("Epitácio Pessoa")


# -- the phone -----------------------------------------------------------------------------------------


def test_celular_desconectado_e_a_fila_chega_em_ordem(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("oi")
        theo.ouve_sem_esperar("boleto 123.123.123-87")
        stack.simulator.faults(connected=False)
        wait_until(lambda: not stack.unanswered(), 30, "no turn")
        stack.simulator.say(theo.phone, {"kind": "text", "text": "que horas abre a loja?"}, wait=False)
        time.sleep(1)
        hidden = len(stack.sent_to(theo.conversation)) - len(order_of(stack, theo.phone))
        assert hidden > 0, theo.transcript()
        stack.simulator.faults(connected=True)
        wait_until(lambda: len(order_of(stack, theo.phone)) >= 10, 30, lambda: "not flushed\n" + theo.transcript())
        theo.espera()
        theo.manda_pix("99,90")
        theo.manda_pdf("99,90")
        theo.pergunta("8h")
        assert order_of(stack, theo.phone) == [row.message_id for row in stack.sent_to(theo.conversation)]


# -- people on the company's phone ---------------------------------------------------------------------


def test_atendente_assume_pelo_celular_e_devolve(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("segunda via")
        theo.atendente_escreve("Oi, aqui é a Ana do time, posso ajudar?")
        theo.ouve("quero meu boleto")
        theo.cala()
        theo.recebe("audio")
        theo.cala()
        theo.atendente_escreve("theo pode voltar")
        theo.ouve("manda o pix da minha conta")
        if "CPF" in theo.fala:
            theo.ouve("123.123.123-87")
        theo.manda_pix("99,90")


def test_o_eco_das_proprias_mensagens_nao_e_um_atendente(chat, stack):
    with chat() as theo:
        for text in ("oi", "onde fica a loja?", "que horas abre?"):
            theo.ouve(text)
            assert theo.baloes


def test_atendente_assume_so_aquela_conversa(stack):
    with open_talk(stack) as taken, open_talk(stack) as free:
        taken.ouve("oi")
        taken.atendente_escreve("oi, já te atendo")
        free.ouve("oi")
        free.diz("Theo")
        taken.ouve("tá bom")
        taken.cala()

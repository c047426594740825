"""Menus as WhatsApp lists and buttons (`ZAPI_MENUS`): a tap, a number and the option's own words mean the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from backoffice.records import ContractStatus
from tests.integration.stack import Stack, wait_until
from tests.integration.talk import Talk, open_talk


@pytest.fixture(scope="module")
def with_buttons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Programs that send buttons where they fit, lists where they do not."""
    with Stack(tmp_path_factory.mktemp("buttons"), ZAPI_MENUS="buttons") as stack:
        yield stack


@pytest.fixture
def stack(with_buttons: Stack) -> Stack:
    with_buttons.forget_everything()
    return with_buttons


@pytest.fixture
def chat(stack: Stack) -> Callable[..., Talk]:
    return lambda who=None, phone=None: open_talk(stack, who, phone=phone)


def methods(stack):
    return [send["method"] for send in stack.simulator.sends()]


def test_toca_na_lista_e_nos_botoes(chat, stack):
    with chat("Josenildo") as theo:
        theo.ouve("oi")
        assert theo.baloes[-1]["kind"] == "list"
        theo.ouve("libera minha internet em confiança")
        theo.ouve("222.333.444-05")
        assert theo.baloes[-1]["kind"] == "buttons"
        theo.oferece("Sim", "Não")
        theo.toca("Sim")
        theo.diz("liberada")
        assert stack.erp.contract("1002").status is ContractStatus.ACTIVE
        assert {"send-option-list", "send-button-list", "send-text"} <= set(methods(stack))


@pytest.mark.parametrize("escolha", ["1", "1️⃣", "a primeira", "2ª via da conta", "segunda via pfv", None])
def test_a_lista_se_responde_de_qualquer_jeito(chat, escolha):
    with chat() as theo:
        theo.ouve("oi")
        if escolha is None:
            theo.toca("2ª via")
        else:
            theo.ouve(escolha)
        theo.pergunta("CPF ou CNPJ")


def test_fatura_escolhida_com_toques(chat):
    with chat("Tânia") as theo:
        theo.ouve("oi")
        theo.toca("2ª via")
        theo.ouve("246.813.579-28")
        theo.toca("R$ 47,96")
        theo.toca("Pix")
        theo.manda_pix("47,96")


def test_titulo_comprido_aparece_inteiro(chat):
    with chat("Hélio") as theo:
        theo.ouve("segunda via")
        theo.ouve("808.707.606-02")
        theo.oferece("Rua Nevinha Cavalcante, 12, Bessa", "Rua Infante Dom Henrique, 220, Tambaú")
        theo.toca("Infante Dom Henrique")
        theo.pergunta("R$ 79,90")


def test_toque_num_menu_antigo_ainda_vale(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("oi")
        menu = theo.baloes[-1]
        theo.ouve("onde fica a loja?")
        theo.diz("Epitácio Pessoa")
        option = next(o["id"] for o in menu["options"] if "atendente" in f"{o['title']} {o.get('description')}")
        theo.recebe("option", message_id=menu["id"], option_id=option)
        theo.diz_protocolo()


def test_menu_recusado_na_entrega_vai_como_texto(chat, stack):
    with chat() as theo:
        theo.ouve("vc é um robô?")
        refusal = "You must accept buttons message terms in panel to send this message."
        stack.simulator.faults(delivery_error=refusal, pace_seconds=1)
        theo.ouve_sem_esperar("menu")
        wait_until(lambda: methods(stack)[-2:] == ["send-option-list", "send-text"], 20, "no text after the list")
        stack.simulator.calm()
        theo.espera()
        theo.oferece("2ª via", "Suporte", "Contratar", "cobertura", "Cancelar", "atendente")
        assert theo.baloes[-1]["kind"] == "text"
        theo.ouve("1")
        theo.pergunta("CPF ou CNPJ")

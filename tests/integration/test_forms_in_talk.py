"""What people do in the middle of a form: side questions, changes of mind, photos, corrections."""

from __future__ import annotations

import pytest

from backoffice.records import ContractStatus
from tests.integration.talk import fold

SIDE_QUESTIONS = [
    ("que horas vcs abrem amanhã?", "loja"),
    ("onde fica a loja?", "Epitácio Pessoa"),
    ("aceita cartão?", "Pix"),
    ("obrigado", ""),
    ("vc é um robô?", "assistente virtual|robô|programa"),
    ("que atendimento ótimo, parabéns", ""),
    ("que demora, vcs são péssimos", "sinto|desculpa|razão"),
    ("vc sabe o resultado do jogo do botafogo?", "internet"),
    ("como assim? não entendi", ""),
    ("oi", ""),
]


@pytest.mark.parametrize(("texto", "resposta"), SIDE_QUESTIONS)
def test_pergunta_do_lado_e_o_formulario_segue(chat, texto, resposta):
    with chat("Marlene") as theo:
        theo.ouve("quero o pix da minha fatura")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve(texto)
        assert any(fold(word) in fold(theo.fala) for word in resposta.split("|")), theo.transcript()
        assert len(theo.baloes) >= 2, theo.transcript()
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.manda_pix("99,90")


def test_pergunta_do_lado_em_cada_passo(chat):
    with chat("Wagner") as theo:
        theo.ouve("segunda via")
        theo.ouve("que horas abre a loja?")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("135.792.468-28")
        theo.oferece("79,90", "79,90", "Todas")
        theo.ouve("vc é gente?")
        theo.oferece("79,90", "79,90", "Todas")
        theo.ouve("2")
        theo.oferece("Pix", "Código de barras", "PDF", "Tudo")
        theo.ouve("obrigada")
        theo.oferece("Pix", "Código de barras", "PDF", "Tudo")
        theo.ouve("código de barras")
        theo.manda_linha("79,90")


def test_pergunta_do_lado_na_confirmacao_nao_confirma(chat, stack):
    with chat("Josenildo") as theo:
        theo.ouve("libera em confiança")
        theo.ouve("222.333.444-05")
        theo.pergunta("3 dias")
        theo.ouve("onde fica a loja de vocês?")
        theo.diz("Epitácio Pessoa")
        theo.oferece("Sim", "Não")
        assert stack.erp.contract("1002").status is ContractStatus.BLOCKED_FOR_DEBT
        theo.ouve("sim")
        assert stack.erp.contract("1002").status is ContractStatus.ACTIVE


@pytest.mark.parametrize("texto", ["oxe", "peraí", "tem certeza?", "nossa", "deixa eu ver com meu marido aqui"])
def test_espanto_e_espera_nao_sao_um_sim(chat, stack, texto):
    with chat("Josenildo") as theo:
        theo.ouve("libera em confiança")
        theo.ouve("222.333.444-05")
        theo.ouve(texto)
        assert stack.erp.contract("1002").status is ContractStatus.BLOCKED_FOR_DEBT, theo.transcript()


@pytest.mark.parametrize(
    "texto", ["o cpf é do meu marido, pode ser?", "a conta é no nome do meu pai", "tá no nome da minha mãe"]
)
def test_contrato_de_outra_pessoa_nao_e_troca_de_titular(chat, texto):
    with chat("Marlene") as theo:
        theo.ouve("quero o pix da minha conta")
        theo.ouve(texto)
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.manda_pix("99,90")


def test_espera_tem_resposta_e_a_pergunta_fica_de_pe(chat, stack):
    with chat("Josenildo") as theo:
        theo.ouve("libera em confiança")
        theo.ouve("só um minuto")
        theo.diz("Sem pressa")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("222.333.444-05")
        theo.ouve("peraí que vou ver")
        theo.oferece("Sim", "Não")
        theo.ouve("pronto, pode liberar")
        assert stack.erp.contract("1002").status is ContractStatus.ACTIVE, theo.transcript()


@pytest.mark.parametrize("kind", ["audio", "image", "sticker", "location", "video", "contact", "document", "call"])
def test_midia_no_formulario_e_ele_segue(chat, kind):
    with chat("Marlene") as theo:
        theo.ouve("quero o pix da minha fatura")
        theo.recebe(kind)
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.manda_pix("99,90")


def test_foto_junto_com_o_documento_digitado(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("quero o pix da minha fatura")
        theo.recebe("image", caption="meu cpf 123.123.123-87")
        theo.manda_pix("99,90")


def test_desiste_e_o_documento_depois_nao_retoma(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero a segunda via")
        theo.ouve("deixa pra lá, não quero mais informar")
        theo.nao_diz("CPF")
        theo.ouve("oi")
        theo.oferece("2ª via", "Suporte", "Contratar", "cobertura", "Cancelar", "atendente")


def test_desiste_e_comeca_outra_coisa(chat):
    with chat("Marlene") as theo:
        theo.ouve("muda meu vencimento")
        theo.ouve("deixa pra la")
        theo.ouve("quero o pix da fatura")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.manda_pix("99,90")


def test_outro_servico_no_meio(chat, stack):
    with chat("Marlene") as theo:
        theo.ouve("quero a segunda via")
        theo.ouve("123.123.123-87")
        theo.pergunta("Como você quer receber")
        theo.ouve("na verdade quero mudar meu vencimento pro dia 15")
        theo.nao_diz("CPF ou CNPJ")
        theo.pergunta("dia 15")
        theo.ouve("sim")
        assert stack.erp.contract("1001").due_day == 15


def test_outro_servico_antes_do_documento(chat):
    with chat("Josenildo") as theo:
        theo.ouve("quero a segunda via")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("melhor, libera minha internet em confiança")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("222.333.444-05")
        theo.pergunta("3 dias")


def test_tres_servicos_numa_conversa_com_um_so_documento(chat):
    with chat("Tânia") as theo:
        theo.ouve("quero o pix da minha fatura")
        theo.ouve("246.813.579-28")
        theo.ouve("todas")
        theo.manda_pix("119,90")
        theo.ouve("e por que veio mais caro esse mês? quero contestar")
        theo.diz("Pró-rata")
        theo.ouve("não concordo com a pró-rata")
        theo.diz_protocolo()
        theo.ouve("queria mudar o vencimento pro dia 20")
        theo.pergunta("dia 20")
        theo.nao_diz("CPF")


def test_atendente_no_meio_do_formulario(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero a segunda via")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("quero falar com um atendente")
        theo.diz_protocolo()
        theo.nao_diz("CPF")
        theo.ouve("obrigada")
        theo.nao_diz("CPF")


def test_nao_quer_dar_o_documento(chat):
    with chat() as theo:
        theo.ouve("segunda via")
        theo.ouve("não")
        theo.diz("atendente")


def test_ruido_no_formulario_tres_vezes_chama_uma_pessoa(chat):
    with chat() as theo:
        theo.ouve("segunda via")
        for noise in ("é aquilo lá do negócio", "mais ou menos", "depende"):
            theo.ouve(noise)
        theo.diz("pessoa")


def test_dado_que_nao_foi_pedido(chat):
    with chat("Marlene") as theo:
        theo.ouve("quero o pix da minha fatura")
        theo.ouve("moro na rua das hortênsias 45")
        theo.pergunta("CPF ou CNPJ")
        theo.ouve("123.123.123-87")
        theo.manda_pix("99,90")


def test_tchau_no_meio_encerra(chat):
    with chat() as theo:
        theo.ouve("segunda via")
        theo.ouve("tchau")
        theo.nao_diz("CPF")


def test_pede_o_menu_no_meio(chat):
    with chat() as theo:
        theo.ouve("segunda via")
        theo.ouve("menu")
        theo.oferece("2ª via", "Suporte", "Contratar", "cobertura", "Cancelar", "atendente")
        theo.nao_diz("CPF")
